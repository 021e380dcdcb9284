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

namespace {
/// tanh(y) = y (c0 + c1 y^2 + c2 y^4) for |y| <= limit, to `error` (minimax
/// fits).
struct Fit {
  double limit, error;
  double coefficients[3];

  /// Without the last ones, where they are zero.
  ArrayRef<double> getCoefficients() const {
    return ArrayRef(coefficients).drop_back(coefficients[2] == 0 ? 1 : 0);
  }
};
} // namespace

static constexpr Fit kShort = {1. / 6, 1.06e-6, {0.9999684, -0.32876029, 0}};
static constexpr Fit kWide = {
    0.375, 7.8e-7, {0.9999854, -0.33248851, 0.12098851}};
static constexpr Fit kPrecise = {
    0.25, 4.9e-8, {0.99999863, -0.33315702, 0.12762232}};

/// How far a score may be off, so that the logarithm of a sum is right to 1e-4.
static constexpr double kTolerance = 6e-5;

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

  /// What the tangent is multiplied by, or nothing where it is not known.
  std::optional<double> getOuterFactor() {
    Operation *last = op->getBlock()->getTerminator();
    Operation *user = op->hasOneUse() ? *op->user_begin() : nullptr;
    if (user == last)
      return 1;
    std::optional<double> outer = matchFactor(user);
    return outer && user->hasOneUse() && *user->user_begin() == last
               ? outer
               : std::nullopt;
  }

  math::TanhOp op;
  Value source;
  double factor = 1;
};
} // namespace

/// The fits that are precise enough for what comes of the tangent, the
/// narrowest first.
static SmallVector<const Fit *> selectFits(ScaledTanh tangent) {
  std::optional<double> outer = tangent.getOuterFactor();
  auto isEnough = [&](const Fit &fit) {
    return outer && std::abs(*outer) * fit.error <= kTolerance;
  };
  SmallVector<const Fit *> fits;
  if (isEnough(kShort))
    fits.push_back(&kShort);
  fits.push_back(isEnough(kWide) ? &kWide : &kPrecise);
  return fits;
}

namespace {
/// A step of the softmax that keeps the maximum where a vote says so.
struct LazyStep {
  /// Nothing in `dependent` before the weights and their sum, from the scores
  /// on.
  SmallVector<Operation *> dependent;
  /// What may stand in front of the scores.
  SmallVector<Operation *> independent;
  scf::IfOp keeps;
  VoteAllOp vote;
};
} // namespace

/// The step that the scores go to, if there is one, with nothing else amid it.
static std::optional<LazyStep> findLazyStep(ScoreOp score) {
  LazyStep step;
  DenseSet<Value> ofScores;
  for (Operation *op = score; op; op = op->getNextNode()) {
    if (!isMemoryEffectFree(op))
      return std::nullopt;
    bool depends = op == score;
    op->walk([&](Operation *inner) {
      depends |= llvm::any_of(inner->getOperands(), [&](Value operand) {
        return ofScores.contains(operand);
      });
    });
    (depends ? step.dependent : step.independent).push_back(op);
    if (!depends)
      continue;
    ofScores.insert(op->result_begin(), op->result_end());
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      step.keeps = branch;
      step.vote = branch.getCondition().getDefiningOp<VoteAllOp>();
      if (!step.vote || !llvm::hasSingleElement(*branch.thenBlock()))
        return std::nullopt;
    }
    auto sum = dyn_cast<ReduceColumnsOp>(op);
    if (sum && sum.getCombine() == Combine::Sum)
      return step.keeps ? std::optional(step) : std::nullopt;
  }
  return std::nullopt;
}

namespace {
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
  Value findLargest(const ScaledTanh &tangent);
  Value createTest(Value largest, const ScaledTanh &tangent, const Fit &fit);
  void approximate(ScaledTanh tangent, const Fit &fit,
                   std::optional<double> scale);
  bool copyNear(Operation *op, IRMapping &mapping, const Fit &fit);
  std::optional<std::pair<math::FmaOp, double>> findScaling();
  void branch(Value isNear, ArrayRef<Operation *> ops,
              function_ref<bool(Operation *, IRMapping &)> copyNear);

