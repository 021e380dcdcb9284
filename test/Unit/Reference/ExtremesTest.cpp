//===- ExtremesTest.cpp - Numbers as large as attributes can be -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

using namespace mlir;
using namespace mlir::attn::reference;

namespace {
struct ExtremesTest : ProgramTest {
  std::vector<Tensor> evaluate(const std::string &source,
                               ArrayRef<Tensor> arguments) {
    auto results = run(parse(source), arguments);
    EXPECT_TRUE(succeeded(results)) << messages;
    return succeeded(results) ? std::move(*results) : std::vector<Tensor>();
  }
};
} // namespace

/// More candidates forced than there are: all of them, in no time.
TEST_F(ExtremesTest, ForcedCandidates) {
  Tensor q{{1, 1, 1, 1}, {1}}, k{{1, 3, 1, 1}, {0, 1, 2}}, p{{1, 1}, {7}};
  for (const char *forced :
       {"9223372036854775807, 0", "0, 9223372036854775807"}) {
    std::string source =
        "!q = tensor<1x?x1x1xf32>\n!i = tensor<1x?x1x4xi32>\n"
        "func.func @f(%q: !q, %k: !q, %p: tensor<1x?xi32>) -> !i {\n"
        "%0 = attn.select %q, %k positions(%p : tensor<1x?xi32>) forced<" +
        std::string(forced) + "> top<4> : !q, !q -> !i\nreturn %0 : !i\n}";
    std::vector<Tensor> results = evaluate(source, {q, k, p});
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].values, (std::vector<double>{0, 1, 2, -1}));
  }
}

/// A sink of +inf leaves no weight to the keys, and no gradient is NaN.
TEST_F(ExtremesTest, InfiniteSink) {
  Tensor q{{1, 1, 1, 1}, {1}}, k{{1, 2, 1, 1}, {1, 2}}, sink{{1}, {INFINITY}};
  std::vector<Tensor> results = evaluate(
      "!q = tensor<1x1x1x1xf32>\n!k = tensor<1x2x1x1xf32>\n"
      "!l = tensor<1x1x1xf32>\n!s = tensor<1xf32>\n!kv = !attn.kv<!k, !k>\n"
      "func.func @f(%q: !q, %k: !k, %s: !s, %d: !q) -> (!q, !q, !k, !k, !s) {\n"
      "%kv = attn.kv.dense %k, %k : !k, !k\n"
      "%o, %l = attn.attention %q, %kv sink(%s : !s) : !q, !kv -> !q, !l\n"
      "%dq, %dk, %dv, %ds = attn.attention_backward %q, %kv, %d of(%o, %l)\n"
      "  sink(%s) : (!q, !kv, !q, !q, !l, !s) -> !q, !k, !k d_sink(!s)\n"
      "return %o, %dq, %dk, %dv, %ds : !q, !q, !k, !k, !s\n}",
      {q, k, sink, q});
  ASSERT_EQ(results.size(), 5u);
  for (const Tensor &result : results)
    for (double value : result.values)
      EXPECT_EQ(value, 0);
}

/// The first block has all keys, and the others none.
TEST_F(ExtremesTest, GatheredBlocks) {
  Tensor q{{1, 2, 1, 1}, {1, 1}}, k{{1, 3, 1, 1}, {1, 1, 1}},
      i{{1, 2, 1, 2}, {0, 2, 2, 1}};
  std::vector<Tensor> results =
      evaluate("!q = tensor<1x?x1x1xf32>\n!kv = !attn.kv<!q, !q>\n"
               "func.func @f(%q: !q, %k: !q, %i: tensor<1x?x1x2xi32>) -> !q {\n"
               "%all = attn.kv.dense %k, %k : !q, !q\n"
               "%kv = attn.kv.gather %all at %i block<4611686018427387904>\n"
               "  : !kv, tensor<1x?x1x2xi32>\n"
               "%o = attn.attention %q, %kv : !q, !kv -> !q\nreturn %o : !q\n}",
               {q, k, i});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].values, (std::vector<double>{1, 0}));
}
