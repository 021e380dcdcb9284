//===- InstructionTest.cpp - What instructions compute --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emulation.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace attn::runtime;

static uint32_t bits(float value) {
  uint32_t result;
  std::memcpy(&result, &value, sizeof(result));
  return result;
}

namespace {
struct Entry {
  const char *instruction;
  uint32_t a, b, c;
  uint32_t expected;
};
} // namespace

static void check(const std::vector<Entry> &entries) {
  for (const Entry &entry : entries)
    EXPECT_EQ(evaluate(entry.instruction, entry.a, entry.b, entry.c)[5],
              entry.expected)
        << entry.instruction;
}

static constexpr uint32_t minusOne = ~0u;

TEST(Instruction, Integers) {
  check({
      {"add.s32 %r0, %r1, %r2;", 7, minusOne, 0, 6},
      {"add.s32 %r0, %r1, -9;", 7, 0, 0, static_cast<uint32_t>(-2)},
      {"sub.s32 %r0, %r1, %r2;", 7, 9, 0, static_cast<uint32_t>(-2)},
      {"mul.lo.s32 %r0, %r1, %r2;", minusOne, 5, 0, static_cast<uint32_t>(-5)},
      {"mad.lo.s32 %r0, %r1, %r2, %r3;", 3, 5, 7, 22},
      {"mul.hi.u32 %r0, %r1, %r2;", 0x80000000, 6, 0, 3},
      {"mul.hi.s32 %r0, %r1, %r2;", minusOne, 5, 0, minusOne},
      {"div.u32 %r0, %r1, %r2;", 22, 5, 0, 4},
      {"div.s32 %r0, %r1, %r2;", static_cast<uint32_t>(-22), 5, 0,
       static_cast<uint32_t>(-4)},
      {"div.s32 %r0, %r1, %r2;", 0x80000000, minusOne, 0, 0x80000000},
      {"rem.s32 %r0, %r1, %r2;", static_cast<uint32_t>(-22), 5, 0,
       static_cast<uint32_t>(-2)},
      {"min.s32 %r0, %r1, %r2;", minusOne, 5, 0, minusOne},
      {"min.u32 %r0, %r1, %r2;", minusOne, 5, 0, 5},
      {"max.s32 %r0, %r1, %r2;", minusOne, 5, 0, 5},
      {"neg.s32 %r0, %r1;", 5, 0, 0, static_cast<uint32_t>(-5)},
      {"abs.s32 %r0, %r1;", static_cast<uint32_t>(-5), 0, 0, 5},
      {"{\n.reg .b64 %t;\nmul.wide.s32 %t, %r1, %r2;\nshr.s64 %t, %t, 32;\n"
       "cvt.u32.u64 %r0, %t;\n}",
       minusOne, 5, 0, minusOne},
      {"cvt.u16.u32 %h1, %r1;\nand.b16 %h1, %h1, 3;\n"
       "mul.wide.u16 %r0, %h1, 2;",
       7, 0, 0, 6},
  });
}

TEST(Instruction, Bits) {
  check({
      {"and.b32 %r0, %r1, %r2;", 12, 10, 0, 8},
      {"or.b32 %r0, %r1, %r2;", 12, 10, 0, 14},
      {"xor.b32 %r0, %r1, %r2;", 12, 10, 0, 6},
      {"not.b32 %r0, %r1;", 0, 0, 0, minusOne},
      {"shl.b32 %r0, %r1, %r2;", 3, 4, 0, 48},
      {"shl.b32 %r0, %r1, %r2;", 3, 32, 0, 0},
      {"shr.u32 %r0, %r1, %r2;", minusOne, 28, 0, 15},
      {"shr.s32 %r0, %r1, %r2;", 0x80000000, 40, 0, minusOne},
      {"bfe.u32 %r0, %r1, 4, 8;", 0x12345, 0, 0, 0x34},
      {"prmt.b32 %r0, %r1, %r2, %r3;", 0x33221100, 0x77665544, 0x7610,
       0x77661100},
      {"popc.b32 %r0, %r1;", 0xF0F0, 0, 0, 8},
      {"clz.b32 %r0, %r1;", 1, 0, 0, 31},
      {"mov.b64 %d5, {%r1, %r2};\nmov.b64 {%r4, %r0}, %d5;", 3, 4, 0, 4},
      {"mov.b64 %d5, {%r1, %r2};\nshl.b64 %d5, %d5, 8;\n"
       "cvt.u32.u64 %r0, %d5;",
       3, 4, 0, 0x300},
  });
}

