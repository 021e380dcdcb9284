//===- StepTest.cpp - Recurrences, token by token, at the tile level ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Reference/Recurrences.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"
#include "attn/Reference/TileInterpreter.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

namespace {

class StepTest : public RecurrenceFamilyTest {
protected:
  StepTest() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  using Maker = std::function<RecurrenceProgram(StepTest &)>;
  static std::vector<std::pair<std::string, Maker>> family();

  RecurrenceProgram makeLayout(RecurrenceProgram program,
                               const std::string &layout);
  void compare(const RecurrenceProgram &program, double limit = 4e-6) {
    compareText(program, program.spellForward(), limit);
  }
  void compareText(const RecurrenceProgram &program, const std::string &text,
                   double limit);
  std::string lowerAndExplain(const std::string &text);
};

} // namespace

/// Relative errors of what follows the first `axes` axes, which are those of a
/// head of a sequence or of a token.
static void expectClose(const Tensor &got, const Tensor &expected, size_t axes,
                        double limit) {
  ASSERT_EQ(got.shape, expected.shape);
  size_t rest = 1;
  for (int64_t size : ArrayRef(expected.shape).drop_front(axes))
    rest *= size;
  for (size_t begin = 0; begin < expected.values.size(); begin += rest) {
    double difference = 0, norm = 0;
    for (size_t i = begin; i != begin + rest; ++i) {
      double a = got.values[i], b = expected.values[i];
      // Rows outside of all sequences are not written.
      if (std::isnan(b)) {
        ASSERT_TRUE(std::isnan(a)) << "at " << i;
        continue;
      }
      difference += (a - b) * (a - b);
      norm += b * b;
    }
    ASSERT_LE(std::sqrt(difference), limit * std::sqrt(norm) + 1e-30)
        << "at " << begin;
  }
}

void StepTest::compareText(const RecurrenceProgram &program,
                           const std::string &text, double limit) {
  SCOPED_TRACE(text);
  std::vector<Tensor> inputs;
  for (const auto &[name, operand] : program.getArguments())
    inputs.push_back(operand.tensor);
  std::vector<Tensor> expected = evaluate(text, inputs);
  OwningOpRef<ModuleOp> lowered = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(lowered);
  ASSERT_TRUE(succeeded(lowerToLevel(*lowered, EmitLevel::Tile, {})))
      << messages;
  auto got = runTile(*lowered->getOps<tile::KernelOp>().begin(), inputs);
  ASSERT_TRUE(succeeded(got)) << messages;
  ASSERT_EQ(got->size(), expected.size());
  for (size_t i = 0; i != expected.size(); ++i) {
    SCOPED_TRACE("result " + std::to_string(i));
    // A row of the output, the state or the normalizer of a head.
    size_t axes = i == 0 ? expected[i].shape.size() - 1 : 2;
    expectClose((*got)[i], expected[i], axes, limit);
  }
}

/// Exchanges the axes of the states.
RecurrenceProgram StepTest::makeLayout(RecurrenceProgram program,
                                       const std::string &layout) {
  program.finalLayout = layout;
  auto state = program.operands.find("state");
  if (layout == "key_value" || state == program.operands.end())
    return program;
  Tensor &tensor = state->second.tensor;
  std::swap(tensor.shape[2], tensor.shape[3]);
  state->second.element = "f32, #attn.state<value_key>";
  return program;
}

