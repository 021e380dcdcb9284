// Boxes of states of a pool, whose slots are read first: sequences without a slot have none,
// and a barrier that nobody waits for.

// RUN: attn-run %s --device=emulator --hazards --check | FileCheck %s
// RUN: attn-opt %s --emit=sm90 | FileCheck %s --check-prefix=SM90

// CHECK: compared o: relative error
// CHECK: compared final: relative error
// CHECK-NOT: WRONG

// SM90: scf.if
// SM90: sm90.stage_boxes

#staged = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 256, persistent = false,
                         warp_roles = false, strip_warps = 1, blocks_per_multiprocessor = 2, stage_strips = true>
#steps = #tile.schedule<block_q = 64, block_kv = 1, hoist_score_dot = false, split_masked_loop = false,
                        rescale_threshold = 0, section_bytes = 1, target = #staged>
!q = tensor<4x1x2x64xbf16>
!g = tensor<4x1x2xf32, #attn.gate<log>>
!s = tensor<6x2x64x64xf32, #attn.state<key_value>>
func.func @staged(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"},
                  %g: !g {attn.name = "g"}, %s: !s {attn.name = "s"}, %slots: tensor<4xi32> {attn.name = "slots"})
    -> (!q {attn.name = "o"}, !s {attn.name = "final"}) {
  %o, %f = attn.recurrence %q, %k, %v decay(%g : !g) state(%s : !s) slots(%slots : tensor<4xi32>)
      {tile.schedule = #steps} : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}
