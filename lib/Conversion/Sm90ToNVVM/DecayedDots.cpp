//===- DecayedDots.cpp - Blocks of tokens with those further up -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The second pass: each warp has as many blocks in front as its number is, and
// a loop of its own, without branches inside.
//
//===----------------------------------------------------------------------===//

#include "DecayedBlock.h"
#include "InlineAsm.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

/// The products with the blocks further up, of which there are `columns`, of
/// eight elements each, those of all rows and keys with one block after the
/// other.
Values DecayedBlock::multiplyColumns(ArrayRef<Value> rows, int64_t columns) {
  size_t size = 8 * rows.size() * keyTiles;
  Value firstPair = pairOf(warp, i32.constant(0));
  Values zeros(columns * size, number(0));
  return rolledLoop(groups(), zeros, [&](Value group, ValueRange carried) {
    SmallVector<Values> left, right;
    for (Value tile : rows)
      left.push_back(loadTile(tile, group));
    for (int64_t column = 0; column < columns; ++column)
      for (size_t k = 0; k < keyTiles; ++k)
        right.push_back(ptx::loadSharedWords(
            b, loc, operandAddress(k, i32.add(firstPair, column), group)));
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
      below = multiplyColumns(rows, number);
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
