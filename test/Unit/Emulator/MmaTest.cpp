//===- MmaTest.cpp - Matrix products of a warp, fragments of matrices -----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every element of every operand is different where the format allows it, so a
// wrong place of one shows. The products are small integers, exact in all
// formats of the sums.
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

#include "attn/Runtime/Float.h"

#include <cmath>

using namespace attn::runtime;

namespace {
/// A type of elements, and how a small integer is written in it.
struct ElementForm {
  const char *name;
  unsigned bits;
  uint32_t (*encode)(int value);
  /// What elements are taken from: 0 to `most`, or -most to most.
  int most;
  bool isSigned;
};
} // namespace

static uint32_t encodeF16(int value) { return toF16(value); }
static uint32_t encodeBF16(int value) { return toBF16(value); }
static uint32_t encodeTF32(int value) {
  return static_cast<uint32_t>(bits32(static_cast<float>(value)));
}
static uint32_t encodeInteger(int value) {
  return static_cast<uint32_t>(value) & 0xFF;
}
/// Numbers from -4 to 4: the exponent is that of 1, 2 or 4.
static uint32_t encodeByte(int value, int bias, int mantissaBits) {
  if (value == 0)
    return 0;
  int magnitude = std::abs(value);
  int exponent = magnitude >= 4 ? 2 : magnitude >= 2 ? 1 : 0;
  int mantissa =
      ((magnitude << mantissaBits) >> exponent) - (1 << mantissaBits);
  return static_cast<uint32_t>((value < 0 ? 0x80 : 0) |
                               (exponent + bias) << mantissaBits | mantissa);
}
static uint32_t encodeE4M3(int value) { return encodeByte(value, 7, 3); }
static uint32_t encodeE5M2(int value) { return encodeByte(value, 15, 2); }

static const ElementForm f16Form = {"f16", 16, encodeF16, 15, true},
                         bf16Form = {"bf16", 16, encodeBF16, 15, true},
                         tf32Form = {"tf32", 32, encodeTF32, 15, true},
                         e4m3Form = {"e4m3", 8, encodeE4M3, 4, true},
                         e5m2Form = {"e5m2", 8, encodeE5M2, 4, true},
                         s8Form = {"s8", 8, encodeInteger, 100, true},
                         u8Form = {"u8", 8, encodeInteger, 200, false};

/// An element that is all but unique: a multiplicative generator.
static int elementOf(const ElementForm &form, unsigned row, unsigned column,
                     unsigned salt) {
  unsigned mixed = (row * 131 + column * 31 + salt * 17 + 7) * 2654435761u;
  int range = form.isSigned ? 2 * form.most + 1 : form.most + 1;
  int value = static_cast<int>((mixed >> 12) % static_cast<unsigned>(range));
  return form.isSigned ? value - form.most : value;
}

namespace {
/// A product m16n8k* and the fragments of its operands, after the figures of
/// the PTX manual.
struct Product {
  unsigned k;
  const ElementForm &a, &b;
  const char *sum;

  bool halfSums() const { return std::string(sum) == "f16"; }
  unsigned elementsPerRegister() const { return 32 / a.bits; }
  unsigned registersOfA() const { return 16 * k / 32 / elementsPerRegister(); }
  unsigned registersOfB() const { return 8 * k / 32 / elementsPerRegister(); }

  uint32_t registerOfA(unsigned lane, unsigned i) const;
  uint32_t registerOfB(unsigned lane, unsigned i) const;
  int sumBefore(unsigned row, unsigned column) const {
    return static_cast<int>(row * 8 + column) - 60;
  }
  int sumAfter(unsigned row, unsigned column) const;
  std::string name() const {
    return std::string("mma.sync.aligned.m16n8k") + std::to_string(k) +
           ".row.col." + sum + "." + a.name + "." + b.name + "." + sum;
  }
};
} // namespace

