// How a recurrence is computed, what bounds its time and what was refused.

// The numbers: 2 sequences of 1000 tokens with 2 heads, 16 chunks each, in 4 segments of 4.
// A chunk takes 2 * 64 * 64 * 128 multiplications of tokens with tokens, 3 * 128 * 64 * 128
// with the state and 2 * 128 * 64 * 64 with what is written, 2560 cycles of the tensor
// cores or 1.4 us, and 64 * 66 / 16 = 264 cycles of the special functions. 64 chunks are
// 0.7 us of 132 multiprocessors, but 4 come one after the other: 5.6 us. 4 * 2000 * 256
// queries, keys, values and results of two bytes, 2 * 4000 numbers and 4 states of 128 x 128
// of four: 4.4 MB, or 0.9 us. Of 1024 tokens, 1000 are there.

// RUN: split-file %s %t
// RUN: attn-opt %t/chunks.mlir --explain --shape q=2x1000x2x128 --ptxas=%S/Inputs/ptxas | FileCheck %t/chunks.mlir

// From token to token. 4 heads x 4096 tokens of 256 x 64 elements, of which each is
// multiplied by the decay, by two vectors to be summed and by one to be added: 35 us
// of all multiprocessors, and 0.6 ms of the one that has a tile of 32 columns, as a
// token takes 32 * 256 * 4 / 128 = 256 cycles.
// RUN: attn-opt %t/wide.mlir --explain --ptxas=%S/Inputs/ptxas | FileCheck %t/wide.mlir
// RUN: attn-opt %t/decode.mlir --explain --shape q=128x1x32x128 --ptxas=%S/Inputs/ptxas | FileCheck %t/decode.mlir

// Strengths of channels, whose segments are checked; and why there are no segments.
// RUN: attn-opt %t/gates.mlir --explain --ptxas=%S/Inputs/ptxas | FileCheck %t/gates.mlir
// RUN: attn-opt %t/narrow.mlir --explain --ptxas=%S/Inputs/ptxas | FileCheck %t/narrow.mlir
// RUN: attn-opt %t/key.mlir --explain --ptxas=%S/Inputs/ptxas | FileCheck %t/key.mlir
// RUN: attn-opt %t/direction.mlir --explain --ptxas=%S/Inputs/ptxas | FileCheck %t/direction.mlir
// RUN: attn-opt %t/own.mlir --explain --ptxas=%S/Inputs/ptxas | FileCheck %t/own.mlir

// Strengths up to 2, whose products with the state are two: 2 * 64 * 64 * 128 + 2 * 3 * 64 * 64 *
// 128 + 2 * 64 * 64 * 64 multiplications, 2304 cycles, for each of 128 chunks and parts.
// RUN: attn-opt %t/reflecting.mlir --explain --shape q=2x1000x2x128 --ptxas=%S/Inputs/ptxas | FileCheck %t/reflecting.mlir

// Packed sequences, and queries that are prepared in front.
// RUN: attn-opt %t/packed.mlir --explain --shape q=3000x2x128 --shape cu=4 --ptxas=%S/Inputs/ptxas | FileCheck %t/packed.mlir
// RUN: attn-opt %t/prepared.mlir --explain --shape x=3x100x2x64 --ptxas=%S/Inputs/ptxas | FileCheck %t/prepared.mlir
// RUN: attn-opt %t/prepared.mlir --explain --shape x=3x0x2x64 --ptxas=%S/Inputs/ptxas | FileCheck %t/prepared.mlir --check-prefix=EMPTY

//--- chunks.mlir

