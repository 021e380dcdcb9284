// A loop that carries a state is divided by what depends on the state.

// RUN: attn-opt %s -attn-chunk-recurrence -canonicalize -cse -convert-tile-to-sm90 -canonicalize -cse | FileCheck %s

!q = tensor<?x?x2x128xbf16>
!v = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4xf32, #attn.gate<log>>
!n = tensor<?x?x4xf32>

// CHECK-LABEL: sm90.kernel @gated_delta(
// CHECK-SAME: %q: !sm90.tensor_map<64x128xbf16, axes = [1, 3], rank = 4>
// CHECK-SAME: %o: !sm90.tensor_map<64x64xbf16, axes = [1, 3], rank = 4>
// CHECK-SAME: %beta: !llvm.ptr<1>
// CHECK-SAME: %beta_stride0: i64
// CHECK-SAME: %g: !llvm.ptr<1>
// Queries and keys have the auxiliary and two consumers as readers, values the
// consumers.
// CHECK: %[[Q:.*]] = sm90.alloc : <2 x 64x128xbf16>
// CHECK-NEXT: %[[QF:.*]] = sm90.mbarrier.init arrivals(1)
// CHECK-NEXT: %[[QE:.*]] = sm90.mbarrier.init arrivals(12)
// CHECK-NEXT: %[[K:.*]] = sm90.alloc : <2 x 64x128xbf16>
// CHECK-NEXT: %[[KF:.*]] = sm90.mbarrier.init arrivals(1)
// CHECK-NEXT: %[[KE:.*]] = sm90.mbarrier.init arrivals(12)
// CHECK-NEXT: %[[V:.*]] = sm90.alloc : <2 x 64x128xbf16>
// CHECK-NEXT: %[[VF:.*]] = sm90.mbarrier.init arrivals(1)
// CHECK-NEXT: %[[VE:.*]] = sm90.mbarrier.init arrivals(8)
// What the auxiliary hands over is filled by its threads.
// CHECK-NEXT: %{{.*}} = sm90.alloc : <2 x 64x64x{{b?}}f16>
// CHECK-NEXT: %{{.*}} = sm90.mbarrier.init arrivals(128)
// CHECK-NEXT: %{{.*}} = sm90.mbarrier.init arrivals(8)
// CHECK-NEXT: %{{.*}} = sm90.alloc : <2 x 64x64x{{b?}}f16>
// CHECK-NEXT: %{{.*}} = sm90.mbarrier.init arrivals(128)
// CHECK-NEXT: %{{.*}} = sm90.mbarrier.init arrivals(8)
// CHECK-NEXT: %[[N:.*]] = sm90.alloc : <2 x 4x64xf32>
// CHECK-NEXT: %[[NF:.*]] = sm90.mbarrier.init arrivals(32)
// CHECK-NEXT: %[[NE:.*]] = sm90.mbarrier.init arrivals(12)
// CHECK-NEXT: %[[SCRATCH:.*]] = sm90.alloc : <2 x 64x64xf16>
// CHECK-NEXT: %[[BLOCKS:.*]] = sm90.alloc : <1 x 64x16xf32>
// CHECK-NEXT: %[[STAGING:.*]] = sm90.alloc : <1 x 128x64xbf16>

// CHECK: sm90.warp_roles producer {
// CHECK: scf.for
// CHECK-COUNT-3: sm90.tma_load_async
// CHECK-NOT: sm90.load_numbers

// CHECK: } numbers {
// CHECK: scf.for %[[C:.*]] = %{{.*}} {
// CHECK: %[[BETA:.*]] = sm90.load_numbers %beta[%{{.*}}] stride(%beta_stride1) limit(%{{.*}})
// CHECK: %[[G:.*]] = sm90.load_numbers %g[%{{.*}}] stride(%g_stride1) limit(%{{.*}})
// CHECK: %[[SUMS:.*]] = sm90.cumulative_sum %{{.*}}
// CHECK: %[[LAST:.*]] = sm90.extract %[[SUMS]][63]
// CHECK: sm90.splat %[[LAST]]
// CHECK: %[[FREE:.*]] = sm90.stage.await_empty %[[N]], %[[NE]][%[[C]]]
// CHECK-COUNT-4: sm90.store_numbers
// CHECK: sm90.stage.fill %[[FREE]], %[[NF]][%[[C]]]

