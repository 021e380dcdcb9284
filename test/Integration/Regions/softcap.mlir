// The scores of a soft cap of 50 are near zero to it, and take a polynomial; those of
// one of 1/2 are not, and of 3 some are.

// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x200x2x64 --shape=k=1x300x2x64 --shape=v=1x300x2x64
// RUN: sed 's/50.0/0.5/' %s > %t.mlir
// RUN: attn-run %t.mlir --device=emulator --hazards --check --shape=q=1x200x2x64 --shape=k=1x300x2x64 --shape=v=1x300x2x64
// RUN: sed 's/50.0/3.0/' %s > %t.mlir
// RUN: attn-run %t.mlir --device=emulator --hazards --check --shape=q=1x200x2x64 --shape=k=1x300x2x64 --shape=v=1x300x2x64
// RUN: sed 's/bf16/f16/g' %s > %t.mlir
// RUN: attn-run %t.mlir --device=emulator --hazards --check --shape=q=1x200x2x64 --shape=k=1x300x2x64 --shape=v=1x300x2x64

!t = tensor<?x?x2x64xbf16>
func.func @softcap(%q: !t {attn.name = "q"}, %k: !t {attn.name = "k"}, %v: !t {attn.name = "v"})
    -> (!t {attn.name = "o"}, tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !t, !t
  %o, %lse = attn.attention %q, %kv score(softcap<50.0>) : !t, !attn.kv<!t, !t> -> !t, tensor<?x2x?xf32>
  return %o, %lse : !t, tensor<?x2x?xf32>
}
