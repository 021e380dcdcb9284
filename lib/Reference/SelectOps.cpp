//===- SelectOps.cpp - Selection and compression of keys ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

namespace {

class Selector {
public:
  Selector(SelectOp op, Evaluation &evaluation)
      : op(op), query(evaluation.get(op.getQuery())),
        key(evaluation.get(op.getKey())), evaluation(evaluation) {}

  LogicalResult select();

private:
  LogicalResult check();
  /// The list `list` of query `i` in batch `b`.
  void selectRow(int64_t b, int64_t i, int64_t list, double *indices);
  void findSeen(int64_t b, int64_t i, int64_t list);
  void addHead(int64_t b, int64_t i, int64_t head);
  std::vector<double> poolScores() const;
  void force(std::vector<double> &candidates, int64_t position) const;
  int64_t getPosition(int64_t b, int64_t i) const {
    if (!positions)
      return i + key.shape[1] - query.shape[1];
    return static_cast<int64_t>(positions->values[b * query.shape[1] + i]);
  }

  SelectOp op;
  const Tensor &query, &key;
  const Tensor *weights = nullptr, *positions = nullptr;
  Evaluation &evaluation;
  std::optional<RegionProgram<double>> mask;
  std::optional<Frame<double>> frame;
  /// For each key, whether it is seen, and the sum of its scores.
  std::vector<bool> seen;
  std::vector<double> scores;
};

} // namespace

LogicalResult Selector::check() {
  if (query.shape[0] != key.shape[0])
    return op.emitOpError("expected query and key to agree in batch, got ")
           << query.shape[0] << " and " << key.shape[0];
  for (auto [name, value, rank] :
       {std::tuple("weights", op.getWeights(), 3),
        std::tuple("positions", op.getPositions(), 2)})
    if (value &&
        evaluation.get(value).shape != ArrayRef(query.shape).take_front(rank))
      return op.emitOpError("expected ")
             << name << " for the queries of " << toString(query.shape)
             << ", got " << toString(evaluation.get(value).shape);
  return checkCaptured(op, evaluation, query.shape[0]);
}

LogicalResult Selector::select() {
  if (failed(check()))
    return failure();
  if (op.getWeights())
    weights = &evaluation.get(op.getWeights());
  if (op.getPositions())
    positions = &evaluation.get(op.getPositions());
  if (Block *block = op.getMaskBlock()) {
    auto program =
        RegionProgram<double>::translate(*block, evaluation.getEnvironment());
    if (failed(program))
      return failure();
    mask = std::move(*program);
    frame.emplace(mask->createFrame());
  }
  int64_t lists = op.getQueryHeads(), top = op.getTop();
  Tensor &indices = evaluation.define(
      op.getIndices(), {query.shape[0], query.shape[1], lists, top});
  double *next = indices.values.data();
  for (int64_t b = 0; b != query.shape[0]; ++b)
    for (int64_t i = 0; i != query.shape[1]; ++i)
      for (int64_t list = 0; list != lists; ++list, next += top)
        selectRow(b, i, list, next);
  return success();
}

void Selector::findSeen(int64_t b, int64_t i, int64_t list) {
  int64_t numKeys = key.shape[1];
  seen.assign(numKeys, true);
  if (!mask)
    return;
  for (int64_t j = 0; j < numKeys; j += KeyBlock::kMaxCount) {
    int64_t count = std::min(KeyBlock::kMaxCount, numKeys - j);
    const int64_t *keep =
        mask->evaluateMask(*frame, {b, list, getPosition(b, i), j, count, i});
    for (int64_t k = 0; k != count; ++k)
      seen[j + k] = keep[k];
  }
}

/// Adds what a head makes of each key to its score.
void Selector::addHead(int64_t b, int64_t i, int64_t head) {
  int64_t heads = query.shape[2], keyHeads = key.shape[2];
  int64_t dim = query.shape[3], numKeys = key.shape[1];
  double scale = op.getScale() ? op.getScale()->convertToFloat() : 1.0;
  int64_t row = (b * query.shape[1] + i) * heads + head;
  const double *own = query.values.data() + row * dim;
  std::vector<double> x(numKeys, 0.0);
  double largest = -kInfinity;
  for (int64_t j = 0; j != numKeys; ++j) {
    int64_t other = (b * numKeys + j) * keyHeads + head / (heads / keyHeads);
    const double *channels = key.values.data() + other * dim;
    x[j] = scale * std::inner_product(own, own + dim, channels, 0.0);
    if (op.getRelu())
      x[j] = std::max(x[j], 0.0);
    if (seen[j])
      largest = std::max(largest, x[j]);
  }
  if (op.getSoftmax()) {
    double sum = 0;
    for (auto [j, value] : llvm::enumerate(x))
      sum += value = seen[j] ? std::exp(value - largest) : 0;
    for (double &value : x)
      value = sum == 0 ? 0 : value / sum;
  }
  double weight = weights ? weights->values[row] : 1;
  for (int64_t j = 0; j != numKeys; ++j)
    scores[j] += weight * x[j];
}

