//===- Compare.cpp - Comparisons ------------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Half.h"
#include "Lanewise.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

//===----------------------------------------------------------------------===//
// The comparisons
//===----------------------------------------------------------------------===//

namespace {
enum class Relation {
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  // The rest is for floating point: these hold when an operand is a NaN.
  UnorderedEqual,
  UnorderedNotEqual,
  UnorderedLess,
  UnorderedLessEqual,
  UnorderedGreater,
  UnorderedGreaterEqual,
  IsNumber,
  IsNaN,
};

/// The lanes for which two operands compare as asked for.
using Compare = uint32_t (*)(Block &, Warp &, Operand, Operand);
} // namespace

template <Relation relation, typename T> static bool holds(T a, T b) {
  switch (relation) {
  case Relation::Equal:
    return a == b;
  case Relation::NotEqual:
    // Not so for a NaN.
    return a < b || a > b;
  case Relation::Less:
    return a < b;
  case Relation::LessEqual:
    return a <= b;
  case Relation::Greater:
    return a > b;
  case Relation::GreaterEqual:
    return a >= b;
  case Relation::UnorderedEqual:
    return !(a < b || a > b);
  case Relation::UnorderedNotEqual:
    return !(a == b);
  case Relation::UnorderedLess:
    return !(a >= b);
  case Relation::UnorderedLessEqual:
    return !(a > b);
  case Relation::UnorderedGreater:
    return !(a <= b);
  case Relation::UnorderedGreaterEqual:
    return !(a < b);
  case Relation::IsNumber:
    return a == a && b == b;
  case Relation::IsNaN:
    break;
  }
  return a != a || b != b;
}

/// How a type is compared: as what values, of which part of the register.
template <typename T> struct Plain {
  using Register = T;
  static T value(T a) { return a; }
};
struct FlushedSingle {
  using Register = float;
  static float value(float a) {
    return std::fabs(a) < std::numeric_limits<float>::min() ? 0 : a;
  }
};
template <typename H, bool flushes, typename T, unsigned shift = 0>
struct HalfOf {
  using Register = T;
  static float value(T a) {
    float value = H::widen(static_cast<uint16_t>(a >> shift));
    return flushes ? flushHalf<H>(value) : value;
  }
};

