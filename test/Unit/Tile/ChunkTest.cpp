//===- ChunkTest.cpp - Chunked recurrences against the reference ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChunkTest.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"
#include "attn/Reference/TileInterpreter.h"

#include "mlir/AsmParser/AsmParser.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

ChunkTest::ChunkTest() {
  DialectRegistry registry;
  registerDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

void ChunkTest::normalizeRows(Tensor &tensor) {
  int64_t columns = tensor.shape.back();
  for (auto it = tensor.values.begin(); it != tensor.values.end();
       it += columns) {
    double sum = 0;
    for (int64_t i = 0; i != columns; ++i)
      sum += it[i] * it[i];
    for (int64_t i = 0; i != columns; ++i)
      it[i] /= std::sqrt(sum);
  }
}

void ChunkTest::addDirection(RecurrenceProgram &program) {
  Tensor keys = random(program.key.shape);
  normalizeRows(keys);
  Tensor direction = keys;
  auto columns = static_cast<size_t>(keys.shape.back());
  Tensor shares =
      uniform({static_cast<int64_t>(keys.values.size() / columns)}, -1, 0);
  for (size_t i = 0; i != direction.values.size(); ++i)
    direction.values[i] *= shares.values[i / columns];
  program.operands["erase_key"].tensor = keys;
  program.operands["erase_direction"].tensor = direction;
  program.flags["before_decay"] = "";
}

void ChunkTest::pack(RecurrenceProgram &program, ArrayRef<int64_t> lengths) {
  auto dropBatch = [](Tensor &tensor) {
    if (tensor.shape.size() > 1)
      tensor.shape.erase(tensor.shape.begin());
  };
  dropBatch(program.query);
  dropBatch(program.key);
  dropBatch(program.value);
  for (auto &[name, operand] : program.operands)
    if (name != "state")
      dropBatch(operand.tensor);
  std::vector<double> ends{0};
  for (int64_t length : lengths)
    ends.push_back(ends.back() + length);
  program.operands["cu_seqlens"] = makeIntegers(ends);
}

double ChunkTest::getError(const Tensor &a, const Tensor &b, int64_t head,
                           int64_t heads, int64_t columns) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i != b.values.size(); ++i) {
    if (static_cast<int64_t>(i) / columns % heads != head)
      continue;
    difference += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
    norm += b.values[i] * b.values[i];
  }
  return norm == 0 ? difference : std::sqrt(difference / norm);
}

/// The inputs of a kernel in front of that of the program.
static std::vector<Tensor> selectInputs(tile::KernelOp kernel,
                                        const RecurrenceProgram &program) {
  auto arguments = program.getArguments();
  std::vector<Tensor> inputs;
  for (unsigned i = 0; i < kernel.getArgumentTypes().size(); ++i) {
    if (kernel.getArgAttr(i, tile::KernelOp::getWorkspaceAttrName()))
      continue;
    auto name = kernel.getArgAttrOfType<StringAttr>(
        i, tile::KernelOp::getNameAttrName());
    unsigned number = 0;
    EXPECT_FALSE(name.getValue().drop_front(3).getAsInteger(10, number));
    inputs.push_back(arguments[number].second.tensor);
  }
  return inputs;
}

static std::vector<Tensor> getInputs(const RecurrenceProgram &program) {
  std::vector<Tensor> inputs;
  for (const auto &[name, operand] : program.getArguments())
    inputs.push_back(operand.tensor);
  return inputs;
}

std::vector<Tensor> ChunkTest::runChunks(const std::string &source,
                                         const RecurrenceProgram &program,
                                         int64_t channels, int64_t chunk) {
  func::FuncOp function = parse(source);
  int64_t valueDim = program.value.shape.back();
  std::string schedule = "#tile.schedule<block_q = " +
                         std::to_string(channels ? channels : valueDim) +
                         ", block_kv = " + std::to_string(chunk) +
                         ", segment_chunks = " + std::to_string(segmentChunks) +
                         ", target = #sm90.schedule<>>";
  function.walk([&](RecurrenceOp op) {
    op->setAttr("tile.schedule", parseAttribute(schedule, &context));
  });
  bool isLowered = succeeded(lowerToLevel(*module, EmitLevel::Tile, {}));
  EXPECT_TRUE(isLowered) << messages << source;
  if (!isLowered)
    return {};
  auto kernels = llvm::to_vector(module->getOps<tile::KernelOp>());
  EXPECT_EQ(kernels.size(), segmentChunks == 0 ? 1u : guessesStarts ? 4u : 2u);
  if (segmentChunks) {
    auto front = ArrayRef<tile::KernelOp>(kernels).drop_back();
    auto found = runTile(front, selectInputs(front.back(), program));
    EXPECT_TRUE(succeeded(found)) << messages << source;
    segments = succeeded(found) ? found->front() : Tensor();
  }
  auto got = runTile(kernels, getInputs(program));
  EXPECT_TRUE(succeeded(got)) << messages << source;
  return succeeded(got) ? *got : std::vector<Tensor>();
}

