//===- RecurrenceBackwardTest.cpp - Gradients of recurrences --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Recurrences.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn::reference;

namespace {
/// Compares gradients with differences of the forward op.
struct RecurrenceBackwardTest : RecurrenceTestBase {
  RecurrenceSizes sizes = {2, 4, 1, 2, 3, 2, 1};

  SmallVector<int64_t> rows() {
    return {sizes.batch, sizes.tokens * sizes.writes, sizes.valueHeads};
  }
  SmallVector<int64_t> rows(int64_t channels) {
    SmallVector<int64_t> shape = rows();
    shape.push_back(channels);
    return shape;
  }
  SmallVector<int64_t> tokens() {
    return {sizes.batch, sizes.tokens, sizes.valueHeads};
  }

  /// With an initial state, of which the result has another layout.
  RecurrenceProgram makeStateful() {
    RecurrenceProgram program = makeProgram(sizes);
    program.operands["state"] = makeState(
        random({sizes.batch, sizes.valueHeads, sizes.keyDim, sizes.valueDim}));
    program.finalLayout = "value_key";
    return program;
  }

  RecurrenceProgram makeDelta() {
    RecurrenceProgram program = makeStateful();
    program.operands["erase"].tensor = uniform(rows(), 0, 1);
    program.operands["write"].tensor = uniform(rows(), 0, 1);
    return program;
  }

  static double weigh(const Tensor &weights, const Tensor &values) {
    double sum = 0;
    for (auto [weight, value] : llvm::zip_equal(weights.values, values.values))
      // What nobody computes has no part in it.
      sum += std::isnan(value) ? 0 : weight * value;
    return sum;
  }

  void expectGradients(const RecurrenceProgram &program) {
    std::vector<Tensor> arguments, weights, names;
    std::vector<size_t> wanted;
    for (const auto &[name, operand] : program.getArguments()) {
      if (operand.element != "i32")
        wanted.push_back(arguments.size());
      arguments.push_back(operand.tensor);
    }
    std::string forward = program.spellForward();
    for (const Tensor &result : evaluate(forward, arguments))
      weights.push_back(random(result.shape));
    auto loss = [&] {
      double sum = 0;
      std::vector<Tensor> results = evaluate(forward, arguments);
      for (auto [weight, result] : llvm::zip_equal(weights, results))
        sum += weigh(weight, result);
      return sum;
    };
    std::vector<Tensor> all = arguments;
    all.insert(all.end(), weights.begin(), weights.end());
    std::vector<Tensor> gradients = evaluate(program.spellBackward(), all);
    ASSERT_EQ(gradients.size(), wanted.size());
    for (auto [gradient, number] : llvm::zip_equal(gradients, wanted)) {
      ASSERT_EQ(gradient.shape, arguments[number].shape);
      expectDifferences(gradient, arguments[number], loss);
    }
  }

  void expectDifferences(const Tensor &gradient, Tensor &argument,
                         function_ref<double()> loss) {
    constexpr double step = 1e-5;
    for (int64_t i = 0; i != argument.size(); ++i) {
      double value = argument.values[i];
      argument.values[i] = value + step;
      double above = loss();
      argument.values[i] = value - step;
      double below = loss();
      argument.values[i] = value;
      double expected = (above - below) / (2 * step);
      // The gradient of a row that belongs to no sequence is left as it is.
      if (expected == 0 && std::isnan(gradient.values[i]))
        continue;
      ASSERT_NEAR(gradient.values[i], expected,
                  1e-7 * (1 + std::abs(expected)));
    }
  }
};
} // namespace

TEST_F(RecurrenceBackwardTest, Additive) { expectGradients(makeStateful()); }

TEST_F(RecurrenceBackwardTest, DecayPerHeadTokenAndChannel) {
  for (const SmallVector<int64_t> &shape :
       {SmallVector<int64_t>{sizes.valueHeads}, rows(), rows(sizes.keyDim)})
    for (const char *scale : {"log", "linear"}) {
      bool isLog = scale == std::string("log");
      RecurrenceProgram program = makeDelta();
      program.operands["decay"] =
          makeDecay(uniform(shape, isLog ? -1 : 0.2, isLog ? 0 : 0.9), scale);
      expectGradients(program);
    }
}

TEST_F(RecurrenceBackwardTest, DecoupledGates) {
  RecurrenceProgram program = makeDelta();
  program.operands["erase"].tensor = uniform(rows(sizes.keyDim), 0, 2);
  program.operands["write"].tensor = uniform(rows(sizes.valueDim), 0, 1);
  expectGradients(program);
}

TEST_F(RecurrenceBackwardTest, EraseKeyAndDirection) {
  for (bool isBefore : {false, true})
    for (int64_t heads : {sizes.heads, sizes.valueHeads}) {
      RecurrenceProgram program = makeStateful();
      SmallVector<int64_t> shape = {sizes.batch, sizes.tokens, heads,
                                    sizes.keyDim};
      program.operands["decay"] = makeDecay(uniform(rows(sizes.keyDim), -1, 0));
      program.operands["erase_key"].tensor = random(shape);
      program.operands["erase_direction"].tensor = random(shape);
      if (isBefore)
        program.flags["before_decay"] = "";
      expectGradients(program);
      // With a gate on the key that is read.
      program.operands["erase"].tensor = uniform(rows(), 0, 1);
      expectGradients(program);
    }
}

