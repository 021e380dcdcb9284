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

#include <sstream>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

/// The limits of the hardware's counts.
static constexpr int64_t maxCount = (1 << 20) - 1;
static constexpr uint32_t mbarrierBytes = 8;

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
  return found == barriers.end() ? nullptr : &found->second;
}

void MBarriers::fenceInit(uint32_t warp) {
  for (auto &entry : barriers)
    entry.second.isVisible |= entry.second.owner == warp;
}

bool MBarriers::completePhase(MBarrier &barrier) {
  if (barrier.pendingArrivals || barrier.pendingBytes)
    return false;
  ++barrier.phase;
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
enum Form { HasCount, HasBytes };
} // namespace

/// The mbarrier at an address, which must have been initialised in a way that
/// the warp knows of. Null after a failure.
static MBarrier *findBarrier(Block &block, Warp &warp,
                             const Instruction &instruction, int lane,
                             uint64_t address) {
  if (!block.accessShared(warp, instruction, lane, address, mbarrierBytes,
                          mbarrierBytes))
    return nullptr;
  MBarrier *barrier = block.mbarriers.find(address);
  if (!barrier)
    block.fail(HazardKind::BarrierMisuse, warp, instruction, lane,
               "there is no mbarrier at this address", address);
  else if (block.grid.checked && barrier->owner != warp.agent &&
           barrier->ownerStamp > warp.seen.get(barrier->owner))
    block.report(HazardKind::Race, warp, instruction, lane,
                 "uses an mbarrier that " +
                     block.cluster.agentText(barrier->owner, block) +
                     " initialised, without being ordered after it",
                 address);
  return barrier;
}

