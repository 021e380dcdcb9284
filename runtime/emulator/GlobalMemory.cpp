//===- GlobalMemory.cpp - Memory that all blocks share --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GlobalMemory.h"

#include <new>

using namespace attn::runtime::emulator;

/// What an allocation is aligned to, and the least distance between two.
static constexpr uint64_t granularity = 1 << 16;

/// More than any GPU has.
static constexpr size_t maxSize = size_t(1) << 38;

uint64_t GlobalMemory::allocate(size_t size) {
  if (size > maxSize)
    return 0;
  Allocation allocation;
  allocation.size = size;
  allocation.bytes.reset(new (std::nothrow) uint8_t[size ? size : 1]);
  if (!allocation.bytes)
    return 0;
  uint64_t address = next;
  next += (size / granularity + 2) * granularity;
  allocations.emplace(address, std::move(allocation));
  return address;
}

uint8_t *GlobalMemory::find(uint64_t address, uint64_t size) const {
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin())
    return nullptr;
  const auto &[start, allocation] = *std::prev(after);
  uint64_t offset = address - start;
  if (size > allocation.size || offset > allocation.size - size)
    return nullptr;
  return allocation.bytes.get() + offset;
}
