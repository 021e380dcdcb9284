// The instructions for decays of channels.

// RUN: attn-opt %s --emit=nvvm | FileCheck %s

// CHECK-LABEL: llvm.func @channels(

// A lane copies the gates of four channels.
// CHECK: nvvm.setmaxregister decrease 24
// CHECK: cp.async.cg.shared.global [$0], [$1], 16, size;
// CHECK: "cp.async.wait_all;"

// The auxiliary sums them in place, and votes.
// CHECK: nvvm.setmaxregister decrease 104
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+0];"
// CHECK: "st.shared.v4.f32 [$0+0], {$1, $2, $3, $4};"
// CHECK: nvvm.vote.sync all
// CHECK: "bar.sync $0, 128;"
// What tokens have in common.
// CHECK: llvm.nvvm.ex2.approx.ftz.f
// CHECK: nvvm.bar.warp.sync

// What is left, and has been reached, in a pass over the channels.
// CHECK: "ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK: llvm.nvvm.ex2.approx.ftz.f
// CHECK: "cvt.rn.f16x2.f32
// CHECK: "cvt.rn.bf16x2.f32
// CHECK: "stmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK: "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
// Columns for later blocks.
// CHECK: "st.shared.v4.b32 [$0], {$1, $2, $3, $4};"
// Where the vote failed, the block by itself one element after the other.
// CHECK: nvvm.shfl.sync bfly
// CHECK-NOT: "mma.sync.aligned.m16n8k8
// CHECK: nvvm.fence.proxy

// Rows meet the columns of other blocks.
// CHECK: "bar.sync $0, 128;"
// CHECK: "ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK: "ld.shared.v4.b32 {$0, $1, $2, $3}, [$4];"
// CHECK: "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
!q = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2x128xf32, #attn.gate<log>>
func.func @channels(%q: !q, %k: !q, %v: !q, %g: !g) -> !q {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) : !q, !q, !q -> !q
  return %o : !q
}

// Factors have logarithms; lanes have two channels of 64.

// CHECK-LABEL: llvm.func @linear(
// CHECK: cp.async.ca.shared.global [$0], [$1], 8, size;
// CHECK: llvm.nvvm.lg2.approx.ftz.f
!q64 = tensor<?x?x2x64xf16>
!g64 = tensor<?x?x2x64xf32, #attn.gate<linear>>
func.func @linear(%q: !q64, %k: !q64, %v: !q64, %g: !g64) -> !q64 {
  %o = attn.recurrence %q, %k, %v decay(%g : !g64) : !q64, !q64, !q64 -> !q64
  return %o : !q64
}
