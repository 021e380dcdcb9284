//===- Lowered.h - What the tile level can say ------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_LOWERED_H
#define ATTN_ANALYSIS_LOWERED_H

#include "Attention/Attention.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::attn {

/// Emits a diagnostic and fails where `function` holds an op, or an attention
/// has a feature, that the reference knows and the tile level does not. Of ops,
/// one of the attn dialect is named before those that prepare its operands.
LogicalResult checkLowered(func::FuncOp function);

/// Whether `op`, which may be null, computes each element of an operand of
/// recurrences, such as a gate, from those of the same token, so that a kernel
/// may do so where it needs them.
bool isPreparation(Operation *op);
/// The same, and what only gives its results a shape.
bool servesPreparation(Operation *op);

/// The registers in which a thread has its part of the state of `columns`
/// channels of the value, and of the vectors of `tokens` tokens.
int64_t countStepRegisters(RecurrenceOp op, int64_t columns, int64_t tokens);
/// With more of them, vectors of tokens are loaded where they are used.
inline constexpr int64_t kMostStepRegisters = 180;

/// What a recurrence has that its chunked form does not, in words; empty where
/// there is nothing.
llvm::StringRef findUnchunked(RecurrenceOp op);

/// Whether `gates`, if there are any, have a number for each channel, behind
/// those of the heads.
bool isPerChannel(RecurrenceOp op, Value gates);

/// Whether bounds of what its state keeps tell where the segments of a sequence
/// may begin: there is a decay, and it erases along its keys, if at all; by
/// strengths of channels only where these bounds are a guess.
bool canCutSequences(RecurrenceOp op);
/// Whether these bounds are a guess that has to be checked: channels decay on
/// their own, and something is erased.
bool guessesSegments(RecurrenceOp op);

/// Emits a diagnostic where there is something.
LogicalResult checkChunked(RecurrenceOp op);

} // namespace mlir::attn

#endif // ATTN_ANALYSIS_LOWERED_H
