//===- TmaDecoder.cpp - Decodes asynchronous copies -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Copy.h"
#include "Decoder.h"
#include "TmaOps.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;
using namespace attn::runtime::emulator::tma;

static Status decodeGroups(Decoder &decoder) {
  const std::string &name = decoder.statement().name;
  Instruction &instruction = decoder.instruction();
  if (name == "cp.async.bulk.commit_group") {
    instruction.execute = executeCommit;
    return decoder.expectOperands(0);
  }
  bool onlyReads = name == "cp.async.bulk.wait_group.read";
  if (!onlyReads && name != "cp.async.bulk.wait_group")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(1); status.failed())
    return status;
  Result<int64_t> count =
      decoder.immediate(decoder.statement().operands[0], 0, 1 << 16);
  if (count.failed())
    return count.error();
  instruction.execute = executeWait;
  instruction.form = {static_cast<uint32_t>(*count), onlyReads, 0, 0};
  return {};
}

namespace {
/// The modifiers of a copy that may come in any number, taken out of its name.
struct CopyName {
  explicit CopyName(const std::vector<std::string> &parts);

  /// What is left, behind "cp", "async" and "bulk".
  std::string form;
  uint32_t rank = 0;
  bool hinted = false, multicast = false, im2col = false;
  /// "cp.reduce", and what follows "bulk_group" or "bytes".
  bool reduces = false;
  std::string op, type;
  bool noftz = false;
};
} // namespace

CopyName::CopyName(const std::vector<std::string> &parts) {
  bool isTensor = false, completes = false;
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string &part = parts[i];
    if (i < 4 && (part == "async" || part == "bulk"))
      continue;
    if (part == "reduce" && i == 1)
      reduces = true;
    else if (part == "L2::cache_hint")
      hinted = true;
    else if (part == "multicast::cluster")
      multicast = true;
    else if (part.compare(0, 6, "im2col") == 0)
      im2col = true;
    else if (isTensor && part.size() == 2 && part[1] == 'd' && part[0] >= '1' &&
             part[0] <= '5')
      rank = static_cast<uint32_t>(part[0] - '0');
    else if (isTensor && part == "tile")
      continue;
    else if (reduces && !isTensor && completes && part == "noftz")
      noftz = true;
    else if (reduces && (completes || isTensor) && op.empty() &&
             Reduction::parseOp(part))
      op = part;
    else if (reduces && !isTensor && !op.empty())
      type += part;
    else
      form += (form.empty() ? "" : ".") + part;
    isTensor |= part == "tensor";
    completes |= part == "bulk_group" || part == "mbarrier::complete_tx::bytes";
  }
}

/// An address and, as a constant, its offset.
static Status addOffsetAddress(Decoder &decoder, const SourceOperand &operand) {
  SourceOperand base = operand;
  base.offset = 0;
  if (Status status = decoder.addAddress(base); status.failed())
    return status;
  decoder.addConstant(static_cast<uint64_t>(operand.offset));
  return {};
}

static Status addCoordinates(Decoder &decoder, const SourceOperand &tensor,
                             uint32_t rank) {
  if (tensor.elements.size() != rank)
    return decoder.error("expected " + std::to_string(rank) +
                         " coordinates, got " +
                         std::to_string(tensor.elements.size()));
  for (const SourceOperand &coordinate : tensor.elements)
    if (Status status = decoder.addSource(coordinate, Type::Bits32);
        status.failed())
      return status;
  return {};
}

/// What the reduction is; of a tensor, the map says the type.
static Status decodeReduction(Decoder &decoder, const CopyName &name,
                              bool isShared) {
  Instruction &instruction = decoder.instruction();
  instruction.form[Flags] |= Reduces;
  if (name.rank) {
    std::optional<Reduction::Op> op = Reduction::parseOp(name.op);
    instruction.form[ReductionForm] = op ? static_cast<uint32_t>(*op) : 0;
    return op && name.type.empty() ? Status() : decoder.unknown();
  }
  std::optional<Reduction> reduction = Reduction::parse(name.op, name.type);
  bool isHalf = name.type == "f16" || name.type == "bf16";
  if (!reduction || name.noftz != (isHalf && name.op == "add"))
    return decoder.unknown();
  bool isWide = reduction->elementBytes() == 8 || isHalf ||
                reduction->type == Reduction::Type::F32;
  if (isShared && isWide &&
      !(name.op == "add" && reduction->type == Reduction::Type::U64))
    return decoder.unknown();
  instruction.form[ReductionForm] = static_cast<uint32_t>(reduction->op) |
                                    static_cast<uint32_t>(reduction->type) << 8;
  return {};
}

