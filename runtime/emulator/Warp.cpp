//===- Warp.cpp - The state of 32 threads ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Warp.h"

#include "Block.h"

using namespace attn::runtime::emulator;

/// What a register holds before it is written: a NaN, and a bad address.
static constexpr uint32_t poison = 0xFFFDEAD1;

static Words poisonedWords() {
  Words words;
  words.fill(poison);
  return words;
}

static Doubles poisonedDoubles() {
  Doubles doubles;
  doubles.fill(uint64_t(poison) << 32 | poison);
  return doubles;
}

Warp::Warp(Block &block, const Program &program, uint32_t index, uint32_t lanes)
    : block(block), index(index),
      agent(block.rank * block.grid.warps() + index), lanes(lanes),
      words(program.wordNames.size(), poisonedWords()),
      doubles(program.doubleNames.size(), poisonedDoubles()),
      predicates(program.predicateNames.size()), loads(*this),
      wordStates(words.size()), doubleStates(doubles.size()),
      predicateStates(predicates.size()) {
  uint32_t end = static_cast<uint32_t>(program.instructions.size());
  paths.push_back({0, end, lanes});
  size_t localBytes = size_t(warpSize) * program.localBytes;
  local.bytes.assign(localBytes, static_cast<uint8_t>(poison));
  local.written.resize(localBytes);
  seen.set(agent, 1);
}

RegisterState &Warp::state(Operand operand) {
  switch (operand.kind) {
  case Operand::Kind::Word:
    return wordStates[operand.index];
  case Operand::Kind::Double:
    return doubleStates[operand.index];
  default:
    return predicateStates[operand.index];
  }
}

const std::string &Warp::name(const Program &program, Operand operand) const {
  switch (operand.kind) {
  case Operand::Kind::Word:
    return program.wordNames[operand.index];
  case Operand::Kind::Double:
    return program.doubleNames[operand.index];
  default:
    return program.predicateNames[operand.index];
  }
}
