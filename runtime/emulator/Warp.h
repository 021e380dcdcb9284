//===- Warp.h - The state of 32 threads -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_WARP_H
#define ATTN_RUNTIME_EMULATOR_WARP_H

#include "Program.h"
#include "SharedMemory.h"
#include "Wgmma.h"

#include <array>
#include <deque>
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
};

/// Lanes that are at the same place, and where they meet the others again.
struct Path {
  uint32_t pc = 0;
  uint32_t reconverge = 0;
  uint32_t mask = 0;
};

class Warp {
public:
  Warp(const Program &program, uint32_t index, uint32_t lanes);

  uint32_t liveLanes() const { return lanes & ~exited; }
  bool isDone() const { return liveLanes() == 0; }

  RegisterState &state(Operand operand);
  const std::string &name(const Program &program, Operand operand) const;

  /// Publishes what this warp has done so far: what it does from now on is
  /// later.
  void release() { seen.set(index, seen.get(index) + 1); }
  Accessor genericAccessor() const {
    return {index, seen.get(index), &seen, nullptr};
  }

  const uint32_t index;
  const uint32_t lanes;
  uint32_t exited = 0;
  std::vector<Path> paths;

  std::vector<Words> words;
  std::vector<Doubles> doubles;
  std::vector<uint32_t> predicates;

  Clock seen;
  /// What a proxy fence has made visible to asynchronous accesses.
  Clock fenced;

  /// In the order of issue.
  std::deque<PendingWgmma> wgmmas;
  uint32_t wgmmaFences = 0;
  uint32_t wgmmaGroups = 0;
  /// Counted for each lane.
  std::array<uint32_t, warpSize> bulkGroups = {};

  uint32_t registerBudget = 0;
  /// The generation of the named barrier that the warp waits for, or -1.
  int64_t barrierGeneration = -1;
  /// What the warp waits for, when it does; and since which event.
  std::string waitsFor;
  bool blocked = false;
  uint64_t blockedSince = 0;

private:
  std::vector<RegisterState> wordStates, doubleStates, predicateStates;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_WARP_H
