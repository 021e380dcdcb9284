//===- Copy.h - Asynchronous copies -----------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_COPY_H
#define ATTN_RUNTIME_EMULATOR_COPY_H

#include "GlobalWrites.h"
#include "MBarrier.h"
#include "Operation.h"
#include "Reduction.h"
#include "SharedMemory.h"
#include "Tile.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace attn::runtime::emulator {

/// Moves bytes into shared memory, completing on an mbarrier, or from there
/// into global memory, in a group of its thread.
class Copy : public Operation {
public:
  enum class Kind : uint8_t {
    /// From global to shared memory.
    Load,
    /// From shared to global memory.
    Store,
    /// From shared to shared memory.
    Forward,
    /// From registers to shared memory, as ordinary code would.
    Values,
  };

  /// Where a copy to shared memory goes, and on what it completes.
  struct Target {
    Block *block = nullptr;
    uint32_t address = 0;
    uint32_t mbarrier = 0;
  };

  /// Knows what the warp knows at its issue.
  Copy(Kind kind, Block &block, Warp &warp, const Instruction &instruction,
       int lane);

  Step advance() override;
  void release() override;
  bool reads(uint32_t address, uint32_t size) const override;
  bool writesTo(const Block &target) const override;
  bool writesGlobal(uint64_t address, uint32_t size) const override;
  const char *name() const override { return "copy"; }

  /// Reports a read of shared memory that is not ordered after its writes.
  void checkSource() const;
  /// Looks for what ordinary code wrote to the global memory without a fence,
  /// and for what another copy may still write.
  void checkGlobal();

  const Kind kind;
  Tile tile;
  /// In shared memory.
  uint32_t source = 0;
  std::vector<Target> targets;
  std::optional<Reduction> reduction;
  /// What is moved, row by row.
  std::vector<uint8_t> data;

private:
  Step read();
  Step readGlobal();
  void readShared();
  Step writeGlobal();
  Step writeShared(const Target &target);
  Step complete(const Target &target, MBarrier &barrier) const;
  uint8_t *globalRow(const TileRow &row) const;
  bool reportOverlap(uint64_t address, uint32_t size) const;
  bool reportUnfenced(uint64_t address, GlobalWrites::Write write) const;

  const Clock seen, fenced;
  /// The global memory is in between.
  uint64_t lowest = ~uint64_t(0), highest = 0;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_COPY_H
