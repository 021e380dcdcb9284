// What a mask compares of keys and queries is read by a kernel of its own, whose
// limits bound the walk over keys.
// RUN: attn-opt %s -attn-lower-mask-ops -convert-attn-to-tile -canonicalize -cse \
// RUN:   -split-input-file | FileCheck %s

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// Of a tile of 16 queries, from position P on.
// CHECK-DAG: #[[P:.*]] = affine_map<(d0)[s0, s1] -> (d0 * 16 + s0 - s1)>
// CHECK-DAG: #[[BEHIND:.*]] = affine_map<(d0)[s0, s1] -> (d0 * 16 + s0 - s1 + 16)>
// Causal bounds what is compared, and so does that a query stands at a key.
// CHECK-DAG: #[[LAST:.*]] = affine_map<(d0)[s0, s1] -> (s0, d0 * 16 + s0 - s1 + 16, ((d0 * 16 + s0 - s1 + 15) floordiv 2147483647) * 2147483647 + 2147483647)>
// CHECK-DAG: #[[BEGIN:.*]] = affine_map<(d0) -> (0, d0)>
// CHECK-DAG: #[[END:.*]] = affine_map<(d0, d1)[s0, s1] -> (d0, s0, d1 * 16 + s0 - s1 + 16, ((d1 * 16 + s0 - s1 + 15) floordiv 2147483647) * 2147483647 + 2147483647)>
// CHECK-DAG: #[[COUNT:.*]] = affine_map<(d0, d1) -> (d1 ceildiv 16 - d0 floordiv 16)>

// CHECK-LABEL: tile.kernel @document_limits(
// CHECK-SAME:    %[[Q:[a-z0-9_]+]]: !tile.view<?x?x2x16xf16> {tile.name = "arg0"
// CHECK-SAME:    %[[K:[a-z0-9_]+]]: !tile.view<?x?x2x16xf16> {tile.name = "arg1"
// CHECK-SAME:    %[[IDS:[a-z0-9_]+]]: !tile.view<?x?xi32> {tile.least = array<i64: 0, 0, 0, 1, 1, 2, 0, 1>, tile.name = "arg2"
// CHECK-SAME:    %[[LIMITS:[a-z0-9_]+]]: !tile.view<?x?x4xi32> {tile.name = "key_limits", tile.output, tile.symbols = array<i64: 5, 6, -1>, tile.workspace}
// CHECK:         %[[LENGTH:.*]] = tile.dim %[[K]][1]
// CHECK:         scf.forall (%[[B:.*]], %[[T:.*]]) in
// CHECK:           %[[FIRST:.*]] = affine.apply #[[P]](%[[T]])
// CHECK:           %[[NEXT:.*]] = affine.apply #[[BEHIND]](%[[T]])
// CHECK:           %[[STOP:.*]] = arith.minsi %[[LENGTH]], %[[NEXT]]
// CHECK:           %[[IDSOFQ:.*]]:2 = tile.find_extremes(%[[FIRST]] to %[[STOP]])
// CHECK-NEXT:      ^bb0(%[[I:.*]]: index):
// CHECK-NEXT:        %[[ID:.*]] = tile.read %[[IDS]][%[[B]], %[[I]]]
// CHECK-NEXT:        tile.yield %[[ID]], %true
// CHECK:           %[[KEYS:.*]] = affine.min #[[LAST]](%[[T]])
// CHECK:           %[[FOUND:.*]]:4 = tile.find_extremes(%c0 to %[[KEYS]])
// CHECK-NEXT:      ^bb0(%[[J:.*]]: index):
// CHECK-NEXT:        %[[AT:.*]] = arith.index_cast %[[J]]
// CHECK-NEXT:        %[[ID:.*]] = tile.read %[[IDS]][%[[B]], %[[J]]]
// CHECK-DAG:         %[[LE:.*]] = arith.cmpi sle, %[[ID]], %[[IDSOFQ]]#1
// CHECK-DAG:         %[[GE:.*]] = arith.cmpi sge, %[[ID]], %[[IDSOFQ]]#0
// CHECK:             %[[SOME:.*]] = arith.andi %[[GE]], %[[LE]]
// CHECK-DAG:         %[[GREATEST:.*]] = arith.cmpi eq, %[[ID]], %[[IDSOFQ]]#1
// CHECK-DAG:         %[[LEAST:.*]] = arith.cmpi eq, %[[ID]], %[[IDSOFQ]]#0
// CHECK:             %[[ALL:.*]] = arith.andi %[[LEAST]], %[[GREATEST]]
// CHECK:             tile.yield %[[AT]], %[[SOME]], %[[AT]], %[[ALL]]
// Of the keys between those that match all queries, the last that does not.
// CHECK:           tile.find_extremes
// CHECK:           tile.write %{{.*}}, %[[LIMITS]][%[[B]], %[[T]], %c0]
// CHECK:           tile.write %{{.*}}, %[[LIMITS]][%[[B]], %[[T]], %c1]
// CHECK:           tile.write %{{.*}}, %[[LIMITS]][%[[B]], %[[T]], %c2]
// CHECK:           tile.write %{{.*}}, %[[LIMITS]][%[[B]], %[[T]], %c3]

