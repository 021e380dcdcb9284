//===- WgmmaProduct.cpp - What a wgmma multiplies -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WgmmaProduct.h"

#include "Lanes.h"

#include "attn/Runtime/Float.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn::runtime;
using namespace attn::runtime::emulator;
using namespace attn::runtime::emulator::wgmma;

//===----------------------------------------------------------------------===//
// Form
//===----------------------------------------------------------------------===//

namespace {
enum Flag : uint32_t {
  AInRegisters = 1,
  TransposeA = 2,
  TransposeB = 4,
  NegateA = 8,
  NegateB = 16,
  Saturate = 32,
};
} // namespace

WgmmaForm::WgmmaForm(const Instruction &instruction)
    : n(instruction.form[0]),
      a(static_cast<Element>(instruction.form[1] & 0xFF)),
      b(static_cast<Element>(instruction.form[1] >> 8)),
      sum(static_cast<Sum>(instruction.form[2])) {
  uint32_t flags = instruction.form[3];
  aInRegisters = flags & AInRegisters;
  transposeA = flags & TransposeA;
  transposeB = flags & TransposeB;
  negateA = flags & NegateA;
  negateB = flags & NegateB;
  saturate = flags & Saturate;
}

std::array<uint32_t, 4> WgmmaForm::pack() const {
  uint32_t flags = 0;
  for (auto [isSet, flag] :
       {std::pair(aInRegisters, AInRegisters), std::pair(saturate, Saturate),
        std::pair(transposeA, TransposeA), std::pair(transposeB, TransposeB),
        std::pair(negateA, NegateA), std::pair(negateB, NegateB)})
    flags |= isSet ? flag : 0u;
  return {n, static_cast<uint32_t>(a) | static_cast<uint32_t>(b) << 8,
          static_cast<uint32_t>(sum), flags};
}

//===----------------------------------------------------------------------===//
// Descriptor
//===----------------------------------------------------------------------===//

