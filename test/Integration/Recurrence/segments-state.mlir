// The state behind a sequence is that of its last segment, whose consumers are two
// warpgroups: as where the sequence is whole.

// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/segments.py %t 1000 mixed
// RUN: attn-run %s --device=emulator --multiprocessors=1 --shape q=1x1000x1x128 --shape v=1x1000x2x128 --input k=%t/k.npy --input g=%t/g.npy --input beta=%t/beta.npy --output o=%t/o.npy --output s=%t/s.npy
// RUN: attn-run %s --device=emulator --hazards --multiprocessors=12 --shape q=1x1000x1x128 --shape v=1x1000x2x128 --input k=%t/k.npy --input g=%t/g.npy --input beta=%t/beta.npy --expect o=%t/o.npy --expect s=%t/s.npy | FileCheck %s

// CHECK: compared o:
// CHECK: compared s:
// CHECK-NOT: failed

!q = tensor<?x?x1x128xbf16>
!v = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2xf32, #attn.gate<log>>
!n = tensor<?x?x2xf32>
!s = tensor<?x2x128x128xf32, #attn.state<key_value>>

func.func @gated_delta(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                       %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                       %beta: !n {attn.name = "beta"})
    -> (!v {attn.name = "o"}, !s {attn.name = "s"}) {
  %o, %s = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n) : !q, !q, !v -> !v state(!s)
  return %o, %s : !v, !s
}
