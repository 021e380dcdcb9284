// Strengths of 2, which turn around what the state holds along a key, and forget nothing of
// what has been rounded, where nothing decays and keys are alike, so that entries of the
// inverse are large. All that the state follows from is of two parts of 16 bits: it is
// within 1e-4, which one part misses by far. On the emulator with its hazard checks.

// RUN: rm -rf %t && split-file %s %t && %python %S/gates.py %t 200
// RUN: attn-run %t/tokens.mlir --device=emulator --check --hazards --shape q=200x1x64 --shape v=200x2x64 --shape s0=2x2x64x64 --shape cu_seqlens=3 --input k=%t/alike.npy --input beta=%t/b.npy | FileCheck %s
// RUN: attn-run %t/channels.mlir --device=emulator --check --hazards --shape q=200x1x64 --shape v=200x2x64 --shape s0=2x2x64x64 --shape cu_seqlens=3 --input k=%t/alike.npy --input g=%t/zeros.npy --input beta=%t/b.npy | FileCheck %s

// CHECK: compared o:
// CHECK: compared s: relative error {{[0-9.]+e-05}} of 0.004 allowed
// CHECK-NOT: failed

//--- tokens.mlir

!q = tensor<?x1x64xbf16>
!v = tensor<?x2x64xbf16>
!n = tensor<?x2xf32>
!s = tensor<?x2x64x64xf32, #attn.state<key_value>>

func.func @reflecting(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                      %v: !v {attn.name = "v"}, %beta: !n {attn.name = "beta"},
                      %s0: !s {attn.name = "s0"},
                      %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!v {attn.name = "o"}, !s {attn.name = "s"}) {
  %o, %s = attn.recurrence %q, %k, %v erase(%beta : !n) write(%beta : !n)
      state(%s0 : !s) cu_seqlens(%cu : tensor<?xi32>) allow_neg_eigval
      : !q, !q, !v -> !v state(!s)
  return %o, %s : !v, !s
}

//--- channels.mlir

!q = tensor<?x1x64xbf16>
!v = tensor<?x2x64xbf16>
!g = tensor<?x2x64xf32, #attn.gate<log>>
!n = tensor<?x2xf32>
!s = tensor<?x2x64x64xf32, #attn.state<key_value>>

func.func @reflecting(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                      %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                      %beta: !n {attn.name = "beta"},
                      %s0: !s {attn.name = "s0"},
                      %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!v {attn.name = "o"}, !s {attn.name = "s"}) {
  %o, %s = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      state(%s0 : !s) cu_seqlens(%cu : tensor<?xi32>) allow_neg_eigval
      : !q, !q, !v -> !v state(!s)
  return %o, %s : !v, !s
}