/// One of each mechanism that has operands of its own.
std::vector<std::pair<std::string, StepTest::Maker>> StepTest::family() {
  using Test = StepTest;
  auto addErase = [](Test &t, RecurrenceProgram &program) {
    program.operands["erase_key"].tensor = t.random(program.key.shape, 0.3);
  };
  return {
      {"linear", [](Test &t) { return t.makeStateful(); }},
      {"denominator",
       [](Test &t) {
         RecurrenceProgram program = t.makeStateful();
         program.query = t.uniform(program.query.shape, 0.1, 1);
         program.key = t.uniform(program.key.shape, 0.1, 1);
         program.flags["denominator"] = "(1.0e-3)";
         program.operands["normalizer"].tensor = t.uniform(
             {t.sizes.batch, t.sizes.valueHeads, t.sizes.keyDim}, 0, 1);
         program.operands["decay"] = makeDecay(t.uniform(t.rows(), -1, 0));
         program.hasFinalNormalizer = true;
         return program;
       }},
      {"retnet",
       [](Test &t) {
         RecurrenceProgram program = t.makeStateful();
         program.operands["decay"] =
             makeDecay(t.uniform({t.sizes.valueHeads}, 0.9, 1), "linear");
         return program;
       }},
      {"mamba-2",
       [](Test &t) {
         RecurrenceProgram program = t.makeStateful();
         program.operands["decay"] = makeDecay(t.uniform(t.rows(), -1, 0));
         program.operands["write"].tensor = t.uniform(t.rows(), 0, 1);
         program.flags["scale"] = "(1.0)";
         return program;
       }},
      {"gla",
       [](Test &t) {
         RecurrenceProgram program = t.makeStateful();
         program.operands["decay"] =
             makeDecay(t.uniform(t.rows(1, t.sizes.keyDim), -20, 0));
         return program;
       }},
      {"rwkv-6",
       [](Test &t) {
         RecurrenceProgram program = t.makeStateful();
         program.operands["decay"] =
             makeDecay(t.uniform(t.rows(1, t.sizes.keyDim), 0, 1), "linear");
         program.operands["bonus"].tensor =
             t.random({t.sizes.heads, t.sizes.keyDim});
         return program;
       }},
      {"deltanet",
       [](Test &t) {
         RecurrenceProgram program = t.makeStateful();
         t.addDelta(program, t.uniform(t.rows(), 0, 2));
         program.flags["l2_normalize"] = "(1.0e-06)";
         return program;
       }},
      {"gdn",
       [](Test &t) {
         RecurrenceProgram program = t.makeGatedDeltaNet();
         program.flags["l2_normalize"] = "(1.0e-06)";
         return program;
       }},
      {"kda",
       [](Test &t) {
         RecurrenceProgram program = t.makeKimi();
         program.flags["l2_normalize"] = "(1.0e-06)";
         return program;
       }},
      {"gdn-2",
       [](Test &t) {
         RecurrenceProgram program = t.makeKimi();
         program.operands["erase"].tensor =
             t.uniform(t.rows(1, t.sizes.keyDim), 0, 2);
         program.operands["write"].tensor =
             t.uniform(t.rows(1, t.sizes.valueDim), 0, 1);
         program.flags["l2_normalize"] = "(1.0e-06)";
         return program;
       }},
      {"comba",
       [=](Test &t) {
         RecurrenceProgram program = t.makeGatedDeltaNet();
         addErase(t, program);
         program.flags["l2_normalize"] = "(1.0e-06)";
         return program;
       }},
      {"rwkv-7",
       [=](Test &t) {
         RecurrenceProgram program = t.makeStateful();
         program.operands["decay"] =
             makeDecay(t.uniform(t.rows(1, t.sizes.keyDim), -0.6, 0));
         addErase(t, program);
         // One for each value head.
         program.operands["erase_direction"].tensor =
             t.random(t.rows(1, t.sizes.keyDim), 0.1);
         program.flags["before_decay"] = "";
         return program;
       }},
      {"deltaproduct",
       [](Test &t) {
         t.sizes.writes = 3;
         RecurrenceProgram program = t.makeStateful();
         program.operands["decay"] = makeDecay(t.uniform(t.rows(), -1, 0));
         t.addDelta(program, t.uniform(t.rows(3), 0, 1));
         program.flags["micro_steps"] = "(3)";
         program.flags["l2_normalize"] = "(1.0e-06)";
         return program;
       }},
  };
}

TEST_F(StepTest, FamilyInBothLayouts) {
  for (int64_t tokens : {1, 4})
    for (const auto &[name, make] : family())
      for (const char *layout : {"key_value", "value_key"}) {
        SCOPED_TRACE(name);
        sizes = {2, tokens, 1, 2, 64, 64, 1};
        compare(makeLayout(make(*this), layout));
      }
}

/// Channels that are no multiple of a tile, and those that are several.
TEST_F(StepTest, Channels) {
  for (auto [keyDim, valueDim] :
       {std::pair(8, 6), {64, 128}, {128, 64}, {128, 128}, {256, 100}})
    for (const char *layout : {"key_value", "value_key"})
      for (const auto &make : {&StepTest::makeKimi, &StepTest::makeStateful}) {
        sizes = {1, 2, 2, 4, keyDim, valueDim, 1};
        RecurrenceProgram program = (this->*make)();
        program.flags["l2_normalize"] = "(1.0e-06)";
        compare(makeLayout(program, layout));
      }
}

TEST_F(StepTest, NumbersOfTokens) {
  for (int64_t tokens : {1, 2, 3, 7, 16}) {
    sizes = {2, tokens, 1, 1, 32, 64, 1};
    RecurrenceProgram program = makeGatedDeltaNet();
    program.flags["l2_normalize"] = "(1.0e-06)";
    compare(program);
  }
}

TEST_F(StepTest, NoStates) {
  sizes = {2, 3, 1, 2, 32, 64, 1};
  RecurrenceProgram program = makeGatedDeltaNet();
  program.flags["l2_normalize"] = "(1.0e-06)";
  program.operands.erase("state");
  compare(program);
  program.finalLayout.clear();
  compare(program);
}

/// Each state of 16 bits is rounded once, when it is stored.
TEST_F(StepTest, NarrowStates) {
  sizes = {2, 5, 1, 2, 64, 64, 1};
  for (const char *layout : {"key_value", "value_key"}) {
    RecurrenceProgram program = makeLayout(makeGatedDeltaNet(), layout);
    program.flags["l2_normalize"] = "(1.0e-06)";
    for (double &value : program.operands["state"].tensor.values) {
      bool losesInfo;
      APFloat narrow(value);
      narrow.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven,
                     &losesInfo);
      value = narrow.convertToFloat();
    }
    std::string text = program.spellForward();
    const std::string wide = "f32, #attn.state";
    for (size_t at; (at = text.find(wide)) != std::string::npos;)
      text.replace(at, wide.size(), "bf16, #attn.state");
    compareText(program, text, 3e-3);
  }
}

