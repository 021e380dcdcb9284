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
  /// Emits a diagnostic where the lists do not fit the attention or name a
  /// block twice.
  static FailureOr<BlockLists> read(AttentionOp op, int64_t numKeys,
                                    const Environment &tensors);

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

  int64_t getRow(int64_t batch, int64_t head, int64_t row) const {
    return (batch * heads + head) * rows + row;
  }
  LogicalResult checkShape(AttentionOp op, const List &list) const;
  LogicalResult add(AttentionOp op, const List &list);
  LogicalResult addRow(AttentionOp op, const List &list, int64_t batch,
                       int64_t head, int64_t row);

  int64_t batches = 0, heads = 0, rows = 0, columns = 0;
  int64_t blockQ = 1, blockK = 1;
  std::vector<BlockState> states;
};

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_BLOCKLISTS_H
