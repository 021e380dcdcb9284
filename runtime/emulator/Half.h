//===- Half.h - The two formats of 16 bits ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_HALF_H
#define ATTN_RUNTIME_EMULATOR_HALF_H

#include "attn/Runtime/Float.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace attn::runtime::emulator {

/// What all instructions give for not a number, whatever its sign was.
constexpr uint16_t halfNaN = 0x7FFF;

struct F16 {
  static float widen(uint16_t bits) {
    return static_cast<float>(fromF16(bits));
  }
  static uint16_t narrow(double value) {
    return value != value ? halfNaN : toF16(value);
  }
  static constexpr float leastNormal = 0x1p-14f;
};

struct BF16 {
  static float widen(uint16_t bits) {
    uint32_t word = uint32_t(bits) << 16;
    float value;
    std::memcpy(&value, &word, sizeof(value));
    return value;
  }
  static uint16_t narrow(double value) {
    return value != value ? halfNaN : toBF16(value);
  }
  static constexpr float leastNormal = 0x1p-126f;
};

/// Takes what is below the normal numbers of a format for zero.
template <typename H> float flushHalf(float value) {
  return std::fabs(value) < H::leastNormal ? std::copysign(0.0f, value) : value;
}

/// Two numbers of 16 bits.
struct HalfPair {
  static HalfPair of(uint16_t low, uint16_t high) {
    return {uint32_t(high) << 16 | low};
  }
  uint16_t low() const { return static_cast<uint16_t>(bits); }
  uint16_t high() const { return static_cast<uint16_t>(bits >> 16); }

  uint32_t bits;
};

/// Both sums, as the instructions round them.
HalfPair addF16(HalfPair a, HalfPair b);
HalfPair addBF16(HalfPair a, HalfPair b);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_HALF_H
