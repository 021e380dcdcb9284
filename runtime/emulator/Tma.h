//===- Tma.h - Asynchronous copies of tensors -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_TMA_H
#define ATTN_RUNTIME_EMULATOR_TMA_H

#include "Program.h"
#include "SharedMemory.h"

#include "attn/Runtime/Launch.h"

#include <cstdint>
#include <vector>

namespace attn::runtime::emulator {

/// A copy of a tile between its issue and its completion.
struct PendingCopy {
  static constexpr uint32_t uncommitted = ~0u;

  const Instruction *instruction = nullptr;
  const TensorMapDescription *map = nullptr;
  bool isStore = false;
  uint32_t warp = 0;
  uint32_t lane = 0;
  uint32_t shared = 0;
  /// Of a load.
  uint32_t mbarrier = 0;
  /// Of a store: the bulk group of the thread.
  uint32_t group = uncommitted;
  std::vector<int32_t> coordinates;
  uint64_t due = 0;
  Clock seen, fenced;
};

/// Executes and removes the copy at `index` among those that are pending.
Step completeCopy(Block &block, size_t index);

/// The store in flight that reads one of the bytes, or null.
const PendingCopy *findStoreReading(Block &block, uint32_t address,
                                    uint32_t size);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_TMA_H
