//===- AsyncTest.cpp - Copies, barriers and matrix products ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include "attn/Runtime/Float.h"

#include <cstring>

using namespace attn::runtime;

static float number(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

TEST(Async, LoadsAreSwizzledAndFilledWithZeros) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Emulation emulation{copyProgram(), 64, seed};
    Result<std::vector<uint32_t>> out = emulation.run();
    ASSERT_FALSE(out.failed()) << out.message();
    // Thread t reads the first word of row t, where the swizzle has put it: the
    // elements (t + 1) * 64 + 2 and the next, modulo 256.
    for (uint32_t t = 0; t < 64; ++t) {
      uint32_t first = (t + 1) * 64 % 256 + 2;
      uint32_t expected =
          t + 1 < 60 ? uint32_t(toBF16(first + 1)) << 16 | toBF16(first) : 0;
      EXPECT_EQ((*out)[t], expected) << "row " << t;
    }
  }
}

TEST(Async, StoresAreClipped) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Emulation emulation{storeProgram(), 64, seed};
    Result<std::vector<uint32_t>> out = emulation.run();
    ASSERT_FALSE(out.failed()) << out.message();
    // The row t of the tile is full of t and lands in row t + 8.
    for (uint32_t row = 0; row < 60; ++row)
      for (uint32_t column = 0; column < 64; ++column)
        EXPECT_EQ(emulation.stored[row * 64 + column], row < 8 ? 0 : row - 8);
  }
}

/// What lies outside of the tensor is not read either: the last 12 rows of the
/// tile need not be written, the one before does.
TEST(Async, StoresReadWhatTheyStore) {
  auto fill = [](int rows) {
    return Emulation{replaced(storeProgram(), "FILL:",
                              "setp.ge.u32 %p1, %r1, " + std::to_string(rows) +
                                  ";\n@%p1 add.s32 %r3, %r3, 16384;\nFILL:"),
                     64};
  };
  EXPECT_EQ(fill(52).message(), "");
  EXPECT_TRUE(contains(fill(51).message(), "unwritten memory"));
}

TEST(Async, ProductsWithOperandsInRegisters) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Result<std::vector<uint32_t>> out =
        Emulation{productProgram(), 128, seed}.run();
    ASSERT_FALSE(out.failed()) << out.message();
    // A is all ones, B[n][k] is n for even k and 1 for odd k, and the product
    // is taken twice.
    for (uint32_t t = 0; t < 128; ++t) {
      float column = static_cast<float>(t % 4 * 2);
      EXPECT_EQ(number((*out)[2 * t]), 2 * (8 * column + 8));
      EXPECT_EQ(number((*out)[2 * t + 1]), 2 * (8 * (column + 1) + 8));
    }
  }
}

/// A matrix of 64 x 64 as the map loads it; how wgmma reads it.
static std::string descriptor(const char *name, uint32_t leading,
                              uint32_t advance) {
  return std::string("shr.u32 %r4, %r2, 4;\nor.b32 %r4, %r4, ") +
         std::to_string(leading / 16 << 16) + ";\nadd.s32 %r4, %r4, " +
         std::to_string(advance / 16) + ";\nmov.b64 " + name +
         ", {%r4, 1073741888};\n";
}

static std::string tileProduct(const std::string &flags) {
  std::string body = loadTile() + "wgmma.fence.sync.aligned;\n";
  bool transposedA = flags.find("1, 0") == 0 || flags.find("1, 1") == 0;
  bool transposedB = flags.substr(3) == "1";
  for (uint32_t step = 0; step < 4; ++step)
    body += descriptor("%d5", 1024, step * (transposedA ? 2048 : 32)) +
            descriptor("%d6", 1024, step * (transposedB ? 2048 : 32)) +
            "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 "
            "{%r20, %r21, %r22, %r23}, %d5, %d6, " +
            (step ? "1" : "0") + ", 1, -1, " + flags + ";\n";
  return body + R"(
    wgmma.commit_group.sync.aligned;
    wgmma.wait_group.sync.aligned 0;
    mul.wide.u32 %d1, %r1, 16;
    add.s64 %d1, %d1, %d0;
    st.global.v4.b32 [%d1], {%r20, %r21, %r22, %r23};
)";
}

TEST(Async, ProductsWithOperandsInSharedMemory) {
  auto element = [](uint32_t row, uint32_t column) {
    return row < 60 ? static_cast<double>((row * 64 + column) % 256) : 0;
  };
  for (bool transposedA : {false, true})
    for (bool transposedB : {false, true}) {
      std::string flags = std::string(transposedA ? "1" : "0") + ", " +
                          (transposedB ? "1" : "0");
      Result<std::vector<uint32_t>> out =
          Emulation{tileProduct(flags), 128}.run();
      ASSERT_FALSE(out.failed()) << out.message();
      for (uint32_t t = 0; t < 128; ++t)
        for (uint32_t i = 0; i < 4; ++i) {
          uint32_t row = t / 32 * 16 + t % 32 / 4 + (i / 2) * 8;
          uint32_t column = t % 4 * 2 + i % 2;
          double sum = 0;
          for (uint32_t k = 0; k < 64; ++k)
            sum += (transposedA ? element(k, row) : element(row, k)) *
                   (transposedB ? element(k, column) : element(column, k));
          EXPECT_EQ(number((*out)[4 * t + i]), -sum)
              << flags << ": " << row << ", " << column;
        }
    }
}
