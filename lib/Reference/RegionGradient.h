//===- RegionGradient.h - Derivatives of score modifiers --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_REGIONGRADIENT_H
#define ATTN_LIB_REFERENCE_REGIONGRADIENT_H

#include "RegionProgram.h"

namespace mlir::attn::reference {

/// A score modifier and the derivatives of what it computes. After the modifier
/// has been evaluated for a block of keys, its frame holds the value of every
/// op, from which the derivatives are found in the opposite order.
class RegionGradient {
public:
  /// `gradients` are the tensors to which the derivatives by elements of
  /// captured tensors are added. Emits a diagnostic on an op that has no
  /// derivative.
  static FailureOr<RegionGradient>
  translate(Block &block, const Environment &tensors,
            const DenseMap<Value, Tensor *> &gradients);

  Frame<double> createFrame() const { return program.createFrame(); }

  /// Evaluates the modifier on `scores`.
  void evaluate(Frame<double> &frame, const KeyBlock &keys,
                double *scores) const {
    program.evaluateScore(frame, keys, scores);
  }

  /// Turns `derivatives` by the new scores into those by the old ones.
  void propagate(Frame<double> &frame, double *derivatives) const;

private:
  friend class GradientTranslator;
  using Step = std::function<void(Frame<double> &, Frame<double> &)>;

  RegionProgram<double> program;
  /// From the last op to the first: values and derivatives.
  std::vector<Step> steps;
  int64_t numFloats = 0, scoreSlot = 0, resultSlot = 0;
};

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_REGIONGRADIENT_H
