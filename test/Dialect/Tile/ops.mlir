// RUN: attn-opt %s -verify-roundtrip | FileCheck %s
// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s -mlir-print-op-generic | attn-opt | FileCheck %s

// CHECK-LABEL: tile.kernel @copy(
// CHECK-SAME:    %{{.*}}: !tile.view<?x128xbf16> {tile.least = array<i64: 1, 0, 0, 64, 0, -1, 5, 1>, tile.name = "x", tile.symbols = array<i64: 0, -1>}
// CHECK-SAME:    %{{.*}}: !tile.view<?x128xbf16> {tile.output, tile.symbols = array<i64: 0, -1>})
// CHECK-SAME:    schedule(<block_q = 128, block_kv = 64>) {
tile.kernel @copy(%x: !tile.view<?x128xbf16> {tile.name = "x", tile.least = array<i64: 1, 0, 0, 64, 0, -1, 5, 1>, tile.symbols = array<i64: 0, -1>},
                  %y: !tile.view<?x128xbf16> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 128, block_kv = 64>) {
  %c0 = arith.constant 0 : index
  // CHECK: %[[N:.*]] = tile.dim %{{.*}}[0] : <?x128xbf16>
  %n = tile.dim %x[0] : !tile.view<?x128xbf16>
  %tiles = affine.apply affine_map<()[s0] -> (s0 ceildiv 128)>()[%n]
  // CHECK: scf.forall
  scf.forall (%t) in (%tiles) {
    %row = affine.apply affine_map<(d0) -> (d0 * 128)>(%t)
    // CHECK: %[[V:.*]] = tile.load %{{.*}}[%{{.*}}, %{{.*}}] axes [0, 1] : <?x128xbf16> -> vector<128x128xbf16>
    %v = tile.load %x[%row, %c0] axes [0, 1] : !tile.view<?x128xbf16> -> vector<128x128xbf16>
    // CHECK: tile.load %{{.*}}[%{{.*}}, %{{.*}}] axes [0, 1] copy(1) : <?x128xbf16> -> vector<128x128xbf16>
    %own = tile.load %x[%row, %c0] axes [0, 1] copy(1) : !tile.view<?x128xbf16> -> vector<128x128xbf16>
    // CHECK: tile.store %[[V]], %{{.*}}[%{{.*}}, %{{.*}}] axes [0, 1] : vector<128x128xbf16>, <?x128xbf16>
    tile.store %v, %y[%row, %c0] axes [0, 1] : vector<128x128xbf16>, !tile.view<?x128xbf16>
  }
  // CHECK: tile.return
  tile.return
}

// Every field of a schedule; what has its default is left out.
// CHECK-LABEL: tile.kernel @schedules(
// CHECK-SAME:    schedule(<block_q = 64, block_kv = 32, hoist_score_dot = false, split_masked_loop = false,
// CHECK-SAME:      rescale_threshold = 0, longest_first = true, target = "other">) attributes {note}
tile.kernel @schedules(%scalar: !tile.view<f32>)
    schedule(<block_q = 64, block_kv = 32, hoist_score_dot = false,
              split_masked_loop = false, rescale_threshold = 0,
              longest_first = true, target = "other">) attributes {note} {
  scf.forall (%t) in (1) {}
  tile.return
}

