// All threads of two consumer warpgroups share a search.
// RUN: attn-opt %s -convert-sm90-to-nvvm -canonicalize -cse | FileCheck %s

// Thread t of the consumers looks at t, t + 256, ..., eight of them in an iteration.
// CHECK-LABEL: llvm.func @search(
// CHECK-SAME:    %[[IDS:[a-z0-9_]+]]: !llvm.ptr<1>, %[[W:[a-z0-9_]+]]: !llvm.ptr<1>,
// CHECK-DAG:     %[[NONE:.*]] = arith.constant 2147483647 : i32
// CHECK-DAG:     %[[NOTHING:.*]] = arith.constant -2147483648 : i32
// CHECK:         %[[OWN:.*]] = arith.addi %{{.*}}, %c-128_i32
// CHECK:         %[[FIRST:.*]] = arith.index_cast %[[OWN]] : i32 to index
// CHECK:         %[[FOUND:.*]]:2 = scf.for %{{.*}} = %[[FIRST]] to %{{.*}} step %c2048 iter_args(%[[LOW:.*]] = %[[NONE]], %[[HIGH:.*]] = %[[NOTHING]])
// CHECK:           arith.cmpi slt, %{{.*}}, %[[END:.*]] : index
// CHECK:           ld.global.nc.b32 $0, [$1+0]
// CHECK:           arith.minsi %[[LOW]]
// CHECK:           arith.maxsi %[[HIGH]]
// CHECK-COUNT-7:   ld.global.nc.b32
// CHECK-NOT:       ld.global.nc
// Each warp combines what its threads have found, and the first lane hands it on.
// CHECK:         %[[WARPLOW:.*]] = nvvm.redux.sync  min %[[FOUND]]#0
// CHECK:         %[[WARPHIGH:.*]] = nvvm.redux.sync  max %[[FOUND]]#1
// CHECK:         scf.if
// CHECK:           st.shared.b32 {{.*}} %[[WARPLOW]]
// CHECK:           st.shared.b32 {{.*}} %[[WARPHIGH]]
// CHECK:         bar.sync $0, 256;
// CHECK:         ld.shared.b32
// CHECK:         %[[ALLLOW:.*]] = nvvm.redux.sync  min
// CHECK:         ld.shared.b32
// CHECK:         nvvm.redux.sync  max
// CHECK:         bar.sync $0, 256;
// One thread writes.
// CHECK:         %[[ISFIRST:.*]] = arith.cmpi eq, %[[OWN]], %c0_i32
// CHECK:         scf.if %[[ISFIRST]] {
// CHECK:           llvm.store %[[ALLLOW]], %{{.*}} : i32, !llvm.ptr<1>
sm90.kernel @search(%ids: !llvm.ptr<1> {sm90.tensor = 0}, %w: !llvm.ptr<1> {sm90.tensor = 1},
                    %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<persistent = false>, instances = [], shared_memory = 64 : i64,
                tensors = [#sm90.tensor<"ids", tensor<?xi32>, [0]>, #sm90.tensor<"w", tensor<1xi32>, [-1], output = true>]} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %e:2 = sm90.find_extremes(%c0 to %n) at 0 : i32, i32 {
    ^bb0(%p: index):
      %id = sm90.read %ids[%p] of [%n] : !llvm.ptr<1> -> i32
      sm90.yield %id, %true : i32, i1
    }
    sm90.write %e#0, %w[%c0] : i32, !llvm.ptr<1>
  }
  sm90.return
}
