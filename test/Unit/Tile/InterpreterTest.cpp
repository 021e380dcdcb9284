//===- InterpreterTest.cpp - What the tile interpreter computes -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/TileInterpreter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::attn::reference;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {

class TileInterpreterTest : public testing::Test {
protected:
  TileInterpreterTest()
      : handler(&context, [this](Diagnostic &diagnostic) {
          messages += diagnostic.str() + "\n";
        }) {
    context.loadDialect<tile::TileDialect, vector::VectorDialect>();
  }

  /// Runs a kernel whose signature is `arguments`. In its instance, %i, `body`
  /// is computed from the constants %c0, %c1 and %c2.
  FailureOr<std::vector<Tensor>> run(const std::string &arguments,
                                     const std::string &body,
                                     ArrayRef<Tensor> inputs,
                                     const std::string &range = "in (1)");

  /// The tile %r of four floats that `body` computes.
  std::vector<double> compute(const std::string &body);

  void expectFailure(const FailureOr<std::vector<Tensor>> &result,
                     const std::string &message) {
    EXPECT_TRUE(failed(result));
    EXPECT_EQ(messages, message + "\n");
  }

  MLIRContext context;
  std::string messages;
  ScopedDiagnosticHandler handler;
};

} // namespace

FailureOr<std::vector<Tensor>>
TileInterpreterTest::run(const std::string &arguments, const std::string &body,
                         ArrayRef<Tensor> inputs, const std::string &range) {
  std::string text = "tile.kernel @f(" + arguments +
                     ") schedule(<block_q = 16, block_kv = 16>) {\n"
                     "  %c0 = arith.constant 0 : index\n"
                     "  %c1 = arith.constant 1 : index\n"
                     "  %c2 = arith.constant 2 : index\n"
                     "  scf.forall (%i) " +
                     range + " {\n" + body + "\n  }\n  tile.return\n}\n";
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  EXPECT_TRUE(module) << messages << text;
  if (!module)
    return failure();
  return runTile(*module->getOps<tile::KernelOp>().begin(), inputs,
                 /*threads=*/3);
}

std::vector<double> TileInterpreterTest::compute(const std::string &body) {
  auto result = run("%out: !tile.view<4xf32> {tile.output}",
                    body + "\ntile.store %r, %out[%c0] axes [0] : "
                           "vector<4xf32>, !tile.view<4xf32>",
                    {});
  EXPECT_TRUE(succeeded(result)) << messages << body;
  return succeeded(result) ? result->front().values : std::vector<double>();
}

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
// Arithmetic
//===----------------------------------------------------------------------===//

TEST_F(TileInterpreterTest, Integers) {
  // 7 and -7 divided by 2 and -2.
  auto compute = [&](const std::string &op) {
    return this->compute(
        "%a = arith.constant dense<[7, 7, -7, -7]> : vector<4xi32>\n"
        "%b = arith.constant dense<[2, -2, 2, -2]> : vector<4xi32>\n"
        "%n = " +
        op + "\n%r = arith.sitofp %n : vector<4xi32> to vector<4xf32>");
  };
  using Values = std::vector<double>;
  std::pair<const char *, Values> cases[] = {
      {"arith.addi %a, %b : vector<4xi32>", {9, 5, -5, -9}},
      {"arith.subi %a, %b : vector<4xi32>", {5, 9, -9, -5}},
      {"arith.muli %a, %b : vector<4xi32>", {14, -14, -14, 14}},
      {"arith.divsi %a, %b : vector<4xi32>", {3, -3, -3, 3}},
      {"arith.remsi %a, %b : vector<4xi32>", {1, 1, -1, -1}},
      {"arith.floordivsi %a, %b : vector<4xi32>", {3, -4, -4, 3}},
      {"arith.ceildivsi %a, %b : vector<4xi32>", {4, -3, -3, 4}},
      {"arith.maxsi %a, %b : vector<4xi32>", {7, 7, 2, -2}},
      {"arith.minsi %a, %b : vector<4xi32>", {2, -2, -7, -7}},
      {"arith.andi %a, %b : vector<4xi32>", {2, 6, 0, -8}},
      {"arith.ori %a, %b : vector<4xi32>", {7, -1, -5, -1}},
      {"arith.xori %a, %b : vector<4xi32>", {5, -7, -5, 7}},
      {"math.absi %a : vector<4xi32>", {7, 7, 7, 7}}};
  for (const auto &[op, expected] : cases)
    EXPECT_EQ(compute(op), expected) << op;
}

