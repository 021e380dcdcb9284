//===- MBarrierOps.cpp - Instructions on mbarriers ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MBarrierOps.h"

#include "Cluster.h"
#include "Lanes.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;
using namespace attn::runtime::emulator::mbarrier;

namespace {
/// An mbarrier and whose it is; null after a failure.
struct Found {
  Block *owner = nullptr;
  MBarrier *barrier = nullptr;
  uint32_t address = 0;
};
} // namespace

/// The block in whose shared memory an mbarrier is or shall be, and its address
/// there.
static Block *findPlace(Block &block, Warp &warp,
                        const Instruction &instruction, int lane,
                        uint64_t &address) {
  if (has(instruction, Generic)) {
    if (address < sharedWindow || address >= parameterWindow) {
      block.fail(HazardKind::OutOfBounds, warp, instruction, lane,
                 "expected a generic address of shared memory", address);
      return nullptr;
    }
    address -= sharedWindow;
  }
  if (has(instruction, Remote))
    return block.accessCluster(warp, instruction, lane, address,
                               MBarriers::bytes, MBarriers::bytes);
  return block.accessShared(warp, instruction, lane, address, MBarriers::bytes,
                            MBarriers::bytes)
             ? &block
             : nullptr;
}

/// The mbarrier at an address, which must have been initialised in a way that
/// the warp knows of.
static Found findBarrier(Block &block, Warp &warp,
                         const Instruction &instruction, int lane,
                         uint64_t address) {
  Found found;
  found.owner = findPlace(block, warp, instruction, lane, address);
  if (!found.owner)
    return found;
  found.address = static_cast<uint32_t>(address);
  found.barrier = found.owner->mbarriers.find(address);
  if (!found.barrier)
    block.fail(HazardKind::BarrierMisuse, warp, instruction, lane,
               "there is no mbarrier at this address", address);
  else if (block.grid.checked && found.barrier->owner != warp.agent &&
           found.barrier->ownerStamp >
               std::max(warp.seen.get(found.barrier->owner),
                        warp.inits.get(found.barrier->owner)))
    block.report(HazardKind::Race, warp, instruction, lane,
                 "uses an mbarrier that " +
                     block.cluster.agentText(found.barrier->owner, block) +
                     " initialised, without being ordered after it",
                 address);
  return found;
}

Step mbarrier::executeInit(Block &block, Warp &warp,
                           const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 0, mask);
  Operand count = instruction.operands[1];
  block.checkRead(warp, instruction, count, mask);
  const Words &counts = wordsOf(block, warp, count);
  return forEachLane(mask, [&](unsigned lane) {
    uint64_t address = addresses[lane] + instruction.offset;
    auto index = static_cast<int>(lane);
    if (!findPlace(block, warp, instruction, index, address))
      return Step::Failed;
    if (MBarrier *old = block.mbarriers.find(address)) {
      block.report(HazardKind::BarrierMisuse, warp, instruction, index,
                   "initialises an mbarrier again, without mbarrier.inval",
                   address);
      old->isValid = false;
    }
    if (!block.writeShared(warp, instruction, index, address, MBarriers::bytes))
      return Step::Failed;
    if (counts[lane] == 0 || counts[lane] > MBarriers::maxCount)
      return block.fail(HazardKind::BarrierMisuse, warp, instruction, index,
                        "expected a count from 1 to 2^20 - 1, got " +
                            std::to_string(counts[lane]),
                        address);
    MBarrier &barrier = block.mbarriers.create(static_cast<uint32_t>(address));
    barrier.expected = barrier.pendingArrivals = counts[lane];
    barrier.owner = warp.agent;
    barrier.ownerStamp = warp.stamp();
    return Step::Next;
  });
}

/// The memory may be used for other things from now on.
Step mbarrier::executeInval(Block &block, Warp &warp,
                            const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 0, mask);
  return forEachLane(mask, [&](unsigned lane) {
    auto index = static_cast<int>(lane);
    Found found = findBarrier(block, warp, instruction, index,
                              addresses[lane] + instruction.offset);
    if (!found.barrier)
      return Step::Failed;
    if (found.barrier->pendingBytes != 0)
      block.report(HazardKind::BarrierMisuse, warp, instruction, index,
                   "invalidates an mbarrier that still waits for bytes",
                   found.address);
    found.barrier->isValid = false;
    return Step::Next;
  });
}

