// Under a mask that ends at the query, the magnitude of a distance is the distance.

// RUN: attn-opt %s --attn-lower-mask-ops --attn-drop-magnitudes | FileCheck %s

!q = tensor<1x64x2x64xbf16>
!kv = !attn.kv<!q, !q>

// CHECK-LABEL: func.func @causal
// CHECK: arith.sitofp
// CHECK-NOT: math.absf
// CHECK: arith.subf
func.func @causal(%q: !q, %k: !q, %slopes: tensor<2xf32>) -> !q {
  %kv = attn.kv.dense %k, %k : !q, !q
  %o = attn.attention %q, %kv mask(causal and chunk<32>) score(alibi(%slopes : tensor<2xf32>)) : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func.func @window
// CHECK-NOT: math.absf
// CHECK: return
func.func @window(%q: !q, %k: !q, %slopes: tensor<2xf32>) -> !q {
  %kv = attn.kv.dense %k, %k : !q, !q
  %o = attn.attention %q, %kv mask(first<4> and causal or window<9, 0>) score(alibi(%slopes : tensor<2xf32>)) : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func.func @full
// CHECK: math.absf
func.func @full(%q: !q, %k: !q, %slopes: tensor<2xf32>) -> !q {
  %kv = attn.kv.dense %k, %k : !q, !q
  %o = attn.attention %q, %kv score(alibi(%slopes : tensor<2xf32>)) : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func.func @future
// CHECK: math.absf
func.func @future(%q: !q, %k: !q, %slopes: tensor<2xf32>) -> !q {
  %kv = attn.kv.dense %k, %k : !q, !q
  %o = attn.attention %q, %kv mask(causal or window<0, 1>) score(alibi(%slopes : tensor<2xf32>)) : !q, !kv -> !q
  return %o : !q
}

// Blocks of a list may be seen whole.
// CHECK-LABEL: func.func @listed
// CHECK: math.absf
func.func @listed(%q: !q, %k: !q, %slopes: tensor<2xf32>, %n: tensor<1x1x1xi32>, %blocks: tensor<1x1x1x1xi32>) -> !q {
  %kv = attn.kv.dense %k, %k : !q, !q
  %o = attn.attention %q, %kv mask(causal) score(alibi(%slopes : tensor<2xf32>)) blocks<64, 64> partial(%n, %blocks : tensor<1x1x1xi32>, tensor<1x1x1x1xi32>) full(%n, %blocks : tensor<1x1x1xi32>, tensor<1x1x1x1xi32>) : !q, !kv -> !q
  return %o : !q
}

// Nor is another magnitude one of a distance.
// CHECK-LABEL: func.func @score
// CHECK: math.absf
func.func @score(%q: !q, %k: !q) -> !q {
  %kv = attn.kv.dense %k, %k : !q, !q
  %o = attn.attention %q, %kv mask(causal) score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %y = math.absf %x : f32
    attn.yield %y : f32
  } : !q, !kv -> !q
  return %o : !q
}
