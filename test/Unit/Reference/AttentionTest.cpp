//===- AttentionTest.cpp - Cases by hand, and laws ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct AttentionTest : ProgramTest {
  /// Output and lse.
  std::vector<Tensor> evaluate(const std::string &source,
                               ArrayRef<Tensor> arguments,
                               const Options &options = {}) {
    auto results = run(parse(source), arguments, options);
    EXPECT_TRUE(succeeded(results)) << messages;
    return succeeded(results) ? *results : std::vector<Tensor>(2);
  }

  std::vector<Tensor> evaluate(const Sizes &sizes, const std::string &modifiers,
                               const Options &options = {}) {
    return evaluate(makeAttention(sizes, modifiers), makeInputs(sizes),
                    options);
  }
};

void expectNear(const Tensor &got, const Tensor &expected, double tolerance) {
  ASSERT_EQ(got.shape, expected.shape);
  ASSERT_EQ(got.values.size(), expected.values.size());
  for (size_t i = 0; i != got.values.size(); ++i)
    if (std::isinf(expected.values[i]))
      ASSERT_EQ(got.values[i], expected.values[i]) << "at " << i;
    else
      ASSERT_NEAR(got.values[i], expected.values[i], tolerance) << "at " << i;
}

/// The definition once more, as plainly as it can be written.
std::vector<Tensor>
evaluatePlainly(const Sizes &sizes, double scale,
                const std::function<bool(int64_t p, int64_t j)> &mask) {
  auto [batch, queries, keys, queryHeads, keyHeads, dim, valueDim] = sizes;
  std::vector<Tensor> inputs = makeInputs(sizes);
  auto at = [](const Tensor &t, int64_t a, int64_t b, int64_t c, int64_t d) {
    return t.values[((a * t.shape[1] + b) * t.shape[2] + c) * t.shape[3] + d];
  };
  Tensor output{{batch, queries, queryHeads, valueDim}, {}};
  Tensor lse{{batch, queryHeads, queries}, {}};
  lse.values.resize(lse.size());
  for (int64_t b = 0; b != batch; ++b)
    for (int64_t i = 0; i != queries; ++i)
      for (int64_t h = 0; h != queryHeads; ++h) {
        int64_t g = h / (queryHeads / keyHeads);
        double sum = 0;
        std::vector<double> out(valueDim);
        for (int64_t j = 0; j != keys; ++j) {
          if (!mask(i + keys - queries, j))
            continue;
          double product = 0;
          for (int64_t d = 0; d != dim; ++d)
            product += at(inputs[0], b, i, h, d) * at(inputs[1], b, j, g, d);
          double weight = std::exp(scale * product);
          sum += weight;
          for (int64_t d = 0; d != valueDim; ++d)
            out[d] += weight * at(inputs[2], b, j, g, d);
        }
        for (double value : out)
          output.values.push_back(sum == 0 ? 0 : value / sum);
        lse.values[(b * queryHeads + h) * queries + i] = std::log(sum);
      }
  return {output, lse};
}

} // namespace

//===----------------------------------------------------------------------===//
// By hand
//===----------------------------------------------------------------------===//

TEST_F(AttentionTest, TwoKeysByHand) {
  // Scores are 0 and ln 3, so the weights are 1/4 and 3/4.
  Sizes sizes = {1, 1, 2, 1, 1, 1, 2};
  auto results = evaluate(makeAttention(sizes, "scale(1.0)"),
                          {{{1, 1, 1, 1}, {1.0}},
                           {{1, 2, 1, 1}, {0.0, std::log(3.0)}},
                           {{1, 2, 1, 2}, {4.0, 8.0, 0.0, -4.0}}});
  expectNear(results[0], {{1, 1, 1, 2}, {1.0, -1.0}}, 1e-15);
  expectNear(results[1], {{1, 1, 1}, {std::log(4.0)}}, 1e-15);
}

TEST_F(AttentionTest, ScaleIsInverseRootOfHeadDimByDefault) {
  Sizes sizes = {1, 1, 1, 1, 1, 4, 1};
  Tensor ones{{1, 1, 1, 4}, {1, 1, 1, 1}}, value{{1, 1, 1, 1}, {7}};
  auto results = evaluate(makeAttention(sizes), {ones, ones, value});
  expectNear(results[1], {{1, 1, 1}, {2.0}}, 1e-15);
  results = evaluate(makeAttention(sizes, "scale(0.25)"), {ones, ones, value});
  expectNear(results[1], {{1, 1, 1}, {1.0}}, 1e-15);
}

