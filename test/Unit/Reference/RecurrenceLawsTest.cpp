//===- RecurrenceLawsTest.cpp - Mechanisms that are each other ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Recurrences.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn::reference;

namespace {
using RecurrenceLawsTest = RecurrenceFamilyTest;
} // namespace

TEST_F(RecurrenceLawsTest, GatedDeltaNet2WithEqualGatesIsKimi) {
  RecurrenceProgram kimi = makeKimi(), decoupled = kimi;
  const Tensor &beta = kimi.operands["erase"].tensor;
  decoupled.operands["erase"].tensor = repeat(beta, sizes.keyDim);
  decoupled.operands["write"].tensor = repeat(beta, sizes.valueDim);
  expectEqual(decoupled, kimi);
}

TEST_F(RecurrenceLawsTest, KimiWithEqualChannelsIsGatedDeltaNet) {
  RecurrenceProgram gated = makeGatedDeltaNet(), kimi = gated;
  kimi.operands["decay"] =
      makeDecay(repeat(gated.operands["decay"].tensor, sizes.keyDim));
  expectEqual(kimi, gated);
}

TEST_F(RecurrenceLawsTest, GatedDeltaNetWithoutDecayIsDeltaNet) {
  RecurrenceProgram gated = makeGatedDeltaNet(), delta = gated;
  gated.operands["decay"] = makeDecay(makeFilled(rows(), 0));
  delta.operands.erase("decay");
  expectEqual(gated, delta);
}

TEST_F(RecurrenceLawsTest, NothingErasedIsGatedLinearAttention) {
  RecurrenceProgram kimi = makeKimi(), linear = kimi;
  kimi.operands["erase"].tensor = makeFilled(rows(), 0);
  linear.operands.erase("erase");
  expectEqual(kimi, linear);
}

/// Value heads that share a key head, three to one as in Qwen3.5, are heads
/// with keys of their own.
TEST_F(RecurrenceLawsTest, ValueHeadsShareKeyHeads) {
  for (auto [heads, valueHeads] :
       {std::pair(2, 6), std::pair(16, 48), std::pair(1, 5)}) {
    sizes = {1, 5, heads, valueHeads, 4, 3, 1};
    RecurrenceProgram shared = makeGatedDeltaNet(), own = shared;
    for (Tensor *tensor : {&own.query, &own.key}) {
      Tensor repeated{tensor->shape, {}};
      repeated.shape[2] = valueHeads;
      for (auto row = tensor->values.begin(); row != tensor->values.end();
           row += sizes.keyDim)
        for (int n = 0; n != valueHeads / heads; ++n)
          repeated.values.insert(repeated.values.end(), row,
                                 row + sizes.keyDim);
      *tensor = repeated;
    }
    expectEqual(shared, own);
  }
}

TEST_F(RecurrenceLawsTest, RetentionIsConstantDecay) {
  RecurrenceProgram constant = makeStateful(), scalar = constant;
  Tensor slopes = uniform({sizes.valueHeads}, -1, 0);
  constant.operands["decay"] = makeDecay(slopes);
  Tensor all = makeFilled(rows(), 0);
  for (int64_t i = 0; i != all.size(); ++i)
    all.values[i] = slopes.values[i % sizes.valueHeads];
  scalar.operands["decay"] = makeDecay(all);
  expectEqual(constant, scalar);
}

TEST_F(RecurrenceLawsTest, LinearDecayIsExponentialOfLog) {
  for (RecurrenceProgram log : {makeKimi(), makeGatedDeltaNet()}) {
    RecurrenceProgram linear = log;
    linear.operands["decay"] =
        makeDecay(map(log.operands["decay"].tensor, std::exp), "linear");
    expectEqual(linear, log);
  }
}

/// A read behind the decay is one of a decayed key in front of it.
TEST_F(RecurrenceLawsTest, ReadInFrontOfDecay) {
  RecurrenceProgram behind = makeKimi();
  sizes.heads = sizes.valueHeads;
  RecurrenceProgram front = makeStateful();
  behind.query = front.query;
  behind.key = front.key;
  front.value = behind.value;
  for (const char *keyword : {"decay", "write", "state"})
    front.operands[keyword] = behind.operands[keyword];
  Tensor key = behind.key, minus = behind.key;
  const Tensor &beta = behind.operands["erase"].tensor;
  const Tensor &decay = behind.operands["decay"].tensor;
  for (int64_t i = 0; i != key.size(); ++i) {
    key.values[i] *= beta.values[i / sizes.keyDim] * std::exp(decay.values[i]);
    minus.values[i] *= -1;
  }
  front.operands["erase_key"].tensor = key;
  front.operands["erase_direction"].tensor = minus;
  front.flags["before_decay"] = "";
  expectEqual(front, behind);
}

