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
#include <functional>
#include <numeric>
#include <random>

using namespace mlir;
using namespace mlir::attn;
using reference::Tensor;

namespace {

struct Lengths {
  int64_t queries, keys;
};

/// Stands for a size in the shape of a captured tensor.
enum Size : int64_t { Batch = -1, Keys = -2, Rows = -3 };

/// The blocks that lists are of.
struct Blocks {
  int64_t queries = 0, keys = 0;
  /// Which half of the columns of a row are listed.
  bool second = false;
};

/// A tensor that a mask or a modifier reads: random integers from `least` to
/// `most`, normal random numbers where these are equal, or the columns of lists
/// of blocks.
struct Captured {
  std::string name, element;
  SmallVector<int64_t> shape;
  int64_t least = 0, most = 0;
  Blocks blocks = {};

  std::string getType() const;
  Tensor create(int64_t batch, Lengths lengths, unsigned seed) const;
};

/// An attention with a schedule.
struct Program {
  std::string element = "f32";
  int64_t queryHeads = 2, keyHeads = 2, dim = 8, valueDim = 8;
  /// The names of query, key and value; the same name, the same tensor.
  std::vector<std::string> operands = {"%q", "%k", "%v"};
  /// What follows the operands, e.g. "mask(causal)".
  std::string modifiers;
  std::vector<Captured> captured;
  /// The fields of the schedule.
  std::string schedule = "block_q = 16, block_kv = 16";
  /// The lengths, where the types give them. The batch is then 2.
  std::optional<Lengths> lengths;
  /// Changes the inputs.
  std::function<void(std::vector<Tensor> &)> prepare;

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

std::string Captured::getType() const {
  std::string type = "tensor<";
  for (int64_t size : shape)
    type += (size < 0 ? "?" : std::to_string(size)) + "x";
  return type + element + ">";
}

/// Lists half of the columns of each row, in random order and among numbers of
/// none.
static void fillColumns(Tensor &tensor, int64_t columns, bool second,
                        std::mt19937 &generator) {
  int64_t rows = tensor.shape[2], entries = tensor.shape[3];
  for (int64_t list = 0; list != tensor.size() / entries; ++list) {
    std::vector<int64_t> all(columns);
    std::iota(all.begin(), all.end(), 0);
    std::shuffle(all.begin(), all.end(), std::mt19937(list % rows));
    all.erase(second ? all.begin() : all.begin() + columns / 2,
              second ? all.begin() + columns / 2 : all.end());
    all.insert(all.end(), {-1, columns, -9, columns + 2147483});
    std::shuffle(all.begin(), all.end(), generator);
    all.resize(entries, -1);
    std::copy(all.begin(), all.end(), tensor.values.begin() + list * entries);
  }
}

Tensor Captured::create(int64_t batch, Lengths lengths, unsigned seed) const {
  Tensor tensor;
  for (int64_t size : shape)
    tensor.shape.push_back(
        size == Batch  ? batch
        : size == Keys ? lengths.keys
        : size == Rows ? llvm::divideCeilSigned(lengths.queries, blocks.queries)
                       : size);
  if (least == most && !blocks.keys)
    return makeRandom(tensor.shape, element, seed);
  tensor.values.resize(tensor.size());
  std::mt19937 generator(seed);
  if (blocks.keys) {
    fillColumns(tensor, llvm::divideCeilSigned(lengths.keys, blocks.keys),
                blocks.second, generator);
    return tensor;
  }
  std::uniform_int_distribution<int64_t> distribution(least, most);
  for (double &value : tensor.values)
    value = static_cast<double>(distribution(generator));
  return tensor;
}

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
  for (const Captured &tensor : captured)
    arguments += ", " + tensor.name + ": " + tensor.getType();
  return "func.func @f(" + arguments + ") -> (" + output + ", " + lse +
         ") {\n  %kv = attn.kv.dense " + operands[1] + ", " + operands[2] +
         " : " + types[1] + ", " + types[2] + "\n  %o, %lse = attn.attention " +
         operands[0] + ", %kv " + modifiers +
         " {tile.schedule = #tile.schedule<" + schedule +
         ", target = #sm90.schedule<>>} : " + types[0] + ", !attn.kv<" +
         types[1] + ", " + types[2] + "> -> " + output + ", " + lse +
         "\n  return %o, %lse : " + output + ", " + lse + "\n}\n";
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
               func::FuncOp function, ArrayRef<tile::KernelOp> kernels);

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
                               ArrayRef<tile::KernelOp> kernels) {
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
  for (const Captured &tensor : program.captured)
    inputs.push_back(tensor.create(batch, lengths, /*seed=*/inputs.size()));
  if (program.prepare)
    program.prepare(inputs);
  auto expected = reference::run(function, inputs);
  auto got = reference::runTile(kernels, inputs);
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
            llvm::to_vector(lowered->getOps<tile::KernelOp>()));
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
    "  attn.yield %keep : i1 }",
    // More than one interval.
    "mask(causal or first<4>)", "mask((causal and window<30, 0>) or first<20>)",
    "mask(causal and (first<40> or window<5, 0>))", "mask(not causal)",
    "mask(not window<20, 3>)", "mask(not (window<20, 3> or first<40>))",
    "mask(chunk<32> and causal)", "mask(chunk<24>)", "mask(not chunk<40>)",
    "mask((chunk<16> and causal) or first<3> or window<2, 0>)",
    "mask(window<2, 2> or first<5> or chunk<100> or not first<90>)",
    // Beyond the end of the keys, and nothing at all.
    "mask(first<999> and not first<900>)", "mask(first<3> and not first<3>)",
    // Falls with the query; twice the key; on each side another of them.
    "mask { ^bb0(%b: index, %h: index, %p: index, %j: index):\n"
    "  %c90 = arith.constant 90 : index\n"
    "  %sum = arith.addi %j, %p : index\n"
    "  %keep = arith.cmpi sle, %sum, %c90 : index\n"
    "  attn.yield %keep : i1 }",
    "mask { ^bb0(%b: index, %h: index, %p: index, %j: index):\n"
    "  %twice = arith.addi %j, %j : index\n"
    "  %0 = arith.cmpi sle, %twice, %p : index\n"
    "  %c3 = arith.constant 3 : index\n"
    "  %thrice = arith.muli %p, %c3 : index\n"
    "  %1 = arith.cmpi sgt, %twice, %thrice : index\n"
    "  %keep = arith.xori %0, %1 : i1\n"
    "  attn.yield %keep : i1 }",
    // Per head, and by what no bound is read off.
    "mask { ^bb0(%b: index, %h: index, %p: index, %j: index):\n"
    "  %c1 = arith.constant 1 : index\n"
    "  %c3 = arith.constant 3 : index\n"
    "  %all = attn.causal %p, %j\n"
    "  %few = attn.window<10, 0> %p, %j\n"
    "  %sink = attn.first<4> %j\n"
    "  %near = arith.ori %few, %sink : i1\n"
    "  %is = arith.cmpi slt, %h, %c1 : index\n"
    "  %chosen = arith.select %is, %all, %near : i1\n"
    "  %distance = arith.subi %p, %j : index\n"
    "  %rest = arith.remsi %distance, %c3 : index\n"
    "  %c0 = arith.constant 0 : index\n"
    "  %odd = arith.cmpi ne, %rest, %c0 : index\n"
    "  %keep = arith.andi %chosen, %odd : i1\n"
    "  attn.yield %keep : i1 }"};

