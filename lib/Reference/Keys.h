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

/// Where the key and the value of a position are: those of head 0, and how far
/// those of the next head are from them.
struct KeyRow {
  const double *key, *value;
  int64_t keyStride, valueStride;
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
};

/// Checks the tensors of a constructor against each other.
LogicalResult checkKeys(KVDenseOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVVarlenOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVLatentOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVPagedOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVGatherOp op, const Evaluation &evaluation);
LogicalResult checkKeys(KVConcatOp op, const Evaluation &evaluation);

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_KEYS_H
