//===- SelectTest.cpp - Selection and pooling -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

struct SelectTest : ProgramTest {
  std::vector<Tensor> evaluate(const std::string &source,
                               ArrayRef<Tensor> arguments) {
    auto results = run(parse(source), arguments);
    EXPECT_TRUE(succeeded(results)) << messages << source;
    return succeeded(results) ? *results : std::vector<Tensor>(1);
  }

  void expectError(const std::string &source, ArrayRef<Tensor> arguments,
                   const std::string &message) {
    func::FuncOp function = parse(source);
    messages.clear();
    EXPECT_TRUE(failed(run(function, arguments)));
    EXPECT_EQ(messages, message + "\n");
  }

  /// `count` rows of a tensor from `first` on, as a batch of one.
  static Tensor slice(const Tensor &tensor, int64_t first, int64_t count) {
    SmallVector<int64_t> shape = {1, count};
    llvm::append_range(shape, ArrayRef(tensor.shape).drop_front());
    int64_t row = tensor.size() / tensor.shape[0];
    return {shape,
            {tensor.values.begin() + first * row,
             tensor.values.begin() + (first + count) * row}};
  }

  std::mt19937 generator{5};
};

} // namespace

/// A selection among packed sequences is that of each of them alone. Rows of no
/// sequence choose nothing.
TEST_F(SelectTest, PackedIsEachAlone) {
  // One decodes, one has no queries, one no keys, two rows belong to none.
  std::vector<double> cuQ = {0, 1, 1, 4, 6}, cuK = {0, 5, 7, 7, 13};
  Tensor q = makeRandom({7, 4, 8}, generator);
  Tensor k = makeRandom({14, 2, 8}, generator);
  Tensor w = makeRandom({7, 4}, generator);
  Tensor p{{7}, {4, 2, 1, 0, 5, 3, 0}};
  for (std::string options :
       {"mask(causal) relu top<3>",
        "positions(%p : !p) mask(window<1, 1>) max_pool<2> block<2> "
        "forced<1, 1> top<2>",
        "positions(%p : !p) softmax block<4> forced<0, 1> top<3>"}) {
    std::string top = options.substr(options.size() - 2, 1);
    auto makeProgram = [&](const std::string &rows, const std::string &lists) {
      return "!q = tensor<" + rows + "?x4x8xf32>\n!k = tensor<" + rows +
             "?x2x8xf32>\n!w = tensor<" + rows + "?x4xf32>\n!p = tensor<" +
             rows + "?xi32>\n!i = tensor<" + rows + "?x2x" + top +
             "xi32>\n!c = tensor<5xi32>\nfunc.func @f(%q: !q, %k: !k, %w: !w, "
             "%p: !p, %cq: !c, %ck: !c) -> !i {\n%i = attn.select %q, %k " +
             lists + " weights(%w : !w) " + options +
             " : !q, !k -> !i\nreturn %i : !i\n}";
    };
    Tensor endsQ{{5}, cuQ}, endsK{{5}, cuK};
    Tensor packed = evaluate(makeProgram("", "cu_seqlens(%cq, %ck : !c, !c)"),
                             {q, k, w, p, endsQ, endsK})[0];
    ASSERT_EQ(packed.shape[0], 7);
    std::vector<double> expected;
    for (int b = 0; b != 4; ++b) {
      auto first = static_cast<int64_t>(cuQ[b]);
      int64_t count = static_cast<int64_t>(cuQ[b + 1]) - first;
      auto firstKey = static_cast<int64_t>(cuK[b]);
      int64_t keys = static_cast<int64_t>(cuK[b + 1]) - firstKey;
      Tensor alone = evaluate(makeProgram("1x", ""),
                              {slice(q, first, count), slice(k, firstKey, keys),
                               slice(w, first, count), slice(p, first, count),
                               endsQ, endsK})[0];
      llvm::append_range(expected, alone.values);
    }
    expected.resize(packed.values.size(), -1.0);
    EXPECT_EQ(packed.values, expected) << options;
  }
}

