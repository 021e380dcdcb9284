//===- Barrier.cpp - Named barriers, fences, register budgets -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Lanes.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

//===----------------------------------------------------------------------===//
// Named barriers
//===----------------------------------------------------------------------===//

/// The value that all lanes of `mask` agree on, or nothing after a report.
static std::optional<uint32_t> uniformValue(Block &block, Warp &warp,
                                            const Instruction &instruction,
                                            Operand operand, uint32_t mask) {
  block.checkRead(warp, instruction, operand, mask);
  const Words &values = wordsOf(block, warp, operand);
  uint32_t value = values[__builtin_ctz(mask)];
  Step step = forEachLane(mask, [&](unsigned lane) {
    return values[lane] == value ? Step::Next : Step::Failed;
  });
  if (step == Step::Next)
    return value;
  block.fail(HazardKind::BarrierMisuse, warp, instruction, -1,
             "the threads of the warp name different barriers or counts");
  return std::nullopt;
}

/// Adds the threads of a warp to a barrier, and releases it when it is full.
static Step arrive(Block &block, Warp &warp, const Instruction &instruction,
                   uint32_t id, uint32_t count) {
  if (id >= block.namedBarriers.size() || count == 0 || count % warpSize)
    return block.fail(HazardKind::BarrierMisuse, warp, instruction, -1,
                      "expected a barrier from 0 to 15 and a multiple of 32 "
                      "threads, got barrier " +
                          std::to_string(id) + " and " + std::to_string(count));
  NamedBarrier &barrier = block.namedBarriers[id];
  if (barrier.arrived && barrier.count != count)
    return block.fail(HazardKind::BarrierMisuse, warp, instruction, -1,
                      "barrier " + std::to_string(id) + " is used with " +
                          std::to_string(count) +
                          " threads while others wait "
                          "for " +
                          std::to_string(barrier.count));
  barrier.count = count;
  barrier.arrived += warpSize;
  barrier.arrivedSeen.join(warp.seen);
  barrier.arrivedFenced.join(warp.fenced);
  warp.release();
  if (barrier.arrived < count)
    return Step::Next;
  barrier.seen = std::move(barrier.arrivedSeen);
  barrier.fenced = std::move(barrier.arrivedFenced);
  barrier.arrivedSeen = Clock();
  barrier.arrivedFenced = Clock();
  barrier.arrived = 0;
  ++barrier.generation;
  block.wake();
  return Step::Next;
}

namespace {
enum Form { WithCount, Waits };
} // namespace

static Step executeBarrier(Block &block, Warp &warp,
                           const Instruction &instruction, uint32_t mask) {
  std::optional<uint32_t> id =
      uniformValue(block, warp, instruction, instruction.operands[0], mask);
  std::optional<uint32_t> count =
      static_cast<uint32_t>(block.warps.size() * warpSize);
  if (instruction.form[WithCount])
    count =
        uniformValue(block, warp, instruction, instruction.operands[1], mask);
  if (!id || !count)
    return Step::Failed;
  bool waits = instruction.form[Waits];
  if (warp.barrierGeneration < 0) {
    if (*id < block.namedBarriers.size())
      warp.barrierGeneration = block.namedBarriers[*id].generation;
    Step step = arrive(block, warp, instruction, *id, *count);
    if (step == Step::Failed || !waits) {
      warp.barrierGeneration = -1;
      return step;
    }
  }
  NamedBarrier &barrier = block.namedBarriers[*id];
  if (barrier.generation == warp.barrierGeneration)
    return block.block(warp, "barrier " + std::to_string(*id) + ", where " +
                                 std::to_string(barrier.arrived) + " of " +
                                 std::to_string(barrier.count) +
                                 " threads have arrived");
  warp.barrierGeneration = -1;
  warp.seen.join(barrier.seen);
  warp.fenced.join(barrier.fenced);
  return Step::Next;
}

static Status decodeNamedBarrier(Decoder &decoder) {
  const std::string &name = decoder.statement().name;
  bool sync = name == "bar.sync" || name == "barrier.sync.aligned" ||
              name == "barrier.sync";
  bool arrives = name == "bar.arrive" || name == "barrier.arrive.aligned" ||
                 name == "barrier.arrive";
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  bool withCount = operands.size() == 2;
  if ((!sync && !arrives) || (!withCount && (arrives || operands.size() != 1)))
    return decoder.unknown();
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeBarrier;
  instruction.form = {withCount, sync, 0, 0};
  // Barriers count whole warps here, also where PTX would allow for less.
  instruction.aligned = true;
  for (const SourceOperand &operand : operands)
    if (Status status = decoder.addSource(operand, Type::Bits32);
        status.failed())
      return status;
  return {};
}

