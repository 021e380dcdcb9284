//===- ChunkTest.cpp - Chunked recurrences against the reference ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference goes token by token in f64. Programs in f32 show errors of the
// algebra that the rounding of bf16 would hide.
//
//===----------------------------------------------------------------------===//

#include "../Reference/Recurrences.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"
#include "attn/Reference/TileInterpreter.h"

#include "mlir/AsmParser/AsmParser.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

namespace {

class ChunkTest : public RecurrenceTestBase {
protected:
  ChunkTest() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// Random queries and values, and keys of length 1.
  RecurrenceProgram makeUnitKeys(const RecurrenceSizes &sizes) {
    RecurrenceProgram program = makeProgram(sizes);
    normalizeRows(program.key);
    return program;
  }
  /// 256 tokens whose keys share more than half of a common one.
  RecurrenceProgram makeCorrelatedKeys() {
    RecurrenceProgram program = makeUnitKeys({1, 256, 1, 1, 128, 128});
    for (size_t i = 0; i != program.key.values.size(); ++i)
      program.key.values[i] =
          0.6 * program.key.values[i % 128] + 0.4 * program.key.values[i];
    normalizeRows(program.key);
    normalizeRows(program.query);
    return program;
  }
  static void normalizeRows(Tensor &tensor);
  /// Reads what is erased along keys of its own, and takes a share of it out
  /// along these, in front of the decay.
  void addDirection(RecurrenceProgram &program);
  static void addDelta(RecurrenceProgram &program, const Tensor &beta) {
    program.operands["erase"].tensor = beta;
    program.operands["write"].tensor = beta;
  }
  /// Packs sequences of these lengths out of one.
  static void pack(RecurrenceProgram &program, ArrayRef<int64_t> lengths);

  /// Compares both levels, with instances of `channels` of the value, which are
  /// all where it is 0, and chunks of `chunk`.
  void compare(const RecurrenceProgram &program, double bound,
               int64_t channels = 0, int64_t chunk = 64);
  /// The same in bf16.
  void compareRounded(RecurrenceProgram program, double bound);

  /// Of schedules; 0 leaves sequences whole.
  int64_t segmentChunks = 0;
  /// Whether what is found of segments is a guess that others check.
  bool guessesStarts = false;
  /// What the kernel in front of the last one compared has found, of each head
  /// of each sequence and segment.
  Tensor segments;

  /// What the tile level computes; nothing where it cannot be run.
  std::vector<Tensor> runChunks(const std::string &source,
                                const RecurrenceProgram &program,
                                int64_t channels, int64_t chunk);

private:
  void compare(const std::string &source, const RecurrenceProgram &program,
               double bound, int64_t channels, int64_t chunk);
};

} // namespace

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

/// ||a - b|| / ||b|| over elements whose numbers have the same remainder, which
/// are those of a head, of `columns` adjacent ones.
static double getError(const Tensor &a, const Tensor &b, int64_t head,
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

static constexpr double kF32Bound = 2e-5;
static constexpr int64_t kLengths[] = {1, 15, 16, 17, 63, 64, 65, 200};

/// Of chunks of 8 tokens: the first chunk of each segment of the first head.
static std::vector<int64_t> findStarts(const Tensor &segments) {
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
      Tensor gates = makeFilled({1, 150, 1, 8}, decay);
      for (size_t i = 0; i < gates.values.size(); i += 3)
        gates.values[i] = 0;
      program.operands["decay"] = makeDecay(gates);
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
    Tensor gates = uniform({1, 150, 1, 8}, decay, decay / 2);
    for (size_t i = 0; i < gates.values.size(); i += 3)
      gates.values[i] = 0;
    program.operands["decay"] = makeDecay(gates);
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
    Tensor gates = uniform({1, 150, 1, 8}, decay, decay / 2);
    for (size_t i = 0; i < gates.values.size(); i += 3)
      gates.values[i] = 0;
    program.operands["decay"] = makeDecay(gates);
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
      Tensor erased = makeFilled({1, 150, 1, 8}, strength);
      for (size_t i = 0; i < erased.values.size(); i += 3)
        erased.values[i] = 2 - strength;
      program.operands["erase"].tensor = erased;
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
/// others, and not of every head.
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
            (std::vector<int64_t>{0, 1, 3, 5, 6, 6, 0, 13, 15, 17}));
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
    program.operands["decay"] = makeDecay(uniform({1, 110, 2, 8}, -2.8, -2));
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
