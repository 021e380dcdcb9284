//===- SelectBlocks.cpp - Choose the sizes of blocks ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectAttention.h"

using namespace mlir;
using namespace mlir::attn;

/// Consumers have so many fewer where the producer reads lists of blocks.
static constexpr int64_t kListRegisters = 8;
/// Of a walk over more than one interval.
static constexpr int64_t kWalkRegisters = 12;
/// Of limits that are read, and of the loops on both sides of the clean one.
static constexpr int64_t kMatchRegisters = 24;

static constexpr char kNoDivisor[] =
    "block_kv = {0}: expected a divisor of blocks of {1} keys";

/// The estimates of what masks take are rough: blocks do not get smaller for
/// them.
static constexpr int64_t kLeastBlock = 32;

static constexpr int64_t kWarpgroups = 2, kLargestBlock = 128;

bool Footprint::fitsQueries() const {
  return registers() + queryRegisters() <= kFragmentRegisters;
}

/// Whether tiles are whole parts of the blocks that lists name.
static bool dividesLists(AttentionOp op, const Footprint &footprint) {
  return !op.hasBlockLists() || (*op.getBlockQ() % footprint.getBlockQ() == 0 &&
                                 *op.getBlockK() % footprint.blockKv == 0);
}

static int64_t findWalkRegisters(AttentionOp op) {
  if (op.hasBlockLists())
    return kListRegisters;
  SmallVector<KeyInterval> intervals = findKeyBounds(op).getOuterIntervals();
  bool isOneRun = intervals.size() <= 1 || KeyBounds::isOneInterval(intervals);
  return isOneRun ? 0 : kWalkRegisters;
}

static int64_t findMatchRegisters(AttentionOp op) {
  return op.hasBlockLists() || findKeyBounds(op).matches.empty()
             ? 0
             : kMatchRegisters;
}

Footprint attn::selectBlocks(AttentionOp op, int64_t keyDim, int64_t valueDim,
                             int64_t sharedBytes, bool stagesReads) {
  Block *mask = op.getMaskBlock();
  Reads ofMask = findReads(mask), ofScore = findReads(op.getScoreBlock());
  // Where no list is walked, there has been room for what columns read.
  Reads reads{ofMask.pairs || ofScore.pairs, ofMask.pairs || ofScore.widePairs,
              op.hasBlockLists() && (ofMask.keys || ofScore.keys)};
  Footprint footprint{kWarpgroups,
                      keyDim,
                      valueDim,
                      kLargestBlock,
                      reads,
                      isHeavy(mask),
                      boundsAndReads(op),
                      findWalkRegisters(op),
                      findMatchRegisters(op),
                      /*tiledReads=*/0};
  if (stagesReads) {
    footprint.tiledReads = static_cast<int64_t>(findTiledReads(op).size());
    footprint.reads.pairs = ofMask.pairs;
  }
  if (op.hasBlockLists() && *op.getBlockQ() % footprint.getBlockQ() != 0)
    footprint.warpgroups = 1;
  for (;; footprint.blockKv -= sm90::kProductStep) {
    if (footprint.inputBytes() > sharedBytes)
      refuse(op) << remark::add(kTooManyBytes, "block_kv", footprint.blockKv,
                                sharedBytes, footprint.inputBytes());
    else if (int64_t registers =
                 footprint.registers() + footprint.matchRegisters;
             registers > kFragmentRegisters && footprint.blockKv > kLeastBlock)
      refuse(op) << remark::add(kTooManyRegisters, "block_kv",
                                footprint.blockKv, kFragmentRegisters,
                                registers);
    else if (!dividesLists(op, footprint))
      refuse(op) << remark::add(kNoDivisor, footprint.blockKv, *op.getBlockK());
    else
      break;
  }
  // Lengths are mostly multiples of 64: of blocks of 80 the last one is in part
  // behind the end. Figures: docs/performance.md.
  constexpr int64_t kRoundBlock = 64;
  Footprint round = footprint;
  round.blockKv = kRoundBlock;
  if (footprint.blockKv <= kRoundBlock)
    return footprint;
  // The queries of large heads are worth more in registers than larger blocks
  // are, unless products take turns.
  bool wantsQueries = isPlainLarge(op) && !takesTurns(op);
  if (wantsQueries) {
    constexpr int64_t kRoundStep = 32;
    round.blockKv = footprint.blockKv / kRoundStep * kRoundStep;
    while (round.blockKv > kRoundBlock && !round.fitsQueries())
      round.blockKv -= kRoundStep;
  }
  if ((keyDim > kLargeHead || (wantsQueries && round.fitsQueries())) &&
      dividesLists(op, round))
    return round;
  return footprint;
}
