// Masks and modifiers, element by element. What elements share is computed once, and
// where two differ by a constant, so do the instructions.
// RUN: attn-opt %s --convert-sm90-to-nvvm --canonicalize --cse | FileCheck %s

#accumulator = #sm90.layout<accumulator>
#partial = #sm90.layout<partial_rows>
#rows = #sm90.layout<rows>

// One conversion of the distance of the first row and column; the other elements add
// a constant. A bias is loaded at an address that the columns share, if the position
// lies inside of the tensor.
// CHECK-LABEL: llvm.func @score(
// CHECK:         %[[DISTANCE:.*]] = arith.subi %[[QUERY:.*]], %[[KEY:.*]] : index
// CHECK:         %[[NARROW:.*]] = arith.index_cast %[[DISTANCE]] : index to i32
// CHECK-NEXT:    %[[REAL:.*]] = arith.sitofp %[[NARROW]] : i32 to f32
// The address of the first column, from a stride of 64 bits.
// CHECK:         %[[IN_COLUMNS:.*]] = arith.cmpi ult, %[[KEY]], %{{.*}} : index
// CHECK:         %[[BIAS:.*]] = llvm.inline_asm asm_dialect = att "{ mov.f32 $0, 0f00000000; @$2 ld.global.nc.f32 $0, [$1+0]; }", "=&f,l,b" %[[ADDRESS:.*]], %{{.*}} : (i64, i1) -> f32
// CHECK:         arith.addf %[[REAL]], %[[BIAS]] fastmath<contract> : f32
// CHECK:         arith.addf %[[REAL]], %cst{{.*}} : f32
// CHECK:         llvm.inline_asm asm_dialect = att "{ mov.f32 $0, 0f00000000; @$2 ld.global.nc.f32 $0, [$1+4]; }", "=&f,l,b" %[[ADDRESS]], %{{.*}} : (i64, i1) -> f32
// CHECK-NOT:     arith.sitofp
sm90.kernel @score(%t: !llvm.ptr<1> {sm90.tensor = 0}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0}, %m: index {sm90.tensor = 0, sm90.axis = 0}, %n: index {sm90.tensor = 0, sm90.axis = 1}, %out: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"t", tensor<?x?xf32>, [0, 1]>, #sm90.tensor<"o", tensor<64xf32>, [-1], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 0 : i64
    %x = arith.constant dense<2.0> : tensor<64x16xf32, #accumulator>
    %y = sm90.score %x query(%m) key(%n) : tensor<64x16xf32, #accumulator> {
    ^bb0(%s: f32, %p: index, %j: index):
      %d = arith.subi %p, %j : index
      %i = arith.index_cast %d : index to i64
      %f = arith.sitofp %i : i64 to f32
      %bias = sm90.read %t[%p, %j] of [%m, %n] strides [%stride] : !llvm.ptr<1> -> f32
      %z = arith.addf %f, %bias : f32
      sm90.yield %z : f32
    }
    %part = sm90.reduce_columns <sum> %y : tensor<64x16xf32, #accumulator> -> tensor<64xf32, #partial>
    %rows = sm90.combine_quad <sum> %part : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
    sm90.store_rows %rows, %out[%offset] limit(%m) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}

// A chunk is compared without a division of the key; a number from memory is compared
// as it is, since a difference might overflow.
// CHECK-LABEL: llvm.func @mask(
// CHECK:         %[[LENGTH:.*]] = llvm.inline_asm asm_dialect = att "{ mov.b32 $0, 0; @$2 ld.global.nc.b32 $0, [$1+0]; }", "=&r,l,b"
// CHECK:         %[[LIMIT:.*]] = arith.index_cast %[[LENGTH]] : i32 to index
// CHECK:         %[[QUOTIENT:.*]] = arith.divsi %{{.*}}, %c24 : index
// CHECK:         %[[CHUNK:.*]] = arith.select %{{.*}}, %{{.*}}, %[[QUOTIENT]] : index
// CHECK:         %[[BEGIN:.*]] = arith.muli %[[CHUNK]], %c24 : index
// CHECK:         %[[INSIDE:.*]] = arith.subi %[[KEY:.*]], %[[BEGIN]] : index
// CHECK:         arith.cmpi ult, %[[INSIDE]], %c24 : index
// CHECK:         arith.cmpi slt, %[[KEY]], %[[LIMIT]] : index
// CHECK-NOT:     arith.divsi %[[KEY]]
sm90.kernel @mask(%t: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0}, %out: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"t", tensor<?xi32>, [0]>, #sm90.tensor<"o", tensor<64xf32>, [-1], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 0 : i64
    %c0 = arith.constant 0 : index
    %c24 = arith.constant 24 : index
    %x = arith.constant dense<2.0> : tensor<64x16xf32, #accumulator>
    %e = sm90.read %t[%c0] of [%n] : !llvm.ptr<1> -> i32
    %length = arith.index_cast %e : i32 to index
    %y = sm90.mask %x query(%n) key(%n) : tensor<64x16xf32, #accumulator> {
    ^bb0(%p: index, %j: index):
      %own = arith.floordivsi %p, %c24 : index
      %other = arith.floordivsi %j, %c24 : index
      %same = arith.cmpi eq, %other, %own : index
      %before = arith.cmpi slt, %j, %length : index
      %keep = arith.andi %same, %before : i1
      sm90.yield %keep : i1
    }
    %part = sm90.reduce_columns <max> %y : tensor<64x16xf32, #accumulator> -> tensor<64xf32, #partial>
    %rows = sm90.combine_quad <max> %part : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
    sm90.store_rows %rows, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}

// A whole tile is not masked.
// CHECK-LABEL: llvm.func @whole(
// CHECK:         %[[INSIDE:.*]] = arith.cmpi sle, %{{.*}} : index
// CHECK:         %[[MASKED:.*]]:8 = scf.if %[[INSIDE]] -> (f32, f32, f32, f32, f32, f32, f32, f32) {
// CHECK-NEXT:      scf.yield %[[X:[a-z0-9_]+]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]] : f32
// CHECK-NEXT:    } else {
// CHECK:           arith.select %{{.*}}, %[[X]], %{{.*}} : f32
// CHECK:           scf.yield
// CHECK-NEXT:    }
// CHECK-NOT:     arith.select
// CHECK:         arith.maxnumf %[[MASKED]]#0, %[[MASKED]]#
sm90.kernel @whole(%n: index {sm90.tensor = 0, sm90.axis = 0}, %out: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"t", tensor<?xi32>, [0]>, #sm90.tensor<"o", tensor<64xf32>, [-1], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 0 : i64
    %c24 = arith.constant 24 : index
    %x = arith.constant dense<2.0> : tensor<64x16xf32, #accumulator>
    %whole = arith.cmpi sle, %n, %c24 : index
    %y = sm90.mask %x query(%n) key(%n) whole(%whole) : tensor<64x16xf32, #accumulator> {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi sle, %j, %c24 : index
      sm90.yield %keep : i1
    }
    %part = sm90.reduce_columns <max> %y : tensor<64x16xf32, #accumulator> -> tensor<64xf32, #partial>
    %rows = sm90.combine_quad <max> %part : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
    sm90.store_rows %rows, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}
