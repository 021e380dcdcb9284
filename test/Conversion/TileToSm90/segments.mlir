// RUN: attn-opt %s -convert-tile-to-sm90 -canonicalize -cse -split-input-file -verify-diagnostics | FileCheck %s

// The launch counts segments, and sizes what is written by them. A kernel without
// copies has no auxiliary.

// CHECK-LABEL: sm90.kernel @find(
// CHECK-SAME: %[[K:[a-z0-9_]+]]: !llvm.ptr<1> {sm90.alignment = 16 : i64, sm90.tensor = 0 : i64}, %[[KSTRIDE:[a-z0-9_]+]]: i64
// CHECK-SAME: %[[N:[a-z0-9_]+]]: index {sm90.axis = 0 : i64, sm90.tensor = 0 : i64}
// CHECK-SAME: %[[COUNT:[a-z0-9_]+]]: index {sm90.axis = 1 : i64, sm90.tensor = 1 : i64})
// CHECK-SAME: instances = [#sm90.extent<()[s0] -> (s0), sizes = [0, 0]>, #sm90.extent<()[s0, s1] -> ((s0 ceildiv 64) floordiv 4, s1 * 2), sizes = [0, 0, 0, 0]>]
// CHECK-SAME: schedule = #sm90.schedule<producer_registers = 40, consumer_registers = 232, persistent = false>
// CHECK: producer {
// CHECK-NEXT: } consumer {
// CHECK: %[[S:.*]] = arith.remui %{{.*}}, %[[COUNT]]
// CHECK: %[[FIRST:.*]] = sm90.find_reach(%c0 to %[[N]]) block(64) limit(-3.000000e+01) {
// CHECK-NEXT: ^bb0(%[[P:.*]]: index):
// CHECK-NEXT: sm90.squared_norm %[[K]][%[[P]]] of[%[[N]]] strides[%[[KSTRIDE]]] length(64) : !llvm.ptr<1>, bf16
// CHECK: sm90.find_reach(%[[FIRST]] to %[[N]]) block(64) limit(-3.000000e+01) channels(64) {
// CHECK-NEXT: ^bb0(%[[P:.*]]: index, %[[C:.*]]: index):
// CHECK-NEXT: sm90.read %[[K]][%[[P]], %[[C]]] of[%[[N]], %c64] strides[%[[KSTRIDE]]]
// CHECK: sm90.write
#chunks = affine_map<()[s0] -> (s0 ceildiv 64)>
#others = affine_map<()[s0] -> (s0 * 2)>
tile.kernel @find(%k: !tile.view<?x64xbf16> {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                  %w: !tile.view<?x?x1xi32> {tile.name = "w", tile.symbols = array<i64: 1, 2, -1>, tile.output, tile.workspace})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 168>>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %k[0] : !tile.view<?x64xbf16>
  %chunks = affine.apply #chunks()[%n]
  %others = affine.apply #others()[%n]
  %segments = tile.segment_count %chunks least(4) beside(%others)
  scf.forall (%b, %s) in (%n, %segments) {
    %first = tile.find_reach(%c0 to %n) block(64) limit(-30.0) {
    ^bb0(%p: index):
      %norm = tile.squared_norm %k[%p] : !tile.view<?x64xbf16>
      tile.yield %norm : f32
    }
    %of_all = tile.find_reach(%first to %n) block(64) limit(-30.0) channels(64) {
    ^bb0(%p: index, %c: index):
      %element = tile.read %k[%p, %c] : !tile.view<?x64xbf16>
      %number = arith.extf %element : bf16 to f32
      tile.yield %number : f32
    }
    %i = arith.index_cast %of_all : index to i32
    tile.write %i, %w[%b, %s, %c0] : !tile.view<?x?x1xi32>
  }
  tile.return
}

// -----

tile.kernel @reads(%k: !tile.view<?xf32> {tile.name = "k", tile.symbols = array<i64: 0>})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false>>) {
  %n = tile.dim %k[0] : !tile.view<?xf32>
  // expected-error @below {{'tile.segment_count' op expected a kernel that writes a workspace}}
  %segments = tile.segment_count %n least(4) beside(%n)
  scf.forall (%s) in (%segments) {
  }
  tile.return
}

// -----

tile.kernel @free(%k: !tile.view<?xf32> {tile.name = "k", tile.symbols = array<i64: 0>},
                  %w: !tile.view<?xi32> {tile.name = "w", tile.symbols = array<i64: 1>, tile.output, tile.workspace})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false>>) {
  %n = tile.dim %k[0] : !tile.view<?xf32>
  // expected-error @below {{'tile.segment_count' op expected to be a bound of the scf.forall}}
  %segments = tile.segment_count %n least(4) beside(%n)
  scf.forall (%s) in (%n) {
    %i = arith.index_cast %segments : index to i32
    tile.write %i, %w[%s] : !tile.view<?xi32>
  }
  tile.return
}
