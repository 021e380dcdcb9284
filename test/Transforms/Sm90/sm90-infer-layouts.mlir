// Anchors fix the layouts, element-wise ops, loops and branches pass them on.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-infer-layouts))' > %t
// RUN: FileCheck %s --input-file=%t
// What has layouts stays as it is.
// RUN: attn-opt %t --pass-pipeline='builtin.module(sm90.kernel(sm90-infer-layouts))' | diff %t -

// CHECK-DAG: ![[ACC:[a-z0-9_]+]] = tensor<64x64xf32, #sm90.layout<accumulator>>
// CHECK-DAG: ![[ACC16:[a-z0-9_]+]] = tensor<64x64xbf16, #sm90.layout<accumulator>>
// CHECK-DAG: ![[A:[a-z0-9_]+]] = tensor<64x64xbf16, #sm90.layout<operand_a>>
// CHECK-DAG: ![[ROWS:[a-z0-9_]+]] = tensor<64xf32, #sm90.layout<rows>>
// CHECK-DAG: ![[BITS:[a-z0-9_]+]] = tensor<64xi1, #sm90.layout<rows>>
// CHECK-DAG: ![[PARTIAL:[a-z0-9_]+]] = tensor<64xf32, #sm90.layout<partial_rows>>

// CHECK-LABEL: sm90.kernel @products
sm90.kernel @products() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %n = sm90.grid_size
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %q_stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // CHECK: %[[Q:.*]] = sm90.load_fragment %{{.*}} -> ![[A]]
    %q = sm90.load_fragment %q_stage row(%c0) : !sm90.stage<64x64xbf16> -> tensor<64x64xbf16>
    sm90.stage.release %q_stage, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[P:.*]] = %[[Q]]) -> (![[ACC]], ![[A]])
    %r:2 = scf.for %i = %c0 to %n step %n iter_args(%o = %zero, %p = %q) -> (tensor<64x64xf32>, tensor<64x64xbf16>) {
      %stage = sm90.stage.await_full %buffer, %barrier[%i] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
      // A cast that changes nothing goes away.
      // CHECK-NOT: sm90.layout_cast %[[P]]
      %same = sm90.layout_cast %p : tensor<64x64xbf16> -> tensor<64x64xbf16>
      // CHECK: %[[F:.*]] = sm90.wgmma_async %[[P]], %{{.*}} : <![[ACC]] = ![[A]] * <64x64xbf16>>
      %f = sm90.wgmma_async %same, %stage acc(%o) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
      // CHECK: %[[S:.*]], %{{.*}} = sm90.wgmma.wait %[[F]]
      %s, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
      sm90.stage.release %done, %barrier[%i] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
      // CHECK: %[[SMALL:.*]] = arith.truncf %[[S]] : ![[ACC]] to ![[ACC16]]
      %small = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
      // CHECK: %[[NEXT:.*]] = sm90.layout_cast %[[SMALL]] : ![[ACC16]] -> ![[A]]
      %next = sm90.layout_cast %small : tensor<64x64xbf16> -> tensor<64x64xbf16>
      // CHECK: scf.yield %[[S]], %[[NEXT]] : ![[ACC]], ![[A]]
      scf.yield %s, %next : tensor<64x64xf32>, tensor<64x64xbf16>
    }
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @rows
sm90.kernel @rows() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // One constant for each layout that it is used in.
    // CHECK-DAG: arith.constant dense<0.000000e+00> : ![[ROWS]]
    // CHECK-DAG: %[[ZERO_PARTIAL:.*]] = arith.constant dense<0.000000e+00> : ![[PARTIAL]]
    %zero = arith.constant dense<0.0> : tensor<64xf32>
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    // CHECK: sm90.mask %{{.*}} : ![[ACC]]
    %m = sm90.mask %s query(%c0) key(%c0) : tensor<64x64xf32> {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi sle, %j, %p : index
      sm90.yield %keep : i1
    }
    // CHECK: %[[SUM:.*]] = sm90.reduce_columns <sum> %{{.*}} : ![[ACC]] -> ![[PARTIAL]]
    %sum = sm90.reduce_columns <sum> %m : tensor<64x64xf32> -> tensor<64xf32>
    // CHECK: %[[MORE:.*]] = arith.addf %[[SUM]], %[[ZERO_PARTIAL]] : ![[PARTIAL]]
    %more = arith.addf %sum, %zero : tensor<64xf32>
    // CHECK: %[[FULL:.*]] = sm90.combine_quad <sum> %[[MORE]] : ![[PARTIAL]] -> ![[ROWS]]
    %full = sm90.combine_quad <sum> %more : tensor<64xf32> -> tensor<64xf32>
    // CHECK: %[[BIT:.*]] = arith.cmpf oeq, %[[FULL]], %{{.*}} : ![[ROWS]]
    %bit = arith.cmpf oeq, %full, %zero : tensor<64xf32>
    // CHECK: sm90.vote_all %[[BIT]] : ![[BITS]]
    %all = sm90.vote_all %bit : tensor<64xi1>
    // CHECK: %[[IF:.*]] = scf.if %{{.*}} -> (![[ROWS]])
    %branch = scf.if %all -> (tensor<64xf32>) {
      scf.yield %full : tensor<64xf32>
    } else {
      scf.yield %zero : tensor<64xf32>
    }
    // CHECK: sm90.layout_cast %[[IF]] : ![[ROWS]] -> ![[PARTIAL]]
    %own = sm90.layout_cast %branch : tensor<64xf32> -> tensor<64xf32>
    %again = sm90.combine_quad <max> %own : tensor<64xf32> -> tensor<64xf32>
    // CHECK: sm90.broadcast_rows %{{.*}} : ![[ROWS]] -> ![[ACC]]
    %wide = sm90.broadcast_rows %again : tensor<64xf32> -> tensor<64x64xf32>
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @no_fragments
sm90.kernel @no_fragments() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    // CHECK: sm90.block_id
    %id = sm90.block_id
    // CHECK-NEXT: arith.addi %{{.*}}, %{{.*}} : index
    %sum = arith.addi %id, %id : index
  }
  sm90.return
}

