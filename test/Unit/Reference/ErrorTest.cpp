//===- ErrorTest.cpp - What the reference refuses -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

struct ErrorTest : ProgramTest {
  void expectError(const std::string &source, ArrayRef<Tensor> arguments,
                   const std::string &message, const Options &options = {}) {
    func::FuncOp function = parse(source);
    messages.clear();
    EXPECT_TRUE(failed(run(function, arguments, options)));
    EXPECT_EQ(messages, message + "\n");
  }

  Sizes sizes = {2, 3, 4, 2, 1, 8, 8};
  std::vector<Tensor> inputs = makeInputs(sizes);
};

} // namespace

TEST_F(ErrorTest, NoBody) {
  expectError("func.func private @f()", {},
              "'func.func' op expected a body to evaluate");
}

TEST_F(ErrorTest, ResultIsNoTensor) {
  expectError("func.func @f() -> f32 {\n%0 = arith.constant 1.0 : f32\n"
              "return %0 : f32\n}",
              {},
              "'func.func' op expected results that are ranked tensors, got "
              "'f32'");
}

TEST_F(ErrorTest, UnknownOpInFunction) {
  expectError("func.func @f(%a: tensor<2xf32>) -> tensor<2xi32> {\n"
              "%0 = arith.bitcast %a : tensor<2xf32> to tensor<2xi32>\n"
              "return %0 : tensor<2xi32>\n}",
              {{{2}, {1, 2}}}, "'arith.bitcast' op has no reference semantics");
  expectError("func.func @f(%a: tensor<2xf32>) -> tensor<2xf32> {\n"
              "func.call @g() : () -> ()\n"
              "return %a : tensor<2xf32>\n}\n"
              "func.func private @g()",
              {{{2}, {1, 2}}}, "'func.call' op has no reference semantics");
}

TEST_F(ErrorTest, UnknownConstant) {
  expectError("func.func @f() -> tensor<1xf32> {\n"
              "%0 = arith.constant dense_resource<r> : tensor<1xf32>\n"
              "return %0 : tensor<1xf32>\n}",
              {}, "'arith.constant' op has no reference semantics");
}

TEST_F(ErrorTest, ControlFlow) {
  expectError("func.func @f(%a: tensor<2xf32>) -> tensor<2xf32> {\n"
              "cf.br ^bb1\n^bb1:\nreturn %a : tensor<2xf32>\n}",
              {{{2}, {1, 2}}}, "'cf.br' op has no reference semantics");
}

TEST_F(ErrorTest, NumberOfArguments) {
  expectError(makeAttention(sizes), {inputs[0]},
              "'func.func' op expected 3 arguments, got 1");
}

TEST_F(ErrorTest, ArgumentIsNoTensor) {
  expectError("func.func @f(%a: index) {\nreturn\n}", {{{1}, {1}}},
              "'func.func' op expected argument #0 to be a ranked tensor, got "
              "'index'");
}

TEST_F(ErrorTest, RankOfArgument) {
  inputs[1].shape = {2, 4, 8};
  expectError(makeAttention(sizes), inputs,
              "'func.func' op expected argument #1 of type "
              "'tensor<?x?x1x8xf32>', got shape [2, 4, 8]");
}

TEST_F(ErrorTest, ShapeOfArgument) {
  inputs[0].shape = {2, 3, 1, 16};
  expectError(makeAttention(sizes), inputs,
              "'func.func' op expected argument #0 of type "
              "'tensor<?x?x2x8xf32>', got shape [2, 3, 1, 16]");
}

TEST_F(ErrorTest, NegativeSize) {
  inputs[0].shape = {-2, 3, 2, 8};
  expectError(makeAttention(sizes), inputs,
              "'func.func' op expected argument #0 of type "
              "'tensor<?x?x2x8xf32>', got shape [-2, 3, 2, 8]");
}

TEST_F(ErrorTest, NumberOfValues) {
  inputs[2].values.pop_back();
  expectError(makeAttention(sizes), inputs,
              "'func.func' op expected argument #2 to have 64 values, got 63");
}

TEST_F(ErrorTest, KeyAndValueLength) {
  inputs[2] = makeInputs({2, 3, 5, 2, 1, 8, 8})[2];
  expectError(makeAttention(sizes), inputs,
              "'attn.kv.dense' op expected key and value to agree in batch and "
              "length, got [2, 4, 1, 8] and [2, 5, 1, 8]");
}

