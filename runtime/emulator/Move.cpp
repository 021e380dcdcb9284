//===- Move.cpp - Moves, special registers, addresses ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cluster.h"
#include "Decoder.h"
#include "Lanes.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static Step moveWord(Block &block, Warp &warp, const Instruction &instruction,
                     uint32_t mask) {
  Operand source = instruction.operands[1];
  block.checkMoved(warp, instruction, source, mask);
  writeWords(block, warp, instruction, instruction.operands[0],
             wordsOf(block, warp, source), mask);
  warp.loads.move(instruction, 1, mask);
  return Step::Next;
}

static Step moveDouble(Block &block, Warp &warp, const Instruction &instruction,
                       uint32_t mask) {
  Operand source = instruction.operands[1];
  block.checkMoved(warp, instruction, source, mask);
  writeDoubles(block, warp, instruction, instruction.operands[0],
               doublesOf(block, warp, source), mask);
  warp.loads.move(instruction, 1, mask);
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
  block.checkMoved(warp, instruction, operands[1], mask);
  block.checkMoved(warp, instruction, operands[2], mask);
  const Words &low = wordsOf(block, warp, operands[1]);
  const Words &high = wordsOf(block, warp, operands[2]);
  Doubles values;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    values[lane] = uint64_t(high[lane]) << 32 | low[lane];
  writeDoubles(block, warp, instruction, operands[0], values, mask);
  warp.loads.move(instruction, 1, mask);
  return Step::Next;
}

static Step unpackDouble(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  block.checkMoved(warp, instruction, operands[2], mask);
  const Doubles &source = doublesOf(block, warp, operands[2]);
  Words low, high;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    low[lane] = static_cast<uint32_t>(source[lane]);
    high[lane] = static_cast<uint32_t>(source[lane] >> 32);
  }
  writeWords(block, warp, instruction, operands[0], low, mask);
  writeWords(block, warp, instruction, operands[1], high, mask);
  warp.loads.move(instruction, 2, mask);
  return Step::Next;
}

/// Numbers of 16 bits in a register, the lowest first.
static Step packHalves(Block &block, Warp &warp, const Instruction &instruction,
                       uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  Doubles values = {};
  for (unsigned i = 1; i < operands.size(); ++i) {
    block.checkMoved(warp, instruction, operands[i], mask);
    for (unsigned lane = 0; lane < warpSize; ++lane)
      values[lane] |= (laneOf(block, warp, operands[i], lane) & 0xFFFF)
                      << 16 * (i - 1);
  }
  writeLanes(block, warp, instruction, operands[0], values, mask);
  warp.loads.move(instruction, 1, mask);
  return Step::Next;
}

