//===- Integer.cpp - Arithmetic of integers -------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanewise.h"

#include <algorithm>
#include <limits>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
template <typename T> struct Twice;
template <> struct Twice<uint16_t> {
  using type = uint32_t;
};
template <> struct Twice<int16_t> {
  using type = int32_t;
};
template <> struct Twice<uint32_t> {
  using type = uint64_t;
};
template <> struct Twice<int32_t> {
  using type = int64_t;
};
template <> struct Twice<uint64_t> {
  using type = unsigned __int128;
};
template <> struct Twice<int64_t> {
  using type = __int128;
};
/// An integer that holds every product of two numbers of a type.
template <typename T> using Wide = typename Twice<T>::type;
} // namespace

template <typename T> static T add(T a, T b) {
  return static_cast<T>(uint64_t(a) + uint64_t(b));
}
template <typename T> static T sub(T a, T b) {
  return static_cast<T>(uint64_t(a) - uint64_t(b));
}
template <typename T> static T mulLow(T a, T b) {
  return static_cast<T>(uint64_t(a) * uint64_t(b));
}
template <typename T> static T mulHigh(T a, T b) {
  return static_cast<T>(Wide<T>(a) * Wide<T>(b) >> 8 * sizeof(T));
}
template <typename T> static Wide<T> mulWide(T a, T b) {
  return Wide<T>(a) * Wide<T>(b);
}
template <typename T> static T madLow(T a, T b, T c) {
  return add(mulLow(a, b), c);
}
template <typename T> static T madHigh(T a, T b, T c) {
  return add(mulHigh(a, b), c);
}
template <typename T> static Wide<T> madWide(T a, T b, Wide<T> c) {
  return add(mulWide(a, b), c);
}

static int32_t clampS32(int64_t value) {
  return static_cast<int32_t>(
      std::min<int64_t>(std::max<int64_t>(value, INT32_MIN), INT32_MAX));
}
static int32_t addSaturated(int32_t a, int32_t b) {
  return clampS32(int64_t(a) + b);
}
static int32_t subSaturated(int32_t a, int32_t b) {
  return clampS32(int64_t(a) - b);
}
static int32_t madHighSaturated(int32_t a, int32_t b, int32_t c) {
  return clampS32(int64_t(mulHigh(a, b)) + c);
}

/// The product of the low 24 bits, 48 bits wide.
static uint64_t product24(uint32_t a, uint32_t b) {
  return uint64_t(a & 0xFFFFFF) * (b & 0xFFFFFF);
}
static int64_t product24(int32_t a, int32_t b) {
  auto low = [](int32_t value) {
    return static_cast<int32_t>(static_cast<uint32_t>(value) << 8) >> 8;
  };
  return int64_t(low(a)) * low(b);
}
template <typename T> static T mul24Low(T a, T b) {
  return static_cast<T>(product24(a, b));
}
template <typename T> static T mul24High(T a, T b) {
  return static_cast<T>(product24(a, b) >> 16);
}
template <typename T> static T mad24Low(T a, T b, T c) {
  return add(mul24Low(a, b), c);
}
template <typename T> static T mad24High(T a, T b, T c) {
  return add(mul24High(a, b), c);
}
static int32_t mad24Saturated(int32_t a, int32_t b, int32_t c) {
  return clampS32(int64_t(mul24High(a, b)) + c);
}

/// A division by zero gives an unspecified value, here that of an H200.
template <typename T> static T divide(T a, T b) {
  if (b == 0)
    return static_cast<T>(-1);
  if (std::is_signed_v<T> && b == static_cast<T>(-1))
    return static_cast<T>(0 - uint64_t(a));
  return a / b;
}
template <typename T> static T remainder(T a, T b) {
  if (b == 0)
    return static_cast<T>(-1);
  if (std::is_signed_v<T> && b == static_cast<T>(-1))
    return 0;
  return a % b;
}
template <typename T, auto function>
static Step executeDivision(Block &block, Warp &warp,
                            const Instruction &instruction, uint32_t mask) {
  Source<T> divisors(block, warp, instruction.operands[2]);
  for (unsigned lane = 0; block.grid.checked && lane < warpSize; ++lane)
    if ((mask >> lane & 1) && divisors[lane] == 0) {
      block.report(HazardKind::Unspecified, warp, instruction,
                   static_cast<int>(lane), "divides by zero");
      break;
    }
  return Lanewise<function>::execute(block, warp, instruction, mask);
}
template <typename T> static T least(T a, T b) { return a < b ? a : b; }
template <typename T> static T greatest(T a, T b) { return a > b ? a : b; }
static int32_t leastOrZero(int32_t a, int32_t b) {
  return std::max(std::min(a, b), 0);
}
static int32_t greatestOrZero(int32_t a, int32_t b) {
  return std::max(std::max(a, b), 0);
}
template <typename T> static T negate(T a) {
  return static_cast<T>(0 - uint64_t(a));
}
template <typename T> static T absolute(T a) { return a < 0 ? negate(a) : a; }
template <typename T> static T sumOfDifference(T a, T b, T c) {
  return add(c, a < b ? sub(b, a) : sub(a, b));
}

