//===- Program.h - A program and what to run it on --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_FUZZ_PROGRAMS_PROGRAM_H
#define ATTN_TEST_FUZZ_PROGRAMS_PROGRAM_H

#include "attn/Reference/Reference.h"

#include <cstdint>
#include <string>
#include <vector>

namespace attn::fuzz {

/// The same numbers for the same seed on every machine.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t next();
  /// From 0 to `bound` - 1.
  int64_t below(int64_t bound) {
    return static_cast<int64_t>(next() % static_cast<uint64_t>(bound));
  }
  int64_t from(int64_t low, int64_t high) {
    return low + below(high - low + 1);
  }
  /// True once in so many times.
  bool oneIn(int64_t times) { return below(times) == 0; }
  template <typename T, size_t n> T pick(const T (&choices)[n]) {
    return choices[below(n)];
  }

private:
  uint64_t state;
};

/// A size of a tensor, and whether its type says so.
struct Size {
  int64_t size;
  bool isDynamic = false;
};
using Shape = std::vector<Size>;

/// What the elements of an argument are.
enum class Fill {
  /// Floats that bfloat16 has too, from low to high.
  Real,
  /// The same, or -inf.
  RealOrNothing,
  /// The same, or one of the infinities.
  RealOrInfinite,
  /// Integers from low to high.
  Integer,
  /// The same, or any other of 16 bits.
  Position,
  /// Integers from low to high, no two of them equal but for -1.
  Distinct,
  /// Starts of packed sequences, the last end at most high.
  Ends,
};

struct Argument {
  std::string name, element, encoding;
  Shape shape;
  Fill fill;
  double low, high;
  /// The axis that counts the sequences, or -1 where they share the tensor.
  int batchAxis;
};

/// A module with a function `main`, and what is known of it.
struct Program {
  std::string text;
  std::vector<Argument> arguments;
  /// For each result, the axis that counts the sequences, or -1.
  std::vector<int> resultBatchAxes;
  int64_t batch = 0;
  /// Whether the order of sequences means nothing.
  bool isPermutable = true;
  /// Whether all numbers are finite but for lse, and for rows outside of all
  /// sequences.
  bool isFinite = true;
  bool isPacked = false;
  /// Results of an attention and of a selection, or -1.
  int output = -1, lse = -1, selection = -1;
  /// Whether a function `other` computes the same results in another way.
  bool hasOther = false;
  /// Whether the tile level may be able to compute it, and whether it has to.
  bool mayBeTiled = false, wantsTile = false;
};

/// `tensor<2x?x8xf32>`
std::string typeOf(const Shape &shape, const std::string &element,
                   const std::string &encoding = "");

mlir::attn::reference::Tensor makeTensor(const Argument &argument,
                                         llvm::ArrayRef<int64_t> shape,
                                         Random &random);

/// A valid program.
Program generate(Random &random);

/// Breaks a rule of `program`; empty where it knows none that is in it.
std::string breakRule(const Program &program, Random &random);
/// Changes some words of `text`.
std::string garble(const std::string &text, Random &random);

} // namespace attn::fuzz

#endif // ATTN_TEST_FUZZ_PROGRAMS_PROGRAM_H
