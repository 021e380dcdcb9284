// Softmax off by one ("Attention is off by one", Evan Miller, 2023): the sum has one
// more, so that a head can attend to nothing. It is a sink whose score is 0.
//
//     o = sum_j exp(x_j) v_j / (1 + sum_j exp(x_j))      x_j = q k_j / sqrt(64), j <= p
//
// Reference only: has the normalizer off_by_one, which is not lowered to the tile level

func.func @off_by_one(%q: tensor<?x?x4x64xbf16> {attn.name = "q"},
                      %k: tensor<?x?x2x64xbf16> {attn.name = "k"},
                      %v: tensor<?x?x2x64xbf16> {attn.name = "v"})
    -> (tensor<?x?x4x64xbf16> {attn.name = "o"},
        tensor<?x4x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal) normalizer<off_by_one>
      : tensor<?x?x4x64xbf16>,
        !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>
      -> tensor<?x?x4x64xbf16>, tensor<?x4x?xf32>
  return %o, %lse : tensor<?x?x4x64xbf16>, tensor<?x4x?xf32>
}
