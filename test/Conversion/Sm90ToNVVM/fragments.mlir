// What a thread does with its part of a fragment.

// RUN: attn-opt %s --convert-sm90-to-nvvm --canonicalize --cse | FileCheck %s

#rows = #sm90.layout<rows>
#partial = #sm90.layout<partial_rows>
#accumulator = #sm90.layout<accumulator>

// An op of a fragment is one for each element of the thread: rows have two.
// Exponentials, logarithms and allowed reciprocals are approximations.

// CHECK-LABEL: llvm.func @elementwise(
// CHECK-SAME: %[[OUT:.*]]: !llvm.ptr<1>, %[[N:.*]]: i32)
// CHECK: %[[LOOP:.*]]:4 = scf.for {{.*}} iter_args(%[[Y0:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[Y1:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[Z0:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[Z1:[a-z0-9]+]] = %{{[a-z0-9_]+}}) -> (f32, f32, f32, f32) {
// CHECK-NEXT: %[[A0:.*]] = arith.mulf %[[Y0]], %[[Z0]] fastmath<contract> : f32
// CHECK-NEXT: %[[A1:.*]] = arith.mulf %[[Y1]], %[[Z1]] fastmath<contract> : f32
// CHECK-NEXT: %[[B0:.*]] = math.fma %[[Y0]], %[[Z0]], %[[A0]] : f32
// CHECK-NEXT: %[[B1:.*]] = math.fma %[[Y1]], %[[Z1]], %[[A1]] : f32
// CHECK-NEXT: %[[C0:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[B0]]) : (f32) -> f32
// CHECK-NEXT: %[[C1:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[B1]]) : (f32) -> f32
// CHECK-NEXT: %[[D0:.*]] = llvm.call_intrinsic "llvm.nvvm.lg2.approx.ftz.f"(%[[C0]]) : (f32) -> f32
// CHECK-NEXT: %[[D1:.*]] = llvm.call_intrinsic "llvm.nvvm.lg2.approx.ftz.f"(%[[C1]]) : (f32) -> f32
// CHECK-NEXT: %[[R0:.*]] = llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"(%[[D0]]) : (f32) -> f32
// CHECK-NEXT: %[[E0:.*]] = arith.mulf %[[Y0]], %[[R0]] : f32
// CHECK-NEXT: %[[R1:.*]] = llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"(%[[D1]]) : (f32) -> f32
// CHECK-NEXT: %[[E1:.*]] = arith.mulf %[[Y1]], %[[R1]] : f32
// CHECK-NEXT: %[[F0:.*]] = llvm.call_intrinsic "llvm.nvvm.div.full"(%[[Y0]], %[[D0]]) : (f32, f32) -> f32
// CHECK-NEXT: %[[F1:.*]] = llvm.call_intrinsic "llvm.nvvm.div.full"(%[[Y1]], %[[D1]]) : (f32, f32) -> f32
// CHECK-NEXT: %[[G0:.*]] = arith.cmpf oeq, %[[E0]], %[[F0]] : f32
// CHECK-NEXT: %[[G1:.*]] = arith.cmpf oeq, %[[E1]], %[[F1]] : f32
// CHECK-NEXT: %[[H0:.*]] = arith.select %[[G0]], %[[E0]], %[[F0]] : f32
// CHECK-NEXT: %[[H1:.*]] = arith.select %[[G1]], %[[E1]], %[[F1]] : f32
// CHECK-NEXT: %[[OWN:.*]] = arith.andi %[[G0]], %[[G1]] : i1
// CHECK-NEXT: %[[ALL:.*]] = nvvm.vote.sync all %c-1_i32, %[[OWN]] -> i1
// A scalar condition is that of every element.
// CHECK-NEXT: %[[V0:.*]] = arith.select %[[ALL]], %[[H0]], %[[E0]] : f32
// CHECK-NEXT: %[[V1:.*]] = arith.select %[[ALL]], %[[H1]], %[[E1]] : f32
// CHECK-NEXT: scf.yield %[[V0]], %[[V1]], %[[C0]], %[[C1]] : f32, f32, f32, f32
// CHECK-NEXT: }