//===----------------------------------------------------------------------===//
// Fences
//===----------------------------------------------------------------------===//

/// By itself, a fence does not order the threads of a block; but it lends its
/// order to the relaxed accesses to barriers that come after and before it.
static Step executeFence(Block &, Warp &warp, const Instruction &, uint32_t) {
  warp.seen.join(warp.observed);
  warp.released = warp.seen;
  warp.release();
  return Step::Next;
}

/// All that the warp knows to be written becomes visible to asynchronous
/// accesses of shared memory, of global memory, or of both, which come after
/// what its lanes have loaded.
template <bool shared, bool global>
static Step executeProxyFence(Block &block, Warp &warp, const Instruction &,
                              uint32_t mask) {
  if (shared) {
    warp.loads.fence(mask);
    block.mbarriers.fenceInit(warp.agent);
    warp.fenced.join(warp.seen);
  }
  if (global)
    warp.fencedGlobal.join(warp.seen);
  warp.release();
  return Step::Next;
}

static Step executeInitFence(Block &block, Warp &warp, const Instruction &,
                             uint32_t) {
  block.mbarriers.fenceInit(warp.agent);
  warp.inits.set(warp.agent, warp.stamp());
  warp.release();
  return Step::Next;
}

static Status decodeFence(Decoder &decoder) {
  static const std::map<std::string, Execute> fences = {
      {"fence.proxy.async", executeProxyFence<true, true>},
      {"fence.proxy.async.shared::cta", executeProxyFence<true, false>},
      {"fence.proxy.async.shared::cluster", executeProxyFence<true, false>},
      {"fence.proxy.async.global", executeProxyFence<false, true>},
      {"fence.mbarrier_init.release.cluster", executeInitFence},
      {"fence.acq_rel.cta", executeFence},
      {"fence.acq_rel.cluster", executeFence},
      {"fence.acq_rel.gpu", executeFence},
      {"fence.acq_rel.sys", executeFence},
      {"fence.sc.cta", executeFence},
      {"fence.sc.cluster", executeFence},
      {"fence.sc.gpu", executeFence},
      {"fence.sc.sys", executeFence},
      {"membar.cta", executeFence},
      {"membar.gl", executeFence},
      {"membar.sys", executeFence}};
  auto found = fences.find(decoder.statement().name);
  if (found == fences.end())
    return decoder.unknown();
  decoder.instruction().execute = found->second;
  return decoder.expectOperands(0);
}

//===----------------------------------------------------------------------===//
// Register budgets
//===----------------------------------------------------------------------===//

namespace {
enum BudgetForm { Registers, Increases };
} // namespace

static Step executeBudget(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t) {
  uint32_t wanted = instruction.form[Registers];
  uint32_t &budget = warp.registerBudget;
  bool increases = instruction.form[Increases];
  if (increases ? wanted < budget : wanted > budget)
    block.report(HazardKind::RegisterBudget, warp, instruction, -1,
                 "the warp has " + std::to_string(budget) +
                     " registers for each thread already");
  uint32_t returned = block.freeRegisters + budget * warpSize;
  if (wanted * warpSize > returned)
    return block.block(warp, std::to_string(wanted) +
                                 " registers for each thread, of which only " +
                                 std::to_string(returned / warpSize) +
                                 " are free");
  block.freeRegisters = returned - wanted * warpSize;
  budget = wanted;
  block.wake();
  return Step::Next;
}

static Status decodeBudget(Decoder &decoder) {
  const std::string &name = decoder.statement().name;
  bool increases = name == "setmaxnreg.inc.sync.aligned.u32";
  if (!increases && name != "setmaxnreg.dec.sync.aligned.u32")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(1); status.failed())
    return status;
  Result<int64_t> count =
      decoder.immediate(decoder.statement().operands[0], 24, 256);
  if (count.failed())
    return count.error();
  if (*count % 8)
    return decoder.error("expected a multiple of 8, got " +
                         std::to_string(*count));
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeBudget;
  instruction.aligned = true;
  instruction.form = {static_cast<uint32_t>(*count), increases, 0, 0};
  return {};
}

Status attn::runtime::emulator::decodeBarrier(Decoder &decoder) {
  const std::string &opcode = decoder.parts()[0];
  if (opcode == "setmaxnreg")
    return decodeBudget(decoder);
  if (decoder.parts().size() > 1 && decoder.parts()[1] == "warp")
    return decodeWarp(decoder);
  return opcode == "fence" || opcode == "membar" ? decodeFence(decoder)
                                                 : decodeNamedBarrier(decoder);
}
