// Buffers come first, each at a multiple of 1024 bytes, then the barriers.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-assign-shared-memory))' \
// RUN:   | FileCheck %s

// CHECK-LABEL: sm90.kernel @buffers()
// CHECK-SAME: shared_memory = 66592 : i64
sm90.kernel @buffers() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  // CHECK-NEXT: sm90.alloc at 0 : <1 x 128x128xbf16>
  %q = sm90.alloc : !sm90.buffer<1 x 128x128xbf16>
  // CHECK-NEXT: sm90.mbarrier.init arrivals(1) at 66560 : <1>
  %q_full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  // CHECK-NEXT: sm90.alloc at 32768 : <1 x 8x64xbf16>
  %k = sm90.alloc : !sm90.buffer<1 x 8x64xbf16>
  // CHECK-NEXT: sm90.alloc at 33792 : <2 x 64x128xf16>
  %o = sm90.alloc : !sm90.buffer<2 x 64x128xf16>
  // CHECK-NEXT: sm90.mbarrier.init arrivals(8) at 66568 : <3>
  %k_full = sm90.mbarrier.init arrivals(8) : !sm90.mbarrier<3>
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// What lies over another buffer takes no memory of its own.
// CHECK-LABEL: sm90.kernel @over()
// CHECK-SAME: shared_memory = 17408 : i64
sm90.kernel @over() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  // CHECK-NEXT: sm90.alloc at 0 : <1 x 8x64xbf16>
  %front = sm90.alloc : !sm90.buffer<1 x 8x64xbf16>
  // CHECK-NEXT: %[[B:.*]] = sm90.alloc at 1024 : <1 x 64x128xbf16>
  %buffer = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  // CHECK-NEXT: sm90.alloc over %[[B]] : !sm90.buffer<1 x 64x128xbf16> at 1024 : <1 x 8x64xbf16>
  %first = sm90.alloc over %buffer : !sm90.buffer<1 x 64x128xbf16> : !sm90.buffer<1 x 8x64xbf16>
  // CHECK-NEXT: sm90.alloc over %[[B]] : !sm90.buffer<1 x 64x128xbf16> at 2048 : <1 x 8x64xbf16>
  %second = sm90.alloc over %buffer : !sm90.buffer<1 x 64x128xbf16> : !sm90.buffer<1 x 8x64xbf16>
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// CHECK-LABEL: sm90.kernel @none()
// CHECK-SAME: shared_memory = 0 : i64
sm90.kernel @none() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// Each of 4 warps has 4 bytes for each result of a search.
// CHECK-LABEL: sm90.kernel @search(
// CHECK-SAME: shared_memory = 72 : i64
sm90.kernel @search(%n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, instances = [],
                tensors = [#sm90.tensor<"x", tensor<?xi32>, [0]>]} {
  // CHECK: sm90.mbarrier.init arrivals(1) at 64 : <1>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    // CHECK: sm90.find_extremes(%{{.*}} to %{{.*}}) at 0 : i32, i32 {
    %a:2 = sm90.find_extremes(%n to %n) : i32, i32 {
    ^bb0(%p: index):
      %i = arith.index_cast %p : index to i32
      %true = arith.constant true
      sm90.yield %i, %true : i32, i1
    }
    // CHECK: sm90.find_extremes(%{{.*}} to %{{.*}}) at 32 : i32, i32 {
    %b:2 = sm90.find_extremes(%n to %n) : i32, i32 {
    ^bb0(%p: index):
      %i = arith.index_cast %p : index to i32
      %true = arith.constant true
      sm90.yield %i, %true : i32, i1
    }
  }
  sm90.return
}

