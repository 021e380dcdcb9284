// States that are kept behind each 128th token, on the emulator with its hazard checks: of a
// sequence that is cut into segments, which keep those behind their own chunks alone; and of
// packed sequences, whose last chunks are not whole, and which have rows of their own.

// RUN: rm -rf %t && mkdir %t && %python %S/segments.py %t 1590 mixed
// RUN: sed -n '/^!/p;/^func.func @cut/,/^}/p' %s > %t/cut.mlir
// RUN: attn-run %t/cut.mlir --device=emulator --check --hazards --multiprocessors=12 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --input k=%t/k.npy --input g=%t/g.npy --input beta=%t/beta.npy | FileCheck %s
// RUN: sed -n '/^!/p;/^func.func @packed/,/^}/p' %s > %t/packed.mlir
// RUN: attn-run %t/packed.mlir --device=emulator --check --hazards --shape q=700x1x64 --shape k=700x1x64 --shape v=700x2x64 --shape g=700x2 --shape cu_seqlens=5 --values cu_seqlens=0,0,130,513,690 | FileCheck %s

// CHECK: compared kept:
// CHECK-NOT: failed

!q = tensor<?x?x1x128xbf16>
!v = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2xf32, #attn.gate<log>>
!n = tensor<?x?x2xf32>
!s = tensor<?x12x2x128x128xbf16, #attn.state<value_key>>
!pq = tensor<?x1x64xbf16>
!pv = tensor<?x2x64xbf16>
!pg = tensor<?x2xf32, #attn.gate<log>>
!ps = tensor<5x2x64x64xbf16, #attn.state<key_value>>

func.func @cut(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
               %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
               %beta: !n {attn.name = "beta"})
    -> (!v {attn.name = "o"}, !s {attn.name = "kept"}) {
  %o, %kept = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      keep_every(128) : !q, !q, !v -> !v kept(!s)
  return %o, %kept : !v, !s
}

func.func @packed(%q: !pq {attn.name = "q"}, %k: !pq {attn.name = "k"},
                  %v: !pv {attn.name = "v"}, %g: !pg {attn.name = "g"},
                  %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!pv {attn.name = "o"}, !ps {attn.name = "kept"}) {
  %o, %kept = attn.recurrence %q, %k, %v decay(%g : !pg) cu_seqlens(%cu : tensor<?xi32>)
      keep_every(128) : !pq, !pq, !pv -> !pv kept(!ps)
  return %o, %kept : !pv, !ps
}
