// Packed sequences that are cut into segments, of their own lengths, from states and to
// states, which the last segment of a sequence stores: as where they are whole.

// RUN: attn-run %s --device=emulator --multiprocessors=1 --hazards --shape q=2600x1x64 --shape k=2600x1x64 --shape v=2600x1x64 --shape g=2600x1 --shape s0=2x1x64x64 --shape cu_seqlens=3 --output o=%t.o.npy --output s=%t.s.npy
// RUN: attn-run %s --device=emulator --multiprocessors=16 --hazards --shape q=2600x1x64 --shape k=2600x1x64 --shape v=2600x1x64 --shape g=2600x1 --shape s0=2x1x64x64 --shape cu_seqlens=3 --expect o=%t.o.npy --expect s=%t.s.npy | FileCheck %s
// RUN: attn-run %s --device=emulator --multiprocessors=1 --hazards --shape q=1500x1x64 --shape k=1500x1x64 --shape v=1500x1x64 --shape g=1500x1 --shape s0=4x1x64x64 --shape cu_seqlens=5 --output o=%t.o.npy --output s=%t.s.npy
// RUN: attn-run %s --device=emulator --multiprocessors=16 --hazards --shape q=1500x1x64 --shape k=1500x1x64 --shape v=1500x1x64 --shape g=1500x1 --shape s0=4x1x64x64 --shape cu_seqlens=5 --expect o=%t.o.npy --expect s=%t.s.npy | FileCheck %s

// CHECK: compared o:
// CHECK: compared s:
// CHECK-NOT: failed

!q = tensor<?x1x64xf16>
!g = tensor<?x1xf32, #attn.gate<linear>>
!s = tensor<?x1x64x64xf32, #attn.state<value_key>>

func.func @gated(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                 %v: !q {attn.name = "v"}, %g: !g {attn.name = "g"}, %s0: !s {attn.name = "s0"},
                 %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!q {attn.name = "o"}, !s {attn.name = "s"}) {
  %o, %s = attn.recurrence %q, %k, %v decay(%g : !g) state(%s0 : !s)
      cu_seqlens(%cu : tensor<?xi32>) : !q, !q, !q -> !q state(!s)
  return %o, %s : !q, !s
}