// Each of 8 warps has 4 bytes for its sum, several of which are read at a time.
// CHECK-LABEL: sm90.kernel @reach(
// CHECK-SAME: shared_memory = 64 : i64
sm90.kernel @reach(%n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<>, instances = [],
                tensors = [#sm90.tensor<"x", tensor<?xi32>, [0]>]} {
  sm90.warp_roles producer {
  } consumer {
    %x = arith.constant 1.0 : f32
    // CHECK: sm90.find_reach(%{{.*}} to %{{.*}}) block(64) limit(-3.000000e+01) at 0 {
    %a = sm90.find_reach(%n to %n) block(64) limit(-30.0) {
    ^bb0(%p: index):
      sm90.yield %x : f32
    }
    // CHECK: sm90.find_reach(%{{.*}} to %{{.*}}) block(64) limit(-3.000000e+01) at 32 {
    %b = sm90.find_reach(%n to %n) block(64) limit(-30.0) {
    ^bb0(%p: index):
      sm90.yield %x : f32
    }
  }
  sm90.return
}

// Of warps that share strips, each operand takes what all of them have.

// CHECK-LABEL: sm90.kernel @sums
// CHECK-SAME: shared_memory = 1072
sm90.kernel @sums() attributes {schedule = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 1>, tensors = [], instances = []} {
  sm90.warps {
    %x = arith.constant 1.0 : f32
    %v = arith.constant dense<1.0> : tensor<64xf32>
    // CHECK: sm90.add_warps %{{.*}} at 0 :
    %a = sm90.add_warps %x : f32 -> f32
    // CHECK: sm90.add_warps %{{.*}}, %{{.*}}, %{{.*}} at 16 :
    %b:3 = sm90.add_warps %x, %v, %x : f32, tensor<64xf32>, f32 -> f32, tensor<64xf32>, f32
  }
  sm90.return
}

// A strip of each warp, with its barrier, of 4 that are a block; behind another one.
#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, stage_strips = true>
// CHECK-LABEL: sm90.kernel @strips(
// CHECK-SAME: shared_memory = 24768 : i64
sm90.kernel @strips(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #strips, tensors = [#sm90.tensor<"s", tensor<32x128xf32>, [-1, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %c128 = arith.constant 128 : index
    // CHECK: sm90.stage_strips {{.*}} at 0 : <32x128xf32>
    %m = sm90.stage_strips %s[%c0, %c0] of [%c32, %c128] strides [%stride] axes [0, 1] : !sm90.stage<32x128xf32>
    %a = sm90.take_strips %m : !sm90.stage<32x128xf32> -> tensor<32x128xf32>
    // CHECK: sm90.stage_strips {{.*}} at 16512 : <16x128xf32>
    %n = sm90.stage_strips %s[%c0, %c0] of [%c32, %c128] strides [%stride] axes [0, 1] : !sm90.stage<16x128xf32>
    %b = sm90.take_strips %n : !sm90.stage<16x128xf32> -> tensor<16x128xf32>
  }
  sm90.return
}

// Boxes start at multiples of 128 bytes, also those of other warps.
// CHECK-LABEL: sm90.kernel @boxes(
// CHECK-SAME: shared_memory = 16896 : i64
sm90.kernel @boxes(%s: !sm90.tensor_map<32x32xf32, axes = [0, 1], rank = 2> {sm90.tensor = 0})
    attributes {schedule = #strips, tensors = [#sm90.tensor<"s", tensor<128x32xf32>, [-1, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    // CHECK: sm90.stage_boxes {{.*}} at 0 :
    %m = sm90.stage_boxes %s[%c0, %c0] : !sm90.tensor_map<32x32xf32, axes = [0, 1], rank = 2> -> !sm90.stage<128x32xf32>
    %a = sm90.take_strips %m : !sm90.stage<128x32xf32> -> tensor<128x32xf32>
  }
  sm90.return
}

// Warps that are blocks have one each, in so much of a multiprocessor that 12 fit.
#blocks = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, separate_warps = true, stage_strips = true, blocks_per_multiprocessor = 12>
// CHECK-LABEL: sm90.kernel @blocks(
// CHECK-SAME: shared_memory = 18432 : i64
sm90.kernel @blocks(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #blocks, tensors = [#sm90.tensor<"s", tensor<32x128xf32>, [-1, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %c128 = arith.constant 128 : index
    // CHECK: sm90.stage_strips {{.*}} at 0 : <32x128xf32>
    %m = sm90.stage_strips %s[%c0, %c0] of [%c32, %c128] strides [%stride] axes [0, 1] : !sm90.stage<32x128xf32>
    %a = sm90.take_strips %m : !sm90.stage<32x128xf32> -> tensor<32x128xf32>
  }
  sm90.return
}
