//===- ChunkChannelsTest.cpp - Chunks with gates of channels --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChunkTest.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

//===----------------------------------------------------------------------===//
// Decays of channels
//===----------------------------------------------------------------------===//

TEST_F(ChunkTest, LengthsWithDecaysOfChannels) {
  for (int64_t tokens : kLengths) {
    RecurrenceProgram program = makeUnitKeys({2, tokens, 1, 2, 8, 6});
    program.operands["decay"] = makeDecay(uniform({2, tokens, 2, 8}, -0.5, 0));
    program.operands["state"] = makeState(random({2, 2, 8, 6}));
    program.finalLayout = "key_value";
    compare(program, kF32Bound);
    addDelta(program, uniform({2, tokens, 2}, 0, 1));
    compare(program, kF32Bound);
  }
}

TEST_F(ChunkTest, StrengthsAndDecaysOfChannels) {
  for (double decay : {0.0, -0.01, -5.0, -20.0})
    for (double beta : {0.0, 1.0, 2.0}) {
      RecurrenceProgram program = makeUnitKeys({1, 150, 1, 1, 8, 6});
      // Channels that keep nothing beside some that keep all.
      program.operands["decay"] =
          makeDecay(replaceThirds(makeFilled({1, 150, 1, 8}, decay), 0));
      addDelta(program, makeFilled({1, 150, 1}, beta));
      program.operands["state"] = makeState(random({1, 1, 8, 6}));
      program.finalLayout = "value_key";
      compare(program, kF32Bound);
    }
}

TEST_F(ChunkTest, LinearAndStrongDecaysOfChannels) {
  RecurrenceProgram program = makeUnitKeys({1, 70, 1, 2, 8, 6});
  Tensor factors = uniform({1, 70, 2, 8}, 0.5, 1);
  for (int64_t i : {4, 5, 40, 80, 139, 1000})
    factors.values[i] = 0;
  program.operands["decay"] = makeDecay(factors, "linear");
  program.finalLayout = "key_value";
  addDelta(program, uniform({1, 70, 2}, 0, 1));
  compare(program, kF32Bound);
  Tensor logarithms = uniform({1, 70, 2, 8}, -300, 0);
  logarithms.values[7] = -std::numeric_limits<double>::infinity();
  program.operands["decay"] = makeDecay(logarithms);
  compare(program, 2e-4);
}

TEST_F(ChunkTest, OperandsWithDecaysOfChannels) {
  RecurrenceProgram program = makeUnitKeys({1, 70, 2, 4, 8, 12});
  program.operands["decay"] = makeDecay(uniform({1, 70, 4, 8}, -1, -0.2));
  program.flags["scale"] = "(0.75)";
  compare(program, kF32Bound, /*channels=*/4, /*chunk=*/16);
  program.operands["erase"].tensor = uniform({1, 70, 4}, 0, 1);
  compare(program, kF32Bound);
  Tensor keys = random({1, 70, 2, 8});
  normalizeRows(keys);
  program.operands["erase_key"].tensor = keys;
  compare(program, kF32Bound);
}

TEST_F(ChunkTest, PackedSequencesWithDecaysOfChannels) {
  for (const char *scale : {"log", "linear"}) {
    bool isLog = scale == StringRef("log");
    RecurrenceProgram program = makeUnitKeys({1, 180, 1, 2, 8, 6});
    program.operands["decay"] = makeDecay(
        uniform({1, 180, 2, 8}, isLog ? -0.5 : 0.6, isLog ? 0 : 1), scale);
    addDelta(program, uniform({1, 180, 2}, 0, 1));
    program.operands["state"] = makeState(random({5, 2, 8, 6}));
    program.finalLayout = "key_value";
    pack(program, {1, 64, 0, 65, 50});
    compare(program, kF32Bound);
  }
}

//===----------------------------------------------------------------------===//
// In front of decays
//===----------------------------------------------------------------------===//

TEST_F(ChunkTest, LengthsWithADirection) {
  for (int64_t tokens : kLengths) {
    RecurrenceProgram program = makeUnitKeys({2, tokens, 1, 2, 8, 6});
    program.operands["decay"] = makeDecay(uniform({2, tokens, 2, 8}, -0.5, 0));
    addDirection(program);
    program.operands["state"] = makeState(random({2, 2, 8, 6}));
    program.finalLayout = "key_value";
    compare(program, kF32Bound);
    program.flags["scale"] = "(0.75)";
    compare(program, kF32Bound, /*channels=*/2, /*chunk=*/16);
  }
}

