//===- PackedTest.cpp - Sequences of varying length -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packed sequences are what a dense attention of each of them gives.
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

namespace {

constexpr int64_t kQueryHeads = 4, kKeyHeads = 2, kDim = 8, kValueDim = 6;
const Sizes kSizes = {1, 0, 0, kQueryHeads, kKeyHeads, kDim, kValueDim};

/// `attn.attention` on packed %q, %k, %v, %cu_q and %cu_k.
std::string makePacked(const std::string &modifiers = "",
                       const std::string &parameters = "") {
  return "func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, "
         "%v: tensor<?x2x6xf32>, %cu_q: tensor<?xi32>, %cu_k: tensor<?xi32>" +
         parameters +
         ") -> (tensor<?x4x6xf32>, tensor<4x?xf32>) {\n"
         "  %kv = attn.kv.varlen %k, %v, %cu_k : tensor<?x2x8xf32>, "
         "tensor<?x2x6xf32>, tensor<?xi32>\n"
         "  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : "
         "tensor<?xi32>) " +
         modifiers +
         " : tensor<?x4x8xf32>, !attn.kv<tensor<?x2x8xf32>, "
         "tensor<?x2x6xf32>> -> tensor<?x4x6xf32>, tensor<4x?xf32>\n"
         "  return %o, %lse : tensor<?x4x6xf32>, tensor<4x?xf32>\n}\n";
}

std::mt19937 makeGenerator(unsigned seed) { return std::mt19937(seed); }

Tensor makeEnds(ArrayRef<int64_t> ends) {
  return {{static_cast<int64_t>(ends.size())}, {ends.begin(), ends.end()}};
}

/// Rows of a packed tensor, as a batch of one.
Tensor takeRows(const Tensor &packed, int64_t begin, int64_t end) {
  SmallVector<int64_t> shape{1, end - begin};
  shape.append(packed.shape.begin() + 1, packed.shape.end());
  int64_t row = packed.size() / packed.shape[0];
  return {
      shape,
      {packed.values.begin() + begin * row, packed.values.begin() + end * row}};
}

class PackedTest : public ProgramTest {
protected:
  PackedTest() {
    std::mt19937 generator = makeGenerator(1);
    inputs = {makeRandom({rows, kQueryHeads, kDim}, generator),
              makeRandom({rows, kKeyHeads, kDim}, generator),
              makeRandom({rows, kKeyHeads, kValueDim}, generator),
              makeEnds(queryEnds), makeEnds(keyEnds)};
  }

  std::vector<Tensor> evaluate(const std::string &source,
                               ArrayRef<Tensor> arguments,
                               const Options &options = {}) {
    auto results = run(parse(source), arguments, options);
    EXPECT_TRUE(succeeded(results)) << messages;
    return succeeded(results) ? *results : std::vector<Tensor>(2);
  }

  void compareSequence(size_t b, ArrayRef<Tensor> packed,
                       ArrayRef<Tensor> dense);
  void compare(const std::string &modifiers);

  void expectError(ArrayRef<Tensor> arguments, const std::string &message,
                   const Options &options = {}) {
    messages.clear();
    EXPECT_TRUE(failed(run(parse(makePacked()), arguments, options)));
    EXPECT_EQ(messages, message + "\n");
  }

  // No queries, no keys, more of one than of the other, rows of nobody.
  const SmallVector<int64_t> queryEnds{2, 2, 7, 12, 12, 13, 20, 21};
  const SmallVector<int64_t> keyEnds{0, 3, 3, 14, 14, 19, 23, 24};
  const int64_t rows = 25;
  std::vector<Tensor> inputs;
};

} // namespace

void PackedTest::compareSequence(size_t b, ArrayRef<Tensor> packed,
                                 ArrayRef<Tensor> dense) {
  int64_t begin = queryEnds[b], queries = queryEnds[b + 1] - begin;
  EXPECT_EQ(takeRows(packed[0], begin, begin + queries).values,
            dense[0].values);
  for (int64_t head = 0; head != kQueryHeads; ++head)
    for (int64_t i = 0; i != queries; ++i)
      EXPECT_EQ(packed[1].values[head * rows + begin + i],
                dense[1].values[head * queries + i])
          << "head " << head << ", query " << i;
}

/// What is the same for all sequences, so that a dense program can be run on
/// each of them.
void PackedTest::compare(const std::string &modifiers) {
  SCOPED_TRACE(modifiers);
  std::vector<Tensor> packed = evaluate(makePacked(modifiers), inputs);
  ASSERT_EQ(packed[0].shape,
            (SmallVector<int64_t>{rows, kQueryHeads, kValueDim}));
  ASSERT_EQ(packed[1].shape, (SmallVector<int64_t>{kQueryHeads, rows}));
  for (size_t b = 0; b + 1 != queryEnds.size(); ++b) {
    SCOPED_TRACE("sequence " + std::to_string(b));
    compareSequence(
        b, packed,
        evaluate(makeAttention(kSizes, modifiers),
                 {takeRows(inputs[0], queryEnds[b], queryEnds[b + 1]),
                  takeRows(inputs[1], keyEnds[b], keyEnds[b + 1]),
                  takeRows(inputs[2], keyEnds[b], keyEnds[b + 1])}));
  }
  // Rows of no sequence are not computed.
  for (int64_t row : {int64_t(0), int64_t(1), queryEnds.back(), rows - 1})
    EXPECT_TRUE(std::isnan(packed[1].values[row]));
}

