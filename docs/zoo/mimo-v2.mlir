// A local layer of MiMo-V2-Flash (2025): keys of 192 dimensions and values of 128, 64
// query heads over 8 key heads, a window of 128 tokens and a sink per head.
//
//     o = softmax([q k^T / sqrt(192) + (p - 128 < j <= p), sink[h]]) [v, 0]

func.func @mimo_v2(%q: tensor<?x?x64x192xbf16> {attn.name = "q"},
                   %k: tensor<?x?x8x192xbf16> {attn.name = "k"},
                   %v: tensor<?x?x8x128xbf16> {attn.name = "v"},
                   %sinks: tensor<64xf32> {attn.name = "sinks"})
    -> (tensor<?x?x64x128xbf16> {attn.name = "o"},
        tensor<?x64x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x192xbf16>, tensor<?x?x8x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal and window<127, 0>)
      sink(%sinks : tensor<64xf32>)
      : tensor<?x?x64x192xbf16>,
        !attn.kv<tensor<?x?x8x192xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>
  return %o, %lse : tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>
}
