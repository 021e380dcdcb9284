// A gated delta rule whose sequence is cut into segments, on the emulator with its hazard
// checks: 25 chunks of two heads in six segments each, or 13 in three, where there are
// multiprocessors for them. Gates that keep everything, that keep something for long, and that forget at once; a stretch
// without decay in front of some segments of one head; and keys that let states grow.

// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/segments.py %t 780 0
// RUN: attn-run %s --device=emulator --check --hazards --multiprocessors=12 --shape q=1x780x1x128 --shape v=1x780x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --input beta=%t/beta.npy | FileCheck %s
// RUN: %python %S/segments.py %t 1590 -0.01
// RUN: attn-run %s --device=emulator --check --hazards --multiprocessors=12 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --input beta=%t/beta.npy | FileCheck %s
// RUN: %python %S/segments.py %t 1590 -1
// RUN: attn-run %s --device=emulator --check --hazards --multiprocessors=12 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --input beta=%t/beta.npy | FileCheck %s
// RUN: %python %S/segments.py %t 1590 -20
// RUN: attn-run %s --device=emulator --check --hazards --multiprocessors=12 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --input beta=%t/beta.npy | FileCheck %s
// RUN: %python %S/segments.py %t 1590 mixed
// RUN: attn-run %s --device=emulator --check --hazards --multiprocessors=12 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --input beta=%t/beta.npy | FileCheck %s
// RUN: %python %S/segments.py %t 1590 growing
// RUN: attn-run %s --device=emulator --check --hazards --multiprocessors=12 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --input beta=%t/beta.npy | FileCheck %s

// CHECK-NOT: WRONG

!q = tensor<?x?x1x128xbf16>
!v = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2xf32, #attn.gate<log>>
!n = tensor<?x?x2xf32>
!s = tensor<?x2x128x128xf32, #attn.state<key_value>>

func.func @gated_delta(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                       %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                       %beta: !n {attn.name = "beta"}, %s0: !s {attn.name = "s0"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      state(%s0 : !s) : !q, !q, !v -> !v
  return %o : !v
}
