// RUN: attn-opt %s -canonicalize | FileCheck %s

// Static sizes stay, too: a loop over instances whose bounds are constant could
// be folded away.
// CHECK-LABEL: tile.kernel @dim(
// CHECK:         %[[N:.*]] = tile.dim %{{.*}}[0]
// CHECK:         scf.forall (%{{.*}}) in (%[[N]]) {
tile.kernel @dim(%x: !tile.view<1xf32> {tile.output}) schedule(<block_q = 16, block_kv = 16>) {
  %n = tile.dim %x[0] : !tile.view<1xf32>
  %t = arith.constant dense<1.0> : vector<3xf32>
  scf.forall (%i) in (%n) {
    tile.store %t, %x[%i] axes [0] : vector<3xf32>, !tile.view<1xf32>
  }
  tile.return
}

// Zero stays zero; anything else may change.
// CHECK-LABEL: func @rescale(
// CHECK-SAME:    %[[ACC:.*]]: vector<2x3xf32>, %[[C:.*]]: vector<2xf32>
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.0{{.*}}> : vector<2x3xf32>
// CHECK:         %[[R:.*]] = tile.rescale %[[ACC]], %[[C]] : vector<2x3xf32>, vector<2xf32>
// CHECK:         return %[[ZERO]], %[[R]]
func.func @rescale(%acc: vector<2x3xf32>, %c: vector<2xf32>) -> (vector<2x3xf32>, vector<2x3xf32>) {
  %zero = arith.constant dense<0.0> : vector<2x3xf32>
  %0 = tile.rescale %zero, %c mostly_one : vector<2x3xf32>, vector<2xf32>
  %1 = tile.rescale %acc, %c : vector<2x3xf32>, vector<2xf32>
  return %0, %1 : vector<2x3xf32>, vector<2x3xf32>
}

// Stores stay; what nobody reads goes.
// CHECK-LABEL: tile.kernel @dead(
// CHECK-NOT:     tile.dot
// CHECK-NOT:     tile.mask
// CHECK-NOT:     tile.online_softmax
// CHECK-NOT:     tile.finish_softmax
// CHECK:         tile.store
// CHECK-NOT:     tile.load
tile.kernel @dead(%x: !tile.view<4x4xf32> {tile.output}) schedule(<block_q = 4, block_kv = 4>) {
  %m = arith.constant dense<0.0> : vector<4xf32>
  %one = arith.constant dense<1.0> : vector<4x4xf32>
  scf.forall (%i) in (2) {
    %s = tile.dot %one, %one : vector<4x4xf32>, vector<4x4xf32> -> vector<4x4xf32>
    %k = tile.mask %s query(%i) key(%i) : vector<4x4xf32> {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi sle, %j, %p : index
      tile.yield %keep : i1
    }
    %w, %m1, %l1, %c = tile.online_softmax %k, %m, %m scale(1.0) : vector<4x4xf32>, vector<4xf32>
    %o, %lse = tile.finish_softmax %w, %m1, %l1 scale(1.0) : vector<4x4xf32>, vector<4xf32>
    tile.store %one, %x[%i, %i] axes [0, 1] : vector<4x4xf32>, !tile.view<4x4xf32>
    %t = tile.load %x[%i, %i] axes [0, 1] : !tile.view<4x4xf32> -> vector<4x4xf32>
  }
  tile.return
}
