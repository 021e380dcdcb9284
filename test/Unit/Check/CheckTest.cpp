//===- CheckTest.cpp - Does the check fail when it should? ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <set>

using namespace attn::run;
using attn::runtime::ElementType;
using attn::runtime::HostTensor;

namespace {
/// A right result of 2 batches, 3 heads and 21 queries of which the first sees
/// no key, to be spoilt by the tests.
class CheckTest : public testing::Test {
protected:
  CheckTest() {
    fillNormal(output, 1);
    fillNormal(lse, 2);
    for (int64_t batch = 0; batch < 2; ++batch)
      for (int64_t head = 0; head < 3; ++head) {
        for (int64_t i = 0; i < 4; ++i)
          output.set(outputIndex({batch, head, 0}) + i, 0);
        lse.set(lseIndex({batch, head, 0}), -HUGE_VAL);
      }
    for (int64_t i = 0; i < output.size(); ++i)
      expectedOutput.push_back(output.get(i));
    for (int64_t i = 0; i < lse.size(); ++i)
      expectedLse.push_back(lse.get(i));
    eagerOutput = expectedOutput;
  }

  static size_t outputIndex(RowIndex row) {
    return ((row.batch * 21 + row.query) * 3 + row.head) * 4;
  }
  static size_t lseIndex(RowIndex row) {
    return (row.batch * 3 + row.head) * 21 + row.query;
  }

  Comparison comparison() const {
    return {geometry,           &output,           &lse, expectedOutput.data(),
            expectedLse.data(), eagerOutput.data()};
  }
  CheckReport run() const {
    return check(comparison(), selectRows(geometry, 0));
  }

  const Geometry geometry = Geometry::dense(2, 3, 21, 20, 4, 4);
  HostTensor output{ElementType::F32, {2, 21, 3, 4}};
  HostTensor lse{ElementType::F32, {2, 3, 21}};
  std::vector<double> expectedOutput, expectedLse, eagerOutput;
};
} // namespace

TEST_F(CheckTest, PassesARightResult) {
  CheckReport report = run();
  EXPECT_TRUE(report.passed()) << report.failures();
  EXPECT_EQ(report.failures(), "");
  EXPECT_EQ(report.rows, 126);
  EXPECT_EQ(report.totalRows, 126);
  EXPECT_EQ(report.emptyRows, 6);
}

TEST_F(CheckTest, HoldsHalvesToTheirPrecision) {
  // Right for bfloat16, not for f16.
  for (int64_t i = 0; i < output.size(); ++i)
    output.set(i, output.get(i) * (1 + 1e-3));
  EXPECT_TRUE(run().passed());
  HostTensor halves(ElementType::F16, output.shape);
  for (int64_t i = 0; i < output.size(); ++i)
    halves.set(i, output.get(i));
  output = halves;
  CheckReport report = run();
  EXPECT_EQ(report.verdicts[2].violations, 6);
  EXPECT_EQ(report.verdicts[2].limit, 4e-4);
}

TEST_F(CheckTest, AsksNoPrecisionOfNumbersThatHaveNone) {
  // 3e-8 is less than half of the least f16.
  HostTensor halves(ElementType::F16, output.shape);
  for (int64_t i = 0; i < output.size(); ++i)
    expectedOutput[i] = eagerOutput[i] = expectedOutput[i] == 0 ? 0 : 2e-8;
  output = halves;
  CheckReport report = run();
  EXPECT_TRUE(report.passed()) << report.failures();
  for (double &value : expectedOutput)
    value *= 1e4;
  EXPECT_EQ(run().verdicts[2].violations, 6);
}

TEST_F(CheckTest, FailsOnAWrongElement) {
  size_t index = outputIndex({1, 2, 3}) + 1;
  output.set(index, output.get(index) + 0.5);
  CheckReport report = run();
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.verdicts[3].violations, 1);
  EXPECT_EQ(report.verdicts[3].where.batch, 1);
  EXPECT_EQ(report.verdicts[3].where.head, 2);
  EXPECT_EQ(report.verdicts[3].where.query, 3);
  EXPECT_EQ(report.verdicts[2].violations, 1);
  EXPECT_NE(report.failures().find("largest error in a row: 1 rows, worst 0.5"),
            std::string::npos)
      << report.failures();
  EXPECT_NE(report.failures().find("at batch 1, head 2, row 3\n"),
            std::string::npos);
  EXPECT_NE(report.failures().find("at batch 1, head 2\n"), std::string::npos);
}

