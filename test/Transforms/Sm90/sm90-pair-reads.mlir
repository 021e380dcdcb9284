// Where a block lies inside of a bias of 16 bits whose even columns start words, two
// elements are read at a time.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-pair-reads))' --split-input-file | FileCheck %s

!s = tensor<64x128xf32>

// CHECK-LABEL: sm90.kernel @bias(
// CHECK-SAME: %[[P:.*]]: !llvm.ptr<1> {
// CHECK: %[[Q:.*]] = sm90.block_id
// CHECK: %[[K:.*]] = sm90.warpgroup_id
// CHECK: %[[N:.*]] = sm90.grid_size
// CHECK: %[[M:.*]] = arith.addi %[[N]], %[[N]]
// CHECK: %[[STRIDE:.*]] = arith.index_cast %[[M]]
// CHECK: %[[LAST_Q:.*]] = arith.addi %[[Q]], %c63
// CHECK: arith.cmpi sge, %[[Q]], %c0
// CHECK: arith.cmpi slt, %[[LAST_Q]], %[[N]]
// CHECK: %[[LAST_K:.*]] = arith.addi %[[K]], %c127
// CHECK: arith.cmpi sge, %[[K]], %c0
// CHECK: arith.cmpi slt, %[[LAST_K]], %[[M]]
// CHECK: arith.andi %[[K]],
// CHECK: arith.andi %[[STRIDE]],
// CHECK: %[[ADDRESS:.*]] = llvm.ptrtoint %[[P]]
// CHECK: arith.shrui %[[ADDRESS]],
// CHECK: scf.if
// CHECK: sm90.read %[[P]][%{{.*}}, %{{.*}}] of[%[[N]], %[[M]]] strides[%[[STRIDE]]] paired :
// CHECK: } else {
// CHECK: sm90.read %[[P]][%{{.*}}, %{{.*}}] of[%[[N]], %[[M]]] strides[%[[STRIDE]]] :
sm90.kernel @bias(%bias: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x?xbf16>, [0, 1]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %s = sm90.undefined : !s
    %q = sm90.block_id
    %k = sm90.warpgroup_id
    %n = sm90.grid_size
    %m = arith.addi %n, %n : index
    %stride = arith.index_cast %m : index to i64
    %r = sm90.score %s query(%q) key(%k) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = sm90.read %bias[%p, %j] of[%n, %m] strides[%stride] : !llvm.ptr<1> -> bf16
      %1 = arith.extf %0 : bf16 to f32
      %2 = arith.addf %x, %1 : f32
      sm90.yield %2 : f32
    }
    %used = arith.negf %r : !s
  }
  sm90.return
}

// -----

!s = tensor<64x128xf32>

// Not where the columns are no keys, nor where elements have 32 bits.

// CHECK-LABEL: sm90.kernel @other(
// CHECK-NOT: scf.if
sm90.kernel @other(%bias: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x?xbf16>, [0, 1]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %s = sm90.undefined : !s
    %q = sm90.block_id
    %k = sm90.warpgroup_id
    %n = sm90.grid_size
    %m = arith.addi %n, %n : index
    %stride = arith.index_cast %m : index to i64
    %r = sm90.score %s query(%q) key(%k) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = sm90.read %bias[%j, %p] of[%n, %m] strides[%stride] : !llvm.ptr<1> -> bf16
      %1 = arith.extf %0 : bf16 to f32
      %2 = sm90.read %bias[%p, %j] of[%n, %m] strides[%stride] : !llvm.ptr<1> -> f32
      %3 = arith.addf %x, %1 : f32
      %4 = arith.addf %3, %2 : f32
      sm90.yield %4 : f32
    }
    %used = arith.negf %r : !s
  }
  sm90.return
}
