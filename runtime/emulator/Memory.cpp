//===- Memory.cpp - Loads, stores and atomics -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Lanes.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
/// What form[] holds: how many elements of how many bytes.
enum Form { ElementCount, ElementBytes, IsSigned };

enum class Space { Parameter, Global, Shared, Cluster };
} // namespace

/// The address of the element of a lane; the whole access is aligned.
template <Space space>
static uint8_t *access(Block &block, Warp &warp, const Instruction &instruction,
                       int lane, uint64_t address, uint32_t size,
                       bool isWrite) {
  if constexpr (space == Space::Shared)
    return isWrite ? block.writeShared(warp, instruction, lane, address, size)
                   : block.readShared(warp, instruction, lane, address, size);
  else if constexpr (space == Space::Cluster)
    return block.accessOther(warp, instruction, lane, address, size, isWrite);
  else
    return block.accessGlobal(warp, instruction, lane, address, size, isWrite);
}

static void setLane(Warp &warp, Operand operand, unsigned lane,
                    uint64_t value) {
  if (operand.kind == Operand::Kind::Word)
    warp.words[operand.index][lane] = static_cast<uint32_t>(value);
  else if (operand.kind == Operand::Kind::Double)
    warp.doubles[operand.index][lane] = value;
}

static uint64_t getLane(Block &block, Warp &warp, Operand operand,
                        unsigned lane) {
  if (operand.kind == Operand::Kind::Double)
    return warp.doubles[operand.index][lane];
  return operand.kind == Operand::Kind::Word
             ? warp.words[operand.index][lane]
             : block.constants()[operand.index].value;
}

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
  std::array<std::array<uint64_t, warpSize>, 4> values;
  Step step = forEachLane(mask, [&](unsigned lane) {
    uint8_t *bytes = access<space>(
        block, warp, instruction, static_cast<int>(lane),
        addresses[lane] + instruction.offset, count * size, /*isWrite=*/false);
    for (uint32_t i = 0; bytes && i < count; ++i)
      values[i][lane] = loadValue(bytes + i * size, instruction);
    return bytes ? Step::Next : Step::Failed;
  });
  if (step == Step::Failed)
    return step;
  for (uint32_t i = 0; i < count; ++i) {
    if (instruction.operands[i].kind == Operand::Kind::None)
      continue;
    block.noteWrite(warp, instruction, instruction.operands[i], mask);
    forEachLane(mask, [&](unsigned lane) {
      setLane(warp, instruction.operands[i], lane, values[i][lane]);
      return Step::Next;
    });
  }
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
    uint8_t *bytes = access<space>(
        block, warp, instruction, static_cast<int>(lane),
        addresses[lane] + instruction.offset, count * size, /*isWrite=*/true);
    for (uint32_t i = 0; bytes && i < count; ++i) {
      uint64_t value = getLane(block, warp, instruction.operands[1 + i], lane);
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
    uint64_t value =
        loadValue(bytes + i * instruction.form[ElementBytes], instruction);
    block.noteWrite(warp, instruction, operand, mask);
    forEachLane(mask, [&](unsigned lane) {
      setLane(warp, operand, lane, value);
      return Step::Next;
    });
  }
  return Step::Next;
}

