//===- Recurrence.cpp - Recurrences, token by token -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Recurrence.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

// Heads and channels are in the types.
LogicalResult reference::checkSizes(RecurrenceOpInterface op, StringRef name,
                                    const Tensor *tensor,
                                    ArrayRef<int64_t> sizes) {
  if (!tensor || ArrayRef(tensor->shape).take_front(sizes.size()) == sizes)
    return success();
  return op->emitOpError("expected ")
         << name << " to begin with sizes " << toString(sizes) << ", got shape "
         << toString(tensor->shape);
}

/// Which state each sequence has.
static FailureOr<std::vector<int64_t>>
readSlots(RecurrenceOpInterface op, const Tensor &slots, int64_t states) {
  std::vector<int64_t> read;
  for (double value : slots.values) {
    auto slot = static_cast<int64_t>(value);
    if (slot < -1 || slot >= states)
      return op->emitOpError("expected slots from -1 to ")
             << states - 1 << ", got " << slot;
    if (slot != -1 && llvm::is_contained(read, slot))
      return op->emitOpError("expected every slot once, got ")
             << slot << " twice";
    read.push_back(slot);
  }
  return read;
}

static FailureOr<std::vector<RecurrentSequence>>
findSequences(RecurrenceOpInterface op, const Evaluation &evaluation) {
  ArrayRef<int64_t> query = evaluation.get(op.getQuery()).shape;
  std::vector<RecurrentSequence> sequences;
  if (!op.isPacked()) {
    for (int64_t b = 0; b != query[0]; ++b)
      sequences.push_back({b * query[1], query[1], b});
    return sequences;
  }
  const Tensor &ends = evaluation.get(op.getCuSeqlens());
  if (failed(checkCuSeqlens(op, ends, query[0])))
    return failure();
  for (size_t b = 0; b + 1 < ends.values.size(); ++b) {
    auto first = static_cast<int64_t>(ends.values[b]);
    sequences.push_back({first,
                         static_cast<int64_t>(ends.values[b + 1]) - first,
                         static_cast<int64_t>(b)});
  }
  return sequences;
}

static LogicalResult assignSlots(RecurrenceOpInterface op,
                                 const Evaluation &evaluation,
                                 RecurrenceTensors &tensors) {
  int64_t states = tensors.sequences.size();
  if (op.getSlots()) {
    const Tensor &slots = evaluation.get(op.getSlots());
    if (failed(checkSizes(op, "slots", &slots, states)))
      return failure();
    states = tensors.state->shape[0];
    FailureOr<std::vector<int64_t>> read = readSlots(op, slots, states);
    if (failed(read))
      return failure();
    for (auto [sequence, slot] : llvm::zip_equal(tensors.sequences, *read))
      sequence.slot = slot;
  }
  if (failed(checkSizes(op, "state", tensors.state, states)))
    return failure();
  return checkSizes(op, "normalizer", tensors.normalizer, states);
}

FailureOr<RecurrenceTensors>
RecurrenceTensors::collect(RecurrenceOpInterface op,
                           const Evaluation &evaluation) {
  auto find = [&](Value value) {
    return value ? &evaluation.get(value) : nullptr;
  };
  RecurrenceTensors tensors = {
      find(op.getQuery()),          find(op.getKey()),
      find(op.getValue()),          find(op.getDecay()),
      find(op.getErase()),          find(op.getEraseKey()),
      find(op.getEraseDirection()), find(op.getWrite()),
      find(op.getBonus()),          find(op.getState()),
      find(op.getNormalizer()),     {}};
  SmallVector<int64_t> tokens(ArrayRef(tensors.query->shape).drop_back(2));
  SmallVector<int64_t> writes = tokens;
  writes.back() = op.getWrites(writes.back());
  bool isConstant = tensors.decay && tensors.decay->shape.size() == 1;
  const Tensor *decay = isConstant ? nullptr : tensors.decay;
  if (failed(checkSizes(op, "key", tensors.key, writes)) ||
      failed(checkSizes(op, "value", tensors.value, writes)) ||
      failed(checkSizes(op, "decay", decay, tokens)) ||
      failed(checkSizes(op, "erase", tensors.erase, writes)) ||
      failed(checkSizes(op, "erase_key", tensors.eraseKey, writes)) ||
      failed(
          checkSizes(op, "erase_direction", tensors.eraseDirection, writes)) ||
      failed(checkSizes(op, "write", tensors.write, writes)))
    return failure();
  FailureOr<std::vector<RecurrentSequence>> sequences =
      findSequences(op, evaluation);
  if (failed(sequences))
    return failure();
  tensors.sequences = std::move(*sequences);
  if (failed(assignSlots(op, evaluation, tensors)))
    return failure();
  return tensors;
}

