//===- RecurrenceBackward.cpp - Gradients of recurrences ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RecurrenceAdjoint.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

/// Allocates the gradient of an operand whose first axes are rows: zero in
/// those of sequences, `perToken` for each token.
static Tensor *defineRows(Value value, const Tensor *operand,
                          const RecurrenceTensors &tensors, int64_t perToken,
                          Evaluation &evaluation) {
  if (!value)
    return nullptr;
  Tensor &gradient = evaluation.define(value, operand->shape);
  int64_t tokens = 1;
  for (int64_t size : ArrayRef(tensors.query->shape).drop_back(2))
    tokens *= size;
  if (tokens == 0)
    return &gradient;
  int64_t size = gradient.size() / (tokens * perToken);
  for (const RecurrentSequence &sequence : tensors.sequences)
    std::fill_n(gradient.values.begin() + sequence.first * perToken * size,
                sequence.length * perToken * size, 0.0);
  return &gradient;
}

/// Allocates the gradient of an operand that all sequences share: zero, or
/// `given`.
static Tensor *defineShared(Value value, const Tensor *operand,
                            const Tensor *given, Evaluation &evaluation) {
  if (!value)
    return nullptr;
  Tensor &gradient = evaluation.define(value, operand->shape);
  gradient.values.assign(gradient.values.size(), 0.0);
  if (given)
    gradient.values = given->values;
  return &gradient;
}

static Gradients defineGradients(RecurrenceBackwardOp op,
                                 const RecurrenceTensors &tensors,
                                 Evaluation &evaluation) {
  int64_t writes = op.getMicroSteps();
  auto find = [&](Value value) {
    return value ? &evaluation.get(value) : nullptr;
  };
  auto rows = [&](Value value, const Tensor *operand, int64_t perToken) {
    return defineRows(value, operand, tensors, perToken, evaluation);
  };
  auto shared = [&](Value value, const Tensor *operand, const Tensor *given) {
    return defineShared(value, operand, given, evaluation);
  };
  Gradients gradients = {};
  gradients.output = find(op.getOutputGradient());
  gradients.finalState = find(op.getStateGradient());
  gradients.finalNormalizer = find(op.getNormalizerGradient());
  gradients.query = rows(op.getGradQuery(), tensors.query, 1);
  gradients.key = rows(op.getGradKey(), tensors.key, writes);
  gradients.value = rows(op.getGradValue(), tensors.value, writes);
  gradients.erase = rows(op.getGradErase(), tensors.erase, writes);
  gradients.eraseKey = rows(op.getGradEraseKey(), tensors.eraseKey, writes);
  gradients.eraseDirection =
      rows(op.getGradEraseDirection(), tensors.eraseDirection, writes);
  gradients.write = rows(op.getGradWrite(), tensors.write, writes);
  bool isConstant = tensors.decay && tensors.decay->shape.size() == 1;
  gradients.decay = isConstant
                        ? shared(op.getGradDecay(), tensors.decay, nullptr)
                        : rows(op.getGradDecay(), tensors.decay, 1);
  gradients.bonus = shared(op.getGradBonus(), tensors.bonus, nullptr);
  // States of a pool that no sequence has end as they began.
  bool isPool = static_cast<bool>(op.getSlots());
  gradients.state = shared(op.getGradState(), tensors.state,
                           isPool ? gradients.finalState : nullptr);
  gradients.normalizer = shared(op.getGradNormalizer(), tensors.normalizer,
                                isPool ? gradients.finalNormalizer : nullptr);
  return gradients;
}

/// The sizes of the given gradients that only a run knows.
static LogicalResult checkGiven(RecurrenceBackwardOp op,
                                const RecurrenceTensors &tensors,
                                const Evaluation &evaluation) {
  int64_t states = op.getSlots()
                       ? tensors.state->shape[0]
                       : static_cast<int64_t>(tensors.sequences.size());
  SmallVector<int64_t> rows(ArrayRef(tensors.query->shape).drop_back(2));
  std::tuple<StringRef, Value, ArrayRef<int64_t>> given[] = {
      {"output_gradient", op.getOutputGradient(), rows},
      {"state_gradient", op.getStateGradient(), states},
      {"normalizer_gradient", op.getNormalizerGradient(), states}};
  for (auto [name, value, sizes] : given)
    if (value && failed(checkSizes(op, name, &evaluation.get(value), sizes)))
      return failure();
  return success();
}

template <typename Real>
static void evaluateHeads(RecurrenceBackwardOp op,
                          const RecurrenceTensors &tensors,
                          const Gradients &gradients) {
  Recurrence<Real> recurrence(op, tensors);
  for (const RecurrentSequence &sequence : tensors.sequences)
    // Nothing that padding computes depends on an operand.
    if (sequence.slot != -1)
      for (int64_t head = 0; head != recurrence.valueHeads; ++head)
        Adjoint<Real>(recurrence, op, gradients, head).run(sequence);
}

LogicalResult reference::evaluateBackward(RecurrenceBackwardOp op,
                                          Evaluation &evaluation) {
  FailureOr<RecurrenceTensors> tensors =
      RecurrenceTensors::collect(op, evaluation);
  if (failed(tensors) || failed(checkGiven(op, *tensors, evaluation)))
    return failure();
  Gradients gradients = defineGradients(op, *tensors, evaluation);
  if (evaluation.options.arithmetic == Arithmetic::F64)
    evaluateHeads<double>(op, *tensors, gradients);
  else
    evaluateHeads<float>(op, *tensors, gradients);
  return success();
}
