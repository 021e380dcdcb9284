//===- Copy.cpp - Asynchronous copies -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Copy.h"

#include "Block.h"
#include "Cluster.h"

#include <cstring>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static constexpr int64_t maxBytes = (1 << 20) - 1;

Copy::Copy(Kind kind, Block &block, Warp &warp, const Instruction &instruction,
           int lane)
    : Operation(kind == Kind::Store ? Tracker::BulkGroup : Tracker::MBarrier,
                block, warp, instruction, lane),
      kind(kind), seen(warp.seen), fenced(warp.fenced) {}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

/// What lies outside of the tensor goes nowhere, and need not be written.
void Copy::checkSource() const {
  Accessor by{warp.agent, seen.get(warp.agent), &seen, &fenced};
  for (uint32_t index = 0; index < tile.rows; ++index) {
    TileRow row = tile.row(index);
    uint32_t first = row.begin / Tile::chunkBytes * Tile::chunkBytes;
    for (uint32_t at = first; at < row.end; at += Tile::chunkBytes) {
      uint32_t address = tile.swizzle(source + row.offset + at);
      Conflict conflict = block.shared.checkRead(
          by, address, std::min(Tile::chunkBytes, tile.rowBytes - at));
      if (conflict.kind != Conflict::Kind::None)
        return block.reportConflict(conflict, warp, instruction, lane,
                                    /*isWrite=*/false);
    }
  }
}

bool Copy::reads(uint32_t address, uint32_t size) const {
  bool readsShared = kind == Kind::Store || (kind == Kind::Forward && !hasRead);
  return readsShared && address < source + tile.bytes() &&
         source < address + size;
}

/// Who waits for the mbarrier knows that a forwarded source has been read; the
/// thread that waits for a group knows it of a store.
void Copy::release() {
  block.shared.recordRead(warp.agent, warp.stamp(), source, tile.bytes());
}

/// A write is fenced by the warp that made it, or by the one that copies.
bool Copy::reportUnfenced(uint64_t address, GlobalWrites::Write write) const {
  std::string what = "copies global memory that " +
                     block.cluster.agentText(write.agent, block) + " wrote, ";
  if (write.agent != warp.agent && write.stamp > seen.get(write.agent))
    fail(HazardKind::Race, what + "without being ordered after it", address);
  else if (write.stamp > std::max(block.cluster.fencedBy(write.agent),
                                  warp.fencedGlobal.get(write.agent)))
    fail(HazardKind::MissingProxyFence, what + "without fence.proxy.async",
         address);
  else
    return false;
  return true;
}

/// Two stores in flight may land in any order; reductions may as well.
bool Copy::reportOverlap(uint64_t address, uint32_t size) const {
  if (kind != Kind::Store || reduction)
    return false;
  const Operation *other = block.cluster.operations.findWriting(address, size);
  if (other)
    fail(HazardKind::MemoryInFlight,
         std::string("overwrites global memory that a ") + other->name() +
             " in flight writes (PTX line " +
             std::to_string(other->instruction.line) + ")",
         address);
  return other != nullptr;
}

void Copy::checkGlobal() {
  if (!block.grid.checked || kind == Kind::Forward)
    return;
  bool reported = false;
  for (uint32_t index = 0; index < tile.rows; ++index) {
    TileRow row = tile.row(index);
    if (row.begin == row.end)
      continue;
    uint64_t size = row.end - row.begin;
    // The first row stands for all.
    if (lowest > highest)
      block.checkAwaited(warp, instruction, lane, row.global);
    lowest = std::min(lowest, row.global);
    highest = std::max(highest, row.global + size);
    reported =
        reported || reportOverlap(row.global, static_cast<uint32_t>(size)) ||
        block.cluster.globalWrites.any(
            row.global, size, [&](uint64_t address, GlobalWrites::Write write) {
              return reportUnfenced(address, write);
            });
  }
}

bool Copy::writesGlobal(uint64_t address, uint32_t size) const {
  if (kind != Kind::Store || address >= highest || lowest >= address + size)
    return false;
  for (uint32_t index = 0; index < tile.rows; ++index) {
    TileRow row = tile.row(index);
    if (address < row.global + (row.end - row.begin) &&
        row.global < address + size)
      return true;
  }
  return false;
}

/// The bytes of global memory of a row, or null after a failure.
uint8_t *Copy::globalRow(const TileRow &row) const {
  uint8_t *bytes = block.grid.memory.find(row.global, row.end - row.begin);
  if (!bytes)
    fail(HazardKind::OutOfBounds,
         tile.isTensor()
             ? "the tensor map leads to memory that is not allocated"
             : "copies " + std::to_string(tile.bytes()) +
                   " bytes of global memory that are not allocated",
         row.global);
  return bytes;
}