TEST_F(AttentionTest, QueryHeadsShareKeyHeadsInBlocks) {
  // Each key head has its own value, and there is one key.
  Sizes sizes = {1, 1, 1, 6, 2, 1, 1};
  auto results =
      evaluate(makeAttention(sizes), {{{1, 1, 6, 1}, {1, 2, 3, 4, 5, 6}},
                                      {{1, 1, 2, 1}, {1, 1}},
                                      {{1, 1, 2, 1}, {10, 20}}});
  expectNear(results[0], {{1, 1, 6, 1}, {10, 10, 10, 20, 20, 20}}, 0);
  expectNear(results[1], {{1, 6, 1}, {1, 2, 3, 4, 5, 6}}, 0);
}

TEST_F(AttentionTest, CausalAlignsAtTheLastKey) {
  // With equal scores the output is the mean of the values that are seen.
  Sizes sizes = {1, 2, 4, 1, 1, 1, 1};
  Tensor zeros{{1, 2, 1, 1}, {0, 0}};
  Tensor keys{{1, 4, 1, 1}, {1, 2, 3, 4}}, values{{1, 4, 1, 1}, {0, 3, 6, 9}};
  auto results =
      evaluate(makeAttention(sizes, "mask(causal)"), {zeros, keys, values});
  expectNear(results[0], {{1, 2, 1, 1}, {3.0, 4.5}}, 1e-15);
  expectNear(results[1], {{1, 1, 2}, {std::log(3.0), std::log(4.0)}}, 1e-15);
}

TEST_F(AttentionTest, MoreQueriesThanKeysLeaveEmptyRows) {
  Sizes sizes = {1, 4, 2, 1, 1, 1, 1};
  Tensor zeros{{1, 4, 1, 1}, {0, 0, 0, 0}};
  Tensor keys{{1, 2, 1, 1}, {1, 2}}, values{{1, 2, 1, 1}, {4, 8}};
  for (Arithmetic arithmetic :
       {Arithmetic::F64, Arithmetic::F32, Arithmetic::Eager}) {
    Options options;
    options.arithmetic = arithmetic;
    auto results = evaluate(makeAttention(sizes, "mask(causal)"),
                            {zeros, keys, values}, options);
    expectNear(results[0], {{1, 4, 1, 1}, {0, 0, 4, 6}}, 0);
    expectNear(results[1], {{1, 1, 4}, {-kInfinity, -kInfinity, 0, M_LN2}},
               1e-6);
  }
}

TEST_F(AttentionTest, NoKeysAndNoQueries) {
  auto results = evaluate({1, 3, 0, 2, 1, 4, 2}, "");
  expectNear(results[0], {{1, 3, 2, 2}, std::vector<double>(12, 0.0)}, 0);
  expectNear(results[1], {{1, 2, 3}, std::vector<double>(6, -kInfinity)}, 0);
  results = evaluate({1, 0, 3, 2, 1, 4, 2}, "");
  expectNear(results[0], {{1, 0, 2, 2}, {}}, 0);
  expectNear(results[1], {{1, 2, 0}, {}}, 0);
}

TEST_F(AttentionTest, KeysThatAreNotSeenDoNotCount) {
  // Not even where they hold NaN and infinity.
  Sizes sizes = {1, 1, 3, 1, 1, 1, 1};
  double nan = std::nan("");
  auto results = evaluate(makeAttention(sizes, "mask(first<1>)"),
                          {{{1, 1, 1, 1}, {1}},
                           {{1, 3, 1, 1}, {2, nan, kInfinity}},
                           {{1, 3, 1, 1}, {5, kInfinity, nan}}});
  expectNear(results[0], {{1, 1, 1, 1}, {5}}, 0);
  expectNear(results[1], {{1, 1, 1}, {2}}, 0);
}

TEST_F(AttentionTest, NaNSpreads) {
  Sizes sizes = {1, 1, 2, 1, 1, 1, 1};
  auto results = evaluate(
      makeAttention(sizes),
      {{{1, 1, 1, 1}, {1}}, {{1, 2, 1, 1}, {2, NAN}}, {{1, 2, 1, 1}, {5, 6}}});
  EXPECT_TRUE(std::isnan(results[0].values[0]));
  EXPECT_TRUE(std::isnan(results[1].values[0]));
}

