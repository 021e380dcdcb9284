//===- Intervals.h - What positions of a block lead to ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TRANSFORMS_SM90_INTERVALS_H
#define ATTN_LIB_TRANSFORMS_SM90_INTERVALS_H

#include "Sm90/Sm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

#include <optional>

namespace mlir::sm90 {

/// The least and the greatest that a value is within a block of scores. They
/// are one value where it is the same for all scores.
struct Interval {
  bool isPoint() const { return low == high; }

  Value low, high;
  /// Whether the ends may meet in some blocks: a sum of positions never does.
  bool mayMeet = false;
};

/// Computes intervals of what a modifier computes from positions, in front of
/// it. Every function that it knows rises or falls with each operand.
class Intervals {
public:
  explicit Intervals(ScoreOp score)
      : score(score), b(score), loc(score.getLoc()) {}

  std::optional<Interval> find(Value value);

private:
  std::optional<Interval> compute(Operation *op, ArrayRef<Interval> operands);
  Interval findPosition(Value first, int64_t count);
  Interval select(arith::SelectOp op, ArrayRef<Interval> operands);
  Interval multiply(Operation *op, ArrayRef<Interval> operands,
                    bool isNegative);
  Value create(Operation *op, ValueRange operands);
  Value choose(arith::CmpIPredicate predicate, Value x, Value y);

  ScoreOp score;
  OpBuilder b;
  Location loc;
  DenseMap<Value, std::optional<Interval>> known;
};

/// Whether all of the tests, of which there is one at least, are true.
Value allOf(OpBuilder &builder, Location loc, ArrayRef<Value> tests);

/// Gives the scores a way of their own where `test` is true. `create` builds
/// it, and returns what the scores become.
void branchWhere(ScoreOp score, Value test, OpBuilder &builder,
                 function_ref<Value()> create);

/// A copy of the modifier in which values have become others, without what only
/// led to these.
ScoreOp cloneWith(ScoreOp score, const IRMapping &replaced, OpBuilder &builder);

} // namespace mlir::sm90

#endif // ATTN_LIB_TRANSFORMS_SM90_INTERVALS_H
