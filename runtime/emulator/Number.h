//===- Number.h - Numbers of any format, without rounding -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A value that came from one format and has not been rounded to another yet,
// so that every conversion rounds exactly once.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_NUMBER_H
#define ATTN_RUNTIME_EMULATOR_NUMBER_H

#include <cstdint>

namespace attn::runtime::emulator {

enum class Rounding : uint8_t {
  /// To the nearest, and to even on a tie.
  Nearest,
  Zero,
  Down,
  Up,
  /// To the nearest, and away from zero on a tie.
  NearestAway,
};

/// A binary floating-point format with a sign.
struct FloatFormat {
  int exponentBits;
  int mantissaBits;
  /// Where the bits of the value start in those of the register.
  int padding = 0;
  /// Without one, only the largest bits are a NaN, and those below it numbers.
  bool hasInfinity = true;

  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  int bits() const { return 1 + exponentBits + mantissaBits; }
  uint64_t infinity() const {
    return ((uint64_t(1) << exponentBits) - 1) << mantissaBits;
  }
  /// Without the sign; the one that instructions give.
  uint64_t canonicalNaN() const { return (uint64_t(1) << (bits() - 1)) - 1; }
  uint64_t maxFinite() const {
    return hasInfinity ? infinity() - 1 : canonicalNaN() - 1;
  }
};

inline constexpr FloatFormat formatF64{11, 52};
inline constexpr FloatFormat formatF32{8, 23};
inline constexpr FloatFormat formatTF32{8, 10, /*padding=*/13};
inline constexpr FloatFormat formatF16{5, 10};
inline constexpr FloatFormat formatBF16{8, 7};
inline constexpr FloatFormat formatE5M2{5, 2};
inline constexpr FloatFormat formatE4M3{4, 3, /*padding=*/0,
                                        /*hasInfinity=*/false};

struct Number {
  enum class Kind : uint8_t { Finite, Infinite, NaN };

  static Number fromFloat(uint64_t bits, const FloatFormat &format);
  static Number fromUnsigned(uint64_t value) { return {value, 0, false}; }
  static Number fromSigned(int64_t value) {
    return {value < 0 ? 0 - static_cast<uint64_t>(value)
                      : static_cast<uint64_t>(value),
            0, value < 0};
  }

  /// Rounded to a format. What is too large becomes infinite, or the largest
  /// number of the format when it `saturates`.
  uint64_t toFloat(const FloatFormat &format, Rounding rounding,
                   bool saturates = false) const;
  /// Rounded to an integer of `bits` bits, or the nearest that there is.
  uint64_t toInteger(unsigned bits, bool isSigned, Rounding rounding) const;
  /// Rounded to a whole number.
  Number whole(Rounding rounding) const;

  bool isZero() const { return kind == Kind::Finite && mantissa == 0; }

  /// The value is mantissa * 2^exponent.
  uint64_t mantissa = 0;
  int exponent = 0;
  bool negative = false;
  Kind kind = Kind::Finite;
};

/// The value of a number of an 8-bit format.
float fromE4M3(uint8_t bits);
float fromE5M2(uint8_t bits);

/// a + b, with the lowest bit set where the sum is not exact, so that rounding
/// it to at most 51 bits is as if the sum were exact.
double addToOdd(double a, double b);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_NUMBER_H
