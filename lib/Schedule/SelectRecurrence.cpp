//===- SelectRecurrence.cpp - Decide how a recurrence is computed ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectRecurrence.h"

#include "Sm90/Sm90.h"

using namespace mlir;
using namespace mlir::attn;

/// Tokens of a chunk: as many as a warpgroup's product has rows.
static constexpr int64_t kChunk = 64;
/// A block has the states of so many channels of the value at most, in the
/// registers of two warpgroups.
static constexpr int64_t kLargestPart = 2 * sm90::kWarpgroupRows;
static constexpr int64_t kLargestKey = 128;

FailureOr<tile::ScheduleAttr> attn::selectChunks(RecurrenceOp op) {
  Type element = op.getQueryType().getElementType();
  int64_t keyDim = op.getKeyDim(), valueDim = op.getValueDim();
  bool fits = keyDim % sm90::kWarpgroupRows == 0 && keyDim <= kLargestKey &&
              valueDim % sm90::kWarpgroupRows == 0;
  if (!fits || element.isF32())
    return op.emitOpError("has no schedule for ")
           << element << " with " << keyDim << " channels of keys and "
           << valueDim << " of values on sm_90a; expected bf16 or f16 with "
           << "64 or 128 of keys and a multiple of 64 of values";
  int64_t part =
      valueDim % kLargestPart == 0 ? kLargestPart : sm90::kWarpgroupRows;
  MLIRContext *context = op.getContext();
  // Figures: docs/performance.md.
  auto hopper = sm90::ScheduleAttr::get(
      context, /*kv_stages=*/2, part / sm90::kWarpgroupRows,
      /*producer_registers=*/24, /*consumer_registers=*/192,
      /*query_in_registers=*/false, /*output_in_query_buffer=*/false,
      /*output_from_registers=*/false,
      /*persistent=*/false, /*dynamic=*/false, /*ping_pong=*/false,
      /*narrow_tanh=*/false, /*dependent_launch=*/true);
  return tile::ScheduleAttr::get(
      context, part, kChunk, /*hoist_score_dot=*/false,
      /*split_masked_loop=*/false, /*rescale_threshold=*/0, /*lazy_max=*/false,
      /*longest_first=*/false, /*section_bytes=*/1, hopper);
}
