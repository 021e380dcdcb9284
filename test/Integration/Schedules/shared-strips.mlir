// Warps that share strips add up what each has summed: in either layout of states, all of
// them or two and two, of several tokens one after the other, with all that a token sums.

// RUN: attn-run %s --device=emulator --hazards --check | FileCheck %s
// RUN: sed -e 's/strip_warps = 1/strip_warps = 2/' -e 's/key_value/value_key/' %s > %t.mlir
// RUN: attn-run %t.mlir --device=emulator --hazards --check | FileCheck %s

// CHECK: compared o: relative error
// CHECK: compared final: relative error
// CHECK-NOT: WRONG

#shared = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 168, persistent = false,
                         dependent_launch = false, warp_roles = false, strip_warps = 1>
#steps = #tile.schedule<block_q = 64, block_kv = 1, hoist_score_dot = false, split_masked_loop = false,
                        rescale_threshold = 0, section_bytes = 1, target = #shared>
!q = tensor<2x3x2x64xbf16>
!g = tensor<2x3x2xf32, #attn.gate<log>>
!b = tensor<2x3x2xf32>
!s = tensor<2x2x64x64xf32, #attn.state<key_value>>
func.func @shared(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"},
                  %g: !g {attn.name = "g"}, %beta: !b {attn.name = "beta"}, %s: !s {attn.name = "s"})
    -> (!q {attn.name = "o"}, !s {attn.name = "final"}) {
  %o, %f = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !b) write(%beta : !b) state(%s : !s)
      l2_normalize(1.0e-06) {tile.schedule = #steps} : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}