/// Element `e` of register `i`: its row and its place along k. The manual gives
/// them for each type; the rows are groupID for even registers and groupID + 8
/// for odd ones, and k is counted by thread within a group.
uint32_t Product::registerOfA(unsigned lane, unsigned i) const {
  unsigned group = lane >> 2, thread = lane & 3, per = elementsPerRegister();
  uint32_t word = 0;
  for (unsigned e = 0; e < per; ++e) {
    unsigned row = i % 2 == 0 ? group : group + 8;
    unsigned column = thread * per + e + (i >= 2 ? 4 * per : 0);
    word |= a.encode(elementOf(a, row, column, 1)) << a.bits * e;
  }
  return word;
}

uint32_t Product::registerOfB(unsigned lane, unsigned i) const {
  unsigned group = lane >> 2, thread = lane & 3, per = elementsPerRegister();
  uint32_t word = 0;
  for (unsigned e = 0; e < per; ++e) {
    unsigned row = thread * per + e + (i >= 1 ? 4 * per : 0);
    word |= b.encode(elementOf(b, row, group, 2)) << b.bits * e;
  }
  return word;
}

int Product::sumAfter(unsigned row, unsigned column) const {
  int sum = sumBefore(row, column);
  for (unsigned i = 0; i < k; ++i)
    sum += elementOf(a, row, i, 1) * elementOf(b, i, column, 2);
  return sum;
}

static std::string registerList(const char *prefix, unsigned first,
                                unsigned count) {
  std::string list = "{";
  for (unsigned i = 0; i < count; ++i)
    list += (i ? ", " : "") + std::string(prefix) + std::to_string(first + i);
  return list + "}";
}

/// Encodes a sum as the register of the accumulator has it.
static uint32_t encodeSum(const Product &product, int value) {
  if (product.halfSums())
    return toF16(value);
  return std::string(product.sum) == "f32" ? encodeTF32(value)
                                           : static_cast<uint32_t>(value);
}

static void checkProduct(const Product &product) {
  unsigned ofA = product.registersOfA(), ofB = product.registersOfB();
  unsigned ofD = product.halfSums() ? 2 : 4;
  Emulation emulation;
  constexpr unsigned words = 16;
  emulation.data.resize(32 * words);
  for (unsigned lane = 0; lane < 32; ++lane) {
    uint32_t *data = &emulation.data[lane * words];
    for (unsigned i = 0; i < ofA; ++i)
      data[i] = product.registerOfA(lane, i);
    for (unsigned i = 0; i < ofB; ++i)
      data[4 + i] = product.registerOfB(lane, i);
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = lane / 4 + (i >= 2 ? 8 : 0), column = lane % 4 * 2 + i % 2;
      uint32_t bits = encodeSum(product, product.sumBefore(row, column));
      if (product.halfSums())
        data[8 + i / 2] |= bits << 16 * (i % 2);
      else
        data[8 + i] = bits;
    }
  }
  emulation.body = "mov.u32 %r0, %laneid;\nmul.wide.u32 %d1, %r0, 64;\n"
                   "add.s64 %d1, %d1, %d0;\n"
                   "ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%d1];\n"
                   "ld.global.v4.b32 {%r5, %r6, %r7, %r8}, [%d1+16];\n"
                   "ld.global.v4.b32 {%r9, %r10, %r11, %r12}, [%d1+32];\n" +
                   product.name() + " " + registerList("%r", 13, ofD) + ", " +
                   registerList("%r", 1, ofA) + ", " +
                   registerList("%r", 5, ofB) + ", " +
                   registerList("%r", 9, ofD) + ";\n";
  for (unsigned i = 0; i < ofD; ++i)
    emulation.body += "st.global.b32 [%d1+" + std::to_string(48 + 4 * i) +
                      "], %r" + std::to_string(13 + i) + ";\n";
  Result<std::vector<uint32_t>> out = emulation.run();
  ASSERT_FALSE(out.failed()) << product.name() << ": " << out.message();
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = lane / 4 + (i >= 2 ? 8 : 0), column = lane % 4 * 2 + i % 2;
      uint32_t expected = encodeSum(product, product.sumAfter(row, column));
      uint32_t word =
          (*out)[lane * words + 12 + (product.halfSums() ? i / 2 : i)];
      if (product.halfSums())
        word = word >> 16 * (i % 2) & 0xFFFF;
      EXPECT_EQ(word, expected)
          << product.name() << " at row " << row << ", column " << column;
    }
}

