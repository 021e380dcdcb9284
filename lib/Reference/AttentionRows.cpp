//===- AttentionRows.cpp - Attention, row by row --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionRows.h"

#include "llvm/ADT/bit.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

/// How the values of an intermediate tensor are kept: as they are computed, or
/// in bfloat16.
template <typename T> static T keepExact(T value) { return value; }

/// Rounds to nearest, ties to even, without the last bits of the fraction.
template <unsigned dropped> static float keepFraction(float value) {
  if (std::isnan(value))
    return value;
  auto bits = llvm::bit_cast<uint32_t>(value);
  constexpr uint32_t unit = 1u << dropped;
  bits += unit / 2 - 1 + (bits >> dropped & 1);
  return llvm::bit_cast<float>(bits & ~(unit - 1));
}

static float keepBFloat16(float value) { return keepFraction<16>(value); }

static float keepHalf(float value) {
  if (std::abs(value) >= 65520)
    return std::copysign(INFINITY, value);
  // Below the least normal number the steps have one size: that of the last bit
  // of 0.75 in float.
  constexpr float magic = 0.75f;
  if (std::abs(value) < 0x1p-14f)
    return std::copysign(std::abs(value) + magic - magic, value);
  return keepFraction<13>(value);
}

/// Partial sums that do not depend on each other let the compiler use vectors.
template <typename Real>
static Real dot(const Real *a, const double *b, int64_t size) {
  constexpr int64_t kPartials = 8;
  Real partials[kPartials] = {};
  int64_t i = 0;
  for (; i + kPartials <= size; i += kPartials)
    for (int64_t k = 0; k != kPartials; ++k)
      partials[k] += a[i + k] * static_cast<Real>(b[i + k]);
  Real sum = 0;
  for (; i != size; ++i)
    sum += a[i] * static_cast<Real>(b[i]);
  for (Real partial : partials)
    sum += partial;
  return sum;
}

