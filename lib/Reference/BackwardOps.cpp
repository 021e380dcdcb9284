//===- BackwardOps.cpp - Gradients of attention ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionRows.h"
#include "Evaluation.h"
#include "Keys.h"
#include "RegionGradient.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {

/// Computes the gradients query by query, by their definition.
class Differentiator {
public:
  Differentiator(AttentionBackwardOp op, Evaluation &evaluation)
      : op(op), evaluation(evaluation), query(evaluation.get(op.getQuery())),
        dOutput(evaluation.get(op.getDOutput())),
        keys(Keys::read(op.getKv(), evaluation)),
        normalizer(op.getNormalizerOrDefault()) {}

  LogicalResult run();

private:
  LogicalResult check();
  LogicalResult readBlocks();
  LogicalResult translate();
  void defineSources();
  FailureOr<std::vector<Sequence>> findSequences();
  Tensor &defineZeros(Value value, ArrayRef<int64_t> shape) {
    Tensor &tensor = evaluation.define(value, shape);
    llvm::fill(tensor.values, 0.0);
    return tensor;
  }
  bool isSigmoid() const { return normalizer == Normalizer::Sigmoid; }
  int64_t getPosition(Row row, const Sequence &sequence) const;
  /// Finds what the row's weights are divided by. False where it has no keys.
  bool readForward(Row row);
  void addRow(Row row, const Sequence &sequence);
  void addBlock(Row row, const KeyBlock &keyBlock);
  /// The derivative of the loss by the score of a key whose value is `value`;
  /// adds to the gradient of the value.
  double addValue(double score, const double *dOwn, const double *value,
                  double *dValue);
  bool isSeen(Row row, const KeyBlock &block, const int64_t *seen,
              int64_t k) const {
    return (keys.choices.empty() || chosen[block.key + k]) &&
           isInBlocks(blocks ? &*blocks : nullptr, row, block.key + k,
                      !seen || seen[k]);
  }
  double getLse(const Tensor &tensor, Row row) const;
  int64_t getOffset(const Tensor &tensor, Row row) const {
    ArrayRef<int64_t> shape = ArrayRef(tensor.shape).take_back(2);
    return ((firstQuery + row.query) * shape[0] + row.head) * shape[1];
  }

  AttentionBackwardOp op;
  Evaluation &evaluation;
  const Tensor &query, &dOutput;
  Keys keys;
  /// What holds the keys and values of each source; the same for both where a
  /// value is a slice of the key.
  struct Source {
    const Tensor *key, *value;
    Tensor *dKey, *dValue;
  };
  std::vector<Source> sources;
  std::optional<BlockLists> blocks;
  Normalizer normalizer;
  /// Null with sigmoid.
  const Tensor *output = nullptr, *lse = nullptr;
  Tensor *dQuery = nullptr, *dSink = nullptr;
  DenseMap<Value, Tensor *> dCaptured;
  std::optional<RegionProgram<double>> mask;
  std::optional<Frame<double>> maskFrame, scoreFrame;
  std::optional<RegionGradient> score;
  double scale = 1;
  int64_t groupSize = 1;
  /// Of the sequence and the row at hand: its first query among those of all,
  /// lse, lse with the sink, its gradient, and <d_output, output>.
  int64_t firstQuery = 0;
  double rowLse = 0, total = 0, dLse = 0, delta = 0;
  /// The keys that lists name for the row.
  std::vector<bool> chosen;
};

} // namespace

FailureOr<std::vector<Sequence>> Differentiator::findSequences() {
  std::vector<Sequence> sequences;
  if (!op.getCuSeqlens()) {
    for (int64_t b = 0; b != query.shape[0]; ++b)
      sequences.push_back({b * query.shape[1], query.shape[1]});
  } else {
    const Tensor &ends = evaluation.get(op.getCuSeqlens());
    if (failed(checkCuSeqlens(op, ends, query.shape[0])))
      return failure();
    for (int64_t b = 0; b + 1 < ends.size(); ++b) {
      auto first = static_cast<int64_t>(ends.values[b]);
      sequences.push_back(
          {first, static_cast<int64_t>(ends.values[b + 1]) - first});
    }
  }
  if (sequences.size() != keys.sequences.size())
    return op.emitOpError("expected query and key to agree in the number of "
                          "sequences, got ")
           << sequences.size() << " and " << keys.sequences.size();
  return sequences;
}

