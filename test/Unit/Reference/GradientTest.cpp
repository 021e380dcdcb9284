//===- GradientTest.cpp - Gradients are differences -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The gradients of attention against central differences of the forward op,
// both in double precision.
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

/// An attention of %q over %kv, as text.
struct Attention {
  /// Aliases !q, !kv, !o and !l, and whatever the others use.
  std::string types;
  /// The parameters, those with gradients first.
  std::string parameters;
  /// What makes %kv of them.
  std::string constructors;
  /// What both ops have, and what each has with and without a type.
  std::string options, forward, backward;
  /// The types of the operands that only `backward` names, and the gradients.
  std::string operandTypes, gradients;
  bool hasLse = true;
};

struct GradientTest : ProgramTest {
  std::vector<Tensor> evaluate(const std::string &source,
                               ArrayRef<Tensor> arguments) {
    auto results = run(parse(source), arguments);
    EXPECT_TRUE(succeeded(results)) << messages << source;
    return succeeded(results) ? *results : std::vector<Tensor>();
  }

  static std::string makeForward(const Attention &attention) {
    std::string results = attention.hasLse ? "!o, !l" : "!o";
    return attention.constructors +
           (attention.hasLse ? "%o, %l" : std::string("%o")) +
           " = attn.attention %q, %kv " + attention.forward + " " +
           attention.options + " : !q, !kv -> " + results + "\n";
  }

  /// Checks every third element of the first `count` arguments.
  void expectGradients(const Attention &attention,
                       std::vector<Tensor> arguments, size_t count) {
    std::string head = attention.types + "func.func @f(" + attention.parameters;
    std::string forward = makeForward(attention);
    std::string values = attention.hasLse ? "%o, %l : !o, !l" : "%o : !o";
    std::string results = attention.hasLse ? "(!o, !l)" : "!o";
    std::string program = head + ") -> " + results + " {\n" + forward +
                          "return " + values + "\n}";
    std::vector<Tensor> outputs = evaluate(program, arguments);
    ASSERT_EQ(outputs.size(), attention.hasLse ? 2u : 1u);
    std::vector<Tensor> weights;
    for (const Tensor &output : outputs)
      weights.push_back(makeRandom(output.shape, generator));

    std::string names;
    for (size_t number = 0; number != count; ++number)
      names += (number ? ", %g" : "%g") + std::to_string(number);
    std::string gradients = attention.gradients, own = gradients;
    for (const char *group : {" d_sink(", " d_wrt("})
      if (size_t at = own.find(group); at != std::string::npos)
        own.replace(at, std::string(group).size(), ", ");
    llvm::erase(own, ')');
    std::string backward =
        head + ", %do: !o" + (attention.hasLse ? ", %dl: !l" : "") + ") -> (" +
        own + ") {\n" + forward + names +
        " = attn.attention_backward %q, %kv, %do " +
        (attention.hasLse ? "of(%o, %l) d_lse(%dl) " : "") +
        attention.backward + " : (!q, !kv, !o" +
        (attention.hasLse ? ", !o, !l, !l" : "") + attention.operandTypes +
        ") -> " + gradients + "\nreturn " + names + " : " + own + "\n}";
    std::vector<Tensor> all = arguments;
    llvm::append_range(all, weights);
    std::vector<Tensor> found = evaluate(backward, all);
    ASSERT_EQ(found.size(), count);

    auto loss = [&](ArrayRef<Tensor> values) {
      double sum = 0;
      for (auto [result, weight] :
           llvm::zip(evaluate(program, values), weights))
        for (auto [value, factor] : llvm::zip(result.values, weight.values))
          if (std::isfinite(value))
            sum += value * factor;
      return sum;
    };
    constexpr double step = 1e-5;
    for (size_t number = 0; number != count; ++number)
      for (size_t i = 0; i < arguments[number].values.size(); i += 3) {
        std::vector<Tensor> up = arguments, down = arguments;
        up[number].values[i] += step;
        down[number].values[i] -= step;
        double expected = (loss(up) - loss(down)) / (2 * step);
        EXPECT_NEAR(found[number].values[i], expected, 1e-8)
            << "argument " << number << ", element " << i;
      }
  }

