//===- Passes.td - Passes within the tile dialect -----------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_TILE_PASSES_TD
#define ATTN_TRANSFORMS_TILE_PASSES_TD

include "mlir/Pass/PassBase.td"

def HoistScoreDotPass : Pass<"tile-hoist-score-dot", "::mlir::tile::KernelOp"> {
  let summary = "Start the scores of the next block before the current one is done";
  let description = [{
    Rotates the loop over blocks of keys by half an iteration: the product with
    the values of block i - 1 stands between the scores of block i and their
    softmax, so that a target with asynchronous products runs it under that
    softmax. The first block is peeled off in front of the loop, its product with
    the values goes behind the last one. Obeys `hoist_score_dot` of the schedule;
    a loop of another shape, or one that stores, stays as it is.

    ```mlir
    scf.for %i = %c0 to %n step %c1 iter_args(%m, %l, %acc) {
      %s = tile.dot %q, %k_i transpose_rhs
      %p, ... = tile.online_softmax %s, %m, %l
      %acc1 = tile.rescale %acc, %correction
      %acc2 = tile.dot %p, %v_i acc(%acc1)
    }
    // becomes
    scf.if %has_blocks {
      %s0 = tile.dot %q, %k_0 transpose_rhs
      %p0, ... = tile.online_softmax %s0, ...
      scf.for %i = %c1 to %n step %c1 iter_args(%m, %l, %acc, %p) {
        %s = tile.dot %q, %k_i transpose_rhs
        %acc1 = tile.dot %p, %v_(i-1) acc(%acc)
        %p1, ... = tile.online_softmax %s, %m, %l
        %acc2 = tile.rescale %acc1, %correction
      }
      %acc3 = tile.dot %p, %v_(n-1) acc(%acc)
    }
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def SplitMaskedLoopPass : Pass<"tile-split-masked-loop", "::mlir::tile::KernelOp"> {
  let summary = "Give the blocks that no mask touches a loop of their own";
  let description = [{
    Splits a loop over blocks of keys, walked from the right to the left, in
    three: blocks that the mask cuts on the right, blocks that it leaves whole,
    blocks that it cuts on the left. The middle one has no `tile.mask`. A side
    that provably needs no iteration is left out. What `tile.bounded` says of a
    condition counts as well. Obeys `split_masked_loop` of the schedule; a loop whose
    mask `KeyBounds` cannot read, or that is unbounded on the right, stays as it is.

    ```mlir
    scf.for %i = %c0 to %n step %c1 iter_args(...) {
      %s1 = tile.mask %s query(%p) key(%j) { %keep = arith.cmpi sle, %j, %p ... }
    }
    // becomes
    scf.for %i = %c0 to %clean_begin step %c1 iter_args(...) {
      %s1 = tile.mask %s ...
    }
    scf.for %i = %clean_begin to %n step %c1 iter_args(...) {
      // uses %s
    }
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def InsertMaskTestPass : Pass<"tile-insert-mask-test", "::mlir::tile::KernelOp"> {
  let summary = "Skip a mask where it keeps its whole tile";
  let description = [{
    Where the place of a tile is read from memory, as with lists of blocks, no loop
    of clean tiles can be split off: which tiles a mask cuts is known when the
    kernel reads them. Computes in front of each such mask whether `KeyBounds` has
    an interval that holds the whole tile, and hands it over as `whole`. A mask of
    which no interval can be read, or whose tiles are at computed places, stays as
    it is.

    ```mlir
    %masked = tile.mask %s query(%p) key(%key) { %keep = arith.cmpi slt, %j, %length ... }
    // becomes
    %end = affine.apply affine_map<(d0) -> (d0 + 128)>(%key)
    %whole = arith.cmpi sle, %end, %length : index
    %masked = tile.mask %s query(%p) key(%key) whole(%whole) { ... }
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect"];
}

def MergeBoundsPass : Pass<"tile-merge-bounds", "::mlir::tile::KernelOp"> {
  let summary = "Compare a key with one bound on each side";
  let description = [{
    A mask that is the conjunction of several upper bounds of the key, or of
    several lower ones, compares with their minimum or maximum, which is one for
    each row rather than one for each element. The same for disjunctions. `causal`
    and the end of the keys, which every mask has to keep, are such a pair.

    ```mlir
    %inside = arith.cmpi slt, %j, %length
    %causal = arith.cmpi sle, %j, %p
    %keep = arith.andi %causal, %inside
    // becomes
    %next = arith.addi %p, %c1
    %end = arith.minsi %next, %length
    %keep = arith.cmpi slt, %j, %end
    ```

    Comes behind the passes that read masks by `KeyBounds`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def StageReadsPass : Pass<"tile-stage-reads", "::mlir::tile::KernelOp"> {
  let summary = "Load what modifiers read for each score in tiles";
  let description = [{
    A modifier that reads elements of 16 bits by the position of the key along the
    last axis of a view, and by that of the query along another, gets them from a
    tile, which a target may copy ahead. The other indices have to be the same for
    all scores. Obeys `stage_reads` of the schedule; of several reads of a view, the
    first one counts.

    ```mlir
    %y = tile.score %s query(%p0) key(%j0) {
    ^bb0(%x: f32, %p: index, %j: index):
      %e = tile.read %bias[%h, %p, %j]
      ...
    }
    // becomes
    %t = tile.load %bias[%h, %p0, %j0] axes [1, 2]
    %y = tile.score %s query(%p0) key(%j0) tiles(%t) {
    ^bb0(%x: f32, %p: index, %j: index, %e: bf16):
      ...
    }
    ```

    The start of a tile may be computed from sizes, indices of instances and loops, and
    what is read as a place.
  }];
}

#endif // ATTN_TRANSFORMS_TILE_PASSES_TD
