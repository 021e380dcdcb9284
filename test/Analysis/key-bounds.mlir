// The bounds that a mask puts on the keys of a tile: the keys end at the smallest
// and begin at the largest of the results of a map.
// RUN: attn-opt %s -convert-attn-to-tile -split-input-file | FileCheck %s

// Queries are at s0 - s1 + 16 t, ..., + 15.

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// j < p - 2 and 36 < j, which leaves out two blocks, and j <= 90 in two orders.
// CHECK-DAG: #[[BLOCKS:.*]] = affine_map<(d0) -> (d0 ceildiv 16 - 2)>
// CHECK-DAG: #[[END:.*]] = affine_map<(d0)[s0, s1] -> (91, s0, d0 * 16 + s0 - s1 + 13)>
// CHECK-LABEL: tile.kernel @orders(
func.func @orders(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c2 = arith.constant 2 : index
    %c36 = arith.constant 36 : index
    %c90 = arith.constant 90 : index
    %c91 = arith.constant 91 : index
    %c-3 = arith.constant -3 : index
    %before = arith.subi %p, %c2 : index
    %0 = arith.cmpi slt, %j, %before : index
    %1 = arith.cmpi sgt, %j, %c36 : index
    %2 = arith.cmpi sge, %c90, %j : index
    %3 = arith.cmpi sgt, %c91, %j : index
    %4 = arith.cmpi sle, %c-3, %j : index
    %5 = arith.andi %0, %1 : i1
    %6 = arith.andi %2, %3 : i1
    %7 = arith.andi %5, %6 : i1
    %keep = arith.andi %7, %4 : i1
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// Terms on both sides: j + 5 <= p - (3 - 1) + 4, p - 9 < j, true.
// CHECK-DAG: #[[BEGIN:.*]] = affine_map<(d0)[s0, s1] -> (0, d0 * 16 + s0 - s1 - 8)>
// CHECK-DAG: #[[END:.*]] = affine_map<(d0)[s0, s1] -> (s0, d0 * 16 + s0 - s1 + 13)>
// CHECK-LABEL: tile.kernel @linear(
func.func @linear(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %c9 = arith.constant 9 : index
    %true = arith.constant true
    %shifted = arith.addi %j, %c5 : index
    %two = arith.subi %c3, %c1 : index
    %less = arith.subi %p, %two : index
    %more = arith.addi %c4, %less : index
    %0 = arith.cmpi sle, %shifted, %more : index
    %far = arith.subi %p, %c9 : index
    %1 = arith.cmpi slt, %far, %j : index
    %2 = arith.andi %0, %1 : i1
    %keep = arith.andi %true, %2 : i1
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// The tighter of two bounds of one kind: j <= p + 3, j <= p - 1, j >= p - 8,
// j >= p - 6.
// CHECK-DAG: #[[BEGIN:.*]] = affine_map<(d0)[s0, s1] -> (0, d0 * 16 + s0 - s1 - 6)>
// CHECK-DAG: #[[END:.*]] = affine_map<(d0)[s0, s1] -> (s0, d0 * 16 + s0 - s1 + 15)>
// CHECK-LABEL: tile.kernel @tighter(
func.func @tighter(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c3 = arith.constant 3 : index
    %c6 = arith.constant 6 : index
    %c8 = arith.constant 8 : index
    %after = arith.addi %p, %c3 : index
    %0 = arith.cmpi sle, %j, %after : index
    %1 = arith.cmpi slt, %j, %p : index
    %left = arith.subi %p, %c8 : index
    %2 = arith.cmpi sge, %j, %left : index
    %left2 = arith.subi %p, %c6 : index
    %3 = arith.cmpi sle, %left2, %j : index
    %4 = arith.andi %0, %1 : i1
    %5 = arith.andi %2, %3 : i1
    %keep = arith.andi %4, %5 : i1
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}
