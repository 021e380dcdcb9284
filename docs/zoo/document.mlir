// Packed training: a sequence holds several documents one after the other, and a
// query sees only its own document up to its own position.
//
//     o = softmax(q k^T / sqrt(128) + (ids[b, j] = ids[b, p] and j <= p)) v

func.func @document(%q: tensor<?x?x32x128xbf16> {attn.name = "q"},
                    %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                    %v: tensor<?x?x8x128xbf16> {attn.name = "v"},
                    %ids: tensor<?x?xi32> {attn.name = "ids"})
    -> (tensor<?x?x32x128xbf16> {attn.name = "o"},
        tensor<?x32x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o, %lse = attn.attention %q, %kv
      mask(causal and document(%ids : tensor<?x?xi32>))
      : tensor<?x?x32x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x32x128xbf16>, tensor<?x32x?xf32>
  return %o, %lse : tensor<?x?x32x128xbf16>, tensor<?x32x?xf32>
}
