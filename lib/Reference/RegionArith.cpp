//===- RegionArith.cpp - Ops of arith and math in regions -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RegionTranslator.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Scalar arithmetic
//===----------------------------------------------------------------------===//

/// The low `width` bits of a sign-extended value.
static uint64_t toUnsigned(int64_t value, unsigned width) {
  return width == 64 ? value : value & llvm::maskTrailingOnes<uint64_t>(width);
}

/// The quotient rounded towards zero. What arith leaves undefined, division by
/// zero and overflow, gives zero and wraps.
static int64_t quotient(int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  return b == -1 ? -static_cast<uint64_t>(a) : a / b;
}

static int64_t rest(int64_t a, int64_t b) {
  return b == 0 || b == -1 ? 0 : a % b;
}

int64_t reference::floorDivide(int64_t a, int64_t b) {
  return quotient(a, b) - (rest(a, b) != 0 && (a < 0) != (b < 0));
}

static int64_t ceilDivide(int64_t a, int64_t b) {
  return quotient(a, b) + (rest(a, b) != 0 && (a < 0) == (b < 0));
}

/// Rounds to the nearest value of a float type narrower than f32.
template <typename Real>
static Real roundTo(Real value, const llvm::fltSemantics &semantics) {
  APFloat rounded(static_cast<double>(value));
  bool losesInfo;
  rounded.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return static_cast<Real>(rounded.convertToDouble());
}

