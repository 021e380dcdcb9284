//===- DifferentialTest.cpp - The tile level against the reference --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small blocks, so that short sequences have many of them. Programs in f32 show
// errors of the passes that the rounding of bf16 would hide.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"
#include "attn/Reference/TileInterpreter.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/APFloat.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::attn;
using reference::Tensor;

namespace {

struct Lengths {
  int64_t queries, keys;
};

/// An attention with a schedule.
struct Program {
  std::string element = "f32";
  int64_t queryHeads = 2, keyHeads = 2, dim = 8, valueDim = 8;
  /// The names of query, key and value; the same name, the same tensor.
  std::vector<std::string> operands = {"%q", "%k", "%v"};
  /// What follows the operands, e.g. "mask(causal)".
  std::string modifiers;
  /// The fields of the schedule.
  std::string schedule = "block_q = 16, block_kv = 16";
  /// The lengths, where the types give them. The batch is then 2.
  std::optional<Lengths> lengths;

  std::string getText() const;
  /// The operands that are arguments: the first of each name.
  SmallVector<unsigned> getArguments() const;
};

/// The errors that an element type may make: of the outputs relative to their
/// norm, of lse absolutely.
struct Bounds {
  double output, lse;
};

} // namespace

SmallVector<unsigned> Program::getArguments() const {
  SmallVector<unsigned> arguments;
  for (unsigned i = 0; i != operands.size(); ++i)
    if (llvm::find(operands, operands[i]) == operands.begin() + i)
      arguments.push_back(i);
  return arguments;
}

std::string Program::getText() const {
  std::string batch = lengths ? "2" : "?";
  auto size = [&](int64_t Lengths::*length) {
    return lengths ? std::to_string((*lengths).*length) : "?";
  };
  std::string queries = size(&Lengths::queries), keys = size(&Lengths::keys);
  auto type = [&](const std::string &length, int64_t heads, int64_t channels) {
    return "tensor<" + batch + "x" + length + "x" + std::to_string(heads) +
           "x" + std::to_string(channels) + "x" + element + ">";
  };
  std::string types[] = {type(queries, queryHeads, dim),
                         type(keys, keyHeads, dim),
                         type(keys, keyHeads, valueDim)};
  std::string output = type(queries, queryHeads, valueDim);
  std::string lse = "tensor<" + batch + "x" + std::to_string(queryHeads) + "x" +
                    queries + "xf32>";
  std::string arguments;
  for (unsigned i : getArguments())
    arguments += (i ? ", " : "") + operands[i] + ": " + types[i];
  return "func.func @f(" + arguments + ") -> (" + output + ", " + lse +
         ") {\n  %kv = attn.kv.dense " + operands[1] + ", " + operands[2] +
         " : " + types[1] + ", " + types[2] + "\n  %o, %lse = attn.attention " +
         operands[0] + ", %kv " + modifiers +
         " {tile.schedule = #tile.schedule<" + schedule +
         ", target = #sm90.schedule<>>} : " + types[0] + ", !attn.kv<" +
         types[1] + ", " + types[2] + "> -> " + output + ", " + lse +
         "\n  return %o, %lse : " + output + ", " + lse + "\n}\n";
}

static const llvm::fltSemantics &getSemantics(StringRef element) {
  return element == "bf16"  ? APFloat::BFloat()
         : element == "f16" ? APFloat::IEEEhalf()
                            : APFloat::IEEEsingle();
}

/// For f32 the scores have a wide range, so that running maxima are exceeded by
/// far; for short floats they have the one that the error bars are meant for.
static Tensor makeRandom(ArrayRef<int64_t> shape, StringRef element,
                         unsigned seed) {
  Tensor tensor{SmallVector<int64_t>(shape), {}};
  tensor.values.resize(tensor.size());
  std::mt19937 generator(seed);
  std::normal_distribution<double> distribution(0, element == "f32" ? 2.5 : 1);
  for (double &value : tensor.values) {
    APFloat rounded(distribution(generator));
    bool losesInfo;
    rounded.convert(getSemantics(element), APFloat::rmNearestTiesToEven,
                    &losesInfo);
    value = rounded.convertToDouble();
  }
  return tensor;
}

