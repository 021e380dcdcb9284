// The blocks that a mask of several intervals, or of one that depends on more than
// positions, lets a tile see: each once, from the right to the left.
// RUN: attn-opt %s -attn-lower-mask-ops -convert-attn-to-tile -canonicalize -cse \
// RUN:   -split-input-file | FileCheck %s

// Queries are at s0 - s1 + 16 t, ..., + 15.

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// The window ends no sooner than the first keys, whatever the sizes: it comes first,
// and cuts off what the first keys share with it.
// CHECK-DAG: #[[LEFT:.*]] = affine_map<(d0)[s0, s1] -> (0, d0 * 16 + s0 - s1 - 99)>
// CHECK-DAG: #[[RIGHT:.*]] = affine_map<(d0)[s0, s1] -> (s0, d0 * 16 + s0 - s1 + 16)>
// CHECK-DAG: #[[FIRST:.*]] = affine_map<(d0)[s0, s1] -> (4, s0, d0 * 16 + s0 - s1 + 16)>
// CHECK-DAG: #[[FLOOR:.*]] = affine_map<(d0) -> (d0 floordiv 16)>
// CHECK-DAG: #[[CEIL:.*]] = affine_map<(d0) -> (d0 ceildiv 16)>
// CHECK-DAG: #[[FROM:.*]] = affine_map<(d0) -> ((d0 ceildiv 16) * 16 - 16)>
// CHECK-DAG: #[[FROM_BLOCK:.*]] = affine_map<(d0) -> (d0 * 16 - 16)>
// CHECK-LABEL: tile.kernel @streaming(
// CHECK:         %[[BEGIN:.*]] = affine.max #[[LEFT]](
// CHECK:         %[[END:.*]] = affine.min #[[RIGHT]](
// CHECK:         %[[BEGIN_BLOCK:.*]] = affine.apply #[[FLOOR]](%[[BEGIN]])
// CHECK:         %[[END_BLOCK:.*]] = affine.apply #[[CEIL]](%[[END]])
// CHECK:         %[[EDGE:.*]] = arith.minsi %[[BEGIN_BLOCK]], %[[END_BLOCK]]
// CHECK:         %[[SINK_END:.*]] = affine.min #[[FIRST]](
// CHECK:         %[[SINK_BLOCK:.*]] = affine.apply #[[CEIL]](%[[SINK_END]])
// CHECK:         %[[WINDOW_FROM:.*]] = affine.apply #[[FROM]](%[[END]])
// CHECK:         %[[WINDOW_COUNT:.*]] = arith.maxsi
// CHECK:         %[[CUT:.*]] = arith.minsi %[[SINK_BLOCK]], %[[EDGE]]
// CHECK:         %[[SINK_FROM:.*]] = affine.apply #[[FROM_BLOCK]](%[[CUT]])
// CHECK:         %[[SINK_COUNT:.*]] = arith.maxsi
// CHECK:         %[[COUNT:.*]] = arith.addi %[[WINDOW_COUNT]], %[[SINK_COUNT]]
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %[[COUNT]]
// CHECK:           tile.walk %[[I]] from(%[[WINDOW_FROM]], %[[SINK_FROM]]) at(%[[WINDOW_COUNT]]) step(16)
func.func @streaming(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask(causal and (first<4> or window<99, 0>))
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// With one begin they are one interval; which of the two ends further to the right is
// known when the kernel runs.
// CHECK-DAG: #[[COUNT:.*]] = affine_map<(d0) -> (d0 ceildiv 16)>
// CHECK-LABEL: tile.kernel @prefix_lm(
// CHECK-SAME:    %[[N:[a-z0-9]+]]: !tile.view<?xi32> {tile.least = array<i64: 0, 0, 0, 1>, tile.name = "arg2", tile.symbols = array<i64: 3>}
// CHECK:         scf.forall (%[[B:.*]], %{{.*}}, %{{.*}}) in
// CHECK:           %[[ELEMENT:.*]] = tile.read %[[N]][%[[B]]] : <?xi32>
// CHECK:           %[[LENGTH:.*]] = arith.index_cast %[[ELEMENT]] : i32 to index
// CHECK:           %[[OWN:.*]] = affine.min
// CHECK:           %[[OTHER:.*]] = affine.min #{{.*}}(%[[LENGTH]])[%{{.*}}]
// CHECK:           %[[END:.*]] = arith.maxsi %[[OWN]], %[[OTHER]] : index
// CHECK:           %[[BLOCKS:.*]] = affine.apply #[[COUNT]](%[[END]])
// CHECK:           scf.for %{{.*}} = %{{.*}} to %[[BLOCKS]]
// CHECK-NOT:       tile.walk
// CHECK:             tile.mask
// CHECK:               arith.cmpi slt, %{{.*}}, %[[LENGTH]] : index
func.func @prefix_lm(%q: !t, %k: !t, %n: tensor<?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask(causal or prefix(%n : tensor<?xi32>))
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// With two begins there are two runs, sorted when the kernel runs.
// CHECK-LABEL: tile.kernel @prefix_and_window(
// CHECK:           %[[ELEMENT:.*]] = tile.read
// CHECK:           %[[LENGTH:.*]] = arith.index_cast %[[ELEMENT]] : i32 to index
// CHECK:           affine.min #{{.*}}(%[[LENGTH]])[%{{.*}}]
// CHECK:           %[[KEEP:.*]] = arith.cmpi sge, %[[END:.*]], %[[OTHER:.*]] : index
// CHECK:           arith.select %[[KEEP]], %[[END]], %[[OTHER]] : index
// CHECK:           arith.select %[[KEEP]], %[[OTHER]], %[[END]] : index
// CHECK:           tile.walk
func.func @prefix_and_window(%q: !t, %k: !t, %n: tensor<?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv
      mask(window<40, 0> or prefix(%n : tensor<?xi32>))
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// Whole chunks, and a tile may reach over two.
// CHECK-DAG: affine_map<(d0)[s0, s1] -> (0, ((d0 * 16 + s0 - s1) floordiv 24) * 24)>
// CHECK-DAG: affine_map<(d0)[s0, s1] -> (s0, ((d0 * 16 + s0 - s1 + 15) floordiv 24) * 24 + 24)>
// CHECK-LABEL: tile.kernel @chunk(
// CHECK-NOT:     tile.walk
// CHECK:         tile.return
func.func @chunk(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask(chunk<24>)
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// The first head sees a window, the other one everything before the query; the
// interval of the other head is empty.
// CHECK-LABEL: tile.kernel @per_head(
// CHECK:         scf.forall (%{{.*}}, %[[H:.*]], %{{.*}}) in
// CHECK:           %[[IS_FIRST:.*]] = arith.cmpi slt, %[[H]], %{{.*}} : index
// CHECK:           arith.select %[[IS_FIRST]], %[[BEGIN:.*]], %[[END:.*]] : index
// CHECK:           arith.select %[[IS_FIRST]], %[[END]], %{{.*}} : index
// CHECK:           tile.walk
func.func @per_head(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c1 = arith.constant 1 : index
    %is_first = arith.cmpi slt, %h, %c1 : index
    %few = attn.window<40, 0> %p, %j
    %all = attn.causal %p, %j
    %keep = arith.select %is_first, %few, %all : i1
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// What is not understood does not bound, and does not unbind either: the ids of query
// and key are combined, but the key comes before the query.
// CHECK-DAG: #[[END:.*]] = affine_map<(d0)[s0, s1] -> (s0, d0 * 16 + s0 - s1 + 16)>
// CHECK-LABEL: tile.kernel @combined(
// CHECK:         affine.min #[[END]](
// CHECK-NOT:     affine.min
// CHECK:         tile.mask
// CHECK:           tile.read
func.func @combined(%q: !t, %k: !t, %ids: tensor<?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %past = attn.causal %p, %j
    %own = attn.read %ids[%b, %p] : tensor<?x?xi32>
    %other = attn.read %ids[%b, %j] : tensor<?x?xi32>
    %sum = arith.xori %own, %other : i32
    %zero = arith.constant 0 : i32
    %same = arith.cmpi eq, %sum, %zero : i32
    %keep = arith.andi %past, %same : i1
    attn.yield %keep : i1
  }
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// Bounds of other slopes: 2 j <= p, and j <= 9 - p, which falls with the query.
// CHECK-DAG: affine_map<(d0)[s0, s1] -> (s0, (d0 * 16 + s0 - s1 + 15) floordiv 2 + 1)>
// CHECK-DAG: affine_map<(d0)[s0, s1] -> (d0 * -16 - s0 + s1 + 10, s0)>
// CHECK-LABEL: tile.kernel @twice_the_key(
// CHECK-LABEL: tile.kernel @antidiagonal(
func.func @twice_the_key(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %twice = arith.addi %j, %j : index
    %keep = arith.cmpi sle, %twice, %p : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}
func.func @antidiagonal(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c9 = arith.constant 9 : index
    %sum = arith.addi %j, %p : index
    %keep = arith.cmpi sle, %sum, %c9 : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// No key is seen, and no block is loaded.
// CHECK-LABEL: tile.kernel @never(
// CHECK-NOT:     tile.dot
// CHECK:         tile.return
func.func @never(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %keep = arith.constant false
    attn.yield %keep : i1
  }
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// Beyond three runs intervals are joined.
// CHECK-LABEL: tile.kernel @many(
// CHECK:         tile.walk %{{.*}} from(%{{.*}}, %{{.*}}, %{{.*}}) at(%{{.*}}, %{{.*}}) step(16)
func.func @many(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv
      mask(window<2, 2> or first<5> or chunk<100> or not first<90>)
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}
