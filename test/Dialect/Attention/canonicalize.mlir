// RUN: attn-opt %s -canonicalize -split-input-file | FileCheck %s

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// A mask that keeps everything and a modifier that changes nothing go.
// CHECK-LABEL: func @trivial_regions
func.func @trivial_regions(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: attn.attention %{{.*}}, %{{.*}} : tensor
  %o = attn.attention %q, %kv mask(window<inf, inf> or first<8>) score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    attn.yield %x : f32
  } : !q, !kv -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @mask_ops
func.func @mask_ops(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: mask(causal and window<inf, 1>) :
  %o = attn.attention %q, %kv
      mask(window<inf, 0> and (window<inf, 1> or first<0>)) : !q, !kv -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>
!lse = tensor<?x8x?xf32>

// CHECK-LABEL: func @unused_lse
func.func @unused_lse(%q: !q, %k: !k, %v: !k) -> (!q, !lse) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: mask(causal) score(softcap<5.000000e+01>) scale(1.000000e+00) {note} : {{.*}} -> tensor<?x?x8x64xf16>{{$}}
  %o, %unused = attn.attention %q, %kv mask(causal) score(softcap<50.0>)
      scale(1.0) {note} : !q, !kv -> !q, !lse
  // CHECK: attn.attention {{.*}} -> tensor<?x?x8x64xf16>, tensor<?x8x?xf32>
  %unused2, %lse = attn.attention %q, %kv : !q, !kv -> !q, !lse
  return %o, %lse : !q, !lse
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// Constants stay in the region.
// CHECK-LABEL: func @constants
// CHECK-NOT:   arith.constant
// CHECK:       mask {
// CHECK:         arith.constant 5 : index
func.func @constants(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c5 = arith.addi %c2, %c3 : index
    %0 = arith.cmpi slt, %j, %c5 : index
    attn.yield %0 : i1
  } : !q, !kv -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @dead
// CHECK-NEXT:    return
func.func @dead(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(causal) : !q, !kv -> !q
  return
}

// -----

// An lse that nobody reads goes, and nothing else does.
!q = tensor<?x8x64xf16>
!k = tensor<?x2x64xf16>

// CHECK-LABEL: func @unused_lse
// CHECK:         attn.attention %{{.*}}, %{{.*}} cu_seqlens(%{{[a-z0-9]+}} : tensor<?xi32>)
// CHECK-SAME:      mask(causal) score(softcap<5.000000e+00>) scale(5.000000e-01)
// CHECK-SAME:      sink(%{{.*}} : tensor<8xf32>) {note}
// CHECK-SAME:      -> tensor<?x8x64xf16>
// CHECK-NOT:       tensor<8x?xf32>
func.func @unused_lse(%q: !q, %k: !k, %cu: tensor<?xi32>, %s: tensor<8xf32>) -> !q {
  %kv = attn.kv.varlen %k, %k, %cu : !k, !k, tensor<?xi32>
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>) mask(causal)
      score(softcap<5.0>) scale(0.5) sink(%s : tensor<8xf32>) {note}
      : !q, !attn.kv<!k, !k> -> !q, tensor<8x?xf32>
  return %o : !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>
!lse = tensor<?x8x?xf32>

// What else an attention has stays where lse goes.
// CHECK-LABEL: func @unused_lse_of_lists
func.func @unused_lse_of_lists(%q: !q, %k: !k, %v: !k, %s: tensor<8xf32>, %n: tensor<1x1x?xi32>,
                      %columns: tensor<1x1x?x?xi32>) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: attn.attention %{{.*}}, %{{.*}} mask(causal) scale(5.000000e-01) sink(%{{.*}} : tensor<8xf32>)
  // CHECK-SAME: blocks<128, 64> partial(%{{.*}}, %{{.*}} : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) {note}
  // CHECK-SAME: -> tensor<?x?x8x64xf16>{{$}}
  %o, %lse = attn.attention %q, %kv mask(causal) scale(0.5) sink(%s : tensor<8xf32>)
      blocks<128, 64> partial(%n, %columns : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) {note}
      : !q, !kv -> !q, !lse
  return %o : !q
}
