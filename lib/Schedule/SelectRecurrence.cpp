//===- SelectRecurrence.cpp - Decide how a recurrence is computed ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectRecurrence.h"

#include "SelectAttention.h"

#include "Sm90/ScheduleFields.h"
#include "Tile/ScheduleFields.h"
#include "attn/Analysis/Lowered.h"

using namespace mlir;
using namespace mlir::attn;

/// Tokens of a chunk: as many as a warpgroup's product has rows.
static constexpr int64_t kChunk = 64;
/// A block has the states of so many channels of the value at most, in the
/// registers of two warpgroups.
static constexpr int64_t kLargestPart = 2 * sm90::kWarpgroupRows;
static constexpr int64_t kLargestKey = 128;
/// Chunks of a segment, so that those in front of it that are computed once
/// more are few beside its own.
static constexpr int64_t kSegmentChunks = 4;

/// Why the tensor cores do not take chunks of these tensors; empty where they
/// do. A warpgroup's product has 64 rows, and the state of 128 channels of keys
/// and 64 of values takes 64 registers of each thread.
static std::string findUnfit(RecurrenceOp op) {
  constexpr int64_t kRows = sm90::kWarpgroupRows;
  if (op.getKeyDim() % kRows != 0 || op.getKeyDim() > kLargestKey)
    return llvm::formatv("expected keys of {0} or {1} channels, got {2}", kRows,
                         kLargestKey, op.getKeyDim());
  // Sums of keys are a second state.
  if (op.getDenominator() && op.getKeyDim() > kRows)
    return llvm::formatv("expected keys of {0} channels for a denominator, got "
                         "{1}",
                         kRows, op.getKeyDim());
  if (op.getValueDim() % kRows != 0)
    return llvm::formatv("expected a multiple of {0} channels of values, got "
                         "{1}",
                         kRows, op.getValueDim());
  if (op.getQueryType().getElementType().isF32())
    return "expected elements of 16 bits, got f32";
  return {};
}

/// Numbers of 16 bits for each of the state.
static int64_t countStateParts(RecurrenceOp op) {
  bool isRounded = !op.getQueryType().getElementType().isF32();
  return op.getAllowNegEigval() && isRounded ? 2 : 1;
}

/// Why a block has no states of `kLargestPart` channels of the value; empty
/// where it may.
static StringRef findWhyNarrow(RecurrenceOp op) {
  bool isGated =
      isPerChannel(op, op.getErase()) || isPerChannel(op, op.getWrite());
  auto isNumber = [&](Value strengths) {
    return strengths && !isPerChannel(op, strengths);
  };
  // Strengths of their own take registers that two warpgroups of consumers have
  // not got; where packed sequences begin and end, those of the producer's
  // beside gates of strengths, and of anyone beside states that are kept.
  bool hasOwn = op.getErase() && op.getErase() != op.getWrite() &&
                (isNumber(op.getErase()) || isNumber(op.getWrite()));
  std::pair<bool, StringRef> reasons[] = {
      {hasOwn, "strengths of erasing and of writing take registers that two "
               "warpgroups have not got"},
      {bool(op.getEraseDirection()),
       "four products of tokens take registers of two warpgroups"},
      {op.getDenominator().has_value(),
       "sums of keys take registers that two warpgroups have not got"},
      {countStateParts(op) > 1,
       "two parts of the state take registers that two warpgroups have not "
       "got"},
      {op.erases() && !op.getDecay(),
       "ptxas serialises products that erase without a decay"},
      {isGated && !isPerChannel(op, op.getDecay()),
       "strengths of channels without decays of channels take registers that "
       "two warpgroups have not got"},
      {isGated && op.isPacked(),
       "strengths of channels of packed sequences take registers that two "
       "warpgroups have not got"},
      {op.getKeptStates() && op.isPacked(),
       "states of packed sequences that are kept take registers that two "
       "warpgroups have not got"},
      {canCutSequences(op) && guessesSegments(op) && !isGated &&
           op.getKeyDim() % kLargestPart != 0,
       "what tokens do to a block of rows is found for one as wide as the "
       "keys"},
  };
  for (auto [isSo, reason] : reasons)
    if (isSo)
      return reason;
  return {};
}

/// The channels of the value that a block has the states of.
static int64_t selectPart(RecurrenceOp op) {
  if (op.getValueDim() % kLargestPart != 0) {
    refuse(op) << remark::add(
        "block_q = {0}: expected a multiple of {0} channels of values, got {1}",
        kLargestPart, op.getValueDim());
    return sm90::kWarpgroupRows;
  }
  StringRef why = findWhyNarrow(op);
  if (why.empty())
    return kLargestPart;
  refuse(op) << remark::add("block_q = {0}: {1}", kLargestPart, why.str());
  return sm90::kWarpgroupRows;
}

