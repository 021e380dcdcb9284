//===- Intervals.cpp - What positions of a block lead to ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Intervals.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::sm90;

Value Intervals::create(Operation *op, ValueRange operands) {
  IRMapping mapping;
  mapping.map(op->getOperands(), operands);
  return b.clone(*op, mapping)->getResult(0);
}

Interval Intervals::findPosition(Value first, int64_t count) {
  Value more = arith::ConstantIndexOp::create(b, loc, count - 1);
  return {first, arith::AddIOp::create(b, loc, first, more)};
}

/// Those that keep the order of their only operand, or of all of them.
static bool isRising(Operation *op) {
  return isa<arith::AddIOp, arith::AddFOp, arith::MinSIOp, arith::MaxSIOp,
             arith::MinNumFOp, arith::MaxNumFOp, arith::MinimumFOp,
             arith::MaximumFOp, arith::IndexCastOp, arith::ExtSIOp,
             arith::SIToFPOp, arith::FPToSIOp, arith::ExtFOp, math::LogOp,
             math::Log2Op, math::ExpOp, math::Exp2Op, math::SqrtOp,
             math::FloorOp, math::CeilOp>(op);
}

/// Those that map many values to one.
static bool isMerging(Operation *op) {
  return isa<arith::MinSIOp, arith::MaxSIOp, arith::MinNumFOp, arith::MaxNumFOp,
             arith::MinimumFOp, arith::MaximumFOp, arith::FPToSIOp,
             arith::DivSIOp, arith::FloorDivSIOp, arith::CeilDivSIOp,
             arith::SelectOp, math::FloorOp, math::CeilOp>(op);
}

/// The sign of a constant, or nothing. Zero has none.
static std::optional<bool> isNegative(Value value) {
  IntegerAttr integer;
  FloatAttr number;
  if (matchPattern(value, m_Constant(&integer)) && !integer.getValue().isZero())
    return integer.getValue().isNegative();
  if (matchPattern(value, m_Constant(&number)) && !number.getValue().isZero() &&
      !number.getValue().isNaN())
    return number.getValue().isNegative();
  return std::nullopt;
}

/// By a constant, or divided by one.
Interval Intervals::multiply(Operation *op, ArrayRef<Interval> operands,
                             bool isNegative) {
  Value factor = operands[1].low;
  Value low = create(op, {operands[0].low, factor});
  Value high = create(op, {operands[0].high, factor});
  return isNegative ? Interval{high, low} : Interval{low, high};
}

Value Intervals::choose(arith::CmpIPredicate predicate, Value x, Value y) {
  Value isX = arith::CmpIOp::create(b, loc, predicate, x, y);
  return arith::SelectOp::create(b, loc, isX, x, y);
}

/// One of two integers, by whether the condition is true for all scores, for
/// none or for some; the interval of a condition is that of 0 and 1.
Interval Intervals::select(arith::SelectOp op, ArrayRef<Interval> operands) {
  auto [condition, yes, no] = std::tie(operands[0], operands[1], operands[2]);
  auto pick = [&](Value a, Value b1, Value c) -> Value {
    return arith::SelectOp::create(b, loc, a, b1, c);
  };
  Value low = choose(arith::CmpIPredicate::slt, yes.low, no.low);
  Value high = choose(arith::CmpIPredicate::sgt, yes.high, no.high);
  low = pick(condition.low, yes.low, pick(condition.high, low, no.low));
  high = pick(condition.low, yes.high, pick(condition.high, high, no.high));
  return {low, high};
}

/// Signed comparisons as conditions: whether true for all, and for any.
static std::optional<arith::CmpIPredicate> findPredicate(arith::CmpIOp op,
                                                         bool &isLess) {
  switch (op.getPredicate()) {
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::sle:
    isLess = true;
    return op.getPredicate();
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::sge:
    isLess = false;
    return op.getPredicate();
  default:
    return std::nullopt;
  }
}

