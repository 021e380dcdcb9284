//===- PackedTest.cpp - Packed sequences at the tile level ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"
#include "attn/Reference/TileInterpreter.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::attn;
using reference::Tensor;

namespace {

constexpr int64_t kQueryHeads = 4, kKeyHeads = 2, kDim = 8;

/// Where sequences of queries and of keys begin, and how many rows there are.
struct Ends {
  std::vector<double> queries, keys;
  int64_t queryRows, keyRows;
};

class PackedTileTest : public testing::Test {
protected:
  PackedTileTest() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  void compare(const std::string &modifiers, const std::string &schedule,
               ArrayRef<Ends> cases);

  MLIRContext context;
};

} // namespace

static std::string makeProgram(const std::string &modifiers,
                               const std::string &schedule) {
  std::string parameters;
  if (modifiers.find("%n") != std::string::npos)
    parameters += ", %n: tensor<?xi32>";
  if (modifiers.find("%d") != std::string::npos)
    parameters += ", %d: tensor<?xi32>";
  return "func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, "
         "%v: tensor<?x2x8xf32>, %cu_q: tensor<?xi32>, %cu_k: tensor<?xi32>" +
         parameters +
         ") -> (tensor<?x4x8xf32>, tensor<4x?xf32>) {\n"
         "  %kv = attn.kv.varlen %k, %v, %cu_k : tensor<?x2x8xf32>, "
         "tensor<?x2x8xf32>, tensor<?xi32>\n"
         "  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : "
         "tensor<?xi32>) " +
         modifiers + " {tile.schedule = #tile.schedule<" + schedule +
         ", target = #sm90.schedule<>>} : tensor<?x4x8xf32>, "
         "!attn.kv<tensor<?x2x8xf32>, tensor<?x2x8xf32>> -> "
         "tensor<?x4x8xf32>, tensor<4x?xf32>\n"
         "  return %o, %lse : tensor<?x4x8xf32>, tensor<4x?xf32>\n}\n";
}

/// Rows outside of all sequences are not numbers: whoever looks is found out.
static Tensor makeRows(int64_t rows, int64_t heads, ArrayRef<double> ends,
                       unsigned seed) {
  Tensor tensor{{rows, heads, kDim}, {}};
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0, 2.5f);
  for (int64_t row = 0; row != rows; ++row) {
    auto number = static_cast<double>(row);
    bool isInside = number >= ends.front() && number < ends.back();
    for (int64_t i = 0; i != heads * kDim; ++i)
      tensor.values.push_back(isInside ? distribution(generator) : NAN);
  }
  return tensor;
}

static Tensor makeIntegers(int64_t count, unsigned bound) {
  Tensor tensor{{count}, {}};
  std::mt19937 generator(bound);
  for (int64_t i = 0; i != count; ++i)
    tensor.values.push_back(generator() % bound);
  return tensor;
}

/// Everything that the reference computes, and nothing else.
static void expectSame(const Tensor &got, const Tensor &expected) {
  ASSERT_EQ(got.shape, expected.shape);
  for (size_t i = 0; i != got.values.size(); ++i) {
    double value = expected.values[i];
    if (std::isnan(value))
      ASSERT_TRUE(std::isnan(got.values[i])) << "at " << i;
    else if (std::isinf(value))
      ASSERT_EQ(got.values[i], value) << "at " << i;
    else
      ASSERT_NEAR(got.values[i], value, 3e-5 * (1 + std::fabs(value)))
          << "at " << i;
  }
}

void PackedTileTest::compare(const std::string &modifiers,
                             const std::string &schedule,
                             ArrayRef<Ends> cases) {
  std::string text = makeProgram(modifiers, schedule);
  SCOPED_TRACE(text);
  OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(text, &context);
  OwningOpRef<ModuleOp> lowered = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(source && lowered);
  ASSERT_TRUE(succeeded(lowerToLevel(*lowered, EmitLevel::Tile, {})));
  for (const Ends &ends : cases) {
    SCOPED_TRACE(std::to_string(ends.queryRows) + " queries");
    auto count = static_cast<int64_t>(ends.queries.size());
    std::vector<Tensor> inputs = {
        makeRows(ends.queryRows, kQueryHeads, ends.queries, 1),
        makeRows(ends.keyRows, kKeyHeads, ends.keys, 2),
        makeRows(ends.keyRows, kKeyHeads, ends.keys, 3),
        {{count}, ends.queries},
        {{count}, ends.keys}};
    if (modifiers.find("%n") != std::string::npos)
      inputs.push_back(makeIntegers(count - 1, 40));
    if (modifiers.find("%d") != std::string::npos)
      inputs.push_back(makeIntegers(ends.keyRows, 3));
    auto expected =
        reference::run(*source->getOps<func::FuncOp>().begin(), inputs);
    auto got = reference::runTile(
        llvm::to_vector(lowered->getOps<tile::KernelOp>()), inputs);
    ASSERT_TRUE(succeeded(expected) && succeeded(got));
    for (size_t i : {0, 1})
      expectSame((*got)[i], (*expected)[i]);
  }
}

static const Ends kCases[] = {
    {{0, 1}, {0, 1}, 1, 1},
    {{0}, {0}, 5, 7},
    {{0, 0, 0}, {0, 0, 9}, 4, 9},
    // Whole tiles, one row more and one less.
    {{0, 16, 32, 49, 64}, {0, 16, 32, 49, 64}, 64, 64},
    {{0, 15, 15, 16, 17, 48}, {0, 50, 50, 50, 97, 100}, 48, 100},
    // Decoding: single queries.
    {{0, 1, 2, 3, 4, 5, 6}, {0, 40, 40, 41, 80, 96, 131}, 6, 131},
    // Rows of nobody at both ends, sequences without queries or keys.
    {{40, 40, 57, 90, 90, 100}, {35, 80, 80, 81, 99, 120}, 133, 150},
    {{0, 100}, {0, 30}, 100, 30},
};

static const char *const kSchedules[] = {
    "block_q = 16, block_kv = 16",
    "block_q = 32, block_kv = 16, hoist_score_dot = false, longest_first = "
    "true",
    "block_q = 8, block_kv = 24, split_masked_loop = false, longest_first = "
    "true, rescale_threshold = 0"};

TEST_F(PackedTileTest, AgreesWithReference) {
  for (const char *modifiers :
       {"", "mask(causal)", "mask(window<12, 3>)", "mask(first<20>)",
        "mask(causal and (first<4> or window<10, 0>))",
        "mask(causal and chunk<24>)", "mask(not window<5, 5>)",
        "mask(causal or prefix(%n : tensor<?xi32>))",
        "mask(causal and document(%d : tensor<?xi32>))",
        "mask(causal) score(softcap<20.0>)"})
    for (const char *schedule : kSchedules)
      compare(modifiers, schedule, kCases);
}

TEST_F(PackedTileTest, ManySequences) {
  std::vector<Ends> cases;
  for (unsigned round = 0; round != 20; ++round) {
    std::mt19937 generator(round);
    Ends ends{{0}, {0}, 0, 0};
    for (unsigned b = generator() % 40; b-- > 0;) {
      ends.queries.push_back(ends.queries.back() + generator() % 20);
      ends.keys.push_back(ends.keys.back() + generator() % 30);
    }
    ends.queryRows = static_cast<int64_t>(ends.queries.back());
    ends.keyRows = static_cast<int64_t>(ends.keys.back());
    cases.push_back(ends);
  }
  for (const char *schedule : kSchedules)
    compare("mask(causal)", schedule, cases);
}
