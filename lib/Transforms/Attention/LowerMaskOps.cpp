//===- LowerMaskOps.cpp - Masks and modifiers as arithmetic ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Attention/Passes.h"

#include "Attention/Attention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#include <cmath>

namespace mlir::attn {
#define GEN_PASS_DEF_LOWERMASKOPSPASS
#include "attn/Transforms/Attention/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;
using arith::CmpIPredicate;

static Value createIndex(PatternRewriter &rewriter, Location loc,
                         int64_t value) {
  return arith::ConstantIndexOp::create(rewriter, loc, value);
}

static LogicalResult lowerCausal(CausalOp op, PatternRewriter &rewriter) {
  rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, CmpIPredicate::sle, op.getJ(),
                                             op.getP());
  return success();
}

static LogicalResult lowerWindow(WindowOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  Value keep;
  if (std::optional<int64_t> left = op.getLeft()) {
    Value least = op.getP();
    if (*left != 0)
      least = arith::SubIOp::create(rewriter, loc, least,
                                    createIndex(rewriter, loc, *left));
    keep = arith::CmpIOp::create(rewriter, loc, CmpIPredicate::sge, op.getJ(),
                                 least);
  }
  if (std::optional<int64_t> right = op.getRight()) {
    Value most = op.getP();
    if (*right != 0)
      most = arith::AddIOp::create(rewriter, loc, most,
                                   createIndex(rewriter, loc, *right));
    Value before = arith::CmpIOp::create(rewriter, loc, CmpIPredicate::sle,
                                         op.getJ(), most);
    keep = keep ? arith::AndIOp::create(rewriter, loc, keep, before) : before;
  }
  if (!keep)
    keep = arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true));
  rewriter.replaceOp(op, keep);
  return success();
}

static LogicalResult lowerFirst(FirstOp op, PatternRewriter &rewriter) {
  Value count = createIndex(rewriter, op.getLoc(), op.getCount());
  rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, CmpIPredicate::slt, op.getJ(),
                                             count);
  return success();
}

static LogicalResult lowerChunk(ChunkOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  Value size = createIndex(rewriter, loc, op.getSize());
  Value own = arith::FloorDivSIOp::create(rewriter, loc, op.getP(), size);
  Value other = arith::FloorDivSIOp::create(rewriter, loc, op.getJ(), size);
  rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, CmpIPredicate::eq, other, own);
  return success();
}

static LogicalResult lowerPrefix(PrefixOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  Value length = ReadOp::create(rewriter, loc, op.getLengths(), op.getB(),
                                /*covers=*/true);
  if (!length.getType().isIndex())
    length = arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(),
                                        length);
  rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, CmpIPredicate::slt, op.getJ(),
                                             length);
  return success();
}

namespace {
/// The ids of a query and of a key.
struct Ids {
  Value own, other;
};
} // namespace

/// Of packed sequences, the ids of `b` begin where its keys do.
template <typename Op> static Ids readIds(Op op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  Value first;
  auto owner = op->template getParentOfType<MaskedOpInterface>();
  if (owner && owner.getKeyEnds()) {
    first = ReadOp::create(rewriter, loc, owner.getKeyEnds(), op.getB());
    first = arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(),
                                       first);
  }
  auto read = [&](Value position) -> Value {
    if (!first)
      return ReadOp::create(rewriter, loc, op.getIds(),
                            ValueRange{op.getB(), position},
                            /*covers=*/!owner || !owner.isPacked());
    Value row = arith::AddIOp::create(rewriter, loc, position, first);
    return ReadOp::create(rewriter, loc, op.getIds(), row, /*covers=*/true);
  };
  Value own = read(op.getP());
  return {own, read(op.getJ())};
}

namespace {
/// What says that a query and a key belong together, and the id of the query.
struct Match {
  Value inside, same, own;
};
} // namespace

template <typename Op> static Match matchIds(Op op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  // A query before the first key has no id, though it would read zero.
  Value zero = createIndex(rewriter, loc, 0);
  Value inside =
      arith::CmpIOp::create(rewriter, loc, CmpIPredicate::sge, op.getP(), zero);
  Ids ids = readIds(op, rewriter);
  Value same = arith::CmpIOp::create(rewriter, loc, CmpIPredicate::eq,
                                     ids.other, ids.own);
  return {inside, same, ids.own};
}

