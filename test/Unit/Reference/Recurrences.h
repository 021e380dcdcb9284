//===- Recurrences.h - Recurrences to test with -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_REFERENCE_RECURRENCES_H
#define ATTN_TEST_UNIT_REFERENCE_RECURRENCES_H

#include "Programs.h"

#include <map>

namespace mlir::attn::reference {

/// Of the tests' recurrences: batch, tokens, heads of keys and of values, their
/// channels, writes for each token.
struct RecurrenceSizes {
  int64_t batch = 1, tokens = 1, heads = 1, valueHeads = 1, keyDim = 1,
          valueDim = 1, writes = 1;
};

/// A program of one recurrence, and its arguments.
struct RecurrenceProgram {
  /// An operand that has a keyword. `element` is what stands behind the sizes
  /// of its type.
  struct Operand {
    Tensor tensor;
    std::string element = "f32";
  };

  Tensor query, key, value;
  /// By their keywords, and the text in parentheses behind other keywords.
  std::map<std::string, Operand> operands;
  std::map<std::string, std::string> flags;
  /// Whether there is a final state, of which layout, and a final normalizer.
  std::string finalLayout;
  bool hasFinalNormalizer = false;
  /// Which states are kept, if any, in the layout of the final one.
  int64_t keepEvery = 0;

  static std::string spellType(ArrayRef<int64_t> shape,
                               const std::string &element) {
    std::string text = "tensor<";
    for (int64_t size : shape)
      text += std::to_string(size) + "x";
    return text + element + ">";
  }
  static std::string spellType(const Operand &operand) {
    return spellType(operand.tensor.shape, operand.element);
  }
  static std::string spellType(const Tensor &tensor) {
    return spellType(tensor.shape, "f32");
  }

  /// The operands in the order of the arguments.
  std::vector<std::pair<std::string, Operand>> getArguments() const {
    std::vector<std::pair<std::string, Operand>> arguments = {
        {"query", {query}}, {"key", {key}}, {"value", {value}}};
    arguments.insert(arguments.end(), operands.begin(), operands.end());
    return arguments;
  }

  /// The clauses in the order of the syntax.
  std::string spellClauses() const {
    std::string text = "%query, %key, %value";
    for (const char *keyword :
         {"decay", "erase", "erase_key", "erase_direction", "before_decay",
          "write", "bonus", "denominator", "state", "normalizer", "slots",
          "cu_seqlens", "micro_steps", "scale", "l2_normalize"}) {
      if (auto it = operands.find(keyword); it != operands.end())
        text += std::string(" ") + keyword + "(%" + keyword + " : " +
                spellType(it->second) + ")";
      if (auto it = flags.find(keyword); it != flags.end())
        text += std::string(" ") + keyword + it->second;
    }
    if (keepEvery)
      text += " keep_every(" + std::to_string(keepEvery) + ")";
    return text;
  }

  bool isPacked() const { return operands.count("cu_seqlens"); }
  int64_t getSequences() const {
    return isPacked() ? operands.at("cu_seqlens").tensor.size() - 1
                      : query.shape[0];
  }

  SmallVector<int64_t> getOutputShape() const {
    SmallVector<int64_t> shape(query.shape);
    *std::prev(shape.end(), 2) = *std::prev(value.shape.end(), 2);
    shape.back() = value.shape.back();
    return shape;
  }

  Operand makeFinalState() const {
    int64_t keyDim = query.shape.back(), valueDim = value.shape.back();
    if (finalLayout == "value_key")
      std::swap(keyDim, valueDim);
    int64_t states = operands.count("slots")
                         ? operands.at("state").tensor.shape[0]
                         : getSequences();
    return {{{states, *std::prev(value.shape.end(), 2), keyDim, valueDim}, {}},
            "f32, #attn.state<" + finalLayout + ">"};
  }
  Operand makeKeptStates() const {
    Operand kept = makeFinalState();
    SmallVector<int64_t> shape(query.shape);
    shape.truncate(isPacked() ? 1 : 2);
    shape.back() /= keepEvery;
    llvm::append_range(shape, ArrayRef(kept.tensor.shape).drop_front());
    kept.tensor.shape = shape;
    return kept;
  }
  Operand makeFinalNormalizer() const {
    int64_t states = operands.count("slots")
                         ? operands.at("normalizer").tensor.shape[0]
                         : getSequences();
    return {
        {{states, *std::prev(value.shape.end(), 2), query.shape.back()}, {}}};
  }

