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

/// The lane that `lane` reads, after the PTX manual.
static unsigned sourceLane(Shuffle shuffle, unsigned lane, uint32_t b,
                           uint32_t c) {
  uint32_t segment = c >> 8 & 31, clamp = c & 31;
  uint32_t last = (lane & segment) | (clamp & ~segment);
  uint32_t first = lane & segment;
  b &= 31;
  switch (shuffle) {
  case Shuffle::Up:
    return int(lane) - int(b) >= int(last) ? lane - b : lane;
  case Shuffle::Down:
    return lane + b <= last ? lane + b : lane;
  case Shuffle::Butterfly:
    return (lane ^ b) <= last ? lane ^ b : lane;
  case Shuffle::Index:
    break;
  }
  uint32_t index = first | (b & ~segment);
  return index <= last ? index : lane;
}

static Step executeShuffle(Block &block, Warp &warp,
                           const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  checkMembers(block, warp, instruction, operands[4], mask);
  for (unsigned i : {2, 3})
    block.checkRead(warp, instruction, operands[i], mask);
  const Words &source = wordsOf(block, warp, operands[1]);
  const Words &b = wordsOf(block, warp, operands[2]);
  const Words &c = wordsOf(block, warp, operands[3]);
  auto shuffle = static_cast<Shuffle>(instruction.form[0]);
  Words values;
  uint32_t read = 0;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    unsigned from = sourceLane(shuffle, lane, b[lane], c[lane]);
    values[lane] = source[from];
    read |= uint32_t(mask >> lane & 1) << from;
  }
  if (block.grid.checked && (read & ~mask))
    block.report(HazardKind::Divergence, warp, instruction,
                 __builtin_ctz(read & ~mask),
                 "reads a lane that does not execute this");
  block.checkRead(warp, instruction, operands[1], read);
  writeWords(block, warp, instruction, operands[0], values, mask);
  return Step::Next;
}

static Step executeVote(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  checkMembers(block, warp, instruction, operands[2], mask);
  block.checkRead(warp, instruction, operands[1], mask);
  uint32_t votes = predicateOf(block, warp, operands[1]) & mask;
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
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addResult(operands[0], Type::Bits32);
      status.failed())
    return status;
  for (size_t i = 1; i < 5; ++i)
    if (Status status = decoder.addSource(operands[i], Type::Bits32);
        status.failed())
      return status;
  return {};
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
  if (Status status = decoder.addSource(operands[1], Type::Predicate);
      status.failed())
    return status;
  return decoder.addSource(operands[2], Type::Bits32);
}

Status attn::runtime::emulator::decodeWarp(Decoder &decoder) {
  return decoder.parts()[0] == "shfl" ? decodeShuffle(decoder)
                                      : decodeVote(decoder);
}
