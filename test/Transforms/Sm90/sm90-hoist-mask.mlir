// Masks that read memory are evaluated in front of the wait for their scores.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-hoist-mask))' | FileCheck %s

!s = tensor<64x64xf32>
!a = tensor<64x64xbf16>

// With what gives the positions.

// CHECK-LABEL: sm90.kernel @reads(
// CHECK: sm90.wgmma_async
// CHECK-NEXT: %[[KEY:.*]] = arith.addi
// CHECK-NEXT: %[[BITS:.*]] = sm90.evaluate_mask query(%{{.*}}) key(%[[KEY]]) : <64 x 64> {
// CHECK-NEXT: ^bb0(%{{.*}}: index, %[[J:.*]]: index):
// CHECK-NEXT: sm90.read %{{.*}}[%[[J]]]
// CHECK: sm90.yield
// CHECK: %[[S:.*]], %{{.*}} = sm90.wgmma.wait
// CHECK: %[[MASKED:.*]] = sm90.apply_mask %[[S]], %[[BITS]] : tensor<64x64xf32>, <64 x 64>
// CHECK-NEXT: arith.negf %[[MASKED]]
sm90.kernel @reads(%ids: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"ids", tensor<?xi32>, [0]>], instances = []} {
  %k = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %a = arith.constant dense<1.0> : !a
    %c0 = arith.constant 0 : index
    %x = sm90.stage.await_full %k, %full[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %p = sm90.wgmma_async %a, %x transpose_rhs : <!s = !a * <64x64xbf16>>
    %r, %s = sm90.wgmma.wait %p pending(0) : <!s = !a * <64x64xbf16>>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    %key = arith.addi %n, %n : index
    %masked = sm90.mask %r query(%n) key(%key) : !s {
    ^bb0(%q: index, %j: index):
      %id = sm90.read %ids[%j] of [%n] : !llvm.ptr<1> -> i32
      %c1 = arith.constant 1 : i32
      %keep = arith.cmpi eq, %id, %c1 : i32
      sm90.yield %keep : i1
    }
    %used = arith.negf %masked : !s
  }
  sm90.return
}

// Not a mask of positions alone or with a number for all keys, one that is branched around, one whose positions
// come from the scores, nor one of modified scores.

// CHECK-LABEL: sm90.kernel @others(
// CHECK-NOT: sm90.evaluate_mask
// CHECK-COUNT-4: sm90.mask
// CHECK-NOT: sm90.evaluate_mask
// CHECK: sm90.return
sm90.kernel @others(%ids: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"ids", tensor<?xi32>, [0]>], instances = []} {
  %k = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %a = arith.constant dense<1.0> : !a
    %c0 = arith.constant 0 : index
    %x = sm90.stage.await_full %k, %full[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %p = sm90.wgmma_async %a, %x transpose_rhs : <!s = !a * <64x64xbf16>>
    %r, %s = sm90.wgmma.wait %p pending(0) : <!s = !a * <64x64xbf16>>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    %positions = sm90.mask %r query(%n) key(%n) : !s {
    ^bb0(%q: index, %j: index):
      %most = sm90.read %ids[%q] of [%n] : !llvm.ptr<1> -> index
      %keep = arith.cmpi sle, %j, %most : index
      sm90.yield %keep : i1
    }
    %isWhole = arith.cmpi eq, %n, %c0 : index
    %whole = sm90.mask %r query(%n) key(%n) whole(%isWhole) : !s {
    ^bb0(%q: index, %j: index):
      %keep = sm90.read %ids[%j] of [%n] : !llvm.ptr<1> -> i1
      sm90.yield %keep : i1
    }
    %zero = arith.constant dense<0.0> : tensor<64xf32>
    %sums = sm90.reduce_columns <sum> %r : !s -> tensor<64xf32>
    %isZero = arith.cmpf oeq, %sums, %zero : tensor<64xf32>
    %all = sm90.vote_all %isZero : tensor<64xi1>
    %key = arith.index_castui %all : i1 to index
    %late = sm90.mask %r query(%n) key(%key) : !s {
    ^bb0(%q: index, %j: index):
      %keep = sm90.read %ids[%j] of [%n] : !llvm.ptr<1> -> i1
      sm90.yield %keep : i1
    }
    %modified = sm90.score %r query(%c0) key(%c0) : !s {
    ^bb0(%y: f32, %q: index, %j: index):
      sm90.yield %y : f32
    }
    %other = sm90.mask %modified query(%n) key(%n) : !s {
    ^bb0(%q: index, %j: index):
      %keep = sm90.read %ids[%j] of [%n] : !llvm.ptr<1> -> i1
      sm90.yield %keep : i1
    }
    %used:4 = scf.execute_region -> (!s, !s, !s, !s) {
      scf.yield %positions, %whole, %late, %other : !s, !s, !s, !s
    }
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @off(
// CHECK: sm90.wgmma.wait
// CHECK: sm90.mask
sm90.kernel @off(%ids: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<hoist_mask = false>, tensors = [#sm90.tensor<"ids", tensor<?xi32>, [0]>], instances = []} {
  %k = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %a = arith.constant dense<1.0> : !a
    %c0 = arith.constant 0 : index
    %x = sm90.stage.await_full %k, %full[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %p = sm90.wgmma_async %a, %x transpose_rhs : <!s = !a * <64x64xbf16>>
    %r, %s = sm90.wgmma.wait %p pending(0) : <!s = !a * <64x64xbf16>>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    %masked = sm90.mask %r query(%n) key(%n) : !s {
    ^bb0(%q: index, %j: index):
      %keep = sm90.read %ids[%j] of [%n] : !llvm.ptr<1> -> i1
      sm90.yield %keep : i1
    }
    %used = arith.negf %masked : !s
  }
  sm90.return
}