static const char *const kSchedules[] = {
    "block_q = 16, block_kv = 16",
    "block_q = 32, block_kv = 16, hoist_score_dot = false, longest_first = "
    "true",
    "block_q = 16, block_kv = 32, split_masked_loop = false, "
    "rescale_threshold = 0",
    "block_q = 16, block_kv = 32, lazy_max = true",
    "block_q = 8, block_kv = 16, hoist_score_dot = false, "
    "split_masked_loop = false, longest_first = true, diagonal_first = true",
    "block_q = 24, block_kv = 40, rescale_threshold = 0, diagonal_first = "
    "true"};

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

namespace {
/// Writes random masks: bounds in random spellings, joined at random.
class RandomMask {
public:
  explicit RandomMask(std::mt19937 &generator) : generator(generator) {}

  /// A tensor of lengths %n and one of ids %d may be read.
  std::string get() {
    std::string keep = makeTerm(/*depth=*/3);
    return "mask { ^bb0(%b: index, %h: index, %p: index, %j: index):\n" + text +
           "  attn.yield " + keep + " : i1 }";
  }

private:
  int64_t draw(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(generator);
  }
  std::string define(const std::string &op) {
    std::string name = "%x" + std::to_string(count++);
    text += "  " + name + " = " + op + "\n";
    return name;
  }
  std::string constant(int64_t low, int64_t high) {
    return define("arith.constant " + std::to_string(draw(low, high)) +
                  " : index");
  }
  std::string makeTerm(int depth);
  std::string makeComparison();
  std::string makeBound();

