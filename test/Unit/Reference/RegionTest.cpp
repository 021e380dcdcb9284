//===- RegionTest.cpp - Masks and score modifiers -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

struct RegionTest : ProgramTest {
  /// What a score modifier makes of `x`: with one key, this is the lse. `body`
  /// defines %y, and may read `values` through %t.
  double modify(const std::string &body, double x,
                ArrayRef<double> values = {0.0},
                Arithmetic arithmetic = Arithmetic::F64) {
    Sizes sizes = {1, 1, 1, 1, 1, 1, 1};
    std::string score = "score {\n^bb0(%x: f32, %b: index, %h: index, "
                        "%p: index, %j: index):\n" +
                        body + "\nattn.yield %y : f32\n} scale(1.0)";
    std::vector<Tensor> arguments = {
        {{1, 1, 1, 1}, {x}},
        {{1, 1, 1, 1}, {1}},
        {{1, 1, 1, 1}, {1}},
        {{static_cast<int64_t>(values.size())}, values.vec()}};
    Options options;
    options.arithmetic = arithmetic;
    auto results =
        run(parse(makeAttention(sizes, score, ", %t: tensor<?xf32>")),
            arguments, options);
    EXPECT_TRUE(succeeded(results)) << messages << body;
    return succeeded(results) ? (*results)[1].values[0] : 0;
  }

  /// The value of an integer expression %i of `type`.
  double compute(const std::string &type, const std::string &body) {
    return modify(body + "\n%y = arith.sitofp %i : " + type + " to f32", 0);
  }

  /// Which of `keys` keys the last of `queries` queries sees, as a string of 0
  /// and 1 for each query.
  std::vector<std::string> see(int64_t queries, int64_t keys,
                               const std::string &mask,
                               const std::string &parameters = "",
                               ArrayRef<Tensor> captured = {}) {
    // Key j has the value 2^j and all scores are zero.
    Sizes sizes = {1, queries, keys, 1, 1, 1, 1};
    std::vector<Tensor> arguments = {
        {{1, queries, 1, 1}, std::vector<double>(queries)},
        {{1, keys, 1, 1}, std::vector<double>(keys)},
        {{1, keys, 1, 1}, {}}};
    for (int64_t j = 0; j != keys; ++j)
      arguments[2].values.push_back(std::ldexp(1.0, j));
    llvm::append_range(arguments, captured);
    auto results =
        run(parse(makeAttention(sizes, mask, parameters)), arguments);
    EXPECT_TRUE(succeeded(results)) << messages;
    std::vector<std::string> rows;
    for (int64_t i = 0; succeeded(results) && i != queries; ++i) {
      double sum = (*results)[0].values[i] * std::exp((*results)[1].values[i]);
      auto bits = static_cast<int64_t>(std::lround(sum));
      std::string row;
      for (int64_t j = 0; j != keys; ++j)
        row += bits >> j & 1 ? '1' : '0';
      rows.push_back(row);
    }
    return rows;
  }
};

using Rows = std::vector<std::string>;

} // namespace

TEST_F(RegionTest, Masks) {
  EXPECT_EQ(see(3, 5, "mask(causal)"), (Rows{"11100", "11110", "11111"}));
  EXPECT_EQ(see(4, 2, "mask(causal)"), (Rows{"00", "00", "10", "11"}));
  EXPECT_EQ(see(3, 5, "mask(window<1, 0>)"), (Rows{"01100", "00110", "00011"}));
  EXPECT_EQ(see(2, 5, "mask(window<inf, 0>)"), (Rows{"11110", "11111"}));
  EXPECT_EQ(see(2, 5, "mask(window<0, inf>)"), (Rows{"00011", "00001"}));
  EXPECT_EQ(see(1, 3, "mask(window<inf, inf>)"), (Rows{"111"}));
  EXPECT_EQ(see(1, 5, "mask(first<2>)"), (Rows{"11000"}));
  EXPECT_EQ(see(1, 5, "mask(first<0>)"), (Rows{"00000"}));
  EXPECT_EQ(see(3, 5, "mask(chunk<3>)"), (Rows{"11100", "00011", "00011"}));
  // Positions -2 and -1 are in a chunk before that of the keys.
  EXPECT_EQ(see(4, 2, "mask(chunk<3>)"), (Rows{"00", "00", "11", "11"}));
}

