//===- VariantErrorTest.cpp - What the reference refuses of variants ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

struct VariantErrorTest : ProgramTest {
  void expectError(const std::string &source, ArrayRef<Tensor> arguments,
                   const std::string &message) {
    func::FuncOp function = parse(types + source);
    messages.clear();
    EXPECT_TRUE(failed(run(function, arguments)));
    EXPECT_EQ(messages, message + "\n");
  }

  static Tensor zeros(SmallVector<int64_t> shape) {
    Tensor tensor{shape, {}};
    tensor.values.resize(tensor.size());
    return tensor;
  }

  /// An attention over pages [6, 4, 1, 8] with the constructor's lists.
  void expectPageError(const std::string &lists, ArrayRef<Tensor> tensors,
                       const std::string &parameters,
                       const std::string &message) {
    std::vector<Tensor> arguments = {zeros({6, 4, 1, 8}), zeros({6, 4, 1, 8})};
    llvm::append_range(arguments, tensors);
    expectError("func.func @f(%k: !p, %v: !p, " + parameters +
                    ") -> !p {\n%kv = attn.kv.paged %k values(%v : !p) " +
                    lists + " : !p\nreturn %k : !p\n}",
                arguments, "'attn.kv.paged' op " + message);
  }

  std::string types = "!q = tensor<?x?x2x8xf32>\n!k = tensor<?x?x1x8xf32>\n"
                      "!kv = !attn.kv<!k, !k>\n!l = tensor<?x2x?xf32>\n"
                      "!p = tensor<?x?x1x8xf32>\n!i = tensor<?xi32>\n"
                      "!t = tensor<?x?xi32>\n";
  Tensor q = zeros({2, 3, 2, 8}), k = zeros({2, 4, 1, 8});
};

} // namespace

TEST_F(VariantErrorTest, NumberOfSequences) {
  expectError("func.func @f(%q: !q, %k: !p, %t: !t, %n: !i) -> !q {\n"
              "%kv = attn.kv.paged %k slice<8> table(%t, %n : !t, !i) : !p\n"
              "%o = attn.attention %q, %kv : !q, !kv -> !q\nreturn %o : !q\n}",
              {q, zeros({6, 4, 1, 8}), zeros({3, 2}), {{3}, {1, 2, 8}}},
              "'attn.attention' op expected query and key to agree in the "
              "number of sequences, got 2 and 3");
}

TEST_F(VariantErrorTest, Positions) {
  expectError("func.func @f(%q: !q, %k: !k, %p: !t) -> !q {\n"
              "%kv = attn.kv.dense %k, %k : !k, !k\n"
              "%o = attn.attention %q, %kv positions(%p : !t) : !q, !kv -> !q\n"
              "return %o : !q\n}",
              {q, k, zeros({2, 4})},
              "'attn.attention' op expected a position for each query of "
              "[2, 3, 2, 8], got [2, 4]");
}

TEST_F(VariantErrorTest, Lists) {
  expectError("func.func @f(%q: !q, %k: !k, %i: tensor<?x?x1x5xi32>) -> !q {\n"
              "%all = attn.kv.dense %k, %k : !k, !k\n"
              "%kv = attn.kv.gather %all at %i : !kv, tensor<?x?x1x5xi32>\n"
              "%o = attn.attention %q, %kv : !q, !kv -> !q\nreturn %o : !q\n}",
              {q, k, zeros({2, 4, 1, 5})},
              "'attn.attention' op expected lists of keys for each query of "
              "[2, 3, 2, 8], got [2, 4, 1, 5]");
}

TEST_F(VariantErrorTest, Sources) {
  expectError("func.func @f(%a: !k, %b: !k) -> !k {\n"
              "%0 = attn.kv.dense %a, %a : !k, !k\n"
              "%1 = attn.kv.dense %b, %b : !k, !k\n"
              "%2 = attn.kv.concat %0, %1 : !kv, !kv -> !kv\nreturn %a : !k\n}",
              {k, zeros({3, 4, 1, 8})},
              "'attn.kv.concat' op expected sources of as many sequences, got "
              "2 and 3");
}

