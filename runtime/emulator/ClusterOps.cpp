//===- ClusterOps.cpp - Instructions between the blocks of a cluster ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cluster.h"
#include "Decoder.h"
#include "Lanes.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

//===----------------------------------------------------------------------===//
// The barrier
//===----------------------------------------------------------------------===//

namespace {
enum BarrierForm { Relaxed };
} // namespace

static Step executeArrive(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t mask) {
  if (uint32_t twice = mask & warp.clusterArrived)
    return block.fail(HazardKind::BarrierMisuse, warp, instruction,
                      __builtin_ctz(twice),
                      "arrives at the barrier of the cluster again, without a "
                      "wait");
  ClusterBarrier &barrier = block.cluster.barrier;
  warp.clusterArrived |= mask;
  warp.clusterPending |= mask;
  barrier.isAwaited = true;
  barrier.arrivedSeen.join(instruction.form[Relaxed] ? warp.released
                                                     : warp.seen);
  if (!instruction.form[Relaxed])
    barrier.arrivedFenced.join(warp.fenced);
  barrier.arrivedInits.join(warp.inits);
  warp.release();
  block.cluster.completeBarrier();
  return Step::Next;
}

static Step executeWait(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  if (uint32_t absent = mask & ~warp.clusterArrived)
    return block.fail(HazardKind::BarrierMisuse, warp, instruction,
                      __builtin_ctz(absent),
                      "waits at the barrier of the cluster without having "
                      "arrived");
  if (mask & warp.clusterPending)
    return block.block(warp, "the barrier of the cluster, where " +
                                 block.cluster.describeBarrier());
  const ClusterBarrier &barrier = block.cluster.barrier;
  warp.clusterArrived &= ~mask;
  warp.seen.join(barrier.seen);
  warp.fenced.join(barrier.fenced);
  warp.inits.join(barrier.inits);
  return Step::Next;
}

static Status decodeClusterBarrier(Decoder &decoder) {
  std::string name = decoder.statement().name;
  Instruction &instruction = decoder.instruction();
  const std::string suffix = ".aligned";
  if (name.size() > suffix.size() &&
      name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0) {
    instruction.aligned = true;
    name.resize(name.size() - suffix.size());
  }
  bool relaxed = name == "barrier.cluster.arrive.relaxed";
  if (relaxed || name == "barrier.cluster.arrive" ||
      name == "barrier.cluster.arrive.release")
    instruction.execute = executeArrive;
  else if (name == "barrier.cluster.wait" ||
           name == "barrier.cluster.wait.acquire")
    instruction.execute = executeWait;
  else
    return decoder.unknown();
  instruction.form[Relaxed] = relaxed;
  return decoder.expectOperands(0);
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

namespace {
enum AddressForm { IsGeneric };
} // namespace

/// The value of an operand of 32 or 64 bits.
static uint64_t valueOf(Block &block, Warp &warp, Operand operand,
                        unsigned lane) {
  return operand.kind == Operand::Kind::Word
             ? warp.words[operand.index][lane]
             : doublesOf(block, warp, operand)[lane];
}

/// Takes the window off a generic address, which must be one of shared memory.
static Step toShared(Block &block, Warp &warp, const Instruction &instruction,
                     unsigned lane, uint64_t &address) {
  if (instruction.form[IsGeneric])
    address ^= sharedWindow;
  if (block.cluster.ownerOf(address))
    return Step::Next;
  return block.fail(
      HazardKind::OutOfBounds, warp, instruction, static_cast<int>(lane),
      "expected an address of shared memory of the cluster", address);
}

static void writeResult(Block &block, Warp &warp,
                        const Instruction &instruction, const Doubles &values,
                        uint32_t mask) {
  Operand result = instruction.operands[0];
  if (result.kind != Operand::Kind::Word)
    return writeDoubles(block, warp, instruction, result, values, mask);
  Words words;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    words[lane] = static_cast<uint32_t>(values[lane]);
  writeWords(block, warp, instruction, result, words, mask);
}

/// The same place in the memory of another block.
static Step executeMap(Block &block, Warp &warp, const Instruction &instruction,
                       uint32_t mask) {
  block.checkRead(warp, instruction, instruction.operands[1], mask);
  block.checkRead(warp, instruction, instruction.operands[2], mask);
  Doubles values = {};
  Step step = forEachLane(mask, [&](unsigned lane) {
    uint64_t address = valueOf(block, warp, instruction.operands[1], lane);
    uint32_t rank = wordsOf(block, warp, instruction.operands[2])[lane];
    if (toShared(block, warp, instruction, lane, address) == Step::Failed)
      return Step::Failed;
    if (rank >= block.grid.clusterBlocks)
      return block.fail(
          HazardKind::OutOfBounds, warp, instruction, static_cast<int>(lane),
          "expected a rank below " + std::to_string(block.grid.clusterBlocks) +
              ", got " + std::to_string(rank));
    constexpr uint64_t offsetBits =
        (uint64_t(1) << SharedMemory::rankShift) - 1;
    values[lane] = (address & offsetBits) |
                   uint64_t(rank) << SharedMemory::rankShift |
                   (instruction.form[IsGeneric] ? sharedWindow : 0);
    return Step::Next;
  });
  if (step == Step::Next)
    writeResult(block, warp, instruction, values, mask);
  return step;
}

static Step executeRank(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  block.checkRead(warp, instruction, instruction.operands[1], mask);
  Doubles values = {};
  Step step = forEachLane(mask, [&](unsigned lane) {
    uint64_t address = valueOf(block, warp, instruction.operands[1], lane);
    if (toShared(block, warp, instruction, lane, address) == Step::Failed)
      return Step::Failed;
    values[lane] = address >> SharedMemory::rankShift;
    return Step::Next;
  });
  if (step == Step::Next)
    writeResult(block, warp, instruction, values, mask);
  return step;
}

/// A register, or a variable in shared memory.
static Status addPlace(Decoder &decoder, const SourceOperand &operand,
                       Type type) {
  const Symbol *symbol = decoder.variable(operand.text);
  if (!symbol || symbol->space != Space::Shared || operand.offset)
    return decoder.addSource(operand, type);
  decoder.addConstant(symbol->address, /*isShared=*/true);
  return {};
}

static Status decodeAddress(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  bool maps = parts[0] == "mapa";
  bool isShared = parts.size() == 3 && parts[1] == "shared::cluster";
  if ((!isShared && parts.size() != 2) ||
      (parts.back() != "u32" && parts.back() != "u64"))
    return decoder.unknown();
  if (Status status = decoder.expectOperands(maps ? 3 : 2); status.failed())
    return status;
  Type type = parts.back() == "u32" ? Type::Bits32 : Type::Bits64;
  Instruction &instruction = decoder.instruction();
  instruction.execute = maps ? executeMap : executeRank;
  instruction.form[IsGeneric] = !isShared;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status =
          decoder.addResult(operands[0], maps ? type : Type::Bits32);
      status.failed())
    return status;
  Status place = isShared ? addPlace(decoder, operands[1], type)
                          : decoder.addSource(operands[1], type);
  if (place.failed())
    return place;
  return maps ? decoder.addSource(operands[2], Type::Bits32) : Status();
}

Status attn::runtime::emulator::decodeCluster(Decoder &decoder) {
  return decoder.parts()[0] == "barrier" ? decodeClusterBarrier(decoder)
                                         : decodeAddress(decoder);
}
