// RUN: attn-opt %s -verify-roundtrip | FileCheck %s
// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s -mlir-print-op-generic | attn-opt | FileCheck %s

!qk = tensor<?x?x16x128xbf16>
!v = tensor<?x?x32x128xbf16>
!g = tensor<?x?x32xf32, #attn.gate<log>>
!b = tensor<?x?x32xf32>
!s = tensor<?x32x128x128xf32, #attn.state<key_value>>

// Nothing but queries, keys and values.
// CHECK-LABEL: func @plain
func.func @plain(%q: tensor<2x5x4x8xf32>, %v: tensor<2x5x4x6xf32>)
    -> tensor<2x5x4x6xf32> {
  // CHECK: attn.recurrence %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x5x4x8xf32>, tensor<2x5x4x8xf32>, tensor<2x5x4x6xf32> -> tensor<2x5x4x6xf32>
  %o = attn.recurrence %q, %q, %v
      : tensor<2x5x4x8xf32>, tensor<2x5x4x8xf32>, tensor<2x5x4x6xf32>
      -> tensor<2x5x4x6xf32>
  return %o : tensor<2x5x4x6xf32>
}

// CHECK-LABEL: func @gated_delta_net
func.func @gated_delta_net(%q: !qk, %k: !qk, %v: !v, %g: !g, %beta: !b, %s0: !s)
    -> (!v, !s) {
  // CHECK: decay(%{{.*}} : tensor<?x?x32xf32, #attn.gate<log>>) erase(%{{.*}} : tensor<?x?x32xf32>) write(%{{.*}} : tensor<?x?x32xf32>)
  // CHECK-SAME: state(%{{.*}} : tensor<?x32x128x128xf32, #attn.state<key_value>>) l2_normalize(9.99999997E-7) :
  // CHECK-SAME: -> tensor<?x?x32x128xbf16> state(tensor<?x32x128x128xf32, #attn.state<key_value>>)
  %o, %s = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !b)
      write(%beta : !b) state(%s0 : !s) l2_normalize(1.0e-06)
      : !qk, !qk, !v -> !v state(!s)
  return %o, %s : !v, !s
}

// The layouts of the initial and the final state differ.
// CHECK-LABEL: func @layouts
func.func @layouts(%q: !qk, %v: !v, %s0: !s)
    -> tensor<?x32x128x128xbf16, #attn.state<value_key>> {
  // CHECK: state(%{{.*}} : tensor<?x32x128x128xf32, #attn.state<key_value>>) :
  // CHECK-SAME: state(tensor<?x32x128x128xbf16, #attn.state<value_key>>)
  %o, %s = attn.recurrence %q, %q, %v state(%s0 : !s) : !qk, !qk, !v
      -> !v state(tensor<?x32x128x128xbf16, #attn.state<value_key>>)
  return %s : tensor<?x32x128x128xbf16, #attn.state<value_key>>
}

