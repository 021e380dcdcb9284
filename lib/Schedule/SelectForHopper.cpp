//===- SelectForHopper.cpp - The schedules of a Hopper chip ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectAttention.h"

#include "Sm90/ScheduleFields.h"
#include "Tile/ScheduleFields.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::attn;

/// Barriers come behind the buffers.
static constexpr int64_t kBarrierReserve = 512;
static constexpr int64_t kSmallFragmentRegisters = 160;
/// For the steps of functions of several scores at a time.
static constexpr int64_t kFunctionRegisters = 32;
/// Addresses of what is read at computed places, and what tells whether it is
/// one for the block.
static constexpr int64_t kComputedRegisters = 40;
/// Factors of positions, and what each row has of them, beside what tells that
/// maxima are kept.
static constexpr int64_t kPositionRegisters = 12;
/// What a thread of a block of two warpgroups starts with. Warps may take more,
/// but not fewer.
static constexpr int64_t kStartRegisters = 248;

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

/// Figures: docs/performance.md.
FailureOr<tile::ScheduleAttr> attn::selectForHopper(AttentionOp op,
                                                    const TargetModel &model,
                                                    bool stagesReads) {
  MLIRContext *context = op.getContext();
  RankedTensorType query = op.getQueryType();
  int64_t keyDim = op.getKVType().getKeyDim();
  int64_t valueDim = op.getKVType().getValueDim();
  if (failed(checkTypes(op, query.getElementType(), keyDim, valueDim)) ||
      failed(checkLists(op)))
    return failure();
  int64_t sharedBytes = model.sharedMemoryPerBlock - kBarrierReserve;
  Footprint footprint =
      selectBlocks(op, keyDim, valueDim, sharedBytes, stagesReads);
  int64_t registers = footprint.registers() + footprint.queryRegisters();
  bool uneven = isUneven(op);
  Trend trend = findTrend(op);
  bool lazyMax = trend != Trend::MayGrow;
  // Twice as many where a mask is evaluated between the functions.
  bool computesReads = findReads(op.getScoreBlock()).computed ||
                       findReads(op.getMaskBlock()).computed;
  int64_t wanted =
      registers +
      (hasFunctions(op) ? kFunctionRegisters * (uneven ? 2 : 1) : 0) +
      (computesReads ? kComputedRegisters : 0) +
      (trend == Trend::Past ? kPositionRegisters : 0);
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
  // Heads that are computed side by side share the tiles that all of them read.
  bool isSideBySide = stagesReads && sharesTiles(op);
  if (!findKeyBounds(op).matches.empty())
    sectionBytes *= kBoundedSections;
  else if (uneven && !isSideBySide && !op.hasBlockLists() &&
           valueDim <= kWideValues)
    sectionBytes /= kUnevenParts;
  // With little to hold, the assembler does better with fewer registers; a
  // producer takes more that reads lists, or loads queries amid keys. Only
  // addresses of what is read for each score are worth more, unless the
  // producer finds its sequence too; a producer that copies what is read takes
  // them as well.
  bool hasFew = registers <= kSmallFragmentRegisters || op.hasBlockLists() ||
                stagesReads ||
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
  // Queries that stay in shared memory are loaded early if the output does not
  // go through it, which pays where tiles are short.
  bool loadsEarly = keyDim == kUsualHead && valueDim == kUsualHead &&
                    !queryInRegisters && uneven && !op.getScoreBlock();
  // Blocks that fetch their instances even causal work out, and can take one
  // again.
  sm90::ScheduleFields hopper;
  hopper.kvStages = Footprint::stages;
  hopper.readStages = stagesReads ? Footprint::readStages : 1;
  hopper.consumerWarpgroups = footprint.warpgroups;
  hopper.producerRegisters = hasFew ? 56 : 40;
  hopper.consumerRegisters = consumerRegisters;
  hopper.queryInRegisters = queryInRegisters;
  hopper.outputFromRegisters = fromRegisters || loadsEarly;
  hopper.dynamic = true;
  hopper.pingPong = pingPong;
  hopper.clearAccumulators = clearAccumulators;
  tile::ScheduleFields fields;
  fields.blockQ = footprint.getBlockQ();
  fields.blockKv = footprint.blockKv;
  fields.lazyMax = lazyMax;
  fields.longestFirst = uneven || isSideBySide;
  fields.diagonalFirst = trend == Trend::FallsFromQuery;
  fields.sectionBytes = sectionBytes;
  fields.stageReads = stagesReads;
  fields.target = hopper.get(context);
  return fields.get(context);
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
  constexpr int64_t kMediumHead = 96;
  // The queries of heads of 64 fit in registers beside blocks of 96 keys. Wider
  // blocks pay where none is masked.
  if (dim <= kSmallHead)
    return isUneven ? LongSchedule{2048, 96, true, false}
                    : LongSchedule{2048, 128, false, true};
  if (dim <= kMediumHead)
    return LongSchedule{isUneven ? 8192 : 2048, 96, false, false};
  // What they gain is less, and smaller blocks cost some of it, all of it where
  // some are masked.
  if (dim == kUsualHead && !isUneven)
    return LongSchedule{8192, 64, false, true};
  return std::nullopt;
}

