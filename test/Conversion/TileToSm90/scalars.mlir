// What both roles compute: elements that are read, and where the blocks of a walk
// are. A sink and a modifier are the consumer's.
// RUN: attn-opt %s -convert-tile-to-sm90 -canonicalize -cse | FileCheck %s

// CHECK-LABEL: sm90.kernel @scalars(
// CHECK-SAME:    %[[N:n]]: !llvm.ptr<1> {sm90.tensor = 2 : i64}
// CHECK-SAME:    %[[SIZE:n_size0]]: index {sm90.axis = 0 : i64, sm90.tensor = 2 : i64}
// CHECK-SAME:    #sm90.tensor<"n", tensor<?xi32>, [2]>
// CHECK:         producer {
// CHECK:           scf.for %[[T:.*]] = %{{.*}} to %[[LENGTH:.*]] step
// CHECK:             %[[READ:.*]] = sm90.read %[[N]][%[[T]]] of[%[[SIZE]]] : !llvm.ptr<1> -> i32
// CHECK-NEXT:        %[[COUNT:.*]] = arith.index_cast %[[READ]] : i32 to index
// CHECK:             scf.for %[[I:.*]] = %{{.*}} to %[[COUNT]]
// CHECK-NEXT:          %[[BEHIND:.*]] = arith.muli %[[T]], %c128
// CHECK-NEXT:          %[[SECOND:.*]] = arith.addi %[[COUNT]], %[[BEHIND]]
// CHECK-NEXT:          %[[BEGUN:.*]] = arith.cmpi sge, %[[I]], %[[T]]
// CHECK-NEXT:          %[[ORIGIN:.*]] = arith.select %[[BEGUN]], %[[SECOND]], %[[LENGTH]]
// CHECK-NEXT:          %[[DISTANCE:.*]] = arith.muli %[[I]], %c128
// CHECK-NEXT:          %[[KEY:.*]] = arith.subi %[[ORIGIN]], %[[DISTANCE]]
// CHECK:               sm90.tma_load_async %{{.*}}[%[[KEY]], %c0]
// CHECK:         consumer {
// CHECK:           %[[ROW:.*]] = arith.muli
// CHECK:           scf.for %[[T:.*]] = %{{.*}} to
// CHECK:             %[[READ:.*]] = sm90.read %[[N]][%[[T]]]
// CHECK:             %[[REAL:.*]] = arith.sitofp %[[READ]] : i32 to f32
// CHECK:             scf.for
// CHECK:               %[[FIRST:.*]] = arith.addi %[[T]], %[[ROW]]
// CHECK:               %[[MODIFIED:.*]] = sm90.score %{{.*}} query(%[[FIRST]]) key(%{{.*}}) :
// CHECK-NEXT:          ^bb0(%[[X:.*]]: f32, %{{.*}}: index, %[[J:.*]]: index):
// CHECK-NEXT:            %[[OWN:.*]] = sm90.read %[[N]][%[[J]]] of[%[[SIZE]]] : !llvm.ptr<1> -> i32
// CHECK:               sm90.reduce_columns <max> %[[MODIFIED]]
// CHECK:             %[[SUM:.*]] = sm90.combine_quad <sum>
// CHECK:             %[[SPLAT:.*]] = sm90.splat %[[REAL]] : tensor<64xf32>
// CHECK-NEXT:        %[[SCALED:.*]] = arith.mulf %[[SPLAT]]
// CHECK:             %[[BELOW:.*]] = arith.subf %[[SCALED]]
// CHECK-NEXT:        %[[WEIGHT:.*]] = math.exp2 %[[BELOW]]
// CHECK-NEXT:        %[[TOTAL:.*]] = arith.addf %[[SUM]], %[[WEIGHT]]
// CHECK:             arith.divf %{{.*}}, %[[TOTAL]]
// The sink is no part of lse.
// CHECK:             math.log2 %[[SUM]]
!x = !tile.view<?x128xbf16>
tile.kernel @scalars(%q: !x {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !x {tile.name = "k", tile.symbols = array<i64: 1, -1>},
    %n: !tile.view<?xi32> {tile.name = "n", tile.symbols = array<i64: 2>}, %lse: !tile.view<?xf32> {tile.name = "lse", tile.symbols = array<i64: 0>, tile.output},
    %out: !x {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 128, target = #sm90.schedule<consumer_warpgroups = 1>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %size = tile.dim %q[0] : !x
  scf.forall (%t) in (%size) {
    %read = tile.read %n[%t] : !tile.view<?xi32>
    %count = arith.index_cast %read : i32 to index
    %real = arith.sitofp %read : i32 to f32
    %m0 = arith.constant dense<0xFF800000> : vector<64xf32>
    %l0 = arith.constant dense<0.0> : vector<64xf32>
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !x -> vector<64x128xbf16>
    %r:2 = scf.for %i = %c0 to %count step %c1 iter_args(%m = %m0, %l = %l0) -> (vector<64xf32>, vector<64xf32>) {
      %j0 = tile.walk %i from(%size, %count) at(%t) step(128)
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<128x128xbf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<64x128xbf16>, vector<128x128xbf16> -> vector<64x128xf32>
      %y = tile.score %s query(%t) key(%j0) : vector<64x128xf32> {
      ^bb0(%x: f32, %p: index, %j: index):
        %e = tile.read %n[%j] : !tile.view<?xi32>
        %f = arith.sitofp %e : i32 to f32
        %z = arith.addf %x, %f : f32
        tile.yield %z : f32
      }
      %w, %m1, %l1, %c = tile.online_softmax %y, %m, %l scale(1.0) may_be_empty : vector<64x128xf32>, vector<64xf32>
      scf.yield %m1, %l1 : vector<64xf32>, vector<64xf32>
    }
    %acc = arith.constant dense<1.0> : vector<64x128xf32>
    %o, %rows = tile.finish_softmax %acc, %r#0, %r#1 sink(%real) scale(1.0) : vector<64x128xf32>, vector<64xf32>
    %narrow = arith.truncf %o : vector<64x128xf32> to vector<64x128xbf16>
    tile.store %narrow, %out[%t, %c0] axes [0, 1] : vector<64x128xbf16>, !x
    tile.store %rows, %lse[%t] axes [0] : vector<64xf32>, !tile.view<?xf32>
  }
  tile.return
}

// Sizes may be asked for in an instance, and a whole tile is known to the consumer.
// CHECK-LABEL: sm90.kernel @whole(
// CHECK-SAME:    %[[SIZE:q_size0]]: index
// CHECK-SAME:    #sm90.tensor<"k", tensor<?x128xbf16>, [1, -1] least[0, 0, 0, 128]>
// CHECK:         producer {
// CHECK:           sm90.tma_load_async %{{.*}}[%[[SIZE]], %c0]
// CHECK:         consumer {
// CHECK:           %[[WHOLE:.*]] = arith.cmpi sle, %{{.*}}, %[[SIZE]] : index
// CHECK:           sm90.mask %{{.*}} query(%{{.*}}) key(%[[SIZE]]) whole(%[[WHOLE]]) :
tile.kernel @whole(%q: !x {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !x {tile.name = "k", tile.symbols = array<i64: 1, -1>, tile.least = array<i64: 0, 0, 0, 128>},
    %out: !x {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 128, target = #sm90.schedule<consumer_warpgroups = 1>>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !x
  scf.forall (%t) in (%n) {
    %size = tile.dim %q[0] : !x
    %whole = arith.cmpi sle, %t, %size : index
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !x -> vector<64x128xbf16>
    %kt = tile.load %k[%size, %c0] axes [0, 1] : !x -> vector<128x128xbf16>
    %s = tile.dot %qt, %kt transpose_rhs : vector<64x128xbf16>, vector<128x128xbf16> -> vector<64x128xf32>
    %m = tile.mask %s query(%t) key(%size) whole(%whole) : vector<64x128xf32> {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi sle, %j, %p : index
      tile.yield %keep : i1
    }
    %narrow = arith.truncf %m : vector<64x128xf32> to vector<64x128xbf16>
    tile.store %narrow, %out[%t, %c0] axes [0, 1] : vector<64x128xbf16>, !x
  }
  tile.return
}
