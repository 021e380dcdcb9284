// A local layer of gpt-oss (arXiv 2508.10925): 64 query heads share 8 key heads, a
// query sees itself and the 127 keys before it, and a learned score per head, the
// sink, takes part in the sum of the softmax.
//
//     o = softmax([q k^T / sqrt(64) + (p - 128 < j <= p), sink[h]]) [v, 0]

func.func @gpt_oss(%q: tensor<?x?x64x64xbf16> {attn.name = "q"},
                   %k: tensor<?x?x8x64xbf16> {attn.name = "k"},
                   %v: tensor<?x?x8x64xbf16> {attn.name = "v"},
                   %sinks: tensor<64xf32> {attn.name = "sinks"})
    -> (tensor<?x?x64x64xbf16> {attn.name = "o"},
        tensor<?x64x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>
  %o, %lse = attn.attention %q, %kv
      mask(causal and window<127, 0>)
      sink(%sinks : tensor<64xf32>)
      : tensor<?x?x64x64xbf16>,
        !attn.kv<tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>>
      -> tensor<?x?x64x64xbf16>, tensor<?x64x?xf32>
  return %o, %lse : tensor<?x?x64x64xbf16>, tensor<?x64x?xf32>
}
