//===- SoftmaxTest.cpp - Online softmax in the tile interpreter -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileInterpreterTest.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::attn::reference;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A step on two rows of two scores with max 0 and sum 1. %r holds what `part`
/// names of each row, twice.
static std::string makeStep(const std::string &scores,
                            const std::string &modifiers,
                            const std::string &part) {
  return "%s = arith.constant dense<" + scores +
         "> : vector<4x2xf32>\n"
         "%m = arith.constant dense<[0.0, 0.0, 0xff800000, 0xff800000]> : "
         "vector<4xf32>\n"
         "%l = arith.constant dense<[1.0, 1.0, 0.0, 0.0]> : vector<4xf32>\n"
         "%w, %max, %sum, %correction = tile.online_softmax %s, %m, %l "
         "scale(0.5) " +
         modifiers +
         " : vector<4x2xf32>, vector<4xf32>\n"
         "%zero = arith.constant dense<0.0> : vector<4xf32>\n"
         "%r = arith.addf %" +
         part + ", %zero : vector<4xf32>";
}

TEST_F(TileInterpreterTest, OnlineSoftmax) {
  const char *scores = "[[2.0, 4.0], [-2.0, 0xff800000], [0xff800000, 6.0], "
                       "[0xff800000, 0xff800000]]";
  using Values = std::vector<double>;
  auto exp = [](float x) { return std::exp(x); };
  std::string flag = "may_be_empty";
  EXPECT_EQ(compute(makeStep(scores, flag, "max")),
            (Values{4, 0, 6, -kInfinity}));
  EXPECT_EQ(compute(makeStep(scores, flag, "correction")),
            (Values{exp(-2), 1, 0, 1}));
  EXPECT_EQ(compute(makeStep(scores, flag, "sum")),
            (Values{exp(-2) + exp(-1) + 1, 1 + exp(-1), 1, 0}));
  // 0.5 * log2(e) * 4 = 2.9: the first row keeps its maximum, and the third
  // has none to keep.
  flag = "threshold(3) may_be_empty";
  EXPECT_EQ(compute(makeStep(scores, flag, "max")),
            (Values{0, 0, 6, -kInfinity}));
  EXPECT_EQ(compute(makeStep(scores, flag, "correction")),
            (Values{1, 1, 0, 1}));
  EXPECT_EQ(compute(makeStep(scores, flag, "sum")),
            (Values{1 + exp(1) + exp(2), 1 + exp(-1), 1, 0}));
  flag = "threshold(2) may_be_empty";
  EXPECT_EQ(compute(makeStep(scores, flag, "max")),
            (Values{4, 0, 6, -kInfinity}));
}

TEST_F(TileInterpreterTest, LazyMaximum) {
  const char *scores = "[[2.0, 4.0], [-2.0, 0xff800000], [0xff800000, 6.0], "
                       "[0xff800000, 0xff800000]]";
  using Values = std::vector<double>;
  auto exp = [](float x) { return std::exp(x); };
  // Rows of a sum of 1 keep their maximum, the others have none.
  std::string flag = "sum_limit(0) may_be_empty";
  EXPECT_EQ(compute(makeStep(scores, flag, "max")),
            (Values{0, 0, 6, -kInfinity}));
  EXPECT_EQ(compute(makeStep(scores, flag, "correction")),
            (Values{1, 1, 0, 1}));
  EXPECT_EQ(compute(makeStep(scores, flag, "sum")),
            (Values{1 + exp(1) + exp(2), 1 + exp(-1), 1, 0}));
}

/// A step on four rows of the sum `sum`, with limits of 2 and 8. %r holds what
/// `part` names.
static std::string makeLazyStep(const std::string &sum,
                                const std::string &part) {
  return "%s = arith.constant dense<1.0> : vector<4x2xf32>\n"
         "%m = arith.constant dense<0.0> : vector<4xf32>\n"
         "%l = arith.constant dense<" +
         sum +
         "> : vector<4xf32>\n"
         "%w, %max, %sum, %correction = tile.online_softmax %s, %m, %l "
         "scale(0.5) sum_limit(1) : vector<4x2xf32>, vector<4xf32>\n"
         "%zero = arith.constant dense<0.0> : vector<4xf32>\n"
         "%r = arith.addf %" +
         part + ", %zero : vector<4xf32>";
}

