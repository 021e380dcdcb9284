// Attention with linear biases (arXiv 2108.12409) with the shapes of BLOOM-176B:
// a slope per head makes distant keys count less. There are no other positions.
//
//     o = softmax(q k^T / sqrt(128) - slopes[h] |p - j| + causal) v

func.func @alibi(%q: tensor<?x?x112x128xbf16> {attn.name = "q"},
                 %k: tensor<?x?x112x128xbf16> {attn.name = "k"},
                 %v: tensor<?x?x112x128xbf16> {attn.name = "v"},
                 %slopes: tensor<112xf32> {attn.name = "slopes"})
    -> (tensor<?x?x112x128xbf16> {attn.name = "o"},
        tensor<?x112x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x112x128xbf16>, tensor<?x?x112x128xbf16>
  %o, %lse = attn.attention %q, %kv
      mask(causal)
      score(alibi(%slopes : tensor<112xf32>))
      : tensor<?x?x112x128xbf16>,
        !attn.kv<tensor<?x?x112x128xbf16>, tensor<?x?x112x128xbf16>>
      -> tensor<?x?x112x128xbf16>, tensor<?x112x?xf32>
  return %o, %lse : tensor<?x?x112x128xbf16>, tensor<?x112x?xf32>
}
