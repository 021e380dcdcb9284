// Each warp becomes a block, numbered within what has been its block.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-separate-warps))' --split-input-file --verify-diagnostics | FileCheck %s

#separate = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, separate_warps = true>
#s = #sm90.tensor<"s", tensor<?x32x128xf32>, [0, -1, -1]>

// CHECK-LABEL: sm90.kernel @separate(
// CHECK-SAME: instances = [#sm90.extent<()[s0] -> (s0), sizes = [0, 0]>, #sm90.extent<() -> (4)>]
// CHECK: %[[WARP:.*]] = sm90.block_id
// CHECK: %[[FOUR:.*]] = arith.constant 4 : index
// CHECK: %[[BLOCK:.*]] = arith.divui %[[WARP]], %[[FOUR]]
// CHECK: sm90.load_strips %{{.*}}[%[[BLOCK]],
sm90.kernel @separate(%s: !llvm.ptr<1> {sm90.tensor = 0}, %s0: i64 {sm90.tensor = 0, sm90.axis = 0}, %s1: i64 {sm90.tensor = 0, sm90.axis = 1}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #separate, tensors = [#s], instances = [#sm90.extent<()[s0] -> (s0), sizes = [0, 0]>]} {
  sm90.warps {
    %block = sm90.block_id
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%block, %c0, %c0] of [%n, %c32, %c128] strides [%s0, %s1] axes [1, 2] whole : f32 -> tensor<32x128xf32>
    %b = arith.addf %a, %a : tensor<32x128xf32>
    sm90.store_strips %b, %s[%block, %c0, %c0] of [%n, %c32, %c128] strides [%s0, %s1] axes [1, 2] whole : tensor<32x128xf32> -> f32
  }
  sm90.return
}

// -----

// Without the field nothing changes.

#together = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

// CHECK-LABEL: sm90.kernel @together
// CHECK-SAME: instances = [#sm90.extent<() -> (2)>]
// CHECK: sm90.block_id
// CHECK-NOT: arith.divui
sm90.kernel @together() attributes {schedule = #together, tensors = [], instances = [#sm90.extent<() -> (2)>]} {
  sm90.warps {
    %block = sm90.block_id
    sm90.barrier.sync
  }
  sm90.return
}

// -----

#separate = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, separate_warps = true>

sm90.kernel @waiting() attributes {schedule = #separate, tensors = [], instances = []} {
  sm90.warps {
    // expected-error@+1 {{lets warps wait for each other, which separate_warps of the schedule makes blocks of}}
    sm90.barrier.sync
  }
  sm90.return
}
