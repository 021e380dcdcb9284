//===- Prepared.h - Operands computed in front of a recurrence --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_RECURRENCETOTILE_PREPARED_H
#define ATTN_LIB_CONVERSION_RECURRENCETOTILE_PREPARED_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"

namespace mlir::attn::recurrence_to_tile {

/// What `tensor`, which is prepared (see isPreparation), is where its inputs
/// are what `evaluate` gives for them: numbers in f32, or vectors of these
/// where there are several places. A number if all of them are.
Value evaluatePrepared(OpBuilder &builder, Location loc, OpResult tensor,
                       function_ref<Value(OpOperand &input)> evaluate);

/// Whether one of `operands`, which may be null, is `argument` or prepared of
/// it.
bool dependsOn(ValueRange operands, Value argument);

} // namespace mlir::attn::recurrence_to_tile

#endif // ATTN_LIB_CONVERSION_RECURRENCETOTILE_PREPARED_H
