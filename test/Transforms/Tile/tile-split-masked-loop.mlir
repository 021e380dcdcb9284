// RUN: attn-opt %s -tile-split-masked-loop | FileCheck %s

!x = !tile.view<?x16xf16>

// Iteration i starts at key first - 16 i. Of 8 queries, the first sees the fewest
// keys: a block that ends at it is whole.
// CHECK-DAG:   #[[KEY:.*]] = affine_map<(d0)[s0] -> (d0 * -16 + s0)>
// CHECK-DAG:   #[[CLEANBEGIN:.*]] = affine_map<(d0, d1) -> ((d0 - d1 + 15) ceildiv 16)>
// With a window, the last one sees the fewest on the left.
// CHECK-DAG:   #[[LEFT:.*]] = affine_map<(d0) -> (0, d0 - 33)>
// CHECK-DAG:   #[[CLEANEND:.*]] = affine_map<(d0, d1) -> ((d0 - d1) floordiv 16 + 1)>

// CHECK-LABEL: tile.kernel @causal(
// CHECK:         scf.forall (%[[P:[a-z0-9_]+]], %[[FIRST:[a-z0-9_]+]], %[[COUNT:[a-z0-9_]+]]) in
// CHECK:           %[[NEEDED:.*]] = affine.apply #[[CLEANBEGIN]](%[[FIRST]], %[[P]])
// CHECK:           %[[ATLEAST:.*]] = arith.maxsi %[[NEEDED]], %c0 : index
// CHECK:           %[[BEGIN:.*]] = arith.minsi %[[ATLEAST]], %[[COUNT]] : index
// CHECK:           %[[R:.*]]:2 = scf.for %[[I:.*]] = %c0 to %[[BEGIN]] step %c1 iter_args(%{{.*}} = %cst, %{{.*}} = %cst_0)
// CHECK-NEXT:        %[[J:.*]] = affine.apply #[[KEY]](%[[I]])[%[[FIRST]]]
// CHECK:             %[[X:.*]] = tile.mask %{{.*}} query(%[[P]]) key(%[[J]])
// CHECK:             tile.online_softmax %[[X]], {{.*}} may_be_empty
// CHECK:           %[[R2:.*]]:2 = scf.for %[[I:.*]] = %[[BEGIN]] to %[[COUNT]] step %c1 iter_args(%{{.*}} = %[[R]]#0, %{{.*}} = %[[R]]#1)
// CHECK-NEXT:        affine.apply #[[KEY]](%[[I]])[%[[FIRST]]]
// CHECK-NEXT:        tile.load
// CHECK-NEXT:        %[[S:.*]] = tile.dot
// CHECK-NEXT:        tile.online_softmax %[[S]], %{{.*}}, %{{.*}} scale(1.000000e+00) : vector
// CHECK-NOT:       scf.for
// CHECK:           tile.store %[[R2]]#1
tile.kernel @causal(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// CHECK-LABEL: tile.kernel @window(
// CHECK:         scf.forall (%[[P:[a-z0-9_]+]], %[[FIRST:[a-z0-9_]+]], %[[COUNT:[a-z0-9_]+]]) in
// CHECK:           %[[LOW:.*]] = affine.max #[[LEFT]](%[[P]])
// CHECK:           affine.apply #[[CLEANBEGIN]](%[[FIRST]], %[[P]])
// CHECK:           %[[BEGIN:.*]] = arith.minsi
// CHECK:           %[[NEEDED:.*]] = affine.apply #[[CLEANEND]](%[[FIRST]], %[[LOW]])
// CHECK:           %[[ATLEAST:.*]] = arith.maxsi %[[NEEDED]], %[[BEGIN]] : index
// CHECK:           %[[END:.*]] = arith.minsi %[[ATLEAST]], %[[COUNT]] : index
// CHECK:           %[[R1:.*]]:2 = scf.for %{{.*}} = %c0 to %[[BEGIN]]
// CHECK:             tile.mask
// CHECK:             tile.online_softmax {{.*}} may_be_empty
// CHECK:           %[[R2:.*]]:2 = scf.for %{{.*}} = %[[BEGIN]] to %[[END]] {{.*}}%[[R1]]#0, {{.*}}%[[R1]]#1
// CHECK-NOT:         tile.mask
// CHECK:             tile.online_softmax
// CHECK-NOT:         may_be_empty
// CHECK:           %[[R3:.*]]:2 = scf.for %{{.*}} = %[[END]] to %[[COUNT]] {{.*}}%[[R2]]#0, {{.*}}%[[R2]]#1
// CHECK:             tile.mask
// CHECK:             tile.online_softmax {{.*}} may_be_empty
// CHECK:           tile.store %[[R3]]#1
tile.kernel @window(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %c40 = arith.constant 40 : index
        %least = arith.subi %p, %c40 : index
        %after = arith.cmpi sge, %j, %least : index
        %before = arith.cmpi sle, %j, %p : index
        %keep = arith.andi %after, %before : i1
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// Only the first block, which is not in the loop, reaches over the end.
// CHECK-LABEL: tile.kernel @end_of_keys(
// CHECK:         scf.for %{{.*}} = %c1 to
// CHECK-NOT:       tile.mask
// CHECK-NOT:       may_be_empty
// CHECK-NOT:     scf.for
// CHECK:         tile.return
tile.kernel @end_of_keys(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c1 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + (s0 ceildiv 16) * 16 - 16)>(%i)[%n]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi slt, %j, %n : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// Scores that are changed behind the mask could be -inf for other reasons.
// CHECK-LABEL: tile.kernel @changed_scores(
// CHECK:         scf.for
// CHECK:           tile.mask
// CHECK:         scf.for
// CHECK-NOT:       tile.mask
// CHECK:           tile.online_softmax {{.*}} may_be_empty
tile.kernel @changed_scores(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %y = arith.addf %x, %x : vector<8x16xf32>
      %w, %m1, %l1, %c = tile.online_softmax %y, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// The schedule does not ask for it.
// CHECK-LABEL: tile.kernel @not_scheduled(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @not_scheduled(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16, split_masked_loop = false>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// The analysis does not read the mask.
// CHECK-LABEL: tile.kernel @unread(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @unread(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %c4 = arith.constant 4 : index
        %a = arith.remsi %j, %c4 : index
        %b = arith.remsi %p, %c4 : index
        %keep = arith.cmpi eq, %a, %b : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// The mask has no bound on the right.
// CHECK-LABEL: tile.kernel @no_end(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @no_end(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sge, %j, %p : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// A bound is computed in the loop.
// CHECK-LABEL: tile.kernel @changing_bound(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @changing_bound(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %end = arith.addi %i, %n : index
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi slt, %j, %end : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// The queries change.
// CHECK-LABEL: tile.kernel @changing_query(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @changing_query(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%i) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// The iterations are not numbered by one.
// CHECK-LABEL: tile.kernel @other_step(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @other_step(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %n iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// The walk goes to the right.
// CHECK-LABEL: tile.kernel @to_the_right(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @to_the_right(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * 16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// The walk overlaps.
// CHECK-LABEL: tile.kernel @overlapping(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @overlapping(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -8 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// The keys are not where the iteration says.
// CHECK-LABEL: tile.kernel @other_keys(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @other_keys(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = arith.subi %n, %i : index
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// A part of the place of the keys is computed in the loop.
// CHECK-LABEL: tile.kernel @moving_keys(
// CHECK-COUNT-1: scf.for %
// CHECK:           tile.mask
// CHECK-NOT:     scf.for %
// CHECK:         tile.return
tile.kernel @moving_keys(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %start = arith.addi %n, %i : index
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%start]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// Two masks.
// CHECK-LABEL: tile.kernel @two_masks(
// CHECK-COUNT-2: tile.mask
// CHECK-NOT:     tile.mask
// CHECK:         tile.return
tile.kernel @two_masks(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %count) in (%n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi sle, %j, %p : index
        tile.yield %keep : i1
      }
      %y = tile.mask %x query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %keep = arith.cmpi slt, %j, %n : index
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %y, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// Two runs and two intervals: the longest run of clean blocks, which is known when the
// kernel runs, gets the loop without a mask. Three keys never fill a block.
// CHECK-LABEL: tile.kernel @runs(
// CHECK:         %[[LONGER:.*]] = arith.cmpi sge, %{{.*}}, %{{.*}} : index
// CHECK:         arith.select %[[LONGER]], %{{.*}}, %{{.*}} : index
// CHECK:         arith.select %[[LONGER]], %{{.*}}, %{{.*}} : index
// CHECK:         %[[LOW:.*]] = arith.maxsi %{{.*}}, %c0
// CHECK:         %[[BEGIN:.*]] = arith.minsi %[[LOW]], %[[COUNT:.*]] : index
// CHECK:         %[[HIGH:.*]] = arith.maxsi %{{.*}}, %[[BEGIN]]
// CHECK:         %[[END:.*]] = arith.minsi %[[HIGH]], %[[COUNT]] : index
// CHECK:         scf.for %[[I:.*]] = %c0 to %[[BEGIN]] step
// CHECK:           tile.walk %[[I]] from
// CHECK:           tile.mask
// CHECK:         scf.for %{{.*}} = %[[BEGIN]] to %[[END]] step
// CHECK-NOT:       tile.mask
// CHECK:           tile.online_softmax %{{.*}} scale(1.000000e+00) :
// CHECK:         scf.for %{{.*}} = %[[END]] to %[[COUNT]] step
// CHECK:           tile.mask
// CHECK:         tile.return
tile.kernel @runs(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c40 = arith.constant 40 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%p0, %first, %second, %count) in (%n, %n, %n, %n) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = tile.walk %i from(%first, %second) at(%first) step(16)
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %few = arith.cmpi slt, %j, %c3 : index
        %least = arith.subi %p, %c40 : index
        %after = arith.cmpi sge, %j, %least : index
        %before = arith.cmpi sle, %j, %p : index
        %near = arith.andi %after, %before : i1
        %keep = arith.ori %few, %near : i1
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// A condition of which it is known where it holds for all queries: the clean blocks are
// those that end before all bounds do, and begin behind it.
// CHECK-LABEL: tile.kernel @bounded(
// CHECK:         scf.forall (%[[FIRST:[a-z0-9_]+]], %[[B:[a-z0-9_]+]], %[[E:[a-z0-9_]+]], %[[CB:[a-z0-9_]+]], %[[CE:[a-z0-9_]+]]) in
// CHECK-DAG:       %[[LAST:.*]] = affine.min #{{.*}}(%[[CE]])[%{{.*}}]
// CHECK-DAG:       %[[LEFTMOST:.*]] = affine.max #{{.*}}(%[[CB]])
// CHECK:           scf.for
// CHECK:             tile.mask
// CHECK:               tile.bounded %{{.*}} within(%[[B]] to %[[E]]) clean(%[[CB]] to %[[CE]])
// CHECK:           scf.for
// CHECK-NOT:         tile.mask
// CHECK:           scf.for
// CHECK:             tile.mask
// CHECK:               tile.bounded
// CHECK:           tile.store
tile.kernel @bounded(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %ids: !tile.view<?xi32> {tile.symbols = array<i64: 2>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %n = tile.dim %k[0] : !x
  scf.forall (%first, %begin, %end, %clean_begin, %clean_end) in (%n, %n, %n, %n, %n) {
    %qt = tile.load %q[%first, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%first) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %inside = arith.cmpi slt, %j, %n : index
        %own = tile.read %ids[%p] : !tile.view<?xi32>
        %other = tile.read %ids[%j] : !tile.view<?xi32>
        %same = arith.cmpi eq, %own, %other : i32
        %known = tile.bounded %same within(%begin to %end) clean(%clean_begin to %clean_end)
        %keep = arith.andi %inside, %known : i1
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%first] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}

// Two intervals with one begin: what either holds for all queries is clean, and behind
// it nothing is masked.
// CHECK-LABEL: tile.kernel @prefix(
// CHECK:         scf.forall (%[[P:[a-z0-9_]+]], %[[N:[a-z0-9_]+]], %[[FIRST:[a-z0-9_]+]], %[[COUNT:[a-z0-9_]+]]) in
// CHECK:           %[[ENDS:.*]] = arith.maxsi
// CHECK:           affine.apply #{{.*}}(%[[FIRST]], %[[ENDS]])
// CHECK:           scf.for
// CHECK:             tile.mask
// CHECK:           scf.for %{{.*}} = %{{.*}} to %[[COUNT]]
// CHECK-NOT:         tile.mask
// CHECK-NOT:       scf.for
// CHECK:           tile.store
tile.kernel @prefix(%q: !x {tile.symbols = array<i64: 0, -1>}, %k: !x {tile.symbols = array<i64: 1, -1>},
    %o: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 8, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m0 = arith.constant dense<0xFF800000> : vector<8xf32>
  %l0 = arith.constant dense<0.0> : vector<8xf32>
  %length = tile.dim %k[0] : !x
  scf.forall (%p0, %n, %first, %count) in (%length, %length, %length, %length) {
    %qt = tile.load %q[%p0, %c0] axes [0, 1] : !x -> vector<8x16xf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<8xf32>, vector<8xf32>) {
      %j0 = affine.apply affine_map<(d0)[s0] -> (d0 * -16 + s0)>(%i)[%first]
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<16x16xf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<8x16xf16>, vector<16x16xf16> -> vector<8x16xf32>
      %x = tile.mask %s query(%p0) key(%j0) : vector<8x16xf32> {
      ^bb0(%p: index, %j: index):
        %causal = arith.cmpi sle, %j, %p : index
        %early = arith.cmpi slt, %j, %n : index
        %keep = arith.ori %causal, %early : i1
        tile.yield %keep : i1
      }
      %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(1.0) may_be_empty : vector<8x16xf32>, vector<8xf32>
      scf.yield %m1, %l1 : vector<8xf32>, vector<8xf32>
    }
    tile.store %r#1, %o[%p0] axes [0] : vector<8xf32>, !tile.view<?xf32>
  }
  tile.return
}
