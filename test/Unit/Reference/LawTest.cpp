//===- LawTest.cpp - Laws that every attention obeys ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

/// Programs on f32 queries of [2, 5, 4, 8] and keys of [2, 7, 2, 8].
struct LawTest : ProgramTest {
  std::string types = "!q = tensor<2x5x4x8xf32>\n"
                      "!k = tensor<2x?x2x8xf32>\n"
                      "!kv = !attn.kv<!k, !k>\n"
                      "!l = tensor<2x4x5xf32>\n";

  std::vector<Tensor> evaluate(const std::string &source,
                               ArrayRef<Tensor> arguments) {
    auto results = run(parse(types + source), arguments);
    EXPECT_TRUE(succeeded(results)) << messages << source;
    return succeeded(results) ? *results : std::vector<Tensor>(2);
  }

  /// Attention with `modifiers` over %q, %k, %v and perhaps a sink.
  std::vector<Tensor> attend(const std::string &modifiers,
                             const std::string &sink = "") {
    std::vector<Tensor> arguments = {q, k, v};
    if (!sink.empty())
      arguments.push_back(sinks);
    return evaluate(
        "func.func @f(%q: !q, %k: !k, %v: !k" +
            (sink.empty() ? "" : std::string(", %s: tensor<4xf32>")) +
            ") -> (!q, !l) {\n%kv = attn.kv.dense %k, %v : !k, !k\n"
            "%o, %lse = attn.attention %q, %kv " +
            modifiers + sink +
            " : !q, !kv -> !q, !l\nreturn %o, %lse : !q, !l\n}",
        arguments);
  }

  static void expectSame(const Tensor &a, const Tensor &b) {
    EXPECT_EQ(a.shape, b.shape);
    for (auto [x, y] : llvm::zip(a.values, b.values))
      if (!(std::isinf(x) && x == y)) {
        EXPECT_NEAR(x, y, 1e-12);
      }
  }

  static Tensor slice(const Tensor &tensor, int64_t first, int64_t count) {
    Tensor part{{2, count, 2, 8}, {}};
    int64_t row = 16, length = tensor.shape[1];
    for (int64_t b = 0; b != 2; ++b)
      part.values.insert(
          part.values.end(), tensor.values.begin() + (b * length + first) * row,
          tensor.values.begin() + (b * length + first + count) * row);
    return part;
  }

  std::mt19937 generator{7};
  Tensor q = makeRandom({2, 5, 4, 8}, generator);
  Tensor k = makeRandom({2, 7, 2, 8}, generator);
  Tensor v = makeRandom({2, 7, 2, 8}, generator);
  Tensor sinks = {{4}, {0, 1, -INFINITY, 30}};
};

} // namespace

/// Queries and a sink over all keys are the merge of any two parts of them,
/// also of an empty one. The sink is merged once.
TEST_F(LawTest, AnyPartitionMergedIsTheWhole) {
  std::vector<Tensor> whole = attend("", " sink(%s : tensor<4xf32>)");
  for (int64_t first : {0, 1, 3, 7}) {
    std::vector<Tensor> merged = evaluate(
        "func.func @f(%q: !q, %k0: !k, %v0: !k, %k1: !k, %v1: !k, "
        "%s: tensor<4xf32>) -> (!q, !l) {\n"
        "%a = attn.kv.dense %k0, %v0 : !k, !k\n"
        "%b = attn.kv.dense %k1, %v1 : !k, !k\n"
        "%oa, %la = attn.attention %q, %a : !q, !kv -> !q, !l\n"
        "%ob, %lb = attn.attention %q, %b : !q, !kv -> !q, !l\n"
        "%o, %l = attn.merge %oa, %ob lse(%la, %lb) sink(%s) : "
        "(!q, !q, !l, !l, tensor<4xf32>) -> (!q, !l)\n"
        "return %o, %l : !q, !l\n}",
        {q, slice(k, 0, first), slice(v, 0, first), slice(k, first, 7 - first),
         slice(v, first, 7 - first), sinks});
    expectSame(merged[0], whole[0]);
    expectSame(merged[1], whole[1]);
  }
}

