// Sequences that fill large blocks of keys have a kernel with such: the guard asks for the
// length and for what is in the last block, which here is all, just enough, one less, and
// nothing of what a smaller block would not hold as well.

// RUN: attn-opt %s --emit=bundle --ptxas= -o %t.bundle
// RUN: strings %t.bundle | FileCheck %s
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x150x2x64 --shape=k=1x512x2x64 --shape=v=1x512x2x64
// RUN: attn-run %s --device=emulator --hazards --check --seed=7 --shape=q=2x70x2x64 --shape=k=2x641x2x64 --shape=v=2x641x2x64
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x150x2x64 --shape=k=1x640x2x64 --shape=v=1x640x2x64
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x150x2x64 --shape=k=1x513x2x64 --shape=v=1x513x2x64

// CHECK: "guard":[2048,["size",1,1],"less_equal"]
// CHECK-SAME: "guard":[512,["size",1,1],"less_equal",-127,["size",1,1],256,"ceil_divide",256,"multiply","add",["size",1,1],"less_equal","and"]
// CHECK-SAME: "guard":[]

!t = tensor<?x?x2x64xbf16>
func.func @large_blocks(%q: !t {attn.name = "q"}, %k: !t {attn.name = "k"}, %v: !t {attn.name = "v"})
    -> (!t {attn.name = "o"}, tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !t, !t
  %o, %lse = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t, tensor<?x2x?xf32>
  return %o, %lse : !t, tensor<?x2x?xf32>
}
