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

/// The queries and the keys of one sequence, among those of all.
struct Stretch {
  int64_t firstQuery, queries, firstKey, keys;
};

class Selector {
public:
  Selector(SelectOp op, Evaluation &evaluation)
      : op(op), query(evaluation.get(op.getQuery())),
        key(evaluation.get(op.getKey())), evaluation(evaluation) {}

  LogicalResult select();

private:
  LogicalResult check(size_t numStretches);
  FailureOr<std::vector<Stretch>> findStretches();
  /// The list `list` of query `i` in sequence `b`, which `own` is.
  void selectRow(int64_t b, int64_t i, int64_t list, double *indices);
  void findSeen(int64_t b, int64_t i, int64_t list);
  void addHead(int64_t i, int64_t head);
  std::vector<double> poolScores() const;
  void force(std::vector<double> &candidates, int64_t position) const;
  int64_t getPosition(int64_t i) const {
    if (!positions)
      return i + own.keys - own.queries;
    return static_cast<int64_t>(positions->values[own.firstQuery + i]);
  }

  SelectOp op;
  const Tensor &query, &key;
  const Tensor *weights = nullptr, *positions = nullptr;
  Evaluation &evaluation;
  std::optional<RegionProgram<double>> mask;
  std::optional<Frame<double>> frame;
  Stretch own = {0, 0, 0, 0};
  /// For each key, whether it is seen, and the sum of its scores.
  std::vector<bool> seen;
  std::vector<double> scores;
};

} // namespace

FailureOr<std::vector<Stretch>> Selector::findStretches() {
  std::vector<Stretch> stretches;
  if (!op.getCuSeqlens()) {
    int64_t queries = query.shape[1], keys = key.shape[1];
    for (int64_t b = 0; b != query.shape[0]; ++b)
      stretches.push_back({b * queries, queries, b * keys, keys});
    return stretches;
  }
  const Tensor &ends = evaluation.get(op.getCuSeqlens());
  const Tensor &keyEnds = evaluation.get(op.getCuSeqlensK());
  if (failed(checkCuSeqlens(op, ends, query.shape[0])) ||
      failed(checkCuSeqlens(op, keyEnds, key.shape[0])))
    return failure();
  if (ends.shape != keyEnds.shape)
    return op.emitOpError("expected cu_seqlens of queries and keys of the same "
                          "size, got ")
           << toString(ends.shape) << " and " << toString(keyEnds.shape);
  for (int64_t b = 0; b + 1 < ends.size(); ++b) {
    auto at = [&](const Tensor &tensor, int64_t place) {
      return static_cast<int64_t>(tensor.values[place]);
    };
    stretches.push_back({at(ends, b), at(ends, b + 1) - at(ends, b),
                         at(keyEnds, b), at(keyEnds, b + 1) - at(keyEnds, b)});
  }
  return stretches;
}

LogicalResult Selector::check(size_t numStretches) {
  if (!op.getCuSeqlens() && query.shape[0] != key.shape[0])
    return op.emitOpError("expected query and key to agree in batch, got ")
           << query.shape[0] << " and " << key.shape[0];
  for (auto [name, value, dropped] :
       {std::tuple("weights", op.getWeights(), 1),
        std::tuple("positions", op.getPositions(), 2)})
    if (value &&
        evaluation.get(value).shape != ArrayRef(query.shape).drop_back(dropped))
      return op.emitOpError("expected ")
             << name << " for the queries of " << toString(query.shape)
             << ", got " << toString(evaluation.get(value).shape);
  return checkCaptured(op, evaluation, numStretches);
}

LogicalResult Selector::select() {
  FailureOr<std::vector<Stretch>> stretches = findStretches();
  if (failed(stretches) || failed(check(stretches->size())))
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
  SmallVector<int64_t> shape(ArrayRef(query.shape).drop_back(2));
  shape.append({lists, top});
  Tensor &indices = evaluation.define(op.getIndices(), shape);
  // Rows of no sequence choose nothing.
  llvm::fill(indices.values, -1.0);
  for (auto [b, stretch] : llvm::enumerate(*stretches)) {
    own = stretch;
    double *next = indices.values.data() + own.firstQuery * lists * top;
    for (int64_t i = 0; i != own.queries; ++i)
      for (int64_t list = 0; list != lists; ++list, next += top)
        selectRow(static_cast<int64_t>(b), i, list, next);
  }
  return success();
}

void Selector::findSeen(int64_t b, int64_t i, int64_t list) {
  int64_t numKeys = own.keys;
  seen.assign(numKeys, true);
  if (!mask)
    return;
  for (int64_t j = 0; j < numKeys; j += KeyBlock::kMaxCount) {
    int64_t count = std::min(KeyBlock::kMaxCount, numKeys - j);
    const int64_t *keep =
        mask->evaluateMask(*frame, {b, list, getPosition(i), j, count, i});
    for (int64_t k = 0; k != count; ++k)
      seen[j + k] = keep[k];
  }
}