// A sum along an axis says which strips a matrix has; vectors that are repeated to
// it follow, and from them other matrices. What is stored instead of a vector, and
// where nothing says how it is spread, is as that.

// CHECK-LABEL: sm90.kernel @strips(
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : !row_strips_rows
// CHECK: %[[S:.*]] = sm90.load_strips {{.*}} -> !row_strips
// CHECK: %[[K:.*]] = sm90.load_strips {{.*}} -> !row_strips_columns
// CHECK: sm90.broadcast_strips %[[K]] axis(0) : !row_strips_columns -> !row_strips
// CHECK: sm90.reduce_strips <sum> %{{.*}} axis(1) : !row_strips -> !row_strips_rows
// CHECK: sm90.broadcast_strips %{{.*}} axis(1) : !row_strips_rows -> !row_strips
// CHECK: %[[OTHER:.*]] = sm90.load_strips {{.*}} -> !row_strips_columns
// CHECK: sm90.reduce_vector <sum> %[[OTHER]] : !row_strips_columns
// CHECK: sm90.store_strips %[[ZERO]], %{{.*}} : !row_strips_rows -> f32
sm90.kernel @strips(%s: !llvm.ptr<1> {sm90.tensor = 0}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                    %o: !llvm.ptr<1> {sm90.tensor = 1}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>,
                tensors = [#sm90.tensor<"s", tensor<?x32xf32>, [0, -1]>, #sm90.tensor<"o", tensor<?xf32>, [0], output = true>],
                instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant dense<0.0> : tensor<64xf32>
    %0 = sm90.load_strips %s[%c0, %c0] of [%n, %c32] strides [%stride] axes [0, 1] : f32 -> tensor<64x32xf32>
    %1 = sm90.load_strips %s[%c0, %c0] of [%n, %c32] strides [%stride] axes [1] : f32 -> tensor<32xf32>
    %2 = sm90.broadcast_strips %1 axis(0) : tensor<32xf32> -> tensor<64x32xf32>
    %3 = arith.mulf %0, %2 : tensor<64x32xf32>
    %4 = sm90.reduce_strips <sum> %3 axis(1) : tensor<64x32xf32> -> tensor<64xf32>
    %5 = sm90.broadcast_strips %4 axis(1) : tensor<64xf32> -> tensor<64x32xf32>
    %6 = sm90.load_strips %s[%c0, %c0] of [%n, %c32] strides [%stride] axes [1] : f32 -> tensor<32xf32>
    %7 = sm90.broadcast_strips %6 axis(0) : tensor<32xf32> -> tensor<64x32xf32>
    %8 = arith.addf %5, %7 : tensor<64x32xf32>
    %9 = sm90.reduce_vector <sum> %6 : tensor<32xf32>
    %10 = sm90.reduce_strips <sum> %8 axis(1) : tensor<64x32xf32> -> tensor<64xf32>
    sm90.store_strips %10, %o[%c0] of [%n] strides [] axes [0] : tensor<64xf32> -> f32
    sm90.store_strips %zero, %o[%c0] of [%n] strides [] axes [0] : tensor<64xf32> -> f32
  }
  sm90.return
}

// A constant that nothing but casts use is one of their layout.

// CHECK-LABEL: sm90.kernel @cast_constant
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : ![[A]]
// CHECK-NOT: sm90.layout_cast
// CHECK: sm90.wgmma_async %[[ZERO]], %{{.*}}
sm90.kernel @cast_constant() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %zero = arith.constant dense<0.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %cast = sm90.layout_cast %zero : tensor<64x64xbf16> -> tensor<64x64xbf16>
    %f = sm90.wgmma_async %cast, %stage : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %s, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// How many warps have strips beside each other the schedule says, how many lanes the
// width then leaves.

// CHECK-LABEL: sm90.kernel @shared_strips(
// CHECK: sm90.load_strips {{.*}} -> !column_strips
// CHECK: sm90.add_warps {{.*}} : !column_strips_columns -> !column_strips_columns
sm90.kernel @shared_strips(%s: !llvm.ptr<1> {sm90.tensor = 0}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 1>,
                tensors = [#sm90.tensor<"s", tensor<128x64xf32>, [-1, -1]>],
                instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %0 = sm90.load_strips %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [0, 1] : f32 -> tensor<128x64xf32>
    %1 = sm90.reduce_strips <sum> %0 axis(0) : tensor<128x64xf32> -> tensor<64xf32>
    %2 = sm90.add_warps %1 : tensor<64xf32> -> tensor<64xf32>
    sm90.store_strips %2, %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [1] : tensor<64xf32> -> f32
  }
  sm90.return
}
