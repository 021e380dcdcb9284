// Masks and modifiers at the tile level: what is the same for a whole instance stands
// in front of the loop, once.
// RUN: attn-opt %s -attn-lower-mask-ops -convert-attn-to-tile -canonicalize -cse \
// RUN:   -split-input-file | FileCheck %s

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// The scale comes before the modifiers, so that the softmax has none. A tensor that
// is read is a view; its own sizes have their own numbers.
// CHECK-LABEL: tile.kernel @scores(
// CHECK-SAME:    %[[SLOPES:[a-z0-9]+]]: !tile.view<2xf32> {tile.name = "arg2", tile.symbols = array<i64: -1>}
// CHECK-SAME:    %[[BIAS:[a-z0-9]+]]: !tile.view<2x?x?xbf16> {tile.name = "bias", tile.symbols = array<i64: -1, 3, 4>}
// CHECK:         scf.forall (%{{.*}}, %[[H:.*]], %{{.*}}) in
// CHECK:           %[[SLOPE:.*]] = tile.read %[[SLOPES]][%[[H]]] : <2xf32>
// CHECK:           scf.for
// CHECK:             %[[S:.*]] = tile.dot
// CHECK:             %[[MODIFIED:.*]] = tile.score %[[S]] query(%[[P0:.*]]) key(%[[J0:.*]]) :
// CHECK-NEXT:        ^bb0(%[[X:.*]]: f32, %[[P:.*]]: index, %[[J:.*]]: index):
// CHECK-NEXT:          %[[SCALED:.*]] = arith.mulf %[[X]], %{{.*}} fastmath<reassoc> : f32
// CHECK:               arith.mulf %[[SLOPE]], %{{.*}} : f32
// CHECK:               tile.read %[[BIAS]][%[[H]], %[[P]], %[[J]]] : <2x?x?xbf16>
// CHECK:               tile.yield %{{.*}} : f32
// CHECK:             tile.mask %[[MODIFIED]] query(%[[P0]]) key(%[[J0]])
// CHECK:             tile.online_softmax %{{.*}} scale(1.000000e+00)
// CHECK:           tile.finish_softmax %{{.*}} scale(1.000000e+00)
func.func @scores(%q: !t, %k: !t, %slopes: tensor<2xf32>,
                  %bias: tensor<2x?x?xbf16> {attn.name = "bias"}) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %far = attn.alibi %x, %slopes, %h, %p, %j : tensor<2xf32>
    %narrow = attn.read %bias[%h, %p, %j] : tensor<2x?x?xbf16>
    %own = arith.extf %narrow : bf16 to f32
    %y = arith.addf %far, %own : f32
    attn.yield %y : f32
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// The largest score of a row is not that of the largest product where the scale is
// not positive.
// CHECK-LABEL: tile.kernel @negative_scale(
// CHECK:         %[[SCALE:.*]] = arith.constant dense<-2.500000e-01> : vector<16x16xf32>
// CHECK:         %[[S:.*]] = tile.dot
// CHECK:         %[[SCALED:.*]] = arith.mulf %[[S]], %[[SCALE]] : vector<16x16xf32>
// CHECK:         tile.mask %[[SCALED]]
// CHECK:         tile.online_softmax %{{.*}} scale(1.000000e+00)
func.func @negative_scale(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv scale(-0.25)
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// CHECK-LABEL: tile.kernel @sink(
// CHECK-SAME:    %[[SINKS:[a-z0-9]+]]: !tile.view<2xf32>
// CHECK:         scf.forall (%{{.*}}, %[[H:.*]], %{{.*}}) in
// CHECK:           %[[SINK:.*]] = tile.read %[[SINKS]][%[[H]]] : <2xf32>
// CHECK:           tile.finish_softmax %{{.*}} sink(%[[SINK]]) scale(2.500000e-01)
func.func @sink(%q: !t, %k: !t, %sinks: tensor<2xf32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv sink(%sinks : tensor<2xf32>)
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// Lengths and ids are large enough; what a region reads by itself may be any size. An
// index that is computed says nothing.
// CHECK-LABEL: tile.kernel @sizes(
// CHECK-SAME:    !tile.view<?xi32> {tile.least = array<i64: 0, 0, 0, 1>, tile.name = "arg2", tile.symbols = array<i64: 3>}
// CHECK-SAME:    !tile.view<?x?xi32> {tile.least = array<i64: 0, 0, 0, 1, 1, 2, 0, 1>, tile.name = "arg3", tile.symbols = array<i64: 4, 5>}
// CHECK-SAME:    !tile.view<2x?x?xf32> {tile.name = "arg4", tile.symbols = array<i64: -1, 6, 7>}
// CHECK-SAME:    !tile.view<2x?x?xf32> {tile.least = array<i64: 2, 2, 0, 1>, tile.name = "arg5", tile.symbols = array<i64: -1, 8, 9>}
// CHECK-SAME:    !tile.view<?xf32> {tile.least = array<i64: 0, -1, 2, 1>, tile.name = "arg6", tile.symbols = array<i64: 10>}
func.func @sizes(%q: !t, %k: !t, %n: tensor<?xi32>, %ids: tensor<?x?xi32>,
                 %bias: tensor<2x?x?xf32>, %other: tensor<2x?x?xf32>,
                 %slopes: tensor<?xf32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask(prefix(%n : tensor<?xi32>) and document(%ids : tensor<?x?xi32>)) score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %first = attn.read %bias[%h, %p, %j] : tensor<2x?x?xf32>
    %distance = arith.subi %p, %j : index
    %second = attn.read %other[%h, %distance, %j] covers : tensor<2x?x?xf32>
    %y = arith.addf %first, %second : f32
    %z = attn.alibi %y, %slopes, %h, %p, %j : tensor<?xf32>
    attn.yield %z : f32
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// From the block of the last query to the left, then from the right end back to it.
// CHECK-DAG: #[[LAST:.*]] = affine_map<()[s0] -> (s0 ceildiv 32 - 1)>
// CHECK-DAG: #[[BLOCK:.*]] = affine_map<(d0)[s0, s1] -> ((d0 * 16 + s0 - s1 + 15) floordiv 32)>
// CHECK-DAG: #[[KEY:.*]] = affine_map<(d0) -> (d0 * 32)>
// CHECK-DAG: #[[RIGHT:.*]] = affine_map<()[s0] -> ((s0 ceildiv 32) * 32 - 32)>
// CHECK-DAG: #[[NEXT:.*]] = affine_map<(d0) -> (d0 + 1)>
// CHECK-LABEL: tile.kernel @diagonal_first(
// CHECK:       %[[END:.*]] = affine.apply #[[LAST]]
// CHECK:       %[[OWN:.*]] = affine.apply #[[BLOCK]]
// CHECK-NEXT:  %[[LOW:.*]] = arith.maxsi %[[OWN]], %c0
// CHECK-NEXT:  %[[START:.*]] = arith.minsi %[[LOW]], %[[END]]
// CHECK-DAG:   %[[FROM:.*]] = affine.apply #[[KEY]](%[[START]])
// CHECK-DAG:   %[[THEN:.*]] = affine.apply #[[RIGHT]]
// CHECK-DAG:   %[[AT:.*]] = affine.apply #[[NEXT]](%[[START]])
// CHECK:       tile.walk %{{.*}} from(%[[FROM]], %[[THEN]]) at(%[[AT]]) step(32)
func.func @diagonal_first(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 32, diagonal_first = true>} : !t, !kv -> !t
  return %o : !t
}
