// Native sparse attention (arXiv 2502.11089) as flash-linear-attention computes it: the
// query heads of a key head attend to means of blocks, to the tokens of the blocks that
// these weights choose, and to a window, each with a softmax of its own; gates add the
// three. Forced are the first block, the query's own and the one before. Here blocks of 4,
// 3 of them, a window of 6 and 2 heads to a key head; in the paper 64, 16, 512 and 16.
//
//     o = g1 softmax(q mean(k)^T s) mean(v) + g2 softmax(q k^T s + chosen) v
//         + g3 softmax(q k^T s + window) v      s = 16^-1/2, all causal
//
// Reference only: 'attn.compress' op is not lowered to the tile level

#all = affine_map<(b, i, h, d) -> (b, i, h, d)>
#row = affine_map<(b, i, h, d) -> (b, i, h)>
!q = tensor<1x14x4x16xf32>
!k = tensor<1x14x2x16xf32>
!m = tensor<1x4x2x16xf32>
!g = tensor<1x14x4xf32>
!positions = tensor<1x14xi32>
!blocks = tensor<1x14x2x3xi32>
!kv = !attn.kv<!k, !k>

func.func @nsa(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"}, %v: !k {attn.name = "v"},
               %g1: !g {attn.name = "g_cmp"}, %g2: !g {attn.name = "g_slc"},
               %g3: !g {attn.name = "g_swa"},
               %positions: !positions {attn.name = "positions"})
    -> (!q {attn.name = "o"}, !blocks {attn.name = "blocks"}) {
  %mk = attn.compress %k block<4> stride<4> partial : !k -> !m
  %mv = attn.compress %v block<4> stride<4> partial : !k -> !m
  %means = attn.kv.dense %mk, %mv : !m, !m
  // Whole blocks of the past.
  %o1 = attn.attention %q, %means positions(%positions : !positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %size = arith.constant 4 : index
    %one = arith.constant 1 : index
    %next = arith.addi %p, %one : index
    %whole = arith.floordivsi %next, %size : index
    %keep = arith.cmpi slt, %j, %whole : index
    attn.yield %keep : i1
  } : !q, !attn.kv<!m, !m> -> !q
  %blocks = attn.select %q, %mk positions(%positions : !positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %size = arith.constant 4 : index
    %one = arith.constant 1 : index
    %next = arith.addi %p, %one : index
    %whole = arith.floordivsi %next, %size : index
    %keep = arith.cmpi slt, %j, %whole : index
    attn.yield %keep : i1
  } scale(0.25) softmax block<4> forced<1, 2> top<3> : !q, !m -> !blocks
  %kv = attn.kv.dense %k, %v : !k, !k
  %chosen = attn.kv.gather %kv at %blocks block<4> : !kv, !blocks
  %o2 = attn.attention %q, %chosen mask(causal) : !q, !kv -> !q
  %o3 = attn.attention %q, %kv mask(causal and window<5, 0>) : !q, !kv -> !q
  %empty = tensor.empty() : !q
  %o = linalg.generic {indexing_maps = [#all, #all, #all, #row, #row, #row, #all],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%o1, %o2, %o3, %g1, %g2, %g3 : !q, !q, !q, !g, !g, !g) outs(%empty : !q) {
  ^bb0(%a: f32, %b: f32, %c: f32, %x: f32, %y: f32, %z: f32, %out: f32):
    %ax = arith.mulf %a, %x : f32
    %by = arith.mulf %b, %y : f32
    %cz = arith.mulf %c, %z : f32
    %two = arith.addf %ax, %by : f32
    %three = arith.addf %two, %cz : f32
    linalg.yield %three : f32
  } -> !q
  return %o, %blocks : !q, !blocks
}
