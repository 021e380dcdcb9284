// How a program is computed, what bounds its time and what was refused.

// The numbers: 4 heads x 8 tiles of 128 queries, of which tile i visits i + 1 blocks of
// 128 keys, 144 in all. A block takes 2 * 128 * 128 * (128 + 128) / 4096 = 2048 cycles
// of the tensor cores and 128 * 128 / 16 = 1024 of the special functions; the longest
// tile takes 8 blocks, more than a 132nd of 144, so it bounds the time: 8.95 us.
// 4 * 1024 * 128 queries, as many results and half as many keys and values, of two
// bytes: 3.1 MB. Of 144 blocks, 4 * 1024 * 1025 / 2 scores are kept, 0.89 of them.

// RUN: attn-opt %s --explain --shape q=1x1024x4x128 --ptxas=%S/Inputs/ptxas | FileCheck %s
// CHECK:      kernel 'f' for sm_90a
// CHECK-NEXT:   tile       128 queries x 128 keys, head dimensions 128 and 128
// CHECK-NEXT:   stages     2 of keys and 2 of values
// CHECK-NEXT:   producer   4 warps, 40 registers a thread; one thread copies
// CHECK-NEXT:   consumers  2 x 4 warps, 232 registers a thread; 64 queries each, read from registers
// CHECK-NEXT:   output     copied from shared memory
// CHECK-NEXT:   threads    384 a block; a block per multiprocessor, which fetches its instances
// CHECK-NEXT:   shared     196752 of 232448 bytes
// CHECK-NEXT:   schedule   #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, longest_first = true
// CHECK-NEXT:   ptxas      168 registers a thread at the launch, 12 bytes spilled, 16 bytes of stack, (C7512) Potential Performance Loss
// CHECK-NEXT: estimate for q=1x1024x4x128 k=1x1024x2x128 v=1x1024x2x128 (sizes that --shape does not give are assumed)
// CHECK-NEXT:   instances  32 on 132 multiprocessors
// CHECK-NEXT:   tensor     0.0012 ms, 14 %
// CHECK-NEXT:   exp        0.0006 ms, 7 %
// CHECK-NEXT:   memory     0.0007 ms, 7 %
// CHECK-NEXT:   at best    0.0090 ms, bound by the tensor cores
// CHECK-NEXT:   roofline   12 % of the tensor cores' rate for scores that the mask keeps
// CHECK-NEXT: refused
// CHECK-NEXT:   longest_first = false: some instances may have more to do than others
// CHECK-NOT: {{.}}

// Without an assembler the rest can be said, unless one is named.
// RUN: env PATH=%bin attn-opt %s --explain > %t.none
// RUN: FileCheck %s --input-file=%t.none --check-prefix=NONE
// NONE:      ptxas      unknown: no ptxas
// NONE-NEXT: estimate for q=1x4096x4x128 k=1x4096x2x128 v=1x4096x2x128 (sizes that --shape does not give are assumed)
// RUN: not attn-opt %s --explain --ptxas=%t/absent 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: error: expected ptxas 13.0 or newer, got no program '{{.*}}absent'

// A size that is given twice has to be the same.
// RUN: not attn-opt %s --explain --shape k=1x64x2x128 --shape v=1x65x2x128 2>&1 | FileCheck %s --check-prefix=EQUAL
// EQUAL: attn-opt: expected size 1 of 'k' to equal size 1 of 'v', got 64 and 65
// RUN: not attn-opt %s --explain --shape w=1 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: attn-opt: unknown name 'w' in --shape: expected q, k, v
// RUN: not attn-opt %s --explain --shape q=1x64 2>&1 | FileCheck %s --check-prefix=RANK
// RANK: attn-opt: expected 'q' to have rank 4, got 1x64

// What nothing has to be done for, and what contents of tensors decide.
// RUN: attn-opt %s --explain --shape q=1x0x4x128 --shape k=1x9x2x128 | FileCheck %s --check-prefix=EMPTY
// EMPTY: instances  0 on 132 multiprocessors
// RUN: attn-opt %zoo/document.mlir --explain | FileCheck %s --check-prefix=DATA
// DATA: at best    {{[0-9.]+}} ms, bound by the tensor cores; data decides what the mask keeps, here all it may

// RUN: attn-opt %zoo/mla-expanded.mlir --explain | FileCheck %s --check-prefix=MLA
// MLA: consumers  2 x 4 warps, 224 registers a thread; 64 queries each, read from shared memory
// MLA-NEXT: output     stored by the consumers, from registers
// MLA: refused
// MLA-NEXT: query_in_registers = true: expected at most 204 registers for fragments, got 212
// MLA-NEXT: output_from_registers = false: expected at most 231936 bytes of buffers, got 245760

// RUN: echo "module {}" | not attn-opt --explain 2>&1 | FileCheck %s --check-prefix=MODULE
// MODULE: error: expected an attention or a recurrence to explain, got none
// RUN: not attn-opt %s --explain --target=sm_80 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: error: expected a target of sm_90a, got 'sm_80'

func.func @f(%q: tensor<?x?x4x128xbf16> {attn.name = "q"},
             %k: tensor<?x?x2x128xbf16> {attn.name = "k"},
             %v: tensor<?x?x2x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x4x128xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o = attn.attention %q, %kv mask(causal)
      : tensor<?x?x4x128xbf16>,
        !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>>
      -> tensor<?x?x4x128xbf16>
  return %o : tensor<?x?x4x128xbf16>
}