!q = tensor<?x?x2x128xbf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2xf32, #attn.gate<log>>
!s = tensor<?x2x128x128xf32, #attn.state<key_value>>
func.func @f(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"},
             %g: !g {attn.name = "g"}, %beta: !n {attn.name = "beta"})
    -> (!q {attn.name = "o"}, !s {attn.name = "final"}) {
  %o, %s = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      : !q, !q, !q -> !q state(!s)
  return %o, %s : !q, !s
}
// CHECK:      kernel 'f' for sm_90a
// CHECK-NEXT:   tile       128 channels of values x 64 tokens, head dimensions 128 and 128
// CHECK-NEXT:   stages     2 of queries, keys and values
// CHECK-NEXT:   producer   4 warps, 32 registers a thread; one thread copies, a warp computes numbers of tokens
// CHECK-NEXT:   auxiliary  4 warps, 96 registers a thread; what does not depend on the state
// CHECK-NEXT:   consumers  2 x 4 warps, 192 registers a thread; 64 rows of the state each, in registers
// CHECK-NEXT:   segments   of at least 4 chunks, where multiprocessors are left
// CHECK-NEXT:   in front   'f_segments'
// CHECK-NEXT:   threads    512 a block; a block for each instance
// CHECK-NEXT:   shared     {{[0-9]+}} of 232448 bytes
// CHECK-NEXT:   schedule   #tile.schedule<block_q = 128, block_kv = 64
// CHECK-NEXT:   ptxas      168 registers a thread at the launch, 12 bytes spilled, 16 bytes of stack, (C7512) Potential Performance Loss
// CHECK-NEXT: estimate for q=2x1000x2x128 k=2x1000x2x128 v=2x1000x2x128 g=2x1000x2 beta=2x1000x2
// CHECK-NEXT:   instances  16 on 132 multiprocessors
// CHECK-NEXT:   tensor     0.0007 ms, 12 %
// CHECK-NEXT:   exp        0.0001 ms, 1 %
// CHECK-NEXT:   memory     0.0009 ms, 16 %
// CHECK-NEXT:   at best    0.0056 ms, bound by the tensor cores; data decides how many chunks early segments start, here none
// CHECK-NEXT:   roofline   12 % of the tensor cores' rate for tokens, those of tokens alone once for each head
// CHECK-NEXT: refused: nothing
// CHECK-NOT: {{.}}

//--- wide.mlir

!q = tensor<1x4096x4x256xbf16>
!v = tensor<1x4096x4x64xbf16>
!n = tensor<1x4096x4xf32>
!g = tensor<1x4096x4xf32, #attn.gate<log>>
func.func @f(%q: !q {attn.name = "q"}, %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
             %beta: !n {attn.name = "beta"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %q, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      : !q, !q, !v -> !v
  return %o : !v
}
// CHECK:      kernel 'f' for sm_90a
// CHECK-NEXT:   tile       32 channels of values x 1 token, head dimensions 256 and 64
// CHECK-NEXT:   warps      4, at most {{[0-9]+}} registers a thread, 64 of them for the state
// CHECK-NEXT:   threads    128 a block; a block for each instance
// CHECK:      estimate for q=1x4096x4x256 v=1x4096x4x64 g=1x4096x4 beta=1x4096x4
// CHECK-NEXT:   instances  8 on 132 multiprocessors
// CHECK-NEXT:   multiply   0.0347 ms, 6 %
// CHECK-NEXT:   memory     0.0026 ms, 0 %
// CHECK-NEXT:   at best    0.5730 ms, bound by products of f32
// CHECK-NEXT:   roofline   0 % of the memory's rate
// CHECK-NEXT: refused
// CHECK-NEXT:   block_kv = 64: expected keys of 64 or 128 channels, got 256
// CHECK-NOT: {{.}}

//--- decode.mlir

!q = tensor<?x1x32x128xbf16>
!s = tensor<?x32x128x128xf32, #attn.state<key_value>>
func.func @f(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"},
             %s0: !s {attn.name = "state"}) -> (!q {attn.name = "o"}, !s {attn.name = "final"}) {
  %o, %s = attn.recurrence %q, %k, %v state(%s0 : !s) : !q, !q, !q -> !q state(!s)
  return %o, %s : !q, !s
}
// CHECK:      tile       64 channels of values x 1 token, head dimensions 128 and 128
// CHECK-NEXT: warps      4, at most 168 registers a thread, 64 of them for the state
// CHECK-NEXT: for many   64 channels of values from 32 sequences on, to which copies bring states
// CHECK:      instances  8192 on 132 multiprocessors
// CHECK:      memory     0.1127 ms, 100 %
// CHECK-NEXT: at best    0.1127 ms, bound by the memory
// CHECK-NEXT: roofline   100 % of the memory's rate
// CHECK-NEXT: refused
// CHECK-NEXT:   block_kv = 64: expected more than 16 tokens, got 1

//--- gates.mlir

!q = tensor<?x?x2x128xbf16>
!n = tensor<?x?x2x128xf32>
!g = tensor<?x?x2x128xf32, #attn.gate<log>>
func.func @f(%q: !q {attn.name = "q"}, %g: !g {attn.name = "g"}, %e: !n {attn.name = "e"},
             %w: !n {attn.name = "w"}) -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%e : !n) write(%w : !n) : !q, !q, !q -> !q
  return %o : !q
}
// CHECK:      producer   4 warps, 32 registers a thread; one thread copies, a warp computes numbers of tokens, two warps take strengths of channels
// CHECK:      segments   of at least 4 chunks, where multiprocessors are left; where they start is checked
// CHECK-NEXT: in front   'f_segments', 'f_transitions', 'f_checks'
// CHECK:      refused: nothing