/// Towards zero, to the nearest integer that int64_t can hold.
template <typename Real> static int64_t truncate(Real value) {
  if (std::isnan(value))
    return 0;
  constexpr Real limit = static_cast<Real>(9223372036854775808.0);
  if (value >= limit)
    return std::numeric_limits<int64_t>::max();
  if (value < -limit)
    return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

template <typename Real>
auto RegionTranslator<Real>::translateInteger(Operation *op) -> Maybe {
  using U = uint64_t;
  if (op->getNumResults() != 1 ||
      !op->getResult(0).getType().isSignlessIntOrIndex())
    return std::nullopt;
  unsigned width = getWidth(op->getResult(0).getType());
  auto onUnsigned = [=](auto function) {
    return [=](int64_t a, int64_t b) -> int64_t {
      return function(toUnsigned(a, width), toUnsigned(b, width));
    };
  };
  auto classify = [&](bool (*function)(Real)) {
    return addStep<int64_t, Real>(
        op, [=](Real x) { return function(x) ? -1 : 0; },
        std::make_index_sequence<1>());
  };
  return TypeSwitch<Operation *, Maybe>(op)
      .template Case<arith::ConstantOp>([&](auto) {
        getSlot(op->getResult(0));
        return success();
      })
      .template Case<arith::AddIOp>(
          [&](auto) { return toInteger<2>(op, std::plus<U>()); })
      .template Case<arith::SubIOp>(
          [&](auto) { return toInteger<2>(op, std::minus<U>()); })
      .template Case<arith::MulIOp>(
          [&](auto) { return toInteger<2>(op, std::multiplies<U>()); })
      .template Case<arith::AndIOp>(
          [&](auto) { return toInteger<2>(op, std::bit_and<U>()); })
      .template Case<arith::OrIOp>(
          [&](auto) { return toInteger<2>(op, std::bit_or<U>()); })
      .template Case<arith::XOrIOp>(
          [&](auto) { return toInteger<2>(op, std::bit_xor<U>()); })
      .template Case<arith::DivSIOp>(
          [&](auto) { return toInteger<2>(op, quotient); })
      .template Case<arith::RemSIOp>(
          [&](auto) { return toInteger<2>(op, rest); })
      .template Case<arith::FloorDivSIOp>(
          [&](auto) { return toInteger<2>(op, floorDivide); })
      .template Case<arith::CeilDivSIOp>(
          [&](auto) { return toInteger<2>(op, ceilDivide); })
      .template Case<arith::CeilDivUIOp>([&](auto) {
        return toInteger<2>(op, onUnsigned([](U a, U b) {
                              return b == 0 ? 0 : a / b + (a % b != 0);
                            }));
      })
      .template Case<math::CountLeadingZerosOp>([&](auto) {
        return toInteger<1>(op, [=](int64_t a) {
          return llvm::countl_zero(toUnsigned(a, width)) - (64 - width);
        });
      })
      .template Case<math::CountTrailingZerosOp>([&](auto) {
        return toInteger<1>(op, [=](int64_t a) {
          return std::min<int64_t>(llvm::countr_zero(U(a)), width);
        });
      })
      .template Case<math::CtPopOp>([&](auto) {
        return toInteger<1>(op, [=](int64_t a) {
          return llvm::popcount(toUnsigned(a, width));
        });
      })
      .template Case<math::IsNaNOp>(
          [&](auto) { return classify([](Real x) { return std::isnan(x); }); })
      .template Case<math::IsInfOp>(
          [&](auto) { return classify([](Real x) { return std::isinf(x); }); })
      .template Case<math::IsFiniteOp>([&](auto) {
        return classify([](Real x) { return std::isfinite(x); });
      })
      .template Case<math::IsNormalOp>([&](auto) {
        return classify([](Real x) { return std::isnormal(float(x)); });
      })
      .template Case<arith::DivUIOp>([&](auto) {
        return toInteger<2>(
            op, onUnsigned([](U a, U b) { return b == 0 ? 0 : a / b; }));
      })
      .template Case<arith::RemUIOp>([&](auto) {
        return toInteger<2>(
            op, onUnsigned([](U a, U b) { return b == 0 ? 0 : a % b; }));
      })
      .template Case<arith::ShLIOp>([&](auto) {
        return toInteger<2>(
            op, onUnsigned([=](U a, U b) { return b < width ? a << b : 0; }));
      })
      .template Case<arith::ShRUIOp>([&](auto) {
        return toInteger<2>(
            op, onUnsigned([=](U a, U b) { return b < width ? a >> b : 0; }));
      })
      .template Case<arith::ShRSIOp>([&](auto) {
        return toInteger<2>(op, [=](int64_t a, int64_t b) {
          return toUnsigned(b, width) < width ? a >> b : 0;
        });
      })
      .template Case<arith::MaxSIOp>([&](auto) {
        return toInteger<2>(
            op, [](int64_t a, int64_t b) { return std::max(a, b); });
      })
      .template Case<arith::MinSIOp>([&](auto) {
        return toInteger<2>(
            op, [](int64_t a, int64_t b) { return std::min(a, b); });
      })
      .template Case<arith::MaxUIOp>([&](auto) {
        return toInteger<2>(
            op, onUnsigned([](U a, U b) { return std::max(a, b); }));
      })
      .template Case<arith::MinUIOp>([&](auto) {
        return toInteger<2>(
            op, onUnsigned([](U a, U b) { return std::min(a, b); }));
      })
      .template Case<math::AbsIOp>([&](auto) {
        return toInteger<1>(op, [](int64_t a) { return a < 0 ? 0 - U(a) : a; });
      })
      .Case([&](arith::CmpIOp compare) { return translateCmpI(compare); })
      .Case([&](arith::CmpFOp compare) { return translateCmpF(compare); })
      .Case([&](arith::SelectOp select) { return translateSelect(select); })
      .Default(Maybe());
}

template <typename Real>
LogicalResult RegionTranslator<Real>::translateCmpI(arith::CmpIOp op) {
  // Sign extension keeps the order of unsigned integers too.
  using U = uint64_t;
  switch (op.getPredicate()) {
  case CmpIPredicate::eq:
    return toBool<2>(op, std::equal_to<int64_t>());
  case CmpIPredicate::ne:
    return toBool<2>(op, std::not_equal_to<int64_t>());
  case CmpIPredicate::slt:
    return toBool<2>(op, std::less<int64_t>());
  case CmpIPredicate::sle:
    return toBool<2>(op, std::less_equal<int64_t>());
  case CmpIPredicate::sgt:
    return toBool<2>(op, std::greater<int64_t>());
  case CmpIPredicate::sge:
    return toBool<2>(op, std::greater_equal<int64_t>());
  case CmpIPredicate::ult:
    return toBool<2>(op, std::less<U>());
  case CmpIPredicate::ule:
    return toBool<2>(op, std::less_equal<U>());
  case CmpIPredicate::ugt:
    return toBool<2>(op, std::greater<U>());
  case CmpIPredicate::uge:
    return toBool<2>(op, std::greater_equal<U>());
  }
  llvm_unreachable("every predicate is handled");
}

template <typename Real>
LogicalResult RegionTranslator<Real>::translateCmpF(arith::CmpFOp op) {
  auto compare = [&](auto function, bool ifUnordered) {
    return addStep<int64_t, Real>(
        op,
        [=](Real a, Real b) {
          bool isTrue = std::isunordered(a, b) ? ifUnordered : function(a, b);
          return isTrue ? -1 : 0;
        },
        std::make_index_sequence<2>());
  };
  auto always = [](Real, Real) { return true; };
  auto never = [](Real, Real) { return false; };
  switch (op.getPredicate()) {
  case CmpFPredicate::AlwaysFalse:
    return compare(never, false);
  case CmpFPredicate::OEQ:
    return compare(std::equal_to<Real>(), false);
  case CmpFPredicate::OGT:
    return compare(std::greater<Real>(), false);
  case CmpFPredicate::OGE:
    return compare(std::greater_equal<Real>(), false);
  case CmpFPredicate::OLT:
    return compare(std::less<Real>(), false);
  case CmpFPredicate::OLE:
    return compare(std::less_equal<Real>(), false);
  case CmpFPredicate::ONE:
    return compare(std::not_equal_to<Real>(), false);
  case CmpFPredicate::ORD:
    return compare(always, false);
  case CmpFPredicate::UEQ:
    return compare(std::equal_to<Real>(), true);
  case CmpFPredicate::UGT:
    return compare(std::greater<Real>(), true);
  case CmpFPredicate::UGE:
    return compare(std::greater_equal<Real>(), true);
  case CmpFPredicate::ULT:
    return compare(std::less<Real>(), true);
  case CmpFPredicate::ULE:
    return compare(std::less_equal<Real>(), true);
  case CmpFPredicate::UNE:
    return compare(std::not_equal_to<Real>(), true);
  case CmpFPredicate::UNO:
    return compare(never, true);
  case CmpFPredicate::AlwaysTrue:
    return compare(always, true);
  }
  llvm_unreachable("every predicate is handled");
}

template <typename Real>
LogicalResult RegionTranslator<Real>::translateSelect(arith::SelectOp op) {
  auto select = [&](auto zero) {
    using T = decltype(zero);
    int64_t condition = getSlot(op.getCondition());
    int64_t ifTrue = getSlot(op.getTrueValue());
    int64_t ifFalse = getSlot(op.getFalseValue());
    int64_t out = getSlot(op.getResult());
    program.steps.push_back([=](Frame<Real> &frame) {
      for (int64_t k = 0; k != frame.count; ++k)
        get<T>(frame, out)[k] = frame.getIntegers(condition)[k]
                                    ? get<T>(frame, ifTrue)[k]
                                    : get<T>(frame, ifFalse)[k];
    });
    return success();
  };
  if (isa<FloatType>(op.getType()))
    return select(Real());
  return select(int64_t());
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

/// The larger, or NaN where one of the two is.
template <typename Real> static Real maximum(Real a, Real b) {
  return std::isunordered(a, b) ? a + b : std::max(a, b);
}

template <typename Real> static Real minimum(Real a, Real b) {
  return std::isunordered(a, b) ? a + b : std::min(a, b);
}

template <typename Real>
auto RegionTranslator<Real>::translateFloat(Operation *op) -> Maybe {
  auto binary = [&](Real (*function)(Real, Real)) {
    return toFloat<2>(op, function);
  };
  return TypeSwitch<Operation *, Maybe>(op)
      .template Case<arith::ConstantOp>([&](auto) {
        getSlot(op->getResult(0));
        return success();
      })
      .template Case<arith::AddFOp>(
          [&](auto) { return toFloat<2>(op, std::plus<Real>()); })
      .template Case<arith::SubFOp>(
          [&](auto) { return toFloat<2>(op, std::minus<Real>()); })
      .template Case<arith::MulFOp>(
          [&](auto) { return toFloat<2>(op, std::multiplies<Real>()); })
      .template Case<arith::DivFOp>(
          [&](auto) { return toFloat<2>(op, std::divides<Real>()); })
      .template Case<arith::NegFOp>(
          [&](auto) { return toFloat<1>(op, std::negate<Real>()); })
      .template Case<arith::RemFOp>([&](auto) { return binary(std::fmod); })
      .template Case<arith::MaximumFOp>([&](auto) { return binary(maximum); })
      .template Case<arith::MinimumFOp>([&](auto) { return binary(minimum); })
      .template Case<arith::MaxNumFOp>([&](auto) { return binary(std::fmax); })
      .template Case<arith::MinNumFOp>([&](auto) { return binary(std::fmin); })
      .Case([&](arith::SelectOp select) { return translateSelect(select); })
      .Default(Maybe());
}

template <typename Real>
auto RegionTranslator<Real>::translateMath(Operation *op) -> Maybe {
  auto unary = [&](Real (*function)(Real)) { return toFloat<1>(op, function); };
  auto binary = [&](Real (*function)(Real, Real)) {
    return toFloat<2>(op, function);
  };
  return TypeSwitch<Operation *, Maybe>(op)
      .template Case<math::AbsFOp>([&](auto) { return unary(std::fabs); })
      .template Case<math::AcosOp>([&](auto) { return unary(std::acos); })
      .template Case<math::AcoshOp>([&](auto) { return unary(std::acosh); })
      .template Case<math::AsinOp>([&](auto) { return unary(std::asin); })
      .template Case<math::AsinhOp>([&](auto) { return unary(std::asinh); })
      .template Case<math::AtanOp>([&](auto) { return unary(std::atan); })
      .template Case<math::AtanhOp>([&](auto) { return unary(std::atanh); })
      .template Case<math::CbrtOp>([&](auto) { return unary(std::cbrt); })
      .template Case<math::CoshOp>([&](auto) { return unary(std::cosh); })
      .template Case<math::ErfcOp>([&](auto) { return unary(std::erfc); })
      .template Case<math::Log10Op>([&](auto) { return unary(std::log10); })
      .template Case<math::SinhOp>([&](auto) { return unary(std::sinh); })
      .template Case<math::TanOp>([&](auto) { return unary(std::tan); })
      .template Case<math::Atan2Op>([&](auto) { return binary(std::atan2); })
      .template Case<math::ClampFOp>([&](auto) {
        return toFloat<3>(op, [](Real x, Real low, Real high) {
          return minimum(maximum(x, low), high);
        });
      })
      .template Case<math::CeilOp>([&](auto) { return unary(std::ceil); })
      .template Case<math::CosOp>([&](auto) { return unary(std::cos); })
      .template Case<math::ErfOp>([&](auto) { return unary(std::erf); })
      .template Case<math::ExpOp>([&](auto) { return unary(std::exp); })
      .template Case<math::Exp2Op>([&](auto) { return unary(std::exp2); })
      .template Case<math::ExpM1Op>([&](auto) { return unary(std::expm1); })
      .template Case<math::FloorOp>([&](auto) { return unary(std::floor); })
      .template Case<math::LogOp>([&](auto) { return unary(std::log); })
      .template Case<math::Log1pOp>([&](auto) { return unary(std::log1p); })
      .template Case<math::Log2Op>([&](auto) { return unary(std::log2); })
      .template Case<math::RoundOp>([&](auto) { return unary(std::round); })
      .template Case<math::RoundEvenOp>(
          [&](auto) { return unary(std::nearbyint); })
      .template Case<math::RsqrtOp>([&](auto) {
        return toFloat<1>(op, [](Real x) { return 1 / std::sqrt(x); });
      })
      .template Case<math::SinOp>([&](auto) { return unary(std::sin); })
      .template Case<math::SqrtOp>([&](auto) { return unary(std::sqrt); })
      .template Case<math::TanhOp>([&](auto) { return unary(std::tanh); })
      .template Case<math::TruncOp>([&](auto) { return unary(std::trunc); })
      .template Case<math::CopySignOp>(
          [&](auto) { return binary(std::copysign); })
      .template Case<math::PowFOp>([&](auto) { return binary(std::pow); })
      .template Case<math::FmaOp>([&](auto) {
        return toFloat<3>(
            op, [](Real a, Real b, Real c) { return std::fma(a, b, c); });
      })
      .Default(Maybe());
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

template <typename Real>
auto RegionTranslator<Real>::translateConversion(Operation *op) -> Maybe {
  if (op->getNumOperands() != 1 || op->getNumResults() != 1)
    return std::nullopt;
  unsigned from = getWidth(op->getOperand(0).getType());
  unsigned to = getWidth(op->getResult(0).getType());
  auto one = std::make_index_sequence<1>();
  return TypeSwitch<Operation *, Maybe>(op)
      // Integers are sign-extended already.
      .template Case<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(
          [&](auto) { return toInteger<1>(op, [](int64_t a) { return a; }); })
      .template Case<arith::IndexCastUIOp, arith::ExtUIOp>([&](auto) {
        return toInteger<1>(op, [=](int64_t a) { return toUnsigned(a, from); });
      })
      .template Case<arith::SIToFPOp>([&](auto) {
        return addStep<Real, int64_t>(
            op, [](int64_t a) { return static_cast<Real>(a); }, one);
      })
      .template Case<arith::UIToFPOp>([&](auto) {
        return addStep<Real, int64_t>(
            op,
            [=](int64_t a) { return static_cast<Real>(toUnsigned(a, from)); },
            one);
      })
      .template Case<arith::FPToSIOp, arith::FPToUIOp>([&](auto) {
        return addStep<int64_t, Real>(
            op, [=](Real a) { return llvm::SignExtend64(truncate(a), to); },
            one);
      })
      // Widening is exact. So is f64 to f32, both of which are `Real`.
      .template Case<arith::ExtFOp>(
          [&](auto) { return toFloat<1>(op, [](Real a) { return a; }); })
      .Case([&](arith::TruncFOp narrow) {
        auto type = cast<FloatType>(narrow.getType());
        const llvm::fltSemantics &semantics = type.getFloatSemantics();
        if (type.getWidth() >= 32)
          return toFloat<1>(op, [](Real a) { return a; });
        return toFloat<1>(
            op, [&semantics](Real a) { return roundTo(a, semantics); });
      })
      .Default(Maybe());
}

// What the rest of the translator calls.
#define ATTN_INSTANTIATE(Real)                                                 \
  template std::optional<LogicalResult>                                        \
  RegionTranslator<Real>::translateInteger(Operation *);                       \
  template std::optional<LogicalResult>                                        \
  RegionTranslator<Real>::translateFloat(Operation *);                         \
  template std::optional<LogicalResult> RegionTranslator<Real>::translateMath( \
      Operation *);                                                            \
  template std::optional<LogicalResult>                                        \
  RegionTranslator<Real>::translateConversion(Operation *);

ATTN_INSTANTIATE(float)
ATTN_INSTANTIATE(double)
