//===- SplitMaskedLoop.cpp - Clean blocks get their own loop --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Tile/Passes.h"

#include "attn/Analysis/KeyBounds.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace mlir::tile {
#define GEN_PASS_DEF_SPLITMASKEDLOOPPASS
#include "attn/Transforms/Tile/Passes.h.inc"
} // namespace mlir::tile

using namespace mlir;
using namespace mlir::tile;

namespace {

/// Blocks of keys that are walked from the right to the left.
struct Run {
  /// The first key of the block of its first iteration.
  Value firstKey;
  /// Its first iteration, or null for 0.
  Value at;
};

/// A loop that walks runs of blocks of keys.
struct MaskedLoop {
  scf::ForOp loop;
  MaskOp mask;
  SmallVector<Run> runs;
  attn::KeyBounds bounds;

  int64_t blockSize() {
    return cast<VectorType>(mask.getScores().getType()).getDimSize(1);
  }
  int64_t rows() {
    return cast<VectorType>(mask.getScores().getType()).getDimSize(0);
  }
};

/// The part of the iterations that one loop handles.
struct Part {
  Value begin, end;
  bool masked;
};

} // namespace

/// If `key` is base - iteration * block, materialises base in front of the
/// loop.
static Value matchWalk(scf::ForOp loop, Value key, int64_t block) {
  auto apply = key.getDefiningOp<affine::AffineApplyOp>();
  if (!apply || apply->getBlock() != loop.getBody())
    return {};
  AffineMap map = apply.getAffineMap();
  SmallVector<AffineExpr> dims, symbols, nextDims, nextSymbols;
  OpBuilder builder(loop);
  for (auto [index, operand] : llvm::enumerate(apply.getMapOperands())) {
    bool isDim = index < map.getNumDims();
    AffineExpr expr =
        isDim ? builder.getAffineDimExpr(index)
              : builder.getAffineSymbolExpr(index - map.getNumDims());
    bool isIteration = operand == loop.getInductionVar();
    if (!isIteration && !loop.isDefinedOutsideOfLoop(operand))
      return {};
    AffineExpr zero = builder.getAffineConstantExpr(0);
    (isDim ? dims : symbols).push_back(isIteration ? zero : expr);
    (isDim ? nextDims : nextSymbols).push_back(isIteration ? expr + 1 : expr);
  }
  AffineExpr expr = map.getResult(0);
  AffineExpr step = simplifyAffineExpr(
      expr.replaceDimsAndSymbols(nextDims, nextSymbols) - expr,
      map.getNumDims(), map.getNumSymbols());
  auto constant = dyn_cast<AffineConstantExpr>(step);
  if (!constant || constant.getValue() != -block)
    return {};
  // The iteration is no longer used; a constant takes its place as operand.
  SmallVector<OpFoldResult> operands;
  for (Value operand : apply.getMapOperands())
    operands.push_back(operand == loop.getInductionVar()
                           ? OpFoldResult(builder.getIndexAttr(0))
                           : getAsOpFoldResult(operand));
  AffineMap base = AffineMap::get(map.getNumDims(), map.getNumSymbols(),
                                  expr.replaceDimsAndSymbols(dims, symbols));
  return getValueOrCreateConstantIndexOp(
      builder, loop.getLoc(),
      affine::makeComposedFoldedAffineApply(builder, loop.getLoc(), base,
                                            operands));
}

/// The runs of a loop in which `key` is the first key of a block.
static SmallVector<Run> matchRuns(scf::ForOp loop, Value key, int64_t block) {
  auto walk = key.getDefiningOp<WalkOp>();
  if (!walk) {
    Value firstKey = matchWalk(loop, key, block);
    return firstKey ? SmallVector<Run>{{firstKey, Value()}}
                    : SmallVector<Run>();
  }
  auto isOutside = [&](Value value) {
    return loop.isDefinedOutsideOfLoop(value);
  };
  if (walk.getIteration() != loop.getInductionVar() ||
      static_cast<int64_t>(walk.getStep()) != block ||
      !llvm::all_of(walk.getFrom(), isOutside) ||
      !llvm::all_of(walk.getAt(), isOutside))
    return {};
  SmallVector<Run> runs;
  for (auto [i, firstKey] : llvm::enumerate(walk.getFrom()))
    runs.push_back({firstKey, i == 0 ? Value() : walk.getAt()[i - 1]});
  return runs;
}

/// Keeps the intervals that can hold a whole block.
static void removeUnclean(attn::KeyBounds &bounds, int64_t block) {
  llvm::erase_if(bounds.intervals, [&](const attn::KeyInterval &interval) {
    bool isShort = llvm::any_of(interval.upper, [&](attn::KeyBound bound) {
      auto constant = dyn_cast<AffineConstantExpr>(bound.expr);
      return constant && constant.getValue() + 1 < block;
    });
    return !interval.exact || interval.upper.empty() || isShort;
  });
}

