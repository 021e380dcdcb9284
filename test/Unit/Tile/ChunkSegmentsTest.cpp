//===- ChunkSegmentsTest.cpp - Sequences in segments ----------------------===//
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
// Segments
//===----------------------------------------------------------------------===//

/// Weak decays, and none, reach back to the beginning.
TEST_F(ChunkTest, StartsOfSegments) {
  const std::pair<double, std::vector<int64_t>> cases[] = {
      {0, {0, 0, 0, 0, 0, 0, 0}},
      {-0.1, {0, 0, 0, 0, 0, 0, 0}},
      // 8 tokens have 11.5 bits, so three chunks are enough, and not two.
      {-1, {0, 0, 1, 3, 5, 7, 9}},
      {-3, {0, 1, 3, 5, 7, 9, 11}},
      {-20, {0, 1, 3, 5, 7, 9, 11}}};
  segmentChunks = 2;
  for (const auto &[decay, starts] : cases) {
    RecurrenceProgram program = makeUnitKeys({1, 110, 1, 1, 8, 6});
    program.operands["decay"] = makeDecay(makeFilled({1, 110, 1}, decay));
    program.operands["state"] = makeState(random({1, 1, 8, 6}));
    program.finalLayout = "key_value";
    compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
    EXPECT_EQ(findStarts(segments), starts) << decay;
    addDelta(program, uniform({1, 110, 1}, 0, 1));
    compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
    EXPECT_EQ(findStarts(segments), starts) << decay;
  }
}

/// No chunk is stored twice, or by nobody, and one segment has the last one.
TEST_F(ChunkTest, LengthsOfSegments) {
  for (int64_t least : {1, 2, 5})
    for (int64_t tokens : {1, 8, 9, 40, 41, 100}) {
      segmentChunks = least;
      RecurrenceProgram program = makeUnitKeys({2, tokens, 1, 2, 8, 6});
      program.operands["decay"] = makeDecay(uniform({2, tokens, 2}, -6, -2));
      addDelta(program, uniform({2, tokens, 2}, 0, 1));
      program.finalLayout = "value_key";
      compare(program, kF32Bound, /*channels=*/3, /*chunk=*/8);
    }
}

/// A stretch that keeps everything is in front of some segments and not of
/// others, and not of every head. The first segment is longer, by as much as
/// others may start early.
TEST_F(ChunkTest, SegmentsBehindAStretchWithoutDecay) {
  segmentChunks = 2;
  RecurrenceProgram program = makeUnitKeys({1, 160, 1, 2, 8, 6});
  Tensor decays = uniform({1, 160, 2}, -8, -4);
  for (int64_t t = 56; t != 104; ++t)
    decays.values[2 * t] = 0;
  program.operands["decay"] = makeDecay(decays);
  addDelta(program, uniform({1, 160, 2}, 0, 1));
  program.finalLayout = "key_value";
  compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
  EXPECT_EQ(findStarts(segments),
            (std::vector<int64_t>{0, 5, 6, 6, 0, 13, 15, 17, 20, 20}));
}

/// Keys that are long make the state grow where twice as much is erased: by
/// |1 - 2 * 1.5^2| = 3.5, 1.8 bits, for each token.
TEST_F(ChunkTest, SegmentsOfGrowingStates) {
  segmentChunks = 2;
  for (auto [decay, second] : {std::pair(-1.0, 0), {-2.0, 0}, {-6.0, 3}}) {
    RecurrenceProgram program = makeUnitKeys({1, 64, 1, 1, 8, 6});
    for (double &value : program.key.values)
      value *= 1.5;
    program.operands["decay"] = makeDecay(makeFilled({1, 64, 1}, decay));
    addDelta(program, makeFilled({1, 64, 1}, 2));
    compare(program, 1e-3, /*channels=*/0, /*chunk=*/8);
    EXPECT_EQ(findStarts(segments)[2], second) << decay;
  }
}

TEST_F(ChunkTest, SegmentsOfOtherDecays) {
  segmentChunks = 1;
  RecurrenceProgram program = makeUnitKeys({2, 70, 2, 2, 8, 6});
  program.operands["decay"] = makeDecay(uniform({2}, 0.01, 0.02), "linear");
  compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
  EXPECT_EQ(findStarts(segments)[6], 5);
  program.operands["decay"] = makeDecay(uniform({2}, -5, -4));
  compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
  EXPECT_EQ(findStarts(segments)[6], 5);
  Tensor factors = uniform({2, 70, 2}, 0.01, 0.02);
  factors.values[3] = 0;
  program.operands["decay"] = makeDecay(factors, "linear");
  addDelta(program, uniform({2, 70, 2}, 0, 1));
  compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
  EXPECT_EQ(findStarts(segments)[6], 5);
}

