// RUN: attn-opt %s -convert-attn-to-tile -split-input-file | FileCheck %s

// Everything at once: grouped heads, a mask, values narrower than keys, the
// longest instances first. Names come from the program where it gives them.

// CHECK-DAG:   #[[TILES:.*]] = affine_map<()[s0] -> (s0 ceildiv 16)>
// CHECK-DAG:   #[[PAIRS:.*]] = affine_map<()[s0] -> (s0 * 8)>
// CHECK-DAG:   #[[PAIR:.*]] = affine_map<(d0, d1) -> (d0 * 8 + d1)>
// CHECK-DAG:   #[[BATCHOF:.*]] = affine_map<(d0) -> (d0 floordiv 8)>
// CHECK-DAG:   #[[HEADOF:.*]] = affine_map<(d0) -> (d0 mod 8)>
// CHECK-DAG:   #[[ROW:.*]] = affine_map<(d0)[s0] -> (d0 * -16 + (s0 ceildiv 16) * 16 - 16)>
// CHECK-DAG:   #[[POSITION:.*]] = affine_map<(d0)[s0, s1] -> (d0 * -16 - s0 + s1 + (s0 ceildiv 16) * 16 - 16)>
// CHECK-DAG:   #[[GROUP:.*]] = affine_map<(d0) -> ((d0 mod 8) floordiv 4)>
// The last query of the tile bounds the keys.
// CHECK-DAG:   #[[END:.*]] = affine_map<(d0)[s0, s1] -> (s0, d0 * -16 - s1 + s0 + (s1 ceildiv 16) * 16)>
// CHECK-DAG:   #[[BLOCKS:.*]] = affine_map<(d0) -> (d0 ceildiv 32)>
// CHECK-DAG:   #[[KEY:.*]] = affine_map<(d0, d1) -> (d0 * -32 + (d1 ceildiv 32) * 32 - 32)>

