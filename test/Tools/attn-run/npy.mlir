// Results go to files and inputs come from them: attention over itself, where
// the result of the first run is the query of the second.

// RUN: attn-run %s --device=reference --output result0=%t.npy --seed=1
// RUN: sed -e s/1x2x1x4/1x3x1x4/g %s > %t.mlir
// RUN: attn-run %t.mlir --device=reference --output result0=%t2.npy
// RUN: attn-run %s --device=reference --input arg0=%t.npy | FileCheck %s
// RUN: attn-run %s --device=reference --input arg0=%t.npy \
// RUN:   --shape arg0=1x2x1x4 | FileCheck %s

// A shape that contradicts the file.
// RUN: not attn-run %s --device=reference --input arg0=%t.npy \
// RUN:   --shape arg0=1x2x1x8 2>&1 | FileCheck %s --check-prefix=SIZE
// RUN: not attn-run %s --device=reference --input arg0=%t2.npy 2>&1 \
// RUN:   | FileCheck %s --check-prefix=FILE

// Files that cannot be read or written.
// RUN: not attn-run %s --device=reference --input arg0=%t.none 2>&1 \
// RUN:   | FileCheck %s --check-prefix=MISSING
// RUN: not attn-run %s --device=reference --input arg0=%s 2>&1 \
// RUN:   | FileCheck %s --check-prefix=FORMAT
// RUN: not attn-run %s --device=reference --output result0=%t.none/x 2>&1 \
// RUN:   | FileCheck %s --check-prefix=WRITE

// CHECK: result0: 1x2x1x4 f32

// SIZE: attn-run: expected size 3 of 'arg0' to be 4, got 8
// FILE: attn-run: expected size 1 of 'arg0' to be 2, got 3
// MISSING: attn-run: cannot open '{{.*}}.none': No such file or directory
// FORMAT: attn-run: cannot read '{{.*}}npy.mlir': expected a file in .npy format
// WRITE: attn-run: cannot open '{{.*}}.none/x': No such file or directory

func.func @attention(%x: tensor<1x2x1x4xf32>) -> tensor<1x2x1x4xf32> {
  %kv = attn.kv.dense %x, %x : tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>
  %o = attn.attention %x, %kv
      : tensor<1x2x1x4xf32>,
        !attn.kv<tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>>
      -> tensor<1x2x1x4xf32>
  return %o : tensor<1x2x1x4xf32>
}
