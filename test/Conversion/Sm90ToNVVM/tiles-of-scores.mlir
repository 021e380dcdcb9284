// Elements of a tile come from shared memory in blocks of 16 columns, four words of two
// neighbours a thread, as they are asked for.
// RUN: attn-opt %s -convert-sm90-to-nvvm | FileCheck %s

#accumulator = #sm90.layout<accumulator>
!s = tensor<64x32xf32, #accumulator>

// CHECK-LABEL: llvm.func @tiles
// CHECK:         %[[WORDS:.*]] = llvm.inline_asm has_side_effects asm_dialect = att "ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK:         %[[FIRST:.*]] = llvm.extractvalue %[[WORDS]][0]
// CHECK:         arith.shli %[[FIRST]], %{{.*}} : i32
// CHECK:         arith.andi %[[FIRST]], %{{.*}} : i32
// CHECK-COUNT-8: arith.addf
// CHECK:         llvm.inline_asm has_side_effects asm_dialect = att "ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-COUNT-8: arith.addf
// CHECK-NOT:     ldmatrix
// CHECK:         mbarrier.arrive
sm90.kernel @tiles(%out: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"out", tensor<?x32xf32>, [0, -1], output = true>], instances = [], shared_memory = 16416 : i64} {
  %buffer = sm90.alloc at 0 : !sm90.buffer<2 x 64x32xbf16>
  %full = sm90.mbarrier.init arrivals(1) at 16384 : !sm90.mbarrier<2>
  %empty = sm90.mbarrier.init arrivals(8) at 16400 : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = sm90.undefined : !s
    %t = sm90.stage.await_full %buffer, %full[%c0] : !sm90.buffer<2 x 64x32xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x32xbf16>
    %m = sm90.score %s query(%c0) key(%c0) row(%c0) tiles(%t : !sm90.stage<64x32xbf16>) : !s {
    ^bb0(%x: f32, %p: index, %j: index, %e: bf16):
      %0 = arith.extf %e : bf16 to f32
      %1 = arith.addf %x, %0 : f32
      sm90.yield %1 : f32
    }
    sm90.stage.release %t, %empty[%c0] : !sm90.stage<64x32xbf16>, !sm90.mbarrier<2>
    %stride = arith.constant 32 : i64
    %one = arith.constant 1 : i64
    sm90.store_state %m, %out[%one] strides(%stride, %one) : !s, !llvm.ptr<1>
  }
  sm90.return
}
