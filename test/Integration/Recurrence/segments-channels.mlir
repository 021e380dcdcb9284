// Sequences whose channels decay on their own are cut into segments as well, on the
// emulator with its hazard checks: 25 chunks of two heads in six segments, from a state
// and to one, as where they are whole.

// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/segments.py %t 1590 channels
// RUN: attn-run %s --device=emulator --multiprocessors=1 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --output o=%t/o.npy --output s=%t/s.npy
// RUN: attn-run %s --device=emulator --hazards --multiprocessors=24 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --expect o=%t/o.npy --expect s=%t/s.npy | FileCheck %s
// RUN: %python %S/segments.py %t 600 channels
// RUN: attn-run %s --device=emulator --multiprocessors=1 --shape q=1x600x1x128 --shape v=1x600x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --output o=%t/o.npy --output s=%t/s.npy
// RUN: attn-run %s --device=emulator --hazards --multiprocessors=24 --shape q=1x600x1x128 --shape v=1x600x2x128 --shape s0=1x2x128x128 --input k=%t/k.npy --input g=%t/g.npy --expect o=%t/o.npy --expect s=%t/s.npy | FileCheck %s

// CHECK: compared o:
// CHECK: compared s:
// CHECK-NOT: failed

!q = tensor<?x?x1x128xbf16>
!v = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2x128xf32, #attn.gate<log>>
!s = tensor<?x2x128x128xf32, #attn.state<key_value>>

func.func @gated_linear(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                        %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                        %s0: !s {attn.name = "s0"})
    -> (!v {attn.name = "o"}, !s {attn.name = "s"}) {
  %o, %s = attn.recurrence %q, %k, %v decay(%g : !g) state(%s0 : !s)
      : !q, !q, !v -> !v state(!s)
  return %o, %s : !v, !s
}
