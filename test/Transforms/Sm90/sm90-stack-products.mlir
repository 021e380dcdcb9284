// One product of the keys with the queries above them takes the place of two.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-stack-products))' --split-input-file | FileCheck %s

!square = tensor<64x64xf32>
!stage = !sm90.stage<64x128xbf16>
!product = !sm90.in_flight<!square = !stage * <64x128xbf16>>

// The buffers become rows of one, wherever they are used; what follows from the product is
// transposed, and the consumers' products are as they were.

// CHECK-LABEL: sm90.kernel @stack(
// CHECK: %[[BOTH:.*]] = sm90.alloc : <2 x 128x128xbf16>
// CHECK-NEXT: %[[Q:.*]] = sm90.buffer_rows %[[BOTH]] from(0) : <2 x 128x128xbf16> -> <2 x 64x128xbf16, panel_rows = 128>
// CHECK-NEXT: %[[K:.*]] = sm90.buffer_rows %[[BOTH]] from(64) : <2 x 128x128xbf16> -> <2 x 64x128xbf16, panel_rows = 128>
// CHECK: sm90.warp_roles producer {
// CHECK: sm90.stage.await_empty %[[Q]]
// CHECK: sm90.tma_load_async {{.*}} <64x128xbf16, panel_rows = 128>, <2>
// CHECK: } auxiliary {
// CHECK: %[[KEYS:.*]] = sm90.stage.await_full %[[K]]
// CHECK-NEXT: %[[QUERIES:.*]] = sm90.stage.await_full %[[Q]]
// CHECK-NEXT: %[[F:.*]] = sm90.wgmma_async %[[KEYS]] row(%c0), %[[QUERIES]] above %[[KEYS]] transpose_rhs keeps
// CHECK-NOT: sm90.wgmma_async
// CHECK: %[[RATIOS:.*]] = sm90.decay_ratios rows({{.*}}) columns({{.*}}) transposed
// CHECK-NEXT: %[[T:.*]], %{{.*}} = sm90.wgmma.wait %[[F]] pending(0) : <tensor<64x128xf32> =
// CHECK-NEXT: %[[LEFT:.*]], %[[RIGHT:.*]] = sm90.split_columns %[[T]] : tensor<64x128xf32> -> tensor<64x64xf32>
// CHECK-NOT: sm90.wgmma.wait
// CHECK: %[[P:.*]] = arith.mulf %[[LEFT]], %[[RATIOS]]
// CHECK: %[[HALF:.*]] = arith.truncf %[[P]]
// CHECK: sm90.store_fragment %[[HALF]], %{{.*}} row(%c0) transposed
// CHECK: %[[A:.*]] = arith.mulf %[[RIGHT]], %[[RATIOS]]
// CHECK: sm90.invert_unit_lower %[[A]] transposed scratch(
// CHECK: } consumer {
// CHECK: %[[OWN:.*]] = sm90.stage.await_full %[[K]]
// CHECK-NEXT: sm90.wgmma_async %{{.*}}, %[[OWN]] transpose_rhs keeps : <tensor<64x64xf32> = tensor<64x128xbf16> * <64x128xbf16, panel_rows = 128>>
sm90.kernel @stack(%map: !sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 104, stack_products = true>,
                tensors = [#sm90.tensor<"q", tensor<64x128xbf16>, [-1, -1]>], instances = []} {
  %q = sm90.alloc : !sm90.buffer<2 x 64x128xbf16>
  %k = sm90.alloc : !sm90.buffer<2 x 64x128xbf16>
  %numbers = sm90.alloc : !sm90.buffer<2 x 4x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<2 x 64x64xf16>
  %inverses = sm90.alloc : !sm90.buffer<2 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %bar = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    %free = sm90.stage.await_empty %q, %bar[%c0] : !sm90.buffer<2 x 64x128xbf16>, !sm90.mbarrier<2> -> !stage
    sm90.tma_load_async %map[%c0, %c0] into %free, %bar[%c0] : !sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2>, !stage, !sm90.mbarrier<2>
  } auxiliary {
    %c0 = arith.constant 0 : index
    %keys = sm90.stage.await_full %k, %bar[%c0] : !sm90.buffer<2 x 64x128xbf16>, !sm90.mbarrier<2> -> !stage
    %f = sm90.wgmma_async %keys row(%c0), %keys transpose_rhs keeps : !product
    %queries = sm90.stage.await_full %q, %bar[%c0] : !sm90.buffer<2 x 64x128xbf16>, !sm90.mbarrier<2> -> !stage
    %g = sm90.wgmma_async %queries row(%c0), %keys transpose_rhs keeps : !product
    %n = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<2 x 4x64xf32>, !sm90.mbarrier<2> -> !sm90.stage<4x64xf32>
    %columns = sm90.load_row %n row(1) : !sm90.stage<4x64xf32> -> tensor<64xf32>
    %rows = sm90.load_row %n row(1) : !sm90.stage<4x64xf32> -> tensor<64xf32>
    %ratios = sm90.decay_ratios rows(%rows : tensor<64xf32>) columns(%columns : tensor<64xf32>) : !square
    %kk, %s0 = sm90.wgmma.wait %f pending(1) : !product
    %qk, %s1 = sm90.wgmma.wait %g pending(0) : !product
    sm90.stage.release %queries, %bar[%c0] : !stage, !sm90.mbarrier<2>
    sm90.stage.release %keys, %bar[%c0] : !stage, !sm90.mbarrier<2>
    %p = arith.mulf %qk, %ratios : !square
    %h = arith.truncf %p : !square to tensor<64x64xf16>
    %t = sm90.stage.await_empty %tiles, %bar[%c0] : !sm90.buffer<2 x 64x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf16>
    sm90.store_fragment %h, %t row(%c0) : tensor<64x64xf16>, !sm90.stage<64x64xf16>
    %a = arith.mulf %kk, %ratios : !square
    %i = sm90.stage.await_empty %inverses, %bar[%c0] : !sm90.buffer<2 x 64x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf16>
    sm90.invert_unit_lower %a scratch(%scratch, %blocks) into %i : !square, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    sm90.stage.fill %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<2>
    sm90.stage.fill %i, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<2>
    sm90.stage.release %n, %bar[%c0] : !sm90.stage<4x64xf32>, !sm90.mbarrier<2>
  } consumer {
    %c0 = arith.constant 0 : index
    %state = arith.constant dense<0.0> : tensor<64x128xbf16>
    %keys = sm90.stage.await_full %k, %bar[%c0] : !sm90.buffer<2 x 64x128xbf16>, !sm90.mbarrier<2> -> !stage
    %f = sm90.wgmma_async %state, %keys transpose_rhs keeps : !sm90.in_flight<!square = tensor<64x128xbf16> * <64x128xbf16>>
    %r, %s = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<!square = tensor<64x128xbf16> * <64x128xbf16>>
    sm90.stage.release %keys, %bar[%c0] : !stage, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// Not where the schedule does not want it.

!square = tensor<64x64xf32>
!stage = !sm90.stage<64x128xbf16>
!product = !sm90.in_flight<!square = !stage * <64x128xbf16>>

// CHECK-LABEL: sm90.kernel @apart(
// CHECK-NOT: sm90.buffer_rows
// CHECK-COUNT-2: sm90.wgmma_async
sm90.kernel @apart()
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 104>, tensors = [], instances = []} {
  %q = sm90.alloc : !sm90.buffer<2 x 64x128xbf16>
  %k = sm90.alloc : !sm90.buffer<2 x 64x128xbf16>
  %tiles = sm90.alloc : !sm90.buffer<2 x 64x64xf16>
  %inverses = sm90.alloc : !sm90.buffer<2 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %bar = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %keys = sm90.stage.await_full %k, %bar[%c0] : !sm90.buffer<2 x 64x128xbf16>, !sm90.mbarrier<2> -> !stage
    %f = sm90.wgmma_async %keys row(%c0), %keys transpose_rhs keeps : !product
    %queries = sm90.stage.await_full %q, %bar[%c0] : !sm90.buffer<2 x 64x128xbf16>, !sm90.mbarrier<2> -> !stage
    %g = sm90.wgmma_async %queries row(%c0), %keys transpose_rhs keeps : !product
    %ratios = sm90.decay_ratios : !square
    %kk, %s0 = sm90.wgmma.wait %f pending(1) : !product
    %qk, %s1 = sm90.wgmma.wait %g pending(0) : !product
    sm90.stage.release %queries, %bar[%c0] : !stage, !sm90.mbarrier<2>
    sm90.stage.release %keys, %bar[%c0] : !stage, !sm90.mbarrier<2>
    %p = arith.mulf %qk, %ratios : !square
    %h = arith.truncf %p : !square to tensor<64x64xf16>
    %t = sm90.stage.await_empty %tiles, %bar[%c0] : !sm90.buffer<2 x 64x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf16>
    sm90.store_fragment %h, %t row(%c0) : tensor<64x64xf16>, !sm90.stage<64x64xf16>
    %a = arith.mulf %kk, %ratios : !square
    %i = sm90.stage.await_empty %inverses, %bar[%c0] : !sm90.buffer<2 x 64x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf16>
    sm90.invert_unit_lower %a scratch(%scratch, %blocks) into %i : !square, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    sm90.stage.fill %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<2>
    sm90.stage.fill %i, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<2>
  } consumer {
  }
  sm90.return
}