// One thread of a quad stores a row, if it is below the limit.
// CHECK-NEXT: %[[LANE:.*]] = arith.andi %{{.*}}, %c31_i32
// CHECK-NEXT: %[[IN_QUAD:.*]] = arith.andi %[[LANE]], %c3_i32
// CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi eq, %[[IN_QUAD]], %c0_i32
// CHECK-NEXT: %[[QUAD:.*]] = arith.shrui %[[LANE]], %c2_i32
// CHECK: %[[ROW:.*]] = arith.addi %{{.*}}, %[[QUAD]]
// CHECK-NEXT: %[[INSIDE:.*]] = arith.cmpi slt, %[[ROW]], %[[N]]
// CHECK-NEXT: %[[STORE:.*]] = arith.andi %[[INSIDE]], %[[FIRST]]
// CHECK-NEXT: scf.if %[[STORE]] {
// CHECK-NEXT: %[[WIDE:.*]] = arith.extsi %[[ROW]] : i32 to i64
// CHECK-NEXT: %[[ADDRESS:.*]] = llvm.getelementptr %[[OUT]][%[[WIDE]]] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
// CHECK-NEXT: llvm.store %[[LOOP]]#0, %[[ADDRESS]] : f32
// CHECK: %[[ROW8:.*]] = arith.addi %[[ROW]], %c8_i32
// CHECK: llvm.store %[[LOOP]]#1,
sm90.kernel @elementwise(%out: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0}) attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"out", tensor<?xf32>, [0], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 0 : i64
    %x = arith.constant dense<2.0> : tensor<64xf32, #rows>
    %c0 = arith.constant 0 : index
    %r:2 = scf.for %i = %c0 to %n step %n iter_args(%y = %x, %z = %x) -> (tensor<64xf32, #rows>, tensor<64xf32, #rows>) {
      %a = arith.mulf %y, %z fastmath<contract> : tensor<64xf32, #rows>
      %b = math.fma %y, %z, %a : tensor<64xf32, #rows>
      %c = math.exp2 %b : tensor<64xf32, #rows>
      %d = math.log2 %c : tensor<64xf32, #rows>
      %e = arith.divf %y, %d fastmath<arcp> : tensor<64xf32, #rows>
      %f = arith.divf %y, %d : tensor<64xf32, #rows>
      %g = arith.cmpf oeq, %e, %f : tensor<64xf32, #rows>
      %h = arith.select %g, %e, %f : tensor<64xi1, #rows>, tensor<64xf32, #rows>
      %all = sm90.vote_all %g : tensor<64xi1, #rows>
      %v = arith.select %all, %h, %e : tensor<64xf32, #rows>
      scf.yield %v, %c : tensor<64xf32, #rows>, tensor<64xf32, #rows>
    }
    sm90.store_rows %r#0, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}

// Of each group of four elements of an accumulator, two are of one row and two of
// the row 8 below. A row is reduced in two chains, then over the quad.

// CHECK-LABEL: llvm.func @columns(
// CHECK: scf.for {{.*}} iter_args(%[[X0:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X1:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X2:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X3:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X4:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X5:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X6:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X7:[a-z0-9]+]] = %{{[a-z0-9_]+}})
// CHECK-DAG: %[[A0:.*]] = arith.maxnumf %[[X0]], %[[X4]] : f32
// CHECK-DAG: %[[B0:.*]] = arith.maxnumf %[[X1]], %[[X5]] : f32
// CHECK-DAG: %[[M0:.*]] = arith.maxnumf %[[A0]], %[[B0]] : f32
// CHECK-DAG: %[[A1:.*]] = arith.maxnumf %[[X2]], %[[X6]] : f32
// CHECK-DAG: %[[B1:.*]] = arith.maxnumf %[[X3]], %[[X7]] : f32
// CHECK-DAG: %[[M1:.*]] = arith.maxnumf %[[A1]], %[[B1]] : f32
// CHECK: %[[OTHER:.*]] = nvvm.shfl.sync bfly %c-1_i32, %[[M0]], %c1_i32, %c31_i32 : f32 -> f32
// CHECK-NEXT: %[[PAIR:.*]] = arith.addf %[[M0]], %[[OTHER]] : f32
// CHECK-NEXT: %[[OTHER:.*]] = nvvm.shfl.sync bfly %c-1_i32, %[[PAIR]], %c2_i32, %c31_i32 : f32 -> f32
// CHECK-NEXT: %[[S0:.*]] = arith.addf %[[PAIR]], %[[OTHER]] : f32
// CHECK: %[[PAIR:.*]] = arith.addf %[[M1]],
// CHECK: %[[S1:.*]] = arith.addf %[[PAIR]],
// CHECK: arith.addf %[[X0]], %[[S0]] : f32
// CHECK-NEXT: arith.addf %[[X1]], %[[S0]] : f32
// CHECK-NEXT: arith.addf %[[X2]], %[[S1]] : f32
// CHECK-NEXT: arith.addf %[[X3]], %[[S1]] : f32
// CHECK-NEXT: arith.addf %[[X4]], %[[S0]] : f32
sm90.kernel @columns(%out: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0}) attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"out", tensor<?xf32>, [0], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 0 : i64
    %x = arith.constant dense<2.0> : tensor<64x16xf32, #accumulator>
    %c0 = arith.constant 0 : index
    %r = scf.for %i = %c0 to %n step %n iter_args(%y = %x) -> (tensor<64x16xf32, #accumulator>) {
      %max = sm90.reduce_columns <max> %y : tensor<64x16xf32, #accumulator> -> tensor<64xf32, #partial>
      %full = sm90.combine_quad <sum> %max : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
      sm90.store_rows %full, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
      %wide = sm90.broadcast_rows %full : tensor<64xf32, #rows> -> tensor<64x16xf32, #accumulator>
      %sum = arith.addf %y, %wide : tensor<64x16xf32, #accumulator>
      scf.yield %sum : tensor<64x16xf32, #accumulator>
    }
  }
  sm90.return
}