TEST_F(ChunkTest, StrongDecaysAndADirection) {
  for (double decay : {0.0, -0.01, -5.0, -20.0, -300.0}) {
    RecurrenceProgram program = makeUnitKeys({1, 150, 1, 1, 8, 6});
    program.operands["decay"] =
        makeDecay(replaceThirds(uniform({1, 150, 1, 8}, decay, decay / 2), 0));
    addDirection(program);
    program.operands["state"] = makeState(random({1, 1, 8, 6}));
    program.finalLayout = "value_key";
    compare(program, kF32Bound);
  }
}

/// Vectors to erase with may have the heads of values.
TEST_F(ChunkTest, PackedSequencesWithADirection) {
  for (const char *scale : {"log", "linear"}) {
    bool isLog = scale == StringRef("log");
    RecurrenceProgram program = makeUnitKeys({1, 180, 1, 2, 8, 6});
    program.operands["decay"] = makeDecay(
        uniform({1, 180, 2, 8}, isLog ? -0.5 : 0.6, isLog ? 0 : 1), scale);
    addDirection(program);
    Tensor own = random({1, 180, 2, 8});
    normalizeRows(own);
    program.operands["erase_key"].tensor = own;
    program.operands["state"] = makeState(random({5, 2, 8, 6}));
    program.finalLayout = "key_value";
    pack(program, {1, 64, 0, 65, 50});
    compare(program, kF32Bound);
  }
}

/// Along the keys, in front of the decay.
TEST_F(ChunkTest, ErasingBeforeTheDecay) {
  RecurrenceProgram program = makeUnitKeys({1, 150, 1, 2, 8, 6});
  program.operands["decay"] = makeDecay(uniform({1, 150, 2, 8}, -0.5, 0));
  program.flags["before_decay"] = "";
  program.operands["state"] = makeState(random({1, 2, 8, 6}));
  program.finalLayout = "key_value";
  addDelta(program, uniform({1, 150, 2}, 0, 1));
  compare(program, kF32Bound);
  program.operands["erase"].tensor = uniform({1, 150, 2, 8}, 0, 1);
  compare(program, kF32Bound);
}

TEST_F(ChunkTest, LengthsWithABonus) {
  for (int64_t tokens : kLengths) {
    RecurrenceProgram program = makeUnitKeys({2, tokens, 1, 2, 8, 6});
    program.operands["decay"] = makeDecay(uniform({2, tokens, 2, 8}, -0.5, 0));
    program.operands["bonus"].tensor = uniform({1, 8}, -1, 2);
    program.operands["state"] = makeState(random({2, 2, 8, 6}));
    program.finalLayout = "key_value";
    compare(program, kF32Bound);
    program.operands["write"].tensor = uniform({2, tokens, 2}, 0, 2);
    compare(program, kF32Bound, /*channels=*/2, /*chunk=*/16);
  }
}

TEST_F(ChunkTest, StrongDecaysAndABonus) {
  for (double decay : {0.0, -0.01, -5.0, -20.0, -300.0}) {
    RecurrenceProgram program = makeProgram({1, 150, 1, 1, 8, 6});
    program.operands["decay"] =
        makeDecay(replaceThirds(uniform({1, 150, 1, 8}, decay, decay / 2), 0));
    program.operands["bonus"].tensor = uniform({1, 8}, -1, 2);
    program.operands["state"] = makeState(random({1, 1, 8, 6}));
    program.flags["l2_normalize"] = "(1.0e-06)";
    program.finalLayout = "value_key";
    compare(program, kF32Bound);
  }
}

/// Segments are computed as sequences are.
TEST_F(ChunkTest, SegmentsWithABonus) {
  segmentChunks = 2;
  RecurrenceProgram program = makeUnitKeys({1, 110, 1, 1, 8, 6});
  program.operands["decay"] = makeDecay(makeFilled({1, 110, 1, 8}, -1));
  program.operands["bonus"].tensor = uniform({1, 8}, 0, 1);
  program.finalLayout = "key_value";
  compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
}

//===----------------------------------------------------------------------===//
// Strengths of channels
//===----------------------------------------------------------------------===//

