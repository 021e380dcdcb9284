//===- RecurrenceAdjoint.cpp - The way back through a recurrence ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RecurrenceAdjoint.h"

#include <numeric>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

template <typename Real>
static Real dot(const std::vector<Real> &a, const std::vector<Real> &b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), Real(0));
}

template <typename Real>
static void addTo(std::vector<Real> &sum, const std::vector<Real> &vector,
                  Real factor = 1) {
  for (auto [element, other] : llvm::zip_equal(sum, vector))
    element += factor * other;
}

template <typename Real>
static std::vector<Real> times(std::vector<Real> a,
                               const std::vector<Real> &b) {
  for (auto [element, other] : llvm::zip_equal(a, b))
    element *= other;
  return a;
}

template <typename Real>
auto Adjoint<Real>::apply(ArrayRef<Real> matrix, const Vector &vector) const
    -> Vector {
  Vector result(keyDim, 0);
  for (int64_t i = 0; i != keyDim * valueDim; ++i)
    result[i / valueDim] += matrix[i] * vector[i % valueDim];
  return result;
}

template <typename Real>
auto Adjoint<Real>::applyTransposed(ArrayRef<Real> matrix,
                                    const Vector &vector) const -> Vector {
  Vector result(valueDim, 0);
  for (int64_t i = 0; i != keyDim * valueDim; ++i)
    result[i % valueDim] += matrix[i] * vector[i / valueDim];
  return result;
}

template <typename Real>
void Adjoint<Real>::addProduct(Vector &matrix, const Vector &column,
                               const Vector &row) const {
  for (int64_t i = 0; i != keyDim * valueDim; ++i)
    matrix[i] += column[i / valueDim] * row[i % valueDim];
}

/// With y = x * norm(x): dx = norm * (dy - y <y, dy>).
template <typename Real>
auto Adjoint<Real>::throughNorm(Vector raw, const Vector &gradient) const
    -> Vector {
  if (!recurrence.l2Epsilon)
    return gradient;
  Real norm = recurrence.norm(raw);
  for (Real &element : raw)
    element *= norm;
  Vector result = gradient;
  addTo(result, raw, -dot(raw, gradient));
  for (Real &element : result)
    element *= norm;
  return result;
}

template <typename Real>
void Adjoint<Real>::add(Tensor *tensor, int64_t row,
                        const Vector &vector) const {
  if (!tensor)
    return;
  auto first = tensor->values.begin() + recurrence.offset(*tensor, row, head);
  for (auto [d, element] : llvm::enumerate(vector))
    first[d] += element;
}

/// The gradient of a gate of one number is the sum over channels.
template <typename Real>
void Adjoint<Real>::addGate(Tensor *tensor, int64_t row,
                            const Vector &vector) const {
  if (!tensor)
    return;
  if (tensor->shape.size() == recurrence.tensors.key->shape.size())
    return add(tensor, row, vector);
  bool isConstant = tensor->shape.size() == 1;
  tensor->values[isConstant ? head : row * recurrence.valueHeads + head] +=
      std::accumulate(vector.begin(), vector.end(), Real(0));
}

//===----------------------------------------------------------------------===//
// The way back
//===----------------------------------------------------------------------===//

template <typename Real>
void Adjoint<Real>::run(const RecurrentSequence &sequence) {
  std::vector<Step<Real>> steps(sequence.length);
  HeadState<Real> state = recurrence.start(sequence, head);
  for (auto [t, step] : llvm::enumerate(steps)) {
    step.token = recurrence.read(sequence.first + t, head);
    step.before = state;
    recurrence.advance(step.token, state, &step.trace);
    step.after = state;
  }
  readFinal(sequence);
  for (int64_t t = sequence.length - 1; t >= 0; --t)
    stepBack(steps[t], sequence.first + t);
  storeInitial(sequence);
}

template <typename Real>
void Adjoint<Real>::readFinal(const RecurrentSequence &sequence) {
  matrix.assign(keyDim * valueDim, 0);
  if (const Tensor *given = gradients.finalState) {
    StateIndex index(op.getStateGradient(), *given);
    for (int64_t i = 0; i != keyDim * valueDim; ++i)
      matrix[i] = given->values[index.at(sequence.slot, head, i / valueDim,
                                         i % valueDim)];
  }
  normalizer.assign(keyDim, 0);
  if (gradients.finalNormalizer)
    normalizer =
        recurrence.load(*gradients.finalNormalizer, sequence.slot, head);
}

template <typename Real>
void Adjoint<Real>::storeInitial(const RecurrentSequence &sequence) {
  if (Tensor *state = gradients.state) {
    StateIndex index(op.getGradState(), *state);
    for (int64_t i = 0; i != keyDim * valueDim; ++i)
      state->values[index.at(sequence.slot, head, i / valueDim, i % valueDim)] =
          matrix[i];
  }
  if (Tensor *own = gradients.normalizer)
    llvm::copy(normalizer, own->values.begin() +
                               recurrence.offset(*own, sequence.slot, head));
}