TEST_F(RegionTest, SparsePatterns) {
  EXPECT_EQ(see(2, 5, "mask(dilated<2>)"), (Rows{"01010", "10101"}));
  // Behind the query as well.
  EXPECT_EQ(see(1, 4, "mask(dilated<3>)", "", {}), (Rows{"1001"}));
  EXPECT_EQ(see(4, 2, "mask(dilated<2>)"), (Rows{"10", "01", "10", "01"}));
  EXPECT_EQ(see(1, 7, "mask(column<3, 1>)"), (Rows{"0010010"}));
  EXPECT_EQ(see(2, 6, "mask(causal and (chunk<3> or column<3, 1>))"),
            (Rows{"001110", "001111"}));
  EXPECT_EQ(see(2, 6, "mask(causal and (window<1, 0> or dilated<3>))"),
            (Rows{"010110", "001011"}));
}

TEST_F(RegionTest, MaskAlgebra) {
  EXPECT_EQ(see(1, 5, "mask(first<3> and not first<1>)"), (Rows{"01100"}));
  EXPECT_EQ(see(1, 5, "mask(first<1> or window<1, 0>)"), (Rows{"10011"}));
  EXPECT_EQ(see(1, 5, "mask(not (first<1> or window<1, 0>))"), (Rows{"01100"}));
}

TEST_F(RegionTest, MasksThatReadTensors) {
  EXPECT_EQ(see(1, 4, "mask(prefix(%n : tensor<?xi32>))", ", %n: tensor<?xi32>",
                {{{1}, {3}}}),
            (Rows{"1110"}));
  EXPECT_EQ(see(4, 4, "mask(document(%ids : tensor<?x?xi32>))",
                ", %ids: tensor<?x?xi32>", {{{1, 4}, {5, 5, 0, 0}}}),
            (Rows{"1100", "1100", "0011", "0011"}));
  // Positions before the first key are in no document, not even in that of
  // what is read there.
  EXPECT_EQ(see(3, 2, "mask(document(%ids : tensor<?x?xi32>))",
                ", %ids: tensor<?x?xi32>", {{{1, 2}, {0, 1}}}),
            (Rows{"00", "10", "01"}));
}

/// A prefix that all see, spans of images, bits and trees.
TEST_F(RegionTest, MasksOfSetsOfKeys) {
  EXPECT_EQ(see(4, 4, "mask(causal or prefix(%n : tensor<1xi32>))",
                ", %n: tensor<1xi32>", {{{1}, {2}}}),
            (Rows{"1100", "1100", "1110", "1111"}));
  EXPECT_EQ(see(4, 4, "mask(span(%ids : tensor<1x?xi32>))",
                ", %ids: tensor<1x?xi32>", {{{1, 4}, {0, 0, -1, 1}}}),
            (Rows{"1100", "1100", "0000", "0001"}));
  // Bits in bytes, the lowest first, and one to an element; fewer than keys.
  EXPECT_EQ(see(2, 4, "mask(bits(%w : tensor<1x2x1xi8>))",
                ", %w: tensor<1x2x1xi8>", {{{1, 2, 1}, {5, 10}}}),
            (Rows{"1010", "0101"}));
  EXPECT_EQ(see(2, 4, "mask(bits(%w : tensor<1x2x3xi1>))",
                ", %w: tensor<1x2x3xi1>", {{{1, 2, 3}, {1, 0, 1, 0, 1, 1}}}),
            (Rows{"1010", "0110"}));
  // Nodes 1 and 2 are children of node 0.
  EXPECT_EQ(see(3, 5, "mask(tree(%n : tensor<1xi32>, %a : tensor<1x3x1xi8>))",
                ", %n: tensor<1xi32>, %a: tensor<1x3x1xi8>",
                {{{1}, {2}}, {{1, 3, 1}, {1, 3, 5}}}),
            (Rows{"11100", "11110", "11101"}));
}