// CHECK-LABEL: func @constant_decay
func.func @constant_decay(%q: !qk, %v: !v) -> !v {
  %g = arith.constant dense<0.9> : tensor<32xf32, #attn.gate<linear>>
  // CHECK: decay(%{{.*}} : tensor<32xf32, #attn.gate<linear>>) scale(1.000000e+00) :
  %o = attn.recurrence %q, %q, %v
      decay(%g : tensor<32xf32, #attn.gate<linear>>) scale(1.0)
      : !qk, !qk, !v -> !v
  return %o : !v
}

// Every token erases along a direction of its own from the state in front of the
// decay; heads of the key and of the value.
// CHECK-LABEL: func @erase_direction
func.func @erase_direction(%q: !qk, %v: !v, %g: tensor<?x?x32x128xf32, #attn.gate<log>>,
                           %a: !v) -> !v {
  // CHECK: erase_key(%{{.*}} : tensor<?x?x16x128xbf16>) erase_direction(%{{.*}} : tensor<?x?x32x128xbf16>) before_decay :
  %o = attn.recurrence %q, %q, %v
      decay(%g : tensor<?x?x32x128xf32, #attn.gate<log>>)
      erase_key(%q : !qk) erase_direction(%a : !v) before_decay
      : !qk, !qk, !v -> !v
  return %o : !v
}

// Strengths of erasing up to 2.
// CHECK-LABEL: func @reflections
func.func @reflections(%q: !qk, %v: !v, %b: tensor<?x?x32xf32>) -> !v {
  // CHECK: write(%{{.*}} : tensor<?x?x32xf32>) allow_neg_eigval :
  %o = attn.recurrence %q, %q, %v
      erase(%b : tensor<?x?x32xf32>) write(%b : tensor<?x?x32xf32>) allow_neg_eigval
      : !qk, !qk, !v -> !v
  return %o : !v
}

// CHECK-LABEL: func @bonus
func.func @bonus(%q: !qk, %v: !v, %u: tensor<16x128xf32>) -> !v {
  // CHECK: bonus(%{{.*}} : tensor<16x128xf32>) :
  %o = attn.recurrence %q, %q, %v bonus(%u : tensor<16x128xf32>)
      : !qk, !qk, !v -> !v
  return %o : !v
}

// CHECK-LABEL: func @denominator
func.func @denominator(%q: !qk, %v: !v, %z0: tensor<?x32x128xf32>)
    -> (!v, tensor<?x32x128xf32>) {
  // CHECK: denominator(1.000000e-10) normalizer(%{{.*}} : tensor<?x32x128xf32>) :
  // CHECK-SAME: -> tensor<?x?x32x128xbf16> normalizer(tensor<?x32x128xf32>)
  %o, %z = attn.recurrence %q, %q, %v denominator(1.0e-10)
      normalizer(%z0 : tensor<?x32x128xf32>)
      : !qk, !qk, !v -> !v normalizer(tensor<?x32x128xf32>)
  return %o, %z : !v, tensor<?x32x128xf32>
}

// Two writes for each token.
// CHECK-LABEL: func @micro_steps
func.func @micro_steps(%q: tensor<1x5x2x8xf32>, %k: tensor<1x10x2x8xf32>,
                       %v: tensor<1x10x2x4xf32>, %beta: tensor<1x10x2xf32>)
    -> tensor<1x5x2x4xf32> {
  // CHECK: micro_steps(2) :
  %o = attn.recurrence %q, %k, %v erase(%beta : tensor<1x10x2xf32>)
      write(%beta : tensor<1x10x2xf32>) micro_steps(2)
      : tensor<1x5x2x8xf32>, tensor<1x10x2x8xf32>, tensor<1x10x2x4xf32>
      -> tensor<1x5x2x4xf32>
  return %o : tensor<1x5x2x4xf32>
}

// CHECK-LABEL: func @pool
func.func @pool(%q: tensor<?x2x8xf32>, %v: tensor<?x2x8xf32>,
                %pool: tensor<?x2x8x8xf32, #attn.state<value_key>>,
                %slots: tensor<?xi32>, %cu: tensor<?xi32>)
    -> tensor<?x2x8x8xf32, #attn.state<value_key>> {
  // CHECK: state(%{{.*}} : tensor<?x2x8x8xf32, #attn.state<value_key>>) slots(%{{.*}} : tensor<?xi32>) cu_seqlens(%{{.*}} : tensor<?xi32>) :
  %o, %s = attn.recurrence %q, %q, %v
      state(%pool : tensor<?x2x8x8xf32, #attn.state<value_key>>)
      slots(%slots : tensor<?xi32>) cu_seqlens(%cu : tensor<?xi32>)
      : tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>
      -> tensor<?x2x8xf32> state(tensor<?x2x8x8xf32, #attn.state<value_key>>)
  return %s : tensor<?x2x8x8xf32, #attn.state<value_key>>
}

// CHECK-LABEL: func @drafts
func.func @drafts(%q: tensor<?x4x2x8xf32>, %v: tensor<?x4x2x6xf32>)
    -> tensor<?x4x2x6x8xbf16, #attn.state<value_key>> {
  // CHECK: attn.recurrence %{{.*}}, %{{.*}}, %{{.*}} scale(1.000000e+00) keep_every(1) :
  // CHECK-SAME: -> tensor<?x4x2x6xf32> kept(tensor<?x4x2x6x8xbf16, #attn.state<value_key>>)
  %o, %kept = attn.recurrence %q, %q, %v scale(1.0) keep_every(1)
      : tensor<?x4x2x8xf32>, tensor<?x4x2x8xf32>, tensor<?x4x2x6xf32>
      -> tensor<?x4x2x6xf32> kept(tensor<?x4x2x6x8xbf16, #attn.state<value_key>>)
  return %kept : tensor<?x4x2x6x8xbf16, #attn.state<value_key>>
}

// Seven of 100 tokens are multiples of 13.
// CHECK-LABEL: func @checkpoints
func.func @checkpoints(%q: tensor<100x2x8xf32>, %v: tensor<100x2x6xf32>, %cu: tensor<3xi32>)
    -> (tensor<2x2x8x6xf32, #attn.state<key_value>>,
        tensor<7x2x8x6xf32, #attn.state<key_value>>) {
  // CHECK: cu_seqlens(%{{.*}} : tensor<3xi32>) keep_every(13) :
  // CHECK-SAME: state(tensor<2x2x8x6xf32, #attn.state<key_value>>) kept(tensor<7x2x8x6xf32, #attn.state<key_value>>)
  %o, %s, %kept = attn.recurrence %q, %q, %v cu_seqlens(%cu : tensor<3xi32>) keep_every(13)
      : tensor<100x2x8xf32>, tensor<100x2x8xf32>, tensor<100x2x6xf32>
      -> tensor<100x2x6xf32> state(tensor<2x2x8x6xf32, #attn.state<key_value>>)
         kept(tensor<7x2x8x6xf32, #attn.state<key_value>>)
  return %s, %kept : tensor<2x2x8x6xf32, #attn.state<key_value>>,
                     tensor<7x2x8x6xf32, #attn.state<key_value>>
}

// CHECK-LABEL: func @backward
func.func @backward(%q: !qk, %k: !qk, %v: !v, %g: !g, %beta: !b, %s0: !s,
                    %do: !v, %ds: !s) -> (!qk, !qk, !v, !g, !b, !s) {
  // CHECK: attn.recurrence_backward %{{[^(]*}} decay(
  // CHECK-SAME: gradient(%{{.*}} : tensor<?x?x32x128xbf16>) state_gradient(%{{.*}} : tensor<?x32x128x128xf32, #attn.state<key_value>>)
  // CHECK-SAME: -> tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>, tensor<?x?x32x128xbf16> decay(tensor<?x?x32xf32, #attn.gate<log>>) erase(tensor<?x?x32xf32>) state(tensor<?x32x128x128xf32, #attn.state<key_value>>)
  %dq, %dk, %dv, %dg, %de, %ds0 = attn.recurrence_backward %q, %k, %v
      decay(%g : !g) erase(%beta : !b) write(%beta : !b) state(%s0 : !s)
      gradient(%do : !v) state_gradient(%ds : !s)
      : !qk, !qk, !v -> !qk, !qk, !v decay(!g) erase(!b) state(!s)
  return %dq, %dk, %dv, %dg, %de, %ds0 : !qk, !qk, !v, !g, !b, !s
}

// CHECK-LABEL: func @backward_denominator
func.func @backward_denominator(%q: !qk, %v: !v, %z: tensor<?x32x128xf32>)
    -> tensor<?x32x128xf32> {
  // CHECK: gradient(%{{.*}} : tensor<?x?x32x128xbf16>) normalizer_gradient(%{{.*}} : tensor<?x32x128xf32>)
  // CHECK-SAME: normalizer(tensor<?x32x128xf32>)
  %dq, %dk, %dv, %dz = attn.recurrence_backward %q, %q, %v denominator(0.0)
      normalizer(%z : tensor<?x32x128xf32>) gradient(%v : !v)
      normalizer_gradient(%z : tensor<?x32x128xf32>)
      : !qk, !qk, !v -> !qk, !qk, !v normalizer(tensor<?x32x128xf32>)
  return %dz : tensor<?x32x128xf32>
}