// CHECK-LABEL: tile.kernel @steps(%{{.*}}: !tile.view<f32>) schedule(
tile.kernel @steps(%scalar: !tile.view<f32>) schedule(<block_q = 2, block_kv = 3>) {
  scf.forall (%t) in (1) {
    %q = arith.constant dense<1.0> : vector<2x4xf16>
    %k = arith.constant dense<1.0> : vector<3x4xf16>
    %m = arith.constant dense<0xFF800000> : vector<2xf32>
    %l = arith.constant dense<0.0> : vector<2xf32>
    %acc = arith.constant dense<1.0> : vector<2x4xf32>
    // CHECK: tile.load %{{.*}}[] axes [] : <f32> -> vector<f32>
    %none = tile.load %scalar[] axes [] : !tile.view<f32> -> vector<f32>
    // CHECK: tile.dot %{{.*}}, %{{.*}} transpose_rhs : vector<2x4xf16>, vector<3x4xf16> -> vector<2x3xf32>
    %s = tile.dot %q, %k transpose_rhs : vector<2x4xf16>, vector<3x4xf16> -> vector<2x3xf32>
    // CHECK: tile.mask %{{.*}} query(%{{.*}}) key(%{{.*}}) : vector<2x3xf32> {
    // CHECK: ^bb0(%{{.*}}: index, %{{.*}}: index):
    // CHECK: tile.yield %{{.*}} : i1
    %x = tile.mask %s query(%t) key(%t) : vector<2x3xf32> {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi sle, %j, %p : index
      tile.yield %keep : i1
    }
    // CHECK: tile.mask %{{.*}} query(%{{.*}}) key(%{{.*}}) whole(%[[WHOLE:.*]]) : vector<2x3xf32> {
    %whole = arith.cmpi sle, %t, %t : index
    %skipped = tile.mask %s query(%t) key(%t) whole(%whole) : vector<2x3xf32> {
    ^bb0(%p: index, %j: index):
      tile.yield %whole : i1
    }
    // CHECK: tile.score %{{.*}} query(%{{.*}}) key(%{{.*}}) : vector<2x3xf32> {
    // CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: index, %{{.*}}: index):
    // CHECK: tile.yield %[[X]] : f32
    %modified = tile.score %s query(%t) key(%t) : vector<2x3xf32> {
    ^bb0(%score: f32, %p: index, %j: index):
      tile.yield %score : f32
    }
    // CHECK: %[[TILE:.*]] = arith.constant dense<1.000000e+00> : vector<2x3xbf16>
    %tile = arith.constant dense<1.0> : vector<2x3xbf16>
    // CHECK: tile.score %{{.*}} query(%{{.*}}) key(%{{.*}}) tiles(%[[TILE]] : vector<2x3xbf16>) : vector<2x3xf32> {
    // CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: bf16):
    %biased = tile.score %s query(%t) key(%t) tiles(%tile : vector<2x3xbf16>) : vector<2x3xf32> {
    ^bb0(%score: f32, %p: index, %j: index, %e: bf16):
      tile.yield %score : f32
    }
    // CHECK: %[[VALUE:.*]] = tile.read %{{.*}}[] : <f32>
    %value = tile.read %scalar[] : !tile.view<f32>
    // CHECK: %[[KEY:.*]] = tile.walk %{{.*}} from(%[[T:.*]], %[[T]]) at(%[[T]]) step(3)
    %key = tile.walk %t from(%t, %t) at(%t) step(3)
    // CHECK: tile.walk %[[KEY]] from(%[[T]]) at() step(3)
    %other = tile.walk %key from(%t) at() step(3)
    // CHECK: tile.online_softmax %{{.*}}, %{{.*}}, %{{.*}} scale(5.000000e-01) threshold(8) may_be_empty : vector<2x3xf32>, vector<2xf32>
    %w, %m1, %l1, %c = tile.online_softmax %x, %m, %l scale(0.5) threshold(8) may_be_empty : vector<2x3xf32>, vector<2xf32>
    // CHECK: tile.online_softmax %{{.*}}, %{{.*}}, %{{.*}} scale(5.000000e-01) : vector<2x3xf32>, vector<2xf32>
    %w2, %m2, %l2, %c2 = tile.online_softmax %s, %m1, %l1 scale(0.5) : vector<2x3xf32>, vector<2xf32>
    // CHECK-NEXT: tile.online_softmax %{{.*}}, %{{.*}}, %{{.*}} scale(5.000000e-01) sum_limit(31) : vector<2x3xf32>, vector<2xf32>
    %w3, %m3, %l3, %c3 = tile.online_softmax %s, %m1, %l1 scale(0.5) sum_limit(31) : vector<2x3xf32>, vector<2xf32>
    // CHECK: tile.rescale %{{.*}}, %{{.*}} mostly_one : vector<2x4xf32>, vector<2xf32>
    %acc1 = tile.rescale %acc, %c mostly_one : vector<2x4xf32>, vector<2xf32>
    // CHECK: tile.rescale %{{.*}}, %{{.*}} : vector<2x4xf32>, vector<2xf32>
    %acc2 = tile.rescale %acc1, %c2 : vector<2x4xf32>, vector<2xf32>
    %p = arith.truncf %w2 : vector<2x3xf32> to vector<2x3xf16>
    // CHECK: tile.dot %{{.*}}, %{{.*}} acc(%{{.*}}) : vector<2x3xf16>, vector<3x4xf16> -> vector<2x4xf32>
    %acc3 = tile.dot %p, %k acc(%acc2) : vector<2x3xf16>, vector<3x4xf16> -> vector<2x4xf32>
    // CHECK: tile.finish_softmax %{{.*}}, %{{.*}}, %{{.*}} scale(5.000000e-01) : vector<2x4xf32>, vector<2xf32>
    %o, %lse = tile.finish_softmax %acc3, %m2, %l2 scale(0.5) : vector<2x4xf32>, vector<2xf32>
    // CHECK: tile.finish_softmax %{{.*}}, %{{.*}}, %{{.*}} scale(5.000000e-01) sum_limit(31) : vector<2x4xf32>, vector<2xf32>
    %o3, %lse3 = tile.finish_softmax %acc3, %m2, %l2 scale(0.5) sum_limit(31) : vector<2x4xf32>, vector<2xf32>
    // CHECK: tile.finish_softmax %{{.*}}, %{{.*}}, %{{.*}} sink(%[[VALUE]]) scale(5.000000e-01) : vector<2x4xf32>, vector<2xf32>
    %o2, %lse2 = tile.finish_softmax %acc3, %m2, %l2 sink(%value) scale(0.5) : vector<2x4xf32>, vector<2xf32>
  }
  tile.return
}

