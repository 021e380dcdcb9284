// A number by distance is read once for a block in which all distances lead to one
// index. The least and the greatest index are computed in front.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-hoist-reads))' --split-input-file | FileCheck %s

!s = tensor<64x128xf32>

// CHECK-LABEL: sm90.kernel @bucket(
// CHECK: %[[S:.*]] = sm90.undefined
// CHECK: %[[Q:.*]] = sm90.block_id
// CHECK: %[[K:.*]] = sm90.warpgroup_id
// CHECK-DAG: %[[LAST_Q:.*]] = arith.addi %[[Q]], %c63
// CHECK-DAG: %[[LAST_K:.*]] = arith.addi %[[K]], %c127
// CHECK-DAG: %[[LEAST:.*]] = arith.subi %[[Q]], %[[LAST_K]]
// CHECK-DAG: %[[GREATEST:.*]] = arith.subi %[[LAST_Q]], %[[K]]
// CHECK-DAG: %[[LOW:.*]] = arith.minsi %[[LEAST]], %c31
// CHECK-DAG: %[[HIGH:.*]] = arith.minsi %[[GREATEST]], %c31
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %[[LOW]], %[[HIGH]]
// CHECK: scf.if %[[SAME]]
// CHECK-NEXT: %[[E:.*]] = sm90.read %{{.*}}[%[[LOW]]]
// CHECK-NEXT: sm90.score %[[S]]
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32,
// CHECK-NEXT: %[[Y:.*]] = arith.addf %[[X]], %[[E]]
// CHECK-NEXT: sm90.yield %[[Y]]
// CHECK: } else {
// CHECK-NEXT: sm90.score %[[S]]
// CHECK: arith.minsi
// CHECK: sm90.read
sm90.kernel @bucket(%table: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x?xbf16>, [0, 1]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c31 = arith.constant 31 : index
    %c32 = arith.constant 32 : index
    %s = sm90.undefined : !s
    %q = sm90.block_id
    %k = sm90.warpgroup_id
    %r = sm90.score %s query(%q) key(%k) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = arith.subi %p, %j : index
      %1 = arith.minsi %0, %c31 : index
      %2 = sm90.read %table[%1] of[%c32] : !llvm.ptr<1> -> f32
      %3 = arith.addf %x, %2 : f32
      sm90.yield %3 : f32
    }
    %used = arith.negf %r : !s
  }
  sm90.return
}

// -----

!s = tensor<64x128xf32>

// Conditions may be true for all scores or for none; a factor below zero turns the
// order around.

// CHECK-LABEL: sm90.kernel @choice(
// CHECK: %[[Q:.*]] = sm90.block_id
// CHECK: %[[K:.*]] = sm90.warpgroup_id
// CHECK-DAG: %[[LAST_Q:.*]] = arith.addi %[[Q]], %c63
// CHECK-DAG: %[[LAST_K:.*]] = arith.addi %[[K]], %c127
// CHECK-DAG: %[[ALL:.*]] = arith.cmpi slt, %[[LAST_Q]], %[[K]]
// CHECK-DAG: %[[ANY:.*]] = arith.cmpi slt, %[[Q]], %[[LAST_K]]
// CHECK-DAG: arith.select %[[ANY]]
// CHECK-DAG: %[[FIRST:.*]] = arith.select %[[ALL]]
// CHECK-DAG: %[[SECOND:.*]] = arith.select %[[ALL]]
// CHECK-DAG: arith.muli %[[FIRST]], %c-1
// CHECK-DAG: arith.muli %[[SECOND]], %c-1
// CHECK: arith.cmpi eq
// CHECK: scf.if
sm90.kernel @choice(%table: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x?xbf16>, [0, 1]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c-7 = arith.constant -7 : index
    %c-9 = arith.constant -9 : index
    %opposite = arith.constant -1 : index
    %c32 = arith.constant 32 : index
    %s = sm90.undefined : !s
    %q = sm90.block_id
    %k = sm90.warpgroup_id
    %r = sm90.score %s query(%q) key(%k) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = arith.cmpi slt, %p, %j : index
      %1 = arith.select %0, %c-7, %c-9 : index
      %2 = arith.muli %1, %opposite : index
      %3 = sm90.read %table[%2] of[%c32] : !llvm.ptr<1> -> f32
      %4 = arith.addf %x, %3 : f32
      sm90.yield %4 : f32
    }
    %used = arith.negf %r : !s
  }
  sm90.return
}

// -----

!s = tensor<64x128xf32>

// An index that is another one for each score is never the same; nor is one known
// that is read or that a remainder makes.

// CHECK-LABEL: sm90.kernel @each(
// CHECK-NOT: scf.if
sm90.kernel @each(%table: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x?xbf16>, [0, 1]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c3 = arith.constant 3 : index
    %c32 = arith.constant 32 : index
    %s = sm90.undefined : !s
    %q = sm90.block_id
    %k = sm90.warpgroup_id
    %r = sm90.score %s query(%q) key(%k) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = arith.subi %p, %j : index
      %1 = sm90.read %table[%0] of[%c32] : !llvm.ptr<1> -> index
      %2 = arith.minsi %1, %c3 : index
      %3 = sm90.read %table[%2] of[%c32] : !llvm.ptr<1> -> f32
      %4 = arith.remsi %0, %c3 : index
      %5 = sm90.read %table[%4] of[%c32] : !llvm.ptr<1> -> f32
      %6 = arith.addf %x, %3 : f32
      %7 = arith.addf %6, %5 : f32
      sm90.yield %7 : f32
    }
    %used = arith.negf %r : !s
  }
  sm90.return
}
