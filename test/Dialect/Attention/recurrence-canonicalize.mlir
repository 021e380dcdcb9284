// RUN: attn-opt %s -canonicalize | FileCheck %s

!q = tensor<?x?x2x8xf32>
!v = tensor<?x?x2x6xf32>
!b = tensor<?x?x2xf32>
!s = tensor<?x2x8x6xf32, #attn.state<key_value>>
!z = tensor<?x2x8xf32>

// Nobody reads the final state.
// CHECK-LABEL: func @unused_state
func.func @unused_state(%q: !q, %v: !v) -> (!v, !z) {
  // CHECK: %[[O:.*]], %[[Z:.*]] = attn.recurrence
  // CHECK-SAME: scale(2.000000e+00) {tag} : {{.*}} -> tensor<?x?x2x6xf32> normalizer(tensor<?x2x8xf32>)
  // CHECK-NEXT: return %[[O]], %[[Z]]
  %o, %s, %z = attn.recurrence %q, %q, %v denominator(1.0) scale(2.0) {tag}
      : !q, !q, !v -> !v state(!s) normalizer(!z)
  return %o, %z : !v, !z
}

// Nobody reads the states of the drafts.
// CHECK-LABEL: func @unused_kept
func.func @unused_kept(%q: !q, %v: !v) -> (!v, !s) {
  // CHECK: %[[O:.*]], %[[S:.*]] = attn.recurrence
  // CHECK-NOT: keep_every
  // CHECK-SAME: -> tensor<?x?x2x6xf32> state(tensor<?x2x8x6xf32, #attn.state<key_value>>)
  // CHECK-NEXT: return %[[O]], %[[S]]
  %o, %s, %k = attn.recurrence %q, %q, %v keep_every(1)
      : !q, !q, !v -> !v state(!s) kept(tensor<?x?x2x8x6xf32, #attn.state<key_value>>)
  return %o, %s : !v, !s
}

// The output is always there.
// CHECK-LABEL: func @unused_output
func.func @unused_output(%q: !q, %v: !v) -> !s {
  // CHECK: %{{.*}}, %[[S:.*]] = attn.recurrence
  // CHECK-SAME: -> tensor<?x?x2x6xf32> state(
  // CHECK-NEXT: return %[[S]]
  %o, %s = attn.recurrence %q, %q, %v : !q, !q, !v -> !v state(!s)
  return %s : !s
}

// CHECK-LABEL: func @unused_gradient
func.func @unused_gradient(%q: !q, %v: !v, %b: !b) -> (!q, !b) {
  // CHECK: %{{.*}}, %[[K:.*]], %{{.*}}, %[[W:.*]] = attn.recurrence_backward
  // CHECK-SAME: -> tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x6xf32> write(tensor<?x?x2xf32>)
  // CHECK-NEXT: return %[[K]], %[[W]]
  %dq, %dk, %dv, %de, %dw = attn.recurrence_backward %q, %q, %v erase(%b : !b)
      write(%b : !b) gradient(%v : !v)
      : !q, !q, !v -> !q, !q, !v erase(!b) write(!b)
  return %dk, %dw : !q, !b
}
