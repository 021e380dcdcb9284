//===- Wgmma.h - Asynchronous matrix products -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_WGMMA_H
#define ATTN_RUNTIME_EMULATOR_WGMMA_H

#include "Program.h"
#include "SharedMemory.h"

#include <cstdint>
#include <vector>

namespace attn::runtime::emulator {

/// A warp's part of a wgmma between its issue and its retirement by a wait.
struct PendingWgmma {
  static constexpr uint32_t uncommitted = ~0u;

  const Instruction *instruction = nullptr;
  /// The chunks of 16 bytes that it reads: of the warp's rows of A, unless
  /// registers hold them, and of B.
  std::vector<uint32_t> aChunks, bChunks;
  /// All of them lie in between.
  uint32_t lowest = 0, highest = 0;
  bool accumulate = false;
  bool executed = false;
  uint32_t group = uncommitted;
  /// When it is executed, unless a wait comes first.
  uint64_t due = 0;
};

/// Executes those wgmmas of `warp` that are due at `time`, in order.
void executeDueWgmmas(Block &block, Warp &warp, uint64_t time);

/// The wgmma in flight that reads one of the bytes [address, address + size) of
/// shared memory, or null.
const PendingWgmma *findWgmmaReading(Warp &warp, uint32_t address,
                                     uint32_t size);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_WGMMA_H