//===----------------------------------------------------------------------===//
// A token
//===----------------------------------------------------------------------===//

template <typename Real> static Real dot(ArrayRef<Real> a, ArrayRef<Real> b) {
  Real sum = 0;
  for (auto [x, y] : llvm::zip_equal(a, b))
    sum += x * y;
  return sum;
}

template <typename Real>
int64_t Recurrence<Real>::offset(const Tensor &tensor, int64_t row,
                                 int64_t head) const {
  ArrayRef<int64_t> shape = ArrayRef(tensor.shape).take_back(2);
  return (row * shape[0] + head * shape[0] / valueHeads) * shape[1];
}

template <typename Real>
std::vector<Real> Recurrence<Real>::load(const Tensor &tensor, int64_t row,
                                         int64_t head) const {
  auto first = tensor.values.begin() + offset(tensor, row, head);
  return std::vector<Real>(first, first + tensor.shape.back());
}

template <typename Real>
std::vector<Real> Recurrence<Real>::loadGate(const Tensor &gate, int64_t row,
                                             int64_t head,
                                             int64_t channels) const {
  if (gate.shape.size() == tensors.key->shape.size())
    return load(gate, row, head);
  return std::vector<Real>(channels, gate.values[row * valueHeads + head]);
}

template <typename Real>
Real Recurrence<Real>::norm(ArrayRef<Real> vector) const {
  if (!l2Epsilon)
    return 1;
  return 1 / std::sqrt(dot(vector, vector) + *l2Epsilon);
}

template <typename Real>
static void multiply(std::vector<Real> &vector, Real factor) {
  for (Real &element : vector)
    element *= factor;
}

template <typename Real>
static void multiply(std::vector<Real> &vector, ArrayRef<Real> factors) {
  for (auto [element, factor] : llvm::zip_equal(vector, factors))
    element *= factor;
}

template <typename Real>
Token<Real> Recurrence<Real>::read(int64_t row, int64_t head) const {
  Token<Real> token;
  token.query = load(*tensors.query, row, head);
  multiply(token.query, norm(token.query) * scale);
  token.decay.assign(keyDim, 1);
  if (const Tensor *decay = tensors.decay) {
    if (hasVectorDecay)
      token.decay = load(*decay, row, head);
    else
      token.decay.assign(
          keyDim,
          decay->values[decay->shape.size() == 1 ? head
                                                 : row * valueHeads + head]);
    if (hasLogDecay)
      for (Real &factor : token.decay)
        factor = std::exp(factor);
  }
  for (int64_t m = 0; m != microSteps; ++m) {
    int64_t own = row * microSteps + m;
    StateWrite<Real> &write = token.writes.emplace_back();
    write.key = load(*tensors.key, own, head);
    multiply(write.key, norm(write.key));
    write.value = load(*tensors.value, own, head);
    if (tensors.write)
      multiply<Real>(write.value,
                     loadGate(*tensors.write, own, head, valueDim));
    if (!tensors.erase && !tensors.eraseKey)
      continue;
    write.erase =
        tensors.eraseKey ? load(*tensors.eraseKey, own, head) : write.key;
    if (tensors.erase)
      multiply<Real>(write.erase, loadGate(*tensors.erase, own, head, keyDim));
    write.direction = tensors.eraseDirection
                          ? load(*tensors.eraseDirection, own, head)
                          : write.key;
    if (!tensors.eraseDirection)
      multiply<Real>(write.direction, -1);
  }
  return token;
}