// CHECK: } auxiliary {
// CHECK: scf.for %[[C:.*]] = %{{.*}} {
// CHECK: %[[KS:.*]] = sm90.stage.await_full %[[K]]
// CHECK: %[[KK:.*]] = sm90.wgmma_async %[[KS]] row(%{{.*}}), %[[KS]] transpose_rhs keeps
// CHECK: %[[QS:.*]] = sm90.stage.await_full %[[Q]]
// CHECK: %[[QK:.*]] = sm90.wgmma_async %[[QS]] row(%{{.*}}), %[[KS]] transpose_rhs keeps
// CHECK: %[[NS:.*]] = sm90.stage.await_full %[[N]]
// CHECK: sm90.decay_ratios
// CHECK: sm90.wgmma.wait %[[KK]] pending(1)
// CHECK: sm90.wgmma.wait %[[QK]] pending(0)
// CHECK: sm90.stage.release %[[QS]]
// CHECK: sm90.stage.release %[[KS]]
// CHECK: %[[P:.*]] = sm90.stage.await_empty
// CHECK: sm90.store_fragment %{{.*}}, %[[P]]
// CHECK-NOT: sm90.stage.fill
// CHECK: %[[T:.*]] = sm90.stage.await_empty
// CHECK: sm90.invert_unit_lower %{{.*}} strengths(%[[NS]] row {{[0-9]}} : !sm90.stage<4x64xf32>) scratch(%[[SCRATCH]][%[[C]]], %[[BLOCKS]]) into %[[T]]
// What consumers need first is ready last: all is filled with it.
// CHECK-NEXT: sm90.stage.fill %[[P]]
// CHECK-NEXT: sm90.stage.fill %[[T]]
// CHECK: sm90.stage.release %[[NS]], %[[NE]][%[[C]]]

// CHECK: } consumer {
// CHECK: %[[WARPGROUP:.*]] = sm90.warpgroup_id
// CHECK: %[[FIRST:.*]] = arith.muli %[[WARPGROUP]], %c64
// CHECK: scf.for %[[C:.*]] = {{.*}} iter_args(%[[S:.*]] = %{{.*}}) -> (tensor<64x128xf32>)
// CHECK: %[[SB:.*]] = arith.truncf %[[S]]
// CHECK: %[[SK:.*]] = sm90.wgmma_async %{{.*}}, %{{.*}} transpose_rhs keeps
// CHECK: %[[SQ:.*]] = sm90.wgmma_async %{{.*}}, %{{.*}} transpose_rhs keeps
// Waits stand behind the start of products that do not need what is waited for.
// CHECK: %[[VS:.*]] = sm90.stage.await_full %[[V]]
// CHECK: sm90.load_fragment %[[VS]] row(%[[FIRST]]) transposed
// CHECK: %[[NS:.*]] = sm90.stage.await_full %[[N]]
// CHECK: %[[WHOLE:.*]] = sm90.load_element %[[NS]][{{[0-9]}}, 63]
// CHECK: sm90.wgmma.wait %[[SK]] pending(1)
// CHECK: sm90.wgmma.wait %[[SQ]] pending(0)
// Both tiles are waited for at once, and the numbers are at hand that multiply a
// product when it is complete.
// CHECK: math.fma
// CHECK: %[[T:.*]] = sm90.stage.await_full
// CHECK: %[[P:.*]] = sm90.stage.await_full
// CHECK: %[[U:.*]] = sm90.wgmma_async %{{.*}}, %[[T]] transpose_rhs : <tensor<64x64xf32> = tensor<64x64xf16> * <64x64xf16>>
// So is the memory that the output is stored through, which nothing waits for behind it.
// CHECK: sm90.tma_store.wait read
// CHECK-NEXT: sm90.barrier.sync
// CHECK: sm90.splat %[[WHOLE]]
// CHECK: sm90.load_row %[[NS]]
// CHECK: sm90.wgmma.wait %[[U]] pending(0)
// CHECK-NOT: sm90.load_row
// CHECK-NOT: sm90.stage.await_full
// CHECK: %[[O:.*]] = sm90.wgmma_async %{{.*}}, %{{.*}} transpose_rhs acc(%{{.*}}) :
// CHECK: %[[NEXT:.*]] = sm90.wgmma_async %{{.*}}, %{{.*}} acc(%{{.*}}) keeps
// CHECK: sm90.wgmma.wait %[[O]] pending(1)
// CHECK-NOT: sm90.tma_store.wait
// CHECK-NOT: sm90.barrier.sync
// CHECK: sm90.store_fragment %{{.*}}, %[[STAGING]] row(%[[FIRST]]) transposed
// CHECK: sm90.tma_store_async %[[STAGING]] row(%[[FIRST]]), %o[
// CHECK: %[[STATE:.*]], %{{.*}} = sm90.wgmma.wait %[[NEXT]] pending(0)
// CHECK: scf.yield %[[STATE]]
func.func @gated_delta(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                       %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                       %beta: !n {attn.name = "beta"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, target = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 104>>}
      : !q, !q, !v -> !v
  return %o : !v
}

// Without numbers nobody computes them. Strengths that are not those of writing
// multiply the rows, and states are accessed element by element.

// CHECK-LABEL: sm90.kernel @erase_alone(
// CHECK: } numbers {
// CHECK: } auxiliary {
// CHECK: sm90.broadcast_rows
// CHECK: sm90.invert_unit_lower %{{.*}} scratch(
// CHECK: } consumer {
// CHECK: %[[S0:.*]] = sm90.load_state %s0[%{{.*}}] strides(%{{.*}}, %{{.*}})
// CHECK: %[[END:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[S0]])
// CHECK: sm90.store_state %[[END]], %s1[%{{.*}}] strides(
!s0 = tensor<?x4x128x128xf32, #attn.state<key_value>>
!s1 = tensor<?x4x128x128xf32, #attn.state<value_key>>
func.func @erase_alone(%q: !q, %k: !q, %v: !v, %e: !n, %s0: !s0 {attn.name = "s0"}) -> (!v, !s1 {attn.name = "s1"}) {
  %o, %s1 = attn.recurrence %q, %k, %v erase(%e : !n) state(%s0 : !s0)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, target = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 104>>}
      : !q, !q, !v -> !v state(!s1)
  return %o, %s1 : !v, !s1
}

