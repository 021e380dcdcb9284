// RUN: attn-opt %s --convert-sm90-to-nvvm --canonicalize --cse | FileCheck %s

// A thread has two rows, and of each 8 columns two. The threads of a quad transpose
// four such groups, so that thread i has the 8 columns of group i, which it stores at
// once; of the fifth and the sixth, the last ones, only two threads have any.

// CHECK-LABEL: llvm.func @store(
// CHECK-SAME: %[[O:[a-z0-9]+]]: !llvm.ptr<1>, %[[STRIDE:[a-z0-9]+]]: i64, %[[LIMIT:[a-z0-9]+]]: i32
// CHECK: %[[LANE:.*]] = arith.andi %{{.*}}, %c31_i32
// CHECK: %[[ODD:.*]] = arith.cmpi eq, %{{.*}}, %c0_i32
// CHECK: %[[UPPER:.*]] = arith.cmpi eq, %{{.*}}, %c0_i32
// CHECK: %[[FIRST:.*]] = arith.andi %[[LANE]], %c3_i32
// CHECK: %[[COLUMN:.*]] = arith.muli %[[FIRST]], %c8_i32
// CHECK: %[[ROW:.*]] = arith.muli %{{.*}}, %[[STRIDE]] : i64
// The offset 5 is of elements, and so are the columns.
// CHECK: %[[BEFORE:.*]] = arith.addi %[[ROW]], %c5_i64
// CHECK: %[[ELEMENT:.*]] = arith.addi %[[BEFORE]], %{{.*}} : i64
// CHECK: %[[BYTES:.*]] = arith.muli %[[ELEMENT]], %c2_i64
// CHECK: %[[BASE:.*]] = llvm.ptrtoint %[[O]]
// CHECK: %[[ADDRESS:.*]] = arith.addi %[[BASE]], %[[BYTES]]
// CHECK: %[[DISTANCE:.*]] = arith.muli %[[STRIDE]], %c16_i64
// CHECK: %[[INSIDE:.*]] = arith.cmpi slt, %{{.*}}, %[[LIMIT]]
// Twice two pairs of registers, over two threads and over one.
// CHECK: %[[SENT:.*]] = arith.select %[[UPPER]], %[[A:[0-9]+]], %[[C:[0-9]+]] : i32
// CHECK: %[[GOT:.*]] = nvvm.shfl.sync {{ *}}bfly %c-1_i32, %[[SENT]], %c2_i32
// CHECK: arith.select %[[UPPER]], %[[GOT]], %[[A]]
// CHECK: arith.select %[[UPPER]], %[[C]], %[[GOT]]
// CHECK: nvvm.shfl.sync {{ *}}bfly %{{.*}}, %{{.*}}, %c2_i32
// CHECK: nvvm.shfl.sync {{ *}}bfly %{{.*}}, %{{.*}}, %c1_i32
// CHECK: nvvm.shfl.sync {{ *}}bfly %{{.*}}, %{{.*}}, %c1_i32
// CHECK: llvm.inline_asm has_side_effects asm_dialect = att "@$5 st.global.v4.b32 [$0+0], {$1, $2, $3, $4};", "l,r,r,r,r,b,~{memory}" %[[ADDRESS]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[INSIDE]] :
// CHECK-COUNT-4: nvvm.shfl.sync {{ *}}bfly
// CHECK: %[[HAS:.*]] = arith.cmpi slt, %[[FIRST]], %c2_i32
// CHECK: %[[STORES:.*]] = arith.andi %[[INSIDE]], %[[HAS]] : i1
// CHECK: "@$5 st.global.v4.b32 [$0+64], {$1, $2, $3, $4};", "l,r,r,r,r,b,~{memory}" %[[ADDRESS]], {{.*}}, %[[STORES]] :
// The second row is eight rows below.
// CHECK: %[[SECOND:.*]] = arith.addi %[[ADDRESS]], %[[DISTANCE]]
// CHECK: %[[BELOW:.*]] = arith.addi %{{.*}}, %c8_i32
// CHECK: %[[INSIDE:.*]] = arith.cmpi slt, %[[BELOW]], %[[LIMIT]]
// CHECK: "@$5 st.global.v4.b32 [$0+0], {$1, $2, $3, $4};", "l,r,r,r,r,b,~{memory}" %[[SECOND]], {{.*}}, %[[INSIDE]] :
// CHECK: "@$5 st.global.v4.b32 [$0+64], {$1, $2, $3, $4};", "l,r,r,r,r,b,~{memory}" %[[SECOND]], %{{.*}} :
// CHECK-NOT: st.global
sm90.kernel @store(%o: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16},
                   %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                   %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1, output_from_registers = true>, instances = [],
                tensors = [#sm90.tensor<"o", tensor<?x48xbf16>, [0, -1], output = true>], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 5 : i64
    %index = sm90.block_id
    %bits = arith.index_cast %index : index to i32
    %float = arith.bitcast %bits : i32 to f32
    %wide = sm90.splat %float : tensor<64x48xf32, #sm90.layout<accumulator>>
    %matrix = arith.truncf %wide : tensor<64x48xf32, #sm90.layout<accumulator>> to tensor<64x48xbf16, #sm90.layout<accumulator>>
    sm90.store_matrix %matrix, %o[%offset] stride(%stride) limit(%n) : tensor<64x48xbf16, #sm90.layout<accumulator>>, !llvm.ptr<1>
  }
  sm90.return
}
