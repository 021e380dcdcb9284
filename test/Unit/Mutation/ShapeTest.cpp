//===- ShapeTest.cpp - What mutants are executed on -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shape.h"

#include "gtest/gtest.h"

using namespace attn::mutation;
using namespace attn::run;
using namespace attn::runtime;

/// Two heads of two channels, and lists of blocks.
static GoldenProgram program(const std::vector<Filling> &lists) {
  GoldenProgram result;
  for (const char *name : {"q", "k"}) {
    result.inputs.push_back({name, ElementType::F32, {-1, -1, 2, 2}, false});
    result.fills.push_back({Fill::Normal});
  }
  for (Filling list : lists) {
    std::vector<int64_t> shape = {-1, 1, -1};
    if (list.kind != Fill::BlockCounts)
      shape.push_back(-1);
    result.inputs.push_back({"list", ElementType::I32, shape, false});
    result.fills.push_back(list);
  }
  return result;
}

static std::vector<HostTensor> inputsOf(const GoldenProgram &program,
                                        const std::string &text) {
  auto shapes = shapesFor({"other:1x1x1", text}, "program");
  EXPECT_FALSE(shapes.failed()) << shapes.message();
  EXPECT_EQ(shapes->size(), 1u);
  auto inputs = makeInputs(program, shapes->front());
  EXPECT_FALSE(inputs.failed()) << inputs.message();
  return *inputs;
}

TEST(Shape, SizesAndNotes) {
  auto shapes =
      shapesFor({"7x8x9", "program:1x2x3+blocks=4+last=5+jump=6"}, "program");
  ASSERT_FALSE(shapes.failed());
  ASSERT_EQ(shapes->size(), 2u);
  const Shape &plain = (*shapes)[0], &special = (*shapes)[1];
  EXPECT_EQ(plain.queries, 7u);
  EXPECT_EQ(plain.keys, 8u);
  EXPECT_EQ(plain.instances, 9u);
  EXPECT_EQ(plain.jump, 1u);
  EXPECT_EQ(special.blocks, 4u);
  EXPECT_EQ(special.last, 5u);
  EXPECT_EQ(special.jump, 6u);
}

/// The tensors of a recurrence have one length, whatever their names and ranks.
TEST(Shape, SizesThatAreEqual) {
  GoldenProgram recurrence = program({});
  recurrence.inputs.push_back({"g", ElementType::F32, {-1, -1, 2}, false});
  recurrence.fills.push_back({Fill::LogDecays});
  recurrence.bundle.signature.equalSizes = {{{0, 0}, {1, 0}},
                                            {{0, 1}, {1, 1}},
                                            {{0, 0}, {2, 0}},
                                            {{0, 1}, {2, 1}},
                                            {{0, 1}, {3, 1}}};
  auto inputs = inputsOf(recurrence, "7x8x1");
  EXPECT_EQ(inputs[0].shape, (std::vector<int64_t>{1, 7, 2, 2}));
  EXPECT_EQ(inputs[1].shape, inputs[0].shape);
  EXPECT_EQ(inputs[2].shape, (std::vector<int64_t>{1, 7, 2}));
}

TEST(Shape, ScoresThatJump) {
  auto plain = inputsOf(program({}), "70x130x1");
  auto special = inputsOf(program({}), "program:70x130x1+jump=16+last=8");
  for (size_t i = 0; i < static_cast<size_t>(plain[0].size()); ++i) {
    bool isLastHead = i % 4 >= 2, isFirstTile = i / 4 < 64;
    EXPECT_EQ(special[0].get(i),
              plain[0].get(i) * (isLastHead && isFirstTile ? 8 : 1));
  }
  for (size_t i = 0; i < static_cast<size_t>(plain[1].size()); ++i) {
    size_t key = i / 4;
    bool jumps = key == 24 || key == 64 || key == 120;
    EXPECT_EQ(special[1].get(i), plain[1].get(i) * (jumps ? 16 : 1));
  }
}

TEST(Shape, ListsOfBlocks) {
  GoldenProgram both = program({{Fill::BlockCounts, 0, 2},
                                {Fill::PartialBlocks, 0, 2},
                                {Fill::FullBlocks, 0, 2}});
  auto inputs = inputsOf(both, "4x6x1+blocks=2");
  for (size_t i = 0; i < 6; ++i)
    EXPECT_EQ(inputs[2].get(i), 2);
  for (size_t i = 0; i < 36; ++i) {
    size_t entry = i % 6;
    EXPECT_EQ(inputs[3].get(i), entry < 2 ? static_cast<double>(entry) : -1);
    EXPECT_EQ(inputs[4].get(i),
              entry < 2 ? static_cast<double>(entry) + 2 : -1);
  }
  auto alone = inputsOf(program({{Fill::FullBlocks, 0, 2}}), "4x6x1+blocks=2");
  EXPECT_EQ(alone[2].get(0), 2);
  EXPECT_EQ(alone[2].get(1), 1);
}
