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
// CHECK: %[[GATES:.*]] = sm90.alloc : <1 x 64x128xf32>
// CHECK-NEXT: %[[SF:.*]] = sm90.mbarrier.init arrivals(32)
// CHECK-NEXT: %[[SE:.*]] = sm90.mbarrier.init arrivals(4)
// CHECK-NEXT: %[[WHOLE:.*]] = sm90.alloc : <2 x 1x128xf32>
// CHECK-NEXT: %[[WF:.*]] = sm90.mbarrier.init arrivals(128)
// CHECK-NEXT: %[[WE:.*]] = sm90.mbarrier.init arrivals(8)
// CHECK-NEXT: %[[SCRATCH:.*]] = sm90.alloc : <1 x 96x128xf16>

// CHECK: } numbers {
// CHECK: scf.for %[[C:.*]] = %{{.*}} {
// CHECK: %[[S:.*]] = sm90.stage.await_empty %[[GATES]], %[[SE]][%[[C]]]
// CHECK: sm90.copy_gates %g[%{{.*}}] stride(%g_stride1) limit(%{{.*}}) into %[[S]]
// CHECK: sm90.stage.fill %[[S]], %[[SF]][%[[C]]]

// CHECK: } auxiliary {
// CHECK: scf.for %[[C:.*]] = %{{.*}} {
// Sums wait for the gates alone.
// CHECK: %[[S:.*]] = sm90.stage.await_full %[[GATES]]
// CHECK: %[[W:.*]] = sm90.stage.await_empty %[[WHOLE]]
// CHECK-NOT: sm90.stage.await
// CHECK: %[[SAFE:.*]] = sm90.sum_decays %[[S]] limit(%{{.*}}) scratch(%[[SCRATCH]]) whole(%[[W]])
// CHECK: %[[KS:.*]] = sm90.stage.await_full
// CHECK: %[[QS:.*]] = sm90.stage.await_full %[[Q]]
// CHECK: %[[LEFT:.*]] = sm90.stage.await_empty
// CHECK: %[[R0:.*]] = sm90.stage.await_empty
// CHECK: %[[R1:.*]] = sm90.stage.await_empty
// CHECK: %[[B:.*]]:2 = sm90.decay_tokens %[[QS]], %[[KS]] keys(%[[KS]]) gates(%[[S]]) safe(%[[SAFE]]) scratch(%[[SCRATCH]]) into %[[LEFT]] reached(%[[R0]], %[[R1]])
// What is read is given back as early as can be.
// CHECK-DAG: sm90.stage.fill %[[LEFT]]
// CHECK-DAG: sm90.stage.fill %[[W]], %[[WF]]
// CHECK-DAG: sm90.stage.fill %[[R0]]
// CHECK-DAG: sm90.stage.fill %[[R1]]
// CHECK-DAG: sm90.stage.release %[[S]]
// CHECK: sm90.decayed_dots %[[QS]], %[[KS]] blocks(%[[B]]#0, %[[B]]#1) scratch(%[[SCRATCH]])
// CHECK-DAG: sm90.stage.release %[[QS]]
// CHECK-DAG: sm90.stage.release %[[KS]]
// CHECK: sm90.store_fragment
// CHECK: sm90.invert_unit_lower

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

// In two parts, what is multiplied in tf32 is rounded.

// CHECK-LABEL: sm90.kernel @reflecting(
// CHECK: sm90.decay_tokens {{.*}} scales = [1.000000e+00, 1.000000e+00] rounds :
// CHECK: sm90.invert_unit_lower {{.*}} rest(
func.func @reflecting(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                      %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                      %beta: !n {attn.name = "beta"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n) allow_neg_eigval
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, state_parts = 2, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, persistent = false, auxiliary_registers = 168>>}
      : !q, !q, !v -> !v
  return %o : !v
}

// Two directions along which the state takes something: each of two rows meets each, one
// of them in front of its decay.

