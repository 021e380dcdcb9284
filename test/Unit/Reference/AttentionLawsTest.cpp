//===- AttentionLawsTest.cpp - Laws of heads, parts and scores ------------===//
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

struct AttentionLawsTest : ProgramTest {
  std::vector<Tensor> evaluate(const std::string &source,
                               ArrayRef<Tensor> arguments) {
    auto results = run(parse(source), arguments);
    EXPECT_TRUE(succeeded(results)) << messages << source;
    return succeeded(results) ? *results : std::vector<Tensor>(2);
  }

  static void expectNear(const Tensor &a, const Tensor &b) {
    ASSERT_EQ(a.shape, b.shape);
    for (auto [x, y] : llvm::zip(a.values, b.values))
      EXPECT_NEAR(x, y, 1e-12);
  }

  /// [B, L, H, D] with each head `times` times in a row.
  static Tensor repeatHeads(const Tensor &tensor, int64_t times) {
    int64_t dim = tensor.shape[3];
    Tensor result{tensor.shape, {}};
    result.shape[2] *= times;
    for (int64_t first = 0; first != tensor.size(); first += dim)
      for (int64_t n = 0; n != times; ++n)
        result.values.insert(result.values.end(), tensor.values.begin() + first,
                             tensor.values.begin() + first + dim);
    return result;
  }

  std::mt19937 generator{3};
};

} // namespace

/// Query heads that share a key head see what they would of one each: the
/// groups of the models there are, with values of other sizes than keys.
TEST_F(AttentionLawsTest, GroupsAreRepeatedHeads) {
  for (auto [group, keyHeads, dim, valueDim] :
       {std::tuple(1, 3, 64, 64), std::tuple(8, 2, 96, 64),
        std::tuple(12, 1, 192, 128), std::tuple(16, 3, 256, 256),
        std::tuple(64, 1, 512, 512), std::tuple(128, 1, 576, 512)}) {
    Sizes sizes = {2, 2, 3, group * keyHeads, keyHeads, dim, valueDim};
    std::vector<Tensor> inputs = makeInputs(sizes);
    std::vector<Tensor> shared =
        evaluate(makeAttention(sizes, "mask(causal)"), inputs);
    sizes.keyHeads = sizes.queryHeads;
    for (int n : {1, 2})
      inputs[n] = repeatHeads(inputs[n], group);
    std::vector<Tensor> own =
        evaluate(makeAttention(sizes, "mask(causal)"), inputs);
    expectNear(shared[0], own[0]);
    expectNear(shared[1], own[1]);
  }
}

/// A bias that grows with the key and forgets where the query is has the same
/// output, and an lse that is larger by the slope times the position.
TEST_F(AttentionLawsTest, LinearBiasOfTheKeyAlone) {
  Sizes sizes = {1, 3, 7, 2, 2, 4, 4};
  std::vector<Tensor> inputs = makeInputs(sizes);
  inputs.push_back({{2}, {0.25, 0.5}});
  std::string parameter = ", %m: tensor<2xf32>";
  std::vector<Tensor> distance = evaluate(
      makeAttention(sizes, "mask(causal) score(alibi(%m : tensor<2xf32>))",
                    parameter),
      inputs);
  std::vector<Tensor> key = evaluate(makeAttention(sizes, R"mlir(
      mask(causal) score {
      ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index, %i: index):
        %slope = attn.read %m[%h] : tensor<2xf32>
        %d = arith.subi %j, %i : index
        %e = arith.index_cast %d : index to i32
        %f = arith.sitofp %e : i32 to f32
        %g = arith.mulf %slope, %f : f32
        %y = arith.addf %x, %g : f32
        attn.yield %y : f32
      })mlir",
                                                   parameter),
                                     inputs);
  expectNear(distance[0], key[0]);
  // Counted from the first query, by which p is larger by 7 - 3.
  for (auto [n, value] : llvm::enumerate(key[1].values))
    EXPECT_NEAR(value, distance[1].values[n] + (n < 3 ? 0.25 : 0.5) * 4, 1e-12);
}

/// Additive attention: the score of a pair is a network of its rows, which the
/// region reads.
TEST_F(AttentionLawsTest, AdditiveScoresOfRows) {
  Tensor q = makeRandom({1, 3, 1, 2}, generator);
  Tensor h = makeRandom({1, 4, 1, 2}, generator);
  Tensor w = makeRandom({2}, generator);
  Tensor output = evaluate(R"mlir(
    !q = tensor<1x?x1x2xf32>
    !w = tensor<2xf32>
    func.func @f(%q: !q, %h: !q, %w: !w) -> !q {
      %kv = attn.kv.dense %h, %h : !q, !q
      %o = attn.attention %q, %kv score {
      ^bb0(%x: f32, %b: index, %n: index, %p: index, %j: index, %i: index):
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %q0 = attn.read %q[%b, %i, %n, %zero] : !q
        %q1 = attn.read %q[%b, %i, %n, %one] : !q
        %h0 = attn.read %h[%b, %j, %n, %zero] : !q
        %h1 = attn.read %h[%b, %j, %n, %one] : !q
        %w0 = attn.read %w[%zero] : !w
        %w1 = attn.read %w[%one] : !w
        %s0 = arith.addf %q0, %h0 : f32
        %s1 = arith.addf %q1, %h1 : f32
        %t0 = math.tanh %s0 : f32
        %t1 = math.tanh %s1 : f32
        %y0 = arith.mulf %w0, %t0 : f32
        %y1 = arith.mulf %w1, %t1 : f32
        %y = arith.addf %y0, %y1 : f32
        attn.yield %y : f32
      } scale(0.0) : !q, !attn.kv<!q, !q> -> !q
      return %o : !q
    })mlir",
                           {q, h, w})[0];
  for (int64_t i = 0; i != 3; ++i) {
    double sum = 0, expected[2] = {};
    for (int64_t j = 0; j != 4; ++j) {
      double x = 0;
      for (int64_t d = 0; d != 2; ++d)
        x += w.values[d] * std::tanh(q.values[2 * i + d] + h.values[2 * j + d]);
      sum += std::exp(x);
      for (int64_t d = 0; d != 2; ++d)
        expected[d] += std::exp(x) * h.values[2 * j + d];
    }
    for (int64_t d = 0; d != 2; ++d)
      EXPECT_NEAR(output.values[2 * i + d], expected[d] / sum, 1e-12);
  }
}

