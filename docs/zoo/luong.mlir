// Global attention of Luong (arXiv 1508.04025), the general score: a decoder's state meets
// all states of the encoder through a matrix, which goes into the query. With the identity
// it is the dot score. Scores are not scaled; keys and values are the same states, of 1000
// cells in the paper.
//
//     o = softmax((q W) h^T) h
//
// Reference only: 'tensor.empty' op is not lowered to the tile level

!q = tensor<2x3x1x16xf32>
!h = tensor<2x5x1x16xf32>
!rows = tensor<2x3x16xf32>

func.func @luong(%s: !rows {attn.name = "s"}, %h: !h {attn.name = "h"},
                 %w: tensor<16x16xf32> {attn.name = "w"}) -> (!q {attn.name = "o"}) {
  %zero = arith.constant dense<0.0> : !rows
  %weights = tensor.empty() : tensor<2x16x16xf32>
  %both = linalg.broadcast ins(%w : tensor<16x16xf32>)
      outs(%weights : tensor<2x16x16xf32>) dimensions = [0]
  %rows = linalg.batch_matmul ins(%s, %both : !rows, tensor<2x16x16xf32>)
      outs(%zero : !rows) -> !rows
  %q = tensor.expand_shape %rows [[0], [1], [2, 3]] output_shape [2, 3, 1, 16]
      : !rows into !q
  %kv = attn.kv.dense %h, %h : !h, !h
  %o = attn.attention %q, %kv scale(1.0) : !q, !attn.kv<!h, !h> -> !q
  return %o : !q
}
