// What is wrong on the command line is said in words, and the exit is not 0.

// RUN: not attn-run %s --device=reference 2>&1 \
// RUN:   | FileCheck %s --check-prefix=MISSING
// RUN: not attn-run %s --device=reference --shape q=1x2x1x4 --shape kv=1x?x1x4 \
// RUN:   2>&1 | FileCheck %s --check-prefix=PARTIAL
// RUN: not attn-run %s --device=reference --shape q=1x2x1 2>&1 \
// RUN:   | FileCheck %s --check-prefix=RANK
// RUN: not attn-run %s --device=reference --shape q=1x2x1x8 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SIZE
// RUN: not attn-run %s --device=reference --shape q=1x2xx4 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SHAPE
// RUN: not attn-run %s --device=reference --shape q=1x-2x1x4 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NEGATIVE
// RUN: not attn-run %s --device=reference \
// RUN:   --shape q=99999999999x99999999999x1x4 2>&1 \
// RUN:   | FileCheck %s --check-prefix=MEMORY
// RUN: not attn-run %s --device=reference --shape p=1x2x1x4 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NAME
// RUN: not attn-run %s --device=reference --output q=x.npy 2>&1 \
// RUN:   | FileCheck %s --check-prefix=OUTPUT
// RUN: not attn-run %s --device=reference --shape q 2>&1 \
// RUN:   | FileCheck %s --check-prefix=EQUALS
// RUN: not attn-run %s --device=reference --shape q=1x2x1x4 --shape q=1x2x1x4 \
// RUN:   2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not attn-run %s --device=tpu 2>&1 | FileCheck %s --check-prefix=DEVICE
// RUN: not attn-run %t.none 2>&1 | FileCheck %s --check-prefix=FILE

// The sizes of queries and keys have to agree.
// RUN: not attn-run %s --device=reference --shape q=1x2x1x4 --shape kv=2x3x1x4 \
// RUN:   2>&1 | FileCheck %s --check-prefix=BATCH

// MISSING: attn-run: missing size 0 of 'q': give --shape q=?x?x1x4 with numbers for '?'
// PARTIAL: attn-run: missing size 1 of 'kv': give --shape kv=1x?x1x4 with numbers for '?'
// RANK: attn-run: expected 'q' to have rank 4, got 1x2x1
// SIZE: attn-run: expected size 3 of 'q' to be 4, got 8
// SHAPE: attn-run: 'q': expected a shape such as 1x4096x64x128, got '1x2xx4'
// NEGATIVE: attn-run: 'q': expected a shape such as 1x4096x64x128, got '1x-2x1x4'
// MEMORY: attn-run: 'q': expected a size that fits in memory, got 99999999999x99999999999x1x4
// NAME: attn-run: unknown name 'p' in --shape: expected q, kv
// OUTPUT: attn-run: unknown name 'q' in --output: expected o
// EQUALS: attn-run: expected --shape name=value, got 'q'
// TWICE: attn-run: expected one --shape for 'q', got two
// DEVICE: Cannot find option named 'tpu'
// FILE: attn-run: cannot open input file '{{.*}}.none': No such file or directory
// BATCH: error: {{.*}}
// BATCH: attn-run: cannot interpret the program

func.func @attention(%q: tensor<?x?x1x4xf32> {attn.name = "q"},
                     %x: tensor<?x?x1x4xf32> {attn.name = "kv"})
    -> (tensor<?x?x1x4xf32> {attn.name = "o"}) {
  %kv = attn.kv.dense %x, %x : tensor<?x?x1x4xf32>, tensor<?x?x1x4xf32>
  %o = attn.attention %q, %kv
      : tensor<?x?x1x4xf32>,
        !attn.kv<tensor<?x?x1x4xf32>, tensor<?x?x1x4xf32>>
      -> tensor<?x?x1x4xf32>
  return %o : tensor<?x?x1x4xf32>
}
