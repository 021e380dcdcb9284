//===- Number.cpp - Numbers of any format, without rounding ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Number.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace attn::runtime::emulator;

Number Number::fromFloat(uint64_t bits, const FloatFormat &format) {
  bits >>= format.padding;
  Number number;
  number.negative = bits >> (format.bits() - 1) & 1;
  uint64_t magnitude = bits & format.canonicalNaN();
  bool isNaN = format.hasInfinity ? magnitude > format.infinity()
                                  : magnitude == format.canonicalNaN();
  if (isNaN) {
    number.kind = Kind::NaN;
  } else if (format.hasInfinity && magnitude == format.infinity()) {
    number.kind = Kind::Infinite;
  } else {
    auto exponent = static_cast<int>(magnitude >> format.mantissaBits);
    number.mantissa = magnitude & ((uint64_t(1) << format.mantissaBits) - 1);
    if (exponent)
      number.mantissa |= uint64_t(1) << format.mantissaBits;
    number.exponent =
        std::max(exponent, 1) - format.bias() - format.mantissaBits;
  }
  return number;
}

/// value / 2^shift, rounded to an integer.
static uint64_t shiftRounded(uint64_t value, int shift, bool negative,
                             Rounding rounding) {
  if (shift <= 0)
    return value << -shift;
  // Far below one, what matters is only that it is not zero.
  if (shift > 64) {
    value = value != 0;
    shift = 64;
  }
  uint64_t kept = shift == 64 ? 0 : value >> shift;
  uint64_t rest = shift == 64 ? value : value & ((uint64_t(1) << shift) - 1);
  uint64_t half = uint64_t(1) << (shift - 1);
  switch (rounding) {
  case Rounding::Nearest:
    return kept + (rest > half || (rest == half && (kept & 1)));
  case Rounding::NearestAway:
    return kept + (rest >= half);
  case Rounding::Zero:
    return kept;
  case Rounding::Down:
    return kept + (rest && negative);
  case Rounding::Up:
    break;
  }
  return kept + (rest && !negative);
}

/// What a value that is too large becomes.
static uint64_t overflow(const FloatFormat &format, Rounding rounding,
                         bool negative, bool saturates) {
  bool towardsZero = rounding == Rounding::Zero ||
                     rounding == (negative ? Rounding::Up : Rounding::Down);
  if (towardsZero || saturates)
    return format.maxFinite();
  return format.hasInfinity ? format.infinity() : format.canonicalNaN();
}

uint64_t Number::toFloat(const FloatFormat &format, Rounding rounding,
                         bool saturates) const {
  if (kind == Kind::NaN)
    return format.canonicalNaN() << format.padding;
  uint64_t sign = uint64_t(negative) << (format.bits() - 1);
  uint64_t magnitude = 0;
  if (kind == Kind::Infinite) {
    magnitude = saturates
                    ? format.maxFinite()
                    : overflow(format, Rounding::Nearest, negative, false);
  } else if (mantissa) {
    int leading = 63 - __builtin_clzll(mantissa) + exponent;
    int biased = std::max(leading + format.bias(), 1);
    int unit = biased - format.bias() - format.mantissaBits;
    // The leading one counts as one step of the exponent, so that a carry out
    // of the mantissa and a subnormal both come out right.
    if (biased >= 1 << format.exponentBits)
      magnitude = overflow(format, rounding, negative, saturates);
    else
      magnitude = (static_cast<uint64_t>(biased - 1) << format.mantissaBits) +
                  shiftRounded(mantissa, unit - exponent, negative, rounding);
    if (magnitude > format.maxFinite())
      magnitude = overflow(format, rounding, negative, saturates);
  }
  return (sign | magnitude) << format.padding;
}

Number Number::whole(Rounding rounding) const {
  if (kind != Kind::Finite || exponent >= 0)
    return *this;
  return {shiftRounded(mantissa, -exponent, negative, rounding), 0, negative};
}

uint64_t Number::toInteger(unsigned bits, bool isSigned,
                           Rounding rounding) const {
  uint64_t least = isSigned ? uint64_t(1) << (bits - 1) : 0;
  uint64_t most = (~uint64_t(0) >> (64 - bits)) >> isSigned;
  if (kind == Kind::NaN)
    return 0;
  Number rounded = whole(rounding);
  uint64_t limit = negative ? least : most;
  bool isLarge = kind == Kind::Infinite ||
                 (rounded.mantissa &&
                  rounded.exponent > __builtin_clzll(rounded.mantissa)) ||
                 (rounded.mantissa << rounded.exponent % 64) > limit;
  uint64_t magnitude =
      isLarge ? limit : rounded.mantissa << rounded.exponent % 64;
  return negative ? 0 - magnitude : magnitude;
}

static float toSingle(const Number &number) {
  auto bits =
      static_cast<uint32_t>(number.toFloat(formatF32, Rounding::Nearest));
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

float attn::runtime::emulator::fromE4M3(uint8_t bits) {
  return toSingle(Number::fromFloat(bits, formatE4M3));
}

float attn::runtime::emulator::fromE5M2(uint8_t bits) {
  return toSingle(Number::fromFloat(bits, formatE5M2));
}

double attn::runtime::emulator::addToOdd(double a, double b) {
  double sum = a + b;
  if (!std::isfinite(sum))
    return sum;
  double bPart = sum - a;
  double error = (a - (sum - bPart)) + (b - bPart);
  if (error == 0)
    return sum;
  uint64_t bits;
  std::memcpy(&bits, &sum, sizeof(bits));
  if (bits & 1)
    return sum;
  // The exact sum lies between this one and its neighbour, one of which is odd.
  return std::nextafter(sum, error > 0 ? HUGE_VAL : -HUGE_VAL);
}