static std::optional<MaskedLoop> matchMaskedLoop(scf::ForOp loop) {
  auto masks = llvm::to_vector(loop.getBody()->getOps<MaskOp>());
  std::optional<int64_t> step = getConstantIntValue(loop.getStep());
  if (masks.size() != 1 || !step || *step != 1 ||
      !loop.isDefinedOutsideOfLoop(masks.front().getQuery()))
    return std::nullopt;
  MaskOp mask = masks.front();
  Block &predicate = mask.getPredicate().front();
  MaskedLoop result{loop,
                    mask,
                    {},
                    attn::analyzeKeyBounds(predicate, predicate.getArgument(0),
                                           predicate.getArgument(1))};
  removeUnclean(result.bounds, result.blockSize());
  if (result.bounds.intervals.empty() ||
      !llvm::all_of(result.bounds.getValues(), [&](Value value) {
        return loop.isDefinedOutsideOfLoop(value);
      }))
    return std::nullopt;
  result.runs = matchRuns(loop, mask.getKey(), result.blockSize());
  if (result.runs.empty())
    return std::nullopt;
  return result;
}

/// Whether `value` is at most `limit`, which must be a constant.
static bool isProvablyAtMost(Value value, Value limit) {
  std::optional<int64_t> constant = getConstantIntValue(limit);
  if (!constant)
    return false;
  FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
      presburger::BoundType::UB, value, /*stopCondition=*/nullptr,
      /*closedUB=*/true);
  return succeeded(bound) && *bound <= *constant;
}

namespace {
/// Finds the iterations of a loop that no mask touches.
class Partition {
public:
  explicit Partition(const MaskedLoop &masked)
      : masked(masked), loop(masked.loop), builder(loop), loc(loop.getLoc()),
        tile(builder, loc, this->masked.bounds, this->masked.mask.getQuery(),
             this->masked.rows()) {}

  /// The parts of the loop, in the order of their iterations.
  SmallVector<Part> createParts();

private:
  /// The iterations from `begin` to before `end`.
  struct Range {
    Value begin, end;
  };

  SmallVector<Part> splitOneRun();
  attn::TileBounds getUnion();
  Range createCleanRange(size_t run, const attn::KeyInterval &interval);
  Range joinOrChoose(Range a, Range b);
  Value apply(AffineExpr expr, ArrayRef<OpFoldResult> operands) {
    return getValueOrCreateConstantIndexOp(
        builder, loc,
        affine::makeComposedFoldedAffineApply(
            builder, loc, AffineMap::get(operands.size(), 0, expr), operands));
  }
  Value max(Value a, Value b) {
    return arith::MaxSIOp::create(builder, loc, a, b);
  }
  Value min(Value a, Value b) {
    return arith::MinSIOp::create(builder, loc, a, b);
  }
  /// High wins.
  Value clamp(Value value, Value low, Value high) {
    return min(max(value, low), high);
  }
  AffineExpr d(unsigned i) { return builder.getAffineDimExpr(i); }

  MaskedLoop masked;
  scf::ForOp loop;
  OpBuilder builder;
  Location loc;
  attn::TileBoundsBuilder tile;
};
} // namespace

/// The bounds of intervals with one begin: what is clean for any of them is.
attn::TileBounds Partition::getUnion() {
  attn::TileBounds bounds = tile.getBounds(masked.bounds.intervals.front());
  for (const attn::KeyInterval &interval :
       ArrayRef(masked.bounds.intervals).drop_front()) {
    OpFoldResult other = tile.getBounds(interval).cleanEnd;
    bounds.cleanEnd =
        max(getValueOrCreateConstantIndexOp(builder, loc, bounds.cleanEnd),
            getValueOrCreateConstantIndexOp(builder, loc, other));
  }
  return bounds;
}

/// Of one run and one interval for each query, where more can be said before
/// the kernel runs.
SmallVector<Part> Partition::splitOneRun() {
  int64_t block = masked.blockSize();
  Value firstKey = masked.runs.front().firstKey;
  attn::TileBounds bounds = getUnion();
  Value begin = loop.getLowerBound(), end = loop.getUpperBound();
  SmallVector<Part> parts;
  // Iteration i has the keys [firstKey - i * block, firstKey - (i - 1) *
  // block).
  Value cleanBegin =
      apply((d(0) + block - d(1)).ceilDiv(block), {firstKey, bounds.cleanEnd});
  if (isProvablyAtMost(cleanBegin, begin)) {
    cleanBegin = begin;
  } else {
    cleanBegin = clamp(cleanBegin, begin, end);
    parts.push_back({begin, cleanBegin, /*masked=*/true});
  }
  if (masked.bounds.intervals.front().lower.empty()) {
    parts.push_back({cleanBegin, end, /*masked=*/false});
    return parts;
  }
  Value cleanEnd =
      apply((d(0) - d(1)).floorDiv(block) + 1, {firstKey, bounds.cleanBegin});
  cleanEnd = clamp(cleanEnd, cleanBegin, end);
  parts.push_back({cleanBegin, cleanEnd, /*masked=*/false});
  parts.push_back({cleanEnd, end, /*masked=*/true});
  return parts;
}

