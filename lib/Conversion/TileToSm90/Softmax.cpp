//===- Softmax.cpp - Masks, modifiers and the online softmax --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Consumer.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

/// From the first query of this warpgroup on.
void Consumer::consumeMask(tile::MaskOp op) {
  Value scores = use(op.getScores());
  Value query =
      arith::AddIOp::create(builder, loc, use(op.getQuery()), firstRow);
  Value whole = op.getWhole() ? use(op.getWhole()) : Value();
  consumeRegion(op, sm90::MaskOp::create(builder, loc, scores.getType(), scores,
                                         query, use(op.getKey()), whole));
}

void Consumer::consumeScore(tile::ScoreOp op) {
  Value scores = use(op.getScores());
  Value query =
      arith::AddIOp::create(builder, loc, use(op.getQuery()), firstRow);
  consumeRegion(op, sm90::ScoreOp::create(builder, loc, scores.getType(),
                                          scores, query, use(op.getKey())));
}

void Consumer::consumeFindExtremes(tile::FindExtremesOp op) {
  consumeRegion(op, sm90::FindExtremesOp::create(
                        builder, loc, op.getResultTypes(), use(op.getBegin()),
                        use(op.getEnd()), /*offset=*/IntegerAttr()));
}

void Consumer::consumeFindReach(tile::FindReachOp op) {
  consumeRegion(op, sm90::FindReachOp::create(
                        builder, loc, builder.getIndexType(), use(op.getStop()),
                        use(op.getEnd()), op.getBlockAttr(), op.getLimitAttr(),
                        op.getChannelsAttr(), /*offset=*/IntegerAttr()));
}

void Consumer::consumeRegion(Operation *op, Operation *copy) {
  cloneRegion(kernel, builder, op, copy, mapping);
}

Value Consumer::select(arith::CmpFPredicate predicate, Value a, Value b,
                       Value ifTrue, Value ifFalse) {
  Value condition = arith::CmpFOp::create(builder, loc, predicate, a, b);
  return arith::SelectOp::create(builder, loc, condition, ifTrue, ifFalse);
}

/// What is subtracted from the scores. A row that has seen only -inf: -inf - 0
/// gives weights of 0, -inf - -inf would give NaN.
Value Consumer::getReference(tile::OnlineSoftmaxOp op, Value max) {
  if (!op.getMayBeEmpty())
    return max;
  Type rows = max.getType();
  Value infinity = constant(rows, -std::numeric_limits<double>::infinity());
  return select(arith::CmpFPredicate::OEQ, max, infinity, constant(rows, 0),
                max);
}

/// 2 ^ (scale * (max - reference)), for a scale in powers of two.
Value Consumer::createCorrection(Value max, Value reference, Value scale) {
  return math::Exp2Op::create(builder, loc, mul(sub(max, reference), scale));
}

/// Looks for the maximum of every block.
Statistics Consumer::updateMax(tile::OnlineSoftmaxOp op) {
  Value scores = use(op.getScores()), max = use(op.getMax());
  Type rows = max.getType();
  Value scale = constant(rows, op.getScale().convertToDouble() * M_LOG2E);
  Value blockMax =
      combine(sm90::Combine::Max, reduce(sm90::Combine::Max, scores, rows));
  Value newMax = arith::MaxNumFOp::create(builder, loc, max, blockMax);
  Value keeps;
  if (op.getThreshold()) {
    // NaN, from two infinities, does not keep the old maximum.
    Value threshold = constant(rows, static_cast<double>(*op.getThreshold()));
    keeps = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE,
                                  mul(sub(newMax, max), scale), threshold);
    newMax = arith::SelectOp::create(builder, loc, keeps, max, newMax);
  }
  Value reference = getReference(op, newMax);
  Value correction = createCorrection(max, reference, scale);
  if (keeps)
    keptMax[op.getCorrection()] = keeps;
  return {newMax, reference, correction, use(op.getSum()), correction};
}