void ChunkTest::compare(const std::string &source,
                        const RecurrenceProgram &program, double bound,
                        int64_t channels, int64_t chunk) {
  auto expected = run(parse(source), getInputs(program));
  ASSERT_TRUE(succeeded(expected)) << messages << source;
  std::vector<Tensor> got = runChunks(source, program, channels, chunk);
  ASSERT_EQ(got.size(), expected->size());
  int64_t heads = program.value.shape.rbegin()[1];
  int64_t valueDim = program.value.shape.back();
  for (int64_t head = 0; head != heads; ++head)
    EXPECT_LE(getError(got[0], (*expected)[0], head, heads, valueDim), bound)
        << "head " << head << "\n"
        << source;
  for (int64_t head = 0; got.size() > 1 && head != heads; ++head)
    EXPECT_LE(getError(got[1], (*expected)[1], head, heads,
                       valueDim * program.query.shape.back()),
              bound)
        << "state of head " << head << "\n"
        << source;
}

void ChunkTest::compare(const RecurrenceProgram &program, double bound,
                        int64_t channels, int64_t chunk) {
  compare(program.spellForward(), program, bound, channels, chunk);
}

void ChunkTest::compareRounded(RecurrenceProgram program, double bound) {
  SmallVector<Tensor *> rounded{&program.query, &program.key, &program.value};
  for (const char *name : {"erase_key", "erase_direction"})
    if (auto it = program.operands.find(name); it != program.operands.end())
      rounded.push_back(&it->second.tensor);
  for (Tensor *tensor : rounded)
    for (double &value : tensor->values) {
      APFloat rounded(value);
      bool losesInfo;
      rounded.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven,
                      &losesInfo);
      value = rounded.convertToDouble();
    }
  std::string source = program.spellForward();
  for (ArrayRef<int64_t> shape : {ArrayRef<int64_t>(program.query.shape),
                                  ArrayRef<int64_t>(program.value.shape)}) {
    std::string from = RecurrenceProgram::spellType(shape, "f32");
    std::string to = RecurrenceProgram::spellType(shape, "bf16");
    for (size_t at; (at = source.find(from)) != std::string::npos;)
      source.replace(at, from.size(), to);
    // Strengths of channels may have the sizes of values.
    for (const char *gates : {"erase", "write"})
      for (const char *colon : {": ", " : "}) {
        std::string name = std::string("%") + gates + colon;
        if (size_t at = source.find(name + to); at != std::string::npos)
          source.replace(at + name.size(), to.size(), from);
      }
  }
  compare(source, program, bound, /*channels=*/0, /*chunk=*/64);
}

std::vector<int64_t> ChunkTest::findStarts(const Tensor &segments) {
  std::vector<int64_t> starts;
  for (int64_t s = 0; s != segments.shape[1]; ++s)
    starts.push_back(static_cast<int64_t>(segments.values[4 * s]));
  return starts;
}

//===----------------------------------------------------------------------===//
// Lengths, decays, strengths
//===----------------------------------------------------------------------===//

TEST_F(ChunkTest, LengthsOfGatedDelta) {
  for (int64_t tokens : kLengths) {
    RecurrenceProgram program = makeUnitKeys({2, tokens, 1, 2, 8, 6});
    program.operands["decay"] = makeDecay(uniform({2, tokens, 2}, -0.5, 0));
    addDelta(program, uniform({2, tokens, 2}, 0, 1));
    program.finalLayout = "key_value";
    compare(program, kF32Bound);
  }
}