static LogicalResult lowerDocument(DocumentOp op, PatternRewriter &rewriter) {
  Match match = matchIds(op, rewriter);
  rewriter.replaceOpWithNewOp<arith::AndIOp>(op, match.inside, match.same);
  return success();
}

static LogicalResult lowerSpan(SpanOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  Match match = matchIds(op, rewriter);
  Value none = arith::ConstantOp::create(
      rewriter, loc, rewriter.getIntegerAttr(match.own.getType(), 0));
  Value any =
      arith::CmpIOp::create(rewriter, loc, CmpIPredicate::sge, match.own, none);
  Value seen = arith::AndIOp::create(rewriter, loc, match.same, any);
  rewriter.replaceOpWithNewOp<arith::AndIOp>(op, match.inside, seen);
  return success();
}

static LogicalResult lowerDilated(DilatedOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  Value distance = arith::SubIOp::create(rewriter, loc, op.getP(), op.getJ());
  Value rest = arith::RemSIOp::create(rewriter, loc, distance,
                                      createIndex(rewriter, loc, op.getStep()));
  rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, CmpIPredicate::eq, rest,
                                             createIndex(rewriter, loc, 0));
  return success();
}

static LogicalResult lowerColumn(ColumnOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  int64_t stretch = op.getStretch(), count = op.getCount();
  Value column = arith::RemSIOp::create(rewriter, loc, op.getJ(),
                                        createIndex(rewriter, loc, stretch));
  rewriter.replaceOpWithNewOp<arith::CmpIOp>(
      op, CmpIPredicate::sge, column,
      createIndex(rewriter, loc, stretch - count));
  return success();
}

/// An absolute error of tanh is multiplied by the cap: up to this one an
/// approximation will do.
static constexpr float kSmallCap = 64;

static LogicalResult lowerSoftcap(SoftcapOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  float cap = op.getCap().convertToFloat();
  auto constant = [&](float value) -> Value {
    return arith::ConstantOp::create(rewriter, loc,
                                     rewriter.getF32FloatAttr(value));
  };
  // Constant factors before and after may be merged with these.
  auto flags = [&](arith::FastMathFlags value) {
    return arith::FastMathFlagsAttr::get(op.getContext(), value);
  };
  auto reassociate = flags(arith::FastMathFlags::reassoc);
  Value share;
  if (std::isfinite(1 / cap))
    share = arith::MulFOp::create(rewriter, loc, op.getX(), constant(1 / cap),
                                  reassociate);
  else
    share = arith::DivFOp::create(rewriter, loc, op.getX(), constant(cap));
  Value bounded = math::TanhOp::create(rewriter, loc, share,
                                       flags(cap <= kSmallCap
                                                 ? arith::FastMathFlags::afn
                                                 : arith::FastMathFlags::none));
  rewriter.replaceOpWithNewOp<arith::MulFOp>(op, bounded, constant(cap),
                                             reassociate);
  return success();
}

static LogicalResult lowerAlibi(AlibiOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  Value slope = ReadOp::create(rewriter, loc, op.getSlopes(), op.getH(),
                               /*covers=*/true);
  Value distance = arith::SubIOp::create(rewriter, loc, op.getP(), op.getJ());
  distance = arith::IndexCastOp::create(rewriter, loc, rewriter.getI64Type(),
                                        distance);
  distance =
      arith::SIToFPOp::create(rewriter, loc, rewriter.getF32Type(), distance);
  distance = math::AbsFOp::create(rewriter, loc, distance);
  // What positions have in common may be multiplied once.
  auto flags = arith::FastMathFlagsAttr::get(op.getContext(),
                                             arith::FastMathFlags::reassoc);
  Value bias = arith::MulFOp::create(rewriter, loc, slope, distance, flags);
  rewriter.replaceOpWithNewOp<arith::SubFOp>(op, op.getX(), bias, flags);
  return success();
}

namespace {
struct LowerMaskOpsPass
    : public attn::impl::LowerMaskOpsPassBase<LowerMaskOpsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add(lowerCausal)
        .add(lowerWindow)
        .add(lowerFirst)
        .add(lowerChunk)
        .add(lowerPrefix)
        .add(lowerDocument)
        .add(lowerSpan)
        .add(lowerDilated)
        .add(lowerColumn)
        .add(lowerSoftcap)
        .add(lowerAlibi);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
