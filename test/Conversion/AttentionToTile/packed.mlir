// RUN: attn-opt %s -convert-attn-to-tile -canonicalize -cse | FileCheck %s

// Packed sequences: sizes alone say how many slots there are, and an instance finds its
// sequence and the tile in it. Its rows are slices of the tensors; a slot that holds
// none is passed over.

// CHECK-DAG: #[[SLOTS:.*]] = affine_map<()[s0, s1] -> (s1 + s0 floordiv 16 - 1)>
// CHECK-DAG: #[[NEXT:.*]] = affine_map<(d0) -> (d0 + 1)>
// CHECK-DAG: #[[LENGTH:.*]] = affine_map<(d0, d1) -> (-d0 + d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (d0 * 16 - d2 * 16 - (d1 floordiv 16) * 16)>
// CHECK-DAG: #[[GROUP:.*]] = affine_map<(d0) -> (d0 floordiv 4)>

// CHECK-LABEL: tile.kernel @packed(
// CHECK-SAME:    %[[Q:[a-z_]+]]: !tile.view<?x8x64xbf16> {tile.name = "q", tile.symbols = array<i64: 1, -1, -1>},
// CHECK-SAME:    %[[K:[a-z_]+]]: !tile.view<?x2x64xbf16> {tile.name = "k", tile.symbols = array<i64: 2, -1, -1>},
// CHECK-SAME:    %[[V:[a-z_]+]]: !tile.view<?x2x32xbf16> {tile.name = "v", tile.symbols = array<i64: 2, -1, -1>},
// CHECK-SAME:    %[[CUQ:[a-z_]+]]: !tile.view<?xi32> {tile.name = "cu_q", tile.symbols = array<i64: 0>},
// CHECK-SAME:    %[[CUK:[a-z_]+]]: !tile.view<?xi32> {tile.name = "cu_k", tile.symbols = array<i64: 0>},
// CHECK-SAME:    %[[O:[a-z_]+]]: !tile.view<?x8x32xbf16> {tile.name = "o", tile.output, tile.symbols = array<i64: 1, -1, -1>},
// CHECK-SAME:    %[[LSE:[a-z_]+]]: !tile.view<8x?xf32> {tile.name = "lse", tile.output, tile.symbols = array<i64: -1, 1>})
// CHECK:         %[[SLOTCOUNT:.*]] = affine.apply #[[SLOTS]]()[
// CHECK:         scf.forall (%[[H:.*]], %[[SLOT:.*]]) in (8, %[[SLOTCOUNT]]) {
// CHECK:           %[[B:.*]] = tile.find_sequence %[[SLOT]] in %[[CUQ]] block(16)
// CHECK:           %[[BNEXT:.*]] = affine.apply #[[NEXT]](%[[B]])
// CHECK:           tile.read %[[CUQ]][%[[B]]] position
// CHECK-NEXT:      %[[QB:.*]] = arith.index_cast
// CHECK:           tile.read %[[CUQ]][%[[BNEXT]]] position
// CHECK-NEXT:      %[[QE:.*]] = arith.index_cast
// CHECK:           tile.read %[[CUK]][%[[B]]] position
// CHECK-NEXT:      %[[KB:.*]] = arith.index_cast
// CHECK:           tile.read %[[CUK]][%[[BNEXT]]] position
// CHECK-NEXT:      %[[KE:.*]] = arith.index_cast
// CHECK:           %[[LQ:.*]] = affine.apply #[[LENGTH]](%[[QB]], %[[QE]])
// CHECK:           %[[LK:.*]] = affine.apply #[[LENGTH]](%[[KB]], %[[KE]])
// CHECK:           %[[R:.*]] = affine.apply #[[ROW]](%[[SLOT]], %[[QB]], %[[B]])
// CHECK-DAG:       %[[BEFORE:.*]] = arith.cmpi slt, %[[R]], %[[LQ]]
// CHECK-DAG:       %[[AFTER:.*]] = arith.cmpi sge, %[[R]], %c0
// CHECK:           %[[USED:.*]] = arith.andi %[[AFTER]], %[[BEFORE]]
// CHECK:           scf.if %[[USED]] {
// CHECK:             %[[G:.*]] = affine.apply #[[GROUP]](%[[H]])
// CHECK:             tile.load %[[Q]][%[[R]], %[[H]], %c0] slice(%[[QB]], %[[QE]]) axes [0, 2]
// CHECK:             scf.for
// CHECK:               tile.load %[[K]][%[[KEY:.*]], %[[G]], %c0] slice(%[[KB]], %[[KE]]) axes [0, 2]
// CHECK:               tile.mask
// CHECK:               ^bb0(%{{.*}}: index, %[[J:.*]]: index):
// CHECK:                 arith.cmpi slt, %[[J]], %[[LK]]
// CHECK:               tile.load %[[V]][%[[KEY]], %[[G]], %c0] slice(%[[KB]], %[[KE]]) axes [0, 2]
// CHECK:             tile.store %{{.*}}, %[[O]][%[[R]], %[[H]], %c0] slice(%[[QB]], %[[QE]]) axes [0, 2]
// CHECK:             tile.store %{{.*}}, %[[LSE]][%[[H]], %[[R]]] slice(%[[QB]], %[[QE]]) axes [1]
func.func @packed(%q: tensor<?x8x64xbf16> {attn.name = "q"},
                  %k: tensor<?x2x64xbf16> {attn.name = "k"},
                  %v: tensor<?x2x32xbf16> {attn.name = "v"},
                  %cu_q: tensor<?xi32> {attn.name = "cu_q"},
                  %cu_k: tensor<?xi32> {attn.name = "cu_k"})
    -> (tensor<?x8x32xbf16> {attn.name = "o"}, tensor<8x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.varlen %k, %v, %cu_k : tensor<?x2x64xbf16>, tensor<?x2x32xbf16>, tensor<?xi32>
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?xi32>)
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>}
      : tensor<?x8x64xbf16>, !attn.kv<tensor<?x2x64xbf16>, tensor<?x2x32xbf16>>
      -> tensor<?x8x32xbf16>, tensor<8x?xf32>
  return %o, %lse : tensor<?x8x32xbf16>, tensor<8x?xf32>
}

// The same tensor for queries and keys, and one that says where both begin. The
// longest tiles of a sequence come first.
// CHECK-LABEL: tile.kernel @shared(
// CHECK-SAME:    %{{.*}}: !tile.view<?x2x64xbf16> {tile.name = "arg0", tile.symbols = array<i64: 1, -1, -1>},
// CHECK-SAME:    %[[CU:.*]]: !tile.view<4xi32> {tile.name = "arg1", tile.symbols = array<i64: 0>},
// CHECK:         %[[MIRRORED:.*]] = affine.apply #{{.*}}(%{{.*}})[
// CHECK:         tile.find_sequence %[[MIRRORED]] in %[[CU]]
func.func @shared(%x: tensor<?x2x64xbf16>, %cu: tensor<4xi32>) -> tensor<?x2x64xbf16> {
  %kv = attn.kv.varlen %x, %x, %cu : tensor<?x2x64xbf16>, tensor<?x2x64xbf16>, tensor<4xi32>
  %o = attn.attention %x, %kv cu_seqlens(%cu : tensor<4xi32>)
      {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16, longest_first = true>}
      : tensor<?x2x64xbf16>, !attn.kv<tensor<?x2x64xbf16>, tensor<?x2x64xbf16>>
      -> tensor<?x2x64xbf16>
  return %o : tensor<?x2x64xbf16>
}