/// Where a sum is above the limit, it stands for scores above the maximum.
Statistics Consumer::findMax(tile::OnlineSoftmaxOp op, Value max, Value sum) {
  Type rows = max.getType();
  double scale = op.getScale().convertToDouble() * M_LOG2E;
  int64_t limit = *op.getSumLimit();
  Value blockMax =
      combine(sm90::Combine::Max,
              reduce(sm90::Combine::Max, use(op.getScores()), rows));
  Value total = combine(sm90::Combine::Sum, sum);
  Value above = math::FmaOp::create(builder, loc,
                                    math::Log2Op::create(builder, loc, total),
                                    constant(rows, 1 / scale), max);
  Value atLeast =
      select(arith::CmpFPredicate::OGT, total, power(rows, limit), above, max);
  Value newMax = arith::MaxNumFOp::create(builder, loc, atLeast, blockMax);
  Value reference = getReference(op, newMax);
  Value correction = createCorrection(max, reference, constant(rows, scale));
  // Once too large, too large for good.
  Value newSum = select(
      arith::CmpFPredicate::OLE, sum, power(rows, tile::largestSum(limit)),
      mul(sum, sm90::LayoutCastOp::create(builder, loc, rows, correction)),
      constant(rows, std::numeric_limits<double>::infinity()));
  return {newMax, reference, correction, newSum};
}

/// Looks for the maximum of a block only where the sum of a row says that it
/// has none, or a poor one.
Statistics Consumer::updateMaxLazily(tile::OnlineSoftmaxOp op) {
  Value max = use(op.getMax()), sum = use(op.getSum());
  use(op.getScores());
  // The first step of a loop has nothing to keep.
  if (matchPattern(op.getSum(), m_AnyZeroFloat()))
    return findMax(op, max, sum);

  Type rows = max.getType();
  Value isSome = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT,
                                       sum, constant(rows, 0));
  // Nothing is at most -1.
  Value limit = power(builder.getF32Type(), *op.getSumLimit());
  limit = arith::SelectOp::create(builder, loc, kernel.careful,
                                  constant(builder.getF32Type(), -1), limit);
  Value isSmall =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE, sum,
                            sm90::SplatOp::create(builder, loc, rows, limit));
  Value keeps = sm90::VoteAllOp::create(
      builder, loc, builder.getI1Type(),
      arith::AndIOp::create(builder, loc, isSome, isSmall).getResult());
  auto yield = [&](const Statistics &statistics) {
    scf::YieldOp::create(builder, loc,
                         {statistics.max, statistics.reference,
                          statistics.correction, statistics.sum});
  };
  auto branch =
      scf::IfOp::create(builder, loc, TypeRange{rows, rows, rows, rows}, keeps,
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  yield({max, max, constant(rows, 1), sum});
  builder.setInsertionPointToStart(branch.elseBlock());
  yield(findMax(op, max, sum));
  keptMax[op.getCorrection()] = keeps;
  return {branch.getResult(0), branch.getResult(1), branch.getResult(2),
          branch.getResult(3)};
}

/// Works with powers of two: exp(scale * x) = exp2(scale * log2(e) * x).
LogicalResult Consumer::consumeSoftmax(tile::OnlineSoftmaxOp op) {
  if (op.getSumLimit() && !kernel.repeats)
    return op.emitOpError("expected a tile.finish_softmax with a sum_limit");
  Statistics statistics =
      op.getSumLimit() ? updateMaxLazily(op) : updateMax(op);
  Value scores = use(op.getScores());
  Type matrix = scores.getType(), rows = statistics.max.getType();
  double scale = op.getScale().convertToDouble() * M_LOG2E;
  Value offset = arith::NegFOp::create(
      builder, loc, mul(statistics.reference, constant(rows, scale)));
  Value weights = math::Exp2Op::create(
      builder, loc,
      math::FmaOp::create(builder, loc, scores, constant(matrix, scale),
                          broadcast(offset, matrix)));
  // Each thread keeps the sum of its own columns until the end.
  Value factor = statistics.sumFactor;
  if (factor)
    factor = sm90::LayoutCastOp::create(builder, loc, rows, factor);
  Value own = reduce(sm90::Combine::Sum, weights, rows);
  Value newSum =
      factor ? math::FmaOp::create(builder, loc, statistics.sum, factor, own)
                   .getResult()
             : arith::AddFOp::create(builder, loc, statistics.sum, own)
                   .getResult();
  mapping.map(op.getResults(), ValueRange{weights, statistics.max, newSum,
                                          statistics.correction});
  return success();
}

