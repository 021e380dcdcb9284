// RUN: attn-opt %s -convert-sm90-to-nvvm -canonicalize -cse | FileCheck %s

// The bits of 32 columns after the other come into the registers from above. What the
// key has no part in is computed once for each of the two rows of a thread.

#accumulator = #sm90.layout<accumulator>
#partial = #sm90.layout<partial_rows>
#rows = #sm90.layout<rows>

// CHECK-LABEL: llvm.func @bits(
// CHECK: %[[ROW:.*]] = arith.cmpi slt, %[[P:.*]], %{{.*}} : index
// CHECK: %[[UPPER:.*]] = arith.select %[[ROW]], %c858993459_i32, %c0_i32 : i32
// CHECK: %[[BELOW:.*]] = arith.cmpi slt, %{{.*}}, %{{.*}} : index
// CHECK: %[[LOWER:.*]] = arith.select %[[BELOW]], %c-858993460_i32, %c0_i32 : i32
// CHECK: %[[ROWS:.*]] = arith.ori %[[UPPER]], %[[LOWER]] : i32
// CHECK: %[[LOOP:.*]] = scf.for %[[AT:.*]] = %c0 to %c64 step %c32 iter_args(%[[OLD:.*]] = %c0_i32) -> (i32) {
// CHECK: ld.global.nc.b32
// CHECK: %[[ONE:.*]] = llvm.inline_asm asm_dialect = att "@$2 add.u32 $0, $0, 1;", "=r,0,b" %c0_i32, %{{.*}} : (i32, i1) -> i32
// CHECK: llvm.inline_asm asm_dialect = att "@$2 add.u32 $0, $0, 2;", "=r,0,b" %[[ONE]], %{{.*}} : (i32, i1) -> i32
// CHECK: %[[NEW:.*]] = llvm.inline_asm asm_dialect = att "@$2 add.u32 $0, $0, 32768;"
// CHECK-NOT: add.u32
// CHECK: %[[DOWN:.*]] = arith.shrui %[[OLD]], %c16_i32 : i32
// CHECK: %[[ABOVE:.*]] = arith.shli %[[NEW]], %c16_i32 : i32
// CHECK: %[[BITS:.*]] = arith.ori %[[DOWN]], %[[ABOVE]] : i32
// CHECK: scf.yield %[[BITS]] : i32
// CHECK-NEXT: } {llvm.loop_annotation = #{{.*}}}
// CHECK: %[[KEPT:.*]] = arith.andi %[[LOOP]], %[[ROWS]] : i32
// CHECK: %[[BIT:.*]] = arith.andi %[[KEPT]], %c1_i32 : i32
// CHECK: %[[ISOUT:.*]] = arith.cmpi eq, %[[BIT]], %c0_i32 : i32
// CHECK: arith.select %[[ISOUT]], %{{.*}}, %{{.*}} : f32
sm90.kernel @bits(%ids: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0}, %out: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"ids", tensor<?xi32>, [0]>, #sm90.tensor<"o", tensor<64xf32>, [-1], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 0 : i64
    %query = sm90.block_id
    %x = arith.constant dense<2.0> : tensor<64x64xf32, #accumulator>
    %bits = sm90.evaluate_mask query(%query) key(%n) : <64 x 64> {
    ^bb0(%p: index, %j: index):
      %c7 = arith.constant 7 : i32
      %id = sm90.read %ids[%j] of [%n] : !llvm.ptr<1> -> i32
      %same = arith.cmpi eq, %id, %c7 : i32
      %row = arith.cmpi slt, %p, %n : index
      %keep = arith.andi %same, %row : i1
      sm90.yield %keep : i1
    }
    %y = sm90.apply_mask %x, %bits : tensor<64x64xf32, #accumulator>, <64 x 64>
    %part = sm90.reduce_columns <max> %y : tensor<64x64xf32, #accumulator> -> tensor<64xf32, #partial>
    %rows = sm90.combine_quad <max> %part : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
    sm90.store_rows %rows, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}

// Of 80 columns, 16 after the other; the registers have room for 24 bits more.

// CHECK-LABEL: llvm.func @odd(
// CHECK: %[[LOOP:.*]]:2 = scf.for %{{.*}} = %c0 to %c80 step %c16 iter_args(%[[LOW:.*]] = %c0_i32, %[[HIGH:.*]] = %c0_i32) -> (i32, i32) {
// CHECK-DAG: arith.shrui %[[LOW]], %c8_i32 : i32
// CHECK-DAG: arith.shli %[[HIGH]], %c24_i32 : i32
// CHECK: scf.yield
// The first bit.
// CHECK: arith.andi %{{.*}}, %c16777216_i32 : i32
sm90.kernel @odd(%ids: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0}, %out: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"ids", tensor<?xi8>, [0]>, #sm90.tensor<"o", tensor<64xf32>, [-1], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 0 : i64
    %x = arith.constant dense<2.0> : tensor<64x80xf32, #accumulator>
    %bits = sm90.evaluate_mask query(%n) key(%n) : <64 x 80> {
    ^bb0(%p: index, %j: index):
      %keep = sm90.read %ids[%j] of [%n] : !llvm.ptr<1> -> i1
      sm90.yield %keep : i1
    }
    %y = sm90.apply_mask %x, %bits : tensor<64x80xf32, #accumulator>, <64 x 80>
    %part = sm90.reduce_columns <max> %y : tensor<64x80xf32, #accumulator> -> tensor<64xf32, #partial>
    %rows = sm90.combine_quad <max> %part : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
    sm90.store_rows %rows, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}
