// Vision transformer (ViT-L/16, arXiv 2010.11929) at 224 x 224: 196 patches and a class
// token see each other, 197 tokens, no multiple of any tile.
//
//     o = softmax(q k^T / sqrt(64)) v

func.func @vit(%q: tensor<?x?x16x64xbf16> {attn.name = "q"},
               %k: tensor<?x?x16x64xbf16> {attn.name = "k"},
               %v: tensor<?x?x16x64xbf16> {attn.name = "v"})
    -> (tensor<?x?x16x64xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>
  %o = attn.attention %q, %kv
      : tensor<?x?x16x64xbf16>,
        !attn.kv<tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>>
      -> tensor<?x?x16x64xbf16>
  return %o : tensor<?x?x16x64xbf16>
}
