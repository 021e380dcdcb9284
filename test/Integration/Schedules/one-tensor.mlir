// One tensor as queries and keys, as values too, or as all of them: tiles of queries have
// tensor maps and stages of their own, whether blocks are of one size or not.

// DEFINE: %{run} = attn-run %t.mlir --device=emulator --hazards --check

// RUN: attn-run %s --device=emulator --hazards --check --shape=x=1x150x2x256 --shape=v=1x150x2x256
// RUN: sed 's/256/128/g' %s > %t.mlir
// RUN: %{run} --shape=x=1x300x2x128 --shape=v=1x300x2x128

// Queries that stay in shared memory, with blocks of keys as large.
// RUN: sed 's/256/128/g' %s | attn-opt -attn-lower-mask-ops -attn-select-schedule | \
// RUN:   sed 's/\(tile.schedule = .*\)dynamic = true/\1query_in_registers = false, dynamic = true/' > %t.mlir
// RUN: %{run} --shape=x=2x400x2x128 --shape=v=2x400x2x128

// RUN: sed 's/, %%v: !t {attn.name = "v"}//; s/%%x, %%v/%%x, %%x/' %s > %t.mlir
// RUN: %{run} --shape=x=1x200x2x256
// RUN: sed 's/256/64/g; s/, %%v: !t {attn.name = "v"}//; s/%%x, %%v/%%x, %%x/' %s > %t.mlir
// RUN: %{run} --shape=x=1x200x2x64

!t = tensor<?x?x2x256xbf16>
func.func @self(%x: !t {attn.name = "x"}, %v: !t {attn.name = "v"})
    -> (!t {attn.name = "o"}, tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %x, %v : !t, !t
  %o, %lse = attn.attention %x, %kv mask(causal) : !t, !attn.kv<!t, !t> -> !t, tensor<?x2x?xf32>
  return %o, %lse : !t, tensor<?x2x?xf32>
}
