// What chunks of recurrences add is read back as it was printed, in both forms.

// RUN: attn-opt %s | FileCheck %s
// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s

#rows = #sm90.layout<rows>
#columns = #sm90.layout<columns>
#lanes = #sm90.layout<lanes>
#accumulator = #sm90.layout<accumulator>

!numbers = tensor<64xf32, #lanes>
!square = tensor<64x64xf32, #accumulator>
!half = tensor<64x64xf16, #accumulator>
!wide = tensor<64x128xf32, #accumulator>
!half_stage = !sm90.stage<64x128xbf16, panel_rows = 128>

// CHECK-LABEL: sm90.kernel @chunks(
// CHECK-SAME: auxiliary_registers = 104
sm90.kernel @chunks(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 104>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  // CHECK: sm90.alloc : <2 x 3x64xf32>
  %numbers = sm90.alloc : !sm90.buffer<2 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<2 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %rows = sm90.alloc : !sm90.buffer<2 x 64x128xbf16>
  %both = sm90.alloc : !sm90.buffer<2 x 128x128xbf16>
  // CHECK: sm90.buffer_rows %{{.*}} from(0) : <2 x 128x128xbf16> -> <2 x 64x128xbf16, panel_rows = 128>
  %upper = sm90.buffer_rows %both from(0) : !sm90.buffer<2 x 128x128xbf16> -> !sm90.buffer<2 x 64x128xbf16, panel_rows = 128>
  // CHECK: sm90.buffer_rows %{{.*}} from(64)
  %lower = sm90.buffer_rows %both from(64) : !sm90.buffer<2 x 128x128xbf16> -> !sm90.buffer<2 x 64x128xbf16, panel_rows = 128>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<2>
  %empty = sm90.mbarrier.init arrivals(4) : !sm90.mbarrier<2>
  // CHECK: sm90.warp_roles producer {
  // CHECK-NEXT: } numbers {
  sm90.warp_roles producer {
  } numbers {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    // CHECK: %[[G:.*]] = sm90.load_numbers %{{.*}}[%[[O:.*]]] stride(%[[O]]) limit(%{{.*}}) : !llvm.ptr<1> -> ![[LANES:.*]]
    %g = sm90.load_numbers %gates[%o] stride(%o) limit(%c0) : !llvm.ptr<1> -> !numbers
    // CHECK: sm90.load_numbers %{{.*}}[%[[O]]] stride(%[[O]]) limit(%{{.*}}) of(bf16) : !llvm.ptr<1> -> ![[LANES]]
    %short = sm90.load_numbers %gates[%o] stride(%o) limit(%c0) of(bf16) : !llvm.ptr<1> -> !numbers
    %keys = sm90.stage.await_full %rows, %full[%c0] : !sm90.buffer<2 x 64x128xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x128xbf16>
    // CHECK: sm90.row_norms %{{.*}} : <64x128xbf16> -> ![[LANES]]
    %norms = sm90.row_norms %keys : !sm90.stage<64x128xbf16> -> !numbers
    sm90.stage.release %keys, %empty[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<2>
    // CHECK: sm90.first_numbers %{{.*}} : ![[BITS:.*]]
    %first = sm90.first_numbers %c0 : tensor<64xi1, #lanes>
    // CHECK: %[[SUMS:.*]] = sm90.cumulative_sum %[[G]] : ![[LANES]] -> ![[LANES]]
    %sums = sm90.cumulative_sum %g : !numbers -> !numbers
    // CHECK: sm90.extract %[[SUMS]][63] : ![[LANES]]
    %last = sm90.extract %sums[63] : !numbers
    // CHECK: %[[FREE:.*]] = sm90.stage.await_empty
    %free = sm90.stage.await_empty %numbers, %empty[%c0] : !sm90.buffer<2 x 3x64xf32>, !sm90.mbarrier<2> -> !sm90.stage<3x64xf32>
    // CHECK: sm90.store_numbers %[[SUMS]], %[[FREE]] row(2) : ![[LANES]], <3x64xf32>
    sm90.store_numbers %sums, %free row(2) : !numbers, !sm90.stage<3x64xf32>
    // CHECK: sm90.stage.fill %[[FREE]], %{{.*}}[%{{.*}}] : <3x64xf32>, <2>
    sm90.stage.fill %free, %full[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<2>
  // CHECK: } auxiliary {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %stage = sm90.stage.await_full %numbers, %full[%c0] : !sm90.buffer<2 x 3x64xf32>, !sm90.mbarrier<2> -> !sm90.stage<3x64xf32>
    // CHECK: %[[ROWS:.*]] = sm90.load_row %[[STAGE:.*]] row(0) : <3x64xf32> -> ![[ROWTYPE:.*]]
    %r = sm90.load_row %stage row(0) : !sm90.stage<3x64xf32> -> tensor<64xf32, #rows>
    // CHECK: %[[COLUMNS:.*]] = sm90.load_row %[[STAGE]] row(0) : <3x64xf32> -> ![[COLUMNTYPE:.*]]
    %c = sm90.load_row %stage row(0) : !sm90.stage<3x64xf32> -> tensor<64xf32, #columns>
    // CHECK: %[[RATIOS:.*]] = sm90.decay_ratios rows(%[[ROWS]] : ![[ROWTYPE]]) columns(%[[COLUMNS]] : ![[COLUMNTYPE]]) : ![[SQUARE:.*]]
    %ratios = sm90.decay_ratios rows(%r : tensor<64xf32, #rows>) columns(%c : tensor<64xf32, #columns>) : !square
    // CHECK: sm90.decay_ratios : ![[SQUARE]]
    %triangle = sm90.decay_ratios : !square
    // CHECK: sm90.decay_ratios transposed : ![[SQUARE]]
    %other = sm90.decay_ratios transposed : !square
    // CHECK: %[[UPPER:.*]] = sm90.stage.await_full {{.*}} -> <64x128xbf16, panel_rows = 128>
    %u = sm90.stage.await_full %upper, %full[%c0] : !sm90.buffer<2 x 64x128xbf16, panel_rows = 128>, !sm90.mbarrier<2> -> !half_stage
    // CHECK: %[[LOWER:.*]] = sm90.stage.await_full
    %l = sm90.stage.await_full %lower, %full[%c0] : !sm90.buffer<2 x 64x128xbf16, panel_rows = 128>, !sm90.mbarrier<2> -> !half_stage
    // CHECK: sm90.wgmma_async %[[LOWER]] row(%{{.*}}), %[[UPPER]] above %[[LOWER]] transpose_rhs keeps
    %f = sm90.wgmma_async %l row(%c0), %u above %l transpose_rhs keeps : !sm90.in_flight<!wide = !half_stage * <64x128xbf16, panel_rows = 128>>
    %w, %kept = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<!wide = !half_stage * <64x128xbf16, panel_rows = 128>>
    // CHECK: %{{.*}}, %{{.*}} = sm90.split_columns %{{.*}} : !{{.*}} -> ![[SQUARE]]
    %left, %right = sm90.split_columns %w : !wide -> !square
    sm90.stage.release %u, %empty[%c0] : !half_stage, !sm90.mbarrier<2>
    sm90.stage.release %l, %empty[%c0] : !half_stage, !sm90.mbarrier<2>
    // CHECK: sm90.broadcast_columns %[[COLUMNS]] : ![[COLUMNTYPE]] -> ![[SQUARE]]
    %all = sm90.broadcast_columns %c : tensor<64xf32, #columns> -> !square
    %own = sm90.stage.await_empty %tiles, %empty[%c0] : !sm90.buffer<2 x 64x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf16>
    // CHECK: sm90.invert_unit_lower %[[RATIOS]] strengths(%[[STAGE]] row 1 : !sm90.stage<3x64xf32>) scratch(%{{.*}}, %{{.*}}) into %{{.*}} : ![[SQUARE]], <1 x 64x64xf16>, <1 x 64x16xf32>, <64x64xf16>
    sm90.invert_unit_lower %ratios strengths(%stage row 1 : !sm90.stage<3x64xf32>) scratch(%scratch, %blocks) into %own
      : !square, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    // CHECK: sm90.invert_unit_lower %{{.*}} scratch(%{{.*}}[%{{.*}}], %{{.*}}) into
    sm90.invert_unit_lower %triangle scratch(%tiles[%c0], %blocks) into %own
      : !square, !sm90.buffer<2 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    // CHECK: sm90.invert_unit_lower %{{.*}} transposed scratch(%{{.*}}, %{{.*}}) into
    sm90.invert_unit_lower %other transposed scratch(%scratch, %blocks) into %own
      : !square, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    %rest = sm90.stage.await_empty %tiles, %empty[%c0] : !sm90.buffer<2 x 64x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf16>
    // CHECK: sm90.invert_unit_lower %{{.*}} scratch(%{{.*}}, %{{.*}}) into %{{.*}} rest(%{{.*}} : !sm90.stage<64x64xf16>) :
    sm90.invert_unit_lower %triangle scratch(%scratch, %blocks) into %own rest(%rest : !sm90.stage<64x64xf16>)
      : !square, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    sm90.stage.fill %rest, %full[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<2>
    sm90.stage.fill %own, %full[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<2>
    sm90.stage.release %stage, %empty[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<2>
  // CHECK: } consumer {
  } consumer {
    %c0 = arith.constant 0 : index
    %stage = sm90.stage.await_full %numbers, %full[%c0] : !sm90.buffer<2 x 3x64xf32>, !sm90.mbarrier<2> -> !sm90.stage<3x64xf32>
    // CHECK: sm90.load_element %{{.*}}[2, 63] : <3x64xf32>
    %last = sm90.load_element %stage[2, 63] : !sm90.stage<3x64xf32>
    // CHECK: sm90.scale_columns %{{.*}}, %{{.*}} row(1) : ![[SQUARE]], <3x64xf32>
    %zeros = arith.constant dense<0.0> : !square
    %scaled = sm90.scale_columns %zeros, %stage row(1) : !square, !sm90.stage<3x64xf32>
    sm90.stage.release %stage, %empty[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<2>
    %tile = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<2 x 64x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf16>
    %o = arith.constant 0 : i64
    // CHECK: %[[STATE:.*]] = sm90.load_state %{{.*}}[%[[O:.*]]] strides(%[[O]], %[[O]]) : !llvm.ptr<1> -> ![[SQUARE]]
    %state = sm90.load_state %gates[%o] strides(%o, %o) : !llvm.ptr<1> -> !square
    // CHECK: sm90.load_state %{{.*}}[%[[O]]] strides(%[[O]], %[[O]]) of(bf16) : !llvm.ptr<1> -> ![[SQUARE]]
    %narrow = sm90.load_state %gates[%o] strides(%o, %o) of(bf16) : !llvm.ptr<1> -> !square
    // CHECK: sm90.store_state %[[STATE]], %{{.*}}[%[[O]]] strides(%[[O]], %[[O]]) of(f16) : ![[SQUARE]], !llvm.ptr<1>
    sm90.store_state %state, %gates[%o] strides(%o, %o) of(f16) : !square, !llvm.ptr<1>
    // CHECK: %[[T:.*]] = sm90.load_fragment %[[TILE:.*]] row(%{{.*}}) transposed : <64x64xf16> -> ![[HALF:.*]]
    %t = sm90.load_fragment %tile row(%c0) transposed : !sm90.stage<64x64xf16> -> !half
    // CHECK: sm90.store_fragment %[[T]], %{{.*}} row(%{{.*}}) transposed : ![[HALF]], !sm90.buffer<1 x 64x64xf16>
    sm90.store_fragment %t, %scratch row(%c0) transposed : !half, !sm90.buffer<1 x 64x64xf16>
    // CHECK: sm90.wgmma_async %[[TILE]] row(%{{.*}}), %[[TILE]] transpose_rhs keeps
    %f = sm90.wgmma_async %tile row(%c0), %tile transpose_rhs keeps : !sm90.in_flight<!square = !sm90.stage<64x64xf16> * <64x64xf16>>
    %s, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<!square = !sm90.stage<64x64xf16> * <64x64xf16>>
    sm90.stage.release %tile, %empty[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<2>
  }
  sm90.return
}