  std::mt19937 &generator;
  std::string text;
  unsigned count = 0;
};
} // namespace

std::string RandomMask::makeTerm(int depth) {
  int64_t kind = depth == 0 ? 9 : draw(0, 9);
  if (kind <= 2)
    return define("arith.andi " + makeTerm(depth - 1) + ", " +
                  makeTerm(depth - 1) + " : i1");
  if (kind <= 5)
    return define("arith.ori " + makeTerm(depth - 1) + ", " +
                  makeTerm(depth - 1) + " : i1");
  if (kind == 6)
    return define("arith.xori " + makeTerm(depth - 1) + ", " +
                  makeTerm(depth - 1) + " : i1");
  if (kind == 7) {
    std::string head = constant(0, 2);
    std::string condition = define("arith.cmpi eq, %h, " + head + " : index");
    return define("arith.select " + condition + ", " + makeTerm(depth - 1) +
                  ", " + makeTerm(depth - 1) + " : i1");
  }
  return draw(0, 9) == 0
             ? define("attn.document %d, %b, %p, %j : tensor<?x?xi32>")
             : makeComparison();
}

std::string RandomMask::makeBound() {
  std::string value = constant(-40, 80);
  if (draw(0, 1))
    value = define(std::string("arith.") + (draw(0, 3) ? "addi" : "subi") +
                   (draw(0, 1) ? " %p, " : " %b, ") + value + " : index");
  if (draw(0, 4) == 0) {
    std::string length = define("attn.read %n[%b] : tensor<?xi32>");
    length = define("arith.index_cast " + length + " : i32 to index");
    value = define("arith.addi " + value + ", " + length + " : index");
  }
  if (draw(0, 3) == 0)
    value = define("arith.floordivsi " + value + ", " + constant(1, 30) +
                   " : index");
  return value;
}

std::string RandomMask::makeComparison() {
  static const char *const predicates[] = {"slt", "sle", "sgt",
                                           "sge", "eq",  "ne"};
  std::string key = "%j", bound = makeBound();
  if (draw(0, 1))
    key = define("arith.subi %j, " + constant(-40, 80) + " : index");
  if (draw(0, 4) == 0)
    key =
        define("arith.floordivsi " + key + ", " + constant(1, 30) + " : index");
  if (draw(0, 9) == 0)
    key = define("arith.muli " + key + ", " + constant(-3, 3) + " : index");
  if (draw(0, 1))
    std::swap(key, bound);
  // Equality keeps few keys.
  return define(std::string("arith.cmpi ") +
                predicates[draw(0, draw(0, 2) ? 3 : 5)] + ", " + key + ", " +
                bound + " : index");
}

TEST_F(DifferentialTest, RandomMasks) {
  for (unsigned seed = 0; seed != 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 generator(seed);
    std::uniform_int_distribution<int64_t> length(0, 99);
    Program program;
    program.modifiers = RandomMask(generator).get();
    program.captured = {{"%n", "i32", {Batch}, -5, 60},
                        {"%d", "i32", {Batch, Keys}, 0, 2}};
    program.schedule = kSchedules[seed % std::size(kSchedules)];
    // Each tensor must be of use.
    for (const Captured &tensor : std::vector<Captured>(program.captured))
      if (program.modifiers.find(tensor.name + "[") == std::string::npos &&
          program.modifiers.find(tensor.name + ",") == std::string::npos)
        llvm::erase_if(program.captured, [&](const Captured &other) {
          return other.name == tensor.name;
        });
    for (int i = 0; i != 3; ++i) {
      Lengths lengths{length(generator), length(generator)};
      compare(program, lengths, kF32Bounds);
    }
  }
}

