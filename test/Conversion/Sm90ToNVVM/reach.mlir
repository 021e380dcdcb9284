// All threads of two consumer warpgroups go through positions from the end, 256 at a time.
// RUN: attn-opt %s -convert-sm90-to-nvvm -canonicalize -cse | FileCheck %s

// CHECK-LABEL: llvm.func @reach(
// CHECK-DAG:     %[[LIMIT:.*]] = arith.constant -3.000000e+01 : f32
// CHECK:         %[[FOUND:.*]]:2 = scf.while (%[[AT:.*]] = %[[END:.*]], %[[SUM:.*]] = %{{.*}}) : (index, f32) -> (index, f32) {
// CHECK:           %[[ABOVE:.*]] = arith.cmpf ugt, %[[SUM]], %[[LIMIT]]
// CHECK:           %[[BEHIND:.*]] = arith.cmpi sgt, %[[AT]], %c0
// CHECK:           %[[OPEN:.*]] = arith.andi %[[ABOVE]], %[[BEHIND]]
// CHECK:           scf.condition(%[[OPEN]])
// The squared length of a row of 16 elements of f16, where it is inside.
// CHECK:           %[[NORM:.*]] = scf.if %{{.*}} -> (f32) {
// CHECK:             ld.global.nc.v4.b32 {$0, $1, $2, $3}, [$4+0];
// CHECK:             arith.mulf
// CHECK:             ld.global.nc.v4.b32 {$0, $1, $2, $3}, [$4+16];
// CHECK-NOT:         ld.global
// CHECK:           } else {
// CHECK-NEXT:        scf.yield %cst
// CHECK:           %[[NUMBER:.*]] = arith.addf %[[NORM]], %{{.*}}
// The sum of a warp, which the first lane hands on.
// CHECK:           nvvm.shfl.sync  bfly %{{.*}}, %[[NUMBER]], %c1_i32
// CHECK:           nvvm.shfl.sync  bfly %{{.*}}, %c16_i32
// CHECK:           scf.if
// CHECK:             st.shared.f32
// CHECK:           bar.sync $0, 256;
// CHECK:           ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+0];
// CHECK:           ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+16];
// CHECK:           bar.sync $0, 256;
// Four blocks of 64, as long as the sum is above the limit.
// CHECK-COUNT-8:   arith.select
// CHECK:           scf.yield
// CHECK:         %[[SMALL:.*]] = arith.cmpf ole, %[[FOUND]]#1, %[[LIMIT]]
// CHECK:         arith.select %[[SMALL]], %[[FOUND]]#0, %c0 : index
sm90.kernel @reach(%x: !llvm.ptr<1> {sm90.tensor = 0}, %s: i64 {sm90.tensor = 0, sm90.axis = 0},
                   %w: !llvm.ptr<1> {sm90.tensor = 1}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<persistent = false>, instances = [], shared_memory = 64 : i64,
                tensors = [#sm90.tensor<"x", tensor<?x16xf16>, [0, -1]>, #sm90.tensor<"w", tensor<1xi32>, [-1], output = true>]} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %one = arith.constant 1.0 : f32
    %first = sm90.find_reach(%c0 to %n) block(64) limit(-30.0) at 0 {
    ^bb0(%p: index):
      %norm = sm90.squared_norm %x[%p] of [%n] strides [%s] length(16) : !llvm.ptr<1>, f16
      %number = arith.addf %norm, %one : f32
      sm90.yield %number : f32
    }
    %i = arith.index_cast %first : index to i32
    sm90.write %i, %w[%c0] : i32, !llvm.ptr<1>
  }
  sm90.return
}

// Each thread adds up the numbers of one of 64 channels, of a block of 32 positions at a
// time, while those of the next one are under way; the greatest sum counts.

// CHECK-LABEL: llvm.func @channels(
// CHECK:         arith.remui %{{.*}}, %c64
// CHECK-COUNT-32:  ld.global
// CHECK:         %[[FOUND:.*]]:35 = scf.while (%[[AT:[^ ]*]] = %{{[^ ]*}}, %[[GREATEST:[^ ]*]] = %{{[^ ]*}}, %[[OWN:[^ ]*]] =
// CHECK:           arith.cmpf ugt, %[[GREATEST]], %{{.*}}
// CHECK:         } do {
// CHECK:           ^bb0(%[[AT:[^ ]*]]: index, %{{[^ ]*}}: f32, %[[OWN:[^ ]*]]: f32, %[[NUMBER:[^ ]*]]: f32,
// CHECK-NOT:       arith.addf
// CHECK-COUNT-32:  ld.global
// CHECK:           %[[FIRST:.*]] = arith.addf %[[OWN]], %[[NUMBER]]
// CHECK-COUNT-31:  arith.addf
// CHECK:           nvvm.shfl.sync  bfly
// CHECK:           arith.maximumf
// CHECK:           bar.sync $0, 128;
// CHECK:           ld.shared.v4.f32
// CHECK:           bar.sync $0, 128;
// CHECK-COUNT-3:   arith.maximumf
// CHECK:           scf.yield
sm90.kernel @channels(%x: !llvm.ptr<1> {sm90.tensor = 0}, %s: i64 {sm90.tensor = 0, sm90.axis = 0},
                      %w: !llvm.ptr<1> {sm90.tensor = 1}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1, persistent = false>, instances = [], shared_memory = 64 : i64,
                tensors = [#sm90.tensor<"x", tensor<?x64xf32>, [0, -1]>, #sm90.tensor<"w", tensor<1xi32>, [-1], output = true>]} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %first = sm90.find_reach(%c0 to %n) block(32) limit(-30.0) channels(64) at 0 {
    ^bb0(%p: index, %c: index):
      %number = sm90.read %x[%p, %c] of [%n, %c64] strides [%s] : !llvm.ptr<1> -> f32
      sm90.yield %number : f32
    }
    %i = arith.index_cast %first : index to i32
    sm90.write %i, %w[%c0] : i32, !llvm.ptr<1>
  }
  sm90.return
}