TEST_F(LawTest, PartsInBaseTwoMergeToTheSame) {
  std::string l2 = "tensor<2x4x5xf32, #attn.log2>";
  std::vector<Tensor> merged = evaluate(
      "func.func @f(%q: !q, %k: !k, %v: !k, %s: tensor<4xf32>) -> (!q, !l) {\n"
      "%a = attn.kv.dense %k, %v : !k, !k\n"
      "%o, %l = attn.attention %q, %a mask(causal) : !q, !kv -> !q, !l\n"
      "%l2 = attn.convert_lse %l : !l -> " +
          l2 +
          "\n"
          "%m, %n2 = attn.merge %o lse(%l2) sink(%s) : (!q, " +
          l2 + ", tensor<4xf32>) -> (!q, " + l2 +
          ")\n"
          "%n = attn.convert_lse %n2 : " +
          l2 +
          " -> !l\n"
          "return %m, %n : !q, !l\n}",
      {q, k, v, sinks});
  std::vector<Tensor> whole =
      attend("mask(causal)", " sink(%s : tensor<4xf32>)");
  expectSame(merged[0], whole[0]);
  expectSame(merged[1], whole[1]);
}

TEST_F(LawTest, OffByOneIsASinkOfZero) {
  sinks.values = {0, 0, 0, 0};
  std::vector<Tensor> one = attend("mask(causal) normalizer<off_by_one>");
  std::vector<Tensor> sink =
      attend("mask(causal)", " sink(%s : tensor<4xf32>)");
  expectSame(one[0], sink[0]);
  expectSame(one[1], sink[1]);
}

/// The parts of a sigmoid attention are added.
TEST_F(LawTest, SigmoidPartsAdd) {
  auto attendTo = [&](const std::string &mask) {
    return evaluate("func.func @f(%q: !q, %k: !k, %v: !k) -> !q {\n"
                    "%kv = attn.kv.dense %k, %v : !k, !k\n"
                    "%o = attn.attention %q, %kv " +
                        mask +
                        " normalizer<sigmoid> : !q, !kv -> !q\n"
                        "return %o : !q\n}",
                    {q, k, v})[0];
  };
  Tensor whole = attendTo(""), a = attendTo("mask(first<3>)");
  Tensor b = attendTo("mask(not first<3>)");
  for (auto [sum, other] : llvm::zip(a.values, b.values))
    sum += other;
  expectSame(a, whole);
}

/// Selecting all keys, in any order and more than once, is dense; so is
/// selecting all blocks.
TEST_F(LawTest, ChoosingEverythingIsDense) {
  auto choose = [&](const std::string &block, std::vector<double> list) {
    Tensor indices{{2, 5, 1, static_cast<int64_t>(list.size())}, {}};
    for (int i = 0; i != 10; ++i)
      llvm::append_range(indices.values, list);
    std::string type = "tensor<2x5x1x" + std::to_string(list.size()) + "xi32>";
    return evaluate("func.func @f(%q: !q, %k: !k, %v: !k, %i: " + type +
                        ") -> (!q, !l) {\n"
                        "%all = attn.kv.dense %k, %v : !k, !k\n"
                        "%kv = attn.kv.gather %all at %i " +
                        block + " : !kv, " + type +
                        "\n%o, %l = attn.attention %q, %kv mask(causal) : !q, "
                        "!kv -> !q, !l\nreturn %o, %l : !q, !l\n}",
                    {q, k, v, indices});
  };
  std::vector<Tensor> dense = attend("mask(causal)");
  for (const auto &chosen : {choose("", {6, 0, 1, 1, -1, 2, 3, 4, 5, 99}),
                             choose("block<3>", {2, 0, 1, 2, 3})}) {
    expectSame(chosen[0], dense[0]);
    expectSame(chosen[1], dense[1]);
  }
  // Nothing is chosen: nothing is seen.
  std::vector<Tensor> nothing = choose("", {-1, 7, -5});
  for (double value : nothing[0].values)
    EXPECT_EQ(value, 0);
}

