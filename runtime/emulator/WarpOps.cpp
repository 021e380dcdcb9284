//===- WarpOps.cpp - Exchanges between the lanes of a warp ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Lanes.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
enum class Shuffle : uint32_t { Up, Down, Butterfly, Index };
enum class Vote : uint32_t { All, Any, Uniform, Ballot };
} // namespace

/// All threads that the member mask names must be there, or they would wait.
static void checkMembers(Block &block, Warp &warp,
                         const Instruction &instruction, Operand members,
                         uint32_t mask) {
  block.checkRead(warp, instruction, members, mask);
  if (!block.grid.checked)
    return;
  const Words &values = wordsOf(block, warp, members);
  forEachLane(mask, [&](unsigned lane) {
    if ((values[lane] & warp.liveLanes()) == mask)
      return Step::Next;
    block.report(HazardKind::Divergence, warp, instruction,
                 static_cast<int>(lane),
                 "the threads that execute this are not those of the member "
                 "mask");
    return Step::Failed;
  });
}

/// The lane that `lane` reads, after the PTX manual; nothing where that would
/// be beyond its segment.
static std::optional<unsigned> sourceLane(Shuffle shuffle, unsigned lane,
                                          uint32_t b, uint32_t c) {
  uint32_t segment = c >> 8 & 31, clamp = c & 31;
  uint32_t last = (lane & segment) | (clamp & ~segment);
  uint32_t first = lane & segment;
  b &= 31;
  int64_t source = 0;
  switch (shuffle) {
  case Shuffle::Up:
    source = int64_t(lane) - b;
    if (source < int64_t(last))
      return std::nullopt;
    return static_cast<unsigned>(source);
  case Shuffle::Down:
    source = int64_t(lane) + b;
    break;
  case Shuffle::Butterfly:
    source = lane ^ b;
    break;
  case Shuffle::Index:
    source = first | (b & ~segment);
    break;
  }
  if (source > int64_t(last))
    return std::nullopt;
  return static_cast<unsigned>(source);
}

/// The operands: result, predicate or nothing, source, lane, clamp, members.
static Step executeShuffle(Block &block, Warp &warp,
                           const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  checkMembers(block, warp, instruction, operands[5], mask);
  for (unsigned i : {3, 4})
    block.checkRead(warp, instruction, operands[i], mask);
  const Words &source = wordsOf(block, warp, operands[2]);
  const Words &b = wordsOf(block, warp, operands[3]);
  const Words &c = wordsOf(block, warp, operands[4]);
  auto shuffle = static_cast<Shuffle>(instruction.form[0]);
  Words values;
  uint32_t read = 0, inside = 0;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    std::optional<unsigned> from = sourceLane(shuffle, lane, b[lane], c[lane]);
    values[lane] = source[from.value_or(lane)];
    read |= uint32_t(mask >> lane & 1) << from.value_or(lane);
    inside |= uint32_t(from.has_value()) << lane;
  }
  if (block.grid.checked && (read & ~mask))
    block.report(HazardKind::Divergence, warp, instruction,
                 __builtin_ctz(read & ~mask),
                 "reads a lane that does not execute this");
  block.checkRead(warp, instruction, operands[2], read);
  writeWords(block, warp, instruction, operands[0], values, mask);
  writePredicate(block, warp, instruction, operands[1], inside, mask);
  return Step::Next;
}

