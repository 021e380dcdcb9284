//===- Bits.cpp - Bits, shifts and selections -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanewise.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

template <typename T> static constexpr unsigned bitCount = 8 * sizeof(T);

template <typename T> static T bitAnd(T a, T b) { return a & b; }
template <typename T> static T bitOr(T a, T b) { return a | b; }
template <typename T> static T bitXor(T a, T b) { return a ^ b; }
template <typename T> static T bitNot(T a) { return ~a; }
static bool notPredicate(bool a) { return !a; }
/// One for zero, and zero for all else.
template <typename T> static T logicalNot(T a) { return a == 0; }

/// A shift by the width or more shifts everything out.
template <typename T> static T shiftLeft(T a, uint32_t n) {
  return n >= bitCount<T> ? T(0) : T(a << n);
}
template <typename T> static T shiftRight(T a, uint32_t n) {
  if (n >= bitCount<T>)
    return a < T(0) ? T(-1) : T(0);
  return a >> n;
}
static uint32_t clamped(uint32_t n) { return std::min(n, 32u); }
static uint32_t wrapped(uint32_t n) { return n & 31; }
/// The upper word of {b, a} shifted left, and the lower one of it shifted
/// right.
template <uint32_t (*amount)(uint32_t)>
static uint32_t funnelLeft(uint32_t a, uint32_t b, uint32_t n) {
  uint64_t both = uint64_t(b) << 32 | a;
  return static_cast<uint32_t>(both << amount(n) >> 32);
}
template <uint32_t (*amount)(uint32_t)>
static uint32_t funnelRight(uint32_t a, uint32_t b, uint32_t n) {
  uint64_t both = uint64_t(b) << 32 | a;
  return static_cast<uint32_t>(both >> amount(n));
}

//===----------------------------------------------------------------------===//
// Counting and fields
//===----------------------------------------------------------------------===//

template <typename T> static uint32_t popcount(T a) {
  return __builtin_popcountll(a);
}
template <typename T> static uint32_t leadingZeros(T a) {
  return a ? __builtin_clzll(a) - (64 - bitCount<T>) : bitCount<T>;
}
/// The place of the highest bit that differs from the sign.
template <typename T> static uint32_t highestBit(T a) {
  auto bits = static_cast<std::make_unsigned_t<T>>(a < T(0) ? ~a : a);
  return bits ? bitCount<T> - 1 - leadingZeros(bits) : ~0u;
}
template <typename T> static uint32_t shiftToHighestBit(T a) {
  uint32_t place = highestBit(a);
  return place == ~0u ? place : bitCount<T> - 1 - place;
}
template <typename T> static T reverse(T a) {
  T result = 0;
  for (unsigned i = 0; i < bitCount<T>; ++i)
    result |= (a >> i & 1) << (bitCount<T> - 1 - i);
  return result;
}
/// The place of the nth set bit from `base` on, upwards or downwards.
static uint32_t nthSetBit(uint32_t mask, uint32_t base, int32_t offset) {
  if (base > 31)
    return ~0u;
  if (offset == 0)
    return mask >> base & 1 ? base : ~0u;
  int64_t left = std::abs(int64_t(offset));
  int step = offset > 0 ? 1 : -1;
  for (int place = static_cast<int>(base); place >= 0 && place < 32;
       place += step)
    if ((mask >> place & 1) && --left == 0)
      return static_cast<uint32_t>(place);
  return ~0u;
}

template <typename T> static T lowBits(unsigned count) {
  return count >= bitCount<T> ? T(-1)
                              : static_cast<T>((uint64_t(1) << count) - 1);
}
template <typename T>
static T extractField(T a, uint32_t position, uint32_t length) {
  position &= 255;
  length &= 255;
  if (length == 0)
    return 0;
  uint32_t last = std::min(position + length - 1, bitCount<T> - 1);
  T mask = lowBits<T>(length);
  bool sign = std::is_signed_v<T> && (a >> last & 1);
  T field = position < bitCount<T> ? a >> position : T(sign ? -1 : 0);
  return static_cast<T>((field & mask) | (sign ? ~mask : 0));
}
template <typename T>
static T insertField(T field, T base, uint32_t position, uint32_t length) {
  position &= 255;
  length &= 255;
  T mask = shiftLeft(lowBits<T>(length), position);
  return (base & ~mask) | (shiftLeft(field, position) & mask);
}
static uint32_t maskWrapped(uint32_t position, uint32_t width) {
  return shiftLeft(lowBits<uint32_t>(width & 31), position & 31);
}
static uint32_t maskClamped(uint32_t position, uint32_t width) {
  return shiftLeft(lowBits<uint32_t>(width), position);
}
/// The lowest `count` bits, extended.
template <typename T, bool clamps> static T extend(T a, uint32_t count) {
  if (!clamps)
    count &= 31;
  return extractField<T>(a, 0, std::min(count, 32u));
}