  /// Queries of [2, 4, 4, 6] over dense keys of [2, 5, 2, 6].
  Attention makeDense(const std::string &options) {
    Attention attention;
    attention.types = "!q = tensor<2x4x4x6xf32>\n!o = !q\n"
                      "!k = tensor<2x5x2x6xf32>\n!kv = !attn.kv<!k, !k>\n"
                      "!l = tensor<2x4x4xf32>\n";
    attention.parameters = "%q: !q, %k: !k, %v: !k";
    attention.constructors = "%kv = attn.kv.dense %k, %v : !k, !k\n";
    attention.options = attention.backward = options;
    attention.gradients = "!q, !k, !k";
    return attention;
  }

  std::vector<Tensor> makeDenseArguments() {
    return {makeRandom({2, 4, 4, 6}, generator),
            makeRandom({2, 5, 2, 6}, generator),
            makeRandom({2, 5, 2, 6}, generator)};
  }

  std::mt19937 generator{11};
};

} // namespace

/// Packed sequences, one of them empty, and a score that reads a table.
TEST_F(GradientTest, PackedSequencesAndCapturedTable) {
  Attention attention;
  attention.types =
      "!q = tensor<6x2x4xf32>\n!o = !q\n!k = tensor<7x1x4xf32>\n"
      "!l = tensor<2x6xf32>\n!kv = !attn.kv<!k, !k>\n!c = tensor<4xi32>\n"
      "!t = tensor<2x3xf32>\n";
  attention.parameters = "%q: !q, %k: !k, %v: !k, %t: !t, %cq: !c, %ck: !c";
  attention.constructors = "%kv = attn.kv.varlen %k, %v, %ck : !k, !k, !c\n";
  attention.options =
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
  attention.forward = "cu_seqlens(%cq : !c)";
  attention.backward = "cu_seqlens(%cq) " + attention.options + " wrt(%t)";
  attention.operandTypes = ", !c, !t";
  attention.gradients = "!q, !k, !k d_wrt(!t)";
  expectGradients(attention,
                  {makeRandom({6, 2, 4}, generator),
                   makeRandom({7, 1, 4}, generator),
                   makeRandom({7, 1, 4}, generator),
                   makeRandom({2, 3}, generator),
                   {{4}, {0, 2, 2, 6}},
                   {{4}, {0, 3, 4, 7}}},
                  4);
}

TEST_F(GradientTest, Sigmoid) {
  for (const char *score : {"", "score(softcap<2.0>) "}) {
    Attention attention =
        makeDense("mask(causal) " + std::string(score) + "normalizer<sigmoid>");
    attention.hasLse = false;
    expectGradients(attention, makeDenseArguments(), 3);
  }
}

TEST_F(GradientTest, OffByOne) {
  expectGradients(makeDense("mask(causal) normalizer<off_by_one>"),
                  makeDenseArguments(), 3);
}

/// Two queries have one position, and one stands behind all keys.
TEST_F(GradientTest, GivenPositions) {
  Attention attention = makeDense("mask(causal)");
  attention.parameters += ", %p: tensor<2x4xi32>";
  attention.forward = "positions(%p : tensor<2x4xi32>)";
  attention.backward = "positions(%p) mask(causal)";
  attention.operandTypes = ", tensor<2x4xi32>";
  std::vector<Tensor> arguments = makeDenseArguments();
  arguments.push_back({{2, 4}, {1, 1, 9, 0, 4, 3, 2, -1}});
  expectGradients(attention, arguments, 3);
}

/// A page that two sequences share, heads in front of slots, a sink.
TEST_F(GradientTest, Pages) {
  Attention attention;
  attention.types = "!q = tensor<3x4x6xf32>\n!o = tensor<3x4x5xf32>\n"
                    "!k = tensor<4x2x2x6xf32>\n!v = tensor<4x2x2x5xf32>\n"
                    "!kv = !attn.kv<tensor<2x?x2x6xf32>, tensor<2x?x2x5xf32>>\n"
                    "!l = tensor<4x3xf32>\n!c = tensor<3xi32>\n"
                    "!t = tensor<2x2xi32>\n!n = tensor<2xi32>\n"
                    "!s = tensor<4xf32>\n";
  attention.parameters =
      "%q: !q, %k: !k, %v: !v, %s: !s, %c: !c, %t: !t, %n: !n";
  attention.constructors = "%kv = attn.kv.paged %k heads_first values(%v : !v) "
                           "table(%t, %n : !t, !n) : !k\n";
  attention.forward = "cu_seqlens(%c : !c) mask(causal) sink(%s : !s)";
  attention.backward = "cu_seqlens(%c) mask(causal) sink(%s)";
  attention.operandTypes = ", !c, !s";
  attention.gradients = "!q, !k, !v d_sink(!s)";
  expectGradients(attention,
                  {makeRandom({3, 4, 6}, generator),
                   makeRandom({4, 2, 2, 6}, generator),
                   makeRandom({4, 2, 2, 5}, generator),
                   makeRandom({4}, generator),
                   {{3}, {0, 2, 3}},
                   {{2, 2}, {3, 1, 1, -1}},
                   {{2}, {3, 2}}},
                  4);
}