// -----

// Nor where columns are multiplied by other numbers: rows of the transpose would be.

!square = tensor<64x64xf32>
!stage = !sm90.stage<64x128xbf16>
!product = !sm90.in_flight<!square = !stage * <64x128xbf16>>

// CHECK-LABEL: sm90.kernel @scaled(
// CHECK-NOT: sm90.buffer_rows
// CHECK-COUNT-2: sm90.wgmma_async
sm90.kernel @scaled()
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 104, stack_products = true>, tensors = [], instances = []} {
  %q = sm90.alloc : !sm90.buffer<2 x 64x128xbf16>
  %k = sm90.alloc : !sm90.buffer<2 x 64x128xbf16>
  %numbers = sm90.alloc : !sm90.buffer<2 x 4x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<2 x 64x64xf16>
  %inverses = sm90.alloc : !sm90.buffer<2 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %bar = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %keys = sm90.stage.await_full %k, %bar[%c0] : !sm90.buffer<2 x 64x128xbf16>, !sm90.mbarrier<2> -> !stage
    %f = sm90.wgmma_async %keys row(%c0), %keys transpose_rhs keeps : !product
    %queries = sm90.stage.await_full %q, %bar[%c0] : !sm90.buffer<2 x 64x128xbf16>, !sm90.mbarrier<2> -> !stage
    %g = sm90.wgmma_async %queries row(%c0), %keys transpose_rhs keeps : !product
    %n = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<2 x 4x64xf32>, !sm90.mbarrier<2> -> !sm90.stage<4x64xf32>
    %ratios = sm90.decay_ratios : !square
    %kk, %s0 = sm90.wgmma.wait %f pending(1) : !product
    %qk, %s1 = sm90.wgmma.wait %g pending(0) : !product
    sm90.stage.release %queries, %bar[%c0] : !stage, !sm90.mbarrier<2>
    sm90.stage.release %keys, %bar[%c0] : !stage, !sm90.mbarrier<2>
    %scaled = sm90.scale_columns %qk, %n row(1) : !square, !sm90.stage<4x64xf32>
    %p = arith.mulf %scaled, %ratios : !square
    %h = arith.truncf %p : !square to tensor<64x64xf16>
    %t = sm90.stage.await_empty %tiles, %bar[%c0] : !sm90.buffer<2 x 64x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf16>
    sm90.store_fragment %h, %t row(%c0) : tensor<64x64xf16>, !sm90.stage<64x64xf16>
    %a = arith.mulf %kk, %ratios : !square
    %i = sm90.stage.await_empty %inverses, %bar[%c0] : !sm90.buffer<2 x 64x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf16>
    sm90.invert_unit_lower %a scratch(%scratch, %blocks) into %i : !square, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    sm90.stage.fill %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<2>
    sm90.stage.fill %i, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<2>
    sm90.stage.release %n, %bar[%c0] : !sm90.stage<4x64xf32>, !sm90.mbarrier<2>
  } consumer {
  }
  sm90.return
}
