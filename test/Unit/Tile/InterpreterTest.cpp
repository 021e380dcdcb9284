//===- InterpreterTest.cpp - Views, tiles and errors of the interpreter ---===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileInterpreterTest.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::attn::reference;

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

static const char *const kShift =
    "%t = tile.load %x[%i, %c1] axes [1] : !tile.view<2x3xf32> -> vector<4xf32>"
    "\n tile.store %t, %y[%i, %c2] axes [1] : vector<4xf32>, "
    "!tile.view<2x5xf32>";

TEST_F(TileInterpreterTest, EdgesReadZeroAndAreNotWritten) {
  auto result =
      run("%x: !tile.view<2x3xf32>, %y: !tile.view<2x5xf32> {tile.output}",
          kShift, Tensor{{2, 3}, {1, 2, 3, 4, 5, 6}}, "in (2)");
  ASSERT_TRUE(succeeded(result)) << messages;
  const std::vector<double> &values = result->front().values;
  for (int64_t i : {0, 1, 5, 6})
    EXPECT_TRUE(std::isnan(values[i])) << i;
  EXPECT_EQ(values[2], 2);
  EXPECT_EQ(values[3], 3);
  EXPECT_EQ(values[4], 0);
  EXPECT_EQ(values[7], 5);
  EXPECT_EQ(values[8], 6);
  EXPECT_EQ(values[9], 0);
}

TEST_F(TileInterpreterTest, FirstInstanceOutsideIsReported) {
  auto result =
      run("%x: !tile.view<2x3xf32>, %y: !tile.view<2x5xf32> {tile.output}",
          kShift, Tensor{{2, 3}, {1, 2, 3, 4, 5, 6}}, "in (9)");
  expectFailure(result, "'tile.load' op expected an index from 0 to 1 along "
                        "axis 0, got 2");
}

static const char *const kSlices =
    "%e = arith.addi %i, %c2 : index\n"
    "%t = tile.load %x[%c1] slice(%i, %e) axes [0] : !tile.view<5xf32> -> "
    "vector<4xf32>\n"
    "tile.store %t, %y[%c1] slice(%c0, %c2) axes [0] : vector<4xf32>, "
    "!tile.view<5xf32>";

TEST_F(TileInterpreterTest, SlicesEndWithinAView) {
  auto result =
      run("%x: !tile.view<5xf32>, %y: !tile.view<5xf32> {tile.output}", kSlices,
          Tensor{{5}, {1, 2, 3, 4, 5}}, "= (3) to (4) step (1)");
  ASSERT_TRUE(succeeded(result)) << messages;
  const std::vector<double> &values = result->front().values;
  EXPECT_EQ(values[1], 5);
  for (int64_t i : {0, 2, 3, 4})
    EXPECT_TRUE(std::isnan(values[i])) << i;
}

TEST_F(TileInterpreterTest, SlicesAreToBeInside) {
  auto result =
      run("%x: !tile.view<5xf32>, %y: !tile.view<5xf32> {tile.output}", kSlices,
          Tensor{{5}, {1, 2, 3, 4, 5}}, "= (4) to (5) step (1)");
  expectFailure(result,
                "'tile.load' op expected a slice of the 5 along axis 0 and an "
                "index of 0 or more in it, got [4, 6) and 1");
}

TEST_F(TileInterpreterTest, SequencesOfSlots) {
  // Sequences of 5, 0, 8 and 1 rows have 2, 1, 3 and 1 slots for 4 rows each.
  auto result =
      run("%cu: !tile.view<5xi32>, %y: !tile.view<9x4xf32> {tile.output}",
          "%b = tile.find_sequence %i in %cu block(4) : !tile.view<5xi32>\n"
          "%t = arith.constant dense<1.0> : vector<1xf32>\n"
          "tile.store %t, %y[%i, %b] axes [1] : vector<1xf32>, "
          "!tile.view<9x4xf32>",
          Tensor{{5}, {0, 5, 5, 13, 14}}, "in (9)");
  ASSERT_TRUE(succeeded(result)) << messages;
  int64_t sequences[] = {0, 0, 1, 2, 2, 2, 3, 3, 3};
  for (int64_t slot = 0; slot != 9; ++slot)
    for (int64_t b = 0; b != 4; ++b)
      EXPECT_EQ(!std::isnan(result->front().values[slot * 4 + b]),
                b == sequences[slot])
          << slot << ", " << b;
}