TEST_F(ChunkTest, StrengthsAndDecays) {
  for (double decay : {0.0, -0.01, -5.0, -20.0})
    for (double beta : {0.0, 1.0, 2.0}) {
      RecurrenceProgram program = makeUnitKeys({1, 150, 1, 1, 8, 6});
      program.operands["decay"] = makeDecay(makeFilled({1, 150, 1}, decay));
      addDelta(program, makeFilled({1, 150, 1}, beta));
      // Nothing is written where beta is 0, so that there is to be a state.
      program.operands["state"] = makeState(random({1, 1, 8, 6}));
      program.finalLayout = "key_value";
      compare(program, kF32Bound);
    }
}

TEST_F(ChunkTest, LengthsWithoutADecay) {
  for (int64_t tokens : kLengths) {
    RecurrenceProgram program = makeUnitKeys({1, tokens, 1, 1, 8, 6});
    program.finalLayout = "key_value";
    compare(program, kF32Bound);
    addDelta(program, uniform({1, tokens, 1}, 0, 2));
    compare(program, kF32Bound);
  }
}

/// Behind the last token a constant does not decay the state any more.
TEST_F(ChunkTest, ConstantDecays) {
  for (const char *scale : {"log", "linear"}) {
    bool isLog = scale == StringRef("log");
    RecurrenceProgram program = makeUnitKeys({2, 70, 2, 2, 8, 6});
    program.operands["decay"] =
        makeDecay(uniform({2}, isLog ? -1 : 0.3, isLog ? 0 : 1), scale);
    program.finalLayout = "value_key";
    compare(program, kF32Bound);
    addDelta(program, uniform({2, 70, 2}, 0, 1));
    compare(program, kF32Bound);
  }
}

/// A factor of zero, whose logarithm is infinite, is a new beginning.
TEST_F(ChunkTest, LinearDecays) {
  RecurrenceProgram program = makeUnitKeys({1, 70, 1, 2, 8, 6});
  Tensor factors = uniform({1, 70, 2}, 0.5, 1);
  for (int64_t i : {4, 5, 40, 80, 139})
    factors.values[i] = 0;
  program.operands["decay"] = makeDecay(factors, "linear");
  program.finalLayout = "key_value";
  compare(program, kF32Bound);
  addDelta(program, uniform({1, 70, 2}, 0, 1));
  compare(program, kF32Bound);
}

