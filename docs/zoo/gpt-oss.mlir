// A local layer of gpt-oss (arXiv 2508.10925): 64 query heads share 8 key heads, a
// query sees itself and the 127 keys before it, and a learned score per head, the
// sink, takes part in the sum of the softmax. The heads of the model have 64
// dimensions; here they have 128.
//
//     o = softmax([q k^T / sqrt(128) + (p - 128 < j <= p), sink[h]]) [v, 0]

func.func @gpt_oss(%q: tensor<?x?x64x128xbf16> {attn.name = "q"},
                   %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                   %v: tensor<?x?x8x128xbf16> {attn.name = "v"},
                   %sinks: tensor<64xf32> {attn.name = "sinks"})
    -> (tensor<?x?x64x128xbf16> {attn.name = "o"},
        tensor<?x64x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o, %lse = attn.attention %q, %kv
      mask(causal and window<127, 0>)
      sink(%sinks : tensor<64xf32>)
      : tensor<?x?x64x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>
  return %o, %lse : tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>
}
