//===- Recurrence.h - Recurrences, token by token ---------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What attn.recurrence and its backward have in common: where the numbers of a
// token stand, and how it changes the state of a value head.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_RECURRENCE_H
#define ATTN_LIB_REFERENCE_RECURRENCE_H

#include "Evaluation.h"

#include "Attention/Attention.h"

namespace mlir::attn::reference {

/// A sequence: its first row among those of all, the number of its rows and
/// which of the states is its own. Padding has none (-1).
struct RecurrentSequence {
  int64_t first, length, slot;
};

/// The tensors of a recurrence, null where there is none, and its sequences.
struct RecurrenceTensors {
  const Tensor *query, *key, *value, *decay, *erase, *eraseKey, *eraseDirection,
      *write, *bonus, *state, *normalizer;
  std::vector<RecurrentSequence> sequences;

  /// Emits a diagnostic where the tensors do not fit each other.
  static FailureOr<RecurrenceTensors> collect(RecurrenceOpInterface op,
                                              const Evaluation &evaluation);
};

/// Checks sizes that only a run knows: the first ones of `tensor`, which may be
/// null.
LogicalResult checkSizes(RecurrenceOpInterface op, StringRef name,
                         const Tensor *tensor, ArrayRef<int64_t> sizes);

/// A write into the state of a head. Nothing is erased where `erase` is empty.
template <typename Real> struct StateWrite {
  std::vector<Real> key, value, erase, direction;
};

/// What a token does to the state of a head, and how it reads it.
template <typename Real> struct Token {
  /// Scaled.
  std::vector<Real> query;
  /// The factors.
  std::vector<Real> decay;
  std::vector<StateWrite<Real>> writes;
};

/// The state of a head: the matrix [K, V], and [K] where there is a
/// denominator.
template <typename Real> struct HeadState {
  std::vector<Real> matrix, normalizer;
};

/// What a token did: the matrix in front of each write and behind the last one,
/// and what was read to be erased.
template <typename Real> struct TokenTrace {
  std::vector<std::vector<Real>> matrices, reads;
};

/// Reads the tensors as the definition of the op does.
template <typename Real> class Recurrence {
public:
  Recurrence(RecurrenceOpInterface op, const RecurrenceTensors &tensors)
      : op(op), tensors(tensors), heads(op.getHeads()),
        valueHeads(op.getValueHeads()), keyDim(op.getKeyDim()),
        valueDim(op.getValueDim()), microSteps(op.getMicroSteps()),
        scale(op.getScaleOrDefault()), hasLogDecay(isLog(op.getDecay())),
        hasVectorDecay(isVector(op)), beforeDecay(op.getBeforeDecay()) {
    if (std::optional<APFloat> l2 = op.getL2Normalize())
      l2Epsilon = l2->convertToFloat();
    if (std::optional<APFloat> eps = op.getDenominator())
      denominator = eps->convertToFloat();
  }

  /// The token of row `row`, as value head `head` sees it.
  Token<Real> read(int64_t row, int64_t head) const;

  /// Decays the state and writes into it.
  void advance(const Token<Real> &token, HeadState<Real> &state,
               TokenTrace<Real> *trace = nullptr) const;

  /// What the token reads, `before` being the state before and `after` that
  /// behind its writes.
  std::vector<Real> output(const Token<Real> &token, int64_t head,
                           const HeadState<Real> &before,
                           const HeadState<Real> &after) const;

  /// The state that a head of a sequence starts with.
  HeadState<Real> start(const RecurrentSequence &sequence, int64_t head) const;

  /// The vector of row `row` in a tensor of [..., heads, channels], whatever
  /// the number of its heads.
  std::vector<Real> load(const Tensor &tensor, int64_t row, int64_t head) const;
  /// The same of a gate: one number is that of every channel.
  std::vector<Real> loadGate(const Tensor &gate, int64_t row, int64_t head,
                             int64_t channels) const;
  /// Where the vector begins.
  int64_t offset(const Tensor &tensor, int64_t row, int64_t head) const;

  /// The factor that normalises `vector`: 1 where nothing does.
  Real norm(ArrayRef<Real> vector) const;

  /// Reading an op does not change it, but MLIR says so nowhere.
  mutable RecurrenceOpInterface op;
  const RecurrenceTensors &tensors;
  const int64_t heads, valueHeads, keyDim, valueDim, microSteps;
  const Real scale;
  const bool hasLogDecay, hasVectorDecay, beforeDecay;
  std::optional<Real> l2Epsilon, denominator;

private:
  static bool isLog(Value decay) {
    if (!decay)
      return false;
    auto type = cast<RankedTensorType>(decay.getType());
    return cast<GateAttr>(type.getEncoding()).getScale() == GateScale::Log;
  }
  static bool isVector(RecurrenceOpInterface op) {
    return op.getDecay() &&
           cast<RankedTensorType>(op.getDecay().getType()).getRank() ==
               op.getQueryType().getRank();
  }
};

/// Where the element of a key's and a value's channel is in a tensor of states.
struct StateIndex {
  StateIndex(Value state, const Tensor &tensor)
      : heads(ArrayRef(tensor.shape).take_back(3)[0]),
        rows(ArrayRef(tensor.shape).take_back(3)[1]),
        columns(tensor.shape.back()) {
    auto type = cast<RankedTensorType>(state.getType());
    isTransposed = cast<StateAttr>(type.getEncoding()).getLayout() ==
                   StateLayout::ValueKey;
  }

  int64_t at(int64_t slot, int64_t head, int64_t key, int64_t value) const {
    int64_t row = isTransposed ? value : key;
    int64_t column = isTransposed ? key : value;
    return ((slot * heads + head) * rows + row) * columns + column;
  }

  int64_t heads, rows, columns;
  bool isTransposed;
};

/// Evaluates the gradients of a recurrence.
LogicalResult evaluateBackward(RecurrenceBackwardOp op, Evaluation &evaluation);

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_RECURRENCE_H
