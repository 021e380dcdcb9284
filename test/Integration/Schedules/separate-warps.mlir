// Warps that are blocks of their own each have their part of a state, in either layout, of
// one or several tokens; in launches that may start early, with states that caches may keep.

// RUN: attn-run %s --device=emulator --hazards --check | FileCheck %s
// RUN: sed -e 's/value_key/key_value/' -e 's/block_q = 32/block_q = 64/' -e 's/2x3x/2x1x/' %s > %t.mlir
// RUN: attn-run %t.mlir --device=emulator --hazards --check | FileCheck %s
// RUN: attn-opt %s --emit=ptx | FileCheck %s --check-prefix=PTX

// CHECK: compared o: relative error
// CHECK: compared final: relative error
// CHECK-NOT: WRONG

// PTX: .maxntid 32
// PTX: ld.global.v4.f32
// PTX-NOT: global.cs

#separate = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 168, persistent = false,
                           warp_roles = false, separate_warps = true, stream_strips = false>
#steps = #tile.schedule<block_q = 32, block_kv = 1, hoist_score_dot = false, split_masked_loop = false,
                        rescale_threshold = 0, section_bytes = 1, target = #separate>
!q = tensor<2x3x2x64xbf16>
!g = tensor<2x3x2xf32, #attn.gate<log>>
!b = tensor<2x3x2xf32>
!s = tensor<2x2x64x64xf32, #attn.state<value_key>>
func.func @separate(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"},
                    %g: !g {attn.name = "g"}, %beta: !b {attn.name = "beta"}, %s: !s {attn.name = "s"})
    -> (!q {attn.name = "o"}, !s {attn.name = "final"}) {
  %o, %f = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !b) write(%beta : !b) state(%s : !s)
      l2_normalize(1.0e-06) {tile.schedule = #steps} : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}