TEST(Mma, EveryTypeAndDepth) {
  for (const char *sum : {"f32", "f16"}) {
    checkProduct({8, f16Form, f16Form, sum});
    checkProduct({16, f16Form, f16Form, sum});
  }
  checkProduct({8, bf16Form, bf16Form, "f32"});
  checkProduct({16, bf16Form, bf16Form, "f32"});
  checkProduct({4, tf32Form, tf32Form, "f32"});
  checkProduct({8, tf32Form, tf32Form, "f32"});
  for (const ElementForm *a : {&e4m3Form, &e5m2Form})
    for (const ElementForm *b : {&e4m3Form, &e5m2Form})
      checkProduct({32, *a, *b, "f32"});
  for (const ElementForm *a : {&s8Form, &u8Form})
    for (const ElementForm *b : {&s8Form, &u8Form}) {
      checkProduct({16, *a, *b, "s32"});
      checkProduct({32, *a, *b, "s32"});
    }
}

TEST(Mma, SaturatedSums) {
  const std::string setup = "mov.b32 %r1, 0x7F7F7F7F;\nmov.b32 %r3, "
                            "0x7FFFFFFF;\n";
  const std::string operands = "{%r4, %r5, %r6, %r7}, {%r1, %r1}, {%r1}, "
                               "{%r3, %r3, %r3, %r3};\n"
                               "st.global.b32 [%d0], %r4;";
  for (bool saturates : {false, true}) {
    Emulation emulation{setup + "mma.sync.aligned.m16n8k16.row.col." +
                        (saturates ? "satfinite." : "") + "s32.s8.s8.s32 " +
                        operands};
    Result<std::vector<uint32_t>> out = emulation.run();
    ASSERT_FALSE(out.failed()) << out.message();
    // 16 * 127 * 127 = 258064 more than the largest number.
    EXPECT_EQ((*out)[0], saturates ? 0x7FFFFFFFu : 0x80000000u + 258063u);
  }
}

TEST(Mma, HazardsAndUnknownForms) {
  expectMessage(Emulation{"mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 "
                          "{%r1, %r2, %r3, %r4}, {%r5, %r6}, {%r7}, "
                          "{%r8, %r9, %r10, %r11};"},
                "reads %r5, which nothing wrote");
  expectUnknown({
      "mma.sync.aligned.m16n8k16.col.col.f32.f16.f16.f32 {%r1}, {%r1}, {%r1}, "
      "{%r1};",
      "mma.sync.aligned.m16n8k16.row.col.f16.bf16.bf16.f16 {%r1}, {%r1}, "
      "{%r1}, {%r1};",
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.bf16.f32 {%r1}, {%r1}, {%r1}, "
      "{%r1};",
      "mma.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32 {%r1}, {%r1}, {%r1}, "
      "{%r1};",
      "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%d1}, {%d1}, {%d1}, "
      "{%d1};",
      "mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%r1}, {%r1}, "
      "{%r1}, {%r1};",
  });
}

//===----------------------------------------------------------------------===//
// ldmatrix and stmatrix
//===----------------------------------------------------------------------===//

/// Each element is its place: the matrix, its row, its column.
static uint32_t placeOf(unsigned matrix, unsigned row, unsigned column) {
  return matrix * 64 + row * 8 + column;
}

/// What a lane has of a matrix in a fragment.
static uint32_t fragmentOf(unsigned matrix, unsigned lane, bool transposed) {
  uint32_t word = 0;
  for (unsigned half = 0; half < 2; ++half) {
    unsigned row = lane / 4, column = lane % 4 * 2 + half;
    word |= (transposed ? placeOf(matrix, column, row)
                        : placeOf(matrix, row, column))
            << 16 * half;
  }
  return word;
}