TEST_F(TileInterpreterTest, LazyMaximumOfLargeSums) {
  using Values = std::vector<double>;
  EXPECT_EQ(compute(makeLazyStep("2.0", "max")), (Values(4, 0)));
  // The sum stands for a maximum of 2 ln(4), which is above the scores.
  EXPECT_EQ(compute(makeLazyStep("4.0", "max")),
            (Values(4, std::log(4.0f) / 0.5f)));
  EXPECT_EQ(compute(makeLazyStep("8.0", "correction")),
            (Values(4, std::exp(-0.5f * (std::log(8.0f) / 0.5f)))));
  EXPECT_EQ(compute(makeLazyStep("9.0", "sum")), (Values(4, kInfinity)));
}

/// An attention of four rows: a score of 0, then one of 80, which is too much
/// for a limit of 7 bits, or 4, which is not. The value of a key is its number.
static std::string makeRow(const std::string &second) {
  return "%none = arith.constant dense<0xff800000> : vector<4xf32>\n"
         "%zero = arith.constant dense<0.0> : vector<4xf32>\n"
         "%s1 = arith.constant dense<0.0> : vector<4x1xf32>\n"
         "%s2 = arith.constant dense<" +
         second +
         "> : vector<4x1xf32>\n"
         "%v1 = arith.constant dense<1.0> : vector<1x1xf32>\n"
         "%v2 = arith.constant dense<2.0> : vector<1x1xf32>\n"
         "%w1, %m1, %l1, %f1 = tile.online_softmax %s1, %none, %zero "
         "scale(1.0) sum_limit(7) : vector<4x1xf32>, vector<4xf32>\n"
         "%a1 = tile.dot %w1, %v1 : vector<4x1xf32>, vector<1x1xf32> -> "
         "vector<4x1xf32>\n"
         "%w2, %m2, %l2, %f2 = tile.online_softmax %s2, %m1, %l1 scale(1.0) "
         "sum_limit(7) : vector<4x1xf32>, vector<4xf32>\n"
         "%t = tile.rescale %a1, %f2 : vector<4x1xf32>, vector<4xf32>\n"
         "%a2 = tile.dot %w2, %v2 acc(%t) : vector<4x1xf32>, "
         "vector<1x1xf32> -> vector<4x1xf32>\n"
         "%o, %lse = tile.finish_softmax %a2, %m2, %l2 scale(1.0) "
         "sum_limit(7) : vector<4x1xf32>, vector<4xf32>\n";
}

TEST_F(TileInterpreterTest, FailedInstancesAreComputedAgain) {
  // The maximum of the first key is kept, unless the weights are too large.
  std::string max = "%r = arith.addf %m2, %zero : vector<4xf32>";
  EXPECT_EQ(compute(makeRow("4.0") + max), (std::vector<double>(4, 0)));
  EXPECT_EQ(compute(makeRow("80.0") + max), (std::vector<double>(4, 80)));
  std::string lse = "%r = arith.addf %lse, %zero : vector<4xf32>";
  EXPECT_EQ(compute(makeRow("80.0") + lse), (std::vector<double>(4, 80)));
}

TEST_F(TileInterpreterTest, UnexpectedEmptyRow) {
  const char *scores = "[[2.0, 4.0], [0xff800000, 0xff800000], [0xff800000, "
                       "6.0], [0xff800000, 0xff800000]]";
  auto result = run("%out: !tile.view<4xf32> {tile.output}",
                    makeStep(scores, "", "max"), {});
  expectFailure(result, "'tile.online_softmax' op expected may_be_empty, since "
                        "row 3 has seen nothing but -inf");
}

TEST_F(TileInterpreterTest, FinishSoftmax) {
  std::string finish =
      "%acc = arith.constant dense<[[8.0], [9.0], [0.0], [1.0]]> : "
      "vector<4x1xf32>\n"
      "%m = arith.constant dense<[2.0, 0.0, 0xff800000, 0.0]> : vector<4xf32>\n"
      "%l = arith.constant dense<[4.0, 1.0, 0.0, 2.0]> : vector<4xf32>\n"
      "%o, %lse = tile.finish_softmax %acc, %m, %l scale(0.5) : "
      "vector<4x1xf32>, vector<4xf32>\n";
  EXPECT_EQ(compute(finish + "%r = arith.negf %lse : vector<4xf32>"),
            (std::vector<double>{-(1 + std::log(4.0f)), 0, kInfinity,
                                 -std::log(2.0f)}));
  auto result = run("%out: !tile.view<4x1xf32> {tile.output}",
                    finish + "tile.store %o, %out[%c0, %c0] axes [0, 1] : "
                             "vector<4x1xf32>, !tile.view<4x1xf32>",
                    {});
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ(result->front().values, (std::vector<double>{2, 9, 0, 0.5}));
}