// CHECK-LABEL: tile.kernel @causal(
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: !tile.view<?x?x8x128xbf16> {tile.name = "q", tile.symbols = array<i64: 0, 1, -1, -1>}
// CHECK-SAME:    %[[K:[a-z0-9]+]]: !tile.view<?x?x2x128xbf16> {tile.name = "k", tile.symbols = array<i64: 0, 2, -1, -1>}
// CHECK-SAME:    %[[V:[a-z0-9]+]]: !tile.view<?x?x2x64xbf16> {tile.name = "arg2", tile.symbols = array<i64: 0, 2, -1, -1>}
// CHECK-SAME:    %[[O:[a-z0-9]+]]: !tile.view<?x?x8x64xbf16> {tile.name = "o", tile.output, tile.symbols = array<i64: 0, 1, -1, -1>}
// CHECK-SAME:    %[[LSE:[a-z0-9]+]]: !tile.view<?x8x?xf32> {tile.name = "result1", tile.output, tile.symbols = array<i64: 0, -1, 1>})
// CHECK-SAME:    schedule(<block_q = 16, block_kv = 32, longest_first = true, section_bytes = 30000>) {
// CHECK-NEXT:    %[[BATCH:.*]] = tile.dim %[[Q]][0]
// CHECK-NEXT:    %[[LQ:.*]] = tile.dim %[[Q]][1]
// CHECK-NEXT:    %[[LK:.*]] = tile.dim %[[K]][1]
// CHECK-NEXT:    %[[N:.*]] = affine.apply #[[TILES]]()[%[[LQ]]]
// CHECK-NEXT:    scf.forall (%[[B1:.*]], %[[H1:.*]], %[[T1:.*]]) in (%[[BATCH]], 8, %[[N]]) {
// A section has as many heads as section_bytes of 384 bytes a key allow, four of
// which share their keys.
// CHECK-NEXT:      %[[ALL:.*]] = affine.apply #[[PAIRS]]()[%[[BATCH]]]
// CHECK:           %[[KEYS:.*]] = arith.maxsi %[[LK]], %{{.*}}
// CHECK-NEXT:      %[[BUDGET:.*]] = arith.constant 312 : index
// CHECK-NEXT:      %[[FIT:.*]] = arith.divsi %[[BUDGET]], %[[KEYS]]
// CHECK-NEXT:      %[[ONE:.*]] = arith.maxsi %[[FIT]], %{{.*}}
// CHECK-NEXT:      %[[SECTION:.*]] = arith.minsi %[[ONE]], %[[ALL]]
// CHECK-NEXT:      %[[NUMBER:.*]] = affine.apply #[[PAIR]](%[[B1]], %[[H1]])
// CHECK-NEXT:      %[[LINEAR:.*]] = arith.muli %[[NUMBER]], %[[N]]
// CHECK-NEXT:      %[[INSTANCE:.*]] = arith.addi %[[LINEAR]], %[[T1]]
// CHECK-NEXT:      %[[PER:.*]] = arith.muli %[[SECTION]], %[[N]]
// CHECK-NEXT:      %[[WHICH:.*]] = arith.divsi %[[INSTANCE]], %[[PER]]
// CHECK-NEXT:      %[[FIRST:.*]] = arith.muli %[[WHICH]], %[[SECTION]]
// CHECK-NEXT:      %[[WITHIN:.*]] = arith.remsi %[[INSTANCE]], %[[PER]]
// CHECK-NEXT:      %[[LEFT:.*]] = arith.subi %[[ALL]], %[[FIRST]]
// CHECK-NEXT:      %[[SIZE:.*]] = arith.minsi %[[SECTION]], %[[LEFT]]
// CHECK-NEXT:      %[[OFFSET:.*]] = arith.remsi %[[WITHIN]], %[[SIZE]]
// CHECK-NEXT:      %[[BH:.*]] = arith.addi %[[FIRST]], %[[OFFSET]]
// CHECK-NEXT:      %[[T:.*]] = arith.divsi %[[WITHIN]], %[[SIZE]]
// CHECK-DAG:       %[[B:.*]] = affine.apply #[[BATCHOF]](%[[BH]])
// CHECK-DAG:       %[[H:.*]] = affine.apply #[[HEADOF]](%[[BH]])
// CHECK:           %[[I:.*]] = affine.apply #[[ROW]](%[[T]])[%[[LQ]]]
// CHECK:           %[[P0:.*]] = affine.apply #[[POSITION]](%[[T]])[%[[LQ]], %[[LK]]]
// CHECK:           %[[HK:.*]] = affine.apply #[[GROUP]](%[[BH]])
// CHECK:           %[[QT:.*]] = tile.load %[[Q]][%[[B]], %[[I]], %[[H]], %{{.*}}] axes [1, 3] : <?x?x8x128xbf16> -> vector<16x128xbf16>
// CHECK:           %[[LAST:.*]] = affine.min #[[END]](%[[T]])[%[[LK]], %[[LQ]]]
// CHECK:           %[[COUNT:.*]] = affine.apply #[[BLOCKS]](%[[LAST]])
// CHECK-DAG:       %[[ACC0:.*]] = arith.constant dense<0.000000e+00> : vector<16x64xf32>
// CHECK-DAG:       %[[M0:.*]] = arith.constant dense<0xFF800000> : vector<16xf32>
// CHECK-DAG:       %[[L0:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
// CHECK:           %[[R:.*]]:3 = scf.for %[[J:.*]] = %{{.*}} to %[[COUNT]] step %{{.*}} iter_args(%[[M:.*]] = %[[M0]], %[[L:.*]] = %[[L0]], %[[ACC:.*]] = %[[ACC0]])
// CHECK-NEXT:        %[[J0:.*]] = affine.apply #[[KEY]](%[[J]], %[[LAST]])
// CHECK:             %[[KT:.*]] = tile.load %[[K]][%[[B]], %[[J0]], %[[HK]], %{{.*}}] axes [1, 3] : <?x?x2x128xbf16> -> vector<32x128xbf16>
// CHECK-NEXT:        %[[S:.*]] = tile.dot %[[QT]], %[[KT]] transpose_rhs : vector<16x128xbf16>, vector<32x128xbf16> -> vector<16x32xf32>
// CHECK-NEXT:        %[[X:.*]] = tile.mask %[[S]] query(%[[P0]]) key(%[[J0]]) : vector<16x32xf32> {
// CHECK-NEXT:        ^bb0(%[[P:.*]]: index, %[[KEYPOS:.*]]: index):
// CHECK-NEXT:          %[[INSIDE:.*]] = arith.cmpi slt, %[[KEYPOS]], %[[LK]] : index
// CHECK-NEXT:          %[[SEEN:.*]] = arith.cmpi sle, %[[KEYPOS]], %[[P]] : index
// CHECK-NEXT:          %[[KEEP:.*]] = arith.andi %[[SEEN]], %[[INSIDE]] : i1
// CHECK-NEXT:          tile.yield %[[KEEP]] : i1
// CHECK-NEXT:        }
// CHECK-NEXT:        %[[W:.*]], %[[M1:.*]], %[[L1:.*]], %[[C:.*]] = tile.online_softmax %[[X]], %[[M]], %[[L]] scale(5.000000e-01) threshold(8) may_be_empty
// CHECK-NEXT:        %[[PT:.*]] = arith.truncf %[[W]] : vector<16x32xf32> to vector<16x32xbf16>
// CHECK-NEXT:        %[[ACC1:.*]] = tile.rescale %[[ACC]], %[[C]] mostly_one
// CHECK-NEXT:        %[[VT:.*]] = tile.load %[[V]][%[[B]], %[[J0]], %[[HK]], %{{.*}}] axes [1, 3] : <?x?x2x64xbf16> -> vector<32x64xbf16>
// CHECK-NEXT:        %[[ACC2:.*]] = tile.dot %[[PT]], %[[VT]] acc(%[[ACC1]]) : vector<16x32xbf16>, vector<32x64xbf16> -> vector<16x64xf32>
// CHECK-NEXT:        scf.yield %[[M1]], %[[L1]], %[[ACC2]]
// CHECK-NEXT:      }
// CHECK-NEXT:      %[[OUT:.*]], %[[OUTLSE:.*]] = tile.finish_softmax %[[R]]#2, %[[R]]#0, %[[R]]#1 scale(5.000000e-01)
// CHECK-NEXT:      %[[ROUNDED:.*]] = arith.truncf %[[OUT]] : vector<16x64xf32> to vector<16x64xbf16>
// CHECK-NEXT:      tile.store %[[ROUNDED]], %[[O]][%[[B]], %[[I]], %[[H]], %{{.*}}] axes [1, 3]
// CHECK-NEXT:      tile.store %[[OUTLSE]], %[[LSE]][%[[B]], %[[H]], %[[I]]] axes [2]
// CHECK-NEXT:    }
// CHECK-NEXT:    tile.return
// CHECK-NOT:     func.func
func.func @causal(%q: tensor<?x?x8x128xbf16> {attn.name = "q"},
                  %k: tensor<?x?x2x128xbf16> {attn.name = "k"},
                  %v: tensor<?x?x2x64xbf16>)
    -> (tensor<?x?x8x64xbf16> {attn.name = "o"}, tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x2x128xbf16>, tensor<?x?x2x64xbf16>
  %o, %lse = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %keep = arith.cmpi sle, %j, %p : index
    attn.yield %keep : i1
  } scale(0.5) {tile.schedule = #tile.schedule<block_q = 16, block_kv = 32, longest_first = true, section_bytes = 30000>}
      : tensor<?x?x8x128xbf16>, !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x64xbf16>>
      -> tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>
  return %o, %lse : tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>
}

