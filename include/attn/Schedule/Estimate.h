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
struct TargetModel;

/// The dynamic sizes of an attention.
struct ProblemSize {
  int64_t batches = 1, queries = 1, keys = 1;
};

/// Bounds of the roofline kind: the time for which each resource of the chip is
/// busy, spread evenly over the multiprocessors.
struct Estimate {
  /// The products, of whole blocks of keys that a tile visits.
  double tensorSeconds = 0;
  /// The same of the scores alone that the mask keeps.
  double usefulTensorSeconds = 0;
  /// The exponentials of scores and the special functions of the modifier.
  double exponentialSeconds = 0;
  /// Queries, keys, values and results, each moved once.
  double memorySeconds = 0;
  /// The longest of these, with what multiprocessors wait for the last
  /// instance.
  double seconds = 0;
  int64_t instances = 0;
  /// False where contents of tensors decide which keys are seen: the estimate
  /// is that of the most.
  bool isExact = true;
};

/// What `op` takes at best with `schedule`. Its masks are those of
/// `attn-lower-mask-ops`.
Estimate estimateTime(AttentionOp op, tile::ScheduleAttr schedule,
                      ProblemSize size, const TargetModel &model);

} // namespace mlir::attn

#endif // ATTN_SCHEDULE_ESTIMATE_H
