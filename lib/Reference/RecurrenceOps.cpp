//===- RecurrenceOps.cpp - Recurrences and their results ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Recurrence.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

namespace {
/// The results. The states may be null.
struct Results {
  Tensor &output;
  Tensor *state, *normalizer, *kept;
};
} // namespace

/// Allocates final states: of a pool, they begin as what is in it.
static Tensor *defineFinal(RecurrenceOp op, Value value, const Tensor *pool,
                           Evaluation &evaluation) {
  if (!value)
    return nullptr;
  if (op.getSlots()) {
    Tensor &final = evaluation.define(value, pool->shape);
    final.values = pool->values;
    return &final;
  }
  SmallVector<int64_t> shape(cast<ShapedType>(value.getType()).getShape());
  ArrayRef<int64_t> query = evaluation.get(op.getQuery()).shape;
  shape[0] = op.getCuSeqlens() ? evaluation.get(op.getCuSeqlens()).shape[0] - 1
                               : query[0];
  return &evaluation.define(value, shape);
}

/// Allocates the states behind every n-th token.
static Tensor *defineKept(RecurrenceOp op, Evaluation &evaluation) {
  if (!op.getKeptStates())
    return nullptr;
  ArrayRef<int64_t> query = evaluation.get(op.getQuery()).shape;
  SmallVector<int64_t> shape(query.drop_back(2));
  shape.back() /= static_cast<int64_t>(*op.getKeepEvery());
  llvm::append_range(
      shape,
      cast<ShapedType>(op.getKeptStates().getType()).getShape().take_back(3));
  return &evaluation.define(op.getKeptStates(), shape);
}

/// Stores the state of a head as number `row` of those in `tensor`.
template <typename Real>
static void putState(const Recurrence<Real> &recurrence, Value value,
                     Tensor &tensor, int64_t row, int64_t head,
                     const HeadState<Real> &state) {
  StateIndex index(value, tensor);
  for (int64_t i = 0; i != recurrence.keyDim * recurrence.valueDim; ++i)
    tensor.values[index.at(row, head, i / recurrence.valueDim,
                           i % recurrence.valueDim)] = state.matrix[i];
}

/// The number of the first state that a sequence keeps.
static int64_t firstKept(RecurrenceOp op, const RecurrentSequence &sequence) {
  auto every = static_cast<int64_t>(*op.getKeepEvery());
  if (op.isPacked() || sequence.length == 0)
    return sequence.first / every;
  return sequence.first / sequence.length * (sequence.length / every);
}

template <typename Real>
static void evaluateHead(RecurrenceOp op, const Recurrence<Real> &recurrence,
                         const RecurrentSequence &sequence, int64_t head,
                         const Results &results) {
  auto put = [&](int64_t row, ArrayRef<Real> vector) {
    llvm::copy(vector, results.output.values.begin() +
                           recurrence.offset(results.output, row, head));
  };
  // Padding has no state.
  if (sequence.slot == -1) {
    for (int64_t t = 0; t != sequence.length; ++t)
      put(sequence.first + t, std::vector<Real>(recurrence.valueDim, 0));
    return;
  }
  HeadState<Real> state = recurrence.start(sequence, head);
  auto every = static_cast<int64_t>(op.getKeepEvery().value_or(1));
  for (int64_t t = 0; t != sequence.length; ++t) {
    int64_t row = sequence.first + t;
    // Only a bonus needs it.
    HeadState<Real> before;
    if (recurrence.tensors.bonus)
      before = state;
    Token<Real> token = recurrence.read(row, head);
    recurrence.advance(token, state);
    put(row, recurrence.output(token, head, before, state));
    if (results.kept && (t + 1) % every == 0)
      putState(recurrence, op.getKeptStates(), *results.kept,
               firstKept(op, sequence) + t / every, head, state);
  }
  if (results.state)
    putState(recurrence, op.getFinalState(), *results.state, sequence.slot,
             head, state);
  if (results.normalizer)
    llvm::copy(state.normalizer,
               results.normalizer->values.begin() +
                   recurrence.offset(*results.normalizer, sequence.slot, head));
}

template <typename Real>
static void evaluateHeads(RecurrenceOp op, const RecurrenceTensors &tensors,
                          const Results &results) {
  Recurrence<Real> recurrence(op, tensors);
  for (const RecurrentSequence &sequence : tensors.sequences)
    for (int64_t head = 0; head != recurrence.valueHeads; ++head)
      evaluateHead(op, recurrence, sequence, head, results);
}

static LogicalResult evaluate(RecurrenceOp op, Evaluation &evaluation) {
  FailureOr<RecurrenceTensors> tensors =
      RecurrenceTensors::collect(op, evaluation);
  if (failed(tensors))
    return failure();
  SmallVector<int64_t> shape(tensors->query->shape);
  llvm::copy(ArrayRef(tensors->value->shape).take_back(2), shape.end() - 2);
  Results results = {
      evaluation.define(op.getOutput(), shape),
      defineFinal(op, op.getFinalState(), tensors->state, evaluation),
      defineFinal(op, op.getFinalNormalizer(), tensors->normalizer, evaluation),
      defineKept(op, evaluation)};
  if (evaluation.options.arithmetic == Arithmetic::F64)
    evaluateHeads<double>(op, *tensors, results);
  else
    evaluateHeads<float>(op, *tensors, results);
  return success();
}

Evaluated reference::evaluateRecurrenceOp(Operation *op,
                                          Evaluation &evaluation) {
  return TypeSwitch<Operation *, Evaluated>(op)
      .Case([&](RecurrenceOp forward) { return evaluate(forward, evaluation); })
      .Case([&](RecurrenceBackwardOp backward) {
        return evaluateBackward(backward, evaluation);
      })
      .Default(Evaluated());
}