TEST_F(TileInterpreterTest, Extremes) {
  // Of the odd ones from 1 on, of all, of none, and of an empty range.
  auto result =
      run("%x: !tile.view<5xi32>, %y: !tile.view<2x4xi32> {tile.output}",
          "%c5 = arith.constant 5 : index\n"
          "%c3 = arith.constant 3 : index\n"
          "%a:6 = tile.find_extremes(%c1 to %c5) : i32, i32, i32, i32, i32, "
          "i32 {\n^bb0(%p: index):\n"
          "  %e = tile.read %x[%p] : !tile.view<5xi32>\n"
          "  %odd = arith.trunci %e : i32 to i1\n"
          "  %t = arith.constant true\n"
          "  %f = arith.constant false\n"
          "  tile.yield %e, %odd, %e, %t, %e, %f : i32, i1, i32, i1, i32, i1\n"
          "}\n"
          "%b:2 = tile.find_extremes(%c5 to %c2) : i32, i32 {\n"
          "^bb0(%p: index):\n"
          "  %e = tile.read %x[%p] : !tile.view<5xi32>\n"
          "  %t = arith.constant true\n"
          "  tile.yield %e, %t : i32, i1\n"
          "}\n"
          "tile.write %a#0, %y[%c0, %c0] : !tile.view<2x4xi32>\n"
          "tile.write %a#1, %y[%c0, %c1] : !tile.view<2x4xi32>\n"
          "tile.write %a#2, %y[%c0, %c2] : !tile.view<2x4xi32>\n"
          "tile.write %a#3, %y[%c0, %c3] : !tile.view<2x4xi32>\n"
          "tile.write %a#4, %y[%c1, %c0] : !tile.view<2x4xi32>\n"
          "tile.write %a#5, %y[%c1, %c1] : !tile.view<2x4xi32>\n"
          "tile.write %b#0, %y[%c1, %c2] : !tile.view<2x4xi32>\n"
          "tile.write %b#1, %y[%c1, %c3] : !tile.view<2x4xi32>\n",
          Tensor{{5}, {-9, 4, 7, -3, 8}});
  ASSERT_TRUE(succeeded(result)) << messages;
  constexpr double least = std::numeric_limits<int32_t>::min(),
                   greatest = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(
      result->front().values,
      (std::vector<double>{-3, 7, -3, 8, greatest, least, greatest, least}));
}

TEST_F(TileInterpreterTest, WritesAreToBeInside) {
  auto result = run("%y: !tile.view<2xi32> {tile.output}",
                    "%e = arith.constant 1 : i32\n"
                    "tile.write %e, %y[%c2] : !tile.view<2xi32>",
                    {});
  expectFailure(result, "'tile.write' op expected an index below 2, got 2");
}

TEST_F(TileInterpreterTest, OneKernelPreparesAnother) {
  // The first one writes the number of each of its instances.
  const char *text = R"mlir(
tile.kernel @first(%y: !tile.view<?xf32> {tile.name = "y", tile.symbols = array<i64: 0>},
                   %w: !tile.view<?x1xi32> {tile.name = "w", tile.symbols = array<i64: 1, -1>, tile.output, tile.workspace})
    schedule(<block_q = 16, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %y[0] : !tile.view<?xf32>
  scf.forall (%i) in (%n) {
    %e = arith.index_cast %i : index to i32
    tile.write %e, %w[%i, %c0] : !tile.view<?x1xi32>
  }
  tile.return
}
tile.kernel @second(%x: !tile.view<2xi32> {tile.name = "x"},
                    %y: !tile.view<?xf32> {tile.name = "y", tile.symbols = array<i64: 0>},
                    %w: !tile.view<?x1xi32> {tile.name = "w", tile.symbols = array<i64: 1, -1>, tile.workspace},
                    %z: !tile.view<2xi32> {tile.name = "z", tile.output})
    schedule(<block_q = 16, block_kv = 16>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    %a = tile.read %x[%i] : !tile.view<2xi32>
    %j = arith.index_cast %a : i32 to index
    %e = tile.read %w[%j, %c0] : !tile.view<?x1xi32>
    tile.write %e, %z[%i] : !tile.view<2xi32>
  }
  tile.return
})mlir";
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(module) << messages;
  auto kernels = llvm::to_vector(module->getOps<tile::KernelOp>());
  auto result = runTile(
      kernels, {Tensor{{2}, {4, 2}}, Tensor{{5}, std::vector<double>(5)}});
  ASSERT_TRUE(succeeded(result)) << messages;
  ASSERT_EQ(result->size(), 1u);
  EXPECT_EQ(result->front().values, (std::vector<double>{4, 2}));
}

