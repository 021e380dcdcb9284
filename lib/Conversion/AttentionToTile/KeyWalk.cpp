//===- KeyWalk.cpp - The blocks of keys that a tile needs -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KeyWalk.h"

#include "Tile/Tile.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace mlir::attn;

/// A walk has at most this many runs; further intervals join the last one.
static constexpr size_t kMostRuns = 3;

/// Orders intervals by their ends, the furthest first, where that is known
/// before the sizes are.
static bool sortByKnownEnd(SmallVectorImpl<KeyInterval> &intervals) {
  llvm::stable_sort(intervals, [](const KeyInterval &a, const KeyInterval &b) {
    return endsNoLater(b, a) && !endsNoLater(a, b);
  });
  for (size_t i = 1; i < intervals.size(); ++i)
    if (!endsNoLater(intervals[i], intervals[i - 1]))
      return false;
  return true;
}

KeyWalk::KeyWalk(OpBuilder &builder, Location loc, const KeyBounds &bounds,
                 Value position, int64_t rows, int64_t block,
                 bool diagonalFirst, function_ref<Value(Value)> lookup,
                 ArrayRef<Value> limits)
    : builder(builder), loc(loc), block(block) {
  TileBoundsBuilder tile(builder, loc, bounds, position, rows, lookup, limits);
  SmallVector<KeyInterval> intervals = bounds.getOuterIntervals();
  if (intervals.empty())
    lastBlock = count = arith::ConstantIndexOp::create(builder, loc, 0);
  else if (intervals.size() == 1) {
    walkOne(tile, intervals.front());
    if (diagonalFirst)
      startAt(apply(builder.getAffineDimExpr(0) + (rows - 1), {position}));
  } else if (KeyBounds::isOneInterval(intervals))
    walkUnion(tile, intervals);
  else
    walkSeveral(tile, intervals);
}

Value KeyWalk::apply(AffineExpr expr, ArrayRef<OpFoldResult> operands) {
  AffineMap map = AffineMap::get(operands.size(), 0, expr);
  return getValueOrCreateConstantIndexOp(
      builder, loc,
      affine::makeComposedFoldedAffineApply(builder, loc, map, operands));
}

/// The blocks from that of `begin` to that in front of `end`.
void KeyWalk::countBlocks(Value begin, Value end) {
  AffineExpr d0 = builder.getAffineDimExpr(0), d1 = builder.getAffineDimExpr(1);
  lastBlock = apply(d0.ceilDiv(block) - 1, {end});
  count = apply(d0 - d1.floorDiv(block) + 1, {lastBlock, begin});
}

void KeyWalk::walkOne(TileBoundsBuilder &tile, const KeyInterval &interval) {
  TileBounds bounds = tile.getBounds(interval);
  countBlocks(getValueOrCreateConstantIndexOp(builder, loc, bounds.begin),
              getValueOrCreateConstantIndexOp(builder, loc, bounds.end));
  if (Value condition = tile.getCondition(interval)) {
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    count = arith::SelectOp::create(builder, loc, condition, count, zero);
  }
}

/// Makes two runs of one: from the block of `key` to the left end, and from the
/// right end to behind that block.
void KeyWalk::startAt(Value key) {
  AffineExpr d0 = builder.getAffineDimExpr(0), d1 = builder.getAffineDimExpr(1),
             d2 = builder.getAffineDimExpr(2);
  Value firstBlock = apply(d0 - d1 + 1, {lastBlock, count});
  Value own = arith::MaxSIOp::create(
      builder, loc, apply(d0.floorDiv(block), {key}), firstBlock);
  own = arith::MinSIOp::create(builder, loc, own, lastBlock);
  from = {apply(d0 * block, {own}), apply(d0 * block, {lastBlock})};
  at = {apply(d0 - d1 + d2, {own, lastBlock, count})};
}