/// Rows of 16 bytes at smem, one for each lane, of four matrices.
static const char *const writeRows = R"(
    mov.u32 %r0, %laneid;
    mov.u32 %r1, smem;
    shl.b32 %r2, %r0, 4;
    add.u32 %r2, %r1, %r2;
    shl.b32 %r3, %r0, 3;
    mul.lo.u32 %r4, %r3, 65537;
    add.u32 %r4, %r4, 65536;
    add.u32 %r5, %r4, 0x20002;
    add.u32 %r6, %r4, 0x40004;
    add.u32 %r7, %r4, 0x60006;
    st.shared.v4.b32 [%r2], {%r4, %r5, %r6, %r7};
    bar.sync 0;
    cvt.u64.u32 %d2, %r2;
    cvta.shared.u64 %d2, %d2;
    mul.wide.u32 %d1, %r0, 16;
    add.s64 %d1, %d1, %d0;
)";

TEST(Mma, LoadsOfMatrices) {
  for (unsigned count : {1u, 2u, 4u})
    for (bool transposed : {false, true})
      for (const char *space : {".shared", ".shared::cta", ""}) {
        std::string address = *space ? "[%r2]" : "[%d2]";
        Emulation emulation{
            writeRows + std::string("ldmatrix.sync.aligned.m8n8.x") +
            std::to_string(count) + (transposed ? ".trans" : "") + space +
            ".b16 " + registerList("%r", 10, count) + ", " + address + ";\n"};
        for (unsigned i = 0; i < count; ++i)
          emulation.body += "st.global.b32 [%d1+" + std::to_string(4 * i) +
                            "], %r" + std::to_string(10 + i) + ";\n";
        Result<std::vector<uint32_t>> out = emulation.run();
        ASSERT_FALSE(out.failed()) << out.message();
        for (unsigned lane = 0; lane < 32; ++lane)
          for (unsigned i = 0; i < count; ++i)
            EXPECT_EQ((*out)[4 * lane + i], fragmentOf(i, lane, transposed))
                << "matrix " << i << ", lane " << lane << ", x" << count
                << space;
      }
}

TEST(Mma, StoresOfMatrices) {
  // The fragments of four matrices are loaded, and stored 1024 bytes further.
  for (unsigned count : {1u, 2u, 4u})
    for (bool transposed : {false, true})
      for (const char *space : {".shared", ".shared::cta", ""}) {
        std::string address = *space ? "[%r2+1024]" : "[%d2+1024]";
        Emulation emulation{
            writeRows +
            std::string("ldmatrix.sync.aligned.m8n8.x4.shared.b16 "
                        "{%r10, %r11, %r12, %r13}, [%r2];\n"
                        "stmatrix.sync.aligned.m8n8.x") +
            std::to_string(count) + (transposed ? ".trans" : "") + space +
            ".b16 " + address + ", " + registerList("%r", 10, count) +
            ";\nbar.sync 0;\nsetp.lt.u32 %p1, %r0, " +
            std::to_string(8 * count) +
            ";\n@!%p1 bra D;\n"
            "ld.shared.v4.b32 {%r14, %r15, %r16, %r17}, [%r2+1024];\n"
            "st.global.v4.b32 [%d1], {%r14, %r15, %r16, %r17};\nD:\n"};
        Result<std::vector<uint32_t>> out = emulation.run();
        ASSERT_FALSE(out.failed()) << out.message();
        for (unsigned line = 0; line < 8 * count; ++line)
          for (unsigned column = 0; column < 8; ++column) {
            unsigned matrix = line / 8, row = line % 8;
            uint32_t word = (*out)[4 * line + column / 2];
            EXPECT_EQ(word >> 16 * (column % 2) & 0xFFFF,
                      transposed ? placeOf(matrix, column, row)
                                 : placeOf(matrix, row, column));
          }
      }
}
