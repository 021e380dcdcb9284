// A prefix language model (arXiv 1910.10683) with the shapes of PaliGemma (arXiv
// 2407.07726): the tokens of image and prompt see each other, the rest is causal.
//
//     o = softmax(q k^T / sqrt(256) + (j <= p or j < n[b])) v

func.func @prefix_lm(%q: tensor<?x?x8x256xbf16> {attn.name = "q"},
                     %k: tensor<?x?x1x256xbf16> {attn.name = "k"},
                     %v: tensor<?x?x1x256xbf16> {attn.name = "v"},
                     %n: tensor<?xi32> {attn.name = "n"})
    -> (tensor<?x?x8x256xbf16> {attn.name = "o"},
        tensor<?x8x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x1x256xbf16>, tensor<?x?x1x256xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal or prefix(%n : tensor<?xi32>))
      : tensor<?x?x8x256xbf16>,
        !attn.kv<tensor<?x?x1x256xbf16>, tensor<?x?x1x256xbf16>>
      -> tensor<?x?x8x256xbf16>, tensor<?x8x?xf32>
  return %o, %lse : tensor<?x?x8x256xbf16>, tensor<?x8x?xf32>
}
