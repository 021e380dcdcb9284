// RUN: attn-opt %s -tile-hoist-score-dot | FileCheck %s
// What is rotated does not match again.
// RUN: attn-opt %s -tile-hoist-score-dot -o %t
// RUN: attn-opt %t -tile-hoist-score-dot -o %t.again
// RUN: diff %t %t.again

!q = !tile.view<?x16xf16>
!v = !tile.view<?x8xf16>

// CHECK-DAG:   #[[KEY:.*]] = affine_map<(d0)[s0] -> (d0 * -32 + s0)>
// CHECK-DAG:   #[[PREVIOUS:.*]] = affine_map<(d0) -> (d0 - 1)>
// CHECK-DAG:   #[[LAST:.*]] = affine_map<()[s0] -> (s0 - 1)>

// CHECK-LABEL: tile.kernel @rotated(
// CHECK-SAME:    %[[Q:[a-z0-9_]+]]: !tile.view<?x16xf16>
// CHECK-SAME:    %[[K:[a-z0-9_]+]]: !tile.view<?x16xf16>
// CHECK-SAME:    %[[V:[a-z0-9_]+]]: !tile.view<?x8xf16>
// CHECK:         %[[M0:.*]] = arith.constant dense<0xFF800000>
// CHECK:         %[[L0:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
// CHECK:         %[[ACC0:.*]] = arith.constant dense<0.000000e+00> : vector<16x8xf32>
// CHECK:         %[[N:.*]] = tile.dim %[[K]][0]
// CHECK:         %[[QT:.*]] = tile.load %[[Q]]
// CHECK:         %[[ANY:.*]] = arith.cmpi slt, %c0, %[[N]] : index
// CHECK-NEXT:    %[[R:.*]]:3 = scf.if %[[ANY]]
// The first half of the first iteration.
// CHECK:           %[[J0:.*]] = affine.apply #[[KEY]](%c0)[%[[N]]]
// CHECK-NEXT:      %[[KT0:.*]] = tile.load %[[K]][%[[J0]], %c0]
// CHECK-NEXT:      %[[S0:.*]] = tile.dot %[[QT]], %[[KT0]] transpose_rhs
// CHECK-NEXT:      %[[W0:.*]], %[[M1:.*]], %[[L1:.*]], %[[C0:.*]] = tile.online_softmax %[[S0]], %[[M0]], %[[L0]]
// CHECK-NEXT:      %[[ACC1:.*]] = tile.rescale %[[ACC0]], %[[C0]]
// CHECK-NEXT:      %[[P0:.*]] = arith.truncf %[[W0]]
// The scores of iteration i, the values of iteration i - 1.
// CHECK:           %[[LOOP:.*]]:4 = scf.for %[[I:.*]] = %{{.*}} to %[[N]] step %{{.*}} iter_args(%[[M:.*]] = %[[M1]], %[[L:.*]] = %[[L1]], %[[ACC:.*]] = %[[ACC1]], %[[P:.*]] = %[[P0]])
// CHECK-NEXT:        %[[J:.*]] = affine.apply #[[KEY]](%[[I]])[%[[N]]]
// CHECK-NEXT:        %[[KT:.*]] = tile.load %[[K]][%[[J]], %c0]
// CHECK-NEXT:        %[[S:.*]] = tile.dot %[[QT]], %[[KT]] transpose_rhs
// CHECK-NEXT:        %[[I1:.*]] = affine.apply #[[PREVIOUS]](%[[I]])
// CHECK-NEXT:        %[[J1:.*]] = affine.apply #[[KEY]](%[[I1]])[%[[N]]]
// CHECK-NEXT:        %[[VT:.*]] = tile.load %[[V]][%[[J1]], %c0]
// CHECK-NEXT:        %[[SUM:.*]] = tile.dot %[[P]], %[[VT]] acc(%[[ACC]])
// CHECK-NEXT:        %[[W:.*]], %[[M2:.*]], %[[L2:.*]], %[[C:.*]] = tile.online_softmax %[[S]], %[[M]], %[[L]]
// CHECK-NEXT:        %[[ACC2:.*]] = tile.rescale %[[SUM]], %[[C]]
// CHECK-NEXT:        %[[P1:.*]] = arith.truncf %[[W]]
// CHECK-NEXT:        scf.yield %[[M2]], %[[L2]], %[[ACC2]], %[[P1]]
// CHECK-NEXT:      }
// The second half of the last iteration.
// CHECK-NEXT:      %[[LASTI:.*]] = affine.apply #[[LAST]]()[%[[N]]]
// CHECK-NEXT:      %[[LASTJ:.*]] = affine.apply #[[KEY]](%[[LASTI]])[%[[N]]]
// CHECK-NEXT:      %[[LASTV:.*]] = tile.load %[[V]][%[[LASTJ]], %c0]
// CHECK-NEXT:      %[[OUT:.*]] = tile.dot %[[LOOP]]#3, %[[LASTV]] acc(%[[LOOP]]#2)
// CHECK-NEXT:      scf.yield %[[LOOP]]#0, %[[LOOP]]#1, %[[OUT]]
// CHECK-NEXT:    } else {
// CHECK-NEXT:      scf.yield %[[M0]], %[[L0]], %[[ACC0]]
// CHECK-NEXT:    }
// CHECK-NEXT:    tile.store %[[R]]#2
tile.kernel @rotated(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x8xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %vt = tile.load %v[%j, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// Values that are the keys are loaded in both halves: front, twice, back.
// CHECK-LABEL: tile.kernel @shared_load(
// CHECK:         scf.if
// CHECK:           %[[FIRST:.*]] = tile.load
// CHECK-NEXT:      tile.dot %{{.*}}, %[[FIRST]] transpose_rhs
// CHECK:           scf.for
// CHECK:             %[[KEYS:.*]] = tile.load
// CHECK-NEXT:        tile.dot %{{.*}}, %[[KEYS]] transpose_rhs
// CHECK:             %[[VALUES:.*]] = tile.load
// CHECK-NEXT:        tile.dot %{{.*}}, %[[VALUES]] acc
// CHECK:           %[[LAST:.*]] = tile.load
// CHECK-NEXT:      tile.dot %{{.*}}, %[[LAST]] acc
// CHECK-NOT:       tile.load
// CHECK:         tile.return
tile.kernel @shared_load(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x16xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x16xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x16xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x16xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %acc2 = tile.dot %p, %kt acc(%acc1) : vector<16x32xf16>, vector<32x16xf16> -> vector<16x16xf32>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x16xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x16xf32>, !tile.view<?x16xf32>
  }
  tile.return
}

// The schedule does not ask for it.
// CHECK-LABEL: tile.kernel @not_scheduled(
// CHECK-NOT:     scf.if
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
// CHECK-NOT:     scf.if
// CHECK:         tile.return
tile.kernel @not_scheduled(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32, hoist_score_dot = false>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x8xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %vt = tile.load %v[%j, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// The iterations are not numbered by one.
// CHECK-LABEL: tile.kernel @other_step(
// CHECK-NOT:     scf.if
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
// CHECK-NOT:     scf.if
// CHECK:         tile.return
tile.kernel @other_step(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %n iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x8xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %vt = tile.load %v[%j, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// The accumulator is not rescaled.
// CHECK-LABEL: tile.kernel @no_rescale(
// CHECK-NOT:     scf.if
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
// CHECK-NOT:     scf.if
// CHECK:         tile.return
tile.kernel @no_rescale(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %vt = tile.load %v[%j, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// The accumulator of the iteration before is read elsewhere.
// CHECK-LABEL: tile.kernel @acc_used(
// CHECK-NOT:     scf.if
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
// CHECK-NOT:     scf.if
// CHECK:         tile.return
tile.kernel @acc_used(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x8xf32>, vector<16xf32>
      %acc3 = arith.addf %acc1, %acc : vector<16x8xf32>
      %big = arith.truncf %acc3 : vector<16x8xf32> to vector<16x8xf16>
      %vv = tile.dot %kt, %big : vector<32x16xf16>, vector<16x8xf16> -> vector<32x8xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %vt = tile.load %v[%j, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// The product with the values is read elsewhere.
// CHECK-LABEL: tile.kernel @product_used(
// CHECK-NOT:     scf.if
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
// CHECK-NOT:     scf.if
// CHECK:         tile.return
tile.kernel @product_used(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x8xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %vt = tile.load %v[%j, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      %half = arith.truncf %acc2 : vector<16x8xf32> to vector<16x8xf16>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// The values come from the other product.
// CHECK-LABEL: tile.kernel @values_computed(
// CHECK-NOT:     scf.if
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
// CHECK-NOT:     scf.if
// CHECK:         tile.return
tile.kernel @values_computed(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x8xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %vt = arith.constant dense<1.0> : vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// The place of the values takes several ops, all of which are repeated.
// CHECK-LABEL: tile.kernel @deep_index(
// CHECK:         scf.for %[[I:.*]] = %{{.*}} iter_args(%{{.*}}, %{{.*}}, %{{.*}}, %[[P:.*]] = %{{.*}})
// CHECK:           %[[I1:.*]] = affine.apply #[[PREVIOUS]](%[[I]])
// CHECK-NEXT:      %[[J:.*]] = affine.apply #[[KEY]](%[[I1]])
// CHECK-NEXT:      %[[J1:.*]] = arith.addi %[[J]], %c1 : index
// CHECK-NEXT:      %[[VT:.*]] = tile.load %{{.*}}[%[[J1]], %c0]
// CHECK-NEXT:      tile.dot %[[P]], %[[VT]] acc
// CHECK:         }
// CHECK:         arith.addi %{{.*}}, %c1 : index
// CHECK-NEXT:    tile.load
// CHECK-NEXT:    tile.dot
tile.kernel @deep_index(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x8xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %j1 = arith.addi %j, %c1 : index
      %vt = tile.load %v[%j1, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// The place of the values is handed from one iteration to the next.
// CHECK-LABEL: tile.kernel @carried_index(
// CHECK-NOT:     scf.if
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>, index) {
// CHECK-NOT:     scf.if
// CHECK:         tile.return
tile.kernel @carried_index(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:4 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0, %at = %c0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>, index) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x8xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %next = arith.addi %at, %c1 : index
      %vt = tile.load %v[%at, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      scf.yield %m1, %l1, %acc2, %next : vector<16xf32>, vector<16xf32>, vector<16x8xf32>, index
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// The loop stores, perhaps what the next iteration loads.
// CHECK-LABEL: tile.kernel @stores(
// CHECK-NOT:     scf.if
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
// CHECK-NOT:     scf.if
// CHECK:         tile.return
tile.kernel @stores(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %kt = tile.load %k[%j, %c0] axes [0, 1] : !q -> vector<32x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<16x16xf16>, vector<32x16xf16> -> vector<16x32xf32>
      %w, %m1, %l1, %c = tile.online_softmax %s, %m, %l scale(1.0) : vector<16x32xf32>, vector<16xf32>
      %acc1 = tile.rescale %acc, %c : vector<16x8xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %vt = tile.load %v[%j, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      tile.store %acc0, %o[%j, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
      scf.yield %m1, %l1, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}

// There is nothing to hoist.
// CHECK-LABEL: tile.kernel @no_scores(
// CHECK-NOT:     scf.if
tile.kernel @no_scores(%q: !q {tile.symbols = array<i64: 0, -1>}, %k: !q {tile.symbols = array<i64: 1, -1>},
    %v: !v {tile.symbols = array<i64: 1, -1>}, %o: !tile.view<?x8xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<16xf32>
  %l0 = arith.constant dense<0.0> : vector<16xf32>
  %acc0 = arith.constant dense<0.0> : vector<16x8xf32>
  %n = tile.dim %k[0] : !q
  scf.forall (%t) in (%n) {
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !q -> vector<16x16xf16>
    %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0, %acc = %acc0) -> (vector<16xf32>, vector<16xf32>, vector<16x8xf32>) {
      %j = affine.apply affine_map<(d0)[s0] -> (d0 * -32 + s0)>(%i)[%n]
      %w = arith.constant dense<1.0> : vector<16x32xf32>
      %acc1 = tile.rescale %acc, %m : vector<16x8xf32>, vector<16xf32>
      %p = arith.truncf %w : vector<16x32xf32> to vector<16x32xf16>
      %vt = tile.load %v[%j, %c0] axes [0, 1] : !v -> vector<32x8xf16>
      %acc2 = tile.dot %p, %vt acc(%acc1) : vector<16x32xf16>, vector<32x8xf16> -> vector<16x8xf32>
      scf.yield %m, %l, %acc2 : vector<16xf32>, vector<16xf32>, vector<16x8xf32>
    }
    tile.store %r#2, %o[%t, %c0] axes [0, 1] : vector<16x8xf32>, !tile.view<?x8xf32>
  }
  tile.return
}
