// What a modifier reads by the positions of query and key becomes a tile.

// RUN: attn-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-stage-reads))' | FileCheck %s

// The query may be along any axis but the last, positions may go through integers, and
// what the other indices are computed from is computed in front.

// CHECK-LABEL: tile.kernel @staged(
// CHECK-SAME: %[[BIAS:.*]]: !tile.view<4x?x?xbf16> {{.*}}, %[[OTHER:.*]]: !tile.view<?x?x?xf16>
// CHECK: scf.forall (%[[T:.*]]) in
// CHECK: %[[P:.*]] = arith.muli %[[T]], %c128
// CHECK: %[[HEAD:.*]] = arith.divsi %[[T]], %c2
// CHECK: %[[FIRST:.*]] = tile.load %[[BIAS]][%[[HEAD]], %[[P]], %[[T]]] axes [1, 2] : <4x?x?xbf16> -> vector<128x64xbf16>
// CHECK: %[[SECOND:.*]] = tile.load %[[OTHER]][%[[P]], %[[T]], %[[T]]] axes [0, 2] : <?x?x?xf16> -> vector<128x64xf16>
// CHECK: tile.score %{{.*}} query(%[[P]]) key(%[[T]]) tiles(%[[FIRST]], %[[SECOND]] : vector<128x64xbf16>, vector<128x64xf16>) : vector<128x64xf32> {
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %[[I:.*]]: index, %[[J:.*]]: index, %[[E:.*]]: bf16, %[[F:.*]]: f16):
// CHECK: arith.extf %[[E]]
// CHECK: arith.extf %[[F]]
// One tile of a view at a time.
// CHECK: tile.read %[[BIAS]][%{{.*}}, %[[I]], %[[J]]]
tile.kernel @staged(%bias: !tile.view<4x?x?xbf16> {tile.name = "bias", tile.symbols = array<i64: -1, 0, 1>},
                    %other: !tile.view<?x?x?xf16> {tile.name = "other", tile.symbols = array<i64: 0, 2, 1>})
    schedule(<block_q = 128, block_kv = 64, stage_reads = true>) {
  %c128 = arith.constant 128 : index
  %n = tile.dim %bias[1] : !tile.view<4x?x?xbf16>
  scf.forall (%t) in (%n) {
    %s = arith.constant dense<1.0> : vector<128x64xf32>
    %p0 = arith.muli %t, %c128 : index
    %r = tile.score %s query(%p0) key(%t) : vector<128x64xf32> {
    ^bb0(%x: f32, %p: index, %j: index):
      %c2 = arith.constant 2 : index
      %h = arith.divsi %t, %c2 : index
      %wide = arith.index_cast %p : index to i64
      %back = arith.index_cast %wide : i64 to index
      %0 = tile.read %bias[%h, %back, %j] : !tile.view<4x?x?xbf16>
      %1 = arith.extf %0 : bf16 to f32
      %2 = tile.read %other[%p, %t, %j] : !tile.view<?x?x?xf16>
      %3 = arith.extf %2 : f16 to f32
      %4 = tile.read %bias[%c2, %p, %j] : !tile.view<4x?x?xbf16>
      %5 = arith.extf %4 : bf16 to f32
      %6 = arith.mulf %x, %1 : f32
      %7 = arith.addf %6, %3 : f32
      %8 = arith.addf %7, %5 : f32
      tile.yield %8 : f32
    }
  }
  tile.return
}

// Other elements, computed positions, two positions of the query, keys that are not
// neighbours.

// CHECK-LABEL: tile.kernel @not_staged(
// CHECK-NOT: tile.load
// CHECK-NOT: tiles(
// CHECK: tile.return
tile.kernel @not_staged(%wide: !tile.view<?x?xf32> {tile.name = "wide", tile.symbols = array<i64: 0, 1>},
                        %bias: !tile.view<?x?xbf16> {tile.name = "bias", tile.symbols = array<i64: 0, 1>},
                        %three: !tile.view<?x?x?xbf16> {tile.name = "three", tile.symbols = array<i64: 0, 2, 1>})
    schedule(<block_q = 128, block_kv = 64, stage_reads = true>) {
  %n = tile.dim %bias[1] : !tile.view<?x?xbf16>
  scf.forall (%t) in (%n) {
    %s = arith.constant dense<1.0> : vector<128x64xf32>
    %r = tile.score %s query(%t) key(%t) : vector<128x64xf32> {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = tile.read %wide[%p, %j] : !tile.view<?x?xf32>
      %distance = arith.subi %p, %j : index
      %1 = tile.read %bias[%p, %distance] : !tile.view<?x?xbf16>
      %2 = tile.read %bias[%j, %p] : !tile.view<?x?xbf16>
      %3 = tile.read %three[%p, %p, %j] : !tile.view<?x?x?xbf16>
      %4 = tile.read %three[%p, %distance, %j] : !tile.view<?x?x?xbf16>
      %5 = tile.read %bias[%t, %j] : !tile.view<?x?xbf16>
      %6 = arith.addf %1, %2 : bf16
      %7 = arith.addf %3, %4 : bf16
      %8 = arith.addf %6, %7 : bf16
      %9 = arith.addf %8, %5 : bf16
      %10 = arith.extf %9 : bf16 to f32
      %11 = arith.addf %x, %0 : f32
      %12 = arith.addf %11, %10 : f32
      tile.yield %12 : f32
    }
  }
  tile.return
}

// The schedule has a say.

// CHECK-LABEL: tile.kernel @off(
// CHECK-NOT: tile.load
// CHECK: tile.return
tile.kernel @off(%bias: !tile.view<?x?xbf16> {tile.name = "bias", tile.symbols = array<i64: 0, 1>})
    schedule(<block_q = 128, block_kv = 64>) {
  %n = tile.dim %bias[1] : !tile.view<?x?xbf16>
  scf.forall (%t) in (%n) {
    %s = arith.constant dense<1.0> : vector<128x64xf32>
    %r = tile.score %s query(%t) key(%t) : vector<128x64xf32> {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = tile.read %bias[%p, %j] : !tile.view<?x?xbf16>
      %1 = arith.extf %0 : bf16 to f32
      %2 = arith.addf %x, %1 : f32
      tile.yield %2 : f32
    }
  }
  tile.return
}
