// Gates of channels of packed sequences, on the emulator with its hazard checks: rows behind
// a sequence have the gates of the next one, or none. Beside decays of channels, beside those
// of heads, whose products take gated keys as they are, where nothing is erased, and gates
// of as many bits as rows.

// RUN: rm -rf %t && mkdir %t && %python %S/gates.py %t 200
// RUN: sed -n '/^!/p;/^func.func @channels/,/^}/p' %s > %t/channels.mlir
// RUN: attn-run %t/channels.mlir --device=emulator --check --hazards --shape q=200x1x64 --shape v=200x2x64 --shape s0=4x2x64x64 --shape cu_seqlens=5 --input k=%t/k.npy --input g=%t/g.npy --input e=%t/e.npy --input w=%t/w.npy | FileCheck %s
// RUN: sed -n '/^!/p;/^func.func @heads/,/^}/p' %s > %t/heads.mlir
// RUN: attn-run %t/heads.mlir --device=emulator --check --hazards --shape q=200x1x64 --shape v=200x2x64 --shape cu_seqlens=4 --input k=%t/k.npy --input a=%t/a.npy --input e=%t/e.npy --input w=%t/w.npy | FileCheck %s
// RUN: sed -n '/^!/p;/^func.func @writes/,/^}/p' %s > %t/writes.mlir
// RUN: attn-run %t/writes.mlir --device=emulator --check --hazards --shape q=200x1x64 --shape v=200x2x64 --shape cu_seqlens=6 --input k=%t/k.npy --input g=%t/g.npy --input w=%t/w.npy | FileCheck %s
// RUN: sed -n '/^!/p;/^func.func @narrow/,/^}/p' %s > %t/narrow.mlir
// RUN: attn-run %t/narrow.mlir --device=emulator --check --hazards --shape q=200x1x64 --shape v=200x2x64 --shape cu_seqlens=5 --input k=%t/k.npy --input g=%t/g.npy --input e=%t/e.npy --input w=%t/w.npy | FileCheck %s

// CHECK: compared o:
// CHECK-NOT: failed

!q = tensor<?x1x64xbf16>
!v = tensor<?x2x64xbf16>
!g = tensor<?x2x64xf32, #attn.gate<log>>
!a = tensor<?x2xf32, #attn.gate<log>>
!w = tensor<?x2x64xf32>
!s = tensor<?x2x64x64xf32, #attn.state<key_value>>

func.func @channels(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                    %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                    %e: !w {attn.name = "e"}, %w: !w {attn.name = "w"},
                    %s0: !s {attn.name = "s0"}, %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%e : !w) write(%w : !w) state(%s0 : !s)
      cu_seqlens(%cu : tensor<?xi32>) : !q, !q, !v -> !v
  return %o : !v
}

func.func @heads(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                 %v: !v {attn.name = "v"}, %a: !a {attn.name = "a"},
                 %e: !w {attn.name = "e"}, %w: !w {attn.name = "w"},
                 %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%a : !a) erase(%e : !w) write(%w : !w)
      cu_seqlens(%cu : tensor<?xi32>) : !q, !q, !v -> !v
  return %o : !v
}

func.func @writes(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                  %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                  %w: !w {attn.name = "w"}, %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) write(%w : !w)
      cu_seqlens(%cu : tensor<?xi32>) : !q, !q, !v -> !v
  return %o : !v
}

func.func @narrow(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                  %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                  %e: !v {attn.name = "e"}, %w: !v {attn.name = "w"},
                  %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%e : !v) write(%w : !v)
      cu_seqlens(%cu : tensor<?xi32>) : !q, !q, !v -> !v
  return %o : !v
}
