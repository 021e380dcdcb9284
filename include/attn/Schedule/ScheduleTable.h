//===- ScheduleTable.h - Schedules that were measured -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SCHEDULE_SCHEDULETABLE_H
#define ATTN_SCHEDULE_SCHEDULETABLE_H

#include "Attention/Attention.h"
#include "Tile/Tile.h"

namespace mlir::attn {

/// What of an attention decides which schedule is the fastest, in words: the
/// type of its elements, the dimensions of its heads, and of which kind its
/// mask, its score modifier and its sequences are, e.g. "bf16 128x128 full" or
/// "f16 64x64 uneven modified packed".
std::string describeProblem(AttentionOp op);

/// The fastest schedules that a tuner found, by target and class of problem.
/// The text is an attribute, in which `//` starts a comment:
///
///     {"sm_90a bf16 64x64 full" = [
///        #tile.guarded_schedule<least_keys = 2048, schedule = <...>>,
///        #tile.schedule<...>]}
///
/// The last schedule of a class has no guard.
class ScheduleTable {
public:
  struct Schedules {
    /// Of `tile::GuardedScheduleAttr`; may be empty.
    ArrayRef<Attribute> guarded;
    /// For all that no guard holds for; null if the table has none.
    tile::ScheduleAttr schedule;
  };

  /// Reads a table, or emits a diagnostic at `loc`. The dialects of schedules
  /// are loaded.
  static FailureOr<ScheduleTable> read(StringRef path, Location loc);

  /// `problem` is a target and a class, "sm_90a bf16 64x64 full".
  Schedules lookup(StringRef problem) const;

private:
  explicit ScheduleTable(DictionaryAttr entries) : entries(entries) {}

  DictionaryAttr entries;
};

} // namespace mlir::attn

#endif // ATTN_SCHEDULE_SCHEDULETABLE_H
