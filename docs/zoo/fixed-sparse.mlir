// The fixed pattern of the Sparse Transformer (arXiv 1904.10509) as a mask, in the sizes
// of its text model: a stretch of 128 and 32 columns.
//
//     o = softmax(q k^T / sqrt(64)
//                 + (j <= p and (j div 128 = p div 128 or j mod 128 >= 96))) v

func.func @fixed_sparse(%q: tensor<?x?x16x64xbf16> {attn.name = "q"},
                        %k: tensor<?x?x16x64xbf16> {attn.name = "k"},
                        %v: tensor<?x?x16x64xbf16> {attn.name = "v"})
    -> (tensor<?x?x16x64xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>
  %o = attn.attention %q, %kv mask(causal and (chunk<128> or column<128, 32>))
      : tensor<?x?x16x64xbf16>,
        !attn.kv<tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>>
      -> tensor<?x?x16x64xbf16>
  return %o : tensor<?x?x16x64xbf16>
}
