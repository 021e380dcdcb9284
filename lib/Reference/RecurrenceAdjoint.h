//===- RecurrenceAdjoint.h - The way back through a recurrence --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_RECURRENCEADJOINT_H
#define ATTN_LIB_REFERENCE_RECURRENCEADJOINT_H

#include "Recurrence.h"

namespace mlir::attn::reference {

/// The gradients, null where none is asked for.
struct Gradients {
  const Tensor *output, *finalState, *finalNormalizer;
  Tensor *query, *key, *value, *decay, *erase, *eraseKey, *eraseDirection,
      *write, *bonus, *state, *normalizer;
};

/// A token as it was on the way forward.
template <typename Real> struct Step {
  Token<Real> token;
  HeadState<Real> before, after;
  TokenTrace<Real> trace;
};

/// Walks from the last token of a head to the first.
template <typename Real> class Adjoint {
public:
  Adjoint(const Recurrence<Real> &recurrence, RecurrenceBackwardOp op,
          const Gradients &gradients, int64_t head)
      : recurrence(recurrence), op(op), gradients(gradients), head(head),
        keyDim(recurrence.keyDim), valueDim(recurrence.valueDim) {}

  void run(const RecurrentSequence &sequence);

private:
  using Vector = std::vector<Real>;

  void readFinal(const RecurrentSequence &sequence);
  void storeInitial(const RecurrentSequence &sequence);
  void stepBack(const Step<Real> &step, int64_t row);
  void readOutput(const Step<Real> &step, int64_t row);
  void addBonus(const Step<Real> &step, const Vector &out);
  void writeBack(const Step<Real> &step, int64_t m, int64_t row);
  Vector eraseBack(const Step<Real> &step, int64_t m, int64_t row);
  void decayBack(const Step<Real> &step, int64_t row);

  /// matrix * vector
  Vector apply(ArrayRef<Real> matrix, const Vector &vector) const;
  /// matrix^T * vector
  Vector applyTransposed(ArrayRef<Real> matrix, const Vector &vector) const;
  /// matrix += column * row^T
  void addProduct(Vector &matrix, const Vector &column,
                  const Vector &row) const;
  /// What is added to the gradient of a vector before its normalisation.
  Vector throughNorm(Vector raw, const Vector &gradient) const;
  void add(Tensor *tensor, int64_t row, const Vector &vector) const;
  void addGate(Tensor *tensor, int64_t row, const Vector &vector) const;

  const Recurrence<Real> &recurrence;
  RecurrenceBackwardOp op;
  const Gradients &gradients;
  int64_t head, keyDim, valueDim;
  /// The gradient of the state behind the token, later of that in front.
  Vector matrix, normalizer;
  /// What reaches the state in front of the decay past it.
  Vector past;
  /// The gradients of the token's query and of its writes' keys and values.
  Vector query;
  std::vector<Vector> keys, values;
};

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_RECURRENCEADJOINT_H
