//===- StepRecurrence.h - A recurrence, token by token ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_RECURRENCETOTILE_STEPRECURRENCE_H
#define ATTN_LIB_CONVERSION_RECURRENCETOTILE_STEPRECURRENCE_H

#include "Attention/Attention.h"
#include "Tile/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::attn::recurrence_to_tile {

/// The kernel of a function that is a single recurrence, with an empty body.
struct StepKernel {
  RecurrenceOp op;
  tile::ScheduleAttr schedule;
  tile::KernelOp kernel;
  /// The view of each argument of the function.
  DenseMap<Value, Value> views;
  /// Each view that is stored to, with the result that it is for.
  SmallVector<std::pair<Value, Value>> outputs;

  /// The view of an operand, or null where there is none or a constant.
  Value view(Value operand) const { return views.lookup(operand); }
};

/// Whether `function` holds a recurrence that goes from token to token.
bool isStepped(func::FuncOp function);

/// Whether the decay of a recurrence, which has one, is a logarithm.
bool isLogDecay(RecurrenceOp op);

/// Creates the kernel of such a function in front of it. Fails with a
/// diagnostic where it is not one recurrence over its arguments and what is
/// prepared of them, or one that cannot be computed so.
FailureOr<StepKernel> createStepKernel(func::FuncOp function);

} // namespace mlir::attn::recurrence_to_tile

#endif // ATTN_LIB_CONVERSION_RECURRENCETOTILE_STEPRECURRENCE_H
