// Sums read a matrix as it has been loaded, of vectors that are scaled; what else needs it
// scaled scales it.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-scale-vectors))' --split-input-file | FileCheck %s

#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, stage_strips = true>
!matrix = tensor<128x64xf32, #sm90.layout<column_strips>>
!rows = tensor<128xf32, #sm90.layout<column_strips_rows>>
!columns = tensor<64xf32, #sm90.layout<column_strips_columns>>

// CHECK-LABEL: sm90.kernel @channels(
// CHECK: %[[S:.*]] = sm90.load_strips %s
// CHECK: %[[D:.*]] = sm90.load_strips %d
// CHECK: %[[K:.*]] = sm90.load_strips %k
// CHECK: %[[SPREAD:.*]] = sm90.broadcast_strips %[[D]] axis(1)
// CHECK: %[[LEFT:.*]] = arith.mulf %[[S]], %[[SPREAD]]
// CHECK: %[[SCALED:.*]] = arith.mulf %[[K]], %[[D]] : !column_strips_rows
// CHECK: %[[KEYS:.*]] = sm90.broadcast_strips %[[SCALED]] axis(1)
// CHECK: %[[X:.*]] = arith.mulf %[[S]], %[[KEYS]] fastmath<contract>
// CHECK: sm90.reduce_strips <sum> %[[X]] axis(0)
// CHECK: sm90.store_strips %[[LEFT]]
sm90.kernel @channels(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                      %d: !llvm.ptr<1> {sm90.tensor = 1}, %k: !llvm.ptr<1> {sm90.tensor = 2}, %o: !llvm.ptr<1> {sm90.tensor = 3})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"s", tensor<128x64xf32>, [-1, -1]>, #sm90.tensor<"d", tensor<128xf32>, [-1]>, #sm90.tensor<"k", tensor<128xf32>, [-1]>, #sm90.tensor<"o", tensor<64xf32>, [-1], output = true>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %0 = sm90.load_strips %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [0, 1] whole : f32 -> !matrix
    %1 = sm90.load_strips %d[%c0] of [%c128] strides [] axes [0] : f32 -> !rows
    %2 = sm90.load_strips %k[%c0] of [%c128] strides [] axes [0] : f32 -> !rows
    %3 = sm90.broadcast_strips %1 axis(1) : !rows -> !matrix
    %4 = arith.mulf %0, %3 : !matrix
    %5 = sm90.broadcast_strips %2 axis(1) : !rows -> !matrix
    %6 = arith.mulf %4, %5 fastmath<contract> : !matrix
    %7 = sm90.reduce_strips <sum> %6 axis(0) : !matrix -> !columns
    sm90.store_strips %7, %o[%c0] of [%c64] strides [] axes [0] : !columns -> f32
    sm90.store_strips %4, %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [0, 1] whole : !matrix -> f32
  }
  sm90.return
}

// -----

// A number scales vectors as well, and so do a number and a vector.

#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, stage_strips = true>
!matrix = tensor<32x128xf32, #sm90.layout<row_strips, lanes = 2>>
!columns = tensor<128xf32, #sm90.layout<row_strips_columns, lanes = 2>>
!rows = tensor<32xf32, #sm90.layout<row_strips_rows, lanes = 2>>

// CHECK-LABEL: sm90.kernel @numbers(
// CHECK: %[[S:.*]] = sm90.load_strips %s
// CHECK: %[[K:.*]] = sm90.load_strips %k
// CHECK: %[[SPLAT:.*]] = sm90.splat %[[N:.*]] : !row_strips_columns
// CHECK: %[[ONCE:.*]] = arith.mulf %[[K]], %[[SPLAT]]
// CHECK: %[[KEYS:.*]] = sm90.broadcast_strips %[[ONCE]] axis(0)
// CHECK: arith.mulf %[[S]], %[[KEYS]] fastmath<contract>
// CHECK: %[[VECTOR:.*]] = arith.mulf %[[K]], %[[K]] : !row_strips_columns
// CHECK: %[[AGAIN:.*]] = sm90.splat %[[N]] : !row_strips_columns
// CHECK: %[[TWICE:.*]] = arith.mulf %[[VECTOR]], %[[AGAIN]]
// CHECK: %[[SPREAD:.*]] = sm90.broadcast_strips %[[TWICE]] axis(0)
// CHECK: arith.mulf %[[S]], %[[SPREAD]] fastmath<contract>
sm90.kernel @numbers(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                     %k: !llvm.ptr<1> {sm90.tensor = 1}, %o: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"s", tensor<32x128xf32>, [-1, -1]>, #sm90.tensor<"k", tensor<128xf32>, [-1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %c128 = arith.constant 128 : index
    %n = arith.constant 0.5 : f32
    %0 = sm90.load_strips %s[%c0, %c0] of [%c32, %c128] strides [%stride] axes [0, 1] whole : f32 -> !matrix
    %1 = sm90.load_strips %k[%c0] of [%c128] strides [] axes [0] : f32 -> !columns
    %2 = sm90.splat %n : !matrix
    %3 = arith.mulf %0, %2 : !matrix
    %4 = sm90.broadcast_strips %1 axis(0) : !columns -> !matrix
    %5 = arith.mulf %3, %4 fastmath<contract> : !matrix
    %6 = sm90.reduce_strips <sum> %5 axis(1) : !matrix -> !rows
    %7 = arith.mulf %3, %4 : !matrix
    %8 = arith.mulf %7, %4 fastmath<contract> : !matrix
    %9 = sm90.reduce_strips <sum> %8 axis(1) : !matrix -> !rows
    %10 = arith.addf %6, %9 : !rows
    sm90.store_strips %10, %o[%c0] of [%c32] strides [] axes [0] : !rows -> f32
  }
  sm90.return
}

