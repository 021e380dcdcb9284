// Strengths of 2, which turn around what the state holds along a key, and forget nothing of
// what has been rounded: in two parts of bf16, on the emulator with its hazard checks.

// RUN: rm -rf %t && mkdir %t && %python %S/gates.py %t 200
// RUN: attn-run %s --device=emulator --check --hazards --shape q=200x1x64 --shape v=200x2x64 --shape cu_seqlens=3 --input k=%t/k.npy --input beta=%t/b.npy | FileCheck %s

// CHECK: compared o:
// CHECK-NOT: failed

!q = tensor<?x1x64xbf16>
!v = tensor<?x2x64xbf16>
!n = tensor<?x2xf32>

func.func @reflecting(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                      %v: !v {attn.name = "v"}, %beta: !n {attn.name = "beta"},
                      %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v erase(%beta : !n) write(%beta : !n) cu_seqlens(%cu : tensor<?xi32>)
      allow_neg_eigval
      : !q, !q, !v -> !v
  return %o : !v
}
