// RUN: attn-opt %s -convert-tile-to-sm90 -canonicalize -cse -split-input-file | FileCheck %s

// Slices of packed tensors: an index more says where a copy ends. The queries are
// loaded, kept and given back within the branch for a slot that is used; the sequence
// of a slot is searched by both roles.

// CHECK-LABEL: sm90.kernel @packed(
// CHECK-SAME: %[[X:[a-z0-9_]+]]: !sm90.tensor_map<64x64xbf16, axes = [0, 2], rank = 3, sliced = true> {sm90.tensor = 0 : i64},
// CHECK-SAME: %[[K:[a-z0-9_]+]]: !sm90.tensor_map<64x64xbf16, axes = [0, 2], rank = 3, sliced = true> {sm90.tensor = 1 : i64},
// CHECK-SAME: %[[O:[a-z0-9_]+]]: !sm90.tensor_map<64x64xbf16, axes = [0, 2], rank = 3, sliced = true> {sm90.tensor = 3 : i64},
// CHECK-SAME: %[[M:[a-z0-9_]+]]: !llvm.ptr<1> {sm90.tensor = 4 : i64},
// CHECK-SAME: %[[CU:[a-z0-9_]+]]: !llvm.ptr<1> {sm90.tensor = 2 : i64},
// CHECK-SAME: %[[ROWS:[a-z0-9_]+]]: index {sm90.axis = 0 : i64, sm90.tensor = 0 : i64},
// CHECK-SAME: %[[ENDS:[a-z0-9_]+]]: index {sm90.axis = 0 : i64, sm90.tensor = 2 : i64})
// CHECK-SAME: instances = [#sm90.extent<()[s0, s1] -> (s0 floordiv 64 + s1 - 1), sizes = [0, 0, 2, 0]>],
// CHECK:      producer {
// CHECK:        %[[SLOT:.*]] = sm90.block_id
// CHECK:        %[[LAST:.*]] = arith.subi %[[ENDS]], %c1
// CHECK:        %[[FOUND:.*]]:2 = scf.while (%[[LOW:.*]] = %c0, %[[HIGH:.*]] = %[[LAST]])
// CHECK:          %[[REST:.*]] = arith.subi %[[HIGH]], %[[LOW]]
// CHECK:          %[[SEVERAL:.*]] = arith.cmpi sgt, %[[REST]], %c1
// CHECK:          scf.condition(%[[SEVERAL]])
// CHECK:        ^bb0(%[[LOW:.*]]: index, %[[HIGH:.*]]: index):
// CHECK:          %[[BOTH:.*]] = arith.addi %[[LOW]], %[[HIGH]]
// CHECK:          %[[MIDDLE:.*]] = arith.divui %[[BOTH]], %c2
// CHECK:          sm90.read %[[CU]][%[[MIDDLE]]] of[%[[ENDS]]] position
// CHECK:          arith.divui %{{.*}}, %c64
// CHECK:          %[[FIRST:.*]] = arith.addi %{{.*}}, %[[MIDDLE]]
// CHECK:          %[[BEGUN:.*]] = arith.cmpi sle, %[[FIRST]], %[[SLOT]]
// CHECK:          arith.select %[[BEGUN]], %[[MIDDLE]], %[[LOW]]
// CHECK:          arith.select %[[BEGUN]], %[[HIGH]], %[[MIDDLE]]
// CHECK:        scf.if
// CHECK:          sm90.stage.await_empty
// CHECK:          %[[BEHIND:.*]] = arith.subi %[[ROWS]], %[[END:.*]] : index
// CHECK:          %[[ROW:.*]] = arith.addi %[[BEGIN:.*]], %[[SLOT]] : index
// CHECK:          %[[AT:.*]] = arith.addi %[[BEHIND]], %[[ROW]] : index
// CHECK:          %[[BEFORE:.*]] = arith.subi %[[END]], %c1
// CHECK:          sm90.tma_load_async %[[X]][%[[AT]], %c0, %c0, %[[BEFORE]]]
// CHECK:          sm90.tma_load_async %[[K]]
// CHECK:      } consumer {
// CHECK:        scf.while
// CHECK:        scf.if
// CHECK:          %[[QUERIES:.*]] = sm90.stage.await_full
// CHECK:          sm90.wgmma.wait
// Nothing reads the queries behind the product, for which rounding waits.
// CHECK:          arith.truncf
// CHECK-NEXT:     sm90.stage.release %[[QUERIES]]
// CHECK:          sm90.store_fragment
// CHECK-NEXT:     sm90.barrier.sync
// CHECK-NEXT:     %[[BEHIND:.*]] = arith.subi %[[ROWS]], %[[END:.*]] : index
// CHECK-NEXT:     %[[PLACE:.*]] = arith.addi
// CHECK-NEXT:     %[[AT:.*]] = arith.addi %[[BEHIND]], %[[PLACE]] : index
// CHECK-NEXT:     %[[BEFORE:.*]] = arith.subi %[[END]], %c1 : index
// CHECK-NEXT:     sm90.tma_store_async %{{.*}} row(%{{.*}}), %[[O]][%[[AT]], %c0, %c0, %[[BEFORE]]]
// A row of statistics starts at the slice and ends with it.
// CHECK-NEXT:     arith.index_cast %[[PLACE]] : index to i64
// CHECK-NEXT:     %[[LIMIT:.*]] = arith.subi %[[END]], %[[PLACE]] : index
// CHECK-NEXT:     sm90.store_rows %{{.*}}, %[[M]][%{{.*}}] limit(%[[LIMIT]])
// CHECK-NEXT:   }
#target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, query_in_registers = false>
!t = !tile.view<?x1x64xbf16>
#slots = affine_map<()[s0, s1] -> (s0 floordiv 64 + s1 - 1)>
tile.kernel @packed(%x: !t {tile.name = "x", tile.symbols = array<i64: 0, -1, -1>},
                    %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1, -1>},
                    %cu: !tile.view<?xi32> {tile.name = "cu", tile.symbols = array<i64: 1>},
                    %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1, -1>, tile.output},
                    %m: !tile.view<?xf32> {tile.name = "m", tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant dense<1.0> : vector<64xf32>
  %total = tile.dim %x[0] : !t
  %ends = tile.dim %cu[0] : !tile.view<?xi32>
  %slots = affine.apply #slots()[%total, %ends]
  scf.forall (%slot) in (%slots) {
    %b = tile.find_sequence %slot in %cu block(64) : !tile.view<?xi32>
    %next = arith.addi %b, %c1 : index
    %0 = tile.read %cu[%b] position : !tile.view<?xi32>
    %1 = tile.read %cu[%next] position : !tile.view<?xi32>
    %begin = arith.index_cast %0 : i32 to index
    %end = arith.index_cast %1 : i32 to index
    %used = arith.cmpi slt, %slot, %end : index
    scf.if %used {
      %a = tile.load %x[%slot, %c0, %c0] slice(%begin, %end) axes [0, 2] : !t -> vector<64x64xbf16>
      %bt = tile.load %k[%slot, %c0, %c0] slice(%begin, %end) axes [0, 2] : !t -> vector<64x64xbf16>
      %r = tile.dot %a, %bt transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
      %s = arith.truncf %r : vector<64x64xf32> to vector<64x64xbf16>
      tile.store %s, %o[%slot, %c0, %c0] slice(%begin, %end) axes [0, 2] : vector<64x64xbf16>, !t
      tile.store %rows, %m[%slot] slice(%begin, %end) axes [0] : vector<64xf32>, !tile.view<?xf32>
    }
  }
  tile.return
}