namespace {

/// What the rows of an attention have in common.
template <typename Real> struct Problem {
  const AttentionTensors &tensors;
  Real scale;
  int64_t groupSize;
  Normalizer normalizer;
  Real (*keep)(Real);
  std::optional<RegionProgram<Real>> mask, score;
};

/// Computes one row after the other, by the definition.
template <typename Real> class RowEvaluator {
public:
  explicit RowEvaluator(const Problem<Real> &problem)
      : problem(problem), tensors(problem.tensors),
        query(tensors.query.shape.back()), sums(tensors.output.shape.back()) {
    if (problem.mask)
      maskFrame.emplace(problem.mask->createFrame());
    if (problem.score)
      scoreFrame.emplace(problem.score->createFrame());
  }

  void evaluate(Row row) {
    computeScores(row);
    double lse = normalise(row.head);
    accumulate(row);
    store(row, lse);
  }

private:
  static constexpr Real kInfinity = std::numeric_limits<Real>::infinity();

  /// Where the head dimension of a row of [B, L, H, D] or [total, H, D] starts.
  static int64_t getOffset(const Tensor &tensor, int64_t row, int64_t head) {
    ArrayRef<int64_t> shape = ArrayRef(tensor.shape).take_back(2);
    return (row * shape[0] + head) * shape[1];
  }
  int64_t getQueryOffset(const Tensor &tensor, Row row) const {
    int64_t first = tensors.sequences[row.batch].firstQuery;
    return getOffset(tensor, first + row.query, row.head);
  }
  /// Of [B, Hq, Lq], or packed [Hq, total_q].
  int64_t getLseOffset(Row row) const {
    ArrayRef<int64_t> shape = tensors.lse.shape;
    if (shape.size() == 3)
      return (row.batch * shape[1] + row.head) * shape[2] + row.query;
    int64_t first = tensors.sequences[row.batch].firstQuery;
    return row.head * shape[1] + first + row.query;
  }

  const std::vector<KeyRow> &getKeys(int64_t batch) const {
    return tensors.keys.sequences[batch];
  }
  int64_t getPosition(Row row) const {
    const Sequence &sequence = tensors.sequences[row.batch];
    if (tensors.positions)
      return static_cast<int64_t>(
          tensors.positions->values[sequence.firstQuery + row.query]);
    return row.query + static_cast<int64_t>(getKeys(row.batch).size()) -
           sequence.queries;
  }

  /// weights = mask(score(scale * q k^T)), -inf where the mask says no.
  void computeScores(Row row) {
    int64_t offset = getQueryOffset(tensors.query, row);
    std::copy_n(tensors.query.values.begin() + offset, query.size(),
                query.begin());
    auto numKeys = static_cast<int64_t>(getKeys(row.batch).size());
    weights.resize(numKeys);
    if (!tensors.keys.choices.empty())
      tensors.keys.choose(row, tensors.sequences[row.batch].firstQuery,
                          *std::prev(tensors.query.shape.end(), 2), chosen);
    int64_t position = getPosition(row);
    for (int64_t key = 0; key < numKeys; key += KeyBlock::kMaxCount) {
      int64_t count = std::min(KeyBlock::kMaxCount, numKeys - key);
      computeScores(row.query,
                    {row.batch, row.head, position, key, count, row.query});
    }
  }

  void computeScores(int64_t query, const KeyBlock &keys) {
    Real *scores = weights.data() + keys.key;
    const int64_t *mask = nullptr;
    if (problem.mask)
      mask = problem.mask->evaluateMask(*maskFrame, keys);
    auto isSeen = [&](int64_t k) {
      if (!tensors.keys.choices.empty() && !chosen[keys.key + k])
        return false;
      return isInBlocks(tensors.blocks, {keys.batch, keys.head, query},
                        keys.key + k, !mask || mask[k]);
    };
    for (int64_t k = 0; k != keys.count; ++k)
      scores[k] = isSeen(k) ? computeScore(keys, k) : -kInfinity;
    if (!problem.score)
      return;
    problem.score->evaluateScore(*scoreFrame, keys, scores);
    for (int64_t k = 0; k != keys.count; ++k)
      scores[k] = isSeen(k) ? problem.keep(scores[k]) : -kInfinity;
  }

  Real computeScore(const KeyBlock &keys, int64_t k) {
    const KeyRow &row = getKeys(keys.batch)[keys.key + k];
    int64_t head = keys.head / problem.groupSize;
    Real product = dot(query.data(), row.key + head * row.keyStride,
                       static_cast<int64_t>(query.size()));
    return problem.keep(problem.scale * problem.keep(product));
  }

  /// weights = sigmoid(weights). There is no lse.
  double applySigmoid() {
    for (Real &weight : weights)
      weight = problem.keep(1 / (1 + std::exp(-weight)));
    return std::numeric_limits<double>::quiet_NaN();
  }

  /// weights = softmax(weights). Returns the lse. In an empty row the weights
  /// are zero.
  double normalise(int64_t head) {
    if (problem.normalizer == Normalizer::Sigmoid)
      return applySigmoid();
    Real maximum = -kInfinity;
    for (Real score : weights)
      maximum = std::max(maximum, score);
    // Nothing is subtracted from an empty row, so that its sum is zero.
    Real shift = maximum == -kInfinity ? Real(0) : maximum;
    Real sum = 0;
    for (Real &weight : weights)
      sum += weight = weight == -kInfinity ? 0 : std::exp(weight - shift);
    if (sum == 0)
      return -kInfinity;
    // A sink far above the maximum makes the total infinite, the weights zero.
    Real total = sum;
    if (problem.normalizer == Normalizer::OffByOne)
      total += std::exp(-shift);
    if (tensors.sink)
      total += std::exp(static_cast<Real>(tensors.sink->values[head]) - shift);
    for (Real &weight : weights)
      weight = problem.keep(weight / total);
    return shift + std::log(sum);
  }

  /// sums = weights * v.
  void accumulate(Row row) {
    std::fill(sums.begin(), sums.end(), Real(0));
    int64_t head = row.head / problem.groupSize;
    const std::vector<KeyRow> &keys = getKeys(row.batch);
    for (auto [j, weight] : llvm::enumerate(weights)) {
      // A key that is not seen adds nothing, even where its value is infinite.
      if (weight == 0)
        continue;
      const double *value = keys[j].value + head * keys[j].valueStride;
      for (size_t d = 0; d != sums.size(); ++d)
        sums[d] += weight * static_cast<Real>(value[d]);
    }
  }

  void store(Row row, double lse) {
    int64_t offset = getQueryOffset(tensors.output, row);
    llvm::transform(sums, tensors.output.values.begin() + offset, problem.keep);
    tensors.lse.values[getLseOffset(row)] = lse;
  }

  const Problem<Real> &problem;
  const AttentionTensors &tensors;
  std::optional<Frame<Real>> maskFrame, scoreFrame;
  /// The row's query, its scores and later its weights, and its output.
  std::vector<Real> query, weights, sums;
  /// Which keys the lists for the row name, where there are lists.
  std::vector<bool> chosen;
};

} // namespace