// -----

// No mask, no group, f32, no threshold: the end of the keys is the only bound,
// heads and order are as they are, and nothing is rounded.

// CHECK-DAG:   #[[ROW:.*]] = affine_map<(d0) -> (d0 * 16)>
// CHECK-DAG:   #[[BLOCKS:.*]] = affine_map<()[s0] -> (s0 ceildiv 16)>

// CHECK-LABEL: tile.kernel @plain(
// CHECK-SAME:    %{{[a-z0-9]+}}: !tile.view<2x?x3x64xf32> {tile.name = "arg0"
// CHECK-SAME:    %[[K:[a-z0-9]+]]: !tile.view<2x?x3x64xf32> {tile.name = "arg1"
// CHECK:         scf.forall (%{{.*}}, %[[H:.*]], %[[T:.*]]) in (%{{.*}}, 3, %{{.*}}) {
// CHECK:           affine.apply #[[ROW]](%[[T]])
// CHECK:           scf.for
// CHECK:             tile.load %[[K]][%{{.*}}, %{{.*}}, %[[H]], %{{.*}}]
// CHECK:             tile.mask
// CHECK:               %[[INSIDE:.*]] = arith.cmpi slt
// CHECK-NEXT:          tile.yield %[[INSIDE]] : i1
// CHECK:             tile.online_softmax {{.*}} scale(1.250000e-01) may_be_empty
// CHECK-NEXT:        tile.rescale %{{.*}}, %{{.*}} : vector
// CHECK-NOT:         arith.truncf
func.func @plain(%q: tensor<2x?x3x64xf32>, %k: tensor<2x?x3x64xf32>, %v: tensor<2x?x3x64xf32>) -> tensor<2x?x3x64xf32> {
  %kv = attn.kv.dense %k, %v : tensor<2x?x3x64xf32>, tensor<2x?x3x64xf32>
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16, rescale_threshold = 0>}
      : tensor<2x?x3x64xf32>, !attn.kv<tensor<2x?x3x64xf32>, tensor<2x?x3x64xf32>> -> tensor<2x?x3x64xf32>
  return %o : tensor<2x?x3x64xf32>
}