//===----------------------------------------------------------------------===//
// Dot products of bytes
//===----------------------------------------------------------------------===//

/// Element `i` of those of type `T` that a word holds.
template <typename T> static int64_t elementOf(uint32_t word, unsigned i) {
  return static_cast<T>(word >> 8 * sizeof(T) * i);
}
template <typename A, typename B>
static uint32_t dot4(uint32_t a, uint32_t b, uint32_t c) {
  int64_t sum = 0;
  for (unsigned i = 0; i < 4; ++i)
    sum += elementOf<A>(a, i) * elementOf<B>(b, i);
  return c + static_cast<uint32_t>(sum);
}
/// Two halves of `a` by two bytes of `b`, from byte `first` on.
template <typename A, typename B, unsigned first>
static uint32_t dot2(uint32_t a, uint32_t b, uint32_t c) {
  int64_t sum = 0;
  for (unsigned i = 0; i < 2; ++i)
    sum += elementOf<A>(a, i) * elementOf<B>(b, first + i);
  return c + static_cast<uint32_t>(sum);
}

//===----------------------------------------------------------------------===//
// Two halves of a word
//===----------------------------------------------------------------------===//

template <typename T, T (*function)(T, T)>
static uint32_t paired(uint32_t a, uint32_t b) {
  auto half = [&](unsigned shift) {
    return uint32_t(static_cast<uint16_t>(function(static_cast<T>(a >> shift),
                                                   static_cast<T>(b >> shift))))
           << shift;
  };
  return half(16) | half(0);
}
template <int16_t (*function)(int16_t, int16_t)>
static int16_t orZero(int16_t a, int16_t b) {
  return std::max<int16_t>(function(a, b), 0);
}

