//===- InsertMaskTest.cpp - Masks are skipped where they keep all ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Tile/Passes.h"

#include "attn/Analysis/KeyBounds.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace mlir::tile {
#define GEN_PASS_DEF_INSERTMASKTESTPASS
#include "attn/Transforms/Tile/Passes.h.inc"
} // namespace mlir::tile

using namespace mlir;
using namespace mlir::tile;

/// Whether `value` follows from an element of a view as it is: a place. What is
/// read may also bound a walk, of which it is then an extremum, or be the end
/// of a sequence.
static bool isRead(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto read = dyn_cast_if_present<ReadOp>(op))
    return !read.getPosition();
  return isa_and_nonnull<affine::AffineApplyOp, arith::SelectOp,
                         arith::IndexCastOp, arith::MulIOp>(op) &&
         llvm::any_of(op->getOperands(), isRead);
}

namespace {
/// Computes in front of a mask whether it keeps its whole tile.
class MaskTest {
public:
  explicit MaskTest(MaskOp mask)
      : mask(mask), builder(mask), loc(mask.getLoc()) {}

  void insert();

private:
  bool isKnownOutside(const attn::KeyInterval &interval,
                      const attn::KeyBounds &bounds);
  Value createTest(const attn::KeyInterval &interval,
                   attn::TileBoundsBuilder &tile);
  Value both(Value a, Value b) {
    return a && b ? arith::AndIOp::create(builder, loc, a, b).getResult()
                  : (a ? a : b);
  }

  MaskOp mask;
  OpBuilder builder;
  Location loc;
};
} // namespace

/// Whether the interval can be computed in front of the mask.
bool MaskTest::isKnownOutside(const attn::KeyInterval &interval,
                              const attn::KeyBounds &bounds) {
  Region &predicate = mask.getPredicate();
  auto isOutside = [&](Value value) {
    return !predicate.isAncestor(value.getParentRegion());
  };
  return interval.exact && !interval.upper.empty() &&
         llvm::all_of(bounds.operands, isOutside) &&
         llvm::all_of(interval.conditions, [&](const auto &condition) {
           return isOutside(condition.first);
         });
}

/// The keys of the tile are among those that every query of it sees.
Value MaskTest::createTest(const attn::KeyInterval &interval,
                           attn::TileBoundsBuilder &tile) {
  attn::TileBounds bounds = tile.getBounds(interval);
  auto materialize = [&](OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(builder, loc, value);
  };
  int64_t keys = cast<VectorType>(mask.getScores().getType()).getDimSize(1);
  AffineExpr d0 = builder.getAffineDimExpr(0);
  Value end = materialize(affine::makeComposedFoldedAffineApply(
      builder, loc, AffineMap::get(1, 0, d0 + keys), {mask.getKey()}));
  Value test = tile.getCondition(interval);
  test =
      both(test, arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle,
                                       end, materialize(bounds.cleanEnd)));
  if (getConstantIntValue(bounds.cleanBegin) == 0)
    return test;
  return both(test, arith::CmpIOp::create(
                        builder, loc, arith::CmpIPredicate::sge, mask.getKey(),
                        materialize(bounds.cleanBegin)));
}

void MaskTest::insert() {
  Block &predicate = mask.getPredicate().front();
  attn::KeyBounds bounds = attn::analyzeKeyBounds(
      predicate, predicate.getArgument(0), predicate.getArgument(1));
  attn::TileBoundsBuilder tile(
      builder, loc, bounds, mask.getQuery(),
      cast<VectorType>(mask.getScores().getType()).getDimSize(0));
  Value whole;
  for (const attn::KeyInterval &interval : bounds.intervals) {
    if (!isKnownOutside(interval, bounds))
      continue;
    Value test = createTest(interval, tile);
    whole = whole ? arith::OrIOp::create(builder, loc, whole, test).getResult()
                  : test;
  }
  if (whole)
    mask.getWholeMutable().assign(whole);
}

namespace {
struct InsertMaskTest : tile::impl::InsertMaskTestPassBase<InsertMaskTest> {
  void runOnOperation() override {
    SmallVector<MaskOp> masks;
    getOperation().walk([&](MaskOp mask) {
      if (!mask.getWhole() && isRead(mask.getKey()))
        masks.push_back(mask);
    });
    for (MaskOp mask : masks)
      MaskTest(mask).insert();
  }
};
} // namespace