// Positions are kept as base + constant: a comparison of two is one of a
// difference, which all elements share, with a constant.

// CHECK-LABEL: llvm.func @mask(
// CHECK: scf.for %[[KEY:[a-z0-9]+]] = {{.*}} iter_args(%[[X0:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X1:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X2:[a-z0-9]+]] =
// CHECK: %[[P:.*]] = arith.addi %{{.*}}, %{{.*}} : index
// CHECK: %[[J:.*]] = arith.addi %[[KEY]], %{{.*}} : index
// CHECK-NEXT: %[[J_P:.*]] = arith.subi %[[J]], %[[P]] : index
// CHECK-NEXT: %[[CAUSAL:.*]] = arith.cmpi sle, %[[J_P]], %c0 : index
// CHECK-NEXT: %[[WINDOW:.*]] = arith.cmpi sge, %[[J_P]], %c-100 : index
// CHECK-NEXT: %[[J_N:.*]] = arith.subi %[[J]], %{{.*}} : index
// CHECK-NEXT: %[[INSIDE:.*]] = arith.cmpi slt, %[[J_N]], %c0 : index
// CHECK-NEXT: %[[TWO:.*]] = arith.andi %[[CAUSAL]], %[[WINDOW]] : i1
// CHECK-NEXT: %[[KEEP:.*]] = arith.andi %[[TWO]], %[[INSIDE]] : i1
// CHECK-NEXT: arith.select %[[KEEP]], %[[X0]], %[[INFINITY:.*]] : f32
// The next column.
// CHECK-NEXT: arith.cmpi sle, %[[J_P]], %c-1 : index
// CHECK-NEXT: arith.cmpi sge, %[[J_P]], %c-101 : index
// CHECK-NEXT: arith.cmpi slt, %[[J_N]], %c-1 : index
// CHECK: arith.select %{{.*}}, %[[X1]], %[[INFINITY]] : f32
// The row 8 below.
// CHECK-NEXT: arith.cmpi sle, %[[J_P]], %c8 : index
// CHECK-NEXT: arith.cmpi sge, %[[J_P]], %c-92 : index
// CHECK: arith.select %{{.*}}, %[[X2]], %[[INFINITY]] : f32
sm90.kernel @mask(%out: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0}) attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"out", tensor<?xf32>, [0], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %x = arith.constant dense<2.0> : tensor<64x16xf32, #accumulator>
    %c0 = arith.constant 0 : index
    %q = sm90.block_id
    %r = scf.for %i = %c0 to %n step %n iter_args(%y = %x) -> (tensor<64x16xf32, #accumulator>) {
      %m = sm90.mask %y query(%q) key(%i) : tensor<64x16xf32, #accumulator> {
      ^bb0(%p: index, %j: index):
        %c100 = arith.constant 100 : index
        %left = arith.subi %p, %c100 : index
        %causal = arith.cmpi sle, %j, %p : index
        %window = arith.cmpi sge, %j, %left : index
        %inside = arith.cmpi slt, %j, %n : index
        %two = arith.andi %causal, %window : i1
        %keep = arith.andi %two, %inside : i1
        sm90.yield %keep : i1
      }
      scf.yield %m : tensor<64x16xf32, #accumulator>
    }
    %max = sm90.reduce_columns <max> %r : tensor<64x16xf32, #accumulator> -> tensor<64xf32, #partial>
    %full = sm90.combine_quad <max> %max : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
    %offset = arith.constant 0 : i64
    sm90.store_rows %full, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}

