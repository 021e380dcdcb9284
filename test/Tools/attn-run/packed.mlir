// Packed sequences: their lengths are drawn, or given, and what is wrong with them is
// said.

// RUN: attn-run %s --device=tile --shape q=20x2x16 --shape k=30x1x16 \
// RUN:   --shape cu_q=4 --shape cu_k=4 --values cu_q=0,5,5,20 \
// RUN:   --values cu_k=0,7,30,30 --check | FileCheck %s
// RUN: attn-run %s --device=emulator --hazards --shape q=20x2x16 \
// RUN:   --shape k=30x1x16 --shape cu_q=4 --shape cu_k=4 \
// RUN:   --values cu_q=0,5,5,20 --values cu_k=0,7,30,30 --check | FileCheck %s
// RUN: attn-run %s --device=tile --shape q=300x2x16 --shape k=500x1x16 \
// RUN:   --shape cu_q=9 --shape cu_k=9 --check | FileCheck %s --check-prefix=DRAWN

// Rows of nobody, and no sequence at all.
// RUN: attn-run %s --device=emulator --hazards --shape q=300x2x16 \
// RUN:   --shape k=30x1x16 --shape cu_q=1 --shape cu_k=1 --values cu_q=0 \
// RUN:   --values cu_k=0 --check | FileCheck %s --check-prefix=NOBODY

// A bundle knows of no lengths: they are given.
// RUN: attn-opt %s --emit=bundle -o %t.attn
// RUN: attn-run %t.attn --device=emulator --shape q=20x2x16 --shape k=30x1x16 \
// RUN:   --shape cu_q=4 --shape cu_k=4 --values cu_q=0,5,5,20 \
// RUN:   --values cu_k=0,7,30,30 | FileCheck %s --check-prefix=BUNDLE

// RUN: not attn-run %s --device=reference --shape q=20x2x16 --shape k=30x1x16 \
// RUN:   --shape cu_q=3 --shape cu_k=3 --values cu_q=0,5,20,20 2>&1 \
// RUN:   | FileCheck %s --check-prefix=COUNT
// RUN: not attn-run %s --device=reference --shape q=20x2x16 --shape k=30x1x16 \
// RUN:   --shape cu_q=3 --shape cu_k=3 --values cu_q=0,,20 2>&1 \
// RUN:   | FileCheck %s --check-prefix=LIST
// RUN: not attn-run %s --device=reference --shape q=20x2x16 --shape k=30x1x16 \
// RUN:   --shape cu_q=3 --shape cu_k=3 --values cu_q=0,8,5 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ORDER
// RUN: not attn-run %s --device=emulator --shape q=20x2x16 --shape k=30x1x16 \
// RUN:   --shape cu_q=3 --shape cu_k=4 2>&1 | FileCheck %s --check-prefix=SIZES
// RUN: not attn-run %s --device=reference --shape q=20x2x16 --shape k=30x1x16 \
// RUN:   --shape cu_q=3 --shape cu_k=3 --values lengths=1 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NAME

// CHECK:      o: 20x2x16 bf16
// CHECK-NEXT: lse: 2x20 f32
// CHECK-NEXT: check: passed, compared 40 of 40 rows (all), 30 without keys

// DRAWN: check: passed, compared 600 of 600 rows (all), {{.*}} without keys

// NOBODY: check: passed, compared 0 of 0 rows (all), 0 without keys

// BUNDLE: o: 20x2x16 bf16

// COUNT: attn-run: expected 3 elements of 'cu_q', got 4
// LIST: attn-run: expected elements such as 0,5,300 of 'cu_q', got '0,,20'
// ORDER: error: 'attn.attention' op expected cu_seqlens from 0 to 20 that do not decrease, got 5.000000e+00 after 8.000000e+00
// SIZES: attn-run: expected size 0 of 'cu_q' to equal size 0 of 'cu_k', got 3 and 4
// NAME: attn-run: unknown name 'lengths' in --values: expected q, k, cu_q, cu_k

func.func @packed(%q: tensor<?x2x16xbf16> {attn.name = "q"},
                  %k: tensor<?x1x16xbf16> {attn.name = "k"},
                  %cu_q: tensor<?xi32> {attn.name = "cu_q"},
                  %cu_k: tensor<?xi32> {attn.name = "cu_k"})
    -> (tensor<?x2x16xbf16> {attn.name = "o"},
        tensor<2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.varlen %k, %k, %cu_k
      : tensor<?x1x16xbf16>, tensor<?x1x16xbf16>, tensor<?xi32>
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?xi32>)
      : tensor<?x2x16xbf16>,
        !attn.kv<tensor<?x1x16xbf16>, tensor<?x1x16xbf16>>
      -> tensor<?x2x16xbf16>, tensor<2x?xf32>
  return %o, %lse : tensor<?x2x16xbf16>, tensor<2x?xf32>
}
