//===- ExpressionTest.cpp - Numbers computed at launch --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Expression.h"

#include "gtest/gtest.h"

using namespace attn::runtime;
using Kind = Term::Kind;

namespace {
const std::vector<TensorArgument> tensors = {
    {ElementType::BF16, 0x1000, {3, 100}, {128, 1}}};
const std::vector<TensorSpec> specs = {
    {"q", ElementType::BF16, {-1, -1}, false}};

Term constant(int64_t value) { return {Kind::Constant, value, 0, 0}; }

Result<int64_t> apply(Kind kind, int64_t a, int64_t b) {
  return evaluate({constant(a), constant(b), {kind, 0, 0, 0}}, {}, 1);
}
} // namespace

TEST(ExpressionTest, ReadsTensors) {
  EXPECT_EQ(*evaluate({{Kind::Size, 0, 0, 1}}, tensors, 7), 100);
  EXPECT_EQ(*evaluate({{Kind::Stride, 0, 0, 0}}, tensors, 7), 128);
  EXPECT_EQ(*evaluate({{Kind::Multiprocessors, 0, 0, 0}}, tensors, 7), 7);
}

TEST(ExpressionTest, TellsWhetherATensorIsAligned) {
  auto isAligned = [](uint64_t address, std::vector<int64_t> shape,
                      std::vector<int64_t> strides) {
    return *evaluate({{Kind::Aligned, 16, 0, 0}},
                     {{ElementType::BF16, address, shape, strides}}, 1);
  };
  EXPECT_EQ(isAligned(0x1000, {3, 100}, {104, 1}), 1);
  EXPECT_EQ(isAligned(0x1008, {3, 100}, {104, 1}), 0);
  EXPECT_EQ(isAligned(0x1000, {3, 100}, {100, 1}), 0);
  EXPECT_EQ(isAligned(0x1000, {3, 100}, {-104, 1}), 0);
  EXPECT_EQ(isAligned(0x1000, {3, 100}, {1, 8}), 0);
  EXPECT_EQ(isAligned(0x1000, {3, 1, 8}, {8, 7, 1}), 1);
  EXPECT_EQ(isAligned(0x1000, {}, {}), 0);
}

TEST(ExpressionTest, Computes) {
  EXPECT_EQ(*apply(Kind::Add, 5, 3), 8);
  EXPECT_EQ(*apply(Kind::Subtract, 5, 3), 2);
  EXPECT_EQ(*apply(Kind::Multiply, 5, 3), 15);
  EXPECT_EQ(*apply(Kind::FloorDivide, -5, 3), -2);
  EXPECT_EQ(*apply(Kind::FloorDivide, 6, 3), 2);
  EXPECT_EQ(*apply(Kind::CeilDivide, 5, 3), 2);
  EXPECT_EQ(*apply(Kind::CeilDivide, -5, 3), -1);
  EXPECT_EQ(*apply(Kind::Minimum, 5, 3), 3);
  EXPECT_EQ(*apply(Kind::Maximum, 5, 3), 5);
  EXPECT_EQ(*apply(Kind::Less, 3, 3), 0);
  EXPECT_EQ(*apply(Kind::LessEqual, 3, 3), 1);
  EXPECT_EQ(*apply(Kind::Equal, 3, 3), 1);
  EXPECT_EQ(*apply(Kind::And, 3, 0), 0);
  EXPECT_EQ(*apply(Kind::Or, 3, 0), 1);
  // (size 0 + 1) * ceil(size 1 / 64)
  EXPECT_EQ(*evaluate({{Kind::Size, 0, 0, 0},
                       constant(1),
                       {Kind::Add, 0, 0, 0},
                       {Kind::Size, 0, 0, 1},
                       constant(64),
                       {Kind::CeilDivide, 0, 0, 0},
                       {Kind::Multiply, 0, 0, 0}},
                      tensors, 1),
            8);
}

TEST(ExpressionTest, RefusesWhatHasNoValue) {
  EXPECT_EQ(apply(Kind::FloorDivide, 1, 0).message(),
            "expected a positive divisor in an expression, got 0");
  for (Kind kind : {Kind::Add, Kind::Multiply})
    EXPECT_EQ(apply(kind, INT64_MAX, 2).message(),
              "expected the value of an expression to fit in 64 bits");
  EXPECT_EQ(apply(Kind::Subtract, INT64_MIN, 1).message(),
            "expected the value of an expression to fit in 64 bits");
}

TEST(ExpressionTest, AnEmptyGuardHolds) {
  EXPECT_TRUE(*holds({}, tensors, 1));
  EXPECT_TRUE(*holds({constant(-1)}, tensors, 1));
  EXPECT_FALSE(*holds({constant(0)}, tensors, 1));
  EXPECT_TRUE(holds({constant(1), constant(0), {Kind::FloorDivide, 0, 0, 0}},
                    tensors, 1)
                  .failed());
}

TEST(ExpressionTest, RefusesWhatComputesNoNumber) {
  EXPECT_FALSE(checkExpression({{Kind::Size, 0, 0, 1}}, specs).failed());
  EXPECT_EQ(checkExpression({}, specs).message(),
            "malformed expression: expected one result, got 0");
  EXPECT_EQ(checkExpression({constant(1), constant(1)}, specs).message(),
            "malformed expression: expected one result, got 2");
  EXPECT_EQ(
      checkExpression({constant(1), {Kind::Add, 0, 0, 0}}, specs).message(),
      "malformed expression: expected two operands of each operation");
  EXPECT_EQ(checkExpression({{Kind::Size, 0, 0, 2}}, specs).message(),
            "malformed expression: there is no axis 2 of tensor 0");
  EXPECT_EQ(checkExpression({{Kind::Stride, 0, 1, 0}}, specs).message(),
            "malformed expression: there is no axis 0 of tensor 1");
  EXPECT_EQ(checkExpression({{Kind::Aligned, 16, 1, 0}}, specs).message(),
            "malformed expression: expected a tensor and a positive alignment, "
            "got 1 and 16");
  EXPECT_EQ(checkExpression({{Kind::Aligned, 0, 0, 0}}, specs).message(),
            "malformed expression: expected a tensor and a positive alignment, "
            "got 0 and 0");
  EXPECT_EQ(checkExpression(Expression(17, constant(1)), specs).message(),
            "malformed expression: expected at most 16 pending operands");
}
