//===- MBarrier.cpp - Barriers in shared memory ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MBarrier.h"

#include "Cluster.h"
#include "Decoder.h"
#include "Lanes.h"

#include <algorithm>
#include <sstream>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

MBarrier &MBarriers::create(uint32_t address) {
  auto [entry, isNew] = barriers.try_emplace(address);
  uint32_t agent = isNew ? nextAgent++ : entry->second.agent;
  uint32_t phase = isNew ? 0 : entry->second.phase;
  entry->second = MBarrier();
  entry->second.agent = agent;
  // The parity starts over, but time goes on.
  entry->second.phase = phase + (phase & 1);
  return entry->second;
}

MBarrier *MBarriers::find(uint64_t address) {
  auto found = address > UINT32_MAX
                   ? barriers.end()
                   : barriers.find(static_cast<uint32_t>(address));
  return found == barriers.end() || !found->second.isValid ? nullptr
                                                           : &found->second;
}

std::optional<uint32_t> MBarriers::findOverlap(uint32_t address,
                                               uint32_t size) const {
  uint32_t first = address < bytes ? 0 : address - bytes + 1;
  for (auto entry = barriers.lower_bound(first);
       entry != barriers.end() && entry->first < address + size; ++entry)
    if (entry->second.isValid)
      return entry->first;
  return std::nullopt;
}

void MBarriers::fenceInit(uint32_t warp) {
  for (auto &entry : barriers)
    entry.second.isVisible |= entry.second.owner == warp;
}

bool MBarriers::completePhase(MBarrier &barrier) {
  if (barrier.pendingArrivals || barrier.pendingBytes)
    return false;
  ++barrier.phase;
  barrier.expected -= barrier.dropped;
  barrier.dropped = 0;
  barrier.pendingArrivals = barrier.expected;
  barrier.seen.join(barrier.arrivedSeen);
  barrier.seen.set(barrier.agent, barrier.phase);
  barrier.fenced.join(barrier.arrivedFenced);
  return true;
}

std::string MBarriers::describe(uint32_t address, const MBarrier &barrier) {
  std::ostringstream text;
  text << "the mbarrier at 0x" << std::hex << address << std::dec
       << ", whose phase " << barrier.phase << " lacks "
       << barrier.pendingArrivals << " of " << barrier.expected
       << " arrivals and " << barrier.pendingBytes << " bytes";
  return text.str();
}

