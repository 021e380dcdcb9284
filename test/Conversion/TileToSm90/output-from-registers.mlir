// RUN: attn-opt %s -convert-tile-to-sm90 -canonicalize -cse -split-input-file | FileCheck %s

// Threads store the output through an aligned pointer: there is no buffer for it and
// no copy. The queries in shared memory are loaded in the branch that has their
// products, behind the first keys, and given back behind the last product, in front of
// what follows.

// CHECK-LABEL: sm90.kernel @attention(
// CHECK-SAME: %[[Q:[a-z0-9_]+]]: !sm90.tensor_map
// CHECK-SAME: %[[K:[a-z0-9_]+]]: !sm90.tensor_map
// CHECK-SAME: %[[O:[a-z0-9_]+]]: !llvm.ptr<1> {sm90.alignment = 16 : i64, sm90.tensor = 2 : i64},
// CHECK-SAME: %[[HEAD:[a-z0-9_]+]]: i64 {sm90.axis = 0 : i64, sm90.tensor = 2 : i64},
// CHECK-SAME: %[[STRIDE:[a-z0-9_]+]]: i64 {sm90.axis = 1 : i64, sm90.tensor = 2 : i64},
// CHECK-SAME: %[[N:[a-z0-9_]+]]: index {sm90.axis = 1 : i64, sm90.tensor = 0 : i64},
// CHECK:      %[[Q_BUFFER:.*]] = sm90.alloc : <1 x 128x192xbf16>
// CHECK:      %[[K_BUFFER:.*]] = sm90.alloc : <2 x 64x192xbf16>
// CHECK-NOT:  sm90.alloc
// CHECK:      producer {
// CHECK-NOT:    sm90.tma_load_async
// CHECK:        scf.if
// CHECK:          sm90.tma_load_async %[[K]]
// CHECK:          sm90.tma_load_async %[[Q]]
// CHECK:          scf.for
// CHECK:            sm90.tma_load_async %[[K]]
// CHECK:      } consumer {
// CHECK:        %[[OWN:.*]] = arith.muli
// CHECK-NOT:    sm90.stage.await_full
// CHECK:        scf.if
// CHECK:          %[[KEYS:.*]] = sm90.stage.await_full %[[K_BUFFER]]
// CHECK:          %[[STAGE:.*]] = sm90.stage.await_full %[[Q_BUFFER]]
// CHECK:          sm90.wgmma_async %[[STAGE]] row(%[[OWN]]), %[[KEYS]] transpose_rhs
// CHECK:          scf.for
// CHECK:            sm90.wgmma_async %[[STAGE]]
// CHECK-NOT:        sm90.stage.release %[[STAGE]]
// CHECK:            scf.yield
// CHECK-NEXT:     }
// CHECK-NEXT:     sm90.stage.release %[[STAGE]]
// CHECK-NEXT:     arith.negf
// CHECK:        %[[ROW:.*]] = arith.addi %{{.*}}, %[[OWN]] : index
// CHECK-NEXT:   arith.index_cast %{{.*}} : index to i64
// CHECK-NEXT:   arith.muli %{{.*}}, %[[HEAD]] : i64
// CHECK-NEXT:   arith.index_cast %[[ROW]] : index to i64
// CHECK-NEXT:   arith.muli %{{.*}}, %[[STRIDE]] : i64
// CHECK-NEXT:   %[[OFFSET:.*]] = arith.addi %{{.*}}, %{{.*}} : i64
// CHECK-NEXT:   %[[LIMIT:.*]] = arith.subi %[[N]], %[[ROW]] : index
// CHECK-NEXT:   sm90.store_matrix %{{.*}}, %[[O]][%[[OFFSET]]] stride(%[[STRIDE]]) limit(%[[LIMIT]]) : tensor<64x64xbf16>, !llvm.ptr<1>
// CHECK-NOT:    sm90.tma_store
// CHECK-NOT:    sm90.stage.release
// CHECK:      sm90.return
#target = #sm90.schedule<query_in_registers = false, output_from_registers = true, persistent = false>
!t = !tile.view<?x?x192xbf16>
!x = !tile.view<?x?x64xbf16>
tile.kernel @attention(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, 1, -1>},
                       %k: !t {tile.name = "k", tile.symbols = array<i64: 0, 2, -1>},
                       %o: !x {tile.name = "o", tile.symbols = array<i64: 0, 1, -1>, tile.output})
    schedule(<block_q = 128, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %b = tile.dim %q[0] : !t
  %n = tile.dim %q[1] : !t
  %m = tile.dim %k[1] : !t
  %none = arith.constant dense<0.0> : vector<128x64xf32>
  scf.forall (%h, %i) in (%b, %n) {
    %queries = tile.load %q[%h, %i, %c0] axes [1, 2] : !t -> vector<128x192xbf16>
    %some = arith.cmpi sgt, %m, %c0 : index
    %sum = scf.if %some -> (vector<128x64xf32>) {
      %keys = tile.load %k[%h, %c0, %c0] axes [1, 2] : !t -> vector<64x192xbf16>
      %first = tile.dot %queries, %keys transpose_rhs : vector<128x192xbf16>, vector<64x192xbf16> -> vector<128x64xf32>
      %all = scf.for %j = %c64 to %m step %c64 iter_args(%acc = %first) -> (vector<128x64xf32>) {
        %more = tile.load %k[%h, %j, %c0] axes [1, 2] : !t -> vector<64x192xbf16>
        %next = tile.dot %queries, %more transpose_rhs acc(%acc) : vector<128x192xbf16>, vector<64x192xbf16> -> vector<128x64xf32>
        scf.yield %next : vector<128x64xf32>
      }
      %minus = arith.negf %all : vector<128x64xf32>
      scf.yield %minus : vector<128x64xf32>
    } else {
      scf.yield %none : vector<128x64xf32>
    }
    %small = arith.truncf %sum : vector<128x64xf32> to vector<128x64xbf16>
    tile.store %small, %o[%h, %i, %c0] axes [1, 2] : vector<128x64xbf16>, !x
  }
  tile.return
}

