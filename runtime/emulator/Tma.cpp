//===- Tma.cpp - Asynchronous copies of tensors ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tma.h"

#include "Decoder.h"
#include "Lanes.h"

#include "attn/Runtime/Float.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static constexpr uint32_t chunkBytes = 16;
static constexpr uint32_t copyAlignment = 128;

namespace {
/// A row of a tile: the elements along the innermost dimension.
struct Row {
  /// From the start of the tile, before swizzling.
  uint32_t sharedOffset = 0;
  /// The part within the tensor, in bytes of the row; empty where it is none.
  uint32_t begin = 0, end = 0;
  /// Of the byte `begin`.
  uint64_t global = 0;
};

/// The tile that a copy moves.
class Tile {
public:
  Tile(const TensorMapDescription &map, const std::vector<int32_t> &start)
      : map(map), start(start), elementBytes(elementSize(map.elementType)),
        rowBytes(static_cast<uint32_t>(map.box[0] * elementBytes)) {
    // More than shared memory can hold is refused, however much it is.
    for (size_t dim = 1; dim < map.box.size(); ++dim)
      rows = std::min<uint64_t>(uint64_t(rows) * map.box[dim], 1 << 20);
  }

  uint32_t bytes() const { return rows * rowBytes; }
  Row row(uint32_t index) const;
  uint32_t swizzle(uint32_t address) const;

  const TensorMapDescription &map;
  const std::vector<int32_t> &start;
  size_t elementBytes;
  uint32_t rowBytes;
  uint32_t rows = 1;
};
} // namespace

Row Tile::row(uint32_t index) const {
  Row row;
  row.sharedOffset = index * rowBytes;
  bool inside = true;
  uint64_t address = map.address;
  for (size_t dim = 1; dim < map.box.size(); ++dim) {
    int64_t at = int64_t(start[dim]) + index % map.box[dim];
    index /= map.box[dim];
    inside &= at >= 0 && static_cast<uint64_t>(at) < map.extents[dim];
    address += static_cast<uint64_t>(at) * map.strides[dim - 1];
  }
  int64_t first = std::max<int64_t>(start[0], 0);
  int64_t last = std::min<int64_t>(int64_t(start[0]) + map.box[0],
                                   static_cast<int64_t>(map.extents[0]));
  if (!inside || first >= last)
    return row;
  row.begin = static_cast<uint32_t>((first - start[0]) * elementBytes);
  row.end = static_cast<uint32_t>((last - start[0]) * elementBytes);
  row.global = address + first * elementBytes;
  return row;
}

/// A swizzle exchanges the chunks of 16 bytes within a line, by the number of
/// the line of 128 bytes.
uint32_t Tile::swizzle(uint32_t address) const {
  uint32_t chunks = static_cast<uint32_t>(map.swizzle) / chunkBytes;
  return chunks ? address ^ (address >> 7 & (chunks - 1)) * chunkBytes
                : address;
}

static Accessor storeAccessor(const PendingCopy &copy) {
  return {copy.warp, copy.seen.get(copy.warp), &copy.seen, &copy.fenced};
}

/// The bytes of global memory of a row, or null after a failure.
static uint8_t *globalRow(Block &block, const PendingCopy &copy,
                          const Row &row) {
  uint8_t *bytes = block.grid.memory.find(row.global, row.end - row.begin);
  if (!bytes)
    block.fail(HazardKind::OutOfBounds, *block.warps[copy.warp],
               *copy.instruction, static_cast<int>(copy.lane),
               "the tensor map leads to memory that is not allocated",
               row.global);
  return bytes;
}

/// Moves a row between global memory and its swizzled place.
static Step moveRow(Block &block, const PendingCopy &copy, const Tile &tile,
                    const Row &row) {
  bool isInside = row.begin < row.end;
  uint8_t *global = isInside ? globalRow(block, copy, row) : nullptr;
  if (isInside && !global)
    return Step::Failed;
  for (uint32_t at = 0; at < tile.rowBytes;) {
    uint32_t size = std::min(chunkBytes, tile.rowBytes - at);
    uint8_t *shared =
        block.shared.at(tile.swizzle(copy.shared + row.sharedOffset + at));
    uint32_t begin = std::clamp(row.begin, at, at + size) - at;
    uint32_t end = std::clamp(row.end, at, at + size) - at;
    if (!copy.isStore)
      std::memset(shared, 0, size);
    if (begin < end) {
      uint8_t *other = global + (at + begin - row.begin);
      if (copy.isStore)
        std::memcpy(other, shared + begin, end - begin);
      else
        std::memcpy(shared + begin, other, end - begin);
    }
    at += size;
  }
  return Step::Next;
}