LogicalResult Differentiator::check() {
  SmallVector<int64_t> rows(query.shape), lseShape(query.shape);
  rows.back() = op.getKVType().getValueDim();
  lseShape.pop_back();
  std::swap(lseShape.back(), *std::prev(lseShape.end(), 2));
  for (const auto &[name, value, shape] :
       {std::tuple("output", op.getOutput(), rows),
        std::tuple("d_output", op.getDOutput(), rows),
        std::tuple("lse", op.getLse(), lseShape),
        std::tuple("d_lse", op.getDLse(), lseShape)})
    if (value && evaluation.get(value).shape != shape)
      return op.emitOpError("expected ")
             << name << " of shape " << toString(shape) << ", got "
             << toString(evaluation.get(value).shape);
  return failure(failed(checkPositions(op, evaluation)) ||
                 failed(checkChoices(op, keys, query.shape)) ||
                 failed(checkCaptured(op, evaluation, keys.sequences.size())));
}

LogicalResult Differentiator::readBlocks() {
  if (!op.hasBlockLists())
    return success();
  int64_t length = keys.sequences.empty() ? 0 : keys.sequences[0].size();
  FailureOr<BlockLists> read =
      BlockLists::read(op, length, evaluation.getEnvironment());
  if (succeeded(read))
    blocks = std::move(*read);
  return read;
}

LogicalResult Differentiator::translate() {
  if (!op.getMask().empty()) {
    auto program = RegionProgram<double>::translate(
        op.getMask().front(), evaluation.getEnvironment());
    if (failed(program))
      return failure();
    mask = std::move(*program);
    maskFrame.emplace(mask->createFrame());
  }
  for (auto [tensor, gradient] : llvm::zip(op.getWrt(), op.getDCaptured()))
    dCaptured[tensor] = &defineZeros(gradient, evaluation.get(tensor).shape);
  if (op.getScore().empty())
    return success();
  auto gradient = RegionGradient::translate(
      op.getScore().front(), evaluation.getEnvironment(), dCaptured);
  if (failed(gradient))
    return failure();
  score = std::move(*gradient);
  scoreFrame.emplace(score->createFrame());
  return success();
}

void Differentiator::defineSources() {
  auto results = op.getDKv().begin();
  auto define = [&](Value tensor) {
    const Tensor &own = evaluation.get(tensor);
    return std::pair(&own, &defineZeros(*results++, own.shape));
  };
  for (auto [key, value] : getKVSources(op.getKv())) {
    auto [keyTensor, dKey] = define(key);
    Source source = {keyTensor, keyTensor, dKey, dKey};
    if (value)
      std::tie(source.value, source.dValue) = define(value);
    sources.push_back(source);
  }
}

LogicalResult Differentiator::run() {
  FailureOr<std::vector<Sequence>> sequences = findSequences();
  if (failed(sequences) || failed(check()) || failed(readBlocks()) ||
      failed(translate()))
    return failure();
  KVType kv = op.getKVType();
  scale = op.getScale() ? op.getScale()->convertToFloat()
                        : 1 / std::sqrt(static_cast<double>(kv.getKeyDim()));
  groupSize = op.getQueryHeads() / kv.getHeads();
  if (!isSigmoid()) {
    output = &evaluation.get(op.getOutput());
    lse = &evaluation.get(op.getLse());
  }
  dQuery = &defineZeros(op.getDQuery(), query.shape);
  defineSources();
  if (op.getSink())
    dSink = &defineZeros(op.getDSink(), evaluation.get(op.getSink()).shape);
  for (auto [b, sequence] : llvm::enumerate(*sequences)) {
    firstQuery = sequence.firstQuery;
    for (int64_t head = 0; head != op.getQueryHeads(); ++head)
      for (int64_t i = 0; i != sequence.queries; ++i)
        addRow({static_cast<int64_t>(b), head, i}, sequence);
  }
  return success();
}

double Differentiator::getLse(const Tensor &tensor, Row row) const {
  ArrayRef<int64_t> shape = tensor.shape;
  if (shape.size() == 3)
    return tensor
        .values[(row.batch * shape[1] + row.head) * shape[2] + row.query];
  return tensor.values[row.head * shape[1] + firstQuery + row.query];
}

int64_t Differentiator::getPosition(Row row, const Sequence &sequence) const {
  if (Value positions = AttentionBackwardOp(op).getPositions())
    return static_cast<int64_t>(
        evaluation.get(positions).values[firstQuery + row.query]);
  auto numKeys = static_cast<int64_t>(keys.sequences[row.batch].size());
  return row.query + numKeys - sequence.queries;
}

