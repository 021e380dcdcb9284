// RUN: attn-opt %s -verify-roundtrip | FileCheck %s
// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s -mlir-print-op-generic | attn-opt | FileCheck %s

// CHECK-LABEL: func @llama
// CHECK-SAME:    tensor<?x?x64x128xbf16> {attn.name = "q"}
// CHECK-SAME:    -> (tensor<?x?x64x128xbf16> {attn.name = "o"}, tensor<?x64x?xf32> {attn.name = "lse"})
func.func @llama(%q: tensor<?x?x64x128xbf16> {attn.name = "q"},
                 %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                 %v: tensor<?x?x8x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x64x128xbf16> {attn.name = "o"},
        tensor<?x64x?xf32> {attn.name = "lse"}) {
  // CHECK: attn.kv.dense %{{.*}}, %{{.*}} : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  // CHECK: attn.attention %{{.*}}, %{{.*}} mask(causal and window<1023, 0>) scale(0.0883883461)
  // CHECK-SAME: : tensor<?x?x64x128xbf16>, !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
  // CHECK-SAME: -> tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>
  %o, %lse = attn.attention %q, %kv mask(causal and window<1023, 0>)
      scale(0.088388346)
      : tensor<?x?x64x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>
  return %o, %lse : tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>
}

// Nothing but queries, keys and values; D and Dv differ; lengths are static.
// CHECK-LABEL: func @plain
func.func @plain(%q: tensor<2x77x4x192xf32>, %k: tensor<2x100x4x192xf32>,
                 %v: tensor<2x100x4x128xf32>) -> tensor<2x77x4x128xf32> {
  %kv = attn.kv.dense %k, %v : tensor<2x100x4x192xf32>, tensor<2x100x4x128xf32>
  // CHECK: attn.attention %{{.*}}, %{{.*}} : tensor<2x77x4x192xf32>, !attn.kv<
  %o = attn.attention %q, %kv
      : tensor<2x77x4x192xf32>,
        !attn.kv<tensor<2x100x4x192xf32>, tensor<2x100x4x128xf32>>
      -> tensor<2x77x4x128xf32>
  return %o : tensor<2x77x4x128xf32>
}

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @sink
// CHECK-SAME:    %[[SINKS:[a-z0-9]+]]: tensor<8xf32>)
func.func @sink(%q: !q, %k: !k, %v: !k, %sinks: tensor<8xf32>) -> (!q, !q) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: attn.attention %{{.*}}, %{{.*}} sink(%[[SINKS]] : tensor<8xf32>) :
  %0 = attn.attention %q, %kv sink(%sinks : tensor<8xf32>) : !q, !kv -> !q
  // CHECK: mask(causal) score(softcap<5.000000e+01>) scale(5.000000e-01) sink(%[[SINKS]] : tensor<8xf32>) :
  %1 = attn.attention %q, %kv mask(causal) score(softcap<50.0>) scale(0.5)
      sink(%sinks : tensor<8xf32>) : !q, !kv -> !q
  return %0, %1 : !q, !q
}

// CHECK-LABEL: func @mask_short_forms
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x?xi32>, %[[LENGTHS:[a-z0-9]+]]: tensor<?xi64>
func.func @mask_short_forms(%q: !q, %k: !k, %v: !k, %ids: tensor<?x?xi32>,
                            %lengths: tensor<?xi64>)
    -> (!q, !q, !q, !q, !q, !q, !q) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: mask(causal) :
  %0 = attn.attention %q, %kv mask(causal) : !q, !kv -> !q
  // CHECK: mask(window<inf, 0> or window<0, inf>) :
  %1 = attn.attention %q, %kv mask(window<inf, 0> or (window<0, inf>))
      : !q, !kv -> !q
  // CHECK: mask(first<4> or causal and chunk<8192>) :
  %2 = attn.attention %q, %kv mask(first<4> or (causal and chunk<8192>))
      : !q, !kv -> !q
  // CHECK: mask((first<4> or causal) and not chunk<8192>) :
  %3 = attn.attention %q, %kv mask((first<4> or causal) and not chunk<8192>)
      : !q, !kv -> !q
  // CHECK: mask(causal or prefix(%[[LENGTHS]] : tensor<?xi64>)) :
  %4 = attn.attention %q, %kv mask(causal or prefix(%lengths : tensor<?xi64>))
      : !q, !kv -> !q
  // CHECK: mask(not (not document(%[[IDS]] : tensor<?x?xi32>) or first<1>)) :
  %5 = attn.attention %q, %kv
      mask(not (not document(%ids : tensor<?x?xi32>) or first<1>))
      : !q, !kv -> !q
  // Equal words associate to the left.
  // CHECK: mask(causal and first<1> and (first<2> and first<3>)) :
  %6 = attn.attention %q, %kv
      mask(((causal) and first<1>) and (first<2> and first<3>))
      : !q, !kv -> !q
  return %0, %1, %2, %3, %4, %5, %6 : !q, !q, !q, !q, !q, !q, !q
}

