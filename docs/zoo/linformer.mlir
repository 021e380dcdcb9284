// Linformer (arXiv 2006.04768): keys and values are projected along the sequence, from n to
// k rows, with learned matrices, and the queries attend to these. There k is 256.
//
//     o = softmax(q (E k)^T / sqrt(16)) (F v)
//
// Reference only: 'linalg.generic' op is not lowered to the tile level

#m = affine_map<(b, r, h, d, j) -> (r, j)>
#k = affine_map<(b, r, h, d, j) -> (b, j, h, d)>
#r = affine_map<(b, r, h, d, j) -> (b, r, h, d)>
!q = tensor<1x8x2x16xf32>
!rows = tensor<1x3x2x16xf32>
!e = tensor<3x8xf32>

func.func @linformer(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                     %v: !q {attn.name = "v"}, %e: !e {attn.name = "e"},
                     %f: !e {attn.name = "f"}) -> (!q {attn.name = "o"}) {
  %zero = arith.constant dense<0.0> : !rows
  %ek = linalg.generic {indexing_maps = [#m, #k, #r],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%e, %k : !e, !q) outs(%zero : !rows) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %x = arith.mulf %a, %b : f32
    %r = arith.addf %x, %sum : f32
    linalg.yield %r : f32
  } -> !rows
  %fv = linalg.generic {indexing_maps = [#m, #k, #r],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%f, %v : !e, !q) outs(%zero : !rows) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %x = arith.mulf %a, %b : f32
    %r = arith.addf %x, %sum : f32
    linalg.yield %r : f32
  } -> !rows
  %kv = attn.kv.dense %ek, %fv : !rows, !rows
  %o = attn.attention %q, %kv : !q, !attn.kv<!rows, !rows> -> !q
  return %o : !q
}
