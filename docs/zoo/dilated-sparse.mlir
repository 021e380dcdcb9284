// The strided pattern of the Sparse Transformer (arXiv 1904.10509) with a stride of 128:
// a query sees the 128 tokens up to itself, and every 128th before.
//
//     o = softmax(q k^T / sqrt(64)
//                 + (j <= p and (p - j < 128 or (p - j) mod 128 = 0))) v

func.func @dilated_sparse(%q: tensor<?x?x16x64xbf16> {attn.name = "q"},
                          %k: tensor<?x?x16x64xbf16> {attn.name = "k"},
                          %v: tensor<?x?x16x64xbf16> {attn.name = "v"})
    -> (tensor<?x?x16x64xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>
  %o = attn.attention %q, %kv mask(causal and (window<127, 0> or dilated<128>))
      : tensor<?x?x16x64xbf16>,
        !attn.kv<tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>>
      -> tensor<?x?x16x64xbf16>
  return %o : tensor<?x?x16x64xbf16>
}