/// Writes of one token are tokens of their own, of which all but the first do
/// not decay and all but the last are not read.
TEST_F(RecurrenceLawsTest, MicroStepsAreTokens) {
  sizes.writes = 3;
  RecurrenceProgram product = makeStateful();
  product.flags["micro_steps"] = "(3)";
  product.operands["decay"] = makeDecay(uniform(rows(), -1, 0));
  addDelta(product, uniform(rows(3), 0, 2));
  RecurrenceProgram tokens = product;
  tokens.flags.erase("micro_steps");
  int64_t query = sizes.heads * sizes.keyDim, heads = sizes.valueHeads;
  tokens.query =
      random({sizes.batch, sizes.tokens * 3, sizes.heads, sizes.keyDim});
  tokens.operands["decay"] = makeDecay(makeFilled(rows(3), 0));
  for (int64_t t = 0; t != sizes.batch * sizes.tokens; ++t) {
    std::copy_n(product.query.values.begin() + t * query, query,
                tokens.query.values.begin() + (3 * t + 2) * query);
    std::copy_n(product.operands["decay"].tensor.values.begin() + t * heads,
                heads,
                tokens.operands["decay"].tensor.values.begin() + 3 * t * heads);
  }
  std::vector<Tensor> expected = evaluate(product), all = evaluate(tokens);
  expectNear(all[1], expected[1]);
  int64_t size = heads * sizes.valueDim;
  for (int64_t t = 0; t != sizes.batch * sizes.tokens; ++t)
    for (int64_t i = 0; i != size; ++i)
      EXPECT_NEAR(all[0].values[(3 * t + 2) * size + i],
                  expected[0].values[t * size + i], 1e-12);
}

/// The denominator is what a value of one would read.
TEST_F(RecurrenceLawsTest, DenominatorIsAnotherRecurrence) {
  RecurrenceProgram program = makeProgram(sizes);
  program.query = uniform(program.query.shape, 0, 1);
  program.key = uniform(program.key.shape, 0, 1);
  program.operands["decay"] = makeDecay(uniform(rows(), -1, 0));
  RecurrenceProgram ones = program, ratio = program;
  ones.value = makeFilled(rows(1, 1), 1);
  ratio.flags["denominator"] = "(0.25)";
  Tensor expected = evaluate(program)[0], total = evaluate(ones)[0];
  for (int64_t i = 0; i != expected.size(); ++i)
    expected.values[i] /= total.values[i / sizes.valueDim] + 0.25;
  expectNear(evaluate(ratio)[0], expected);
}

TEST_F(RecurrenceLawsTest, NormalisedKeysCanBeGiven) {
  RecurrenceProgram inside = makeGatedDeltaNet(), outside = inside;
  inside.flags["l2_normalize"] = "(0.125)";
  for (Tensor *tensor : {&outside.query, &outside.key})
    for (int64_t first = 0; first != tensor->size(); first += sizes.keyDim) {
      double sum = 0.125;
      for (int64_t d = 0; d != sizes.keyDim; ++d)
        sum += tensor->values[first + d] * tensor->values[first + d];
      for (int64_t d = 0; d != sizes.keyDim; ++d)
        tensor->values[first + d] /= std::sqrt(sum);
    }
  expectEqual(inside, outside);
}

/// Of a bonus of one, a token reads what it writes and what was there.
TEST_F(RecurrenceLawsTest, BonusOfOneReadsTheWrite) {
  RecurrenceProgram bonus = makeStateful(), plain = bonus;
  bonus.operands["bonus"].tensor = makeFilled({sizes.heads, sizes.keyDim}, 1);
  expectEqual(bonus, plain);
}

/// A part of a sequence maps the state that it finds to M S + N, so that parts
/// compose: what a scan over chunks or devices is made of.
TEST_F(RecurrenceLawsTest, PartsComposeAsAffineMaps) {
  sizes = {1, 9, 1, 1, 5, 3, 1};
  auto map = [&](RecurrenceProgram program, const Tensor &state) {
    program.operands["state"].tensor = state;
    return evaluate(program)[1];
  };
  RecurrenceProgram parts[] = {makeKimi(), makeKimi()};
  Tensor zero = makeFilled({1, 1, 5, 3}, 0), start = random({1, 1, 5, 3});
  Tensor expected = map(parts[1], map(parts[0], start));
  Tensor state = start;
  for (const RecurrenceProgram &part : parts) {
    Tensor shift = map(part, zero), next = shift;
    for (int64_t d = 0; d != 5; ++d) {
      // Column d of M, in every column.
      Tensor one = zero;
      std::fill_n(one.values.begin() + d * 3, 3, 1.0);
      Tensor column = map(part, one);
      for (int64_t i = 0; i != 15; ++i)
        next.values[i] +=
            (column.values[i] - shift.values[i]) * state.values[d * 3 + i % 3];
    }
    state = next;
  }
  expectNear(state, expected);
}