/// Of intervals with one begin, up to the end that is furthest.
void KeyWalk::walkUnion(TileBoundsBuilder &tile,
                        ArrayRef<KeyInterval> intervals) {
  Value begin, end;
  for (const KeyInterval &interval : intervals) {
    TileBounds bounds = tile.getBounds(interval);
    Value own = getValueOrCreateConstantIndexOp(builder, loc, bounds.end);
    if (!end)
      begin = getValueOrCreateConstantIndexOp(builder, loc, bounds.begin);
    end =
        end ? arith::MaxSIOp::create(builder, loc, end, own).getResult() : own;
  }
  countBlocks(begin, end);
}

KeyWalk::Run KeyWalk::createRun(TileBoundsBuilder &tile,
                                const KeyInterval &interval) {
  AffineExpr d0 = builder.getAffineDimExpr(0);
  TileBounds bounds = tile.getBounds(interval);
  Value begin = apply(d0.floorDiv(block), {bounds.begin});
  Value end = apply(d0.ceilDiv(block), {bounds.end});
  if (Value condition = tile.getCondition(interval))
    begin = arith::SelectOp::create(builder, loc, condition, begin, end);
  return {arith::MinSIOp::create(builder, loc, begin, end), end};
}

/// The blocks of both and those between. An empty run may lie before key 0.
KeyWalk::Run KeyWalk::join(Run a, Run b) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value begin = arith::MinSIOp::create(builder, loc, a.begin, b.begin);
  Value end = arith::MaxSIOp::create(builder, loc, a.end, b.end);
  begin = arith::MaxSIOp::create(builder, loc, begin, zero);
  return {arith::MinSIOp::create(builder, loc, begin, end), end};
}

/// Sorts by exchanges of neighbours, when the kernel runs.
void KeyWalk::sortByEnd(SmallVectorImpl<Run> &runs) {
  for (size_t last = runs.size() - 1; last > 0; --last)
    for (size_t i = 0; i < last; ++i) {
      Run a = runs[i], b = runs[i + 1];
      Value keep = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::sge, a.end, b.end);
      auto choose = [&](Value ifKept, Value otherwise) -> Value {
        return arith::SelectOp::create(builder, loc, keep, ifKept, otherwise);
      };
      runs[i] = {choose(a.begin, b.begin), choose(a.end, b.end)};
      runs[i + 1] = {choose(b.begin, a.begin), choose(b.end, a.end)};
    }
}

/// With runs in the order of their ends, what a run shares with those before
/// lies at its right end: it is cut off where the leftmost of these begins.
void KeyWalk::walkSeveral(TileBoundsBuilder &tile,
                          ArrayRef<KeyInterval> given) {
  SmallVector<KeyInterval> intervals(given);
  bool isSorted = sortByKnownEnd(intervals);
  SmallVector<Run> runs;
  for (const KeyInterval &interval : intervals) {
    Run run = createRun(tile, interval);
    if (runs.size() < kMostRuns)
      runs.push_back(run);
    else
      runs.back() = join(runs.back(), run);
  }
  if (!isSorted)
    sortByEnd(runs);

  AffineExpr d0 = builder.getAffineDimExpr(0), d1 = builder.getAffineDimExpr(1);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value edge;
  for (Run run : runs) {
    Value end = run.end;
    if (edge)
      end = arith::MinSIOp::create(builder, loc, end, edge);
    from.push_back(apply((d0 - 1) * block, {end}));
    Value blocks = arith::MaxSIOp::create(
        builder, loc, apply(d0 - d1, {end, run.begin}), zero);
    if (count)
      at.push_back(count);
    count = count ? arith::AddIOp::create(builder, loc, count, blocks) : blocks;
    edge = edge ? arith::MinSIOp::create(builder, loc, edge, run.begin)
                : run.begin;
  }
}

Value KeyWalk::getKey(OpBuilder &builder, Value iteration) const {
  if (!from.empty())
    return tile::WalkOp::create(builder, loc, iteration, from, at, block);
  AffineExpr d0 = builder.getAffineDimExpr(0), d1 = builder.getAffineDimExpr(1);
  AffineMap map = AffineMap::get(2, 0, (d0 - d1) * block);
  return getValueOrCreateConstantIndexOp(
      builder, loc,
      affine::makeComposedFoldedAffineApply(
          builder, loc, map, getAsOpFoldResult({lastBlock, iteration})));
}