/// The same where scores are capped, which takes registers that the queries
/// have otherwise.
static std::optional<LongSchedule> findCappedSchedule(int64_t dim,
                                                      bool isUneven) {
  if (dim != kSmallHead)
    return std::nullopt;
  return isUneven ? LongSchedule{8192, 96, false, false}
                  : LongSchedule{8192, 128, false, true};
}

/// Whether scores are multiples of the hyperbolic tangent of a multiple.
static bool isCapped(AttentionOp op) {
  Block *score = op.getScoreBlock();
  return score &&
         llvm::all_of(score->without_terminator(), [](Operation &inner) {
           return inner.hasTrait<OpTrait::ConstantLike>() ||
                  isa<arith::MulFOp, arith::DivFOp, math::TanhOp>(inner);
         });
}

/// Whether the mask is two comparisons and, for larger heads or capped scores,
/// keeps just the keys in front of one that follows the query.
static bool isLongWalk(AttentionOp op) {
  Block *mask = op.getMaskBlock();
  if (!mask)
    return true;
  KeyBounds bounds = findKeyBounds(op);
  if (bounds.intervals.size() != 1 || !mask->getOps<ReadOp>().empty())
    return false;
  const KeyInterval &keys = bounds.intervals.front();
  auto follows = [](const KeyBound &bound) { return bound.direction == 1; };
  return (op.getKVType().getKeyDim() <= kSmallHead && !op.getScoreBlock()) ||
         (keys.exact && keys.lower.empty() &&
          llvm::all_of(keys.upper, follows));
}

/// Figures: docs/performance.md.
tile::GuardedScheduleAttr attn::selectForLong(AttentionOp op,
                                              tile::ScheduleAttr schedule) {
  constexpr int64_t kLeastKeysOfTurns = 8192;
  int64_t keyDim = op.getKVType().getKeyDim();
  // Registers are few then: there is a cap, or no modifier.
  if (keyDim != op.getKVType().getValueDim() || op.hasBlockLists() ||
      op.isPacked() || (op.getScoreBlock() && !isCapped(op)) || !isLongWalk(op))
    return {};
  sm90::ScheduleFields hopper(cast<sm90::ScheduleAttr>(schedule.getTarget()));
  tile::ScheduleFields fields(schedule);
  auto guard = [&](int64_t leastKeys) {
    fields.target = hopper.get(op.getContext());
    return tile::GuardedScheduleAttr::get(op.getContext(), leastKeys,
                                          /*least_tail=*/0, /*least_batch=*/0,
                                          fields.get(op.getContext()));
  };
  bool isUneven = schedule.getLongestFirst();
  auto find = op.getScoreBlock() ? findCappedSchedule : findLongSchedule;
  if (std::optional<LongSchedule> found = find(keyDim, isUneven)) {
    hopper.consumerWarpgroups = 3;
    hopper.producerRegisters = 32;
    hopper.consumerRegisters = 160;
    hopper.queryInRegisters = found->queryInRegisters;
    hopper.outputFromRegisters = found->outputFromRegisters;
    hopper.pingPong = true;
    fields.blockQ = hopper.consumerWarpgroups * sm90::kWarpgroupRows;
    fields.blockKv = found->blockKv;
    return guard(found->leastKeys);
  }
  // Tiles of large heads that have many keys are alike as those of one length
  // are, which take turns anyway.
  if (keyDim > kLargeHead && isUneven && !op.getScoreBlock() &&
      !hopper.pingPong) {
    hopper.pingPong = true;
    return guard(kLeastKeysOfTurns);
  }
  return {};
}

/// Figures: docs/performance.md.
tile::GuardedScheduleAttr
attn::selectForLargeBlocks(AttentionOp op, tile::ScheduleAttr schedule) {
  // What is behind the end costs more than large blocks gain where it is as
  // much as smaller blocks would leave out.
  constexpr int64_t kBlockKv = 256, kLeastKeys = 512;
  if (!isPlain(op) || op.getMaskBlock() ||
      op.getKVType().getKeyDim() != kSmallHead ||
      op.getKVType().getValueDim() != kSmallHead)
    return {};
  sm90::ScheduleFields hopper(cast<sm90::ScheduleAttr>(schedule.getTarget()));
  hopper.producerRegisters = 40;
  hopper.consumerRegisters = 232;
  tile::ScheduleFields fields(schedule);
  fields.blockKv = kBlockKv;
  fields.hoistScoreDot = false;
  fields.target = hopper.get(op.getContext());
  return tile::GuardedScheduleAttr::get(
      op.getContext(), kLeastKeys,
      /*least_tail=*/kBlockKv - schedule.getBlockKv() + 1, /*least_batch=*/0,
      fields.get(op.getContext()));
}
