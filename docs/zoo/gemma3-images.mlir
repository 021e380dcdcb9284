// A local layer of Gemma 3 (arXiv 2503.19786) over text with images: a query sees a
// window of 1024 tokens that ends with it, and all tokens of its own image, in both
// directions. The ids number the images; text has -1. Scaled by 168^-1/2 in the 27B model.
//
//     o = softmax(q k^T / sqrt(168)
//                 + (p - 1024 < j <= p or ids[b, j] = ids[b, p] >= 0)) v

func.func @gemma3_images(%q: tensor<?x?x32x128xbf16> {attn.name = "q"},
                         %k: tensor<?x?x16x128xbf16> {attn.name = "k"},
                         %v: tensor<?x?x16x128xbf16> {attn.name = "v"},
                         %ids: tensor<?x?xi32> {attn.name = "ids"})
    -> (tensor<?x?x32x128xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>
  %o = attn.attention %q, %kv
      mask(causal and window<1023, 0> or span(%ids : tensor<?x?xi32>))
      scale(0.0771516785)
      : tensor<?x?x32x128xbf16>,
        !attn.kv<tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>>
      -> tensor<?x?x32x128xbf16>
  return %o : tensor<?x?x32x128xbf16>
}