TEST_F(AttentionTest, LargeScoresDoNotOverflow) {
  Sizes sizes = {1, 1, 2, 1, 1, 1, 1};
  auto results = evaluate(
      makeAttention(sizes),
      {{{1, 1, 1, 1}, {1e4}}, {{1, 2, 1, 1}, {1, 1}}, {{1, 2, 1, 1}, {5, 7}}});
  expectNear(results[0], {{1, 1, 1, 1}, {6}}, 1e-12);
  expectNear(results[1], {{1, 1, 1}, {1e4 + M_LN2}}, 1e-10);
}

//===----------------------------------------------------------------------===//
// Against the definition
//===----------------------------------------------------------------------===//

TEST_F(AttentionTest, AgreesWithTheDefinition) {
  struct Case {
    std::string mask;
    std::function<bool(int64_t, int64_t)> keep;
  };
  std::vector<Case> cases = {
      {"", [](int64_t, int64_t) { return true; }},
      {"mask(causal)", [](int64_t p, int64_t j) { return j <= p; }},
      {"mask(window<7, 3>)",
       [](int64_t p, int64_t j) { return j >= p - 7 && j <= p + 3; }},
      {"mask(window<inf, 3>)", [](int64_t p, int64_t j) { return j <= p + 3; }},
      {"mask(window<7, inf>)", [](int64_t p, int64_t j) { return j >= p - 7; }},
      {"mask(causal and (first<4> or window<9, 0>))",
       [](int64_t p, int64_t j) { return j <= p && (j < 4 || j >= p - 9); }},
      {"mask(chunk<16> and not first<3>)",
       [](int64_t p, int64_t j) {
         return p >= 0 && j / 16 == p / 16 && j >= 3;
       }},
  };
  for (Sizes sizes :
       {Sizes{2, 5, 300, 4, 2, 11, 7}, Sizes{1, 40, 33, 2, 2, 16, 16},
        Sizes{1, 33, 33, 8, 1, 8, 24}})
    for (const Case &each : cases) {
      SCOPED_TRACE(each.mask);
      auto expected =
          evaluatePlainly(sizes, 1.0 / std::sqrt(sizes.dim), each.keep);
      auto exact = evaluate(sizes, each.mask);
      expectNear(exact[0], expected[0], 1e-12);
      expectNear(exact[1], expected[1], 1e-12);
      Options options;
      options.arithmetic = Arithmetic::F32;
      auto single = evaluate(sizes, each.mask, options);
      expectNear(single[0], expected[0], 1e-5);
      expectNear(single[1], expected[1], 1e-5);
      options.arithmetic = Arithmetic::Eager;
      auto eager = evaluate(sizes, each.mask, options);
      expectNear(eager[0], expected[0], 5e-2);
      expectNear(eager[1], expected[1], 5e-2);
      for (double value : eager[0].values) {
        float narrow = static_cast<float>(value);
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof(bits));
        ASSERT_EQ(bits & 0xffff, 0u) << "output is not a bfloat16";
      }
    }
}

TEST_F(AttentionTest, EagerRoundsScoresAndWeights) {
  // The score 1 + 2^-9 and the weight 1/3 are no bfloat16.
  Options options;
  options.arithmetic = Arithmetic::Eager;
  Sizes sizes = {1, 1, 1, 1, 1, 1, 1};
  auto one = evaluate(
      makeAttention(sizes, "scale(1.0)"),
      {{{1, 1, 1, 1}, {1}}, {{1, 1, 1, 1}, {1 + 0x1p-9}}, {{1, 1, 1, 1}, {1}}},
      options);
  EXPECT_EQ(one[1].values[0], 1.0);
  sizes.keys = 3;
  auto three = evaluate(makeAttention(sizes, "scale(1.0)"),
                        {{{1, 1, 1, 1}, {0}},
                         {{1, 3, 1, 1}, {0, 0, 0}},
                         {{1, 3, 1, 1}, {1, 0, 0}}},
                        options);
  EXPECT_EQ(three[0].values[0], 0.333984375);
}

TEST_F(AttentionTest, EagerRoundsToHalvesForHalves) {
  // The weight 1/3 becomes 0x1.554p-2; what comes of it may be too small for
  // all of its bits, or too large for any.
  Options options;
  options.arithmetic = Arithmetic::Eager;
  std::string source = makeAttention({1, 1, 3, 1, 1, 1, 1}, "scale(1.0)");
  for (size_t at; (at = source.find("x1x1xf32")) != std::string::npos;)
    source.replace(at, 8, "x1x1xf16");
  const std::pair<double, double> cases[] = {
      {1, 0x1.554p-2}, {0x1p-13, 0x1.55p-15}, {200000, HUGE_VAL}};
  for (auto [value, expected] : cases) {
    std::vector<Tensor> inputs = {{{1, 1, 1, 1}, {0}},
                                  {{1, 3, 1, 1}, {0, 0, 0}},
                                  {{1, 3, 1, 1}, {value, 0, 0}}};
    EXPECT_EQ(evaluate(source, inputs, options)[0].values[0], expected);
  }
}

