//===- Float.cpp - Arithmetic of fp32 and fp64 ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatMath.h"
#include "Lanewise.h"
#include "Number.h"

#include <cfenv>
#include <cmath>
#include <limits>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

template <typename T> static T add(T a, T b) { return a + b; }
template <typename T> static T sub(T a, T b) { return a - b; }
template <typename T> static T mul(T a, T b) { return a * b; }
template <typename T> static T divide(T a, T b) { return a / b; }
template <typename T> static T fma(T a, T b, T c) { return std::fma(a, b, c); }
template <typename T> static T reciprocal(T a) { return divide<T>(1, a); }
template <typename T> static T root(T a) { return std::sqrt(a); }
template <typename T> static T negate(T a) { return -a; }
template <typename T> static T absolute(T a) { return std::fabs(a); }
/// The second operand with the sign of the first.
template <typename T> static T withSign(T a, T b) {
  return std::copysign(b, a);
}

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

static constexpr int hostRounding(Rounding rounding) {
  switch (rounding) {
  case Rounding::Zero:
    return FE_TOWARDZERO;
  case Rounding::Down:
    return FE_DOWNWARD;
  case Rounding::Up:
    return FE_UPWARD;
  default:
    return FE_TONEAREST;
  }
}

/// Computes in another rounding mode of the host. The volatile copies keep the
/// computation between the two changes of the mode.
template <Rounding rounding, typename T, typename... S>
static T computeRounded(T (*function)(S...), S... arguments) {
  if constexpr (rounding == Rounding::Nearest)
    return function(arguments...);
  std::fesetround(hostRounding(rounding));
  std::tuple<volatile S...> kept(arguments...);
  volatile T result =
      std::apply([&](auto &...values) { return function(values...); }, kept);
  std::fesetround(FE_TONEAREST);
  return result;
}

/// An operation with modifiers: how it rounds, whether subnormal numbers count
/// as zero, and whether the result is clamped to [0, 1], a NaN becoming 0.
template <auto operation, Rounding rounding, bool flushes, bool saturates>
struct Shaped;
template <typename T, typename... S, T (*operation)(S...), Rounding rounding,
          bool flushes, bool saturates>
struct Shaped<operation, rounding, flushes, saturates> {
  static T apply(S... arguments) {
    if constexpr (flushes)
      return finish(flush(
          computeRounded<rounding, T, S...>(operation, flush(arguments)...)));
    else
      return finish(computeRounded<rounding, T, S...>(operation, arguments...));
  }

private:
  static T finish(T value) {
    if constexpr (saturates)
      return value > 0 ? std::fmin(value, T(1)) : T(0);
    else
      return canonical(value);
  }
};

template <auto operation, Rounding rounding = Rounding::Nearest>
static void enterSingle(LaneTable &table, const std::string &name,
                        bool maySaturate = true) {
  enter<Shaped<operation, rounding, false, false>::apply>(table,
                                                          {name + ".f32"});
  enter<Shaped<operation, rounding, true, false>::apply>(table,
                                                         {name + ".ftz.f32"});
  if (!maySaturate)
    return;
  enter<Shaped<operation, rounding, false, true>::apply>(table,
                                                         {name + ".sat.f32"});
  enter<Shaped<operation, rounding, true, true>::apply>(
      table, {name + ".ftz.sat.f32"});
}

template <auto single, auto wide>
static void enterRounded(LaneTable &table, const std::string &name,
                         bool maySaturate) {
  enterSingle<single>(table, name + ".rn", maySaturate);
  enterSingle<single, Rounding::Zero>(table, name + ".rz", maySaturate);
  enterSingle<single, Rounding::Down>(table, name + ".rm", maySaturate);
  enterSingle<single, Rounding::Up>(table, name + ".rp", maySaturate);
  enter<Shaped<wide, Rounding::Nearest, false, false>::apply>(
      table, {name + ".rn.f64"});
  enter<Shaped<wide, Rounding::Zero, false, false>::apply>(table,
                                                           {name + ".rz.f64"});
  enter<Shaped<wide, Rounding::Down, false, false>::apply>(table,
                                                           {name + ".rm.f64"});
  enter<Shaped<wide, Rounding::Up, false, false>::apply>(table,
                                                         {name + ".rp.f64"});
}

/// The same with the rounding mode left out.
template <auto single, auto wide>
static void enterArithmetic(LaneTable &table, const std::string &name) {
  enterRounded<single, wide>(table, name, /*maySaturate=*/true);
  enterSingle<single>(table, name);
  enter<wide>(table, {name + ".f64"});
}

//===----------------------------------------------------------------------===//
// Extrema
//===----------------------------------------------------------------------===//

template <typename T, bool isMax, bool spreads, bool byMagnitude>
static T extreme(T a, T b) {
  return canonical(extremum<T, isMax, spreads, byMagnitude>(a, b));
}

template <bool isMax>
static void enterExtrema(LaneTable &table, const std::string &name) {
  enterSingle<extreme<float, isMax, false, false>>(table, name, false);
  enter<extreme<float, isMax, true, false>>(table, {name + ".NaN.f32"});
  // The modifier of subnormal numbers comes before the others.
  constexpr auto magnitude = extreme<float, isMax, false, true>;
  constexpr auto spreading = extreme<float, isMax, true, true>;
  constexpr auto nearest = Rounding::Nearest;
  enter<magnitude>(table, {name + ".xorsign.abs.f32"});
  enter<spreading>(table, {name + ".NaN.xorsign.abs.f32"});
  enter<
      Shaped<extreme<float, isMax, true, false>, nearest, true, false>::apply>(
      table, {name + ".ftz.NaN.f32"});
  enter<Shaped<magnitude, nearest, true, false>::apply>(
      table, {name + ".ftz.xorsign.abs.f32"});
  enter<Shaped<spreading, nearest, true, false>::apply>(
      table, {name + ".ftz.NaN.xorsign.abs.f32"});
  enter<extreme<double, isMax, false, false>>(table, {name + ".f64"});
}

