//===- Half.cpp - Arithmetic of f16 and bf16, single and in pairs ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything is computed in fp64, where sums and products of such numbers are
// exact or rounded to odd, and is rounded once.
//
//===----------------------------------------------------------------------===//

#include "Half.h"

#include "FloatMath.h"
#include "Lanewise.h"
#include "Number.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static double add(double a, double b) { return addToOdd(a, b); }
static double sub(double a, double b) { return addToOdd(a, -b); }
static double mul(double a, double b) { return a * b; }
static double multiplyAdd(double a, double b, double c) {
  return addToOdd(a * b, c);
}
static double negate(double a) { return -a; }
static double absolute(double a) { return std::fabs(a); }
static double powerOfTwo(double a) { return std::exp2(a); }
static double tangent(double a) { return std::tanh(a); }

namespace {
/// What is done with the result.
enum class Clamp {
  None,
  /// To [0, 1], a NaN becoming 0.
  Saturate,
  /// To what is not negative.
  Relu,
};
} // namespace

static double clamp(Clamp how, double value) {
  switch (how) {
  case Clamp::Saturate:
    return value > 0 ? std::fmin(value, 1) : 0;
  case Clamp::Relu:
    return value <= 0 ? 0 : value;
  case Clamp::None:
    break;
  }
  return value;
}

/// An operation on numbers of the format `H`.
template <typename H, auto operation, Clamp how, bool flushes> struct OnHalves;
template <typename H, typename... S, double (*operation)(S...), Clamp how,
          bool flushes>
struct OnHalves<H, operation, how, flushes> {
  template <typename> using Bits = uint16_t;
  template <typename> using Pair = HalfPair;

  static uint16_t single(Bits<S>... arguments) {
    uint16_t result = H::narrow(clamp(how, operation(read(arguments)...)));
    bool isFlushed = flushes && std::fabs(H::widen(result)) < H::leastNormal;
    return isFlushed ? result & 0x8000 : result;
  }
  static HalfPair pair(Pair<S>... arguments) {
    return HalfPair::of(single(arguments.low()...),
                        single(arguments.high()...));
  }

private:
  static double read(uint16_t bits) {
    float value = H::widen(bits);
    return flushes ? flushHalf<H>(value) : value;
  }
};

template <typename H, auto operation, Clamp how = Clamp::None,
          bool flushes = false>
static void enterHalf(LaneTable &table, const std::string &name) {
  using Shaped = OnHalves<H, operation, how, flushes>;
  std::string type = std::is_same_v<H, F16> ? ".f16" : ".bf16";
  enter<Shaped::single>(table, {name + type});
  enter<Shaped::pair>(table, {name + type + "x2"});
}

/// For both formats.
template <auto operation>
static void enterBoth(LaneTable &table, const std::string &name) {
  enterHalf<F16, operation>(table, name);
  enterHalf<BF16, operation>(table, name);
}

/// With the modifiers that there are for f16 alone.
template <auto operation>
static void enterArithmetic(LaneTable &table, const std::string &name) {
  enterBoth<operation>(table, name);
  enterHalf<F16, operation, Clamp::None, true>(table, name + ".ftz");
  enterHalf<F16, operation, Clamp::Saturate>(table, name + ".sat");
  enterHalf<F16, operation, Clamp::Saturate, true>(table, name + ".ftz.sat");
}

template <bool isMax>
static void enterExtrema(LaneTable &table, const std::string &name) {
  constexpr auto plain = extremum<double, isMax, false, false>;
  constexpr auto spreading = extremum<double, isMax, true, false>;
  constexpr auto magnitude = extremum<double, isMax, false, true>;
  constexpr auto both = extremum<double, isMax, true, true>;
  constexpr auto none = Clamp::None;
  enterBoth<plain>(table, name);
  enterBoth<spreading>(table, name + ".NaN");
  enterBoth<magnitude>(table, name + ".xorsign.abs");
  enterBoth<both>(table, name + ".NaN.xorsign.abs");
  enterHalf<F16, plain, none, true>(table, name + ".ftz");
  enterHalf<F16, spreading, none, true>(table, name + ".ftz.NaN");
  enterHalf<F16, magnitude, none, true>(table, name + ".ftz.xorsign.abs");
  enterHalf<F16, both, none, true>(table, name + ".ftz.NaN.xorsign.abs");
}

void attn::runtime::emulator::enterHalves(LaneTable &table) {
  for (const char *rounding : {"", ".rn"}) {
    enterArithmetic<add>(table, std::string("add") + rounding);
    enterArithmetic<sub>(table, std::string("sub") + rounding);
    enterArithmetic<mul>(table, std::string("mul") + rounding);
  }
  enterArithmetic<multiplyAdd>(table, "fma.rn");
  enterHalf<F16, multiplyAdd, Clamp::Relu>(table, "fma.rn.relu");
  enterHalf<F16, multiplyAdd, Clamp::Relu, true>(table, "fma.rn.ftz.relu");
  enterHalf<BF16, multiplyAdd, Clamp::Relu>(table, "fma.rn.relu");
  enterBoth<negate>(table, "neg");
  enterBoth<absolute>(table, "abs");
  enterHalf<F16, negate, Clamp::None, true>(table, "neg.ftz");
  enterHalf<F16, absolute, Clamp::None, true>(table, "abs.ftz");
  enterExtrema<true>(table, "max");
  enterExtrema<false>(table, "min");
  enterHalf<F16, powerOfTwo>(table, "ex2.approx");
  enterHalf<BF16, powerOfTwo, Clamp::None, true>(table, "ex2.approx.ftz");
  enterBoth<tangent>(table, "tanh.approx");
}

HalfPair attn::runtime::emulator::addF16(HalfPair a, HalfPair b) {
  return OnHalves<F16, add, Clamp::None, false>::pair(a, b);
}

HalfPair attn::runtime::emulator::addBF16(HalfPair a, HalfPair b) {
  return OnHalves<BF16, add, Clamp::None, false>::pair(a, b);
}
