//===- Float.cpp - Conversions between number formats ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Float.h"

#include <cmath>
#include <cstring>
#include <type_traits>

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
  switch (type) {
  case ElementType::I1:
  case ElementType::I8:
    return 1;
  case ElementType::BF16:
  case ElementType::F16:
  case ElementType::I16:
    return 2;
  case ElementType::F32:
  case ElementType::I32:
    return 4;
  case ElementType::I64:
    return 8;
  }
  return 0;
}

bool attn::runtime::isInteger(ElementType type) {
  return type != ElementType::BF16 && type != ElementType::F16 &&
         type != ElementType::F32;
}

const char *attn::runtime::elementName(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return "bf16";
  case ElementType::F16:
    return "f16";
  case ElementType::F32:
    return "f32";
  case ElementType::I1:
    return "i1";
  case ElementType::I8:
    return "i8";
  case ElementType::I16:
    return "i16";
  case ElementType::I32:
    return "i32";
  case ElementType::I64:
    return "i64";
  }
  return "";
}

std::optional<ElementType>
attn::runtime::elementTypeNamed(std::string_view name) {
  for (ElementType type :
       {ElementType::BF16, ElementType::F16, ElementType::F32, ElementType::I1,
        ElementType::I8, ElementType::I16, ElementType::I32, ElementType::I64})
    if (name == elementName(type))
      return type;
  return std::nullopt;
}

template <typename T> static double load(const uint8_t *element) {
  T value;
  std::memcpy(&value, element, sizeof(value));
  return static_cast<double>(value);
}

template <typename T> static void store(uint8_t *element, double value) {
  // Integers wrap around.
  using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, T>;
  auto narrow = static_cast<T>(static_cast<Wide>(value));
  std::memcpy(element, &narrow, sizeof(narrow));
}

double attn::runtime::loadElement(ElementType type, const void *data,
                                  size_t index) {
  const auto *element =
      static_cast<const uint8_t *>(data) + index * elementSize(type);
  uint16_t bits;
  switch (type) {
  case ElementType::BF16:
    std::memcpy(&bits, element, sizeof(bits));
    return fromBF16(bits);
  case ElementType::F16:
    std::memcpy(&bits, element, sizeof(bits));
    return fromF16(bits);
  case ElementType::F32:
    return load<float>(element);
  case ElementType::I1:
    return *element != 0;
  case ElementType::I8:
    return load<int8_t>(element);
  case ElementType::I16:
    return load<int16_t>(element);
  case ElementType::I32:
    return load<int32_t>(element);
  case ElementType::I64:
    return load<int64_t>(element);
  }
  return 0;
}

void attn::runtime::storeElement(ElementType type, void *data, size_t index,
                                 double value) {
  auto *element = static_cast<uint8_t *>(data) + index * elementSize(type);
  uint16_t bits;
  switch (type) {
  case ElementType::BF16:
    bits = toBF16(value);
    std::memcpy(element, &bits, sizeof(bits));
    return;
  case ElementType::F16:
    bits = toF16(value);
    std::memcpy(element, &bits, sizeof(bits));
    return;
  case ElementType::F32:
    return store<float>(element, value);
  case ElementType::I1:
    *element = value != 0;
    return;
  case ElementType::I8:
    return store<int8_t>(element, value);
  case ElementType::I16:
    return store<int16_t>(element, value);
  case ElementType::I32:
    return store<int32_t>(element, value);
  case ElementType::I64:
    return store<int64_t>(element, value);
  }
}
