// A local layer of Gemma-2-27B (arXiv 2408.00118): scores are scaled by 144^-1/2
// rather than by 128^-1/2, bounded by 50, and masked to a window of 4096 tokens.
//
//     o = softmax(50 tanh(q k^T / 12 / 50) + (p - 4096 < j <= p)) v

func.func @gemma2_softcap(%q: tensor<?x?x32x128xbf16> {attn.name = "q"},
                          %k: tensor<?x?x16x128xbf16> {attn.name = "k"},
                          %v: tensor<?x?x16x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x32x128xbf16> {attn.name = "o"},
        tensor<?x32x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>
  %o, %lse = attn.attention %q, %kv
      mask(causal and window<4095, 0>)
      score(softcap<50.0>)
      scale(0.0833333358)
      : tensor<?x?x32x128xbf16>,
        !attn.kv<tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>>
      -> tensor<?x?x32x128xbf16>, tensor<?x32x?xf32>
  return %o, %lse : tensor<?x?x32x128xbf16>, tensor<?x32x?xf32>
}