/// Any number of parts, in any order, and parts none of which has a key.
TEST_F(AttentionLawsTest, ManyPartsAndNone) {
  Sizes sizes = {1, 2, 9, 2, 1, 4, 4};
  std::vector<Tensor> inputs = makeInputs(sizes);
  inputs.push_back({{2}, {0.5, -1}});
  auto merge = [&](ArrayRef<std::string> masks, const std::string &sink) {
    std::string types = "!q = tensor<1x2x2x4xf32>\n!k = tensor<1x9x1x4xf32>\n"
                        "!l = tensor<1x2x2xf32>\n!s = tensor<2xf32>\n";
    std::string body = "func.func @f(%q: !q, %k: !k, %v: !k, %s: !s) -> (!q, "
                       "!l) {\n%kv = attn.kv.dense %k, %v : !k, !k\n";
    std::string outputs, lses, outputTypes, lseTypes;
    for (auto [n, mask] : llvm::enumerate(masks)) {
      std::string own = std::to_string(n);
      body += "%o" + own + ", %l" + own + " = attn.attention %q, %kv mask(" +
              mask + ") : !q, !attn.kv<!k, !k> -> !q, !l\n";
      outputs += (n ? ", %o" : "%o") + own;
      lses += (n ? ", %l" : "%l") + own;
      outputTypes += "!q, ";
      lseTypes += n ? ", !l" : "!l";
    }
    bool hasSink = !sink.empty();
    body += "%o, %l = attn.merge " + outputs + " lse(" + lses + ")" + sink +
            " : (" + outputTypes + lseTypes + (hasSink ? ", !s" : "") +
            ") -> (!q, !l)\nreturn %o, %l : !q, !l\n}";
    return evaluate(types + body, inputs);
  };
  std::vector<Tensor> whole = evaluate(
      makeAttention(sizes, "sink(%s : tensor<2xf32>)", ", %s: tensor<2xf32>"),
      inputs);
  for (const std::vector<std::string> &masks :
       {std::vector<std::string>{"first<3>", "first<4> and not first<3>",
                                 "first<8> and not first<4>", "not first<8>"},
        {"not first<7>", "first<0>", "first<2>", "first<7> and not first<2>"},
        {"first<0>", "first<9>"}}) {
    std::vector<Tensor> merged = merge(masks, " sink(%s)");
    expectNear(merged[0], whole[0]);
    expectNear(merged[1], whole[1]);
  }
  for (const char *sink : {"", " sink(%s)"}) {
    std::vector<Tensor> nothing = merge({"first<0>", "first<0>"}, sink);
    for (double value : nothing[0].values)
      EXPECT_EQ(value, 0);
    for (double value : nothing[1].values)
      EXPECT_EQ(value, -INFINITY);
  }
}

/// Parts of a sigmoid attention have no lse: merged, they are added.
TEST_F(AttentionLawsTest, SigmoidPartsAreMergedByAdding) {
  Sizes sizes = {1, 2, 9, 2, 1, 4, 4};
  std::string head = "!q = tensor<1x2x2x4xf32>\n!k = tensor<1x9x1x4xf32>\n"
                     "!kv = !attn.kv<!k, !k>\n"
                     "func.func @f(%q: !q, %k: !k, %v: !k) -> !q {\n"
                     "%kv = attn.kv.dense %k, %v : !k, !k\n";
  auto part = [](const std::string &name, const std::string &mask) {
    return name + " = attn.attention %q, %kv " + mask +
           " normalizer<sigmoid> : !q, !kv -> !q\n";
  };
  std::vector<Tensor> inputs = makeInputs(sizes);
  Tensor whole =
      evaluate(head + part("%o", "") + "return %o : !q\n}", inputs)[0];
  Tensor merged = evaluate(head + part("%a", "mask(first<4>)") +
                               part("%b", "mask(not first<4>)") +
                               part("%c", "mask(first<0>)") +
                               "%o = attn.merge %a, %b, %c : (!q, !q, !q) -> "
                               "(!q)\nreturn %o : !q\n}",
                           inputs)[0];
  expectNear(merged, whole);
}
