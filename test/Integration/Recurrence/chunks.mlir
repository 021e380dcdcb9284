// A gated delta rule in chunks, on the emulator with its hazard checks: sequences that
// are part of a chunk, and that end with one or behind, from states to start with.

// RUN: attn-run %S/Inputs/unit-keys.mlir --device=reference --shape x=2x65x2x128 --shape y=2x65x4 --output k=%t.k.npy --output beta=%t.beta.npy
// RUN: attn-run %s --device=emulator --check --hazards --input k=%t.k.npy --input beta=%t.beta.npy --shape q=2x65x2x128 --shape v=2x65x4x128 --shape g=2x65x4 --shape s0=2x4x128x128 | FileCheck %s
// RUN: attn-run %S/Inputs/unit-keys.mlir --device=reference --shape x=1x64x2x128 --shape y=1x64x4 --output k=%t.k.npy --output beta=%t.beta.npy
// RUN: attn-run %s --device=emulator --check --hazards --seed=2 --input k=%t.k.npy --input beta=%t.beta.npy --shape q=1x64x2x128 --shape v=1x64x4x128 --shape g=1x64x4 --shape s0=1x4x128x128 | FileCheck %s
// RUN: attn-run %S/Inputs/unit-keys.mlir --device=reference --shape x=1x250x2x128 --shape y=1x250x4 --output k=%t.k.npy --output beta=%t.beta.npy
// RUN: attn-run %s --device=emulator --check --hazards --seed=3 --input k=%t.k.npy --input beta=%t.beta.npy --shape q=1x250x2x128 --shape v=1x250x4x128 --shape g=1x250x4 --shape s0=1x4x128x128 | FileCheck %s

// CHECK-NOT: WRONG

!q = tensor<?x?x2x128xbf16>
!v = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4xf32, #attn.gate<log>>
!n = tensor<?x?x4xf32>
!s0 = tensor<?x4x128x128xf32, #attn.state<key_value>>

func.func @gated_delta(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                       %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                       %beta: !n {attn.name = "beta"}, %s0: !s0 {attn.name = "s0"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      state(%s0 : !s0) : !q, !q, !v -> !v
  return %o : !v
}
