//===- Evaluation.h - What ops are evaluated in -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function is evaluated op by op. Each family of ops has a function that
// evaluates them; Reference.cpp lists the families.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_EVALUATION_H
#define ATTN_LIB_REFERENCE_EVALUATION_H

#include "RegionProgram.h"

#include "Attention/Attention.h"

#include <memory>

namespace mlir::attn::reference {

/// The values of a function so far. A scalar is a tensor of rank 0, and true
/// is 1.
class Evaluation {
public:
  explicit Evaluation(const Options &options) : options(options) {}

  const Tensor &get(Value value) const { return *tensors.at(value); }
  const Environment &getEnvironment() const { return tensors; }

  /// Lets `value` stand for `tensor`, which outlives the evaluation.
  void bind(Value value, const Tensor *tensor) { tensors[value] = tensor; }
  /// Allocates `value`, which may be null: a tensor of NaN, so that an element
  /// that nobody computes is seen.
  Tensor &define(Value value, ArrayRef<int64_t> shape);

  const Options &options;

private:
  Environment tensors;
  std::vector<std::unique_ptr<Tensor>> owned;
};

/// Nothing where the op is of another family. Emits a diagnostic where it
/// fails.
using Evaluated = std::optional<LogicalResult>;

/// Constructors of `!attn.kv` and attention.
Evaluated evaluateAttentionOp(Operation *op, Evaluation &evaluation);
/// Constants, ops of arith and math on scalars and element by element on
/// tensors, and structured ops of linalg.
Evaluated evaluateElementOp(Operation *op, Evaluation &evaluation);
/// Gradients of attention.
Evaluated evaluateBackwardOp(Operation *op, Evaluation &evaluation);
/// Rotary embedding, quantisation and what is written to caches.
Evaluated evaluateCacheOp(Operation *op, Evaluation &evaluation);
/// Merges of parts of attention.
Evaluated evaluateMergeOp(Operation *op, Evaluation &evaluation);
/// Selection and compression of keys.
Evaluated evaluateSelectOp(Operation *op, Evaluation &evaluation);
/// Recurrences and their gradients.
Evaluated evaluateRecurrenceOp(Operation *op, Evaluation &evaluation);
/// Ops of tensor, which move elements.
Evaluated evaluateTensorOp(Operation *op, Evaluation &evaluation);

/// Checks that cumulative lengths divide at most `total` rows.
LogicalResult checkCuSeqlens(Operation *op, const Tensor &ends, int64_t total);

/// Checks the tensors that the regions of `op` read by its rules.
LogicalResult checkCaptured(MaskedOpInterface op, const Evaluation &evaluation,
                            int64_t batch);

/// A shape as a diagnostic spells it, e.g. "[2, 3]".
std::string toString(ArrayRef<int64_t> shape);

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_EVALUATION_H