// A difference says nothing of the order of unsigned numbers; other arithmetic
// sees plain positions.

// CHECK-LABEL: llvm.func @unsigned(
// CHECK: %[[J:.*]] = arith.addi %{{.*}}, %{{.*}} : index
// CHECK-NEXT: %[[BELOW:.*]] = arith.cmpi ult, %[[J]], %{{.*}} : index
// CHECK-NEXT: %[[HALF:.*]] = arith.divsi %[[J]], %c2 : index
// CHECK-NEXT: %[[FEW:.*]] = arith.cmpi slt, %[[HALF]], %c10 : index
// CHECK-NEXT: arith.andi %[[BELOW]], %[[FEW]] : i1
sm90.kernel @unsigned(%out: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0}) attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"out", tensor<?xf32>, [0], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %x = arith.constant dense<2.0> : tensor<64x16xf32, #accumulator>
    %c0 = arith.constant 0 : index
    %q = sm90.block_id
    %r = scf.for %i = %c0 to %n step %n iter_args(%y = %x) -> (tensor<64x16xf32, #accumulator>) {
      %m = sm90.mask %y query(%q) key(%i) : tensor<64x16xf32, #accumulator> {
      ^bb0(%p: index, %j: index):
        %c2 = arith.constant 2 : index
        %c10 = arith.constant 10 : index
        %below = arith.cmpi ult, %j, %n : index
        %half = arith.divsi %j, %c2 : index
        %few = arith.cmpi slt, %half, %c10 : index
        %keep = arith.andi %below, %few : i1
        sm90.yield %keep : i1
      }
      scf.yield %m : tensor<64x16xf32, #accumulator>
    }
    %max = sm90.reduce_columns <max> %r : tensor<64x16xf32, #accumulator> -> tensor<64xf32, #partial>
    %full = sm90.combine_quad <max> %max : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
    %offset = arith.constant 0 : i64
    sm90.store_rows %full, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}

// Two neighbouring columns are rounded into one register, the first into its
// lower half.

// CHECK-LABEL: llvm.func @rounded(
// CHECK: scf.for {{.*}} iter_args(%[[X0:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X1:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X2:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X3:[a-z0-9]+]] = %{{[a-z0-9_]+}}, %[[X4:[a-z0-9]+]] =
// CHECK: %[[R0:.*]] = llvm.inline_asm has_side_effects asm_dialect = att "cvt.rn.f16x2.f32 $0, $1, $2;", "=r,f,f" %[[X1]], %[[X0]] : (f32, f32) -> i32
// CHECK-NEXT: %[[R1:.*]] = llvm.inline_asm has_side_effects asm_dialect = att "cvt.rn.f16x2.f32 $0, $1, $2;", "=r,f,f" %[[X3]], %[[X2]] :
// CHECK: stmatrix{{.*}} %{{.*}}, %[[R0]], %[[R1]],
sm90.kernel @rounded(%out: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, instances = [], shared_memory = 8192 : i64,
                tensors = [#sm90.tensor<"out", tensor<?xf32>, [0], output = true>]} {
  %b = sm90.alloc at 0 : !sm90.buffer<1 x 64x64xf16>
  sm90.warp_roles producer {
  } consumer {
    %x = arith.constant dense<2.0> : tensor<64x64xf32, #accumulator>
    %c0 = arith.constant 0 : index
    %r = scf.for %i = %c0 to %n step %n iter_args(%y = %x) -> (tensor<64x64xf32, #accumulator>) {
      %z = arith.addf %y, %y : tensor<64x64xf32, #accumulator>
      %small = arith.truncf %y : tensor<64x64xf32, #accumulator> to tensor<64x64xf16, #accumulator>
      sm90.store_fragment %small, %b row(%c0) : tensor<64x64xf16, #accumulator>, !sm90.buffer<1 x 64x64xf16>
      scf.yield %z : tensor<64x64xf32, #accumulator>
    }
  }
  sm90.return
}
