// States of 16 bits around chunks: they are f32 in between, whatever the layout, and
// keys have fewer channels than values.

// RUN: attn-run %s --device=emulator --check --hazards --shape q=2x100x1x64 --shape k=2x100x1x64 --shape v=2x100x2x128 --shape g=2x100x2 --shape s0=2x2x64x128 | FileCheck %s

// CHECK: o: {{.*}}
// CHECK-NOT: WRONG

!q = tensor<?x?x1x64xbf16>
!v = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2xf32, #attn.gate<log>>
!s0 = tensor<?x2x64x128xf16, #attn.state<key_value>>
!s1 = tensor<?x2x128x64xbf16, #attn.state<value_key>>

func.func @narrow(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                  %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                  %s0: !s0 {attn.name = "s0"})
    -> (!v {attn.name = "o"}, !s1 {attn.name = "s1"}) {
  %o, %s1 = attn.recurrence %q, %k, %v decay(%g : !g) state(%s0 : !s0)
      : !q, !q, !v -> !v state(!s1)
  return %o, %s1 : !v, !s1
}