/// What an arrival gives to those who want to wait for its phase.
static uint64_t stateOf(const MBarrier &barrier) {
  return uint64_t(barrier.phase) << 32 | barrier.pendingArrivals;
}

/// Takes `count` arrivals off.
static Step countArrivals(Block &block, Warp &warp,
                          const Instruction &instruction, int lane,
                          const Found &found, uint32_t count) {
  MBarrier &barrier = *found.barrier;
  auto misuse = [&](const std::string &what) {
    return block.fail(HazardKind::BarrierMisuse, warp, instruction, lane, what,
                      found.address);
  };
  if (count == 0)
    return misuse("expected a count from 1 to 2^20 - 1, got 0");
  if (count > barrier.pendingArrivals)
    return misuse("arrives more often than the " +
                  std::to_string(barrier.expected) +
                  " times that the mbarrier expects");
  if (has(instruction, NoComplete) && count == barrier.pendingArrivals)
    return misuse("an arrival with .noComplete completes the phase");
  if (has(instruction, Drops))
    barrier.dropped += count;
  barrier.pendingArrivals -= count;
  return Step::Next;
}

/// `number` counts arrivals or bytes, as the instruction says.
static Step arrive(Block &block, Warp &warp, const Instruction &instruction,
                   int lane, const Found &found, uint32_t number) {
  MBarrier &barrier = *found.barrier;
  if (has(instruction, HasBytes)) {
    barrier.pendingBytes += number;
    if (barrier.pendingBytes > MBarriers::maxCount)
      return block.fail(HazardKind::BarrierMisuse, warp, instruction, lane,
                        "expects more than 2^20 - 1 bytes", found.address);
  }
  if (has(instruction, Arrives)) {
    uint32_t count = has(instruction, HasCount) ? number : 1;
    if (countArrivals(block, warp, instruction, lane, found, count) ==
        Step::Failed)
      return Step::Failed;
  }
  // A relaxed arrival passes on what a fence has released before.
  barrier.arrivedSeen.join(has(instruction, Relaxed) ? warp.released
                                                     : warp.seen);
  if (!has(instruction, Relaxed))
    barrier.arrivedFenced.join(warp.fenced);
  if (MBarriers::completePhase(barrier))
    block.wake();
  return Step::Next;
}

/// The number that the last operand gives to each lane, if there is one.
static Words numbersOf(Block &block, Warp &warp, const Instruction &instruction,
                       uint32_t mask) {
  if (!has(instruction, HasCount) && !has(instruction, HasBytes))
    return {};
  Operand value = instruction.operands.back();
  block.checkRead(warp, instruction, value, mask);
  return wordsOf(block, warp, value);
}

/// The operands are the state, the address and a number.
Step mbarrier::executeArrive(Block &block, Warp &warp,
                             const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 1, mask);
  Words numbers = numbersOf(block, warp, instruction, mask);
  Doubles states = {};
  Step step = forEachLane(mask, [&](unsigned lane) {
    auto index = static_cast<int>(lane);
    Found found = findBarrier(block, warp, instruction, index,
                              addresses[lane] + instruction.offset);
    if (!found.barrier)
      return Step::Failed;
    states[lane] = stateOf(*found.barrier);
    return arrive(block, warp, instruction, index, found, numbers[lane]);
  });
  if (step == Step::Next)
    writeDoubles(block, warp, instruction, instruction.operands[0], states,
                 mask);
  warp.release();
  return step;
}

/// Bytes that come without a copy.
Step mbarrier::executeCompleteTx(Block &block, Warp &warp,
                                 const Instruction &instruction,
                                 uint32_t mask) {
  Addresses addresses(block, warp, instruction, 1, mask);
  Words numbers = numbersOf(block, warp, instruction, mask);
  return forEachLane(mask, [&](unsigned lane) {
    auto index = static_cast<int>(lane);
    Found found = findBarrier(block, warp, instruction, index,
                              addresses[lane] + instruction.offset);
    if (!found.barrier)
      return Step::Failed;
    found.barrier->pendingBytes -= numbers[lane];
    if (found.barrier->pendingBytes < -MBarriers::maxCount)
      return block.fail(HazardKind::BarrierMisuse, warp, instruction, index,
                        "more than 2^20 - 1 bytes arrive that the mbarrier "
                        "does not expect",
                        found.address);
    if (MBarriers::completePhase(*found.barrier))
      block.wake();
    return Step::Next;
  });
}