TEST_F(TileInterpreterTest, SizesComeFromSymbols) {
  auto result = run(
      "%x: !tile.view<?x?xf32> {tile.symbols = array<i64: 0, 1>},"
      "%y: !tile.view<?x?xf32> {tile.symbols = array<i64: 1, 0>, tile.output}",
      "", Tensor{{2, 3}, std::vector<double>(6)});
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ(result->front().shape, (SmallVector<int64_t>{3, 2}));
}

//===----------------------------------------------------------------------===//
// Chunks of recurrences
//===----------------------------------------------------------------------===//

TEST_F(TileInterpreterTest, CumulativeSums) {
  EXPECT_EQ(compute("%a = arith.constant dense<[1.0, 2.0, -4.0, 0.5]> : "
                    "vector<4xf32>\n"
                    "%r = tile.cumulative_sum %a : vector<4xf32>"),
            (std::vector<double>{1, 3, -1, -0.5}));
}

/// Above the diagonal the difference is not raised to a power.
TEST_F(TileInterpreterTest, DecayRatios) {
  auto result =
      run("%out: !tile.view<2x2xf32> {tile.output}",
          "%a = arith.constant dense<[0.0, -200.0]> : vector<2xf32>\n"
          "%r = tile.decay_ratios %a : vector<2xf32> -> vector<2x2xf32>\n"
          "%one = arith.constant dense<[3.0, 202.0]> : vector<2xf32>\n"
          "%all = vector.broadcast %one : vector<2xf32> to vector<2x2xf32>\n"
          "%s = arith.mulf %r, %all : vector<2x2xf32>\n"
          "tile.store %s, %out[%c0, %c0] axes [0, 1] : vector<2x2xf32>, "
          "!tile.view<2x2xf32>",
          {});
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ(result->front().values, (std::vector<double>{3, 0, 0, 202}));
}

/// Against what the definition gives for a matrix of three rows, whose diagonal
/// and upper elements are not read.
TEST_F(TileInterpreterTest, InvertUnitLower) {
  auto invert = [&](const std::string &columns) {
    auto result =
        run("%out: !tile.view<3x3xf32> {tile.output}",
            "%a = arith.constant dense<[[0x7FC00000, 0x7FC00000, 0x7FC00000], "
            "[2.0, 0x7FC00000, 0x7FC00000], [3.0, 5.0, 0x7FC00000]]> : "
            "vector<3x3xf32>\n"
            "%f = arith.constant dense<[7.0, 1.0, 2.0]> : vector<3xf32>\n"
            "%g = arith.constant dense<[1.0, 0.0, 4.0]> : vector<3xf32>\n"
            "%r = tile.invert_unit_lower %a rows(%f : vector<3xf32>) " +
                columns +
                " : vector<3x3xf32>\n"
                "tile.store %r, %out[%c0, %c0] axes [0, 1] : vector<3x3xf32>, "
                "!tile.view<3x3xf32>",
            {});
    EXPECT_TRUE(succeeded(result)) << messages;
    return result->front().values;
  };
  EXPECT_EQ(invert(""), (std::vector<double>{1, 0, 0, -2, 1, 0, 14, -10, 1}));
  EXPECT_EQ(invert("columns(%g : vector<3xf32>)"),
            (std::vector<double>{1, 0, 0, -2, 0, 0, 14, 0, 4}));
}

