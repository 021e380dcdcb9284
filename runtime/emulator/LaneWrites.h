//===- LaneWrites.h - Lanes that write the same bytes -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_LANEWRITES_H
#define ATTN_RUNTIME_EMULATOR_LANEWRITES_H

#include <array>
#include <cstdint>
#include <vector>

namespace attn::runtime::emulator {

/// What the lanes of a warp write to shared memory within one instruction.
/// Which of several values stays is not defined.
class LaneWrites {
public:
  /// Two lanes that write some of the same bytes, and the first one's value.
  struct Overlap {
    int first = 0, second = 0;
    uint32_t address = 0;
    const uint8_t *bytes = nullptr;
    std::vector<uint8_t> value;
  };

  /// A lane is about to write the bytes at `bytes`.
  void add(int lane, uint32_t address, uint32_t size, const uint8_t *bytes);
  /// The instruction is over: an overlap where the values differ, or null.
  const Overlap *findDifference() const;
  bool isEmpty() const { return writes.empty(); }
  void clear();

private:
  struct Write {
    int lane = 0;
    uint32_t address = 0, size = 0;
  };
  bool mayOverlap(uint32_t address, uint32_t size);

  std::vector<Write> writes;
  std::vector<Overlap> overlaps;
  /// The turn in which a word was written last, by its lower bits.
  std::array<uint64_t, 256> turns = {};
  uint64_t turn = 1;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_LANEWRITES_H