static Step unpackHalves(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  block.checkMoved(warp, instruction, operands.back(), mask);
  for (unsigned i = 0; i + 1 < operands.size(); ++i) {
    Words values;
    for (unsigned lane = 0; lane < warpSize; ++lane)
      values[lane] = static_cast<uint16_t>(
          laneOf(block, warp, operands.back(), lane) >> 16 * i);
    writeWords(block, warp, instruction, operands[i], values, mask);
  }
  warp.loads.move(instruction, static_cast<uint32_t>(operands.size() - 1),
                  mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Special registers
//===----------------------------------------------------------------------===//

namespace {
using SpecialValue = uint64_t (*)(const Block &, const Warp &, unsigned lane);
struct Special {
  SpecialValue value;
  unsigned bits = 32;
};
} // namespace

template <uint64_t value>
static uint64_t constant(const Block &, const Warp &, unsigned) {
  return value;
}
static uint64_t thread(const Block &, const Warp &warp, unsigned lane) {
  return warp.index * warpSize + lane;
}
static uint64_t threads(const Block &block, const Warp &, unsigned) {
  return block.grid.threads;
}
static uint64_t blockIndex(const Block &block, const Warp &, unsigned) {
  return block.index;
}
static uint64_t blocks(const Block &block, const Warp &, unsigned) {
  return block.grid.blocks;
}
static uint64_t clusterRank(const Block &block, const Warp &, unsigned) {
  return block.rank;
}
static uint64_t clusterBlocks(const Block &block, const Warp &, unsigned) {
  return block.grid.clusterBlocks;
}
static uint64_t cluster(const Block &block, const Warp &, unsigned) {
  return block.index / block.grid.clusterBlocks;
}
static uint64_t clusters(const Block &block, const Warp &, unsigned) {
  return block.grid.blocks / block.grid.clusterBlocks;
}
static uint64_t laneIndex(const Block &, const Warp &, unsigned lane) {
  return lane;
}
static uint64_t warpIndex(const Block &, const Warp &warp, unsigned) {
  return warp.index;
}
static uint64_t warps(const Block &block, const Warp &, unsigned) {
  return block.warps.size();
}
static uint64_t multiprocessor(const Block &block, const Warp &, unsigned) {
  return block.index % block.grid.multiprocessors;
}
static uint64_t multiprocessors(const Block &block, const Warp &, unsigned) {
  return block.grid.multiprocessors;
}
static uint64_t lanesEqual(const Block &, const Warp &, unsigned lane) {
  return 1u << lane;
}
static uint64_t lanesBelow(const Block &, const Warp &, unsigned lane) {
  return (1u << lane) - 1;
}
static uint64_t lanesUpTo(const Block &, const Warp &, unsigned lane) {
  return (uint64_t(2) << lane) - 1;
}
static uint64_t lanesAbove(const Block &, const Warp &, unsigned lane) {
  return ~((uint64_t(2) << lane) - 1) & UINT32_MAX;
}
static uint64_t lanesFrom(const Block &, const Warp &, unsigned lane) {
  return ~((1u << lane) - 1);
}
/// The instructions that the block has executed: there is no other time.
static uint64_t time(const Block &block, const Warp &, unsigned) {
  return block.cluster.time();
}
static uint64_t timeHigh(const Block &block, const Warp &, unsigned) {
  return block.cluster.time() >> 32;
}
static uint64_t dynamicShared(const Block &block, const Warp &, unsigned) {
  return block.grid.sharedBytes;
}
static uint64_t allShared(const Block &block, const Warp &, unsigned) {
  return block.grid.program.staticSharedBytes + block.grid.sharedBytes;
}

static const Special *findSpecial(const std::string &name) {
  static const std::map<std::string, Special> specials = {
      {"%tid.x", {thread}},
      {"%tid.y", {constant<0>}},
      {"%tid.z", {constant<0>}},
      {"%ntid.x", {threads}},
      {"%ntid.y", {constant<1>}},
      {"%ntid.z", {constant<1>}},
      {"%ctaid.x", {blockIndex}},
      {"%ctaid.y", {constant<0>}},
      {"%ctaid.z", {constant<0>}},
      {"%nctaid.x", {blocks}},
      {"%nctaid.y", {constant<1>}},
      {"%nctaid.z", {constant<1>}},
      {"%cluster_ctaid.x", {clusterRank}},
      {"%cluster_ctaid.y", {constant<0>}},
      {"%cluster_ctaid.z", {constant<0>}},
      {"%cluster_ctarank", {clusterRank}},
      {"%cluster_nctaid.x", {clusterBlocks}},
      {"%cluster_nctaid.y", {constant<1>}},
      {"%cluster_nctaid.z", {constant<1>}},
      {"%cluster_nctarank", {clusterBlocks}},
      {"%clusterid.x", {cluster}},
      {"%clusterid.y", {constant<0>}},
      {"%clusterid.z", {constant<0>}},
      {"%nclusterid.x", {clusters}},
      {"%nclusterid.y", {constant<1>}},
      {"%nclusterid.z", {constant<1>}},
      {"%gridid", {constant<1>, 64}},
      {"%laneid", {laneIndex}},
      {"%warpid", {warpIndex}},
      {"%nwarpid", {warps}},
      {"%smid", {multiprocessor}},
      {"%nsmid", {multiprocessors}},
      {"%lanemask_eq", {lanesEqual}},
      {"%lanemask_lt", {lanesBelow}},
      {"%lanemask_le", {lanesUpTo}},
      {"%lanemask_gt", {lanesAbove}},
      {"%lanemask_ge", {lanesFrom}},
      {"%clock", {time}},
      {"%clock_hi", {timeHigh}},
      {"%clock64", {time, 64}},
      {"%globaltimer", {time, 64}},
      {"%globaltimer_lo", {time}},
      {"%globaltimer_hi", {timeHigh}},
      {"%dynamic_smem_size", {dynamicShared}},
      {"%total_smem_size", {allShared}},
      {"WARP_SZ", {constant<warpSize>}}};
  auto found = specials.find(name);
  return found == specials.end() ? nullptr : &found->second;
}

static Step moveSpecial(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  SpecialValue value = static_cast<const Special *>(instruction.detail)->value;
  Doubles values;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    values[lane] = value(block, warp, lane);
  writeLanes(block, warp, instruction, instruction.operands[0], values, mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// Between a register and a vector of shorter ones.
static Status decodeVector(Decoder &decoder) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  const std::string &name = decoder.statement().name;
  bool packs = operands[1].kind == SourceOperand::Kind::Vector;
  size_t count = operands[packs ? 1 : 0].elements.size();
  bool isDouble = name == "mov.b64";
  bool isWords = isDouble && count == 2;
  if (!isWords && !(isDouble && count == 4) &&
      !(name == "mov.b32" && count == 2))
    return decoder.unknown();
  Type whole = isDouble ? Type::Bits64 : Type::Bits32;
  Type part = isWords ? Type::Bits32 : Type::Bits16;
  if (isWords)
    decoder.instruction().execute = packs ? packDouble : unpackDouble;
  else
    decoder.instruction().execute = packs ? packHalves : unpackHalves;
  Status first =
      packs ? decoder.addResult(operands[0], whole)
            : decoder.addVector(operands[0], part, count, /*isResult=*/true);
  if (first.failed())
    return first;
  return packs ? decoder.addVector(operands[1], part, count, /*isResult=*/false)
               : decoder.addSource(operands[1], whole);
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

Execute attn::runtime::emulator::moveOf(Type type) {
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
      return decodeVector(decoder);
  std::optional<Type> type =
      decoder.parts().size() == 2 ? moveType(decoder.parts()[1]) : std::nullopt;
  if (!type)
    return decoder.unknown();
  if (Status status = decoder.addResult(operands[0], *type); status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  if (const Special *special = findSpecial(operands[1].text)) {
    if (*type != (special->bits == 64 ? Type::Bits64 : Type::Bits32))
      return decoder.unknown();
    instruction.detail = special;
    instruction.execute = moveSpecial;
    return {};
  }
  instruction.execute = moveOf(*type);
  const Symbol *symbol = decoder.variable(operands[1].text);
  if (!symbol)
    return decoder.addSource(operands[1], *type);
  if (*type != Type::Bits64 &&
      !(*type == Type::Bits32 && symbol->space == Space::Shared))
    return decoder.unknown();
  decoder.addConstant(symbol->address +
                          static_cast<uint64_t>(operands[1].offset),
                      symbol->space == Space::Shared);
  return {};
}

//===----------------------------------------------------------------------===//
// Generic addresses
//===----------------------------------------------------------------------===//

/// Between the addresses of a memory and generic ones: the bits of the window
/// are set or cleared.
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
      {"cvta.to.param.u64", moveDouble},
      {"cvta.shared.u64", convertAddress<sharedWindow, true>},
      {"cvta.shared::cta.u64", convertAddress<sharedWindow, true>},
      {"cvta.to.shared.u64", convertAddress<sharedWindow, false>},
      {"cvta.to.shared::cta.u64", convertAddress<sharedWindow, false>},
      {"cvta.local.u64", convertAddress<localWindow, true>},
      {"cvta.to.local.u64", convertAddress<localWindow, false>},
      {"cvta.const.u64", moveDouble},
      {"cvta.to.const.u64", moveDouble},
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
  const Symbol *symbol = decoder.variable(operands[1].text);
  if (!symbol)
    return decoder.addSource(operands[1], Type::Bits64);
  decoder.addConstant(symbol->address +
                          static_cast<uint64_t>(operands[1].offset),
                      symbol->space == Space::Shared);
  return {};
}

/// Whether a generic address leads to a memory.
template <uint64_t window>
static Step executeIsSpace(Block &block, Warp &warp,
                           const Instruction &instruction, uint32_t mask) {
  Operand source = instruction.operands[1];
  block.checkRead(warp, instruction, source, mask);
  const Doubles &addresses = doublesOf(block, warp, source);
  uint32_t result = 0;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    result |= uint32_t((addresses[lane] & windowMask) == window) << lane;
  writePredicate(block, warp, instruction, instruction.operands[0], result,
                 mask);
  return Step::Next;
}

static Status decodeIsSpace(Decoder &decoder) {
  // Constants lie in global memory here, so which of them it is is not known.
  static const std::map<std::string, Execute> forms = {
      {"isspacep.global", executeIsSpace<0>},
      {"isspacep.shared", executeIsSpace<sharedWindow>},
      {"isspacep.shared::cta", executeIsSpace<sharedWindow>},
      {"isspacep.local", executeIsSpace<localWindow>},
      {"isspacep.param", executeIsSpace<parameterWindow>},
      {"isspacep.param::entry", executeIsSpace<parameterWindow>}};
  auto found = forms.find(decoder.statement().name);
  if (found == forms.end())
    return decoder.unknown();
  decoder.instruction().execute = found->second;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addResult(operands[0], Type::Predicate);
      status.failed())
    return status;
  return decoder.addSource(operands[1], Type::Bits64);
}

Status attn::runtime::emulator::decodeMove(Decoder &decoder) {
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  const std::string &opcode = decoder.parts()[0];
  if (opcode == "mov")
    return decodeMov(decoder);
  return opcode == "cvta" ? decodeCvta(decoder) : decodeIsSpace(decoder);
}