//===----------------------------------------------------------------------===//
// Laws
//===----------------------------------------------------------------------===//

TEST_F(AttentionTest, SplitsMergeByLse) {
  // The first 13 keys and the others, merged, are all keys.
  Sizes sizes = {2, 9, 40, 4, 2, 8, 5};
  auto whole = evaluate(sizes, "mask(causal)");
  auto left = evaluate(sizes, "mask(causal and first<13>)");
  auto right = evaluate(sizes, "mask(causal and not first<13>)");
  Tensor merged = whole[0], lse = whole[1];
  for (int64_t b = 0; b != sizes.batch; ++b)
    for (int64_t h = 0; h != sizes.queryHeads; ++h)
      for (int64_t i = 0; i != sizes.queries; ++i) {
        int64_t row = (b * sizes.queryHeads + h) * sizes.queries + i;
        double l = left[1].values[row], r = right[1].values[row];
        double total = lse.values[row] = std::log(std::exp(l) + std::exp(r));
        for (int64_t d = 0; d != sizes.valueDim; ++d) {
          int64_t at = ((b * sizes.queries + i) * sizes.queryHeads + h) *
                           sizes.valueDim +
                       d;
          merged.values[at] = std::exp(l - total) * left[0].values[at] +
                              std::exp(r - total) * right[0].values[at];
        }
      }
  expectNear(merged, whole[0], 1e-13);
  expectNear(lse, whole[1], 1e-13);
}

TEST_F(AttentionTest, WindowOfOneIsTheOwnValue) {
  Sizes sizes = {2, 6, 6, 3, 3, 8, 4};
  auto results = evaluate(sizes, "mask(window<0, 0>)");
  expectNear(results[0], makeInputs(sizes)[2], 1e-15);
}

TEST_F(AttentionTest, WindowOfEverythingIsCausal) {
  Sizes sizes = {1, 7, 9, 2, 1, 8, 8};
  auto causal = evaluate(sizes, "mask(causal)");
  for (const char *mask : {"mask(window<inf, 0>)", "mask(window<9, 0>)",
                           "mask(causal and window<100, 100>)"}) {
    auto window = evaluate(sizes, mask);
    expectNear(window[0], causal[0], 0);
    expectNear(window[1], causal[1], 0);
  }
}

TEST_F(AttentionTest, ThreadsDoNotMatter) {
  Sizes sizes = {2, 50, 60, 4, 2, 8, 8};
  Options options;
  options.threads = 1;
  auto one = evaluate(sizes, "mask(causal)", options);
  options.threads = 5;
  auto five = evaluate(sizes, "mask(causal)", options);
  expectNear(five[0], one[0], 0);
  expectNear(five[1], one[1], 0);
}

TEST_F(AttentionTest, OnlyTheRowsThatAreAskedFor) {
  Sizes sizes = {2, 5, 5, 4, 2, 8, 3};
  auto all = evaluate(sizes, "mask(causal)");
  Options options;
  options.rows = {{1, 3, 2}, {0, 0, 4}};
  auto some = evaluate(sizes, "mask(causal)", options);
  int64_t computed = 0;
  for (size_t i = 0; i != some[1].values.size(); ++i)
    if (!std::isnan(some[1].values[i])) {
      EXPECT_EQ(some[1].values[i], all[1].values[i]);
      ++computed;
    }
  EXPECT_EQ(computed, 2);
  EXPECT_FALSE(std::isnan(some[1].values[(1 * 4 + 3) * 5 + 2]));
  EXPECT_EQ(llvm::count_if(some[0].values,
                           [](double value) { return !std::isnan(value); }),
            2 * sizes.valueDim);
}

TEST_F(AttentionTest, AnAttentionMayFeedAnother) {
  // Both see one key, so the second returns its value whatever it is asked.
  Tensor one{{1, 1, 1, 2}, {1, 1}}, value{{1, 1, 1, 2}, {3, 4}};
  auto results = evaluate(R"mlir(
    !t = tensor<1x1x1x2xf32>
    func.func @f(%q: !t, %k: !t, %v: !t) -> (!t, !t, !t) {
      %kv = attn.kv.dense %k, %v : !t, !t
      %0 = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t
      %1 = attn.attention %0, %kv : !t, !attn.kv<!t, !t> -> !t
      return %1, %v, %1 : !t, !t, !t
    })mlir",
                          {one, one, value});
  for (const Tensor &result : results)
    expectNear(result, value, 1e-15);
}