/// What is outside of a tensor is zero.
Step Copy::readGlobal() {
  data.assign(tile.bytes(), 0);
  for (uint32_t index = 0; index < tile.rows; ++index) {
    TileRow row = tile.row(index);
    if (row.begin == row.end)
      continue;
    const uint8_t *bytes = globalRow(row);
    if (!bytes)
      return Step::Failed;
    std::memcpy(data.data() + row.offset + row.begin, bytes,
                row.end - row.begin);
  }
  return Step::Next;
}

void Copy::readShared() {
  data.resize(tile.bytes());
  for (uint32_t at = 0; at < data.size(); at += Tile::chunkBytes)
    std::memcpy(data.data() + at, block.shared.at(tile.swizzle(source + at)),
                std::min<size_t>(Tile::chunkBytes, data.size() - at));
}

Step Copy::read() {
  hasRead = true;
  if (kind == Kind::Load)
    return readGlobal();
  if (kind != Kind::Values)
    readShared();
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Destinations
//===----------------------------------------------------------------------===//

Step Copy::writeGlobal() {
  for (uint32_t index = 0; index < tile.rows; ++index) {
    TileRow row = tile.row(index);
    if (row.begin == row.end)
      continue;
    uint8_t *bytes = globalRow(row);
    if (!bytes)
      return Step::Failed;
    const uint8_t *values = data.data() + row.offset + row.begin;
    if (reduction)
      reduction->apply(bytes, values, row.end - row.begin);
    else
      std::memcpy(bytes, values, row.end - row.begin);
  }
  return Step::Next;
}

/// The bytes have landed: their mbarrier no longer waits for them.
Step Copy::complete(const Target &target, MBarrier &barrier) const {
  barrier.pendingBytes -= static_cast<int64_t>(data.size());
  if (barrier.pendingBytes < -maxBytes)
    return fail(HazardKind::BarrierMisuse,
                "more than 2^20 - 1 bytes arrive that the mbarrier does not "
                "expect",
                target.mbarrier);
  barrier.arrivedSeen.join(seen);
  barrier.arrivedFenced.join(fenced);
  if (MBarriers::completePhase(barrier))
    block.wake();
  return Step::Next;
}

Step Copy::writeShared(const Target &target) {
  SharedMemory &shared = target.block->shared;
  MBarrier *barrier = target.block->mbarriers.find(target.mbarrier);
  if (!barrier)
    return fail(HazardKind::BarrierMisuse,
                "there is no mbarrier at this address", target.mbarrier);
  auto size = static_cast<uint32_t>(data.size());
  if (block.grid.checked) {
    if (!barrier->isVisible)
      fail(HazardKind::MissingProxyFence,
           "the initialisation of the mbarrier is not fenced", target.mbarrier);
    Accessor by{barrier->agent, barrier->phase + 1, &seen,
                kind == Kind::Values ? nullptr : &fenced};
    block.checkNotUsed(warp, instruction, lane, target.address, size);
    if (reduction)
      block.reportConflict(shared.checkRead(by, target.address, size), warp,
                           instruction, lane, /*isWrite=*/false);
    block.reportConflict(shared.recordWrite(by, target.address, size), warp,
                         instruction, lane, /*isWrite=*/true);
    if (kind != Kind::Values)
      block.cluster.noteCopy(*this, seen, target.address, size);
    if (kind == Kind::Forward)
      block.shared.recordRead(barrier->agent, by.stamp, source, size);
  }
  for (uint32_t at = 0; at < size; at += Tile::chunkBytes) {
    uint8_t *bytes = shared.at(tile.swizzle(target.address + at));
    uint32_t count = std::min(Tile::chunkBytes, size - at);
    if (reduction)
      reduction->apply(bytes, data.data() + at, count);
    else
      std::memcpy(bytes, data.data() + at, count);
  }
  return complete(target, *barrier);
}

bool Copy::writesTo(const Block &block) const {
  return std::any_of(targets.begin(), targets.end(), [&](const Target &target) {
    return target.block == &block;
  });
}

/// A store reads at one moment and writes at another; what lands on an mbarrier
/// does both at once.
Step Copy::advance() {
  if (!hasRead) {
    Step step = read();
    if (step == Step::Failed || kind == Kind::Store)
      return step;
  }
  isDone = true;
  if (kind == Kind::Store)
    return writeGlobal();
  for (const Target &target : targets)
    if (writeShared(target) == Step::Failed)
      return Step::Failed;
  return Step::Next;
}