  std::string spellParameters() const {
    std::string text;
    for (const auto &[name, operand] : getArguments())
      text += (text.empty() ? "%" : ", %") + name + ": " + spellType(operand);
    return text;
  }
  std::string spellTypes() const {
    return spellType(query) + ", " + spellType(key) + ", " + spellType(value);
  }

  std::string spellForward() const {
    std::string names = "%o", types = spellType(getOutputShape(), "f32");
    std::string results = types;
    auto add = [&](const std::string &keyword, const Operand &operand) {
      names += ", %final_" + keyword;
      types += ", " + spellType(operand);
      results += " " + keyword + "(" + spellType(operand) + ")";
    };
    if (!finalLayout.empty())
      add("state", makeFinalState());
    if (hasFinalNormalizer)
      add("normalizer", makeFinalNormalizer());
    if (keepEvery)
      add("kept", makeKeptStates());
    return "func.func @f(" + spellParameters() + ") -> (" + types + ") {\n" +
           names + " = attn.recurrence " + spellClauses() + " : " +
           spellTypes() + " -> " + results + "\nreturn " + names + " : " +
           types + "\n}\n";
  }

  /// The gradients of all operands but integers, in the order of the arguments.
  /// The gradients of the results are arguments behind the others.
  std::string spellBackward() const {
    std::map<std::string, std::string> types;
    std::string list, results = spellTypes();
    auto isWanted = [](const Operand &operand) {
      return operand.element != "i32";
    };
    for (const char *keyword :
         {"decay", "erase", "erase_key", "erase_direction", "write", "bonus",
          "state", "normalizer"})
      if (operands.count(keyword)) {
        list += std::string(", %d_") + keyword;
        results += std::string(" ") + keyword + "(" +
                   spellType(operands.at(keyword)) + ")";
      }
    std::string returned, returnedTypes;
    for (const auto &[name, operand] : getArguments())
      if (isWanted(operand)) {
        returned += (returned.empty() ? "%d_" : ", %d_") + name;
        returnedTypes +=
            (returnedTypes.empty() ? "" : ", ") + spellType(operand);
      }
    std::string output = spellType(getOutputShape(), "f32");
    std::string parameters = spellParameters() + ", %go: " + output;
    std::string given = " gradient(%go : " + output + ")";
    if (!finalLayout.empty()) {
      std::string type = spellType(makeFinalState());
      parameters += ", %gs: " + type;
      given += " state_gradient(%gs : " + type + ")";
    }
    if (hasFinalNormalizer) {
      std::string type = spellType(makeFinalNormalizer());
      parameters += ", %gz: " + type;
      given += " normalizer_gradient(%gz : " + type + ")";
    }
    return "func.func @f(" + parameters + ") -> (" + returnedTypes + ") {\n" +
           "%d_query, %d_key, %d_value" + list +
           " = attn.recurrence_backward " + spellClauses() + given + " : " +
           spellTypes() + " -> " + results + "\nreturn " + returned + " : " +
           returnedTypes + "\n}\n";
  }
};

/// Makes random recurrences and evaluates them.
class RecurrenceTestBase : public ProgramTest {
protected:
  using Operand = RecurrenceProgram::Operand;

  Tensor random(ArrayRef<int64_t> shape, double scale = 1) {
    Tensor tensor = makeRandom(shape, generator);
    for (double &value : tensor.values)
      value *= scale;
    return tensor;
  }
  /// Between `low` and `high`.
  Tensor uniform(ArrayRef<int64_t> shape, double low, double high) {
    Tensor tensor = makeFilled(shape, 0);
    std::uniform_real_distribution<double> distribution(low, high);
    for (double &value : tensor.values)
      value = distribution(generator);
    return tensor;
  }
  static Tensor makeFilled(ArrayRef<int64_t> shape, double value) {
    Tensor tensor{SmallVector<int64_t>(shape), {}};
    tensor.values.assign(tensor.size(), value);
    return tensor;
  }
  /// Each number `count` times: a new last axis.
  static Tensor repeat(const Tensor &tensor, int64_t count) {
    Tensor repeated{tensor.shape, {}};
    repeated.shape.push_back(count);
    for (double value : tensor.values)
      repeated.values.insert(repeated.values.end(), count, value);
    return repeated;
  }
  static Tensor map(Tensor tensor, double (*function)(double)) {
    for (double &value : tensor.values)
      value = function(value);
    return tensor;
  }

