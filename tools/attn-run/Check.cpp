//===- Check.cpp - Is a result right? -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <sstream>

using namespace attn::run;

namespace {
/// Up to this much work of the reference every row is compared.
constexpr double completeWork = 2e9;
/// The work that the sampled rows may take.
constexpr double sampleWork = 16e9;
/// The rows of a tile, whose edges are where kernels go wrong.
constexpr int64_t tileRows = 128;
constexpr int randomRowsPerHead = 4;

constexpr double eagerFactor = 2;
constexpr double rowSlack = 1e-5;
constexpr double lseLimit = 1e-4;

/// What depends on the element type of the output.
struct Precision {
  double frobeniusLimit;
  int fractionBits;
  /// What is smaller has fewer bits.
  double leastNormal;
};
} // namespace

static Precision precisionOf(attn::runtime::ElementType type) {
  if (type == attn::runtime::ElementType::F16)
    return {4e-4, 10, 0x1p-14};
  return {3e-3, 7, 0x1p-126};
}

/// The queries that every head must be compared at.
static std::set<int64_t> mustQueries(const Sequence &sequence) {
  // Under a causal mask the queries before this one see no key.
  int64_t border = sequence.queries - sequence.keys;
  std::set<int64_t> queries;
  for (int64_t query :
       {int64_t(0), sequence.queries - 1, border - 1, border, border + 1})
    if (query >= 0 && query < sequence.queries)
      queries.insert(query);
  return queries;
}

/// The first and the last row of every tile, and the row after the first.
static std::vector<int64_t> edgeQueries(const Sequence &sequence) {
  std::vector<int64_t> queries;
  for (int64_t edge = tileRows; edge <= sequence.queries; edge += tileRows)
    for (int64_t query : {edge - 1, edge, edge + 1})
      if (query < sequence.queries)
        queries.push_back(query);
  return queries;
}

Sample attn::run::selectRows(const Geometry &geometry, uint64_t seed) {
  Sample sample;
  sample.complete = geometry.work() < completeWork;
  if (sample.complete) {
    for (int64_t batch = 0; batch < geometry.batches(); ++batch)
      for (int64_t head = 0; head < geometry.heads; ++head)
        for (int64_t i = 0; i < geometry.sequences[batch].queries; ++i)
          sample.rows.push_back({batch, head, i});
    return sample;
  }

  std::vector<std::vector<int64_t>> edges;
  double edgeWork = 0;
  for (const Sequence &sequence : geometry.sequences) {
    edges.push_back(edgeQueries(sequence));
    edgeWork += geometry.rowWork(sequence) *
                static_cast<double>(edges.back().size()) *
                static_cast<double>(geometry.heads);
  }
  // Where all edges of all heads would be too much, the heads share them.
  int64_t heads = geometry.batches() * geometry.heads;
  auto share = static_cast<int64_t>(std::ceil(edgeWork / sampleWork));
  share = std::clamp<int64_t>(share, 1, std::max<int64_t>(heads, 1));
  std::mt19937_64 random(seed);
  for (int64_t head = 0; head < heads; ++head) {
    int64_t batch = head / geometry.heads;
    const Sequence &sequence = geometry.sequences[batch];
    if (sequence.queries == 0)
      continue;
    std::set<int64_t> queries = mustQueries(sequence);
    for (size_t i = 0; i < edges[batch].size(); ++i)
      if ((static_cast<int64_t>(i) + head) % share == 0)
        queries.insert(edges[batch][i]);
    for (int i = 0; i < randomRowsPerHead; ++i)
      queries.insert(static_cast<int64_t>(
          random() % static_cast<uint64_t>(sequence.queries)));
    for (int64_t query : queries)
      sample.rows.push_back({batch, head % geometry.heads, query});
  }
  return sample;
}

namespace {
/// Sums of squares over the rows of a head.
struct HeadError {
  double difference = 0, expected = 0;
  int64_t elements = 0;
};

/// The order of CheckReport::verdicts.
enum Rule { Finite, EmptyRow, Frobenius, RowMaximum, Lse };

class Checker {
public:
  explicit Checker(const Comparison &comparison)
      : data(comparison), geometry(comparison.geometry),
        precision(precisionOf(comparison.output->elementType)),
        heads(static_cast<size_t>(geometry.batches() * geometry.heads)) {
    report.totalRows = geometry.rows();
    report.verdicts[Finite].rule = "elements that are not a number";
    report.verdicts[EmptyRow].rule = "largest element of a row without keys";
    report.verdicts[Frobenius].rule = "relative Frobenius error";
    report.verdicts[Frobenius].wholeHead = true;
    report.verdicts[RowMaximum].rule = "largest error in a row";
    report.verdicts[Lse].rule = "error of the LSE";
  }

  void checkRow(const RowIndex &row);
  CheckReport finish();

private:
  size_t lseIndex(const RowIndex &row) const {
    const Sequence &own = geometry.sequences[row.batch];
    if (geometry.totalQueries >= 0)
      return static_cast<size_t>(row.head * geometry.totalQueries +
                                 own.firstQuery + row.query);
    return static_cast<size_t>(
        (row.batch * geometry.heads + row.head) * own.queries + row.query);
  }
  size_t outputIndex(const RowIndex &row) const {
    int64_t first = geometry.sequences[row.batch].firstQuery;
    return static_cast<size_t>(
        ((first + row.query) * geometry.heads + row.head) * geometry.valueDim);
  }
  bool isEmpty(const RowIndex &row) const;
  bool checkFinite(const RowIndex &row);
  void checkLse(const RowIndex &row);
  void checkOutput(const RowIndex &row, bool empty);
  void judge(Rule rule, const RowIndex &row, double value, double limit);

