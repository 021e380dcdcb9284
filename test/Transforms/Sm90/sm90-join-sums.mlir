// Sums that do not need each other are added up over the warps at once, in the place
// of the first.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-join-sums))' --split-input-file | FileCheck %s

#shared = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 1>
#s = #sm90.tensor<"s", tensor<128x64xf32>, [-1, -1]>

// The product behind the first sum is computed in front of it; what needs a sum stays.

// CHECK-LABEL: sm90.kernel @join(
// CHECK: %[[K:.*]] = sm90.load_strips {{.*}} constant
// CHECK: %[[READ:.*]] = sm90.reduce_strips
// CHECK: %[[P:.*]] = arith.mulf %[[K]], %[[K]]
// CHECK: %[[NORM:.*]] = sm90.reduce_vector <sum> %[[P]]
// CHECK: %[[BOTH:.*]]:2 = sm90.add_warps %[[READ]], %[[NORM]] : tensor<64xf32>, f32 -> tensor<64xf32>, f32
// CHECK: %[[TWICE:.*]] = arith.addf %[[BOTH]]#0, %[[BOTH]]#0
// CHECK: %[[ROWS:.*]] = sm90.splat %[[BOTH]]#1
// CHECK: %[[OTHER:.*]] = arith.mulf %[[K]], %[[ROWS]]
// CHECK: %[[SUM:.*]] = sm90.reduce_vector <sum> %[[OTHER]]
// CHECK: %[[LAST:.*]] = sm90.add_warps %[[SUM]] : f32 -> f32
// CHECK: sm90.splat %[[LAST]]
sm90.kernel @join(%s: !llvm.ptr<1> {sm90.tensor = 0}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #shared, tensors = [#s], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [0, 1] whole : f32 -> tensor<128x64xf32>
    %k = sm90.load_strips %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [1] constant : f32 -> tensor<128xf32>
    %read = sm90.reduce_strips <sum> %a axis(0) : tensor<128x64xf32> -> tensor<64xf32>
    %0 = sm90.add_warps %read : tensor<64xf32> -> tensor<64xf32>
    %twice = arith.addf %0, %0 : tensor<64xf32>
    %p = arith.mulf %k, %k : tensor<128xf32>
    %norm = sm90.reduce_vector <sum> %p : tensor<128xf32>
    %1 = sm90.add_warps %norm : f32 -> f32
    %rows = sm90.splat %1 : tensor<128xf32>
    %other = arith.mulf %k, %rows : tensor<128xf32>
    %sum = sm90.reduce_vector <sum> %other : tensor<128xf32>
    %2 = sm90.add_warps %sum : f32 -> f32
    %last = sm90.splat %2 : tensor<64xf32>
    %all = arith.addf %twice, %last : tensor<64xf32>
    sm90.store_strips %all, %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [1] : tensor<64xf32> -> f32
  }
  sm90.return
}

// -----

// What is loaded behind the first sum stays there.

#shared = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 1>
#s = #sm90.tensor<"s", tensor<128xf32>, [-1]>

// CHECK-LABEL: sm90.kernel @apart(
// CHECK: sm90.add_warps
// CHECK: sm90.load_strips
// CHECK: sm90.add_warps
sm90.kernel @apart(%s: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #shared, tensors = [#s], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c128 = arith.constant 128 : index
    %x = sm90.load_strips %s[%c0] of [%c128] strides [] axes [0] whole : f32 -> tensor<128xf32>
    %a = sm90.reduce_vector <sum> %x : tensor<128xf32>
    %0 = sm90.add_warps %a : f32 -> f32
    %y = sm90.load_strips %s[%c0] of [%c128] strides [] axes [0] whole : f32 -> tensor<128xf32>
    %b = sm90.reduce_vector <sum> %y : tensor<128xf32>
    %1 = sm90.add_warps %b : f32 -> f32
  }
  sm90.return
}
