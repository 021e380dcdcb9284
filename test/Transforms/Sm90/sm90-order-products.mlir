// Consumers take turns in starting the products of a loop, not those in front of it.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-order-products))' | FileCheck %s

!acc = tensor<64x64xf32, #sm90.layout<accumulator>>
!a = tensor<64x64xbf16, #sm90.layout<operand_a>>

// CHECK-LABEL: sm90.kernel @turns(
// CHECK: } consumer {
// CHECK: %[[LAST:.*]] = arith.cmpi eq, %{{.*}}, %c1
// CHECK-NEXT: scf.if %[[LAST]] {
// CHECK-NEXT: sm90.turn.pass
// CHECK-NEXT: }
// CHECK-NOT: sm90.turn
// CHECK: scf.for
// CHECK-COUNT-2: sm90.stage.await_full
// CHECK-NEXT: sm90.turn.await
// CHECK-NEXT: sm90.wgmma_async
// CHECK-NEXT: sm90.wgmma_async
// CHECK-NEXT: sm90.turn.pass
// CHECK-NEXT: sm90.wgmma.wait
// CHECK-NOT: sm90.turn
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %{{.*}}, %c0{{.*}}
// CHECK-NEXT: scf.if %[[FIRST]] {
// CHECK-NEXT: sm90.turn.await
// CHECK-NEXT: }
sm90.kernel @turns() attributes {schedule = #sm90.schedule<ping_pong = true>, tensors = [], instances = []} {
  %k = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %a = arith.constant dense<1.0> : !a
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %first = sm90.stage.await_full %k, %full[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %p = sm90.wgmma_async %a, %first transpose_rhs : <!acc = !a * <64x64xbf16>>
    %r, %s = sm90.wgmma.wait %p pending(0) : <!acc = !a * <64x64xbf16>>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    scf.for %i = %c1 to %c9 step %c1 {
      %x = sm90.stage.await_full %k, %full[%i] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
      %y = sm90.stage.await_full %k, %full[%i] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
      %q = sm90.wgmma_async %a, %x transpose_rhs : <!acc = !a * <64x64xbf16>>
      %o = sm90.wgmma_async %a, %y transpose_rhs : <!acc = !a * <64x64xbf16>>
      %r1, %s1 = sm90.wgmma.wait %q pending(1) : <!acc = !a * <64x64xbf16>>
      sm90.stage.release %s1, %full[%i] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
      %r2, %s2 = sm90.wgmma.wait %o pending(0) : <!acc = !a * <64x64xbf16>>
      sm90.stage.release %s2, %full[%i] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    }
  }
  sm90.return
}

// No turns without loops, for one consumer, or where the schedule does not want them.

// CHECK-LABEL: sm90.kernel @none(
// CHECK-NOT: sm90.turn
sm90.kernel @none() attributes {schedule = #sm90.schedule<ping_pong = true>, tensors = [], instances = []} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// CHECK-LABEL: sm90.kernel @alone(
// CHECK-NOT: sm90.turn
sm90.kernel @alone() attributes {schedule = #sm90.schedule<consumer_warpgroups = 1, ping_pong = true>, tensors = [], instances = []} {
  %k = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %a = arith.constant dense<1.0> : !a
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %c1 step %c1 {
      %x = sm90.stage.await_full %k, %full[%i] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
      %q = sm90.wgmma_async %a, %x transpose_rhs : <!acc = !a * <64x64xbf16>>
      %r1, %s1 = sm90.wgmma.wait %q pending(0) : <!acc = !a * <64x64xbf16>>
      sm90.stage.release %s1, %full[%i] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    }
  }
  sm90.return
}