Step mbarrier::executePendingCount(Block &block, Warp &warp,
                                   const Instruction &instruction,
                                   uint32_t mask) {
  Operand state = instruction.operands[1];
  block.checkRead(warp, instruction, state, mask);
  const Doubles &states = doublesOf(block, warp, state);
  Words counts;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    counts[lane] = static_cast<uint32_t>(states[lane]);
  writeWords(block, warp, instruction, instruction.operands[0], counts, mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Waiting
//===----------------------------------------------------------------------===//

/// Whether the phase that a lane names by its parity or its state is over.
static Step testPhase(Block &block, Warp &warp, const Instruction &instruction,
                      int lane, const Found &found, bool &isOver) {
  const MBarrier &barrier = *found.barrier;
  Operand operand = instruction.operands[2];
  if (has(instruction, Parity)) {
    isOver = (barrier.phase & 1) != (wordsOf(block, warp, operand)[lane] & 1);
    return Step::Next;
  }
  uint64_t phase = doublesOf(block, warp, operand)[lane] >> 32;
  if (phase > barrier.phase || phase + 1 < barrier.phase)
    return block.fail(
        HazardKind::BarrierMisuse, warp, instruction, lane,
        "expected the state of phase " + std::to_string(barrier.phase) +
            " or the one before, got one of phase " + std::to_string(phase),
        found.address);
  isOver = phase != barrier.phase;
  return Step::Next;
}

static void learn(Warp &warp, const Instruction &instruction,
                  const MBarrier &barrier) {
  if (has(instruction, Relaxed)) {
    warp.observed.join(barrier.seen);
    return;
  }
  warp.seen.join(barrier.seen);
  warp.fenced.join(barrier.fenced);
}

/// A wait that may block ends with no at times all the same, as its time limit
/// may be over.
static bool endsEarly(Block &block, Warp &warp) {
  if (warp.timesOut) {
    warp.timesOut = false;
    return true;
  }
  return !block.cluster.isStuck() && block.random.below(8) == 0;
}

/// Whether something has shown a warp that the last phase is over.
static bool isKnown(const Warp &warp, const MBarrier &barrier) {
  return warp.seen.get(barrier.agent) >= barrier.phase ||
         warp.seen.covers(barrier.seen, barrier.agent);
}

template <bool blocks>
static Step executeWait(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 1, mask);
  for (size_t i = 2; i < instruction.operands.size(); ++i)
    block.checkRead(warp, instruction, instruction.operands[i], mask);
  // Who only asks may do so too early.
  bool early = !blocks && block.grid.checked && block.random.below(4) == 0;
  uint32_t completed = 0;
  std::string waitsFor;
  std::array<const MBarrier *, warpSize> barriers = {};
  Step step = forEachLane(mask, [&](unsigned lane) {
    auto index = static_cast<int>(lane);
    Found found = findBarrier(block, warp, instruction, index,
                              addresses[lane] + instruction.offset);
    bool isOver = false;
    if (!found.barrier || testPhase(block, warp, instruction, index, found,
                                    isOver) == Step::Failed)
      return Step::Failed;
    barriers[lane] = found.barrier;
    if (isOver && !(early && !isKnown(warp, *found.barrier)))
      completed |= 1u << lane;
    else if (waitsFor.empty())
      waitsFor = MBarriers::describe(found.address, *found.barrier);
    return Step::Next;
  });
  if (step == Step::Failed)
    return step;
  if (blocks && completed != mask && !endsEarly(block, warp))
    return block.block(warp, waitsFor, /*mayTimeOut=*/true);
  if (completed != mask)
    block.cluster.noteIdle();
  forEachLane(completed, [&](unsigned lane) {
    learn(warp, instruction, *barriers[lane]);
    return Step::Next;
  });
  writePredicate(block, warp, instruction, instruction.operands[0], completed,
                 mask);
  return Step::Next;
}

Step mbarrier::executeTryWait(Block &block, Warp &warp,
                              const Instruction &instruction, uint32_t mask) {
  return executeWait</*blocks=*/true>(block, warp, instruction, mask);
}

Step mbarrier::executeTestWait(Block &block, Warp &warp,
                               const Instruction &instruction, uint32_t mask) {
  return executeWait</*blocks=*/false>(block, warp, instruction, mask);
}
