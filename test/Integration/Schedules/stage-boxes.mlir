// States [K, V] come by boxes of a tensor map, of warps that share columns, some of them or
// none; of one token or several, which keep the first states; of values that are wider than
// a block.

// RUN: attn-run %s --device=emulator --hazards --check | FileCheck %s
// RUN: sed -e 's/strip_warps = 1/strip_warps = 2/' -e 's/2x3x/2x1x/' %s > %t.two.mlir
// RUN: attn-run %t.two.mlir --device=emulator --hazards --check | FileCheck %s
// RUN: sed -e 's/strip_warps = 1, //' -e 's/blocks_per_multiprocessor = 2, //' %s > %t.own.mlir
// RUN: attn-run %t.own.mlir --device=emulator --hazards --check | FileCheck %s
// RUN: attn-opt %s --emit=sm90 | FileCheck %s --check-prefix=SM90
// RUN: attn-opt %s --emit=ptx | FileCheck %s --check-prefix=PTX
// RUN: attn-opt %s --emit=bundle --ptxas= -o %t.bundle
// RUN: strings %t.bundle | FileCheck %s --check-prefix=BUNDLE

// CHECK: compared o: relative error
// CHECK: compared final: relative error
// CHECK-NOT: WRONG

// SM90: shared_memory = 115712
// SM90: sm90.stage_boxes
// SM90: sm90.take_strips

// PTX: .maxntid 128
// PTX: cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint
// PTX-NOT: ld.global.cs
// PTX: st.global.cs

// BUNDLE: "kind":"tensor_map","tensor":5,"swizzle":0,"dims":{{\[\[}}3,-1,1,64,0],[2,-1,1,16,0],[1,-1,1,1,0],[0,-1,1,1,0]]

#staged = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 256, persistent = false,
                         warp_roles = false, strip_warps = 1, blocks_per_multiprocessor = 2, stage_strips = true>
#steps = #tile.schedule<block_q = 64, block_kv = 1, hoist_score_dot = false, split_masked_loop = false,
                        rescale_threshold = 0, section_bytes = 1, target = #staged>
!q = tensor<2x3x2x64xbf16>
!v = tensor<2x3x2x128xbf16>
!g = tensor<2x3x2x64xf32, #attn.gate<log>>
!b = tensor<2x3x2xf32>
!s = tensor<2x2x64x128xf32, #attn.state<key_value>>
func.func @staged(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !v {attn.name = "v"},
                  %g: !g {attn.name = "g"}, %beta: !b {attn.name = "beta"}, %s: !s {attn.name = "s"})
    -> (!v {attn.name = "o"}, !s {attn.name = "final"}) {
  %o, %f = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !b) write(%beta : !b) state(%s : !s)
      l2_normalize(1.0e-06) {tile.schedule = #steps} : !q, !q, !v -> !v state(!s)
  return %o, %f : !v, !s
}
