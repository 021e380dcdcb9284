// Loads from a stage that copies fill end before it is given back.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-insert-proxy-fence))' | FileCheck %s

// Twice is as good as once.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-insert-proxy-fence,sm90-insert-proxy-fence))' | FileCheck %s

!acc = tensor<64x64xf32, #sm90.layout<accumulator>>
!a = tensor<64x64xbf16, #sm90.layout<operand_a>>

// CHECK-LABEL: sm90.kernel @queries(
// CHECK: sm90.load_fragment
// CHECK-NEXT: nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// CHECK-NEXT: sm90.stage.release
// CHECK-NOT: nvvm.fence.proxy
// CHECK: sm90.return
sm90.kernel @queries(%q: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0 : i64}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"q", tensor<64x64xbf16>, [0, 1]>], instances = []} {
  %b = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  %empty = sm90.mbarrier.init arrivals(4) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_empty %b, %empty[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    sm90.tma_load_async %q[%c0, %c0] into %s, %full[%c0] : !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2>, !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  } consumer {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    %f = sm90.load_fragment %s row(%c0) : !sm90.stage<64x64xbf16> -> !a
    sm90.stage.release %s, %empty[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// None where a product has needed them before, though only what is computed from them.

// CHECK-LABEL: sm90.kernel @used(
// CHECK-NOT: nvvm.fence.proxy
// CHECK: sm90.return
sm90.kernel @used(%q: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0 : i64}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"q", tensor<64x64xbf16>, [0, 1]>], instances = []} {
  %b = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  %empty = sm90.mbarrier.init arrivals(4) : !sm90.mbarrier<1>
  %k = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_empty %b, %empty[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    sm90.tma_load_async %q[%c0, %c0] into %s, %full[%c0] : !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2>, !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  } consumer {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    %x = sm90.stage.await_full %k, %full[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    %f = sm90.load_fragment %s row(%c0) : !sm90.stage<64x64xbf16> -> !a
    %g = arith.negf %f : !a
    %p = sm90.wgmma_async %g, %x transpose_rhs : <!acc = !a * <64x64xbf16>>
    sm90.stage.release %s, %empty[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
    %r, %y = sm90.wgmma.wait %p pending(0) : <!acc = !a * <64x64xbf16>>
    sm90.stage.release %y, %empty[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// Behind the first product that needs them, also where another product has borrowed the
// stage in between.

// CHECK-LABEL: sm90.kernel @borrowed(
// CHECK-NOT: nvvm.fence.proxy
// CHECK: %[[F:.*]] = sm90.load_fragment
// CHECK: %{{.*}}, %[[STAGE:.*]] = sm90.wgmma.wait
// CHECK-NEXT: sm90.stage.await_full
// CHECK-NEXT: sm90.wgmma_async %[[F]]
// CHECK-NEXT: sm90.stage.release %[[STAGE]]
// CHECK-NOT: nvvm.fence.proxy
// CHECK: sm90.return
sm90.kernel @borrowed(%q: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0 : i64}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"q", tensor<64x64xbf16>, [0, 1]>], instances = []} {
  %b = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  %empty = sm90.mbarrier.init arrivals(4) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_empty %b, %empty[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    sm90.tma_load_async %q[%c0, %c0] into %s, %full[%c0] : !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2>, !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  } consumer {
    %a = arith.constant dense<1.0> : !a
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    %f = sm90.load_fragment %s row(%c0) : !sm90.stage<64x64xbf16> -> !a
    %p = sm90.wgmma_async %a, %s transpose_rhs : <!acc = !a * <64x64xbf16>>
    %r, %y = sm90.wgmma.wait %p pending(0) : <!acc = !a * <64x64xbf16>>
    sm90.stage.release %y, %empty[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
    %x = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    %p2 = sm90.wgmma_async %f, %x transpose_rhs : <!acc = !a * <64x64xbf16>>
    %r2, %y2 = sm90.wgmma.wait %p2 pending(0) : <!acc = !a * <64x64xbf16>>
    sm90.stage.release %y2, %empty[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// None where threads fill the stage.

// CHECK-LABEL: sm90.kernel @filled(
// CHECK-NOT: nvvm.fence.proxy
// CHECK: sm90.return
sm90.kernel @filled() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %b = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  %empty = sm90.mbarrier.init arrivals(4) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    %f = sm90.load_fragment %s row(%c0) : !sm90.stage<64x64xbf16> -> !a
    sm90.stage.release %s, %empty[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// What a modifier reads of a tile is loaded as well.

// CHECK-LABEL: sm90.kernel @scores(
// CHECK: sm90.score
// CHECK: }
// CHECK-NEXT: nvvm.fence.proxy
// CHECK-NEXT: sm90.stage.release
sm90.kernel @scores(%q: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0 : i64}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"q", tensor<64x64xbf16>, [0, 1]>], instances = []} {
  %b = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  %empty = sm90.mbarrier.init arrivals(4) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_empty %b, %empty[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    sm90.tma_load_async %q[%c0, %c0] into %s, %full[%c0] : !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2>, !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  } consumer {
    %c0 = arith.constant 0 : index
    %x = sm90.undefined : !acc
    %s = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    %y = sm90.score %x query(%c0) key(%c0) row(%c0) tiles(%s : !sm90.stage<64x64xbf16>) : !acc {
    ^bb0(%score: f32, %p: index, %j: index, %e: bf16):
      %wide = arith.extf %e : bf16 to f32
      %sum = arith.addf %score, %wide : f32
      sm90.yield %sum : f32
    }
    sm90.stage.release %s, %empty[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  }
  sm90.return
}