//===----------------------------------------------------------------------===//
// States that are kept
//===----------------------------------------------------------------------===//

namespace {
struct RecurrenceKeptTest : RecurrenceLawsTest {
  /// The tokens of `program` in front of token `end` of each sequence.
  RecurrenceProgram shorten(const RecurrenceProgram &program, int64_t end) {
    RecurrenceProgram shorter = program;
    shorter.keepEvery = 0;
    auto cut = [&](Tensor &tensor) {
      Tensor first{tensor.shape, {}};
      first.shape[1] = end;
      int64_t own = first.size() / sizes.batch;
      int64_t whole = tensor.size() / sizes.batch;
      for (int64_t b = 0; b != sizes.batch; ++b)
        first.values.insert(first.values.end(),
                            tensor.values.begin() + b * whole,
                            tensor.values.begin() + b * whole + own);
      tensor = first;
    };
    for (Tensor *tensor : {&shorter.query, &shorter.key, &shorter.value})
      cut(*tensor);
    for (const char *keyword : {"decay", "erase", "write"})
      cut(shorter.operands[keyword].tensor);
    return shorter;
  }
};
} // namespace

/// Those of the sequences that end there. Nine tokens leave one behind the last
/// multiple of two or four.
TEST_F(RecurrenceKeptTest, AreFinalStatesOfShorterSequences) {
  for (const char *layout : {"key_value", "value_key"})
    for (int64_t every : {1, 2, 4, 9, 10}) {
      RecurrenceProgram program = makeKimi();
      program.finalLayout = layout;
      program.keepEvery = every;
      Tensor kept = evaluate(program)[2];
      ASSERT_EQ(kept.shape[1], sizes.tokens / every);
      int64_t size = sizes.valueHeads * sizes.keyDim * sizes.valueDim;
      for (int64_t i = 0; i != kept.shape[1]; ++i) {
        Tensor final = evaluate(shorten(program, (i + 1) * every))[1];
        for (int64_t b = 0; b != sizes.batch; ++b)
          for (int64_t e = 0; e != size; ++e)
            ASSERT_EQ(kept.values[(b * kept.shape[1] + i) * size + e],
                      final.values[b * size + e]);
      }
    }
}

/// Sequences of five, no, one and three tokens, of which every second one keeps
/// its state: rows 0 and 1 are of the first sequence, row 3 is of the last one,
/// and row 2 is of none.
TEST_F(RecurrenceKeptTest, OfPackedSequencesShareNoRow) {
  sizes = {1, 9, 2, 4, 5, 3, 1};
  RecurrenceProgram program = makeKimi(), single = program;
  auto pack = [](Tensor &tensor) { tensor.shape.erase(tensor.shape.begin()); };
  for (Tensor *tensor : {&program.query, &program.key, &program.value})
    pack(*tensor);
  for (const char *keyword : {"decay", "erase", "write"})
    pack(program.operands[keyword].tensor);
  program.operands["cu_seqlens"] = makeIntegers({0, 5, 5, 6, 9});
  program.operands["state"] = makeState(makeFilled({4, 4, 5, 3}, 0));
  program.keepEvery = 2;
  Tensor kept = evaluate(program)[2];
  ASSERT_EQ(kept.shape[0], 4);
  single.operands["state"] = makeState(makeFilled({1, 4, 5, 3}, 0));
  for (int64_t i : {0, 1}) {
    Tensor final = evaluate(shorten(single, 2 * i + 2))[1];
    for (int64_t e = 0; e != 60; ++e)
      ASSERT_EQ(kept.values[i * 60 + e], final.values[e]);
  }
  for (int64_t e = 0; e != 60; ++e) {
    ASSERT_TRUE(std::isnan(kept.values[2 * 60 + e]));
    ASSERT_FALSE(std::isnan(kept.values[3 * 60 + e]));
  }
}

//===----------------------------------------------------------------------===//
// Extremes
//===----------------------------------------------------------------------===//

namespace {
struct RecurrenceExtremesTest : RecurrenceLawsTest {
  void normaliseKeys(RecurrenceProgram &program) {
    for (int64_t first = 0; first != program.key.size();
         first += sizes.keyDim) {
      double sum = 0;
      for (int64_t d = 0; d != sizes.keyDim; ++d)
        sum += program.key.values[first + d] * program.key.values[first + d];
      for (int64_t d = 0; d != sizes.keyDim; ++d)
        program.key.values[first + d] /= std::sqrt(sum);
    }
  }
};
} // namespace

