//===- Convert.cpp - Conversions between types ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Half.h"
#include "Lanewise.h"
#include "Number.h"

#include <algorithm>
#include <limits>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

//===----------------------------------------------------------------------===//
// Common conversions, as functions of the host
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
/// To the nearest, and to even on a tie.
static uint16_t roundBF16(float a) {
  if (a != a)
    return halfNaN;
  uint32_t bits = bitsOf(a);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
static uint16_t roundF16(float a) { return F16::narrow(a); }
static HalfPair packBF16(float high, float low) {
  return HalfPair::of(roundBF16(low), roundBF16(high));
}
static HalfPair packF16(float high, float low) {
  return HalfPair::of(roundF16(low), roundF16(high));
}
static float widenBF16(uint16_t a) { return BF16::widen(a); }
static float widenF16(uint16_t a) { return F16::widen(a); }

/// Only for speed: the general way below knows all of them.
void attn::runtime::emulator::enterConversions(LaneTable &table) {
  enter<convert<uint32_t, uint64_t>>(
      table, {"cvt.u32.u64", "cvt.s32.s64", "cvt.u32.s64", "cvt.s32.u64"});
  enter<convert<uint64_t, uint32_t>>(table, {"cvt.u64.u32", "cvt.s64.u32"});
  enter<convert<int64_t, int32_t>>(table, {"cvt.s64.s32", "cvt.u64.s32"});
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

//===----------------------------------------------------------------------===//
// Any type to any other
//===----------------------------------------------------------------------===//

namespace {
struct ScalarType {
  const char *name;
  int bits;
  bool isSigned = true;
  /// Null for an integer.
  const FloatFormat *format = nullptr;
};
constexpr ScalarType scalarTypes[] = {
    {"u8", 8, false},
    {"u16", 16, false},
    {"u32", 32, false},
    {"u64", 64, false},
    {"s8", 8},
    {"s16", 16},
    {"s32", 32},
    {"s64", 64},
    {"f16", 16, true, &formatF16},
    {"bf16", 16, true, &formatBF16},
    {"f32", 32, true, &formatF32},
    {"f64", 64, true, &formatF64},
    {"tf32", 32, true, &formatTF32},
    {"e4m3", 8, true, &formatE4M3},
    {"e5m2", 8, true, &formatE5M2},
};

enum Flag : uint32_t {
  Flushes = 1,
  Saturates = 2,
  ClampsToZero = 4,
  SaturatesFinite = 8,
  /// The rounding is to a whole number.
  IsWhole = 16,
  HasRounding = 32,
};

/// What form[] holds: the places of the types in the table.
enum Form { From, To, Rounds, Flags };
} // namespace

static int findScalar(const std::string &name) {
  int index = 0;
  for (const ScalarType &type : scalarTypes) {
    if (name == type.name)
      return index;
    ++index;
  }
  return -1;
}

/// The low bits of a register, extended as the type says.
static uint64_t extend(uint64_t bits, const ScalarType &type) {
  int unused = 64 - type.bits;
  uint64_t high = bits << unused;
  return type.isSigned
             ? static_cast<uint64_t>(static_cast<int64_t>(high) >> unused)
             : high >> unused;
}

static bool isSubnormal(const Number &number, const FloatFormat &format) {
  return number.kind == Number::Kind::Finite &&
         number.mantissa >> format.mantissaBits == 0;
}

static uint64_t toInteger(const Number &number, const ScalarType &from,
                          const ScalarType &to, Rounding rounding) {
  // As the PTX manual has it, in two ways.
  if (number.kind == Number::Kind::NaN)
    return from.bits == 64 || to.bits == 64 ? uint64_t(1) << (to.bits - 1) : 0;
  return number.toInteger(to.bits, to.isSigned, rounding);
}

static uint64_t toFloat(Number number, const FloatFormat &format,
                        Rounding rounding, uint32_t flags) {
  if (flags & IsWhole) {
    number = number.whole(rounding);
    rounding = Rounding::Nearest;
  }
  bool isNaN = number.kind == Number::Kind::NaN;
  if ((flags & Saturates) && (isNaN || number.negative))
    number = Number();
  if ((flags & ClampsToZero) && !isNaN && number.negative)
    number = Number();
  uint64_t bits = number.toFloat(format, rounding, flags & SaturatesFinite);
  uint64_t one = Number::fromUnsigned(1).toFloat(format, Rounding::Nearest);
  if (flags & Saturates)
    bits = std::min(bits, one);
  bool flushes = (flags & Flushes) && &format == &formatF32;
  if (flushes && isSubnormal(Number::fromFloat(bits, format), format))
    bits &= ~format.canonicalNaN();
  return bits;
}

static uint64_t convertBits(uint64_t bits, const ScalarType &from,
                            const ScalarType &to, Rounding rounding,
                            uint32_t flags) {
  uint64_t integer = extend(bits, from);
  Number number = from.format ? Number::fromFloat(bits, *from.format)
                  : from.isSigned
                      ? Number::fromSigned(static_cast<int64_t>(integer))
                      : Number::fromUnsigned(integer);
  if (!from.format && !to.format)
    return flags & Saturates
               ? number.toInteger(to.bits, to.isSigned, Rounding::Zero)
               : extend(integer, to);
  bool flushes = (flags & Flushes) && from.format == &formatF32;
  if (flushes && isSubnormal(number, formatF32))
    number.mantissa = 0;
  return to.format ? toFloat(number, *to.format, rounding, flags)
                   : toInteger(number, from, to, rounding);
}

/// The conversion that an instruction asks for, of one number.
static uint64_t convertAs(const Instruction &instruction, uint64_t bits) {
  return convertBits(bits, scalarTypes[instruction.form[From]],
                     scalarTypes[instruction.form[To]],
                     static_cast<Rounding>(instruction.form[Rounds]),
                     instruction.form[Flags]);
}

static Step executeConvert(Block &block, Warp &warp,
                           const Instruction &instruction, uint32_t mask) {
  Operand source = instruction.operands[1];
  block.checkRead(warp, instruction, source, mask);
  Doubles values;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    values[lane] = convertAs(instruction, laneOf(block, warp, source, lane));
  writeLanes(block, warp, instruction, instruction.operands[0], values, mask);
  return Step::Next;
}

/// Two numbers, the first becoming the upper one of the result. What may come
/// after them goes above both.
static Step executePack(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  for (unsigned i = 1; i < operands.size(); ++i)
    block.checkRead(warp, instruction, operands[i], mask);
  int width = scalarTypes[instruction.form[To]].bits;
  uint64_t part = (uint64_t(1) << width) - 1;
  Doubles values;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    auto converted = [&](unsigned i) {
      return convertAs(instruction, laneOf(block, warp, operands[i], lane)) &
             part;
    };
    values[lane] = converted(1) << width | converted(2);
    if (operands.size() == 4)
      values[lane] |= laneOf(block, warp, operands[3], lane) << 2 * width;
  }
  writeLanes(block, warp, instruction, operands[0], values, mask);
  return Step::Next;
}

/// The two numbers in a register.
static Step executeConvertPair(Block &block, Warp &warp,
                               const Instruction &instruction, uint32_t mask) {
  Operand source = instruction.operands[1];
  block.checkRead(warp, instruction, source, mask);
  int from = scalarTypes[instruction.form[From]].bits;
  int to = scalarTypes[instruction.form[To]].bits;
  Doubles values;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    uint64_t bits = laneOf(block, warp, source, lane);
    values[lane] = convertAs(instruction, bits >> from) << to |
                   convertAs(instruction, bits);
  }
  writeLanes(block, warp, instruction, instruction.operands[0], values, mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// Reads the modifiers before the two types. False if one is unknown or comes
/// twice.
static bool parseModifiers(const std::vector<std::string> &parts,
                           Instruction &instruction) {
  static const std::map<std::string, std::pair<Rounding, uint32_t>> modifiers =
      {{"rn", {Rounding::Nearest, HasRounding}},
       {"rz", {Rounding::Zero, HasRounding}},
       {"rm", {Rounding::Down, HasRounding}},
       {"rp", {Rounding::Up, HasRounding}},
       {"rna", {Rounding::NearestAway, HasRounding}},
       {"rni", {Rounding::Nearest, HasRounding | IsWhole}},
       {"rzi", {Rounding::Zero, HasRounding | IsWhole}},
       {"rmi", {Rounding::Down, HasRounding | IsWhole}},
       {"rpi", {Rounding::Up, HasRounding | IsWhole}},
       {"ftz", {Rounding::Nearest, Flushes}},
       {"sat", {Rounding::Nearest, Saturates}},
       {"relu", {Rounding::Nearest, ClampsToZero}},
       {"satfinite", {Rounding::Nearest, SaturatesFinite}}};
  uint32_t &flags = instruction.form[Flags];
  for (size_t i = 1; i + 2 < parts.size(); ++i) {
    auto found = modifiers.find(parts[i]);
    if (found == modifiers.end() || (flags & found->second.second))
      return false;
    flags |= found->second.second;
    if (found->second.second & HasRounding)
      instruction.form[Rounds] = static_cast<uint32_t>(found->second.first);
  }
  return true;
}

/// Whether PTX has the conversion with these modifiers, between single numbers.
static bool isConversion(const ScalarType &from, const ScalarType &to,
                         uint32_t flags, Rounding rounding) {
  auto rounds = flags & (HasRounding | IsWhole);
  bool isNarrow = to.bits == 8 && to.format;
  if (isNarrow || (from.bits == 8 && from.format) || from.format == &formatTF32)
    return false;
  bool relates = (flags & Flushes) == 0 || from.format == &formatF32 ||
                 to.format == &formatF32;
  bool isFromF32 = from.format == &formatF32;
  bool isSmall = isFromF32 && to.format && to.format != &formatF32 &&
                 to.format != &formatF64;
  if (!relates || ((flags & (ClampsToZero | SaturatesFinite)) && !isSmall))
    return false;
  if (to.format == &formatTF32)
    return isFromF32 && rounds == HasRounding && !(flags & Saturates) &&
           rounding != Rounding::Down && rounding != Rounding::Up;
  if (rounding == Rounding::NearestAway)
    return false;
  if (!from.format || !to.format)
    return rounds == (from.format ? HasRounding | IsWhole
                      : to.format ? uint32_t(HasRounding)
                                  : 0);
  if (from.format == to.format)
    return rounds == 0 || rounds == (HasRounding | IsWhole);
  bool isExact = to.format->mantissaBits >= from.format->mantissaBits &&
                 to.format->exponentBits >= from.format->exponentBits;
  return rounds == (isExact ? 0 : uint32_t(HasRounding));
}

static Type registerType(int bits) {
  return bits == 64 ? Type::Bits64 : bits == 32 ? Type::Bits32 : Type::Bits16;
}

static Status decodeSingle(Decoder &decoder) {
  Instruction &instruction = decoder.instruction();
  const ScalarType &from = scalarTypes[instruction.form[From]];
  const ScalarType &to = scalarTypes[instruction.form[To]];
  if (!isConversion(from, to, instruction.form[Flags],
                    static_cast<Rounding>(instruction.form[Rounds])))
    return decoder.unknown();
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  instruction.execute = executeConvert;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status =
          decoder.addResult(operands[0], registerType(to.bits), Width::OrMore);
      status.failed())
    return status;
  return decoder.addSource(operands[1], registerType(from.bits),
                           /*mayNegate=*/false, Width::OrMore);
}

/// `isPair` if the source is one register that holds two numbers.
static Status decodePacked(Decoder &decoder, bool isPair) {
  Instruction &instruction = decoder.instruction();
  if (Status status = decoder.expectOperands(isPair ? 2 : 3); status.failed())
    return status;
  int from = scalarTypes[instruction.form[From]].bits;
  int to = scalarTypes[instruction.form[To]].bits;
  instruction.execute = isPair ? executeConvertPair : executePack;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addResult(operands[0], registerType(2 * to));
      status.failed())
    return status;
  for (size_t i = 1; i < operands.size(); ++i)
    if (Status status = decoder.addSource(
            operands[i], registerType(isPair ? 2 * from : from));
        status.failed())
      return status;
  return {};
}