TEST_F(TileInterpreterTest, IntegersWrap) {
  EXPECT_EQ(compute("%a = arith.constant dense<127> : vector<4xi8>\n"
                    "%n = arith.addi %a, %a : vector<4xi8>\n"
                    "%r = arith.sitofp %n : vector<4xi8> to vector<4xf32>"),
            std::vector<double>(4, -2));
  EXPECT_EQ(compute("%a = arith.constant dense<300> : vector<4xi32>\n"
                    "%t = arith.trunci %a : vector<4xi32> to vector<4xi8>\n"
                    "%n = arith.extsi %t : vector<4xi8> to vector<4xi32>\n"
                    "%r = arith.sitofp %n : vector<4xi32> to vector<4xf32>"),
            std::vector<double>(4, 44));
}

TEST_F(TileInterpreterTest, UndefinedDivisionGivesZero) {
  for (const char *op : {"divsi", "remsi", "floordivsi", "ceildivsi"})
    EXPECT_EQ(compute("%a = arith.constant dense<3> : vector<4xi32>\n"
                      "%b = arith.constant dense<0> : vector<4xi32>\n"
                      "%n = arith." +
                      std::string(op) +
                      " %a, %b : vector<4xi32>\n"
                      "%r = arith.sitofp %n : vector<4xi32> to vector<4xf32>"),
              std::vector<double>(4, 0))
        << op;
}

TEST_F(TileInterpreterTest, Comparisons) {
  auto compute = [&](const std::string &compare) {
    return this->compute(
        "%a = arith.constant dense<[1, 2, 3, -1]> : vector<4xi32>\n"
        "%b = arith.constant dense<[2, 2, 2, 2]> : vector<4xi32>\n"
        "%x = arith.constant dense<[1.0, 2.0, 3.0, 0x7fc00000]> : "
        "vector<4xf32>\n"
        "%y = arith.constant dense<2.0> : vector<4xf32>\n"
        "%n = " +
        compare +
        "\n"
        "%one = arith.constant dense<1.0> : vector<4xf32>\n"
        "%zero = arith.constant dense<0.0> : vector<4xf32>\n"
        "%r = arith.select %n, %one, %zero : vector<4xi1>, vector<4xf32>");
  };
  using Values = std::vector<double>;
  EXPECT_EQ(compute("arith.cmpi slt, %a, %b : vector<4xi32>"),
            (Values{1, 0, 0, 1}));
  EXPECT_EQ(compute("arith.cmpi ult, %a, %b : vector<4xi32>"),
            (Values{1, 0, 0, 0}));
  EXPECT_EQ(compute("arith.cmpi eq, %a, %b : vector<4xi32>"),
            (Values{0, 1, 0, 0}));
  EXPECT_EQ(compute("arith.cmpf ole, %x, %y : vector<4xf32>"),
            (Values{1, 1, 0, 0}));
  EXPECT_EQ(compute("arith.cmpf ule, %x, %y : vector<4xf32>"),
            (Values{1, 1, 0, 1}));
}

TEST_F(TileInterpreterTest, ChoiceOfIntegers) {
  EXPECT_EQ(
      compute("%a = arith.constant dense<[1, 2, 3, 4]> : vector<4xi32>\n"
              "%b = arith.constant dense<2> : vector<4xi32>\n"
              "%less = arith.cmpi slt, %a, %b : vector<4xi32>\n"
              "%n = arith.select %less, %a, %b : vector<4xi1>, vector<4xi32>\n"
              "%r = arith.sitofp %n : vector<4xi32> to vector<4xf32>"),
      (std::vector<double>{1, 2, 2, 2}));
}

