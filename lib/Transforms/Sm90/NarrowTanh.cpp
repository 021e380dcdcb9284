//===- NarrowTanh.cpp - Scores near zero need no special function ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "Sm90/Sm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_NARROWTANHPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

/// tanh(y) = y (1 + c1 y^2 + c2 y^4 + c3 y^6) for |y| <= kNarrow, with a
/// relative error of at most 6.2e-7 (minimax fit).
static constexpr double kNarrow = 0.5;
static constexpr double kCoefficients[] = {
    -0.33328264608543856, 0.1320671426307974, -0.04478945303152293};

/// The constant of a product that may be reordered, or nothing.
static std::optional<double> matchFactor(Operation *op) {
  auto product = dyn_cast_if_present<arith::MulFOp>(op);
  FloatAttr factor;
  if (!product ||
      !bitEnumContainsAll(product.getFastmath(),
                          arith::FastMathFlags::reassoc) ||
      !matchPattern(product.getRhs(), m_Constant(&factor)))
    return std::nullopt;
  return factor.getValueAsDouble();
}

namespace {
/// A hyperbolic tangent of `factor * source` in the modifier of scores.
struct ScaledTanh {
  explicit ScaledTanh(math::TanhOp op) : op(op), source(op.getOperand()) {
    while (std::optional<double> more = matchFactor(source.getDefiningOp())) {
      factor *= *more;
      source = source.getDefiningOp()->getOperand(0);
    }
  }

  math::TanhOp op;
  Value source;
  double factor = 1;
};

/// Gives the scores of an op whose tangents are all near zero a way of their
/// own.
class Narrower {
public:
  explicit Narrower(ScoreOp score)
      : score(score), builder(score), loc(score.getLoc()) {}

  void run();

private:
  Value constant(Type type, double value) {
    Type element = getElementTypeOrSelf(type);
    auto attr = builder.getFloatAttr(element, value);
    if (auto shaped = dyn_cast<ShapedType>(type))
      return arith::ConstantOp::create(builder, loc,
                                       DenseElementsAttr::get(shaped, attr));
    return arith::ConstantOp::create(builder, loc, attr);
  }
  Value createTest(const ScaledTanh &tangent);
  void approximate(ScaledTanh tangent);

  ScoreOp score;
  OpBuilder builder;
  Location loc;
};
} // namespace

/// Whether all arguments of the warp are near zero. NaN is not.
Value Narrower::createTest(const ScaledTanh &tangent) {
  ScoreOp magnitudes =
      ScoreOp::create(builder, loc, score.getType(), score.getScores(),
                      score.getQuery(), score.getKey());
  {
    OpBuilder::InsertionGuard guard(builder);
    IRMapping mapping;
    score.getModifier().cloneInto(&magnitudes.getModifier(), mapping);
    Block &block = magnitudes.getModifier().front();
    builder.setInsertionPoint(block.getTerminator());
    Value magnitude = math::AbsFOp::create(
        builder, loc, mapping.lookupOrDefault(tangent.source));
    block.getTerminator()->setOperand(0, magnitude);
    // What only led to the yielded value is left.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
  auto type = score.getType();
  auto rows = RankedTensorType::get(type.getShape().take_front(),
                                    type.getElementType());
  Value largest = ReduceColumnsOp::create(builder, loc, rows, Combine::Max,
                                          magnitudes.getResult());
  Value isNear =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE, largest,
                            constant(rows, kNarrow / std::abs(tangent.factor)));
  return VoteAllOp::create(builder, loc, builder.getI1Type(), isNear);
}

/// Replaces the tangent, and a constant factor on it, by the polynomial in its
/// unscaled argument.
void Narrower::approximate(ScaledTanh tangent) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(tangent.op);
  Type type = tangent.op.getType();
  Value x = tangent.source;
  double squared = tangent.factor * tangent.factor, power = 1;
  SmallVector<double> coefficients;
  for (double coefficient : kCoefficients)
    coefficients.push_back(coefficient * (power *= squared));
  Value square = arith::MulFOp::create(builder, loc, x, x);
  Value sum = constant(type, coefficients.back());
  for (double coefficient : llvm::reverse(ArrayRef(coefficients).drop_back()))
    sum = math::FmaOp::create(builder, loc, sum, square,
                              constant(type, coefficient));
  Value cube = arith::MulFOp::create(builder, loc, square, x);
  Value result = math::FmaOp::create(builder, loc, sum, cube, x);
  Operation *replaced = tangent.op;
  double factor = tangent.factor;
  if (tangent.op->hasOneUse())
    if (std::optional<double> more = matchFactor(*replaced->user_begin())) {
      replaced = *replaced->user_begin();
      factor *= *more;
    }
  builder.setInsertionPoint(replaced);
  result = arith::MulFOp::create(builder, loc, result, constant(type, factor));
  replaced->replaceAllUsesWith(ValueRange(result));
}

void Narrower::run() {
  auto tangents =
      llvm::to_vector(score.getModifier().front().getOps<math::TanhOp>());
  // Exact ones have no polynomial here; a second one would take another test.
  if (tangents.size() != 1 ||
      !bitEnumContainsAll(tangents.front().getFastmath(),
                          arith::FastMathFlags::afn))
    return;
  Value isNear = createTest(ScaledTanh(tangents.front()));
  auto branch = scf::IfOp::create(builder, loc, score.getType(), isNear,
                                  /*withElseRegion=*/true);
  score.getResult().replaceAllUsesWith(branch.getResult(0));
  score->moveBefore(branch.elseBlock(), branch.elseBlock()->end());
  builder.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(builder, loc, score.getResult());
  builder.setInsertionPointToStart(branch.thenBlock());
  auto near = cast<ScoreOp>(builder.clone(*score));
  scf::YieldOp::create(builder, loc, near.getResult());
  auto inner = near.getModifier().front().getOps<math::TanhOp>();
  approximate(ScaledTanh(*inner.begin()));
}

namespace {
struct NarrowTanh : sm90::impl::NarrowTanhPassBase<NarrowTanh> {
  void runOnOperation() override {
    if (!getOperation().getSchedule().getNarrowTanh())
      return;
    SmallVector<ScoreOp> scores;
    getOperation().walk([&](ScoreOp score) { scores.push_back(score); });
    for (ScoreOp score : scores)
      Narrower(score).run();
  }
};
} // namespace
