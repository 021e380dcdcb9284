// Multi-head attention without a mask (Attention Is All You Need, arXiv
// 1706.03762), as an encoder has it: every query sees every key.
//
//     o = softmax(q k^T / sqrt(128)) v

func.func @mha(%q: tensor<?x?x16x128xbf16> {attn.name = "q"},
               %k: tensor<?x?x16x128xbf16> {attn.name = "k"},
               %v: tensor<?x?x16x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x16x128xbf16> {attn.name = "o"},
        tensor<?x16x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>
  %o, %lse = attn.attention %q, %kv
      : tensor<?x?x16x128xbf16>,
        !attn.kv<tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>>
      -> tensor<?x?x16x128xbf16>, tensor<?x16x?xf32>
  return %o, %lse : tensor<?x?x16x128xbf16>, tensor<?x16x?xf32>
}
