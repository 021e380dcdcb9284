// A driver whose kernels do nothing: what is not written is poison, and the check
// says so. The path of a GPU is tested up to the launch.

// RUN: mkdir -p %t
// RUN: not env LD_LIBRARY_PATH=%t/../../../../Unit/Runtime/fakes attn-run %s \
// RUN:   --device=cuda --shape q=1x70x2x128 --shape k=1x70x2x128 \
// RUN:   --shape v=1x70x2x128 --check 2>&1 | FileCheck %s

// One that writes where it must not.
// RUN: not env LD_LIBRARY_PATH=%t/../../../../Unit/Runtime/fakes \
// RUN:   ATTN_FAKE_OVERRUN=1 attn-run %s --device=cuda --shape q=1x70x2x128 \
// RUN:   --shape k=1x70x2x128 --shape v=1x70x2x128 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BEFORE

// Tensors that do not go together.
// RUN: not env LD_LIBRARY_PATH=%t/../../../../Unit/Runtime/fakes attn-run %s \
// RUN:   --device=cuda --shape q=1x70x2x128 --shape k=2x70x2x128 \
// RUN:   --shape v=2x70x2x128 2>&1 | FileCheck %s --check-prefix=SIZES

// What the compiler refuses.
// RUN: sed -e 's/x128xbf16/x72xbf16/g' %s > %t.mlir
// RUN: not env LD_LIBRARY_PATH=%t/../../../../Unit/Runtime/fakes attn-run \
// RUN:   %t.mlir --device=cuda 2>&1 | FileCheck %s --check-prefix=REFUSED

// No queries, no launch.
// RUN: env LD_LIBRARY_PATH=%t/../../../../Unit/Runtime/fakes attn-run %s \
// RUN:   --device=cuda --shape q=1x0x2x128 --shape k=1x70x2x128 \
// RUN:   --shape v=1x70x2x128 --check | FileCheck %s --check-prefix=EMPTY

// CHECK: device: Fake H200, kernel
// CHECK: o: 1x70x2x128 bf16, mean {{-?}}nan
// CHECK: check: failed, compared 140 of 140 rows
// CHECK: attn-run: the check failed
// CHECK: elements that are not a number: 140 rows, worst 129 (limit 0) at batch 0, head 0, row 0

// BEFORE: attn-run: the kernel wrote before 'o', at byte 1020 of the guard band

// SIZES: attn-run: expected size 0 of '{{.*}}' to equal size 0 of '{{.*}}', got

// REFUSED: error:
// REFUSED: attn-run: cannot compile the program

// EMPTY: o: 1x0x2x128 bf16, empty
// EMPTY: check: passed, compared 0 of 0 rows

func.func @attention(
    %q: tensor<?x?x2x128xbf16> {attn.name = "q"},
    %k: tensor<?x?x2x128xbf16> {attn.name = "k"},
    %v: tensor<?x?x2x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x2x128xbf16> {attn.name = "o"},
        tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x2x128xbf16>,
        !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>>
      -> tensor<?x?x2x128xbf16>, tensor<?x2x?xf32>
  return %o, %lse : tensor<?x?x2x128xbf16>, tensor<?x2x?xf32>
}