// -----

// A window bounds the walk on both sides: the first query of the tile sees
// furthest to the left.

// CHECK-DAG:   #[[BEGIN:.*]] = affine_map<(d0)[s0, s1] -> (0, d0 * 16 + s0 - s1 - 99)>
// CHECK-DAG:   #[[END:.*]] = affine_map<(d0)[s0, s1] -> (s0, d0 * 16 + s0 - s1 + 19)>
// CHECK-DAG:   #[[BLOCKS:.*]] = affine_map<(d0, d1) -> (d1 ceildiv 16 - d0 floordiv 16)>

// CHECK-LABEL: tile.kernel @window(
// CHECK:         scf.forall (%{{.*}}, %{{.*}}, %[[T:.*]]) in
// CHECK-DAG:       %[[FIRST:.*]] = affine.max #[[BEGIN]](%[[T]])[%[[LK:.*]], %[[LQ:.*]]]
// CHECK-DAG:       %[[LAST:.*]] = affine.min #[[END]](%[[T]])[%[[LK]], %[[LQ]]]
// CHECK:           affine.apply #[[BLOCKS]](%[[FIRST]], %[[LAST]])
func.func @window(%q: tensor<?x?x1x16xf16>, %k: tensor<?x?x1x16xf16>, %v: tensor<?x?x1x16xf16>) -> tensor<?x?x1x16xf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c99 = arith.constant 99 : index
    %c3 = arith.constant 3 : index
    %least = arith.subi %p, %c99 : index
    %most = arith.addi %p, %c3 : index
    %after = arith.cmpi sge, %j, %least : index
    %before = arith.cmpi sle, %j, %most : index
    %keep = arith.andi %after, %before : i1
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>}
      : tensor<?x?x1x16xf16>, !attn.kv<tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>> -> tensor<?x?x1x16xf16>
  return %o : tensor<?x?x1x16xf16>
}

// -----

// Constants of the function move into the kernel, which is isolated.

// CHECK-LABEL: tile.kernel @captured_constants(
// CHECK:         %[[C5:.*]] = arith.constant 5 : index
// CHECK:         tile.mask
// CHECK:           arith.cmpi sle, %{{.*}}, %[[C5]] : index
func.func @captured_constants(%q: tensor<?x?x1x16xf16>, %k: tensor<?x?x1x16xf16>, %v: tensor<?x?x1x16xf16>) -> tensor<?x?x1x16xf16> {
  %c5 = arith.constant 5 : index
  %kv = attn.kv.dense %k, %v : tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %keep = arith.cmpi sle, %j, %c5 : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>}
      : tensor<?x?x1x16xf16>, !attn.kv<tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>> -> tensor<?x?x1x16xf16>
  return %o : tensor<?x?x1x16xf16>
}