TEST_F(TileInterpreterTest, TilesOfOtherTiles) {
  EXPECT_EQ(compute("%a = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : "
                    "vector<4xf32>\n"
                    "%x = vector.extract %a[2] : f32 from vector<4xf32>\n"
                    "%all = vector.broadcast %x : f32 to vector<4xf32>\n"
                    "%m = vector.create_mask %c2 : vector<4xi1>\n"
                    "%r = arith.select %m, %a, %all : vector<4xi1>, "
                    "vector<4xf32>"),
            (std::vector<double>{1, 2, 3, 3}));
  auto result =
      run("%x: !tile.view<2x3xf32>, %y: !tile.view<3x2xf32> {tile.output}",
          "%t = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<2x3xf32> -> "
          "vector<2x3xf32>\n"
          "%s = vector.transpose %t, [1, 0] : vector<2x3xf32> to "
          "vector<3x2xf32>\n"
          "tile.store %s, %y[%c0, %c0] axes [0, 1] : vector<3x2xf32>, "
          "!tile.view<3x2xf32>",
          Tensor{{2, 3}, {1, 2, 3, 4, 5, 6}});
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ(result->front().values, (std::vector<double>{1, 4, 2, 5, 3, 6}));
}

TEST_F(TileInterpreterTest, TilesThatAreNotMade) {
  std::pair<std::string, std::string> cases[] = {
      {"%a = arith.constant dense<1.0> : vector<1x2xf32>\n"
       "%b = vector.broadcast %a : vector<1x2xf32> to vector<3x2xf32>",
       "'vector.broadcast' op expected a scalar or whole rows to be repeated"},
      {"%a = arith.constant dense<1> : vector<1x2xi32>\n"
       "%b = vector.transpose %a, [1, 0] : vector<1x2xi32> to vector<2x1xi32>",
       "'vector.transpose' op expected a tile of floats whose two dimensions "
       "are exchanged"},
      {"%a = arith.constant dense<1.0> : vector<2xf32>\n"
       "%b = vector.extract %a[%c1] : f32 from vector<2xf32>",
       "'vector.extract' op expected one float of a tile of one dimension, or "
       "a row of one of two, at a constant position"},
      {"%b = vector.create_mask %c1, %c1 : vector<2x2xi1>",
       "'vector.create_mask' op expected a mask of one dimension"}};
  for (const auto &[body, message] : cases) {
    messages.clear();
    expectFailure(run("%out: !tile.view<4xf32> {tile.output}", body, {}),
                  message);
  }
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST_F(TileInterpreterTest, UnknownOp) {
  auto result = run("%out: !tile.view<4xf32> {tile.output}",
                    "%b = vector.step : vector<4xindex>", {});
  expectFailure(result,
                "'vector.step' op is not known to the tile interpreter");
}

TEST_F(TileInterpreterTest, SumsOfTiles) {
  auto result = run(
      "%in: !tile.view<2x3xf32>, %out: !tile.view<9xf32> {tile.output}",
      "%c3 = arith.constant 3 : index\n"
      "%c5 = arith.constant 5 : index\n"
      "%c8 = arith.constant 8 : index\n"
      "%zero2 = arith.constant dense<0.0> : vector<2xf32>\n"
      "%ten3 = arith.constant dense<10.0> : vector<3xf32>\n"
      "%x = tile.load %in[%c0, %c0] axes [0, 1] : !tile.view<2x3xf32> -> "
      "vector<2x3xf32>\n"
      "%rows = vector.multi_reduction <add>, %x, %zero2 [1] : vector<2x3xf32> "
      "to vector<2xf32>\n"
      "%columns = vector.multi_reduction <add>, %x, %ten3 [0] : "
      "vector<2x3xf32> to vector<3xf32>\n"
      "%all = vector.reduction <add>, %columns : vector<3xf32> into f32\n"
      "%repeated = vector.broadcast %rows : vector<2xf32> to vector<3x2xf32>\n"
      "%turned = vector.transpose %repeated, [1, 0] : vector<3x2xf32> to "
      "vector<2x3xf32>\n"
      "%twice = arith.addf %turned, %x : vector<2x3xf32>\n"
      "%sums = vector.multi_reduction <add>, %twice, %ten3 [0] : "
      "vector<2x3xf32> to vector<3xf32>\n"
      "%one = vector.broadcast %all : f32 to vector<1xf32>\n"
      "tile.store %rows, %out[%c0] axes [0] : vector<2xf32>, "
      "!tile.view<9xf32>\n"
      "tile.store %columns, %out[%c2] axes [0] : vector<3xf32>, "
      "!tile.view<9xf32>\n"
      "tile.store %sums, %out[%c5] axes [0] : vector<3xf32>, "
      "!tile.view<9xf32>\n"
      "tile.store %one, %out[%c8] axes [0] : vector<1xf32>, !tile.view<9xf32>",
      {{{2, 3}, {1, 2, 3, 4, 5, 6}}});
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ((*result)[0].values,
            std::vector<double>({6, 15, 15, 17, 19, 36, 38, 40, 51}));
}

TEST_F(TileInterpreterTest, SumsOfTilesThatAreNotKnown) {
  const std::string out = "%out: !tile.view<4xf32> {tile.output}";
  const std::string matrix =
      "%m = arith.constant dense<1.0> : vector<2x2xf32>\n"
      "%v = arith.constant dense<1.0> : vector<2xf32>\n";
  std::pair<const char *, const char *> cases[] = {
      {"%b = vector.reduction <maximumf>, %v : vector<2xf32> into f32",
       "'vector.reduction' op expected a sum of floats without an accumulator"},
      {"%b = vector.multi_reduction <maximumf>, %m, %v [0] : vector<2x2xf32> "
       "to vector<2xf32>",
       "'vector.multi_reduction' op expected sums of a tile of floats along "
       "one of two dimensions"}};
  for (auto [op, message] : cases) {
    messages.clear();
    expectFailure(run(out, matrix + op, {}), message);
  }
}

/// What is not written stays as it was.
TEST_F(TileInterpreterTest, AnOutputThatUpdatesAnInput) {
  auto result =
      run("%in: !tile.view<3xf32>, %out: !tile.view<3xf32> {tile.output, "
          "tile.updates = 0}",
          "%x = arith.constant dense<7.0> : vector<1xf32>\n"
          "tile.store %x, %out[%c1] axes [0] : vector<1xf32>, "
          "!tile.view<3xf32>",
          {{{3}, {1, 2, 3}}});
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ((*result)[0].values, std::vector<double>({1, 7, 3}));
}

TEST_F(TileInterpreterTest, StepsAreToBePositive) {
  auto result = run("%out: !tile.view<4xf32> {tile.output}",
                    "%step = arith.subi %c0, %c1 : index\n"
                    "scf.for %k = %c0 to %c2 step %step {\n}",
                    {});
  expectFailure(result, "'scf.for' op expected a positive step, got -1");
  messages.clear();
  result = run("%out: !tile.view<4xf32> {tile.output}", "", {},
               "= (0) to (2) step (%c0)");
  expectFailure(result, "'scf.forall' op expected a positive step, got 0");
}

TEST_F(TileInterpreterTest, DivisorsAreToBePositive) {
  auto result = run(
      "%out: !tile.view<4xf32> {tile.output}",
      "%a = affine.apply affine_map<(d)[s] -> (d floordiv s)>(%c2)[%c0]", {});
  expectFailure(result, "'affine.apply' op expected a positive divisor");
}

TEST_F(TileInterpreterTest, InputsThatDoNotFit) {
  const char *views =
      "%x: !tile.view<?x3xf32> {tile.symbols = array<i64: 0, -1>},"
      "%y: !tile.view<?xf32> {tile.symbols = array<i64: 0>}";
  Tensor x{{2, 3}, std::vector<double>(6)}, y{{2}, std::vector<double>(2)};
  EXPECT_TRUE(succeeded(run(views, "", {x, y}))) << messages;
  auto expectError = [&](ArrayRef<Tensor> inputs, const std::string &message) {
    messages.clear();
    expectFailure(run(views, "", inputs), "'tile.kernel' op " + message);
  };
  expectError({x}, "expected 2 inputs, got 1");
  expectError({x, y, y}, "expected 2 inputs, got 3");
  expectError({y, y}, "expected a tensor of rank 2 for argument 0, got rank 1");
  expectError({Tensor{{2, 4}, std::vector<double>(8)}, y},
              "expected size 3 along axis 1 of argument 0, got 4");
  expectError({x, Tensor{{3}, std::vector<double>(3)}},
              "expected size 2 along axis 0 of argument 1, got 3");
  expectError({x, Tensor{{2}, std::vector<double>(3)}},
              "expected 2 elements for argument 1, got 3");
}

TEST_F(TileInterpreterTest, OutputsOfUnknownSize) {
  expectFailure(
      run("%y: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.output}",
          "", {}),
      "'tile.kernel' op expected tile.symbols to give the size of "
      "argument 0 along axis 0");
}
