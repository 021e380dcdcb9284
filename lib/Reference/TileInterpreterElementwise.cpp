//===- TileInterpreterElementwise.cpp - Arithmetic on tiles ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileInterpreterElementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mlir::attn::reference;

/// Rounds to the nearest value of `type`, ties to even.
static float roundTo(float value, FloatType type) {
  if (type.isF32())
    return value;
  APFloat rounded(value);
  bool losesInfo;
  rounded.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
  return static_cast<float>(rounded.convertToDouble());
}

/// What arith leaves undefined gives zero.
static bool isDefinedDivision(int64_t a, int64_t b) {
  return b != 0 && !(a == std::numeric_limits<int64_t>::min() && b == -1);
}

namespace {

/// Evaluates one op.
class Elementwise {
public:
  Elementwise(Operation *op, ArrayRef<const TileValue *> operands)
      : op(op), operands(operands) {}

  std::optional<TileValue> evaluate() {
    for (auto part :
         {&Elementwise::evaluateInteger, &Elementwise::evaluateFloat,
          &Elementwise::evaluateMath, &Elementwise::evaluateOther})
      if (std::optional<TileValue> result = (this->*part)())
        return result;
    return std::nullopt;
  }

private:
  using Maybe = std::optional<TileValue>;

  Maybe evaluateInteger();
  Maybe evaluateFloat();
  Maybe evaluateMath();
  Maybe evaluateOther();
  TileValue evaluateConstant(Attribute value);
  TileValue evaluateSelect();

  Type getElementType() {
    return getElementTypeOrSelf(op->getResult(0).getType());
  }

  /// The elements of an operand; that of a scalar is repeated.
  template <typename In> struct Elements {
    const std::vector<In> &values;
    In operator[](size_t i) const { return values[values.size() == 1 ? 0 : i]; }
  };
  template <typename In> Elements<In> get(unsigned operand) {
    if constexpr (std::is_same_v<In, float>)
      return {operands[operand]->floats};
    else
      return {operands[operand]->integers};
  }

  size_t size() {
    size_t size = 1;
    for (const TileValue *operand : operands)
      size = std::max(size, operand->size());
    return size;
  }

  /// Calls `function`, of one or two arguments, for each element.
  template <typename In, typename Function> auto map(Function function) {
    if constexpr (std::is_invocable_v<Function, In>) {
      std::vector<std::invoke_result_t<Function, In>> results(size());
      Elements<In> values = get<In>(0);
      for (size_t i = 0; i != results.size(); ++i)
        results[i] = function(values[i]);
      return results;
    } else {
      std::vector<std::invoke_result_t<Function, In, In>> results(size());
      Elements<In> lhs = get<In>(0), rhs = get<In>(1);
      for (size_t i = 0; i != results.size(); ++i)
        results[i] = function(lhs[i], rhs[i]);
      return results;
    }
  }

  /// The results, brought into the range of the result's type.
  TileValue finish(std::vector<float> values) {
    auto type = cast<FloatType>(getElementType());
    if (!type.isF32())
      for (float &value : values)
        value = roundTo(value, type);
    return {std::move(values), {}};
  }
  TileValue finish(std::vector<int64_t> values) {
    if (Type type = getElementType(); !type.isIndex())
      for (int64_t &value : values)
        value = llvm::SignExtend64(value, type.getIntOrFloatBitWidth());
    return {{}, std::move(values)};
  }

  template <typename Function> TileValue onIntegers(Function function) {
    return finish(map<int64_t>(function));
  }
  template <typename Function> TileValue onFloats(Function function) {
    return finish(map<float>(function));
  }

  Operation *op;
  ArrayRef<const TileValue *> operands;
};

} // namespace

std::optional<TileValue> Elementwise::evaluateInteger() {
  using Int = int64_t;
  // Wrapping arithmetic, which is undefined on signed integers in C++.
  using UInt = uint64_t;
  return TypeSwitch<Operation *, Maybe>(op)
      .Case([&](arith::AddIOp) {
        return onIntegers(
            [](Int a, Int b) -> Int { return UInt(a) + UInt(b); });
      })
      .Case([&](arith::SubIOp) {
        return onIntegers(
            [](Int a, Int b) -> Int { return UInt(a) - UInt(b); });
      })
      .Case([&](arith::MulIOp) {
        return onIntegers(
            [](Int a, Int b) -> Int { return UInt(a) * UInt(b); });
      })
      .Case([&](arith::FloorDivSIOp) {
        return onIntegers([](Int a, Int b) -> Int {
          return isDefinedDivision(a, b) ? llvm::divideFloorSigned(a, b) : 0;
        });
      })
      .Case([&](arith::CeilDivSIOp) {
        return onIntegers([](Int a, Int b) -> Int {
          return isDefinedDivision(a, b) ? llvm::divideCeilSigned(a, b) : 0;
        });
      })
      .Case([&](arith::DivSIOp) {
        return onIntegers([](Int a, Int b) -> Int {
          return isDefinedDivision(a, b) ? a / b : 0;
        });
      })
      .Case([&](arith::RemSIOp) {
        return onIntegers([](Int a, Int b) -> Int {
          return isDefinedDivision(a, b) ? a % b : 0;
        });
      })
      .Case([&](arith::MaxSIOp) {
        return onIntegers([](Int a, Int b) { return std::max(a, b); });
      })
      .Case([&](arith::MinSIOp) {
        return onIntegers([](Int a, Int b) { return std::min(a, b); });
      })
      .Case([&](arith::AndIOp) {
        return onIntegers([](Int a, Int b) { return a & b; });
      })
      .Case([&](arith::OrIOp) {
        return onIntegers([](Int a, Int b) { return a | b; });
      })
      .Case([&](arith::XOrIOp) {
        return onIntegers([](Int a, Int b) { return a ^ b; });
      })
      .Case([&](math::AbsIOp) {
        return onIntegers([](Int a) -> Int { return a < 0 ? -UInt(a) : a; });
      })
      .Case([&](arith::CmpIOp compare) {
        arith::CmpIPredicate predicate = compare.getPredicate();
        return onIntegers([=](Int a, Int b) -> Int {
          // Sign extension keeps the order of unsigned integers, too.
          return arith::applyCmpPredicate(predicate, APInt(64, a, true),
                                          APInt(64, b, true));
        });
      })
      .Default(Maybe());
}

