//===- Passes.td - From one level to the next ---------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_PASSES_TD
#define ATTN_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertAttentionToTilePass : Pass<"convert-attn-to-tile", "::mlir::ModuleOp"> {
  let summary = "Compute an attention block by block";
  let description = [{
    Turns each function into a `tile.kernel` that walks the blocks of keys from
    the last one that a query of the tile sees to the first, with an online
    softmax. Requires `attn-lower-mask-ops` and `attn-select-schedule`; leaves no
    op of the attn dialect. A function that is not one attention over its
    arguments, or one whose regions read a tensor that is no argument, is refused.

    The blocks are those that the bounds of the mask (`KeyBounds`) leave: the keys
    of up to three intervals, each block once. A mask that compares what it reads at
    the query with what it reads at the key, as documents do, gets a second kernel,
    `@f_limits`, in front: for each tile of queries it finds, from the least and the
    greatest number of its queries, the first and the last key that can match one
    and a run of keys that match all. These limits, a `tile.workspace`, bound the
    walk as well. What masks and modifiers compute
    from the batch and the head alone stands in front of the loop. Where there is
    a modifier, or a scale that is not positive, scores are scaled first and the
    softmax has a scale of 1.

    ```mlir
    func.func @f(%q: tensor<?x?x8x128xbf16>, ...) -> tensor<?x?x8x128xbf16> {
      %kv = attn.kv.dense %k, %v : ...
      %o = attn.attention %q, %kv {tile.schedule = ...} : ...
      return %o : tensor<?x?x8x128xbf16>
    }
    // becomes
    tile.kernel @f(%q: !tile.view<?x?x8x128xbf16>, ..., %o: !tile.view<?x?x8x128xbf16> {tile.output}) ... {
      scf.forall (%b, %h, %t) in (...) {
        %q_tile = tile.load %q[...] ...
        %r:3 = scf.for %i = %c0 to %blocks step %c1 iter_args(...) {
          %s = tile.dot %q_tile, %k_tile transpose_rhs ...
          %m = tile.mask %s ...
          %p, ... = tile.online_softmax %m, ...
          ...
        }
        ...
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect", "::mlir::tile::TileDialect"];
}

def StepRecurrencePass : Pass<"attn-step-recurrence", "::mlir::ModuleOp"> {
  let summary = "Compute a recurrence token by token";
  let description = [{
    Turns each function that is one `attn.recurrence` over its arguments, with a
    `tile.schedule` whose `block_kv` is 1, into a `tile.kernel`. An instance has
    `block_q` columns of the state of one value head of one sequence, which it loads
    once, and keeps in between: the columns do not depend on each other. What is
    computed for a token follows from which operands there are. Other functions are
    left alone. Requires `attn-select-schedule`.

    A pool of states is updated where it is: the result has the memory of the
    operand (`tile.updates`). A sequence whose slot is not one of the pool is
    padding.

    ```mlir
    func.func @f(%q: tensor<?x1x16x128xbf16>, ...) -> (...) {
      %o, %s = attn.recurrence %q, %k, %v decay(...) ... {tile.schedule = ...} : ...
      return %o, %s : ...
    }
    // becomes
    tile.kernel @f(%q: !tile.view<?x1x16x128xbf16>, ...) ... {
      scf.forall (%b, %n, %block) in (...) {
        %s0 = tile.load %state[%b, %n, %c0, %v0] axes [2, 3] : ... -> vector<128x64xf32>
        %s = scf.for %t = %c0 to %tokens step %c1 iter_args(%before = %s0) {
          %q_row = tile.load %q[%b, %t, %h, %c0] axes [3] : ... -> vector<128xbf16>
          ...
          tile.store %o_row, %o[%b, %t, %n, %v0] axes [3] : vector<64xbf16>, ...
          scf.yield %after : vector<128x64xf32>
        }
        tile.store %s, %final[%b, %n, %c0, %v0] axes [2, 3] : vector<128x64xf32>, ...
      }
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tile::TileDialect", "::mlir::vector::VectorDialect"];
}

def ChunkRecurrencePass : Pass<"attn-chunk-recurrence", "::mlir::ModuleOp"> {
  let summary = "Compute a recurrence chunk by chunk";
  let description = [{
    Turns each function that is a recurrence over its arguments into a `tile.kernel`
    with an instance for each sequence, value head and `block_q` channels of the
    value. An instance has the state of its channels, transposed, and goes through
    the tokens in chunks of `block_kv`: what the tokens of a chunk do to each other
    is products of matrices, and a triangular inverse where they erase. Which
    operands there are decides what is computed. Requires `attn-select-schedule`;
    leaves other functions alone. What has no chunked form yet is refused by name.

    Where the schedule has `segment_chunks`, there are instances for segments of a
    sequence as well, which do not wait for each other. A kernel in front,
    `@f_segments`, finds how many chunks early a segment has to start, so that
    nothing is left of the state that it does not know.

    ```mlir
    func.func @f(%q: tensor<?x?x2x64xbf16>, ...) -> tensor<?x?x2x64xbf16> {
      %o = attn.recurrence %q, %k, %v decay(%g : ...) {tile.schedule = ...} : ...
      return %o : tensor<?x?x2x64xbf16>
    }
    // becomes
    tile.kernel @f(%q: !tile.view<?x?x2x64xbf16>, ..., %o: !tile.view<?x?x2x64xbf16> {tile.output}) ... {
      scf.forall (%b, %n, %part) in (...) {
        %end = scf.for %c = %c0 to %chunks step %c1 iter_args(%state = ...) {
          %sums = tile.cumulative_sum %decays ...
          %reads = tile.dot %q_tile, %k_tile transpose_rhs ...
          ...
          %next = tile.dot %kept, %k_tile acc(%decayed) ...
          scf.yield %next : vector<64x64xf32>
        }
        ...
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tile::TileDialect", "::mlir::vector::VectorDialect"];
}

def ConvertTileToSm90Pass : Pass<"convert-tile-to-sm90", "::mlir::ModuleOp"> {
  let summary = "Divide a kernel among the warps of a Hopper chip";
  let description = [{
    Turns each `tile.kernel` into a `sm90.kernel` with two roles. The producer
    keeps the index arithmetic, the loops and, of each `tile.load`, the copy into
    a stage of a shared-memory buffer; the consumer keeps everything else, on 64
    rows per warpgroup. All loads from one view share one buffer. A product is
    waited for where its result is first used. Values have no layout yet: run
    `sm90-infer-layouts` next.

    With `auxiliary_registers` in the schedule, a loop that carries a state is divided
    among more roles, by what depends on the state: a warp computes what has a
    number for each token, an auxiliary warpgroup products that do not depend on the
    state, with what follows from them, and both fill stages for the consumers.

    ```mlir
    %k_tile = tile.load %k[%b, %j, %h, %c0] axes [1, 3] : ...
    %s = tile.dot %q_tile, %k_tile transpose_rhs : ...
    // becomes, in the producer
    %free = sm90.stage.await_empty %k_buffer, %k_empty[%n] : ...
    sm90.tma_load_async %k[%b, %j, %h, %c0] into %free, %k_full[%n] keep : ...
    // and in the consumer
    %k_stage = sm90.stage.await_full %k_buffer, %k_full[%n] : ...
    %f = sm90.wgmma_async %q_fragment, %k_stage transpose_rhs : ...
    %s, %k_done = sm90.wgmma.wait %f pending(0) : ...
    sm90.stage.release %k_done, %k_empty[%n] : ...
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::sm90::Sm90Dialect"];
}

def ConvertSm90ToNVVMPass : Pass<"convert-sm90-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Give each thread its part of the fragments and its instructions";
  let description = [{
    Turns each `sm90.kernel` into an `llvm.func` that every thread runs. A
    fragment becomes one scalar per element of the thread, which is what keeps
    accumulators in place between products. Requires `sm90-infer-layouts` and
    `sm90-assign-shared-memory`; leaves `scf`, `affine` and `arith` on scalars for
    the upstream conversions.

    ```mlir
    %y = arith.mulf %x, %x : tensor<64x128xf32, #sm90.layout<accumulator>>
    // becomes
    %y0 = arith.mulf %x0, %x0 : f32
    ...
    %y63 = arith.mulf %x63, %x63 : f32
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::cf::ControlFlowDialect", "::mlir::scf::SCFDialect",
    "::mlir::LLVM::LLVMDialect",
    "::mlir::NVVM::NVVMDialect"];
}

def JoinWaitsPass : Pass<"nvvm-join-waits", "::mlir::LLVM::LLVMFuncOp"> {
  let summary = "Test at once barriers that are waited for one after the other";
  let description = [{
    A wait for a barrier tests it, some 20 clocks, and a branch waits for what the
    test says. Where waits stand next to each other, nothing between them but what
    only computes, all barriers are tested before one branch, in the place of the
    last wait: as long as the others are not behind, that takes as long as one. If
    one is not ready, all are tested again, which finds again what was ready: a phase
    does not end before it has been waited for. Obeys `join_waits` of the schedule,
    of which `convert-sm90-to-nvvm` leaves an attribute at the function, and runs
    behind `convert-scf-to-cf`.

    ```mlir
    llvm.inline_asm has_side_effects "{ ... WAIT: mbarrier.try_wait... done, [$0], $1; @!done bra WAIT; }", "r,r,~{memory}" %a, %x
    %b = llvm.add %memory, %c64 : i32
    llvm.inline_asm has_side_effects "{ ... WAIT: mbarrier.try_wait... done, [$0], $1; @!done bra WAIT; }", "r,r,~{memory}" %b, %y
    // becomes
    %b = llvm.add %memory, %c64 : i32
    llvm.inline_asm has_side_effects "{ ... WAIT: mbarrier.try_wait... done, [$0], $1;
      mbarrier.try_wait... next, [$2], $3; and.pred done, done, next; @!done bra WAIT; }", "r,r,r,r,~{memory}" %a, %x, %b, %y
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // ATTN_CONVERSION_PASSES_TD