// CHECK-LABEL: func @score_short_forms
func.func @score_short_forms(%q: !q, %k: !k, %v: !k, %slopes: tensor<8xf32>)
    -> (!q, !q) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: attn.attention %{{.*}}, %{{.*}} score(softcap<5.000000e+01>) scale(6.250000e-02) :
  %0 = attn.attention %q, %kv score(softcap<50.0>) scale(0.0625)
      : !q, !kv -> !q
  // CHECK: mask(causal) score(alibi(%{{.*}} : tensor<8xf32>), softcap<3.000000e+01>) :
  %1 = attn.attention %q, %kv mask(causal)
      score(alibi(%slopes : tensor<8xf32>), softcap<30.0>) : !q, !kv -> !q
  return %0, %1 : !q, !q
}

// A region that is what the short form builds is printed in it.
// CHECK-LABEL: func @regions_with_short_form
func.func @regions_with_short_form(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: mask(causal and not first<4>) score(softcap<5.000000e+01>) :
  %0 = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %true = arith.constant true
    %1 = attn.causal %p, %j
    %2 = attn.first<4> %j
    %3 = arith.xori %2, %true : i1
    %4 = arith.andi %1, %3 : i1
    attn.yield %4 : i1
  } score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %1 = attn.softcap<50.0> %x
    attn.yield %1 : f32
  } : !q, !kv -> !q
  return %0 : !q
}

// CHECK-LABEL: func @regions
func.func @regions(%q: !q, %k: !k, %v: !k, %ids: tensor<?x?xi32>,
                   %bias: tensor<8x?x?xbf16>) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK:      mask {
  // CHECK-NEXT: ^bb0(%b: index, %h: index, %p: index, %j: index):
  // CHECK-NEXT:   attn.causal %p, %j
  // CHECK-NEXT:   attn.window<16, inf> %p, %j
  // CHECK-NEXT:   attn.first<4> %j
  // CHECK-NEXT:   attn.chunk<64> %p, %j
  // CHECK-NEXT:   attn.document %{{.*}}, %b, %p, %j : tensor<?x?xi32>
  // CHECK-NEXT:   attn.read %{{.*}}[%b, %j] : tensor<?x?xi32>
  %0 = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %1 = attn.causal %p, %j
    %2 = attn.window<16, inf> %p, %j
    %3 = attn.first<4> %j
    %4 = attn.chunk<64> %p, %j
    %5 = attn.document %ids, %b, %p, %j : tensor<?x?xi32>
    %6 = attn.read %ids[%b, %j] : tensor<?x?xi32>
    %c7 = arith.constant 7 : i32
    %7 = arith.cmpi ne, %6, %c7 : i32
    %8 = arith.xori %1, %2 : i1
    %9 = arith.xori %3, %4 : i1
    %10 = arith.xori %5, %7 : i1
    %11 = arith.andi %8, %9 : i1
    %12 = arith.ori %10, %11 : i1
    // CHECK: attn.yield %{{.*}} : i1
    attn.yield %12 : i1
  // CHECK:      score {
  // CHECK-NEXT: ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
  } score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    // CHECK: attn.read %{{.*}}[%h, %p, %j] covers : tensor<8x?x?xbf16>
    %1 = attn.read %bias[%h, %p, %j] covers : tensor<8x?x?xbf16>
    %2 = arith.extf %1 : bf16 to f32
    %3 = arith.addf %x, %2 : f32
    %4 = math.tanh %3 : f32
    // CHECK: attn.yield %{{.*}} : f32
    attn.yield %4 : f32
  } : !q, !kv -> !q
  return %0 : !q
}