/// Beta 1 and a key of length 1: what is read with the key is the value.
TEST_F(RecurrenceExtremesTest, ExactOverwrite) {
  RecurrenceProgram program = makeGatedDeltaNet();
  addDelta(program, makeFilled(rows(), 1));
  normaliseKeys(program);
  program.query = program.key;
  program.flags["scale"] = "(1.0)";
  expectNear(evaluate(program)[0], program.value);
}

/// Beta 2 without a write reflects the state: it keeps its size. So does a gate
/// of 2 in every channel.
TEST_F(RecurrenceExtremesTest, Reflection) {
  auto size = [](const Tensor &tensor) {
    double sum = 0;
    for (double value : tensor.values)
      sum += value * value;
    return std::sqrt(sum);
  };
  for (const Tensor &erase :
       {makeFilled(rows(), 2), makeFilled(rows(1, sizes.keyDim), 2)}) {
    RecurrenceProgram program = makeStateful();
    program.operands["erase"].tensor = erase;
    program.operands["write"].tensor = makeFilled(rows(), 0);
    normaliseKeys(program);
    EXPECT_NEAR(size(evaluate(program)[1]),
                size(program.operands["state"].tensor), 1e-12);
  }
}

/// Gates of 0 in all channels leave the state alone, gates of 1 overwrite.
TEST_F(RecurrenceExtremesTest, DecoupledGates) {
  RecurrenceProgram program = makeStateful();
  normaliseKeys(program);
  program.query = program.key;
  program.flags["scale"] = "(1.0)";
  program.operands["erase"].tensor = makeFilled(rows(1, sizes.keyDim), 0);
  program.operands["write"].tensor = makeFilled(rows(1, sizes.valueDim), 0);
  expectNear(evaluate(program)[1], program.operands["state"].tensor);
  program.operands["erase"].tensor = makeFilled(rows(1, sizes.keyDim), 1);
  program.operands["write"].tensor = makeFilled(rows(1, sizes.valueDim), 2);
  Tensor doubled = program.value;
  for (double &value : doubled.values)
    value *= 2;
  expectNear(evaluate(program)[0], doubled);
}

/// Beta 0 leaves the decay alone.
TEST_F(RecurrenceExtremesTest, PureDecay) {
  RecurrenceProgram program = makeGatedDeltaNet();
  addDelta(program, makeFilled(rows(), 0));
  program.operands["decay"] = makeDecay(makeFilled(rows(), -0.25));
  Tensor expected = program.operands["state"].tensor;
  for (double &value : expected.values)
    value *= std::exp(-0.25 * sizes.tokens);
  expectNear(evaluate(program)[1], expected);
}

/// After a decay of e^-20 a step, a token is all but alone.
TEST_F(RecurrenceExtremesTest, StrongDecayForgets) {
  sizes.tokens = 70;
  RecurrenceProgram program = makeKimi();
  program.operands["decay"] = makeDecay(makeFilled(rows(1, sizes.keyDim), -20));
  std::vector<Tensor> results = evaluate(program);
  for (const Tensor &result : results)
    for (double value : result.values)
      ASSERT_TRUE(std::isfinite(value));
  // S = k (beta v)^T, up to what is left of the state in front.
  const Tensor &beta = program.operands["write"].tensor;
  for (int64_t row : {1L, sizes.batch * sizes.tokens - 1})
    for (int64_t n = 0; n != sizes.valueHeads; ++n) {
      int64_t key = (row * sizes.heads + n / 2) * sizes.keyDim;
      double product = 0;
      for (int64_t d = 0; d != sizes.keyDim; ++d)
        product += program.query.values[key + d] * program.key.values[key + d];
      int64_t head = row * sizes.valueHeads + n;
      for (int64_t v = 0; v != sizes.valueDim; ++v)
        EXPECT_NEAR(results[0].values[head * sizes.valueDim + v],
                    product / std::sqrt(5.0) * beta.values[head] *
                        program.value.values[head * sizes.valueDim + v],
                    1e-6);
    }
}

TEST_F(RecurrenceExtremesTest, KeysOfZeroAreNormalisedToZero) {
  RecurrenceProgram program = makeGatedDeltaNet();
  program.key = makeFilled(program.key.shape, 0);
  program.flags["l2_normalize"] = "(1.0e-06)";
  program.operands["decay"] = makeDecay(makeFilled(rows(), 0));
  expectNear(evaluate(program)[1], program.operands["state"].tensor);
}