// CHECK-LABEL: tile.kernel @captured_true(
// CHECK:         %[[TRUE:.*]] = arith.constant true
// CHECK:         tile.mask
// CHECK:           arith.andi %[[TRUE]], %{{.*}} : i1
func.func @captured_true(%q: tensor<?x?x1x16xf16>, %k: tensor<?x?x1x16xf16>, %v: tensor<?x?x1x16xf16>) -> tensor<?x?x1x16xf16> {
  %true = arith.constant true
  %kv = attn.kv.dense %k, %v : tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    attn.yield %true : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>}
      : tensor<?x?x1x16xf16>, !attn.kv<tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>> -> tensor<?x?x1x16xf16>
  return %o : tensor<?x?x1x16xf16>
}

// -----

// One tensor as query and value: its length is that of the queries and of the
// keys. A result may be returned twice; only lse may be.

// CHECK-LABEL: tile.kernel @shared(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: !tile.view<?x?x1x16xf16> {tile.name = "arg0", tile.symbols = array<i64: 0, 1, -1, -1>}
// CHECK-SAME:    %[[K:[a-z0-9]+]]: !tile.view<?x?x1x16xf16> {tile.name = "arg1", tile.symbols = array<i64: 0, 1, -1, -1>}
// CHECK-SAME:    !tile.view<?x1x?xf32> {tile.name = "result0", tile.output, tile.symbols = array<i64: 0, -1, 1>}
// CHECK-SAME:    !tile.view<?x1x?xf32> {tile.name = "result1", tile.output, tile.symbols = array<i64: 0, -1, 1>}
// CHECK-COUNT-2: tile.store %{{.*}}, %{{.*}} axes [2]
// CHECK-NOT:     tile.store
func.func @shared(%x: tensor<?x?x1x16xf16>, %k: tensor<?x?x1x16xf16>) -> (tensor<?x1x?xf32>, tensor<?x1x?xf32>) {
  %kv = attn.kv.dense %k, %x : tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>
  %o, %lse = attn.attention %x, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>}
      : tensor<?x?x1x16xf16>, !attn.kv<tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>> -> tensor<?x?x1x16xf16>, tensor<?x1x?xf32>
  return %lse, %lse : tensor<?x1x?xf32>, tensor<?x1x?xf32>
}

// -----

// Lists of blocks, the full ones first: a block of 64 keys is 4 tiles. A number that
// is none lies behind the keys; a count is at most the room of its list. Lists have
// rows for all queries.

// CHECK-DAG:   #[[LISTROW:.*]] = affine_map<(d0) -> (d0 floordiv 2)>
// CHECK-DAG:   #[[COLUMNS:.*]] = affine_map<()[s0] -> (s0 ceildiv 64)>
// CHECK-DAG:   #[[COUNT:.*]] = affine_map<(d0, d1) -> (d0 * 4 + d1 * 4)>
// CHECK-DAG:   #[[ENTRY:.*]] = affine_map<(d0) -> (d0 floordiv 4)>
// CHECK-DAG:   #[[REST:.*]] = affine_map<(d0, d1) -> (-d0 + d1 floordiv 4)>
// CHECK-DAG:   #[[KEY:.*]] = affine_map<(d0, d1) -> (d0 * 64 + d1 * 16 - (d1 floordiv 4) * 64)>

