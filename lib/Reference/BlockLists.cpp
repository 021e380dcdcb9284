//===- BlockLists.cpp - Which blocks of keys a query sees -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockLists.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

LogicalResult BlockLists::checkShape(const List &list) const {
  ArrayRef<int64_t> counts = list.counts.shape, indices = list.indices.shape;
  bool fits = counts == indices.drop_back() && counts[2] >= rows &&
              (counts[0] == 1 || counts[0] == batches) &&
              (counts[1] == 1 || counts[1] == heads);
  if (fits)
    return success();
  InFlightDiagnostic diagnostic =
      op->emitOpError("expected ")
      << list.name << " blocks of " << batches << " (or 1) batches, " << heads
      << " (or 1) heads and at least " << rows << " rows, got counts [";
  llvm::interleaveComma(counts, diagnostic);
  diagnostic << "] and indices [";
  llvm::interleaveComma(indices, diagnostic);
  return diagnostic << "]";
}

LogicalResult BlockLists::addRow(const List &list, int64_t batch, int64_t head,
                                 int64_t row) {
  ArrayRef<int64_t> shape = list.indices.shape;
  int64_t number =
      ((shape[0] == 1 ? 0 : batch) * shape[1] + (shape[1] == 1 ? 0 : head)) *
          shape[2] +
      row;
  auto count = static_cast<int64_t>(list.counts.values[number]);
  const double *entries = list.indices.values.data() + number * shape[3];
  for (int64_t i = 0; i < std::min(count, shape[3]); ++i) {
    auto column = static_cast<int64_t>(entries[i]);
    if (column < 0 || column >= columns)
      continue;
    BlockState &state = states[getRow(batch, head, row) * columns + column];
    if (state != BlockState::Unseen)
      return op->emitOpError("expected each block once in the lists of a row, "
                             "got block ")
             << column << " twice in row " << row << " of batch " << batch
             << ", head " << head;
    state = list.state;
  }
  return success();
}

LogicalResult BlockLists::add(StringRef name, BlockList list,
                              const Environment &tensors, BlockState state) {
  if (!list)
    return success();
  List own = {name, *tensors.at(list.counts), *tensors.at(list.indices), state};
  if (failed(checkShape(own)))
    return failure();
  for (int64_t batch = 0; batch != batches; ++batch)
    for (int64_t head = 0; head != heads; ++head)
      for (int64_t row = 0; row != rows; ++row)
        if (failed(addRow(own, batch, head, row)))
          return failure();
  return success();
}

BlockLists::BlockLists(Operation *op, ArrayRef<int64_t> query, int64_t numKeys,
                       int64_t blockQ, int64_t blockK)
    : op(op), batches(query[0]), heads(query[2]),
      rows(llvm::divideCeilSigned(query[1], blockQ)),
      columns(llvm::divideCeilSigned(numKeys, blockK)), blockQ(blockQ),
      blockK(blockK), states(batches * heads * rows * columns) {}