std::optional<Interval> Intervals::compute(Operation *op,
                                           ArrayRef<Interval> operands) {
  if (isRising(op))
    return Interval{create(op, llvm::map_to_vector(
                                   operands, [](Interval x) { return x.low; })),
                    create(op, llvm::map_to_vector(operands, [](Interval x) {
                             return x.high;
                           }))};
  if (isa<arith::SubIOp, arith::SubFOp>(op))
    return Interval{create(op, {operands[0].low, operands[1].high}),
                    create(op, {operands[0].high, operands[1].low})};
  if (isa<arith::MulIOp, arith::MulFOp, arith::DivSIOp, arith::FloorDivSIOp,
          arith::CeilDivSIOp, arith::DivFOp>(op))
    if (std::optional<bool> sign = isNegative(op->getOperand(1)))
      return multiply(op, operands, *sign);
  if (auto choice = dyn_cast<arith::SelectOp>(op))
    if (choice.getType().isIntOrIndex())
      return select(choice, operands);
  bool isLess = false;
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    if (findPredicate(compare, isLess)) {
      Value all = create(op, {isLess ? operands[0].high : operands[0].low,
                              isLess ? operands[1].low : operands[1].high});
      Value any = create(op, {isLess ? operands[0].low : operands[0].high,
                              isLess ? operands[1].high : operands[1].low});
      return Interval{all, any};
    }
  return std::nullopt;
}

/// Nothing is known of what depends on a score or is read for each.
std::optional<Interval> Intervals::find(Value value) {
  if (auto it = known.find(value); it != known.end())
    return it->second;
  Block &modifier = score.getModifier().front();
  std::optional<Interval> result;
  auto [rows, columns] =
      std::pair(score.getType().getDimSize(0), score.getType().getDimSize(1));
  Operation *op = value.getDefiningOp();
  if (value == modifier.getArgument(1)) {
    result = findPosition(score.getQuery(), rows);
  } else if (value == modifier.getArgument(2)) {
    result = findPosition(score.getKey(), columns);
  } else if (value.getParentBlock() != &modifier) {
    result = Interval{value, value};
  } else if (op && op->getNumRegions() == 0) {
    SmallVector<Interval> operands;
    for (Value operand : op->getOperands()) {
      std::optional<Interval> own = find(operand);
      if (!own)
        return known[value] = std::nullopt;
      operands.push_back(*own);
    }
    auto isPoint = [](const Interval &x) { return x.isPoint(); };
    auto mayMeet = [](const Interval &x) { return x.mayMeet; };
    if (llvm::all_of(operands, isPoint)) {
      Value point = create(
          op, llvm::map_to_vector(operands, [](Interval x) { return x.low; }));
      result = Interval{point, point};
    } else if ((result = compute(op, operands))) {
      result->mayMeet = isMerging(op) || llvm::any_of(operands, mayMeet);
    }
  }
  return known[value] = result;
}

//===----------------------------------------------------------------------===//
// Branches
//===----------------------------------------------------------------------===//

Value mlir::sm90::allOf(OpBuilder &b, Location loc, ArrayRef<Value> tests) {
  Value result = tests.front();
  for (Value test : tests.drop_front())
    result = arith::AndIOp::create(b, loc, result, test);
  return result;
}

void mlir::sm90::branchWhere(ScoreOp score, Value test, OpBuilder &b,
                             function_ref<Value()> create) {
  Location loc = score.getLoc();
  b.setInsertionPoint(score);
  auto branch = scf::IfOp::create(b, loc, score.getType(), test,
                                  /*withElseRegion=*/true);
  score.getResult().replaceAllUsesWith(branch.getResult(0));
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loc, create());
  score->moveBefore(branch.elseBlock(), branch.elseBlock()->end());
  b.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(b, loc, score.getResult());
}

ScoreOp mlir::sm90::cloneWith(ScoreOp score, const IRMapping &replaced,
                              OpBuilder &b) {
  IRMapping mapping(replaced);
  auto copy = cast<ScoreOp>(b.cloneWithoutRegions(*score));
  OpBuilder::InsertionGuard guard(b);
  Block &modifier = score.getModifier().front();
  Block *block = b.createBlock(
      &copy.getModifier(), {}, modifier.getArgumentTypes(),
      SmallVector<Location>(modifier.getNumArguments(), score.getLoc()));
  mapping.map(modifier.getArguments(), block->getArguments());
  for (Operation &op : modifier)
    if (op.getNumResults() == 0 || !mapping.contains(op.getResult(0)))
      b.clone(op, mapping);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
    if (isOpTriviallyDead(&op))
      op.erase();
  return copy;
}