template <Relation relation, typename How>
static uint32_t compareLanes(Block &block, Warp &warp, Operand first,
                             Operand second) {
  Source<typename How::Register> a(block, warp, first), b(block, warp, second);
  uint32_t result = 0;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    result |=
        uint32_t(holds<relation>(How::value(a[lane]), How::value(b[lane])))
        << lane;
  return result;
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

namespace {
/// A comparison of a type; of two numbers in a register, of both.
struct Comparison {
  Compare low = nullptr, high = nullptr;
  Type type = Type::Bits32;
};

/// The comparisons by what follows `setp.` without a boolean operation.
class Comparisons {
public:
  Comparisons();
  /// The number of a comparison, or -1.
  int find(const std::string &name) const {
    auto found = numbers.find(name);
    return found == numbers.end() ? -1 : found->second;
  }
  const Comparison &operator[](uint32_t number) const { return all[number]; }

private:
  template <Relation relation, typename Low, typename High = Low>
  void add(const std::string &name, const std::string &type);
  template <typename T> void addEquality(const std::string &type);
  template <typename T> void addOrder(const std::string &type);
  template <typename T> void addUnsigned(const std::string &type);
  template <typename Low, typename High = Low>
  void addFloat(const std::string &type);

  std::map<std::string, int> numbers;
  std::vector<Comparison> all;
};

const Comparisons &comparisons() {
  static const Comparisons table;
  return table;
}
} // namespace

template <Relation relation, typename Low, typename High>
void Comparisons::add(const std::string &name, const std::string &type) {
  numbers[name + "." + type] = static_cast<int>(all.size());
  Comparison comparison;
  comparison.low = compareLanes<relation, Low>;
  if (!std::is_same_v<Low, High>)
    comparison.high = compareLanes<relation, High>;
  comparison.type = typeOf<typename Low::Register>();
  all.push_back(comparison);
}

template <typename T> void Comparisons::addEquality(const std::string &type) {
  add<Relation::Equal, Plain<T>>("eq", type);
  add<Relation::NotEqual, Plain<T>>("ne", type);
}

template <typename T> void Comparisons::addOrder(const std::string &type) {
  addEquality<T>(type);
  add<Relation::Less, Plain<T>>("lt", type);
  add<Relation::LessEqual, Plain<T>>("le", type);
  add<Relation::Greater, Plain<T>>("gt", type);
  add<Relation::GreaterEqual, Plain<T>>("ge", type);
}

template <typename T> void Comparisons::addUnsigned(const std::string &type) {
  addOrder<T>(type);
  add<Relation::Less, Plain<T>>("lo", type);
  add<Relation::LessEqual, Plain<T>>("ls", type);
  add<Relation::Greater, Plain<T>>("hi", type);
  add<Relation::GreaterEqual, Plain<T>>("hs", type);
}

template <typename Low, typename High>
void Comparisons::addFloat(const std::string &type) {
  add<Relation::Equal, Low, High>("eq", type);
  add<Relation::NotEqual, Low, High>("ne", type);
  add<Relation::Less, Low, High>("lt", type);
  add<Relation::LessEqual, Low, High>("le", type);
  add<Relation::Greater, Low, High>("gt", type);
  add<Relation::GreaterEqual, Low, High>("ge", type);
  add<Relation::UnorderedEqual, Low, High>("equ", type);
  add<Relation::UnorderedNotEqual, Low, High>("neu", type);
  add<Relation::UnorderedLess, Low, High>("ltu", type);
  add<Relation::UnorderedLessEqual, Low, High>("leu", type);
  add<Relation::UnorderedGreater, Low, High>("gtu", type);
  add<Relation::UnorderedGreaterEqual, Low, High>("geu", type);
  add<Relation::IsNumber, Low, High>("num", type);
  add<Relation::IsNaN, Low, High>("nan", type);
}

Comparisons::Comparisons() {
  addEquality<uint16_t>("b16");
  addEquality<uint32_t>("b32");
  addEquality<uint64_t>("b64");
  addOrder<int16_t>("s16");
  addOrder<int32_t>("s32");
  addOrder<int64_t>("s64");
  addUnsigned<uint16_t>("u16");
  addUnsigned<uint32_t>("u32");
  addUnsigned<uint64_t>("u64");
  addFloat<Plain<float>>("f32");
  addFloat<FlushedSingle>("ftz.f32");
  addFloat<Plain<double>>("f64");
  addFloat<HalfOf<F16, false, uint16_t>>("f16");
  addFloat<HalfOf<F16, true, uint16_t>>("ftz.f16");
  addFloat<HalfOf<BF16, false, uint16_t>>("bf16");
  using Pair = uint32_t;
  addFloat<HalfOf<F16, false, Pair>, HalfOf<F16, false, Pair, 16>>("f16x2");
  addFloat<HalfOf<F16, true, Pair>, HalfOf<F16, true, Pair, 16>>("ftz.f16x2");
  addFloat<HalfOf<BF16, false, Pair>, HalfOf<BF16, false, Pair, 16>>("bf16x2");
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

namespace {
enum class Boolean : uint32_t { None, And, Or, Xor };

/// What form[] holds. `Given` is what `set` gives where the comparison holds.
enum Form { Which, Joins, NegatesJoined, Given };
} // namespace

static uint32_t join(Boolean operation, uint32_t a, uint32_t b) {
  switch (operation) {
  case Boolean::And:
    return a & b;
  case Boolean::Or:
    return a | b;
  case Boolean::Xor:
    return a ^ b;
  case Boolean::None:
    break;
  }
  return a;
}

/// The results of a comparison of operands[first] and the next, joined with the
/// predicate that may come after them: as it is (or of the lower half), and its
/// opposite (or that of the upper half).
static std::pair<uint32_t, uint32_t> compare(Block &block, Warp &warp,
                                             const Instruction &instruction,
                                             unsigned first, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  for (unsigned i = first; i < operands.size(); ++i)
    block.checkRead(warp, instruction, operands[i], mask);
  const Comparison &comparison = comparisons()[instruction.form[Which]];
  Operand a = operands[first], b = operands[first + 1];
  uint32_t low = comparison.low(block, warp, a, b);
  uint32_t high = comparison.high ? comparison.high(block, warp, a, b) : ~low;
  auto operation = static_cast<Boolean>(instruction.form[Joins]);
  if (operation == Boolean::None)
    return {low, high};
  uint32_t other = predicateOf(block, warp, operands[first + 2]);
  if (instruction.form[NegatesJoined])
    other = ~other;
  return {join(operation, low, other), join(operation, high, other)};
}

static Step executeSetp(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  auto [low, high] = compare(block, warp, instruction, 2, mask);
  const std::vector<Operand> &operands = instruction.operands;
  writePredicate(block, warp, instruction, operands[0], low, mask);
  writePredicate(block, warp, instruction, operands[1], high, mask);
  return Step::Next;
}

static Step executeSet(Block &block, Warp &warp, const Instruction &instruction,
                       uint32_t mask) {
  auto [low, high] = compare(block, warp, instruction, 1, mask);
  uint32_t given = instruction.form[Given];
  bool isPair = comparisons()[instruction.form[Which]].high != nullptr;
  Words values;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    values[lane] = low >> lane & 1 ? given : 0;
    if (isPair)
      values[lane] =
          (values[lane] & 0xFFFF) | (high >> lane & 1 ? given & 0xFFFF0000 : 0);
  }
  writeWords(block, warp, instruction, instruction.operands[0], values, mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// Takes the comparison and the boolean operation out of the name from part
/// `first` on; `skipped` is the part in between that `set` has.
static bool parseComparison(const std::vector<std::string> &parts,
                            size_t skipped, Instruction &instruction) {
  static const std::map<std::string, Boolean> booleans = {
      {"and", Boolean::And}, {"or", Boolean::Or}, {"xor", Boolean::Xor}};
  if (parts.size() < 3)
    return false;
  std::string name = parts[1];
  for (size_t i = 2; i < parts.size(); ++i) {
    auto boolean = booleans.find(parts[i]);
    if (i == 2 && boolean != booleans.end())
      instruction.form[Joins] = static_cast<uint32_t>(boolean->second);
    else if (i != skipped)
      name += "." + parts[i];
  }
  int which = comparisons().find(name);
  instruction.form[Which] = static_cast<uint32_t>(which);
  return which >= 0;
}

/// The operands after the result.
static Status addCompared(Decoder &decoder) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  Instruction &instruction = decoder.instruction();
  Type type = comparisons()[instruction.form[Which]].type;
  for (size_t i = 1; i < 3; ++i)
    if (Status status = decoder.addSource(operands[i], type); status.failed())
      return status;
  if (operands.size() < 4)
    return {};
  instruction.form[NegatesJoined] = operands[3].negated;
  return decoder.addSource(operands[3], Type::Predicate,
                           /*mayNegate=*/true);
}

static Status decodeSetp(Decoder &decoder) {
  Instruction &instruction = decoder.instruction();
  if (!parseComparison(decoder.parts(), /*skipped=*/0, instruction))
    return decoder.unknown();
  bool joins = instruction.form[Joins];
  if (Status status = decoder.expectOperands(joins ? 4 : 3); status.failed())
    return status;
  instruction.execute = executeSetp;
  if (Status status =
          decoder.addPair(decoder.statement().operands[0], Type::Predicate,
                          Type::Predicate, /*isOptional=*/true);
      status.failed())
    return status;
  return addCompared(decoder);
}

static Status decodeSet(Decoder &decoder) {
  /// What is given for numbers of 32 bits and for those of 16 or pairs.
  struct True {
    uint32_t single, half, pair;
  };
  static const std::map<std::string, True> types = {
      {"u32", {~0u, ~0u, ~0u}},
      {"s32", {~0u, ~0u, ~0u}},
      {"f32", {0x3F800000, 0x3F800000, 0}},
      {"u16", {0, 0xFFFF, 0}},
      {"s16", {0, 0xFFFF, 0}},
      {"f16", {0, 0x3C00, 0}},
      {"bf16", {0, 0x3F80, 0}},
      {"f16x2", {0, 0, 0x3C003C00}},
      {"bf16x2", {0, 0, 0x3F803F80}}};
  const std::vector<std::string> &parts = decoder.parts();
  Instruction &instruction = decoder.instruction();
  size_t place = parts.size() - 2;
  auto type = types.find(parts.size() > 3 ? parts[place] : "");
  if (type == types.end() || !parseComparison(parts, place, instruction))
    return decoder.unknown();
  const Comparison &comparison = comparisons()[instruction.form[Which]];
  instruction.form[Given] = comparison.high ? type->second.pair
                            : comparison.type == Type::Bits16
                                ? type->second.half
                                : type->second.single;
  if (!instruction.form[Given])
    return decoder.unknown();
  if (Status status = decoder.expectOperands(instruction.form[Joins] ? 4 : 3);
      status.failed())
    return status;
  instruction.execute = executeSet;
  bool isHalf = parts[place].substr(parts[place].size() - 2) == "16";
  if (Status status = decoder.addResult(decoder.statement().operands[0],
                                        isHalf ? Type::Bits16 : Type::Bits32);
      status.failed())
    return status;
  return addCompared(decoder);
}

Status attn::runtime::emulator::decodeCompare(Decoder &decoder) {
  return decoder.parts()[0] == "setp" ? decodeSetp(decoder)
                                      : decodeSet(decoder);
}
