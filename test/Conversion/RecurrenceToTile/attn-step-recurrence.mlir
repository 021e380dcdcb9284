// What a token does follows from which operands there are.

// RUN: attn-opt %s --attn-step-recurrence -split-input-file | FileCheck %s

#step = #tile.schedule<block_q = 64, block_kv = 1>

// Nothing is erased: a key and a value are added. The sums of a single token need
// no loop, and the queries are read behind the write.

// CHECK-LABEL: tile.kernel @linear(
// CHECK-SAME: %q: !tile.view<?x1x2x32xf32> {tile.name = "q", tile.symbols = array<i64: 0, 1, -1, -1>}
// CHECK-SAME: %state: !tile.view<?x4x32x64xf32> {tile.name = "state", tile.symbols = array<i64: 0, -1, -1, -1>}
// CHECK-SAME: %result0: !tile.view<?x1x4x64xf32> {tile.name = "result0", tile.output, tile.symbols = array<i64: 0, 1, -1, -1>}
// CHECK-SAME: schedule(<block_q = 64, block_kv = 1>)
// CHECK: %[[BATCH:.*]] = tile.dim %result0[0]
// CHECK: scf.forall (%[[B:.*]], %[[N:.*]], %[[BLOCK:.*]]) in (%[[BATCH]], 4, 1) {
// CHECK: %[[COLUMN:.*]] = affine.apply #{{.*}}(%[[BLOCK]])
// CHECK: %[[S0:.*]] = tile.load %state[%[[B]], %[[N]], %{{.*}}, %[[COLUMN]]] axes [2, 3] : <?x4x32x64xf32> -> vector<32x64xf32>
// CHECK: %[[K:.*]] = tile.load %k[
// CHECK: %[[V:.*]] = tile.load %v[%[[B]], %{{.*}}, %[[N]], %[[COLUMN]]] axes [3] : <?x1x4x64xf32> -> vector<64xf32>
// CHECK: %[[H:.*]] = affine.apply #{{.*}}(%[[N]])
// CHECK: %[[Q:.*]] = tile.load %q[%[[B]], %{{.*}}, %[[H]], %{{.*}}] axes [3] : <?x1x2x32xf32> -> vector<32xf32>
// CHECK: %[[KROWS:.*]] = vector.broadcast %[[K]] : vector<32xf32> to vector<64x32xf32>
// CHECK: %[[KS:.*]] = vector.transpose %[[KROWS]], [1, 0]
// CHECK: %[[VS:.*]] = vector.broadcast %[[V]] : vector<64xf32> to vector<32x64xf32>
// CHECK: %[[S1:.*]] = math.fma %[[KS]], %[[VS]], %[[S0]]
// CHECK: %[[QROWS:.*]] = vector.broadcast %[[Q]]
// CHECK: %[[QS:.*]] = vector.transpose %[[QROWS]], [1, 0]
// CHECK: %[[PRODUCTS:.*]] = arith.mulf %[[S1]], %[[QS]] fastmath<contract>
// CHECK: %[[READ:.*]] = vector.multi_reduction <add>, %[[PRODUCTS]], %{{.*}} [0] : vector<32x64xf32> to vector<64xf32>
// CHECK: %[[SCALE:.*]] = vector.broadcast %{{.*}} : f32 to vector<64xf32>
// CHECK: %[[O:.*]] = arith.mulf %[[READ]], %[[SCALE]]
// CHECK: tile.store %[[O]], %result0[%[[B]], %{{.*}}, %[[N]], %[[COLUMN]]] axes [3]
// CHECK: tile.store %[[S1]], %result1[%[[B]], %[[N]], %{{.*}}, %[[COLUMN]]] axes [2, 3]
func.func @linear(%q: tensor<?x1x2x32xf32> {attn.name = "q"},
                  %k: tensor<?x1x2x32xf32> {attn.name = "k"},
                  %v: tensor<?x1x4x64xf32> {attn.name = "v"},
                  %s: tensor<?x4x32x64xf32, #attn.state<key_value>> {attn.name = "state"})
    -> (tensor<?x1x4x64xf32>, tensor<?x4x32x64xf32, #attn.state<key_value>>) {
  %o, %f = attn.recurrence %q, %k, %v
      state(%s : tensor<?x4x32x64xf32, #attn.state<key_value>>) {tile.schedule = #step}
      : tensor<?x1x2x32xf32>, tensor<?x1x2x32xf32>, tensor<?x1x4x64xf32>
      -> tensor<?x1x4x64xf32> state(tensor<?x4x32x64xf32, #attn.state<key_value>>)
  return %o, %f : tensor<?x1x4x64xf32>, tensor<?x4x32x64xf32, #attn.state<key_value>>
}

// -----

// The delta rule behind a decay, of states [V, K] of bf16 in a pool. What is not of
// the pool is padding.

#step = #tile.schedule<block_q = 64, block_kv = 1>
!pool = tensor<?x2x128x32xbf16, #attn.state<value_key>>

// CHECK-LABEL: tile.kernel @gated_delta(
// CHECK-SAME: %final: !tile.view<?x2x128x32xbf16> {tile.name = "final", tile.output, tile.symbols = array<i64: 3, -1, -1, -1>, tile.updates = 5 : i64}
// CHECK: scf.forall (%[[B:.*]], %[[N:.*]], %[[BLOCK:.*]]) in (%{{.*}}, 2, 2) {
// CHECK: %[[COUNT:.*]] = tile.dim %pool[0]
// CHECK: %[[READ:.*]] = tile.read %slots[%[[B]]]
// CHECK: %[[SLOT:.*]] = arith.index_cast %[[READ]] : i32 to index
// CHECK: %[[IS:.*]] = arith.cmpi ult, %[[SLOT]], %[[COUNT]]
// CHECK: scf.if %[[IS]] {
// CHECK: %[[NARROW:.*]] = tile.load %pool[%[[SLOT]], %[[N]], %{{.*}}, %{{.*}}] axes [2, 3] : <?x2x128x32xbf16> -> vector<64x32xbf16>
// CHECK: %[[S0:.*]] = arith.extf %[[NARROW]]
// CHECK: %[[END:.*]] = scf.for %[[T:[a-z0-9]+]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[S:[a-z0-9]+]] = %[[S0]]) -> (vector<64x32xf32>) {
// CHECK: %[[G:.*]] = tile.read %g[%[[B]], %[[T]], %[[N]]]
// CHECK: %[[BETA:.*]] = tile.read %beta[%[[B]], %[[T]], %[[N]]]
// CHECK: %[[SQUARES:.*]] = vector.reduction <add>, %{{.*}} : vector<32xf32> into f32
// CHECK: %[[SUM:.*]] = arith.addf %[[SQUARES]], %{{.*}} : f32
// CHECK: math.rsqrt %[[SUM]]
// CHECK: %[[ALPHA:.*]] = math.exp %[[G]]
// CHECK: %[[FACTOR:.*]] = vector.broadcast %[[ALPHA]] : f32 to vector<64x32xf32>
// CHECK: %[[DECAYED:.*]] = arith.mulf %[[S]], %[[FACTOR]]
// CHECK: %[[READ:.*]] = vector.multi_reduction <add>, %{{.*}}, %{{.*}} [1] : vector<64x32xf32> to vector<64xf32>
// CHECK: %[[R:.*]] = vector.multi_reduction <add>, %{{.*}}, %{{.*}} [1] : vector<64x32xf32> to vector<64xf32>
// CHECK: %[[STRENGTH:.*]] = vector.broadcast %{{.*}} : f32 to vector<64xf32>
// CHECK: %[[ERASED:.*]] = arith.mulf %[[R]], %[[STRENGTH]]
// CHECK: %[[LEFT:.*]] = arith.subf %{{.*}}, %[[ERASED]]
// CHECK: %[[ADDED:.*]] = arith.mulf %[[LEFT]], %{{.*}} : vector<64xf32>
// CHECK: math.fma %{{.*}}, %{{.*}}, %[[DECAYED]]
// CHECK: math.fma %{{.*}}, %[[ADDED]], %[[READ]]
// CHECK: tile.store %{{.*}}, %o[
// CHECK: scf.yield
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[END]] : vector<64x32xf32> to vector<64x32xbf16>
// CHECK: tile.store %[[ROUNDED]], %final[%[[SLOT]], %[[N]],
// CHECK: } else {
// CHECK: scf.for
// CHECK: tile.store %cst{{.*}}, %o[
func.func @gated_delta(%q: tensor<?x?x1x32xf32> {attn.name = "q"},
                       %k: tensor<?x?x1x32xf32> {attn.name = "k"},
                       %v: tensor<?x?x2x128xf32> {attn.name = "v"},
                       %g: tensor<?x?x2xf32, #attn.gate<log>> {attn.name = "g"},
                       %beta: tensor<?x?x2xf32> {attn.name = "beta"},
                       %pool: !pool {attn.name = "pool"},
                       %slots: tensor<?xi32> {attn.name = "slots"})
    -> (tensor<?x?x2x128xf32> {attn.name = "o"}, !pool {attn.name = "final"}) {
  %o, %f = attn.recurrence %q, %k, %v decay(%g : tensor<?x?x2xf32, #attn.gate<log>>)
      erase(%beta : tensor<?x?x2xf32>) write(%beta : tensor<?x?x2xf32>)
      state(%pool : !pool) slots(%slots : tensor<?xi32>) l2_normalize(1.0e-06)
      {tile.schedule = #step}
      : tensor<?x?x1x32xf32>, tensor<?x?x1x32xf32>, tensor<?x?x2x128xf32>
      -> tensor<?x?x2x128xf32> state(!pool)
  return %o, %f : tensor<?x?x2x128xf32>, !pool
}

// -----

// Packed sequences have their rows between two ends, of which there is one more; a
// constant decay is chosen by the head.

#step = #tile.schedule<block_q = 64, block_kv = 1>
!rows = tensor<?x2x32xf32>

// CHECK-LABEL: tile.kernel @packed(
// CHECK-SAME: %cu: !tile.view<?xi32> {tile.least = array<i64: 0, 3, 1, 1>, tile.name = "cu", tile.symbols = array<i64: 4>}
// CHECK-SAME: %state: !tile.view<?x2x32x32xf32> {tile.least = array<i64: 0, 4, -1, 1>, tile.name = "state", tile.symbols = array<i64: 3, -1, -1, -1>}
// CHECK: scf.forall (%[[B:.*]], %[[N:.*]], %{{.*}}) in (%{{.*}}, 2, 1) {
// CHECK: tile.read %cu[%[[B]]] position
// CHECK: tile.read %cu[%{{.*}}] position
// CHECK: %[[IS:.*]] = arith.cmpi eq, %[[N]], %c1
// CHECK: arith.select %[[IS]], %cst{{.*}}, %cst
// CHECK: scf.for %[[T:[a-z0-9]+]] =
// CHECK: %[[ROW:.*]] = affine.apply #{{.*}}(%{{.*}}, %[[T]])
// CHECK: tile.load %q[%[[ROW]], %{{.*}}, %{{.*}}] axes [2]
func.func @packed(%q: !rows {attn.name = "q"}, %cu: tensor<?xi32> {attn.name = "cu"},
                  %s: tensor<?x2x32x32xf32, #attn.state<key_value>> {attn.name = "state"})
    -> (!rows, tensor<?x2x32x32xf32, #attn.state<key_value>>) {
  %gamma = arith.constant dense<[0.5, 0.75]> : tensor<2xf32, #attn.gate<linear>>
  %o, %f = attn.recurrence %q, %q, %q
      decay(%gamma : tensor<2xf32, #attn.gate<linear>>)
      state(%s : tensor<?x2x32x32xf32, #attn.state<key_value>>)
      cu_seqlens(%cu : tensor<?xi32>) {tile.schedule = #step}
      : !rows, !rows, !rows -> !rows state(tensor<?x2x32x32xf32, #attn.state<key_value>>)
  return %o, %f : !rows, tensor<?x2x32x32xf32, #attn.state<key_value>>
}

// -----

// Of four tokens, the operands of the next one are loaded while one is computed, the
// last one's twice; the states behind the second and the fourth are kept.

#step = #tile.schedule<block_q = 64, block_kv = 1>
!rows = tensor<?x4x2x32xf32>
!kept = tensor<?x2x2x32x32xf32, #attn.state<key_value>>

// CHECK-LABEL: tile.kernel @drafts(
// CHECK-SAME: %kept: !tile.view<?x2x2x32x32xf32> {tile.least = array<i64: 1, 1, -1, 2>, tile.name = "kept", tile.output, tile.symbols = array<i64: 0, 5, -1, -1, -1>}
// CHECK: scf.forall (%[[B:.*]], %[[N:.*]], %{{.*}}) in (%{{.*}}, 2, 1) {
// CHECK: %[[KEY:.*]] = tile.load %q[%[[B]], %c0{{.*}}, %[[N]], %c0{{.*}}] axes [3]
// CHECK: scf.for %[[T:[a-z0-9]+]] = %{{.*}} to %c4{{.*}} iter_args(%[[S:[a-z0-9]+]] = %{{.*}}, %{{[a-z0-9]+}} = %{{.*}}, %[[OWN:[a-z0-9]+]] = %[[KEY]],
// CHECK: %[[BEHIND:.*]] = affine.apply #{{.*}}(%[[T]])
// CHECK: %[[NEXT:.*]] = arith.minui %[[BEHIND]], %c3
// CHECK: %[[AHEAD:.*]] = tile.load %q[%[[B]], %[[NEXT]], %[[N]], %c0{{.*}}] axes [3]
// CHECK: vector.broadcast %[[OWN]]
// CHECK: %[[NEW:.*]] = math.fma %{{.*}}, %{{.*}}, %[[S]]
// CHECK: tile.store %{{.*}}, %result0[%[[B]], %[[T]], %[[N]],
// CHECK: %[[REST:.*]] = affine.apply #{{.*}}(%[[T]])
// CHECK: %[[IS:.*]] = arith.cmpi eq, %[[REST]], %c0
// CHECK: scf.if %[[IS]] {
// CHECK: %[[I:.*]] = affine.apply #{{.*}}(%[[T]])
// CHECK: tile.store %[[NEW]], %kept[%[[B]], %[[I]], %[[N]], %c0{{.*}}, %{{.*}}] axes [3, 4]
// CHECK: scf.yield %[[NEW]], %{{.*}}, %[[AHEAD]],
func.func @drafts(%q: !rows {attn.name = "q"}) -> (!rows, !kept {attn.name = "kept"}) {
  %o, %kept = attn.recurrence %q, %q, %q keep_every(2) {tile.schedule = #step}
      : !rows, !rows, !rows -> !rows kept(!kept)
  return %o, %kept : !rows, !kept
}

// -----

// What a gate is made of is loaded in its place, for a head or a channel at a time;
// a bias goes along the channels, and what only gives a result its shape is gone.

#step = #tile.schedule<block_q = 64, block_kv = 1>
#channel = affine_map<(b, t, n, d) -> (b, t, n, d)>
#bias = affine_map<(b, t, n, d) -> (n, d)>
#head = affine_map<(b, t, n, d) -> (n)>
!rows = tensor<?x1x2x32xf32>
!log = tensor<?x1x2x32xf32, #attn.gate<log>>

// CHECK-LABEL: tile.kernel @prepared(
// CHECK-SAME: %a: !tile.view<?x1x2x32xbf16> {tile.name = "a", tile.symbols = array<i64: 0, 1, -1, -1>}
// CHECK-SAME: %bias: !tile.view<2x32xf32> {tile.name = "bias", tile.symbols = array<i64: -1, -1>}
// CHECK-SAME: %log: !tile.view<2xf32> {tile.name = "log", tile.symbols = array<i64: -1>}
// CHECK: scf.forall (%[[B:.*]], %[[N:.*]], %{{.*}}) in (%{{.*}}, 2, 1) {
// CHECK: %[[NARROW:.*]] = tile.load %a[%[[B]], %c0{{.*}}, %[[N]], %c0{{.*}}] axes [3] : <?x1x2x32xbf16> -> vector<32xbf16>
// CHECK: %[[A:.*]] = arith.extf %[[NARROW]]
// CHECK: %[[BIAS:.*]] = tile.load %bias[%[[N]], %c0{{.*}}] axes [1] : <2x32xf32> -> vector<32xf32>
// CHECK: %[[LOG:.*]] = tile.read %log[%[[N]]]
// CHECK: %[[SUM:.*]] = arith.addf %[[A]], %[[BIAS]] : vector<32xf32>
// CHECK: %[[RATE:.*]] = math.exp %[[LOG]] : f32
// CHECK: %[[RATES:.*]] = vector.broadcast %[[RATE]] : f32 to vector<32xf32>
// CHECK: %[[G:.*]] = arith.mulf %[[SUM]], %[[RATES]] : vector<32xf32>
// CHECK: %[[ALPHA:.*]] = math.exp %[[G]] : vector<32xf32>
// CHECK: vector.broadcast %[[ALPHA]]
func.func @prepared(%q: !rows {attn.name = "q"}, %a: tensor<?x1x2x32xbf16> {attn.name = "a"},
                    %bias: tensor<2x32xf32> {attn.name = "bias"},
                    %log: tensor<2xf32> {attn.name = "log"}) -> !rows {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %q, %c0 : !rows
  %empty = tensor.empty(%batch) : !log
  %g = linalg.generic {
      indexing_maps = [#channel, #bias, #head, #channel],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%a, %bias, %log : tensor<?x1x2x32xbf16>, tensor<2x32xf32>, tensor<2xf32>)
      outs(%empty : !log) {
  ^bb0(%narrow: bf16, %own: f32, %of_head: f32, %unused: f32):
    %wide = arith.extf %narrow : bf16 to f32
    %sum = arith.addf %wide, %own : f32
    %rate = math.exp %of_head : f32
    %product = arith.mulf %sum, %rate : f32
    linalg.yield %product : f32
  } -> !log
  %o = attn.recurrence %q, %q, %q decay(%g : !log) {tile.schedule = #step}
      : !rows, !rows, !rows -> !rows
  return %o : !rows
}

// -----

// What goes by chunks of tokens, and what is no recurrence, is left alone.

#chunk = #tile.schedule<block_q = 64, block_kv = 64>

// CHECK-LABEL: func.func @chunks
// CHECK: attn.recurrence
func.func @chunks(%q: tensor<1x9x2x32xf32>) -> tensor<1x9x2x32xf32> {
  %o = attn.recurrence %q, %q, %q {tile.schedule = #chunk}
      : tensor<1x9x2x32xf32>, tensor<1x9x2x32xf32>, tensor<1x9x2x32xf32>
      -> tensor<1x9x2x32xf32>
  return %o : tensor<1x9x2x32xf32>
}

// CHECK-LABEL: func.func @nothing
func.func @nothing(%q: tensor<1xf32>) -> tensor<1xf32> {
  return %q : tensor<1xf32>
}

// -----

// A tensor that is keys and values is loaded for each.

// CHECK-LABEL: tile.kernel @one_tensor
// CHECK: %[[K:.*]] = tile.load %arg0[%{{.*}}] axes [3] : <?x1x2x32xf32> -> vector<{{.*}}xf32>
// CHECK: %[[V:.*]] = tile.load %arg0[%{{.*}}] axes [3] copy(1) : <?x1x2x32xf32> -> vector<{{.*}}xf32>
#step = #tile.schedule<block_q = 64, block_kv = 1>
func.func @one_tensor(%x: tensor<?x1x2x32xf32>) -> tensor<?x1x2x32xf32> {
  %o = attn.recurrence %x, %x, %x {tile.schedule = #step}
      : tensor<?x1x2x32xf32>, tensor<?x1x2x32xf32>, tensor<?x1x2x32xf32> -> tensor<?x1x2x32xf32>
  return %o : tensor<?x1x2x32xf32>
}