// -----

// Not where the other axis is scaled, where the largest is looked for, where the product is
// needed elsewhere, or where the matrix has been computed.

#staged = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, stage_strips = true>
!matrix = tensor<128x64xf32, #sm90.layout<column_strips>>
!rows = tensor<128xf32, #sm90.layout<column_strips_rows>>
!columns = tensor<64xf32, #sm90.layout<column_strips_columns>>

// CHECK-LABEL: sm90.kernel @others(
// CHECK: arith.mulf %{{.*}}, %{{.*}} : !column_strips
// CHECK-NOT: arith.mulf {{.*}} : !column_strips_rows
// CHECK: sm90.return
sm90.kernel @others(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                    %d: !llvm.ptr<1> {sm90.tensor = 1}, %o: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #staged, tensors = [#sm90.tensor<"s", tensor<128x64xf32>, [-1, -1]>, #sm90.tensor<"d", tensor<128xf32>, [-1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %0 = sm90.load_strips %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [0, 1] whole : f32 -> !matrix
    %1 = sm90.load_strips %d[%c0] of [%c128] strides [] axes [0] : f32 -> !rows
    %2 = sm90.load_strips %d[%c0] of [%c64] strides [] axes [0] : f32 -> !columns
    %3 = sm90.broadcast_strips %1 axis(1) : !rows -> !matrix
    %4 = sm90.broadcast_strips %2 axis(0) : !columns -> !matrix
    %5 = arith.mulf %0, %4 : !matrix
    %6 = arith.mulf %5, %3 : !matrix
    %7 = sm90.reduce_strips <sum> %6 axis(0) : !matrix -> !columns
    %8 = arith.mulf %0, %3 : !matrix
    %9 = arith.mulf %8, %3 : !matrix
    %10 = sm90.reduce_strips <max> %9 axis(0) : !matrix -> !columns
    %11 = arith.mulf %8, %3 : !matrix
    %12 = sm90.reduce_strips <sum> %11 axis(0) : !matrix -> !columns
    %13 = arith.addf %0, %3 : !matrix
    %14 = arith.mulf %13, %3 : !matrix
    %15 = arith.mulf %14, %3 : !matrix
    %16 = sm90.reduce_strips <sum> %15 axis(0) : !matrix -> !columns
    sm90.store_strips %7, %o[%c0] of [%c64] strides [] axes [0] : !columns -> f32
    sm90.store_strips %10, %o[%c0] of [%c64] strides [] axes [0] : !columns -> f32
    sm90.store_strips %12, %o[%c0] of [%c64] strides [] axes [0] : !columns -> f32
    sm90.store_strips %16, %o[%c0] of [%c64] strides [] axes [0] : !columns -> f32
    sm90.store_strips %11, %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [0, 1] whole : !matrix -> f32
  }
  sm90.return
}

// -----

// Without the field nothing changes.

#loaded = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>
!matrix = tensor<128x64xf32, #sm90.layout<column_strips>>
!rows = tensor<128xf32, #sm90.layout<column_strips_rows>>
!columns = tensor<64xf32, #sm90.layout<column_strips_columns>>

// CHECK-LABEL: sm90.kernel @loaded(
// CHECK-NOT: arith.mulf {{.*}} : !column_strips_rows
// CHECK: sm90.return
sm90.kernel @loaded(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                    %d: !llvm.ptr<1> {sm90.tensor = 1}, %o: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #loaded, tensors = [#sm90.tensor<"s", tensor<128x64xf32>, [-1, -1]>, #sm90.tensor<"d", tensor<128xf32>, [-1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %0 = sm90.load_strips %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [0, 1] whole : f32 -> !matrix
    %1 = sm90.load_strips %d[%c0] of [%c128] strides [] axes [0] : f32 -> !rows
    %2 = sm90.broadcast_strips %1 axis(1) : !rows -> !matrix
    %3 = arith.mulf %0, %2 : !matrix
    %4 = arith.mulf %3, %2 : !matrix
    %5 = sm90.reduce_strips <sum> %4 axis(0) : !matrix -> !columns
    sm90.store_strips %5, %o[%c0] of [%c64] strides [] axes [0] : !columns -> f32
  }
  sm90.return
}
