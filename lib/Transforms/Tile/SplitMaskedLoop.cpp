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

/// A loop that walks blocks of keys from the right to the left.
struct MaskedLoop {
  scf::ForOp loop;
  MaskOp mask;
  /// The first key of the block of iteration 0.
  Value firstKey;
  attn::KeyBounds bounds;

  int64_t blockSize() {
    return cast<VectorType>(mask.getScores().getType()).getDimSize(1);
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

static std::optional<MaskedLoop> matchMaskedLoop(scf::ForOp loop) {
  auto masks = llvm::to_vector(loop.getBody()->getOps<MaskOp>());
  std::optional<int64_t> step = getConstantIntValue(loop.getStep());
  if (masks.size() != 1 || !step || *step != 1 ||
      !loop.isDefinedOutsideOfLoop(masks.front().getQuery()))
    return std::nullopt;
  MaskOp mask = masks.front();
  Block &predicate = mask.getPredicate().front();
  Operation *culprit = nullptr;
  FailureOr<attn::KeyBounds> bounds = attn::analyzeKeyBounds(
      predicate, predicate.getArgument(0), predicate.getArgument(1), culprit);
  auto isInvariant = [&](attn::KeyBounds::Absolute bound) {
    return !bound.value || loop.isDefinedOutsideOfLoop(bound.value);
  };
  if (failed(bounds) || !bounds->hasUpper() ||
      !llvm::all_of(bounds->lower, isInvariant) ||
      !llvm::all_of(bounds->upper, isInvariant))
    return std::nullopt;
  MaskedLoop result{loop, mask, {}, *bounds};
  result.firstKey = matchWalk(loop, mask.getKey(), result.blockSize());
  if (!result.firstKey)
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

/// The parts of the loop, in the order of their iterations.
static SmallVector<Part> createParts(MaskedLoop masked) {
  scf::ForOp loop = masked.loop;
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  int64_t block = masked.blockSize();
  int64_t rows =
      cast<VectorType>(masked.mask.getScores().getType()).getDimSize(0);
  attn::TileBounds bounds = attn::materializeTileBounds(
      builder, loc, masked.bounds, masked.mask.getQuery(), rows);
  auto d = [&](unsigned i) { return builder.getAffineDimExpr(i); };
  auto apply = [&](AffineExpr expr, ArrayRef<OpFoldResult> operands) {
    return getValueOrCreateConstantIndexOp(
        builder, loc,
        affine::makeComposedFoldedAffineApply(
            builder, loc, AffineMap::get(operands.size(), 0, expr), operands));
  };
  // clamp(value, low, high); high wins.
  auto clamp = [&](Value value, Value low, Value high) -> Value {
    Value atLeast = arith::MaxSIOp::create(builder, loc, value, low);
    return arith::MinSIOp::create(builder, loc, atLeast, high);
  };

  Value begin = loop.getLowerBound(), end = loop.getUpperBound();
  SmallVector<Part> parts;
  // Iteration i has the keys [firstKey - i * block, firstKey - (i - 1) *
  // block).
  Value cleanBegin = apply((d(0) + block - d(1)).ceilDiv(block),
                           {masked.firstKey, bounds.cleanEnd});
  if (isProvablyAtMost(cleanBegin, begin)) {
    cleanBegin = begin;
  } else {
    cleanBegin = clamp(cleanBegin, begin, end);
    parts.push_back({begin, cleanBegin, /*masked=*/true});
  }
  if (!masked.bounds.hasLower()) {
    parts.push_back({cleanBegin, end, /*masked=*/false});
    return parts;
  }
  Value cleanEnd = apply((d(0) - d(1)).floorDiv(block) + 1,
                         {masked.firstKey, bounds.cleanBegin});
  cleanEnd = clamp(cleanEnd, cleanBegin, end);
  parts.push_back({cleanBegin, cleanEnd, /*masked=*/false});
  parts.push_back({cleanEnd, end, /*masked=*/true});
  return parts;
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
  SmallVector<Part> parts = createParts(masked);
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
    SmallVector<MaskedLoop> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (std::optional<MaskedLoop> masked = matchMaskedLoop(loop))
        loops.push_back(*masked);
    });
    for (const MaskedLoop &masked : loops)
      split(masked);
  }
};
} // namespace