/// A selection of as many as there are keys holds all that are visible.
TEST_F(LawTest, SelectingAllIsDense) {
  std::vector<Tensor> chosen =
      evaluate("func.func @f(%q: !q, %k: !k, %v: !k) -> (!q, !l) {\n"
               "%i = attn.select %q, %k mask(causal) top<9> : !q, !k -> "
               "tensor<2x5x4x9xi32>\n"
               "%all = attn.kv.dense %k, %v : !k, !k\n"
               "%kv = attn.kv.gather %all at %i : !kv, tensor<2x5x4x9xi32>\n"
               "%o, %l = attn.attention %q, %kv : !q, !kv -> !q, !l\n"
               "return %o, %l : !q, !l\n}",
               {q, k, v});
  std::vector<Tensor> dense = attend("mask(causal)");
  expectSame(chosen[0], dense[0]);
  expectSame(chosen[1], dense[1]);
}

/// Sources one after the other are one sequence; so are pages.
TEST_F(LawTest, SourcesAndPagesAreOneSequence) {
  std::vector<Tensor> dense = attend("mask(causal)");
  std::vector<Tensor> both = evaluate(
      "func.func @f(%q: !q, %k0: !k, %v0: !k, %k1: !k, %v1: !k) -> (!q, !l) {\n"
      "%a = attn.kv.dense %k0, %v0 : !k, !k\n"
      "%b = attn.kv.dense %k1, %v1 : !k, !k\n"
      "%kv = attn.kv.concat %a, %b : !kv, !kv -> !kv\n"
      "%o, %l = attn.attention %q, %kv mask(causal) : !q, !kv -> !q, !l\n"
      "return %o, %l : !q, !l\n}",
      {q, slice(k, 0, 4), slice(v, 0, 4), slice(k, 4, 3), slice(v, 4, 3)});
  expectSame(both[0], dense[0]);
  // One slot to a page: sequence b has the pages 7 b, 7 b + 1, ...
  Tensor table{{2, 7}, std::vector<double>(14)};
  std::iota(table.values.begin(), table.values.end(), 0.0);
  Tensor kPages{{14, 1, 2, 8}, k.values}, vPages{{14, 1, 2, 8}, v.values};
  std::vector<Tensor> paged = evaluate(
      "!p = tensor<?x1x2x8xf32>\n"
      "func.func @f(%q: !q, %k: !p, %v: !p, %t: tensor<2x7xi32>, "
      "%n: tensor<2xi32>) -> (!q, !l) {\n"
      "%kv = attn.kv.paged %k values(%v : !p) table(%t, %n : tensor<2x7xi32>, "
      "tensor<2xi32>) : !p\n"
      "%o, %l = attn.attention %q, %kv mask(causal) : !q, !kv -> !q, !l\n"
      "return %o, %l : !q, !l\n}",
      {q, kPages, vPages, table, {{2}, {7, 7}}});
  expectSame(paged[0], dense[0]);
  expectSame(paged[1], dense[1]);
}

/// Every selection of as many candidates as there are is dense: tokens of an
/// indexer, blocks by their best token, by weights of means and by their means.
TEST_F(LawTest, SelectionsOfEverythingAreDense) {
  std::vector<Tensor> dense = attend("mask(causal)");
  std::string means =
      "%m = attn.compress %k block<3> stride<3> partial : !k -> "
      "!k\n";
  for (auto [select, lists, block] :
       {std::tuple(std::string("%i = attn.select %q, %k mask(causal) relu "
                               "top<8> : !q, !k"),
                   "1x8", ""),
        std::tuple(std::string("%i = attn.select %q, %k mask(causal) "
                               "max_pool<3> block<3> forced<0, 1> top<4> : !q, "
                               "!k"),
                   "2x4", " block<3>"),
        std::tuple(means + "%i = attn.select %q, %m positions(%p : !p) softmax "
                           "block<3> forced<1, 2> top<3> : !q, !k",
                   "2x3", " block<3>"),
        std::tuple(means +
                       "%i = attn.select %q, %m positions(%p : !p) block<3> "
                       "forced<0, 1> top<5> : !q, !k",
                   "4x5", " block<3>")}) {
    std::string type = "tensor<2x5x" + std::string(lists) + "xi32>";
    std::vector<Tensor> chosen = evaluate(
        "!p = tensor<2x5xi32>\n"
        "func.func @f(%q: !q, %k: !k, %v: !k, %p: !p) -> (!q, !l) {\n" +
            select + " -> " + type +
            "\n%all = attn.kv.dense %k, %v : !k, !k\n"
            "%kv = attn.kv.gather %all at %i" +
            block + " : !kv, " + type +
            "\n%o, %l = attn.attention %q, %kv mask(causal) : !q, !kv -> !q, "
            "!l\nreturn %o, %l : !q, !l\n}",
        {q, k, v, {{2, 5}, {2, 3, 4, 5, 6, 2, 3, 4, 5, 6}}});
    expectSame(chosen[0], dense[0]);
    expectSame(chosen[1], dense[1]);
  }
}