//--- narrow.mlir

!q = tensor<?x?x2x64xbf16>
!v = tensor<?x?x2x128xbf16>
!e = tensor<?x?x2x64xf32>
!w = tensor<?x?x2x128xf32>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>
func.func @f(%q: !q {attn.name = "q"}, %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
             %e: !e {attn.name = "e"}, %w: !w {attn.name = "w"}) -> (!v {attn.name = "o"}) {
  %o = attn.recurrence %q, %q, %v decay(%g : !g) erase(%e : !e) write(%w : !w) : !q, !q, !v -> !v
  return %o : !v
}
// CHECK:      segments   none: a sequence is one instance for each tile
// CHECK:      refused
// CHECK-NEXT:   segment_chunks = 4: what tokens do to a block of rows is found for one as wide as the keys

//--- direction.mlir

!q = tensor<?x?x2x64xbf16>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>
func.func @f(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"}, %g: !g {attn.name = "g"},
             %a: !q {attn.name = "a"}, %b: !q {attn.name = "b"}) -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase_key(%a : !q) erase_direction(%b : !q) before_decay : !q, !q, !q -> !q
  return %o : !q
}
// CHECK:      segments   of at least 4 chunks, where multiprocessors are left; where they start is checked
// CHECK-NEXT: in front   'f_segments', 'f_transitions', 'f_checks'

//--- key.mlir

!q = tensor<?x?x2x64xbf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2xf32, #attn.gate<log>>
func.func @f(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"}, %g: !g {attn.name = "g"},
             %a: !q {attn.name = "a"}, %b: !n {attn.name = "b"}) -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%b : !n) erase_key(%a : !q) write(%b : !n)
      : !q, !q, !q -> !q
  return %o : !q
}
// CHECK:      refused
// CHECK:        segment_chunks = 4: no bound is known of what a state keeps that is erased but along its keys

//--- own.mlir

!q = tensor<?x?x2x128xbf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2x128xf32, #attn.gate<log>>
func.func @f(%q: !q {attn.name = "q"}, %g: !g {attn.name = "g"}, %e: !n {attn.name = "e"},
             %w: !n {attn.name = "w"}) -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%e : !n) write(%w : !n) : !q, !q, !q -> !q
  return %o : !q
}
// CHECK:      tile       64 channels of values x 64 tokens
// CHECK:      refused
// CHECK-NEXT:   block_q = 128: strengths of erasing and of writing take registers that two warpgroups have not got
// CHECK-NEXT:   segment_chunks = 4: the check of where segments start would spill beside keys of more channels than a block has

//--- reflecting.mlir

!q = tensor<?x?x2x128xbf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2xf32, #attn.gate<log>>
func.func @f(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"},
             %g: !g {attn.name = "g"}, %beta: !n {attn.name = "beta"}) -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      allow_neg_eigval : !q, !q, !q -> !q
  return %o : !q
}
// CHECK:      schedule   {{.*}}state_parts = 2
// CHECK:      tensor     0.0014 ms
// CHECK:      refused
// CHECK-NEXT:   block_q = 128: two parts of the state take registers that two warpgroups have not got

//--- packed.mlir

!q = tensor<?x2x128xbf16>
func.func @f(%q: !q {attn.name = "q"}, %cu: tensor<?xi32> {attn.name = "cu"}) -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %q, %q cu_seqlens(%cu : tensor<?xi32>) : !q, !q, !q -> !q
  return %o : !q
}
// CHECK:      instances  6 on 132 multiprocessors
// CHECK:      refused
// CHECK-NEXT:   segment_chunks = 4: nothing decays

//--- prepared.mlir

#row = affine_map<(b, t, h, d) -> (b, t, h, d)>
!x = tensor<?x?x2x64xf32>
func.func @f(%x: !x {attn.name = "x"}, %v: !x {attn.name = "v"}) -> (!x {attn.name = "o"}) {
  %q = linalg.generic {
      indexing_maps = [#row, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : !x) outs(%x : !x) {
  ^bb0(%in: f32, %unused: f32):
    %twice = arith.addf %in, %in : f32
    linalg.yield %twice : f32
  } -> !x
  %o = attn.recurrence %q, %q, %v : !x, !x, !x -> !x
  return %o : !x
}
// CHECK:      instances  6 on 132 multiprocessors
// CHECK:      block_kv = 64: there is no chunked form of channels that are prepared in front
// EMPTY:      instances  6 on 132 multiprocessors
// EMPTY-NEXT: refused