//===----------------------------------------------------------------------===//
// The state
//===----------------------------------------------------------------------===//

/// matrix^T vector
template <typename Real>
static std::vector<Real> readMatrix(ArrayRef<Real> matrix,
                                    ArrayRef<Real> vector, int64_t columns) {
  std::vector<Real> read(columns, 0);
  for (auto [d, factor] : llvm::enumerate(vector))
    for (int64_t v = 0; v != columns; ++v)
      read[v] += factor * matrix[d * columns + v];
  return read;
}

template <typename Real>
void Recurrence<Real>::advance(const Token<Real> &token, HeadState<Real> &state,
                               TokenTrace<Real> *trace) const {
  std::vector<Real> &matrix = state.matrix;
  std::vector<Real> before;
  if (beforeDecay)
    before = matrix;
  for (int64_t i = 0; i != keyDim * valueDim; ++i)
    matrix[i] *= token.decay[i / valueDim];
  if (denominator)
    multiply<Real>(state.normalizer, token.decay);
  for (auto [m, write] : llvm::enumerate(token.writes)) {
    if (trace)
      trace->matrices.push_back(matrix);
    std::vector<Real> read(valueDim, 0);
    if (!write.erase.empty())
      read = readMatrix<Real>(beforeDecay && m == 0 ? before : matrix,
                              write.erase, valueDim);
    for (int64_t d = 0; d != keyDim; ++d)
      for (int64_t v = 0; v != valueDim; ++v) {
        Real erased = write.erase.empty() ? 0 : write.direction[d] * read[v];
        matrix[d * valueDim + v] += erased + write.key[d] * write.value[v];
      }
    if (denominator)
      for (int64_t d = 0; d != keyDim; ++d)
        state.normalizer[d] += write.key[d];
    if (trace)
      trace->reads.push_back(std::move(read));
  }
  if (trace)
    trace->matrices.push_back(matrix);
}

template <typename Real>
std::vector<Real> Recurrence<Real>::output(const Token<Real> &token,
                                           int64_t head,
                                           const HeadState<Real> &before,
                                           const HeadState<Real> &after) const {
  ArrayRef<Real> matrix = tensors.bonus ? before.matrix : after.matrix;
  std::vector<Real> read = readMatrix<Real>(matrix, token.query, valueDim);
  if (tensors.bonus) {
    const StateWrite<Real> &write = token.writes.front();
    std::vector<Real> weighted = load(*tensors.bonus, 0, head);
    multiply<Real>(weighted, write.key);
    Real weight = dot<Real>(token.query, weighted);
    for (int64_t v = 0; v != valueDim; ++v)
      read[v] += weight * write.value[v];
  }
  if (denominator)
    multiply<Real>(
        read, 1 / (dot<Real>(token.query, after.normalizer) + *denominator));
  return read;
}

template <typename Real>
HeadState<Real> Recurrence<Real>::start(const RecurrentSequence &sequence,
                                        int64_t head) const {
  HeadState<Real> state;
  state.matrix.assign(keyDim * valueDim, 0);
  if (const Tensor *initial = tensors.state) {
    StateIndex index(op.getState(), *initial);
    for (int64_t i = 0; i != keyDim * valueDim; ++i)
      state.matrix[i] = initial->values[index.at(sequence.slot, head,
                                                 i / valueDim, i % valueDim)];
  }
  if (denominator)
    state.normalizer.assign(keyDim, 0);
  if (tensors.normalizer)
    state.normalizer = load(*tensors.normalizer, sequence.slot, head);
  return state;
}

template class reference::Recurrence<float>;
template class reference::Recurrence<double>;
