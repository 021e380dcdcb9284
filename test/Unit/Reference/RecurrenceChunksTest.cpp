//===- RecurrenceChunksTest.cpp - Recurrences, chunk by chunk -------------===//
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
/// A token in the most general form: a is read from the state in front of the
/// decay and written along b.
struct ChunkToken {
  std::vector<double> q, k, a, b, g, y;
};

/// Evaluates one head of a recurrence chunk by chunk: within a chunk by matrix
/// products and a triangular system, across chunks by the state.
class ChunkedRecurrence {
public:
  ChunkedRecurrence(std::vector<ChunkToken> tokens, std::vector<double> state)
      : tokens(std::move(tokens)), state(std::move(state)),
        keyDim(this->tokens.front().k.size()),
        valueDim(this->tokens.front().y.size()) {}

  void run(size_t size) {
    for (size_t first = 0; first < tokens.size(); first += size)
      runChunk(first, std::min(size, tokens.size() - first));
  }

  std::vector<ChunkToken> tokens;
  /// [K, V]
  std::vector<double> state;
  std::vector<std::vector<double>> outputs;

private:
  using Matrix = std::vector<std::vector<double>>;

  /// The sum of decays from behind token `from` to token `to`, without that of
  /// `to` if it is read in front of it. Never positive, so its exponential is
  /// at most 1.
  double between(size_t from, size_t to, size_t d, bool inFront) const {
    double sum = 0;
    for (size_t t = from + 1; t <= to; ++t)
      if (!(inFront && t == to))
        sum += tokens[t].g[d];
    return sum;
  }

  double score(const std::vector<double> &x, const std::vector<double> &y,
               size_t from, size_t to, bool inFront) const {
    double sum = 0;
    for (size_t d = 0; d != keyDim; ++d)
      sum += x[d] * y[d] * std::exp(between(from, to, d, inFront));
    return sum;
  }

  /// x^T diag(decay from the start of the chunk) state
  std::vector<double> readState(const std::vector<double> &x, size_t first,
                                size_t to, bool inFront) const {
    std::vector<double> read(valueDim, 0);
    for (size_t d = 0; d != keyDim; ++d) {
      double decay = inFront ? 0 : tokens[to].g[d];
      for (size_t t = first; t != to; ++t)
        decay += tokens[t].g[d];
      for (size_t v = 0; v != valueDim; ++v)
        read[v] += x[d] * std::exp(decay) * state[d * valueDim + v];
    }
    return read;
  }

  static void add(std::vector<double> &sum, const std::vector<double> &other,
                  double factor) {
    for (size_t v = 0; v != sum.size(); ++v)
      sum[v] += factor * other[v];
  }

  void runChunk(size_t first, size_t size) {
    // (I - Aab) erased = Aak Y + (A exp(Gx)) S, by forward substitution.
    Matrix erased(size);
    for (size_t i = 0; i != size; ++i) {
      const ChunkToken &own = tokens[first + i];
      erased[i] = readState(own.a, first, first + i, true);
      for (size_t j = 0; j != i; ++j) {
        const ChunkToken &other = tokens[first + j];
        add(erased[i], other.y,
            score(own.a, other.k, first + j, first + i, true));
        add(erased[i], erased[j],
            score(own.a, other.b, first + j, first + i, true));
      }
    }
    for (size_t i = 0; i != size; ++i) {
      const ChunkToken &own = tokens[first + i];
      std::vector<double> output = readState(own.q, first, first + i, false);
      for (size_t j = 0; j <= i; ++j) {
        const ChunkToken &other = tokens[first + j];
        add(output, other.y,
            score(own.q, other.k, first + j, first + i, false));
        add(output, erased[j],
            score(own.q, other.b, first + j, first + i, false));
      }
      outputs.push_back(std::move(output));
    }
    advance(first, size, erased);
  }

  void advance(size_t first, size_t size, const Matrix &erased) {
    size_t last = first + size - 1;
    for (size_t d = 0; d != keyDim; ++d)
      for (size_t v = 0; v != valueDim; ++v) {
        double &element = state[d * valueDim + v];
        element *=
            std::exp(tokens[first].g[d] + between(first, last, d, false));
        for (size_t j = 0; j != size; ++j) {
          const ChunkToken &token = tokens[first + j];
          double decay = std::exp(between(first + j, last, d, false));
          element +=
              decay * (token.k[d] * token.y[v] + token.b[d] * erased[j][v]);
        }
      }
  }

  size_t keyDim, valueDim;
};

