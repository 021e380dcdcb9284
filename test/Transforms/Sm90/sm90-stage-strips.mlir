// Matrices that are loaded whole, in row strips, are copied; what else is loaded
// starts before anyone waits for them.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-stage-strips))' --split-input-file | FileCheck %s

#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, stage_strips = true>
!rows = tensor<32x128xf32, #sm90.layout<row_strips, lanes = 2>>
!columns = tensor<128xf32, #sm90.layout<row_strips_columns, lanes = 2>>

// CHECK-LABEL: sm90.kernel @staged(
// CHECK: %[[M:.*]] = sm90.stage_strips %s[%{{.*}}, %{{.*}}] of[%{{.*}}, %{{.*}}] strides[%{{.*}}] axes [0, 1] : <32x128xf32>
// CHECK: %[[K:.*]] = sm90.load_strips %s{{.*}} axes [1] whole
// CHECK: %[[E:.*]] = math.exp %[[K]]
// CHECK: %[[W:.*]] = sm90.broadcast_strips %[[E]]
// CHECK: %[[S:.*]] = sm90.take_strips %[[M]] : <32x128xf32> -> !row_strips
// CHECK: arith.mulf %[[S]], %[[W]]
// CHECK-NOT: stage_strips
sm90.kernel @staged(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"s", tensor<?x128xf32>, [0, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : f32 -> !rows
    %k = sm90.load_strips %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [1] whole : f32 -> !columns
    %e = math.exp %k : !columns
    %w = sm90.broadcast_strips %e axis(0) : !columns -> !rows
    %b = arith.mulf %a, %w : !rows
    // Neither what may reach over an edge, nor what is loaded again and again, nor what
    // nobody needs.
    %c = sm90.load_strips %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] : f32 -> !rows
    %f = scf.for %i = %c0 to %c128 step %c1 iter_args(%sum = %b) -> !rows {
      %x = sm90.load_strips %s[%i, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : f32 -> !rows
      %y = arith.addf %x, %sum : !rows
      scf.yield %y : !rows
    }
    %g = sm90.load_strips %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : f32 -> !rows
    %j = arith.addf %c, %f : !rows
    sm90.store_strips %j, %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : !rows -> f32
  }
  sm90.return
}

// -----

// Elements of 16 bits are copied as they are.

#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, stage_strips = true>
!rows = tensor<64x128xf32, #sm90.layout<row_strips>>

// CHECK-LABEL: sm90.kernel @halves(
// CHECK: sm90.stage_strips {{.*}} : <64x128xbf16>
// CHECK: sm90.take_strips %{{.*}} : <64x128xbf16> ->
sm90.kernel @halves(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"s", tensor<?x128xbf16>, [0, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : bf16 -> !rows
    sm90.store_strips %a, %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : !rows -> bf16
  }
  sm90.return
}

// -----

// What is used inside of a loop only is waited for in front of it.

#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, stage_strips = true>
!rows = tensor<32x128xf32, #sm90.layout<row_strips, lanes = 2>>

// CHECK-LABEL: sm90.kernel @loop(
// CHECK: sm90.stage_strips
// CHECK: sm90.take_strips
// CHECK: scf.for
sm90.kernel @loop(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"s", tensor<?x128xf32>, [0, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : f32 -> !rows
    scf.for %i = %c0 to %c128 step %c1 {
      sm90.store_strips %a, %s[%i, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : !rows -> f32
    }
  }
  sm90.return
}

// -----

// Without the field nothing changes, nor are columns copied.

#loaded = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>
#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, stage_strips = true>
!rows = tensor<32x128xf32, #sm90.layout<row_strips, lanes = 2>>
!columns = tensor<128x64xf32, #sm90.layout<column_strips>>

// CHECK-LABEL: sm90.kernel @loaded(
// CHECK-NOT: stage_strips %
sm90.kernel @loaded(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #loaded, tensors = [#sm90.tensor<"s", tensor<?x128xf32>, [0, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : f32 -> !rows
    sm90.store_strips %a, %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : !rows -> f32
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @columns(
// CHECK-NOT: stage_strips %
sm90.kernel @columns(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"s", tensor<?x128xf32>, [0, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : f32 -> !columns
    sm90.store_strips %a, %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : !columns -> f32
  }
  sm90.return
}
