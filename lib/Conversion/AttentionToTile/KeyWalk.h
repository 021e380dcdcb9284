//===- KeyWalk.h - The blocks of keys that a tile needs ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_ATTENTIONTOTILE_KEYWALK_H
#define ATTN_LIB_CONVERSION_ATTENTIONTOTILE_KEYWALK_H

#include "attn/Analysis/KeyBounds.h"

#include "mlir/IR/Builders.h"

namespace mlir::attn {

/// Walks the blocks of keys that a tile of queries sees, each of them once,
/// from the right to the left: so masked ones come first. Or, if
/// `diagonalFirst` and the tile sees one interval, from the block of the last
/// query to the left, and then from the right end back to it.
class KeyWalk {
public:
  /// `bounds` are for the tile of `rows` queries from `position` on; `lookup`
  /// gives the value to use for one of theirs, `limits` are those of its
  /// matches. Blocks are of `block` keys.
  KeyWalk(OpBuilder &builder, Location loc, const KeyBounds &bounds,
          Value position, int64_t rows, int64_t block, bool diagonalFirst,
          function_ref<Value(Value)> lookup, ArrayRef<Value> limits);

  /// The number of blocks.
  Value getCount() const { return count; }

  /// The first key of the block of an iteration.
  Value getKey(OpBuilder &builder, Value iteration) const;

private:
  /// The blocks from `begin` to before `end`, where `begin <= end`.
  struct Run {
    Value begin, end;
  };

  void walkOne(TileBoundsBuilder &tile, const KeyInterval &interval);
  void startAt(Value key);
  void walkUnion(TileBoundsBuilder &tile, ArrayRef<KeyInterval> intervals);
  void countBlocks(Value begin, Value end);
  void walkSeveral(TileBoundsBuilder &tile, ArrayRef<KeyInterval> intervals);
  Run createRun(TileBoundsBuilder &tile, const KeyInterval &interval);
  Run join(Run a, Run b);
  void sortByEnd(SmallVectorImpl<Run> &runs);
  Value apply(AffineExpr expr, ArrayRef<OpFoldResult> operands);

  OpBuilder &builder;
  Location loc;
  int64_t block;
  Value count;
  /// Of one run: its last block.
  Value lastBlock;
  /// Of several: the first key and, from the second on, the first iteration.
  SmallVector<Value> from, at;
};

} // namespace mlir::attn

#endif // ATTN_LIB_CONVERSION_ATTENTIONTOTILE_KEYWALK_H