  const Comparison &data;
  const Geometry &geometry;
  Precision precision;
  std::vector<HeadError> heads;
  CheckReport report;
};
} // namespace

/// The comparison is written so that a NaN breaks the rule.
void Checker::judge(Rule rule, const RowIndex &row, double value,
                    double limit) {
  Verdict &verdict = report.verdicts[rule];
  bool broken = !(value <= limit);
  verdict.violations += broken;
  // A limit of zero has no ratio; there the value itself ranks.
  auto rank = [](double value, double limit) {
    return limit > 0 ? value / limit : value;
  };
  if (std::isnan(verdict.value) ||
      rank(value, limit) <= rank(verdict.value, verdict.limit))
    return;
  verdict.value = value;
  verdict.limit = limit;
  verdict.where = row;
}

/// Without an LSE, a row without keys is known by an output of zeros.
bool Checker::isEmpty(const RowIndex &row) const {
  if (data.expectedLse)
    return data.expectedLse[lseIndex(row)] ==
           -std::numeric_limits<double>::infinity();
  const double *expected = data.expectedOutput + outputIndex(row);
  return std::all_of(expected, expected + geometry.valueDim,
                     [](double value) { return value == 0; });
}

bool Checker::checkFinite(const RowIndex &row) {
  int64_t count = 0;
  for (int64_t i = 0; i < geometry.valueDim; ++i)
    count += std::isnan(data.output->get(outputIndex(row) + i));
  if (data.lse)
    count += std::isnan(data.lse->get(lseIndex(row)));
  judge(Finite, row, static_cast<double>(count), 0);
  return count == 0;
}

void Checker::checkLse(const RowIndex &row) {
  double expected = data.expectedLse[lseIndex(row)];
  double actual = data.lse->get(lseIndex(row));
  // Equal infinities have no difference.
  double error = actual == expected ? 0 : std::abs(actual - expected);
  judge(Lse, row, error, lseLimit);
}

/// The distance of neighbouring numbers of this magnitude.
static double unitAt(double magnitude, int fractionBits) {
  return magnitude == 0 ? 0
                        : std::ldexp(1.0, std::ilogb(magnitude) - fractionBits);
}

void Checker::checkOutput(const RowIndex &row, bool empty) {
  size_t first = outputIndex(row);
  double error = 0, eagerError = 0, largest = 0, largestExpected = 0;
  HeadError &head = heads[row.batch * geometry.heads + row.head];
  for (size_t i = first; i < first + static_cast<size_t>(geometry.valueDim);
       ++i) {
    double actual = data.output->get(i);
    double expected = data.expectedOutput[i];
    double difference = std::abs(actual - expected);
    error = std::max(error, difference);
    largest = std::max(largest, std::abs(actual));
    largestExpected = std::max(largestExpected, std::abs(expected));
    eagerError = std::max(eagerError, std::abs(data.eagerOutput[i] - expected));
    head.difference += difference * difference;
    head.expected += expected * expected;
    ++head.elements;
  }
  if (empty) {
    judge(EmptyRow, row, largest, 0);
    return;
  }
  // By luck an eager row can be all but exact. Rounding the output costs half a
  // unit in the last place of the largest element, rounding the weights, which
  // the eager result does as well, about half of that again.
  double unit = unitAt(largestExpected, precision.fractionBits);
  double yardstick = std::max(eagerError, 0.75 * unit);
  judge(RowMaximum, row, error, eagerFactor * yardstick + rowSlack);
}

void Checker::checkRow(const RowIndex &row) {
  ++report.rows;
  bool empty = isEmpty(row);
  report.emptyRows += empty;
  // One NaN would drown the other rules.
  if (!checkFinite(row))
    return;
  if (data.lse)
    checkLse(row);
  checkOutput(row, empty);
}

CheckReport Checker::finish() {
  for (size_t i = 0; i < heads.size(); ++i) {
    auto index = static_cast<int64_t>(i);
    const HeadError &head = heads[i];
    if (head.expected == 0)
      continue;
    double least = static_cast<double>(head.elements) * precision.leastNormal *
                   precision.leastNormal;
    judge(Frobenius, {index / geometry.heads, index % geometry.heads, 0},
          std::sqrt(head.difference / std::max(head.expected, least)),
          precision.frobeniusLimit);
  }
  return report;
}

CheckReport attn::run::check(const Comparison &comparison,
                             const Sample &sample) {
  Checker checker(comparison);
  for (const RowIndex &row : sample.rows)
    checker.checkRow(row);
  return checker.finish();
}

bool CheckReport::passed() const {
  return std::all_of(verdicts.begin(), verdicts.end(),
                     [](const Verdict &verdict) { return verdict.passed(); });
}

std::string CheckReport::failures() const {
  std::ostringstream text;
  for (const Verdict &verdict : verdicts) {
    if (verdict.passed())
      continue;
    text << verdict.rule << ": " << verdict.violations
         << (verdict.wholeHead ? " heads" : " rows") << ", worst "
         << verdict.value << " (limit " << verdict.limit << ") at batch "
         << verdict.where.batch << ", head " << verdict.where.head;
    if (!verdict.wholeHead)
      text << ", row " << verdict.where.query;
    text << '\n';
  }
  return text.str();
}