//===----------------------------------------------------------------------===//
// Classes of numbers
//===----------------------------------------------------------------------===//

template <typename T> static bool isFinite(T a) { return std::isfinite(a); }
template <typename T> static bool isInfinite(T a) { return std::isinf(a); }
template <typename T> static bool isNumber(T a) { return a == a; }
template <typename T> static bool isNaN(T a) { return a != a; }
template <typename T> static bool isNormal(T a) { return std::isnormal(a); }
template <typename T> static bool isSubnormal(T a) {
  return std::fpclassify(a) == FP_SUBNORMAL || a == 0;
}

template <typename T>
static void enterClasses(LaneTable &table, const std::string &type) {
  enter<isFinite<T>>(table, {"testp.finite." + type});
  enter<isInfinite<T>>(table, {"testp.infinite." + type});
  enter<isNumber<T>>(table, {"testp.number." + type});
  enter<isNaN<T>>(table, {"testp.notanumber." + type});
  enter<isNormal<T>>(table, {"testp.normal." + type});
  enter<isSubnormal<T>>(table, {"testp.subnormal." + type});
}

void attn::runtime::emulator::enterFloats(LaneTable &table) {
  enterArithmetic<add<float>, add<double>>(table, "add");
  enterArithmetic<sub<float>, sub<double>>(table, "sub");
  enterArithmetic<mul<float>, mul<double>>(table, "mul");
  enterRounded<fma<float>, fma<double>>(table, "fma", /*maySaturate=*/true);
  enterRounded<fma<float>, fma<double>>(table, "mad", /*maySaturate=*/true);
  enterRounded<divide<float>, divide<double>>(table, "div", false);
  enterRounded<reciprocal<float>, reciprocal<double>>(table, "rcp", false);
  enterRounded<root<float>, root<double>>(table, "sqrt", false);
  enterSingle<negate<float>>(table, "neg", /*maySaturate=*/false);
  enterSingle<absolute<float>>(table, "abs", /*maySaturate=*/false);
  enter<negate<double>>(table, {"neg.f64"});
  enter<absolute<double>>(table, {"abs.f64"});
  enter<withSign<float>>(table, {"copysign.f32"});
  enter<withSign<double>>(table, {"copysign.f64"});
  enterExtrema<true>(table, "max");
  enterExtrema<false>(table, "min");
  enterClasses<float>(table, "f32");
  enterClasses<double>(table, "f64");
}

//===----------------------------------------------------------------------===//
// Approximations
//===----------------------------------------------------------------------===//

static float powerOfTwo(float a) { return std::exp2(a); }
static float binaryLog(float a) { return std::log2(a); }
static float sine(float a) { return std::sin(a); }
static float cosine(float a) { return std::cos(a); }
static float tangent(float a) { return std::tanh(a); }
template <typename T> static T reciprocalRoot(T a) {
  return divide<T>(1, std::sqrt(a));
}
/// By a reciprocal, which is zero of large numbers.
static float divideQuickly(float a, float b) {
  return std::fabs(b) > 0x1p126f && std::isfinite(b)
             ? a * std::copysign(0.0f, b)
             : a / b;
}

/// What the hardware has of fp64 without a number of steps that follow: the
/// upper half of the result.
template <double (*function)(double)> static double roughly(double a) {
  if (std::fabs(a) < std::numeric_limits<double>::min())
    a = std::copysign(0.0, a);
  double value = function(a);
  if (std::fabs(value) < std::numeric_limits<double>::min())
    value = std::copysign(0.0, value);
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  bits &= ~uint64_t(0xFFFFFFFF);
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

void attn::runtime::emulator::enterApproximations(LaneTable &table) {
  enterSingle<powerOfTwo>(table, "ex2.approx", /*maySaturate=*/false);
  enterSingle<binaryLog>(table, "lg2.approx", /*maySaturate=*/false);
  enterSingle<sine>(table, "sin.approx", /*maySaturate=*/false);
  enterSingle<cosine>(table, "cos.approx", /*maySaturate=*/false);
  enterSingle<reciprocal<float>>(table, "rcp.approx", /*maySaturate=*/false);
  enterSingle<root<float>>(table, "sqrt.approx", /*maySaturate=*/false);
  enterSingle<reciprocalRoot<float>>(table, "rsqrt.approx", false);
  enterSingle<divideQuickly>(table, "div.approx", /*maySaturate=*/false);
  enterSingle<divide<float>>(table, "div.full", /*maySaturate=*/false);
  enter<Shaped<tangent, Rounding::Nearest, false, false>::apply>(
      table, {"tanh.approx.f32"});
  enter<reciprocalRoot<double>>(table, {"rsqrt.approx.f64"});
  enter<roughly<reciprocalRoot<double>>>(table, {"rsqrt.approx.ftz.f64"});
  enter<roughly<reciprocal<double>>>(table, {"rcp.approx.ftz.f64"});
}
