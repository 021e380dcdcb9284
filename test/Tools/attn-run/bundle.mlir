// A bundle holds all that a run needs: its kernels give the numbers that the
// program gives, and nothing but the file is read.

// RUN: attn-opt %s --emit=bundle -o %t.bundle
// RUN: attn-run %s --device=emulator --shape q=1x70x4x128 \
// RUN:   --shape k=1x200x2x128 --shape v=1x200x2x128 --check \
// RUN:   --output o=%t.o.npy --output lse=%t.lse.npy
// RUN: attn-run %t.bundle --device=emulator --shape q=1x70x4x128 \
// RUN:   --shape k=1x200x2x128 --shape v=1x200x2x128 \
// RUN:   --expect o=%t.o.npy --expect lse=%t.lse.npy | FileCheck %s
// RUN: attn-run %t.bundle --device=emulator --shape q=1x70x4x128 \
// RUN:   --shape k=1x200x2x128 --shape v=1x200x2x128 \
// RUN:   --expect o=%t.o.npy --json | FileCheck %s --check-prefix=JSON

// Other inputs, other results.
// RUN: not attn-run %t.bundle --device=emulator --shape q=1x70x4x128 \
// RUN:   --shape k=1x200x2x128 --shape v=1x200x2x128 --seed 7 \
// RUN:   --expect o=%t.o.npy 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not attn-run %t.bundle --device=emulator --shape q=1x71x4x128 \
// RUN:   --shape k=1x200x2x128 --shape v=1x200x2x128 \
// RUN:   --expect o=%t.o.npy 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: not attn-run %t.bundle --device=emulator --shape q=1x70x4x128 \
// RUN:   --shape k=1x200x2x128 --shape v=1x200x2x128 \
// RUN:   --expect o=%t.absent.npy 2>&1 | FileCheck %s --check-prefix=ABSENT

// The same file each time.
// RUN: attn-opt %s --emit=bundle -o %t.again.bundle
// RUN: cmp %t.bundle %t.again.bundle

// A GPU takes it too, up to the launch.
// RUN: env LD_LIBRARY_PATH=%fakes attn-run %t.bundle --device=cuda \
// RUN:   --shape q=1x70x4x128 --shape k=1x200x2x128 --shape v=1x200x2x128 \
// RUN:   --bench | FileCheck %s --check-prefix=GPU

// Without a GPU the emulator takes its place.
// RUN: env LD_LIBRARY_PATH=%fakes ATTN_FAKE_DEVICES=0 attn-run %t.bundle \
// RUN:   --shape q=1x1x4x128 --shape k=1x1x2x128 --shape v=1x1x2x128 2>&1 \
// RUN:   | FileCheck %s --check-prefix=AUTO

// CHECK: device: emulator of PTX on the CPU
// CHECK: o: 1x70x4x128 bf16
// CHECK: compared o: relative error 0 of 0.003 allowed
// CHECK: compared lse: relative error 0 of 0.0001 allowed
// JSON: "expected": [
// JSON: "name": "o"
// JSON: "passed": true
// OTHER: compared o: relative error {{.*}} of 0.003 allowed, failed
// OTHER: attn-run: 'o' is not as expected
// SHAPE: attn-run: expected '{{.*}}.o.npy' to hold 1x71x4x128, got 1x70x4x128
// ABSENT: attn-run: cannot open '{{.*}}.absent.npy'
// GPU: device: Fake H200, kernel
// GPU: bench: burst
// AUTO: attn-run: no GPU is used: the CUDA driver sees no GPU
// AUTO: device: emulator of PTX on the CPU

func.func @attention(
    %q: tensor<?x?x4x128xbf16> {attn.name = "q"},
    %k: tensor<?x?x2x128xbf16> {attn.name = "k"},
    %v: tensor<?x?x2x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x4x128xbf16> {attn.name = "o"},
        tensor<?x4x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x4x128xbf16>,
        !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>>
      -> tensor<?x?x4x128xbf16>, tensor<?x4x?xf32>
  return %o, %lse : tensor<?x?x4x128xbf16>, tensor<?x4x?xf32>
}
