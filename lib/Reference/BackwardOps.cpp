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
        output(evaluation.get(op.getOutput())),
        dOutput(evaluation.get(op.getDOutput())),
        lse(evaluation.get(op.getLse())),
        keys(Keys::read(op.getKv(), evaluation)) {}

  LogicalResult run();

private:
  LogicalResult check();
  LogicalResult translate();
  FailureOr<std::vector<Sequence>> findSequences();
  Tensor &defineZeros(Value value, ArrayRef<int64_t> shape) {
    Tensor &tensor = evaluation.define(value, shape);
    llvm::fill(tensor.values, 0.0);
    return tensor;
  }
  void addRow(Row row, const Sequence &sequence);
  void addBlock(Row row, const KeyBlock &keyBlock);
  double getLse(const Tensor &tensor, Row row) const;
  int64_t getOffset(const Tensor &tensor, Row row) const {
    ArrayRef<int64_t> shape = ArrayRef(tensor.shape).take_back(2);
    return ((firstQuery + row.query) * shape[0] + row.head) * shape[1];
  }

  AttentionBackwardOp op;
  Evaluation &evaluation;
  const Tensor &query, &output, &dOutput, &lse;
  Keys keys;
  Tensor *dQuery = nullptr, *dKey = nullptr, *dValue = nullptr;
  Tensor *dSink = nullptr;
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
  return checkCaptured(op, evaluation, keys.sequences.size());
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

LogicalResult Differentiator::run() {
  FailureOr<std::vector<Sequence>> sequences = findSequences();
  if (failed(sequences) || failed(check()) || failed(translate()))
    return failure();
  KVType kv = op.getKVType();
  scale = op.getScale() ? op.getScale()->convertToFloat()
                        : 1 / std::sqrt(static_cast<double>(kv.getKeyDim()));
  groupSize = op.getQueryHeads() / kv.getHeads();
  Operation *constructor = op.getKv().getDefiningOp();
  dQuery = &defineZeros(op.getDQuery(), query.shape);
  dKey = &defineZeros(op.getDKey(),
                      evaluation.get(constructor->getOperand(0)).shape);
  dValue = &defineZeros(op.getDValue(),
                        evaluation.get(constructor->getOperand(1)).shape);
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

void Differentiator::addRow(Row row, const Sequence &sequence) {
  rowLse = total = getLse(lse, row);
  // A query without keys adds nothing.
  if (rowLse == -kInfinity)
    return;
  AttentionBackwardOp own = op;
  dLse = own.getDLse() ? getLse(evaluation.get(own.getDLse()), row) : 0;
  int64_t offset = getOffset(output, row), channels = output.shape.back();
  delta = std::inner_product(output.values.begin() + offset,
                             output.values.begin() + offset + channels,
                             dOutput.values.begin() + offset, 0.0);
  if (own.getSink()) {
    double sink = evaluation.get(own.getSink()).values[row.head];
    total =
        std::max(rowLse, sink) + std::log1p(std::exp(-std::abs(rowLse - sink)));
    if (sink == -kInfinity)
      total = rowLse;
    // A sink above all takes the whole weight.
    double share = sink == kInfinity ? 1 : std::exp(sink - total);
    dSink->values[row.head] -= share * delta;
  }
  auto numKeys = static_cast<int64_t>(keys.sequences[row.batch].size());
  int64_t position = row.query + numKeys - sequence.queries;
  for (int64_t key = 0; key < numKeys; key += KeyBlock::kMaxCount)
    addBlock(row, {row.batch, row.head, position, key,
                   std::min(KeyBlock::kMaxCount, numKeys - key), row.query});
}

void Differentiator::addBlock(Row row, const KeyBlock &block) {
  const KeyRow *rows = keys.sequences[row.batch].data() + block.key;
  int64_t head = row.head / groupSize, dim = query.shape.back();
  int64_t channels = output.shape.back();
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

  // The gradients are where the keys and values are.
  auto gradientOf = [](Tensor &gradient, const Tensor &tensor,
                       const double *element) {
    return gradient.values.data() + (element - tensor.values.data());
  };
  Operation *constructor = op.getKv().getDefiningOp();
  const Tensor &keyTensor = evaluation.get(constructor->getOperand(0));
  const Tensor &valueTensor = evaluation.get(constructor->getOperand(1));
  for (int64_t k = 0; k != block.count; ++k) {
    if (seen && !seen[k])
      continue;
    const double *value = rows[k].value + head * rows[k].valueStride;
    double *dv = gradientOf(*dValue, valueTensor, value);
    double weight = std::exp(scores[k] - total), dWeight = 0;
    for (int64_t d = 0; d != channels; ++d) {
      dWeight += dOwn[d] * value[d];
      dv[d] += weight * dOwn[d];
    }
    derivatives[k] = weight * (dWeight - delta);
    if (dLse != 0)
      derivatives[k] += dLse * std::exp(scores[k] - rowLse);
  }
  if (score)
    score->propagate(*scoreFrame, derivatives.data());
  for (int64_t k = 0; k != block.count; ++k) {
    const double *key = rows[k].key + head * rows[k].keyStride;
    double *dk = gradientOf(*dKey, keyTensor, key);
    double *dq = dQuery->values.data() + queryOffset;
    if (seen && !seen[k])
      continue;
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