// CHECK-LABEL: tile.kernel @lists(
// CHECK-SAME:    %[[N:[a-z0-9]+]]: !tile.view<?x2x?xi32> {tile.least = array<i64: 2, 1, 0, 32>, tile.name = "arg3", tile.symbols = array<i64: 0, -1, 3>}
// CHECK-SAME:    %[[C:[a-z0-9]+]]: !tile.view<?x2x?x?xi32> {tile.least = array<i64: 2, 1, 0, 32>, tile.name = "arg4", tile.symbols = array<i64: 0, -1, 3, 4>}
// CHECK-SAME:    %[[M:[a-z0-9]+]]: !tile.view<1x1x?xi32> {tile.least = array<i64: 2, 1, 0, 32>, tile.name = "arg5", tile.symbols = array<i64: -1, -1, 5>}
// CHECK-SAME:    %[[W:[a-z0-9]+]]: !tile.view<1x1x?x?xi32> {tile.least = array<i64: 2, 1, 0, 32>, tile.name = "arg6", tile.symbols = array<i64: -1, -1, 5, 6>}
// CHECK:         scf.forall (%[[B:.*]], %[[H:.*]], %[[T:.*]]) in
// CHECK:           %[[ALL:.*]] = affine.apply #[[COLUMNS]]()[%{{.*}}]
// CHECK:           %[[FULLROOM:.*]] = tile.dim %[[W]][3]
// CHECK-NEXT:      %[[FULLREAD:.*]] = tile.read %[[M]][%{{.*}}, %{{.*}}, %[[ROW1:.*]]] :
// CHECK-NEXT:      %[[FULLCOUNT:.*]] = arith.index_cast %[[FULLREAD]] : i32 to index
// CHECK-NEXT:      %[[FULLSOME:.*]] = arith.maxsi %[[FULLCOUNT]], %{{.*}}
// CHECK-NEXT:      %[[FULL:.*]] = arith.minsi %[[FULLSOME]], %[[FULLROOM]]
// CHECK:           %[[ROW:.*]] = affine.apply #[[LISTROW]](%[[T]])
// CHECK:           tile.read %[[N]][%[[B]], %[[H]], %[[ROW]]] :
// CHECK:           %[[PARTIAL:.*]] = arith.minsi
// CHECK-NEXT:      %[[TILES:.*]] = affine.apply #[[COUNT]](%[[FULL]], %[[PARTIAL]])
// CHECK:           %[[NONE:.*]] = arith.cmpi eq, %[[ALL]], %{{.*}}
// CHECK-NEXT:      %[[END:.*]] = arith.select %[[NONE]], %{{.*}}, %[[TILES]]
// CHECK:           scf.for %[[I:.*]] = %{{.*}} to %[[END]]
// CHECK-NEXT:        %[[NUMBER:.*]] = affine.apply #[[ENTRY]](%[[I]])
// CHECK-NEXT:        %[[ISFULL:.*]] = arith.cmpi slt, %[[NUMBER]], %[[FULL]]
// CHECK-NEXT:        %[[LEFT:.*]] = affine.apply #[[REST]](%[[FULL]], %[[I]])
// CHECK-NEXT:        %[[READ1:.*]] = tile.read %[[W]][%{{.*}}, %{{.*}}, %{{.*}}, %[[NUMBER]]] :
// CHECK-NEXT:        %[[BLOCK1:.*]] = arith.index_cast %[[READ1]]
// CHECK-NEXT:        %[[READ2:.*]] = tile.read %[[C]][%[[B]], %[[H]], %[[ROW]], %[[LEFT]]] :
// CHECK-NEXT:        %[[BLOCK2:.*]] = arith.index_cast %[[READ2]]
// CHECK-NEXT:        %[[GIVEN:.*]] = arith.select %[[ISFULL]], %[[BLOCK1]], %[[BLOCK2]]
// CHECK-NEXT:        %[[IS:.*]] = arith.cmpi ult, %[[GIVEN]], %[[ALL]]
// CHECK-NEXT:        %[[BLOCK:.*]] = arith.select %[[IS]], %[[GIVEN]], %[[ALL]]
// CHECK-NEXT:        %[[J:.*]] = affine.apply #[[KEY]](%[[BLOCK]], %[[I]])
// CHECK:             tile.mask %{{.*}} query(%{{.*}}) key(%[[J]])
// CHECK:               %[[IN:.*]] = arith.cmpi slt
// CHECK-NEXT:          %[[SEEN:.*]] = arith.cmpi sle
// CHECK-NEXT:          %[[EITHER:.*]] = arith.ori %[[ISFULL]], %[[SEEN]]
// CHECK-NEXT:          arith.andi %[[EITHER]], %[[IN]]
func.func @lists(%q: tensor<?x?x2x16xf16>, %k: tensor<?x?x1x16xf16>, %v: tensor<?x?x1x16xf16>,
                 %n: tensor<?x2x?xi32>, %columns: tensor<?x2x?x?xi32>, %m: tensor<1x1x?xi32>, %whole: tensor<1x1x?x?xi32>) -> tensor<?x?x2x16xf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %keep = arith.cmpi sle, %j, %p : index
    attn.yield %keep : i1
  } blocks<32, 64> partial(%n, %columns : tensor<?x2x?xi32>, tensor<?x2x?x?xi32>)
      full(%m, %whole : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>}
      : tensor<?x?x2x16xf16>, !attn.kv<tensor<?x?x1x16xf16>, tensor<?x?x1x16xf16>> -> tensor<?x?x2x16xf16>
  return %o : tensor<?x?x2x16xf16>
}

