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

/// Everything that has a gradient: a cap, slopes, a bias, a sink and the lse.
TEST_F(GradientTest, SlopesBiasAndSink) {
  Attention attention = makeDense("");
  attention.types += "!s = tensor<4xf32>\n!b = tensor<1x4x4x5xf32>\n";
  attention.parameters += ", %s: !s, %m: !s, %c: !b";
  std::string score = "mask(causal) score(softcap<2.0>, alibi(%m : !s), "
                      "bias(%c : !b)) scale(0.75)";
  attention.forward = score + " sink(%s : !s)";
  attention.backward = score + " sink(%s) wrt(%m, %c)";
  attention.operandTypes = ", !s, !s, !b";
  attention.gradients = "!q, !k, !k d_sink(!s) d_wrt(!s, !b)";
  std::vector<Tensor> arguments = makeDenseArguments();
  arguments.push_back(makeRandom({4}, generator));
  arguments.push_back(makeRandom({4}, generator));
  arguments.push_back(makeRandom({1, 4, 4, 5}, generator));
  expectGradients(attention, arguments, 6);
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

/// A window of raw keys, and entries of which lists choose some, in one softmax
/// with a sink, as in DeepSeek-V4: each source has gradients of its own.
TEST_F(GradientTest, SeveralSources) {
  for (const char *rest : {"sink", "off_by_one", "sigmoid"}) {
    bool hasSink = StringRef(rest) == "sink";
    Attention attention;
    attention.types =
        "!q = tensor<2x3x2x6xf32>\n!o = tensor<2x3x2x4xf32>\n"
        "!k = tensor<2x3x1x6xf32>\n!v = tensor<2x3x1x4xf32>\n"
        "!c = tensor<2x5x1x6xf32>\n!p = tensor<3x2x1x6xf32>\n"
        "!l = tensor<2x2x3xf32>\n!s = tensor<2xf32>\n!a = !attn.kv<!k, !v>\n"
        "!b = !attn.kv<!c, tensor<2x5x1x4xf32>>\n"
        "!kv = !attn.kv<tensor<2x?x1x6xf32>, tensor<2x?x1x4xf32>>\n"
        "!i = tensor<2x3x1x3xi32>\n!t = tensor<2x2xi32>\n!n = tensor<2xi32>\n";
    attention.parameters =
        "%q: !q, %k: !k, %v: !v, %c: !c, %pages: !p, %s: !s, %i: !i, %t: !t, "
        "%n: !n";
    attention.constructors =
        "%a = attn.kv.dense %k, %v : !k, !v\n"
        "%all = attn.kv.latent %c slice<4> : !c\n"
        "%b = attn.kv.gather %all at %i : !b, !i\n"
        "%d = attn.kv.paged %pages slice<4> table(%t, %n : !t, !n) : !p\n"
        "%kv = attn.kv.concat %a, %b, %d : !a, !b, !kv -> !kv\n";
    attention.options = attention.backward = "mask(first<2> or window<4, 0>)";
    attention.gradients = "!q, !k, !v, !c, !p";
    if (hasSink) {
      attention.forward = "mask(first<2> or window<4, 0>) sink(%s : !s)";
      attention.options = "";
      attention.backward += " sink(%s)";
      attention.operandTypes = ", !s";
      attention.gradients += " d_sink(!s)";
    } else {
      std::string normalizer = " normalizer<" + std::string(rest) + ">";
      attention.options += normalizer;
      attention.backward += normalizer;
      attention.hasLse = StringRef(rest) != "sigmoid";
    }
    // Sequences of different lengths; a page that both read.
    expectGradients(
        attention,
        {makeRandom({2, 3, 2, 6}, generator),
         makeRandom({2, 3, 1, 6}, generator),
         makeRandom({2, 3, 1, 4}, generator),
         makeRandom({2, 5, 1, 6}, generator),
         makeRandom({3, 2, 1, 6}, generator),
         makeRandom({2}, generator),
         {{2, 3, 1, 3},
          {0, 0, 9, 1, -1, 4, 3, 2, 3, 4, 1, 0, -1, -1, -1, 2, 0, 4}},
         {{2, 2}, {2, 0, 0, 1}},
         {{2}, {3, 2}}},
        hasSink ? 6 : 5);
  }
}

/// The same tensor twice in a row is each key twice: its gradient is the sum.
TEST_F(GradientTest, OneTensorInTwoSources) {
  Attention attention;
  attention.types = "!q = tensor<1x2x2x3xf32>\n!o = !q\n"
                    "!k = tensor<1x3x1x3xf32>\n!l = tensor<1x2x2xf32>\n"
                    "!a = !attn.kv<!k, !k>\n!d = tensor<1x6x1x3xf32>\n"
                    "!kv = !attn.kv<!d, !d>\n";
  attention.parameters = "%q: !q, %k: !k, %v: !k, %w: !k, %x: !k";
  attention.constructors = "%a = attn.kv.dense %k, %v : !k, !k\n"
                           "%b = attn.kv.dense %w, %x : !k, !k\n"
                           "%kv = attn.kv.concat %a, %b : !a, !a -> !kv\n";
  attention.gradients = "!q, !k, !k, !k, !k";
  Tensor q = makeRandom({1, 2, 2, 3}, generator);
  Tensor k = makeRandom({1, 3, 1, 3}, generator);
  Tensor v = makeRandom({1, 3, 1, 3}, generator);
  expectGradients(attention, {q, k, v, k, v}, 5);

  auto program = [&](const std::string &other) {
    return attention.types + "func.func @f(" + attention.parameters +
           ", %do: !q) -> (!k, !k, !k, !k) {\n" +
           "%a = attn.kv.dense %k, %v : !k, !k\n"
           "%b = attn.kv.dense " +
           other + " : !k, !k\n" +
           "%kv = attn.kv.concat %a, %b : !a, !a -> !kv\n"
           "%o, %l = attn.attention %q, %kv : !q, !kv -> !q, !l\n"
           "%g:5 = attn.attention_backward %q, %kv, %do of(%o, %l)\n"
           "  : (!q, !kv, !q, !q, !l) -> !q, !k, !k, !k, !k\n"
           "return %g#1, %g#2, %g#3, %g#4 : !k, !k, !k, !k\n}";
  };
  std::vector<Tensor> arguments = {q, k, v, k, v, q};
  std::vector<Tensor> shared = evaluate(program("%k, %v"), arguments);
  std::vector<Tensor> apart = evaluate(program("%w, %x"), arguments);
  ASSERT_EQ(shared.size(), 4u);
  for (auto [a, b] : llvm::zip(shared, apart))
    EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(shared[0].values, shared[2].values);
}

/// Blocks that are listed, some of them seen as a whole; one that is no column,
/// a row without any, and a last block of keys in part.
TEST_F(GradientTest, ListsOfBlocks) {
  Attention attention = makeDense("");
  attention.types += "!n = tensor<1x4x2xi32>\n!c = tensor<1x4x2x2xi32>\n"
                     "!m = tensor<2x1x2xi32>\n!w = tensor<2x1x2x1xi32>\n";
  attention.parameters += ", %s: tensor<4xf32>, %n: !n, %c: !c, %m: !m, %w: !w";
  attention.forward = "mask(causal) sink(%s : tensor<4xf32>) blocks<3, 2> "
                      "partial(%n, %c : !n, !c) full(%m, %w : !m, !w)";
  attention.backward = "mask(causal) sink(%s) blocks<3, 2> partial(%n, %c) "
                       "full(%m, %w)";
  attention.operandTypes = ", tensor<4xf32>, !n, !c, !m, !w";
  attention.gradients = "!q, !k, !k d_sink(tensor<4xf32>)";
  std::vector<Tensor> arguments = makeDenseArguments();
  arguments.push_back(makeRandom({4}, generator));
  arguments.push_back({{1, 4, 2}, {2, 1, 0, 2, 1, 1, 2, 0}});
  arguments.push_back(
      {{1, 4, 2, 2}, {0, 1, 0, 1, -1, 1, 1, 0, 0, 0, 1, 1, 7, 0, 0, 0}});
  arguments.push_back({{2, 1, 2}, {1, 0, 0, 1}});
  arguments.push_back({{2, 1, 2, 1}, {2, 2, 2, 2}});
  expectGradients(attention, arguments, 4);
}

/// Lists of all blocks change no gradient.
TEST_F(GradientTest, ListsOfAllBlocksAreDense) {
  std::vector<Tensor> arguments = makeDenseArguments();
  arguments.push_back(makeRandom({2, 4, 4, 6}, generator));
  auto program = [](const std::string &lists, const std::string &given,
                    const std::string &types) {
    return "!q = tensor<2x4x4x6xf32>\n!k = tensor<2x5x2x6xf32>\n"
           "!l = tensor<2x4x4xf32>\n!kv = !attn.kv<!k, !k>\n"
           "!n = tensor<1x1x2xi32>\n!c = tensor<1x1x2x3xi32>\n"
           "func.func @f(%q: !q, %k: !k, %v: !k, %do: !q, %n: !n, %c: !c) -> "
           "(!q, !k, !k) {\n%kv = attn.kv.dense %k, %v : !k, !k\n"
           "%o, %l = attn.attention %q, %kv mask(causal) " +
           lists +
           ": !q, !kv -> !q, !l\n"
           "%g:3 = attn.attention_backward %q, %kv, %do of(%o, %l) "
           "mask(causal) " +
           given + ": (!q, !kv, !q, !q, !l" + types +
           ") -> !q, !k, !k\nreturn %g#0, %g#1, %g#2 : !q, !k, !k\n}";
  };
  arguments.push_back({{1, 1, 2}, {3, 3}});
  arguments.push_back({{1, 1, 2, 3}, {2, 0, 1, 0, 1, 2}});
  std::vector<Tensor> dense = evaluate(program("", "", ""), arguments);
  std::vector<Tensor> listed =
      evaluate(program("blocks<2, 2> partial(%n, %c : !n, !c) ",
                       "blocks<2, 2> partial(%n, %c) ", ", !n, !c"),
               arguments);
  ASSERT_EQ(listed.size(), 3u);
  for (auto [a, b] : llvm::zip(dense, listed))
    EXPECT_EQ(a.values, b.values);
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