TEST_F(PackedTest, IsADenseAttentionOfEachSequence) {
  for (const char *modifiers :
       {"", "mask(causal)", "mask(window<3, 1>)", "mask(first<2> or chunk<4>)",
        "score(softcap<2.0>) scale(0.5)",
        "mask(causal) score { ^bb0(%x: f32, %b: index, %h: index, %p: index, "
        "%j: index):\n%d = arith.subi %p, %j : index\n"
        "%e = arith.index_cast %d : index to i32\n"
        "%f = arith.sitofp %e : i32 to f32\n"
        "%y = arith.addf %x, %f : f32\nattn.yield %y : f32 }"})
    compare(modifiers);
}

TEST_F(PackedTest, EmptySequences) {
  std::vector<Tensor> results = evaluate(makePacked(), inputs);
  // Sequence 1 has queries and no keys.
  for (int64_t row = queryEnds[1]; row != queryEnds[2]; ++row) {
    EXPECT_EQ(results[1].values[row], -HUGE_VAL);
    for (int64_t i = 0; i != kQueryHeads * kValueDim; ++i)
      EXPECT_EQ(results[0].values[row * kQueryHeads * kValueDim + i], 0);
  }
  // There may be no sequences at all.
  for (size_t i : {3, 4})
    inputs[i] = makeEnds({0});
  results = evaluate(makePacked(), inputs);
  EXPECT_TRUE(std::isnan(results[1].values[5]));
}

TEST_F(PackedTest, MasksKnowTheSequence) {
  std::vector<Tensor> arguments = inputs;
  arguments.push_back({{7}, {9, 0, 2, 5, 1, 0, 9}});
  std::vector<Tensor> packed = evaluate(
      makePacked("mask(prefix(%n : tensor<?xi32>))", ", %n: tensor<?xi32>"),
      arguments);
  std::string dense = makeAttention(kSizes, "mask(prefix(%n : tensor<?xi32>))",
                                    ", %n: tensor<?xi32>");
  for (size_t b = 0; b + 1 != queryEnds.size(); ++b)
    compareSequence(
        b, packed,
        evaluate(dense, {takeRows(inputs[0], queryEnds[b], queryEnds[b + 1]),
                         takeRows(inputs[1], keyEnds[b], keyEnds[b + 1]),
                         takeRows(inputs[2], keyEnds[b], keyEnds[b + 1]),
                         {{1}, {arguments[5].values[b]}}}));
}

/// Ids are packed as the keys are.
TEST_F(PackedTest, DocumentsOfPackedKeys) {
  std::vector<Tensor> arguments = inputs;
  std::mt19937 generator = makeGenerator(3);
  Tensor ids{{rows}, {}};
  for (int64_t i = 0; i != rows; ++i)
    ids.values.push_back(static_cast<double>(generator() % 3));
  arguments.push_back(ids);
  std::vector<Tensor> packed = evaluate(
      makePacked("mask(document(%d : tensor<?xi32>))", ", %d: tensor<?xi32>"),
      arguments);
  std::string dense = makeAttention(
      kSizes, "mask(document(%d : tensor<?x?xi32>))", ", %d: tensor<?x?xi32>");
  for (size_t b = 0; b + 1 != queryEnds.size(); ++b)
    compareSequence(
        b, packed,
        evaluate(dense, {takeRows(inputs[0], queryEnds[b], queryEnds[b + 1]),
                         takeRows(inputs[1], keyEnds[b], keyEnds[b + 1]),
                         takeRows(inputs[2], keyEnds[b], keyEnds[b + 1]),
                         takeRows(ids, keyEnds[b], keyEnds[b + 1])}));
}

TEST_F(PackedTest, SomeRowsOnly) {
  Options options;
  options.rows = {{2, 1, 0}, {6, 3, 0}};
  std::vector<Tensor> all = evaluate(makePacked("mask(causal)"), inputs);
  std::vector<Tensor> some =
      evaluate(makePacked("mask(causal)"), inputs, options);
  for (size_t i : {1 * 25 + 7, 3 * 25 + 20}) {
    EXPECT_EQ(some[1].values[i], all[1].values[i]);
    some[1].values[i] = NAN;
  }
  for (double value : some[1].values)
    EXPECT_TRUE(std::isnan(value));
}

TEST_F(PackedTest, RefusesEnds) {
  std::vector<Tensor> arguments = inputs;
  arguments[3].values[3] = 1;
  expectError(arguments,
              "'attn.attention' op expected cu_seqlens from 0 to 25 that do "
              "not decrease, got 1.000000e+00 after 7.000000e+00");
  arguments = inputs;
  arguments[4].values.back() = 26;
  expectError(arguments,
              "'attn.kv.varlen' op expected cu_seqlens from 0 to 25 that do "
              "not decrease, got 2.600000e+01 after 2.300000e+01");
  arguments = inputs;
  arguments[3].values[0] = -1;
  expectError(arguments,
              "'attn.attention' op expected cu_seqlens from 0 to 25 that do "
              "not decrease, got -1.000000e+00 after 0.000000e+00");
  arguments = inputs;
  arguments[3] = makeEnds({0, 25});
  expectError(arguments,
              "'attn.attention' op expected cu_seqlens of queries and keys of "
              "the same size, got [2] and [8]");
  arguments[3] = arguments[4] = makeEnds({});
  expectError(arguments, "'attn.kv.varlen' op expected cu_seqlens with at "
                         "least one element");
  arguments = inputs;
  arguments[1].shape[0] = 24;
  arguments[1].values.resize(24 * kKeyHeads * kDim);
  expectError(arguments, "'attn.kv.varlen' op expected key and value to agree "
                         "in length, got [24, 2, 8] and [25, 2, 6]");
}

TEST_F(PackedTest, RefusesRowsOfOtherSequences) {
  Options options;
  options.rows = {{5, 0, 7}};
  expectError(inputs,
              "'attn.attention' op expected rows [batch, head, query] inside "
              "of [7, 4, 7], got [5, 0, 7]",
              options);
}