TEST_F(ChunkTest, LengthsWithStrengthsOfChannels) {
  for (int64_t tokens : kLengths) {
    RecurrenceProgram program = makeUnitKeys({2, tokens, 1, 2, 8, 6});
    program.operands["decay"] = makeDecay(uniform({2, tokens, 2, 8}, -0.5, 0));
    program.operands["erase"].tensor = uniform({2, tokens, 2, 8}, 0, 2);
    program.operands["write"].tensor = uniform({2, tokens, 2, 6}, 0, 2);
    program.operands["state"] = makeState(random({2, 2, 8, 6}));
    program.finalLayout = "key_value";
    compare(program, kF32Bound);
    compare(program, kF32Bound, /*channels=*/2, /*chunk=*/16);
  }
}

TEST_F(ChunkTest, StrongDecaysAndStrengthsOfChannels) {
  for (double decay : {0.0, -0.01, -5.0, -20.0})
    for (double strength : {0.0, 1.0, 2.0}) {
      RecurrenceProgram program = makeUnitKeys({1, 150, 1, 1, 8, 6});
      program.operands["decay"] =
          makeDecay(uniform({1, 150, 1, 8}, decay, decay / 2));
      program.operands["erase"].tensor =
          replaceThirds(makeFilled({1, 150, 1, 8}, strength), 2 - strength);
      program.operands["write"].tensor = makeFilled({1, 150, 1, 6}, strength);
      program.operands["state"] = makeState(random({1, 1, 8, 6}));
      program.finalLayout = "value_key";
      compare(program, kF32Bound);
    }
}

/// Any of both, with what else there may be, and with keys of their own.
TEST_F(ChunkTest, StrengthsOfChannelsBesideOthers) {
  std::vector<int64_t> decays[] = {{1, 70, 4}, {1, 70, 4, 8}};
  for (const auto &decay : decays) {
    RecurrenceProgram program = makeUnitKeys({1, 70, 2, 4, 8, 6});
    program.operands["decay"] = makeDecay(uniform(decay, -1, 0));
    program.operands["write"].tensor = uniform({1, 70, 4, 6}, 0, 1);
    compare(program, kF32Bound);
    program.operands["erase"].tensor = uniform({1, 70, 4}, 0, 1);
    compare(program, kF32Bound);
    program.operands["erase"].tensor = uniform({1, 70, 4, 8}, 0, 1);
    program.operands["write"].tensor = uniform({1, 70, 4}, 0, 1);
    compare(program, kF32Bound);
    Tensor keys = random({1, 70, 4, 8});
    normalizeRows(keys);
    program.operands["erase_key"].tensor = keys;
    compare(program, kF32Bound);
    program.operands.erase("write");
    compare(program, kF32Bound);
  }
}

TEST_F(ChunkTest, PackedSequencesWithStrengthsOfChannels) {
  RecurrenceProgram program = makeUnitKeys({1, 180, 1, 2, 8, 6});
  program.operands["decay"] = makeDecay(uniform({1, 180, 2, 8}, -0.5, 0));
  program.operands["erase"].tensor = uniform({1, 180, 2, 8}, 0, 1);
  program.operands["write"].tensor = uniform({1, 180, 2, 6}, 0, 1);
  program.operands["state"] = makeState(random({5, 2, 8, 6}));
  program.finalLayout = "key_value";
  pack(program, {1, 64, 0, 65, 50});
  compare(program, kF32Bound);
}

/// Channels that are all erased and written alike have the strength of a token.
TEST_F(ChunkTest, EqualStrengthsOfChannels) {
  RecurrenceProgram program = makeUnitKeys({1, 150, 1, 2, 8, 6});
  program.operands["decay"] = makeDecay(uniform({1, 150, 2, 8}, -0.5, 0));
  Tensor beta = uniform({1, 150, 2}, 0, 1);
  addDelta(program, beta);
  program.finalLayout = "key_value";
  auto expected = runChunks(program.spellForward(), program, 6, 64);
  for (auto [name, channels] : {std::pair("erase", 8), std::pair("write", 6)}) {
    Tensor &gates = program.operands[name].tensor;
    gates = makeFilled({1, 150, 2, channels}, 0);
    for (size_t i = 0; i != gates.values.size(); ++i)
      gates.values[i] = beta.values[i / channels];
  }
  auto got = runChunks(program.spellForward(), program, 6, 64);
  ASSERT_EQ(got.size(), 2u);
  ASSERT_EQ(expected.size(), 2u);
  for (int64_t head : {0, 1}) {
    EXPECT_LE(getError(got[0], expected[0], head, 2, 6), 1e-6);
    EXPECT_LE(getError(got[1], expected[1], head, 2, 48), 1e-6);
  }
}