/// Whether PTX has the conversion with these modifiers, between pairs.
static bool isPackedConversion(const ScalarType &from, const ScalarType &to,
                               bool isPair, uint32_t flags, Rounding rounding) {
  if (!(flags & HasRounding) || (flags & (IsWhole | Saturates | Flushes)))
    return false;
  bool isNearest = rounding == Rounding::Nearest;
  bool toBytes = to.bits == 8;
  if (toBytes)
    return isNearest && (flags & SaturatesFinite) &&
           (isPair ? from.format == &formatF16 : from.format == &formatF32);
  if (isPair)
    return isNearest && from.bits == 8 && to.format == &formatF16 &&
           !(flags & SaturatesFinite);
  return from.format == &formatF32 && (isNearest || rounding == Rounding::Zero);
}

/// cvt.pack.sat.TYPE.s32, with `.b32` at the end for bytes.
static Status decodePack(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  Instruction &instruction = decoder.instruction();
  int to = parts.size() > 4 ? findScalar(parts[3]) : -1;
  if (to < 0 || parts[2] != "sat" || parts[4] != "s32" ||
      scalarTypes[to].format || scalarTypes[to].bits > 16)
    return decoder.unknown();
  bool isBytes = scalarTypes[to].bits == 8;
  if (parts.size() != (isBytes ? 6u : 5u) || (isBytes && parts[5] != "b32"))
    return decoder.unknown();
  if (Status status = decoder.expectOperands(isBytes ? 4 : 3); status.failed())
    return status;
  instruction.execute = executePack;
  instruction.form = {static_cast<uint32_t>(findScalar("s32")),
                      static_cast<uint32_t>(to), 0, Saturates};
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addResult(operands[0], Type::Bits32);
      status.failed())
    return status;
  for (size_t i = 1; i < operands.size(); ++i)
    if (Status status = decoder.addSource(operands[i], Type::Bits32);
        status.failed())
      return status;
  return {};
}

Status attn::runtime::emulator::decodeConvert(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  if (parts.size() > 1 && parts[1] == "pack")
    return decodePack(decoder);
  Instruction &instruction = decoder.instruction();
  if (parts.size() < 3 || !parseModifiers(parts, instruction))
    return decoder.unknown();
  auto isPaired = [](const std::string &type) {
    return type.size() > 2 && type.substr(type.size() - 2) == "x2";
  };
  auto single = [&](const std::string &type) {
    return findScalar(isPaired(type) ? type.substr(0, type.size() - 2) : type);
  };
  const std::string &toName = parts[parts.size() - 2];
  int from = single(parts.back()), to = single(toName);
  if (from < 0 || to < 0)
    return decoder.unknown();
  instruction.form[From] = static_cast<uint32_t>(from);
  instruction.form[To] = static_cast<uint32_t>(to);
  bool isPair = isPaired(parts.back());
  if (!isPair && !isPaired(toName))
    return decodeSingle(decoder);
  if (!isPaired(toName) ||
      !isPackedConversion(scalarTypes[from], scalarTypes[to], isPair,
                          instruction.form[Flags],
                          static_cast<Rounding>(instruction.form[Rounds])))
    return decoder.unknown();
  return decodePacked(decoder, isPair);
}