namespace {

class DifferentialTest : public testing::Test {
protected:
  DifferentialTest() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// Compares both levels of `program` for each pair of lengths.
  void compare(const Program &program, ArrayRef<Lengths> lengths,
               Bounds bounds);

private:
  void compare(const Program &program, Lengths lengths, Bounds bounds,
               func::FuncOp function, tile::KernelOp kernel);

  MLIRContext context;
};

} // namespace

/// ||a - b|| / ||b|| over the given elements.
static double getRelativeError(const Tensor &a, const Tensor &b,
                               ArrayRef<size_t> elements) {
  double difference = 0, norm = 0;
  for (size_t i : elements) {
    difference += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
    norm += b.values[i] * b.values[i];
  }
  return norm == 0 ? difference : std::sqrt(difference / norm);
}

static void compareOutputs(const Tensor &got, const Tensor &expected,
                           double bound) {
  ASSERT_EQ(got.shape, expected.shape);
  ArrayRef<int64_t> shape = got.shape;
  for (int64_t batch = 0; batch != shape[0]; ++batch)
    for (int64_t head = 0; head != shape[2]; ++head) {
      std::vector<size_t> elements;
      for (int64_t query = 0; query != shape[1]; ++query)
        for (int64_t channel = 0; channel != shape[3]; ++channel)
          elements.push_back(((batch * shape[1] + query) * shape[2] + head) *
                                 shape[3] +
                             channel);
      EXPECT_LE(getRelativeError(got, expected, elements), bound)
          << "batch " << batch << ", head " << head;
    }
}

/// Compares lse, and that a row without keys gives exactly 0.
static void compareRows(ArrayRef<Tensor> got, ArrayRef<Tensor> expected,
                        double bound) {
  ASSERT_EQ(got[1].shape, expected[1].shape);
  int64_t channels = got[0].shape[3], heads = got[0].shape[2],
          queries = got[0].shape[1];
  for (size_t row = 0; row != expected[1].values.size(); ++row) {
    double lse = got[1].values[row];
    if (!std::isinf(expected[1].values[row])) {
      ASSERT_LE(std::fabs(lse - expected[1].values[row]), bound)
          << "row " << row;
      continue;
    }
    ASSERT_EQ(lse, expected[1].values[row]) << "row " << row;
    // Rows of lse are [batch, head, query], those of the output [b, q, h].
    int64_t query = row % queries, head = row / queries % heads,
            batch = row / queries / heads;
    const double *output =
        &got[0].values[((batch * queries + query) * heads + head) * channels];
    for (int64_t channel = 0; channel != channels; ++channel)
      ASSERT_EQ(output[channel], 0.0) << "row " << row;
  }
}

void DifferentialTest::compare(const Program &program, Lengths lengths,
                               Bounds bounds, func::FuncOp function,
                               tile::KernelOp kernel) {
  SCOPED_TRACE("lengths " + std::to_string(lengths.queries) + " and " +
               std::to_string(lengths.keys));
  int64_t batch = lengths.queries < 100 ? 2 : 1;
  SmallVector<int64_t> shapes[] = {
      {batch, lengths.queries, program.queryHeads, program.dim},
      {batch, lengths.keys, program.keyHeads, program.dim},
      {batch, lengths.keys, program.keyHeads, program.valueDim}};
  std::vector<Tensor> inputs;
  for (unsigned i : program.getArguments())
    inputs.push_back(makeRandom(shapes[i], program.element, /*seed=*/i));
  auto expected = reference::run(function, inputs);
  auto got = reference::runTile(kernel, inputs);
  ASSERT_TRUE(succeeded(expected));
  ASSERT_TRUE(succeeded(got));
  compareOutputs((*got)[0], (*expected)[0], bounds.output);
  compareRows(*got, *expected, bounds.lse);
}

void DifferentialTest::compare(const Program &program,
                               ArrayRef<Lengths> lengths, Bounds bounds) {
  std::string text = program.getText();
  SCOPED_TRACE(text);
  OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(text, &context);
  OwningOpRef<ModuleOp> lowered = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(source && lowered);
  ASSERT_TRUE(succeeded(lowerToLevel(*lowered, EmitLevel::Tile, {})));
  for (Lengths pair : lengths)
    compare(program, pair, bounds, *source->getOps<func::FuncOp>().begin(),
            *lowered->getOps<tile::KernelOp>().begin());
}