// CHECK-LABEL: tile.kernel @packed(
tile.kernel @packed(%x: !tile.view<?x4xf32> {tile.symbols = array<i64: 0, -1>}, %cu: !tile.view<?xi32> {tile.symbols = array<i64: 1>},
                    %o: !tile.view<?x4xf32> {tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 16, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    // CHECK: %[[B:.*]] = tile.find_sequence %{{.*}} in %{{.*}} block(16) : <?xi32>
    %b = tile.find_sequence %i in %cu block(16) : !tile.view<?xi32>
    // CHECK: tile.read %{{.*}}[%[[B]]] position : <?xi32>
    %row = tile.read %cu[%b] position : !tile.view<?xi32>
    // CHECK: %[[T:.*]] = tile.load %{{.*}}[%{{.*}}, %{{.*}}] slice(%{{.*}}, %[[B]]) axes [0, 1] : <?x4xf32> -> vector<2x4xf32>
    %t = tile.load %x[%i, %c0] slice(%c0, %b) axes [0, 1] : !tile.view<?x4xf32> -> vector<2x4xf32>
    // CHECK: tile.store %[[T]], %{{.*}}[%{{.*}}, %{{.*}}] slice(%{{.*}}, %[[B]]) axes [0, 1] : vector<2x4xf32>, <?x4xf32>
    tile.store %t, %o[%i, %c0] slice(%c0, %b) axes [0, 1] : vector<2x4xf32>, !tile.view<?x4xf32>
  }
  tile.return
}

// CHECK-LABEL: func @chunk(
func.func @chunk(%x: vector<4xf32>, %a: vector<4x4xf32>) -> vector<4x4xf32> {
  // CHECK: %[[SUMS:.*]] = tile.cumulative_sum %{{.*}} : vector<4xf32>
  %sums = tile.cumulative_sum %x : vector<4xf32>
  // CHECK: %[[RATIOS:.*]] = tile.decay_ratios %[[SUMS]] : vector<4xf32> -> vector<4x4xf32>
  %ratios = tile.decay_ratios %sums : vector<4xf32> -> vector<4x4xf32>
  // CHECK: tile.decay_ratios %[[SUMS]] columns(%{{.*}} : vector<4xf32>) : vector<4xf32> -> vector<4x4xf32>
  %scaled = tile.decay_ratios %sums columns(%sums : vector<4xf32>) : vector<4xf32> -> vector<4x4xf32>
  // CHECK: tile.invert_unit_lower %[[RATIOS]] rows(%[[SUMS]] : vector<4xf32>) : vector<4x4xf32>
  %t = tile.invert_unit_lower %ratios rows(%sums : vector<4xf32>) : vector<4x4xf32>
  // CHECK: tile.invert_unit_lower %{{.*}} rows(%[[SUMS]] : vector<4xf32>) columns(%{{.*}} : vector<4xf32>) : vector<4x4xf32>
  %u = tile.invert_unit_lower %t rows(%sums : vector<4xf32>) columns(%x : vector<4xf32>) : vector<4x4xf32>
  return %u : vector<4x4xf32>
}