/// A slot of -1 is padding; states that nobody has stay as they are.
TEST_F(StepTest, Pools) {
  for (const char *layout : {"key_value", "value_key"})
    for (int64_t tokens : {1, 3}) {
      sizes = {4, tokens, 1, 2, 32, 64, 1};
      RecurrenceProgram program = makeGatedDeltaNet();
      program.flags["l2_normalize"] = "(1.0e-06)";
      program.operands["state"] = makeState(
          random({6, sizes.valueHeads, sizes.keyDim, sizes.valueDim}));
      program.operands["slots"] = makeIntegers({5, -1, 0, 2});
      compare(makeLayout(program, layout));
    }
}

TEST_F(StepTest, PoolsOfNormalizers) {
  sizes = {3, 2, 1, 2, 32, 64, 1};
  RecurrenceProgram program = family()[1].second(*this);
  program.operands["state"] =
      makeState(random({5, sizes.valueHeads, sizes.keyDim, sizes.valueDim}));
  program.operands["normalizer"].tensor =
      uniform({5, sizes.valueHeads, sizes.keyDim}, 0, 1);
  program.operands["slots"] = makeIntegers({4, -1, 1});
  compare(program);
}

/// Sequences of no token, of one and of several, with and without slots.
TEST_F(StepTest, PackedSequences) {
  for (bool hasSlots : {false, true}) {
    sizes = {1, 9, 1, 2, 32, 64, 1};
    RecurrenceProgram program = makeGatedDeltaNet();
    program.flags["l2_normalize"] = "(1.0e-06)";
    for (Tensor *tensor :
         {&program.query, &program.key, &program.value,
          &program.operands["decay"].tensor, &program.operands["erase"].tensor,
          &program.operands["write"].tensor})
      tensor->shape.erase(tensor->shape.begin());
    program.operands["cu_seqlens"] = makeIntegers({1, 1, 2, 7, 8});
    program.operands["state"] = makeState(random(
        {hasSlots ? 6 : 4, sizes.valueHeads, sizes.keyDim, sizes.valueDim}));
    if (hasSlots)
      program.operands["slots"] = makeIntegers({3, 5, -1, 0});
    compare(program);
  }
}

/// The states behind each token, behind every other one, and in slots of which
/// one is padding, whose states are left as they are.
TEST_F(StepTest, KeptStates) {
  for (const auto &[name, make] : family())
    for (const char *layout : {"key_value", "value_key"})
      for (int64_t every : {1, 2, 3}) {
        SCOPED_TRACE(name);
        sizes = {2, 5, 1, 2, 32, 64, 1};
        RecurrenceProgram program = make(*this);
        program.keepEvery = every;
        if (!program.flags.count("denominator"))
          compare(makeLayout(program, layout));
      }
  sizes = {3, 4, 1, 2, 32, 64, 1};
  RecurrenceProgram program = makeGatedDeltaNet();
  program.operands["state"] =
      makeState(random({6, sizes.valueHeads, sizes.keyDim, sizes.valueDim}));
  program.operands["slots"] = makeIntegers({5, -1, 0});
  program.keepEvery = 1;
  compare(program);
}

TEST_F(StepTest, KeptStatesOfPackedSequences) {
  sizes = {1, 9, 1, 2, 32, 64, 1};
  RecurrenceProgram program = makeKimi();
  for (Tensor *tensor :
       {&program.query, &program.key, &program.value,
        &program.operands["decay"].tensor, &program.operands["erase"].tensor,
        &program.operands["write"].tensor})
    tensor->shape.erase(tensor->shape.begin());
  program.operands["cu_seqlens"] = makeIntegers({0, 5, 5, 6, 9});
  program.operands["state"] =
      makeState(random({4, sizes.valueHeads, sizes.keyDim, sizes.valueDim}));
  for (int64_t every : {1, 2, 4}) {
    program.keepEvery = every;
    compare(program);
  }
}

std::string StepTest::lowerAndExplain(const std::string &text) {
  messages.clear();
  OwningOpRef<ModuleOp> lowered = parseSourceString<ModuleOp>(text, &context);
  EXPECT_TRUE(lowered) << messages;
  if (lowered) {
    EXPECT_TRUE(failed(lowerToLevel(*lowered, EmitLevel::Tile, {})));
  }
  return messages;
}

TEST_F(StepTest, RefusesManyChannels) {
  sizes = {1, 1, 1, 1, 288, 64, 1};
  EXPECT_NE(lowerAndExplain(makeStateful().spellForward())
                .find("has no schedule for keys of 288 channels on sm_90a; "
                      "expected at most 256"),
            std::string::npos);
}