/// The least chunks of a segment, or 0 where sequences are not cut.
static int64_t selectSegments(RecurrenceOp op, int64_t part) {
  auto refuseCut = [&](StringRef why) {
    refuse(op) << remark::add("segment_chunks = {0}: {1}", kSegmentChunks,
                              why.str());
    return 0;
  };
  if (!op.getDecay())
    return refuseCut("nothing decays");
  if (op.getSlots())
    return refuseCut("the last segment may replace a state of a pool before "
                     "the first one has read it");
  if (!canCutSequences(op))
    return refuseCut("no bound is known of what a state keeps that is erased "
                     "but along its keys");
  if (guessesSegments(op) && !op.getEraseDirection() && op.getKeyDim() > part)
    return refuseCut("the check of where segments start would spill beside "
                     "keys of more channels than a block has");
  if (guessesSegments(op) && op.getKeyDim() % part != 0)
    return refuseCut("what tokens do to a block of rows is found for one as "
                     "wide as the keys");
  return kSegmentChunks;
}

/// What chunks and steps have in common: nothing of it is about them.
static tile::ScheduleFields startFields(sm90::ScheduleAttr target) {
  tile::ScheduleFields fields;
  fields.hoistScoreDot = false;
  fields.splitMaskedLoop = false;
  fields.rescaleThreshold = 0;
  fields.sectionBytes = 1;
  fields.target = target;
  return fields;
}

static tile::ScheduleAttr selectChunks(RecurrenceOp op) {
  bool hasChannels = isPerChannel(op, op.getDecay());
  bool isGated =
      isPerChannel(op, op.getErase()) || isPerChannel(op, op.getWrite());
  int64_t part = selectPart(op);
  int64_t segmentChunks = selectSegments(op, part);
  MLIRContext *context = op.getContext();
  // As many registers as the fragments of each role take; those of two
  // consumers leave the others just enough, which is where a state to begin
  // with tips the balance.
  int64_t consumers = part / sm90::kWarpgroupRows;
  // Beside two consumers shared memory is what products of tokens wait for.
  // Those of rows that are normalised, or whose channels decay, are multiplied
  // by more than the decay of each pair.
  bool stackProducts = consumers > 1 && op.getErase() && op.getDecay() &&
                       !hasChannels && !isGated && !op.getL2Normalize();
  int64_t producerRegisters = 32, consumerRegisters = 192,
          auxiliaryRegisters = 96;
  if (op.getEraseDirection()) {
    // Four products of tokens are at hand at once, beside narrow states.
    producerRegisters = 40, consumerRegisters = 224, auxiliaryRegisters = 240;
  } else if (consumers == 1) {
    producerRegisters = 40, consumerRegisters = 240, auxiliaryRegisters = 168;
  } else if (hasChannels && isGated && op.getKeyDim() < kLargestKey) {
    // Gates of strengths take more of the auxiliary than states of narrow keys
    // take of the consumers.
    consumerRegisters = 176, auxiliaryRegisters = 128;
  } else if (hasChannels) {
    // The numbers warp copies them, the auxiliary has the rest, but for what
    // gates of strengths, ends of packed sequences and lengths of rows take.
    bool takesMore = isGated || op.isPacked() || op.getL2Normalize();
    producerRegisters = takesMore ? 32 : 24;
    auxiliaryRegisters = takesMore ? 96 : 104;
  } else if (op.getKeyDim() < kLargestKey) {
    // The states of narrow keys leave some to the auxiliary.
    consumerRegisters = 176, auxiliaryRegisters = 128;
  } else if (stackProducts ? op.getQueryType().getElementType().isF16()
                           : op.getState() && !op.getL2Normalize()) {
    producerRegisters = 24, auxiliaryRegisters = 104;
  }
  // What decays of channels leave of keys and queries takes the place of second
  // stages. Rows that are normalised are read when they have come, by one warp:
  // in a third stage, that is a chunk ahead of who needs their lengths.
  int64_t stages = hasChannels ? 1 : op.getL2Normalize() ? 3 : 2;
  sm90::ScheduleFields hopper;
  hopper.kvStages = stages;
  hopper.consumerWarpgroups = consumers;
  hopper.producerRegisters = producerRegisters;
  hopper.consumerRegisters = consumerRegisters;
  hopper.queryInRegisters = false;
  hopper.persistent = false;
  hopper.narrowTanh = false;
  hopper.auxiliaryRegisters = auxiliaryRegisters;
  hopper.stackProducts = stackProducts;
  // Where nothing erases, and heads decay alone, it costs time.
  hopper.joinWaits = op.getErase() || op.getEraseDirection() || hasChannels;
  tile::ScheduleFields fields = startFields(hopper.get(context));
  fields.blockQ = part;
  fields.blockKv = kChunk;
  fields.segmentChunks = segmentChunks;
  fields.stateParts = countStateParts(op);
  return fields.get(context);
}

