//===- BlockLists.h - Which blocks of keys a query sees ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_BLOCKLISTS_H
#define ATTN_LIB_REFERENCE_BLOCKLISTS_H

#include "RegionProgram.h"

#include "Attention/Attention.h"

namespace mlir::attn::reference {

/// What an attention's lists say of a block of queries and keys.
enum class BlockState : uint8_t { Unseen, Partial, Full };

/// The lists of blocks of an attention, as a matrix for each batch and head.
class BlockLists {
public:
  /// The lists of `op`, an attention or its gradient, whose sequences have
  /// `numKeys` keys. Emits a diagnostic where the lists do not fit the
  /// attention or name a block twice.
  template <typename Op>
  static FailureOr<BlockLists> read(Op op, int64_t numKeys,
                                    const Environment &tensors) {
    BlockLists lists(op, tensors.at(op.getQuery())->shape, numKeys,
                     *op.getBlockQ(), *op.getBlockK());
    if (failed(lists.add("partial", op.getPartialBlocks(), tensors,
                         BlockState::Partial)) ||
        failed(
            lists.add("full", op.getFullBlocks(), tensors, BlockState::Full)))
      return failure();
    return lists;
  }

  BlockState lookup(int64_t batch, int64_t head, int64_t query,
                    int64_t key) const {
    return states[getRow(batch, head, query / blockQ) * columns + key / blockK];
  }

private:
  /// A list and what it says of its blocks.
  struct List {
    StringRef name;
    const Tensor &counts, &indices;
    BlockState state;
  };

  BlockLists(Operation *op, ArrayRef<int64_t> query, int64_t numKeys,
             int64_t blockQ, int64_t blockK);
  int64_t getRow(int64_t batch, int64_t head, int64_t row) const {
    return (batch * heads + head) * rows + row;
  }
  LogicalResult checkShape(const List &list) const;
  LogicalResult add(StringRef name, BlockList list, const Environment &tensors,
                    BlockState state);
  LogicalResult addRow(const List &list, int64_t batch, int64_t head,
                       int64_t row);

  Operation *op;
  int64_t batches, heads, rows, columns, blockQ, blockK;
  std::vector<BlockState> states;
};

/// Whether a query sees a key: `masked` is what the mask says of the two, and
/// `lists` may be null.
inline bool isInBlocks(const BlockLists *lists, Row row, int64_t key,
                       bool masked) {
  BlockState state = lists ? lists->lookup(row.batch, row.head, row.query, key)
                           : BlockState::Partial;
  return state == BlockState::Full || (state == BlockState::Partial && masked);
}

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_BLOCKLISTS_H