/// Latent vectors absorbed into the queries give what keys and values that are
/// expanded from them give.
TEST_F(LawTest, AbsorbedIsExpanded) {
  // Of 2 heads, 3 channels of a head, 5 latent ones, 2 for the position.
  constexpr int64_t kHeads = 2, kDim = 3, kLatent = 5, kTurned = 2, kKeys = 6;
  Tensor latent = makeRandom({1, kKeys, 1, kLatent + kTurned}, generator);
  Tensor queries = makeRandom({1, 4, kHeads, kDim + kTurned}, generator);
  Tensor toKey = makeRandom({kHeads, kDim, kLatent}, generator);
  Tensor toValue = makeRandom({kHeads, kDim, kLatent}, generator);
  auto weight = [&](const Tensor &tensor, int64_t h, int64_t d, int64_t c) {
    return tensor.values[(h * kDim + d) * kLatent + c];
  };
  Tensor absorbed{{1, 4, kHeads, kLatent + kTurned}, {}};
  for (int64_t row = 0; row != 4 * kHeads; ++row) {
    const double *own = queries.values.data() + row * (kDim + kTurned);
    for (int64_t c = 0; c != kLatent; ++c) {
      double sum = 0;
      for (int64_t d = 0; d != kDim; ++d)
        sum += own[d] * weight(toKey, row % kHeads, d, c);
      absorbed.values.push_back(sum);
    }
    absorbed.values.insert(absorbed.values.end(), own + kDim,
                           own + kDim + kTurned);
  }
  Tensor keys{{1, kKeys, kHeads, kDim + kTurned}, {}};
  Tensor values{{1, kKeys, kHeads, kDim}, {}};
  for (int64_t row = 0; row != kKeys * kHeads; ++row) {
    const double *own =
        latent.values.data() + row / kHeads * (kLatent + kTurned);
    for (int64_t d = 0; d != kDim; ++d) {
      double key = 0, value = 0;
      for (int64_t c = 0; c != kLatent; ++c) {
        key += own[c] * weight(toKey, row % kHeads, d, c);
        value += own[c] * weight(toValue, row % kHeads, d, c);
      }
      keys.values.push_back(key);
      values.values.push_back(value);
    }
    keys.values.insert(keys.values.end(), own + kLatent,
                       own + kLatent + kTurned);
  }
  types = "!q = tensor<1x4x2x5xf32>\n!k = tensor<1x6x2x5xf32>\n"
          "!v = tensor<1x6x2x3xf32>\n!o = tensor<1x4x2x3xf32>\n"
          "!a = tensor<1x4x2x7xf32>\n!c = tensor<1x6x1x7xf32>\n"
          "!p = tensor<1x4x2x5xf32>\n!l = tensor<1x2x4xf32>\n";
  std::vector<Tensor> expanded =
      evaluate("func.func @f(%q: !q, %k: !k, %v: !v) -> (!o, !l) {\n"
               "%kv = attn.kv.dense %k, %v : !k, !v\n"
               "%o, %l = attn.attention %q, %kv mask(causal) scale(0.5) : !q, "
               "!attn.kv<!k, !v> -> !o, !l\nreturn %o, %l : !o, !l\n}",
               {queries, keys, values});
  std::vector<Tensor> results =
      evaluate("func.func @f(%q: !a, %c: !c) -> (!p, !l) {\n"
               "%kv = attn.kv.latent %c slice<5> : !c\n"
               "%o, %l = attn.attention %q, %kv mask(causal) scale(0.5) : !a, "
               "!attn.kv<!c, tensor<1x6x1x5xf32>> -> !p, !l\n"
               "return %o, %l : !p, !l\n}",
               {absorbed, latent});
  Tensor output{{1, 4, kHeads, kDim}, {}};
  for (int64_t row = 0; row != 4 * kHeads; ++row)
    for (int64_t d = 0; d != kDim; ++d) {
      double sum = 0;
      for (int64_t c = 0; c != kLatent; ++c)
        sum += results[0].values[row * kLatent + c] *
               weight(toValue, row % kHeads, d, c);
      output.values.push_back(sum);
    }
  expectSame(output, expanded[0]);
  expectSame(results[1], expanded[1]);
}

