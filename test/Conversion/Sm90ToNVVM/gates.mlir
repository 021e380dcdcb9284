// The instructions for gates of channels.

// RUN: attn-opt %s --emit=nvvm | FileCheck %s

// A lane multiplies four channels of a key, and two of the 64 of the values that a block
// has. The gates of 16 rows are on their way at once.

// CHECK-LABEL: llvm.func @gates(
// CHECK: nvvm.setmaxregister decrease 96
// CHECK: "cp.async.wait_all;"
// CHECK: "mbarrier.arrive.shared::cta.b64 _, [$0];"
// CHECK: "@$1 prefetch.global.L2 [$0];"
// CHECK-COUNT-16: "ld.global.nc.v4.f32 {$0, $1, $2, $3}, [$4+0];"
// CHECK-NOT: ld.global
// CHECK: "ld.shared.v2.f32 {$0, $1}, [$2+0];"
// CHECK: "cvt.rn.bf16x2.f32
// CHECK: "st.shared.v2.f32 [$0+0], {$1, $2};"
// CHECK: nvvm.fence.proxy
// CHECK: nvvm.bar.warp.sync
// CHECK: "mbarrier.arrive.shared::cta.b64 _, [$0];"
// CHECK-COUNT-16: "ld.global.nc.v2.f32 {$0, $1}, [$2+0];"
// CHECK: "ld.shared.f32 $0, [$1+0];"
// CHECK: "cvt.rn.f16x2.f32
// CHECK: "st.shared.f32 [$0+0], $1;"
// CHECK: nvvm.setmaxregister decrease
!q = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2x128xf32, #attn.gate<log>>
!b = tensor<?x?x2x128xf32>
func.func @gates(%q: !q, %k: !q, %v: !q, %g: !g, %b: !b, %w: !b) -> !q {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%b : !b) write(%w : !b)
      : !q, !q, !q -> !q
  return %o : !q
}