TEST_F(VariantErrorTest, Tables) {
  std::string lists = "table(%t, %n : !t, !i)", parameters = "%t: !t, %n: !i";
  expectPageError(lists, {zeros({3, 2}), zeros({2})}, parameters,
                  "expected a table and lengths of as many sequences, got 3 "
                  "and 2");
  expectPageError(lists, {zeros({2, 2}), {{2}, {8, 9}}}, parameters,
                  "expected lengths from 0 to 8, got 9");
  expectPageError(lists, {{{2, 2}, {0, 5, 1, 6}}, {{2}, {8, 5}}}, parameters,
                  "expected a page from 0 to 5, got 6 for page 1 of sequence "
                  "1");
  // A page that no key needs may be anything.
  EXPECT_TRUE(succeeded(
      run(parse(types + "func.func @f(%k: !p, " + parameters +
                ") -> !p {\n%kv = attn.kv.paged %k slice<8> " + lists +
                " : !p\nreturn %k : !p\n}"),
          {zeros({6, 4, 1, 8}), {{2, 2}, {0, -1, 1, 6}}, {{2}, {4, 0}}})))
      << messages;
}

TEST_F(VariantErrorTest, CompressedTables) {
  std::string lists = "csr(%a, %b, %c : !i, !i, !i)";
  std::string parameters = "%a: !i, %b: !i, %c: !i";
  expectPageError(lists, {zeros({3}), zeros({2}), zeros({3})}, parameters,
                  "expected indptr of one element more than last_page_len, got "
                  "3 and 3");
  expectPageError(lists, {{{3}, {0, 2, 1}}, zeros({2}), {{2}, {1, 1}}},
                  parameters,
                  "expected indptr from 0 to 2 that does not decrease, got 1 "
                  "after 2");
  expectPageError(lists, {{{3}, {0, 2, 2}}, zeros({2}), {{2}, {5, 1}}},
                  parameters, "expected last_page_len from 1 to 4, got 5");
}

TEST_F(VariantErrorTest, Pages) {
  expectError(
      "func.func @f(%k: !p, %v: !p, %t: !t, %n: !i) -> !p {\n"
      "%kv = attn.kv.paged %k values(%v : !p) table(%t, %n : !t, !i) "
      ": !p\nreturn %k : !p\n}",
      {zeros({6, 4, 1, 8}), zeros({6, 3, 1, 8}), zeros({1, 1}), zeros({1})},
      "'attn.kv.paged' op expected pages of keys and values that agree "
      "but in the last size, got [6, 4, 1, 8] and [6, 3, 1, 8]");
}

TEST_F(VariantErrorTest, Merges) {
  std::string source = "func.func @f(%a: !q, %b: !q, %l: !l) -> !q {\n"
                       "%o = attn.merge %a, %b lse(%l, %l) : (!q, !q, !l, !l) "
                       "-> !q\nreturn %o : !q\n}";
  expectError(source, {q, zeros({2, 4, 2, 8}), zeros({2, 2, 3})},
              "'attn.merge' op expected parts of one shape, got [2, 3, 2, 8] "
              "and [2, 4, 2, 8]");
  expectError(source, {q, q, zeros({2, 2, 4})},
              "'attn.merge' op expected lse of shape [2, 2, 3], got [2, 2, 4]");
}