TEST_F(DifferentialTest, MasksReadTensors) {
  Captured lengths = {"%n", "i32", {Batch}, -3, 150};
  Captured wide = {"%n", "i64", {Batch}, -3, 150};
  Captured ids = {"%d", "i32", {Batch, Keys}, 0, 2};
  Captured table = {"%t", "i1", {2, 7, 11}, -1, 0};
  std::pair<const char *, std::vector<Captured>> masks[] = {
      {"mask(prefix(%n : tensor<?xi32>))", {lengths}},
      {"mask(causal or prefix(%n : tensor<?xi64>))", {wide}},
      {"mask(causal and not prefix(%n : tensor<?xi32>))", {lengths}},
      {"mask(document(%d : tensor<?x?xi32>))", {ids}},
      {"mask(causal and document(%d : tensor<?x?xi32>))", {ids}},
      {"mask(window<20, 0> or (document(%d : tensor<?x?xi32>) and causal))",
       {ids}},
      // Mostly outside of the tensor.
      {"mask { ^bb0(%b: index, %h: index, %p: index, %j: index):\n"
       "  %keep = attn.read %t[%h, %p, %j] : tensor<2x7x11xi1>\n"
       "  attn.yield %keep : i1 }",
       {table}}};
  for (auto &[mask, captured] : masks)
    for (const char *schedule : kSchedules) {
      Program program;
      program.modifiers = mask;
      program.captured = captured;
      program.schedule = schedule;
      compare(program, kLengths, kF32Bounds);
    }
}

TEST_F(DifferentialTest, ScoresAreModified) {
  Captured slopes = {"%s", "f32", {2}};
  Captured bias = {"%t", "bf16", {2, Keys, Keys}};
  std::pair<const char *, std::vector<Captured>> scores[] = {
      {"score(softcap<3.0>)", {}},
      {"score(softcap<300.0>)", {}},
      {"mask(causal) score(alibi(%s : tensor<2xf32>))", {slopes}},
      {"mask(window<20, 0> or first<4>) score(softcap<5.0>, alibi(%s : "
       "tensor<2xf32>))",
       {slopes}},
      {"score { ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):\n"
       "  %t0 = attn.read %t[%h, %p, %j] : tensor<2x?x?xbf16>\n"
       "  %t1 = arith.extf %t0 : bf16 to f32\n"
       "  %y = arith.addf %x, %t1 : f32\n"
       "  attn.yield %y : f32 }",
       {bias}},
      // The same for all.
      {"score { ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):\n"
       "  %y = arith.constant 2.0 : f32\n"
       "  attn.yield %y : f32 }",
       {}}};
  for (auto &[score, captured] : scores)
    for (const char *schedule : kSchedules)
      for (const char *scale :
           {"", "scale(1.0)", "scale(-0.3)", "scale(0.0)"}) {
        Program program;
        program.modifiers = std::string(score) + " " + scale;
        program.captured = captured;
        program.schedule = schedule;
        // Scores are large, and so is what is rounded.
        compare(program, {{63, 63}, {20, 70}, {70, 20}}, {2e-5, 5e-5});
      }
}

TEST_F(DifferentialTest, SinksTakePart) {
  Captured sinks = {"%s", "f32", {2}};
  for (const char *mask : {"", "mask(causal)", "mask(window<3, 0>)"})
    for (const char *schedule : kSchedules) {
      Program program;
      program.modifiers = std::string(mask) + " sink(%s : tensor<2xf32>)";
      program.captured = {sinks};
      program.schedule = schedule;
      compare(program, {{63, 63}, {20, 70}, {70, 20}, {5, 0}}, kF32Bounds);
    }
}

/// Counts and columns of lists of blocks of 48 queries and 96 keys.
static std::vector<Captured> makeLists(SmallVector<int64_t> counts,
                                       StringRef name, bool second) {
  SmallVector<int64_t> columns(counts);
  columns.push_back(7);
  return {{("%" + name + "n").str(), "i32", counts, -1, 9},
          {("%" + name + "c").str(), "i32", columns, 0, 0, {48, 96, second}}};
}

static std::string getClause(StringRef word, ArrayRef<Captured> list) {
  return (" " + word + "(" + list[0].name + ", " + list[1].name + " : " +
          list[0].getType() + ", " + list[1].getType() + ")")
      .str();
}