// Decays of channels.
// CHECK-LABEL: func @channels
func.func @channels(%g: vector<4x8xf32>, %n: index, %q: vector<4x8xbf16>) -> vector<4x4xf32> {
  // CHECK: %[[SUMS:.*]], %[[WHOLE:.*]] = tile.decay_sums %{{.*}} of %{{.*}} : vector<4x8xf32> -> vector<8xf32>
  %sums, %whole = tile.decay_sums %g of %n : vector<4x8xf32> -> vector<8xf32>
  // CHECK: tile.decay_sums %{{.*}} of %{{.*}} linear : vector<4x8xf32> -> vector<8xf32>
  %s2, %w2 = tile.decay_sums %g of %n linear : vector<4x8xf32> -> vector<8xf32>
  // CHECK: %[[Q:.*]] = tile.apply_decay %{{.*}}, %[[SUMS]] scale(2.500000e-01) : vector<4x8xbf16>, vector<4x8xf32>
  %a = tile.apply_decay %q, %sums scale(0.25) : vector<4x8xbf16>, vector<4x8xf32>
  // CHECK: tile.apply_decay %[[Q]], %[[SUMS]] to_end : vector<4x8xbf16>, vector<4x8xf32>
  %b = tile.apply_decay %a, %sums to_end : vector<4x8xbf16>, vector<4x8xf32>
  // CHECK: tile.decayed_dot %{{.*}}, %{{.*}}, %[[SUMS]] : vector<4x8xbf16>, vector<4x8xf32> -> vector<4x4xf32>
  %p = tile.decayed_dot %q, %b, %sums : vector<4x8xbf16>, vector<4x8xf32> -> vector<4x4xf32>
  // CHECK: tile.apply_decay %{{.*}}, %[[SUMS]] before : vector<4x8xbf16>, vector<4x8xf32>
  %c = tile.apply_decay %q, %sums before : vector<4x8xbf16>, vector<4x8xf32>
  // CHECK: tile.decayed_dot %{{.*}}, %{{.*}}, %[[SUMS]] before : vector<4x8xbf16>, vector<4x8xf32> -> vector<4x4xf32>
  %d = tile.decayed_dot %q, %b, %sums before : vector<4x8xbf16>, vector<4x8xf32> -> vector<4x4xf32>
  // CHECK: tile.decayed_dot %{{.*}}, %{{.*}}, %[[SUMS]] before bonus(%[[WHOLE]] : vector<8xf32>) : vector<4x8xbf16>, vector<4x8xf32> -> vector<4x4xf32>
  %e = tile.decayed_dot %q, %b, %sums before bonus(%whole : vector<8xf32>) : vector<4x8xbf16>, vector<4x8xf32> -> vector<4x4xf32>
  return %p : vector<4x4xf32>
}

