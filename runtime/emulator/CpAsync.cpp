//===- CpAsync.cpp - Asynchronous copies of single threads ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CpAsync.h"

#include "Cluster.h"
#include "MemoryAccess.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

static void move(Block &block, LaneCopy &copy) {
  if (copy.hasMoved)
    return;
  copy.hasMoved = true;
  uint8_t *target = block.shared.at(copy.shared);
  std::fill_n(target, copy.size, 0);
  if (copy.sourceSize)
    if (const uint8_t *source =
            block.grid.memory.find(copy.global, copy.sourceSize))
      std::memcpy(target, source, copy.sourceSize);
}

/// The bytes have landed, for those who come after `by`.
static void finish(Block &block, const Warp &warp, LaneCopy &copy,
                   const Accessor &by) {
  move(block, copy);
  block.shared.endFlight(copy.shared, copy.size);
  block.reportConflict(block.shared.recordWrite(by, copy.shared, copy.size),
                       warp, *copy.instruction, static_cast<int>(copy.lane),
                       /*isWrite=*/true);
}

static bool isFilled(const std::vector<LaneCopy> &copies, uint32_t address) {
  return std::any_of(copies.begin(), copies.end(), [&](const LaneCopy &copy) {
    return copy.shared <= address && address < copy.shared + copy.size;
  });
}

Step LaneCopies::advance() {
  hasRead = isDone = true;
  for (LaneCopy &copy : copies)
    if (block.random.below(2))
      move(block, copy);
    else
      isDone &= copy.hasMoved;
  return Step::Next;
}

bool LaneCopies::fills(uint32_t address) const {
  return isFilled(copies, address);
}

void LaneCopies::commit(uint32_t mask,
                        const std::array<uint32_t, warpSize> &groups) {
  for (LaneCopy &copy : copies)
    if ((mask >> copy.lane & 1) && copy.group == uncommitted)
      group = copy.group = groups[copy.lane];
}

/// Ends where nothing is left.
void LaneCopies::keep(std::vector<LaneCopy> left) {
  copies = std::move(left);
  if (copies.empty())
    isDone = isReleased = true;
}

template <typename Predicate>
void LaneCopies::complete(const Accessor &by, Predicate isWaitedFor) {
  std::vector<LaneCopy> kept;
  for (LaneCopy &copy : copies)
    if (isWaitedFor(copy))
      finish(block, warp, copy, by);
    else
      kept.push_back(copy);
  keep(std::move(kept));
}

void LaneCopies::take(uint32_t lane, std::vector<LaneCopy> &taken) {
  std::vector<LaneCopy> kept;
  for (const LaneCopy &copy : copies)
    (copy.lane == lane ? taken : kept).push_back(copy);
  keep(std::move(kept));
}

/// The copies of a warp, in the order of issue.
template <typename Body>
static void forLaneCopies(Block &block, const Warp &warp, Body body) {
  block.cluster.operations.update(Tracker::LaneGroup, warp,
                                  [&](Operation &operation) {
                                    body(static_cast<LaneCopies &>(operation));
                                  });
}

/// The groups that each thread has committed.
static std::array<uint32_t, warpSize> &groupsOf(Warp &warp) {
  return warp.groups[static_cast<unsigned>(Tracker::LaneGroup) - 1];
}

namespace {
/// What form[] holds; the offset of the source in two halves.
enum Form { Size, Extra, OffsetLow, OffsetHigh };
/// What the operand after the addresses says.
enum ExtraOperand : uint32_t { None, SourceSize, IgnoresSource };
} // namespace

/// How many bytes of the source a lane copies, or nothing after a failure.
static std::optional<uint32_t> sourceSize(Block &block, Warp &warp,
                                          const Instruction &instruction,
                                          unsigned lane) {
  uint32_t size = instruction.form[Size];
  if (instruction.form[Extra] == None)
    return size;
  Operand extra = instruction.operands[2];
  if (instruction.form[Extra] == IgnoresSource)
    return predicateOf(block, warp, extra) >> lane & 1 ? 0 : size;
  uint32_t wanted = wordsOf(block, warp, extra)[lane];
  if (wanted <= size)
    return wanted;
  block.fail(HazardKind::OutOfBounds, warp, instruction, static_cast<int>(lane),
             "expected a source of at most " + std::to_string(size) +
                 " bytes, got " + std::to_string(wanted));
  return std::nullopt;
}