// CHECK-LABEL: sm90.kernel @linear(
// CHECK: sm90.warp_roles producer {
// CHECK-NOT: numbers
// CHECK: } auxiliary {
// CHECK: sm90.decay_ratios :
// CHECK-NOT: sm90.invert_unit_lower
// No wait for keys stands between the last products.
// CHECK: } consumer {
// CHECK-COUNT-3: sm90.stage.await_full
// CHECK: sm90.wgmma_async
func.func @linear(%q: !q, %k: !q, %v: !v) -> !v {
  %o = attn.recurrence %q, %k, %v
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, target = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 104>>}
      : !q, !q, !v -> !v
  return %o : !v
}

// The lengths of rows that are normalised are taken of what has been copied, which
// is given back behind what follows from them. They multiply rows and columns of
// products of tokens, and numbers of the columns of others.

// CHECK-LABEL: sm90.kernel @normalized(
// CHECK: } numbers {
// CHECK: %[[KEYS:.*]] = sm90.stage.await_full
// CHECK: %[[SQUARES:.*]] = sm90.row_norms %[[KEYS]]
// CHECK: %[[SUM:.*]] = arith.addf %[[SQUARES]], %{{.*}}
// CHECK: math.rsqrt %[[SUM]]
// CHECK: sm90.row_norms
// CHECK: sm90.store_numbers
// CHECK: sm90.stage.fill
// CHECK: sm90.stage.release %[[KEYS]]
// CHECK: } auxiliary {
// CHECK: sm90.broadcast_rows
// CHECK: sm90.scale_columns
// CHECK: sm90.invert_unit_lower
// CHECK: } consumer {
// CHECK-NOT: sm90.row_norms
// CHECK-NOT: sm90.broadcast_rows
func.func @normalized(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                      %v: !v {attn.name = "v"}, %beta: !n {attn.name = "beta"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v erase(%beta : !n) write(%beta : !n) l2_normalize(1.0e-06)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, consumer_registers = 240, persistent = false, auxiliary_registers = 168>>}
      : !q, !q, !v -> !v
  return %o : !v
}

// What rounding leaves of an inverse is handed over with it; consumers multiply by both,
// and wait once.

// CHECK-LABEL: sm90.kernel @reflecting(
// CHECK: } auxiliary {
// CHECK: %[[P:.*]] = sm90.stage.await_empty
// CHECK: sm90.store_fragment %{{.*}}, %[[P]]
// CHECK: %[[T:.*]] = sm90.stage.await_empty %[[TS:.*]], %{{.*}}[
// CHECK: %[[R:.*]] = sm90.stage.await_empty %[[RS:.*]], %{{.*}}[
// CHECK: sm90.invert_unit_lower %{{.*}} into %[[T]] rest(%[[R]] : !sm90.stage<64x64xf16>)
// CHECK-NEXT: sm90.stage.fill %[[P]]
// CHECK-NEXT: sm90.stage.fill %[[T]]
// CHECK-NEXT: sm90.stage.fill %[[R]]
// CHECK: } consumer {
// CHECK: %[[W:.*]] = arith.truncf %[[EXACT:.*]] : tensor<64x64xf32> to tensor<64x64xf16>
// CHECK: %[[A:.*]] = sm90.layout_cast %[[W]]
// CHECK: %[[T:.*]] = sm90.stage.await_full %[[TS]]
// CHECK: %[[R:.*]] = sm90.stage.await_full %[[RS]]
// CHECK: %[[FIRST:.*]] = sm90.wgmma_async %[[A]], %[[T]] transpose_rhs keeps
// CHECK: %[[WIDE:.*]] = arith.extf %[[W]]
// CHECK: %[[LEFT:.*]] = arith.subf %[[EXACT]], %[[WIDE]]
// CHECK: arith.truncf %[[LEFT]]
// CHECK: sm90.wgmma_async %[[A]], %[[R]] transpose_rhs acc(%{{.*}}) :
// CHECK: %[[LAST:.*]] = sm90.wgmma_async %{{.*}}, %[[T]] transpose_rhs acc(%{{.*}}) keeps
// CHECK: sm90.wgmma.wait %[[LAST]]
// CHECK: sm90.stage.release %[[T]]
func.func @reflecting(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                      %v: !v {attn.name = "v"}, %beta: !n {attn.name = "beta"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v erase(%beta : !n) write(%beta : !n) allow_neg_eigval
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, state_parts = 2, target = #sm90.schedule<consumer_warpgroups = 1, consumer_registers = 240, persistent = false, auxiliary_registers = 168>>}
      : !q, !q, !v -> !v
  return %o : !v
}
