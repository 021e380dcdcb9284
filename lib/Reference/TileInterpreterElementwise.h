//===- TileInterpreterElementwise.h - Values and arithmetic -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_TILEINTERPRETERELEMENTWISE_H
#define ATTN_LIB_REFERENCE_TILEINTERPRETERELEMENTWISE_H

#include "mlir/IR/Operation.h"
#include "mlir/Support/LLVM.h"

#include <optional>
#include <vector>

namespace mlir::attn::reference {

/// A scalar or the elements of a tile, row by row. Floats of every width are
/// kept as float; integers of every width are sign-extended, so that true
/// is -1. One of the two is empty.
struct TileValue {
  std::vector<float> floats;
  std::vector<int64_t> integers;

  size_t size() const { return floats.size() + integers.size(); }
};

/// `value` as a number of `type`.
float roundTo(float value, FloatType type);

/// Evaluates an op of `arith` or `math` for each element; the element of a
/// scalar is repeated. Nothing where the op is unknown.
std::optional<TileValue>
evaluateElementwise(Operation *op, ArrayRef<const TileValue *> operands);

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_TILEINTERPRETERELEMENTWISE_H
