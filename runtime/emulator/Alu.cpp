//===- Alu.cpp - Arithmetic on the lanes of a warp ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Lanes.h"

#include "attn/Runtime/Float.h"

#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

template <typename T> static T add(T a, T b) { return a + b; }
template <typename T> static T sub(T a, T b) { return a - b; }
template <typename T> static T mulLow(T a, T b) {
  return static_cast<T>(uint64_t(a) * uint64_t(b));
}
template <typename T> static T madLow(T a, T b, T c) {
  return mulLow(a, b) + c;
}
static uint32_t mulHighU32(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(uint64_t(a) * b >> 32);
}
static int32_t mulHighS32(int32_t a, int32_t b) {
  return static_cast<int32_t>(int64_t(a) * b >> 32);
}
/// The exact product of two numbers of half the width.
template <typename Wide, typename T> static Wide mulWide(T a, T b) {
  return static_cast<Wide>(Wide(a) * Wide(b));
}
template <typename Wide, typename T> static Wide madWide(T a, T b, Wide c) {
  return static_cast<Wide>(uint64_t(mulWide<Wide, T>(a, b)) + uint64_t(c));
}
/// A division by zero gives all ones, as on the hardware.
template <typename T> static T divide(T a, T b) {
  if (b == 0)
    return static_cast<T>(-1);
  if (std::is_signed_v<T> && b == static_cast<T>(-1))
    return static_cast<T>(0 - std::make_unsigned_t<T>(a));
  return a / b;
}
template <typename T> static T remainder(T a, T b) {
  if (b == 0)
    return a;
  if (std::is_signed_v<T> && b == static_cast<T>(-1))
    return 0;
  return a % b;
}
template <typename T> static T least(T a, T b) { return a < b ? a : b; }
template <typename T> static T greatest(T a, T b) { return a > b ? a : b; }
template <typename T> static T negate(T a) { return 0 - a; }
static int32_t absolute(int32_t a) {
  return static_cast<int32_t>(a < 0 ? 0 - uint32_t(a) : uint32_t(a));
}
template <typename T> static T bitAnd(T a, T b) { return a & b; }
template <typename T> static T bitOr(T a, T b) { return a | b; }
template <typename T> static T bitXor(T a, T b) { return a ^ b; }
template <typename T> static T bitNot(T a) { return ~a; }
static bool notPredicate(bool a) { return !a; }
static uint32_t popcount(uint32_t a) { return __builtin_popcount(a); }
static uint32_t leadingZeros(uint32_t a) { return a ? __builtin_clz(a) : 32; }

/// A shift by the width or more shifts everything out.
template <typename T> static T shiftLeft(T a, uint32_t n) {
  return n >= sizeof(T) * 8 ? T(0) : T(a << n);
}
template <typename T> static T shiftRight(T a, uint32_t n) {
  if (n >= sizeof(T) * 8)
    return a < T(0) ? T(-1) : T(0);
  return a >> n;
}
static uint32_t bitField(uint32_t a, uint32_t position, uint32_t length) {
  position &= 255;
  length &= 255;
  uint32_t shifted = shiftRight(a, position);
  return length >= 32 ? shifted : shifted & ((1u << length) - 1);
}
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

template <typename T> static bool equal(T a, T b) { return a == b; }
template <typename T> static bool notEqual(T a, T b) { return a != b; }
template <typename T> static bool less(T a, T b) { return a < b; }
template <typename T> static bool lessEqual(T a, T b) { return a <= b; }
template <typename T> static bool greater(T a, T b) { return a > b; }
template <typename T> static bool greaterEqual(T a, T b) { return a >= b; }
template <typename T> static T select(T a, T b, bool p) { return p ? a : b; }

//===----------------------------------------------------------------------===//
// Floating point
//===----------------------------------------------------------------------===//

