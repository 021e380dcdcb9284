// Cross-attention: queries of a text, keys and values of an image, with the shapes
// of Llama-3.2-11B-Vision. The two lengths are independent, and there is no mask.
//
//     o = softmax(q k^T / sqrt(128)) v

func.func @cross_attention(%q: tensor<?x?x32x128xbf16> {attn.name = "q"},
                           %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                           %v: tensor<?x?x8x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x32x128xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o = attn.attention %q, %kv
      : tensor<?x?x32x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x32x128xbf16>
  return %o : tensor<?x?x32x128xbf16>
}
