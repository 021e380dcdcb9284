//===- Tma.cpp - Instructions that copy asynchronously --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cluster.h"
#include "Copy.h"
#include "Decoder.h"
#include "Lanes.h"

#include "attn/Runtime/Float.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static constexpr uint32_t tensorAlignment = 128;
static constexpr uint32_t bulkAlignment = 16;
static constexpr uint32_t mbarrierBytes = 8;

namespace {
/// What form[] holds.
enum Form { Rank, CopyKind, Flags, ReductionForm };
enum Flag : uint32_t {
  /// Every block that a mask names gets a copy.
  Multicast = 1,
  /// The destination is the block's own.
  OwnOnly = 2,
  Reduces = 4,
};

/// The operands of one lane, one after another: the shared memory, the global
/// memory or tensor map or other shared memory, the mbarrier unless it is a
/// store; the size or the coordinates; the mask of a multicast; and a cache
/// hint, which changes nothing here. An address is a base and an offset.
class LaneOperands {
public:
  LaneOperands(Block &block, Warp &warp, const Instruction &instruction,
               unsigned lane)
      : block(block), warp(warp), instruction(instruction), lane(lane) {}

  uint64_t next() {
    Operand operand = instruction.operands[index++];
    return operand.kind == Operand::Kind::Word
               ? warp.words[operand.index][lane]
               : doublesOf(block, warp, operand)[lane];
  }
  uint64_t address() {
    uint64_t base = next();
    return base + next();
  }

private:
  Block &block;
  Warp &warp;
  const Instruction &instruction;
  unsigned lane;
  unsigned index = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// Issue
//===----------------------------------------------------------------------===//

/// The box of the tensor map at `address` that begins at the coordinates.
static Step findTile(Copy &copy, LaneOperands &operands, uint64_t address) {
  const Grid &grid = copy.block.grid;
  const TensorMapDescription *map = nullptr;
  for (const auto &[offset, candidate] : grid.tensorMaps)
    if (address == parameterWindow + offset)
      map = &candidate;
  if (!map)
    return copy.fail(HazardKind::OutOfBounds,
                     "there is no tensor map at this address", address);
  uint32_t rank = copy.instruction.form[Rank];
  if (map->box.size() != rank)
    return copy.fail(HazardKind::OutOfBounds,
                     "expected a tensor map of " + std::to_string(rank) +
                         " dimensions, got one of " +
                         std::to_string(map->box.size()));
  std::vector<int32_t> coordinates;
  coordinates.reserve(rank);
  for (uint32_t dim = 0; dim < rank; ++dim)
    coordinates.push_back(static_cast<int32_t>(operands.next()));
  copy.tile = Tile(*map, std::move(coordinates));
  if (!(copy.instruction.form[Flags] & Reduces))
    return Step::Next;
  auto op =
      static_cast<Reduction::Op>(copy.instruction.form[ReductionForm] & 0xFF);
  copy.reduction = Reduction::of(op, map->elementType);
  if (!copy.reduction)
    return copy.fail(HazardKind::OutOfBounds,
                     std::string("expected a reduction that there is of ") +
                         elementName(map->elementType));
  return Step::Next;
}

/// A range of memory, which begins at `address` where that is global.
static Step findRange(Copy &copy, LaneOperands &operands, uint64_t address) {
  auto size = static_cast<uint32_t>(operands.next());
  if (size % bulkAlignment)
    return copy.fail(HazardKind::Misaligned,
                     "expected a size that is a multiple of 16, got " +
                         std::to_string(size));
  if (address % bulkAlignment)
    return copy.fail(HazardKind::Misaligned,
                     "expected an address that is a multiple of 16", address);
  copy.tile = Tile(address, size);
  if (copy.instruction.form[Flags] & Reduces) {
    uint32_t form = copy.instruction.form[ReductionForm];
    copy.reduction = Reduction{static_cast<Reduction::Op>(form & 0xFF),
                               static_cast<Reduction::Type>(form >> 8)};
  }
  return Step::Next;
}

/// Adds a destination and its mbarrier, which must be in the same block.
static Step addTarget(Copy &copy, uint64_t address, uint64_t mbarrier,
                      uint32_t size, uint32_t alignment) {
  Block &block = copy.block;
  Block *owner = block.accessCluster(copy.warp, copy.instruction, copy.lane,
                                     address, size, alignment);
  if (!owner)
    return Step::Failed;
  if ((copy.instruction.form[Flags] & OwnOnly) && owner != &block)
    return copy.fail(HazardKind::OutOfBounds,
                     "expected shared memory of the block itself", address);
  Block *other = block.accessCluster(copy.warp, copy.instruction, copy.lane,
                                     mbarrier, mbarrierBytes, mbarrierBytes);
  if (!other)
    return Step::Failed;
  if (other != owner)
    return copy.fail(HazardKind::BarrierMisuse,
                     "expected an mbarrier in the block of the destination",
                     mbarrier);
  copy.targets.push_back(
      {owner, static_cast<uint32_t>(address), static_cast<uint32_t>(mbarrier)});
  return Step::Next;
}

/// The same in every block that `mask` names.
static Step addTargets(Copy &copy, uint64_t address, uint64_t mbarrier,
                       uint32_t mask, uint32_t alignment) {
  constexpr uint64_t rankBits = ~uint64_t(0) << SharedMemory::rankShift;
  if (mask == 0)
    return copy.fail(HazardKind::OutOfBounds,
                     "the mask of the multicast names no block");
  for (uint64_t rank = 0; mask >> rank; ++rank) {
    if (!(mask >> rank & 1))
      continue;
    uint64_t bits = rank << SharedMemory::rankShift;
    if (addTarget(copy, (address & ~rankBits) | bits,
                  (mbarrier & ~rankBits) | bits, copy.tile.bytes(),
                  alignment) == Step::Failed)
      return Step::Failed;
  }
  return Step::Next;
}

static Step issueLane(Block &block, Warp &warp, const Instruction &instruction,
                      unsigned lane) {
  auto kind = static_cast<Copy::Kind>(instruction.form[CopyKind]);
  auto copy = std::make_unique<Copy>(kind, block, warp, instruction,
                                     static_cast<int>(lane));
  LaneOperands operands(block, warp, instruction, lane);
  uint64_t shared = operands.address(), other = operands.address();
  uint64_t mbarrier = kind == Copy::Kind::Store ? 0 : operands.address();
  bool isTensor = instruction.form[Rank];
  Step found = isTensor ? findTile(*copy, operands, other)
                        : findRange(*copy, operands, other);
  if (found == Step::Failed)
    return found;
  uint32_t size = copy->tile.bytes();
  uint32_t alignment = isTensor ? tensorAlignment : bulkAlignment;
  if (kind == Copy::Kind::Store || kind == Copy::Kind::Forward) {
    uint64_t source = kind == Copy::Kind::Store ? shared : other;
    if (!block.accessShared(warp, instruction, static_cast<int>(lane), source,
                            size, alignment))
      return Step::Failed;
    copy->source = static_cast<uint32_t>(source);
    copy->checkSource();
  }
  bool multicast = instruction.form[Flags] & Multicast;
  if (multicast) {
    auto mask = static_cast<uint16_t>(operands.next());
    if (addTargets(*copy, shared, mbarrier, mask, alignment) == Step::Failed)
      return Step::Failed;
  } else if (kind != Copy::Kind::Store) {
    if (addTarget(*copy, shared, mbarrier, size, alignment) == Step::Failed)
      return Step::Failed;
  }
  copy->checkGlobal();
  copy->due = block.randomDue();
  block.cluster.operations.enqueue(std::move(copy));
  return Step::Next;
}

static Step executeCopy(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  for (Operand operand : instruction.operands)
    block.checkRead(warp, instruction, operand, mask);
  Step step = forEachLane(mask, [&](unsigned lane) {
    return issueLane(block, warp, instruction, lane);
  });
  // What the warp does next does not come before the copies.
  warp.release();
  return step;
}

static Step executeCommit(Block &block, Warp &warp, const Instruction &,
                          uint32_t mask) {
  return forEachLane(mask, [&](unsigned lane) {
    block.cluster.operations.commit(Tracker::BulkGroup, warp,
                                    static_cast<int>(lane));
    return Step::Next;
  });
}

namespace {
enum WaitForm { Left, OnlyReads };
} // namespace

/// Waits for all groups of the threads but the last few.
static Step executeWait(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  return forEachLane(mask, [&](unsigned lane) {
    return block.cluster.operations.wait(
        Tracker::BulkGroup, warp, static_cast<int>(lane),
        instruction.form[Left], instruction.form[OnlyReads]);
  });
}

/// There are no caches here.
static Step executePrefetch(Block &block, Warp &warp,
                            const Instruction &instruction, uint32_t mask) {
  for (Operand operand : instruction.operands)
    block.checkRead(warp, instruction, operand, mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

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
