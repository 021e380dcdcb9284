//===- AttentionRows.h - Attention, row by row ------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_ATTENTIONROWS_H
#define ATTN_LIB_REFERENCE_ATTENTIONROWS_H

#include "BlockLists.h"
#include "Keys.h"
#include "RegionProgram.h"

#include "Attention/Attention.h"

namespace mlir::attn::reference {

/// The queries of one batch, or of one of the packed sequences.
struct Sequence {
  /// Its first row among those of all of them, and the number of its rows.
  int64_t firstQuery, queries;
};

/// The tensors of an attention. The results are allocated.
struct AttentionTensors {
  const Tensor &query;
  const Keys &keys;
  /// Null where there are none.
  const Tensor *positions, *sink;
  const BlockLists *blocks;
  Tensor &output, &lse;
  std::vector<Sequence> sequences;
};

/// Computes the rows that `options` names. Emits a diagnostic where a region
/// holds an op without reference semantics.
LogicalResult evaluateRows(AttentionOp op, const Environment &captured,
                           const AttentionTensors &tensors,
                           const Options &options);

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_ATTENTIONROWS_H