/// So many tokens are computed one by one.
static constexpr int64_t kFewTokens = 16;

/// The number of tokens where it is known and small, else nothing.
static std::optional<int64_t> countFewTokens(RecurrenceOp op) {
  if (op.isPacked())
    return std::nullopt;
  int64_t tokens = op.getQueryType().getDimSize(1);
  if (ShapedType::isDynamic(tokens) || tokens > kFewTokens)
    return std::nullopt;
  return tokens;
}

/// The registers that leave room for two, three and four blocks.
static constexpr int64_t kTwoBlocks = 256, kThreeBlocks = 168,
                         kFourBlocks = 128;

/// As many as the vectors of a token ask for, of which the assembler takes what
/// it needs. In a loop over tokens more is kept, such as the operands of the
/// next one where it is known that there is one.
static int64_t countRegisters(RecurrenceOp op, int64_t columns) {
  if (countFewTokens(op) == 1) {
    int64_t registers = countStepRegisters(op, columns, /*tokens=*/1);
    return registers <= kFourBlocks / 2 ? kFourBlocks
           : registers <= kThreeBlocks  ? kThreeBlocks
                                        : kTwoBlocks;
  }
  if (op.isPacked() || op.getQueryType().isDynamicDim(1))
    return kThreeBlocks;
  // Where states are kept is yet another tensor, and what is stored of them is
  // packed beside them.
  int64_t others = op.getKeptStates() ? 56 : 40;
  int64_t registers = countStepRegisters(op, columns, /*tokens=*/2);
  bool fits = registers + others <= kThreeBlocks;
  // So many are not loaded ahead.
  bool waits = registers > kMostStepRegisters && !op.getKeptStates();
  return fits || waits ? kThreeBlocks : kTwoBlocks;
}

/// Whether the channels of a key are neighbours in memory.
static bool isValueFirst(RecurrenceOp op) {
  auto states = {op.getState(), op.getFinalState(), op.getKeptStates()};
  return llvm::any_of(states, [](Value state) {
    if (!state)
      return false;
    auto type = cast<RankedTensorType>(state.getType());
    return cast<StateAttr>(type.getEncoding()).getLayout() ==
           StateLayout::ValueKey;
  });
}

/// How blocks of columns go from token to token.
static tile::ScheduleAttr createSteps(RecurrenceOp op, int64_t columns) {
  MLIRContext *context = op.getContext();
  sm90::ScheduleFields hopper;
  hopper.kvStages = 1;
  hopper.consumerWarpgroups = 1;
  hopper.consumerRegisters = countRegisters(op, columns);
  hopper.persistent = false;
  hopper.dependentLaunch = false;
  hopper.warpRoles = false;
  tile::ScheduleFields fields = startFields(hopper.get(context));
  fields.blockQ = columns;
  fields.blockKv = 1;
  return fields.get(context);
}

/// The state of some columns is spread over the registers of a warpgroup. It is
/// read once and written once, whatever else is computed, and the more of a
/// line of the cache a warp asks for at once, the better: of 64 columns that
/// are neighbours in memory it has half of each line, and of keys that are
/// neighbours two lines with 32 columns, one with 64.
static FailureOr<tile::ScheduleAttr> selectSteps(RecurrenceOp op) {
  constexpr int64_t kLargestKeyOfSteps = 256;
  int64_t keyDim = op.getKeyDim();
  if (keyDim > kLargestKeyOfSteps)
    return op.emitOpError("has no schedule for keys of ")
           << keyDim << " channels on sm_90a; expected at most "
           << kLargestKeyOfSteps;
  constexpr int64_t kColumns = 64, kFewColumns = 32;
  // All blocks read the normalizers of a pool, which one block replaces.
  bool isShared = op.getSlots() && op.getFinalNormalizer();
  // Of several tokens, more columns share what is done for each.
  bool hasSeveral = countFewTokens(op).value_or(1) > 1;
  bool takesFew = keyDim > kLargestKey || (isValueFirst(op) && !hasSeveral);
  int64_t columns = takesFew && !isShared ? kFewColumns : kColumns;
  return createSteps(op, columns);
}