static Step executeInit(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 0, mask);
  Operand count = instruction.operands[1];
  block.checkRead(warp, instruction, count, mask);
  const Words &counts = wordsOf(block, warp, count);
  return forEachLane(mask, [&](unsigned lane) {
    uint64_t address = addresses[lane] + instruction.offset;
    uint8_t *bytes = block.writeShared(
        warp, instruction, static_cast<int>(lane), address, mbarrierBytes);
    if (!bytes)
      return Step::Failed;
    if (counts[lane] == 0 || counts[lane] > maxCount)
      return block.fail(HazardKind::BarrierMisuse, warp, instruction,
                        static_cast<int>(lane),
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

/// `arrivals` and `bytes` of one lane.
static Step arrive(Block &block, Warp &warp, const Instruction &instruction,
                   int lane, uint64_t address, uint32_t arrivals,
                   uint32_t bytes) {
  MBarrier *barrier = findBarrier(block, warp, instruction, lane, address);
  if (!barrier)
    return Step::Failed;
  if (arrivals > barrier->pendingArrivals)
    return block.fail(HazardKind::BarrierMisuse, warp, instruction, lane,
                      "arrives more often than the " +
                          std::to_string(barrier->expected) +
                          " times that the mbarrier expects",
                      address);
  barrier->pendingBytes += bytes;
  if (barrier->pendingBytes > maxCount)
    return block.fail(HazardKind::BarrierMisuse, warp, instruction, lane,
                      "expects more than 2^20 - 1 bytes", address);
  barrier->pendingArrivals -= arrivals;
  barrier->arrivedSeen.join(warp.seen);
  barrier->arrivedFenced.join(warp.fenced);
  if (MBarriers::completePhase(*barrier))
    block.wake();
  return Step::Next;
}

/// Arrivals, with an expectation of bytes or without; and that alone.
template <bool arrives>
static Step executeArrive(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 0, mask);
  Operand value;
  if (instruction.form[HasCount] || instruction.form[HasBytes]) {
    value = instruction.operands[1];
    block.checkRead(warp, instruction, value, mask);
  }
  Step step = forEachLane(mask, [&](unsigned lane) {
    uint32_t number = value.kind == Operand::Kind::None
                          ? 0
                          : wordsOf(block, warp, value)[lane];
    uint32_t arrivals = instruction.form[HasCount] ? number : 1;
    return arrive(block, warp, instruction, static_cast<int>(lane),
                  addresses[lane] + instruction.offset, arrives ? arrivals : 0,
                  instruction.form[HasBytes] ? number : 0);
  });
  warp.release();
  return step;
}

/// Waiting may end early on the hardware, and callers loop; here a wait that
/// does not block answers with no, one that does ends with yes.
template <bool blocks>
static Step executeWait(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  Addresses addresses(block, warp, instruction, 1, mask);
  Operand parity = instruction.operands[2];
  block.checkRead(warp, instruction, parity, mask);
  const Words &parities = wordsOf(block, warp, parity);
  uint32_t completed = 0;
  std::string waitsFor;
  Step step = forEachLane(mask, [&](unsigned lane) {
    uint64_t address = addresses[lane] + instruction.offset;
    MBarrier *barrier =
        findBarrier(block, warp, instruction, static_cast<int>(lane), address);
    if (!barrier)
      return Step::Failed;
    if ((barrier->phase & 1) != (parities[lane] & 1))
      completed |= 1u << lane;
    else if (waitsFor.empty())
      waitsFor = MBarriers::describe(static_cast<uint32_t>(address), *barrier);
    return Step::Next;
  });
  if (step == Step::Failed)
    return step;
  if (blocks && completed != mask)
    return block.block(warp, waitsFor);
  forEachLane(completed, [&](unsigned lane) {
    MBarrier *barrier =
        block.mbarriers.find(addresses[lane] + instruction.offset);
    warp.seen.join(barrier->seen);
    warp.fenced.join(barrier->fenced);
    return Step::Next;
  });
  writePredicate(block, warp, instruction, instruction.operands[0], completed,
                 mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// The name without the modifiers that change nothing here: those that are
/// implied and those of the memory.
static std::string coreName(const std::vector<std::string> &parts) {
  std::string name;
  for (const std::string &part : parts)
    if (part != "shared" && part != "shared::cta" && part != "release" &&
        part != "acquire" && part != "cta")
      name += (name.empty() ? "" : ".") + part;
  return name;
}

static Status decodeArrive(Decoder &decoder, bool expectsBytes) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  // The state of the phase is not kept: nothing here waits for it.
  if (operands.size() < 2 || operands.size() > 3 ||
      !decoder.isSink(operands[0]) || (expectsBytes && operands.size() != 3))
    return decoder.unknown();
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeArrive<true>;
  instruction.form[HasBytes] = expectsBytes;
  instruction.form[HasCount] = !expectsBytes && operands.size() == 3;
  if (Status status = decoder.addAddress(operands[1]); status.failed())
    return status;
  return operands.size() == 3 ? decoder.addSource(operands[2], Type::Bits32)
                              : Status();
}

static Status decodeWait(Decoder &decoder, bool blocks) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (operands.size() != 3)
    return decoder.unknown();
  decoder.instruction().execute =
      blocks ? executeWait<true> : executeWait<false>;
  if (Status status = decoder.addResult(operands[0], Type::Predicate);
      status.failed())
    return status;
  if (Status status = decoder.addAddress(operands[1]); status.failed())
    return status;
  return decoder.addSource(operands[2], Type::Bits32);
}

Status attn::runtime::emulator::decodeMBarrier(Decoder &decoder) {
  std::string name = coreName(decoder.parts());
  if (name == "mbarrier.arrive.b64")
    return decodeArrive(decoder, /*expectsBytes=*/false);
  if (name == "mbarrier.arrive.expect_tx.b64")
    return decodeArrive(decoder, /*expectsBytes=*/true);
  if (name == "mbarrier.try_wait.parity.b64")
    return decodeWait(decoder, /*blocks=*/true);
  if (name == "mbarrier.test_wait.parity.b64")
    return decodeWait(decoder, /*blocks=*/false);
  bool expects = name == "mbarrier.expect_tx.relaxed.b64" ||
                 name == "mbarrier.expect_tx.b64";
  if (!expects && name != "mbarrier.init.b64")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  instruction.execute = expects ? executeArrive<false> : executeInit;
  instruction.form[HasBytes] = expects;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addAddress(operands[0]); status.failed())
    return status;
  return decoder.addSource(operands[1], Type::Bits32);
}
