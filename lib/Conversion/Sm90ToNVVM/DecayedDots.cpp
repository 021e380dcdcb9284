//===- DecayedDots.cpp - Blocks of tokens with those further up -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The second pass: each warp has as many blocks in front as its number is, and
// a loop of its own, without branches inside. The first one has none, and takes
// one of the three of the last, which would keep the others waiting.
//
//===----------------------------------------------------------------------===//

#include "DecayedBlock.h"
#include "InlineAsm.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

/// The columns of a block further up, as they are where that of the warp
/// `number` begins.
Values DecayedBlock::loadColumns(size_t key, int64_t block, int64_t number,
                                 Value group) {
  Values words = ptx::loadSharedWords(
      b, loc, operandAddress(key, i32.constant(block), group));
  // The next one begins where that one ends.
  if (number == block + 1)
    return words;
  auto pairType = VectorType::get(2, b.getF16Type());
  auto toPair = [&](Value word) -> Value {
    return LLVM::BitcastOp::create(b, loc, pairType, word);
  };
  Value place = i32.add(i32.shiftLeft(group, 5), i32.shiftLeft(own, 3));
  Values powers = ptx::loadSharedFloats(
      b, loc, i32.add(laterAddress(i32.constant(block)), place),
      (number - block - 2) * 2 * channels, 2);
  for (auto [w, word] : llvm::enumerate(words))
    word = LLVM::BitcastOp::create(b, loc, b.getI32Type(),
                                   mul(toPair(word), toPair(powers[w % 2])));
  return words;
}

/// The barrier of the two warps that share the blocks of one of them.
static constexpr int64_t kSharedBarrier = 8;
static constexpr int64_t kSharingThreads = 64;

/// The products of the warp `number` with the blocks further up from `begin` to
/// `end`, of eight elements each, those of all rows and keys with one block
/// after the other.
Values DecayedBlock::multiplyColumns(ArrayRef<Value> rows, int64_t begin,
                                     int64_t end, int64_t number) {
  size_t size = 8 * rows.size() * keyTiles;
  Values zeros((end - begin) * size, this->number(0));
  return loop(groups(), zeros, [&](Value group, ValueRange carried) {
    SmallVector<Values> left, right;
    for (Value tile : rows)
      left.push_back(loadTile(tile, group));
    for (int64_t column = begin; column < end; ++column)
      for (size_t k = 0; k < keyTiles; ++k)
        right.push_back(loadColumns(k, column, number, group));
    Values products(carried);
    for (auto [n, words] : llvm::enumerate(right))
      for (size_t r = 0; r < rows.size(); ++r)
        for (int64_t half = 0; half < 2; ++half) {
          size_t column = n / keyTiles, k = n % keyTiles;
          auto acc = MutableArrayRef(products).slice(
              size * column + 8 * (r * keyTiles + k) + 4 * half, 4);
          llvm::copy(ptx::mma(b, loc, b.getF16Type(), acc, left[r],
                              {words[2 * half], words[2 * half + 1]}),
                     acc.begin());
        }
    return products;
  });
}

/// Where what one warp has multiplied is left for another, for the lane: powers
/// have been read, while decays may be those of the next chunk already, where
/// there is no inverse.
Value DecayedBlock::sharedAddress() {
  Value powers =
      i32.add(powersAddress(i32.constant(0)), FromStart * rowBytes());
  return i32.add(powers, i32.shiftLeft(lane, 4));
}

/// Leaves the products of the last warp with the first block for it.
void DecayedBlock::shareProducts(ArrayRef<Value> rows) {
  constexpr int64_t kLast = kBlocks - 1;
  Values tiles;
  for (Value tile : rows)
    tiles.push_back(i32.add(tile, kLast * kBlock * sm90::kPanelRowBytes));
  Values products = multiplyColumns(tiles, 0, 1, kLast);
  for (size_t i = 0; i < products.size(); i += 4)
    ptx::storeSharedFloats(b, loc, sharedAddress(), i / 4 * kOperandBytes,
                           ValueRange(products).slice(i, 4));
  ptx::barrierArrive(b, loc, i32.constant(kSharedBarrier), kSharingThreads);
}

/// So many of them.
Values DecayedBlock::takeProducts(size_t count) {
  ptx::barrierSync(b, loc, i32.constant(kSharedBarrier), kSharingThreads);
  Values products;
  for (size_t i = 0; i < count; i += 4)
    llvm::append_range(products,
                       ptx::loadSharedFloats(b, loc, sharedAddress(),
                                             i / 4 * kOperandBytes, 4));
  return products;
}

/// The products of the warp `number` with all blocks further up.
Values DecayedBlock::multiplyFurtherUp(int64_t number, ArrayRef<Value> rows) {
  if (number < kBlocks - 1)
    return multiplyColumns(rows, 0, number, number);
  Values own = multiplyColumns(rows, 1, number, number);
  Values products = takeProducts(8 * rows.size() * keyTiles);
  llvm::append_range(products, own);
  return products;
}

/// The elements of all results of the warp `number`, or of one with a smaller
/// number: products with blocks further up, the blocks on the diagonal, and
/// zeros.
Values DecayedBlock::multiplyAsWarp(int64_t number, ArrayRef<Value> rows,
                                    ArrayRef<ValueRange> blocks) {
  size_t pairs = blocks.size();
  SmallVector<Type> types(8 * kBlocks * pairs, b.getF32Type());
  auto multiply = [&] {
    Values zeros(8 * (kBlocks - 1 - number), this->number(0)), results, below;
    if (number > 0)
      below = multiplyFurtherUp(number, rows);
    else
      shareProducts(rows);
    for (size_t p = 0; p < pairs; ++p) {
      for (int64_t column = 0; column < number; ++column)
        llvm::append_range(
            results, ValueRange(below).slice(8 * (pairs * column + p), 8));
      llvm::append_range(results, blocks[p]);
      llvm::append_range(results, zeros);
    }
    return results;
  };
  if (number == 0)
    return multiply();
  return branch(isWarp(number), types, multiply,
                [&] { return multiplyAsWarp(number - 1, rows, blocks); });
}

SmallVector<Values> DecayedBlock::multiply(ArrayRef<Value> rows,
                                           ArrayRef<ValueRange> blocks) {
  meet();
  Values all = multiplyAsWarp(kBlocks - 1, rows, blocks);
  SmallVector<Values> results;
  for (size_t p = 0; p < blocks.size(); ++p)
    results.emplace_back(ValueRange(all).slice(8 * kBlocks * p, 8 * kBlocks));
  return results;
}