TEST_F(TileInterpreterTest, Floats) {
  auto compute = [&](const std::string &op) {
    return this->compute(
        "%a = arith.constant dense<[1.0, 4.0, 0.25, 2.0]> : vector<4xf32>\n"
        "%b = arith.constant dense<[2.0, -2.0, 0.5, 2.0]> : vector<4xf32>\n"
        "%r = " +
        op + " : vector<4xf32>");
  };
  using Values = std::vector<double>;
  auto each = [](float (*function)(float)) {
    return Values{function(1), function(4), function(0.25), function(2)};
  };
  std::pair<const char *, Values> cases[] = {
      {"arith.addf %a, %b", {3, 2, 0.75, 4}},
      {"arith.subf %a, %b", {-1, 6, -0.25, 0}},
      {"arith.mulf %a, %b", {2, -8, 0.125, 4}},
      {"arith.divf %a, %b", {0.5, -2, 0.5, 1}},
      {"arith.maximumf %a, %b", {2, 4, 0.5, 2}},
      {"arith.minimumf %a, %b", {1, -2, 0.25, 2}},
      {"arith.maxnumf %a, %b", {2, 4, 0.5, 2}},
      {"arith.minnumf %a, %b", {1, -2, 0.25, 2}},
      {"arith.negf %b", {-2, 2, -0.5, -2}},
      {"math.absf %b", {2, 2, 0.5, 2}},
      {"math.exp %a", each(std::exp)},
      {"math.exp2 %a", each(std::exp2)},
      {"math.log %a", each(std::log)},
      {"math.log2 %a", each(std::log2)},
      {"math.sqrt %a", each(std::sqrt)},
      {"math.tanh %a", each(std::tanh)}};
  for (const auto &[op, expected] : cases)
    EXPECT_EQ(compute(op), expected) << op;
}

TEST_F(TileInterpreterTest, OnlyMaximumAndMinimumKeepNaN) {
  for (auto [op, keeps] : {std::pair("maximumf", true),
                           {"minimumf", true},
                           {"maxnumf", false},
                           {"minnumf", false}})
    for (const char *operands : {"%a, %b", "%b, %a"}) {
      std::vector<double> result =
          compute("%a = arith.constant dense<0x7fc00000> : vector<4xf32>\n"
                  "%b = arith.constant dense<1.0> : vector<4xf32>\n"
                  "%r = arith." +
                  std::string(op) + " " + operands + " : vector<4xf32>");
      ASSERT_EQ(result.size(), 4u);
      EXPECT_EQ(std::isnan(result[0]), keeps) << op << " " << operands;
    }
}

