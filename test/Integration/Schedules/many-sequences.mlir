// In steps of few sequences each warp has columns of its own, in those of many they share
// them: the bundle has a kernel for each, and a launch takes the one for the sequences that
// it has.

// RUN: attn-opt %s --emit=bundle --ptxas= -o %t.bundle
// RUN: strings %t.bundle | FileCheck %s
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x1x512x16 --shape=k=1x1x512x16 \
// RUN:   --shape=v=1x1x512x128 --shape=g=1x1x512 --shape=s=1x512x16x128
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=2x1x512x16 --shape=k=2x1x512x16 \
// RUN:   --shape=v=2x1x512x128 --shape=g=2x1x512 --shape=s=2x512x16x128

// CHECK: "guard"

!q = tensor<?x1x512x16xbf16>
!v = tensor<?x1x512x128xbf16>
!g = tensor<?x1x512xf32, #attn.gate<log>>
!s = tensor<?x512x16x128xf32, #attn.state<key_value>>
func.func @steps(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !v {attn.name = "v"},
                 %g: !g {attn.name = "g"}, %s: !s {attn.name = "s"})
    -> (!v {attn.name = "o"}, !s {attn.name = "final"}) {
  %o, %f = attn.recurrence %q, %k, %v decay(%g : !g) state(%s : !s)
      : !q, !q, !v -> !v state(!s)
  return %o, %f : !v, !s
}
