// Why the tensor cores do not take chunks of some tensors.

// RUN: split-file %s %t
// RUN: attn-opt %t/denominator.mlir --explain --ptxas=%S/Inputs/ptxas | FileCheck %t/denominator.mlir
// RUN: attn-opt %t/values.mlir --explain --ptxas=%S/Inputs/ptxas | FileCheck %t/values.mlir
// RUN: attn-opt %t/elements.mlir --explain --ptxas=%S/Inputs/ptxas | FileCheck %t/elements.mlir

//--- denominator.mlir

!q = tensor<?x?x2x128xbf16>
func.func @f(%q: !q {attn.name = "q"}) -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %q, %q denominator(1.0) : !q, !q, !q -> !q
  return %o : !q
}
// CHECK: block_kv = 64: expected keys of 64 channels for a denominator, got 128

//--- values.mlir

!q = tensor<?x?x2x64xbf16>
!v = tensor<?x?x2x96xbf16>
func.func @f(%q: !q {attn.name = "q"}, %v: !v {attn.name = "v"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %q, %v : !q, !q, !v -> !v
  return %o : !v
}
// CHECK: block_kv = 64: expected a multiple of 64 channels of values, got 96

//--- elements.mlir

!q = tensor<?x?x2x64xf32>
func.func @f(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"}) -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v : !q, !q, !q -> !q
  return %o : !q
}
// CHECK: block_kv = 64: expected elements of 16 bits, got f32
