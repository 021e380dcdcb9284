//===- Mma.cpp - Matrix products of a warp --------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All shapes m16n8k* share one rule of where elements are. A register of 32
// bits holds as many elements of A or B as fit, side by side along k. Lane
// 4 g + t has those of row g (of A) or column g (of B), and the registers after
// the first continue with row g + 8 of A, and then further along k.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "FloatMath.h"
#include "Half.h"
#include "Lanes.h"
#include "Number.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
constexpr unsigned rows = 16, columns = 8, maxK = 64;

enum class Element : uint32_t { F16, BF16, TF32, F32, E4M3, E5M2, S8, U8 };
enum class Sum : uint32_t { F32, F16, S32 };

/// What form[] holds; the type of the sums with a flag beside it.
enum Form { TypeA, TypeB, K, Sums };
constexpr uint32_t saturatesFlag = 16;

Sum sumOf(const Instruction &instruction) {
  return static_cast<Sum>(instruction.form[Sums] & ~saturatesFlag);
}

unsigned bitsOf(Element element) {
  if (element == Element::TF32 || element == Element::F32)
    return 32;
  return element <= Element::BF16 ? 16 : 8;
}

/// Where the operands of an instruction are: D, A, B, C.
struct Layout {
  explicit Layout(const Instruction &instruction) {
    unsigned perRegister =
        32 / bitsOf(static_cast<Element>(instruction.form[TypeA]));
    results = sumOf(instruction) == Sum::F16 ? 2 : 4;
    ofB = instruction.form[K] / (4 * perRegister);
    ofA = 2 * ofB;
  }

  unsigned results, ofA, ofB;
};
} // namespace

static float asFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

template <typename T> static T decodeElement(Element element, uint32_t bits) {
  auto half = static_cast<uint16_t>(bits);
  auto byte = static_cast<uint8_t>(bits);
  switch (element) {
  case Element::F16:
    return static_cast<T>(F16::widen(half));
  case Element::BF16:
    return static_cast<T>(BF16::widen(half));
  case Element::TF32:
    // The hardware does not look at the low bits.
    return static_cast<T>(asFloat(bits & ~0x1FFFu));
  case Element::F32:
    return static_cast<T>(asFloat(bits));
  case Element::E4M3:
    return static_cast<T>(fromE4M3(byte));
  case Element::E5M2:
    return static_cast<T>(fromE5M2(byte));
  case Element::S8:
    return static_cast<T>(static_cast<int8_t>(byte));
  case Element::U8:
    break;
  }
  return static_cast<T>(byte);
}

/// Reads a fragment of `lines` rows of A, or columns of B.
template <typename T, size_t lines>
static void readFragment(Block &block, Warp &warp,
                         const Instruction &instruction, unsigned first,
                         unsigned count, Element element,
                         std::array<std::array<T, maxK>, lines> &matrix) {
  constexpr unsigned halves = lines / 8;
  unsigned bits = bitsOf(element), perRegister = 32 / bits;
  for (unsigned i = 0; i < count; ++i) {
    const Words &words = wordsOf(block, warp, instruction.operands[first + i]);
    for (unsigned lane = 0; lane < warpSize; ++lane)
      for (unsigned j = 0; j < perRegister; ++j) {
        unsigned line = lane / 4 + 8 * (i % halves);
        unsigned k = i / halves * 4 * perRegister + lane % 4 * perRegister + j;
        uint64_t part = uint64_t(words[lane]) >> bits * j;
        matrix[line][k] =
            decodeElement<T>(element, static_cast<uint32_t>(part));
      }
  }
}

/// The row and the column of element `i` of the four that a lane has of D.
static unsigned rowOf(unsigned i, unsigned lane) {
  return lane / 4 + i / 2 * 8;
}
static unsigned columnOf(unsigned i, unsigned lane) {
  return lane % 4 * 2 + i % 2;
}

namespace {
template <typename T> struct Fragments {
  std::array<std::array<T, maxK>, rows> a;
  std::array<std::array<T, maxK>, columns> b;

  Fragments(Block &block, Warp &warp, const Instruction &instruction) {
    Layout layout(instruction);
    auto typeA = static_cast<Element>(instruction.form[TypeA]);
    auto typeB = static_cast<Element>(instruction.form[TypeB]);
    readFragment(block, warp, instruction, layout.results, layout.ofA, typeA,
                 a);
    readFragment(block, warp, instruction, layout.results + layout.ofA,
                 layout.ofB, typeB, b);
  }

  T product(unsigned row, unsigned column, unsigned depth) const {
    T sum = 0;
    for (unsigned k = 0; k < depth; ++k)
      sum += a[row][k] * b[column][k];
    return sum;
  }
};
} // namespace

static void checkSources(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  for (size_t i = Layout(instruction).results; i < instruction.operands.size();
       ++i)
    block.checkRead(warp, instruction, instruction.operands[i], mask);
}

