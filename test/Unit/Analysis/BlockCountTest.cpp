//===- BlockCountTest.cpp - Visited blocks against masks in C++ -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/BlockCount.h"

#include "Attention/Attention.h"
#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include "gtest/gtest.h"

#include <set>

using namespace mlir;
using namespace mlir::attn;

namespace {

constexpr int64_t heads = 4;

class BlockCountTest : public testing::Test {
protected:
  BlockCountTest() : context(registry()) {}

  /// The mask of an attention, with its ops lowered to arithmetic.
  Block *parse(const std::string &mask) {
    const std::string source = R"(
      func.func @f(%q: tensor<?x?x4x64xbf16>, %lengths: tensor<?xi32>)
          -> tensor<?x?x4x64xbf16> {
        %kv = attn.kv.dense %q, %q
            : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>
        %o = attn.attention %q, %kv )" +
                               mask + R"(
            : tensor<?x?x4x64xbf16>,
              !attn.kv<tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>>
            -> tensor<?x?x4x64xbf16>
        return %o : tensor<?x?x4x64xbf16>
      })";
    module = parseSourceString<ModuleOp>(source, &context);
    EXPECT_TRUE(module && succeeded(selectSchedules(*module, {})));
    Block *block = nullptr;
    module->walk([&](AttentionOp op) { block = op.getMaskBlock(); });
    return block;
  }

  using Keeps = llvm::function_ref<bool(int64_t h, int64_t p, int64_t j)>;

  /// Compares with the count of the blocks that hold a kept pair.
  void expectCount(const std::string &mask, Keeps keeps) {
    SCOPED_TRACE(mask);
    Block *block = parse(mask);
    for (auto [queries, keys] : {std::pair<int64_t, int64_t>{40, 40},
                                 {17, 50},
                                 {50, 17},
                                 {1, 33},
                                 {0, 8},
                                 {8, 0}})
      for (auto [rows, columns] :
           {std::pair<int64_t, int64_t>{1, 1}, {16, 8}, {8, 16}}) {
        BlockGrid grid{heads, queries, keys, rows, columns};
        BlockCount counted = countVisitedBlocks(block, grid);
        BlockCount expected = count(grid, keeps);
        EXPECT_EQ(counted.total, expected.total) << queries << ' ' << keys;
        EXPECT_EQ(counted.largest, expected.largest) << queries << ' ' << keys;
        EXPECT_EQ(counted.smallest, expected.smallest)
            << queries << ' ' << keys;
        EXPECT_TRUE(counted.isExact);
      }
  }

  static BlockCount count(const BlockGrid &grid, Keeps keeps) {
    BlockCount result;
    result.smallest = grid.queries ? grid.keys : 0;
    for (int64_t h = 0; h < grid.heads; ++h)
      for (int64_t row = 0; row < grid.queries; row += grid.rows) {
        std::set<int64_t> blocks;
        for (int64_t i = row; i < std::min(row + grid.rows, grid.queries); ++i)
          for (int64_t j = 0; j < grid.keys; ++j)
            if (keeps(h, i + grid.keys - grid.queries, j))
              blocks.insert(j / grid.block);
        auto size = static_cast<int64_t>(blocks.size());
        result.total += size;
        result.largest = std::max(result.largest, size);
        result.smallest = std::min(result.smallest, size);
      }
    return result;
  }

  static DialectRegistry registry() {
    DialectRegistry result;
    registerDialects(result);
    return result;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

} // namespace

TEST_F(BlockCountTest, EveryBlockWithoutAMask) {
  BlockCount counted = countVisitedBlocks(nullptr, {4, 33, 20, 16, 8});
  EXPECT_EQ(counted.total, 4 * 3 * 3);
  EXPECT_EQ(counted.largest, 3);
  EXPECT_EQ(counted.smallest, 3);
}

TEST_F(BlockCountTest, Causal) {
  expectCount("mask(causal)",
              [](int64_t, int64_t p, int64_t j) { return j <= p; });
}

TEST_F(BlockCountTest, Window) {
  expectCount("mask(window<9, 4>)", [](int64_t, int64_t p, int64_t j) {
    return j >= p - 9 && j <= p + 4;
  });
}

TEST_F(BlockCountTest, WindowAndFirstKeys) {
  expectCount("mask(causal and (window<6, 0> or first<3>))",
              [](int64_t, int64_t p, int64_t j) {
                return j <= p && (j >= p - 6 || j < 3);
              });
}

TEST_F(BlockCountTest, Chunks) {
  expectCount("mask(causal and chunk<12>)", [](int64_t, int64_t p, int64_t j) {
    return j <= p && p >= 0 && j / 12 == p / 12;
  });
}

TEST_F(BlockCountTest, HeadsWithWindowsOfTheirOwn) {
  expectCount(
      R"(mask {
      ^bb0(%b: index, %h: index, %p: index, %j: index):
        %c3 = arith.constant 3 : index
        %w = arith.muli %h, %c3 : index
        %first = arith.subi %p, %w : index
        %0 = arith.cmpi sge, %j, %first : index
        %1 = arith.cmpi sle, %j, %p : index
        %2 = arith.andi %0, %1 : i1
        attn.yield %2 : i1
      })",
      [](int64_t h, int64_t p, int64_t j) { return j >= p - 3 * h && j <= p; });
}

TEST_F(BlockCountTest, HeadsThatAreCausalOrNot) {
  expectCount(R"(mask {
      ^bb0(%b: index, %h: index, %p: index, %j: index):
        %c2 = arith.constant 2 : index
        %free = arith.cmpi slt, %h, %c2 : index
        %causal = arith.cmpi sle, %j, %p : index
        %0 = arith.ori %free, %causal : i1
        attn.yield %0 : i1
      })",
              [](int64_t h, int64_t p, int64_t j) { return h < 2 || j <= p; });
}

TEST_F(BlockCountTest, DataIsCountedAsAllThatItMayBe) {
  Block *block = parse("mask(causal or prefix(%lengths : tensor<?xi32>))");
  BlockCount counted = countVisitedBlocks(block, {4, 32, 32, 16, 8});
  EXPECT_FALSE(counted.isExact);
  EXPECT_EQ(counted.total, 4 * 2 * 4);
}