/// The whole tile is contiguous, whatever the swizzle does within it.
static void checkTile(Block &block, const PendingCopy &copy, const Tile &tile,
                      const Accessor &by) {
  if (!block.grid.checked)
    return;
  Warp &warp = *block.warps[copy.warp];
  auto lane = static_cast<int>(copy.lane);
  if (!copy.isStore)
    for (uint32_t at = 0; at < tile.bytes(); at += copyAlignment)
      block.checkNotRead(warp, *copy.instruction, lane, copy.shared + at,
                         std::min(copyAlignment, tile.bytes() - at));
  Conflict conflict =
      copy.isStore ? block.shared.checkRead(by, copy.shared, tile.bytes())
                   : block.shared.recordWrite(by, copy.shared, tile.bytes());
  block.reportConflict(conflict, warp, *copy.instruction, lane, !copy.isStore);
}

static Step moveTile(Block &block, const PendingCopy &copy, const Tile &tile) {
  for (uint32_t index = 0; index < tile.rows; ++index)
    if (moveRow(block, copy, tile, tile.row(index)) == Step::Failed)
      return Step::Failed;
  return Step::Next;
}

/// The bytes have landed: their mbarrier no longer waits for them.
static Step completeBytes(Block &block, const PendingCopy &copy,
                          MBarrier &barrier, uint32_t bytes) {
  barrier.pendingBytes -= bytes;
  if (barrier.pendingBytes < -((1 << 20) - 1))
    return block.fail(HazardKind::BarrierMisuse, *block.warps[copy.warp],
                      *copy.instruction, static_cast<int>(copy.lane),
                      "more than 2^20 - 1 bytes arrive that the mbarrier does "
                      "not expect",
                      copy.mbarrier);
  barrier.arrivedSeen.join(copy.seen);
  barrier.arrivedFenced.join(copy.fenced);
  if (MBarriers::completePhase(barrier))
    block.wake();
  return Step::Next;
}

Step attn::runtime::emulator::completeCopy(Block &block, size_t index) {
  PendingCopy copy = std::move(block.copies[index]);
  block.copies.erase(block.copies.begin() + static_cast<ptrdiff_t>(index));
  Tile tile(*copy.map, copy.coordinates);
  if (copy.isStore) {
    if (moveTile(block, copy, tile) == Step::Failed)
      return Step::Failed;
    Warp &warp = *block.warps[copy.warp];
    block.shared.recordRead(copy.warp, warp.seen.get(copy.warp), copy.shared,
                            tile.bytes());
    return Step::Next;
  }
  MBarrier *barrier = block.mbarriers.find(copy.mbarrier);
  if (!barrier)
    return block.fail(HazardKind::BarrierMisuse, *block.warps[copy.warp],
                      *copy.instruction, static_cast<int>(copy.lane),
                      "there is no mbarrier at this address", copy.mbarrier);
  if (block.grid.checked && !barrier->isVisible)
    block.report(HazardKind::MissingProxyFence, *block.warps[copy.warp],
                 *copy.instruction, static_cast<int>(copy.lane),
                 "the initialisation of the mbarrier is not fenced",
                 copy.mbarrier);
  Accessor by{barrier->agent, barrier->phase + 1, &copy.seen, &copy.fenced};
  checkTile(block, copy, tile, by);
  if (moveTile(block, copy, tile) == Step::Failed)
    return Step::Failed;
  return completeBytes(block, copy, *barrier, tile.bytes());
}

const PendingCopy *attn::runtime::emulator::findStoreReading(Block &block,
                                                             uint32_t address,
                                                             uint32_t size) {
  for (const PendingCopy &copy : block.copies) {
    if (!copy.isStore)
      continue;
    uint32_t bytes = Tile(*copy.map, copy.coordinates).bytes();
    if (address < copy.shared + bytes && copy.shared < address + size)
      return &copy;
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Issue
//===----------------------------------------------------------------------===//

namespace {
/// The operands: shared memory, tensor map, mbarrier of a load, coordinates,
/// and a cache hint, which changes nothing here.
enum Form { Rank, IsStore };
} // namespace

static const TensorMapDescription *findMap(Block &block, Warp &warp,
                                           const Instruction &instruction,
                                           int lane, uint64_t address) {
  for (const auto &[offset, map] : block.grid.tensorMaps)
    if (address == parameterWindow + offset)
      return &map;
  block.fail(HazardKind::OutOfBounds, warp, instruction, lane,
             "there is no tensor map at this address", address);
  return nullptr;
}

static Step issueLane(Block &block, Warp &warp, const Instruction &instruction,
                      unsigned lane) {
  auto laneIndex = static_cast<int>(lane);
  auto value = [&](unsigned i) -> uint64_t {
    Operand operand = instruction.operands[i];
    return operand.kind == Operand::Kind::Word
               ? warp.words[operand.index][lane]
               : doublesOf(block, warp, operand)[lane];
  };
  PendingCopy copy;
  copy.instruction = &instruction;
  copy.isStore = instruction.form[IsStore];
  copy.warp = warp.index;
  copy.lane = lane;
  copy.map = findMap(block, warp, instruction, laneIndex, value(1));
  if (!copy.map)
    return Step::Failed;
  uint32_t rank = instruction.form[Rank];
  if (copy.map->box.size() != rank)
    return block.fail(HazardKind::OutOfBounds, warp, instruction, laneIndex,
                      "expected a tensor map of " + std::to_string(rank) +
                          " dimensions, got one of " +
                          std::to_string(copy.map->box.size()));
  unsigned first = copy.isStore ? 2 : 3;
  for (uint32_t dim = 0; dim < rank; ++dim)
    copy.coordinates.push_back(static_cast<int32_t>(value(first + dim)));
  Tile tile(*copy.map, copy.coordinates);
  uint64_t shared = value(0) + instruction.offset;
  if (!block.accessShared(warp, instruction, laneIndex, shared, tile.bytes(),
                          copyAlignment))
    return Step::Failed;
  copy.shared = static_cast<uint32_t>(shared);
  copy.mbarrier = copy.isStore ? 0 : static_cast<uint32_t>(value(2));
  copy.seen = warp.seen;
  copy.fenced = warp.fenced;
  copy.due = block.randomDue();
  if (copy.isStore)
    checkTile(block, copy, tile, storeAccessor(copy));
  block.copies.push_back(std::move(copy));
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
    uint32_t group = warp.bulkGroups[lane]++;
    for (PendingCopy &copy : block.copies)
      if (copy.isStore && copy.warp == warp.index && copy.lane == lane &&
          copy.group == PendingCopy::uncommitted)
        copy.group = group;
    return Step::Next;
  });
}

