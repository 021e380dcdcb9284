// Functions of one thread, by instructions: there is no library to call.
// RUN: attn-opt %s --convert-sm90-to-nvvm --canonicalize --cse | FileCheck %s

#accumulator = #sm90.layout<accumulator>
#partial = #sm90.layout<partial_rows>
#rows = #sm90.layout<rows>

// CHECK-LABEL: llvm.func @expand(
// CHECK-DAG:     %[[LOG2E:.*]] = arith.constant 1.44269502 : f32
// CHECK-DAG:     %[[TWICE:.*]] = arith.constant 2.885390e+00 : f32
// CHECK-DAG:     %[[SMALL:.*]] = arith.constant 4.000000e-01 : f32
// CHECK:         %[[X:.*]] = llvm.inline_asm
// CHECK:         %[[A:.*]] = arith.mulf %[[X]], %[[LOG2E]] fastmath<reassoc> : f32
// CHECK-NEXT:    %[[EXP:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[A]]) : (f32) -> f32
// An absolute error will do.
// CHECK-NEXT:    %[[B:.*]] = arith.mulf %[[EXP]], %[[TWICE]] fastmath<reassoc> : f32
// CHECK-NEXT:    %[[POWER:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[B]])
// CHECK-NEXT:    %[[SUM:.*]] = arith.addf %[[POWER]], %{{.*}} : f32
// CHECK-NEXT:    %[[INVERSE:.*]] = llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"(%[[SUM]])
// CHECK-NEXT:    %[[ROUGH:.*]] = math.fma %[[INVERSE]], %{{.*}}, %{{.*}} : f32
// Small arguments need the series.
// CHECK:         %[[MAGNITUDE:.*]] = math.absf %[[ROUGH]] : f32
// CHECK-NEXT:    %[[IS_SMALL:.*]] = arith.cmpf olt, %[[MAGNITUDE]], %[[SMALL]] : f32
// CHECK-NEXT:    %[[FINE:.*]] = arith.select %[[IS_SMALL]]
// CHECK-NEXT:    %[[RATIO:.*]] = llvm.call_intrinsic "llvm.nvvm.div.full"(%[[FINE]], %[[X]])
// The instruction is accurate within one turn.
// CHECK:         %[[TURNS:.*]] = math.roundeven
// CHECK-COUNT-3: math.fma %[[TURNS]]
// CHECK:         math.sin %{{.*}} fastmath<afn> : f32
sm90.kernel @expand(%t: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0}, %out: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"t", tensor<?xf32>, [0]>, #sm90.tensor<"o", tensor<64xf32>, [-1], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 0 : i64
    %c0 = arith.constant 0 : index
    %x = sm90.read %t[%c0] of [%n] : !llvm.ptr<1> -> f32
    %exp = math.exp %x : f32
    %rough = math.tanh %exp fastmath<afn> : f32
    %fine = math.tanh %rough : f32
    %ratio = arith.divf %fine, %x : f32
    %sin = math.sin %ratio : f32
    %rows = sm90.splat %sin : tensor<64xf32, #rows>
    sm90.store_rows %rows, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}
