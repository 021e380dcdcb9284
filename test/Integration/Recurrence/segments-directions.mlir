// The same as segments-erased.mlir along directions of their own, which take the place of
// the keys in the product of what tokens do; each of two blocks has half of its rows.

// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/segments.py %t 1590 channels
// RUN: attn-run %s --device=emulator --multiprocessors=1 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --input k=%t/k.npy --input a=%t/k.npy --input g=%t/g.npy --input b=%t/b.npy --output o=%t/o.npy --output s=%t/s.npy
// RUN: attn-run %s --device=emulator --hazards --multiprocessors=24 --shape q=1x1590x1x128 --shape v=1x1590x2x128 --input k=%t/k.npy --input a=%t/k.npy --input g=%t/g.npy --input b=%t/b.npy --expect o=%t/o.npy --expect s=%t/s.npy | FileCheck %s
// RUN: attn-run %s --device=emulator --multiprocessors=24 --shape q=1x1590x1x128 --input v=%t/v.npy --input k=%t/k.npy --input a=%t/k.npy --input g=%t/g.npy --input b=%t/b.npy | FileCheck %s --check-prefix=LATE
// RUN: %python %S/segments.py %t 900 turns
// RUN: attn-run %s --device=emulator --multiprocessors=1 --shape q=1x900x1x128 --shape v=1x900x2x128 --input k=%t/k.npy --input a=%t/k.npy --input g=%t/g.npy --input b=%t/b.npy --output o=%t/o.npy --output s=%t/s.npy
// RUN: attn-run %s --device=emulator --hazards --multiprocessors=24 --shape q=1x900x1x128 --shape v=1x900x2x128 --input k=%t/k.npy --input a=%t/k.npy --input g=%t/g.npy --input b=%t/b.npy --expect o=%t/o.npy --expect s=%t/s.npy | FileCheck %s

// The last segment does not see the values of the first token.
// LATE: s: 1x2x128x128 f32, mean {{-?[0-9]}}

// CHECK: compared o:
// CHECK: compared s:
// CHECK-NOT: failed

!q = tensor<?x?x1x128xbf16>
!v = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2x128xf32, #attn.gate<log>>
!s = tensor<?x2x128x128xf32, #attn.state<key_value>>

func.func @rwkv7(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                 %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                 %a: !q {attn.name = "a"}, %b: !v {attn.name = "b"})
    -> (!v {attn.name = "o"}, !s {attn.name = "s"}) {
  %o, %s = attn.recurrence %q, %k, %v decay(%g : !g) erase_key(%a : !q) erase_direction(%b : !v)
      before_decay : !q, !q, !v -> !v state(!s)
  return %o, %s : !v, !s
}