uint32_t MBarriers::addressOf(uint32_t agent) const {
  for (const auto &[address, barrier] : barriers)
    if (barrier.agent == agent)
      return address;
  return 0;
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

namespace {
/// What form[] holds.
enum Form { Flags };
enum Flag : uint32_t {
  /// The address is a generic one.
  Generic = 1,
  /// It may be that of another block of the cluster.
  Remote = 2,
  Relaxed = 4,
  /// The last operand is a number of arrivals, or of bytes.
  HasCount = 8,
  HasBytes = 16,
  Drops = 32,
  NoComplete = 64,
  Arrives = 128,
  Parity = 256,
};

bool has(const Instruction &instruction, Flag flag) {
  return instruction.form[Flags] & flag;
}

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

static Step executeInit(Block &block, Warp &warp,
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
static Step executeInval(Block &block, Warp &warp,
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
static Step executeArrive(Block &block, Warp &warp,
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
static Step executeCompleteTx(Block &block, Warp &warp,
                              const Instruction &instruction, uint32_t mask) {
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

static Step executePendingCount(Block &block, Warp &warp,
                                const Instruction &instruction, uint32_t mask) {
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

template <bool blocks>
static Step executeWait(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 1, mask);
  for (size_t i = 2; i < instruction.operands.size(); ++i)
    block.checkRead(warp, instruction, instruction.operands[i], mask);
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
    if (isOver)
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

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

namespace {
/// The modifiers between the operation and the type.
struct Modifiers {
  bool expects = false, noComplete = false, parity = false;
  bool release = false, acquire = false, relaxed = false;
  /// "cta" or "cluster".
  std::string scope;
  /// "" for generic addresses.
  std::string space;
};
} // namespace

static std::optional<Modifiers>
parseModifiers(const std::vector<std::string> &parts) {
  Modifiers modifiers;
  const std::pair<const char *, bool *> flags[] = {
      {"expect_tx", &modifiers.expects}, {"noComplete", &modifiers.noComplete},
      {"parity", &modifiers.parity},     {"release", &modifiers.release},
      {"acquire", &modifiers.acquire},   {"relaxed", &modifiers.relaxed}};
  if (parts.size() < 3 || parts.back() != "b64")
    return std::nullopt;
  for (size_t i = 2; i + 1 < parts.size(); ++i) {
    const auto *flag =
        std::find_if(std::begin(flags), std::end(flags), [&](const auto &flag) {
          return parts[i] == flag.first && !*flag.second;
        });
    if (flag != std::end(flags))
      *flag->second = true;
    else if (modifiers.scope.empty() && modifiers.space.empty() &&
             (parts[i] == "cta" || parts[i] == "cluster"))
      modifiers.scope = parts[i];
    else if (modifiers.space.empty() &&
             (parts[i] == "shared" || parts[i] == "shared::cta" ||
              parts[i] == "shared::cluster"))
      modifiers.space = parts[i];
    else
      return std::nullopt;
  }
  // A scope belongs to a memory order.
  bool isOrdered = modifiers.release || modifiers.acquire || modifiers.relaxed;
  if (modifiers.release + modifiers.acquire + modifiers.relaxed > 1 ||
      isOrdered != !modifiers.scope.empty())
    return std::nullopt;
  return modifiers;
}

static uint32_t commonFlags(const Modifiers &modifiers) {
  return (modifiers.space.empty() ? uint32_t(Generic) : 0u) |
         (modifiers.space == "shared::cluster" || modifiers.space.empty()
              ? uint32_t(Remote)
              : 0u) |
         (modifiers.relaxed ? uint32_t(Relaxed) : 0u);
}

static Status decodeArrive(Decoder &decoder, const Modifiers &modifiers,
                           bool drops) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  bool hasNumber = operands.size() == 3;
  if ((!hasNumber && operands.size() != 2) || modifiers.parity ||
      modifiers.acquire || (modifiers.expects && modifiers.noComplete) ||
      ((modifiers.expects || modifiers.noComplete) && !hasNumber))
    return decoder.unknown();
  if (modifiers.space == "shared::cluster" && !decoder.isSink(operands[0]))
    return decoder.error("expected '_' as the state of an mbarrier of another "
                         "block, got '" +
                         operands[0].text + "'");
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeArrive;
  uint32_t flags = commonFlags(modifiers) | Arrives;
  flags |= modifiers.expects ? uint32_t(HasBytes) : 0;
  flags |= hasNumber && !modifiers.expects ? uint32_t(HasCount) : 0;
  flags |= modifiers.noComplete ? uint32_t(NoComplete) : 0;
  flags |= drops ? uint32_t(Drops) : 0;
  instruction.form[Flags] = flags;
  if (Status status = decoder.addResult(operands[0], Type::Bits64);
      status.failed())
    return status;
  if (Status status = decoder.addAddress(operands[1]); status.failed())
    return status;
  return hasNumber ? decoder.addSource(operands[2], Type::Bits32) : Status();
}

/// expect_tx and complete_tx: a relaxed change of the bytes alone.
static Status decodeTx(Decoder &decoder, const Modifiers &modifiers,
                       bool expects) {
  if (modifiers.parity || modifiers.acquire || modifiers.release ||
      modifiers.expects || modifiers.noComplete)
    return decoder.unknown();
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  instruction.execute = expects ? executeArrive : executeCompleteTx;
  instruction.form[Flags] = commonFlags(modifiers) | HasBytes | Relaxed;
  // There is no state.
  instruction.operands.emplace_back();
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addAddress(operands[0]); status.failed())
    return status;
  return decoder.addSource(operands[1], Type::Bits32);
}

static Status decodeWait(Decoder &decoder, const Modifiers &modifiers,
                         bool blocks) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  bool hinted = blocks && operands.size() == 4;
  if ((!hinted && operands.size() != 3) || modifiers.release ||
      modifiers.expects || modifiers.noComplete ||
      modifiers.space == "shared::cluster" || decoder.isSink(operands[0]))
    return decoder.unknown();
  Instruction &instruction = decoder.instruction();
  instruction.execute = blocks ? executeWait<true> : executeWait<false>;
  // Only the barriers of the block itself can be waited for.
  instruction.form[Flags] = (commonFlags(modifiers) & ~uint32_t(Remote)) |
                            (modifiers.parity ? uint32_t(Parity) : 0u);
  if (Status status = decoder.addResult(operands[0], Type::Predicate);
      status.failed())
    return status;
  if (Status status = decoder.addAddress(operands[1]); status.failed())
    return status;
  if (Status status = decoder.addSource(
          operands[2], modifiers.parity ? Type::Bits32 : Type::Bits64);
      status.failed())
    return status;
  return hinted ? decoder.addSource(operands[3], Type::Bits32) : Status();
}

static Status decodeInit(Decoder &decoder, const Modifiers &modifiers,
                         bool isInit) {
  if (modifiers.parity || modifiers.acquire || modifiers.release ||
      modifiers.relaxed || modifiers.expects || modifiers.noComplete ||
      modifiers.space == "shared::cluster")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(isInit ? 2 : 1); status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  instruction.execute = isInit ? executeInit : executeInval;
  instruction.form[Flags] = commonFlags(modifiers) & ~uint32_t(Remote);
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addAddress(operands[0]); status.failed())
    return status;
  return isInit ? decoder.addSource(operands[1], Type::Bits32) : Status();
}

static Status decodePendingCount(Decoder &decoder) {
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  decoder.instruction().execute = executePendingCount;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addResult(operands[0], Type::Bits32);
      status.failed())
    return status;
  return decoder.addSource(operands[1], Type::Bits64);
}

Status attn::runtime::emulator::decodeMBarrier(Decoder &decoder) {
  if (decoder.statement().name == "mbarrier.pending_count.b64")
    return decodePendingCount(decoder);
  std::optional<Modifiers> modifiers = parseModifiers(decoder.parts());
  if (!modifiers)
    return decoder.unknown();
  const std::string &operation = decoder.parts()[1];
  if (operation == "init" || operation == "inval")
    return decodeInit(decoder, *modifiers, operation == "init");
  if (operation == "arrive" || operation == "arrive_drop")
    return decodeArrive(decoder, *modifiers, operation == "arrive_drop");
  if (operation == "expect_tx" || operation == "complete_tx")
    return decodeTx(decoder, *modifiers, operation == "expect_tx");
  if (operation == "try_wait" || operation == "test_wait")
    return decodeWait(decoder, *modifiers, operation == "try_wait");
  return decoder.unknown();
}
