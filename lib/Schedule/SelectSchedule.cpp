//===- SelectSchedule.cpp - Decide how an attention is computed -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Schedule/Passes.h"

#include "SelectRecurrence.h"

#include "Attention/Attention.h"
#include "Sm90/Sm90.h"
#include "Tile/Tile.h"
#include "attn/Analysis/KeyBounds.h"
#include "attn/Analysis/Lowered.h"
#include "attn/Schedule/ScheduleTable.h"
#include "attn/Target/TargetModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Remarks.h"

namespace mlir::attn {
#define GEN_PASS_DEF_SELECTSCHEDULEPASS
#include "attn/Schedule/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

static remark::RemarkOpts describeRemark(AttentionOp op, StringRef name) {
  auto function = op->getParentOfType<func::FuncOp>();
  return remark::RemarkOpts::name(name)
      .category("schedule")
      .function(function ? function.getName() : StringRef());
}

/// Starts a remark that says why a schedule was refused; the reason is added to
/// it. `attn-opt --explain` and `--remarks-filter-missed=schedule` show them.
static remark::detail::InFlightRemark refuse(AttentionOp op) {
  return remark::missed(op.getLoc(), describeRemark(op, "refused"));
}

/// Starts a remark that says where a schedule comes from.
static remark::detail::InFlightRemark explain(AttentionOp op) {
  return remark::analysis(op.getLoc(), describeRemark(op, "selected"));
}

static KeyBounds findKeyBounds(AttentionOp op) {
  Block *mask = op.getMaskBlock();
  if (!mask)
    return {};
  return analyzeKeyBounds(*mask, mask->getArgument(2), mask->getArgument(3),
                          mask->getArgument(1));
}

namespace {
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
} // namespace

static Reads findReads(Block *region) {
  Reads reads;
  if (!region)
    return reads;
  auto positions = region->getArguments().take_back(2);
  DenseSet<Value> ofQuery = {positions[0]}, ofKey = {positions[1]};
  auto contains = [](const DenseSet<Value> &set) {
    return [&](Value value) { return set.contains(value); };
  };
  for (Operation &op : region->without_terminator()) {
    bool byQuery = llvm::any_of(op.getOperands(), contains(ofQuery));
    bool byKey = llvm::any_of(op.getOperands(), contains(ofKey));
    bool byBoth = llvm::any_of(op.getOperands(), [&](Value index) {
      return ofQuery.contains(index) && ofKey.contains(index);
    });
    if (isa<ReadOp>(op)) {
      bool isPair = byQuery && byKey && !byBoth;
      reads.pairs |= isPair;
      reads.widePairs |=
          isPair && !isa<BFloat16Type, Float16Type>(op.getResult(0).getType());
      reads.keys |= byKey && !byQuery;
      reads.computed |= byBoth;
    }
    if (byQuery)
      ofQuery.insert(op.result_begin(), op.result_end());
    if (byKey)
      ofKey.insert(op.result_begin(), op.result_end());
  }
  return reads;
}

/// Whether sums of positions are compared.
static bool comparesSums(arith::CmpIOp compare) {
  auto isSum = [](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    // The batch and the head come first.
    return argument ? argument.getArgNumber() >= 2
                    : isa<arith::AddIOp, arith::SubIOp>(value.getDefiningOp());
  };
  return compare.getLhs().getType().isIndex() &&
         llvm::all_of(compare->getOperands(), isSum);
}

/// Whether the outcomes of comparisons take registers: the assembler keeps
/// those for equality of every pair, and those of many comparisons.
static bool isHeavy(Block *mask) {
  constexpr size_t manyComparisons = 6;
  if (!mask)
    return false;
  auto compares = llvm::to_vector(mask->getOps<arith::CmpIOp>());
  return compares.size() > manyComparisons ||
         llvm::any_of(compares, [](arith::CmpIOp compare) {
           return comparesSums(compare) &&
                  (compare.getPredicate() == arith::CmpIPredicate::eq ||
                   compare.getPredicate() == arith::CmpIPredicate::ne);
         });
}

/// Whether scores are modified by what is read, under a mask with bounds on
/// both sides: the addresses and the bounds of the rows are kept side by side.
static bool boundsAndReads(AttentionOp op) {
  Block *score = op.getScoreBlock();
  return score && !score->getOps<ReadOp>().empty() &&
         llvm::any_of(findKeyBounds(op).intervals,
                      [](const KeyInterval &interval) {
                        return !interval.lower.empty();
                      });
}

/// Whether scores may become ever larger on the way, which goes from the last
/// key to the first: a number that is computed from positions is added, and
/// keys that a query sees are on both sides of it.
static bool mayGrow(AttentionOp op) {
  Block *score = op.getScoreBlock();
  if (!score || findKeyBounds(op).seesOnlyPast())
    return false;
  auto positions = score->getArguments().take_back(2);
  DenseSet<Value> computed(positions.begin(), positions.end());
  for (Operation &inner : score->without_terminator())
    if (!isa<ReadOp>(inner) &&
        llvm::any_of(inner.getOperands(),
                     [&](Value value) { return computed.contains(value); }))
      computed.insert(inner.result_begin(), inner.result_end());
  return computed.contains(score->getTerminator()->getOperand(0));
}

/// Whether scores are modified by functions. Each is several steps, one behind
/// the other: with few registers left, the assembler computes one score after
/// the other and waits for every step.
static bool hasFunctions(AttentionOp op) {
  Block *score = op.getScoreBlock();
  return score && llvm::any_of(*score, [](Operation &inner) {
           return isa<math::MathDialect>(inner.getDialect()) &&
                  !isa<math::AbsFOp, math::FmaOp>(inner);
         });
}

namespace {
/// What an attention needs of a Hopper chip, for blocks of queries and keys.
struct Footprint {
  static constexpr int64_t stages = 2;