TEST_F(TileInterpreterTest, ShortFloatsAreRoundedToEven) {
  // bf16 keeps 8 bits, f16 keeps 11.
  auto round = [&](const std::string &values, const std::string &type) {
    std::string narrow = "vector<4x" + type + ">";
    return compute(
        "%a = arith.constant dense<" + values +
        "> : vector<4xf32>\n%t = arith.truncf %a : vector<4xf32> to " + narrow +
        "\n%r = arith.extf %t : " + narrow + " to vector<4xf32>");
  };
  using Values = std::vector<double>;
  EXPECT_EQ(round("[257.0, 258.0, 259.0, 0xff800000]", "bf16"),
            (Values{256, 258, 260, -kInfinity}));
  EXPECT_EQ(round("[2049.0, 2050.0, 2051.0, 1.0e6]", "f16"),
            (Values{2048, 2050, 2052, kInfinity}));
  EXPECT_EQ(compute("%a = arith.constant dense<256.0> : vector<4xbf16>\n"
                    "%b = arith.constant dense<1.0> : vector<4xbf16>\n"
                    "%s = arith.addf %a, %b : vector<4xbf16>\n"
                    "%r = arith.extf %s : vector<4xbf16> to vector<4xf32>"),
            Values(4, 256));
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

TEST_F(TileInterpreterTest, LoopsCarryValuesAtOnce) {
  // (a, b) = (b, a + b)
  EXPECT_EQ(
      compute("%a = arith.constant dense<0.0> : vector<4xf32>\n"
              "%b = arith.constant dense<1.0> : vector<4xf32>\n"
              "%c7 = arith.constant 7 : index\n"
              "%r, %n = scf.for %k = %c0 to %c7 step %c1 iter_args(%x = %a, "
              "%y = %b) -> (vector<4xf32>, vector<4xf32>) {\n"
              "  %s = arith.addf %x, %y : vector<4xf32>\n"
              "  scf.yield %y, %s : vector<4xf32>, vector<4xf32>\n}"),
      std::vector<double>(4, 13));
}

TEST_F(TileInterpreterTest, Branches) {
  for (bool condition : {false, true})
    EXPECT_EQ(compute("%c = arith.constant " +
                      std::string(condition ? "true" : "false") +
                      "\n scf.if %c {\n }\n"
                      "%r = scf.if %c -> vector<4xf32> {\n"
                      "  %a = arith.constant dense<1.0> : vector<4xf32>\n"
                      "  scf.yield %a : vector<4xf32>\n} else {\n"
                      "  %b = arith.constant dense<2.0> : vector<4xf32>\n"
                      "  scf.yield %b : vector<4xf32>\n}"),
              std::vector<double>(4, condition ? 1 : 2));
}

TEST_F(TileInterpreterTest, AffineMaps) {
  // At 7: 7 floordiv 2 = 3, 7 ceildiv 2 = 4, 7 mod 2 = 1, -7 * 2 + 1 = -13.
  auto result = run(
      "%out: !tile.view<20xf32> {tile.output}",
      "%c7 = arith.constant 7 : index\n"
      "%one = arith.constant dense<1.0> : vector<1xf32>\n"
      "%a = affine.apply affine_map<(d) -> (d floordiv 2)>(%c7)\n"
      "%b = affine.apply affine_map<(d) -> (d ceildiv 2 + 1)>(%c7)\n"
      "%c = affine.apply affine_map<(d) -> (d mod 2)>(%c7)\n"
      "%d = affine.min affine_map<(d)[s] -> (d * 2, s, 9)>(%c7)[%c7]\n"
      "%e = affine.max affine_map<(d) -> (d * -2 + 1, d + 1)>(%c7)\n"
      "tile.store %one, %out[%a] axes [0] : vector<1xf32>, !tile.view<20xf32>\n"
      "tile.store %one, %out[%b] axes [0] : vector<1xf32>, !tile.view<20xf32>\n"
      "tile.store %one, %out[%c] axes [0] : vector<1xf32>, !tile.view<20xf32>\n"
      "tile.store %one, %out[%d] axes [0] : vector<1xf32>, !tile.view<20xf32>\n"
      "tile.store %one, %out[%e] axes [0] : vector<1xf32>, !tile.view<20xf32>",
      {});
  ASSERT_TRUE(succeeded(result)) << messages;
  std::vector<size_t> written;
  for (size_t i = 0; i != 20; ++i)
    if (result->front().values[i] == 1)
      written.push_back(i);
  EXPECT_EQ(written, (std::vector<size_t>{1, 3, 5, 7, 8}));
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// A step on two rows of two scores with max 0 and sum 1. %r holds what `part`
/// names of each row, twice.
static std::string makeStep(const std::string &scores,
                            const std::string &modifiers,
                            const std::string &part) {
  return "%s = arith.constant dense<" + scores +
         "> : vector<4x2xf32>\n"
         "%m = arith.constant dense<[0.0, 0.0, 0xff800000, 0xff800000]> : "
         "vector<4xf32>\n"
         "%l = arith.constant dense<[1.0, 1.0, 0.0, 0.0]> : vector<4xf32>\n"
         "%w, %max, %sum, %correction = tile.online_softmax %s, %m, %l "
         "scale(0.5) " +
         modifiers +
         " : vector<4x2xf32>, vector<4xf32>\n"
         "%zero = arith.constant dense<0.0> : vector<4xf32>\n"
         "%r = arith.addf %" +
         part + ", %zero : vector<4xf32>";
}

TEST_F(TileInterpreterTest, OnlineSoftmax) {
  const char *scores = "[[2.0, 4.0], [-2.0, 0xff800000], [0xff800000, 6.0], "
                       "[0xff800000, 0xff800000]]";
  using Values = std::vector<double>;
  auto exp = [](float x) { return std::exp(x); };
  std::string flag = "may_be_empty";
  EXPECT_EQ(compute(makeStep(scores, flag, "max")),
            (Values{4, 0, 6, -kInfinity}));
  EXPECT_EQ(compute(makeStep(scores, flag, "correction")),
            (Values{exp(-2), 1, 0, 1}));
  EXPECT_EQ(compute(makeStep(scores, flag, "sum")),
            (Values{exp(-2) + exp(-1) + 1, 1 + exp(-1), 1, 0}));
  // 0.5 * log2(e) * 4 = 2.9: the first row keeps its maximum, and the third
  // has none to keep.
  flag = "threshold(3) may_be_empty";
  EXPECT_EQ(compute(makeStep(scores, flag, "max")),
            (Values{0, 0, 6, -kInfinity}));
  EXPECT_EQ(compute(makeStep(scores, flag, "correction")),
            (Values{1, 1, 0, 1}));
  EXPECT_EQ(compute(makeStep(scores, flag, "sum")),
            (Values{1 + exp(1) + exp(2), 1 + exp(-1), 1, 0}));
  flag = "threshold(2) may_be_empty";
  EXPECT_EQ(compute(makeStep(scores, flag, "max")),
            (Values{4, 0, 6, -kInfinity}));
}

TEST_F(TileInterpreterTest, LazyMaximum) {
  const char *scores = "[[2.0, 4.0], [-2.0, 0xff800000], [0xff800000, 6.0], "
                       "[0xff800000, 0xff800000]]";
  using Values = std::vector<double>;
  auto exp = [](float x) { return std::exp(x); };
  // Rows of a sum of 1 keep their maximum, the others have none.
  std::string flag = "sum_limit(0) may_be_empty";
  EXPECT_EQ(compute(makeStep(scores, flag, "max")),
            (Values{0, 0, 6, -kInfinity}));
  EXPECT_EQ(compute(makeStep(scores, flag, "correction")),
            (Values{1, 1, 0, 1}));
  EXPECT_EQ(compute(makeStep(scores, flag, "sum")),
            (Values{1 + exp(1) + exp(2), 1 + exp(-1), 1, 0}));
}

/// A step on four rows of the sum `sum`, with limits of 2 and 8. %r holds what
/// `part` names.
static std::string makeLazyStep(const std::string &sum,
                                const std::string &part) {
  return "%s = arith.constant dense<1.0> : vector<4x2xf32>\n"
         "%m = arith.constant dense<0.0> : vector<4xf32>\n"
         "%l = arith.constant dense<" +
         sum +
         "> : vector<4xf32>\n"
         "%w, %max, %sum, %correction = tile.online_softmax %s, %m, %l "
         "scale(0.5) sum_limit(1) : vector<4x2xf32>, vector<4xf32>\n"
         "%zero = arith.constant dense<0.0> : vector<4xf32>\n"
         "%r = arith.addf %" +
         part + ", %zero : vector<4xf32>";
}

TEST_F(TileInterpreterTest, LazyMaximumOfLargeSums) {
  using Values = std::vector<double>;
  EXPECT_EQ(compute(makeLazyStep("2.0", "max")), (Values(4, 0)));
  // The sum stands for a maximum of 2 ln(4), which is above the scores.
  EXPECT_EQ(compute(makeLazyStep("4.0", "max")),
            (Values(4, std::log(4.0f) / 0.5f)));
  EXPECT_EQ(compute(makeLazyStep("8.0", "correction")),
            (Values(4, std::exp(-0.5f * (std::log(8.0f) / 0.5f)))));
  EXPECT_EQ(compute(makeLazyStep("9.0", "sum")), (Values(4, kInfinity)));
}

/// An attention of four rows: a score of 0, then one of 80, which is too much
/// for a limit of 7 bits, or 4, which is not. The value of a key is its number.
static std::string makeRow(const std::string &second) {
  return "%none = arith.constant dense<0xff800000> : vector<4xf32>\n"
         "%zero = arith.constant dense<0.0> : vector<4xf32>\n"
         "%s1 = arith.constant dense<0.0> : vector<4x1xf32>\n"
         "%s2 = arith.constant dense<" +
         second +
         "> : vector<4x1xf32>\n"
         "%v1 = arith.constant dense<1.0> : vector<1x1xf32>\n"
         "%v2 = arith.constant dense<2.0> : vector<1x1xf32>\n"
         "%w1, %m1, %l1, %f1 = tile.online_softmax %s1, %none, %zero "
         "scale(1.0) sum_limit(7) : vector<4x1xf32>, vector<4xf32>\n"
         "%a1 = tile.dot %w1, %v1 : vector<4x1xf32>, vector<1x1xf32> -> "
         "vector<4x1xf32>\n"
         "%w2, %m2, %l2, %f2 = tile.online_softmax %s2, %m1, %l1 scale(1.0) "
         "sum_limit(7) : vector<4x1xf32>, vector<4xf32>\n"
         "%t = tile.rescale %a1, %f2 : vector<4x1xf32>, vector<4xf32>\n"
         "%a2 = tile.dot %w2, %v2 acc(%t) : vector<4x1xf32>, "
         "vector<1x1xf32> -> vector<4x1xf32>\n"
         "%o, %lse = tile.finish_softmax %a2, %m2, %l2 scale(1.0) "
         "sum_limit(7) : vector<4x1xf32>, vector<4xf32>\n";
}

TEST_F(TileInterpreterTest, FailedInstancesAreComputedAgain) {
  // The maximum of the first key is kept, unless the weights are too large.
  std::string max = "%r = arith.addf %m2, %zero : vector<4xf32>";
  EXPECT_EQ(compute(makeRow("4.0") + max), (std::vector<double>(4, 0)));
  EXPECT_EQ(compute(makeRow("80.0") + max), (std::vector<double>(4, 80)));
  std::string lse = "%r = arith.addf %lse, %zero : vector<4xf32>";
  EXPECT_EQ(compute(makeRow("80.0") + lse), (std::vector<double>(4, 80)));
}

TEST_F(TileInterpreterTest, UnexpectedEmptyRow) {
  const char *scores = "[[2.0, 4.0], [0xff800000, 0xff800000], [0xff800000, "
                       "6.0], [0xff800000, 0xff800000]]";
  auto result = run("%out: !tile.view<4xf32> {tile.output}",
                    makeStep(scores, "", "max"), {});
  expectFailure(result, "'tile.online_softmax' op expected may_be_empty, since "
                        "row 3 has seen nothing but -inf");
}

TEST_F(TileInterpreterTest, FinishSoftmax) {
  std::string finish =
      "%acc = arith.constant dense<[[8.0], [9.0], [0.0], [1.0]]> : "
      "vector<4x1xf32>\n"
      "%m = arith.constant dense<[2.0, 0.0, 0xff800000, 0.0]> : vector<4xf32>\n"
      "%l = arith.constant dense<[4.0, 1.0, 0.0, 2.0]> : vector<4xf32>\n"
      "%o, %lse = tile.finish_softmax %acc, %m, %l scale(0.5) : "
      "vector<4x1xf32>, vector<4xf32>\n";
  EXPECT_EQ(compute(finish + "%r = arith.negf %lse : vector<4xf32>"),
            (std::vector<double>{-(1 + std::log(4.0f)), 0, kInfinity,
                                 -std::log(2.0f)}));
  auto result = run("%out: !tile.view<4x1xf32> {tile.output}",
                    finish + "tile.store %o, %out[%c0, %c0] axes [0, 1] : "
                             "vector<4x1xf32>, !tile.view<4x1xf32>",
                    {});
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ(result->front().values, (std::vector<double>{2, 9, 0, 0.5}));
}

TEST_F(TileInterpreterTest, DotAccumulatesAndTransposes) {
  std::string operands = "%a = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, "
                         "5.0, 6.0]]> : vector<2x3xf32>\n"
                         "%b = arith.constant dense<[[1.0, 0.0, 2.0], [0.0, "
                         "1.0, 3.0]]> : vector<2x3xf32>\n"
                         "%t = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], "
                         "[2.0, 3.0]]> : vector<3x2xf32>\n"
                         "%acc = arith.constant dense<[[10.0, 20.0], [30.0, "
                         "40.0]]> : vector<2x2xf32>\n";
  std::string store = "tile.store %r, %out[%c0, %c0] axes [0, 1] : "
                      "vector<2x2xf32>, !tile.view<2x2xf32>";
  for (std::string dot :
       {"tile.dot %a, %b transpose_rhs acc(%acc) : vector<2x3xf32>, "
        "vector<2x3xf32>",
        "tile.dot %a, %t acc(%acc) : vector<2x3xf32>, vector<3x2xf32>"}) {
    auto result =
        run("%out: !tile.view<2x2xf32> {tile.output}",
            operands + "%r = " + dot + " -> vector<2x2xf32>\n" + store, {});
    ASSERT_TRUE(succeeded(result)) << messages;
    EXPECT_EQ(result->front().values, (std::vector<double>{17, 31, 46, 63}));
  }
}

TEST_F(TileInterpreterTest, MaskMayBeTheSameForAll) {
  auto result =
      run("%out: !tile.view<2x2xf32> {tile.output}",
          "%s = arith.constant dense<1.0> : vector<2x2xf32>\n"
          "%r = tile.mask %s query(%c0) key(%c0) : vector<2x2xf32> {\n"
          "^bb0(%p: index, %j: index):\n"
          "  %keep = arith.constant false\n  tile.yield %keep : i1\n}\n"
          "tile.store %r, %out[%c0, %c0] axes [0, 1] : vector<2x2xf32>, "
          "!tile.view<2x2xf32>",
          {});
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ(result->front().values, std::vector<double>(4, -kInfinity));
}

TEST_F(TileInterpreterTest, WholeTilesAreNotMasked) {
  auto mask = [&](const char *whole) {
    return run("%out: !tile.view<2x2xf32> {tile.output}",
               std::string("%whole = arith.constant ") + whole +
                   "\n%s = arith.constant dense<1.0> : vector<2x2xf32>\n"
                   "%r = tile.mask %s query(%c0) key(%c0) whole(%whole) : "
                   "vector<2x2xf32> {\n"
                   "^bb0(%p: index, %j: index):\n"
                   "  %keep = arith.cmpi sle, %j, %p : index\n"
                   "  tile.yield %keep : i1\n}\n"
                   "tile.store %r, %out[%c0, %c0] axes [0, 1] : "
                   "vector<2x2xf32>, !tile.view<2x2xf32>",
               {});
  };
  auto result = mask("false");
  ASSERT_TRUE(succeeded(result)) << messages;
  EXPECT_EQ(result->front().values, (std::vector<double>{1, -kInfinity, 1, 1}));
  expectFailure(mask("true"),
                "'tile.mask' op expected a whole tile to keep every element, "
                "got a masked one");
}

TEST_F(TileInterpreterTest, LeastSize) {
  std::string arguments =
      "%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>}, "
      "%n: !tile.view<?xi32> {tile.symbols = array<i64: 1>, "
      "tile.least = array<i64: 0, 0, 2, 4, 0, -1, 3, 1>}, %out: "
      "!tile.view<1xf32> "
      "{tile.output}";
  Tensor x{{11}, std::vector<double>(11, 1.0)};
  auto result = run(arguments, "", {x, {{4}, {1, 2, 3, 4}}});
  EXPECT_TRUE(succeeded(result)) << messages;
  expectFailure(run(arguments, "", {x, {{3}, {1, 2, 3}}}),
                "'tile.kernel' op expected size 0 of argument 1 to be at least "
                "4, got 3");
  messages.clear();
  Tensor none{{1}, {1.0}};
  expectFailure(run(arguments, "", {none, {{2}, {1, 2}}}),
                "'tile.kernel' op expected size 0 of argument 1 to be at least "
                "3, got 2");
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
       "'vector.extract' op expected one float of a tile of one dimension, at "
       "a constant position"},
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
