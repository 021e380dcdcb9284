// Queries and keys that a recurrence in chunks normalises itself, on the emulator with its
// hazard checks: of decays of heads and of channels, whose rows are read once more for their
// lengths.

// RUN: attn-opt %s --emit=tile | FileCheck %s --check-prefix=TILE
// RUN: attn-run %s --device=emulator --check --hazards --shape q=2x150x2x128 --shape k=2x150x2x128 --shape v=2x150x4x128 --shape g=2x150x4 --shape beta=2x150x4 | FileCheck %s
// RUN: attn-run %s --device=emulator --check --hazards --seed=2 --multiprocessors=32 --shape q=1x700x2x128 --shape k=1x700x2x128 --shape v=1x700x4x128 --shape g=1x700x4 --shape beta=1x700x4 | FileCheck %s

// TILE: vector.multi_reduction <add>
// TILE: math.rsqrt
// CHECK-NOT: WRONG

!q = tensor<?x?x2x128xbf16>
!v = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4xf32, #attn.gate<log>>
!n = tensor<?x?x4xf32>

func.func @gated_delta(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                       %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                       %beta: !n {attn.name = "beta"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      l2_normalize(1.0e-06) : !q, !q, !v -> !v
  return %o : !v
}
