//===- ScalarTest.cpp - Numbers and control flow in the interpreter -------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileInterpreterTest.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::attn::reference;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

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