static Step issueLane(LaneCopies &copies, Block &block, Warp &warp,
                      const Instruction &instruction, unsigned lane,
                      uint64_t target, uint64_t source) {
  auto laneIndex = static_cast<int>(lane);
  LaneCopy copy;
  copy.instruction = &instruction;
  copy.lane = lane;
  copy.size = instruction.form[Size];
  std::optional<uint32_t> wanted = sourceSize(block, warp, instruction, lane);
  if (!wanted)
    return Step::Failed;
  copy.sourceSize = *wanted;
  copy.global = source;
  if (!block.accessShared(warp, instruction, laneIndex, target, copy.size,
                          copy.size))
    return Step::Failed;
  if (copy.sourceSize &&
      !block.accessGlobal(warp, instruction, laneIndex, source, copy.size,
                          /*isWrite=*/false))
    return Step::Failed;
  copy.shared = static_cast<uint32_t>(target);
  // The write may happen from now on.
  block.checkNotUsed(warp, instruction, laneIndex, copy.shared, copy.size);
  block.reportConflict(
      block.shared.recordWrite(warp.genericAccessor(), copy.shared, copy.size),
      warp, instruction, laneIndex, /*isWrite=*/true);
  block.shared.startFlight(copy.shared, copy.size);
  copies.copies.push_back(copy);
  return Step::Next;
}

