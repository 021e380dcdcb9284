// What decays of channels need is read back as it was printed, in both forms.

// RUN: attn-opt %s | FileCheck %s
// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s

!tiles = !sm90.buffer<1 x 64x128xbf16>
!sums = !sm90.buffer<1 x 64x128xf32>
!rows = !sm90.buffer<2 x 1x128xf32>
!scratch = !sm90.buffer<1 x 96x128xf16>
!bar = !sm90.mbarrier<1>
!square = tensor<64x64xf32, #sm90.layout<accumulator>>

// CHECK-LABEL: sm90.kernel @decays(
sm90.kernel @decays(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !tiles
  %sums = sm90.alloc : !sums
  %rows = sm90.alloc : !rows
  %scratch = sm90.alloc : !scratch
  %full = sm90.mbarrier.init arrivals(32) : !bar
  %two = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } numbers {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %s = sm90.stage.await_empty %sums, %full[%c0] : !sums, !bar -> !sm90.stage<64x128xf32>
    %w = sm90.stage.await_empty %rows, %two[%c0] : !rows, !sm90.mbarrier<2> -> !sm90.stage<1x128xf32>
    // CHECK: sm90.decay_sums %{{.*}}[%{{.*}}] stride(%{{.*}}) limit(%{{.*}}) into %{{.*}}, %{{.*}} : !llvm.ptr<1>, <64x128xf32>, <1x128xf32>
    sm90.decay_sums %gates[%o] stride(%o) limit(%c0) into %s, %w : !llvm.ptr<1>, !sm90.stage<64x128xf32>, !sm90.stage<1x128xf32>
    // CHECK: sm90.decay_sums %{{.*}}[%{{.*}}] stride(%{{.*}}) limit(%{{.*}}) linear into
    sm90.decay_sums %gates[%o] stride(%o) limit(%c0) linear into %s, %w : !llvm.ptr<1>, !sm90.stage<64x128xf32>, !sm90.stage<1x128xf32>
    sm90.stage.fill %s, %full[%c0] : !sm90.stage<64x128xf32>, !bar
    sm90.stage.fill %w, %two[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<2>
  // CHECK: } gates {
  } gates {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %k = sm90.stage.await_full %tiles, %full[%c0] : !tiles, !bar -> !sm90.stage<64x128xbf16>
    %r = sm90.stage.await_empty %tiles, %full[%c0] : !tiles, !bar -> !sm90.stage<64x128xbf16>
    // CHECK: sm90.gate_rows %{{.*}}, %{{.*}}[%{{.*}}] stride(%{{.*}}) limit(%{{.*}}) into %{{.*}} : <64x128xbf16>, !llvm.ptr<1>, <64x128xbf16>
    sm90.gate_rows %k, %gates[%o] stride(%o) limit(%c0) into %r : !sm90.stage<64x128xbf16>, !llvm.ptr<1>, !sm90.stage<64x128xbf16>
    // CHECK: sm90.gate_rows %{{.*}} into %{{.*}} as(f16) :
    sm90.gate_rows %k, %gates[%o] stride(%o) limit(%c0) into %r as(f16) : !sm90.stage<64x128xbf16>, !llvm.ptr<1>, !sm90.stage<64x128xbf16>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !bar
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !bar
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tiles, %full[%c0] : !tiles, !bar -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %sums, %full[%c0] : !sums, !bar -> !sm90.stage<64x128xf32>
    %r = sm90.stage.await_empty %tiles, %full[%c0] : !tiles, !bar -> !sm90.stage<64x128xbf16>
    // CHECK: sm90.decay_columns %[[K:.*]], %[[S:.*]] scratch(%[[SCRATCH:.*]]) into %[[R:.*]] : <64x128xbf16>, <64x128xf32>, <1 x 96x128xf16>, <64x128xbf16>
    sm90.decay_columns %k, %s scratch(%scratch) into %r : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xf32>, !scratch, !sm90.stage<64x128xbf16>
    // CHECK: sm90.decayed_dot %[[K]], %[[K]], %[[S]] scratch(%[[SCRATCH]]) into %[[R]] : !sm90.stage<64x128xbf16> scale(5.000000e-01) : <64x128xbf16>, <64x128xbf16>, <64x128xf32>, <1 x 96x128xf16> -> ![[SQUARE:.*]]
    %a = sm90.decayed_dot %k, %k, %s scratch(%scratch) into %r : !sm90.stage<64x128xbf16> scale(0.5) : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16>, !sm90.stage<64x128xf32>, !scratch -> !square
    // CHECK: sm90.decayed_dot %[[K]], %[[K]], %[[S]] scratch(%[[SCRATCH]]) : <64x128xbf16>, <64x128xbf16>, <64x128xf32>, <1 x 96x128xf16> -> ![[SQUARE]]
    %b = sm90.decayed_dot %k, %k, %s scratch(%scratch) : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16>, !sm90.stage<64x128xf32>, !scratch -> !square
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !bar
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !bar
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !bar
  } consumer {
  }
  sm90.return
}
