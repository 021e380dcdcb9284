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

/// Gradients of packed sequences, of a score that reads a table, against
/// differences of the forward function.
TEST_F(LawTest, GradientsAreDifferences) {
  std::string head =
      "!q = tensor<6x2x4xf32>\n!k = tensor<7x1x4xf32>\n!l = tensor<2x6xf32>\n"
      "!kv = !attn.kv<!k, !k>\n!c = tensor<4xi32>\n!t = tensor<2x3xf32>\n";
  std::string attention =
      "%kv = attn.kv.varlen %k, %v, %ck : !k, !k, !c\n"
      "%o, %l = attn.attention %q, %kv cu_seqlens(%cq : !c) MODIFIERS "
      ": !q, !kv -> !q, !l\n";
  std::string modifiers =
      "mask(window<2, 1>) score {\n"
      "^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):\n"
      "%three = arith.constant 3 : index\n"
      "%r = arith.remsi %j, %three : index\n"
      "%e = attn.read %t[%h, %r] : !t\n"
      "%m = arith.mulf %x, %e : f32\n"
      "%half = arith.constant 0.5 : f32\n"
      "%n = arith.mulf %m, %half : f32\n"
      "%u = math.tanh %n : f32\n"
      "%y = arith.addf %u, %m : f32\n"
      "attn.yield %y : f32\n} scale(0.75)";
  auto fill = [&](std::string text) {
    return text.replace(text.find("MODIFIERS"), 9, modifiers);
  };
  std::string parameters = "(%q: !q, %k: !k, %v: !k, %t: !t, %cq: !c, %ck: !c";
  std::string forward = head + "func.func @f" + parameters +
                        ") -> (!q, !l) {\n" + fill(attention) +
                        "return %o, %l : !q, !l\n}";
  std::string backward =
      head + "func.func @f" + parameters +
      ", %do: !q, %dl: !l) -> (!q, !k, !k, !t) {\n" + fill(attention) +
      fill("%dq, %dk, %dv, %dt = attn.attention_backward %q, %kv, %o, %l, %do "
           "d_lse(%dl) cu_seqlens(%cq) MODIFIERS wrt(%t) : (!q, !kv, !q, !l, "
           "!q, !l, !c, !t) -> !q, !k, !k d_wrt(!t)\n") +
      "return %dq, %dk, %dv, %dt : !q, !k, !k, !t\n}";
  std::vector<Tensor> arguments = {makeRandom({6, 2, 4}, generator),
                                   makeRandom({7, 1, 4}, generator),
                                   makeRandom({7, 1, 4}, generator),
                                   makeRandom({2, 3}, generator),
                                   {{4}, {0, 2, 2, 6}},
                                   {{4}, {0, 3, 4, 7}}};
  Tensor dOutput = makeRandom({6, 2, 4}, generator);
  Tensor dLse = makeRandom({2, 6}, generator);
  auto loss = [&](ArrayRef<Tensor> values) {
    types.clear();
    std::vector<Tensor> results = evaluate(forward, values);
    double sum = 0;
    for (auto [result, weights] :
         {std::pair(&results[0], &dOutput), std::pair(&results[1], &dLse)})
      for (auto [value, weight] : llvm::zip(result->values, weights->values))
        if (std::isfinite(value))
          sum += value * weight;
    return sum;
  };
  std::vector<Tensor> all = arguments;
  all.push_back(dOutput);
  all.push_back(dLse);
  types.clear();
  std::vector<Tensor> gradients = evaluate(backward, all);
  ASSERT_EQ(gradients.size(), 4u);
  constexpr double step = 1e-5;
  for (size_t number = 0; number != 4; ++number)
    for (size_t i = 0; i < arguments[number].values.size(); i += 3) {
      std::vector<Tensor> up = arguments, down = arguments;
      up[number].values[i] += step;
      down[number].values[i] -= step;
      double expected = (loss(up) - loss(down)) / (2 * step);
      EXPECT_NEAR(gradients[number].values[i], expected, 1e-8)
          << "argument " << number << ", element " << i;
    }
}