TEST_F(ErrorTest, QueryAndKeyBatch) {
  inputs[0] = makeInputs({3, 3, 4, 2, 1, 8, 8})[0];
  expectError(makeAttention(sizes), inputs,
              "'attn.attention' op expected query and key to agree in the "
              "number of sequences, got 3 and 2");
}

TEST_F(ErrorTest, CapturedShapes) {
  inputs.push_back({{3}, {1, 1, 1}});
  expectError(makeAttention(sizes, "mask(prefix(%n : tensor<?xi32>))",
                            ", %n: tensor<?xi32>"),
              inputs,
              "'attn.prefix' op expected lengths of shape [2], got [3]");
  expectError(makeAttention(sizes, "score(alibi(%n : tensor<?xf32>))",
                            ", %n: tensor<?xf32>"),
              inputs, "'attn.alibi' op expected slopes of shape [2], got [3]");
  inputs.back() = {{2, 3}, {0, 0, 0, 0, 0, 0}};
  expectError(makeAttention(sizes, "mask(document(%n : tensor<?x?xi32>))",
                            ", %n: tensor<?x?xi32>"),
              inputs,
              "'attn.document' op expected ids of shape [2, 4], got [2, 3]");
}

TEST_F(ErrorTest, ListsOfBlocks) {
  std::string program = makeAttention(
      sizes,
      "blocks<2, 2> partial(%n, %c : tensor<?x2x?xi32>, tensor<?x2x?x?xi32>) "
      "full(%m, %w : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>)",
      ", %n: tensor<?x2x?xi32>, %c: tensor<?x2x?x?xi32>, %m: "
      "tensor<1x1x?xi32>, %w: tensor<1x1x?x?xi32>");
  // Two rows of blocks and two columns.
  std::vector<Tensor> lists = {{{2, 2, 2}, std::vector<double>(8, 1)},
                               {{2, 2, 2, 1}, std::vector<double>(8, 0)},
                               {{1, 1, 2}, {1, 1}},
                               {{1, 1, 2, 1}, {1, 1}}};
  auto expectRefusal = [&](const std::string &message) {
    std::vector<Tensor> all(inputs);
    all.insert(all.end(), lists.begin(), lists.end());
    expectError(program, all, "'attn.attention' op " + message);
  };
  auto original = lists;
  lists[2] = {{1, 1, 1}, {1}};
  lists[3] = {{1, 1, 1, 1}, {1}};
  expectRefusal(
      "expected full blocks of 2 (or 1) batches, 2 (or 1) heads and at least 2 "
      "rows, got counts [1, 1, 1] and indices [1, 1, 1, 1]");
  lists = original;
  lists[0].shape = {1, 2, 4};
  expectRefusal(
      "expected partial blocks of 2 (or 1) batches, 2 (or 1) heads and at "
      "least 2 rows, got counts [1, 2, 4] and indices [2, 2, 2, 1]");
  lists = original;
  lists[1].values[5] = 1;
  expectRefusal(
      "expected each block once in the lists of a row, got block 1 twice in "
      "row 1 of batch 1, head 0");
}

TEST_F(ErrorTest, RowOutside) {
  for (Row row : {Row{2, 0, 0}, Row{0, 2, 0}, Row{0, 0, 3}, Row{-1, 0, 0}}) {
    Options options;
    options.rows = {row};
    expectError(makeAttention(sizes), inputs,
                "'attn.attention' op expected rows [batch, head, query] inside "
                "of [2, 2, 3], got [" +
                    std::to_string(row.batch) + ", " +
                    std::to_string(row.head) + ", " +
                    std::to_string(row.query) + "]",
                options);
  }
}

TEST_F(ErrorTest, RowsOfMoreThanOneAttention) {
  Options options;
  options.rows = {{0, 0, 0}};
  std::string message = "'func.func' op expected all results to come from one "
                        "'attn.attention' to compute some rows only";
  expectError(R"mlir(
    !t = tensor<1x1x1x2xf32>
    func.func @f(%q: !t, %k: !t, %v: !t) -> (!t, !t) {
      %kv = attn.kv.dense %k, %v : !t, !t
      %0 = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t
      %1 = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t
      return %0, %1 : !t, !t
    })mlir",
              {}, message, options);
  expectError("func.func @f(%a: tensor<f32>) -> tensor<f32> {\n"
              "return %a : tensor<f32>\n}",
              {{{}, {1}}}, message, options);
}
