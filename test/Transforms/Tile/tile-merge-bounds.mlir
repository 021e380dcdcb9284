// RUN: attn-opt %s -tile-merge-bounds | FileCheck %s
// Canonicalization removes the comparisons that are left over.

!s = vector<16x32xf32>

// A causal mask within the keys, with the operands of a comparison in either order.

// CHECK-LABEL: tile.kernel @both(
// CHECK: %[[N:.*]] = tile.dim
// CHECK: ^bb0(%[[P:.*]]: index, %[[J:.*]]: index):
// CHECK: %[[NEXT:.*]] = arith.addi %[[P]], %c1
// CHECK-NEXT: %[[END:.*]] = arith.minsi %[[NEXT]], %[[N]]
// CHECK-NEXT: %[[KEEP:.*]] = arith.cmpi slt, %[[J]], %[[END]]
// CHECK: tile.yield %[[KEEP]]
tile.kernel @both(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>}) schedule(<block_q = 16, block_kv = 32>) {
  %s = arith.constant dense<1.0> : !s
  %n = tile.dim %x[0] : !tile.view<?xf32>
  scf.forall (%t) in (%n) {
    %m = tile.mask %s query(%t) key(%t) : !s {
    ^bb0(%p: index, %j: index):
      %causal = arith.cmpi sge, %p, %j : index
      %inside = arith.cmpi slt, %j, %n : index
      %keep = arith.andi %causal, %inside : i1
      tile.yield %keep : i1
    }
  }
  tile.return
}

// A window within the keys: two upper bounds, two lower ones, and something else
// that stays as it is.

// CHECK-LABEL: tile.kernel @window(
// CHECK: ^bb0(%[[P:.*]]: index, %[[J:.*]]: index):
// CHECK-DAG: %[[EVEN:.*]] = arith.cmpi eq, %[[J]], %[[P]]
// CHECK-DAG: %[[FIRST:.*]] = arith.subi %[[P]], %c7
// CHECK: %[[END:.*]] = arith.minsi
// CHECK: %[[UPPER:.*]] = arith.cmpi slt, %[[J]], %[[END]]
// CHECK: %[[PAST:.*]] = arith.addi %c2, %c1
// CHECK: %[[BEGIN:.*]] = arith.maxsi %[[FIRST]], %[[PAST]]
// CHECK: %[[LOWER:.*]] = arith.cmpi sge, %[[J]], %[[BEGIN]]
// CHECK: %[[TWO:.*]] = arith.andi %[[EVEN]], %[[UPPER]]
// CHECK: %[[KEEP:.*]] = arith.andi %[[TWO]], %[[LOWER]]
// CHECK: tile.yield %[[KEEP]]
tile.kernel @window(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>}) schedule(<block_q = 16, block_kv = 32>) {
  %c2 = arith.constant 2 : index
  %c7 = arith.constant 7 : index
  %s = arith.constant dense<1.0> : !s
  %n = tile.dim %x[0] : !tile.view<?xf32>
  scf.forall (%t) in (%n) {
    %m = tile.mask %s query(%t) key(%t) : !s {
    ^bb0(%p: index, %j: index):
      %even = arith.cmpi eq, %j, %p : index
      %first = arith.subi %p, %c7 : index
      %causal = arith.cmpi sle, %j, %p : index
      %begun = arith.cmpi sge, %j, %first : index
      %past = arith.cmpi sgt, %j, %c2 : index
      %inside = arith.cmpi sgt, %n, %j : index
      %a = arith.andi %causal, %begun : i1
      %b = arith.andi %a, %even : i1
      %c = arith.andi %past, %inside : i1
      %keep = arith.andi %b, %c : i1
      tile.yield %keep : i1
    }
  }
  tile.return
}

// The keys of either of two: the larger bound. What is bounded by the key itself,
// or used elsewhere, is left alone.

// CHECK-LABEL: tile.kernel @either(
// CHECK: ^bb0(%[[P:.*]]: index, %[[J:.*]]: index):
// CHECK: %[[END:.*]] = arith.maxsi
// CHECK-NEXT: %[[UPPER:.*]] = arith.cmpi slt, %[[J]], %[[END]]
// CHECK: tile.yield %[[UPPER]]
// CHECK: ^bb0(%[[P:.*]]: index, %[[J:.*]]: index):
// CHECK-NOT: arith.minsi
// CHECK: tile.yield
tile.kernel @either(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>}) schedule(<block_q = 16, block_kv = 32>) {
  %c2 = arith.constant 2 : index
  %s = arith.constant dense<1.0> : !s
  %n = tile.dim %x[0] : !tile.view<?xf32>
  scf.forall (%t) in (%n) {
    %m = tile.mask %s query(%t) key(%t) : !s {
    ^bb0(%p: index, %j: index):
      %causal = arith.cmpi sle, %j, %p : index
      %prefix = arith.cmpi slt, %j, %n : index
      %keep = arith.ori %causal, %prefix : i1
      tile.yield %keep : i1
    }
    %o = tile.mask %s query(%t) key(%t) : !s {
    ^bb0(%p: index, %j: index):
      %twice = arith.muli %j, %c2 : index
      %own = arith.cmpi slt, %j, %twice : index
      %causal = arith.cmpi sle, %j, %p : index
      %inside = arith.cmpi slt, %j, %n : index
      %a = arith.andi %own, %causal : i1
      %b = arith.xori %inside, %causal : i1
      %c = arith.andi %a, %b : i1
      %keep = arith.andi %c, %inside : i1
      tile.yield %keep : i1
    }
  }
  tile.return
}
