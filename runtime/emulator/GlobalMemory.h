//===- GlobalMemory.h - Memory that all blocks share ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_GLOBALMEMORY_H
#define ATTN_RUNTIME_EMULATOR_GLOBALMEMORY_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

namespace attn::runtime::emulator {

/// Allocations at addresses of their own, far enough apart that an access
/// beyond one does not fall into the next.
class GlobalMemory {
public:
  /// The address, or zero where there is no memory.
  uint64_t allocate(size_t size);
  void release(uint64_t address) { allocations.erase(address); }

  /// The bytes [address, address + size), or null unless one allocation holds
  /// them all.
  uint8_t *find(uint64_t address, uint64_t size) const;

private:
  struct Allocation {
    std::unique_ptr<uint8_t[]> bytes;
    size_t size = 0;
  };
  std::map<uint64_t, Allocation> allocations;
  uint64_t next = uint64_t(1) << 40;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_GLOBALMEMORY_H