  ScoreOp score;
  OpBuilder builder;
  Location loc;
  std::optional<LazyStep> step;
  std::optional<std::pair<math::FmaOp, double>> scaling;
};
} // namespace

/// The largest magnitude in each row of what the tangents are multiples of.
Value Narrower::findLargest(const ScaledTanh &tangent) {
  ScoreOp magnitudes = ScoreOp::create(
      builder, loc, score.getType(), score.getScores(), score.getQuery(),
      score.getKey(), score.getRow(), score.getTiles());
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
  return ReduceColumnsOp::create(builder, loc, rows, Combine::Max,
                                 magnitudes.getResult());
}

/// Whether all arguments of the warp are near zero, under a maximum that is
/// kept if there is one. NaN is not near.
Value Narrower::createTest(Value largest, const ScaledTanh &tangent,
                           const Fit &fit) {
  builder.setInsertionPoint(score);
  Value isNear = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OLE, largest,
      constant(largest.getType(), fit.limit / std::abs(tangent.factor)));
  if (step)
    isNear = arith::AndIOp::create(builder, loc, isNear, step->vote.getRows());
  return VoteAllOp::create(builder, loc, builder.getI1Type(), isNear);
}

/// The step that multiplies the scores by a constant and shifts them, if
/// nothing else is done with the tangents of the scores in front, in this
/// block.
std::optional<std::pair<math::FmaOp, double>> Narrower::findScaling() {
  Block &modifier = score.getModifier().front();
  ScaledTanh tangent(*modifier.getOps<math::TanhOp>().begin());
  Operation *last = modifier.getTerminator()->getOperand(0).getDefiningOp();
  if (matchFactor(last))
    last = last->getOperand(0).getDefiningOp();
  if (last != tangent.op || tangent.source != modifier.getArgument(0))
    return std::nullopt;
  auto isHere = [&](Operation *user) {
    return user->getBlock() == score->getBlock();
  };
  auto users = llvm::make_filter_range(score->getUsers(), isHere);
  DenseElementsAttr factors;
  if (!llvm::hasSingleElement(users))
    return std::nullopt;
  auto scaling = dyn_cast<math::FmaOp>(*users.begin());
  if (!scaling || scaling.getA() != score.getResult() ||
      !matchPattern(scaling.getB(), m_Constant(&factors)) || !factors.isSplat())
    return std::nullopt;
  return std::pair(scaling, factors.getSplatValue<APFloat>().convertToDouble());
}

/// Replaces the tangent, and a constant factor on it, by the polynomial in its
/// unscaled argument x, whose coefficients have the factors in them. With
/// `scale`, which they have in them as well, the product with x is left to what
/// uses it.
void Narrower::approximate(ScaledTanh tangent, const Fit &fit,
                           std::optional<double> scale) {
  OpBuilder::InsertionGuard guard(builder);
  Operation *replaced = tangent.op;
  double factor = tangent.factor;
  if (tangent.op->hasOneUse())
    if (std::optional<double> more = matchFactor(*replaced->user_begin())) {
      replaced = *replaced->user_begin();
      factor *= *more;
    }
  builder.setInsertionPoint(replaced);
  Type type = tangent.op.getType();
  factor *= scale.value_or(1);
  SmallVector<double> coefficients;
  for (double coefficient : fit.getCoefficients()) {
    coefficients.push_back(coefficient * factor);
    factor *= tangent.factor * tangent.factor;
  }
  Value x = tangent.source;
  Value square = arith::MulFOp::create(builder, loc, x, x);
  Value sum = constant(type, coefficients.back());
  for (double coefficient : llvm::reverse(ArrayRef(coefficients).drop_back()))
    sum = math::FmaOp::create(builder, loc, sum, square,
                              constant(type, coefficient));
  Value result =
      scale ? sum : arith::MulFOp::create(builder, loc, sum, x).getResult();
  replaced->replaceAllUsesWith(ValueRange(result));
}