  RecurrenceProgram makeProgram(const RecurrenceSizes &sizes) {
    auto [batch, tokens, heads, valueHeads, keyDim, valueDim, writes] = sizes;
    RecurrenceProgram program;
    program.query = random({batch, tokens, heads, keyDim});
    program.key = random({batch, tokens * writes, heads, keyDim}, 0.5);
    program.value = random({batch, tokens * writes, valueHeads, valueDim});
    return program;
  }
  static Operand makeDecay(Tensor tensor, const std::string &scale = "log") {
    return {std::move(tensor), "f32, #attn.gate<" + scale + ">"};
  }
  static Operand makeState(Tensor tensor,
                           const std::string &layout = "key_value") {
    return {std::move(tensor), "f32, #attn.state<" + layout + ">"};
  }
  static Operand makeIntegers(ArrayRef<double> values) {
    return {{{static_cast<int64_t>(values.size())},
             std::vector<double>(values.begin(), values.end())},
            "i32"};
  }

  std::vector<Tensor> evaluate(const std::string &source,
                               ArrayRef<Tensor> arguments,
                               const Options &options = {}) {
    FailureOr<std::vector<Tensor>> results =
        run(parse(source), arguments, options);
    EXPECT_TRUE(succeeded(results)) << messages << source;
    return succeeded(results) ? *results : std::vector<Tensor>(3);
  }
  std::vector<Tensor> evaluate(const RecurrenceProgram &program,
                               const Options &options = {}) {
    std::vector<Tensor> arguments;
    for (const auto &[name, operand] : program.getArguments())
      arguments.push_back(operand.tensor);
    return evaluate(program.spellForward(), arguments, options);
  }

  static void expectNear(const Tensor &actual, const Tensor &expected,
                         double limit = 1e-12) {
    ASSERT_EQ(actual.shape, expected.shape);
    for (auto [a, b] : llvm::zip_equal(actual.values, expected.values))
      ASSERT_NEAR(a, b, limit * (1 + std::abs(b)));
  }
  static void expectNear(ArrayRef<Tensor> actual, ArrayRef<Tensor> expected,
                         double limit = 1e-12) {
    ASSERT_EQ(actual.size(), expected.size());
    for (auto [a, b] : llvm::zip_equal(actual, expected))
      expectNear(a, b, limit);
  }
  /// Both programs have the same results.
  void expectEqual(const RecurrenceProgram &a, const RecurrenceProgram &b) {
    expectNear(evaluate(a), evaluate(b));
  }

  std::mt19937 generator{1};
};

/// Makes recurrences of the delta family.
struct RecurrenceFamilyTest : RecurrenceTestBase {
  RecurrenceSizes sizes = {2, 9, 2, 4, 5, 3, 1};

  SmallVector<int64_t> rows(int64_t factor = 1) {
    return {sizes.batch, sizes.tokens * factor, sizes.valueHeads};
  }
  SmallVector<int64_t> rows(int64_t factor, int64_t channels) {
    return {sizes.batch, sizes.tokens * factor, sizes.valueHeads, channels};
  }

  /// With an initial and a final state.
  RecurrenceProgram makeStateful() {
    RecurrenceProgram program = makeProgram(sizes);
    program.operands["state"] = makeState(
        random({sizes.batch, sizes.valueHeads, sizes.keyDim, sizes.valueDim}));
    program.finalLayout = "key_value";
    return program;
  }

  void addDelta(RecurrenceProgram &program, const Tensor &beta) {
    program.operands["erase"].tensor = beta;
    program.operands["write"].tensor = beta;
  }

  /// Kimi Delta Attention: a decay per channel.
  RecurrenceProgram makeKimi() {
    RecurrenceProgram program = makeStateful();
    program.operands["decay"] =
        makeDecay(uniform(rows(1, sizes.keyDim), -1, 0));
    addDelta(program, uniform(rows(), 0, 2));
    return program;
  }

  /// Gated DeltaNet: a decay per token.
  RecurrenceProgram makeGatedDeltaNet() {
    RecurrenceProgram program = makeKimi();
    program.operands["decay"] = makeDecay(uniform(rows(), -1, 0));
    return program;
  }
};

} // namespace mlir::attn::reference

#endif // ATTN_TEST_UNIT_REFERENCE_RECURRENCES_H
