//===- Lanewise.h - Instructions that work on each lane alone ---*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function of C++ becomes an instruction: its types say what the operands
// are. Tables map the full names of instructions to such functions.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_LANEWISE_H
#define ATTN_RUNTIME_EMULATOR_LANEWISE_H

#include "Decoder.h"
#include "Lanes.h"

#include <initializer_list>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace attn::runtime::emulator {

template <typename T> constexpr Type typeOf() {
  if constexpr (std::is_same_v<T, bool>)
    return Type::Predicate;
  else if constexpr (std::is_same_v<T, float>)
    return Type::Float32;
  else if constexpr (std::is_same_v<T, double>)
    return Type::Float64;
  else if constexpr (sizeof(T) == 2)
    return Type::Bits16;
  else
    return sizeof(T) == 4 ? Type::Bits32 : Type::Bits64;
}

/// An instruction that computes each lane from the same lane of its operands.
struct LaneForm {
  Execute execute;
  /// Of the result, then of the sources.
  std::vector<Type> types;
};

template <auto function> struct Lanewise;
template <typename R, typename... S, R (*function)(S...)>
struct Lanewise<function> {
  static LaneForm form() { return {execute, {typeOf<R>(), typeOf<S>()...}}; }

  static Step execute(Block &block, Warp &warp, const Instruction &instruction,
                      uint32_t mask) {
    return apply(block, warp, instruction, mask,
                 std::index_sequence_for<S...>());
  }

private:
  template <size_t... i>
  static Step apply(Block &block, Warp &warp, const Instruction &instruction,
                    uint32_t mask, std::index_sequence<i...>) {
    const std::vector<Operand> &operands = instruction.operands;
    (block.checkRead(warp, instruction, operands[i + 1], mask), ...);
    std::tuple<Source<S>...> sources(
        Source<S>(block, warp, operands[i + 1])...);
    if constexpr (std::is_same_v<R, bool>) {
      uint32_t values = 0;
      for (unsigned lane = 0; lane < warpSize; ++lane)
        values |= uint32_t(function(std::get<i>(sources)[lane]...)) << lane;
      writePredicate(block, warp, instruction, operands[0], values, mask);
    } else if constexpr (sizeof(R) == 8) {
      Doubles values;
      for (unsigned lane = 0; lane < warpSize; ++lane)
        values[lane] = bitsOf(function(std::get<i>(sources)[lane]...));
      writeDoubles(block, warp, instruction, operands[0], values, mask);
    } else {
      Words values;
      for (unsigned lane = 0; lane < warpSize; ++lane)
        values[lane] = bitsOf(function(std::get<i>(sources)[lane]...));
      writeWords(block, warp, instruction, operands[0], values, mask);
    }
    return Step::Next;
  }
};

using LaneTable = std::map<std::string, LaneForm>;

/// Adds `function` under each name.
template <auto function>
void enter(LaneTable &table, const std::vector<std::string> &names) {
  for (const std::string &name : names)
    table[name] = Lanewise<function>::form();
}

void enterIntegers(LaneTable &table);
void enterBits(LaneTable &table);
void enterPacked(LaneTable &table);
void enterFloats(LaneTable &table);
void enterApproximations(LaneTable &table);
void enterHalves(LaneTable &table);
void enterConversions(LaneTable &table);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_LANEWISE_H