bool Differentiator::readForward(Row row) {
  if (isSigmoid())
    return true;
  rowLse = total = getLse(*lse, row);
  if (rowLse == -kInfinity)
    return false;
  dLse = op.getDLse() ? getLse(evaluation.get(op.getDLse()), row) : 0;
  int64_t offset = getOffset(*output, row), channels = output->shape.back();
  delta = std::inner_product(output->values.begin() + offset,
                             output->values.begin() + offset + channels,
                             dOutput.values.begin() + offset, 0.0);
  double sink = -kInfinity;
  if (normalizer == Normalizer::OffByOne)
    sink = 0;
  else if (op.getSink())
    sink = evaluation.get(op.getSink()).values[row.head];
  if (sink != -kInfinity)
    total =
        std::max(rowLse, sink) + std::log1p(std::exp(-std::abs(rowLse - sink)));
  if (dSink) {
    // A sink above all takes the whole weight.
    double share = sink == kInfinity ? 1 : std::exp(sink - total);
    dSink->values[row.head] -= share * delta;
  }
  return true;
}

void Differentiator::addRow(Row row, const Sequence &sequence) {
  // A query without keys adds nothing.
  if (!readForward(row))
    return;
  if (!keys.choices.empty())
    keys.choose(row, firstQuery, op.getQueryHeads(), chosen);
  auto numKeys = static_cast<int64_t>(keys.sequences[row.batch].size());
  int64_t position = getPosition(row, sequence);
  for (int64_t key = 0; key < numKeys; key += KeyBlock::kMaxCount)
    addBlock(row, {row.batch, row.head, position, key,
                   std::min(KeyBlock::kMaxCount, numKeys - key), row.query});
}

/// The gradient is where the keys or values are.
static double *gradientOf(Tensor *gradient, const Tensor *tensor,
                          const double *element) {
  return gradient->values.data() + (element - tensor->values.data());
}

double Differentiator::addValue(double score, const double *dOwn,
                                const double *value, double *dValue) {
  double weight =
      isSigmoid() ? 1 / (1 + std::exp(-score)) : std::exp(score - total);
  double dWeight = 0;
  for (int64_t d = 0; d != dOutput.shape.back(); ++d) {
    dWeight += dOwn[d] * value[d];
    dValue[d] += weight * dOwn[d];
  }
  if (isSigmoid())
    return weight * (1 - weight) * dWeight;
  double derivative = weight * (dWeight - delta);
  if (dLse != 0)
    derivative += dLse * std::exp(score - rowLse);
  return derivative;
}

void Differentiator::addBlock(Row row, const KeyBlock &block) {
  const KeyRow *rows = keys.sequences[row.batch].data() + block.key;
  int64_t head = row.head / groupSize, dim = query.shape.back();
  int64_t queryOffset = getOffset(query, row);
  const double *own = query.values.data() + queryOffset;
  const double *dOwn = dOutput.values.data() + getOffset(dOutput, row);
  const int64_t *seen = mask ? mask->evaluateMask(*maskFrame, block) : nullptr;

  std::vector<double> scores(block.count), derivatives(block.count, 0.0);
  for (int64_t k = 0; k != block.count; ++k) {
    const double *key = rows[k].key + head * rows[k].keyStride;
    scores[k] = scale * std::inner_product(own, own + dim, key, 0.0);
  }
  if (score)
    score->evaluate(*scoreFrame, block, scores.data());
  for (int64_t k = 0; k != block.count; ++k) {
    if (!isSeen(row, block, seen, k))
      continue;
    const Source &source = sources[rows[k].source];
    const double *value = rows[k].value + head * rows[k].valueStride;
    derivatives[k] = addValue(scores[k], dOwn, value,
                              gradientOf(source.dValue, source.value, value));
  }
  if (score)
    score->propagate(*scoreFrame, derivatives.data());
  double *dq = dQuery->values.data() + queryOffset;
  for (int64_t k = 0; k != block.count; ++k) {
    if (!isSeen(row, block, seen, k))
      continue;
    const double *key = rows[k].key + head * rows[k].keyStride;
    const Source &source = sources[rows[k].source];
    double *dk = gradientOf(source.dKey, source.key, key);
    for (int64_t d = 0; d != dim; ++d) {
      dq[d] += scale * derivatives[k] * key[d];
      dk[d] += scale * derivatives[k] * own[d];
    }
  }
}

Evaluated reference::evaluateBackwardOp(Operation *op, Evaluation &evaluation) {
  if (auto backward = dyn_cast<AttentionBackwardOp>(op))
    return Differentiator(backward, evaluation).run();
  return std::nullopt;
}
