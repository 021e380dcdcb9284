//===- GlobalWrites.h - What a cluster wrote to global memory ---*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_GLOBALWRITES_H
#define ATTN_RUNTIME_EMULATOR_GLOBALWRITES_H

#include <algorithm>
#include <cstdint>
#include <unordered_map>

namespace attn::runtime::emulator {

/// The last writes of ordinary code, for copies that come across them. Kept for
/// pieces of 16 bytes, as copies move no less.
class GlobalWrites {
public:
  struct Write {
    uint32_t agent = 0;
    uint32_t stamp = 0;
  };

  void record(uint64_t address, uint32_t size, Write write) {
    for (uint64_t piece = address / pieceBytes;
         piece * pieceBytes < address + size; ++piece)
      writes[piece] = write;
    lowest = std::min(lowest, address);
    highest = std::max(highest, address + size);
  }

  /// Calls `body(address, write)` for what was written of some bytes, until it
  /// returns true; whether it did.
  template <typename Body>
  bool any(uint64_t address, uint64_t size, Body body) const {
    uint64_t begin = std::max(address, lowest);
    uint64_t end = std::min(address + size, highest);
    for (uint64_t piece = begin / pieceBytes; piece * pieceBytes < end; ++piece)
      if (auto found = writes.find(piece); found != writes.end())
        if (body(std::max(piece * pieceBytes, begin), found->second))
          return true;
    return false;
  }

private:
  static constexpr uint64_t pieceBytes = 16;

  std::unordered_map<uint64_t, Write> writes;
  uint64_t lowest = ~uint64_t(0), highest = 0;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_GLOBALWRITES_H
