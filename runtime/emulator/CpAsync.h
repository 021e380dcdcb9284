//===- CpAsync.h - Asynchronous copies of single threads --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_CPASYNC_H
#define ATTN_RUNTIME_EMULATOR_CPASYNC_H

#include "Operation.h"
#include "SharedMemory.h"

#include <array>
#include <cstdint>
#include <vector>

namespace attn::runtime::emulator {

/// What one thread copies by a cp.async.
struct LaneCopy {
  const Instruction *instruction = nullptr;
  uint32_t lane = 0;
  uint32_t shared = 0;
  uint32_t size = 0;
  uint64_t global = 0;
  /// The bytes that are copied; the others become zero.
  uint32_t sourceSize = 0;
  uint32_t group = Operation::uncommitted;
  bool hasMoved = false;
};

/// Copies of the threads of a warp that nobody has waited for yet. Each thread
/// has groups of its own.
class LaneCopies : public Operation {
public:
  using Operation::Operation;

  /// Some of the bytes may be there before the others.
  Step advance() override;
  bool fills(uint32_t address) const override;
  const char *name() const override { return "copy"; }

  /// Makes what the lanes of `mask` have not committed part of their groups.
  void commit(uint32_t mask, const std::array<uint32_t, warpSize> &groups);
  /// Completes, for those who come after `by`, the copies that `isWaitedFor`.
  template <typename Predicate>
  void complete(const Accessor &by, Predicate isWaitedFor);
  /// Takes out what a lane has copied.
  void take(uint32_t lane, std::vector<LaneCopy> &taken);

  std::vector<LaneCopy> copies;

private:
  void keep(std::vector<LaneCopy> left);
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_CPASYNC_H