/// Adds what a head makes of each key to its score.
void Selector::addHead(int64_t i, int64_t head) {
  ArrayRef<int64_t> shape = ArrayRef(query.shape).take_back(2);
  int64_t heads = shape[0], dim = shape[1], numKeys = own.keys;
  int64_t keyHeads = ArrayRef(key.shape).take_back(2).front();
  double scale = op.getScale() ? op.getScale()->convertToFloat() : 1.0;
  int64_t row = (own.firstQuery + i) * heads + head;
  const double *mine = query.values.data() + row * dim;
  std::vector<double> x(numKeys, 0.0);
  double largest = -kInfinity;
  for (int64_t j = 0; j != numKeys; ++j) {
    int64_t other = (own.firstKey + j) * keyHeads + head / (heads / keyHeads);
    const double *channels = key.values.data() + other * dim;
    x[j] = scale * std::inner_product(mine, mine + dim, channels, 0.0);
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
  int64_t heads = ArrayRef(query.shape).take_back(2).front();
  int64_t perList = heads / op.getQueryHeads(), top = op.getTop();
  findSeen(b, i, list);
  scores.assign(own.keys, 0.0);
  for (int64_t head = list * perList; head != (list + 1) * perList; ++head)
    addHead(i, head);
  std::vector<double> candidates = poolScores();
  force(candidates, getPosition(i));
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
  /// The rows of a sequence, and where its blocks are.
  struct Part {
    int64_t firstRow, rows, firstBlock;
  };
  FailureOr<std::vector<Part>> findParts(SmallVectorImpl<int64_t> &shape);
  int64_t countBlocks(int64_t length) const;
  double compressChannel(int64_t firstRow, int64_t count,
                         int64_t channel) const;

  CompressOp op;
  const Tensor &input;
  const Tensor *gate = nullptr, *bias = nullptr;
  Evaluation &evaluation;
};

} // namespace

int64_t Compressor::countBlocks(int64_t length) const {
  CompressOp compress = op;
  int64_t block = compress.getBlock(), stride = compress.getStride();
  if (compress.getPartial())
    return llvm::divideCeilSigned(length, stride);
  return length < block ? 0 : (length - block) / stride + 1;
}

/// Finds the sequences, and the shape of the result.
FailureOr<std::vector<Compressor::Part>>
Compressor::findParts(SmallVectorImpl<int64_t> &shape) {
  std::vector<Part> parts;
  if (!op.getCuSeqlens()) {
    int64_t rows = input.shape[1];
    shape[1] = countBlocks(rows);
    for (int64_t b = 0; b != input.shape[0]; ++b)
      parts.push_back({b * rows, rows, b * shape[1]});
    return parts;
  }
  const Tensor &ends = evaluation.get(op.getCuSeqlens());
  const Tensor &blockEnds = evaluation.get(op.getCuBlocks());
  shape[0] = blockEnds.values.empty()
                 ? 0
                 : static_cast<int64_t>(blockEnds.values.back());
  if (failed(checkCuSeqlens(op, ends, input.shape[0])) ||
      failed(checkCuSeqlens(op, blockEnds, shape[0])))
    return failure();
  if (ends.shape != blockEnds.shape)
    return op.emitOpError("expected cu_seqlens of rows and blocks of the same "
                          "size, got ")
           << toString(ends.shape) << " and " << toString(blockEnds.shape);
  for (int64_t b = 0; b + 1 < ends.size(); ++b) {
    auto first = static_cast<int64_t>(ends.values[b]);
    int64_t rows = static_cast<int64_t>(ends.values[b + 1]) - first;
    auto firstBlock = static_cast<int64_t>(blockEnds.values[b]);
    int64_t room = static_cast<int64_t>(blockEnds.values[b + 1]) - firstBlock;
    if (room != countBlocks(rows))
      return op.emitOpError("expected room for ")
             << countBlocks(rows) << " blocks of the " << rows
             << " rows of sequence " << b << ", got " << room;
    parts.push_back({first, rows, firstBlock});
  }
  return parts;
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
  FailureOr<std::vector<Part>> parts = findParts(shape);
  if (failed(parts))
    return failure();
  Tensor &result = evaluation.define(op.getResult(), shape);
  int64_t channels = shape.back() * *std::prev(shape.end(), 2);
  for (const Part &part : *parts)
    for (int64_t w = 0, count = countBlocks(part.rows); w != count; ++w) {
      int64_t first = w * static_cast<int64_t>(op.getStride());
      int64_t rows = std::min<int64_t>(op.getBlock(), part.rows - first);
      double *next = result.values.data() + (part.firstBlock + w) * channels;
      for (int64_t channel = 0; channel != channels; ++channel)
        *next++ = compressChannel(part.firstRow + first, rows, channel);
    }
  return success();
}

double Compressor::compressChannel(int64_t firstRow, int64_t count,
                                   int64_t channel) const {
  ArrayRef<int64_t> shape = ArrayRef(input.shape).take_back(2);
  int64_t channels = shape[0] * shape[1];
  auto at = [&](const Tensor &tensor, int64_t slot) {
    return tensor.values[(firstRow + slot) * channels + channel];
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
