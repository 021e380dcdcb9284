//===- RegionGradient.cpp - Derivatives of score modifiers ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RegionGradient.h"

#include "Attention/Attention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

namespace mlir::attn::reference {

/// Turns the ops of a score modifier into steps that propagate derivatives.
class GradientTranslator {
public:
  GradientTranslator(RegionGradient &gradient,
                     const DenseMap<Value, Tensor *> &gradients)
      : gradient(gradient), gradients(gradients) {}

  LogicalResult translate(Block &block);

private:
  LogicalResult translate(Operation *op);
  bool translateArith(Operation *op);
  bool translateMath(Operation *op);
  bool translateAttention(Operation *op);
  /// Adds derivatives times `factor(values, k)` to the gradient of a captured
  /// tensor, at the element that `at` names, if there is one.
  template <typename Factor>
  void addCaptured(Value tensor, SmallVector<Value> at, Value result,
                   Factor factor);

  int64_t getSlot(Value value) const {
    return gradient.program.slots.lookup(value);
  }

  /// A step that adds to the derivatives of the float operands those of the
  /// result times partial derivatives: `partial(number, operands, result)`.
  template <typename Partial> bool add(Operation *op, Partial partial) {
    SmallVector<int64_t> in;
    for (Value operand : op->getOperands())
      in.push_back(getSlot(operand));
    int64_t out = getSlot(op->getResult(0));
    gradient.steps.push_back([=](Frame<double> &values, Frame<double> &d) {
      SmallVector<double> operands(in.size());
      for (int64_t k = 0; k != values.count; ++k) {
        for (auto [operand, slot] : llvm::zip(operands, in))
          operand = values.getFloats(slot)[k];
        double result = values.getFloats(out)[k];
        for (auto [number, slot] : llvm::enumerate(in))
          d.getFloats(slot)[k] +=
              d.getFloats(out)[k] * partial(number, operands, result);
      }
    });
    return true;
  }
  /// A step that hands the derivative of the new score to the old one.
  bool addScore(Value x, Value y) {
    int64_t in = getSlot(x), out = getSlot(y);
    gradient.steps.push_back([=](Frame<double> &values, Frame<double> &d) {
      for (int64_t k = 0; k != values.count; ++k)
        d.getFloats(in)[k] += d.getFloats(out)[k];
    });
    return true;
  }
  /// The same of an op of one operand: `partial(operand, result)`.
  template <typename Partial> bool addUnary(Operation *op, Partial partial) {
    return add(op, [=](size_t, ArrayRef<double> in, double result) {
      return partial(in.front(), result);
    });
  }

  RegionGradient &gradient;
  const DenseMap<Value, Tensor *> &gradients;
};

} // namespace mlir::attn::reference

bool GradientTranslator::translateArith(Operation *op) {
  auto isFirst = [](size_t number) { return number == 0; };
  return TypeSwitch<Operation *, bool>(op)
      .Case<arith::AddFOp>([&](auto) {
        return add(op, [](size_t, ArrayRef<double>, double) { return 1.0; });
      })
      .Case<arith::SubFOp>([&](auto) {
        return add(op, [=](size_t number, ArrayRef<double>, double) {
          return isFirst(number) ? 1.0 : -1.0;
        });
      })
      .Case<arith::MulFOp>([&](auto) {
        return add(op, [](size_t number, ArrayRef<double> in, double) {
          return in[1 - number];
        });
      })
      .Case<arith::DivFOp>([&](auto) {
        return add(op, [=](size_t number, ArrayRef<double> in, double result) {
          return isFirst(number) ? 1 / in[1] : -result / in[1];
        });
      })
      .Case<arith::NegFOp>([&](auto) {
        return addUnary(op, [](double, double) { return -1.0; });
      })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) {
        return addUnary(op, [](double, double) { return 1.0; });
      })
      // Where both are equal, the first one counts.
      .Case<arith::MaximumFOp, arith::MaxNumFOp>([&](auto) {
        return add(op, [=](size_t number, ArrayRef<double> in, double) {
          return isFirst(number) == (in[0] >= in[1]) ? 1.0 : 0.0;
        });
      })
      .Case<arith::MinimumFOp, arith::MinNumFOp>([&](auto) {
        return add(op, [=](size_t number, ArrayRef<double> in, double) {
          return isFirst(number) == (in[0] <= in[1]) ? 1.0 : 0.0;
        });
      })
      .Case([&](arith::SelectOp select) {
        int64_t condition = getSlot(select.getCondition());
        int64_t ifTrue = getSlot(select.getTrueValue());
        int64_t ifFalse = getSlot(select.getFalseValue());
        int64_t out = getSlot(select.getResult());
        gradient.steps.push_back([=](Frame<double> &values, Frame<double> &d) {
          for (int64_t k = 0; k != values.count; ++k)
            d.getFloats(values.getIntegers(condition)[k] ? ifTrue
                                                         : ifFalse)[k] +=
                d.getFloats(out)[k];
        });
        return true;
      })
      // What comes from integers does not depend on a score.
      .Case<arith::SIToFPOp, arith::UIToFPOp, arith::ConstantOp>(
          [](auto) { return true; })
      .Default(false);
}

