// States [V, K] of f32 or bf16 come by bulk copies, into blocks of one warp or of four, of one or
// several tokens, and of keys that are half as wide; no more blocks than are wanted share a
// multiprocessor.

// RUN: attn-run %s --device=emulator --hazards --check | FileCheck %s
// RUN: sed -e 's/separate_warps = true, //' -e 's/blocks_per_multiprocessor = 12, //' -e 's/2x3x/2x1x/' %s > %t.mlir
// RUN: attn-run %t.mlir --device=emulator --hazards --check | FileCheck %s
// RUN: sed -e 's/2x3x/2x1x/g' -e 's/x64x/x128x/g' -e 's/x64xbf16/x128xbf16/' -e 's/x64xf32/x128xf32/' %s > %t.wide.mlir
// RUN: attn-run %t.wide.mlir --device=emulator --hazards --check | FileCheck %s
// RUN: sed -e 's/x64x64xf32/x64x64xbf16/' %s > %t.halves.mlir
// RUN: attn-run %t.halves.mlir --device=emulator --hazards --check | FileCheck %s
// RUN: attn-opt %s --emit=sm90 | FileCheck %s --check-prefix=SM90
// RUN: attn-opt %s --emit=ptx | FileCheck %s --check-prefix=PTX

// CHECK: compared o: relative error
// CHECK: compared final: relative error
// CHECK-NOT: WRONG

// SM90: shared_memory = 18432
// SM90: sm90.stage_strips
// SM90: sm90.take_strips

// PTX: .maxntid 32
// PTX: cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint
// PTX-NOT: ld.global.cs

#staged = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 168, persistent = false,
                         warp_roles = false, separate_warps = true, blocks_per_multiprocessor = 12, stage_strips = true>
#steps = #tile.schedule<block_q = 32, block_kv = 1, hoist_score_dot = false, split_masked_loop = false,
                        rescale_threshold = 0, section_bytes = 1, target = #staged>
!q = tensor<2x3x2x64xbf16>
!g = tensor<2x3x2xf32, #attn.gate<log>>
!b = tensor<2x3x2xf32>
!s = tensor<2x2x64x64xf32, #attn.state<value_key>>
func.func @staged(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"},
                  %g: !g {attn.name = "g"}, %beta: !b {attn.name = "beta"}, %s: !s {attn.name = "s"})
    -> (!q {attn.name = "o"}, !s {attn.name = "final"}) {
  %o, %f = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !b) write(%beta : !b) state(%s : !s)
      l2_normalize(1.0e-06) {tile.schedule = #steps} : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}
