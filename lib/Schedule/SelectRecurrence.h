//===- SelectRecurrence.h - Decide how a recurrence is computed -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_SCHEDULE_SELECTRECURRENCE_H
#define ATTN_LIB_SCHEDULE_SELECTRECURRENCE_H

#include "Attention/Attention.h"
#include "Tile/Tile.h"

namespace mlir::attn {

/// The schedule of a recurrence on a Hopper chip, or a diagnostic where there
/// is none: of the chunked form, or of steps from token to token where there
/// are few of them, or where there is no chunked form.
FailureOr<tile::ScheduleAttr> selectForRecurrence(RecurrenceOp op);

/// A schedule that is the better one for many sequences, beside the one that is
/// selected, or null.
tile::GuardedScheduleAttr selectForMany(RecurrenceOp op,
                                        tile::ScheduleAttr schedule);

} // namespace mlir::attn

#endif // ATTN_LIB_SCHEDULE_SELECTRECURRENCE_H
