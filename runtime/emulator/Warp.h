//===- Warp.h - The state of 32 threads -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_WARP_H
#define ATTN_RUNTIME_EMULATOR_WARP_H

#include "Operation.h"
#include "PendingLoads.h"
#include "Program.h"
#include "SharedMemory.h"

#include <array>
#include <string>
#include <vector>

namespace attn::runtime::emulator {

/// What is known of a register beside its value.
struct RegisterState {
  enum class Flight : uint8_t { None, Operand, Accumulator };
  /// The lanes that something wrote.
  uint32_t written = 0;
  /// The wgmma fences that had been executed when ordinary code last used it.
  uint32_t fences = 0;
  Flight flight = Flight::None;
  /// The load that its value comes from, as PendingLoads counts them, or 0.
  uint32_t load = 0;
};

/// Lanes that are at the same place, and where they meet the others again.
struct Path {
  uint32_t pc = 0;
  uint32_t reconverge = 0;
  uint32_t mask = 0;
};

/// Memory of each thread alone, one lane after the other.
struct LocalMemory {
  std::vector<uint8_t> bytes;
  std::vector<bool> written;
};

class Warp {
public:
  Warp(Block &block, const Program &program, uint32_t index, uint32_t lanes);

  uint32_t liveLanes() const { return lanes & ~exited; }
  bool isDone() const { return liveLanes() == 0; }

  RegisterState &state(Operand operand);
  const std::string &name(const Program &program, Operand operand) const;

  /// Publishes what this warp has done so far: what it does from now on is
  /// later.
  void release() {
    if (!loads.isEmpty())
      loads.handOver();
    seen.set(agent, seen.get(agent) + 1);
  }
  /// How late what this warp does now is.
  uint32_t stamp() const { return seen.get(agent); }
  Accessor genericAccessor() const { return {agent, stamp(), &seen, nullptr}; }
  Accessor asyncAccessor() const { return {agent, stamp(), &seen, &fenced}; }

  Block &block;
  const uint32_t index;
  /// What it is called in clocks.
  const uint32_t agent;
  const uint32_t lanes;
  uint32_t exited = 0;
  std::vector<Path> paths;

  std::vector<Words> words;
  std::vector<Doubles> doubles;
  std::vector<uint32_t> predicates;
  LocalMemory local;
  PendingLoads loads;

  Clock seen;
  /// What a fence has released to those who see a later relaxed access, and
  /// what such accesses have shown, which the next fence acquires.
  Clock released, observed;
  /// The initialisations of mbarriers that fences have released.
  Clock inits;
  /// What a proxy fence has made visible to asynchronous accesses.
  Clock fenced;
  /// The same of global memory, by fences of this warp alone.
  Clock fencedGlobal;

  uint32_t wgmmaFences = 0;
  /// The last wgmma, and a number that all of them together make.
  const Instruction *lastWgmma = nullptr;
  uint64_t wgmmaTrace = 0;
  /// The committed groups of each lane, by tracker.
  std::array<std::array<uint32_t, warpSize>, groupTrackers> groups = {};

  uint32_t registerBudget = 0;
  /// Those that wgmmas in flight use, of each thread.
  uint32_t registersInFlight = 0;
  /// The generation of the named barrier that the warp waits for, or -1.
  int64_t barrierGeneration = -1;
  /// The lanes that have arrived at the barrier of the cluster, and those among
  /// them whose generation is not complete.
  uint32_t clusterArrived = 0, clusterPending = 0;
  /// What the warp waits for, when it does; and since which event.
  std::string waitsFor;
  bool blocked = false;
  /// Whether the wait has a time limit; that it shall be over; and at which
  /// event it was over last.
  bool mayTimeOut = false, timesOut = false;
  uint64_t timedOutAt = ~uint64_t(0);
  uint64_t blockedSince = 0;

private:
  std::vector<RegisterState> wordStates, doubleStates, predicateStates;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_WARP_H
