//===- Memory.cpp - Loads, stores and atomics -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
/// What form[] holds: how many elements of how many bytes.
enum Form { ElementCount, ElementBytes, IsSigned };
constexpr uint32_t maxElements = 8;
} // namespace

static uint64_t loadValue(const uint8_t *bytes,
                          const Instruction &instruction) {
  uint32_t size = instruction.form[ElementBytes];
  uint64_t value = 0;
  std::memcpy(&value, bytes, size);
  unsigned unused = 64 - 8 * size;
  if (instruction.form[IsSigned])
    value =
        static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
  return value;
}

template <Space space>
static Step executeLoad(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  uint32_t count = instruction.form[ElementCount];
  uint32_t size = instruction.form[ElementBytes];
  Addresses addresses(block, warp, instruction, count, mask);
  std::array<Doubles, maxElements> values;
  Step step = forEachLane(mask, [&](unsigned lane) {
    uint8_t *bytes = accessMemory<space>(
        block, warp, instruction, static_cast<int>(lane),
        addresses[lane] + instruction.offset, count * size, AccessKind::Read);
    for (uint32_t i = 0; bytes && i < count; ++i)
      values[i][lane] = loadValue(bytes + i * size, instruction);
    return bytes ? Step::Next : Step::Failed;
  });
  if (step == Step::Failed)
    return step;
  for (uint32_t i = 0; i < count; ++i)
    writeLanes(block, warp, instruction, instruction.operands[i], values[i],
               mask);
  warp.loads.close(instruction, count, mask);
  return Step::Next;
}

/// The address comes first, then the values.
template <Space space>
static Step executeStore(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  uint32_t count = instruction.form[ElementCount];
  uint32_t size = instruction.form[ElementBytes];
  Addresses addresses(block, warp, instruction, 0, mask);
  for (uint32_t i = 0; i < count; ++i)
    block.checkRead(warp, instruction, instruction.operands[1 + i], mask);
  return forEachLane(mask, [&](unsigned lane) {
    uint8_t *bytes = accessMemory<space>(
        block, warp, instruction, static_cast<int>(lane),
        addresses[lane] + instruction.offset, count * size, AccessKind::Write);
    for (uint32_t i = 0; bytes && i < count; ++i) {
      uint64_t value = laneOf(block, warp, instruction.operands[1 + i], lane);
      std::memcpy(bytes + i * size, &value, size);
    }
    return bytes ? Step::Next : Step::Failed;
  });
}

/// Reads the image of the parameters; the decoder has checked the bounds.
static Step loadParameter(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t mask) {
  const uint8_t *bytes = block.grid.parameters.data() + instruction.offset;
  for (uint32_t i = 0; i < instruction.form[ElementCount]; ++i) {
    Operand operand = instruction.operands[i];
    if (operand.kind == Operand::Kind::None)
      continue;
    Doubles values;
    values.fill(
        loadValue(bytes + i * instruction.form[ElementBytes], instruction));
    writeLanes(block, warp, instruction, operand, values, mask);
  }
  return Step::Next;
}

template <Space space> static Execute accessOf(bool isLoad) {
  return isLoad ? executeLoad<space> : executeStore<space>;
}

static Execute accessOf(Space space, bool isLoad) {
  switch (space) {
  case Space::Parameter:
    return accessOf<Space::Parameter>(isLoad);
  case Space::Global:
  case Space::Constant:
    return accessOf<Space::Global>(isLoad);
  case Space::Shared:
    return accessOf<Space::Shared>(isLoad);
  case Space::Cluster:
    return accessOf<Space::Cluster>(isLoad);
  case Space::Local:
    return accessOf<Space::Local>(isLoad);
  default:
    return accessOf<Space::Generic>(isLoad);
  }
}

