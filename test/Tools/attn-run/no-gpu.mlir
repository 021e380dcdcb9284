// UNSUPPORTED: sm90
// Without a GPU, --device=cuda fails and --device=auto says what it does: the
// emulator executes the kernel.

// RUN: not attn-run %s --device=cuda 2>&1 | FileCheck %s --check-prefix=CUDA
// RUN: attn-run %s --check 2>&1 | FileCheck %s --check-prefixes=AUTO,PLAIN
// RUN: attn-run %s --check --hazards --device=auto 2>&1 \
// RUN:   | FileCheck %s --check-prefixes=AUTO,HAZARDS
// RUN: attn-run %s --check --bench 2>&1 \
// RUN:   | FileCheck %s --check-prefixes=BENCH,PLAIN

// CUDA: attn-run: no CUDA driver: libcuda.so.1
// AUTO: attn-run: the emulator stands in for a GPU: no CUDA driver: libcuda.so.1
// BENCH: the emulator stands in for a GPU and nothing is measured: no CUDA driver
// PLAIN-NEXT: device: emulator of PTX on the CPU{{$}}
// HAZARDS-NEXT: device: emulator of PTX on the CPU, with hazard checks{{$}}
// AUTO: check: passed, compared 4 of 4 rows (all)

// A program that has no kernel yet is refused, as it is with a GPU.
// RUN: sed -e 's/x128xbf16/x72xbf16/g' %s > %t.mlir
// RUN: not attn-run %t.mlir 2>&1 | FileCheck %s --check-prefix=REFUSED
// REFUSED: error: {{.*}}has no schedule for
// REFUSED: attn-run: cannot compile the program

func.func @attention(
    %q: tensor<1x2x2x128xbf16>, %k: tensor<1x3x1x128xbf16>,
    %v: tensor<1x3x1x128xbf16>) -> tensor<1x2x2x128xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<1x3x1x128xbf16>, tensor<1x3x1x128xbf16>
  %o = attn.attention %q, %kv
      : tensor<1x2x2x128xbf16>,
        !attn.kv<tensor<1x3x1x128xbf16>, tensor<1x3x1x128xbf16>>
      -> tensor<1x2x2x128xbf16>
  return %o : tensor<1x2x2x128xbf16>
}
