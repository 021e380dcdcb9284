//===- Lanes.h - Operands as values of the lanes ----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_LANES_H
#define ATTN_RUNTIME_EMULATOR_LANES_H

#include "Block.h"

#include <cstring>
#include <type_traits>

namespace attn::runtime::emulator {

/// Calls `body(lane)` for each lane of `mask` until it returns a failed step.
template <typename Body> Step forEachLane(uint32_t mask, Body body) {
  for (; mask; mask &= mask - 1)
    if (body(__builtin_ctz(mask)) == Step::Failed)
      return Step::Failed;
  return Step::Next;
}

inline const Words &wordsOf(Block &block, Warp &warp, Operand operand) {
  return operand.kind == Operand::Kind::Word
             ? warp.words[operand.index]
             : block.constants()[operand.index].words;
}

inline const Doubles &doublesOf(Block &block, Warp &warp, Operand operand) {
  return operand.kind == Operand::Kind::Double
             ? warp.doubles[operand.index]
             : block.constants()[operand.index].doubles;
}

inline uint32_t predicateOf(Block &block, Warp &warp, Operand operand) {
  if (operand.kind == Operand::Kind::Predicate)
    return warp.predicates[operand.index];
  return block.constants()[operand.index].value ? ~0u : 0;
}

/// The values of an operand of type `T`, which says how its bits are read.
template <typename T> class Source {
public:
  Source(Block &block, Warp &warp, Operand operand) {
    if constexpr (std::is_same_v<T, bool>)
      mask = predicateOf(block, warp, operand);
    else if constexpr (sizeof(T) == 8)
      lanes = doublesOf(block, warp, operand).data();
    else
      lanes = wordsOf(block, warp, operand).data();
  }

  T operator[](unsigned lane) const {
    if constexpr (std::is_same_v<T, bool>) {
      return (mask >> lane) & 1;
    } else if constexpr (!std::is_integral_v<T>) {
      T value;
      std::memcpy(&value, &lanes[lane], sizeof(T));
      return value;
    } else {
      return static_cast<T>(lanes[lane]);
    }
  }

private:
  using Storage = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  const Storage *lanes = nullptr;
  uint32_t mask = 0;
};

/// The bits of a value as a register holds them.
template <typename T> auto bitsOf(T value) {
  if constexpr (std::is_same_v<T, float>) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
  } else if constexpr (std::is_same_v<T, double>) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
  } else if constexpr (std::is_class_v<T>) {
    return static_cast<uint32_t>(value.bits);
  } else if constexpr (sizeof(T) == 8) {
    return static_cast<uint64_t>(value);
  } else {
    return static_cast<uint32_t>(value);
  }
}

inline void writeWords(Block &block, Warp &warp, const Instruction &instruction,
                       Operand operand, const Words &values, uint32_t mask) {
  if (operand.kind == Operand::Kind::None)
    return;
  block.noteWrite(warp, instruction, operand, mask);
  Words &target = warp.words[operand.index];
  if (mask == ~0u) {
    target = values;
    return;
  }
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      target[lane] = values[lane];
}

inline void writeDoubles(Block &block, Warp &warp,
                         const Instruction &instruction, Operand operand,
                         const Doubles &values, uint32_t mask) {
  if (operand.kind == Operand::Kind::None)
    return;
  block.noteWrite(warp, instruction, operand, mask);
  Doubles &target = warp.doubles[operand.index];
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      target[lane] = values[lane];
}

inline void writePredicate(Block &block, Warp &warp,
                           const Instruction &instruction, Operand operand,
                           uint32_t values, uint32_t mask) {
  if (operand.kind == Operand::Kind::None)
    return;
  block.noteWrite(warp, instruction, operand, mask);
  uint32_t &target = warp.predicates[operand.index];
  target = (target & ~mask) | (values & mask);
}

/// The bits of one lane of a register or a constant.
inline uint64_t laneOf(Block &block, Warp &warp, Operand operand,
                       unsigned lane) {
  if (operand.kind == Operand::Kind::Double)
    return warp.doubles[operand.index][lane];
  return operand.kind == Operand::Kind::Word
             ? warp.words[operand.index][lane]
             : block.constants()[operand.index].value;
}

/// Sets them without a record of the write.
inline void setLane(Warp &warp, Operand operand, unsigned lane,
                    uint64_t value) {
  if (operand.kind == Operand::Kind::Word)
    warp.words[operand.index][lane] = static_cast<uint32_t>(value);
  else if (operand.kind == Operand::Kind::Double)
    warp.doubles[operand.index][lane] = value;
}

/// Sets a register of any width.
inline void writeLanes(Block &block, Warp &warp, const Instruction &instruction,
                       Operand operand, const Doubles &values, uint32_t mask) {
  if (operand.kind == Operand::Kind::None)
    return;
  block.noteWrite(warp, instruction, operand, mask);
  forEachLane(mask, [&](unsigned lane) {
    setLane(warp, operand, lane, values[lane]);
    return Step::Next;
  });
}

/// The addresses that an operand and the offset of its instruction give.
class Addresses {
public:
  Addresses(Block &block, Warp &warp, const Instruction &instruction,
            unsigned operand, uint32_t mask)
      : block(block), warp(warp), operand(instruction.operands[operand]) {
    block.checkRead(warp, instruction, this->operand, mask);
  }

  uint64_t operator[](unsigned lane) const {
    if (operand.kind == Operand::Kind::Word)
      return warp.words[operand.index][lane];
    return doublesOf(block, warp, operand)[lane];
  }

private:
  Block &block;
  Warp &warp;
  Operand operand;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_LANES_H
