//===- Tile.cpp - The memory that a copy moves ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tile.h"

#include "attn/Runtime/Float.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

Tile::Tile(const TensorMapDescription &map, std::vector<int32_t> start)
    : address(map.address), rowBytes(static_cast<uint32_t>(
                                map.box[0] * elementSize(map.elementType))),
      map(&map), start(std::move(start)) {
  // More than shared memory can hold is refused, however much it is.
  for (size_t dim = 1; dim < map.box.size(); ++dim)
    rows = static_cast<uint32_t>(
        std::min<uint64_t>(uint64_t(rows) * map.box[dim], 1 << 20));
}

TileRow Tile::row(uint32_t index) const {
  if (!map)
    return {0, 0, rowBytes, address};
  TileRow row;
  row.offset = index * rowBytes;
  bool inside = true;
  uint64_t global = address;
  for (size_t dim = 1; dim < map->box.size(); ++dim) {
    int64_t at = int64_t(start[dim]) + index % map->box[dim];
    index /= map->box[dim];
    inside &= at >= 0 && static_cast<uint64_t>(at) < map->extents[dim];
    global += static_cast<uint64_t>(at) * map->strides[dim - 1];
  }
  int64_t first = std::max<int64_t>(start[0], 0);
  int64_t last = std::min<int64_t>(int64_t(start[0]) + map->box[0],
                                   static_cast<int64_t>(map->extents[0]));
  if (!inside || first >= last)
    return row;
  size_t elementBytes = elementSize(map->elementType);
  row.begin = static_cast<uint32_t>((first - start[0]) * elementBytes);
  row.end = static_cast<uint32_t>((last - start[0]) * elementBytes);
  row.global = global + first * elementBytes;
  return row;
}

/// A swizzle exchanges the chunks of 16 bytes within a line, by the number of
/// the line of 128 bytes.
uint32_t Tile::swizzle(uint32_t address) const {
  uint32_t chunks = map ? static_cast<uint32_t>(map->swizzle) / chunkBytes : 0;
  return chunks ? address ^ (address >> 7 & (chunks - 1)) * chunkBytes
                : address;
}
