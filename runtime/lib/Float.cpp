//===- Float.cpp - Conversions between number formats ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Float.h"

#include <cmath>
#include <cstring>

using namespace attn::runtime;

namespace {
/// A 16-bit floating-point format.
struct Format {
  int exponentBits;
  int mantissaBits;

  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  uint32_t infinity() const {
    return ((1u << exponentBits) - 1) << mantissaBits;
  }
};
constexpr Format bf16Format{8, 7};
constexpr Format f16Format{5, 10};

constexpr int doubleMantissaBits = 52;
constexpr int doubleBias = 1023;
constexpr int doubleMaxExponent = 0x7FF;
} // namespace

static uint16_t encode(Format format, double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  auto sign = static_cast<uint32_t>(bits >> 63) << 15;
  int exponent = static_cast<int>(bits >> doubleMantissaBits) & 0x7FF;
  uint64_t mantissa = bits & ((uint64_t(1) << doubleMantissaBits) - 1);
  if (exponent == doubleMaxExponent) {
    uint32_t quiet = mantissa ? 1u << (format.mantissaBits - 1) : 0;
    return static_cast<uint16_t>(sign | format.infinity() | quiet);
  }
  // A double below its normal range is below half of the least subnormal.
  if (exponent == 0)
    return static_cast<uint16_t>(sign);

  mantissa |= uint64_t(1) << doubleMantissaBits;
  int target = exponent - doubleBias + format.bias();
  int shift = doubleMantissaBits - format.mantissaBits;
  if (target < 1) {
    shift += 1 - target;
    target = 1;
  }
  if (shift > doubleMantissaBits + 1)
    return static_cast<uint16_t>(sign);

  uint64_t kept = mantissa >> shift;
  uint64_t rest = mantissa & ((uint64_t(1) << shift) - 1);
  uint64_t half = uint64_t(1) << (shift - 1);
  if (rest > half || (rest == half && (kept & 1)))
    ++kept;
  // The leading one of `kept` counts as one step of the exponent, so that a
  // carry out of the mantissa and a subnormal both come out right.
  if (target >= 1 << format.exponentBits)
    return static_cast<uint16_t>(sign | format.infinity());
  uint64_t magnitude =
      (static_cast<uint64_t>(target - 1) << format.mantissaBits) + kept;
  if (magnitude > format.infinity())
    magnitude = format.infinity();
  return static_cast<uint16_t>(sign | magnitude);
}

uint16_t attn::runtime::toBF16(double value) {
  return encode(bf16Format, value);
}

uint16_t attn::runtime::toF16(double value) { return encode(f16Format, value); }

double attn::runtime::fromBF16(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

double attn::runtime::fromF16(uint16_t bits) {
  int exponent = (bits >> f16Format.mantissaBits) & 0x1F;
  int mantissa = bits & 0x3FF;
  double magnitude;
  if (exponent == 0x1F)
    magnitude = mantissa ? std::nan("") : HUGE_VAL;
  else if (exponent == 0)
    magnitude = std::ldexp(mantissa, -24);
  else
    magnitude = std::ldexp(mantissa | 0x400, exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

size_t attn::runtime::elementSize(ElementType type) {
  return type == ElementType::F32 ? 4 : 2;
}

const char *attn::runtime::elementName(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return "bf16";
  case ElementType::F16:
    return "f16";
  case ElementType::F32:
    return "f32";
  }
  return "";
}

std::optional<ElementType>
attn::runtime::elementTypeNamed(std::string_view name) {
  for (ElementType type :
       {ElementType::BF16, ElementType::F16, ElementType::F32})
    if (name == elementName(type))
      return type;
  return std::nullopt;
}

double attn::runtime::loadElement(ElementType type, const void *data,
                                  size_t index) {
  const auto *element =
      static_cast<const uint8_t *>(data) + index * elementSize(type);
  if (type == ElementType::F32) {
    float value;
    std::memcpy(&value, element, sizeof(value));
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, element, sizeof(bits));
  return type == ElementType::BF16 ? fromBF16(bits) : fromF16(bits);
}

void attn::runtime::storeElement(ElementType type, void *data, size_t index,
                                 double value) {
  auto *element = static_cast<uint8_t *>(data) + index * elementSize(type);
  if (type == ElementType::F32) {
    auto narrow = static_cast<float>(value);
    std::memcpy(element, &narrow, sizeof(narrow));
    return;
  }
  uint16_t bits = type == ElementType::BF16 ? toBF16(value) : toF16(value);
  std::memcpy(element, &bits, sizeof(bits));
}
