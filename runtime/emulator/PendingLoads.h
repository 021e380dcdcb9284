//===- PendingLoads.h - Loads whose results nothing has used ----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A load from shared memory has read only once something needs its result, or a
// fence between the proxies has waited for it. The warp that hands the memory
// over before that hands it over too early for an asynchronous write: the
// barriers of the hardware overtake the load. (Ordinary writes do not, as they
// take the same way as the load.) A load whose result nobody ever uses does no
// harm.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_PENDINGLOADS_H
#define ATTN_RUNTIME_EMULATOR_PENDINGLOADS_H

#include "Program.h"

#include <array>
#include <cstdint>
#include <vector>

namespace attn::runtime::emulator {

class Clock;
class Operation;
struct RegisterState;

/// Those of a warp.
class PendingLoads {
public:
  explicit PendingLoads(Warp &warp) : warp(warp) {}

  bool isEmpty() const { return loads.empty(); }

  /// A lane reads. What the lanes read by one instruction makes a load, which
  /// ends with close().
  void addRead(const Instruction &instruction, int lane, uint32_t address,
               uint32_t size);
  /// The first `count` operands hold the results for the lanes of `mask`.
  void close(const Instruction &instruction, uint32_t count, uint32_t mask);

  /// Something other than a move reads the register.
  void use(RegisterState &state, uint32_t mask);
  /// The register gets another value.
  void overwrite(RegisterState &state, uint32_t mask);
  /// The first `results` operands are made of the others by a move, which
  /// costs the hardware nothing, so it does not wait either.
  void move(const Instruction &instruction, uint32_t results, uint32_t mask);
  /// A fence between the proxies by some lanes.
  void fence(uint32_t mask);
  /// A copy that knows of `seen` writes some bytes of shared memory.
  void noteCopy(const Operation &copy, const Clock &seen, uint32_t address,
                uint32_t size);
  /// Others may get to know what the warp has done up to here.
  void handOver();

private:
  struct Load {
    uint32_t id = 0;
    /// The registers that hold a result.
    uint32_t registers = 0;
    /// The lanes that have read; that have no result yet; and whose reads were
    /// handed over without one, and since then overwritten.
    uint32_t readers = 0, waiting = 0, early = 0, overwritten = 0;
    /// The lanes that have executed a fence since; and when there was a result
    /// or a fence for all of them, or zero.
    uint32_t fenced = 0, ended = 0;
    uint32_t size = 0;
    const Instruction *instruction = nullptr;
    /// Who has overwritten it.
    const Warp *copyWarp = nullptr;
    const Instruction *copy = nullptr;
    int copyLane = -1;
    /// Of each lane.
    std::array<uint32_t, warpSize> addresses;
  };

  Load *find(uint32_t id);
  void use(Load &load, uint32_t mask);
  void hold(RegisterState &state, uint32_t id);
  void noteEnd(Load &load);
  void finish(Load &load);
  void forget(Load &load);
  void reportUse(Load &load, uint32_t mask);

  Warp &warp;
  /// By ascending numbers.
  std::vector<Load> loads;
  uint32_t lastId = 0;
  bool isOpen = false;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_PENDINGLOADS_H