// CHECK-LABEL: tile.kernel @document(
// CHECK-SAME:    %[[LIMITS:[a-z0-9_]+]]: !tile.view<?x?x4xi32> {tile.name = "key_limits", tile.symbols = array<i64: 5, 6, -1>, tile.workspace}
// CHECK:         scf.forall (%[[B:.*]], %{{.*}}, %[[T:.*]]) in
// CHECK:           %[[R0:.*]] = tile.read %[[LIMITS]][%[[B]], %[[T]], %c0] position
// CHECK:           %[[L0:.*]] = arith.index_cast %[[R0]]
// CHECK:           %[[L1:.*]] = arith.index_cast
// CHECK:           %[[L2:.*]] = arith.index_cast
// CHECK:           %[[L3:.*]] = arith.index_cast
// CHECK:           %[[FROM:.*]] = affine.max #[[BEGIN]](%[[L0]])
// CHECK:           %[[TO:.*]] = affine.min #[[END]](%[[L1]], %[[T]])
// CHECK:           %[[BLOCKS:.*]] = affine.apply #[[COUNT]](%[[FROM]], %[[TO]])
// CHECK:           scf.for %{{.*}} = %c0 to %[[BLOCKS]]
// CHECK:             tile.mask
// CHECK:               %[[SAME:.*]] = arith.cmpi eq
// CHECK:               tile.bounded %[[SAME]] within(%[[L0]] to %[[L1]]) clean(%[[L2]] to %[[L3]])
func.func @document(%q: !t, %k: !t, %ids: tensor<?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask(causal and document(%ids : tensor<?x?xi32>))
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// Any relation, of any two numbers, written in any order: here of the first tensor at
// the key and the second one at the query. What a tensor is called stays its own.
// CHECK-LABEL: tile.kernel @order_limits(
// CHECK-SAME:    {tile.name = "key_limits_", tile.output
// CHECK:           %[[OFQ:.*]]:2 = tile.find_extremes
// CHECK:             %[[NARROW:.*]] = tile.read %[[B:[a-z0-9_]+]][%{{.*}}] : <?xi8>
// CHECK:             arith.extsi %[[NARROW]] : i8 to i32
// CHECK:           tile.find_extremes
// CHECK:             tile.read %[[A:[a-z0-9_]+]][%{{.*}}] : <?xi8>
// CHECK:             %[[SOME:.*]] = arith.cmpi slt, %{{.*}}, %[[OFQ]]#1
// CHECK:             %[[ALL:.*]] = arith.cmpi slt, %{{.*}}, %[[OFQ]]#0
// CHECK:             tile.yield %{{.*}}, %[[SOME]], %{{.*}}, %[[ALL]]
// CHECK-LABEL: tile.kernel @order(
func.func @order(%q: !t, %k: !t, %a: tensor<?xi8> {attn.name = "key_limits"}, %b: tensor<?xi8>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%batch: index, %h: index, %p: index, %j: index):
    %x = attn.read %a[%j] : tensor<?xi8>
    %y = attn.read %b[%p] : tensor<?xi8>
    %keep = arith.cmpi sgt, %y, %x : i8
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

// Ids of heads, of 64 bits, and what a mask excludes bound nothing.
// CHECK-NOT: tile.kernel @{{.*}}_limits
// CHECK: tile.kernel @of_heads(
// CHECK-NOT: tile.kernel @{{.*}}_limits
func.func @of_heads(%q: !t, %k: !t, %ids: tensor<2x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %x = attn.read %ids[%h, %j] : tensor<2x?xi32>
    %y = attn.read %ids[%h, %p] : tensor<2x?xi32>
    %keep = arith.cmpi eq, %x, %y : i32
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// CHECK: tile.kernel @wide(
// CHECK-NOT: tile.kernel @{{.*}}_limits
func.func @wide(%q: !t, %k: !t, %ids: tensor<?x?xi64>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask(document(%ids : tensor<?x?xi64>))
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// CHECK: tile.kernel @excluded(
// CHECK-NOT: tile.kernel @{{.*}}_limits
func.func @excluded(%q: !t, %k: !t, %ids: tensor<?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask(not document(%ids : tensor<?x?xi32>))
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!q = tensor<?x2x16xf16>
!kv = !attn.kv<!q, !q>

// Of packed sequences there are limits for each slot; unused ones are not written.
// CHECK-LABEL: tile.kernel @packed_limits(
// CHECK-SAME:    %[[LIMITS:[a-z0-9_]+]]: !tile.view<?x4xi32> {tile.name = "key_limits", tile.output
// CHECK:         scf.forall (%[[SLOT:.*]]) in
// CHECK:           %[[SEQUENCE:.*]] = tile.find_sequence %[[SLOT]]
// CHECK:           scf.if
// CHECK:             tile.find_extremes
// CHECK:               %[[ROW:.*]] = arith.addi
// CHECK:               tile.read %{{.*}}[%[[ROW]]]
// CHECK:             tile.write %{{.*}}, %[[LIMITS]][%[[SLOT]], %c0]
// CHECK-LABEL: tile.kernel @packed(
// CHECK:           scf.if
// CHECK:             tile.read %{{.*}}[%{{.*}}, %c3] position : <?x4xi32>
func.func @packed(%q: !q, %k: !q, %cu: tensor<?xi32>, %ids: tensor<?xi32>) -> !q {
  %kv = attn.kv.varlen %k, %k, %cu : !q, !q, tensor<?xi32>
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>)
      mask(document(%ids : tensor<?xi32>))
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !q, !kv -> !q
  return %o : !q
}