/// Positions are those that a packed gather takes.
TEST_F(SelectTest, PackedSelectionOfAllIsDense) {
  std::string head =
      "!q = tensor<6x2x8xf32>\n!k = tensor<9x2x8xf32>\n!c = tensor<3xi32>\n"
      "!i = tensor<6x2x9xi32>\n!kv = !attn.kv<!k, !k>\n"
      "func.func @f(%q: !q, %k: !k, %v: !k, %cq: !c, %ck: !c) -> !q {\n"
      "%all = attn.kv.varlen %k, %v, %ck : !k, !k, !c\n";
  std::string tail = " cu_seqlens(%cq : !c) MASK : !q, !kv -> !q\n"
                     "return %o : !q\n}";
  std::vector<Tensor> arguments = {makeRandom({6, 2, 8}, generator),
                                   makeRandom({9, 2, 8}, generator),
                                   makeRandom({9, 2, 8}, generator),
                                   {{3}, {0, 2, 6}},
                                   {{3}, {0, 4, 9}}};
  auto fill = [&](const std::string &kv, const std::string &mask) {
    std::string text = "%o = attn.attention %q, " + kv + tail;
    return text.replace(text.find("MASK"), 4, mask);
  };
  Tensor chosen = evaluate(
      head +
          "%i = attn.select %q, %k cu_seqlens(%cq, %ck : !c, !c) mask(causal) "
          "top<9> : !q, !k -> !i\n%some = attn.kv.gather %all at %i : !kv, "
          "!i\n" +
          fill("%some", ""),
      arguments)[0];
  Tensor dense = evaluate(head + fill("%all", "mask(causal)"), arguments)[0];
  for (auto [a, b] : llvm::zip(chosen.values, dense.values))
    EXPECT_NEAR(a, b, 1e-12);
}

/// Blocks of packed rows are those of each sequence alone; none crosses an end.
TEST_F(SelectTest, PackedBlocksAreEachAlone) {
  Tensor rows = makeRandom({11, 2, 3}, generator);
  Tensor gates = makeRandom({11, 2, 3}, generator);
  std::vector<double> ends = {0, 5, 5, 9};
  auto makeProgram = [](const std::string &batch, const std::string &options) {
    return "!x = tensor<" + batch +
           "?x2x3xf32>\n!c = tensor<4xi32>\n"
           "func.func @f(%x: !x, %g: !x, %c: !c, %d: !c) -> !x {\n"
           "%y = attn.compress %x " +
           (batch.empty() ? "cu_seqlens(%c, %d : !c, !c) " : "") +
           "gate(%g : !x) " + options + " : !x -> !x\nreturn %y : !x\n}";
  };
  for (auto [options, blocks] :
       {std::pair("block<2> stride<2> partial",
                  std::vector<double>{0, 3, 3, 5}),
        std::pair("block<3> stride<2>", std::vector<double>{0, 2, 2, 3})}) {
    Tensor packed = evaluate(makeProgram("", options),
                             {rows, gates, {{4}, ends}, {{4}, blocks}})[0];
    std::vector<double> expected;
    for (int b = 0; b != 3; ++b) {
      auto first = static_cast<int64_t>(ends[b]);
      int64_t count = static_cast<int64_t>(ends[b + 1]) - first;
      Tensor alone =
          evaluate(makeProgram("1x", options), {slice(rows, first, count),
                                                slice(gates, first, count),
                                                {{4}, ends},
                                                {{4}, blocks}})[0];
      llvm::append_range(expected, alone.values);
    }
    EXPECT_EQ(packed.values, expected) << options;
  }
  expectError(makeProgram("", "block<2> stride<2>"),
              {rows, gates, {{4}, ends}, {{4}, {0, 2, 2, 5}}},
              "'attn.compress' op expected room for 2 blocks of the 4 rows of "
              "sequence 2, got 3");
}

TEST_F(SelectTest, RefusesEnds) {
  std::string select =
      "!q = tensor<?x2x8xf32>\n!c = tensor<?xi32>\n!i = tensor<?x1x4xi32>\n"
      "func.func @f(%q: !q, %c: !c, %d: !c) -> !i {\n"
      "%i = attn.select %q, %q cu_seqlens(%c, %d : !c, !c) top<4> : !q, !q -> "
      "!i\nreturn %i : !i\n}";
  Tensor q = makeRandom({5, 2, 8}, generator);
  expectError(select, {q, {{2}, {0, 5}}, {{3}, {0, 2, 5}}},
              "'attn.select' op expected cu_seqlens of queries and keys of the "
              "same size, got [2] and [3]");
  expectError(select, {q, {{2}, {0, 6}}, {{2}, {0, 5}}},
              "'attn.select' op expected cu_seqlens from 0 to 5 that do not "
              "decrease, got 6.000000e+00 after 0.000000e+00");
  std::string compress =
      "!q = tensor<?x2x8xf32>\n!c = tensor<?xi32>\n"
      "func.func @f(%q: !q, %c: !c, %d: !c) -> !q {\n"
      "%i = attn.compress %q cu_seqlens(%c, %d : !c, !c) block<4> stride<4> : "
      "!q -> !q\nreturn %i : !q\n}";
  expectError(
      compress, {q, {{2}, {0, 5}}, {{3}, {0, 1, 1}}},
      "'attn.compress' op expected cu_seqlens of rows and blocks of the "
      "same size, got [2] and [3]");
}