TEST_F(TileInterpreterTest, DotAccumulatesAndTransposes) {
  std::string operands = "%a = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, "
                         "5.0, 6.0]]> : vector<2x3xf32>\n"
                         "%b = arith.constant dense<[[1.0, 0.0, 2.0], [0.0, "
                         "1.0, 3.0]]> : vector<2x3xf32>\n"
                         "%t = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], "
                         "[2.0, 3.0]]> : vector<3x2xf32>\n"
                         "%acc = arith.constant dense<[[10.0, 20.0], [30.0, "
                         "40.0]]> : vector<2x2xf32>\n";
  std::string store = "tile.store %r, %out[%c0, %c0] axes [0, 1] : "
                      "vector<2x2xf32>, !tile.view<2x2xf32>";
  for (std::string dot :
       {"tile.dot %a, %b transpose_rhs acc(%acc) : vector<2x3xf32>, "
        "vector<2x3xf32>",
        "tile.dot %a, %t acc(%acc) : vector<2x3xf32>, vector<3x2xf32>"}) {
    auto result =
        run("%out: !tile.view<2x2xf32> {tile.output}",
            operands + "%r = " + dot + " -> vector<2x2xf32>\n" + store, {});
    ASSERT_TRUE(succeeded(result)) << messages;
    EXPECT_EQ(result->front().values, (std::vector<double>{17, 31, 46, 63}));
  }
}

TEST_F(TileInterpreterTest, MaskMayBeTheSameForAll) {
  auto result =
      run("%out: !tile.view<2x2xf32> {tile.output}",
          "%s = arith.constant dense<1.0> : vector<2x2xf32>\n"
          "%r = tile.mask %s query(%c0) key(%c0) : vector<2x2xf32> {\n"
          "^bb0(%p: index, %j: index):\n"
          "  %keep = arith.constant false\n  tile.yield %keep : i1\n}\n"
          "tile.store %r, %out[%c0, %c0] axes [0, 1] : vector<2x2xf32>, "
          "!tile.view<2x2xf32>",
          {});
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ(result->front().values, std::vector<double>(4, -kInfinity));
}

TEST_F(TileInterpreterTest, WholeTilesAreNotMasked) {
  auto mask = [&](const char *whole) {
    return run("%out: !tile.view<2x2xf32> {tile.output}",
               std::string("%whole = arith.constant ") + whole +
                   "\n%s = arith.constant dense<1.0> : vector<2x2xf32>\n"
                   "%r = tile.mask %s query(%c0) key(%c0) whole(%whole) : "
                   "vector<2x2xf32> {\n"
                   "^bb0(%p: index, %j: index):\n"
                   "  %keep = arith.cmpi sle, %j, %p : index\n"
                   "  tile.yield %keep : i1\n}\n"
                   "tile.store %r, %out[%c0, %c0] axes [0, 1] : "
                   "vector<2x2xf32>, !tile.view<2x2xf32>",
               {});
  };
  auto result = mask("false");
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ(result->front().values, (std::vector<double>{1, -kInfinity, 1, 1}));
  expectFailure(mask("true"),
                "'tile.mask' op expected a whole tile to keep every element, "
                "got a masked one");
}

TEST_F(TileInterpreterTest, LeastSize) {
  std::string arguments =
      "%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>}, "
      "%n: !tile.view<?xi32> {tile.symbols = array<i64: 1>, "
      "tile.least = array<i64: 0, 0, 2, 4, 0, -1, 3, 1>}, %out: "
      "!tile.view<1xf32> "
      "{tile.output}";
  Tensor x{{11}, std::vector<double>(11, 1.0)};
  auto result = run(arguments, "", {x, {{4}, {1, 2, 3, 4}}});
  EXPECT_TRUE(succeeded(result)) << messages;
  expectFailure(run(arguments, "", {x, {{3}, {1, 2, 3}}}),
                "'tile.kernel' op expected size 0 of argument 1 to be at least "
                "4, got 3");
  messages.clear();
  Tensor none{{1}, {1.0}};
  expectFailure(run(arguments, "", {none, {{2}, {1, 2}}}),
                "'tile.kernel' op expected size 0 of argument 1 to be at least "
                "3, got 2");
}