TEST_F(RegionTest, MaskByHeadAndBatch) {
  Sizes sizes = {2, 1, 2, 2, 1, 1, 1};
  auto results = run(parse(makeAttention(sizes, R"mlir(mask {
        ^bb0(%b: index, %h: index, %p: index, %j: index):
          %0 = arith.xori %b, %h : index
          %1 = arith.cmpi eq, %0, %j : index
          attn.yield %1 : i1
        })mlir")),
                     {{{2, 1, 2, 1}, {0, 0, 0, 0}},
                      {{2, 2, 1, 1}, {0, 0, 0, 0}},
                      {{2, 2, 1, 1}, {1, 2, 3, 4}}});
  ASSERT_TRUE(succeeded(results)) << messages;
  EXPECT_EQ((*results)[0].values, (std::vector<double>{1, 2, 4, 3}));
}

//===----------------------------------------------------------------------===//
// Score modifiers
//===----------------------------------------------------------------------===//

TEST_F(RegionTest, ScoreModifiers) {
  EXPECT_DOUBLE_EQ(modify("%y = attn.softcap<2.0> %x", 3.0),
                   2.0 * std::tanh(1.5));
  for (const char *order : {"%c3, %c5", "%c5, %c3"})
    EXPECT_EQ(modify("%c3 = arith.constant 3 : index\n"
                     "%c5 = arith.constant 5 : index\n"
                     "%y = attn.alibi %x, %t, %h, " +
                         std::string(order) + " : tensor<?xf32>",
                     1.0, {0.25}),
              0.5);
}

TEST_F(RegionTest, ModifiersApplyInOrder) {
  Sizes sizes = {1, 1, 1, 1, 1, 1, 1};
  auto results =
      run(parse(makeAttention(sizes,
                              "score(softcap<4.0>, softcap<1.0>) scale(1.0)")),
          {{{1, 1, 1, 1}, {3}}, {{1, 1, 1, 1}, {1}}, {{1, 1, 1, 1}, {1}}});
  ASSERT_TRUE(succeeded(results)) << messages;
  EXPECT_DOUBLE_EQ((*results)[1].values[0], std::tanh(4 * std::tanh(0.75)));
}

TEST_F(RegionTest, MaskComesAfterModifiers) {
  // The modifier makes every score zero, also of the key that is not seen.
  Sizes sizes = {1, 1, 2, 1, 1, 1, 1};
  auto results = run(
      parse(makeAttention(sizes, R"mlir(mask(first<1>) score {
        ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
          %y = arith.constant 0.0 : f32
          attn.yield %y : f32
        })mlir")),
      {{{1, 1, 1, 1}, {5}}, {{1, 2, 1, 1}, {1, 2}}, {{1, 2, 1, 1}, {3, 4}}});
  ASSERT_TRUE(succeeded(results)) << messages;
  EXPECT_EQ((*results)[0].values[0], 3.0);
  EXPECT_EQ((*results)[1].values[0], 0.0);
}

TEST_F(RegionTest, Reads) {
  auto read = [&](const std::string &index) {
    return modify("%i = arith.constant " + index +
                      " : index\n%y = attn.read %t[%i] : tensor<?xf32>",
                  9.0, {1.5, 2.5});
  };
  EXPECT_EQ(read("0"), 1.5);
  EXPECT_EQ(read("1"), 2.5);
  EXPECT_EQ(read("2"), 0.0);
  EXPECT_EQ(read("-1"), 0.0);
}