// -----

// A product under way still reads the queries: they are given back when it has been
// waited for. A slice begins and ends where it says.

// CHECK-LABEL: sm90.kernel @slice(
// CHECK:        %[[KEYS:.*]] = sm90.stage.await_full
// CHECK:        %[[STAGE:.*]] = sm90.stage.await_full
// CHECK:        %[[F:.*]] = sm90.wgmma_async %[[STAGE]]
// CHECK-NOT:    sm90.stage.release
// CHECK:        sm90.wgmma.wait %[[F]]
// CHECK-NEXT:   sm90.stage.release %{{.*}}, %{{.*}} : <64x64xbf16>, <1>
// CHECK-NEXT:   arith.truncf
// CHECK-NEXT:   sm90.stage.release %[[STAGE]]
// CHECK:        %[[ROW:.*]] = arith.addi %[[BEGIN:.*]], %{{.*}} : index
// CHECK:        %[[LIMIT:.*]] = arith.subi %{{.*}}, %[[ROW]] : index
// CHECK-NEXT:   sm90.store_matrix %{{.*}} limit(%[[LIMIT]])
#target = #sm90.schedule<consumer_warpgroups = 1, query_in_registers = false, output_from_registers = true, persistent = false>
!t = !tile.view<?x64xbf16>
tile.kernel @slice(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>},
                   %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                   %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i, %j) in (%n, %n) {
    %end = arith.addi %i, %j : index
    %queries = tile.load %q[%c0, %c0] slice(%i, %end) axes [0, 1] : !t -> vector<64x64xbf16>
    %keys = tile.load %k[%c0, %c0] slice(%i, %end) axes [0, 1] : !t -> vector<64x64xbf16>
    %s = tile.dot %queries, %keys transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %small = arith.truncf %s : vector<64x64xf32> to vector<64x64xbf16>
    tile.store %small, %o[%c0, %c0] slice(%i, %end) axes [0, 1] : vector<64x64xbf16>, !t
  }
  tile.return
}
