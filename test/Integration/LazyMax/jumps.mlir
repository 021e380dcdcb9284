// Scores that jump: by little, which the kept maximum bears, by so much that it has
// to be looked for, and by more than one block of weights can hold, so that the tile
// is computed again. The large values of the last key overflow with the large weights
// of the second case.

// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/jumps.py %t 5
// RUN: attn-run %s --device=emulator --hazards --check --input=q=%t/q.npy --input=k=%t/k.npy --input=v=%t/v.npy
// RUN: %python %S/jumps.py %t 35
// RUN: attn-run %s --device=emulator --hazards --check --input=q=%t/q.npy --input=k=%t/k.npy --input=v=%t/v.npy
// RUN: %python %S/jumps.py %t 80
// RUN: attn-run %s --device=emulator --hazards --check --input=q=%t/q.npy --input=k=%t/k.npy --input=v=%t/v.npy
// RUN: attn-run %s --device=tile --check --input=q=%t/q.npy --input=k=%t/k.npy --input=v=%t/v.npy

!t = tensor<?x?x2x128xbf16>
func.func @jumps(%q: !t {attn.name = "q"}, %k: !t {attn.name = "k"}, %v: !t {attn.name = "v"})
    -> (!t {attn.name = "o"}, tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !t, !t
  %o, %lse = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t, tensor<?x2x?xf32>
  return %o, %lse : !t, tensor<?x2x?xf32>
}