TEST_F(RegionTest, ReadsWrapToTheElementType) {
  Sizes sizes = {1, 1, 1, 1, 1, 1, 1};
  auto results = run(parse(makeAttention(sizes, R"mlir(score {
        ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
          %0 = attn.read %t[%b] : tensor<1xi8>
          %y = arith.sitofp %0 : i8 to f32
          attn.yield %y : f32
        })mlir",
                                         ", %t: tensor<1xi8>")),
                     {{{1, 1, 1, 1}, {1}},
                      {{1, 1, 1, 1}, {1}},
                      {{1, 1, 1, 1}, {1}},
                      {{1}, {255}}});
  ASSERT_TRUE(succeeded(results)) << messages;
  EXPECT_EQ((*results)[1].values[0], -1.0);
}

TEST_F(RegionTest, ReadsOfConstants) {
  // The outer constants are captured.
  auto results =
      run(parse(R"mlir(
    !t = tensor<1x1x1x1xf32>
    func.func @f(%q: !t, %k: !t, %v: !t) -> (!t, tensor<1x1x1xf32>) {
      %slopes = arith.constant dense<[[1.5, 2.5]]> : tensor<1x2xf32>
      %offsets = arith.constant dense<[1, -4]> : tensor<2xi8>
      %one = arith.constant 1 : index
      %kv = attn.kv.dense %k, %v : !t, !t
      %o, %lse = attn.attention %q, %kv score {
      ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
        %0 = attn.read %slopes[%b, %one] : tensor<1x2xf32>
        %1 = attn.read %offsets[%one] : tensor<2xi8>
        %2 = arith.sitofp %1 : i8 to f32
        %3 = arith.addf %0, %2 : f32
        attn.yield %3 : f32
      } : !t, !attn.kv<!t, !t> -> !t, tensor<1x1x1xf32>
      return %o, %lse : !t, tensor<1x1x1xf32>
    })mlir"),
          {{{1, 1, 1, 1}, {1}}, {{1, 1, 1, 1}, {1}}, {{1, 1, 1, 1}, {1}}});
  ASSERT_TRUE(succeeded(results)) << messages;
  EXPECT_EQ((*results)[1].values[0], -1.5);
}

//===----------------------------------------------------------------------===//
// arith and math
//===----------------------------------------------------------------------===//

TEST_F(RegionTest, IntegerOps) {
  struct Case {
    const char *op;
    int a, b, expected;
  };
  for (const Case &each :
       std::vector<Case>{{"addi", 100, 100, -56},   {"subi", -100, 100, 56},
                         {"muli", 16, 17, 16},      {"andi", 12, 10, 8},
                         {"ori", 12, 10, 14},       {"xori", 12, 10, 6},
                         {"divsi", -7, 2, -3},      {"divsi", 7, 0, 0},
                         {"divsi", -128, -1, -128}, {"remsi", -7, 2, -1},
                         {"remsi", 7, 0, 0},        {"remsi", 7, -1, 0},
                         {"floordivsi", -7, 2, -4}, {"floordivsi", 7, 2, 3},
                         {"floordivsi", -8, 2, -4}, {"floordivsi", 7, 0, 0},
                         {"ceildivsi", -7, 2, -3},  {"ceildivsi", 7, 2, 4},
                         {"divui", -2, 2, 127},     {"divui", 7, 0, 0},
                         {"remui", -1, 10, 5},      {"remui", 7, 0, 0},
                         {"shli", 3, 6, -64},       {"shli", 3, 8, 0},
                         {"shrui", -128, 7, 1},     {"shrui", -128, 8, 0},
                         {"shrsi", -128, 7, -1},    {"shrsi", -128, 8, 0},
                         {"maxsi", -1, 1, 1},       {"minsi", -1, 1, -1},
                         {"maxui", -1, 1, -1},      {"minui", -1, 1, 1}}) {
    std::string body = "%a = arith.constant " + std::to_string(each.a) +
                       " : i8\n%c = arith.constant " + std::to_string(each.b) +
                       " : i8\n%i = arith." + each.op + " %a, %c : i8";
    EXPECT_EQ(compute("i8", body), each.expected) << body;
  }
  EXPECT_EQ(compute("i8", "%a = arith.constant -5 : i8\n"
                          "%i = math.absi %a : i8"),
            5);
}

