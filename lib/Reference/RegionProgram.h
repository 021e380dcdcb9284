//===- RegionProgram.h - Masks and score modifiers, evaluated ---*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A region is evaluated for every pair of query and key, so it is translated
// once: to a list of steps, each of which computes one op for a block of keys.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_REGIONPROGRAM_H
#define ATTN_LIB_REFERENCE_REGIONPROGRAM_H

#include "attn/Reference/Reference.h"

#include <functional>

namespace mlir::attn::reference {

/// The tensors of a function by the values that stand for them.
using Environment = DenseMap<Value, const Tensor *>;

/// The keys `key`, ..., `key + count - 1` as one query of one head sees them.
struct KeyBlock {
  static constexpr int64_t kMaxCount = 256;

  int64_t batch, head, position, key, count;
  /// The number of the query in its sequence.
  int64_t query = 0;
};

/// The values of a region's ops for a block of keys. Integers of every width
/// are sign-extended, so that true is -1; floats of every width are `Real`.
template <typename Real> class Frame {
public:
  Frame(int64_t numIntegers, int64_t numFloats)
      : integers(numIntegers * KeyBlock::kMaxCount),
        floats(numFloats * KeyBlock::kMaxCount) {}

  int64_t *getIntegers(int64_t slot) {
    return integers.data() + slot * KeyBlock::kMaxCount;
  }
  Real *getFloats(int64_t slot) {
    return floats.data() + slot * KeyBlock::kMaxCount;
  }

  /// How many keys the block has.
  int64_t count = 0;

private:
  std::vector<int64_t> integers;
  std::vector<Real> floats;
};

/// Where a program keeps the values of an SSA value.
struct Slot {
  int64_t number = 0;
  bool isFloat = false;
  /// The number of bits of an integer.
  unsigned width = 0;
};

/// A region in executable form. It is read only, and each thread has a frame.
template <typename Real> class RegionProgram {
public:
  using Step = std::function<void(Frame<Real> &)>;

  /// Translates the block of a mask or of a score modifier. `tensors` outlives
  /// the program. Emits a diagnostic on an op without reference semantics.
  static FailureOr<RegionProgram> translate(Block &block,
                                            const Environment &tensors);

  /// Translates the ops of `block`, whatever it is the body of: the inputs are
  /// its arguments, the results `results`. A value from outside is a constant
  /// or a scalar in `tensors`.
  static FailureOr<RegionProgram>
  translateBody(Block &block, ValueRange results, const Environment &tensors);

  /// A frame in which the constants have their values.
  Frame<Real> createFrame() const;

  /// Evaluates a mask: nonzero where the key is seen.
  const int64_t *evaluateMask(Frame<Real> &frame, const KeyBlock &keys) const;

  /// Evaluates a score modifier on `scores`, one for each key.
  void evaluateScore(Frame<Real> &frame, const KeyBlock &keys,
                     Real *scores) const;

  /// Evaluates a body for the `frame.count` elements whose inputs are in their
  /// slots, and whose index along loop `dim` is in those of `loopIndices`.
  void evaluateBody(Frame<Real> &frame) const;

  /// The slots of all values.
  DenseMap<Value, int64_t> slots;
  std::vector<Slot> inputs, results;
  /// Pairs of a loop and a slot.
  std::vector<std::pair<int64_t, int64_t>> loopIndices;

private:
  template <typename> friend class RegionTranslator;

  void run(Frame<Real> &frame, const KeyBlock &keys) const;

  int64_t numIntegers = 0, numFloats = 0;
  /// Run once for each frame.
  std::vector<Step> constants;
  /// Run for each block of keys.
  std::vector<Step> steps;
  /// Where b, h, p, j and perhaps i are, where the score comes in and the
  /// result goes out.
  SmallVector<int64_t, 5> positionSlots;
  int64_t scoreSlot = 0, resultSlot = 0;
};

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_REGIONPROGRAM_H
