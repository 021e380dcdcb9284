//===- SelectAttention.h - Decide how an attention is computed --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_SCHEDULE_SELECTATTENTION_H
#define ATTN_LIB_SCHEDULE_SELECTATTENTION_H

#include "Attention/Attention.h"
#include "Sm90/Sm90.h"
#include "Tile/Tile.h"
#include "attn/Analysis/KeyBounds.h"
#include "attn/Target/TargetModel.h"

#include "mlir/IR/Remarks.h"

namespace mlir::attn {

//===--- What an attention is like ----------------------------------------===//

KeyBounds findKeyBounds(AttentionOp op);

/// What a region reads.
struct Reads {
  /// By the position of the query along one axis and by that of the key along
  /// another: an element for each score.
  bool pairs = false;
  /// Whether such elements have more than 16 bits, two of which are one word.
  bool widePairs = false;
  /// By the position of the key alone: an element for each column.
  bool keys = false;
  /// By a number that is computed from both positions.
  bool computed = false;
};

Reads findReads(Block *region);

/// The tensors that a modifier reads by the positions of query and key so that
/// tiles can be loaded in place of elements (`tile-stage-reads`).
SmallVector<Value> findTiledReads(AttentionOp op);

/// Whether one of these tiles is the same for all heads.
bool sharesTiles(AttentionOp op);

/// Whether the outcomes of comparisons take registers: the assembler keeps
/// those for equality of every pair, and those of many comparisons.
bool isHeavy(Block *mask);

/// Whether scores are modified by what is read, under a mask with bounds on
/// both sides: the addresses and the bounds of the rows are kept side by side.
bool boundsAndReads(AttentionOp op);

/// What a number that is computed from positions and added to scores makes of
/// them on the way, which goes from the last key to the first.
enum class Trend {
  /// There is no such number.
  None,
  /// No query sees a key behind it, so that the way leads away from it.
  Past,
  /// Scores are taken to fall with the distance to keys on both sides of the
  /// query, which are one interval: the number is a magnitude. They do not
  /// exceed those of the block of the query then, if the walk starts with it.
  FallsFromQuery,
  /// Keys are on both sides of the query, and scores may become ever larger.
  MayGrow
};
Trend findTrend(AttentionOp op);

/// Whether scores are modified by functions. Each is several steps, one behind
/// the other: with few registers left, the assembler computes one score after
/// the other and waits for every step.
bool hasFunctions(AttentionOp op);

/// Whether some instances may have more to do than others.
bool isUneven(AttentionOp op);

/// Larger heads, and those as large, are scheduled in ways of their own; most
/// heads have the usual dimension.
constexpr int64_t kUsualHead = 128, kLargeHead = 192;

/// Whether sequences have one length, scores are as they are, and a mask is one
/// of positions.
bool isPlain(AttentionOp op);
/// Whether heads are of the large dimension as they have been measured.
bool isPlainLarge(AttentionOp op);

/// Whether two warpgroups start their products in turn. Those of wide values
/// are long enough to hide a softmax in, in tiles of the same length; those of
/// large heads with fewer values in others, and so are those of heads that
/// share keys. What modifies scores, lists and limits that are read take as
/// long as the products of smaller heads.
bool takesTurns(AttentionOp op);

//===--- What it needs of the chip ----------------------------------------===//

/// What an attention needs of a Hopper chip, for blocks of queries and keys.
struct Footprint {
  static constexpr int64_t stages = 2, readStages = 2;

  static constexpr int64_t kAddressRegisters = 16, kOutcomeRegisters = 72,
                           kBoundRegisters = 24, kTileRegisters = 16;

  int64_t warpgroups, keyDim, valueDim, blockKv;
  Reads reads;
  bool isHeavy, boundsAndReads;
  /// What it takes to find the next keys.
  int64_t walkRegisters;
  /// What it takes to bound a walk by data, outside of the loops.
  int64_t matchRegisters;
  /// How many tiles of what is read for each score are loaded with one of keys.
  int64_t tiledReads;

  int64_t getBlockQ() const { return warpgroups * sm90::kWarpgroupRows; }

  /// Bytes of shared memory for queries, keys and values, and for what is read.
  int64_t inputBytes() const {
    return sm90::boxBytes(getBlockQ(), keyDim) +
           stages * (sm90::boxBytes(blockKv, keyDim) +
                     sm90::boxBytes(blockKv, valueDim)) +
           readStages * tiledReads * sm90::boxBytes(getBlockQ(), blockKv);
  }
  int64_t outputBytes() const { return sm90::boxBytes(getBlockQ(), valueDim); }

  /// Registers of a consumer thread for scores, weights and the accumulator,
  /// all live at once (and a part of the latter while it is scaled) where the
  /// scores of the next block are started early. What is read for each score,
  /// or for each column, is loaded before it is used.
  int64_t registers() const {
    return blockKv / 2 + blockKv / 4 + valueDim / 2 + valueDim / 32 +
           pairRegisters() + tiledReads * kTileRegisters +
           (reads.keys ? blockKv / 4 + kAddressRegisters : 0) +
           (isHeavy ? kOutcomeRegisters : 0) +
           (boundsAndReads ? kBoundRegisters : 0) + walkRegisters;
  }
  int64_t pairRegisters() const {
    if (!reads.pairs)
      return 0;
    return reads.widePairs ? blockKv / 2 + kAddressRegisters
                           : blockKv / 4 + kAddressRegisters / 2;
  }
  int64_t queryRegisters() const { return keyDim / 4; }
  bool fitsQueries() const;
};

/// Of the 232 registers of a consumer thread, those that fragments may take.
constexpr int64_t kFragmentRegisters = 204;

constexpr char kTooManyBytes[] =
    "{0} = {1}: expected at most {2} bytes of buffers, got {3}";
constexpr char kTooManyRegisters[] =
    "{0} = {1}: expected at most {2} registers for fragments, got {3}";

/// The largest block of keys up to 128 that fits, and of queries.
Footprint selectBlocks(AttentionOp op, int64_t keyDim, int64_t valueDim,
                       int64_t sharedBytes, bool stagesReads);

//===--- Its schedules ----------------------------------------------------===//

remark::RemarkOpts describeRemark(Operation *op, StringRef name);

/// Starts a remark that says why a schedule was refused; the reason is added to
/// it. `attn-opt --explain` and `--remarks-filter-missed=schedule` show them.
remark::detail::InFlightRemark refuse(Operation *op);

/// The schedule of a Hopper chip, or a diagnostic where there is none. With
/// `stagesReads` tiles are loaded of what a modifier reads for each score.
FailureOr<tile::ScheduleAttr> selectForHopper(AttentionOp op,
                                              const TargetModel &model,
                                              bool stagesReads = false);

/// Another schedule for many keys, or null.
tile::GuardedScheduleAttr selectForLong(AttentionOp op,
                                        tile::ScheduleAttr schedule);

/// Another schedule with larger blocks of keys for lengths that fill them, or
/// null.
tile::GuardedScheduleAttr selectForLargeBlocks(AttentionOp op,
                                               tile::ScheduleAttr schedule);

} // namespace mlir::attn

#endif // ATTN_LIB_SCHEDULE_SELECTATTENTION_H