static Step executeCopy(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  Addresses targets(block, warp, instruction, 0, mask);
  Addresses sources(block, warp, instruction, 1, mask);
  for (size_t i = 2; i < operands.size(); ++i)
    block.checkRead(warp, instruction, operands[i], mask);
  uint64_t offset = uint64_t(instruction.form[OffsetHigh]) << 32 |
                    instruction.form[OffsetLow];
  auto copies = std::make_unique<LaneCopies>(Tracker::LaneGroup, block, warp,
                                             instruction, /*lane=*/-1);
  Step step = forEachLane(mask, [&](unsigned lane) {
    return issueLane(*copies, block, warp, instruction, lane,
                     targets[lane] + instruction.offset,
                     sources[lane] + offset);
  });
  if (step == Step::Failed)
    return step;
  copies->due = block.randomDue();
  return block.cluster.operations.enqueue(std::move(copies));
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

static Step executeCommit(Block &block, Warp &warp, const Instruction &,
                          uint32_t mask) {
  std::array<uint32_t, warpSize> &groups = groupsOf(warp);
  forLaneCopies(block, warp,
                [&](LaneCopies &copies) { copies.commit(mask, groups); });
  return forEachLane(mask, [&](unsigned lane) {
    ++groups[lane];
    return Step::Next;
  });
}

/// Completes all groups of the threads but the last few; with `all`, also what
/// is in no group.
template <bool all>
static Step executeWait(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  const std::array<uint32_t, warpSize> &groups = groupsOf(warp);
  auto isWaitedFor = [&](const LaneCopy &copy) {
    return (mask >> copy.lane & 1) &&
           (all ||
            (copy.group != Operation::uncommitted &&
             uint64_t(copy.group) + instruction.form[0] < groups[copy.lane]));
  };
  forLaneCopies(block, warp, [&](LaneCopies &copies) {
    copies.complete(warp.genericAccessor(), isWaitedFor);
  });
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Arrivals
//===----------------------------------------------------------------------===//

namespace {
/// An arrival that comes once the copies of a thread have ended.
class Arrival : public Operation {
public:
  Arrival(Block &block, Warp &warp, const Instruction &instruction, int lane,
          uint32_t mbarrier, std::vector<LaneCopy> copies)
      : Operation(Tracker::MBarrier, block, warp, instruction, lane),
        mbarrier(mbarrier), seen(warp.seen), fenced(warp.fenced),
        copies(std::move(copies)) {}

  Step advance() override;
  bool fills(uint32_t address) const override {
    return isFilled(copies, address);
  }
  const char *name() const override { return "copy"; }

private:
  uint32_t mbarrier;
  Clock seen, fenced;
  std::vector<LaneCopy> copies;
};
} // namespace

Step Arrival::advance() {
  isDone = true;
  Accessor by{warp.agent, seen.get(warp.agent), &seen, nullptr};
  for (LaneCopy &copy : copies)
    finish(block, warp, copy, by);
  copies.clear();
  MBarrier *barrier = block.mbarriers.find(mbarrier);
  if (!barrier || barrier->pendingArrivals == 0)
    return fail(HazardKind::BarrierMisuse,
                "arrives at an mbarrier that expects no more arrivals",
                mbarrier);
  --barrier->pendingArrivals;
  barrier->arrivedSeen.join(seen);
  barrier->arrivedFenced.join(fenced);
  if (MBarriers::completePhase(*barrier))
    block.wake();
  return Step::Next;
}

/// The arrival comes later. Unless it is among those that the mbarrier expects,
/// it is one more.
template <bool isExpected>
static Step executeArrive(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 0, mask);
  Step step = forEachLane(mask, [&](unsigned lane) {
    auto laneIndex = static_cast<int>(lane);
    uint64_t address = (addresses[lane] + instruction.offset) & ~sharedWindow;
    MBarrier *barrier = block.mbarriers.find(address);
    if (!barrier)
      return block.fail(HazardKind::BarrierMisuse, warp, instruction, laneIndex,
                        "there is no mbarrier at this address", address);
    barrier->pendingArrivals += !isExpected;
    std::vector<LaneCopy> taken;
    forLaneCopies(block, warp,
                  [&](LaneCopies &copies) { copies.take(lane, taken); });
    auto arrival = std::make_unique<Arrival>(
        block, warp, instruction, laneIndex, static_cast<uint32_t>(address),
        std::move(taken));
    arrival->due = block.randomDue();
    return block.cluster.operations.enqueue(std::move(arrival));
  });
  warp.release();
  return step;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// cp.async.ca.shared.global [target], [source], 16{, size or predicate}
/// {, policy}.
static Status decodeCopy(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  bool isKnown = parts.size() > 4 && (parts[2] == "ca" || parts[2] == "cg") &&
                 (parts[3] == "shared" || parts[3] == "shared::cta") &&
                 parts[4] == "global";
  bool hasPolicy = false;
  for (size_t i = 5; i < parts.size(); ++i) {
    hasPolicy |= parts[i] == "L2::cache_hint";
    isKnown &= parts[i] == "L2::cache_hint" || parts[i] == "L2::64B" ||
               parts[i] == "L2::128B" || parts[i] == "L2::256B";
  }
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  size_t plain = operands.size() - hasPolicy;
  if (!isKnown || (plain != 3 && plain != 4))
    return decoder.unknown();
  Instruction &instruction = decoder.instruction();
  Result<int64_t> size = decoder.immediate(operands[2], 4, 16);
  if (size.failed())
    return size.error();
  if (*size != 16 && (parts[2] == "cg" || (*size != 4 && *size != 8)))
    return decoder.unknown();
  if (Status status = decoder.addAddress(operands[0]); status.failed())
    return status;
  int64_t offset = instruction.offset;
  if (Status status = decoder.addAddress(operands[1]); status.failed())
    return status;
  auto sourceOffset = static_cast<uint64_t>(instruction.offset);
  instruction.offset = offset;
  instruction.execute = executeCopy;
  instruction.form = {static_cast<uint32_t>(*size), None,
                      static_cast<uint32_t>(sourceOffset),
                      static_cast<uint32_t>(sourceOffset >> 32)};
  if (plain == 4) {
    bool ignores = decoder.isPredicate(operands[3]);
    instruction.form[Extra] = ignores ? IgnoresSource : SourceSize;
    if (Status status = decoder.addSource(operands[3], ignores ? Type::Predicate
                                                               : Type::Bits32);
        status.failed())
      return status;
  }
  return hasPolicy ? decoder.addSource(operands.back(), Type::Bits64)
                   : Status();
}

static Status decodeArrive(Decoder &decoder) {
  std::string form;
  for (size_t i = 2; i < decoder.parts().size(); ++i)
    if (const std::string &part = decoder.parts()[i];
        part != "shared" && part != "shared::cta")
      form += "." + part;
  bool isExpected = form == ".mbarrier.arrive.noinc.b64";
  if (!isExpected && form != ".mbarrier.arrive.b64")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(1); status.failed())
    return status;
  decoder.instruction().execute =
      isExpected ? executeArrive<true> : executeArrive<false>;
  return decoder.addAddress(decoder.statement().operands[0]);
}

Status attn::runtime::emulator::decodeCpAsync(Decoder &decoder) {
  const std::string &name = decoder.statement().name;
  const std::vector<std::string> &parts = decoder.parts();
  Instruction &instruction = decoder.instruction();
  if (name == "cp.async.commit_group" || name == "cp.async.wait_all") {
    bool commits = name == "cp.async.commit_group";
    instruction.execute = commits ? executeCommit : executeWait<true>;
    return decoder.expectOperands(0);
  }
  if (name == "cp.async.wait_group") {
    if (Status status = decoder.expectOperands(1); status.failed())
      return status;
    Result<int64_t> count =
        decoder.immediate(decoder.statement().operands[0], 0, 1 << 16);
    if (count.failed())
      return count.error();
    instruction.form[0] = static_cast<uint32_t>(*count);
    instruction.execute = executeWait<false>;
    return {};
  }
  return parts.size() > 2 && parts[2] == "mbarrier" ? decodeArrive(decoder)
                                                    : decodeCopy(decoder);
}