void attn::runtime::emulator::enterPacked(LaneTable &table) {
  using U = uint16_t;
  using S = int16_t;
  enter<paired<U, add<U>>>(table, {"add.u16x2", "add.s16x2"});
  enter<paired<U, least<U>>>(table, {"min.u16x2"});
  enter<paired<S, least<S>>>(table, {"min.s16x2"});
  enter<paired<U, greatest<U>>>(table, {"max.u16x2"});
  enter<paired<S, greatest<S>>>(table, {"max.s16x2"});
  enter<paired<S, orZero<least<S>>>>(table, {"min.relu.s16x2"});
  enter<paired<S, orZero<greatest<S>>>>(table, {"max.relu.s16x2"});
  enter<dot4<uint8_t, uint8_t>>(table, {"dp4a.u32.u32"});
  enter<dot4<uint8_t, int8_t>>(table, {"dp4a.u32.s32"});
  enter<dot4<int8_t, uint8_t>>(table, {"dp4a.s32.u32"});
  enter<dot4<int8_t, int8_t>>(table, {"dp4a.s32.s32"});
  enter<dot2<U, uint8_t, 0>>(table, {"dp2a.lo.u32.u32"});
  enter<dot2<U, int8_t, 0>>(table, {"dp2a.lo.u32.s32"});
  enter<dot2<S, uint8_t, 0>>(table, {"dp2a.lo.s32.u32"});
  enter<dot2<S, int8_t, 0>>(table, {"dp2a.lo.s32.s32"});
  enter<dot2<U, uint8_t, 2>>(table, {"dp2a.hi.u32.u32"});
  enter<dot2<U, int8_t, 2>>(table, {"dp2a.hi.u32.s32"});
  enter<dot2<S, uint8_t, 2>>(table, {"dp2a.hi.s32.u32"});
  enter<dot2<S, int8_t, 2>>(table, {"dp2a.hi.s32.s32"});
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

/// What there is for every width, signed and unsigned.
template <typename T>
static void enterType(LaneTable &table, const std::string &type) {
  enter<add<T>>(table, {"add." + type});
  enter<sub<T>>(table, {"sub." + type});
  enter<mulLow<T>>(table, {"mul.lo." + type});
  enter<mulHigh<T>>(table, {"mul.hi." + type});
  enter<madLow<T>>(table, {"mad.lo." + type});
  enter<madHigh<T>>(table, {"mad.hi." + type});
  std::vector<Type> types = Lanewise<divide<T>>::form().types;
  table["div." + type] = {executeDivision<T, divide<T>>, types};
  table["rem." + type] = {executeDivision<T, remainder<T>>, types};
  enter<least<T>>(table, {"min." + type});
  enter<greatest<T>>(table, {"max." + type});
  enter<sumOfDifference<T>>(table, {"sad." + type});
  if constexpr (sizeof(T) < 8) {
    enter<mulWide<T>>(table, {"mul.wide." + type});
    enter<madWide<T>>(table, {"mad.wide." + type});
  }
  if constexpr (sizeof(T) == 4) {
    enter<mul24Low<T>>(table, {"mul24.lo." + type});
    enter<mul24High<T>>(table, {"mul24.hi." + type});
    enter<mad24Low<T>>(table, {"mad24.lo." + type});
    enter<mad24High<T>>(table, {"mad24.hi." + type});
  }
  if constexpr (std::is_signed_v<T>) {
    enter<negate<T>>(table, {"neg." + type});
    enter<absolute<T>>(table, {"abs." + type});
  }
}

void attn::runtime::emulator::enterIntegers(LaneTable &table) {
  enterType<uint16_t>(table, "u16");
  enterType<int16_t>(table, "s16");
  enterType<uint32_t>(table, "u32");
  enterType<int32_t>(table, "s32");
  enterType<uint64_t>(table, "u64");
  enterType<int64_t>(table, "s64");
  enter<addSaturated>(table, {"add.sat.s32"});
  enter<subSaturated>(table, {"sub.sat.s32"});
  enter<madHighSaturated>(table, {"mad.hi.sat.s32"});
  enter<mad24Saturated>(table, {"mad24.hi.sat.s32"});
  enter<leastOrZero>(table, {"min.relu.s32"});
  enter<greatestOrZero>(table, {"max.relu.s32"});
}

//===----------------------------------------------------------------------===//
// Carries
//===----------------------------------------------------------------------===//

namespace {
/// The operands: result, carry out or nothing, a, b, c of a mad, carry in or
/// nothing. A borrow is a carry of the complement: the flag is clear then.
struct CarryForm {
  enum class Operation { Add, Sub, MadLow, MadHigh };
  Operation operation;
  bool is64 = false, isSigned = false, readsCarry = false, writesCarry = false;
};

template <typename T> struct WithCarry {
  T value;
  bool carry;
};
} // namespace

template <typename T> static WithCarry<T> addWithCarry(T a, T b, bool carry) {
  auto sum = static_cast<unsigned __int128>(a) + b + carry;
  return {static_cast<T>(sum), (sum >> 8 * sizeof(T)) != 0};
}

/// The flag is the borrow, as the PTX manual has it.
template <typename T> static WithCarry<T> subWithBorrow(T a, T b, bool borrow) {
  auto difference = static_cast<unsigned __int128>(a) - b - borrow;
  return {static_cast<T>(difference), (difference >> 8 * sizeof(T)) != 0};
}

template <typename T, CarryForm::Operation operation>
static Step executeCarry(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  constexpr bool isMad = operation == CarryForm::Operation::MadLow ||
                         operation == CarryForm::Operation::MadHigh;
  using U = std::make_unsigned_t<T>;
  const std::vector<Operand> &operands = instruction.operands;
  Operand carryIn = operands[isMad ? 5 : 4];
  for (unsigned i = 2; i < operands.size(); ++i)
    if (operands[i].kind != Operand::Kind::None)
      block.checkRead(warp, instruction, operands[i], mask);
  uint32_t carries = carryIn.kind == Operand::Kind::None
                         ? 0
                         : predicateOf(block, warp, carryIn);
  Source<T> a(block, warp, operands[2]), b(block, warp, operands[3]);
  Source<T> c(block, warp, operands[isMad ? 4 : 3]);
  uint32_t carryOut = 0;
  std::conditional_t<sizeof(T) == 8, Doubles, Words> values;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    bool carry = carries >> lane & 1;
    WithCarry<U> result;
    if constexpr (operation == CarryForm::Operation::Add)
      result = addWithCarry<U>(a[lane], b[lane], carry);
    else if constexpr (operation == CarryForm::Operation::Sub)
      result = subWithBorrow<U>(a[lane], b[lane], carry);
    else if constexpr (operation == CarryForm::Operation::MadLow)
      result = addWithCarry<U>(mulLow(a[lane], b[lane]), c[lane], carry);
    else
      result = addWithCarry<U>(mulHigh(a[lane], b[lane]), c[lane], carry);
    values[lane] = result.value;
    carryOut |= uint32_t(result.carry) << lane;
  }
  if constexpr (sizeof(T) == 8)
    writeDoubles(block, warp, instruction, operands[0], values, mask);
  else
    writeWords(block, warp, instruction, operands[0], values, mask);
  writePredicate(block, warp, instruction, operands[1], carryOut, mask);
  return Step::Next;
}

