//===- FloatMath.h - What the floating-point formats share ------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_FLOATMATH_H
#define ATTN_RUNTIME_EMULATOR_FLOATMATH_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace attn::runtime::emulator {

/// Takes a subnormal number for zero.
inline float flush(float value) {
  return std::fabs(value) < std::numeric_limits<float>::min()
             ? std::copysign(0.0f, value)
             : value;
}

/// Operations of fp32 give one NaN, whatever came in.
inline float canonical(float value) {
  if (value == value)
    return value;
  constexpr uint32_t bits = 0x7FFFFFFF;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline double canonical(double value) { return value; }

/// The greater or the lesser of two numbers; -0 is below +0. A NaN loses
/// against a number, unless it `spreads`. By magnitude, the result has the
/// signs of both operands multiplied.
template <typename T, bool isMax, bool spreads, bool byMagnitude>
T extremum(T a, T b) {
  bool negative = std::signbit(a) != std::signbit(b);
  if constexpr (byMagnitude) {
    a = std::fabs(a);
    b = std::fabs(b);
  }
  T result;
  if (a != a || b != b)
    result = (a != a) == spreads ? a : b;
  else
    result = (a > b || (a == b && !std::signbit(a))) == isMax ? a : b;
  if (byMagnitude && result == result)
    result = std::copysign(result, negative ? T(-1) : T(1));
  return result;
}

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_FLOATMATH_H
