// A bias goes through shared memory where a copy can read it: its rows are multiples of
// 16 bytes, here those of 184, 200 and 208 elements. It may end in front of the last
// query and key. Another one is read element by element.

// RUN: attn-run %s --device=emulator --hazards --check --shape=q=2x140x4x64 --shape=k=2x200x2x64 --shape=v=2x200x2x64 --shape=bias=4x140x200 | FileCheck %s
// RUN: attn-run %s --device=emulator --hazards --check --seed=7 --shape=q=1x300x4x64 --shape=k=1x210x2x64 --shape=v=1x210x2x64 --shape=bias=4x250x184 | FileCheck %s
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x140x4x64 --shape=k=1x200x2x64 --shape=v=1x200x2x64 --shape=bias=4x140x202 | FileCheck %s
// RUN: sed -e 's/mask(causal)//' -e 's/64xbf16/128xf16/g' -e 's/4x?x?xbf16/4x?x?xf16/' -e 's/bf16 to/f16 to/' %s > %t.mlir
// RUN: attn-run %t.mlir --device=emulator --hazards --check --shape=q=1x130x4x128 --shape=k=1x270x2x128 --shape=v=1x270x2x128 --shape=bias=4x130x272 | FileCheck %s
// RUN: sed -e 's/mask(causal)/mask(causal and (first<70> or window<99, 0>))/' -e 's/64xbf16/256xbf16/g' %s > %t.mlir
// RUN: attn-run %t.mlir --device=emulator --hazards --check --shape=q=1x330x4x256 --shape=k=1x330x2x256 --shape=v=1x330x2x256 --shape=bias=4x330x336 | FileCheck %s
// CHECK: check: passed

!q = tensor<?x?x4x64xbf16>
!k = tensor<?x?x2x64xbf16>
func.func @bias(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"}, %v: !k {attn.name = "v"},
                %bias: tensor<4x?x?xbf16> {attn.name = "bias"})
    -> (!q {attn.name = "o"}, tensor<?x4x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o, %lse = attn.attention %q, %kv mask(causal) score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %narrow = attn.read %bias[%h, %p, %j] : tensor<4x?x?xbf16>
    %wide = arith.extf %narrow : bf16 to f32
    %y = arith.addf %x, %wide : f32
    attn.yield %y : f32
  } : !q, !attn.kv<!k, !k> -> !q, tensor<?x4x?xf32>
  return %o, %lse : !q, tensor<?x4x?xf32>
}