// CHECK-LABEL: tile.kernel @one_list(
// CHECK:         scf.for
// CHECK-NOT:       arith.select {{.*}} : i1
// CHECK:           tile.mask
// CHECK-NEXT:      ^bb0
// CHECK-NEXT:        %[[IN:.*]] = arith.cmpi slt
// CHECK-NEXT:        tile.yield %[[IN]]
func.func @one_list(%q: tensor<?x?x2x16xf16>, %k: tensor<?x?x2x16xf16>, %m: tensor<1x1x?xi32>, %whole: tensor<1x1x?x?xi32>) -> tensor<?x?x2x16xf16> {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x16xf16>, tensor<?x?x2x16xf16>
  %o = attn.attention %q, %kv blocks<32, 64> full(%m, %whole : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>}
      : tensor<?x?x2x16xf16>, !attn.kv<tensor<?x?x2x16xf16>, tensor<?x?x2x16xf16>> -> tensor<?x?x2x16xf16>
  return %o : tensor<?x?x2x16xf16>
}

// -----

// A lazy maximum: sums tell when to look for it, up to a limit that depends on
// what the weights are rounded to.

// CHECK-LABEL: tile.kernel @lazy(
// CHECK: tile.online_softmax {{.*}} scale(1.250000e-01) sum_limit(31) may_be_empty
// CHECK: tile.rescale {{.*}} mostly_one
// CHECK: tile.finish_softmax {{.*}} scale(1.250000e-01) sum_limit(31)
func.func @lazy(%q: tensor<2x?x3x64xbf16>) -> tensor<2x?x3x64xbf16> {
  %kv = attn.kv.dense %q, %q : tensor<2x?x3x64xbf16>, tensor<2x?x3x64xbf16>
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16, lazy_max = true>}
    : tensor<2x?x3x64xbf16>, !attn.kv<tensor<2x?x3x64xbf16>, tensor<2x?x3x64xbf16>> -> tensor<2x?x3x64xbf16>
  return %o : tensor<2x?x3x64xbf16>
}

// CHECK-LABEL: tile.kernel @lazy_f16(
// CHECK: tile.online_softmax {{.*}} sum_limit(7) may_be_empty
// CHECK: tile.finish_softmax {{.*}} sum_limit(7)
func.func @lazy_f16(%q: tensor<2x?x3x64xf16>) -> tensor<2x?x3x64xf16> {
  %kv = attn.kv.dense %q, %q : tensor<2x?x3x64xf16>, tensor<2x?x3x64xf16>
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16, lazy_max = true>}
    : tensor<2x?x3x64xf16>, !attn.kv<tensor<2x?x3x64xf16>, tensor<2x?x3x64xf16>> -> tensor<2x?x3x64xf16>
  return %o : tensor<2x?x3x64xf16>
}

// -----

// A module without functions stays as it is.
// CHECK: module {
// CHECK-NEXT: }
module {}
