//===- DecayedBlock.cpp - A block of tokens whose channels decay ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecayedBlock.h"
#include "InlineAsm.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void DecayedBlock::meet() {
  ptx::barrierSync(b, loc, i32.warpgroup(), sm90::kWarpgroupThreads);
}

void DecayedBlock::fence() {
  NVVM::FenceProxyOp::create(
      b, loc,
      NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
      NVVM::SharedSpaceAttr::get(b.getContext(),
                                 NVVM::SharedSpace::shared_cta));
}

Values
DecayedBlock::loop(int64_t count, ValueRange inits,
                   function_ref<Values(Value index, ValueRange carried)> body) {
  auto loop = scf::ForOp::create(b, loc, i32.constant(0), i32.constant(count),
                                 i32.constant(1), inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!inits.empty())
    scf::YieldOp::create(b, loc, next);
  return Values(loop.getResults());
}

Values DecayedBlock::branch(Value condition, TypeRange types,
                            function_ref<Values()> then,
                            function_ref<Values()> otherwise) {
  auto branch = scf::IfOp::create(b, loc, types, condition,
                                  /*withElseRegion=*/!types.empty());
  OpBuilder::InsertionGuard guard(b);
  auto fill = [&](Block *block, function_ref<Values()> body) {
    b.setInsertionPointToStart(block);
    Values results = body();
    if (!types.empty())
      scf::YieldOp::create(b, loc, results);
  };
  fill(branch.thenBlock(), then);
  if (!types.empty())
    fill(branch.elseBlock(), otherwise);
  return Values(branch.getResults());
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

/// 32 bytes hold eight columns, two of them a lane's.
Value DecayedBlock::sumsAddress(Value sums, Value token, Value swizzle) {
  Value place = i32.add(i32.shiftLeft(swizzle, 5), i32.shiftLeft(own, 3));
  return i32.add(i32.add(sums, i32.mul(token, rowBytes())), place);
}

Values DecayedBlock::loadSums(Value address, Value group, int64_t offset) {
  Value left = i32.bitXor(address, i32.shiftLeft(group, 6));
  Values numbers;
  for (Value half : {left, i32.bitXor(left, 32)})
    llvm::append_range(numbers, ptx::loadSharedFloats(b, loc, half, offset, 2));
  return numbers;
}

/// In the order of the elements of a tile. Those before a token are of the one
/// in front, and 0 where that is not of the block.
Values DecayedBlock::loadOwnSums(Value sums, Value group, bool isBefore) {
  Value row = isBefore ? i32.bitAnd(i32.add(quad, 7), 7) : quad;
  Value token = i32.add(firstToken, row);
  Value address = sumsAddress(sums, token, i32.bitAnd(row, 3));
  Values upper = loadSums(address, group), lower;
  if (isBefore) {
    // The row behind the eighth one, but for the first lanes the eighth.
    Value isFirst = i32.isZero(quad);
    Value second = select(isFirst, address, i32.add(address, 8 * rowBytes()));
    lower = loadSums(second, group);
    for (Value &value : upper)
      value = select(isFirst, number(0), value);
  } else {
    lower = loadSums(address, group, 8 * rowBytes());
  }
  Values numbers;
  for (int64_t half = 0; half < 4; half += 2)
    for (const Values &row : {upper, lower})
      numbers.append({row[half], row[half + 1]});
  return numbers;
}

/// Tiles begin where swizzles do, so that all have the same offset.
Value DecayedBlock::tileAddress(Value tile, Value group) {
  Value first = matrixAddress(i32, i32.constant(0));
  Value inPanel = i32.bitXor(first, i32.shiftLeft(i32.bitAnd(group, 3), 5));
  Value panel = i32.mul(i32.shiftRight(group, 2),
                        sm90::kWarpgroupRows * sm90::kPanelRowBytes);
  return i32.add(i32.add(inPanel, panel), tile);
}

Values DecayedBlock::extend(ValueRange words) {
  Values values;
  for (Value pair : words)
    llvm::append_range(values, extendPair(b, loc, element, pair));
  return values;
}

/// Pairs of a block of rows and one of columns are numbered row by row.
Value DecayedBlock::operandAddress(size_t key, Value pair, Value group) {
  Value own = key == 0 ? pair : i32.add(pair, key * sm90::kBlockPairs);
  Value operand = i32.add(i32.mul(own, groups()), group);
  return i32.add(i32.add(scratch, i32.mul(operand, kOperandBytes)),
                 i32.shiftLeft(lane, 4));
}

static Value pairOf(Int32 &i32, Value row, Value column) {
  // The rows above have row (row - 1) / 2 pairs: 0, 1 and 3 for rows 1 to 3.
  Value above = i32.add(row, -1);
  return i32.add(i32.add(above, i32.shiftRight(above, 1)), column);
}

//===----------------------------------------------------------------------===//
// The first pass
//===----------------------------------------------------------------------===//

Values DecayedBlock::pack(Type type, ValueRange values) {
  Values words;
  for (size_t i = 0; i < values.size(); i += 2)
    words.push_back(ptx::roundPair(b, loc, type, values[i], values[i + 1]));
  return words;
}

/// The elements of a tile times a number for each column.
Values DecayedBlock::multiply(ValueRange values, ValueRange columns,
                              float factor) {
  Values scaled(columns);
  if (factor != 1)
    for (Value &column : scaled)
      column = mul(column, number(factor));
  Values results;
  for (auto [e, value] : llvm::enumerate(values))
    results.push_back(mul(value, scaled[columnOf(e)]));
  return results;
}

/// Keys times strengths of their channels.
Values DecayedBlock::gate(ValueRange strengths, ValueRange keys) {
  Values products;
  for (auto [strength, key] : llvm::zip_equal(strengths, keys))
    products.push_back(mul(strength, key));
  return products;
}

/// Columns for the next block, and for those further down.
void DecayedBlock::storeColumns(size_t key, Value group, ValueRange words) {
  auto isAbove = [&](int64_t distance) {
    return compare(arith::CmpIPredicate::ult, warp,
                   i32.constant(kBlocks - distance));
  };
  auto addressOf = [&](int64_t distance) {
    return operandAddress(key, pairOf(i32, i32.add(warp, distance), warp),
                          group);
  };
  ifTrue(isAbove(1),
         [&] { ptx::storeSharedWords(b, loc, addressOf(1), words); });
  auto pairType = VectorType::get(2, b.getF16Type());
  auto toPair = [&](Value word) -> Value {
    return LLVM::BitcastOp::create(b, loc, pairType, word);
  };
  auto storeLater = [&](int64_t distance) {
    Value place = i32.add(i32.shiftLeft(group, 5), i32.shiftLeft(own, 3));
    Values powers =
        ptx::loadSharedFloats(b, loc, i32.add(laterAddress(), place),
                              (distance - 2) * channels * 2, 2);
    Values decayed;
    for (auto [w, word] : llvm::enumerate(words)) {
      Value power = LLVM::BitcastOp::create(b, loc, pairType, powers[w / 2]);
      decayed.push_back(LLVM::BitcastOp::create(b, loc, b.getI32Type(),
                                                mul(toPair(word), power)));
    }
    ptx::storeSharedWords(b, loc, addressOf(distance), decayed);
  };
  // One in the other: warps that have neither branch once.
  ifTrue(isAbove(2), [&] {
    storeLater(2);
    ifTrue(isAbove(3), [&] { storeLater(3); });
  });
}

/// Stores what is left of keys, which have been multiplied by y, at the end of
/// the chunk; returns what is left of them at the end of the block.
Values DecayedBlock::leaveKeys(const DecayedKeys &keys, ValueRange down,
                               Value group) {
  Values columns = pack(b.getF16Type(), multiply(down, loadPowers(group, End)));
  storeTile(keys.left, group,
            pack(element, multiply(down, loadPowers(group, ToEnd))));
  return columns;
}

/// Stores what rows have decayed to since the start of the block and of the
/// chunk. Returns them times x, for products with their own block.
Values DecayedBlock::decayRows(const DecayedRows &rows, ValueRange values,
                               ValueRange powers, Value group) {
  Values up(values);
  for (auto [value, power] : llvm::zip_equal(up, powers))
    value = mul(value, power);
  storeTile(rows.decayed, group,
            pack(b.getF16Type(), multiply(up, loadPowers(group, Start))));
  storeTile(
      rows.reached, group,
      pack(element, multiply(up, loadPowers(group, FromStart), rows.scale)));
  for (Value &value : up)
    value = toTF32(value);
  return up;
}

/// What has decayed of a group of columns. `boundary` is the address of the
/// sums that y is relative to, and x where `mask` is not zero, which it is
/// where the block is not multiplied with itself.
Values DecayedBlock::decayGroup(const DecayedChunk &chunk, Value boundary,
                                Value mask, Value group, ValueRange carried) {
  auto masked = [&](Value bits) -> Value {
    return arith::AndIOp::create(b, loc, bits, mask);
  };
  Values sum = loadOwnSums(chunk.gates, group, /*isBefore=*/false), before;
  if (chunk.hasBefore(true))
    before = loadOwnSums(chunk.gates, group, /*isBefore=*/true);
  Values end = loadSums(boundary, group), start;
  for (Value number : end)
    start.push_back(arith::BitcastOp::create(
        b, loc, b.getF32Type(),
        masked(arith::BitcastOp::create(b, loc, b.getI32Type(), number))));
  SmallVector<Values> words, down, columns;
  for (const DecayedKeys &keys : chunk.keys)
    words.push_back(loadTile(keys.tile, group));
  for (const Values &own : words)
    down.push_back(extend(own));
  // Of rows behind their decay, and of those before it.
  Values x[2];
  for (auto [e, own] : llvm::enumerate(sum)) {
    Value relative = start[columnOf(e)];
    if (chunk.hasBefore(false))
      x[0].push_back(exp2(sub(own, relative)));
    if (chunk.hasBefore(true))
      x[1].push_back(exp2(sub(before[e], relative)));
    Value y = exp2(sub(end[columnOf(e)], own));
    for (Values &values : down)
      values[e] = mul(values[e], y);
  }
  for (auto [keys, values] : llvm::zip_equal(chunk.keys, down)) {
    columns.push_back(leaveKeys(keys, values, group));
    for (Value &value : values)
      value = masked(toTF32(value));
  }
  Values products(carried);
  for (auto [r, own] : llvm::enumerate(chunk.rows)) {
    Values values = loadRows(chunk, own, words, group);
    if (chunk.bonus)
      llvm::copy(addOwn(chunk, group, values, extend(words.front()),
                        carried.take_back(2)),
                 products.end() - 2);
    Values up = decayRows(own, values, x[own.isBefore], group);
    for (auto [k, values] : llvm::enumerate(down))
      multiplyDiagonal(
          MutableArrayRef(products).slice(8 * (r * keyTiles + k), 8), up,
          values);
  }
  for (auto [k, words] : llvm::enumerate(columns))
    storeColumns(k, group, words);
  return products;
}

/// Rows that are keys have been loaded already, as have those that strengths
/// multiply.
Values DecayedBlock::loadRows(const DecayedChunk &chunk,
                              const DecayedRows &rows, ArrayRef<Values> words,
                              Value group) {
  for (auto [keys, own] : llvm::zip_equal(chunk.keys, words))
    if (keys.tile == rows.tile)
      return extend(own);
  Values values = extend(loadTile(rows.tile, group));
  return rows.areStrengths() ? gate(values, extend(words.front())) : values;
}

/// What is above the diagonal of a block becomes zero, and on it, where its
/// rows are before their own decay.
Values DecayedBlock::clearAbove(ValueRange block, bool isBefore) {
  Value first = arith::SubIOp::create(b, loc, i32.shiftLeft(own, 1), quad);
  auto predicate =
      isBefore ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sgt;
  Values lower;
  for (int64_t i = 0; i < 8; ++i) {
    Value above = i32.constant(rowOfElement(i) - columnOfElement(i));
    lower.push_back(
        select(compare(predicate, first, above), number(0), block[i]));
  }
  return lower;
}

SmallVector<Values> DecayedBlock::decay(const DecayedChunk &chunk) {
  BlockSums sums = sumGates(chunk);
  Value safe = isSafe(sums, chunk.hasBefore(true));
  // Other warps may still read the columns of the chunk before, and need the
  // decay of this block.
  meet();
  preparePowers(sums, safe, chunk.whole);
  NVVM::SyncWarpOp::create(b, loc, i32.constant(-1));
  size_t pairs = chunk.rows.size() * keyTiles;
  SmallVector<Type> types(8 * pairs, b.getF32Type());
  // Of the rows as they are, which are overwritten.
  Values products = branch(
      safe, types, [&] { return Values(types.size(), number(0)); },
      [&] {
        Values all;
        for (const DecayedRows &own : chunk.rows)
          for (const DecayedKeys &keys : chunk.keys)
            all.append(sumDiagonal(own, keys.tile, chunk.gates));
        return all;
      });
  if (chunk.bonus)
    products.append(2, number(0));
  Value mask = select(safe, i32.constant(-1), i32.constant(0));
  Value token =
      select(safe, i32.constant(kBlock / 2 - 1), i32.constant(kBlock - 1));
  Value boundary =
      sumsAddress(chunk.gates, i32.add(firstToken, token), i32.constant(3));
  products = loop(groups(), products, [&](Value group, ValueRange carried) {
    return decayGroup(chunk, boundary, mask, group, carried);
  });
  fence();
  SmallVector<Values> results;
  for (size_t p = 0; p < pairs; ++p)
    results.push_back(clearAbove(ValueRange(products).slice(8 * p, 8),
                                 chunk.rows[p / keyTiles].isBefore));
  if (chunk.bonus)
    results.front() =
        replaceDiagonal(results.front(), ValueRange(products).take_back(2));
  return results;
}

//===----------------------------------------------------------------------===//
// The second pass
//===----------------------------------------------------------------------===//

/// The products with blocks further up, of eight elements each, those of all
/// rows and keys with one block after the other.
Values DecayedBlock::multiplyBelow(ArrayRef<Value> rows) {
  Value firstPair = pairOf(i32, warp, i32.constant(0));
  size_t size = 8 * rows.size() * keyTiles;
  Values zeros((kBlocks - 1) * size, number(0));
  return loop(groups(), zeros, [&](Value group, ValueRange carried) {
    SmallVector<Values> left;
    for (Value tile : rows)
      left.push_back(loadTile(tile, group));
    Values products;
    for (int64_t column = 0; column < kBlocks - 1; ++column) {
      ValueRange acc = carried.slice(size * column, size);
      auto multiply = [&] {
        Values sums(acc);
        for (size_t k = 0; k < keyTiles; ++k) {
          Values right = ptx::loadSharedWords(
              b, loc, operandAddress(k, i32.add(firstPair, column), group));
          for (auto [r, words] : llvm::enumerate(left))
            for (int64_t n = 0; n < 2; ++n) {
              size_t first = 8 * (r * keyTiles + k) + 4 * n;
              llvm::copy(ptx::mma(b, loc, b.getF16Type(),
                                  ValueRange(sums).slice(first, 4), words,
                                  {right[n], right[n + 2]}),
                         sums.begin() + first);
            }
        }
        return sums;
      };
      Value isBelow =
          compare(arith::CmpIPredicate::ugt, warp, i32.constant(column));
      llvm::append_range(products, branch(isBelow, acc.getTypes(), multiply,
                                          [&] { return Values(acc); }));
    }
    return products;
  });
}

/// The elements of a result: the block on the diagonal, and those in front.
Values DecayedBlock::assemble(ValueRange diagonal, ArrayRef<ValueRange> below) {
  Values results;
  for (int64_t block = 0; block < kBlocks; ++block)
    for (int64_t i = 0; i < 8; ++i) {
      Value other = block == kBlocks - 1 ? number(0) : below[block][i];
      results.push_back(select(isWarp(block), diagonal[i], other));
    }
  return results;
}

SmallVector<Values> DecayedBlock::multiply(ArrayRef<Value> rows,
                                           ArrayRef<ValueRange> blocks) {
  meet();
  Values below = multiplyBelow(rows);
  SmallVector<Values> results;
  for (size_t p = 0; p < blocks.size(); ++p) {
    SmallVector<ValueRange> own;
    for (int64_t block = 0; block < kBlocks - 1; ++block)
      own.push_back(
          ValueRange(below).slice(8 * (blocks.size() * block + p), 8));
    results.push_back(assemble(blocks[p], own));
  }
  return results;
}
