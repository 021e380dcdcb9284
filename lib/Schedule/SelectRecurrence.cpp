//===- SelectRecurrence.cpp - Decide how a recurrence is computed ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectRecurrence.h"

#include "Sm90/Sm90.h"
#include "attn/Analysis/Lowered.h"

using namespace mlir;
using namespace mlir::attn;

/// Tokens of a chunk: as many as a warpgroup's product has rows.
static constexpr int64_t kChunk = 64;
/// A block has the states of so many channels of the value at most, in the
/// registers of two warpgroups.
static constexpr int64_t kLargestPart = 2 * sm90::kWarpgroupRows;
static constexpr int64_t kLargestKey = 128;

/// Whether the tensor cores take chunks of these tensors.
static bool fitsChunks(RecurrenceOp op) {
  return op.getKeyDim() % sm90::kWarpgroupRows == 0 &&
         op.getKeyDim() <= kLargestKey &&
         op.getValueDim() % sm90::kWarpgroupRows == 0 &&
         !op.getQueryType().getElementType().isF32();
}

static tile::ScheduleAttr selectChunks(RecurrenceOp op) {
  int64_t valueDim = op.getValueDim();
  // Strengths of their own take registers that two warpgroups of consumers have
  // not got.
  bool needsMore = op.getErase() && op.getErase() != op.getWrite();
  int64_t part = valueDim % kLargestPart == 0 && !needsMore
                     ? kLargestPart
                     : sm90::kWarpgroupRows;
  MLIRContext *context = op.getContext();
  // As many registers as the fragments of each role take; those of two
  // consumers leave the others just enough, which is where a state to begin
  // with tips the balance.
  int64_t consumers = part / sm90::kWarpgroupRows;
  bool isAlone = consumers == 1, hasState = bool(op.getState());
  auto hopper = sm90::ScheduleAttr::get(
      context, /*kv_stages=*/2, consumers,
      /*producer_registers=*/isAlone ? 40 : (hasState ? 24 : 32),
      /*consumer_registers=*/isAlone ? 240 : 192,
      /*query_in_registers=*/false, /*output_in_query_buffer=*/false,
      /*output_from_registers=*/false,
      /*persistent=*/false, /*dynamic=*/false, /*ping_pong=*/false,
      /*narrow_tanh=*/false, /*hoist_mask=*/true,
      /*clear_accumulators=*/false, /*dependent_launch=*/true,
      /*warp_roles=*/true,
      /*auxiliary_registers=*/isAlone ? 168 : (hasState ? 104 : 96));
  return tile::ScheduleAttr::get(
      context, part, kChunk, /*hoist_score_dot=*/false,
      /*split_masked_loop=*/false, /*rescale_threshold=*/0, /*lazy_max=*/false,
      /*longest_first=*/false, /*section_bytes=*/1, hopper);
}

/// The number of tokens where it is known and small, else nothing.
static std::optional<int64_t> countFewTokens(RecurrenceOp op) {
  constexpr int64_t kFewTokens = 16;
  if (op.isPacked())
    return std::nullopt;
  int64_t tokens = op.getQueryType().getDimSize(1);
  if (ShapedType::isDynamic(tokens) || tokens > kFewTokens)
    return std::nullopt;
  return tokens;
}

/// The state of 64 columns is spread over the registers of a warpgroup, half a
/// register per channel of the key: enough blocks have room at once to keep the
/// memory busy. It is read once and written once, whatever else is computed. In
/// a loop over tokens more is kept, and more is waited for than the state.
static FailureOr<tile::ScheduleAttr> selectSteps(RecurrenceOp op) {
  constexpr int64_t kLargestKeyOfSteps = 256;
  constexpr int64_t kFourBlocks = 128, kThreeBlocks = 168, kTwoBlocks = 256;
  int64_t keyDim = op.getKeyDim();
  if (keyDim > kLargestKeyOfSteps)
    return op.emitOpError("has no schedule for keys of ")
           << keyDim << " channels on sm_90a; expected at most "
           << kLargestKeyOfSteps;
  int64_t registers = kTwoBlocks;
  if (keyDim <= kLargestKey)
    registers = countFewTokens(op) == 1 ? kFourBlocks : kThreeBlocks;
  MLIRContext *context = op.getContext();
  auto hopper = sm90::ScheduleAttr::get(
      context, /*kv_stages=*/1, /*consumer_warpgroups=*/1,
      /*producer_registers=*/24, registers,
      /*query_in_registers=*/true, /*output_in_query_buffer=*/false,
      /*output_from_registers=*/false,
      /*persistent=*/false, /*dynamic=*/false, /*ping_pong=*/false,
      /*narrow_tanh=*/true, /*hoist_mask=*/true,
      /*clear_accumulators=*/false, /*dependent_launch=*/true,
      /*warp_roles=*/false,
      /*auxiliary_registers=*/0);
  return tile::ScheduleAttr::get(
      context, /*block_q=*/sm90::kWarpgroupRows, /*block_kv=*/1,
      /*hoist_score_dot=*/false, /*split_masked_loop=*/false,
      /*rescale_threshold=*/0, /*lazy_max=*/false, /*longest_first=*/false,
      /*section_bytes=*/1, hopper);
}

FailureOr<tile::ScheduleAttr> attn::selectForRecurrence(RecurrenceOp op) {
  if (countFewTokens(op) || !findUnchunked(op).empty() || !fitsChunks(op))
    return selectSteps(op);
  return selectChunks(op);
}