  static constexpr int64_t kAddressRegisters = 16, kOutcomeRegisters = 72,
                           kBoundRegisters = 24;

  int64_t warpgroups, keyDim, valueDim, blockKv;
  Reads reads;
  bool isHeavy, boundsAndReads;
  /// What it takes to find the next keys.
  int64_t walkRegisters;
  /// What it takes to bound a walk by data, outside of the loops.
  int64_t matchRegisters;

  int64_t getBlockQ() const { return warpgroups * sm90::kWarpgroupRows; }

  /// Bytes of shared memory for queries, keys and values.
  int64_t inputBytes() const {
    return sm90::boxBytes(getBlockQ(), keyDim) +
           stages * (sm90::boxBytes(blockKv, keyDim) +
                     sm90::boxBytes(blockKv, valueDim));
  }
  int64_t outputBytes() const { return sm90::boxBytes(getBlockQ(), valueDim); }

  /// Registers of a consumer thread for scores, weights and the accumulator,
  /// all live at once (and a part of the latter while it is scaled) where the
  /// scores of the next block are started early. What is read for each score,
  /// or for each column, is loaded before it is used.
  int64_t registers() const {
    return blockKv / 2 + blockKv / 4 + valueDim / 2 + valueDim / 32 +
           pairRegisters() +
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
} // namespace

/// Barriers come behind the buffers.
static constexpr int64_t kBarrierReserve = 512;
/// Of the 232 registers of a consumer thread, those that fragments may take.
static constexpr int64_t kFragmentRegisters = 204;
static constexpr int64_t kSmallFragmentRegisters = 160;
/// Consumers have so many fewer where the producer reads lists of blocks.
static constexpr int64_t kListRegisters = 8;
bool Footprint::fitsQueries() const {
  return registers() + queryRegisters() <= kFragmentRegisters;
}

/// For the steps of functions of several scores at a time.
static constexpr int64_t kFunctionRegisters = 32;
/// Addresses of what is read at computed places, and what tells whether it is
/// one for the block.
static constexpr int64_t kComputedRegisters = 40;
/// Of a walk over more than one interval.
static constexpr int64_t kWalkRegisters = 12;
/// Of limits that are read, and of the loops on both sides of the clean one.
static constexpr int64_t kMatchRegisters = 24;

static constexpr char kTooManyBytes[] =
    "{0} = {1}: expected at most {2} bytes of buffers, got {3}";
static constexpr char kTooManyRegisters[] =
    "{0} = {1}: expected at most {2} registers for fragments, got {3}";
static constexpr char kNoDivisor[] =
    "block_kv = {0}: expected a divisor of blocks of {1} keys";

/// What a thread of a block of two warpgroups starts with. Warps may take more,
/// but not fewer.
static constexpr int64_t kStartRegisters = 248;

/// The estimates of what masks take are rough: blocks do not get smaller for
/// them.
static constexpr int64_t kLeastBlock = 32;

static constexpr int64_t kWarpgroups = 2, kLargestBlock = 128;

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

static constexpr int64_t kLargeHead = 192;

static bool isUneven(AttentionOp op) {
  // Packed sequences differ in length, lists of blocks anyway.
  return op.hasBlockLists() || op.isPacked() || findKeyBounds(op).isUneven();
}

/// Whether heads are of the large dimension as they have been measured:
/// sequences of one length, scores as they are, and a mask of positions.
static bool isPlainLarge(AttentionOp op) {
  Block *mask = op.getMaskBlock();
  return op.getKVType().getKeyDim() == kLargeHead && !op.hasBlockLists() &&
         !op.isPacked() && !op.getScoreBlock() &&
         (!mask || mask->getOps<ReadOp>().empty());
}

/// Whether two warpgroups start their products in turn. Those of wide values
/// are long enough to hide a softmax in, in tiles of the same length; those of
/// large heads with fewer values in others. What modifies scores, lists and
/// limits that are read take as long as the products of smaller heads.
static bool takesTurns(AttentionOp op) {
  int64_t valueDim = op.getKVType().getValueDim();
  if (valueDim > kLargeHead)
    return !isUneven(op);
  constexpr int64_t kSmallHead = 128;
  if (valueDim <= kSmallHead && (op.getScoreBlock() || op.hasBlockLists() ||
                                 findKeyBounds(op).intervals.size() > 1 ||
                                 !findKeyBounds(op).matches.empty()))
    return !mayGrow(op);
  return valueDim < kLargeHead && isPlainLarge(op) && isUneven(op);
}

/// The largest block of keys up to 128 that fits, and of queries.
static Footprint selectBlocks(AttentionOp op, int64_t keyDim, int64_t valueDim,
                              int64_t sharedBytes) {
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
                      findMatchRegisters(op)};
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

/// A tile of queries is 64 rows for each warpgroup, one of keys a whole number
/// of steps of a product.
static LogicalResult checkLists(AttentionOp op) {
  if (!op.hasBlockLists())
    return success();
  std::tuple<StringRef, int64_t, int64_t> sizes[] = {
      {"queries", *op.getBlockQ(), sm90::kWarpgroupRows},
      {"keys", *op.getBlockK(), sm90::kProductStep}};
  for (auto [what, size, step] : sizes)
    if (size % step != 0)
      return op.emitOpError("has no schedule for blocks of ")
             << size << " " << what << " on sm_90a; expected a multiple of "
             << step;
  return success();
}

/// Wide tiles and 16-bit elements are what the tensor cores take.
static LogicalResult checkTypes(AttentionOp op, Type element, int64_t keyDim,
                                int64_t valueDim) {
  auto fits = [](int64_t dim) {
    return dim > 0 && dim % sm90::kProductStep == 0 && dim <= 256;
  };
  if ((element.isBF16() || element.isF16()) && fits(keyDim) && fits(valueDim))
    return success();
  return op.emitOpError("has no schedule for ")
         << element << " with head dimensions " << keyDim << " and " << valueDim
         << " on sm_90a; expected bf16 or f16 with multiples of "
         << sm90::kProductStep << " up to 256";
}

/// The schedules of a Hopper chip. Figures: docs/performance.md.
static FailureOr<tile::ScheduleAttr> selectForHopper(AttentionOp op,
                                                     const TargetModel &model) {
  MLIRContext *context = op.getContext();
  RankedTensorType query = op.getQueryType();
  int64_t keyDim = op.getKVType().getKeyDim();
  int64_t valueDim = op.getKVType().getValueDim();
  if (failed(checkTypes(op, query.getElementType(), keyDim, valueDim)) ||
      failed(checkLists(op)))
    return failure();
  int64_t sharedBytes = model.sharedMemoryPerBlock - kBarrierReserve;
  Footprint footprint = selectBlocks(op, keyDim, valueDim, sharedBytes);
  int64_t registers = footprint.registers() + footprint.queryRegisters();
  bool uneven = isUneven(op);
  // Twice as many where a mask is evaluated between the functions.
  bool computesReads = findReads(op.getScoreBlock()).computed ||
                       findReads(op.getMaskBlock()).computed;
  int64_t wanted =
      registers +
      (hasFunctions(op) ? kFunctionRegisters * (uneven ? 2 : 1) : 0) +
      (computesReads ? kComputedRegisters : 0);
  bool queryInRegisters = wanted <= kFragmentRegisters;
  if (!queryInRegisters)
    refuse(op) << remark::add(kTooManyRegisters, "query_in_registers", true,
                              kFragmentRegisters, wanted);
  int64_t bytes = footprint.inputBytes() + footprint.outputBytes();
  // Wide accumulators leave no registers to be packed for the buffer with.
  constexpr int64_t kWideValues = 192;
  bool fromRegisters = bytes > sharedBytes || valueDim > kWideValues ||
                       (isPlainLarge(op) && queryInRegisters);
  if (bytes > sharedBytes)
    refuse(op) << remark::add(kTooManyBytes, "output_from_registers", false,
                              sharedBytes, bytes);

  bool lazyMax = !mayGrow(op);
  if (!lazyMax)
    refuse(op)
        << "lazy_max = true: scores may grow with the distance to keys "
           "behind the query, so that most tiles would be computed twice";
  if (uneven)
    refuse(op) << "longest_first = false: some instances may have more to do "
                  "than others";
  // Where the longest come first, a section of a quarter lets the memory read
  // on while tiles of the section before are computed; those of wide values
  // take long enough as it is. A walk that data bounds
  // sees a part of the keys, so that the cache keeps those of more heads, and
  // long tiles of late heads do not come last.
  constexpr int64_t kBoundedSections = 8, kUnevenParts = 4;
  int64_t sectionBytes = model.l2WorkingSet;
  if (!findKeyBounds(op).matches.empty())
    sectionBytes *= kBoundedSections;
  else if (uneven && !op.hasBlockLists() && valueDim <= kWideValues)
    sectionBytes /= kUnevenParts;
  // With little to hold, the assembler does better with fewer registers; a
  // producer takes more that reads lists, or loads queries amid keys. Only
  // addresses of what is read for each score are worth more, unless the
  // producer finds its sequence too.
  bool hasFew = registers <= kSmallFragmentRegisters || op.hasBlockLists() ||
                (fromRegisters && (!queryInRegisters || isPlainLarge(op)) &&
                 (op.isPacked() || !computesReads));
  int64_t consumerRegisters = hasFew ? 224 : 232;
  if (footprint.warpgroups == 1)
    consumerRegisters = kStartRegisters;
  // Clearing an accumulator of few columns costs less than the predicate, which
  // the assembler orders a short loop badly for.
  constexpr int64_t kFewColumns = 128;
  bool clearAccumulators = valueDim < kFewColumns;
  bool pingPong = footprint.warpgroups == 2 && takesTurns(op);
  // Blocks that fetch their instances even causal work out, and can take one
  // again.
  auto hopper = sm90::ScheduleAttr::get(
      context, Footprint::stages, footprint.warpgroups,
      /*producer_registers=*/hasFew ? 56 : 40, consumerRegisters,
      queryInRegisters, /*output_in_query_buffer=*/false, fromRegisters,
      /*persistent=*/true, /*dynamic=*/true, pingPong, /*narrow_tanh=*/true,
      /*hoist_mask=*/true, clearAccumulators,
      /*dependent_launch=*/true, /*warp_roles=*/true,
      /*auxiliary_registers=*/0);
  return tile::ScheduleAttr::get(
      context, footprint.getBlockQ(), footprint.blockKv,
      /*hoist_score_dot=*/true,
      /*split_masked_loop=*/true,
      /*rescale_threshold=*/8,
      /*lazy_max=*/lazyMax,
      /*longest_first=*/uneven, sectionBytes, /*segment_chunks=*/0, hopper);
}

static constexpr int64_t kSmallHead = 64;

namespace {
/// How a third warpgroup of consumers takes part.
struct LongSchedule {
  int64_t leastKeys, blockKv;
  bool queryInRegisters, outputFromRegisters;
};
} // namespace

/// The third warpgroup fills the time in which the other two wait for each
/// other's units; that pays where a walk over the keys is long against a tile
/// of 192 queries. Heads for which it does not pay have none.
static std::optional<LongSchedule> findLongSchedule(int64_t dim,
                                                    bool isUneven) {
  constexpr int64_t kMediumHead = 96, kUsualHead = 128;
  // The queries of heads of 64 fit in registers beside blocks of 96 keys. Wider
  // blocks pay where none is masked.
  if (dim <= kSmallHead)
    return isUneven ? LongSchedule{2048, 96, true, false}
                    : LongSchedule{2048, 128, false, true};
  if (dim <= kMediumHead)
    return LongSchedule{isUneven ? 8192 : 2048, 96, false, false};
  // What they gain is less, and smaller blocks cost some of it.
  if (dim == kUsualHead)
    return isUneven ? LongSchedule{16384, 80, false, true}
                    : LongSchedule{8192, 64, false, true};
  return std::nullopt;
}

/// The target's part of a schedule, with other consumers, in turns.
static sm90::ScheduleAttr inTurns(sm90::ScheduleAttr hopper, int64_t warpgroups,
                                  int64_t producerRegisters,
                                  int64_t consumerRegisters,
                                  bool queryInRegisters,
                                  bool outputFromRegisters) {
  return sm90::ScheduleAttr::get(
      hopper.getContext(), hopper.getKvStages(), warpgroups, producerRegisters,
      consumerRegisters, queryInRegisters, hopper.getOutputInQueryBuffer(),
      outputFromRegisters, hopper.getPersistent(), hopper.getDynamic(),
      /*ping_pong=*/true, hopper.getNarrowTanh(), hopper.getHoistMask(),
      hopper.getClearAccumulators(), hopper.getDependentLaunch(),
      hopper.getWarpRoles(), hopper.getAuxiliaryRegisters());
}

/// Whether the mask is two comparisons and, for larger heads, keeps just the
/// keys in front of one that follows the query.
static bool isLongWalk(AttentionOp op) {
  Block *mask = op.getMaskBlock();
  if (!mask)
    return true;
  KeyBounds bounds = findKeyBounds(op);
  if (bounds.intervals.size() != 1 || !mask->getOps<ReadOp>().empty())
    return false;
  const KeyInterval &keys = bounds.intervals.front();
  auto follows = [](const KeyBound &bound) { return bound.direction == 1; };
  return op.getKVType().getKeyDim() <= kSmallHead ||
         (keys.exact && keys.lower.empty() &&
          llvm::all_of(keys.upper, follows));
}

/// Another schedule for many keys, or null. Figures: docs/performance.md.
static tile::GuardedScheduleAttr selectForLong(AttentionOp op,
                                               tile::ScheduleAttr schedule) {
  constexpr int64_t kLongWarpgroups = 3, kLeastKeysOfTurns = 8192;
  auto hopper = cast<sm90::ScheduleAttr>(schedule.getTarget());
  int64_t keyDim = op.getKVType().getKeyDim();
  // Registers are few then, so that there is no modifier.
  if (keyDim != op.getKVType().getValueDim() || op.hasBlockLists() ||
      op.isPacked() || op.getScoreBlock() || !isLongWalk(op))
    return {};
  auto guard = [&](int64_t leastKeys, int64_t blockQ, int64_t blockKv,
                   sm90::ScheduleAttr target) {
    return tile::GuardedScheduleAttr::get(
        op.getContext(), leastKeys,
        tile::ScheduleAttr::get(
            op.getContext(), blockQ, blockKv, schedule.getHoistScoreDot(),
            schedule.getSplitMaskedLoop(), schedule.getRescaleThreshold(),
            schedule.getLazyMax(), schedule.getLongestFirst(),
            schedule.getSectionBytes(), /*segment_chunks=*/0, target));
  };
  bool isUneven = schedule.getLongestFirst();
  if (std::optional<LongSchedule> found = findLongSchedule(keyDim, isUneven))
    return guard(found->leastKeys, kLongWarpgroups * sm90::kWarpgroupRows,
                 found->blockKv,
                 inTurns(hopper, kLongWarpgroups, /*producerRegisters=*/32,
                         /*consumerRegisters=*/160, found->queryInRegisters,
                         found->outputFromRegisters));
  // Tiles of large heads that have many keys are alike as those of one length
  // are, which take turns anyway.
  if (keyDim > kLargeHead && isUneven && !hopper.getPingPong())
    return guard(
        kLeastKeysOfTurns, schedule.getBlockQ(), schedule.getBlockKv(),
        inTurns(hopper, hopper.getConsumerWarpgroups(),
                hopper.getProducerRegisters(), hopper.getConsumerRegisters(),
                hopper.getQueryInRegisters(), hopper.getOutputFromRegisters()));
  return {};
}

/// Whether the target can hold what the schedule asks for.
static LogicalResult validate(Operation *op, tile::ScheduleAttr schedule,
                              const TargetModel &model) {
  auto hopper = dyn_cast_or_null<sm90::ScheduleAttr>(schedule.getTarget());
  if (!hopper)
    return op->emitOpError("expected a schedule with a target of "
                           "#sm90.schedule, got ")
           << schedule;
  std::string why;
  if (failed(model.validateRegisters(
          hopper.getProducerRegisters(), hopper.getConsumerWarpgroups(),
          hopper.getConsumerRegisters(), hopper.getAuxiliaryRegisters(), why)))
    return op->emitOpError(why);
  return success();
}

static void setSchedules(AttentionOp op, tile::ScheduleAttr schedule,
                         ArrayRef<Attribute> guarded) {
  op->setAttr(kScheduleAttrName, schedule);
  if (!guarded.empty())
    op->setAttr(kGuardedSchedulesAttrName,
                ArrayAttr::get(op.getContext(), guarded));
}

namespace {
struct SelectSchedule : attn::impl::SelectSchedulePassBase<SelectSchedule> {
  using SelectSchedulePassBase::SelectSchedulePassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (table.empty())
      return success();
    FailureOr<ScheduleTable> read =
        ScheduleTable::read(table, UnknownLoc::get(context));
    if (succeeded(read))
      measured = *read;
    return read;
  }