/// The iterations of a run whose keys are all of the interval.
Partition::Range
Partition::createCleanRange(size_t run, const attn::KeyInterval &interval) {
  int64_t block = masked.blockSize();
  attn::TileBounds bounds = tile.getBounds(interval);
  Value first = loop.getLowerBound(), last = loop.getUpperBound();
  OpFoldResult at = builder.getIndexAttr(0);
  if (Value start = masked.runs[run].at) {
    at = start;
    first = max(first, start);
  }
  if (run + 1 < masked.runs.size())
    last = min(last, masked.runs[run + 1].at);
  Value firstKey = masked.runs[run].firstKey;
  Value begin = apply(d(2) + (d(0) + block - d(1)).ceilDiv(block),
                      {firstKey, bounds.cleanEnd, at});
  Value end = apply(d(2) + (d(0) - d(1)).floorDiv(block) + 1,
                    {firstKey, bounds.cleanBegin, at});
  begin = clamp(begin, first, last);
  end = clamp(end, begin, last);
  if (Value condition = tile.getCondition(interval))
    end = arith::SelectOp::create(builder, loc, condition, end, begin);
  return {begin, end};
}

/// Both, if `b` begins where `a` ends; else the longer one.
Partition::Range Partition::joinOrChoose(Range a, Range b) {
  Value lengthA = apply(d(0) - d(1), {a.end, a.begin});
  Value lengthB = apply(d(0) - d(1), {b.end, b.begin});
  Value isLonger = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::sge, lengthA, lengthB);
  auto choose = [&](Value fromA, Value fromB) -> Value {
    return arith::SelectOp::create(builder, loc, isLonger, fromA, fromB);
  };
  Value isNext = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       a.end, b.begin);
  Range chosen{choose(a.begin, b.begin), choose(a.end, b.end)};
  return {arith::SelectOp::create(builder, loc, isNext, a.begin, chosen.begin),
          arith::SelectOp::create(builder, loc, isNext, b.end, chosen.end)};
}

SmallVector<Part> Partition::createParts() {
  ArrayRef<attn::KeyInterval> intervals = masked.bounds.intervals;
  if (masked.runs.size() == 1 && attn::KeyBounds::isOneInterval(intervals))
    return splitOneRun();
  std::optional<Range> clean;
  for (size_t run = 0; run < masked.runs.size(); ++run)
    for (const attn::KeyInterval &interval : intervals) {
      Range range = createCleanRange(run, interval);
      clean = clean ? joinOrChoose(*clean, range) : range;
    }
  // A run may lie outside of the loop.
  Value begin = loop.getLowerBound(), end = loop.getUpperBound();
  Value cleanBegin = clamp(clean->begin, begin, end);
  Value cleanEnd = clamp(clean->end, cleanBegin, end);
  return {{begin, cleanBegin, /*masked=*/true},
          {cleanBegin, cleanEnd, /*masked=*/false},
          {cleanEnd, end, /*masked=*/true}};
}

/// Removes the mask of a loop and what it was needed for.
static void removeMask(scf::ForOp loop) {
  MaskOp mask = *loop.getBody()->getOps<MaskOp>().begin();
  for (Operation *user : mask.getResult().getUsers())
    if (auto softmax = dyn_cast<OnlineSoftmaxOp>(user))
      softmax.setMayBeEmpty(false);
  mask.getResult().replaceAllUsesWith(mask.getScores());
  mask.erase();
}

static void split(const MaskedLoop &masked) {
  scf::ForOp loop = masked.loop;
  SmallVector<Part> parts = Partition(masked).createParts();
  OpBuilder builder(loop);
  SmallVector<Value> values(loop.getInits());
  for (Part part : parts) {
    auto copy = cast<scf::ForOp>(builder.clone(*loop));
    copy.setLowerBound(part.begin);
    copy.setUpperBound(part.end);
    for (auto [operand, value] :
         llvm::zip_equal(copy.getInitsMutable(), values))
      operand.set(value);
    if (!part.masked)
      removeMask(copy);
    values.assign(copy.result_begin(), copy.result_end());
  }
  loop.replaceAllUsesWith(values);
  loop.erase();
}

namespace {
struct SplitMaskedLoop : tile::impl::SplitMaskedLoopPassBase<SplitMaskedLoop> {
  void runOnOperation() override {
    if (!getOperation().getSchedule().getSplitMaskedLoop())
      return;
    SmallVector<MaskedLoop, 2> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (std::optional<MaskedLoop> masked = matchMaskedLoop(loop))
        loops.push_back(*masked);
    });
    for (const MaskedLoop &masked : loops)
      split(masked);
  }
};
} // namespace
