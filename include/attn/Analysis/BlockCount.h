//===- BlockCount.h - How many keys the tiles visit -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_BLOCKCOUNT_H
#define ATTN_ANALYSIS_BLOCKCOUNT_H

#include "mlir/IR/Block.h"

namespace mlir::attn {

/// Tiles of `rows` queries that visit blocks of `block` keys. The last query
/// stands at the last key.
struct BlockGrid {
  int64_t heads, queries, keys;
  int64_t rows, block;
};

/// Blocks that the tiles visit, for all heads of one batch.
struct BlockCount {
  int64_t total = 0;
  /// Of the tiles with the least and the most of them.
  int64_t smallest = 0, largest = 0;
  /// False where contents of tensors decide: blocks are counted as though they
  /// were visited.
  bool isExact = true;
};

/// Counts the blocks whose keys are within the bounds of `mask`, a region of
/// (batch, head, query, key), or all blocks where it is null.
BlockCount countVisitedBlocks(Block *mask, const BlockGrid &grid);

} // namespace mlir::attn

#endif // ATTN_ANALYSIS_BLOCKCOUNT_H
