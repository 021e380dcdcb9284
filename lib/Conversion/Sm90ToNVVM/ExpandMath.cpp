//===- ExpandMath.cpp - Functions that no instruction computes ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scalar functions of f32 in masks and modifiers. There is no library to call,
// and a call would break up the products that are under way.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::attn;
using arith::CmpFPredicate;

namespace {

/// Emits arithmetic on f32.
class F32 {
public:
  F32(OpBuilder &b, Location loc) : b(b), loc(loc) {}

  Value constant(double value) {
    return arith::ConstantOp::create(
        b, loc, b.getF32FloatAttr(static_cast<float>(value)));
  }
  /// What a constant factor may be merged with, where there is one.
  Value scale(Value x, double factor) {
    auto reassociate = arith::FastMathFlagsAttr::get(
        b.getContext(), arith::FastMathFlags::reassoc);
    return arith::MulFOp::create(b, loc, x, constant(factor), reassociate);
  }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(b, loc, x, y, z);
  }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value select(CmpFPredicate predicate, Value x, Value y, Value ifTrue,
               Value ifFalse) {
    Value condition = arith::CmpFOp::create(b, loc, predicate, x, y);
    return arith::SelectOp::create(b, loc, condition, ifTrue, ifFalse);
  }
  Value call(StringRef intrinsic, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, loc, b.getF32Type(),
                                         b.getStringAttr(intrinsic), operands)
        .getResult(0);
  }
  Value exp2(Value x) { return call("llvm.nvvm.ex2.approx.ftz.f", x); }
  Value reciprocal(Value x) { return call("llvm.nvvm.rcp.approx.ftz.f", x); }

private:
  OpBuilder &b;
  Location loc;
};

using Expansion = Value (*)(F32 &, Operation *);

/// Replaces an op that returns an f32.
struct Expand : RewritePattern {
  Expand(StringRef name, MLIRContext *context, Expansion expansion)
      : RewritePattern(name, /*benefit=*/4, context), expansion(expansion) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || !op->getResult(0).getType().isF32())
      return failure();
    F32 f32(rewriter, op->getLoc());
    Value result = expansion(f32, op);
    if (!result)
      return failure();
    rewriter.replaceOp(op, result);
    return success();
  }

  Expansion expansion;
};

} // namespace

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static Value expandExp(F32 &f, Operation *op) {
  return f.exp2(f.scale(op->getOperand(0), M_LOG2E));
}
static Value expandExp2(F32 &f, Operation *op) {
  return f.exp2(op->getOperand(0));
}
static Value expandLog2(F32 &f, Operation *op) {
  return f.call("llvm.nvvm.lg2.approx.ftz.f", op->getOperand(0));
}
static Value expandLog(F32 &f, Operation *op) {
  return f.mul(expandLog2(f, op), f.constant(M_LN2));
}
static Value expandLog10(F32 &f, Operation *op) {
  return f.mul(expandLog2(f, op), f.constant(M_LN2 / M_LN10));
}
static Value expandSqrt(F32 &f, Operation *op) {
  return f.call("llvm.nvvm.sqrt.approx.ftz.f", op->getOperand(0));
}
static Value expandRsqrt(F32 &f, Operation *op) {
  return f.call("llvm.nvvm.rsqrt.approx.ftz.f", op->getOperand(0));
}
/// Within two units in the last place, and without a call.
static Value expandDivF(F32 &f, Operation *op) {
  return f.call("llvm.nvvm.div.full", op->getOperands());
}

static Value expandClamp(F32 &f, Operation *op) {
  Value x = op->getOperand(0), low = op->getOperand(1),
        high = op->getOperand(2);
  x = f.select(CmpFPredicate::OLT, x, low, low, x);
  return f.select(CmpFPredicate::OGT, x, high, high, x);
}

/// 1 - 2 / (exp(2 x) + 1) has a small absolute error, which is all that `afn`
/// asks for. Otherwise small arguments take the Taylor series.
static Value expandTanh(F32 &f, Operation *op) {
  Value x = op->getOperand(0), one = f.constant(1);
  Value power = f.exp2(f.scale(x, 2 * M_LOG2E));
  Value inverse = f.reciprocal(f.add(power, one));
  Value large = f.fma(inverse, f.constant(-2), one);
  auto flags = cast<math::TanhOp>(op).getFastmath();
  if (bitEnumContainsAll(flags, arith::FastMathFlags::afn))
    return large;
  Value square = f.mul(x, x);
  Value series = f.constant(-1382.0 / 155925);
  for (double coefficient : {62.0 / 2835, -17.0 / 315, 2.0 / 15, -1.0 / 3})
    series = f.fma(series, square, f.constant(coefficient));
  Value small = f.fma(f.mul(series, square), x, x);
  return f.select(CmpFPredicate::OLT, f.abs(x), f.constant(0.4), small, large);
}

/// The argument less the nearest multiple of 2 pi, which the instruction is
/// accurate for.
static Value reduceAngle(F32 &f, OpBuilder &b, Operation *op) {
  Value x = op->getOperand(0);
  Value turns = math::RoundEvenOp::create(b, op->getLoc(),
                                          f.mul(x, f.constant(0.5 * M_1_PI)));
  double rest = 2 * M_PI;
  for (int part = 0; part != 3; ++part) {
    auto leading = static_cast<float>(rest);
    x = f.fma(turns, f.constant(-leading), x);
    rest -= leading;
  }
  return x;
}

