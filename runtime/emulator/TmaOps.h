//===- TmaOps.h - Instructions that copy asynchronously ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_TMAOPS_H
#define ATTN_RUNTIME_EMULATOR_TMAOPS_H

#include "Program.h"

#include <cstdint>

namespace attn::runtime::emulator::tma {

/// What form[] holds.
enum Form { Rank, CopyKind, Flags, ReductionForm };
enum Flag : uint32_t {
  /// Every block that a mask names gets a copy.
  Multicast = 1,
  /// The destination is the block's own.
  OwnOnly = 2,
  Reduces = 4,
};

enum WaitForm { Left, OnlyReads };

Step executeCopy(Block &, Warp &, const Instruction &, uint32_t mask);
Step executeCommit(Block &, Warp &, const Instruction &, uint32_t mask);
Step executeWait(Block &, Warp &, const Instruction &, uint32_t mask);
Step executePrefetch(Block &, Warp &, const Instruction &, uint32_t mask);

} // namespace attn::runtime::emulator::tma

#endif // ATTN_RUNTIME_EMULATOR_TMAOPS_H