/// Why a recurrence goes from token to token; empty where it does not.
static std::string findWhySteps(RecurrenceOp op) {
  if (std::optional<int64_t> tokens = countFewTokens(op))
    return llvm::formatv("expected more than {0} tokens, got {1}", kFewTokens,
                         *tokens);
  if (StringRef what = findUnchunked(op); !what.empty())
    return llvm::formatv("there is no chunked form of {0}", what);
  return findUnfit(op);
}

FailureOr<tile::ScheduleAttr> attn::selectForRecurrence(RecurrenceOp op) {
  std::string why = findWhySteps(op);
  if (why.empty())
    return selectChunks(op);
  refuse(op) << remark::add("block_kv = {0}: {1}", kChunk, why);
  return selectSteps(op);
}

/// Beside the vectors of a token other values take so many; rows of f32 are
/// loaded as what they are.
static int64_t countSharedRegisters(RecurrenceOp op, int64_t columns) {
  int64_t others = op.getQueryType().getElementType().isF32() ? 20 : 16;
  int64_t registers = countStepRegisters(op, columns, /*tokens=*/1) + others;
  return registers <= kFourBlocks ? kFourBlocks : kThreeBlocks;
}

/// How many rows a block has where bulk copies bring each warp its part of the
/// state: whole rows, of so many keys that the parts of few blocks fill the
/// memory's queues. None where they do not.
static std::optional<int64_t> findCopiedRows(RecurrenceOp op) {
  constexpr int64_t kPartBytes = 4096;
  if (!op.getState() || op.getKeyDim() != kLargestKey)
    return std::nullopt;
  auto type = cast<RankedTensorType>(op.getState().getType());
  int64_t rowBytes = kLargestKey * type.getElementTypeBitWidth() / 8;
  int64_t rows = sm90::kStripWarps * kPartBytes / rowBytes;
  return op.getValueDim() % rows == 0 ? std::optional(rows) : std::nullopt;
}

/// Whether boxes of a tensor map bring the state of columns: of f32, of as many
/// keys as two blocks of 64 columns fill the memory's queues with.
static bool comesByBoxes(RecurrenceOp op) {
  return op.getState() && getElementTypeOrSelf(op.getState()).isF32() &&
         op.getKeyDim() == kLargestKey;
}

/// With many sequences memory bounds a step, the better the less the addresses
/// in flight are spread: what has ended is to make room at once. Of rows of
/// keys each warp has its own, and is a block. Of columns warps share strips of
/// 64, a part of the keys each, so that they ask for 256 bytes of each row that
/// are neighbours in memory, in place of 64; where they load them themselves,
/// the caches keep what is yet to be used. With few sequences all that takes
/// longer than it is worth, as does a launch that may start early.
tile::GuardedScheduleAttr attn::selectForMany(RecurrenceOp op,
                                              tile::ScheduleAttr schedule) {
  constexpr int64_t kColumns = 64, kManyHeads = 1024;
  auto hopper = cast<sm90::ScheduleAttr>(schedule.getTarget());
  if (hopper.getWarpRoles() || countFewTokens(op) != 1 ||
      op.getKeyDim() > kLargestKey || op.getFinalNormalizer())
    return {};
  tile::ScheduleFields fields(schedule);
  sm90::ScheduleFields steps(hopper);
  steps.dependentLaunch = true;
  if (isValueFirst(op)) {
    // 4 KB each, 48 KB in all: what memory does best with. Computing on twice
    // as many elements takes longer, which two blocks more make up for.
    constexpr int64_t kBlocks = 12, kHalfBlocks = 14;
    steps.separateWarps = true;
    if (std::optional<int64_t> rows = findCopiedRows(op)) {
      fields.blockQ = *rows;
      steps.consumerRegisters = countRegisters(op, *rows);
      steps.stageStrips = true;
      Type element = getElementTypeOrSelf(op.getState());
      steps.blocksPerMultiprocessor = element.isF32() ? kBlocks : kHalfBlocks;
    }
  } else if (op.getValueDim() % kColumns == 0) {
    fields.blockQ = kColumns;
    steps.consumerRegisters = countSharedRegisters(op, kColumns);
    steps.stripWarps = 1;
    steps.streamStrips = false;
    if (comesByBoxes(op)) {
      // 32 KB each.
      constexpr int64_t kBlocks = 2;
      steps.consumerRegisters = kTwoBlocks;
      steps.streamStrips = steps.stageStrips = true;
      steps.blocksPerMultiprocessor = kBlocks;
    }
  } else {
    return {};
  }
  fields.target = steps.get(op.getContext());
  int64_t heads = op.getValueType().getDimSize(2);
  return tile::GuardedScheduleAttr::get(op.getContext(), /*least_keys=*/0,
                                        /*least_tail=*/0,
                                        llvm::divideCeil(kManyHeads, heads),
                                        fields.get(op.getContext()));
}
