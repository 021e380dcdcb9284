// The instructions for gates of channels.

// RUN: attn-opt %s --emit=nvvm | FileCheck %s

// A lane has four channels of a row. All rows of gates of keys are on their way at once,
// eight in an iteration; of those of values twelve are, two of which are read before one is
// stored.

// CHECK-LABEL: llvm.func @gates(
// CHECK: nvvm.setmaxregister decrease 32
// CHECK: "cp.async.wait_all;"
// CHECK: "mbarrier.arrive.shared::cta.b64 _, [$0];"
// CHECK-COUNT-8: cp.async.cg.shared.global [$0], [$1], 16, size; }"
// CHECK-NOT: cp.async.cg
// CHECK: "@$1 prefetch.global.L2 [$0];"
// CHECK: "cp.async.wait_all;"
// CHECK-COUNT-2: "mbarrier.arrive.shared::cta.b64 _, [$0];"
// CHECK-COUNT-12: cp.async.cg.shared.global [$0], [$1], 16, size; }"
// CHECK-NOT: cp.async.cg
// CHECK: "@$1 prefetch.global.L2 [$0];"
// CHECK: "cp.async.wait_group 5;"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+0];"
// CHECK: "ld.shared.v2.f32 {$0, $1}, [$2+0];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+512];"
// CHECK: "ld.shared.v2.f32 {$0, $1}, [$2+128];"
// CHECK: "cvt.rn.f16x2.f32
// CHECK: "st.shared.v2.f32 [$0+0], {$1, $2};"
// CHECK: cp.async.cg.shared.global [$0], [$1], 16, size; }"
// CHECK: "cp.async.commit_group;"
// CHECK: nvvm.fence.proxy
// CHECK: nvvm.bar.warp.sync
// CHECK: nvvm.setmaxregister decrease
!q = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2x128xf32, #attn.gate<log>>
!b = tensor<?x?x2x128xf32>
func.func @gates(%q: !q, %k: !q, %v: !q, %g: !g, %b: !b, %w: !b) -> !q {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%b : !b) write(%w : !b)
      : !q, !q, !q -> !q
  return %o : !q
}

// Of 16 bits a lane has eight bytes, and what multiplies keys is read as keys are.

// CHECK-LABEL: llvm.func @narrow(
// CHECK: nvvm.setmaxregister decrease 32
// CHECK-COUNT-8: cp.async.ca.shared.global [$0], [$1], 8, size; }"
// CHECK-NOT: cp.async.c
// CHECK: "cp.async.wait_all;"
// CHECK-COUNT-12: cp.async.ca.shared.global [$0], [$1], 8, size; }"
// CHECK: "cp.async.wait_group 5;"
// CHECK: "ld.shared.v2.f32 {$0, $1}, [$2+0];"
// CHECK: "ld.shared.v2.f32 {$0, $1}, [$2+0];"
// CHECK: "ld.shared.v2.f32 {$0, $1}, [$2+256];"
func.func @narrow(%q: !q, %k: !q, %v: !q, %g: !g, %b: !q, %w: !q) -> !q {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%b : !q) write(%w : !q)
      : !q, !q, !q -> !q
  return %o : !q
}