static float addF32(float a, float b) { return a + b; }
static float subF32(float a, float b) { return a - b; }
static float mulF32(float a, float b) { return a * b; }
static float divF32(float a, float b) { return a / b; }
static float fmaF32(float a, float b, float c) { return std::fma(a, b, c); }
static float negF32(float a) { return -a; }
static float absF32(float a) { return std::fabs(a); }
/// A NaN loses against a number, and -0 is below +0.
static float maxF32(float a, float b) {
  bool keep = b != b || a > b || (a == b && !std::signbit(a));
  return a == a && keep ? a : b;
}
static float minF32(float a, float b) {
  bool keep = b != b || a < b || (a == b && std::signbit(a));
  return a == a && keep ? a : b;
}
static bool notEqualF32(float a, float b) { return a < b || a > b; }
static bool unorderedEqualF32(float a, float b) { return !(a < b || a > b); }
static bool unorderedNotEqualF32(float a, float b) { return !(a == b); }
static bool unorderedLessF32(float a, float b) { return !(a >= b); }
static bool unorderedLessEqualF32(float a, float b) { return !(a > b); }
static bool unorderedGreaterF32(float a, float b) { return !(a <= b); }
static bool unorderedGreaterEqualF32(float a, float b) { return !(a < b); }
static bool isNanF32(float a, float b) { return a != a || b != b; }
static bool isNumberF32(float a, float b) { return a == a && b == b; }

static float flush(float value) {
  return std::fabs(value) < std::numeric_limits<float>::min()
             ? std::copysign(0.0f, value)
             : value;
}
/// The function with subnormal arguments and results taken for zero.
template <float (*function)(float)> static float flushed(float a) {
  return flush(function(flush(a)));
}
template <float (*function)(float, float)>
static float flushed(float a, float b) {
  return flush(function(flush(a), flush(b)));
}
template <float (*function)(float, float, float)>
static float flushed(float a, float b, float c) {
  return flush(function(flush(a), flush(b), flush(c)));
}
static float exp2F32(float a) { return std::exp2(a); }
static float log2F32(float a) { return std::log2(a); }
static float reciprocalF32(float a) { return divF32(1, a); }
static float rootF32(float a) { return std::sqrt(a); }
static float reciprocalRootF32(float a) { return divF32(1, std::sqrt(a)); }
static float tanhF32(float a) { return std::tanh(a); }

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

