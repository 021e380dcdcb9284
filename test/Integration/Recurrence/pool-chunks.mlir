// Chunks of sequences whose states are in a pool: some are padding, whose output is zeros, and
// all other states stay as they are. Of packed sequences some have no token.

// RUN: rm -rf %t && mkdir %t
// RUN: sed -n '/^!/p;/^func.func @dense/,/^}/p' %s > %t/dense.mlir
// RUN: attn-run %t/dense.mlir --device=emulator --check --hazards --shape q=4x150x1x64 --shape k=4x150x1x64 --shape v=4x150x2x64 --shape g=4x150x2 --shape pool=6x2x64x64 --shape slots=4 --values slots=3,-1,0,5 | FileCheck %s
// RUN: attn-run %t/dense.mlir --device=tile --check --shape q=4x150x1x64 --shape k=4x150x1x64 --shape v=4x150x2x64 --shape g=4x150x2 --shape pool=6x2x64x64 --shape slots=4 --values slots=3,-1,0,5 | FileCheck %s
// RUN: sed -n '/^!/p;/^func.func @packed/,/^}/p' %s > %t/packed.mlir
// RUN: attn-run %t/packed.mlir --device=emulator --check --hazards --shape q=300x1x64 --shape k=300x1x64 --shape v=300x2x64 --shape g=300x2 --shape pool=7x2x64x64 --shape slots=6 --values slots=6,2,-1,0,-1,4 --shape cu_seqlens=7 --values cu_seqlens=0,0,130,195,195,195,290 | FileCheck %s

// CHECK: compared o:
// CHECK: compared next:
// CHECK-NOT: failed

!q = tensor<?x?x1x64xbf16>
!v = tensor<?x?x2x64xbf16>
!g = tensor<?x?x2xf32, #attn.gate<log>>
!s = tensor<?x2x64x64xf32, #attn.state<value_key>>
!pq = tensor<?x1x64xbf16>
!pv = tensor<?x2x64xbf16>
!pg = tensor<?x2xf32, #attn.gate<log>>
!ps = tensor<?x2x64x64xbf16, #attn.state<key_value>>

func.func @dense(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                 %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                 %pool: !s {attn.name = "pool"}, %slots: tensor<?xi32> {attn.name = "slots"})
    -> (!v {attn.name = "o"}, !s {attn.name = "next"}) {
  %o, %next = attn.recurrence %q, %k, %v decay(%g : !g) state(%pool : !s)
      slots(%slots : tensor<?xi32>) : !q, !q, !v -> !v state(!s)
  return %o, %next : !v, !s
}

func.func @packed(%q: !pq {attn.name = "q"}, %k: !pq {attn.name = "k"},
                  %v: !pv {attn.name = "v"}, %g: !pg {attn.name = "g"},
                  %pool: !ps {attn.name = "pool"}, %slots: tensor<?xi32> {attn.name = "slots"},
                  %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!pv {attn.name = "o"}, !ps {attn.name = "next"}) {
  %o, %next = attn.recurrence %q, %k, %v decay(%g : !pg) state(%pool : !ps)
      slots(%slots : tensor<?xi32>) cu_seqlens(%cu : tensor<?xi32>)
      : !pq, !pq, !pv -> !pv state(!ps)
  return %o, %next : !pv, !ps
}
