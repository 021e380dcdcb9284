//===- Program.h - A kernel, ready to be executed ---------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_PROGRAM_H
#define ATTN_RUNTIME_EMULATOR_PROGRAM_H

#include "attn/Runtime/Status.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace attn::runtime::emulator {

class Block;
class Warp;
struct Instruction;

constexpr unsigned warpSize = 32;

/// A value of each lane. Predicates are masks instead.
using Words = std::array<uint32_t, warpSize>;
using Doubles = std::array<uint64_t, warpSize>;

/// The addresses that generic pointers to other memories than the global one
/// start at.
constexpr uint64_t sharedWindow = uint64_t(1) << 60;
constexpr uint64_t parameterWindow = uint64_t(2) << 60;
constexpr uint64_t localWindow = uint64_t(3) << 60;
constexpr uint64_t windowMask = uint64_t(15) << 60;

/// Where local memory starts, so that no variable has the address zero.
constexpr uint64_t localBase = 64;

/// What becomes of a warp after an instruction.
enum class Step {
  Next,
  /// The instruction has set where to go on.
  Jumped,
  /// The instruction is to be executed again once something has happened.
  Blocked,
  /// The block cannot go on; it knows why.
  Failed,
};

/// Executes an instruction for the lanes of `mask`, which is not empty.
using Execute = Step (*)(Block &, Warp &, const Instruction &, uint32_t mask);

struct Operand {
  enum class Kind : uint8_t { None, Predicate, Word, Double, Constant };
  Kind kind = Kind::None;
  uint32_t index = 0;
};

struct Instruction {
  Execute execute = nullptr;
  uint32_t line = 0;
  /// The predicate that guards it, or -1.
  int32_t guard = -1;
  bool guardNegated = false;
  /// All threads of the warp must execute it together.
  bool aligned = false;
  /// The results come first.
  std::vector<Operand> operands;
  /// Of a branch: where to, and where the paths meet again.
  uint32_t target = 0;
  uint32_t reconverge = 0;
  /// Of a branch that chooses by an index.
  std::vector<uint32_t> targets;
  /// Added to an address.
  int64_t offset = 0;
  /// What else the unit that executes it wants to know.
  std::array<uint32_t, 4> form = {};
  const void *detail = nullptr;
};

/// A constant in each lane, as a word and as 64 bits.
struct Constant {
  uint64_t value = 0;
  /// An address of shared memory, to which the rank of the block belongs.
  bool isShared = false;
  Words words = {};
  Doubles doubles = {};
};

struct ParameterSlot {
  std::string name;
  uint32_t offset = 0;
  uint32_t size = 0;
};

struct Program {
  std::string kernel;
  std::vector<std::string> lines;
  std::vector<Instruction> instructions;
  std::vector<Constant> constants;
  /// The names of the registers of each kind, for messages.
  std::vector<std::string> predicateNames, wordNames, doubleNames;
  std::vector<ParameterSlot> parameters;
  uint32_t parameterBytes = 0;
  /// Shared memory of known size; what the launch adds comes after it, at
  /// `externalShared`.
  uint32_t staticSharedBytes = 0;
  /// The blocks of a cluster, or zero where the launch decides.
  uint32_t clusterBlocks = 0;
  /// There are instructions that copy from or to global memory.
  bool copiesAsynchronously = false;
  /// Memory of each thread.
  uint32_t localBytes = 0;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_PROGRAM_H