//===----------------------------------------------------------------------===//
// Lists of blocks
//===----------------------------------------------------------------------===//

/// The blocks of 3 queries and 4 keys that a mask keeps as a whole or in part,
/// as counts and columns of lists.
static std::vector<Tensor>
listBlocks(const Sizes &sizes,
           const std::function<bool(int64_t p, int64_t j)> &mask) {
  int64_t rows = (sizes.queries + 2) / 3, columns = (sizes.keys + 3) / 4;
  Tensor counts{{1, 1, rows}, std::vector<double>(rows)};
  Tensor indices{{1, 1, rows, columns}, std::vector<double>(rows * columns, 0)};
  std::vector<Tensor> lists = {counts, indices, counts, indices};
  for (int64_t row = 0; row != rows; ++row)
    for (int64_t column = columns - 1; column >= 0; --column) {
      bool some = false, all = true;
      for (int64_t i = row * 3; i != std::min(row * 3 + 3, sizes.queries); ++i)
        for (int64_t j = column * 4; j != std::min(column * 4 + 4, sizes.keys);
             ++j) {
          bool keep = mask(i + sizes.keys - sizes.queries, j);
          some |= keep;
          all &= keep;
        }
      if (!some)
        continue;
      double &count = lists[all ? 2 : 0].values[row];
      lists[all ? 3 : 1].values[row * columns + static_cast<int64_t>(count)] =
          static_cast<double>(column);
      ++count;
    }
  return lists;
}

TEST_F(AttentionTest, ListsOfAMaskChangeNothing) {
  std::pair<const char *, std::function<bool(int64_t, int64_t)>> masks[] = {
      {"mask(causal)", [](int64_t p, int64_t j) { return j <= p; }},
      {"mask(window<5, 2>)",
       [](int64_t p, int64_t j) { return j >= p - 5 && j <= p + 2; }},
      {"mask(first<3> or chunk<6>)", [](int64_t p, int64_t j) {
         return j < 3 || (p >= 0 ? p / 6 : -1) == j / 6;
       }}};
  for (auto &[text, mask] : masks)
    for (Sizes sizes :
         {Sizes{2, 13, 17, 4, 2, 8, 4}, {1, 17, 13, 2, 2, 8, 8}}) {
      auto inputs = makeInputs(sizes);
      std::vector<Tensor> lists = listBlocks(sizes, mask);
      inputs.insert(inputs.end(), lists.begin(), lists.end());
      std::string types = "tensor<1x1x?xi32>, tensor<1x1x?x?xi32>";
      auto listed = evaluate(
          makeAttention(sizes,
                        std::string(text) + " blocks<3, 4> partial(%n, %c : " +
                            types + ") full(%m, %w : " + types + ")",
                        ", %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>, "
                        "%m: tensor<1x1x?xi32>, %w: tensor<1x1x?x?xi32>"),
          inputs);
      auto expected = evaluate(sizes, text);
      expectNear(listed[0], expected[0], 1e-12);
      expectNear(listed[1], expected[1], 1e-12);
    }
}

TEST_F(AttentionTest, BlocksByHand) {
  // Two queries and three keys, in blocks of one query and two keys: the first
  // query sees the last key, the second one under a mask the first two.
  Sizes sizes = {1, 2, 3, 1, 1, 1, 1};
  std::string types = "tensor<1x1x?xi32>, tensor<1x1x?x?xi32>";
  auto results = evaluate(
      makeAttention(sizes,
                    "mask(first<1>) blocks<1, 2> partial(%n, %c : " + types +
                        ") full(%m, %w : " + types + ")",
                    ", %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>, %m: "
                    "tensor<1x1x?xi32>, %w: tensor<1x1x?x?xi32>"),
      {{{1, 2, 1, 1}, {0, 0}},
       {{1, 3, 1, 1}, {0, 0, 0}},
       {{1, 3, 1, 1}, {3, 5, 7}},
       // A negative count, and one beyond the list.
       {{1, 1, 2}, {-4, 9}},
       {{1, 1, 2, 2}, {0, 1, -1, 0}},
       {{1, 1, 2}, {1, 0}},
       {{1, 1, 2, 1}, {1, 1}}});
  expectNear(results[0], {{1, 2, 1, 1}, {7, 3}}, 0);
  expectNear(results[1], {{1, 1, 2}, {0, 0}}, 0);
}