/// A latent vector is key and value: both gradients are in one tensor. What no
/// list names has none.
TEST_F(GradientTest, ChosenLatentVectors) {
  for (const char *normalizer : {"", " normalizer<sigmoid>"}) {
    Attention attention;
    attention.types = "!q = tensor<1x3x2x6xf32>\n!o = tensor<1x3x2x4xf32>\n"
                      "!c = tensor<1x7x1x6xf32>\n!l = tensor<1x2x3xf32>\n"
                      "!kv = !attn.kv<!c, tensor<1x7x1x4xf32>>\n"
                      "!i = tensor<1x3x1x3xi32>\n";
    attention.parameters = "%q: !q, %c: !c, %i: !i";
    attention.constructors = "%all = attn.kv.latent %c slice<4> : !c\n"
                             "%kv = attn.kv.gather %all at %i block<2> : !kv, "
                             "!i\n";
    attention.options = attention.backward =
        std::string("mask(causal)") + normalizer;
    attention.gradients = "!q, !c";
    attention.hasLse = *normalizer == 0;
    // Twice the same, one that is none, the last one in part.
    expectGradients(attention,
                    {makeRandom({1, 3, 2, 6}, generator),
                     makeRandom({1, 7, 1, 6}, generator),
                     {{1, 3, 1, 3}, {0, 0, 9, 1, -1, 0, 3, 2, 3}}},
                    2);
  }
}

/// Gradients of pages by a table are those of the keys that it gathers.
TEST_F(GradientTest, PagesAreDenseKeys) {
  std::vector<Tensor> arguments = makeDenseArguments();
  Tensor dOutput = makeRandom({2, 4, 4, 6}, generator);
  std::string head =
      "!q = tensor<2x4x4x6xf32>\n!k = tensor<2x5x2x6xf32>\n"
      "!p = tensor<10x1x2x6xf32>\n!l = tensor<2x4x4xf32>\n"
      "!kv = !attn.kv<!k, !k>\n"
      "!pv = !attn.kv<tensor<2x?x2x6xf32>, tensor<2x?x2x6xf32>>\n"
      "func.func @f(%q: !q, ";
  auto body = [](const std::string &kv, const std::string &k) {
    return "%o, %l = attn.attention %q, %kv mask(causal) : !q, " + kv +
           " -> !q, !l\n%a, %b, %c = attn.attention_backward %q, %kv, %do "
           "of(%o, %l) mask(causal) : (!q, " +
           kv + ", !q, !q, !l) -> !q, " + k + ", " + k +
           "\nreturn %a, %b, %c : !q, " + k + ", " + k + "\n}";
  };
  std::vector<Tensor> dense =
      evaluate(head +
                   "%k: !k, %v: !k, %do: !q) -> (!q, !k, !k) {\n"
                   "%kv = attn.kv.dense %k, %v : !k, !k\n" +
                   body("!kv", "!k"),
               {arguments[0], arguments[1], arguments[2], dOutput});
  Tensor table{{2, 5}, std::vector<double>(10)};
  std::iota(table.values.begin(), table.values.end(), 0.0);
  Tensor keys{{10, 1, 2, 6}, arguments[1].values};
  Tensor values{{10, 1, 2, 6}, arguments[2].values};
  std::vector<Tensor> paged = evaluate(
      head +
          "%k: !p, %v: !p, %do: !q, %t: tensor<2x5xi32>, %n: tensor<2xi32>) -> "
          "(!q, !p, !p) {\n%kv = attn.kv.paged %k values(%v : !p) table(%t, %n "
          ": tensor<2x5xi32>, tensor<2xi32>) : !p\n" +
          body("!pv", "!p"),
      {arguments[0], keys, values, dOutput, table, {{2}, {5, 5}}});
  ASSERT_EQ(paged.size(), 3u);
  for (auto [a, b] : llvm::zip(dense, paged))
    EXPECT_EQ(a.values, b.values);
}
