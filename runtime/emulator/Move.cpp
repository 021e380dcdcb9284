//===- Move.cpp - Moves, special registers, addresses ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Lanes.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static Step moveWord(Block &block, Warp &warp, const Instruction &instruction,
                     uint32_t mask) {
  Operand source = instruction.operands[1];
  block.checkRead(warp, instruction, source, mask);
  writeWords(block, warp, instruction, instruction.operands[0],
             wordsOf(block, warp, source), mask);
  return Step::Next;
}

static Step moveDouble(Block &block, Warp &warp, const Instruction &instruction,
                       uint32_t mask) {
  Operand source = instruction.operands[1];
  block.checkRead(warp, instruction, source, mask);
  writeDoubles(block, warp, instruction, instruction.operands[0],
               doublesOf(block, warp, source), mask);
  return Step::Next;
}

static Step movePredicate(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t mask) {
  Operand source = instruction.operands[1];
  block.checkRead(warp, instruction, source, mask);
  writePredicate(block, warp, instruction, instruction.operands[0],
                 predicateOf(block, warp, source), mask);
  return Step::Next;
}

/// The low word comes first.
static Step packDouble(Block &block, Warp &warp, const Instruction &instruction,
                       uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  block.checkRead(warp, instruction, operands[1], mask);
  block.checkRead(warp, instruction, operands[2], mask);
  const Words &low = wordsOf(block, warp, operands[1]);
  const Words &high = wordsOf(block, warp, operands[2]);
  Doubles values;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    values[lane] = uint64_t(high[lane]) << 32 | low[lane];
  writeDoubles(block, warp, instruction, operands[0], values, mask);
  return Step::Next;
}

