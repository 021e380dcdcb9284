//===- AsyncStore.cpp - Stores into other blocks of a cluster -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cluster.h"
#include "Copy.h"
#include "Decoder.h"
#include "Lanes.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static constexpr uint32_t mbarrierBytes = 8;

namespace {
/// What form[] holds; the operands are the address, the mbarrier with its
/// offset, and the values.
enum Form { Count, ElementBytes, HasReduction, ReductionForm };
} // namespace

static Step issueLane(Block &block, Warp &warp, const Instruction &instruction,
                      uint64_t address, unsigned lane) {
  auto index = static_cast<int>(lane);
  auto value = [&](unsigned i) -> uint64_t {
    Operand operand = instruction.operands[i];
    return operand.kind == Operand::Kind::Word
               ? warp.words[operand.index][lane]
               : doublesOf(block, warp, operand)[lane];
  };
  uint32_t count = instruction.form[Count];
  uint32_t bytes = instruction.form[ElementBytes];
  uint64_t mbarrier = value(1) + value(2);
  Block *owner = block.accessCluster(warp, instruction, index, address,
                                     count * bytes, count * bytes);
  if (!owner)
    return Step::Failed;
  Block *other = block.accessCluster(warp, instruction, index, mbarrier,
                                     mbarrierBytes, mbarrierBytes);
  if (!other)
    return Step::Failed;
  auto copy = std::make_unique<Copy>(Copy::Kind::Values, block, warp,
                                     instruction, index);
  if (other != owner)
    return copy->fail(HazardKind::BarrierMisuse,
                      "expected an mbarrier in the block of the destination",
                      mbarrier);
  copy->tile = Tile(0, count * bytes);
  copy->data.resize(size_t(count) * bytes);
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t element = value(3 + i);
    std::memcpy(copy->data.data() + size_t(i) * bytes, &element, bytes);
  }
  if (instruction.form[HasReduction]) {
    uint32_t form = instruction.form[ReductionForm];
    copy->reduction = Reduction{static_cast<Reduction::Op>(form & 0xFF),
                                static_cast<Reduction::Type>(form >> 8)};
  }
  copy->targets.push_back(
      {owner, static_cast<uint32_t>(address), static_cast<uint32_t>(mbarrier)});
  copy->due = block.randomDue();
  return block.cluster.operations.enqueue(std::move(copy));
}

static Step executeStore(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 0, mask);
  for (size_t i = 1; i < instruction.operands.size(); ++i)
    block.checkRead(warp, instruction, instruction.operands[i], mask);
  Step step = forEachLane(mask, [&](unsigned lane) {
    return issueLane(block, warp, instruction,
                     addresses[lane] + instruction.offset, lane);
  });
  warp.release();
  return step;
}

/// The size of an element of a type like "b32", or zero.
static uint32_t sizeOf(const std::string &type) {
  if (type.size() != 3 ||
      std::string("busf").find(type[0]) == std::string::npos)
    return 0;
  std::string bits = type.substr(1);
  return bits == "32" ? 4 : bits == "64" ? 8 : 0;
}

/// The address and, behind the mbarrier with its offset, the values.
static Status addOperands(Decoder &decoder, uint32_t count, uint32_t bytes) {
  if (Status status = decoder.expectOperands(3); status.failed())
    return status;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  SourceOperand mbarrier = operands[2];
  int64_t offset = mbarrier.offset;
  mbarrier.offset = 0;
  if (Status status = decoder.addAddress(operands[0]); status.failed())
    return status;
  if (Status status = decoder.addAddress(mbarrier, /*mayOffset=*/false);
      status.failed())
    return status;
  decoder.addConstant(static_cast<uint64_t>(offset));
  Type type = bytes == 8 ? Type::Bits64 : Type::Bits32;
  decoder.instruction().execute = executeStore;
  decoder.instruction().form[Count] = count;
  decoder.instruction().form[ElementBytes] = bytes;
  return count > 1 ? decoder.addVector(operands[1], type, count,
                                       /*isResult=*/false)
                   : decoder.addSource(operands[1], type);
}

static Status decodeReduction(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  const std::string prefix =
      "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.";
  const std::string &name = decoder.statement().name;
  if (name.compare(0, prefix.size(), prefix) != 0 || parts.size() != 8)
    return decoder.unknown();
  // The sum of signed 64-bit numbers is that of unsigned ones.
  std::string type = parts[6] == "add" && parts[7] == "s64" ? "u64" : parts[7];
  std::optional<Reduction> reduction = Reduction::parse(parts[6], type);
  if (!reduction || type[0] == 'f' || type == "bf16" ||
      (sizeOf(type) == 8 && parts[6] != "add"))
    return decoder.unknown();
  decoder.instruction().form[HasReduction] = true;
  decoder.instruction().form[ReductionForm] =
      static_cast<uint32_t>(reduction->op) |
      static_cast<uint32_t>(reduction->type) << 8;
  return addOperands(decoder, 1, reduction->elementBytes());
}

Status attn::runtime::emulator::decodeAsyncStore(Decoder &decoder) {
  std::vector<std::string> parts = decoder.parts();
  if (parts[0] == "red")
    return decodeReduction(decoder);
  size_t next = 2;
  next += next < parts.size() && parts[next] == "weak";
  if (parts.size() < next + 3 || parts[next] != "shared::cluster" ||
      parts[next + 1] != "mbarrier::complete_tx::bytes")
    return decoder.unknown();
  next += 2;
  uint32_t count = parts[next] == "v2" ? 2 : parts[next] == "v4" ? 4 : 1;
  next += count > 1;
  uint32_t bytes = next + 1 == parts.size() ? sizeOf(parts[next]) : 0;
  if (!bytes || count * bytes > 16)
    return decoder.unknown();
  return addOperands(decoder, count, bytes);
}