TEST_F(CheckTest, AllowsTwiceTheErrorOfTheEagerResult) {
  size_t index = outputIndex({0, 1, 3});
  eagerOutput[index + 2] += 0.1;
  output.set(index, expectedOutput[index] + 0.19);
  EXPECT_EQ(run().verdicts[3].violations, 0);
  output.set(index, expectedOutput[index] + 0.21);
  EXPECT_EQ(run().verdicts[3].violations, 1);
}

TEST_F(CheckTest, AllowsRoundingWhereTheEagerResultIsExact) {
  size_t index = outputIndex({0, 1, 3});
  double largest = 0;
  for (int64_t i = 0; i < 4; ++i)
    largest = std::max(largest, std::abs(expectedOutput[index + i]));
  double unit = std::ldexp(1.0, std::ilogb(largest) - 7);
  output.set(index, expectedOutput[index] + 1.49 * unit);
  EXPECT_EQ(run().verdicts[3].violations, 0);
  output.set(index, expectedOutput[index] + 1.52 * unit + 1e-5);
  EXPECT_EQ(run().verdicts[3].violations, 1);
}

TEST_F(CheckTest, FailsOnTheNormOfAHeadAlone) {
  for (double &value : eagerOutput)
    value += 1;
  for (int64_t query = 1; query < 21; ++query)
    for (int64_t i = 0; i < 4; ++i) {
      size_t index = outputIndex({0, 1, query}) + i;
      output.set(index, expectedOutput[index] * 1.004);
    }
  CheckReport report = run();
  EXPECT_EQ(report.verdicts[2].violations, 1);
  EXPECT_EQ(report.verdicts[2].where.head, 1);
  EXPECT_EQ(report.verdicts[3].violations, 0);
}

TEST_F(CheckTest, FailsOnNaN) {
  output.set(outputIndex({0, 2, 1}), NAN);
  CheckReport report = run();
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.verdicts[0].violations, 1);
  EXPECT_EQ(report.verdicts[0].where.head, 2);
}

TEST_F(CheckTest, FailsOnInfinity) {
  output.set(outputIndex({0, 2, 1}), HUGE_VAL);
  CheckReport report = run();
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.verdicts[3].where.head, 2);
}

TEST_F(CheckTest, FailsOnAnUnwrittenRow) {
  // As it is poisoned before a run.
  for (int64_t i = 0; i < 4; ++i)
    output.set(outputIndex({1, 0, 2}) + i, NAN);
  lse.set(lseIndex({1, 0, 2}), NAN);
  CheckReport report = run();
  EXPECT_EQ(report.verdicts[0].violations, 1);
  EXPECT_EQ(report.verdicts[0].value, 5);
}

TEST_F(CheckTest, FailsOnAWrongLse) {
  size_t index = lseIndex({1, 1, 2});
  lse.set(index, lse.get(index) + 9e-5);
  EXPECT_TRUE(run().passed());
  lse.set(index, expectedLse[index] + 2e-4);
  CheckReport report = run();
  EXPECT_EQ(report.verdicts[4].violations, 1);
  EXPECT_EQ(report.verdicts[4].where.query, 2);
}

TEST_F(CheckTest, FailsOnAnEmptyRowThatIsNotZero) {
  output.set(outputIndex({1, 1, 0}), 1e-30);
  CheckReport report = run();
  EXPECT_EQ(report.verdicts[1].violations, 1);
  EXPECT_EQ(report.verdicts[1].where.batch, 1);
}

TEST_F(CheckTest, FailsOnAFiniteLseOfAnEmptyRow) {
  lse.set(lseIndex({0, 0, 0}), -1e30);
  EXPECT_EQ(run().verdicts[4].violations, 1);
  lse.set(lseIndex({0, 0, 0}), HUGE_VAL);
  EXPECT_EQ(run().verdicts[4].violations, 1);
}

TEST_F(CheckTest, FailsOnAnInfiniteLseOfARowWithKeys) {
  lse.set(lseIndex({0, 0, 1}), -HUGE_VAL);
  EXPECT_EQ(run().verdicts[4].violations, 1);
}

TEST_F(CheckTest, KnowsEmptyRowsWithoutAnLse) {
  Comparison data = comparison();
  data.lse = nullptr;
  data.expectedLse = nullptr;
  CheckReport report = check(data, selectRows(geometry, 0));
  EXPECT_TRUE(report.passed());
  EXPECT_EQ(report.emptyRows, 6);
  output.set(outputIndex({0, 0, 0}), 1);
  EXPECT_EQ(check(data, selectRows(geometry, 0)).verdicts[1].violations, 1);
}

TEST_F(CheckTest, IgnoresRowsOutsideOfTheSample) {
  Sample sample;
  sample.rows = {{0, 1, 2}};
  output.set(outputIndex({0, 1, 3}), NAN);
  expectedOutput[outputIndex({0, 0, 2})] = NAN;
  CheckReport report = check(comparison(), sample);
  EXPECT_TRUE(report.passed()) << report.failures();
  EXPECT_EQ(report.rows, 1);
}