// CHECK-LABEL: sm90.kernel @direction(
// CHECK: %[[SCRATCH:.*]] = sm90.alloc : <1 x 144x64xf16>
// CHECK: } auxiliary {
// CHECK: sm90.sum_decays
// CHECK: %[[K:.*]] = sm90.stage.await_full
// CHECK: %[[B:.*]] = sm90.stage.await_full
// CHECK: %[[A:.*]] = sm90.stage.await_full
// CHECK: %[[Q:.*]] = sm90.stage.await_full
// CHECK: %[[P:.*]]:4 = sm90.decay_tokens %[[A]], %[[Q]] keys(%[[K]], %[[B]]) {{.*}} scratch(%[[SCRATCH]]) into %[[LK:.*]], %[[LB:.*]] reached(%{{.*}}, %{{.*}}) scales = [1.000000e+00, 1.000000e+00] before = [true, false]
// CHECK: %[[D:.*]]:4 = sm90.decayed_dots %[[A]], %[[Q]] blocks(%[[P]]#0, %[[P]]#1, %[[P]]#2, %[[P]]#3) scratch(%[[SCRATCH]])
// CHECK: sm90.store_fragment
// CHECK: sm90.store_fragment
// CHECK: sm90.store_fragment
// CHECK: sm90.invert_unit_lower
// CHECK: } consumer {
// Values meet three of these from registers, and so does what is erased two.
// CHECK: %[[V:.*]] = sm90.load_fragment
// CHECK-COUNT-8: sm90.wgmma_async
!k64 = tensor<?x?x2x64xbf16>
!g64 = tensor<?x?x2x64xf32, #attn.gate<log>>
func.func @direction(%q: !k64 {attn.name = "q"}, %k: !k64 {attn.name = "k"},
                     %v: !k64 {attn.name = "v"}, %g: !g64 {attn.name = "g"},
                     %a: !k64 {attn.name = "a"}, %b: !k64 {attn.name = "b"})
    -> (!k64 {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g64) erase_key(%a : !k64) erase_direction(%b : !k64)
      before_decay scale(1.0)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 224, persistent = false, auxiliary_registers = 240>>}
      : !k64, !k64, !k64 -> !k64
  return %o : !k64
}

// Of wide keys what is left takes the place of these, which the consumers give back.

// CHECK-LABEL: sm90.kernel @wide_direction(
// CHECK: %[[Q:.*]] = sm90.alloc : <1 x 64x128xbf16>
// CHECK-NEXT: sm90.mbarrier.init arrivals(1)
// CHECK-NEXT: sm90.mbarrier.init arrivals(4)
// CHECK: %[[K:.*]] = sm90.alloc : <1 x 64x128xbf16>
// CHECK-NEXT: %[[KF:.*]] = sm90.mbarrier.init arrivals(1)
// CHECK-NEXT: %[[KE:.*]] = sm90.mbarrier.init arrivals(4)
// CHECK: } auxiliary {
// CHECK: %[[KS:.*]] = sm90.stage.await_full %[[K]], %[[KF]]
// CHECK: %[[DS:.*]] = sm90.stage.await_full
// CHECK: sm90.decay_tokens {{.*}} keys(%[[KS]], %[[DS]]) {{.*}} into %[[KS]], %[[DS]] reached(
// CHECK: sm90.stage.fill %[[KS]], %[[LF:.*]][
// CHECK: sm90.stage.fill %[[DS]],
// CHECK-NOT: sm90.stage.release %[[KS]]
// CHECK: } consumer {
// CHECK: %[[L:.*]] = sm90.stage.await_full %[[K]], %[[LF]]
// CHECK: sm90.wgmma_async %{{.*}}, %[[L]] acc
// CHECK: sm90.stage.release %{{.*}}, %[[KE]]
!k128 = tensor<?x?x2x128xbf16>
!g128 = tensor<?x?x2x128xf32, #attn.gate<log>>
func.func @wide_direction(%q: !k128 {attn.name = "q"}, %k: !k128 {attn.name = "k"},
                          %v: !k128 {attn.name = "v"}, %g: !g128 {attn.name = "g"},
                          %a: !k128 {attn.name = "a"}, %b: !k128 {attn.name = "b"})
    -> (!k128 {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g128) erase_key(%a : !k128) erase_direction(%b : !k128)
      before_decay scale(1.0)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 224, persistent = false, auxiliary_registers = 240>>}
      : !k128, !k128, !k128 -> !k128
  return %o : !k128
}

// A bonus is read by the auxiliary, as channels and not as numbers of tokens.

// CHECK-LABEL: sm90.kernel @bonus(
// CHECK-SAME: %u: !llvm.ptr<1> {{{.*}}sm90.alignment = 16
// CHECK: } numbers {
// CHECK-NOT: sm90.load_numbers
// CHECK: } auxiliary {
// CHECK: sm90.decay_tokens {{.*}} before = [true] bonus(%u : !llvm.ptr<1>[%{{.*}}])
func.func @bonus(%q: !k64 {attn.name = "q"}, %k: !k64 {attn.name = "k"},
                 %v: !k64 {attn.name = "v"}, %g: !g64 {attn.name = "g"},
                 %u: tensor<2x64xf32> {attn.name = "u"}) -> (!k64 {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g64) bonus(%u : tensor<2x64xf32>)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 192, persistent = false, auxiliary_registers = 96>>}
      : !k64, !k64, !k64 -> !k64
  return %o : !k64
}
