//===- BlockWalk.h - The blocks of keys that lists name ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_ATTENTIONTOTILE_BLOCKWALK_H
#define ATTN_LIB_CONVERSION_ATTENTIONTOTILE_BLOCKWALK_H

#include "Attention/Attention.h"

#include "mlir/IR/Builders.h"

namespace mlir::attn {

/// Walks the blocks that the lists of an attention name for a tile of queries:
/// the full ones, then the partial ones, in one loop. A block of the list may
/// be several tiles of keys.
class BlockWalk {
public:
  /// Where the tile stands: the batch, the query head and the first query.
  struct Place {
    Value batch, head, row;
  };

  /// `lookup` gives the view of a list. Tiles have `tileKeys` keys, which
  /// divide the blocks of `op`.
  BlockWalk(OpBuilder &builder, Location loc, AttentionOp op, Place place,
            int64_t tileKeys, Value keyLength,
            function_ref<Value(Value)> lookup);

  /// The number of tiles of keys.
  Value getCount() const { return count; }

  /// What an iteration handles.
  struct Step {
    /// The first key of its tile. Where the list names no block, it lies behind
    /// the last key.
    Value key;
    /// Whether its block is full; null where all are or none is.
    Value isFull;
  };
  Step getStep(OpBuilder &builder, Value iteration) const;

private:
  /// One list of a row.
  struct List {
    Value indices;
    /// The indices of its first entry but for the last, and its length.
    SmallVector<Value> position;
    Value length;
  };

  List createList(AttentionOp::BlockList list, Place place,
                  function_ref<Value(Value)> lookup);
  Value readEntry(OpBuilder &builder, const List &list, Value number) const;

  OpBuilder &builder;
  Location loc;
  int64_t blockQ, blockK, tileKeys;
  /// The number of blocks of keys.
  Value columns;
  /// The first list has the full blocks where there are both kinds.
  SmallVector<List, 2> lists;
  Value count;
};

} // namespace mlir::attn

#endif // ATTN_LIB_CONVERSION_ATTENTIONTOTILE_BLOCKWALK_H