TEST_F(DifferentialTest, BlocksAreListed) {
  // The rows of counts are those of columns.
  auto lists = [](SmallVector<int64_t> shape, StringRef name, bool second) {
    std::vector<Captured> list = makeLists(shape, name, second);
    list[0].blocks.queries = 48;
    return list;
  };
  std::vector<Captured> own = lists({Batch, 2, Rows}, "p", false),
                        shared = lists({1, 1, Rows}, "f", true),
                        ofHeads = lists({1, 2, Rows}, "p", false);
  std::string partial = getClause("partial", own);
  std::string full = getClause("full", shared);
  std::pair<std::string, std::vector<Captured>> cases[] = {
      {"blocks<48, 96>" + partial, own},
      {"mask(causal) blocks<48, 96>" + partial, own},
      {"blocks<48, 96>" + full, shared},
      {"mask(window<20, 3>) scale(-0.3) blocks<48, 96>" +
           getClause("partial", ofHeads) + full,
       ofHeads},
      // A mask of which no bounds are read.
      {"mask { ^bb0(%b: index, %h: index, %p: index, %j: index):\n"
       "  %c3 = arith.constant 3 : index\n"
       "  %rest = arith.remsi %j, %c3 : index\n"
       "  %keep = arith.cmpi eq, %rest, %h : index\n"
       "  attn.yield %keep : i1 } score(softcap<9.0>) blocks<48, 96>" +
           partial + full,
       own}};
  cases[3].second.insert(cases[3].second.end(), shared.begin(), shared.end());
  cases[4].second.insert(cases[4].second.end(), shared.begin(), shared.end());
  for (auto &[modifiers, captured] : cases)
    for (const char *schedule :
         {"block_q = 16, block_kv = 32", "block_q = 48, block_kv = 96",
          "block_q = 16, block_kv = 48, lazy_max = true",
          "block_q = 24, block_kv = 16, hoist_score_dot = false, "
          "longest_first = true"}) {
      Program program;
      program.modifiers = modifiers;
      program.captured = captured;
      program.schedule = schedule;
      compare(program, kLengths, {2e-5, 5e-5});
      compare(program, {{500, 700}, {96, 960}, {300, 300}}, {2e-5, 5e-5});
    }
}

/// Keys and values of other blocks are not numbers, which the result would not
/// be either.
TEST_F(DifferentialTest, OtherBlocksAreNotLoaded) {
  Program program;
  program.modifiers =
      "mask(causal) blocks<48, 96> "
      "partial(%pn, %pc : tensor<1x1x4xi32>, tensor<1x1x4x2xi32>)"
      " full(%fn, %fc : tensor<1x1x4xi32>, tensor<1x1x4x2xi32>)";
  program.captured = {{"%pn", "i32", {1, 1, 4}, 0, 1},
                      {"%pc", "i32", {1, 1, 4, 2}, 0, 1},
                      {"%fn", "i32", {1, 1, 4}, 0, 1},
                      {"%fc", "i32", {1, 1, 4, 2}, 0, 1}};
  program.schedule = "block_q = 16, block_kv = 32";
  program.prepare = [](std::vector<Tensor> &inputs) {
    inputs[3].values = {1, 1, 0, 1};
    inputs[4].values = {2, -1, 0, -1, 2, 0, 0, 2};
    inputs[5].values = {1, 1, 2, 0};
    inputs[6].values = {0, 5, 5, 0, 5, 0, 5, 0};
    // Blocks 0, 2 and 5 are listed.
    for (Tensor *tensor : {&inputs[1], &inputs[2]}) {
      int64_t row = tensor->size() / tensor->shape[1];
      for (int64_t key = 0; key != tensor->shape[1]; ++key)
        if (int64_t block = key / 96; block != 0 && block != 2 && block != 5)
          std::fill_n(tensor->values.begin() + key * row, row,
                      std::numeric_limits<double>::quiet_NaN());
    }
  };
  compare(program, {{150, 570}}, {2e-5, 5e-5});
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
  for (const char *scale :
       {"scale(1.0)", "scale(0.01)", "scale(0.0)", "scale(-0.25)"}) {
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
