// A tile that a modifier reads is copied by the producer, through stages of its own, of
// no use to other blocks. The consumers give the stage back behind the scores.
// RUN: attn-opt %s -convert-tile-to-sm90 -canonicalize -cse | FileCheck %s

// CHECK-LABEL: sm90.kernel @tiles(
// CHECK-SAME:    %[[MAP:bias]]: !sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 2 : i64}
// CHECK:         %[[BUFFER:.*]] = sm90.alloc : <3 x 64x128xbf16>
// CHECK-NEXT:    %[[FULL:.*]] = sm90.mbarrier.init arrivals(1) : <3>
// CHECK-NEXT:    %[[EMPTY:.*]] = sm90.mbarrier.init arrivals(4) : <3>
// CHECK:         producer {
// CHECK:           scf.for
// CHECK:             scf.for %[[I:[a-z0-9]+]] = %{{.*}} to
// CHECK:             sm90.tma_load_async %{{.*}} keep
// CHECK:             %[[STAGE:.*]] = sm90.stage.await_empty %[[BUFFER]], %[[EMPTY]][%[[COUNT:.*]]] :
// CHECK:             sm90.tma_load_async %[[MAP]][%{{.*}}, %[[I]]] into %[[STAGE]], %[[FULL]][%[[COUNT]]] :
// CHECK:         consumer {
// CHECK:           %[[ROW:.*]] = arith.muli
// CHECK:             %[[TILE:.*]] = sm90.stage.await_full %[[BUFFER]], %[[FULL]][%[[COUNT:.*]]] :
// CHECK:             %[[SCORES:.*]], %{{.*}} = sm90.wgmma.wait
// CHECK:             sm90.score %[[SCORES]] query(%{{.*}}) key(%{{.*}}) row(%[[ROW]]) tiles(%[[TILE]] : !sm90.stage<64x128xbf16>)
// CHECK-NEXT:        ^bb0(%[[X:.*]]: f32, %{{.*}}: index, %{{.*}}: index, %[[E:.*]]: bf16):
// CHECK:             }
// CHECK-NEXT:        sm90.stage.release %[[TILE]], %[[EMPTY]][%[[COUNT]]] :
!x = !tile.view<?x128xbf16>
tile.kernel @tiles(%q: !x {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !x {tile.name = "k", tile.symbols = array<i64: 1, -1>},
    %bias: !tile.view<?x?xbf16> {tile.name = "bias", tile.symbols = array<i64: 0, 1>}, %lse: !tile.view<?xf32> {tile.name = "lse", tile.symbols = array<i64: 0>, tile.output},
    %out: !x {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 128, target = #sm90.schedule<consumer_warpgroups = 1, read_stages = 3>>) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %size = tile.dim %q[0] : !x
  %count = tile.dim %k[0] : !x
  scf.forall (%t) in (%size) {
    %m0 = arith.constant dense<0xFF800000> : vector<64xf32>
    %l0 = arith.constant dense<0.0> : vector<64xf32>
    %qt = tile.load %q[%t, %c0] axes [0, 1] : !x -> vector<64x128xbf16>
    %r:2 = scf.for %j0 = %c0 to %count step %c128 iter_args(%m = %m0, %l = %l0) -> (vector<64xf32>, vector<64xf32>) {
      %kt = tile.load %k[%j0, %c0] axes [0, 1] : !x -> vector<128x128xbf16>
      %s = tile.dot %qt, %kt transpose_rhs : vector<64x128xbf16>, vector<128x128xbf16> -> vector<64x128xf32>
      %bt = tile.load %bias[%t, %j0] axes [0, 1] : !tile.view<?x?xbf16> -> vector<64x128xbf16>
      %y = tile.score %s query(%t) key(%j0) tiles(%bt : vector<64x128xbf16>) : vector<64x128xf32> {
      ^bb0(%x: f32, %p: index, %j: index, %e: bf16):
        %wide = arith.extf %e : bf16 to f32
        %sum = arith.addf %x, %wide : f32
        tile.yield %sum : f32
      }
      %w, %m1, %l1, %c = tile.online_softmax %y, %m, %l scale(1.0) : vector<64x128xf32>, vector<64xf32>
      scf.yield %m1, %l1 : vector<64xf32>, vector<64xf32>
    }
    tile.store %r#0, %lse[%t] axes [0] : vector<64xf32>, !tile.view<?xf32>
    %zero = arith.constant dense<0.0> : vector<64x128xbf16>
    tile.store %zero, %out[%t, %c0] axes [0, 1] : vector<64x128xbf16>, !x
  }
  tile.return
}
