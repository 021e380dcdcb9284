//===- CpAsync.h - Asynchronous copies of single threads --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// There are thousands of them in flight, so they are not operations of the
// cluster's queue. Each moves its bytes at once or when it is waited for.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_CPASYNC_H
#define ATTN_RUNTIME_EMULATOR_CPASYNC_H

#include "Program.h"

#include <cstdint>
#include <vector>

namespace attn::runtime::emulator {

/// A copy that cp.async has started.
struct LaneCopy {
  static constexpr uint32_t uncommitted = ~0u;

  const Instruction *instruction = nullptr;
  uint32_t lane = 0;
  uint32_t shared = 0;
  uint32_t size = 0;
  uint64_t global = 0;
  /// The bytes that are copied; the others become zero.
  uint32_t sourceSize = 0;
  uint32_t group = uncommitted;
  bool hasMoved = false;
};

/// The copies of a block that nobody has waited for.
struct LaneCopies {
  explicit LaneCopies(uint32_t warps)
      : pending(warps), groups(size_t(warps) * warpSize) {}

  /// Of each warp, in the order of issue.
  std::vector<std::vector<LaneCopy>> pending;
  /// The groups that each thread has committed.
  std::vector<uint32_t> groups;
  /// Those that an arrival at an mbarrier will end.
  std::vector<const std::vector<LaneCopy> *> awaited;
};

/// Reports the copies that `warp` leaves behind.
void reportLaneCopies(Block &block, const Warp &warp);

/// The line of the copy in flight that writes a byte, or zero.
uint32_t findLaneCopy(const Block &block, uint32_t address);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_CPASYNC_H
