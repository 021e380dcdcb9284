//===- Block.cpp - One block of threads, executed -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include "Cluster.h"
#include "Syntax.h"

#include <sstream>

using namespace attn::runtime::emulator;

/// Of a multiprocessor, and the most that a thread can have at the start.
static constexpr uint32_t registerFile = 65536;
static constexpr uint32_t maxRegisters = 248;

uint64_t Random::next() {
  state += 0x9E3779B97F4A7C15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// The lanes of a warp of a block, the last of which may have fewer.
static uint32_t lanesOf(const Grid &grid, uint32_t warp) {
  uint32_t count = std::min(grid.threads - warp * warpSize, warpSize);
  return count == warpSize ? ~0u : (1u << count) - 1;
}

Block::Block(Cluster &cluster, uint32_t rank)
    : cluster(cluster), grid(cluster.grid), rank(rank),
      index(cluster.index * grid.clusterBlocks + rank), random(cluster.random),
      shared(grid.program.staticSharedBytes + grid.sharedBytes, rank,
             grid.checked),
      mbarriers(cluster.nextAgent) {
  uint32_t threads = grid.warps() * warpSize;
  uint32_t budget = std::min(registerFile / threads / 8 * 8, maxRegisters);
  freeRegisters = registerFile - threads * budget;
  for (uint32_t warp = 0; warp < grid.warps(); ++warp) {
    warps.push_back(
        std::make_unique<Warp>(*this, grid.program, warp, lanesOf(grid, warp)));
    warps.back()->registerBudget = budget;
  }
  if (rank == 0)
    return;
  ownConstants = grid.program.constants;
  for (Constant &constant : ownConstants)
    if (constant.isShared) {
      constant.value += rank << SharedMemory::rankShift;
      constant.words.fill(static_cast<uint32_t>(constant.value));
      constant.doubles.fill(constant.value);
    }
}

void Block::wake() { cluster.wake(); }

uint64_t Block::randomDue() {
  return cluster.operations.randomDue(cluster.time(), random);
}

bool Block::isDone() const {
  return std::all_of(warps.begin(), warps.end(),
                     [](const auto &warp) { return warp->isDone(); });
}

//===----------------------------------------------------------------------===//
// Hazards
//===----------------------------------------------------------------------===//

void Block::report(HazardKind kind, const Warp &warp,
                   const Instruction &instruction, int lane,
                   const std::string &what, std::optional<uint64_t> address) {
  std::ostringstream text;
  text << "hazard: " << hazardName(kind) << ": " << what << "\n  kernel '"
       << grid.program.kernel << "', block " << warp.block.index << ", warp "
       << warp.index;
  if (lane >= 0)
    text << ", lane " << lane;
  if (address)
    text << ", address 0x" << std::hex << *address << std::dec;
  text << "\n  "
       << lineFailure(grid.program.lines, instruction.line, "in").message;
  grid.log.add({kind, instruction.line, text.str()});
}

Step Block::fail(HazardKind kind, const Warp &warp,
                 const Instruction &instruction, int lane,
                 const std::string &what, std::optional<uint64_t> address) {
  report(kind, warp, instruction, lane, what, address);
  return Step::Failed;
}

Step Block::block(Warp &warp, std::string waitsFor, bool mayTimeOut) {
  warp.mayTimeOut = mayTimeOut;
  warp.waitsFor = std::move(waitsFor);
  return Step::Blocked;
}

void Block::checkRead(Warp &warp, const Instruction &instruction,
                      Operand operand, uint32_t mask) {
  if (!grid.checked || operand.kind == Operand::Kind::Constant)
    return;
  checkMoved(warp, instruction, operand, mask);
  RegisterState &state = warp.state(operand);
  if (state.load)
    warp.loads.use(state, mask);
}

void Block::checkWritten(Warp &warp, const Instruction &instruction,
                         Operand operand, uint32_t mask) {
  RegisterState &state = warp.state(operand);
  if (state.flight == RegisterState::Flight::Accumulator)
    report(HazardKind::RegisterInFlight, warp, instruction, -1,
           "reads " + warp.name(grid.program, operand) +
               ", an accumulator of a wgmma in flight");
  else if (uint32_t missing = mask & ~state.written)
    report(HazardKind::UnwrittenRegister, warp, instruction,
           __builtin_ctz(missing),
           "reads " + warp.name(grid.program, operand) +
               ", which nothing wrote");
}

void Block::checkMoved(Warp &warp, const Instruction &instruction,
                       Operand operand, uint32_t mask) {
  if (!grid.checked || operand.kind == Operand::Kind::Constant)
    return;
  checkWritten(warp, instruction, operand, mask);
  warp.state(operand).fences = warp.wgmmaFences;
}

void Block::noteWrite(Warp &warp, const Instruction &instruction,
                      Operand operand, uint32_t mask) {
  if (!grid.checked)
    return;
  RegisterState &state = warp.state(operand);
  if (state.flight != RegisterState::Flight::None)
    report(HazardKind::RegisterInFlight, warp, instruction, -1,
           "writes " + warp.name(grid.program, operand) +
               ", which a wgmma in flight uses");
  if (state.load)
    warp.loads.overwrite(state, mask);
  state.written |= mask;
  state.fences = warp.wgmmaFences;
}

void Block::reportConflict(const Conflict &conflict, const Warp &warp,
                           const Instruction &instruction, int lane,
                           bool isWrite) {
  const char *access = isWrite ? "writes" : "reads";
  std::string agent = cluster.agentText(conflict.agent, *this);
  switch (conflict.kind) {
  case Conflict::Kind::None:
    return;
  case Conflict::Kind::Unwritten:
    return report(HazardKind::UnwrittenMemory, warp, instruction, lane,
                  "reads shared memory that nothing wrote", conflict.address);
  case Conflict::Kind::AfterWrite:
    return report(HazardKind::Race, warp, instruction, lane,
                  std::string(access) + " shared memory that " + agent +
                      " wrote, without being ordered after it",
                  conflict.address);
  case Conflict::Kind::Unfenced:
    return report(HazardKind::MissingProxyFence, warp, instruction, lane,
                  std::string(access) + " shared memory asynchronously that " +
                      agent + " wrote, without fence.proxy.async",
                  conflict.address);
  case Conflict::Kind::AfterRead:
    return report(HazardKind::Race, warp, instruction, lane,
                  "overwrites shared memory that " + agent +
                      " read, without being ordered after it",
                  conflict.address);
  case Conflict::Kind::BeforeResult:
    return reportEarly(conflict.reader, agent, warp, instruction, lane,
                       conflict.address);
  case Conflict::Kind::InFlight:
    const Operation *copy = cluster.operations.findFilling(conflict.address);
    return report(HazardKind::MemoryInFlight, warp, instruction, lane,
                  std::string(access) +
                      " shared memory that a copy in flight writes (PTX line " +
                      std::to_string(copy ? copy->instruction.line : 0) + ")",
                  conflict.address);
  }
}

void Block::reportEarly(const Reader &reader, const std::string &agent,
                        const Warp &warp, const Instruction &instruction,
                        int lane, uint32_t address) {
  report(HazardKind::MissingProxyFence, warp, instruction, lane,
         "overwrites shared memory asynchronously that " + agent +
             " handed over without the result of its load, or "
             "fence.proxy.async (lane " +
             std::to_string(reader.lane) + ", PTX line " +
             std::to_string(reader.line) + ")",
         address);
}

void Block::checkNotUsed(Warp &warp, const Instruction &instruction, int lane,
                         uint32_t address, uint32_t size) {
  if (!grid.checked)
    return;
  if (const Operation *reader = cluster.operations.findReading(address, size))
    report(HazardKind::MemoryInFlight, warp, instruction, lane,
           std::string("overwrites shared memory that a ") + reader->name() +
               " in flight reads (PTX line " +
               std::to_string(reader->instruction.line) + ")",
           address);
  const Block *owner = cluster.ownerOf(address);
  if (owner && owner->mbarriers.findOverlap(address, size))
    report(HazardKind::BarrierMisuse, warp, instruction, lane,
           "writes to an mbarrier that is valid still", address);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

uint8_t *Block::accessShared(Warp &warp, const Instruction &instruction,
                             int lane, uint64_t address, uint32_t size,
                             uint32_t alignment) {
  if (!shared.contains(address, size)) {
    std::ostringstream text;
    text << "accesses " << size << " bytes outside of shared memory, which is ["
         << std::hex << "0x" << shared.start() << ", 0x" << shared.end() << ")";
    fail(HazardKind::OutOfBounds, warp, instruction, lane, text.str(), address);
    return nullptr;
  }
  if (address % alignment) {
    fail(HazardKind::Misaligned, warp, instruction, lane,
         "expected an address that is a multiple of " +
             std::to_string(alignment),
         address);
    return nullptr;
  }
  return shared.at(static_cast<uint32_t>(address));
}

Block *Block::accessCluster(Warp &warp, const Instruction &instruction,
                            int lane, uint64_t address, uint32_t size,
                            uint32_t alignment) {
  Block *owner = cluster.ownerOf(address);
  Block &asked = owner ? *owner : *this;
  if (!asked.accessShared(warp, instruction, lane, address, size, alignment))
    return nullptr;
  if (asked.isDone()) {
    fail(HazardKind::OutOfBounds, warp, instruction, lane,
         "accesses shared memory of block " + std::to_string(asked.index) +
             ", which has exited",
         address);
    return nullptr;
  }
  if (owner != this && grid.checked)
    owner->remoteAccesses[warp.agent] = {&warp, &instruction, warp.stamp()};
  return owner;
}

uint8_t *Block::accessOther(Warp &warp, const Instruction &instruction,
                            int lane, uint64_t address, uint32_t size,
                            bool isWrite) {
  Block *owner = accessCluster(warp, instruction, lane, address, size, size);
  if (!owner)
    return nullptr;
  return isWrite ? owner->writeShared(warp, instruction, lane, address, size)
                 : owner->readShared(warp, instruction, lane, address, size);
}

void Block::noteExit(const Warp &warp) {
  exitSeen.join(warp.seen);
  if (!isDone())
    return;
  checkWarpgroups();
  for (const auto &[agent, access] : remoteAccesses)
    if (access.stamp > exitSeen.get(agent))
      report(HazardKind::Race, *access.warp, *access.instruction, -1,
             "accesses shared memory of block " + std::to_string(index) +
                 ", which exits without being ordered after it");
}

/// The four warps of a warpgroup multiply together.
void Block::checkWarpgroups() {
  constexpr size_t groupWarps = 4;
  for (size_t i = 0; i < warps.size(); ++i) {
    const Warp &first = *warps[i / groupWarps * groupWarps];
    Warp &warp = *warps[i];
    const Instruction *last = warp.lastWgmma ? warp.lastWgmma : first.lastWgmma;
    bool isWhole = i / groupWarps * groupWarps + groupWarps <= warps.size();
    if (last && (!isWhole || warp.wgmmaTrace != first.wgmmaTrace))
      report(HazardKind::Divergence, warp, *last, -1,
             "the four warps of a warpgroup do not execute the same wgmmas");
  }
}

uint8_t *Block::readShared(Warp &warp, const Instruction &instruction, int lane,
                           uint64_t address, uint32_t size) {
  uint8_t *bytes = accessShared(warp, instruction, lane, address, size, size);
  if (!bytes || !grid.checked)
    return bytes;
  auto start = static_cast<uint32_t>(address);
  Accessor by = warp.genericAccessor();
  reportConflict(shared.checkRead(by, start, size), warp, instruction, lane,
                 /*isWrite=*/false);
  shared.recordRead(warp.agent, by.stamp, start, size);
  warp.loads.addRead(instruction, lane, start, size);
  return bytes;
}

uint8_t *Block::writeShared(Warp &warp, const Instruction &instruction,
                            int lane, uint64_t address, uint32_t size) {
  uint8_t *bytes = accessShared(warp, instruction, lane, address, size, size);
  if (!bytes || !grid.checked)
    return bytes;
  auto start = static_cast<uint32_t>(address);
  warp.block.laneWrites.add(lane, start, size, bytes);
  checkNotUsed(warp, instruction, lane, start, size);
  reportConflict(shared.recordWrite(warp.genericAccessor(), start, size), warp,
                 instruction, lane, /*isWrite=*/true);
  return bytes;
}

void Block::checkAwaited(const Warp &warp, const Instruction &instruction,
                         int lane, uint64_t address) {
  if (!grid.checked || !grid.awaitsPrevious)
    return;
  // What a warp waits for, those wait for as well that are behind it.
  if (!cluster.awaited.get(warp.agent) && !warp.seen.coversAny(cluster.awaited))
    report(HazardKind::Race, warp, instruction, lane,
           "touches global memory while the kernel in front may still run, as "
           "no griddepcontrol.wait comes before",
           address);
}

uint8_t *Block::accessGlobal(Warp &warp, const Instruction &instruction,
                             int lane, uint64_t address, uint32_t size,
                             bool isWrite) {
  uint8_t *bytes = grid.memory.find(address, size);
  if (!bytes)
    fail(HazardKind::OutOfBounds, warp, instruction, lane,
         "accesses " + std::to_string(size) +
             " bytes of global memory that are not allocated",
         address);
  else if (address % size) {
    fail(HazardKind::Misaligned, warp, instruction, lane,
         "expected an address that is a multiple of " + std::to_string(size),
         address);
    return nullptr;
  }
  if (!bytes || !grid.checked)
    return bytes;
  checkAwaited(warp, instruction, lane, address);
  if (!grid.program.copiesAsynchronously)
    return bytes;
  if (const Operation *writer = cluster.operations.findWriting(address, size))
    report(HazardKind::Race, warp, instruction, lane,
           std::string("accesses global memory that a ") + writer->name() +
               " in flight writes (PTX line " +
               std::to_string(writer->instruction.line) + ")",
           address);
  if (isWrite)
    cluster.globalWrites.record(address, size, {warp.agent, warp.stamp()});
  return bytes;
}

//===----------------------------------------------------------------------===//
// Scheduling
//===----------------------------------------------------------------------===//

/// Leaves the paths that have reached the place where they meet others, or
/// whose lanes have all exited.
static void reconverge(Warp &warp) {
  while (!warp.paths.empty()) {
    const Path &path = warp.paths.back();
    bool met = warp.paths.size() > 1 && path.pc == path.reconverge;
    if (path.mask && !met)
      return;
    warp.paths.pop_back();
  }
}

void Block::checkLanes(Warp &warp, const Instruction &instruction) {
  if (const LaneWrites::Overlap *overlap = laneWrites.findDifference())
    report(HazardKind::Race, warp, instruction, overlap->second,
           "lane " + std::to_string(overlap->first) +
               " writes another value to the same shared memory",
           overlap->address);
  laneWrites.clear();
}

Step Block::step(Warp &warp) {
  Path &path = warp.paths.back();
  const Instruction &instruction = grid.program.instructions[path.pc];
  uint32_t mask = path.mask;
  if (instruction.guard >= 0) {
    Operand guard{Operand::Kind::Predicate,
                  static_cast<uint32_t>(instruction.guard)};
    checkRead(warp, instruction, guard, mask);
    uint32_t value = warp.predicates[guard.index];
    mask &= instruction.guardNegated ? ~value : value;
  }
  Step result = Step::Next;
  if (mask) {
    if (instruction.aligned && mask != warp.liveLanes() && grid.checked)
      report(HazardKind::Divergence, warp, instruction, __builtin_ctz(mask),
             "not all threads of the warp execute this together");
    result = instruction.execute(*this, warp, instruction, mask);
    if (!laneWrites.isEmpty())
      checkLanes(warp, instruction);
  }
  if (result == Step::Next)
    ++warp.paths.back().pc;
  if (result == Step::Next || result == Step::Jumped)
    reconverge(warp);
  return result;
}