TEST_F(VariantErrorTest, Selections) {
  expectError(
      "func.func @f(%q: !q, %k: !k) -> tensor<?x?x1x2xi32> {\n"
      "%i = attn.select %q, %k top<2> : !q, !k -> tensor<?x?x1x2xi32>\n"
      "return %i : tensor<?x?x1x2xi32>\n}",
      {q, zeros({3, 4, 1, 8})},
      "'attn.select' op expected query and key to agree in batch, got 2 "
      "and 3");
  expectError(
      "func.func @f(%q: !q, %k: !k, %w: tensor<?x?x2xf32>) -> "
      "tensor<?x?x1x2xi32> {\n"
      "%i = attn.select %q, %k weights(%w : tensor<?x?x2xf32>) top<2> : "
      "!q, !k -> tensor<?x?x1x2xi32>\n"
      "return %i : tensor<?x?x1x2xi32>\n}",
      {q, k, zeros({2, 4, 2})},
      "'attn.select' op expected weights for the queries of [2, 3, 2, "
      "8], got [2, 4, 2]");
  expectError("func.func @f(%k: !k, %g: !k) -> !k {\n"
              "%c = attn.compress %k gate(%g : !k) block<2> stride<2> : !k -> "
              "!k\nreturn %c : !k\n}",
              {k, zeros({2, 5, 1, 8})},
              "'attn.compress' op expected a gate of shape [2, 4, 1, 8], got "
              "[2, 5, 1, 8]");
}

TEST_F(VariantErrorTest, Caches) {
  expectError("func.func @f(%q: !q, %p: !t, %f: tensor<4xf32>) -> !q {\n"
              "%r = attn.rotary %q at %p by %f : !q, !t, tensor<4xf32>\n"
              "return %r : !q\n}",
              {q, zeros({2, 4}), zeros({4})},
              "'attn.rotary' op expected a position for each row of [2, 3, 2, "
              "8], got [2, 4]");
  expectError("func.func @f(%d: tensor<?xi8>, %s: tensor<?xf32>) -> "
              "tensor<?xf32> {\n"
              "%r = attn.dequantize %d by %s groups [2] : tensor<?xi8>, "
              "tensor<?xf32> -> tensor<?xf32>\nreturn %r : tensor<?xf32>\n}",
              {zeros({5}), zeros({2})},
              "'attn.dequantize' op expected a number for each group of [5], "
              "got [2]");
  std::string append = "func.func @f(%r: !k, %c: !p, %s: !t) -> !p {\n"
                       "%o = attn.cache.append %r to %c at %s : !k, !p, !t\n"
                       "return %o : !p\n}";
  expectError(
      append, {k, zeros({6, 4, 1, 8}), zeros({2, 3})},
      "'attn.cache.append' op expected a slot for each row of [2, 4, 1, "
      "8], got [2, 3]");
  expectError(append,
              {k, zeros({6, 4, 1, 8}), {{2, 4}, {-1, -1, 24, 24, 7, 1, 2, 7}}},
              "'attn.cache.append' op expected each slot once, got 7 twice");
}

TEST_F(VariantErrorTest, Gradients) {
  std::string head =
      "func.func @f(%q: !q, %k: !k, %o: !q, %l: !l) -> !q {\n"
      "%kv = attn.kv.dense %k, %k : !k, !k\n"
      "%a, %b, %c = attn.attention_backward %q, %kv, %q of(%o, %l) ";
  std::string tail = " : (!q, !kv, !q, !q, !l) -> !q, !k, !k\n"
                     "return %a : !q\n}";
  Tensor l = zeros({2, 2, 3});
  expectError(head + tail, {q, zeros({3, 4, 1, 8}), q, l},
              "'attn.attention_backward' op expected query and key to agree in "
              "the number of sequences, got 2 and 3");
  expectError(head + tail, {q, k, q, zeros({2, 2, 4})},
              "'attn.attention_backward' op expected lse of shape [2, 2, 3], "
              "got [2, 2, 4]");
  expectError(
      head +
          "score {\n^bb0(%x: f32, %b0: index, %h: index, %p: index, "
          "%j: index):\n%y = math.erf %x : f32\nattn.yield %y : f32\n}" +
          tail,
      {q, k, q, l},
      "'math.erf' op has no derivative: the gradient of a score "
      "modifier needs one");
}
