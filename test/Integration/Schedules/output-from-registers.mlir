// The threads store the output themselves: tiles that are not full, instances that are
// computed again or have no keys, heads that are no multiple of 32, both element types,
// with the queries in shared memory and in registers. Large heads are computed so.

// DEFINE: %{run} = attn-run %t.mlir --device=emulator --hazards --check
// DEFINE: %{with} = attn-opt -attn-lower-mask-ops -attn-select-schedule | sed 's/dynamic = true/output_from_registers = true, dynamic = true/g'

// RUN: attn-opt %s -attn-lower-mask-ops -attn-select-schedule | FileCheck %s
// CHECK: query_in_registers = false, output_from_registers = true, dynamic = true
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x200x2x256 --shape=k=1x300x2x256 --shape=v=1x300x2x256
// RUN: attn-run %s --device=emulator --hazards --check --seed=7 --shape=q=2x130x2x256 --shape=k=2x70x2x256 --shape=v=2x70x2x256

// RUN: sed 's/256/80/g' %s | %{with} > %t.mlir
// RUN: %{run} --shape=q=1x200x2x80 --shape=k=1x300x2x80 --shape=v=1x300x2x80
// RUN: sed 's/256/80/g; s/bf16/f16/g' %s | %{with} | sed 's/224, output/224, query_in_registers = false, output/' > %t.mlir
// RUN: %{run} --seed=7 --shape=q=2x130x2x80 --shape=k=2x70x2x80 --shape=v=2x70x2x80
// RUN: sed 's/256/16/g; s/bf16/f16/g' %s | %{with} > %t.mlir
// RUN: %{run} --shape=q=3x65x2x16 --shape=k=3x65x2x16 --shape=v=3x65x2x16

!t = tensor<?x?x2x256xbf16>
func.func @attention(%q: !t {attn.name = "q"}, %k: !t {attn.name = "k"}, %v: !t {attn.name = "v"})
    -> (!t {attn.name = "o"}, tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !t, !t
  %o, %lse = attn.attention %q, %kv mask(causal) : !t, !attn.kv<!t, !t> -> !t, tensor<?x2x?xf32>
  return %o, %lse : !t, tensor<?x2x?xf32>
}
