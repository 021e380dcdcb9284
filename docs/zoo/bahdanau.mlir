// Additive attention of Bahdanau (arXiv 1409.0473): the score of a pair is no product but a
// small network, computed beside the attention and given to it as a bias; the product is
// scaled by 0. There is no kernel for it: the score costs as much as it does here. The paper
// has 1000 units and states of 2000.
//
//     o = softmax_j(w tanh(s_i Ws + h_j Wh)) h
//
// Reference only: 'linalg.generic' op is not lowered to the tile level

#s = affine_map<(b, i, j, d) -> (b, i, d)>
#h = affine_map<(b, i, j, d) -> (b, j, d)>
#w = affine_map<(b, i, j, d) -> (d)>
#e = affine_map<(b, i, j, d) -> (b, i, j)>
!s = tensor<2x3x16xf32>
!h = tensor<2x5x16xf32>
!q = tensor<2x3x1x16xf32>
!k = tensor<2x5x1x16xf32>
!scores = tensor<2x3x5xf32>

func.func @bahdanau(%s: !s {attn.name = "s_ws"}, %hw: !h {attn.name = "h_wh"},
                    %h: !k {attn.name = "h"}, %w: tensor<16xf32> {attn.name = "w"})
    -> (!q {attn.name = "o"}) {
  %zero = arith.constant dense<0.0> : !scores
  %e = linalg.generic {indexing_maps = [#s, #h, #w, #e],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s, %hw, %w : !s, !h, tensor<16xf32>) outs(%zero : !scores) {
  ^bb0(%a: f32, %b: f32, %c: f32, %sum: f32):
    %both = arith.addf %a, %b : f32
    %bounded = math.tanh %both : f32
    %x = arith.mulf %bounded, %c : f32
    %r = arith.addf %x, %sum : f32
    linalg.yield %r : f32
  } -> !scores
  %bias = tensor.expand_shape %e [[0, 1], [2], [3]] output_shape [2, 1, 3, 5]
      : !scores into tensor<2x1x3x5xf32>
  %q = tensor.expand_shape %s [[0], [1], [2, 3]] output_shape [2, 3, 1, 16] : !s into !q
  %kv = attn.kv.dense %h, %h : !k, !k
  %o = attn.attention %q, %kv score(bias(%bias : tensor<2x1x3x5xf32>)) scale(0.0)
      : !q, !attn.kv<!k, !k> -> !q
  return %o : !q
}