bool GradientTranslator::translateMath(Operation *op) {
  return TypeSwitch<Operation *, bool>(op)
      .Case<math::ExpOp>([&](auto) {
        return addUnary(op, [](double, double y) { return y; });
      })
      .Case<math::Exp2Op>([&](auto) {
        return addUnary(
            op, [](double, double y) { return y * llvm::numbers::ln2; });
      })
      .Case<math::LogOp>([&](auto) {
        return addUnary(op, [](double x, double) { return 1 / x; });
      })
      .Case<math::Log1pOp>([&](auto) {
        return addUnary(op, [](double x, double) { return 1 / (1 + x); });
      })
      .Case<math::SqrtOp>([&](auto) {
        return addUnary(op, [](double, double y) { return 0.5 / y; });
      })
      .Case<math::TanhOp>([&](auto) {
        return addUnary(op, [](double, double y) { return 1 - y * y; });
      })
      .Case<math::SinOp>([&](auto) {
        return addUnary(op, [](double x, double) { return std::cos(x); });
      })
      .Case<math::CosOp>([&](auto) {
        return addUnary(op, [](double x, double) { return -std::sin(x); });
      })
      .Case<math::AbsFOp>([&](auto) {
        return addUnary(op,
                        [](double x, double) { return x < 0 ? -1.0 : 1.0; });
      })
      .Case<math::FmaOp>([&](auto) {
        return add(op, [](size_t number, ArrayRef<double> in, double) {
          return number == 2 ? 1.0 : in[1 - number];
        });
      })
      .Default(false);
}

template <typename Factor>
void GradientTranslator::addCaptured(Value tensor, SmallVector<Value> at,
                                     Value result, Factor factor) {
  Tensor *sum = gradients.lookup(tensor);
  if (!sum)
    return;
  SmallVector<int64_t> slots =
      llvm::map_to_vector(at, [&](Value index) { return getSlot(index); });
  int64_t out = getSlot(result);
  bool isShared = isa<BiasOp>(result.getDefiningOp());
  gradient.steps.push_back([=](Frame<double> &values, Frame<double> &d) {
    for (int64_t k = 0; k != values.count; ++k) {
      int64_t offset = 0;
      bool isInside = true;
      for (auto [slot, size] : llvm::zip(slots, sum->shape)) {
        // A size of 1 is for all, where a bias has it.
        int64_t index = isShared && size == 1 ? 0 : values.getIntegers(slot)[k];
        isInside &= index >= 0 && index < size;
        offset = offset * size + index;
      }
      if (isInside)
        sum->values[offset] += d.getFloats(out)[k] * factor(values, k);
    }
  });
}

bool GradientTranslator::translateAttention(Operation *op) {
  auto one = [](Frame<double> &, int64_t) { return 1.0; };
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](SoftcapOp softcap) {
        double cap = softcap.getCap().convertToFloat();
        return addUnary(
            op, [=](double, double y) { return 1 - (y / cap) * (y / cap); });
      })
      .Case([&](AlibiOp alibi) {
        int64_t p = getSlot(alibi.getP()), j = getSlot(alibi.getJ());
        addCaptured(alibi.getSlopes(), {alibi.getH()}, alibi.getY(),
                    [=](Frame<double> &values, int64_t k) {
                      return -std::abs(static_cast<double>(
                          values.getIntegers(p)[k] - values.getIntegers(j)[k]));
                    });
        return addScore(alibi.getX(), alibi.getY());
      })
      .Case([&](BiasOp bias) {
        addCaptured(bias.getBias(),
                    {bias.getB(), bias.getH(), bias.getI(), bias.getJ()},
                    bias.getY(), one);
        return addScore(bias.getX(), bias.getY());
      })
      .Case([&](ReadOp read) {
        addCaptured(read.getTensor(), llvm::to_vector(read.getIndices()),
                    read.getElement(), one);
        return true;
      })
      .Default(false);
}

LogicalResult GradientTranslator::translate(Operation *op) {
  // Integers and truth values do not depend on a score smoothly.
  if (!isa<FloatType>(op->getResult(0).getType()))
    return success();
  // An op may read the derivative of its result when all its users have added
  // to it: the steps are run in the opposite order.
  if (translateArith(op) || translateMath(op) || translateAttention(op))
    return success();
  return op->emitOpError("has no derivative: the gradient of a score modifier "
                         "needs one");
}

LogicalResult GradientTranslator::translate(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(translate(&op)))
      return failure();
  std::reverse(gradient.steps.begin(), gradient.steps.end());
  for (auto [value, slot] : gradient.program.slots)
    if (isa<FloatType>(value.getType()))
      gradient.numFloats = std::max(gradient.numFloats, slot + 1);
  gradient.scoreSlot = getSlot(block.getArgument(0));
  gradient.resultSlot = getSlot(cast<YieldOp>(block.back()).getValue());
  return success();
}

FailureOr<RegionGradient>
RegionGradient::translate(Block &block, const Environment &tensors,
                          const DenseMap<Value, Tensor *> &gradients) {
  RegionGradient gradient;
  auto program = RegionProgram<double>::translate(block, tensors);
  if (failed(program))
    return failure();
  gradient.program = std::move(*program);
  if (failed(GradientTranslator(gradient, gradients).translate(block)))
    return failure();
  return gradient;
}

void RegionGradient::propagate(Frame<double> &frame,
                               double *derivatives) const {
  Frame<double> d(0, numFloats);
  std::copy_n(derivatives, frame.count, d.getFloats(resultSlot));
  for (const Step &step : steps)
    step(frame, d);
  std::copy_n(d.getFloats(scoreSlot), frame.count, derivatives);
}