TEST_F(RegionTest, IntegerComparisons) {
  // For 1 < 2, 2 = 2 and -1 < 1, which is 255 > 1 without sign.
  std::vector<std::pair<const char *, const char *>> expected = {
      {"eq", "010"},  {"ne", "101"},  {"slt", "101"}, {"sle", "111"},
      {"sgt", "000"}, {"sge", "010"}, {"ult", "100"}, {"ule", "110"},
      {"ugt", "001"}, {"uge", "011"}};
  for (auto [predicate, bits] : expected) {
    std::string got;
    for (auto [a, b] : {std::pair(1, 2), {2, 2}, {-1, 1}})
      got +=
          compute("i32", "%a = arith.constant " + std::to_string(a) +
                             " : i8\n%c = arith.constant " + std::to_string(b) +
                             " : i8\n%d = arith.cmpi " + predicate +
                             ", %a, %c : i8\n%i = arith.extui %d : i1 to i32")
              ? '1'
              : '0';
    EXPECT_EQ(got, bits) << predicate;
  }
}

TEST_F(RegionTest, FloatComparisons) {
  // For 1 < 2, 2 = 2, 3 > 2 and NaN.
  std::vector<std::pair<const char *, const char *>> expected = {
      {"false", "0000"}, {"oeq", "0100"}, {"ogt", "0010"}, {"oge", "0110"},
      {"olt", "1000"},   {"ole", "1100"}, {"one", "1010"}, {"ord", "1110"},
      {"ueq", "0101"},   {"ugt", "0011"}, {"uge", "0111"}, {"ult", "1001"},
      {"ule", "1101"},   {"une", "1011"}, {"uno", "0001"}, {"true", "1111"}};
  for (auto [predicate, bits] : expected) {
    std::string got;
    for (double a : {1.0, 2.0, 3.0, std::nan("")})
      got += modify("%a = attn.read %t[%b] : tensor<?xf32>\n"
                    "%two = arith.constant 2.0 : f32\n"
                    "%zero = arith.constant 0.0 : f32\n"
                    "%c = arith.cmpf " +
                        std::string(predicate) +
                        ", %a, %two : f32\n"
                        "%y = arith.select %c, %two, %zero : f32",
                    0.0, {a}) != 0
                 ? '1'
                 : '0';
    EXPECT_EQ(got, bits) << predicate;
  }
}

TEST_F(RegionTest, FloatOps) {
  struct Case {
    std::string op;
    double expected;
  };
  double x = 0.75, c = -2.5;
  for (const Case &each :
       std::vector<Case>{{"arith.addf %x, %c", x + c},
                         {"arith.subf %x, %c", x - c},
                         {"arith.mulf %x, %c", x * c},
                         {"arith.divf %x, %c", x / c},
                         {"arith.remf %c, %x", std::fmod(c, x)},
                         {"arith.negf %x", -x},
                         {"arith.maximumf %x, %c", x},
                         {"arith.minimumf %x, %c", c},
                         {"arith.maxnumf %x, %nan", x},
                         {"arith.minnumf %nan, %x", x},
                         {"math.absf %c", 2.5},
                         {"math.ceil %c", -2},
                         {"math.cos %x", std::cos(x)},
                         {"math.erf %x", std::erf(x)},
                         {"math.exp %x", std::exp(x)},
                         {"math.exp2 %x", std::exp2(x)},
                         {"math.expm1 %x", std::expm1(x)},
                         {"math.floor %c", -3},
                         {"math.log %x", std::log(x)},
                         {"math.log1p %x", std::log1p(x)},
                         {"math.log2 %x", std::log2(x)},
                         {"math.round %c", -3},
                         {"math.roundeven %c", -2},
                         {"math.rsqrt %x", 1 / std::sqrt(x)},
                         {"math.sin %x", std::sin(x)},
                         {"math.sqrt %x", std::sqrt(x)},
                         {"math.tanh %x", std::tanh(x)},
                         {"math.trunc %c", -2},
                         {"math.copysign %x, %c", -x},
                         {"math.powf %x, %c", std::pow(x, c)},
                         {"math.fma %x, %x, %c", x * x + c}}) {
    std::string body = "%c = arith.constant -2.5 : f32\n"
                       "%nan = arith.constant 0x7FC00000 : f32\n"
                       "%y = " +
                       each.op + " : f32";
    EXPECT_DOUBLE_EQ(modify(body, x), each.expected) << body;
    EXPECT_FLOAT_EQ(modify(body, x, {0.0}, Arithmetic::F32), each.expected)
        << body;
  }
  for (const char *op : {"arith.maximumf %x, %nan", "arith.minimumf %nan, %x"})
    EXPECT_TRUE(
        std::isnan(modify("%nan = arith.constant 0x7FC00000 : f32\n%y = " +
                              std::string(op) + " : f32",
                          x)))
        << op;
}

