//===- ChunkTest.h - Chunked recurrences against the reference  -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference goes token by token in f64. Programs in f32 show errors of the
// algebra that the rounding of bf16 would hide.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_TILE_CHUNKTEST_H
#define ATTN_TEST_UNIT_TILE_CHUNKTEST_H

#include "../Reference/Recurrences.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::attn::reference {

inline constexpr double kF32Bound = 2e-5;
inline constexpr int64_t kLengths[] = {1, 15, 16, 17, 63, 64, 65, 200};

class ChunkTest : public RecurrenceTestBase {
protected:
  ChunkTest();

  /// Random queries and values, and keys of length 1.
  RecurrenceProgram makeUnitKeys(const RecurrenceSizes &sizes) {
    RecurrenceProgram program = makeProgram(sizes);
    normalizeRows(program.key);
    return program;
  }
  /// 256 tokens whose keys share more than half of a common one.
  RecurrenceProgram makeCorrelatedKeys() {
    RecurrenceProgram program = makeUnitKeys({1, 256, 1, 1, 128, 128});
    for (size_t i = 0; i != program.key.values.size(); ++i)
      program.key.values[i] =
          0.6 * program.key.values[i % 128] + 0.4 * program.key.values[i];
    normalizeRows(program.key);
    normalizeRows(program.query);
    return program;
  }
  static void normalizeRows(Tensor &tensor);
  /// With each third number in place of its own.
  static Tensor replaceThirds(Tensor tensor, double number) {
    for (size_t i = 0; i < tensor.values.size(); i += 3)
      tensor.values[i] = number;
    return tensor;
  }
  /// Reads what is erased along keys of its own, and takes a share of it out
  /// along these, in front of the decay.
  void addDirection(RecurrenceProgram &program);
  static void addDelta(RecurrenceProgram &program, const Tensor &beta) {
    program.operands["erase"].tensor = beta;
    program.operands["write"].tensor = beta;
  }
  /// Packs sequences of these lengths out of one.
  static void pack(RecurrenceProgram &program, ArrayRef<int64_t> lengths);

  /// Compares both levels, with instances of `channels` of the value, which are
  /// all where it is 0, and chunks of `chunk`.
  void compare(const RecurrenceProgram &program, double bound,
               int64_t channels = 0, int64_t chunk = 64);
  /// The same in bf16.
  void compareRounded(RecurrenceProgram program, double bound);

  /// Of schedules; 0 leaves sequences whole.
  int64_t segmentChunks = 0;
  /// Whether what is found of segments is a guess that others check.
  bool guessesStarts = false;
  /// What the kernel in front of the last one compared has found, of each head
  /// of each sequence and segment.
  Tensor segments;

  /// What the tile level computes; nothing where it cannot be run.
  std::vector<Tensor> runChunks(const std::string &source,
                                const RecurrenceProgram &program,
                                int64_t channels, int64_t chunk);

  /// ||a - b|| / ||b|| over elements whose numbers have the same remainder,
  /// which are those of a head, of `columns` adjacent ones.
  static double getError(const Tensor &a, const Tensor &b, int64_t head,
                         int64_t heads, int64_t columns);
  /// Of chunks of 8 tokens: the first chunk of each segment of the first head.
  static std::vector<int64_t> findStarts(const Tensor &segments);

private:
  void compare(const std::string &source, const RecurrenceProgram &program,
               double bound, int64_t channels, int64_t chunk);
};

} // namespace mlir::attn::reference

#endif // ATTN_TEST_UNIT_TILE_CHUNKTEST_H
