// Attention with a bias per pair, as AlphaFold (doi 10.1038/s41586-021-03819-2) has it: the
// pair representation says how much residues have to do with each other. Rows of the
// alignment are the batch and share the bias.
//
//     o = softmax(q k^T / sqrt(32) + bias[h, i, j]) v
//
// Reference only: 'attn.bias' op is not lowered to the tile level

!q = tensor<?x?x8x32xbf16>
!bias = tensor<1x8x?x?xf32>

func.func @pair_bias(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                     %v: !q {attn.name = "v"}, %bias: !bias {attn.name = "bias"})
    -> (!q {attn.name = "o"}, tensor<?x8x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !q, !q
  %o, %lse = attn.attention %q, %kv score(bias(%bias : !bias))
      : !q, !attn.kv<!q, !q> -> !q, tensor<?x8x?xf32>
  return %o, %lse : !q, tensor<?x8x?xf32>
}
