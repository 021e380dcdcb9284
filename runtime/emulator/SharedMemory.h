//===- SharedMemory.h - Shared memory and who touched it --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The bytes of a block's shared memory, and beside them what is needed to find
// accesses that are not ordered: who wrote each word when, and when each warp
// last read it. Time is a vector clock over agents: the warps, and after them
// the mbarriers, in whose name asynchronous copies write.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_SHAREDMEMORY_H
#define ATTN_RUNTIME_EMULATOR_SHAREDMEMORY_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace attn::runtime::emulator {

/// How much of every agent's past is known.
class Clock {
public:
  uint32_t get(uint32_t agent) const {
    return agent < stamps.size() ? stamps[agent] : 0;
  }
  void set(uint32_t agent, uint32_t stamp) {
    if (agent >= stamps.size())
      stamps.resize(agent + 1);
    stamps[agent] = stamp;
  }
  /// Whether all of `other` is known but for what concerns `agent`.
  bool covers(const Clock &other, uint32_t agent) const {
    for (uint32_t i = 0; i < other.stamps.size(); ++i)
      if (i != agent && other.stamps[i] > get(i))
        return false;
    return true;
  }
  /// Whether something of `other` is known.
  bool coversAny(const Clock &other) const {
    for (uint32_t i = 0; i < other.stamps.size(); ++i)
      if (other.stamps[i] && other.stamps[i] <= get(i))
        return true;
    return false;
  }
  void join(const Clock &other) {
    if (stamps.size() < other.stamps.size())
      stamps.resize(other.stamps.size());
    for (size_t i = 0; i < other.stamps.size(); ++i)
      stamps[i] = std::max(stamps[i], other.stamps[i]);
  }

private:
  std::vector<uint32_t> stamps;
};

/// Who accesses shared memory, knowing what. An access of the asynchronous
/// proxy sees a write of the generic one only through a proxy fence.
struct Accessor {
  uint32_t agent = 0;
  uint32_t stamp = 0;
  const Clock *seen = nullptr;
  /// What was fenced; null for an access of the generic proxy.
  const Clock *fenced = nullptr;
};

/// Who has loaded, for people.
struct Reader {
  uint32_t line = 0;
  uint32_t lane = 0;
};

struct Conflict {
  enum class Kind {
    None,
    /// Nothing wrote the bytes.
    Unwritten,
    /// Not ordered after a write of `agent`.
    AfterWrite,
    /// Ordered after a write of `agent`, but without a proxy fence.
    Unfenced,
    /// Not ordered after a read of `agent`.
    AfterRead,
    /// A copy of a single thread that nobody has waited for writes them.
    InFlight,
    /// Ordered after a load of `agent`, but not after its result.
    BeforeResult,
  };
  Kind kind = Kind::None;
  uint32_t agent = 0;
  uint32_t address = 0;
  Reader reader = {};
};

class SharedMemory {
public:
  /// Addresses start above zero, as they do on the hardware, so that an
  /// address that was forgotten does not look like a right one.
  static constexpr uint32_t base = 1024;

  /// The rank of a block within its cluster is part of the addresses of its
  /// shared memory, as it is on the hardware.
  static constexpr uint32_t rankShift = 24;

  SharedMemory(uint32_t size, uint32_t rank, bool tracked);

  bool contains(uint64_t address, uint64_t size) const {
    return address >= first && size <= bytes.size() &&
           address - first <= bytes.size() - size;
  }
  uint8_t *at(uint32_t address) { return bytes.data() + (address - first); }
  uint32_t start() const { return first; }
  uint32_t end() const { return first + static_cast<uint32_t>(bytes.size()); }

  /// The first conflict of a read or a write of bytes that are contained. A
  /// write is recorded, a read by recordRead().
  Conflict checkRead(const Accessor &by, uint32_t address, uint32_t size) const;
  Conflict recordWrite(const Accessor &by, uint32_t address, uint32_t size);
  void recordRead(uint32_t agent, uint32_t stamp, uint32_t address,
                  uint32_t size);
  /// An atomic operation does not conflict with others, only with reads and
  /// writes that it is not ordered with.
  Conflict recordAtomic(const Accessor &by, uint32_t address, uint32_t size);
  /// An agent has the result of a load at last that it has handed over before.
  void recordResult(uint32_t agent, uint32_t stamp, const Reader &reader,
                    uint32_t address, uint32_t size);
  /// Copies of single threads, which write whole words, are in flight from
  /// their start to their end.
  void startFlight(uint32_t address, uint32_t size) {
    changeFlight(address, size, 1);
  }
  void endFlight(uint32_t address, uint32_t size) {
    changeFlight(address, size, -1);
  }

private:
  struct WriteRecord {
    uint32_t stamp = 0;
    uint32_t agent : 26;
    uint32_t generic : 1;
    /// By an atomic operation.
    uint32_t atomic : 1;
    /// One bit for each byte that was ever written.
    uint32_t written : 4;

    bool isSameWrite(const WriteRecord &other) const {
      return stamp == other.stamp && agent == other.agent &&
             generic == other.generic;
    }
  };

  struct Result {
    uint32_t stamp = 0;
    Reader reader;
  };

  template <typename Judge>
  Conflict recordWords(const Accessor &by, uint32_t address, uint32_t size,
                       bool atomic, Judge judge);
  static Conflict orderAfter(const WriteRecord &record, const Accessor &by);
  Conflict orderAfterReads(uint32_t word, const Accessor &by) const;
  Conflict orderAfterResults(uint32_t word, const Accessor &by) const;
  void changeFlight(uint32_t address, uint32_t size, int change);
  Conflict checkFlight(uint32_t address, uint32_t size) const;

  static constexpr uint32_t wordBytes = 4;

  uint32_t first;
  std::vector<uint8_t> bytes;
  bool tracked;
  std::vector<WriteRecord> writes;
  /// By the agent of a warp, then by word; empty for one that read nothing.
  std::vector<std::vector<uint32_t>> reads;
  /// The same of the last result that came after the memory was handed over.
  std::vector<std::vector<Result>> results;
  /// The copies that are in flight to each word; empty before the first.
  std::vector<uint16_t> flights;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_SHAREDMEMORY_H
