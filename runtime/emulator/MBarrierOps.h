//===- MBarrierOps.h - Instructions on mbarriers ----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_MBARRIEROPS_H
#define ATTN_RUNTIME_EMULATOR_MBARRIEROPS_H

#include "Program.h"

#include <cstdint>

namespace attn::runtime::emulator::mbarrier {

/// What form[] holds.
enum Form { Flags };
enum Flag : uint32_t {
  /// The address is a generic one.
  Generic = 1,
  /// It may be that of another block of the cluster.
  Remote = 2,
  Relaxed = 4,
  /// The last operand is a number of arrivals, or of bytes.
  HasCount = 8,
  HasBytes = 16,
  Drops = 32,
  NoComplete = 64,
  Arrives = 128,
  Parity = 256,
};

inline bool has(const Instruction &instruction, Flag flag) {
  return instruction.form[Flags] & flag;
}

/// The operands of an arrival are the state, the address and a number; those of
/// a wait are the predicate, the address, the state or the parity, and a hint.
Step executeInit(Block &, Warp &, const Instruction &, uint32_t mask);
Step executeInval(Block &, Warp &, const Instruction &, uint32_t mask);
Step executeArrive(Block &, Warp &, const Instruction &, uint32_t mask);
Step executeCompleteTx(Block &, Warp &, const Instruction &, uint32_t mask);
Step executePendingCount(Block &, Warp &, const Instruction &, uint32_t mask);
Step executeTryWait(Block &, Warp &, const Instruction &, uint32_t mask);
Step executeTestWait(Block &, Warp &, const Instruction &, uint32_t mask);

} // namespace attn::runtime::emulator::mbarrier

#endif // ATTN_RUNTIME_EMULATOR_MBARRIEROPS_H
