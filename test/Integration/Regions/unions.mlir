// Masks of several intervals with a gap between them, of a bound that is read, per
// head, of what cannot be read off, and of nothing; rows without keys among them.
// RUN: sed -e 's/MASK/(causal and window<30, 0>) or first<20>/; s/REST//' %s > %t.1.mlir
// RUN: attn-run %t.1.mlir --device=emulator --hazards --check \
// RUN:   --shape=k=2x300x1x128 --shape=v=2x300x1x128 --shape=q=2x300x2x128 | FileCheck %s
// RUN: sed -e 's/MASK/window<2, 2> or first<5> or chunk<200> or not first<270>/; s/REST//' %s > %t.2.mlir
// RUN: attn-run %t.2.mlir --device=emulator --hazards --check \
// RUN:   --shape=k=2x300x1x128 --shape=v=2x300x1x128 --shape=q=2x300x2x128 | FileCheck %s
// RUN: sed -e 's/MASK/causal or prefix(%n : tensor<?xi32>)/; s/REST/, %n: tensor<?xi32> {attn.name = "n"}/' %s > %t.3.mlir
// RUN: attn-run %t.3.mlir --device=emulator --hazards --check \
// RUN:   --shape=k=2x300x1x128 --shape=v=2x300x1x128 --shape=q=2x300x2x128 --shape=n=2 | FileCheck %s
// RUN: sed -e 's/MASK/window<9, 0> and document(%n : tensor<?x?xi64>)/; s/REST/, %n: tensor<?x?xi64> {attn.name = "n"}/' %s > %t.4.mlir
// RUN: attn-run %t.4.mlir --device=emulator --hazards --check \
// RUN:   --shape=k=2x300x1x128 --shape=v=2x300x1x128 --shape=q=2x400x2x128 --shape=n=2x300 | FileCheck %s
// RUN: sed -e 's/MASK/first<3> and not first<3>/; s/REST//' %s > %t.5.mlir
// RUN: attn-run %t.5.mlir --device=emulator --hazards --check \
// RUN:   --shape=k=2x300x1x128 --shape=v=2x300x1x128 --shape=q=2x40x2x128 | FileCheck %s --check-prefix=EMPTY
// RUN: sed -e 's/mask(MASK)/mask(causal) sink(%n : tensor<2xf32>)/; s/REST/, %n: tensor<2xf32>/' %s > %t.6.mlir
// RUN: attn-run %t.6.mlir --device=emulator --hazards --check \
// RUN:   --shape=k=2x300x1x128 --shape=v=2x300x1x128 --shape=q=2x400x2x128 | FileCheck %s
// CHECK: check: passed
// EMPTY: check: passed, compared 160 of 160 rows (all), 160 without keys

!q = tensor<?x?x2x128xbf16>
!k = tensor<?x?x1x128xbf16>
!lse = tensor<?x2x?xf32>

func.func @f(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"},
             %v: !k {attn.name = "v"}REST) -> (!q, !lse) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o, %lse = attn.attention %q, %kv mask(MASK)
      : !q, !attn.kv<!k, !k> -> !q, !lse
  return %o, %lse : !q, !lse
}
