// What is read in chunks, divided by what queries read of the sums of keys: of rows that
// are normalised, with sums to start with; of packed sequences, with sums at the end, which
// are exact; and in segments.

// RUN: split-file %s %t
// RUN: attn-run %t/decay.mlir --device=emulator --check --hazards --shape q=2x100x1x64 --shape k=2x100x1x64 --shape v=2x100x2x128 --shape g=2x100x2 --shape z=2x2x64 | FileCheck %s
// RUN: attn-run %t/packed.mlir --device=emulator --check --hazards --shape q=200x2x64 --shape k=200x2x64 --shape v=200x2x64 --shape z=4x2x64 --shape cu_seqlens=5 | FileCheck %s
// RUN: attn-run %t/segments.mlir --device=emulator --check --hazards --multiprocessors=12 --shape q=1x780x2x64 --shape k=1x780x2x64 --shape v=1x780x2x64 --shape g=2 | FileCheck %s

// CHECK: o: {{.*}}
// CHECK-NOT: WRONG

//--- decay.mlir

!q = tensor<?x?x1x64xbf16>
!v = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2xf32, #attn.gate<log>>
!z = tensor<?x2x64xf32>
func.func @decay(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !v {attn.name = "v"},
                 %g: !g {attn.name = "g"}, %z: !z {attn.name = "z"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) denominator(8.0) normalizer(%z : !z)
      l2_normalize(1.0e-06) : !q, !q, !v -> !v
  return %o : !v
}

//--- packed.mlir

!q = tensor<?x2x64xf16>
!z = tensor<?x2x64xf32>
func.func @packed(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"},
                  %z: !z {attn.name = "z"}, %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!q {attn.name = "o"}, !z {attn.name = "z1"}) {
  %o, %z1 = attn.recurrence %q, %k, %v denominator(64.0) normalizer(%z : !z)
      cu_seqlens(%cu : tensor<?xi32>) : !q, !q, !q -> !q normalizer(!z)
  return %o, %z1 : !q, !z
}

//--- segments.mlir

!q = tensor<?x?x2x64xbf16>
!g = tensor<2xf32, #attn.gate<linear>>
func.func @segments(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"},
                    %g: !g {attn.name = "g"}) -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) denominator(64.0) : !q, !q, !q -> !q
  return %o : !q
}