//===----------------------------------------------------------------------===//
// Masks, lengths, heads, schedules
//===----------------------------------------------------------------------===//

static constexpr Bounds kF32Bounds = {1e-5, 2e-5};
static constexpr Bounds kF16Bounds = {6e-4, 1e-4};
static constexpr Bounds kBF16Bounds = {3e-3, 1e-4};

static constexpr Lengths kLengths[] = {
    {1, 1},   {1, 63},  {63, 1},    {63, 63},  {128, 128}, {129, 129},
    {300, 1}, {1, 300}, {129, 63},  {63, 129}, {0, 5},     {5, 0},
    {16, 17}, {17, 16}, {300, 128}, {128, 300}};

static const char *const kMasks[] = {
    "", "mask(causal)", "mask(window<999, 0>)", "mask(window<15, 0>)",
    "mask(window<16, 0>)", "mask(window<3, 2>)", "mask(window<0, 0>)",
    "mask(window<40, 40>)", "mask(window<0, inf>)", "mask(window<inf, 20>)",
    "mask(causal and window<100, inf>)", "mask(causal and first<40>)",
    "mask(window<20, 3> and first<40>)", "mask(first<16>)",
    "mask(window<20, 10> and window<10, 20>)",
    "mask(window<10, 20> and window<20, 10> and first<50> and first<60>)",
    // Only the keys behind the query.
    "mask { ^bb0(%b: index, %h: index, %p: index, %j: index):\n"
    "  %keep = arith.cmpi sgt, %j, %p : index\n"
    "  attn.yield %keep : i1 }",
    // The end of the sequence, away from the diagonal.
    "mask { ^bb0(%b: index, %h: index, %p: index, %j: index):\n"
    "  %c20 = arith.constant 20 : index\n"
    "  %c5 = arith.constant 5 : index\n"
    "  %far = arith.subi %p, %c5 : index\n"
    "  %late = arith.cmpi sle, %c20, %j : index\n"
    "  %before = arith.cmpi sgt, %far, %j : index\n"
    "  %keep = arith.andi %late, %before : i1\n"
    "  attn.yield %keep : i1 }"};

static const char *const kSchedules[] = {
    "block_q = 16, block_kv = 16",
    "block_q = 32, block_kv = 16, hoist_score_dot = false, longest_first = "
    "true",
    "block_q = 16, block_kv = 32, split_masked_loop = false, "
    "rescale_threshold = 0",
    "block_q = 8, block_kv = 16, hoist_score_dot = false, "
    "split_masked_loop = false, longest_first = true",
    "block_q = 24, block_kv = 40, rescale_threshold = 0"};

namespace {
class MaskTest : public DifferentialTest,
                 public testing::WithParamInterface<
                     std::tuple<const char *, const char *>> {};
} // namespace

TEST_P(MaskTest, AgreesWithReference) {
  Program program;
  std::tie(program.modifiers, program.schedule) = GetParam();
  compare(program, kLengths, kF32Bounds);
}

INSTANTIATE_TEST_SUITE_P(All, MaskTest,
                         testing::Combine(testing::ValuesIn(kMasks),
                                          testing::ValuesIn(kSchedules)));

/// A conjunction of up to four random bounds, each in a random spelling.
static std::string makeRandomMask(std::mt19937 &generator) {
  auto draw = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(generator);
  };
  static const char *const predicates[] = {"slt", "sle", "sgt", "sge"};
  std::string region =
      "mask { ^bb0(%b: index, %h: index, %p: index, %j: index):\n"
      "  %keep0 = arith.constant true\n";
  int64_t terms = draw(0, 4);
  for (int64_t i = 1; i <= terms; ++i) {
    std::string n = std::to_string(i), constant = "%c" + n;
    std::string key = "%j", bound = constant;
    region += "  " + constant + " = arith.constant " +
              std::to_string(draw(-40, 80)) + " : index\n";
    if (draw(0, 1)) {
      bound = "%x" + n;
      region += "  " + bound + " = arith." + (draw(0, 1) ? "addi" : "subi") +
                " %p, " + constant + " : index\n";
    }
    if (draw(0, 1)) {
      key = "%y" + n;
      region += "  " + key + " = arith.subi %j, " + constant + " : index\n";
    }
    if (draw(0, 1))
      std::swap(key, bound);
    region += "  %term" + n + " = arith.cmpi " + predicates[draw(0, 3)] + ", " +
              key + ", " + bound + " : index\n  %keep" + n +
              " = arith.andi %keep" + std::to_string(i - 1) + ", %term" + n +
              " : i1\n";
  }
  return region + "  attn.yield %keep" + std::to_string(terms) + " : i1 }";
}

