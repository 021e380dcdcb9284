// REQUIRES: sm90
// RUN: attn-run %s --device=cuda --shape q=2x200x8x128 --shape k=2x300x2x128 \
// RUN:   --shape v=2x300x2x128 --check --bench | FileCheck %s

// Tensors that the kernel was not compiled for.
// RUN: not attn-run %s --device=cuda --shape q=2x200x8x128 \
// RUN:   --shape k=1x300x2x128 --shape v=2x300x2x128 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SIZES

// CHECK: device: NVIDIA {{.*}}, kernel
// CHECK: o: 2x200x8x128 bf16
// CHECK: lse: 2x8x200 f32
// CHECK: check: passed
// CHECK: bench: burst {{[0-9.]+}} ms, {{[0-9.]+}} TFLOP/s

// SIZES: attn-run: expected size 0 of '{{.}}' to equal size 0 of '{{.}}'

func.func @attention(
    %q: tensor<?x?x8x128xbf16> {attn.name = "q"},
    %k: tensor<?x?x2x128xbf16> {attn.name = "k"},
    %v: tensor<?x?x2x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x8x128xbf16> {attn.name = "o"},
        tensor<?x8x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x8x128xbf16>,
        !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>>
      -> tensor<?x?x8x128xbf16>, tensor<?x8x?xf32>
  return %o, %lse : tensor<?x?x8x128xbf16>, tensor<?x8x?xf32>
}
