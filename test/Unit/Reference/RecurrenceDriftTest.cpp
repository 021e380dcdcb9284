//===- RecurrenceDriftTest.cpp - States that are stored narrowly ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A server keeps a state between the tokens that it decodes, in f32 or, to save
// memory, in bf16. How far its outputs are then from those of an exact state,
// over 32k tokens.
//
//===----------------------------------------------------------------------===//

#include "Recurrences.h"

#include "llvm/ADT/bit.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

double toF32(double value) { return static_cast<float>(value); }

/// To nearest, ties to even.
double toBF16(double value) {
  auto bits = llvm::bit_cast<uint32_t>(static_cast<float>(value));
  bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000;
  return llvm::bit_cast<float>(bits);
}

struct RecurrenceDriftTest : RecurrenceFamilyTest {
  static constexpr int64_t kTokens = 32768;

  RecurrenceDriftTest() { sizes = {1, kTokens, 1, 1, 4, 4, 1}; }

  static Tensor getToken(const Tensor &tensor, int64_t token) {
    Tensor part{tensor.shape, {}};
    part.shape[1] = 1;
    int64_t size = part.size();
    part.values.assign(tensor.values.begin() + token * size,
                       tensor.values.begin() + (token + 1) * size);
    return part;
  }

  /// The outputs of `program`, token by token, the state stored by `store`.
  Tensor decode(const RecurrenceProgram &program, double (*store)(double)) {
    RecurrenceProgram step = program;
    auto take = [](Tensor &tensor) { tensor = getToken(tensor, 0); };
    take(step.query);
    take(step.key);
    take(step.value);
    for (auto &[name, operand] : step.operands)
      if (name != "state")
        take(operand.tensor);
    func::FuncOp function = parse(step.spellForward());
    Tensor state = program.operands.at("state").tensor;
    Tensor output = {program.getOutputShape(), {}};
    const auto operands = program.getArguments();
    for (int64_t token = 0; token != kTokens; ++token) {
      std::vector<Tensor> arguments;
      for (const auto &[name, operand] : operands)
        arguments.push_back(name == "state" ? state
                                            : getToken(operand.tensor, token));
      FailureOr<std::vector<Tensor>> results = run(function, arguments, {});
      if (failed(results))
        return output;
      llvm::append_range(output.values, (*results)[0].values);
      state = map((*results)[1], store);
    }
    return output;
  }

  /// The root of the mean squared error of the tokens in eighth `part`,
  /// relative to all outputs.
  static double getError(const Tensor &output, const Tensor &exact, int part) {
    double error = 0, size = 0;
    size_t count = exact.values.size(), length = count / 8;
    for (double value : exact.values)
      size += value * value / static_cast<double>(count);
    for (size_t i = part * length; i != (part + 1) * length; ++i)
      error += std::pow(output.values[i] - exact.values[i], 2) /
               static_cast<double>(length);
    return std::sqrt(error / size);
  }
};

} // namespace

/// A decay, or a delta rule that overwrites, forgets errors as it forgets the
/// rest: those of the last tokens are those of the first ones.
TEST_F(RecurrenceDriftTest, ForgettingStatesDoNotDrift) {
  RecurrenceProgram decaying = makeGatedDeltaNet();
  decaying.operands["decay"] = makeDecay(uniform(rows(), -0.1, 0));
  addDelta(decaying, uniform(rows(), 0, 1));
  RecurrenceProgram erasing = makeStateful();
  addDelta(erasing, uniform(rows(), 0, 1));
  for (RecurrenceProgram *program : {&decaying, &erasing}) {
    program->flags["l2_normalize"] = "(1.0e-06)";
    Tensor exact = evaluate(*program)[0];
    Tensor narrow = decode(*program, toBF16), wide = decode(*program, toF32);
    ASSERT_EQ(narrow.values.size(), exact.values.size());
    for (int part = 0; part != 8; ++part) {
      EXPECT_LT(getError(narrow, exact, part), 1e-2);
      EXPECT_LT(getError(wide, exact, part), 2e-7);
      EXPECT_GT(getError(narrow, exact, part), 1e-3);
    }
    EXPECT_LT(getError(narrow, exact, 7), 1.1 * getError(narrow, exact, 1));
    EXPECT_LT(getError(wide, exact, 7), 1.1 * getError(wide, exact, 1));
  }
}

/// A state that only grows does not: in bf16 it stands still as soon as half of
/// its last place is more than what is added, while f32 counts on.
TEST_F(RecurrenceDriftTest, GrowingStatesStandStill) {
  RecurrenceProgram program = makeStateful();
  program.key = makeFilled(program.key.shape, 1);
  program.value = makeFilled(program.value.shape, 1);
  program.query = makeFilled(program.query.shape, 0.25);
  program.flags["scale"] = "(1.0)";
  program.operands["state"].tensor =
      makeFilled(program.operands["state"].tensor.shape, 0);
  Tensor narrow = decode(program, toBF16), wide = decode(program, toF32);
  ASSERT_EQ(narrow.values.size(), wide.values.size());
  // 257 is between two numbers of bf16, and the even one is 256.
  EXPECT_EQ(narrow.values[255 * 4], 256);
  EXPECT_EQ(narrow.values.back(), 257);
  EXPECT_EQ(wide.values.back(), kTokens);
}
