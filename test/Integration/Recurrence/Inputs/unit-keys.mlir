// Keys of a length near 1 and strengths between 0 and 1, of random numbers.

#row = affine_map<(b, t, h, d) -> (b, t, h, d)>
#gate = affine_map<(b, t, n) -> (b, t, n)>

!k = tensor<?x?x2x128xbf16>
!n = tensor<?x?x4xf32>

func.func @unit_keys(%x: !k {attn.name = "x"}, %y: !n {attn.name = "y"})
    -> (!k {attn.name = "k"}, !n {attn.name = "beta"}) {
  %length = arith.constant 0.088 : bf16
  %one = arith.constant 1.0 : f32
  %k = linalg.generic {
      indexing_maps = [#row, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : !k) outs(%x : !k) {
  ^bb0(%element: bf16, %unused: bf16):
    %scaled = arith.mulf %element, %length : bf16
    linalg.yield %scaled : bf16
  } -> !k
  %beta = linalg.generic {
      indexing_maps = [#gate, #gate],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y : !n) outs(%y : !n) {
  ^bb0(%element: f32, %unused: f32):
    %minus = arith.negf %element : f32
    %power = math.exp %minus : f32
    %sum = arith.addf %power, %one : f32
    %sigmoid = arith.divf %one, %sum : f32
    linalg.yield %sigmoid : f32
  } -> !n
  return %k, %beta : !k, !n
}