/// The sums are exact until they are rounded at the end, which is closer than
/// the hardware comes.
static Step executeFloat(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  checkSources(block, warp, instruction, mask);
  Fragments<double> fragments(block, warp, instruction);
  Layout layout(instruction);
  unsigned first = layout.results + layout.ofA + layout.ofB;
  bool isHalf = sumOf(instruction) == Sum::F16;
  std::array<Words, 4> values = {};
  for (unsigned lane = 0; lane < warpSize; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned place = isHalf ? i / 2 : i, shift = isHalf ? i % 2 * 16 : 0;
      uint32_t word =
          wordsOf(block, warp, instruction.operands[first + place])[lane];
      double sum = decodeElement<double>(isHalf ? Element::F16 : Element::F32,
                                         word >> shift);
      sum += fragments.product(rowOf(i, lane), columnOf(i, lane),
                               instruction.form[K]);
      values[place][lane] |= isHalf
                                 ? uint32_t(F16::narrow(sum)) << shift
                                 : bitsOf(canonical(static_cast<float>(sum)));
    }
  for (unsigned i = 0; i < layout.results; ++i)
    writeWords(block, warp, instruction, instruction.operands[i], values[i],
               mask);
  return Step::Next;
}

static Step executeInteger(Block &block, Warp &warp,
                           const Instruction &instruction, uint32_t mask) {
  checkSources(block, warp, instruction, mask);
  Fragments<int64_t> fragments(block, warp, instruction);
  Layout layout(instruction);
  unsigned first = layout.results + layout.ofA + layout.ofB;
  std::array<Words, 4> values;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      int64_t sum = static_cast<int32_t>(
          wordsOf(block, warp, instruction.operands[first + i])[lane]);
      sum += fragments.product(rowOf(i, lane), columnOf(i, lane),
                               instruction.form[K]);
      if ((instruction.form[Sums] & saturatesFlag))
        sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
      values[i][lane] = static_cast<uint32_t>(sum);
    }
  for (unsigned i = 0; i < layout.results; ++i)
    writeWords(block, warp, instruction, instruction.operands[i], values[i],
               mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

static std::optional<Element> findElement(const std::string &name) {
  static const std::map<std::string, Element> elements = {
      {"f16", Element::F16},   {"bf16", Element::BF16}, {"tf32", Element::TF32},
      {"e4m3", Element::E4M3}, {"e5m2", Element::E5M2}, {"s8", Element::S8},
      {"u8", Element::U8}};
  auto found = elements.find(name);
  if (found == elements.end())
    return std::nullopt;
  return found->second;
}

/// Whether PTX has a product of these types and this depth for sm_90.
static bool isProduct(Element a, Element b, unsigned k, Sum sum) {
  auto isByte = [](Element element) { return bitsOf(element) == 8; };
  auto isInteger = [](Element element) { return element >= Element::S8; };
  if (isInteger(a) || isInteger(b))
    return isInteger(a) && isInteger(b) && sum == Sum::S32 &&
           (k == 16 || k == 32);
  if (isByte(a) || isByte(b))
    return isByte(a) && isByte(b) && sum == Sum::F32 && k == 32;
  if (a != b || sum == Sum::S32)
    return false;
  if (a == Element::TF32)
    return sum == Sum::F32 && (k == 4 || k == 8);
  return (k == 8 || k == 16) && (a == Element::F16 || sum == Sum::F32);
}

/// `mma.sync.aligned.m16n8k16.row.col{.satfinite}.D.A.B.C`, or nothing.
static bool parseProduct(const std::vector<std::string> &parts,
                         Instruction &instruction) {
  static const std::map<std::string, unsigned> depths = {
      {"m16n8k4", 4}, {"m16n8k8", 8}, {"m16n8k16", 16}, {"m16n8k32", 32}};
  static const std::map<std::string, Sum> sums = {
      {"f32", Sum::F32}, {"f16", Sum::F16}, {"s32", Sum::S32}};
  bool saturates = parts.size() == 11 && parts[6] == "satfinite";
  if (parts.size() != (saturates ? 11u : 10u) || parts[1] != "sync" ||
      parts[2] != "aligned" || parts[4] != "row" || parts[5] != "col")
    return false;
  size_t types = saturates ? 7 : 6;
  auto depth = depths.find(parts[3]);
  auto sum = sums.find(parts[types]);
  std::optional<Element> a = findElement(parts[types + 1]);
  std::optional<Element> b = findElement(parts[types + 2]);
  if (depth == depths.end() || sum == sums.end() || !a || !b ||
      parts[types + 3] != parts[types] ||
      !isProduct(*a, *b, depth->second, sum->second) ||
      (saturates && sum->second != Sum::S32))
    return false;
  instruction.form = {
      static_cast<uint32_t>(*a), static_cast<uint32_t>(*b), depth->second,
      static_cast<uint32_t>(sum->second) | (saturates ? saturatesFlag : 0)};
  return true;
}

/// One register may stand without braces.
static Status addFragment(Decoder &decoder, const SourceOperand &operand,
                          unsigned count, bool isResult) {
  if (count > 1 || operand.kind == SourceOperand::Kind::Vector)
    return decoder.addVector(operand, Type::Bits32, count, isResult);
  return decoder.addSource(operand, Type::Bits32);
}

Status attn::runtime::emulator::decodeMma(Decoder &decoder) {
  Instruction &instruction = decoder.instruction();
  if (!parseProduct(decoder.parts(), instruction))
    return decoder.unknown();
  if (Status status = decoder.expectOperands(4); status.failed())
    return status;
  instruction.aligned = true;
  instruction.execute =
      sumOf(instruction) == Sum::S32 ? executeInteger : executeFloat;
  Layout layout(instruction);
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  const unsigned counts[] = {layout.results, layout.ofA, layout.ofB,
                             layout.results};
  for (size_t i = 0; i < 4; ++i)
    if (Status status = addFragment(decoder, operands[i], counts[i], i == 0);
        status.failed())
      return status;
  return {};
}