static Step executeVote(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  checkMembers(block, warp, instruction, operands[2], mask);
  block.checkRead(warp, instruction, operands[1], mask);
  uint32_t votes = predicateOf(block, warp, operands[1]);
  votes = (instruction.form[1] ? ~votes : votes) & mask;
  auto vote = static_cast<Vote>(instruction.form[0]);
  if (vote == Vote::Ballot) {
    Words values;
    values.fill(votes);
    writeWords(block, warp, instruction, operands[0], values, mask);
    return Step::Next;
  }
  bool result = vote == Vote::All   ? votes == mask
                : vote == Vote::Any ? votes != 0
                                    : votes == mask || votes == 0;
  writePredicate(block, warp, instruction, operands[0], result ? ~0u : 0, mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Matches and reductions
//===----------------------------------------------------------------------===//

static Step executeActiveMask(Block &block, Warp &warp,
                              const Instruction &instruction, uint32_t mask) {
  Words values;
  values.fill(mask);
  writeWords(block, warp, instruction, instruction.operands[0], values, mask);
  return Step::Next;
}

/// The lanes of a warp run in step, and are one agent in clocks.
static Step executeWarpBarrier(Block &block, Warp &warp,
                               const Instruction &instruction, uint32_t mask) {
  checkMembers(block, warp, instruction, instruction.operands[0], mask);
  return Step::Next;
}

/// One of the threads is elected; the first, as on the hardware.
static Step executeElect(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  checkMembers(block, warp, instruction, operands[2], mask);
  Words values;
  values.fill(__builtin_ctz(mask));
  writeWords(block, warp, instruction, operands[0], values, mask);
  writePredicate(block, warp, instruction, operands[1], mask & (0 - mask),
                 mask);
  return Step::Next;
}

/// The threads that have the same value; or all of them, if all have it.
template <bool all>
static Step executeMatch(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  checkMembers(block, warp, instruction, operands[3], mask);
  block.checkRead(warp, instruction, operands[2], mask);
  Words values = {};
  uint32_t agree = 0;
  forEachLane(mask, [&](unsigned lane) {
    forEachLane(mask, [&](unsigned other) {
      bool isEqual = laneOf(block, warp, operands[2], lane) ==
                     laneOf(block, warp, operands[2], other);
      values[lane] |= uint32_t(isEqual) << other;
      return Step::Next;
    });
    if (all && values[lane] != mask)
      values[lane] = 0;
    agree |= uint32_t(values[lane] != 0) << lane;
    return Step::Next;
  });
  writeWords(block, warp, instruction, operands[0], values, mask);
  writePredicate(block, warp, instruction, operands[1], agree, mask);
  return Step::Next;
}

using Combine = uint32_t (*)(uint32_t, uint32_t);
static uint32_t add(uint32_t a, uint32_t b) { return a + b; }
static uint32_t bitAnd(uint32_t a, uint32_t b) { return a & b; }
static uint32_t bitOr(uint32_t a, uint32_t b) { return a | b; }
static uint32_t bitXor(uint32_t a, uint32_t b) { return a ^ b; }
template <typename T> static uint32_t least(uint32_t a, uint32_t b) {
  return static_cast<T>(a) < static_cast<T>(b) ? a : b;
}
template <typename T> static uint32_t greatest(uint32_t a, uint32_t b) {
  return static_cast<T>(a) > static_cast<T>(b) ? a : b;
}

template <Combine combine>
static Step executeReduction(Block &block, Warp &warp,
                             const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  checkMembers(block, warp, instruction, operands[2], mask);
  block.checkRead(warp, instruction, operands[1], mask);
  const Words &source = wordsOf(block, warp, operands[1]);
  unsigned first = __builtin_ctz(mask);
  uint32_t result = source[first];
  forEachLane(mask & (mask - 1), [&](unsigned lane) {
    result = combine(result, source[lane]);
    return Step::Next;
  });
  Words values;
  values.fill(result);
  writeWords(block, warp, instruction, operands[0], values, mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

static Status addSources(Decoder &decoder, size_t first, size_t count,
                         Type type = Type::Bits32) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  for (size_t i = first; i < first + count; ++i)
    if (Status status = decoder.addSource(operands[i], type); status.failed())
      return status;
  return {};
}

static Status decodeShuffle(Decoder &decoder) {
  static const std::map<std::string, Shuffle> shuffles = {
      {"shfl.sync.up.b32", Shuffle::Up},
      {"shfl.sync.down.b32", Shuffle::Down},
      {"shfl.sync.bfly.b32", Shuffle::Butterfly},
      {"shfl.sync.idx.b32", Shuffle::Index}};
  auto found = shuffles.find(decoder.statement().name);
  if (found == shuffles.end())
    return decoder.unknown();
  if (Status status = decoder.expectOperands(5); status.failed())
    return status;
  decoder.instruction().execute = executeShuffle;
  decoder.instruction().form[0] = static_cast<uint32_t>(found->second);
  if (Status status =
          decoder.addPair(decoder.statement().operands[0], Type::Bits32,
                          Type::Predicate, /*isOptional=*/true);
      status.failed())
    return status;
  return addSources(decoder, 1, 4);
}

static Status decodeVote(Decoder &decoder) {
  static const std::map<std::string, Vote> votes = {
      {"vote.sync.all.pred", Vote::All},
      {"vote.sync.any.pred", Vote::Any},
      {"vote.sync.uni.pred", Vote::Uniform},
      {"vote.sync.ballot.b32", Vote::Ballot}};
  auto found = votes.find(decoder.statement().name);
  if (found == votes.end())
    return decoder.unknown();
  if (Status status = decoder.expectOperands(3); status.failed())
    return status;
  decoder.instruction().execute = executeVote;
  decoder.instruction().form[0] = static_cast<uint32_t>(found->second);
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  bool ballot = found->second == Vote::Ballot;
  if (Status status = decoder.addResult(operands[0], ballot ? Type::Bits32
                                                            : Type::Predicate);
      status.failed())
    return status;
  decoder.instruction().form[1] = operands[1].negated;
  if (Status status = decoder.addSource(operands[1], Type::Predicate,
                                        /*mayNegate=*/true);
      status.failed())
    return status;
  return decoder.addSource(operands[2], Type::Bits32);
}

static Status decodeMatch(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  bool isDouble = parts.back() == "b64";
  bool all = parts.size() > 1 && parts[1] == "all";
  if (parts.size() != 4 || (!all && parts[1] != "any") || parts[2] != "sync" ||
      (!isDouble && parts.back() != "b32"))
    return decoder.unknown();
  if (Status status = decoder.expectOperands(3); status.failed())
    return status;
  decoder.instruction().execute =
      all ? executeMatch<true> : executeMatch<false>;
  const SourceOperand &result = decoder.statement().operands[0];
  if (!all && result.kind == SourceOperand::Kind::Pair)
    return decoder.unknown();
  if (Status status = decoder.addPair(result, Type::Bits32, Type::Predicate,
                                      /*isOptional=*/true);
      status.failed())
    return status;
  if (Status status =
          addSources(decoder, 1, 1, isDouble ? Type::Bits64 : Type::Bits32);
      status.failed())
    return status;
  return addSources(decoder, 2, 1);
}

static Status decodeReduction(Decoder &decoder) {
  static const std::map<std::string, Execute> reductions = {
      {"redux.sync.add.u32", executeReduction<add>},
      {"redux.sync.add.s32", executeReduction<add>},
      {"redux.sync.min.u32", executeReduction<least<uint32_t>>},
      {"redux.sync.min.s32", executeReduction<least<int32_t>>},
      {"redux.sync.max.u32", executeReduction<greatest<uint32_t>>},
      {"redux.sync.max.s32", executeReduction<greatest<int32_t>>},
      {"redux.sync.and.b32", executeReduction<bitAnd>},
      {"redux.sync.or.b32", executeReduction<bitOr>},
      {"redux.sync.xor.b32", executeReduction<bitXor>}};
  auto found = reductions.find(decoder.statement().name);
  if (found == reductions.end())
    return decoder.unknown();
  if (Status status = decoder.expectOperands(3); status.failed())
    return status;
  decoder.instruction().execute = found->second;
  if (Status status =
          decoder.addResult(decoder.statement().operands[0], Type::Bits32);
      status.failed())
    return status;
  return addSources(decoder, 1, 2);
}

static Status decodeElect(Decoder &decoder) {
  if (decoder.statement().name != "elect.sync")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  decoder.instruction().execute = executeElect;
  if (Status status = decoder.addPair(decoder.statement().operands[0],
                                      Type::Bits32, Type::Predicate);
      status.failed())
    return status;
  return addSources(decoder, 1, 1);
}

static Status decodeWarpBarrier(Decoder &decoder) {
  if (decoder.statement().name != "bar.warp.sync")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(1); status.failed())
    return status;
  decoder.instruction().execute = executeWarpBarrier;
  return addSources(decoder, 0, 1);
}

Status attn::runtime::emulator::decodeWarp(Decoder &decoder) {
  const std::string &opcode = decoder.parts()[0];
  if (opcode == "shfl")
    return decodeShuffle(decoder);
  if (opcode == "vote")
    return decodeVote(decoder);
  if (opcode == "match")
    return decodeMatch(decoder);
  if (opcode == "redux")
    return decodeReduction(decoder);
  if (opcode == "elect")
    return decodeElect(decoder);
  if (opcode == "bar")
    return decodeWarpBarrier(decoder);
  if (decoder.statement().name != "activemask.b32")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(1); status.failed())
    return status;
  decoder.instruction().execute = executeActiveMask;
  return decoder.addResult(decoder.statement().operands[0], Type::Bits32);
}
