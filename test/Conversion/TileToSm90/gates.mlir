// Two warps multiply values by gates of their channels, which the consumers read; and they
// copy the gates of keys to where the auxiliary has keys that they multiply go to, and
// what is left of keys.

// RUN: attn-opt %s -attn-chunk-recurrence -canonicalize -cse -convert-tile-to-sm90 -canonicalize -cse | FileCheck %s

!q = tensor<?x?x2x64xbf16>
!v = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>
!b = tensor<?x?x2x64xf32>
!w = tensor<?x?x2x128xf32>

// CHECK-LABEL: sm90.kernel @gates(
// CHECK-SAME: %b: !llvm.ptr<1> {{[{]}}sm90.alignment = 16
// CHECK-SAME: %w: !llvm.ptr<1> {{[{]}}sm90.alignment = 16
// Keys have the auxiliary as a reader. What is made of values takes their place, and has
// the consumers.
// CHECK: %[[Q:.*]] = sm90.alloc : <1 x 64x64xbf16>
// CHECK: %[[K:.*]] = sm90.alloc : <1 x 64x64xbf16>
// CHECK-NEXT: %{{.*}} = sm90.mbarrier.init arrivals(1)
// CHECK-NEXT: %[[KE:.*]] = sm90.mbarrier.init arrivals(4)
// CHECK: %[[V:.*]] = sm90.alloc : <1 x 64x64xbf16>
// CHECK-NEXT: %[[VF:.*]] = sm90.mbarrier.init arrivals(1)
// CHECK-NEXT: %[[VE:.*]] = sm90.mbarrier.init arrivals(4)

// CHECK-NOT: sm90.tma_load_async {{.*}} keep
// CHECK: } numbers {
// CHECK-NOT: sm90.stage.await_full
// CHECK: sm90.copy_gates %g[
// CHECK: } gates {
// CHECK: scf.for %[[C:.*]] = %{{.*}} {
// CHECK-NOT: sm90.stage.await_full
// CHECK: %[[ES:.*]] = sm90.stage.await_empty %[[E:.*]], %[[EE:.*]][%[[C]]] : <1 x 64x64xbf16>
// CHECK: %[[LS:.*]] = sm90.stage.await_empty %[[L:.*]], %[[LE:.*]][%[[C]]] : <2 x 64x64xbf16>
// CHECK: sm90.copy_strengths %b[%{{.*}}] stride(%b_stride1) limit(%{{.*}}) into %[[ES]], %[[LS]] :
// CHECK: sm90.stage.fill %[[ES]], %[[EF:.*]][%[[C]]]
// CHECK: sm90.stage.fill %[[LS]], %[[LF:.*]][%[[C]]]
// CHECK: sm90.fetch_gates %w[
// CHECK: %[[VS:.*]] = sm90.stage.await_full %[[V]]
// CHECK: sm90.gate_rows %w[%{{.*}}] stride(%w_stride1) limit(%{{.*}}) times(%[[VS]] : {{.*}} into %[[VS]] as(f16) :
// CHECK: sm90.stage.fill %[[VS]], %[[YF:.*]][%[[C]]]

// CHECK: } auxiliary {
// CHECK: %[[KS:.*]] = sm90.stage.await_full %[[K]]
// CHECK: %[[ES:.*]] = sm90.stage.await_full %[[E]], %[[EF]]
// CHECK: %[[LS:.*]] = sm90.stage.await_full %[[L]], %[[LF]]
// CHECK: sm90.decay_tokens %{{.*}}, %[[ES]] keys(%[[KS]]) {{.*}} into %[[LS]] reached(%{{.*}}, %[[ES]])
// CHECK: sm90.stage.fill %[[ES]], %[[RF:.*]][
// CHECK: sm90.decayed_dots %{{.*}}, %[[KS]] blocks(
// CHECK: sm90.stage.release %[[KS]], %[[KE]]

// CHECK: } consumer {
// CHECK: sm90.stage.await_full %[[E]], %[[RF]]
// CHECK: %[[YS:.*]] = sm90.stage.await_full %[[V]], %[[YF]]
// CHECK: %[[BITS:.*]] = sm90.load_fragment %[[YS]]
// CHECK: %[[Y:.*]] = arith.bitcast %[[BITS]] : tensor<64x64xbf16> to tensor<64x64xf16>
// CHECK: arith.extf %[[Y]]
// CHECK: sm90.stage.release %[[YS]], %[[VE]]
func.func @gates(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                 %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                 %b: !b {attn.name = "b"}, %w: !w {attn.name = "w"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%b : !b) write(%w : !w)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 240, persistent = false, auxiliary_registers = 168>>}
      : !q, !q, !v -> !v
  return %o : !v
}

// Without decays of channels, the keys that are gated meet keys and the state as they
// are.

// CHECK-LABEL: sm90.kernel @delta(
// CHECK-NOT: numbers {
// CHECK: } gates {
// CHECK: sm90.gate_rows %b[{{.*}} times(
// CHECK: } auxiliary {
// CHECK: %[[ES:.*]] = sm90.stage.await_full %[[E:[0-9]+]], %[[EF:[0-9]+]][
// CHECK: sm90.wgmma_async %[[ES]] row(%c0), %{{.*}} transpose_rhs keeps
// CHECK: sm90.stage.release %[[ES]], %[[EE:[0-9]+]][
// CHECK: } consumer {
// CHECK: %[[ES:.*]] = sm90.stage.await_full %[[E]], %[[EF]][
// CHECK: sm90.wgmma_async %{{.*}}, %[[ES]] transpose_rhs keeps
// CHECK: sm90.stage.release %[[ES]], %[[EE]][
func.func @delta(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                 %v: !v {attn.name = "v"}, %b: !b {attn.name = "b"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v erase(%b : !b)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 240, persistent = false, auxiliary_registers = 168>>}
      : !q, !q, !v -> !v
  return %o : !v
}

// Gates of 16 bits: those of keys have the place of the keys that they make, alone.

// CHECK-LABEL: sm90.kernel @narrow(
// CHECK-DAG: sm90.alloc : <1 x 24x128xbf16>
// CHECK: } gates {
// CHECK: %[[ES:.*]] = sm90.stage.await_empty %[[E:.*]], %[[EE:.*]][
// CHECK-NOT: await_empty
// CHECK: sm90.copy_strengths %b[%{{.*}} into %[[ES]], %[[ES]] :
// CHECK-NEXT: sm90.stage.fill %[[ES]], %[[EF:.*]][
// CHECK: sm90.fetch_gates %w[{{.*}} : !llvm.ptr<1>, <1 x 24x128xbf16>
// CHECK: sm90.gate_rows %w[{{.*}} as(f16) : !llvm.ptr<1>, <1 x 24x128xbf16>
// CHECK: } auxiliary {
// CHECK: %[[ES:.*]] = sm90.stage.await_full %[[E]], %[[EF]]
// CHECK: %[[LS:.*]] = sm90.stage.await_empty
// CHECK: sm90.decay_tokens %{{.*}}, %[[ES]] keys({{.*}} into %[[LS]] reached(%{{.*}}, %[[ES]]) {{.*}} {narrow_strengths}
func.func @narrow(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                  %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                  %b: !q {attn.name = "b"}, %w: !v {attn.name = "w"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%b : !q) write(%w : !v)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_registers = 176, producer_registers = 32, persistent = false, auxiliary_registers = 128>>}
      : !q, !q, !v -> !v
  return %o : !v
}