TEST_F(RegionTest, Conversions) {
  auto cast = [&](const std::string &from, const std::string &to,
                  const std::string &op, const std::string &value) {
    return compute(to, "%a = arith.constant " + value + " : " + from +
                           "\n%i = arith." + op + " %a : " + from + " to " +
                           to);
  };
  EXPECT_EQ(cast("i8", "i32", "extsi", "-3"), -3);
  EXPECT_EQ(cast("i8", "i32", "extui", "-3"), 253);
  EXPECT_EQ(cast("i1", "i32", "extui", "-1"), 1);
  EXPECT_EQ(cast("i1", "i32", "extsi", "-1"), -1);
  EXPECT_EQ(cast("i32", "i8", "trunci", "300"), 44);
  EXPECT_EQ(cast("index", "i8", "index_cast", "300"), 44);
  EXPECT_EQ(cast("f32", "i32", "fptosi", "-2.75"), -2);
  EXPECT_EQ(cast("f32", "i32", "fptoui", "2.75"), 2);
  EXPECT_EQ(cast("f32", "i64", "fptosi", "0x7F800000"), 0x1p63);
  EXPECT_EQ(cast("f32", "i64", "fptosi", "0xFF800000"), -0x1p63);
  EXPECT_EQ(cast("f32", "i64", "fptosi", "0x7FC00000"), 0);
  EXPECT_EQ(modify("%a = arith.constant -1 : i8\n"
                   "%d = arith.index_castui %a : i8 to index\n"
                   "%i = arith.index_cast %d : index to i32\n"
                   "%y = arith.sitofp %i : i32 to f32",
                   0),
            255);
  EXPECT_EQ(modify("%a = arith.constant -1 : i8\n"
                   "%y = arith.uitofp %a : i8 to f32",
                   0),
            255);
}

TEST_F(RegionTest, NarrowFloatsAreRounded) {
  // 1 + 2^-9 is a tie in bfloat16, and exact in f16.
  EXPECT_EQ(modify("%a = arith.truncf %x : f32 to bf16\n"
                   "%y = arith.extf %a : bf16 to f32",
                   1 + 0x1p-9),
            1.0);
  EXPECT_EQ(modify("%a = arith.truncf %x : f32 to f16\n"
                   "%y = arith.extf %a : f16 to f32",
                   1 + 0x1p-9),
            1 + 0x1p-9);
}

TEST_F(RegionTest, SelectOfIntegers) {
  EXPECT_EQ(compute("i32", "%a = arith.constant 3 : i32\n"
                           "%c = arith.constant 4 : i32\n"
                           "%d = arith.cmpi eq, %j, %p : index\n"
                           "%i = arith.select %d, %a, %c : i32"),
            3);
}