// What looks like a short form but is not: another order, arguments swapped,
// an attribute, two uses, an argument yielded.
// CHECK-LABEL: func @no_short_form
func.func @no_short_form(%q: !q, %k: !k, %v: !k, %slopes: tensor<8xf32>)
    -> (!q, !q, !q, !q, !q, !q) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: mask {
  %0 = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %second = attn.first<4> %j
    %first = attn.causal %p, %j
    %third = arith.andi %first, %second : i1
    attn.yield %third : i1
  } : !q, !kv -> !q
  // CHECK: mask {
  %1 = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %first = attn.causal %j, %p
    attn.yield %first : i1
  } : !q, !kv -> !q
  // CHECK: mask {
  %2 = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %first = attn.causal %p, %j {note}
    attn.yield %first : i1
  } : !q, !kv -> !q
  // CHECK: mask {
  %3 = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %first = attn.causal %p, %j
    %second = arith.andi %first, %first : i1
    attn.yield %second : i1
  } : !q, !kv -> !q
  // CHECK: score {
  %4 = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    attn.yield %x : f32
  } : !q, !kv -> !q
  // CHECK: score {
  %5 = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %first = attn.alibi %x, %slopes, %h, %j, %p : tensor<8xf32>
    attn.yield %first : f32
  } : !q, !kv -> !q
  return %0, %1, %2, %3, %4, %5 : !q, !q, !q, !q, !q, !q
}

// CHECK-LABEL: func @block_lists
func.func @block_lists(%q: tensor<2x300x8x64xf16>, %k: !k, %v: !k, %n: tensor<2x8x3xi32>, %columns: tensor<2x8x3x9xi32>,
                       %m: tensor<1x1x?xi32>, %whole: tensor<1x1x?x?xi32>)
    -> (tensor<2x300x8x64xf16>, tensor<2x300x8x64xf16>) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK: mask(causal) blocks<128, 64> partial(%{{.*}}, %{{.*}} : tensor<2x8x3xi32>, tensor<2x8x3x9xi32>)
  // CHECK-SAME: full(%{{.*}}, %{{.*}} : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) : tensor
  %0 = attn.attention %q, %kv mask(causal) blocks<128, 64>
      partial(%n, %columns : tensor<2x8x3xi32>, tensor<2x8x3x9xi32>)
      full(%m, %whole : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>)
      : tensor<2x300x8x64xf16>, !kv -> tensor<2x300x8x64xf16>
  // CHECK: attn.attention %{{.*}}, %{{.*}} blocks<64, 1> full(%{{.*}}, %{{.*}} : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) : tensor
  %1 = attn.attention %q, %kv blocks<64, 1>
      full(%m, %whole : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>)
      : tensor<2x300x8x64xf16>, !kv -> tensor<2x300x8x64xf16>
  return %0, %1 : tensor<2x300x8x64xf16>, tensor<2x300x8x64xf16>
}

// Packed sequences, with keys of their own lengths.
!packed_q = tensor<?x8x64xf16>
!packed_k = tensor<?x2x64xf16>
// CHECK-LABEL: func @packed
func.func @packed(%q: !packed_q, %k: !packed_k, %v: tensor<?x2x32xf16>,
                  %cu_q: tensor<?xi32>, %cu_k: tensor<5xi32>, %ids: tensor<?xi32>,
                  %sink: tensor<8xf32>) -> (tensor<?x8x32xf16>, tensor<8x?xf32>) {
  // CHECK: attn.kv.varlen %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x2x64xf16>, tensor<?x2x32xf16>, tensor<5xi32>
  %kv = attn.kv.varlen %k, %v, %cu_k : !packed_k, tensor<?x2x32xf16>, tensor<5xi32>
  // CHECK: attn.attention %{{.*}}, %{{.*}} cu_seqlens(%{{[a-z0-9]+}} : tensor<?xi32>)
  // CHECK-SAME: mask(causal and document(%{{[a-z0-9]+}} : tensor<?xi32>)) sink(%{{.*}} : tensor<8xf32>)
  // CHECK-SAME: -> tensor<?x8x32xf16>, tensor<8x?xf32>
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?xi32>)
      mask(causal and document(%ids : tensor<?xi32>)) sink(%sink : tensor<8xf32>)
      : !packed_q, !attn.kv<!packed_k, tensor<?x2x32xf16>> -> tensor<?x8x32xf16>, tensor<8x?xf32>
  return %o, %lse : tensor<?x8x32xf16>, tensor<8x?xf32>
}