/// Rows come in groups of eight. Within a group, and within as many bytes as
/// the swizzle spans, all is dense; the two offsets lead to the next group and
/// to the next such span. Without a swizzle, a matrix that is transposed has
/// them the other way round.
uint32_t WgmmaDescriptor::chunk(unsigned row, unsigned chunk,
                                bool transposed) const {
  uint32_t line = lineChunks() * chunkBytes;
  bool exchanged = transposed && mode == 0;
  uint32_t groupOffset = exchanged ? leading : stride;
  uint32_t spanOffset = exchanged ? stride : leading;
  uint32_t address = start + row / 8 * groupOffset + row % 8 * line;
  // Along k all of a row lies within the span of a swizzle.
  if (transposed || mode == 0)
    address +=
        chunk / lineChunks() * spanOffset + chunk % lineChunks() * chunkBytes;
  else
    address += chunk * chunkBytes;
  uint32_t lineNumber = (address >> 7) - baseOffset;
  return address ^ (lineNumber & (lineChunks() - 1)) * chunkBytes;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

namespace {
using ARows = std::array<std::array<float, maxK>, warpRows>;
using BRows = std::array<std::array<float, maxN>, maxK>;
using DRows = std::array<std::array<float, maxN>, warpRows>;
/// The bytes of the rows of A.
using AImage = std::array<std::array<uint8_t, kChunks * chunkBytes>, warpRows>;
} // namespace

static float asFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// E4M3 has no infinity, and one NaN of each sign.
static float widenE4M3(uint8_t bits) {
  int exponent = bits >> 3 & 15;
  auto mantissa = static_cast<float>(bits & 7);
  float value;
  if ((bits & 0x7F) == 0x7F)
    value = std::numeric_limits<float>::quiet_NaN();
  else if (exponent == 0)
    value = std::ldexp(mantissa, -9);
  else
    value = std::ldexp(mantissa + 8, exponent - 10);
  return bits & 0x80 ? -value : value;
}

/// All values of a type of eight bits.
static const std::array<float, 256> &tableOf(Element type) {
  auto make = [](auto widen) {
    std::array<float, 256> table;
    for (unsigned i = 0; i < table.size(); ++i)
      table[i] = widen(static_cast<uint8_t>(i));
    return table;
  };
  static const std::array<float, 256> e4m3 = make(widenE4M3);
  // E5M2 is the upper half of a half.
  static const std::array<float, 256> e5m2 = make([](uint8_t bits) {
    return static_cast<float>(fromF16(static_cast<uint16_t>(bits << 8)));
  });
  static const std::array<float, 256> s8 =
      make([](uint8_t bits) { return float(static_cast<int8_t>(bits)); });
  static const std::array<float, 256> u8 =
      make([](uint8_t bits) { return float(bits); });
  switch (type) {
  case Element::E4M3:
    return e4m3;
  case Element::E5M2:
    return e5m2;
  case Element::S8:
    return s8;
  default:
    return u8;
  }
}

/// Calls `place(line, i, value)` for each element of chunks that are listed
/// line by line.
template <typename Bits, typename Widen, typename Place>
static void placeElements(const std::vector<const uint8_t *> &chunks,
                          unsigned lines, Widen widen, Place place) {
  constexpr unsigned perChunk = chunkBytes / sizeof(Bits);
  auto perLine = static_cast<unsigned>(chunks.size()) / lines;
  for (unsigned i = 0; i < chunks.size(); ++i) {
    std::array<Bits, perChunk> values;
    std::memcpy(values.data(), chunks[i], chunkBytes);
    unsigned line = i / perLine, first = i % perLine * perChunk;
    for (unsigned j = 0; j < perChunk; ++j)
      place(line, first + j, widen(values[j]));
  }
}

template <typename Place>
static void placeElements(Element type,
                          const std::vector<const uint8_t *> &chunks,
                          unsigned lines, Place place) {
  switch (type) {
  case Element::F16:
    return placeElements<uint16_t>(
        chunks, lines,
        [](uint16_t bits) { return static_cast<float>(fromF16(bits)); }, place);
  case Element::BF16:
    return placeElements<uint16_t>(
        chunks, lines,
        [](uint16_t bits) { return asFloat(uint32_t(bits) << 16); }, place);
  case Element::TF32:
    // The tensor cores do not look at the other bits.
    return placeElements<uint32_t>(
        chunks, lines,
        [](uint32_t bits) { return asFloat(bits & 0xFFFFE000u); }, place);
  default:
    const std::array<float, 256> &table = tableOf(type);
    return placeElements<uint8_t>(
        chunks, lines, [&](uint8_t bits) { return table[bits]; }, place);
  }
}

/// Register `i` of A holds four bytes of a row.
static std::vector<const uint8_t *> imageOfA(Warp &warp,
                                             const Instruction &instruction,
                                             const WgmmaForm &form,
                                             AImage &image) {
  for (unsigned i = 0; i < aRegisters; ++i) {
    Operand operand = instruction.operands[form.accumulators() + i];
    const Words &words = warp.words[operand.index];
    for (unsigned lane = 0; lane < warpSize; ++lane)
      std::memcpy(
          &image[lane / 4 + 8 * (i & 1)][4 * (lane % 4) + 16 * (i >> 1)],
          &words[lane], sizeof(uint32_t));
  }
  std::vector<const uint8_t *> chunks;
  for (const auto &row : image)
    for (unsigned i = 0; i < kChunks; ++i)
      chunks.push_back(row.data() + i * chunkBytes);
  return chunks;
}

//===----------------------------------------------------------------------===//
// Accumulators
//===----------------------------------------------------------------------===//

/// The row and the column of element `i` of what a lane holds of D.
static unsigned rowOf(unsigned i, unsigned lane) {
  return lane / 4 + 8 * (i >> 1 & 1);
}
static unsigned columnOf(unsigned i, unsigned lane) {
  return 8 * (i >> 2) + 2 * (lane % 4) + (i & 1);
}

/// Calls `body(word, half, value)` for each element of D: in a word of its
/// own, or in a half of one.
template <typename Body>
static void forEachSum(Warp &warp, const Instruction &instruction,
                       const WgmmaForm &form, DRows &d, Body body) {
  unsigned perWord = form.sum == Sum::F16 ? 2 : 1;
  for (unsigned i = 0; i < form.n / 2; ++i) {
    Words &words = warp.words[instruction.operands[i / perWord].index];
    for (unsigned lane = 0; lane < warpSize; ++lane)
      body(words[lane], i % perWord, d[rowOf(i, lane)][columnOf(i, lane)]);
  }
}

/// Integers are added afterwards, as they may not fit into a float.
static void loadSums(Warp &warp, const Instruction &instruction,
                     const WgmmaForm &form, DRows &d) {
  forEachSum(warp, instruction, form, d,
             [&](uint32_t word, unsigned half, float &value) {
               if (form.sum == Sum::F32)
                 value = asFloat(word);
               else
                 value = static_cast<float>(
                     fromF16(static_cast<uint16_t>(word >> 16 * half)));
             });
}

static uint32_t addInteger(uint32_t old, float product, bool saturate) {
  int64_t sum = static_cast<int32_t>(old) + static_cast<int64_t>(product);
  if (saturate)
    sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
  return static_cast<uint32_t>(sum);
}

static void storeSums(Warp &warp, const Instruction &instruction,
                      const WgmmaForm &form, bool accumulate, DRows &d) {
  forEachSum(warp, instruction, form, d,
             [&](uint32_t &word, unsigned half, float value) {
               if (form.sum == Sum::F32)
                 word = bitsOf(value);
               else if (form.sum == Sum::S32)
                 word = addInteger(accumulate ? word : 0, value, form.saturate);
               else
                 word = (word & ~(0xFFFFu << 16 * half)) |
                        uint32_t(toF16(value)) << 16 * half;
             });
}

/// d += a * b over columns [0, n). Four products are summed at a time, which
/// keeps the sums in registers. The sums of 32 products of bytes are exact.
static void addProducts(DRows &d, const ARows &a, const BRows &b, unsigned n,
                        unsigned depth) {
  for (unsigned row = 0; row < warpRows; ++row)
    for (unsigned k = 0; k < depth; k += 4) {
      float *sums = d[row].data();
      float a0 = a[row][k], a1 = a[row][k + 1], a2 = a[row][k + 2],
            a3 = a[row][k + 3];
      const float *b0 = b[k].data(), *b1 = b[k + 1].data(),
                  *b2 = b[k + 2].data(), *b3 = b[k + 3].data();
      for (unsigned column = 0; column < n; ++column)
        sums[column] += (a0 * b0[column] + a1 * b1[column]) +
                        (a2 * b2[column] + a3 * b3[column]);
    }
}

void attn::runtime::emulator::multiply(
    Warp &warp, const Instruction &instruction,
    const std::vector<const uint8_t *> &aChunks,
    const std::vector<const uint8_t *> &bChunks, bool accumulate) {
  WgmmaForm form(instruction);
  AImage image;
  ARows a;
  auto placeA = [&](unsigned line, unsigned i, float value) {
    (form.transposeA ? a[i][line] : a[line][i]) = value;
  };
  if (form.aInRegisters)
    placeElements(form.a, imageOfA(warp, instruction, form, image), warpRows,
                  placeA);
  else
    placeElements(form.a, aChunks, form.transposeA ? form.k() : warpRows,
                  placeA);
  BRows b;
  float sign = form.negateA != form.negateB ? -1.0f : 1.0f;
  if (form.transposeB)
    placeElements(form.b, bChunks, form.k(),
                  [&](unsigned k, unsigned column, float value) {
                    b[k][column] = sign * value;
                  });
  else
    placeElements(form.b, bChunks, form.n,
                  [&](unsigned column, unsigned k, float value) {
                    b[k][column] = sign * value;
                  });
  DRows d;
  if (accumulate && form.sum != Sum::S32)
    loadSums(warp, instruction, form, d);
  else
    for (auto &row : d)
      row.fill(0);
  addProducts(d, a, b, form.n, form.k());
  storeSums(warp, instruction, form, accumulate, d);
}