TEST(Instruction, ComparisonsAndSelection) {
  check({
      {"setp.lt.s32 %p1, %r1, %r2;\nselp.b32 %r0, 8, 9, %p1;", minusOne, 0, 0,
       8},
      {"setp.lt.u32 %p1, %r1, %r2;\nselp.b32 %r0, 8, 9, %p1;", minusOne, 0, 0,
       9},
      {"setp.eq.f32 %p1, %r1, 0fFF800000;\nselp.f32 %r0, 0f3F800000, %r1, %p1;",
       0xFF800000, 0, 0, 0x3F800000},
      {"setp.ne.f32 %p1, %r1, %r1;\nselp.b32 %r0, 8, 9, %p1;", 0x7FC00000, 0, 0,
       9},
      {"setp.equ.f32 %p1, %r1, %r2;\nselp.b32 %r0, 8, 9, %p1;", 0x7FC00000, 0,
       0, 8},
      {"setp.ge.s32 %p1, %r1, %r2;\nsetp.gt.s32 %p2, %r1, %r2;\n"
       "and.pred %p3, %p1, %p2;\n@!%p3 mov.b32 %r0, 1;\n@%p3 mov.b32 %r0, 2;",
       4, 4, 0, 1},
  });
}

TEST(Instruction, Floats) {
  float infinity = std::numeric_limits<float>::infinity();
  uint32_t nan = 0x7FC00000;
  check({
      {"add.rn.f32 %r0, %r1, %r2;", bits(1.5f), bits(2), 0, bits(3.5f)},
      {"sub.rn.f32 %r0, %r1, %r2;", bits(1.5f), bits(2), 0, bits(-0.5f)},
      {"mul.rn.f32 %r0, %r1, 0f40000000;", bits(1.5f), 0, 0, bits(3)},
      {"fma.rn.f32 %r0, %r1, %r2, %r3;", bits(1 + 0x1p-12f), bits(1 - 0x1p-12f),
       bits(-1), bits(-0x1p-24f)},
      {"max.f32 %r0, %r1, %r2;", nan, bits(2), 0, bits(2)},
      {"max.f32 %r0, %r1, %r2;", bits(2), nan, 0, bits(2)},
      {"max.f32 %r0, %r1, %r2;", bits(-0.0f), bits(0), 0, bits(0)},
      {"min.f32 %r0, %r1, %r2;", bits(1), bits(2), 0, bits(1)},
      {"neg.f32 %r0, %r1;", bits(1), 0, 0, bits(-1)},
      {"ex2.approx.ftz.f32 %r0, %r1;", bits(-3), 0, 0, bits(0.125f)},
      {"ex2.approx.ftz.f32 %r0, %r1;", bits(-infinity), 0, 0, 0},
      {"ex2.approx.ftz.f32 %r0, %r1;", bits(-140), 0, 0, 0},
      {"lg2.approx.ftz.f32 %r0, %r1;", bits(8), 0, 0, bits(3)},
      {"lg2.approx.ftz.f32 %r0, %r1;", 0, 0, 0, bits(-infinity)},
      {"rcp.approx.ftz.f32 %r0, %r1;", bits(4), 0, 0, bits(0.25f)},
      {"add.ftz.f32 %r0, %r1, %r2;", 1, 1, 0, 0},
      {"cvt.rn.bf16x2.f32 %r0, %r1, %r2;", bits(1), bits(-2), 0, 0x3F80C000},
      {"cvt.rn.bf16x2.f32 %r0, %r1, %r2;", 0x3F808000, 0x3F818000, 0,
       0x3F803F82},
      {"cvt.rn.f16x2.f32 %r0, %r1, %r2;", bits(1), bits(2), 0, 0x3C004000},
      {"cvt.rzi.s32.f32 %r0, %r1;", bits(-2.7f), 0, 0,
       static_cast<uint32_t>(-2)},
      {"cvt.rn.f32.s32 %r0, %r1;", static_cast<uint32_t>(-3), 0, 0, bits(-3)},
  });
}

TEST(Instruction, LiteralsOfFloats) {
  check({
      {"add.f32 %r0, %r1, 1.5;", 0, 0, 0, bits(1.5f)},
      {"add.f32 %r0, %r1, -0f3F800000;", 0, 0, 0, bits(-1)},
      {"add.f32 %r0, %r1, 0d3FF8000000000000;", 0, 0, 0, bits(1.5f)},
      {"mov.b32 %r0, 0x10U;", 0, 0, 0, 16},
  });
}

TEST(Instruction, Shuffles) {
  std::string lane = "mov.u32 %r5, %laneid;\n";
  EXPECT_EQ(
      evaluate(lane + "shfl.sync.bfly.b32 %r0, %r5, 2, 31, -1;", 0, 0, 0)[5],
      7u);
  EXPECT_EQ(
      evaluate(lane + "shfl.sync.idx.b32 %r0, %r5, 3, 31, -1;", 0, 0, 0)[5],
      3u);
  EXPECT_EQ(evaluate(lane + "shfl.sync.up.b32 %r0, %r5, 6, 0, -1;", 0, 0, 0)[5],
            5u);
  EXPECT_EQ(
      evaluate(lane + "shfl.sync.down.b32 %r0, %r5, 6, 31, -1;", 0, 0, 0)[5],
      11u);
}