/// The operands in the order of LaneOperands.
static Status addOperands(Decoder &decoder, const CopyName &name,
                          Copy::Kind kind) {
  bool isStore = kind == Copy::Kind::Store;
  size_t count =
      (isStore ? 2 : 3) + (name.rank == 0) + name.multicast + name.hinted;
  if (Status status = decoder.expectOperands(count); status.failed())
    return status;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  const SourceOperand &other = operands[isStore ? 0 : 1];
  if (Status status = addOffsetAddress(decoder, operands[isStore ? 1 : 0]);
      status.failed())
    return status;
  if (name.rank && other.offset)
    return decoder.error("expected an address without an offset");
  if (Status status = addOffsetAddress(decoder, other); status.failed())
    return status;
  size_t next = 2;
  // The size comes before the mbarrier.
  size_t size = name.rank ? 0 : next++;
  if (!isStore)
    if (Status status = addOffsetAddress(decoder, operands[next++]);
        status.failed())
      return status;
  Status extent = name.rank ? addCoordinates(decoder, other, name.rank)
                            : decoder.addSource(operands[size], Type::Bits32);
  if (extent.failed())
    return extent;
  if (name.multicast)
    if (Status status = decoder.addSource(operands[next++], Type::Bits16);
        status.failed())
      return status;
  return name.hinted ? decoder.addSource(operands[next], Type::Bits64)
                     : Status();
}

static Status decodePrefetch(Decoder &decoder, const CopyName &name) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  decoder.instruction().execute = executePrefetch;
  decoder.instruction().form[Rank] = name.rank;
  if (Status status =
          decoder.expectOperands(1 + (name.rank == 0) + name.hinted);
      status.failed())
    return status;
  if (Status status = addOffsetAddress(decoder, operands[0]); status.failed())
    return status;
  Status extent = name.rank ? addCoordinates(decoder, operands[0], name.rank)
                            : decoder.addSource(operands[1], Type::Bits32);
  if (extent.failed())
    return extent;
  return name.hinted ? decoder.addSource(operands.back(), Type::Bits64)
                     : Status();
}

static Status decodeCopy(Decoder &decoder) {
  static const std::map<std::string, std::pair<Copy::Kind, bool>> forms = {
      {"shared::cluster.global.mbarrier::complete_tx::bytes",
       {Copy::Kind::Load, false}},
      {"shared::cta.global.mbarrier::complete_tx::bytes",
       {Copy::Kind::Load, true}},
      {"global.shared::cta.bulk_group", {Copy::Kind::Store, false}},
      {"shared::cluster.shared::cta.mbarrier::complete_tx::bytes",
       {Copy::Kind::Forward, false}}};
  CopyName name(decoder.parts());
  if (name.im2col)
    return decoder.error("copies with im2col are not emulated");
  bool isTensor = name.form.compare(0, 7, "tensor.") == 0;
  if (name.form == "prefetch.L2.global" ||
      name.form == "prefetch.tensor.L2.global")
    return decodePrefetch(decoder, name);
  auto found = forms.find(isTensor ? name.form.substr(7) : name.form);
  if (found == forms.end() || isTensor != (name.rank != 0))
    return decoder.unknown();
  auto [kind, ownOnly] = found->second;
  bool toShared = kind != Copy::Kind::Store;
  if ((name.multicast && (kind != Copy::Kind::Load || ownOnly)) ||
      (kind == Copy::Kind::Forward && isTensor) ||
      (name.reduces && (kind == Copy::Kind::Load || (toShared && isTensor))))
    return decoder.unknown();
  decoder.noteCopy();
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeCopy;
  instruction.form = {name.rank, static_cast<uint32_t>(kind),
                      (name.multicast ? uint32_t(Multicast) : 0u) |
                          (ownOnly ? uint32_t(OwnOnly) : 0u),
                      0};
  if (name.reduces)
    if (Status status = decodeReduction(decoder, name, toShared);
        status.failed())
      return status;
  return addOperands(decoder, name, kind);
}

Status attn::runtime::emulator::decodeTma(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  if (parts.size() > 3 &&
      (parts[3] == "commit_group" || parts[3] == "wait_group"))
    return decodeGroups(decoder);
  return parts.size() > 3 ? decodeCopy(decoder) : decoder.unknown();
}
