//===- RecurrenceTest.cpp - What recurrences compute ----------------------===//
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
struct RecurrenceTest : RecurrenceTestBase {
  /// One head of one channel, so that every number can be followed.
  RecurrenceProgram makeScalar(std::vector<double> query,
                               std::vector<double> key,
                               std::vector<double> value) {
    RecurrenceProgram program;
    auto column = [](std::vector<double> values) {
      return Tensor{{1, static_cast<int64_t>(values.size()), 1, 1}, values};
    };
    program.query = column(std::move(query));
    program.key = column(std::move(key));
    program.value = column(std::move(value));
    return program;
  }

  static Tensor gate(std::vector<double> values) {
    return {{1, static_cast<int64_t>(values.size()), 1}, values};
  }

  void expectValues(const Tensor &actual, ArrayRef<double> expected) {
    ASSERT_EQ(actual.values.size(), expected.size());
    for (auto [a, b] : llvm::zip_equal(actual.values, expected))
      EXPECT_NEAR(a, b, 1e-14);
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// By hand
//===----------------------------------------------------------------------===//

TEST_F(RecurrenceTest, Additive) {
  // S = 2, 2 + 3 * 5 = 17
  RecurrenceProgram program = makeScalar({1, 2}, {1, 3}, {2, 5});
  expectValues(evaluate(program)[0], {2, 34});
}

TEST_F(RecurrenceTest, DecayScaleAndState) {
  // S = 0.5 * 8 + 1 * 2 = 6, 0.25 * 6 + 3 * 5 = 16.5
  RecurrenceProgram program = makeScalar({1, 2}, {1, 3}, {2, 5});
  program.operands["decay"] = makeDecay(gate({0.5, 0.25}), "linear");
  program.operands["state"] = makeState({{1, 1, 1, 1}, {8}});
  program.flags["scale"] = "(10.0)";
  program.finalLayout = "value_key";
  std::vector<Tensor> results = evaluate(program);
  expectValues(results[0], {60, 330});
  expectValues(results[1], {16.5});
}

TEST_F(RecurrenceTest, DeltaRule) {
  // S = 8 + 0.5 * (2 - 8) = 5, 5 + 2 * 0.25 * (3 - 10) = 1.5
  RecurrenceProgram program = makeScalar({1, 1}, {1, 2}, {2, 3});
  program.operands["erase"].tensor = gate({0.5, 0.25});
  program.operands["write"].tensor = gate({0.5, 0.25});
  program.operands["state"] = makeState({{1, 1, 1, 1}, {8}});
  expectValues(evaluate(program)[0], {5, 1.5});
}

TEST_F(RecurrenceTest, EraseKeyAndDirection) {
  // r = 3 * 8 * 0.5 = 12, S = 4 + 0.5 * 12 + 2 = 12
  RecurrenceProgram program = makeScalar({1}, {1}, {2});
  program.operands["decay"] = makeDecay(gate({0.5}), "linear");
  program.operands["erase_key"].tensor = {{1, 1, 1, 1}, {3}};
  program.operands["erase_direction"].tensor = {{1, 1, 1, 1}, {0.5}};
  program.operands["state"] = makeState({{1, 1, 1, 1}, {8}});
  expectValues(evaluate(program)[0], {12});
  // The read is from the state in front of the decay: r = 24.
  program.flags["before_decay"] = "";
  expectValues(evaluate(program)[0], {18});
}

TEST_F(RecurrenceTest, Bonus) {
  // o = 8 + 7 * 1 * 2 = 22, S = 4 + 2 = 6, o = 2 * (6 + 7 * 3 * 5) = 222
  RecurrenceProgram program = makeScalar({1, 2}, {1, 3}, {2, 5});
  program.operands["decay"] = makeDecay(gate({0.5, 0.5}), "linear");
  program.operands["bonus"].tensor = {{1, 1}, {7}};
  program.operands["state"] = makeState({{1, 1, 1, 1}, {8}});
  program.finalLayout = "key_value";
  std::vector<Tensor> results = evaluate(program);
  expectValues(results[0], {22, 222});
  expectValues(results[1], {18});
}

TEST_F(RecurrenceTest, Denominator) {
  // z = 3 * 0.5 + 1, then 2.5 * 0.5 + 3 = 4.25
  RecurrenceProgram program = makeScalar({1, 2}, {1, 3}, {2, 5});
  program.operands["decay"] = makeDecay(gate({0.5, 0.5}), "linear");
  program.operands["normalizer"].tensor = {{1, 1, 1}, {3}};
  program.flags["denominator"] = "(0.5)";
  program.hasFinalNormalizer = true;
  std::vector<Tensor> results = evaluate(program);
  expectValues(results[0], {2 / 3.0, 2 * 16 / 9.0});
  expectValues(results[1], {4.25});
}

TEST_F(RecurrenceTest, MicroSteps) {
  // S = 0.5 * 8 = 4, 4 + 0.5 * (2 - 4) = 3, 3 + 2 * (1 - 2 * 3) = -7
  RecurrenceProgram program = makeScalar({3}, {1, 2}, {2, 1});
  program.operands["decay"] = makeDecay(gate({0.5}), "linear");
  program.operands["erase"].tensor = gate({0.5, 1});
  program.operands["write"].tensor = gate({0.5, 1});
  program.operands["state"] = makeState({{1, 1, 1, 1}, {8}});
  program.flags["micro_steps"] = "(2)";
  expectValues(evaluate(program)[0], {-21});
}

TEST_F(RecurrenceTest, DefaultScale) {
  RecurrenceProgram program;
  program.query = {{1, 1, 1, 4}, {1, 2, 3, 4}};
  program.key = {{1, 1, 1, 4}, {1, 1, 1, 1}};
  program.value = {{1, 1, 1, 1}, {3}};
  expectValues(evaluate(program)[0], {15});
}

TEST_F(RecurrenceTest, L2Normalize) {
  RecurrenceProgram program;
  program.query = {{1, 1, 1, 2}, {3, 4}};
  program.key = {{1, 1, 1, 2}, {0, 2}};
  program.value = {{1, 1, 1, 1}, {10}};
  program.flags["l2_normalize"] = "(0.0)";
  program.flags["scale"] = "(1.0)";
  expectValues(evaluate(program)[0], {8});
}

/// The key of head 1 is that of the value heads 2 and 3.
TEST_F(RecurrenceTest, ValueHeads) {
  RecurrenceProgram program;
  program.query = {{1, 1, 2, 1}, {1, 10}};
  program.key = {{1, 1, 2, 1}, {1, 2}};
  program.value = {{1, 1, 4, 1}, {1, 2, 3, 4}};
  expectValues(evaluate(program)[0], {1, 2, 60, 80});
}

//===----------------------------------------------------------------------===//
// Sequences and states
//===----------------------------------------------------------------------===//

namespace {
struct RecurrentSequenceTest : RecurrenceTest {
  /// A gated delta rule of packed sequences.
  RecurrenceProgram makePacked(ArrayRef<double> ends, int64_t rows) {
    RecurrenceProgram program;
    program.query = random({rows, 1, 3});
    program.key = random({rows, 1, 3}, 0.5);
    program.value = random({rows, 2, 2});
    program.operands["decay"] = makeDecay(uniform({rows, 2}, -1, 0));
    program.operands["erase"].tensor = uniform({rows, 2}, 0, 1);
    program.operands["write"].tensor = uniform({rows, 2}, 0, 1);
    program.operands["cu_seqlens"] = makeIntegers(ends);
    int64_t states = ends.size() - 1;
    program.operands["state"] = makeState(random({states, 2, 3, 2}));
    program.finalLayout = "key_value";
    return program;
  }

  static Tensor slice(const Tensor &tensor, int64_t first, int64_t count) {
    Tensor part = tensor;
    int64_t size = tensor.size() / tensor.shape[0];
    part.shape[0] = count;
    part.values.assign(tensor.values.begin() + first * size,
                       tensor.values.begin() + (first + count) * size);
    return part;
  }
  /// A batch of its own in front.
  static Tensor unpack(Tensor tensor) {
    tensor.shape.insert(tensor.shape.begin(), 1);
    return tensor;
  }

  /// Sequence `b` of a packed program, alone.
  RecurrenceProgram alone(const RecurrenceProgram &packed, int64_t b) {
    const Tensor &ends = packed.operands.at("cu_seqlens").tensor;
    auto first = static_cast<int64_t>(ends.values[b]);
    auto count = static_cast<int64_t>(ends.values[b + 1]) - first;
    auto take = [&](const Tensor &tensor) {
      return unpack(slice(tensor, first, count));
    };
    RecurrenceProgram program = packed;
    program.query = take(packed.query);
    program.key = take(packed.key);
    program.value = take(packed.value);
    for (const char *keyword : {"decay", "erase", "write"})
      program.operands[keyword].tensor =
          take(packed.operands.at(keyword).tensor);
    program.operands["state"].tensor =
        slice(packed.operands.at("state").tensor, b, 1);
    program.operands.erase("cu_seqlens");
    return program;
  }
};
} // namespace

TEST_F(RecurrentSequenceTest, PackedIsEachAlone) {
  RecurrenceProgram packed = makePacked({1, 4, 4, 9}, 10);
  std::vector<Tensor> results = evaluate(packed);
  for (int64_t b = 0; b != 3; ++b) {
    const Tensor &ends = packed.operands["cu_seqlens"].tensor;
    auto first = static_cast<int64_t>(ends.values[b]);
    auto count = static_cast<int64_t>(ends.values[b + 1]) - first;
    std::vector<Tensor> own = evaluate(alone(packed, b));
    expectNear(unpack(slice(results[0], first, count)), own[0]);
    expectNear(slice(results[1], b, 1), own[1]);
  }
  // Rows of no sequence are left alone.
  for (int64_t row : {0, 9})
    for (double value : slice(results[0], row, 1).values)
      EXPECT_TRUE(std::isnan(value));
}

TEST_F(RecurrentSequenceTest, EmptySequenceKeepsItsState) {
  RecurrenceProgram packed = makePacked({0, 0, 3}, 3);
  std::vector<Tensor> results = evaluate(packed);
  expectNear(slice(results[1], 0, 1),
             slice(packed.operands["state"].tensor, 0, 1));
  RecurrenceProgram nothing = makePacked({0}, 0);
  EXPECT_EQ(evaluate(nothing)[0].size(), 0);
}

TEST_F(RecurrentSequenceTest, NoTokens) {
  RecurrenceProgram program = makeProgram({2, 0, 1, 1, 3, 2});
  program.finalLayout = "key_value";
  std::vector<Tensor> results = evaluate(program);
  EXPECT_EQ(results[0].size(), 0);
  expectNear(results[1], makeFilled({2, 1, 3, 2}, 0));
}

TEST_F(RecurrentSequenceTest, SlotsOfPool) {
  RecurrenceProgram plain = makePacked({0, 2, 5, 7}, 7);
  std::vector<Tensor> expected = evaluate(plain);
  RecurrenceProgram pooled = plain;
  Tensor pool = random({5, 2, 3, 2});
  const Tensor &states = plain.operands["state"].tensor;
  auto put = [](Tensor &to, int64_t slot, const Tensor &from, int64_t b) {
    std::copy_n(from.values.begin() + b * 12, 12,
                to.values.begin() + slot * 12);
  };
  put(pool, 4, states, 0);
  put(pool, 1, states, 2);
  pooled.operands["state"].tensor = pool;
  pooled.operands["slots"] = makeIntegers({4, -1, 1});
  std::vector<Tensor> results = evaluate(pooled);
  // The sequence in the middle is padding.
  expectNear(slice(results[0], 0, 2), slice(expected[0], 0, 2));
  expectNear(slice(results[0], 2, 3), makeFilled({3, 2, 2}, 0));
  expectNear(slice(results[0], 5, 2), slice(expected[0], 5, 2));
  put(pool, 4, expected[1], 0);
  put(pool, 1, expected[1], 2);
  expectNear(results[1], pool);
}

TEST_F(RecurrentSequenceTest, PoolOfNormalizers) {
  RecurrenceProgram program = makeProgram({2, 3, 1, 1, 2, 2});
  program.query = uniform({2, 3, 1, 2}, 0, 1);
  program.key = uniform({2, 3, 1, 2}, 0, 1);
  program.flags["denominator"] = "(1.0)";
  program.operands["state"] = makeState(makeFilled({3, 1, 2, 2}, 0));
  program.operands["normalizer"].tensor = makeFilled({3, 1, 2}, 5);
  program.operands["slots"] = makeIntegers({2, -1});
  program.hasFinalNormalizer = true;
  std::vector<Tensor> results = evaluate(program);
  Tensor expected = makeFilled({3, 1, 2}, 5);
  for (int64_t t = 0; t != 3; ++t)
    for (int64_t d = 0; d != 2; ++d)
      expected.values[4 + d] += program.key.values[2 * t + d];
  expectNear(results[1], expected);
}

TEST_F(RecurrentSequenceTest, LayoutsAreTransposes) {
  RecurrenceProgram program = makeProgram({2, 3, 1, 2, 3, 2});
  program.operands["state"] = makeState(random({2, 2, 3, 2}));
  program.finalLayout = "key_value";
  RecurrenceProgram transposed = program;
  auto transpose = [](const Tensor &tensor) {
    Tensor result = tensor;
    int64_t rows = tensor.shape[2], columns = tensor.shape[3];
    std::swap(result.shape[2], result.shape[3]);
    for (int64_t i = 0; i != tensor.size(); ++i) {
      int64_t matrix = i / (rows * columns), row = i / columns % rows;
      result.values[(matrix * columns + i % columns) * rows + row] =
          tensor.values[i];
    }
    return result;
  };
  transposed.operands["state"] =
      makeState(transpose(program.operands["state"].tensor), "value_key");
  transposed.finalLayout = "value_key";
  std::vector<Tensor> a = evaluate(program), b = evaluate(transposed);
  expectNear(b[0], a[0]);
  expectNear(b[1], transpose(a[1]));
}

/// The state at the end of a part is that at the beginning of the next.
TEST_F(RecurrentSequenceTest, PartsAreWhole) {
  RecurrenceProgram whole = makePacked({0, 7}, 7);
  std::vector<Tensor> expected = evaluate(whole);
  RecurrenceProgram parts = makePacked({0, 3, 7}, 7);
  for (const char *keyword : {"decay", "erase", "write"})
    parts.operands[keyword] = whole.operands[keyword];
  parts.query = whole.query;
  parts.key = whole.key;
  parts.value = whole.value;
  RecurrenceProgram first = alone(parts, 0), second = alone(parts, 1);
  first.operands["state"] = whole.operands["state"];
  std::vector<Tensor> a = evaluate(first);
  second.operands["state"].tensor = a[1];
  std::vector<Tensor> b = evaluate(second);
  expectNear(a[0], unpack(slice(expected[0], 0, 3)));
  expectNear(b[0], unpack(slice(expected[0], 3, 4)));
  expectNear(b[1], expected[1]);
}

TEST_F(RecurrentSequenceTest, SinglePrecisionIsClose) {
  RecurrenceProgram program = makePacked({0, 20}, 20);
  Options options;
  options.arithmetic = Arithmetic::F32;
  std::vector<Tensor> single = evaluate(program, options);
  expectNear(single, evaluate(program), 1e-5);
  EXPECT_NE(single[0].values, evaluate(program)[0].values);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

namespace {
struct RecurrenceErrorTest : RecurrentSequenceTest {
  /// Heads and channels are static, the other sizes those of `arguments`.
  void expectError(const std::string &clauses, const std::string &parameters,
                   std::vector<Tensor> arguments, const std::string &message) {
    std::string q = "tensor<?x?x1x2xf32>";
    std::string source =
        "func.func @f(%q: " + q + ", %k: " + q + ", %v: " + q + parameters +
        ") -> " + q + " {\n%o = attn.recurrence %q, %k, %v " + clauses + " : " +
        q + ", " + q + ", " + q + " -> " + q + "\nreturn %o : " + q + "\n}\n";
    func::FuncOp function = parse(source);
    messages.clear();
    EXPECT_TRUE(failed(run(function, arguments)));
    EXPECT_EQ(messages, "'attn.recurrence' op " + message + "\n");
  }

  Tensor rows = makeFilled({2, 3, 1, 2}, 0);
};
} // namespace

TEST_F(RecurrenceErrorTest, Sizes) {
  expectError("", "", {rows, makeFilled({2, 4, 1, 2}, 0), rows},
              "expected key to begin with sizes [2, 3], got shape [2, 4, 1, "
              "2]");
  expectError("state(%s : tensor<?x1x2x2xf32, #attn.state<key_value>>)",
              ", %s: tensor<?x1x2x2xf32, #attn.state<key_value>>",
              {rows, rows, rows, makeFilled({3, 1, 2, 2}, 0)},
              "expected state to begin with sizes [2], got shape [3, 1, 2, 2]");
}

TEST_F(RecurrenceErrorTest, Slots) {
  std::string clauses = "state(%s : tensor<?x1x2x2xf32, "
                        "#attn.state<key_value>>) slots(%i : tensor<?xi32>)";
  std::string parameters = ", %s: tensor<?x1x2x2xf32, "
                           "#attn.state<key_value>>, %i: tensor<?xi32>";
  Tensor pool = makeFilled({3, 1, 2, 2}, 0);
  expectError(clauses, parameters, {rows, rows, rows, pool, {{2}, {0, 3}}},
              "expected slots from -1 to 2, got 3");
  expectError(clauses, parameters, {rows, rows, rows, pool, {{2}, {-2, 0}}},
              "expected slots from -1 to 2, got -2");
  expectError(clauses, parameters, {rows, rows, rows, pool, {{2}, {1, 1}}},
              "expected every slot once, got 1 twice");
  expectError(clauses, parameters, {rows, rows, rows, pool, {{1}, {1}}},
              "expected slots to begin with sizes [2], got shape [1]");
}

TEST_F(RecurrenceErrorTest, CuSeqlens) {
  RecurrenceProgram packed = makePacked({0, 5, 3}, 5);
  std::vector<Tensor> arguments;
  for (const auto &[name, operand] : packed.getArguments())
    arguments.push_back(operand.tensor);
  func::FuncOp function = parse(packed.spellForward());
  messages.clear();
  EXPECT_TRUE(failed(run(function, arguments)));
  EXPECT_EQ(messages, "'attn.recurrence' op expected cu_seqlens from 0 to 5 "
                      "that do not decrease, got 3.000000e+00 after "
                      "5.000000e+00\n");
}