/// Each channel has forgotten on its own: of the slowest one 8 tokens have 11.5
/// bits, however little each token keeps of some channel; and another one that
/// keeps everything reaches back to the beginning.
TEST_F(ChunkTest, SegmentsOfDecaysOfChannels) {
  segmentChunks = 2;
  RecurrenceProgram program = makeUnitKeys({1, 110, 1, 1, 8, 6});
  Tensor decays = makeFilled({1, 110, 1, 8}, -2);
  for (int64_t t = 0; t != 110; ++t)
    decays.values[8 * t + 5] = -1;
  for (const char *scale : {"log", "linear"}) {
    if (scale == StringRef("linear"))
      for (double &value : decays.values)
        value = std::exp(value);
    program.operands["decay"] = makeDecay(decays, scale);
    program.operands["state"] = makeState(random({1, 1, 8, 6}));
    program.finalLayout = "key_value";
    compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
    EXPECT_EQ(findStarts(segments),
              (std::vector<int64_t>{0, 0, 1, 3, 5, 7, 9}));
  }
  for (int64_t t = 40; t != 72; ++t)
    decays.values[8 * t + 3] = 1;
  program.operands["decay"] = makeDecay(decays, "linear");
  compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
  EXPECT_EQ(findStarts(segments), (std::vector<int64_t>{0, 0, 1, 3, 0, 0, 9}));
}

/// Channels that take turns keep everything of something at each token, and
/// nothing of anything over two.
TEST_F(ChunkTest, SegmentsOfChannelsThatTakeTurns) {
  segmentChunks = 2;
  RecurrenceProgram program = makeUnitKeys({2, 90, 1, 2, 8, 6});
  Tensor decays = uniform({2, 90, 2, 8}, -6, -4);
  for (size_t row = 0; row != 2 * 90 * 2; ++row)
    decays.values[8 * row + row / 2 % 8] = 0;
  program.operands["decay"] = makeDecay(decays);
  program.finalLayout = "value_key";
  compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
  EXPECT_EQ(findStarts(segments), (std::vector<int64_t>{0, 1, 3, 5, 7, 9}));
}

/// Of an erasure beside decays of channels, what the sums of channels say is
/// checked: it holds with keys and strengths that leave the norm at most as it
/// is, and mostly with random ones.
TEST_F(ChunkTest, SegmentsOfErasedChannels) {
  segmentChunks = 2;
  guessesStarts = true;
  for (const char *epsilon : {"", "(1.0e-06)"}) {
    RecurrenceProgram program = makeUnitKeys({1, 110, 1, 2, 8, 8});
    if (*epsilon) {
      program.flags["l2_normalize"] = epsilon;
      for (double &value : program.key.values)
        value *= 3;
    }
    program.operands["decay"] = makeDecay(uniform({1, 110, 2, 8}, -1.9, -1.2));
    addDelta(program, uniform({1, 110, 2}, 0, 1));
    program.operands["state"] = makeState(random({1, 2, 8, 8}));
    program.finalLayout = "key_value";
    compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
    EXPECT_EQ(findStarts(segments),
              (std::vector<int64_t>{0, 0, 2, 4, 6, 8, 10}));
    pack(program, {1, 64, 0, 45});
    program.operands["state"] = makeState(random({4, 2, 8, 8}));
    compare(program, kF32Bound, /*channels=*/4, /*chunk=*/8);
  }
}

/// Two channels take turns in keeping everything, and forget everything on
/// their own within two tokens; but keys turn what there is from one to the
/// other in between, by erasing twice what is along the difference of the two.
TEST_F(ChunkTest, SegmentsWhoseErasuresMoveWhatIsKept) {
  segmentChunks = 2;
  guessesStarts = true;
  RecurrenceProgram program = makeUnitKeys({1, 96, 1, 1, 8, 8});
  Tensor decays = makeFilled({1, 96, 1, 8}, -6);
  for (int64_t t = 0; t != 96; ++t) {
    decays.values[8 * t + t % 2] = 0;
    for (int64_t c = 0; c != 8; ++c)
      program.key.values[8 * t + c] =
          c > 1 ? 0 : (c == 0 ? std::sqrt(0.5) : -std::sqrt(0.5));
  }
  program.operands["decay"] = makeDecay(decays);
  addDelta(program, makeFilled({1, 96, 1}, 2));
  program.operands["state"] = makeState(random({1, 1, 8, 8}));
  program.finalLayout = "key_value";
  compare(program, 1e-3, /*channels=*/0, /*chunk=*/8);
  EXPECT_EQ(findStarts(segments), (std::vector<int64_t>{0, 0, 0, 0, 0, 0}));
}

TEST_F(ChunkTest, SegmentsOfPackedSequencesWithDecaysOfChannels) {
  segmentChunks = 2;
  RecurrenceProgram program = makeUnitKeys({1, 180, 1, 2, 8, 6});
  program.operands["decay"] = makeDecay(uniform({1, 180, 2, 8}, -6, -4));
  program.operands["state"] = makeState(random({5, 2, 8, 6}));
  program.finalLayout = "key_value";
  pack(program, {1, 64, 0, 70, 45});
  compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
}

/// Each has its own, of its own length; those that are short leave some empty.
TEST_F(ChunkTest, SegmentsOfPackedSequences) {
  for (bool erases : {false, true}) {
    segmentChunks = 2;
    RecurrenceProgram program = makeUnitKeys({1, 180, 1, 2, 8, 6});
    program.operands["decay"] = makeDecay(uniform({1, 180, 2}, -6, -4));
    if (erases)
      addDelta(program, uniform({1, 180, 2}, 0, 1));
    program.operands["state"] = makeState(random({5, 2, 8, 6}));
    program.finalLayout = "key_value";
    pack(program, {1, 64, 0, 70, 45});
    compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
    EXPECT_EQ(segments.shape[1], 11);
  }
}
