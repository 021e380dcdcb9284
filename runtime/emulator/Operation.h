//===- Operation.h - Work between its issue and its end ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an instruction issues and the hardware does later, beside the warps: a
// matrix product, a copy. A unit derives its operations from Operation and
// enqueues them; when they happen, what they must not overtake, and what
// becomes of those that nobody waited for is decided here for all units alike.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_OPERATION_H
#define ATTN_RUNTIME_EMULATOR_OPERATION_H

#include "Hazard.h"
#include "Program.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attn::runtime::emulator {

class Random;

/// Who waits for an operation, and how: through an mbarrier, or by a count of
/// the groups of its warp or thread.
enum class Tracker : uint8_t { MBarrier, WgmmaGroup, BulkGroup, LaneGroup };
constexpr unsigned groupTrackers = 3;

class Operation {
public:
  static constexpr uint32_t uncommitted = ~0u;
  /// Of one that happens only when somebody waits for it.
  static constexpr uint64_t never = ~uint64_t(0);

  Operation(Tracker tracker, Block &block, Warp &warp,
            const Instruction &instruction, int lane)
      : tracker(tracker), block(block), warp(warp), instruction(instruction),
        lane(lane) {}
  virtual ~Operation() = default;
  Operation(const Operation &) = delete;
  Operation &operator=(const Operation &) = delete;

  /// Does what comes next: reads its sources, sets `hasRead`; writes its
  /// results, sets `isDone`.
  virtual Step advance() = 0;
  /// Somebody has waited for it: what it read may be overwritten by those who
  /// know of the wait.
  virtual void release() {}
  /// Whether it reads one of these bytes of shared memory.
  virtual bool reads(uint32_t /*address*/, uint32_t /*size*/) const {
    return false;
  }
  /// Whether it writes shared memory of `target`.
  virtual bool writesTo(const Block & /*target*/) const { return false; }
  /// Whether it writes one of these bytes of global memory.
  virtual bool writesGlobal(uint64_t /*address*/, uint32_t /*size*/) const {
    return false;
  }
  /// Whether it writes this byte of shared memory, which nobody may touch
  /// before the end.
  virtual bool fills(uint32_t /*address*/) const { return false; }
  /// For people, e.g. "copy".
  virtual const char *name() const = 0;

  Step fail(HazardKind kind, const std::string &what,
            std::optional<uint64_t> address = std::nullopt) const;

  const Tracker tracker;
  Block &block;
  Warp &warp;
  const Instruction &instruction;
  /// -1 where it is the whole warp's.
  const int lane;
  uint64_t due = 0;
  /// Operations of one pipe, unless it is zero, happen in the order of issue.
  uint32_t pipe = 0;
  uint32_t group = uncommitted;
  bool hasRead = false;
  bool isDone = false;
  bool isReleased = false;
};

/// When operations happen: each at a time of its own, or all at once, or none
/// before somebody waits for it.
enum class Pace : uint8_t { Mixed, Quick, Slow };

/// The operations of a cluster, in the order of issue.
class Operations {
public:
  /// That of those that are issued from now on.
  Pace pace = Pace::Mixed;

  /// When something that starts now shall happen.
  uint64_t randomDue(uint64_t now, Random &random) const;

  /// Fails where more are in flight than a kernel has reason to have: each of
  /// them is looked at again and again.
  Step enqueue(std::unique_ptr<Operation> operation);

  /// Lets those happen that are due.
  Step advanceDue(uint64_t now, Random &random);
  bool isAnyDue(uint64_t now) const { return nextDue <= now; }
  /// Lets one happen that somebody may wait for through an mbarrier; false if
  /// there is none.
  bool hasten(uint64_t now, Random &random);

  /// Makes a group of what each thread of `lanes`, or the warp where its groups
  /// are tracked, has issued since the last.
  void commit(Tracker tracker, Warp &warp, uint32_t lanes);
  /// Completes all groups but the last `left`, or makes them read at least.
  Step wait(Tracker tracker, Warp &warp, uint32_t lanes, uint32_t left,
            bool onlyReads);

  /// One that nobody waited for yet and that reads one of the bytes.
  const Operation *findReading(uint32_t address, uint32_t size) const;

  /// One that nobody waited for to its end and that writes one of these bytes
  /// of global memory.
  const Operation *findWriting(uint64_t address, uint32_t size) const;

  /// One that fills this byte of shared memory.
  const Operation *findFilling(uint32_t address) const;

  /// Calls `body` for the operations of a warp that `tracker` tells of, and
  /// forgets those that have ended by that.
  template <typename Body>
  void update(Tracker tracker, const Warp &warp, Body body) {
    for (const auto &operation : operations)
      if (operation->tracker == tracker && &operation->warp == &warp)
        body(*operation);
    removeEnded();
  }

  /// Reports what `warp` leaves behind.
  void finish(Warp &warp);
  /// Reports, and forgets, what would write the memory of `exited`.
  void finish(const Block &exited);
  /// Completes what goes on after the last warp.
  Step finishAll();

  template <typename Body> void forEach(Body body) const {
    for (const auto &operation : operations)
      body(*operation);
  }

private:
  Step advance(size_t index);
  void removeEnded();

  std::vector<std::unique_ptr<Operation>> operations;
  uint64_t nextDue = Operation::never;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_OPERATION_H
