//===- Tile.h - The memory that a copy moves --------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_TILE_H
#define ATTN_RUNTIME_EMULATOR_TILE_H

#include "attn/Runtime/Launch.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace attn::runtime::emulator {

/// A row of a tile: what is contiguous in both memories.
struct TileRow {
  /// From the start of the tile, before swizzling.
  uint32_t offset = 0;
  /// The part within the tensor, in bytes of the row; empty where it is none.
  uint32_t begin = 0, end = 0;
  /// The address of the byte `begin` in global memory.
  uint64_t global = 0;
};

/// A box of a tensor, or a range of memory, which is a box of one row. In
/// shared memory it is dense.
class Tile {
public:
  static constexpr uint32_t chunkBytes = 16;

  Tile() = default;
  Tile(const TensorMapDescription &map, std::vector<int32_t> start);
  Tile(uint64_t address, uint32_t bytes) : address(address), rowBytes(bytes) {}

  /// At most 2^31, which no memory has room for.
  uint32_t bytes() const {
    return static_cast<uint32_t>(
        std::min<uint64_t>(uint64_t(rows) * rowBytes, uint64_t(1) << 31));
  }
  TileRow row(uint32_t index) const;
  /// Where the chunk of 16 bytes at an address is in shared memory.
  uint32_t swizzle(uint32_t address) const;

  bool isTensor() const { return map != nullptr; }

  uint64_t address = 0;
  uint32_t rows = 1;
  uint32_t rowBytes = 0;

private:
  const TensorMapDescription *map = nullptr;
  std::vector<int32_t> start;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_TILE_H
