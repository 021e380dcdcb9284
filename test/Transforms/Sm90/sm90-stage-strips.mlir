// Matrices that are loaded whole, in row strips, are copied; what else is loaded
// starts before anyone waits for them, and what needs none of it is computed before that.

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

// Of columns a warp has a box, which the kernel gets a tensor map for. Pure ops that need
// nothing of it come before the wait, wherever they are in the block; others stay.

#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 2, stage_strips = true>
!matrix = tensor<128x64xf32, #sm90.layout<column_strips, lanes = 8, warps = 2>>
!rows = tensor<128xf32, #sm90.layout<column_strips_rows, lanes = 8, warps = 2>>
!sums = tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 8, warps = 2>>

// CHECK-LABEL: sm90.kernel @boxes(
// CHECK-SAME: %[[MAP:[a-z0-9_]+]]: !sm90.tensor_map<64x32xf32, axes = [1, 2], rank = 3> {sm90.tensor = 1 : i64})
// CHECK: %[[M:.*]] = sm90.stage_boxes %[[MAP]][%{{.*}}, %{{.*}}, %{{.*}}] : <64x32xf32, axes = [1, 2], rank = 3> -> <128x64xf32>
// CHECK: %[[K:.*]] = sm90.load_strips %k{{.*}} axes [0] whole
// CHECK-NEXT: %[[Q:.*]] = arith.mulf %[[K]], %[[K]]
// CHECK-NEXT: %[[N:.*]] = sm90.reduce_vector <sum> %[[Q]]
// CHECK-NEXT: sm90.splat %[[N]]
// CHECK-NEXT: %[[S:.*]] = sm90.take_strips %[[M]] : <128x64xf32> -> !column_strips
// CHECK-NEXT: %[[R:.*]] = sm90.reduce_strips <sum> %[[S]]
// CHECK-NEXT: sm90.store_strips %[[R]]
// CHECK-NEXT: %[[L:.*]] = sm90.load_strips %k
// CHECK-NEXT: math.exp %[[L]]
sm90.kernel @boxes(%k: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %s: !llvm.ptr<1> {sm90.tensor = 1, sm90.alignment = 16}, %outer: i64 {sm90.tensor = 1, sm90.axis = 0}, %stride: i64 {sm90.tensor = 1, sm90.axis = 1})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"k", tensor<128xf32>, [-1]>, #sm90.tensor<"s", tensor<2x128x64xf32>, [-1, -1, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%c0, %c0, %c0] of [%c2, %c128, %c64] strides [%outer, %stride] axes [1, 2] whole : f32 -> !matrix
    %b = sm90.load_strips %k[%c0] of [%c128] strides [] axes [0] whole : f32 -> !rows
    %sums = sm90.reduce_strips <sum> %a axis(0) : !matrix -> !sums
    %squares = arith.mulf %b, %b : !rows
    %norm = sm90.reduce_vector <sum> %squares : !rows
    sm90.store_strips %sums, %k[%c0] of [%c64] strides [] axes [0] whole : !sums -> f32
    %again = sm90.load_strips %k[%c0] of [%c128] strides [] axes [0] whole : f32 -> !rows
    %e = math.exp %again : !rows
    sm90.store_strips %e, %k[%c0] of [%c128] strides [] axes [0] whole : !rows -> f32
    %n = sm90.splat %norm : !rows
    sm90.store_strips %n, %k[%c0] of [%c128] strides [] axes [0] whole : !rows -> f32
  }
  sm90.return
}

// -----

// Warps that share strips add up what is there in front of the wait, the rest behind it.

#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 1, stage_strips = true>
!matrix = tensor<128x64xf32, #sm90.layout<column_strips, lanes = 16, warps = 1>>
!rows = tensor<128xf32, #sm90.layout<column_strips_rows, lanes = 16, warps = 1>>
!sums = tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>

// CHECK-LABEL: sm90.kernel @sums(
// CHECK: %[[M:.*]] = sm90.stage_boxes
// CHECK: %[[NORM:.*]] = sm90.reduce_vector
// CHECK-NEXT: %[[EARLY:.*]] = sm90.add_warps %[[NORM]] : f32 -> f32
// CHECK-NEXT: math.rsqrt %[[EARLY]]
// CHECK: %[[S:.*]] = sm90.take_strips %[[M]]
// CHECK: %[[SUMS:.*]] = sm90.reduce_strips <sum> %[[S]]
// CHECK-NEXT: sm90.add_warps %[[SUMS]] :
sm90.kernel @sums(%k: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %s: !llvm.ptr<1> {sm90.tensor = 1, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 1, sm90.axis = 0})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"k", tensor<128xf32>, [-1]>, #sm90.tensor<"s", tensor<128x64xf32>, [-1, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [0, 1] whole : f32 -> !matrix
    %b = sm90.load_strips %k[%c0] of [%c128] strides [] axes [0] whole : f32 -> !rows
    %sums = sm90.reduce_strips <sum> %a axis(0) : !matrix -> !sums
    %norm = sm90.reduce_vector <sum> %b : !rows
    %both:2 = sm90.add_warps %sums, %norm : !sums, f32 -> !sums, f32
    %root = math.rsqrt %both#1 : f32
    %factor = sm90.splat %root : !sums
    %x = arith.mulf %both#0, %factor : !sums
    sm90.store_strips %x, %k[%c0] of [%c64] strides [] axes [0] whole : !sums -> f32
  }
  sm90.return
}

// -----

// A pointer that has been computed is that of no tensor, and a box has 256 rows at most.

#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, stage_strips = true>
!matrix = tensor<128x64xf32, #sm90.layout<column_strips>>
!long = tensor<512x64xf32, #sm90.layout<column_strips>>

// CHECK-LABEL: sm90.kernel @others(
// CHECK-NOT: stage_boxes %
sm90.kernel @others(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"s", tensor<512x64xf32>, [-1, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c512 = arith.constant 512 : index
    %p = llvm.getelementptr %s[16] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    %a = sm90.load_strips %p[%c0, %c0] of [%c512, %c64] strides [%stride] axes [0, 1] whole : f32 -> !matrix
    sm90.store_strips %a, %s[%c0, %c0] of [%c512, %c64] strides [%stride] axes [0, 1] whole : !matrix -> f32
    %b = sm90.load_strips %s[%c0, %c0] of [%c512, %c64] strides [%stride] axes [0, 1] whole : f32 -> !long
    sm90.store_strips %b, %s[%c0, %c0] of [%c512, %c64] strides [%stride] axes [0, 1] whole : !long -> f32
  }
  sm90.return
}

// -----

// Without the field nothing changes, nor are rows copied that warps share.

#loaded = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>
#shared = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 2, stage_strips = true>
!rows = tensor<32x128xf32, #sm90.layout<row_strips, lanes = 2>>
!parts = tensor<32x128xf32, #sm90.layout<row_strips, lanes = 4, warps = 2>>

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

// CHECK-LABEL: sm90.kernel @shared(
// CHECK-NOT: stage_strips %
sm90.kernel @shared(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #shared, tensors = [#sm90.tensor<"s", tensor<?x128xf32>, [0, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c128 = arith.constant 128 : index
    %a = sm90.load_strips %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : f32 -> !parts
    sm90.store_strips %a, %s[%c0, %c0] of [%n, %c128] strides [%stride] axes [0, 1] whole : !parts -> f32
  }
  sm90.return
}