  void runOnOperation() override {
    const TargetModel *model = TargetModel::lookup(target);
    if (!model) {
      getOperation().emitError("expected a target of ")
          << TargetModel::known() << ", got '" << target << "'";
      return signalPassFailure();
    }
    // What is not lowered has no schedule, and is named before its sizes are.
    for (auto function : getOperation().getOps<func::FuncOp>())
      if ((!function.getOps<AttentionOp>().empty() ||
           !function.getOps<RecurrenceOp>().empty()) &&
          failed(checkLowered(function)))
        return signalPassFailure();
    WalkResult result = getOperation().walk([&](AttentionOp op) {
      bool isGiven = static_cast<bool>(
          op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName));
      if (!isGiven && !takeMeasured(op) && failed(selectByRules(op, *model)))
        return WalkResult::interrupt();
      return failed(validateAll(op, *model)) ? WalkResult::interrupt()
                                             : WalkResult::advance();
    });
    if (result.wasInterrupted() || failed(selectForRecurrences(*model)))
      signalPassFailure();
  }

  /// Writes what the table has for the problem, if it has something.
  bool takeMeasured(AttentionOp op) {
    if (!measured) {
      explain(op) << "by rules: there is no table of measured schedules";
      return false;
    }
    std::string problem = target + " " + describeProblem(op);
    ScheduleTable::Schedules found = measured->lookup(problem);
    if (!found.schedule) {
      explain(op) << remark::add("by rules: the table has no '{0}'", problem);
      return false;
    }
    explain(op) << remark::add("from the table: '{0}'", problem);
    setSchedules(op, found.schedule, found.guarded);
    return true;
  }

