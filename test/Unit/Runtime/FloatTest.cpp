//===- FloatTest.cpp - Conversions between number formats -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Float.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <utility>

using namespace attn::runtime;

TEST(Float, RoundsToTheNearestAndToEvenOnATie) {
  EXPECT_EQ(toBF16(1.0), 0x3F80);
  EXPECT_EQ(toBF16(-2.0), 0xC000);
  // One step of bfloat16 above 1 is 2^-7.
  EXPECT_EQ(toBF16(1 + 0x1p-8), 0x3F80);
  EXPECT_EQ(toBF16(1 + 0x1p-7 + 0x1p-8), 0x3F82);
  EXPECT_EQ(toBF16(1 + 0x1p-8 + 0x1p-50), 0x3F81);
  EXPECT_EQ(toF16(1 + 0x1p-11), 0x3C00);
  EXPECT_EQ(toF16(1 + 0x1p-11 + 0x1p-50), 0x3C01);
}

TEST(Float, RoundsADoubleOnce) {
  // By way of a float this would round down to the tie, and then to even.
  EXPECT_EQ(toBF16(1 + 0x1p-8 + 0x1p-40), 0x3F81);
}

TEST(Float, CarriesIntoTheExponent) {
  EXPECT_EQ(toBF16(2 - 0x1p-10), 0x4000);
  EXPECT_EQ(toF16(0x1p-14 - 0x1p-26), 0x0400);
}

TEST(Float, OverflowsToInfinity) {
  EXPECT_EQ(toF16(65504), 0x7BFF);
  EXPECT_EQ(toF16(65520), 0x7C00);
  EXPECT_EQ(toF16(1e300), 0x7C00);
  EXPECT_EQ(toBF16(-1e300), 0xFF80);
  EXPECT_EQ(toBF16(HUGE_VAL), 0x7F80);
}

TEST(Float, KeepsSubnormalsAndTheSignOfZero) {
  EXPECT_EQ(toF16(0x1p-24), 0x0001);
  EXPECT_EQ(toF16(0x1p-25), 0x0000);
  EXPECT_EQ(toF16(0x1.8p-25), 0x0001);
  EXPECT_EQ(toF16(0x1p-26), 0x0000);
  EXPECT_EQ(toF16(-0.0), 0x8000);
  EXPECT_EQ(toBF16(std::numeric_limits<double>::denorm_min()), 0);
  EXPECT_EQ(toBF16(0x1p-133), 0x0001);
  EXPECT_EQ(fromBF16(0x0001), 0x1p-133);
}

TEST(Float, KeepsNaN) {
  EXPECT_TRUE(std::isnan(fromBF16(toBF16(NAN))));
  EXPECT_TRUE(std::isnan(fromF16(toF16(NAN))));
  EXPECT_TRUE(std::isnan(fromBF16(0xFFFF)));
  EXPECT_TRUE(std::isnan(fromF16(0xFFFF)));
}

TEST(Float, EveryPatternRoundTrips) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    auto pattern = static_cast<uint16_t>(bits);
    if (double value = fromBF16(pattern); !std::isnan(value)) {
      EXPECT_EQ(toBF16(value), pattern);
    }
    if (double value = fromF16(pattern); !std::isnan(value)) {
      EXPECT_EQ(toF16(value), pattern);
    }
  }
}

TEST(Float, ReadsAndWritesElements) {
  for (ElementType type :
       {ElementType::BF16, ElementType::F16, ElementType::F32}) {
    uint8_t data[8] = {};
    storeElement(type, data, 1, -1.5);
    EXPECT_EQ(loadElement(type, data, 1), -1.5);
    EXPECT_EQ(loadElement(type, data, 0), 0.0);
  }
  EXPECT_STREQ(elementName(ElementType::BF16), "bf16");
  EXPECT_STREQ(elementName(ElementType::F16), "f16");
  EXPECT_STREQ(elementName(ElementType::F32), "f32");
}

TEST(Float, ReadsAndWritesIntegers) {
  const std::pair<ElementType, const char *> types[] = {
      {ElementType::I8, "i8"},
      {ElementType::I16, "i16"},
      {ElementType::I32, "i32"},
      {ElementType::I64, "i64"}};
  for (auto [type, name] : types) {
    uint8_t data[16] = {};
    storeElement(type, data, 1, -100);
    EXPECT_EQ(loadElement(type, data, 1), -100);
    EXPECT_EQ(loadElement(type, data, 0), 0);
    EXPECT_STREQ(elementName(type), name);
    EXPECT_TRUE(isInteger(type));
  }
  uint8_t wrapped = 0;
  storeElement(ElementType::I8, &wrapped, 0, 257);
  EXPECT_EQ(wrapped, 1);
}

TEST(Float, TruthIsAByte) {
  uint8_t data[2] = {};
  storeElement(ElementType::I1, data, 1, 2);
  EXPECT_EQ(data[1], 1);
  EXPECT_EQ(loadElement(ElementType::I1, data, 0), 0);
  EXPECT_EQ(elementSize(ElementType::I1), 1u);
  EXPECT_STREQ(elementName(ElementType::I1), "i1");
  EXPECT_FALSE(isInteger(ElementType::BF16));
}
