// RUN: attn-opt %s -convert-tile-to-sm90 -canonicalize -cse | FileCheck %s

// A kernel that copies nothing has a block for each instance, whatever its schedule
// says: its consumers search and write.

// CHECK-LABEL: sm90.kernel @limits(
// CHECK-SAME:    %[[IDS:[a-z0-9_]+]]: !llvm.ptr<1> {sm90.tensor = 0 : i64},
// CHECK-SAME:    %[[W:[a-z0-9_]+]]: !llvm.ptr<1> {sm90.tensor = 1 : i64},
// CHECK-SAME:    %[[STRIDE:[a-z0-9_]+]]: i64 {sm90.axis = 0 : i64, sm90.tensor = 1 : i64},
// CHECK-SAME:    %[[N:[a-z0-9_]+]]: index {sm90.axis = 0 : i64, sm90.tensor = 0 : i64},
// CHECK-SAME:    %[[TILES:[a-z0-9_]+]]: index {sm90.axis = 0 : i64, sm90.tensor = 1 : i64})
// CHECK-SAME:  instances = [#sm90.extent<()[s0] -> (s0 ceildiv 64), sizes = [0, 0]>]
// CHECK-SAME:  schedule = #sm90.schedule<consumer_warpgroups = 1, persistent = false>
// CHECK-SAME:  #sm90.tensor<"w", tensor<?x2xi32>, [1, -1], output = true, workspace = true>]
// CHECK:       producer {
// CHECK-NEXT:  } consumer {
// CHECK:         %[[T:.*]] = sm90.block_id
// CHECK:         %[[FOUND:.*]]:2 = sm90.find_extremes(%c0 to %[[N]]) : i32, i32 {
// CHECK-NEXT:    ^bb0(%[[P:.*]]: index):
// CHECK-NEXT:      %[[ID:.*]] = sm90.read %[[IDS]][%[[P]]] of[%[[N]]]
// CHECK-NEXT:      sm90.yield %[[ID]], %true : i32, i1
// CHECK:         sm90.write %[[FOUND]]#0, %[[W]][%[[T]], %c0] strides[%[[STRIDE]]]
// CHECK:         sm90.write %[[FOUND]]#1, %[[W]][%[[T]], %c1] strides[%[[STRIDE]]]
#tiles = affine_map<()[s0] -> (s0 ceildiv 64)>
#target = #sm90.schedule<consumer_warpgroups = 1, dynamic = true>
tile.kernel @limits(%ids: !tile.view<?xi32> {tile.name = "ids", tile.symbols = array<i64: 0>},
                    %w: !tile.view<?x2xi32> {tile.name = "w", tile.symbols = array<i64: 1, -1>, tile.output, tile.workspace})
    schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %true = arith.constant true
  %n = tile.dim %ids[0] : !tile.view<?xi32>
  %tiles = affine.apply #tiles()[%n]
  scf.forall (%t) in (%tiles) {
    %low, %high = tile.find_extremes(%c0 to %n) : i32, i32 {
    ^bb0(%p: index):
      %id = tile.read %ids[%p] : !tile.view<?xi32>
      tile.yield %id, %true : i32, i1
    }
    tile.write %low, %w[%t, %c0] : !tile.view<?x2xi32>
    tile.write %high, %w[%t, %c1] : !tile.view<?x2xi32>
  }
  tile.return
}
