// RUN: attn-opt %s -attn-lower-mask-ops -split-input-file | FileCheck %s

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @causal_and_window
// CHECK:         mask {
// CHECK-NEXT:    ^bb0(%b: index, %h: index, %p: index, %j: index):
// CHECK-NEXT:      %[[CAUSAL:.*]] = arith.cmpi sle, %j, %p : index
// CHECK-NEXT:      %[[LEFT:.*]] = arith.constant 1023 : index
// CHECK-NEXT:      %[[LEAST:.*]] = arith.subi %p, %[[LEFT]] : index
// CHECK-NEXT:      %[[AFTER:.*]] = arith.cmpi sge, %j, %[[LEAST]] : index
// CHECK-NEXT:      %[[BEFORE:.*]] = arith.cmpi sle, %j, %p : index
// CHECK-NEXT:      %[[WINDOW:.*]] = arith.andi %[[AFTER]], %[[BEFORE]] : i1
// CHECK-NEXT:      %[[KEEP:.*]] = arith.andi %[[CAUSAL]], %[[WINDOW]] : i1
// CHECK-NEXT:      attn.yield %[[KEEP]] : i1
func.func @causal_and_window(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(causal and window<1023, 0>) : !q, !kv -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// Infinite sides leave no comparison.
// CHECK-LABEL: func @infinite_windows
func.func @infinite_windows(%q: !q, %k: !k, %v: !k) -> (!q, !q, !q) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK:      mask {
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT:   %[[KEEP:.*]] = arith.cmpi sge, %j, %p : index
  // CHECK-NEXT:   attn.yield %[[KEEP]] : i1
  %0 = attn.attention %q, %kv mask(window<0, inf>) : !q, !kv -> !q
  // CHECK:      mask {
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT:   %[[RIGHT:.*]] = arith.constant 16 : index
  // CHECK-NEXT:   %[[MOST:.*]] = arith.addi %p, %[[RIGHT]] : index
  // CHECK-NEXT:   %[[KEEP:.*]] = arith.cmpi sle, %j, %[[MOST]] : index
  // CHECK-NEXT:   attn.yield %[[KEEP]] : i1
  %1 = attn.attention %q, %kv mask(window<inf, 16>) : !q, !kv -> !q
  // CHECK:      mask {
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT:   %[[KEEP:.*]] = arith.constant true
  // CHECK-NEXT:   attn.yield %[[KEEP]] : i1
  %2 = attn.attention %q, %kv mask(window<inf, inf>) : !q, !kv -> !q
  return %0, %1, %2 : !q, !q, !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @first_and_chunk
// CHECK:         %[[COUNT:.*]] = arith.constant 4 : index
// CHECK-NEXT:    arith.cmpi slt, %j, %[[COUNT]] : index
// CHECK-NEXT:    %[[SIZE:.*]] = arith.constant 8192 : index
// CHECK-NEXT:    %[[OWN:.*]] = arith.floordivsi %p, %[[SIZE]] : index
// CHECK-NEXT:    %[[OTHER:.*]] = arith.floordivsi %j, %[[SIZE]] : index
// CHECK-NEXT:    arith.cmpi eq, %[[OTHER]], %[[OWN]] : index
func.func @first_and_chunk(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(first<4> and chunk<8192>) : !q, !kv -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @prefix
func.func @prefix(%q: !q, %k: !k, %v: !k, %n: tensor<?xi32>,
                  %m: tensor<?xindex>) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  // CHECK:      %[[READ:.*]] = attn.read %{{.*}}[%b] covers : tensor<?xi32>
  // CHECK-NEXT: %[[LENGTH:.*]] = arith.index_cast %[[READ]] : i32 to index
  // CHECK-NEXT: arith.cmpi slt, %j, %[[LENGTH]] : index
  // CHECK-NEXT: %[[LENGTH:.*]] = attn.read %{{.*}}[%b] covers : tensor<?xindex>
  // CHECK-NEXT: arith.cmpi slt, %j, %[[LENGTH]] : index
  %o = attn.attention %q, %kv
      mask(prefix(%n : tensor<?xi32>) or prefix(%m : tensor<?xindex>))
      : !q, !kv -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @document
// CHECK:         %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-NEXT:    %[[INSIDE:.*]] = arith.cmpi sge, %p, %[[ZERO]] : index
// CHECK-NEXT:    %[[OWN:.*]] = attn.read %{{.*}}[%b, %p] covers : tensor<?x?xi32>
// CHECK-NEXT:    %[[OTHER:.*]] = attn.read %{{.*}}[%b, %j] covers : tensor<?x?xi32>
// CHECK-NEXT:    %[[SAME:.*]] = arith.cmpi eq, %[[OTHER]], %[[OWN]] : i32
// CHECK-NEXT:    arith.andi %[[INSIDE]], %[[SAME]] : i1
func.func @document(%q: !q, %k: !k, %v: !k, %ids: tensor<?x?xi32>) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(document(%ids : tensor<?x?xi32>))
      : !q, !kv -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// Ids are packed as the keys are.
// CHECK-LABEL: func @packed_document
// CHECK-SAME:      %{{.*}}, %[[K:.*]]: tensor<?x2x64xf16>, %[[CU_Q:.*]]: tensor<?xi32>, %[[CU_K:.*]]: tensor<?xi32>, %[[IDS:.*]]: tensor<?xi32>)
// CHECK:         %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-NEXT:    %[[INSIDE:.*]] = arith.cmpi sge, %p, %[[ZERO]] : index
// CHECK-NEXT:    %[[ROW:.*]] = attn.read %[[CU_K]][%b] : tensor<?xi32>
// CHECK-NEXT:    %[[FIRST:.*]] = arith.index_cast %[[ROW]] : i32 to index
// CHECK-NEXT:    %[[P:.*]] = arith.addi %p, %[[FIRST]] : index
// CHECK-NEXT:    %[[OWN:.*]] = attn.read %[[IDS]][%[[P]]] covers : tensor<?xi32>
// CHECK-NEXT:    %[[J:.*]] = arith.addi %j, %[[FIRST]] : index
// CHECK-NEXT:    %[[OTHER:.*]] = attn.read %[[IDS]][%[[J]]] covers : tensor<?xi32>
// CHECK-NEXT:    %[[SAME:.*]] = arith.cmpi eq, %[[OTHER]], %[[OWN]] : i32
// CHECK-NEXT:    arith.andi %[[INSIDE]], %[[SAME]] : i1
func.func @packed_document(%q: tensor<?x8x64xf16>, %k: tensor<?x2x64xf16>, %cu_q: tensor<?xi32>,
                           %cu_k: tensor<?xi32>, %ids: tensor<?xi32>) -> tensor<?x8x64xf16> {
  %kv = attn.kv.varlen %k, %k, %cu_k : tensor<?x2x64xf16>, tensor<?x2x64xf16>, tensor<?xi32>
  %o = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?xi32>) mask(document(%ids : tensor<?xi32>))
      : tensor<?x8x64xf16>, !attn.kv<tensor<?x2x64xf16>, tensor<?x2x64xf16>> -> tensor<?x8x64xf16>
  return %o : tensor<?x8x64xf16>
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @score
// CHECK:         score {
// CHECK-NEXT:    ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
// CHECK-NEXT:      %[[INVERSE:.*]] = arith.constant 2.000000e-02 : f32
// CHECK-NEXT:      %[[SHARE:.*]] = arith.mulf %x, %[[INVERSE]] fastmath<reassoc> : f32
// CHECK-NEXT:      %[[TANH:.*]] = math.tanh %[[SHARE]] fastmath<afn> : f32
// CHECK-NEXT:      %[[CAP:.*]] = arith.constant 5.000000e+01 : f32
// CHECK-NEXT:      %[[CAPPED:.*]] = arith.mulf %[[TANH]], %[[CAP]] fastmath<reassoc> : f32
// CHECK-NEXT:      %[[SLOPE:.*]] = attn.read %{{.*}}[%h] covers : tensor<8xf32>
// CHECK-NEXT:      %[[OFFSET:.*]] = arith.subi %p, %j : index
// CHECK-NEXT:      %[[INT:.*]] = arith.index_cast %[[OFFSET]] : index to i64
// CHECK-NEXT:      %[[REAL:.*]] = arith.sitofp %[[INT]] : i64 to f32
// CHECK-NEXT:      %[[DISTANCE:.*]] = math.absf %[[REAL]] : f32
// CHECK-NEXT:      %[[BIAS:.*]] = arith.mulf %[[SLOPE]], %[[DISTANCE]] fastmath<reassoc> : f32
// CHECK-NEXT:      %[[Y:.*]] = arith.subf %[[CAPPED]], %[[BIAS]] fastmath<reassoc> : f32
// CHECK-NEXT:      attn.yield %[[Y]] : f32
func.func @score(%q: !q, %k: !k, %v: !k, %slopes: tensor<8xf32>) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv
      score(softcap<50.0>, alibi(%slopes : tensor<8xf32>)) : !q, !kv -> !q
  return %o : !q
}

// A large cap magnifies what an approximation misses, and a tiny one has no
// inverse.
// CHECK-LABEL: func @caps
// CHECK:         math.tanh %{{.*}} : f32
// CHECK:         arith.divf %
// CHECK-NEXT:    math.tanh %{{.*}} fastmath<afn> : f32
func.func @caps(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv score(softcap<100.0>, softcap<1.0e-40>)
      : !q, !kv -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!kv = !attn.kv<!k, !k>

// Nothing to do: arithmetic is left as it is, and not even folded.
// CHECK-LABEL: func @nothing
// CHECK:         mask {
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-NEXT:      %[[SUM:.*]] = arith.addi %p, %[[ZERO]] : index
// CHECK-NEXT:      %[[KEEP:.*]] = arith.cmpi sle, %j, %[[SUM]] : index
// CHECK-NEXT:      attn.yield %[[KEEP]] : i1
// CHECK-NEXT:    } :
func.func @nothing(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c0 = arith.constant 0 : index
    %0 = arith.addi %p, %c0 : index
    %1 = arith.cmpi sle, %j, %0 : index
    attn.yield %1 : i1
  } : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func @span
// CHECK:         %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-NEXT:    %[[INSIDE:.*]] = arith.cmpi sge, %p, %[[ZERO]] : index
// CHECK-NEXT:    %[[OWN:.*]] = attn.read %{{.*}}[%b, %p] covers : tensor<?x?xi32>
// CHECK-NEXT:    %[[OTHER:.*]] = attn.read %{{.*}}[%b, %j] covers : tensor<?x?xi32>
// CHECK-NEXT:    %[[SAME:.*]] = arith.cmpi eq, %[[OTHER]], %[[OWN]] : i32
// CHECK-NEXT:    %[[NONE:.*]] = arith.constant 0 : i32
// CHECK-NEXT:    %[[ANY:.*]] = arith.cmpi sge, %[[OWN]], %[[NONE]] : i32
// CHECK-NEXT:    %[[SEEN:.*]] = arith.andi %[[SAME]], %[[ANY]] : i1
// CHECK-NEXT:    arith.andi %[[INSIDE]], %[[SEEN]] : i1
func.func @span(%q: !q, %k: !k, %v: !k, %ids: tensor<?x?xi32>) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(span(%ids : tensor<?x?xi32>)) : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func @dilated_and_column
// CHECK:         %[[DISTANCE:.*]] = arith.subi %p, %j : index
// CHECK-NEXT:    %[[STEP:.*]] = arith.constant 4 : index
// CHECK-NEXT:    %[[REST:.*]] = arith.remsi %[[DISTANCE]], %[[STEP]] : index
// CHECK-NEXT:    %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-NEXT:    %[[DILATED:.*]] = arith.cmpi eq, %[[REST]], %[[ZERO]] : index
// CHECK-NEXT:    %[[STRETCH:.*]] = arith.constant 128 : index
// CHECK-NEXT:    %[[COLUMN:.*]] = arith.remsi %j, %[[STRETCH]] : index
// CHECK-NEXT:    %[[FIRST:.*]] = arith.constant 96 : index
// CHECK-NEXT:    %[[SUMMARY:.*]] = arith.cmpi sge, %[[COLUMN]], %[[FIRST]] : index
// CHECK-NEXT:    arith.andi %[[DILATED]], %[[SUMMARY]] : i1
func.func @dilated_and_column(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(dilated<4> and column<128, 32>)
      : !q, !kv -> !q
  return %o : !q
}

// What counts the queries has no positions to be taken apart into.
// CHECK-LABEL: func @counts_queries
// CHECK:         mask(bits(%{{.*}} : tensor<?x?x?xi32>))
func.func @counts_queries(%q: !q, %k: !k, %v: !k, %words: tensor<?x?x?xi32>) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(bits(%words : tensor<?x?x?xi32>)) : !q, !kv -> !q
  return %o : !q
}
