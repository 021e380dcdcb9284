// Decays of channels are summed by the numbers warp; the auxiliary multiplies keys and
// queries by their powers, and the consumers multiply by those.

// RUN: attn-opt %s -attn-chunk-recurrence -canonicalize -cse -convert-tile-to-sm90 -canonicalize -cse | FileCheck %s

!q = tensor<?x?x2x128xbf16>
!v = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4x128xf32, #attn.gate<log>>
!n = tensor<?x?x4xf32>

// CHECK-LABEL: sm90.kernel @delta(
// CHECK-SAME: %g: !llvm.ptr<1> {{{.*}}sm90.alignment = 16
// Queries and keys have the auxiliary as reader, values the consumers.
// CHECK: %[[Q:.*]] = sm90.alloc : <1 x 64x128xbf16>
// CHECK-NEXT: %{{.*}} = sm90.mbarrier.init arrivals(1)
// CHECK-NEXT: %[[QE:.*]] = sm90.mbarrier.init arrivals(4)
// CHECK: %[[SUMS:.*]] = sm90.alloc : <1 x 64x128xf32>
// CHECK-NEXT: %[[SF:.*]] = sm90.mbarrier.init arrivals(32)
// CHECK-NEXT: %[[SE:.*]] = sm90.mbarrier.init arrivals(4)
// CHECK-NEXT: %[[WHOLE:.*]] = sm90.alloc : <2 x 1x128xf32>
// CHECK-NEXT: %[[WF:.*]] = sm90.mbarrier.init arrivals(32)
// CHECK-NEXT: %[[WE:.*]] = sm90.mbarrier.init arrivals(8)
// CHECK-NEXT: %[[SCRATCH:.*]] = sm90.alloc : <1 x 96x128xf16>

// CHECK: } numbers {
// CHECK: scf.for %[[C:.*]] = %{{.*}} {
// CHECK: %[[S:.*]] = sm90.stage.await_empty %[[SUMS]], %[[SE]][%[[C]]]
// CHECK: %[[W:.*]] = sm90.stage.await_empty %[[WHOLE]], %[[WE]][%[[C]]]
// CHECK: sm90.decay_sums %g[%{{.*}}] stride(%g_stride1) limit(%{{.*}}) into %[[S]], %[[W]]
// CHECK: sm90.stage.fill %[[S]], %[[SF]][%[[C]]]
// CHECK: sm90.stage.fill %[[W]], %[[WF]][%[[C]]]

// CHECK: } auxiliary {
// CHECK: scf.for %[[C:.*]] = %{{.*}} {
// CHECK: %[[QS:.*]] = sm90.stage.await_full %[[Q]]
// CHECK: %[[KS:.*]] = sm90.stage.await_full
// CHECK: %[[S:.*]] = sm90.stage.await_full %[[SUMS]]
// CHECK: %[[LEFT:.*]] = sm90.stage.await_empty
// CHECK: sm90.decay_columns %[[KS]], %[[S]] scratch(%[[SCRATCH]]) into %[[LEFT]]
// CHECK: sm90.stage.fill %[[LEFT]]
// CHECK: sm90.decayed_dot %[[QS]], %[[KS]], %[[S]] scratch(%[[SCRATCH]]) into %{{.*}} :
// CHECK: sm90.stage.fill
// CHECK: sm90.store_fragment
// CHECK: sm90.decayed_dot %[[KS]], %[[KS]], %[[S]] scratch(%[[SCRATCH]]) into %{{.*}} :
// CHECK: sm90.stage.fill
// CHECK: sm90.invert_unit_lower
// CHECK-DAG: sm90.stage.release %[[QS]]
// CHECK-DAG: sm90.stage.release %[[KS]]
// CHECK-DAG: sm90.stage.release %[[S]]

// CHECK: } consumer {
// CHECK: %[[ROW:.*]] = sm90.stage.await_full %[[WHOLE]]
// CHECK: sm90.scale_columns %{{.*}}, %[[ROW]] row(0) : tensor<64x128xf32>, <1x128xf32>
// CHECK: sm90.stage.release %[[ROW]], %[[WE]]
func.func @delta(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                 %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                 %beta: !n {attn.name = "beta"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_registers = 192, persistent = false, auxiliary_registers = 96>>}
      : !q, !q, !v -> !v
  return %o : !v
}
