// The instructions of a loop over chunks, role by role.

// RUN: attn-opt %s --emit=nvvm | FileCheck %s

// CHECK-LABEL: llvm.func @gated_delta(
// CHECK-SAME: nvvm.maxntid = array<i32: 512>

// One thread copies, the next warp sums decays over its lanes and fills a stage.
// CHECK: nvvm.setmaxregister decrease 32
// CHECK: ld.global.nc.f32
// CHECK: nvvm.shfl.sync up
// CHECK: nvvm.shfl.sync idx
// CHECK: "st.shared.v2.f32 [$0+0], {$1, $2};"
// CHECK: "mbarrier.arrive.shared::cta.b64 _, [$0];"

// The auxiliary: rows and columns of sums, what is read and, in blocks, the inverse.
// CHECK: nvvm.setmaxregister decrease 96
// One product of keys has the queries above the keys on its right; what it gives is
// transposed where it is stored.
// CHECK: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// CHECK-DAG: "ld.shared.f32 $0, [$1+{{[0-9]+}}];"
// CHECK-DAG: "ld.shared.v2.f32 {$0, $1}, [$2+{{[0-9]+}}];"
// What is handed over waits for one fence behind the inverse, whose scratch alternates:
// no warp waits for another before the blocks of all are solved.
// CHECK: "stmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK-NOT: nvvm.fence.proxy
// CHECK-NOT: "bar.sync $0, 128;"
// CHECK: "st.shared.v4.b32 [$0], {$1, $2, $3, $4};"
// CHECK: nvvm.bar.warp.sync
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+{{[0-9]+}}];"
// CHECK: "ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK: "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK: "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$10, $11, $12, $13};"
// CHECK-NOT: nvvm.fence.proxy
// CHECK-COUNT-2: "bar.sync $0, 128;"
// CHECK: nvvm.fence.proxy
// CHECK-COUNT-2: "mbarrier.arrive.shared::cta.b64 _, [$0];"

// The consumers: values and outputs are transposed on their way, numbers are given
// back by a warp whose lanes have all read them.
// CHECK: nvvm.setmaxregister increase 192
// CHECK: "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK: wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16
// CHECK: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// CHECK: "stmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK: nvvm.bar.warp.sync
!q = tensor<?x?x2x128xbf16>
!v = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4xf32, #attn.gate<log>>
!n = tensor<?x?x4xf32>
func.func @gated_delta(%q: !q, %k: !q, %v: !v, %g: !g, %beta: !n) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      : !q, !q, !v -> !v
  return %o : !v
}

// What an inverse lacks: what rounding leaves of the matrix lies where it will, so that all
// have read that before it is stored.

// CHECK-LABEL: llvm.func @reflecting(
// CHECK-COUNT-8: "stmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-COUNT-3: "bar.sync $0, 128;"
// CHECK-COUNT-4: "ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-COUNT-16: llvm.nvvm.rcp.approx.ftz.f
// CHECK-COUNT-60: "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// CHECK-NOT: "mma.sync
// CHECK: "bar.sync $0, 128;"
// CHECK-COUNT-4: "stmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-NOT: "stmatrix
// CHECK: nvvm.fence.proxy
// CHECK-COUNT-3: "mbarrier.arrive.shared::cta.b64 _, [$0];"
func.func @reflecting(%q: !q, %k: !q, %v: !v, %beta: !n) -> !v {
  %o = attn.recurrence %q, %k, %v erase(%beta : !n) write(%beta : !n) allow_neg_eigval
      : !q, !q, !v -> !v
  return %o : !v
}
