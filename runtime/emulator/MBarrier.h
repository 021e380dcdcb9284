//===- MBarrier.h - Barriers in shared memory -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_MBARRIER_H
#define ATTN_RUNTIME_EMULATOR_MBARRIER_H

#include "Program.h"
#include "SharedMemory.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace attn::runtime::emulator {

struct MBarrier {
  /// Whose name asynchronous copies that complete on it write in.
  uint32_t agent = 0;
  uint32_t expected = 0;
  /// What the next phases do without, as threads have dropped out.
  uint32_t dropped = 0;
  uint32_t pendingArrivals = 0;
  int64_t pendingBytes = 0;
  uint32_t phase = 0;
  /// Who initialised it.
  uint32_t owner = 0;
  uint32_t ownerStamp = 0;
  /// Whether asynchronous copies may complete on it.
  bool isVisible = false;
  /// Until it is invalidated.
  bool isValid = true;
  /// What those who arrived knew.
  Clock arrivedSeen, arrivedFenced;
  /// What those who wait for a completed phase come to know.
  Clock seen, fenced;
};

/// The mbarriers of a block by address.
class MBarriers {
public:
  explicit MBarriers(uint32_t &nextAgent) : nextAgent(nextAgent) {}

  MBarrier &create(uint32_t address);
  MBarrier *find(uint64_t address);
  /// The address of a valid mbarrier that some bytes belong to, or nothing.
  std::optional<uint32_t> findOverlap(uint32_t address, uint32_t size) const;
  /// Lets asynchronous copies see what `warp` has initialised.
  void fenceInit(uint32_t warp);
  /// The limits of the hardware's counts.
  static constexpr int64_t maxCount = (1 << 20) - 1;
  static constexpr uint32_t bytes = 8;

  /// Completes the phase if nothing is pending; whether it did.
  static bool completePhase(MBarrier &barrier);
  static std::string describe(uint32_t address, const MBarrier &barrier);
  /// The address of the mbarrier that writes in the name of `agent`, or 0.
  uint32_t addressOf(uint32_t agent) const;

private:
  std::map<uint32_t, MBarrier> barriers;
  uint32_t &nextAgent;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_MBARRIER_H