static Step unpackDouble(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  block.checkRead(warp, instruction, operands[2], mask);
  const Doubles &source = doublesOf(block, warp, operands[2]);
  Words low, high;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    low[lane] = static_cast<uint32_t>(source[lane]);
    high[lane] = static_cast<uint32_t>(source[lane] >> 32);
  }
  writeWords(block, warp, instruction, operands[0], low, mask);
  writeWords(block, warp, instruction, operands[1], high, mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Special registers
//===----------------------------------------------------------------------===//

namespace {
enum class Special {
  Thread,
  Threads,
  Block,
  Blocks,
  Lane,
  Warp,
  ClusterRank,
  ClusterBlocks,
  Cluster,
  Clusters,
  Zero,
  One
};
} // namespace

static std::optional<Special> findSpecial(const std::string &name) {
  static const std::map<std::string, Special> specials = {
      {"%tid.x", Special::Thread},
      {"%ntid.x", Special::Threads},
      {"%ctaid.x", Special::Block},
      {"%nctaid.x", Special::Blocks},
      {"%laneid", Special::Lane},
      {"%warpid", Special::Warp},
      {"%tid.y", Special::Zero},
      {"%tid.z", Special::Zero},
      {"%ctaid.y", Special::Zero},
      {"%ctaid.z", Special::Zero},
      {"%ntid.y", Special::One},
      {"%ntid.z", Special::One},
      {"%cluster_ctaid.x", Special::ClusterRank},
      {"%cluster_ctaid.y", Special::Zero},
      {"%cluster_ctaid.z", Special::Zero},
      {"%cluster_ctarank", Special::ClusterRank},
      {"%cluster_nctaid.x", Special::ClusterBlocks},
      {"%cluster_nctaid.y", Special::One},
      {"%cluster_nctaid.z", Special::One},
      {"%cluster_nctarank", Special::ClusterBlocks},
      {"%clusterid.x", Special::Cluster},
      {"%clusterid.y", Special::Zero},
      {"%clusterid.z", Special::Zero},
      {"%nclusterid.x", Special::Clusters},
      {"%nclusterid.y", Special::One},
      {"%nclusterid.z", Special::One},
      {"%nctaid.y", Special::One},
      {"%nctaid.z", Special::One}};
  auto found = specials.find(name);
  if (found == specials.end())
    return std::nullopt;
  return found->second;
}

static uint32_t specialValue(Special special, const Block &block,
                             const Warp &warp, unsigned lane) {
  switch (special) {
  case Special::Thread:
    return warp.index * warpSize + lane;
  case Special::Threads:
    return block.grid.threads;
  case Special::Block:
    return block.index;
  case Special::Blocks:
    return block.grid.blocks;
  case Special::Lane:
    return lane;
  case Special::Warp:
    return warp.index;
  case Special::ClusterRank:
    return block.rank;
  case Special::ClusterBlocks:
    return block.grid.clusterBlocks;
  case Special::Cluster:
    return block.index / block.grid.clusterBlocks;
  case Special::Clusters:
    return block.grid.blocks / block.grid.clusterBlocks;
  case Special::Zero:
    return 0;
  case Special::One:
    break;
  }
  return 1;
}

static Step moveSpecial(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  auto special = static_cast<Special>(instruction.form[0]);
  Words values;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    values[lane] = specialValue(special, block, warp, lane);
  writeWords(block, warp, instruction, instruction.operands[0], values, mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// mov.b64 between a register and a vector of two words.
static Status decodePair(Decoder &decoder) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (decoder.statement().name != "mov.b64")
    return decoder.unknown();
  bool packs = operands[1].kind == SourceOperand::Kind::Vector;
  decoder.instruction().execute = packs ? packDouble : unpackDouble;
  Status first = packs ? decoder.addResult(operands[0], Type::Bits64)
                       : decoder.addVector(operands[0], Type::Bits32, 2,
                                           /*isResult=*/true);
  if (first.failed())
    return first;
  return packs ? decoder.addVector(operands[1], Type::Bits32, 2,
                                   /*isResult=*/false)
               : decoder.addSource(operands[1], Type::Bits64);
}

static std::optional<Type> moveType(const std::string &type) {
  static const std::map<std::string, Type> types = {
      {"pred", Type::Predicate}, {"b16", Type::Bits16},
      {"u16", Type::Bits16},     {"s16", Type::Bits16},
      {"b32", Type::Bits32},     {"u32", Type::Bits32},
      {"s32", Type::Bits32},     {"f32", Type::Float32},
      {"b64", Type::Bits64},     {"u64", Type::Bits64},
      {"s64", Type::Bits64},     {"f64", Type::Float64}};
  auto found = types.find(type);
  if (found == types.end())
    return std::nullopt;
  return found->second;
}

static Execute moveOf(Type type) {
  switch (type) {
  case Type::Predicate:
    return movePredicate;
  case Type::Bits64:
  case Type::Float64:
    return moveDouble;
  default:
    return moveWord;
  }
}

static Status decodeMov(Decoder &decoder) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  for (const SourceOperand &operand : operands)
    if (operand.kind == SourceOperand::Kind::Vector)
      return decodePair(decoder);
  std::optional<Type> type =
      decoder.parts().size() == 2 ? moveType(decoder.parts()[1]) : std::nullopt;
  if (!type)
    return decoder.unknown();
  if (Status status = decoder.addResult(operands[0], *type); status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  if (std::optional<Special> special = findSpecial(operands[1].text)) {
    if (*type != Type::Bits32)
      return decoder.unknown();
    instruction.form[0] = static_cast<uint32_t>(*special);
    instruction.execute = moveSpecial;
    return {};
  }
  instruction.execute = moveOf(*type);
  std::optional<uint64_t> address = decoder.symbol(operands[1].text);
  if (!address)
    return decoder.addSource(operands[1], *type);
  if (*type != Type::Bits64 &&
      !(*type == Type::Bits32 && *address < sharedWindow))
    return decoder.unknown();
  decoder.addConstant(*address, /*isShared=*/*address < sharedWindow);
  return {};
}

/// Between the addresses of a memory and generic ones: a bit of the window is
/// set or cleared.
template <uint64_t window, bool toGeneric>
static Step convertAddress(Block &block, Warp &warp,
                           const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  block.checkRead(warp, instruction, operands[1], mask);
  Doubles values = doublesOf(block, warp, operands[1]);
  for (uint64_t &value : values)
    value = toGeneric ? value | window : value & ~window;
  writeDoubles(block, warp, instruction, operands[0], values, mask);
  return Step::Next;
}

static Status decodeCvta(Decoder &decoder) {
  static const std::map<std::string, Execute> forms = {
      {"cvta.param.u64", convertAddress<parameterWindow, true>},
      {"cvta.shared.u64", convertAddress<sharedWindow, true>},
      {"cvta.to.shared.u64", convertAddress<sharedWindow, false>},
      {"cvta.global.u64", moveDouble},
      {"cvta.to.global.u64", moveDouble}};
  auto found = forms.find(decoder.statement().name);
  if (found == forms.end())
    return decoder.unknown();
  decoder.instruction().execute = found->second;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addResult(operands[0], Type::Bits64);
      status.failed())
    return status;
  return decoder.addSource(operands[1], Type::Bits64);
}

Status attn::runtime::emulator::decodeMove(Decoder &decoder) {
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  return decoder.parts()[0] == "mov" ? decodeMov(decoder) : decodeCvta(decoder);
}
