//===- QuantizationTest.cpp - What small numbers stand for ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

/// Keys [B, L, H, D] of 8 bits, or pages of them, and their scales.
struct QuantizationTest : ProgramTest {
  static constexpr int64_t kShape[] = {2, 6, 2, 8};

  /// Scales and zeros of `sizes`, for groups of the sizes `groups`.
  void expectProduct(ArrayRef<int64_t> sizes, ArrayRef<int64_t> groups) {
    std::mt19937 generator(3);
    Tensor scale = makeRandom(sizes, generator);
    Tensor zero = makeRandom(sizes, generator);
    Tensor data{SmallVector<int64_t>(ArrayRef(kShape)), {}};
    for (int64_t i = 0, size = data.size(); i != size; ++i)
      data.values.push_back(static_cast<double>(i * 37 % 255 - 127));
    std::string type = "tensor<", list;
    for (auto [size, group] : llvm::zip(sizes, groups)) {
      type += std::to_string(size) + "x";
      list += (list.empty() ? "" : ", ") + std::to_string(group);
    }
    func::FuncOp function =
        parse("!d = tensor<2x6x2x8xi8>\n!s = " + type +
              "f32>\n!k = tensor<2x6x2x8xf32>\n"
              "func.func @f(%d: !d, %s: !s, %z: !s) -> !k {\n"
              "%k = attn.dequantize %d by %s zero(%z : !s) groups [" +
              list + "] : !d, !s -> !k\nreturn %k : !k\n}");
    FailureOr<std::vector<Tensor>> results = run(function, {data, scale, zero});
    ASSERT_TRUE(succeeded(results)) << messages;
    int64_t place[4], next = 0;
    for (place[0] = 0; place[0] != kShape[0]; ++place[0])
      for (place[1] = 0; place[1] != kShape[1]; ++place[1])
        for (place[2] = 0; place[2] != kShape[2]; ++place[2])
          for (place[3] = 0; place[3] != kShape[3]; ++place[3], ++next) {
            int64_t at = 0;
            for (int axis = 0; axis != 4; ++axis)
              at = at * sizes[axis] +
                   (sizes[axis] == 1 ? 0 : place[axis] / groups[axis]);
            double expected =
                scale.values[at] * (data.values[next] - zero.values[at]);
            ASSERT_NEAR((*results)[0].values[next], expected, 1e-12);
          }
  }
};

} // namespace

TEST_F(QuantizationTest, PerTensor) {
  expectProduct({1, 1, 1, 1}, {1, 1, 1, 1});
}

TEST_F(QuantizationTest, PerHead) { expectProduct({1, 1, 2, 1}, {1, 1, 1, 1}); }

TEST_F(QuantizationTest, PerSequenceAndHead) {
  expectProduct({2, 1, 2, 1}, {1, 1, 1, 1});
}

TEST_F(QuantizationTest, PerToken) {
  expectProduct({2, 6, 1, 1}, {1, 1, 1, 1});
}

TEST_F(QuantizationTest, PerTokenAndHead) {
  expectProduct({2, 6, 2, 1}, {1, 1, 1, 1});
}

TEST_F(QuantizationTest, PerChannel) {
  expectProduct({1, 1, 2, 8}, {1, 1, 1, 1});
}

TEST_F(QuantizationTest, PerGroupOfChannels) {
  expectProduct({2, 6, 2, 2}, {1, 1, 1, 4});
}

/// The last group of tokens is a partial one.
TEST_F(QuantizationTest, PerGroupOfTokens) {
  expectProduct({2, 2, 2, 8}, {1, 4, 1, 1});
}

TEST_F(QuantizationTest, PerGroupOfBoth) {
  expectProduct({2, 3, 1, 2}, {1, 2, 1, 4});
}
