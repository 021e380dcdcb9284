// RUN: attn-run %s --device=reference --shape q=1x3x2x16 --shape k=1x2x1x16 \
// RUN:   --shape v=1x2x1x16 | FileCheck %s

// A question mark leaves a size to the type.
// RUN: attn-run %s --device=reference --shape q=1x3x?x? --shape k=1x2x?x? \
// RUN:   --shape v=1x2x?x? | FileCheck %s --check-prefix=SHAPE

// Nothing is an answer, too.
// RUN: attn-run %s --device=reference --shape q=1x0x2x16 --shape k=1x2x1x16 \
// RUN:   --shape v=1x2x1x16 | FileCheck %s --check-prefix=EMPTY

// Without a GPU there is nothing to measure, and this is said.
// RUN: attn-run %s --device=reference --shape q=1x1x2x16 --shape k=1x2x1x16 \
// RUN:   --shape v=1x2x1x16 --bench 2>&1 | FileCheck %s --check-prefix=BENCH

// CHECK: device: the CPU, by the reference interpreter in double precision
// CHECK-NEXT: o: 1x3x2x16 bf16, mean {{.*}}, first 0 0 0 0
// CHECK-NEXT: lse: 1x2x3 f32, mean -inf, first -inf

// SHAPE: o: 1x3x2x16 bf16

// EMPTY: o: 1x0x2x16 bf16, empty
// EMPTY: lse: 1x2x0 f32, empty

// BENCH: attn-run: nothing is measured without a GPU

func.func @attention(
    %q: tensor<?x?x2x16xbf16> {attn.name = "q"},
    %k: tensor<?x?x1x16xbf16> {attn.name = "k"},
    %v: tensor<?x?x1x16xbf16> {attn.name = "v"})
    -> (tensor<?x?x2x16xbf16> {attn.name = "o"},
        tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x2x16xbf16>,
        !attn.kv<tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16>>
      -> tensor<?x?x2x16xbf16>, tensor<?x2x?xf32>
  return %o, %lse : tensor<?x?x2x16xbf16>, tensor<?x2x?xf32>
}