TEST_F(DifferentialTest, RandomMasks) {
  for (unsigned seed = 0; seed != 100; ++seed) {
    std::mt19937 generator(seed);
    std::uniform_int_distribution<int64_t> length(0, 99);
    Program program;
    program.modifiers = makeRandomMask(generator);
    program.schedule = kSchedules[seed % std::size(kSchedules)];
    for (int i = 0; i != 3; ++i) {
      Lengths lengths{length(generator), length(generator)};
      compare(program, lengths, kF32Bounds);
    }
  }
}

TEST_F(DifferentialTest, HeadsAreGrouped) {
  for (int64_t keyHeads : {1, 2, 3, 6}) {
    Program program;
    program.queryHeads = 6;
    program.keyHeads = keyHeads;
    program.modifiers = "mask(causal)";
    compare(program, {{63, 63}, {20, 70}}, kF32Bounds);
  }
}

TEST_F(DifferentialTest, ValuesMayBeWiderThanKeys) {
  for (int64_t valueDim : {4, 24}) {
    Program program;
    program.valueDim = valueDim;
    compare(program, {{63, 63}, {20, 70}}, kF32Bounds);
  }
}

TEST_F(DifferentialTest, ScaleMayBeGiven) {
  for (const char *scale : {"scale(1.0)", "scale(0.01)"}) {
    Program program;
    program.modifiers = scale;
    compare(program, {{63, 63}}, kF32Bounds);
  }
}

TEST_F(DifferentialTest, ShortFloats) {
  for (const char *mask : {"", "mask(causal)", "mask(window<50, 0>)"})
    for (auto [element, bounds] :
         {std::pair("bf16", kBF16Bounds), std::pair("f16", kF16Bounds)}) {
      Program program;
      program.element = element;
      program.queryHeads = 4;
      program.dim = program.valueDim = 64;
      program.modifiers = mask;
      program.schedule = "block_q = 64, block_kv = 64";
      compare(program, {{128, 128}, {63, 300}, {300, 128}}, bounds);
    }
}

TEST_F(DifferentialTest, LengthsMayBeStatic) {
  for (const char *mask : {"", "mask(causal)", "mask(window<20, 5>)"})
    for (Lengths lengths :
         {Lengths{1, 1}, {63, 63}, {64, 64}, {20, 70}, {70, 20}, {5, 0}}) {
      Program program;
      program.modifiers = mask;
      program.lengths = lengths;
      compare(program, lengths, kF32Bounds);
    }
}

TEST_F(DifferentialTest, OperandsMayBeShared) {
  using Names = std::vector<std::string>;
  for (const Names &operands : {Names{"%q", "%q", "%v"},
                                {"%q", "%k", "%k"},
                                {"%q", "%q", "%q"},
                                {"%q", "%k", "%q"}})
    for (const char *schedule : kSchedules) {
      Program program;
      program.operands = operands;
      program.modifiers = "mask(window<40, 3>)";
      program.schedule = schedule;
      compare(program, {{63, 63}}, kF32Bounds);
    }
}

/// What lib/Schedule selects on Hopper.
TEST_F(DifferentialTest, SelectedBlocks) {
  for (const char *mask : {"", "mask(causal)", "mask(window<150, 0>)"}) {
    Program program;
    program.element = "bf16";
    program.queryHeads = 4;
    program.dim = program.valueDim = 128;
    program.modifiers = mask;
    program.schedule = "block_q = 128, block_kv = 128";
    compare(program, {{1, 300}, {300, 300}, {300, 129}}, kBF16Bounds);
  }
}