std::optional<TileValue> Elementwise::evaluateFloat() {
  return TypeSwitch<Operation *, Maybe>(op)
      .Case([&](arith::AddFOp) {
        return onFloats([](float a, float b) { return a + b; });
      })
      .Case([&](arith::SubFOp) {
        return onFloats([](float a, float b) { return a - b; });
      })
      .Case([&](arith::MulFOp) {
        return onFloats([](float a, float b) { return a * b; });
      })
      .Case([&](arith::DivFOp) {
        return onFloats([](float a, float b) { return a / b; });
      })
      .Case([&](arith::NegFOp) { return onFloats([](float a) { return -a; }); })
      .Case([&](arith::MaximumFOp) {
        return onFloats([](float a, float b) {
          return std::isnan(a) ? a : a < b || std::isnan(b) ? b : a;
        });
      })
      .Case([&](arith::MinimumFOp) {
        return onFloats([](float a, float b) {
          return std::isnan(a) ? a : b < a || std::isnan(b) ? b : a;
        });
      })
      .Case([&](arith::MaxNumFOp) {
        return onFloats([](float a, float b) { return std::fmax(a, b); });
      })
      .Case([&](arith::MinNumFOp) {
        return onFloats([](float a, float b) { return std::fmin(a, b); });
      })
      .Case([&](arith::CmpFOp compare) {
        arith::CmpFPredicate predicate = compare.getPredicate();
        return onFloats([=](float a, float b) -> int64_t {
          return arith::applyCmpPredicate(predicate, APFloat(a), APFloat(b));
        });
      })
      .Default(Maybe());
}

std::optional<TileValue> Elementwise::evaluateMath() {
  return TypeSwitch<Operation *, Maybe>(op)
      .Case([&](math::AbsFOp) {
        return onFloats([](float a) { return std::fabs(a); });
      })
      .Case([&](math::ExpOp) {
        return onFloats([](float a) { return std::exp(a); });
      })
      .Case([&](math::Exp2Op) {
        return onFloats([](float a) { return std::exp2(a); });
      })
      .Case([&](math::LogOp) {
        return onFloats([](float a) { return std::log(a); });
      })
      .Case([&](math::Log2Op) {
        return onFloats([](float a) { return std::log2(a); });
      })
      .Case([&](math::SqrtOp) {
        return onFloats([](float a) { return std::sqrt(a); });
      })
      .Case([&](math::TanhOp) {
        return onFloats([](float a) { return std::tanh(a); });
      })
      .Default(Maybe());
}

/// Constants, conversions and choices.
std::optional<TileValue> Elementwise::evaluateOther() {
  return TypeSwitch<Operation *, Maybe>(op)
      .Case([&](arith::ConstantOp constant) {
        return evaluateConstant(constant.getValue());
      })
      .Case([&](arith::SelectOp) { return evaluateSelect(); })
      .Case<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp>(
          [&](auto) { return onIntegers([](int64_t a) { return a; }); })
      .Case<arith::ExtFOp, arith::TruncFOp>(
          [&](auto) { return onFloats([](float a) { return a; }); })
      .Case([&](arith::SIToFPOp) {
        return onIntegers([](int64_t a) { return static_cast<float>(a); });
      })
      .Default(Maybe());
}

TileValue Elementwise::evaluateConstant(Attribute value) {
  TileValue result;
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    result.integers = {integer.getValue().getSExtValue()};
  } else if (auto real = dyn_cast<FloatAttr>(value)) {
    result.floats = {static_cast<float>(real.getValueAsDouble())};
  } else if (isa<FloatType>(getElementType())) {
    for (const APFloat &element :
         cast<DenseElementsAttr>(value).getValues<APFloat>())
      result.floats.push_back(static_cast<float>(element.convertToDouble()));
  } else {
    for (const APInt &element :
         cast<DenseElementsAttr>(value).getValues<APInt>())
      result.integers.push_back(element.getSExtValue());
  }
  return result;
}

TileValue Elementwise::evaluateSelect() {
  Elements<int64_t> condition = get<int64_t>(0);
  auto choose = [&](auto ifTrue, auto ifFalse, auto &result) {
    for (size_t i = 0, e = size(); i != e; ++i)
      result.push_back(condition[i] ? ifTrue[i] : ifFalse[i]);
  };
  TileValue result;
  if (isa<FloatType>(getElementType()))
    choose(get<float>(1), get<float>(2), result.floats);
  else
    choose(get<int64_t>(1), get<int64_t>(2), result.integers);
  return result;
}

std::optional<TileValue> mlir::attn::reference::evaluateElementwise(
    Operation *op, ArrayRef<const TileValue *> operands) {
  return Elementwise(op, operands).evaluate();
}