  LogicalResult selectByRules(AttentionOp op, const TargetModel &model) {
    FailureOr<tile::ScheduleAttr> selected = selectForHopper(op, model);
    if (failed(selected))
      return failure();
    SmallVector<Attribute> guarded;
    if (tile::GuardedScheduleAttr forLong = selectForLong(op, *selected))
      guarded.push_back(forLong);
    setSchedules(op, *selected, guarded);
    return success();
  }

  LogicalResult validateAll(AttentionOp op, const TargetModel &model) {
    if (auto guarded = op->getAttrOfType<ArrayAttr>(kGuardedSchedulesAttrName))
      for (auto entry : guarded.getAsRange<tile::GuardedScheduleAttr>())
        if (failed(validate(op, entry.getSchedule(), model)))
          return failure();
    return validate(
        op, op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName), model);
  }

  LogicalResult selectForRecurrences(const TargetModel &model) {
    WalkResult result = getOperation().walk([&](RecurrenceOp op) {
      auto schedule = op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
      if (!schedule) {
        FailureOr<tile::ScheduleAttr> selected = selectForRecurrence(op);
        if (failed(selected))
          return WalkResult::interrupt();
        schedule = *selected;
        op->setAttr(kScheduleAttrName, schedule);
      }
      return failed(validate(op, schedule, model)) ? WalkResult::interrupt()
                                                   : WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  std::optional<ScheduleTable> measured;
};
} // namespace