template <CarryForm::Operation operation>
static Execute carryOf(const CarryForm &form) {
  if (form.is64)
    return form.isSigned ? executeCarry<int64_t, operation>
                         : executeCarry<uint64_t, operation>;
  return form.isSigned ? executeCarry<int32_t, operation>
                       : executeCarry<uint32_t, operation>;
}

static Execute carryOf(const CarryForm &form) {
  using Operation = CarryForm::Operation;
  switch (form.operation) {
  case Operation::Add:
    return carryOf<Operation::Add>(form);
  case Operation::Sub:
    return carryOf<Operation::Sub>(form);
  case Operation::MadLow:
    return carryOf<Operation::MadLow>(form);
  case Operation::MadHigh:
    break;
  }
  return carryOf<Operation::MadHigh>(form);
}

/// `add.cc`, `addc`, `addc.cc` and so on, or nothing.
static std::optional<CarryForm>
parseCarry(const std::vector<std::string> &parts) {
  using Operation = CarryForm::Operation;
  static const std::map<std::string, Operation> operations = {
      {"add", Operation::Add},
      {"sub", Operation::Sub},
      {"mad", Operation::MadLow}};
  CarryForm form = {};
  std::string opcode = parts[0];
  form.readsCarry = opcode.back() == 'c';
  if (form.readsCarry)
    opcode.pop_back();
  auto found = operations.find(opcode);
  if (found == operations.end())
    return std::nullopt;
  form.operation = found->second;
  size_t i = 1;
  if (opcode == "mad") {
    if (parts.size() < 3 || (parts[1] != "lo" && parts[1] != "hi"))
      return std::nullopt;
    if (parts[i++] == "hi")
      form.operation = Operation::MadHigh;
  }
  form.writesCarry = i < parts.size() && parts[i] == "cc";
  i += form.writesCarry;
  if (i + 1 != parts.size() || !(form.readsCarry || form.writesCarry))
    return std::nullopt;
  const std::string &type = parts[i];
  form.is64 = type == "u64" || type == "s64";
  form.isSigned = type[0] == 's';
  if (!form.is64 && type != "u32" && type != "s32")
    return std::nullopt;
  return form;
}

bool attn::runtime::emulator::isCarry(const Decoder &decoder) {
  return parseCarry(decoder.parts()).has_value();
}

Status attn::runtime::emulator::decodeCarry(Decoder &decoder) {
  CarryForm form = *parseCarry(decoder.parts());
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  bool isMad = form.operation >= CarryForm::Operation::MadLow;
  if (Status status = decoder.expectOperands(isMad ? 4 : 3); status.failed())
    return status;
  Type type = form.is64 ? Type::Bits64 : Type::Bits32;
  Instruction &instruction = decoder.instruction();
  instruction.execute = carryOf(form);
  if (Status status = decoder.addResult(operands[0], type); status.failed())
    return status;
  Operand flag = decoder.carryFlag();
  instruction.operands.push_back(form.writesCarry ? flag : Operand());
  for (size_t i = 1; i < operands.size(); ++i)
    if (Status status = decoder.addSource(operands[i], type); status.failed())
      return status;
  instruction.operands.push_back(form.readsCarry ? flag : Operand());
  return {};
}