//===----------------------------------------------------------------------===//
// Bytes and selections
//===----------------------------------------------------------------------===//

/// Selects bytes of the 64-bit value {b, a}.
static uint32_t permute(uint32_t a, uint32_t b, uint32_t selector) {
  uint64_t bytes = uint64_t(b) << 32 | a;
  uint32_t result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    uint32_t select = selector >> (4 * i) & 15;
    auto byte = static_cast<uint8_t>(bytes >> (8 * (select & 7)));
    if (select & 8)
      byte = byte & 0x80 ? 0xFF : 0;
    result |= uint32_t(byte) << (8 * i);
  }
  return result;
}
/// The same by one of four selectors, those of the special modes.
template <uint32_t s0, uint32_t s1, uint32_t s2, uint32_t s3>
static uint32_t permuteMode(uint32_t a, uint32_t b, uint32_t mode) {
  constexpr uint32_t selectors[] = {s0, s1, s2, s3};
  return permute(a, b, selectors[mode & 3]);
}

template <typename T> static T select(T a, T b, bool p) { return p ? a : b; }
template <typename T> static T selectBySign(T a, T b, int32_t c) {
  return c >= 0 ? a : b;
}
template <typename T> static T selectBySignF32(T a, T b, float c) {
  return c >= 0 ? a : b;
}
/// A subnormal number counts as zero.
template <typename T> static T selectBySignFlushed(T a, T b, float c) {
  return c > -std::numeric_limits<float>::min() ? a : b;
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

/// What there is for words of every width.
template <typename T>
static void enterWidth(LaneTable &table, const std::string &bits) {
  enter<bitAnd<T>>(table, {"and.b" + bits});
  enter<bitOr<T>>(table, {"or.b" + bits});
  enter<bitXor<T>>(table, {"xor.b" + bits});
  enter<bitNot<T>>(table, {"not.b" + bits});
  enter<logicalNot<T>>(table, {"cnot.b" + bits});
  enter<shiftLeft<T>>(table, {"shl.b" + bits});
  enter<shiftRight<T>>(table, {"shr.u" + bits, "shr.b" + bits});
  enter<shiftRight<std::make_signed_t<T>>>(table, {"shr.s" + bits});
  std::vector<std::string> selects;
  for (const char *type : {"b", "u", "s", "f"})
    if (bits != "16" || *type != 'f')
      selects.push_back(type + bits);
  for (const std::string &type : selects) {
    enter<select<T>>(table, {"selp." + type});
    enter<selectBySign<T>>(table, {"slct." + type + ".s32"});
    enter<selectBySignF32<T>>(table, {"slct." + type + ".f32"});
    enter<selectBySignFlushed<T>>(table, {"slct.ftz." + type + ".f32"});
  }
}

/// What there is for words of 32 and 64 bits.
template <typename T>
static void enterFields(LaneTable &table, const std::string &bits) {
  using Signed = std::make_signed_t<T>;
  enter<popcount<T>>(table, {"popc.b" + bits});
  enter<leadingZeros<T>>(table, {"clz.b" + bits});
  enter<reverse<T>>(table, {"brev.b" + bits});
  enter<highestBit<T>>(table, {"bfind.u" + bits});
  enter<highestBit<Signed>>(table, {"bfind.s" + bits});
  enter<shiftToHighestBit<T>>(table, {"bfind.shiftamt.u" + bits});
  enter<shiftToHighestBit<Signed>>(table, {"bfind.shiftamt.s" + bits});
  enter<extractField<T>>(table, {"bfe.u" + bits});
  enter<extractField<Signed>>(table, {"bfe.s" + bits});
  enter<insertField<T>>(table, {"bfi.b" + bits});
}

void attn::runtime::emulator::enterBits(LaneTable &table) {
  enter<bitAnd<bool>>(table, {"and.pred"});
  enter<bitOr<bool>>(table, {"or.pred"});
  enter<bitXor<bool>>(table, {"xor.pred"});
  enter<notPredicate>(table, {"not.pred"});
  enterWidth<uint16_t>(table, "16");
  enterWidth<uint32_t>(table, "32");
  enterWidth<uint64_t>(table, "64");
  // A float that is selected may be written as one.
  enter<select<float>>(table, {"selp.f32"});
  enter<select<double>>(table, {"selp.f64"});
  enterFields<uint32_t>(table, "32");
  enterFields<uint64_t>(table, "64");
  enter<nthSetBit>(table, {"fns.b32"});
  enter<maskWrapped>(table, {"bmsk.wrap.b32"});
  enter<maskClamped>(table, {"bmsk.clamp.b32"});
  enter<extend<uint32_t, true>>(table, {"szext.clamp.u32"});
  enter<extend<int32_t, true>>(table, {"szext.clamp.s32"});
  enter<extend<uint32_t, false>>(table, {"szext.wrap.u32"});
  enter<extend<int32_t, false>>(table, {"szext.wrap.s32"});
  enter<funnelLeft<clamped>>(table, {"shf.l.clamp.b32"});
  enter<funnelLeft<wrapped>>(table, {"shf.l.wrap.b32"});
  enter<funnelRight<clamped>>(table, {"shf.r.clamp.b32"});
  enter<funnelRight<wrapped>>(table, {"shf.r.wrap.b32"});
  enter<permute>(table, {"prmt.b32"});
  enter<permuteMode<0x3210, 0x4321, 0x5432, 0x6543>>(table, {"prmt.b32.f4e"});
  enter<permuteMode<0x5670, 0x6701, 0x7012, 0x0123>>(table, {"prmt.b32.b4e"});
  enter<permuteMode<0x0000, 0x1111, 0x2222, 0x3333>>(table, {"prmt.b32.rc8"});
  enter<permuteMode<0x3210, 0x3211, 0x3222, 0x3333>>(table, {"prmt.b32.ecl"});
  enter<permuteMode<0x0000, 0x1110, 0x2210, 0x3210>>(table, {"prmt.b32.ecr"});
  enter<permuteMode<0x1010, 0x3232, 0x1010, 0x3232>>(table, {"prmt.b32.rc16"});
}

//===----------------------------------------------------------------------===//
// Any function of three bits
//===----------------------------------------------------------------------===//

namespace {
enum Form { Table, BooleanOr };
} // namespace

/// Bit 4a + 2b + c of the table is the result for the bits a, b, c.
static uint32_t lookUp(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
  uint32_t result = 0;
  for (unsigned i = 0; i < 8; ++i)
    if (table >> i & 1)
      result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
  return result;
}

/// The operands: result, predicate or nothing, a, b, c, and then the predicate
/// that "the result is not zero" is joined with.
static Step executeLogic(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  for (unsigned i = 2; i < operands.size(); ++i)
    block.checkRead(warp, instruction, operands[i], mask);
  Source<uint32_t> a(block, warp, operands[2]), b(block, warp, operands[3]),
      c(block, warp, operands[4]);
  Words values;
  uint32_t nonzero = 0;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    values[lane] = lookUp(a[lane], b[lane], c[lane], instruction.form[Table]);
    nonzero |= uint32_t(values[lane] != 0) << lane;
  }
  writeWords(block, warp, instruction, operands[0], values, mask);
  if (operands.size() == 5)
    return Step::Next;
  uint32_t other = predicateOf(block, warp, operands[5]);
  writePredicate(
      block, warp, instruction, operands[1],
      instruction.form[BooleanOr] ? nonzero | other : nonzero & other, mask);
  return Step::Next;
}

Status attn::runtime::emulator::decodeLogic(Decoder &decoder) {
  const Statement &statement = decoder.statement();
  bool joins =
      statement.name == "lop3.or.b32" || statement.name == "lop3.and.b32";
  if (!joins && statement.name != "lop3.b32")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(joins ? 6 : 5); status.failed())
    return status;
  const std::vector<SourceOperand> &operands = statement.operands;
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeLogic;
  Status status =
      joins ? decoder.addPair(operands[0], Type::Bits32, Type::Predicate)
            : decoder.addResult(operands[0], Type::Bits32);
  if (status.failed())
    return status;
  if (!joins)
    instruction.operands.emplace_back();
  for (size_t i = 1; i < 4; ++i)
    if (status = decoder.addSource(operands[i], Type::Bits32); status.failed())
      return status;
  Result<int64_t> table = decoder.immediate(operands[4], 0, 255);
  if (table.failed())
    return table.error();
  instruction.form = {static_cast<uint32_t>(*table),
                      statement.name == "lop3.or.b32", 0, 0};
  return joins ? decoder.addSource(operands[5], Type::Predicate) : Status();
}
