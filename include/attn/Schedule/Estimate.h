//===- Estimate.h - What a schedule costs at best ---------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SCHEDULE_ESTIMATE_H
#define ATTN_SCHEDULE_ESTIMATE_H

#include "Tile/Tile.h"

namespace mlir::attn {
class AttentionOp;
class RecurrenceOp;
struct TargetModel;

/// The dynamic sizes of an attention.
struct ProblemSize {
  int64_t batches = 1, queries = 1, keys = 1;
};

/// The dynamic sizes of a recurrence.
struct RecurrenceSize {
  int64_t sequences = 1, tokens = 1;
};

/// Bounds of the roofline kind: the time for which each resource of the chip is
/// busy, spread evenly over the multiprocessors.
struct Estimate {
  /// The products, of whole blocks of keys that a tile visits.
  double tensorSeconds = 0;
  /// The same of the scores alone that the mask keeps; of a recurrence, of the
  /// tokens that there are, and what tokens do to each other once for a head.
  double usefulTensorSeconds = 0;
  /// The exponentials of scores and the special functions of the modifier.
  double exponentialSeconds = 0;
  /// What products of f32 are summed without tensor cores, token by token.
  double multiplySeconds = 0;
  /// Operands and results, each moved once.
  double memorySeconds = 0;
  /// The longest of these, with what multiprocessors wait for the last
  /// instance.
  double seconds = 0;
  int64_t instances = 0;
  /// False where contents of tensors decide which keys are seen, or how early
  /// segments start: the estimate is that of the most keys, or of starts where
  /// segments begin.
  bool isExact = true;
};

/// What `op` takes at best with `schedule`. Its masks are those of
/// `attn-lower-mask-ops`.
Estimate estimateTime(AttentionOp op, tile::ScheduleAttr schedule,
                      ProblemSize size, const TargetModel &model);

/// The same of a recurrence, in chunks or token by token.
Estimate estimateTime(RecurrenceOp op, tile::ScheduleAttr schedule,
                      RecurrenceSize size, const TargetModel &model);

} // namespace mlir::attn

#endif // ATTN_SCHEDULE_ESTIMATE_H