void attn::runtime::emulator::makeLocalAccess(Instruction &instruction,
                                              bool isLoad, uint32_t bytes) {
  instruction.form = {1, bytes, false, 0};
  instruction.execute = accessOf<Space::Local>(isLoad);
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

namespace {
struct MovedType {
  uint32_t bytes = 0;
  bool isSigned = false;
};
} // namespace

static std::optional<MovedType> parseType(const std::string &type) {
  if (type.empty() || std::string("busf").find(type[0]) == std::string::npos)
    return std::nullopt;
  for (uint32_t bytes : {1, 2, 4, 8})
    if (type.substr(1) == std::to_string(8 * bytes))
      return MovedType{bytes, type[0] == 's'};
  return std::nullopt;
}

static Type registerTypeOf(uint32_t bytes) {
  if (bytes == 8)
    return Type::Bits64;
  return bytes == 4 ? Type::Bits32 : Type::Bits16;
}

/// The values that are moved, of registers that may be wider.
static Status addValues(Decoder &decoder, const SourceOperand &operand,
                        uint32_t count, uint32_t bytes, bool isResult) {
  if (count > 1 && (operand.kind != SourceOperand::Kind::Vector ||
                    operand.elements.size() != count))
    return decoder.error("expected a vector of " + std::to_string(count) +
                         " operands");
  for (uint32_t i = 0; i < count; ++i) {
    bool isElement = operand.kind == SourceOperand::Kind::Vector &&
                     operand.elements.size() == count;
    const SourceOperand &value = isElement ? operand.elements[i] : operand;
    Status status =
        isResult
            ? decoder.addResult(value, registerTypeOf(bytes), Width::OrMore)
            : decoder.addSource(value, registerTypeOf(bytes),
                                /*mayNegate=*/false, Width::OrMore);
    if (status.failed())
      return status;
  }
  return {};
}

/// A load of a parameter of the kernel by its name.
static Status decodeParameterLoad(Decoder &decoder, const Symbol &symbol) {
  Instruction &instruction = decoder.instruction();
  const SourceOperand &source = decoder.statement().operands[1];
  int64_t size =
      int64_t(instruction.form[ElementCount]) * instruction.form[ElementBytes];
  auto limit = static_cast<int64_t>(symbol.size);
  if (source.offset < 0 || source.offset > limit ||
      source.offset + size > limit)
    return decoder.error("expected an access within the " +
                         std::to_string(symbol.size) + " bytes of '" +
                         source.text + "'");
  instruction.offset =
      static_cast<int64_t>(symbol.address & ~windowMask) + source.offset;
  instruction.execute = loadParameter;
  return {};
}

/// Whether PTX has the modifiers for a load or a store.
static bool isAccess(const AccessModifiers &form, const std::string &opcode) {
  bool isLoad = opcode != "st";
  bool isWritable = form.space != Space::Constant;
  bool isOrdered = form.isStrong && (isLoad ? !form.releases : !form.acquires);
  return form.operation.empty() && (isLoad || isWritable) &&
         (!form.isStrong || isOrdered) &&
         (!form.isNonCoherent || (isLoad && form.space == Space::Global));
}

Status attn::runtime::emulator::decodeMemory(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  bool isLoad = parts[0] != "st";
  std::optional<AccessModifiers> form =
      parseAccessModifiers(parts, parts.size() - 1);
  std::optional<MovedType> type = parseType(parts.back());
  if (!form || !type || !isAccess(*form, parts[0]) ||
      form->count * type->bytes > 32)
    return decoder.unknown();
  if (Status status = decoder.expectOperands(form->hasPolicy ? 3 : 2);
      status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  instruction.form = {form->count, type->bytes, type->isSigned, 0};
  instruction.execute = accessOf(form->space, isLoad);
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  const SourceOperand &address = operands[isLoad ? 1 : 0];
  if (isLoad)
    if (Status status = addValues(decoder, operands[0], form->count,
                                  type->bytes, /*isResult=*/true);
        status.failed())
      return status;
  const Symbol *symbol = decoder.variable(address.text);
  if (isLoad && symbol && symbol->space == Space::Parameter &&
      form->space == Space::Parameter)
    return decodeParameterLoad(decoder, *symbol);
  if (Status status = addMemoryAddress(decoder, address, form->space);
      status.failed())
    return status;
  if (!isLoad)
    if (Status status = addValues(decoder, operands[1], form->count,
                                  type->bytes, /*isResult=*/false);
        status.failed())
      return status;
  return form->hasPolicy ? decoder.addSource(operands.back(), Type::Bits64)
                         : Status();
}