TEST_F(RecurrenceBackwardTest, Bonus) {
  RecurrenceProgram program = makeStateful();
  program.operands["decay"] = makeDecay(uniform(rows(sizes.keyDim), -1, 0));
  program.operands["bonus"].tensor = random({sizes.heads, sizes.keyDim});
  program.operands["write"].tensor = uniform(rows(), 0, 1);
  program.flags["scale"] = "(0.75)";
  expectGradients(program);
}

TEST_F(RecurrenceBackwardTest, Denominator) {
  RecurrenceProgram program = makeStateful();
  program.query = uniform(program.query.shape, 0.1, 1);
  program.key = uniform(program.key.shape, 0.1, 1);
  program.operands["decay"] = makeDecay(uniform(rows(), -1, 0));
  program.operands["normalizer"].tensor =
      uniform({sizes.batch, sizes.valueHeads, sizes.keyDim}, 0.1, 1);
  program.flags["denominator"] = "(0.5)";
  program.hasFinalNormalizer = true;
  expectGradients(program);
}

TEST_F(RecurrenceBackwardTest, MicroSteps) {
  sizes.writes = 2;
  RecurrenceProgram program = makeDelta();
  program.operands["decay"] = makeDecay(uniform(tokens(), -1, 0));
  program.flags["micro_steps"] = "(2)";
  expectGradients(program);
  program.flags["before_decay"] = "";
  expectGradients(program);
}

TEST_F(RecurrenceBackwardTest, L2Normalize) {
  RecurrenceProgram program = makeDelta();
  program.operands["decay"] = makeDecay(uniform(rows(), -1, 0));
  program.flags["l2_normalize"] = "(0.125)";
  expectGradients(program);
}

TEST_F(RecurrenceBackwardTest, PackedSequencesOfPool) {
  RecurrenceProgram program;
  program.query = random({8, 1, 3});
  program.key = random({8, 1, 3}, 0.5);
  program.value = random({8, 2, 2});
  program.operands["decay"] = makeDecay(uniform({8, 2}, -1, 0));
  program.operands["erase"].tensor = uniform({8, 2}, 0, 1);
  program.operands["write"].tensor = uniform({8, 2}, 0, 1);
  program.operands["cu_seqlens"] = makeIntegers({0, 2, 4, 4, 7});
  program.operands["slots"] = makeIntegers({3, -1, 0, 1});
  program.operands["state"] = makeState(random({5, 2, 3, 2}));
  program.finalLayout = "key_value";
  expectGradients(program);
}

/// Without gradients of final states there is one of the output alone.
TEST_F(RecurrenceBackwardTest, OutputAlone) {
  RecurrenceProgram program = makeDelta();
  program.finalLayout = "";
  expectGradients(program);
}

TEST_F(RecurrenceBackwardTest, StrongDecayAndReflection) {
  RecurrenceProgram program = makeDelta();
  program.operands["decay"] = makeDecay(uniform(rows(sizes.keyDim), -20, -19));
  for (double beta : {0.0, 1.0, 2.0}) {
    program.operands["erase"].tensor = makeFilled(rows(), beta);
    program.operands["write"].tensor = makeFilled(rows(), beta);
    expectGradients(program);
  }
}

TEST_F(RecurrenceBackwardTest, SinglePrecisionIsClose) {
  RecurrenceProgram program = makeDelta();
  program.finalLayout = "";
  std::vector<Tensor> arguments;
  for (const auto &[name, operand] : program.getArguments())
    arguments.push_back(operand.tensor);
  arguments.push_back(random(program.getOutputShape()));
  Options options;
  options.arithmetic = Arithmetic::F32;
  std::string source = program.spellBackward();
  std::vector<Tensor> expected = evaluate(source, arguments);
  std::vector<Tensor> single = evaluate(source, arguments, options);
  expectNear(single, expected, 1e-5);
  EXPECT_NE(single[0].values, expected[0].values);
}

TEST_F(RecurrenceBackwardTest, SizesOfGivenGradients) {
  std::string type = "tensor<?x?x1x2xf32>";
  std::string source =
      "func.func @f(%q: " + type + ", %g: " + type + ") -> " + type +
      " {\n%dq, %dk, %dv = attn.recurrence_backward %q, %q, %q gradient(%g : " +
      type + ") : " + type + ", " + type + ", " + type + " -> " + type + ", " +
      type + ", " + type + "\nreturn %dq : " + type + "\n}\n";
  func::FuncOp function = parse(source);
  messages.clear();
  EXPECT_TRUE(failed(run(
      function, {makeFilled({2, 3, 1, 2}, 0), makeFilled({2, 4, 1, 2}, 0)})));
  EXPECT_EQ(messages, "'attn.recurrence_backward' op expected output_gradient "
                      "to begin with sizes [2, 3], got shape [2, 4, 1, 2]\n");
}