/// The score of each candidate, -inf where nothing of it is seen.
std::vector<double> Selector::poolScores() const {
  int64_t perCandidate = SelectOp(op).getMaxPool().value_or(1);
  std::vector<double> candidates(
      llvm::divideCeilSigned(scores.size(), perCandidate), -kInfinity);
  for (auto [j, score] : llvm::enumerate(scores))
    if (seen[j]) {
      double &candidate = candidates[j / perCandidate];
      candidate = std::max(candidate, score);
    }
  return candidates;
}

/// Raises those that come before all others.
void Selector::force(std::vector<double> &candidates, int64_t position) const {
  SelectOp select = op;
  int64_t block = select.getBlock(), size = candidates.size();
  auto raise = [&](int64_t candidate) {
    if (candidate >= 0 && candidate < size)
      candidates[candidate] = kInfinity;
  };
  // No more than there are, however many are asked for.
  int64_t first = select.getForcedFirst().value_or(0);
  for (int64_t n = 0; n < std::min(first, size); ++n)
    raise(n);
  int64_t own = position >= 0 ? position / block : -1;
  int64_t last = select.getForcedLast().value_or(0);
  for (int64_t n = std::max<int64_t>(own - size, 0);
       n < std::min(last, own + 1); ++n)
    raise(own - n);
}

void Selector::selectRow(int64_t b, int64_t i, int64_t list, double *indices) {
  int64_t heads = query.shape[2] / op.getQueryHeads(), top = op.getTop();
  findSeen(b, i, list);
  scores.assign(key.shape[1], 0.0);
  for (int64_t head = list * heads; head != (list + 1) * heads; ++head)
    addHead(b, i, head);
  std::vector<double> candidates = poolScores();
  force(candidates, getPosition(b, i));
  std::vector<int64_t> order;
  for (auto [candidate, score] : llvm::enumerate(candidates))
    if (score != -kInfinity)
      order.push_back(candidate);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return candidates[a] > candidates[b];
  });
  order.resize(std::min<int64_t>(order.size(), top));
  llvm::sort(order);
  std::fill_n(std::copy(order.begin(), order.end(), indices),
              top - order.size(), -1.0);
}

//===----------------------------------------------------------------------===//
// Compression
//===----------------------------------------------------------------------===//

namespace {

class Compressor {
public:
  Compressor(CompressOp op, Evaluation &evaluation)
      : op(op), input(evaluation.get(op.getInput())), evaluation(evaluation) {}

  LogicalResult compress();

private:
  int64_t countBlocks() const;
  double compressChannel(int64_t batch, int64_t first, int64_t count,
                         int64_t channel) const;

  CompressOp op;
  const Tensor &input;
  const Tensor *gate = nullptr, *bias = nullptr;
  Evaluation &evaluation;
};

} // namespace

int64_t Compressor::countBlocks() const {
  CompressOp compress = op;
  int64_t length = input.shape[1];
  int64_t block = compress.getBlock(), stride = compress.getStride();
  if (compress.getPartial())
    return llvm::divideCeilSigned(length, stride);
  return length < block ? 0 : (length - block) / stride + 1;
}

LogicalResult Compressor::compress() {
  if (op.getGate()) {
    gate = &evaluation.get(op.getGate());
    if (gate->shape != input.shape)
      return op.emitOpError("expected a gate of shape ")
             << toString(input.shape) << ", got " << toString(gate->shape);
  }
  if (op.getBias())
    bias = &evaluation.get(op.getBias());
  SmallVector<int64_t> shape(input.shape);
  shape[1] = countBlocks();
  Tensor &result = evaluation.define(op.getResult(), shape);
  int64_t channels = shape[2] * shape[3];
  double *next = result.values.data();
  for (int64_t b = 0; b != shape[0]; ++b)
    for (int64_t w = 0; w != shape[1]; ++w) {
      int64_t first = w * static_cast<int64_t>(op.getStride());
      int64_t count = std::min<int64_t>(op.getBlock(), input.shape[1] - first);
      for (int64_t channel = 0; channel != channels; ++channel)
        *next++ = compressChannel(b, first, count, channel);
    }
  return success();
}

double Compressor::compressChannel(int64_t batch, int64_t first, int64_t count,
                                   int64_t channel) const {
  int64_t channels = input.shape[2] * input.shape[3];
  auto at = [&](const Tensor &tensor, int64_t slot) {
    int64_t row = batch * input.shape[1] + first + slot;
    return tensor.values[row * channels + channel];
  };
  std::vector<double> gates(count, 0.0);
  double largest = -kInfinity;
  for (int64_t slot = 0; slot != count; ++slot) {
    if (gate)
      gates[slot] = at(*gate, slot);
    if (bias)
      gates[slot] += bias->values[slot * channels + channel];
    largest = std::max(largest, gates[slot]);
  }
  if (largest == -kInfinity)
    return 0;
  double sum = 0, total = 0;
  for (int64_t slot = 0; slot != count; ++slot)
    // What is left out may be anything.
    if (double weight = std::exp(gates[slot] - largest); weight != 0) {
      sum += weight * at(input, slot);
      total += weight;
    }
  return sum / total;
}

Evaluated reference::evaluateSelectOp(Operation *op, Evaluation &evaluation) {
  return TypeSwitch<Operation *, Evaluated>(op)
      .Case([&](SelectOp select) {
        return Selector(select, evaluation).select();
      })
      .Case([&](CompressOp compress) {
        return Compressor(compress, evaluation).compress();
      })
      .Default(std::nullopt);
}
