// Multi-query attention (Fast Transformer Decoding, arXiv 1911.02150) with the
// shapes of StarCoder (arXiv 2305.06161): 48 query heads share one key head.
//
//     o = softmax(q k^T / sqrt(128) + causal) v

func.func @mqa(%q: tensor<?x?x48x128xbf16> {attn.name = "q"},
               %k: tensor<?x?x1x128xbf16> {attn.name = "k"},
               %v: tensor<?x?x1x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x48x128xbf16> {attn.name = "o"},
        tensor<?x48x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x48x128xbf16>,
        !attn.kv<tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>>
      -> tensor<?x?x48x128xbf16>, tensor<?x48x?xf32>
  return %o, %lse : tensor<?x?x48x128xbf16>, tensor<?x48x?xf32>
}
