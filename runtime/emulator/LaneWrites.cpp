//===- LaneWrites.cpp - Lanes that write the same bytes -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneWrites.h"

#include <algorithm>
#include <cstring>

using namespace attn::runtime::emulator;

/// A quick look, to which words that are far apart look alike.
bool LaneWrites::mayOverlap(uint32_t address, uint32_t size) {
  bool found = false;
  for (uint32_t word = address / 4; word * 4 < address + size; ++word) {
    uint64_t &last = turns[word % turns.size()];
    found |= last == turn;
    last = turn;
  }
  return found;
}

void LaneWrites::add(int lane, uint32_t address, uint32_t size,
                     const uint8_t *bytes) {
  if (mayOverlap(address, size))
    for (const Write &other : writes) {
      uint32_t begin = std::max(address, other.address);
      uint32_t end = std::min(address + size, other.address + other.size);
      if (begin >= end)
        continue;
      const uint8_t *place = bytes + (begin - address);
      overlaps.push_back({other.lane, lane, begin, place,
                          std::vector<uint8_t>(place, place + (end - begin))});
      break;
    }
  writes.push_back({lane, address, size});
}

const LaneWrites::Overlap *LaneWrites::findDifference() const {
  for (const Overlap &overlap : overlaps)
    if (std::memcmp(overlap.bytes, overlap.value.data(),
                    overlap.value.size()) != 0)
      return &overlap;
  return nullptr;
}

void LaneWrites::clear() {
  writes.clear();
  overlaps.clear();
  ++turn;
}