/// An infinite sink takes all, one of minus infinity nothing; lse has neither.
/// A row without keys is 0 whatever the sink.
TEST_F(LawTest, SinksOfInfinity) {
  std::vector<Tensor> plain = attend("mask(causal and not first<3>)");
  sinks.values = {INFINITY, -INFINITY, -INFINITY, INFINITY};
  std::vector<Tensor> results =
      attend("mask(causal and not first<3>)", " sink(%s : tensor<4xf32>)");
  expectSame(results[1], plain[1]);
  for (auto [i, value] : llvm::enumerate(results[0].values)) {
    bool isTaken =
        std::isinf(sinks.values[i / 8 % 4]) && sinks.values[i / 8 % 4] > 0;
    EXPECT_NEAR(value, isTaken ? 0 : plain[0].values[i], 1e-12);
  }
  results = attend("mask(first<0>)", " sink(%s : tensor<4xf32>)");
  for (double value : results[0].values)
    EXPECT_EQ(value, 0);
  for (double value : results[1].values)
    EXPECT_EQ(value, -INFINITY);
}

/// What two masks name counts once.
TEST_F(LawTest, FirstTokensInTheWindowCountOnce) {
  std::vector<Tensor> both =
      attend("mask(causal and (first<4> or window<9, 0>))");
  std::vector<Tensor> causal = attend("mask(causal)");
  expectSame(both[0], causal[0]);
  expectSame(both[1], causal[1]);
}

/// Equal scores give the mean and the logarithm of the number of keys, also
/// where a cap makes them equal.
TEST_F(LawTest, EqualScoresAreTheMean) {
  for (double &value : k.values)
    value = 0;
  std::vector<Tensor> equal = attend("");
  for (double value : equal[1].values)
    EXPECT_NEAR(value, std::log(7.0), 1e-12);
  // Scores of 1e5 and more, all of one sign: the cap is what is left.
  for (auto [i, value] : llvm::enumerate(k.values))
    value = i % 8 == 0 ? 1e6 * (1 + i) : 0;
  for (auto [i, value] : llvm::enumerate(q.values))
    value = i % 8 == 0 ? 1 : 0;
  std::vector<Tensor> capped = attend("score(softcap<20.0>)");
  expectSame(capped[0], equal[0]);
  for (double value : capped[1].values)
    EXPECT_NEAR(value, 20 + std::log(7.0), 1e-12);
}

/// Differential attention with a factor of 0 is the first of its two.
TEST_F(LawTest, DifferenceWithoutWeightIsPlain) {
  Tensor q2 = makeRandom(q.shape, generator);
  Tensor difference = evaluate(
      "func.func @f(%q: !q, %k: !k, %v: !k, %r: !q, %n: !q) -> !q {\n"
      "%kv = attn.kv.dense %k, %v : !k, !k\n"
      "%a = attn.attention %q, %kv mask(causal) : !q, !kv -> !q\n"
      "%b = attn.attention %r, %kv mask(causal) : !q, !kv -> !q\n"
      "%c = arith.mulf %b, %n : !q\n%d = arith.subf %a, %c : !q\n"
      "return %d : !q\n}",
      {q, k, v, q2, {q.shape, std::vector<double>(q.values.size(), 0.0)}})[0];
  expectSame(difference, attend("mask(causal)")[0]);
}