struct ChunkedRecurrenceTest : RecurrenceFamilyTest {
  /// The tokens of a program of one head, whose operands are as they are named
  /// here.
  std::vector<ChunkToken> makeTokens(RecurrenceProgram &program) {
    auto row = [](const Tensor &tensor, int64_t t) {
      auto size = tensor.shape.back();
      auto first = tensor.values.begin() + t * size;
      return std::vector<double>(first, first + size);
    };
    std::vector<ChunkToken> tokens;
    for (int64_t t = 0; t != sizes.tokens; ++t) {
      ChunkToken token;
      token.q = row(program.query, t);
      for (double &element : token.q)
        element /= std::sqrt(static_cast<double>(sizes.keyDim));
      token.k = row(program.key, t);
      token.y = row(program.value, t);
      token.g = row(program.operands["decay"].tensor, t);
      token.a.assign(sizes.keyDim, 0);
      token.b.assign(sizes.keyDim, 0);
      if (program.operands.count("erase_key")) {
        token.a = row(program.operands["erase_key"].tensor, t);
        token.b = row(program.operands["erase_direction"].tensor, t);
      } else if (program.operands.count("erase")) {
        double beta = program.operands["erase"].tensor.values[t];
        for (double &element : token.y)
          element *= program.operands["write"].tensor.values[t];
        for (int64_t d = 0; d != sizes.keyDim; ++d) {
          token.a[d] = beta * token.k[d] * std::exp(token.g[d]);
          token.b[d] = -token.k[d];
        }
      }
      tokens.push_back(std::move(token));
    }
    return tokens;
  }

  void expectChunksAgree(RecurrenceProgram program) {
    std::vector<Tensor> expected = evaluate(program);
    for (size_t size : {16, 32, 64}) {
      ChunkedRecurrence chunked(makeTokens(program),
                                program.operands["state"].tensor.values);
      chunked.run(size);
      Tensor output = expected[0], state = expected[1];
      output.values.clear();
      for (const std::vector<double> &own : chunked.outputs)
        output.values.insert(output.values.end(), own.begin(), own.end());
      state.values = chunked.state;
      expectNear(output, expected[0], 1e-10);
      expectNear(state, expected[1], 1e-10);
    }
  }

  void SetUp() override { sizes = {1, 65, 1, 1, 6, 4, 1}; }
};
} // namespace

TEST_F(ChunkedRecurrenceTest, DeltaFamilyAtEdgesOfChunks) {
  for (int64_t tokens : {1, 63, 64, 65, 130}) {
    sizes.tokens = tokens;
    expectChunksAgree(makeKimi());
  }
}

TEST_F(ChunkedRecurrenceTest, AdditiveFamily) {
  RecurrenceProgram program = makeKimi();
  program.operands.erase("erase");
  program.operands.erase("write");
  expectChunksAgree(program);
}

TEST_F(ChunkedRecurrenceTest, EraseDirection) {
  RecurrenceProgram program = makeKimi();
  program.operands.erase("erase");
  program.operands.erase("write");
  program.operands["erase_key"].tensor = random(program.key.shape, 0.3);
  program.operands["erase_direction"].tensor = random(program.key.shape, 0.3);
  program.flags["before_decay"] = "";
  expectChunksAgree(program);
}

/// A bonus reads in front of the write: with the decays up to there, and the
/// own key weighed.
TEST_F(ChunkedRecurrenceTest, Bonus) {
  RecurrenceProgram program = makeKimi();
  program.operands.erase("erase");
  program.operands.erase("write");
  program.operands["bonus"].tensor = random({1, sizes.keyDim});
  std::vector<Tensor> expected = evaluate(program);
  const Tensor &bonus = program.operands["bonus"].tensor;
  // o_t = q^T (S_t - k y^T) exp(-g) + q^T diag(u) k y^T; S_t read by chunks.
  RecurrenceProgram plain = program;
  plain.operands.erase("bonus");
  for (int64_t t = 0; t != sizes.tokens; ++t)
    for (int64_t d = 0; d != sizes.keyDim; ++d)
      plain.query.values[t * sizes.keyDim + d] *= std::exp(
          -program.operands["decay"].tensor.values[t * sizes.keyDim + d]);
  for (size_t size : {16, 32, 64}) {
    ChunkedRecurrence chunked(makeTokens(plain),
                              program.operands["state"].tensor.values);
    chunked.run(size);
    for (int64_t t = 0; t != sizes.tokens; ++t) {
      const ChunkToken &token = chunked.tokens[t];
      double weight = 0;
      for (int64_t d = 0; d != sizes.keyDim; ++d)
        weight += token.k[d] * token.q[d] *
                  (bonus.values[d] * std::exp(token.g[d]) - 1);
      for (int64_t v = 0; v != sizes.valueDim; ++v)
        ASSERT_NEAR(chunked.outputs[t][v] + weight * token.y[v],
                    expected[0].values[t * sizes.valueDim + v], 1e-10);
    }
  }
}

TEST_F(ChunkedRecurrenceTest, StrongDecay) {
  RecurrenceProgram program = makeKimi();
  program.operands["decay"] = makeDecay(uniform(rows(1, sizes.keyDim), -20, 0));
  expectChunksAgree(program);
}

TEST_F(ChunkedRecurrenceTest, ReflectionsAndPureDecay) {
  for (double beta : {0.0, 1.0, 2.0}) {
    RecurrenceProgram program = makeKimi();
    program.key = random(program.key.shape, 0.4);
    addDelta(program, makeFilled(rows(), beta));
    expectChunksAgree(program);
  }
}