TEST(SelectRows, CoversWhatMatters) {
  // 16 heads that share the edges of tiles, with empty rows under causal.
  Geometry geometry = Geometry::dense(1, 16, 16384, 16000, 128, 128);
  Sample sample = selectRows(geometry, 1);
  EXPECT_FALSE(sample.complete);
  std::set<int64_t> queries;
  std::vector<std::set<int64_t>> perHead(16);
  for (const RowIndex &row : sample.rows) {
    queries.insert(row.query);
    EXPECT_TRUE(perHead[row.head].insert(row.query).second);
  }
  for (const std::set<int64_t> &rows : perHead)
    for (int64_t query : {0, 383, 384, 385, 16383})
      EXPECT_TRUE(rows.count(query)) << query;
  for (int64_t edge = 128; edge < 16384; edge += 128)
    for (int64_t query : {edge - 1, edge, edge + 1})
      EXPECT_TRUE(queries.count(query)) << query;
  double work = geometry.rowWork(geometry.sequences[0]) *
                static_cast<double>(sample.rows.size());
  EXPECT_LT(work, 20e9);
}

TEST(SelectRows, DependsOnTheSeed) {
  Geometry geometry = Geometry::dense(1, 2, 8192, 8192, 128, 128);
  auto queries = [&](uint64_t seed) {
    std::vector<int64_t> list;
    for (const RowIndex &row : selectRows(geometry, seed).rows)
      list.push_back(row.query);
    return list;
  };
  EXPECT_EQ(queries(1), queries(1));
  EXPECT_NE(queries(1), queries(2));
}

TEST(SelectRows, NothingOfNothing) {
  auto select = [](int64_t heads, int64_t queries, int64_t keys) {
    return selectRows(Geometry::dense(1, heads, queries, keys, 128, 128), 0);
  };
  EXPECT_TRUE(select(4, 0, 77).rows.empty());
  EXPECT_EQ(select(2, 3, 0).rows.size(), 6u);
}

TEST(SelectRows, CoversEachPackedSequence) {
  Geometry geometry{
      {{16384, 16384, 0}, {0, 5, 16384}, {1, 300, 16384}}, 16, 128, 128, 16385};
  EXPECT_EQ(geometry.rows(), 16 * 16385);
  Sample sample = selectRows(geometry, 1);
  EXPECT_FALSE(sample.complete);
  std::vector<std::set<int64_t>> queries(3);
  for (const RowIndex &row : sample.rows)
    queries[row.batch].insert(row.query);
  for (int64_t query : {0, 127, 128, 16383})
    EXPECT_TRUE(queries[0].count(query)) << query;
  EXPECT_TRUE(queries[1].empty());
  EXPECT_EQ(queries[2], std::set<int64_t>{0});
}

/// Two sequences of 2 heads in 5 rows, of which one belongs to neither.
TEST(PackedTest, LooksWhereTheRowsAre) {
  Geometry geometry{{{1, 1, 0}, {3, 3, 1}}, 2, 4, 4, 5};
  HostTensor output(ElementType::F32, {5, 2, 4}), lse(ElementType::F32, {2, 5});
  fillNormal(output, 1);
  fillNormal(lse, 2);
  std::vector<double> expected, expectedLse;
  for (int64_t i = 0; i < output.size(); ++i)
    expected.push_back(output.get(i));
  for (int64_t i = 0; i < lse.size(); ++i)
    expectedLse.push_back(lse.get(i));
  auto run = [&] {
    return check({geometry, &output, &lse, expected.data(), expectedLse.data(),
                  expected.data()},
                 selectRows(geometry, 0));
  };
  // The last row is nobody's.
  output.set((4 * 2 + 1) * 4, NAN);
  lse.set(4, NAN);
  EXPECT_TRUE(run().passed()) << run().failures();
  EXPECT_EQ(run().rows, 8);
  lse.set(1 * 5 + 3, 17);
  output.set((2 * 2 + 0) * 4 + 3, 17);
  CheckReport report = run();
  EXPECT_EQ(report.verdicts[4].violations, 1);
  EXPECT_EQ(report.verdicts[4].where.batch, 1);
  EXPECT_EQ(report.verdicts[4].where.head, 1);
  EXPECT_EQ(report.verdicts[4].where.query, 2);
  EXPECT_EQ(report.verdicts[3].where.batch, 1);
  EXPECT_EQ(report.verdicts[3].where.head, 0);
  EXPECT_EQ(report.verdicts[3].where.query, 1);
}