template <typename Real>
void Adjoint<Real>::stepBack(const Step<Real> &step, int64_t row) {
  query.assign(keyDim, 0);
  past.assign(keyDim * valueDim, 0);
  keys.assign(recurrence.microSteps, Vector(keyDim, 0));
  values.assign(recurrence.microSteps, Vector(valueDim, 0));
  readOutput(step, row);
  for (int64_t m = recurrence.microSteps - 1; m >= 0; --m)
    writeBack(step, m, row * recurrence.microSteps + m);
  decayBack(step, row);
  for (Real &element : query)
    element *= recurrence.scale;
  add(gradients.query, row,
      throughNorm(recurrence.load(*recurrence.tensors.query, row, head),
                  query));
}

template <typename Real>
void Adjoint<Real>::readOutput(const Step<Real> &step, int64_t row) {
  const Vector &q = step.token.query;
  Vector out = recurrence.load(*gradients.output, row, head);
  if (recurrence.denominator) {
    const Vector &z = step.after.normalizer;
    Real total = dot(q, z) + *recurrence.denominator;
    Real share =
        -dot(out, applyTransposed(step.after.matrix, q)) / (total * total);
    addTo(query, z, share);
    addTo(normalizer, q, share);
    for (Real &element : out)
      element /= total;
  }
  if (recurrence.tensors.bonus)
    return addBonus(step, out);
  addTo(query, apply(step.after.matrix, out));
  addProduct(matrix, q, out);
}

/// The output is read from the state in front of the token, and from its write.
template <typename Real>
void Adjoint<Real>::addBonus(const Step<Real> &step, const Vector &out) {
  const StateWrite<Real> &write = step.token.writes.front();
  const Vector &q = step.token.query;
  Vector bonus = recurrence.load(*recurrence.tensors.bonus, 0, head);
  Real share = dot(out, write.value);
  addTo(query, apply(step.before.matrix, out));
  addTo(query, times(bonus, write.key), share);
  addTo(keys.front(), times(bonus, q), share);
  addTo(values.front(), out, dot(q, times(bonus, write.key)));
  Vector own(keyDim, 0);
  addTo(own, times(q, write.key), share);
  add(gradients.bonus, 0, own);
  addProduct(past, q, out);
}

/// The gradients of write `m`, whose numbers stand in row `row`.
template <typename Real>
void Adjoint<Real>::writeBack(const Step<Real> &step, int64_t m, int64_t row) {
  const StateWrite<Real> &write = step.token.writes[m];
  const RecurrenceTensors &tensors = recurrence.tensors;
  Vector &key = keys[m], &value = values[m];
  addTo(key, apply(matrix, write.value));
  addTo(value, applyTransposed(matrix, write.key));
  if (recurrence.denominator)
    addTo(key, normalizer);
  if (!write.erase.empty())
    addTo(key, eraseBack(step, m, row));
  add(gradients.key, row,
      throughNorm(recurrence.load(*tensors.key, row, head), key));
  if (tensors.write) {
    addGate(gradients.write, row,
            times(recurrence.load(*tensors.value, row, head), value));
    value = times(std::move(value),
                  recurrence.loadGate(*tensors.write, row, head, valueDim));
  }
  add(gradients.value, row, value);
}

/// What reaches the key by way of what is erased.
template <typename Real>
auto Adjoint<Real>::eraseBack(const Step<Real> &step, int64_t m, int64_t row)
    -> Vector {
  const StateWrite<Real> &write = step.token.writes[m];
  const RecurrenceTensors &tensors = recurrence.tensors;
  Vector key(keyDim, 0);
  Vector direction = apply(matrix, step.trace.reads[m]);
  Vector read = applyTransposed(matrix, write.direction);
  bool isPast = recurrence.beforeDecay && m == 0;
  Vector erase =
      apply(isPast ? step.before.matrix : step.trace.matrices[m], read);
  addProduct(isPast ? past : matrix, write.erase, read);
  if (tensors.eraseDirection)
    add(gradients.eraseDirection, row, direction);
  else
    addTo(key, direction, Real(-1));
  if (tensors.erase) {
    addGate(gradients.erase, row,
            times(tensors.eraseKey
                      ? recurrence.load(*tensors.eraseKey, row, head)
                      : write.key,
                  erase));
    erase = times(std::move(erase),
                  recurrence.loadGate(*tensors.erase, row, head, keyDim));
  }
  if (tensors.eraseKey)
    add(gradients.eraseKey, row, erase);
  else
    addTo(key, erase);
  return key;
}

template <typename Real>
void Adjoint<Real>::decayBack(const Step<Real> &step, int64_t row) {
  const Vector &alpha = step.token.decay;
  Vector decay(keyDim, 0);
  for (int64_t i = 0; i != keyDim * valueDim; ++i) {
    int64_t d = i / valueDim;
    decay[d] += matrix[i] * step.before.matrix[i];
    matrix[i] = alpha[d] * matrix[i] + past[i];
  }
  if (recurrence.denominator) {
    addTo(decay, times(normalizer, step.before.normalizer));
    normalizer = times(std::move(normalizer), alpha);
  }
  if (recurrence.hasLogDecay)
    decay = times(std::move(decay), alpha);
  addGate(gradients.decay, row, decay);
}

template class reference::Adjoint<float>;
template class reference::Adjoint<double>;
