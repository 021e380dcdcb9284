// Small heads with many keys have a kernel of their own, which the guards of the
// bundle choose: three consumers that take turns, here over one and two tiles of
// queries, of which the second is not full. Bundle tests have the guards themselves.

// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x300x2x64 --shape=k=1x2100x2x64 --shape=v=1x2100x2x64
// RUN: attn-run %s --device=emulator --hazards --check --seed=7 --shape=q=3x70x2x64 --shape=k=3x2048x2x64 --shape=v=3x2048x2x64
// RUN: sed 's/%%kv :/%%kv mask(causal) :/' %s > %t.mlir
// RUN: attn-run %t.mlir --device=emulator --hazards --check --shape=q=1x300x2x64 --shape=k=1x4120x2x64 --shape=v=1x4120x2x64
// RUN: attn-run %t.mlir --device=emulator --hazards --check --seed=7 --shape=q=2x200x2x64 --shape=k=2x4096x2x64 --shape=v=2x4096x2x64

!t = tensor<?x?x2x64xbf16>
func.func @many_keys(%q: !t {attn.name = "q"}, %k: !t {attn.name = "k"}, %v: !t {attn.name = "v"})
    -> (!t {attn.name = "o"}, tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !t, !t
  %o, %lse = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t, tensor<?x2x?xf32>
  return %o, %lse : !t, tensor<?x2x?xf32>
}