/// One that is stronger than f32 can say leaves nothing, and neither does an
/// infinite one.
TEST_F(ChunkTest, StrongDecays) {
  RecurrenceProgram program = makeUnitKeys({1, 70, 1, 1, 8, 6});
  Tensor logarithms = uniform({1, 70, 1}, -300, 0);
  logarithms.values[7] = -std::numeric_limits<double>::infinity();
  program.operands["decay"] = makeDecay(logarithms);
  addDelta(program, uniform({1, 70, 1}, 0, 1));
  compare(program, 2e-4);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

TEST_F(ChunkTest, ErasesAndWritesOfTheirOwn) {
  RecurrenceProgram program = makeUnitKeys({1, 70, 2, 4, 8, 6});
  program.operands["erase"].tensor = uniform({1, 70, 4}, 0, 1);
  compare(program, kF32Bound);
  program.operands["write"].tensor = uniform({1, 70, 4}, 0, 2);
  compare(program, kF32Bound);
  program.operands["decay"] = makeDecay(uniform({1, 70, 4}, -0.3, 0));
  compare(program, kF32Bound);
  program.operands.erase("erase");
  compare(program, kF32Bound);
}

TEST_F(ChunkTest, EraseKeys) {
  for (int64_t heads : {2, 4}) {
    RecurrenceProgram program = makeUnitKeys({1, 70, 2, 4, 8, 6});
    Tensor keys = random({1, 70, heads, 8});
    normalizeRows(keys);
    program.operands["erase_key"].tensor = keys;
    program.operands["decay"] = makeDecay(uniform({1, 70, 4}, -1, -0.2));
    compare(program, kF32Bound);
    addDelta(program, uniform({1, 70, 4}, 0, 0.5));
    compare(program, kF32Bound);
  }
}

TEST_F(ChunkTest, PartsOfTheValueAndSmallChunks) {
  RecurrenceProgram program = makeUnitKeys({2, 50, 1, 3, 4, 12});
  program.operands["decay"] = makeDecay(uniform({2, 50, 3}, -0.5, 0));
  addDelta(program, uniform({2, 50, 3}, 0, 1));
  program.flags["scale"] = "(0.75)";
  program.finalLayout = "value_key";
  compare(program, kF32Bound, /*channels=*/4, /*chunk=*/16);
}

TEST_F(ChunkTest, States) {
  for (const char *initial : {"key_value", "value_key"})
    for (const char *final : {"key_value", "value_key"}) {
      RecurrenceProgram program = makeUnitKeys({2, 70, 1, 2, 8, 6});
      program.operands["decay"] = makeDecay(uniform({2, 70, 2}, -0.1, 0));
      addDelta(program, uniform({2, 70, 2}, 0, 1));
      bool isKeyFirst = initial == StringRef("key_value");
      program.operands["state"] = makeState(
          isKeyFirst ? random({2, 2, 8, 6}) : random({2, 2, 6, 8}), initial);
      program.finalLayout = final;
      compare(program, kF32Bound);
    }
}

/// Chunks begin with a sequence, and end with it; one without tokens keeps its
/// state.
TEST_F(ChunkTest, PackedSequences) {
  for (bool erases : {false, true}) {
    RecurrenceProgram program = makeUnitKeys({1, 180, 1, 2, 8, 6});
    program.operands["decay"] = makeDecay(uniform({1, 180, 2}, -0.5, 0));
    if (erases)
      addDelta(program, uniform({1, 180, 2}, 0, 1));
    program.operands["state"] = makeState(random({5, 2, 8, 6}));
    program.finalLayout = "key_value";
    pack(program, {1, 64, 0, 65, 50});
    compare(program, kF32Bound);
    program.operands.erase("state");
    program.finalLayout = "";
    compare(program, kF32Bound);
  }
}

/// A linear or a constant decay says nothing of the rows of the next sequence.
TEST_F(ChunkTest, PackedSequencesWithOtherDecays) {
  RecurrenceProgram program = makeUnitKeys({1, 100, 1, 2, 8, 6});
  program.operands["decay"] = makeDecay(uniform({1, 100, 2}, 0.5, 1), "linear");
  program.operands["state"] = makeState(random({2, 2, 8, 6}));
  program.finalLayout = "key_value";
  pack(program, {30, 70});
  compare(program, kF32Bound);
  program.operands["decay"] = makeDecay(uniform({2}, -0.5, 0));
  compare(program, kF32Bound);
}

//===----------------------------------------------------------------------===//
// Rows that are normalised
//===----------------------------------------------------------------------===//

/// Of lengths from 0, which stays 0, to 30.
TEST_F(ChunkTest, NormalisedRows) {
  for (const char *epsilon : {"(1.0e-06)", "(0.5)"})
    for (bool erases : {false, true})
      for (bool decays : {false, true}) {
        RecurrenceProgram program = makeUnitKeys({1, 150, 1, 2, 8, 6});
        for (int64_t t = 0; t != 150; ++t)
          for (int64_t c = 0; c != 8; ++c) {
            program.key.values[8 * t + c] *= t % 31;
            program.query.values[8 * t + c] *= t % 7;
          }
        program.flags["l2_normalize"] = epsilon;
        if (decays)
          program.operands["decay"] = makeDecay(uniform({1, 150, 2}, -0.5, 0));
        if (erases)
          addDelta(program, uniform({1, 150, 2}, 0, 1));
        program.operands["state"] = makeState(random({1, 2, 8, 6}));
        program.finalLayout = "key_value";
        compare(program, kF32Bound);
      }
}

TEST_F(ChunkTest, NormalisedRowsWithOtherOperands) {
  RecurrenceProgram program = makeProgram({1, 70, 2, 4, 8, 12});
  program.flags["l2_normalize"] = "(0.0)";
  program.operands["decay"] = makeDecay(uniform({1, 70, 4, 8}, -1, -0.2));
  program.operands["erase"].tensor = uniform({1, 70, 4}, 0, 1);
  compare(program, kF32Bound, /*channels=*/4, /*chunk=*/16);
  program.operands["write"].tensor = uniform({1, 70, 4}, 0, 2);
  compare(program, kF32Bound);
  // A key of its own is not normalised.
  Tensor keys = random({1, 70, 2, 8});
  normalizeRows(keys);
  program.operands["erase_key"].tensor = keys;
  compare(program, kF32Bound);
}

/// What is erased along a key that is normalised is at most its strength.
TEST_F(ChunkTest, SegmentsOfNormalisedKeys) {
  segmentChunks = 2;
  RecurrenceProgram program = makeProgram({1, 110, 1, 1, 8, 6});
  for (double &value : program.key.values)
    value *= 10;
  program.flags["l2_normalize"] = "(1.0e-06)";
  program.operands["decay"] = makeDecay(makeFilled({1, 110, 1}, -1));
  addDelta(program, uniform({1, 110, 1}, 0, 1));
  compare(program, kF32Bound, /*channels=*/0, /*chunk=*/8);
  EXPECT_EQ(findStarts(segments), (std::vector<int64_t>{0, 0, 1, 3, 5, 7, 9}));
}

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

/// The errors that a kernel may make.
static constexpr double kRandomBound = 4e-3, kCorrelatedBound = 6e-3;

TEST_F(ChunkTest, RoundingOfRandomNumbers) {
  for (double decay : {-0.01, -0.2, -5.0, -20.0}) {
    RecurrenceProgram program = makeUnitKeys({1, 256, 1, 2, 128, 128});
    normalizeRows(program.query);
    program.operands["decay"] = makeDecay(uniform({1, 256, 2}, decay, 0));
    addDelta(program, uniform({1, 256, 2}, 0, 1));
    program.finalLayout = "key_value";
    compareRounded(program, kRandomBound);
    program.operands.erase("erase");
    program.operands.erase("write");
    compareRounded(program, kRandomBound);
  }
}

TEST_F(ChunkTest, RoundingOfCorrelatedKeys) {
  RecurrenceProgram program = makeCorrelatedKeys();
  program.operands["decay"] = makeDecay(makeFilled({1, 256, 1}, -1e-3));
  addDelta(program, makeFilled({1, 256, 1}, 0.95));
  program.finalLayout = "key_value";
  compareRounded(program, kCorrelatedBound);
}

TEST_F(ChunkTest, RoundingWithDecaysOfChannels) {
  for (double decay : {0.0, -0.01, -5.0, -20.0}) {
    RecurrenceProgram program = makeUnitKeys({1, 256, 1, 2, 128, 128});
    normalizeRows(program.query);
    program.operands["decay"] = makeDecay(uniform({1, 256, 2, 128}, decay, 0));
    program.finalLayout = "key_value";
    compareRounded(program, kRandomBound);
    addDelta(program, uniform({1, 256, 2}, 0, 1));
    compareRounded(program, kRandomBound);
  }
}

TEST_F(ChunkTest, RoundingOfCorrelatedKeysWithDecaysOfChannels) {
  RecurrenceProgram program = makeCorrelatedKeys();
  program.operands["decay"] = makeDecay(uniform({1, 256, 1, 128}, -1e-2, 0));
  addDelta(program, makeFilled({1, 256, 1}, 0.95));
  program.finalLayout = "key_value";
  compareRounded(program, kCorrelatedBound);
}

TEST_F(ChunkTest, RoundingWithStrengthsOfChannels) {
  for (double decay : {0.0, -0.01, -5.0, -20.0}) {
    RecurrenceProgram program = makeUnitKeys({1, 256, 1, 2, 128, 128});
    normalizeRows(program.query);
    program.operands["decay"] = makeDecay(uniform({1, 256, 2, 128}, decay, 0));
    program.operands["erase"].tensor = uniform({1, 256, 2, 128}, 0, 1);
    program.operands["write"].tensor = uniform({1, 256, 2, 128}, 0, 1);
    program.finalLayout = "key_value";
    compareRounded(program, kRandomBound);
  }
}

TEST_F(ChunkTest, RoundingInFrontOfDecays) {
  for (double decay : {0.0, -0.01, -0.6, -5.0, -20.0}) {
    RecurrenceProgram program = makeUnitKeys({1, 256, 2, 2, 64, 128});
    normalizeRows(program.query);
    program.operands["decay"] = makeDecay(uniform({1, 256, 2, 64}, decay, 0));
    program.finalLayout = "key_value";
    RecurrenceProgram other = program;
    addDirection(program);
    compareRounded(program, kRandomBound);
    other.operands["bonus"].tensor = uniform({2, 64}, 0, 1);
    compareRounded(other, kRandomBound);
  }
}