namespace {
/// sin and cos.
template <typename Op> struct ExpandCircular : OpRewritePattern<Op> {
  ExpandCircular(MLIRContext *context)
      : OpRewritePattern<Op>(context, /*benefit=*/4) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    constexpr auto approximate = arith::FastMathFlags::afn;
    if (!op.getType().isF32() || op.getFastmath() == approximate)
      return failure();
    F32 f(rewriter, op.getLoc());
    rewriter.replaceOpWithNewOp<Op>(op, reduceAngle(f, rewriter, op),
                                    approximate);
    return success();
  }
};
} // namespace

/// x - y * trunc(x / y), where the quotient may be off by one.
static Value expandRemF(F32 &f, OpBuilder &b, Operation *op) {
  Value x = f.abs(op->getOperand(0)), y = f.abs(op->getOperand(1));
  Value quotient = math::TruncOp::create(b, op->getLoc(),
                                         f.call("llvm.nvvm.div.full", {x, y}));
  Value minus = f.mul(y, f.constant(-1));
  Value rest = f.fma(quotient, minus, x);
  rest =
      f.select(CmpFPredicate::OLT, rest, f.constant(0), f.add(rest, y), rest);
  rest = f.select(CmpFPredicate::OGE, rest, y, f.add(rest, minus), rest);
  return math::CopySignOp::create(b, op->getLoc(), rest, op->getOperand(0));
}

namespace {
/// Predicates by the magnitude: NaN compares with nothing.
struct ExpandClass : RewritePattern {
  ExpandClass(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/4, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isa<math::IsNaNOp, math::IsInfOp, math::IsFiniteOp, math::IsNormalOp>(
            op) ||
        !op->getOperand(0).getType().isF32())
      return failure();
    F32 f(rewriter, op->getLoc());
    Value magnitude = f.abs(op->getOperand(0));
    Value infinity = f.constant(INFINITY);
    auto compare = [&](CmpFPredicate predicate, Value other) -> Value {
      return arith::CmpFOp::create(rewriter, op->getLoc(), predicate, magnitude,
                                   other);
    };
    Value result;
    if (isa<math::IsNaNOp>(op))
      result = compare(CmpFPredicate::UNO, magnitude);
    else if (isa<math::IsInfOp>(op))
      result = compare(CmpFPredicate::OEQ, infinity);
    else
      result = compare(CmpFPredicate::OLT, infinity);
    if (isa<math::IsNormalOp>(op))
      result = arith::AndIOp::create(
          rewriter, op->getLoc(), result,
          compare(CmpFPredicate::OGE,
                  f.constant(std::numeric_limits<float>::min())));
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ExpandRemainder : OpRewritePattern<arith::RemFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::RemFOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    F32 f(rewriter, op.getLoc());
    rewriter.replaceOp(op, expandRemF(f, rewriter, op));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// The whole function
//===----------------------------------------------------------------------===//

/// What LLVM has instructions for.
static bool isInstruction(Operation *op) {
  if (isa<math::SinOp, math::CosOp>(op))
    return op->getAttrOfType<arith::FastMathFlagsAttr>("fastmath").getValue() ==
           arith::FastMathFlags::afn;
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::FloorOp,
             math::TruncOp, math::RoundOp, math::RoundEvenOp, math::CopySignOp,
             math::FmaOp, math::CtPopOp, math::CountLeadingZerosOp,
             math::CountTrailingZerosOp>(op);
}

static bool needsExpansion(Operation *op) {
  if (isa<math::MathDialect>(op->getDialect()))
    return !isInstruction(op);
  return isa<arith::DivFOp, arith::RemFOp, arith::FloorDivSIOp,
             arith::CeilDivSIOp, arith::CeilDivUIOp>(op);
}

static void populateExpansions(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  auto add = [&](StringRef name, Expansion expansion) {
    patterns.add<Expand>(name, context, expansion);
  };
  add(math::ExpOp::getOperationName(), expandExp);
  add(math::Exp2Op::getOperationName(), expandExp2);
  add(math::LogOp::getOperationName(), expandLog);
  add(math::Log2Op::getOperationName(), expandLog2);
  add(math::Log10Op::getOperationName(), expandLog10);
  add(math::SqrtOp::getOperationName(), expandSqrt);
  add(math::RsqrtOp::getOperationName(), expandRsqrt);
  add(math::TanhOp::getOperationName(), expandTanh);
  add(math::ClampFOp::getOperationName(), expandClamp);
  add(arith::DivFOp::getOperationName(), expandDivF);
  patterns.add<ExpandCircular<math::SinOp>, ExpandCircular<math::CosOp>,
               ExpandRemainder, ExpandClass>(context);
  // The others by polynomials, or by those above.
  populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
    return llvm::is_contained({"math.atan", "math.atan2", "math.asin",
                               "math.acos", "math.cbrt", "math.erf",
                               "math.erfc", "math.expm1", "math.log1p"},
                              name);
  });
  math::populateExpansionPatterns(
      patterns, {"sinh", "cosh", "tan", "asinh", "acosh", "atanh", "powf"});
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
}

LogicalResult sm90_to_nvvm::expandMath(Operation *function) {
  auto find = [&]() -> Operation * {
    Operation *found = nullptr;
    function->walk([&](Operation *op) {
      if (!needsExpansion(op))
        return WalkResult::advance();
      found = op;
      return WalkResult::interrupt();
    });
    return found;
  };
  if (!find())
    return success();
  RewritePatternSet patterns(function->getContext());
  populateExpansions(patterns);
  if (failed(applyPatternsGreedily(function, std::move(patterns))))
    return failure();
  if (Operation *op = find())
    return op->emitOpError("has no expansion into instructions of the target");
  return success();
}
