//===- Keys.h - Keys and values, wherever they are --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_KEYS_H
#define ATTN_LIB_REFERENCE_KEYS_H

#include "Evaluation.h"

#include "Attention/Attention.h"

namespace mlir::attn::reference {

/// Where the key and the value of a position are: those of head 0, how far
/// those of the next head are from them, and in which source.
struct KeyRow {
  const double *key, *value;
  int64_t keyStride, valueStride;
  size_t source;
};

/// Lists that name keys for each query, and among which keys they choose.
struct Choice {
  const Tensor *indices;
  int64_t block;
  /// The first position and the number of positions, for each sequence.
  std::vector<int64_t> first, count;
};

/// What a `!attn.kv` stands for.
struct Keys {
  /// The positions of each sequence.
  std::vector<std::vector<KeyRow>> sequences;
  std::vector<Choice> choices;

  /// Reads the constructors, which have been checked.
  static Keys read(Value kv, const Evaluation &evaluation);

  /// Finds the keys of its sequence that every list for `row` names; all where
  /// there are no lists. The queries have `heads` heads, those of the sequence
  /// begin at `firstQuery`.
  void choose(Row row, int64_t firstQuery, int64_t heads,
              std::vector<bool> &chosen) const;
};

/// Checks that there is a position for each query, where `op` has positions.
template <typename Op>
LogicalResult checkPositions(Op op, const Evaluation &evaluation) {
  if (!op.getPositions())
    return success();
  ArrayRef<int64_t> query = evaluation.get(op.getQuery()).shape;
  ArrayRef<int64_t> positions = evaluation.get(op.getPositions()).shape;
  if (positions == query.drop_back(2))
    return success();
  return op.emitOpError("expected a position for each query of ")
         << toString(query) << ", got " << toString(positions);
}

/// Checks that the lists of `keys` are as the queries are, of `shape`.
LogicalResult checkChoices(Operation *op, const Keys &keys,
                           ArrayRef<int64_t> shape);

/// Checks the tensors of a constructor against each other.
LogicalResult checkKeys(KVDenseOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVVarlenOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVLatentOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVPagedOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVGatherOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVConcatOp op, const Evaluation &evaluation);

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_KEYS_H
