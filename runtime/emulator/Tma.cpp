//===- Tma.cpp - Instructions that copy asynchronously --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cluster.h"
#include "Copy.h"
#include "Lanes.h"
#include "TmaOps.h"

#include "attn/Runtime/Float.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;
using namespace attn::runtime::emulator::tma;

static constexpr uint32_t tensorAlignment = 128;
static constexpr uint32_t bulkAlignment = 16;
static constexpr uint32_t mbarrierBytes = 8;

namespace {
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

/// Whether a box may begin at the coordinates, innermost first. What it has
/// outside of the tensor reads as zeros and is not written.
static Step checkStart(Copy &copy, const TensorMapDescription &map,
                       const std::vector<int32_t> &coordinates) {
  if (coordinates[0] * int64_t(elementSize(map.elementType)) %
      int64_t(bulkAlignment))
    return copy.fail(
        HazardKind::OutOfBounds,
        "expected an innermost coordinate that is a multiple of 16 "
        "bytes, got " +
            std::to_string(coordinates[0]) + " elements of " +
            elementName(map.elementType));
  if (copy.kind != Copy::Kind::Store)
    return Step::Next;
  for (size_t dim = 0; dim < coordinates.size(); ++dim)
    if (coordinates[dim] < 0)
      return copy.fail(HazardKind::OutOfBounds,
                       "expected a box to store to begin at 0 or behind, got " +
                           std::to_string(coordinates[dim]) + " in dimension " +
                           std::to_string(dim));
  return Step::Next;
}

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
  if (checkStart(copy, *map, coordinates) == Step::Failed)
    return Step::Failed;
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
  return block.cluster.operations.enqueue(std::move(copy));
}

Step tma::executeCopy(Block &block, Warp &warp, const Instruction &instruction,
                      uint32_t mask) {
  for (Operand operand : instruction.operands)
    block.checkRead(warp, instruction, operand, mask);
  Step step = forEachLane(mask, [&](unsigned lane) {
    return issueLane(block, warp, instruction, lane);
  });
  // What the warp does next does not come before the copies.
  warp.release();
  return step;
}

Step tma::executeCommit(Block &block, Warp &warp, const Instruction &,
                        uint32_t mask) {
  block.cluster.operations.commit(Tracker::BulkGroup, warp, mask);
  return Step::Next;
}

/// Waits for all groups of the threads but the last few.
Step tma::executeWait(Block &block, Warp &warp, const Instruction &instruction,
                      uint32_t mask) {
  return block.cluster.operations.wait(Tracker::BulkGroup, warp, mask,
                                       instruction.form[Left],
                                       instruction.form[OnlyReads]);
}

/// There are no caches here, but a tensor's box has to be right.
Step tma::executePrefetch(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t mask) {
  for (Operand operand : instruction.operands)
    block.checkRead(warp, instruction, operand, mask);
  if (instruction.form[Rank] == 0)
    return Step::Next;
  return forEachLane(mask, [&](unsigned lane) {
    Copy copy(Copy::Kind::Load, block, warp, instruction,
              static_cast<int>(lane));
    LaneOperands operands(block, warp, instruction, lane);
    uint64_t map = operands.address();
    return findTile(copy, operands, map);
  });
}
