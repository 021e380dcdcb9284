// RUN: attn-opt %s -tile-insert-mask-test | FileCheck %s
// What has a test gets no other.
// RUN: attn-opt %s -tile-insert-mask-test -o %t
// RUN: attn-opt %t -tile-insert-mask-test -o %t.again
// RUN: diff %t %t.again

!s = vector<16x32xf32>

// CHECK-DAG: #[[END:.*]] = affine_map<(d0) -> (d0 + 32)>
// CHECK-DAG: #[[CAUSAL:.*]] = affine_map<(d0)[s0] -> (-(-s0 + 1) + 1, d0 + 1)>
// CHECK-DAG: #[[WINDOW:.*]] = affine_map<(d0) -> (0, d0 + 7)>

// The block is full and ends with the keys, or the first query sees its last key.
// CHECK-LABEL: tile.kernel @blocks(
// CHECK:         %[[N:.*]] = tile.dim
// CHECK:         scf.forall (%[[T:.*]]) in
// CHECK:           %[[KEY:.*]] = arith.index_cast
// CHECK:           %[[FULL:.*]] = arith.cmpi slt, %[[T]], %c5
// CHECK:           %[[KEYS:.*]] = affine.apply #[[END]](%[[KEY]])
// CHECK-NEXT:      %[[INSIDE:.*]] = arith.cmpi sle, %[[KEYS]], %[[N]] : index
// CHECK-NEXT:      %[[A:.*]] = arith.andi %[[FULL]], %[[INSIDE]] : i1
// CHECK:           %[[LAST:.*]] = affine.min #[[CAUSAL]](%[[T]])[%[[N]]]
// CHECK-NEXT:      %[[KEYS1:.*]] = affine.apply #[[END]](%[[KEY]])
// CHECK-NEXT:      %[[B:.*]] = arith.cmpi sle, %[[KEYS1]], %[[LAST]] : index
// CHECK-NEXT:      %[[WHOLE:.*]] = arith.ori %[[A]], %[[B]] : i1
// CHECK-NEXT:      tile.mask %{{.*}} query(%[[T]]) key(%[[KEY]]) whole(%[[WHOLE]])
tile.kernel @blocks(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>}, %b: !tile.view<?xi32> {tile.symbols = array<i64: 1>})
    schedule(<block_q = 16, block_kv = 32>) {
  %c5 = arith.constant 5 : index
  %s = arith.constant dense<1.0> : !s
  %n = tile.dim %x[0] : !tile.view<?xf32>
  scf.forall (%t) in (%n) {
    %e = tile.read %b[%t] : !tile.view<?xi32>
    %key = arith.index_cast %e : i32 to index
    %full = arith.cmpi slt, %t, %c5 : index
    %m = tile.mask %s query(%t) key(%key) : !s {
    ^bb0(%p: index, %j: index):
      %inside = arith.cmpi slt, %j, %n : index
      %causal = arith.cmpi sle, %j, %p : index
      %seen = arith.ori %full, %causal : i1
      %keep = arith.andi %seen, %inside : i1
      tile.yield %keep : i1
    }
  }
  tile.return
}

// On the left as well: the last query sees its first key. Where it begins may be
// several ops away from what is read.
// CHECK-LABEL: tile.kernel @window(
// CHECK:           %[[KEY:.*]] = arith.muli
// CHECK:           %[[BEGIN:.*]] = affine.max #[[WINDOW]](%[[T:.*]])
// CHECK:           %[[RIGHT:.*]] = arith.cmpi sle, %{{.*}}, %{{.*}} : index
// CHECK-NEXT:      %[[LEFT:.*]] = arith.cmpi sge, %[[KEY]], %[[BEGIN]] : index
// CHECK-NEXT:      %[[WHOLE:.*]] = arith.andi %[[RIGHT]], %[[LEFT]] : i1
// CHECK-NEXT:      tile.mask %{{.*}} query(%{{.*}}) key(%[[KEY]]) whole(%[[WHOLE]])
tile.kernel @window(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>}, %b: !tile.view<?xi32> {tile.symbols = array<i64: 1>})
    schedule(<block_q = 16, block_kv = 32>) {
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %s = arith.constant dense<1.0> : !s
  %n = tile.dim %x[0] : !tile.view<?xf32>
  scf.forall (%t) in (%n) {
    %e = tile.read %b[%t] : !tile.view<?xi32>
    %block = arith.index_cast %e : i32 to index
    %key = arith.muli %block, %c32 : index
    %m = tile.mask %s query(%t) key(%key) : !s {
    ^bb0(%p: index, %j: index):
      %inside = arith.cmpi slt, %j, %n : index
      %least = arith.subi %p, %c8 : index
      %near = arith.cmpi sge, %j, %least : index
      %keep = arith.andi %near, %inside : i1
      tile.yield %keep : i1
    }
  }
  tile.return
}

// Nothing is known of the mask; a bound is computed inside; a tile is at a computed
// place, perhaps by a bound or an end that is read.
// CHECK-LABEL: tile.kernel @unknown(
// CHECK-NOT:     whole(
// CHECK:         tile.return
tile.kernel @unknown(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>}, %b: !tile.view<?xi32> {tile.symbols = array<i64: 1>})
    schedule(<block_q = 16, block_kv = 32>) {
  %c3 = arith.constant 3 : index
  %c0 = arith.constant 0 : index
  %s = arith.constant dense<1.0> : !s
  %n = tile.dim %x[0] : !tile.view<?xf32>
  scf.forall (%t) in (%n) {
    %e = tile.read %b[%t] : !tile.view<?xi32>
    %key = arith.index_cast %e : i32 to index
    %m = tile.mask %s query(%t) key(%key) : !s {
    ^bb0(%p: index, %j: index):
      %rest = arith.remsi %j, %c3 : index
      %keep = arith.cmpi eq, %rest, %c0 : index
      tile.yield %keep : i1
    }
    %m1 = tile.mask %s query(%t) key(%key) : !s {
    ^bb0(%p: index, %j: index):
      %own = tile.read %b[%t] : !tile.view<?xi32>
      %length = arith.index_cast %own : i32 to index
      %keep = arith.cmpi slt, %j, %length : index
      tile.yield %keep : i1
    }
    %end = affine.min affine_map<(d0)[s0] -> (d0, s0)>(%key)[%n]
    %last = affine.apply affine_map<(d0)[s0] -> (d0 - s0 * 32)>(%end)[%t]
    %m3 = tile.mask %s query(%t) key(%last) : !s {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi slt, %j, %n : index
      tile.yield %keep : i1
    }
    %p0 = tile.read %b[%t] position : !tile.view<?xi32>
    %begin = arith.index_cast %p0 : i32 to index
    %m4 = tile.mask %s query(%t) key(%begin) : !s {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi slt, %j, %n : index
      tile.yield %keep : i1
    }
    %m2 = tile.mask %s query(%t) key(%t) : !s {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi slt, %j, %n : index
      tile.yield %keep : i1
    }
  }
  tile.return
}