template <typename To, typename From> static To convert(From a) {
  return static_cast<To>(a);
}
/// Towards zero; what does not fit becomes the nearest that does, and NaN zero.
template <typename To> static To truncateF32(float a) {
  if (a != a)
    return 0;
  if (a <= static_cast<float>(std::numeric_limits<To>::min()))
    return std::numeric_limits<To>::min();
  if (a >= static_cast<float>(std::numeric_limits<To>::max()))
    return std::numeric_limits<To>::max();
  return static_cast<To>(a);
}
/// To the nearest, and to even on a tie; a NaN becomes the canonical one.
static uint16_t roundBF16(float a) {
  if (a != a)
    return 0x7FFF;
  uint32_t bits = bitsOf(a);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
static uint16_t roundF16(float a) { return a != a ? 0x7FFF : toF16(a); }
static uint32_t packBF16(float high, float low) {
  return uint32_t(roundBF16(high)) << 16 | roundBF16(low);
}
static uint32_t packF16(float high, float low) {
  return uint32_t(roundF16(high)) << 16 | roundF16(low);
}
static float widenBF16(uint16_t a) { return static_cast<float>(fromBF16(a)); }
static float widenF16(uint16_t a) { return static_cast<float>(fromF16(a)); }

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

namespace {
template <typename T> constexpr Type typeOf() {
  if constexpr (std::is_same_v<T, bool>)
    return Type::Predicate;
  else if constexpr (std::is_same_v<T, float>)
    return Type::Float32;
  else if constexpr (std::is_same_v<T, double>)
    return Type::Float64;
  else if constexpr (sizeof(T) == 2)
    return Type::Bits16;
  else
    return sizeof(T) == 4 ? Type::Bits32 : Type::Bits64;
}

/// An instruction that computes each lane from the same lane of its operands.
struct LaneForm {
  Execute execute;
  std::vector<Type> types;
};

template <auto function> struct Lanewise;
template <typename R, typename... S, R (*function)(S...)>
struct Lanewise<function> {
  static LaneForm form() { return {execute, {typeOf<R>(), typeOf<S>()...}}; }

  static Step execute(Block &block, Warp &warp, const Instruction &instruction,
                      uint32_t mask) {
    return apply(block, warp, instruction, mask,
                 std::index_sequence_for<S...>());
  }

private:
  template <size_t... i>
  static Step apply(Block &block, Warp &warp, const Instruction &instruction,
                    uint32_t mask, std::index_sequence<i...>) {
    const std::vector<Operand> &operands = instruction.operands;
    (block.checkRead(warp, instruction, operands[i + 1], mask), ...);
    std::tuple<Source<S>...> sources(
        Source<S>(block, warp, operands[i + 1])...);
    if constexpr (std::is_same_v<R, bool>) {
      uint32_t values = 0;
      for (unsigned lane = 0; lane < warpSize; ++lane)
        values |= uint32_t(function(std::get<i>(sources)[lane]...)) << lane;
      writePredicate(block, warp, instruction, operands[0], values, mask);
    } else if constexpr (sizeof(R) == 8) {
      Doubles values;
      for (unsigned lane = 0; lane < warpSize; ++lane)
        values[lane] = bitsOf(function(std::get<i>(sources)[lane]...));
      writeDoubles(block, warp, instruction, operands[0], values, mask);
    } else {
      Words values;
      for (unsigned lane = 0; lane < warpSize; ++lane)
        values[lane] = bitsOf(function(std::get<i>(sources)[lane]...));
      writeWords(block, warp, instruction, operands[0], values, mask);
    }
    return Step::Next;
  }
};

using Table = std::map<std::string, LaneForm>;
} // namespace

template <auto function>
static void enter(Table &table, std::initializer_list<const char *> names) {
  for (const char *name : names)
    table[name] = Lanewise<function>::form();
}

static void enterIntegers(Table &table) {
  enter<add<uint16_t>>(table, {"add.u16", "add.s16"});
  enter<add<uint32_t>>(table, {"add.u32", "add.s32"});
  enter<add<uint64_t>>(table, {"add.u64", "add.s64"});
  enter<sub<uint32_t>>(table, {"sub.u32", "sub.s32"});
  enter<sub<uint64_t>>(table, {"sub.u64", "sub.s64"});
  enter<mulLow<uint32_t>>(table, {"mul.lo.u32", "mul.lo.s32"});
  enter<mulLow<uint64_t>>(table, {"mul.lo.u64", "mul.lo.s64"});
  enter<madLow<uint32_t>>(table, {"mad.lo.u32", "mad.lo.s32"});
  enter<madLow<uint64_t>>(table, {"mad.lo.u64", "mad.lo.s64"});
  enter<mulHighU32>(table, {"mul.hi.u32"});
  enter<mulHighS32>(table, {"mul.hi.s32"});
  enter<mulWide<uint32_t, uint16_t>>(table, {"mul.wide.u16"});
  enter<mulWide<uint64_t, uint32_t>>(table, {"mul.wide.u32"});
  enter<mulWide<int64_t, int32_t>>(table, {"mul.wide.s32"});
  enter<madWide<uint64_t, uint32_t>>(table, {"mad.wide.u32"});
  enter<madWide<int64_t, int32_t>>(table, {"mad.wide.s32"});
  enter<divide<uint32_t>>(table, {"div.u32"});
  enter<divide<int32_t>>(table, {"div.s32"});
  enter<divide<uint64_t>>(table, {"div.u64"});
  enter<divide<int64_t>>(table, {"div.s64"});
  enter<remainder<uint32_t>>(table, {"rem.u32"});
  enter<remainder<int32_t>>(table, {"rem.s32"});
  enter<least<uint32_t>>(table, {"min.u32"});
  enter<least<int32_t>>(table, {"min.s32"});
  enter<least<int64_t>>(table, {"min.s64"});
  enter<greatest<uint32_t>>(table, {"max.u32"});
  enter<greatest<int32_t>>(table, {"max.s32"});
  enter<greatest<int64_t>>(table, {"max.s64"});
  enter<negate<uint32_t>>(table, {"neg.s32"});
  enter<negate<uint64_t>>(table, {"neg.s64"});
  enter<absolute>(table, {"abs.s32"});
}

static void enterBits(Table &table) {
  enter<bitAnd<bool>>(table, {"and.pred"});
  enter<bitAnd<uint16_t>>(table, {"and.b16"});
  enter<bitAnd<uint32_t>>(table, {"and.b32"});
  enter<bitAnd<uint64_t>>(table, {"and.b64"});
  enter<bitOr<bool>>(table, {"or.pred"});
  enter<bitOr<uint32_t>>(table, {"or.b32"});
  enter<bitOr<uint64_t>>(table, {"or.b64"});
  enter<bitXor<bool>>(table, {"xor.pred"});
  enter<bitXor<uint32_t>>(table, {"xor.b32"});
  enter<bitXor<uint64_t>>(table, {"xor.b64"});
  enter<notPredicate>(table, {"not.pred"});
  enter<bitNot<uint32_t>>(table, {"not.b32"});
  enter<bitNot<uint64_t>>(table, {"not.b64"});
  enter<shiftLeft<uint32_t>>(table, {"shl.b32"});
  enter<shiftLeft<uint64_t>>(table, {"shl.b64"});
  enter<shiftRight<uint32_t>>(table, {"shr.u32", "shr.b32"});
  enter<shiftRight<int32_t>>(table, {"shr.s32"});
  enter<shiftRight<uint64_t>>(table, {"shr.u64", "shr.b64"});
  enter<shiftRight<int64_t>>(table, {"shr.s64"});
  enter<bitField>(table, {"bfe.u32"});
  enter<permute>(table, {"prmt.b32"});
  enter<popcount>(table, {"popc.b32"});
  enter<leadingZeros>(table, {"clz.b32"});
  enter<select<uint32_t>>(table, {"selp.b32", "selp.u32", "selp.s32"});
  enter<select<uint64_t>>(table, {"selp.b64", "selp.u64", "selp.s64"});
  enter<select<float>>(table, {"selp.f32"});
}

static void enterComparisons(Table &table) {
  enter<equal<uint32_t>>(table, {"setp.eq.b32", "setp.eq.u32", "setp.eq.s32"});
  enter<notEqual<uint32_t>>(table,
                            {"setp.ne.b32", "setp.ne.u32", "setp.ne.s32"});
  enter<equal<uint64_t>>(table, {"setp.eq.b64", "setp.eq.u64", "setp.eq.s64"});
  enter<notEqual<uint64_t>>(table,
                            {"setp.ne.b64", "setp.ne.u64", "setp.ne.s64"});
  enter<less<int32_t>>(table, {"setp.lt.s32"});
  enter<lessEqual<int32_t>>(table, {"setp.le.s32"});
  enter<greater<int32_t>>(table, {"setp.gt.s32"});
  enter<greaterEqual<int32_t>>(table, {"setp.ge.s32"});
  enter<less<uint32_t>>(table, {"setp.lt.u32", "setp.lo.u32"});
  enter<lessEqual<uint32_t>>(table, {"setp.le.u32", "setp.ls.u32"});
  enter<greater<uint32_t>>(table, {"setp.gt.u32", "setp.hi.u32"});
  enter<greaterEqual<uint32_t>>(table, {"setp.ge.u32", "setp.hs.u32"});
  enter<less<int64_t>>(table, {"setp.lt.s64"});
  enter<lessEqual<int64_t>>(table, {"setp.le.s64"});
  enter<greater<int64_t>>(table, {"setp.gt.s64"});
  enter<greaterEqual<int64_t>>(table, {"setp.ge.s64"});
  enter<less<uint64_t>>(table, {"setp.lt.u64"});
  enter<greaterEqual<uint64_t>>(table, {"setp.ge.u64"});
  enter<equal<float>>(table, {"setp.eq.f32"});
  enter<notEqualF32>(table, {"setp.ne.f32"});
  enter<less<float>>(table, {"setp.lt.f32"});
  enter<lessEqual<float>>(table, {"setp.le.f32"});
  enter<greater<float>>(table, {"setp.gt.f32"});
  enter<greaterEqual<float>>(table, {"setp.ge.f32"});
  enter<unorderedEqualF32>(table, {"setp.equ.f32"});
  enter<unorderedNotEqualF32>(table, {"setp.neu.f32"});
  enter<unorderedLessF32>(table, {"setp.ltu.f32"});
  enter<unorderedLessEqualF32>(table, {"setp.leu.f32"});
  enter<unorderedGreaterF32>(table, {"setp.gtu.f32"});
  enter<unorderedGreaterEqualF32>(table, {"setp.geu.f32"});
  enter<isNanF32>(table, {"setp.nan.f32"});
  enter<isNumberF32>(table, {"setp.num.f32"});
}

static void enterFloats(Table &table) {
  enter<addF32>(table, {"add.f32", "add.rn.f32"});
  enter<subF32>(table, {"sub.f32", "sub.rn.f32"});
  enter<mulF32>(table, {"mul.f32", "mul.rn.f32"});
  enter<fmaF32>(table, {"fma.rn.f32"});
  enter<divF32>(table, {"div.rn.f32"});
  enter<flushed<addF32>>(table, {"add.ftz.f32", "add.rn.ftz.f32"});
  enter<flushed<subF32>>(table, {"sub.ftz.f32", "sub.rn.ftz.f32"});
  enter<flushed<mulF32>>(table, {"mul.ftz.f32", "mul.rn.ftz.f32"});
  enter<flushed<fmaF32>>(table, {"fma.rn.ftz.f32"});
  enter<negF32>(table, {"neg.f32"});
  enter<flushed<negF32>>(table, {"neg.ftz.f32"});
  enter<absF32>(table, {"abs.f32"});
  enter<flushed<absF32>>(table, {"abs.ftz.f32"});
  enter<maxF32>(table, {"max.f32"});
  enter<minF32>(table, {"min.f32"});
  enter<flushed<maxF32>>(table, {"max.ftz.f32"});
  enter<flushed<minF32>>(table, {"min.ftz.f32"});
  enter<exp2F32>(table, {"ex2.approx.f32"});
  enter<flushed<exp2F32>>(table, {"ex2.approx.ftz.f32"});
  enter<log2F32>(table, {"lg2.approx.f32"});
  enter<flushed<log2F32>>(table, {"lg2.approx.ftz.f32"});
  enter<reciprocalF32>(table, {"rcp.approx.f32", "rcp.rn.f32"});
  enter<flushed<reciprocalF32>>(table, {"rcp.approx.ftz.f32"});
  enter<rootF32>(table, {"sqrt.approx.f32", "sqrt.rn.f32"});
  enter<flushed<rootF32>>(table, {"sqrt.approx.ftz.f32"});
  enter<reciprocalRootF32>(table, {"rsqrt.approx.f32"});
  enter<flushed<reciprocalRootF32>>(table, {"rsqrt.approx.ftz.f32"});
  enter<tanhF32>(table, {"tanh.approx.f32"});
}

static void enterConversions(Table &table) {
  enter<convert<uint32_t, uint64_t>>(
      table, {"cvt.u32.u64", "cvt.s32.s64", "cvt.u32.s64", "cvt.s32.u64"});
  enter<convert<uint64_t, uint32_t>>(table, {"cvt.u64.u32", "cvt.s64.u32"});
  enter<convert<int64_t, int32_t>>(table, {"cvt.s64.s32", "cvt.u64.s32"});
  enter<convert<uint16_t, uint32_t>>(table, {"cvt.u16.u32", "cvt.s16.s32"});
  enter<convert<uint32_t, uint16_t>>(table, {"cvt.u32.u16"});
  enter<convert<int32_t, int16_t>>(table, {"cvt.s32.s16"});
  enter<convert<float, int32_t>>(table, {"cvt.rn.f32.s32"});
  enter<convert<float, uint32_t>>(table, {"cvt.rn.f32.u32"});
  enter<truncateF32<int32_t>>(table, {"cvt.rzi.s32.f32"});
  enter<truncateF32<uint32_t>>(table, {"cvt.rzi.u32.f32"});
  enter<roundBF16>(table, {"cvt.rn.bf16.f32"});
  enter<roundF16>(table, {"cvt.rn.f16.f32"});
  enter<packBF16>(table, {"cvt.rn.bf16x2.f32"});
  enter<packF16>(table, {"cvt.rn.f16x2.f32"});
  enter<widenBF16>(table, {"cvt.f32.bf16"});
  enter<widenF16>(table, {"cvt.f32.f16"});
}

static Table makeTable() {
  Table table;
  enterIntegers(table);
  enterBits(table);
  enterComparisons(table);
  enterFloats(table);
  enterConversions(table);
  return table;
}

Status attn::runtime::emulator::decodeAlu(Decoder &decoder) {
  static const Table table = makeTable();
  const Statement &statement = decoder.statement();
  auto found = table.find(statement.name);
  if (found == table.end())
    return decoder.unknown();
  const LaneForm &form = found->second;
  if (Status status = decoder.expectOperands(form.types.size());
      status.failed())
    return status;
  decoder.instruction().execute = form.execute;
  if (Status status = decoder.addResult(statement.operands[0], form.types[0]);
      status.failed())
    return status;
  for (size_t i = 1; i < form.types.size(); ++i)
    if (Status status = decoder.addSource(statement.operands[i], form.types[i]);
        status.failed())
      return status;
  return {};
}