/// Moves the ops behind each other into a branch for scores that are not near
/// zero. The other one has their copies, unless `copyNear` has made its own.
void Narrower::branch(Value isNear, ArrayRef<Operation *> ops,
                      function_ref<bool(Operation *, IRMapping &)> copyNear) {
  auto isInner = [&](Operation *user) {
    return llvm::any_of(ops,
                        [&](Operation *op) { return op->isAncestor(user); });
  };
  SmallVector<Value> results;
  for (Operation *op : ops)
    llvm::copy_if(
        op->getResults(), std::back_inserter(results),
        [&](Value value) { return !llvm::all_of(value.getUsers(), isInner); });
  builder.setInsertionPointAfter(ops.back());
  auto branch = scf::IfOp::create(builder, loc, ValueRange(results).getTypes(),
                                  isNear, /*withElseRegion=*/true);
  for (auto [value, result] : llvm::zip_equal(results, branch.getResults()))
    value.replaceUsesWithIf(
        result, [&](OpOperand &use) { return !isInner(use.getOwner()); });
  builder.setInsertionPointToStart(branch.thenBlock());
  IRMapping mapping;
  for (Operation *op : ops)
    if (!copyNear(op, mapping))
      builder.clone(*op, mapping);
  scf::YieldOp::create(builder, loc,
                       llvm::map_to_vector(results, [&](Value value) {
                         return mapping.lookup(value);
                       }));
  for (Operation *op : ops)
    op->moveBefore(branch.elseBlock(), branch.elseBlock()->end());
  builder.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(builder, loc, results);
}

/// The copy of an op for scores that are near zero, if it is not the same op:
/// the polynomial, the scaling, and the maximum that is kept.
bool Narrower::copyNear(Operation *op, IRMapping &mapping, const Fit &fit) {
  if (op == score) {
    auto near = cast<ScoreOp>(builder.clone(*op, mapping));
    auto inner = near.getModifier().front().getOps<math::TanhOp>();
    approximate(ScaledTanh(*inner.begin()), fit,
                scaling ? std::optional(scaling->second) : std::nullopt);
    return true;
  }
  if (scaling && op == scaling->first) {
    Value shift = mapping.lookupOrDefault(scaling->first.getC());
    mapping.map(op->getResult(0),
                math::FmaOp::create(builder, loc,
                                    mapping.lookup(score.getResult()),
                                    score.getScores(), shift)
                    .getResult());
    return true;
  }
  if (!step || op != step->keeps)
    return false;
  auto yield = step->keeps.thenYield();
  for (auto [result, value] :
       llvm::zip_equal(op->getResults(), yield.getOperands()))
    mapping.map(result, mapping.lookupOrDefault(value));
  return true;
}

/// The polynomial and the weights stand in one branch, so that the assembler
/// computes some scores while the special functions give the weights of others,
/// and the last product of one is the scaling of the other. Outside of loops
/// one fit will do.
void Narrower::run() {
  auto tangents =
      llvm::to_vector(score.getModifier().front().getOps<math::TanhOp>());
  // Exact ones have no polynomial here; a second one would take another test.
  if (tangents.size() != 1 || score->use_empty() ||
      !bitEnumContainsAll(tangents.front().getFastmath(),
                          arith::FastMathFlags::afn))
    return;
  ScaledTanh tangent(tangents.front());
  SmallVector<const Fit *> fits = selectFits(tangent);
  Value largest = findLargest(tangent);
  step = findLazyStep(score);
  SmallVector<Operation *> ops{score};
  if (step) {
    scaling = findScaling();
    ops = step->dependent;
    for (Operation *op : step->independent)
      op->moveBefore(score);
  } else {
    fits = {fits.back()};
  }
  for (const Fit *fit : fits) {
    Value isNear = createTest(largest, tangent, *fit);
    branch(isNear, ops, [&](Operation *op, IRMapping &mapping) {
      return copyNear(op, mapping, *fit);
    });
  }
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