/// Completes all groups of the threads but the last few.
static Step executeWait(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  return forEachLane(mask, [&](unsigned lane) {
    for (size_t i = 0; i < block.copies.size();) {
      const PendingCopy &copy = block.copies[i];
      if (!copy.isStore || copy.warp != warp.index || copy.lane != lane ||
          copy.group == PendingCopy::uncommitted ||
          copy.group + instruction.form[0] >= warp.bulkGroups[lane])
        ++i;
      else if (completeCopy(block, i) == Step::Failed)
        return Step::Failed;
    }
    return Step::Next;
  });
}

static Step executeNothing(Block &, Warp &, const Instruction &, uint32_t) {
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
  if (name != "cp.async.bulk.wait_group" &&
      name != "cp.async.bulk.wait_group.read")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(1); status.failed())
    return status;
  Result<int64_t> count =
      decoder.immediate(decoder.statement().operands[0], 0, 1 << 16);
  if (count.failed())
    return count.error();
  instruction.execute = executeWait;
  instruction.form[0] = static_cast<uint32_t>(*count);
  return {};
}

/// The tensor map and, last, the coordinates.
static Status addTensor(Decoder &decoder, const SourceOperand &tensor,
                        uint32_t rank, const SourceOperand *mbarrier) {
  if (tensor.elements.size() != rank)
    return decoder.error("expected " + std::to_string(rank) +
                         " coordinates, got " +
                         std::to_string(tensor.elements.size()));
  if (Status status = decoder.addAddress(tensor, /*mayOffset=*/false);
      status.failed())
    return status;
  if (mbarrier)
    if (Status status = decoder.addAddress(*mbarrier, /*mayOffset=*/false);
        status.failed())
      return status;
  for (const SourceOperand &coordinate : tensor.elements)
    if (Status status = decoder.addSource(coordinate, Type::Bits32);
        status.failed())
      return status;
  return {};
}

static Status decodeTensorCopy(Decoder &decoder) {
  std::string form;
  bool hinted = false;
  for (size_t i = 5; i < decoder.parts().size(); ++i) {
    const std::string &part = decoder.parts()[i];
    if (part == "L2::cache_hint")
      hinted = true;
    else if (part != "tile")
      form += (form.empty() ? "" : ".") + part;
  }
  bool isStore = form == "global.shared::cta.bulk_group";
  if (!isStore &&
      form != "shared::cluster.global.mbarrier::complete_tx::bytes" &&
      form != "shared::cta.global.mbarrier::complete_tx::bytes")
    return decoder.unknown();
  if (Status status = decoder.expectOperands((isStore ? 2 : 3) + hinted);
      status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  auto rank = static_cast<uint32_t>(decoder.parts()[4][0] - '0');
  instruction.execute = executeCopy;
  instruction.form = {rank, isStore, 0, 0};
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addAddress(operands[isStore ? 1 : 0]);
      status.failed())
    return status;
  if (Status status = addTensor(decoder, operands[isStore ? 0 : 1], rank,
                                isStore ? nullptr : &operands[2]);
      status.failed())
    return status;
  return hinted ? decoder.addSource(operands.back(), Type::Bits64) : Status();
}

Status attn::runtime::emulator::decodeTma(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  if (parts[0] == "prefetch") {
    if (decoder.statement().name != "prefetch.tensormap")
      return decoder.unknown();
    decoder.instruction().execute = executeNothing;
    return decoder.expectOperands(1);
  }
  bool isTensor = parts.size() > 5 && parts[1] == "async" &&
                  parts[2] == "bulk" && parts[3] == "tensor" &&
                  parts[4].size() == 2 && parts[4][1] == 'd' &&
                  parts[4][0] >= '1' && parts[4][0] <= '5';
  return isTensor ? decodeTensorCopy(decoder) : decodeGroups(decoder);
}