LogicalResult Consumer::consumeRescale(tile::RescaleOp op) {
  Value factor = use(op.getFactor());
  auto scale = [&](Value acc) -> Value {
    return arith::MulFOp::create(builder, loc, acc,
                                 broadcast(factor, acc.getType()));
  };
  if (!op.getMostlyOne()) {
    mapping.map(op.getResult(), scale(use(op.getAcc())));
    return success();
  }
  // The vote comes first: the accumulator may still be under way.
  Value all = keptMax.lookup(op.getFactor());
  if (!all)
    all = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, factor,
                                constant(factor.getType(), 1));
  if (!all.getType().isInteger(1))
    all = sm90::VoteAllOp::create(builder, loc, builder.getI1Type(), all);
  Value acc = use(op.getAcc());
  auto branch = scf::IfOp::create(builder, loc, acc.getType(), all,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(builder, loc, acc);
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, scale(acc));
  mapping.map(op.getResult(), branch.getResult(0));
  return success();
}

/// sum + exp(sink - max), in the powers of two of the softmax. Where the sink
/// is far above, the sum is infinite and its inverse zero.
Value Consumer::addSink(Value sink, Value max, Value scale, Value sum) {
  Value own = sm90::SplatOp::create(builder, loc, max.getType(), sink);
  own = arith::MulFOp::create(builder, loc, own,
                              constant(max.getType(), M_LOG2E));
  own = arith::SubFOp::create(builder, loc, own,
                              arith::MulFOp::create(builder, loc, max, scale));
  own = math::Exp2Op::create(builder, loc, own);
  return arith::AddFOp::create(builder, loc, sum, own);
}

/// Weights that have become too large show in the sums, values that made the
/// accumulator infinite with them in the result. What is computed carefully is
/// what there is.
void Consumer::noteFailure(tile::FinishSoftmaxOp op, Value sum, Value result) {
  Type rows = sum.getType();
  Value zero = constant(rows, 0);
  Value isSmall =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE, sum,
                            power(rows, tile::largestSum(*op.getSumLimit())));
  Value isFinite = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OEQ,
      mul(reduce(sm90::Combine::Sum, result, rows), zero), zero);
  Value isRight = sm90::VoteAllOp::create(
      builder, loc, builder.getI1Type(),
      arith::AndIOp::create(builder, loc, isSmall, isFinite).getResult());
  isRight = arith::OrIOp::create(builder, loc, isRight, kernel.careful);
  kernel.failed = arith::XOrIOp::create(
      builder, loc, isRight,
      arith::ConstantIntOp::create(builder, loc, /*value=*/1, /*width=*/1));
}

LogicalResult Consumer::consumeFinish(tile::FinishSoftmaxOp op) {
  Value acc = use(op.getAcc()), max = use(op.getMax());
  Value sum = combine(sm90::Combine::Sum, use(op.getSum()));
  Type rows = max.getType();
  Value isEmpty = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ,
                                        sum, constant(rows, 0));
  Value scale = constant(rows, op.getScale().convertToDouble() * M_LOG2E);
  Value total = sum;
  if (op.getSink())
    total = addSink(use(op.getSink()), max, scale, sum);
  auto approximate = arith::FastMathFlagsAttr::get(builder.getContext(),
                                                   arith::FastMathFlags::arcp);
  Value inverse = arith::DivFOp::create(builder, loc, constant(rows, 1), total,
                                        approximate);
  inverse = arith::SelectOp::create(builder, loc, isEmpty, constant(rows, 0),
                                    inverse);
  Value result = arith::MulFOp::create(builder, loc, acc,
                                       broadcast(inverse, acc.getType()));
  if (op.getSumLimit())
    noteFailure(op, use(op.getSum()), result);
  // -inf for an empty row: its maximum and the logarithm of its sum are.
  Value log2 = math::Log2Op::create(builder, loc, sum);
  Value lse = math::FmaOp::create(builder, loc, max, scale, log2);
  lse = arith::MulFOp::create(builder, loc, lse, constant(rows, M_LN2));
  mapping.map(op.getResults(), ValueRange{result, lse});
  return success();
}