/// The rows to compute, in the order of heads so that threads share keys.
static std::vector<Row> listRows(const AttentionTensors &tensors,
                                 const Options &options) {
  if (options.rows)
    return *options.rows;
  std::vector<Row> rows;
  int64_t heads = *std::prev(tensors.query.shape.end(), 2);
  for (auto [batch, sequence] : llvm::enumerate(tensors.sequences))
    for (int64_t head = 0; head != heads; ++head)
      for (int64_t query = 0; query != sequence.queries; ++query)
        rows.push_back({static_cast<int64_t>(batch), head, query});
  return rows;
}

template <typename Real>
static void evaluateInParallel(const Problem<Real> &problem, ArrayRef<Row> rows,
                               unsigned numThreads) {
  constexpr int64_t kRowsAtOnce = 16;
  std::atomic<int64_t> next = 0;
  auto work = [&] {
    RowEvaluator<Real> evaluator(problem);
    while (true) {
      int64_t first = next.fetch_add(kRowsAtOnce);
      int64_t last = std::min<int64_t>(first + kRowsAtOnce, rows.size());
      if (first >= last)
        return;
      for (int64_t i = first; i != last; ++i)
        evaluator.evaluate(rows[i]);
    }
  };
  int64_t wanted =
      numThreads ? numThreads : std::thread::hardware_concurrency();
  int64_t useful = llvm::divideCeil(rows.size(), kRowsAtOnce);
  std::vector<std::thread> threads;
  for (int64_t i = 1; i < std::min(wanted, useful); ++i)
    threads.emplace_back(work);
  work();
  for (std::thread &thread : threads)
    thread.join();
}

template <typename Real>
static LogicalResult evaluate(AttentionOp op, const Environment &captured,
                              const AttentionTensors &tensors,
                              const Options &options, Real (*keep)(Real)) {
  Problem<Real> problem = {tensors,
                           static_cast<Real>(op.getScaleOrDefault()),
                           op.getGroupSize(),
                           op.getNormalizerOrDefault(),
                           keep,
                           std::nullopt,
                           std::nullopt};
  auto translate = [&](Block *block, auto &program) -> LogicalResult {
    if (!block)
      return success();
    auto translated = RegionProgram<Real>::translate(*block, captured);
    if (failed(translated))
      return failure();
    program = std::move(*translated);
    return success();
  };
  if (failed(translate(op.getMaskBlock(), problem.mask)) ||
      failed(translate(op.getScoreBlock(), problem.score)))
    return failure();
  evaluateInParallel<Real>(problem, listRows(tensors, options),
                           options.threads);
  return success();
}

LogicalResult reference::evaluateRows(AttentionOp op,
                                      const Environment &captured,
                                      const AttentionTensors &tensors,
                                      const Options &options) {
  switch (options.arithmetic) {
  case Arithmetic::F64:
    return evaluate<double>(op, captured, tensors, options, keepExact);
  case Arithmetic::F32:
    return evaluate<float>(op, captured, tensors, options, keepExact);
  case Arithmetic::Eager:
    bool isHalf = op.getQueryType().getElementType().isF16();
    return evaluate<float>(op, captured, tensors, options,
                           isHalf ? keepHalf : keepBFloat16);
  }
  llvm_unreachable("every arithmetic is handled");
}
