// Chunks of packed sequences end with them. What has one head of values of 64 channels
// has a single warpgroup of consumers.

// RUN: attn-run %s --device=emulator --check --hazards --shape q=200x2x64 --shape k=200x2x64 --shape v=200x2x64 --shape g=2 --shape cu_seqlens=5 | FileCheck %s
// RUN: attn-run %s --device=emulator --check --hazards --seed=2 --shape q=130x2x64 --shape k=130x2x64 --shape v=130x2x64 --shape g=2 --shape cu_seqlens=4 | FileCheck %s

// CHECK: compared o: relative error {{.*}} of 0.002 allowed

!q = tensor<?x2x64xf16>
!g = tensor<2xf32, #attn.gate<linear>>

func.func @retention(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                     %v: !q {attn.name = "v"}, %g: !g {attn.name = "g"},
                     %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) cu_seqlens(%cu : tensor<?xi32>)
      : !q, !q, !q -> !q
  return %o : !q
}