TEST(Instruction, Votes) {
  std::string low = "mov.u32 %r5, %laneid;\nsetp.lt.u32 %p1, %r5, 8;\n";
  std::string give = "\nselp.b32 %r0, 1, 0, %p2;";
  EXPECT_EQ(evaluate(low + "vote.sync.all.pred %p2, %p1, -1;" + give, 0, 0, 0),
            std::vector<uint32_t>(32, 0));
  EXPECT_EQ(evaluate(low + "vote.sync.any.pred %p2, %p1, -1;" + give, 0, 0, 0),
            std::vector<uint32_t>(32, 1));
  EXPECT_EQ(evaluate(low + "vote.sync.ballot.b32 %r0, %p1, -1;", 0, 0, 0),
            std::vector<uint32_t>(32, 255));
}

TEST(Instruction, DivergenceAndLoops) {
  // Each thread adds up the numbers below its own, some by a detour.
  std::vector<uint32_t> sums = evaluate(R"(
    mov.u32 %r5, %tid.x;
    mov.b32 %r0, 0;
    mov.b32 %r6, 0;
LOOP:
    setp.ge.u32 %p1, %r6, %r5;
    @%p1 bra DONE;
    and.b32 %r7, %r5, 1;
    setp.eq.b32 %p2, %r7, 0;
    @%p2 bra EVEN;
    bra.uni ODD;
EVEN:
    add.s32 %r0, %r0, %r6;
    bra.uni NEXT;
ODD:
    add.s32 %r8, %r6, 0;
    add.s32 %r0, %r0, %r8;
NEXT:
    add.s32 %r6, %r6, 1;
    bra.uni LOOP;
DONE:
    shfl.sync.idx.b32 %r8, %r0, 0, 31, -1;
)",
                                        0, 0, 0);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(sums[i], i * (i - 1) / 2);
}

TEST(Instruction, GlobalMemory) {
  Emulation emulation{R"(
    mov.u32 %r1, %tid.x;
    atom.global.add.u32 %r2, [%d0], 2;
    mul.wide.u32 %d1, %r1, 16;
    add.s64 %d1, %d1, %d0;
    st.global.v2.b32 [%d1+128], {%r1, 7};
    ld.global.v2.b32 {%r3, _}, [%d1+128];
    st.global.b32 [%d1+136], %r3;
)"};
  Result<std::vector<uint32_t>> out = emulation.run();
  ASSERT_FALSE(out.failed()) << out.message();
  EXPECT_EQ((*out)[0], 64u);
  EXPECT_EQ((*out)[32 + 4 * 9], 9u);
  EXPECT_EQ((*out)[32 + 4 * 9 + 1], 7u);
  EXPECT_EQ((*out)[32 + 4 * 9 + 2], 9u);
}

TEST(Instruction, MatricesInSharedMemory) {
  // A row of eight elements for each lane; transposed on the way out.
  Emulation emulation{R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    shl.b32 %r3, %r1, 4;
    add.s32 %r3, %r3, %r2;
    mul.lo.s32 %r4, %r1, 65537;
    st.shared.v4.b32 [%r3], {%r4, %r4, %r4, %r4};
    bar.sync 0;
    ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r3];
    stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%r3], {%r10, %r11, %r12, %r13};
    bar.sync 0;
    ld.shared.b32 %r5, [%r3+4];
    mul.wide.u32 %d1, %r1, 8;
    add.s64 %d1, %d1, %d0;
    st.global.v2.b32 [%d1], {%r11, %r5};
)"};
  Result<std::vector<uint32_t>> out = emulation.run();
  ASSERT_FALSE(out.failed()) << out.message();
  for (uint32_t lane = 0; lane < 32; ++lane) {
    EXPECT_EQ((*out)[2 * lane], (8 + lane / 4) * 65537);
    // Elements 2 and 3 of the row are those of rows 2 and 3 before.
    uint32_t first = lane / 8 * 8 + 2;
    EXPECT_EQ((*out)[2 * lane + 1], (first + 1) << 16 | first);
  }
}

TEST(Instruction, SpecialRegisters) {
  std::vector<uint32_t> values = evaluate(R"(
    mov.u32 %r5, %ntid.x;
    mov.u32 %r6, %nctaid.x;
    mov.u32 %r7, %ctaid.x;
    mad.lo.s32 %r0, %r5, 100, %r6;
    add.s32 %r0, %r0, %r7;
)",
                                          0, 0, 0);
  EXPECT_EQ(values[0], 3201u);
}