static Step atomicAdd(Block &block, Warp &warp, const Instruction &instruction,
                      uint32_t mask) {
  Addresses addresses(block, warp, instruction, 1, mask);
  block.checkRead(warp, instruction, instruction.operands[2], mask);
  Words old = {};
  Step step = forEachLane(mask, [&](unsigned lane) {
    uint8_t *bytes = block.accessGlobal(
        warp, instruction, static_cast<int>(lane),
        addresses[lane] + instruction.offset, sizeof(uint32_t));
    if (!bytes)
      return Step::Failed;
    auto value = static_cast<uint32_t>(
        getLane(block, warp, instruction.operands[2], lane));
    old[lane] = __atomic_fetch_add(reinterpret_cast<uint32_t *>(bytes), value,
                                   __ATOMIC_RELAXED);
    return Step::Next;
  });
  if (step == Step::Next)
    writeWords(block, warp, instruction, instruction.operands[0], old, mask);
  return step;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

namespace {
/// The modifiers of a load or a store.
struct AccessForm {
  std::string space;
  uint32_t count = 1;
  uint32_t bytes = 0;
  bool isSigned = false;
};
} // namespace

static std::optional<AccessForm>
parseForm(const std::vector<std::string> &parts) {
  AccessForm form;
  size_t i = 1;
  auto takeIf = [&](const char *text) {
    bool found = i < parts.size() && parts[i] == text;
    i += found;
    return found;
  };
  takeIf("volatile");
  if (i < parts.size())
    form.space = parts[i++];
  takeIf("nc");
  if (takeIf("v2"))
    form.count = 2;
  else if (takeIf("v4"))
    form.count = 4;
  if (i + 1 != parts.size())
    return std::nullopt;
  const std::string &type = parts[i];
  std::string bits = type.substr(1);
  if (type.empty() || std::string("busf").find(type[0]) == std::string::npos ||
      (bits != "8" && bits != "16" && bits != "32" && bits != "64"))
    return std::nullopt;
  form.bytes = static_cast<uint32_t>(std::stoul(bits) / 8);
  form.isSigned = type[0] == 's';
  return form;
}

static Type registerTypeOf(const AccessForm &form) {
  if (form.bytes == 8)
    return Type::Bits64;
  return form.bytes == 4 ? Type::Bits32 : Type::Bits16;
}

static Status addValues(Decoder &decoder, const SourceOperand &operand,
                        const AccessForm &form, bool isResult) {
  Type type = registerTypeOf(form);
  if (form.count > 1)
    return decoder.addVector(operand, type, form.count, isResult);
  return isResult ? decoder.addResult(operand, type)
                  : decoder.addSource(operand, type);
}

static Status decodeParameterLoad(Decoder &decoder, const AccessForm &form) {
  const SourceOperand &source = decoder.statement().operands[1];
  const ParameterSlot *slot = decoder.parameter(source.text);
  if (!slot || source.kind != SourceOperand::Kind::Address)
    return decoder.error("expected a parameter, got '" + source.text + "'");
  int64_t size = int64_t(form.count) * form.bytes;
  if (source.offset < 0 || source.offset > slot->size ||
      source.offset + size > slot->size)
    return decoder.error("expected an access within the " +
                         std::to_string(slot->size) + " bytes of '" +
                         source.text + "'");
  decoder.instruction().offset = slot->offset + source.offset;
  decoder.instruction().execute = loadParameter;
  return {};
}

static Status decodeAtomic(Decoder &decoder) {
  const Statement &statement = decoder.statement();
  if (statement.name != "atom.global.add.u32" &&
      statement.name != "atom.global.add.s32")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(3); status.failed())
    return status;
  decoder.instruction().execute = atomicAdd;
  if (Status status = decoder.addResult(statement.operands[0], Type::Bits32);
      status.failed())
    return status;
  if (Status status = decoder.addAddress(statement.operands[1]);
      status.failed())
    return status;
  return decoder.addSource(statement.operands[2], Type::Bits32);
}

Status attn::runtime::emulator::decodeMemory(Decoder &decoder) {
  if (decoder.parts()[0] == "atom")
    return decodeAtomic(decoder);
  bool isLoad = decoder.parts()[0] == "ld";
  std::optional<AccessForm> form = parseForm(decoder.parts());
  if (!form)
    return decoder.unknown();
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  instruction.form = {form->count, form->bytes, form->isSigned, 0};
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  const SourceOperand &address = operands[isLoad ? 1 : 0];
  if (isLoad)
    if (Status status = addValues(decoder, operands[0], *form,
                                  /*isResult=*/true);
        status.failed())
      return status;
  if (isLoad && form->space == "param")
    return decodeParameterLoad(decoder, *form);
  if (form->space == "global")
    instruction.execute =
        isLoad ? executeLoad<Space::Global> : executeStore<Space::Global>;
  else if (form->space == "shared" || form->space == "shared::cta")
    instruction.execute =
        isLoad ? executeLoad<Space::Shared> : executeStore<Space::Shared>;
  else if (form->space == "shared::cluster")
    instruction.execute =
        isLoad ? executeLoad<Space::Cluster> : executeStore<Space::Cluster>;
  else
    return decoder.unknown();
  if (Status status = decoder.addAddress(address); status.failed())
    return status;
  return isLoad ? Status()
                : addValues(decoder, operands[1], *form, /*isResult=*/false);
}
