//===- HostTensorTest.cpp - Tensors in host memory ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/HostTensor.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace attn::runtime;

TEST(HostTensor, StridesOfAnEmptyTensorAreNotZero) {
  EXPECT_EQ(rowMajorStrides({2, 0, 3, 4}),
            (std::vector<int64_t>{12, 12, 4, 1}));
  EXPECT_EQ(rowMajorStrides({}), std::vector<int64_t>{});
}

TEST(HostTensor, SpellsShapes) {
  EXPECT_EQ(shapeText({1, 4096, -1, 128}), "1x4096x?x128");
  EXPECT_EQ(shapeText({}), "scalar");
}

TEST(HostTensor, RefusesWhatFitsInNoMemory) {
  EXPECT_EQ(*byteSize({2, 3}, 2), 12u);
  EXPECT_EQ(*byteSize({2, 0, 5}, 2), 0u);
  EXPECT_EQ(byteSize({int64_t(1) << 40, int64_t(1) << 40}, 2).message(),
            "expected a size that fits in memory, got "
            "1099511627776x1099511627776");
  // Its strides would overflow although it holds nothing.
  EXPECT_TRUE(byteSize({0, int64_t(1) << 62, 8}, 2).failed());
}

TEST(HostTensor, NormalNumbersAreNormal) {
  HostTensor tensor(ElementType::F32, {1 << 18});
  fillNormal(tensor, 7);
  double sum = 0, squares = 0, fourth = 0;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double value = tensor.get(i);
    sum += value;
    squares += value * value;
    fourth += value * value * value * value;
  }
  auto count = static_cast<double>(tensor.size());
  EXPECT_NEAR(sum / count, 0, 0.01);
  EXPECT_NEAR(squares / count, 1, 0.02);
  EXPECT_NEAR(fourth / count, 3, 0.1);
}

TEST(HostTensor, NormalNumbersDependOnTheSeedAlone) {
  HostTensor a(ElementType::BF16, {3, 100001}), b = a, c = a;
  fillNormal(a, 1);
  fillNormal(b, 1);
  fillNormal(c, 2);
  EXPECT_EQ(a.data, b.data);
  EXPECT_NE(a.data, c.data);
  // Pinned, so that a recorded failure can be repeated anywhere.
  HostTensor few(ElementType::BF16, {4});
  fillNormal(few, 1);
  EXPECT_EQ(few.get(0), 1.328125);
  EXPECT_EQ(few.get(3), -2.453125);
  HostTensor none(ElementType::BF16, {0, 4});
  fillNormal(none, 1);
}