// How far back numbers have to be added up, and rows to take them from.
// CHECK-LABEL: tile.kernel @reach(
tile.kernel @reach(%k: !tile.view<?x2x64xbf16> {tile.symbols = array<i64: 0, -1, -1>},
                   %w: !tile.view<?x?x1xi32> {tile.symbols = array<i64: 1, 2, -1>, tile.workspace, tile.output})
    schedule(<block_q = 64, block_kv = 64, segment_chunks = 4>) {
  // CHECK-SAME: segment_chunks = 4
  %c0 = arith.constant 0 : index
  %n = tile.dim %k[0] : !tile.view<?x2x64xbf16>
  // CHECK: %[[COUNT:.*]] = tile.segment_count %[[N:.*]] least(4) beside(%[[N]])
  %segments = tile.segment_count %n least(4) beside(%n)
  scf.forall (%h, %s) in (%n, %segments) {
    // CHECK: %[[FIRST:.*]] = tile.find_reach(%{{.*}} to %[[N]]) block(64) limit(-3.000000e+01) {
    // CHECK-NEXT: ^bb0(%[[P:.*]]: index):
    // CHECK-NEXT: %[[NORM:.*]] = tile.squared_norm %{{.*}}[%[[P]], %{{.*}}] : <?x2x64xbf16>
    // CHECK-NEXT: tile.yield %[[NORM]] : f32
    %first = tile.find_reach(%c0 to %n) block(64) limit(-30.0) {
    ^bb0(%p: index):
      %norm = tile.squared_norm %k[%p, %h] : !tile.view<?x2x64xbf16>
      tile.yield %norm : f32
    }
    // CHECK: tile.find_reach(%{{.*}} to %[[N]]) block(64) limit(-3.000000e+01) channels(8) {
    // CHECK-NEXT: ^bb0(%[[P:.*]]: index, %{{.*}}: index):
    %of_all = tile.find_reach(%c0 to %n) block(64) limit(-30.0) channels(8) {
    ^bb0(%p: index, %c: index):
      %norm = tile.squared_norm %k[%p, %h] : !tile.view<?x2x64xbf16>
      tile.yield %norm : f32
    }
    %i = arith.index_cast %first : index to i32
    tile.write %i, %w[%h, %s, %c0] : !tile.view<?x?x1xi32>
  }
  tile.return
}

// What one kernel finds for a later one.
// CHECK-LABEL: tile.kernel @limits(
// CHECK-SAME: %[[W:[a-z0-9]+]]: !tile.view<?x2xi32> {tile.output, tile.symbols = array<i64: 1, -1>, tile.workspace}
tile.kernel @limits(%ids: !tile.view<?xi32> {tile.symbols = array<i64: 0>},
                    %w: !tile.view<?x2xi32> {tile.symbols = array<i64: 1, -1>, tile.output, tile.workspace})
    schedule(<block_q = 16, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %true = arith.constant true
  %n = tile.dim %ids[0] : !tile.view<?xi32>
  scf.forall (%i) in (%n) {
    // CHECK: %[[E:.*]]:2 = tile.find_extremes(%{{.*}} to %{{.*}}) : i32, i32 {
    // CHECK-NEXT: ^bb0(%[[P:.*]]: index):
    // CHECK-NEXT: %[[ID:.*]] = tile.read %{{.*}}[%[[P]]] : <?xi32>
    // CHECK-NEXT: tile.yield %[[ID]], %{{.*}} : i32, i1
    %low, %high = tile.find_extremes(%c0 to %i) : i32, i32 {
    ^bb0(%p: index):
      %id = tile.read %ids[%p] : !tile.view<?xi32>
      tile.yield %id, %true : i32, i1
    }
    // CHECK: tile.write %[[E]]#1, %[[W]][%{{.*}}, %{{.*}}] : <?x2xi32>
    tile.write %high, %w[%i, %c0] : !tile.view<?x2xi32>
  }
  tile.return
}

// CHECK-LABEL: func.func @bounded(
func.func @bounded(%s: vector<2x4xf32>, %i: index) -> vector<2x4xf32> {
  %masked = tile.mask %s query(%i) key(%i) : vector<2x4xf32> {
  ^bb0(%p: index, %j: index):
    // CHECK: %[[C:.*]] = arith.cmpi
    %c = arith.cmpi eq, %p, %j : index
    // CHECK-NEXT: tile.bounded %[[C]] within(%[[I:.*]] to %[[I]]) clean(%[[I]] to %[[I]])
    %keep = tile.bounded %c within(%i to %i) clean(%i to %i)
    tile.yield %keep : i1
  }
  return %masked : vector<2x4xf32>
}
