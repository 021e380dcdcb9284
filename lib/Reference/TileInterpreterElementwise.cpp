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
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mlir::attn::reference;

/// Rounds to the nearest value of `type`, ties to even.
float mlir::attn::reference::roundTo(float value, FloatType type) {
  if (type.isF32())
    return value;
  APFloat rounded(value);
  bool losesInfo;
  rounded.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
  return static_cast<float>(rounded.convertToDouble());
}

static unsigned getWidth(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

/// The low `width` bits of a sign-extended value.
static uint64_t toUnsigned(int64_t value, unsigned width) {
  return width == 64 ? value : value & llvm::maskTrailingOnes<uint64_t>(width);
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
    for (auto part : {&Elementwise::evaluateInteger,
                      &Elementwise::evaluateFloat, &Elementwise::evaluateClass,
                      &Elementwise::evaluateMath, &Elementwise::evaluateOther})
      if (std::optional<TileValue> result = (this->*part)())
        return result;
    return std::nullopt;
  }

private:
  using Maybe = std::optional<TileValue>;

  Maybe evaluateInteger();
  Maybe evaluateFloat();
  Maybe evaluateClass();
  Maybe evaluateMath();
  TileValue evaluateThree();
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

  /// The results, brought into the range of the result's type. Of scalars,
  /// which are those of masks and modifiers, only a truncation rounds to fewer
  /// bits than f32 has.
  TileValue finish(std::vector<float> values) {
    auto type = cast<FloatType>(getElementType());
    bool isTile = isa<VectorType>(op->getResult(0).getType());
    if (!type.isF32() && (isTile || isa<arith::TruncFOp>(op)))
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
  if (op->getNumResults() != 1 || !getElementType().isSignlessIntOrIndex())
    return std::nullopt;
  unsigned width = getWidth(getElementType());
  auto onUnsigned = [&](auto function) {
    return onIntegers([=](Int a, Int b) -> Int {
      return function(toUnsigned(a, width), toUnsigned(b, width));
    });
  };
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
      .Case([&](arith::DivUIOp) {
        return onUnsigned([](UInt a, UInt b) { return b ? a / b : 0; });
      })
      .Case([&](arith::RemUIOp) {
        return onUnsigned([](UInt a, UInt b) { return b ? a % b : 0; });
      })
      .Case([&](arith::CeilDivUIOp) {
        return onUnsigned(
            [](UInt a, UInt b) { return b ? a / b + (a % b != 0) : 0; });
      })
      .Case([&](arith::MaxUIOp) {
        return onUnsigned([](UInt a, UInt b) { return std::max(a, b); });
      })
      .Case([&](arith::MinUIOp) {
        return onUnsigned([](UInt a, UInt b) { return std::min(a, b); });
      })
      .Case([&](arith::ShLIOp) {
        return onUnsigned(
            [=](UInt a, UInt b) -> UInt { return b < width ? a << b : 0; });
      })
      .Case([&](arith::ShRUIOp) {
        return onUnsigned(
            [=](UInt a, UInt b) -> UInt { return b < width ? a >> b : 0; });
      })
      .Case([&](arith::ShRSIOp) {
        return onIntegers([=](Int a, Int b) -> Int {
          return toUnsigned(b, width) < width ? a >> b : 0;
        });
      })
      .Case([&](math::CountLeadingZerosOp) {
        return onIntegers([=](Int a) -> Int {
          return llvm::countl_zero(toUnsigned(a, width)) - (64 - width);
        });
      })
      .Case([&](math::CountTrailingZerosOp) {
        return onIntegers([=](Int a) -> Int {
          return std::min<Int>(llvm::countr_zero(UInt(a)), width);
        });
      })
      .Case([&](math::CtPopOp) {
        return onIntegers(
            [=](Int a) -> Int { return llvm::popcount(toUnsigned(a, width)); });
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

/// Predicates of floats.
std::optional<TileValue> Elementwise::evaluateClass() {
  auto classify = [&](bool (*function)(float)) {
    return finish(map<float>([=](float a) -> int64_t { return function(a); }));
  };
  return TypeSwitch<Operation *, Maybe>(op)
      .Case([&](math::IsNaNOp) {
        return classify([](float a) { return std::isnan(a); });
      })
      .Case([&](math::IsInfOp) {
        return classify([](float a) { return std::isinf(a); });
      })
      .Case([&](math::IsFiniteOp) {
        return classify([](float a) { return std::isfinite(a); });
      })
      .Case([&](math::IsNormalOp) {
        return classify([](float a) { return std::isnormal(a); });
      })
      .Default(Maybe());
}

std::optional<TileValue> Elementwise::evaluateMath() {
  auto unary = [&](float (*function)(float)) { return onFloats(function); };
  auto binary = [&](float (*function)(float, float)) {
    return onFloats(function);
  };
  return TypeSwitch<Operation *, Maybe>(op)
      .Case([&](math::AbsFOp) { return unary(std::fabs); })
      .Case([&](math::AcosOp) { return unary(std::acos); })
      .Case([&](math::AcoshOp) { return unary(std::acosh); })
      .Case([&](math::AsinOp) { return unary(std::asin); })
      .Case([&](math::AsinhOp) { return unary(std::asinh); })
      .Case([&](math::AtanOp) { return unary(std::atan); })
      .Case([&](math::AtanhOp) { return unary(std::atanh); })
      .Case([&](math::CbrtOp) { return unary(std::cbrt); })
      .Case([&](math::CeilOp) { return unary(std::ceil); })
      .Case([&](math::CosOp) { return unary(std::cos); })
      .Case([&](math::CoshOp) { return unary(std::cosh); })
      .Case([&](math::ErfOp) { return unary(std::erf); })
      .Case([&](math::ErfcOp) { return unary(std::erfc); })
      .Case([&](math::ExpOp) { return unary(std::exp); })
      .Case([&](math::Exp2Op) { return unary(std::exp2); })
      .Case([&](math::ExpM1Op) { return unary(std::expm1); })
      .Case([&](math::FloorOp) { return unary(std::floor); })
      .Case([&](math::LogOp) { return unary(std::log); })
      .Case([&](math::Log10Op) { return unary(std::log10); })
      .Case([&](math::Log1pOp) { return unary(std::log1p); })
      .Case([&](math::Log2Op) { return unary(std::log2); })
      .Case([&](math::RoundOp) { return unary(std::round); })
      .Case([&](math::RoundEvenOp) { return unary(std::nearbyint); })
      .Case([&](math::SinOp) { return unary(std::sin); })
      .Case([&](math::SinhOp) { return unary(std::sinh); })
      .Case([&](math::SqrtOp) { return unary(std::sqrt); })
      .Case([&](math::TanOp) { return unary(std::tan); })
      .Case([&](math::TanhOp) { return unary(std::tanh); })
      .Case([&](math::TruncOp) { return unary(std::trunc); })
      .Case([&](math::RsqrtOp) {
        return onFloats([](float a) { return 1 / std::sqrt(a); });
      })
      .Case([&](math::Atan2Op) { return binary(std::atan2); })
      .Case([&](math::CopySignOp) { return binary(std::copysign); })
      .Case([&](math::PowFOp) { return binary(std::pow); })
      .Case([&](arith::RemFOp) { return binary(std::fmod); })
      .Case<math::FmaOp, math::ClampFOp>([&](auto) { return evaluateThree(); })
      .Default(Maybe());
}

/// fma and clamp.
TileValue Elementwise::evaluateThree() {
  Elements<float> a = get<float>(0), b = get<float>(1), c = get<float>(2);
  std::vector<float> results(size());
  for (size_t i = 0; i != results.size(); ++i)
    results[i] = isa<math::FmaOp>(op) ? std::fma(a[i], b[i], c[i])
                                      : std::fmin(std::fmax(a[i], b[i]), c[i]);
  return finish(std::move(results));
}

/// Constants, conversions and choices.
std::optional<TileValue> Elementwise::evaluateOther() {
  unsigned fromWidth =
      op->getNumOperands() == 0
          ? 64
          : getWidth(getElementTypeOrSelf(op->getOperand(0).getType()));
  return TypeSwitch<Operation *, Maybe>(op)
      .Case([&](arith::ConstantOp constant) {
        return evaluateConstant(constant.getValue());
      })
      .Case([&](arith::SelectOp) { return evaluateSelect(); })
      .Case<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp>(
          [&](auto) { return onIntegers([](int64_t a) { return a; }); })
      .Case<arith::ExtFOp, arith::TruncFOp>(
          [&](auto) { return onFloats([](float a) { return a; }); })
      .Case<arith::ExtUIOp, arith::IndexCastUIOp>([&](auto) {
        return onIntegers(
            [=](int64_t a) -> int64_t { return toUnsigned(a, fromWidth); });
      })
      .Case([&](arith::SIToFPOp) {
        return finish(
            map<int64_t>([](int64_t a) { return static_cast<float>(a); }));
      })
      .Case([&](arith::UIToFPOp) {
        return finish(map<int64_t>([=](int64_t a) {
          return static_cast<float>(toUnsigned(a, fromWidth));
        }));
      })
      .Case<arith::FPToSIOp, arith::FPToUIOp>([&](auto) {
        return finish(
            map<float>([](float a) { return static_cast<int64_t>(a); }));
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
