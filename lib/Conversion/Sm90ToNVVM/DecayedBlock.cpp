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
                                  /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  auto fill = [&](Block *block, function_ref<Values()> body) {
    b.setInsertionPointToStart(block);
    Values results = body();
    if (!types.empty())
      scf::YieldOp::create(b, loc, results);
  };
  fill(branch.thenBlock(), then);
  if (otherwise)
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

/// In the order of the elements of a tile.
Values DecayedBlock::loadOwnSums(Value sums, Value group) {
  Value token = i32.add(firstToken, quad);
  Value address = sumsAddress(sums, token, i32.bitAnd(quad, 3));
  Values upper = loadSums(address, group);
  Values lower = loadSums(address, group, 8 * rowBytes());
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
Value DecayedBlock::operandAddress(Value pair, Value group) {
  Value operand = i32.add(i32.mul(pair, groups()), group);
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

/// Columns for the next block, and for those further down, which are beside
/// multiplied by `later`.
void DecayedBlock::storeColumns(Value group, ValueRange words,
                                ArrayRef<Values> later) {
  auto addressOf = [&](int64_t distance) {
    return operandAddress(pairOf(i32, i32.add(warp, distance), warp), group);
  };
  ifTrue(isAbove(1),
         [&] { ptx::storeSharedWords(b, loc, addressOf(1), words); });
  auto pairType = VectorType::get(2, b.getF16Type());
  auto toPair = [&](Value word) -> Value {
    return LLVM::BitcastOp::create(b, loc, pairType, word);
  };
  auto storeLater = [&](int64_t distance) {
    Values decayed;
    for (auto [w, word] : llvm::enumerate(words))
      decayed.push_back(LLVM::BitcastOp::create(
          b, loc, b.getI32Type(),
          mul(toPair(word), toPair(later[distance - 2][w / 2]))));
    ptx::storeSharedWords(b, loc, addressOf(distance), decayed);
  };
  // One in the other: warps that have neither branch once.
  ifTrue(isAbove(2), [&] {
    storeLater(2);
    ifTrue(isAbove(3), [&] { storeLater(3); });
  });
}

/// What a group of columns is computed of: the sums of the tokens, and the
/// words of the keys and of the other rows, behind each other.
Values DecayedBlock::loadGroup(const DecayedChunk &chunk, Value group) {
  Values all = loadOwnSums(chunk.gates, group);
  llvm::append_range(all, loadTile(chunk.keys, group));
  for (const DecayedRows &rows : chunk.rows)
    if (rows.tile != chunk.keys)
      llvm::append_range(all, loadTile(rows.tile, group));
  return all;
}

/// What has decayed of a group of columns, of which `loaded` has been loaded
/// before. Nothing is loaded once something has been stored, which it might be
/// of.
Values DecayedBlock::decayGroup(const DecayedChunk &chunk, bool isSafe,
                                Value group, ValueRange loaded,
                                ValueRange diagonals) {
  Values toBlockEnd = loadPowers(group, End), toEnd = loadPowers(group, ToEnd),
         fromStart = loadPowers(group, FromStart);
  SmallVector<Values> later = loadLater(group);
  ValueRange own = loaded.take_front(8), keyWords = loaded.slice(8, 4),
             others = loaded.drop_front(12);
  Values x, y, end;
  if (!isSafe)
    end = loadSums(sumsAddress(chunk.gates, i32.add(firstToken, kBlock - 1),
                               i32.constant((kBlock - 1) % 4)),
                   group);
  Values down = extend(keyWords);
  for (auto [e, sum] : llvm::enumerate(own)) {
    x.push_back(exp2(sum));
    y.push_back(exp2(isSafe ? arith::NegFOp::create(b, loc, sum).getResult()
                            : sub(end[columnOf(e)], sum)));
    down[e] = mul(down[e], y[e]);
  }
  Values columns = pack(b.getF16Type(), multiply(down, toBlockEnd));
  storeTile(chunk.left, group, pack(element, multiply(down, toEnd)));
  Values products(diagonals);
  for (auto [r, rows] : llvm::enumerate(chunk.rows)) {
    bool isKeys = rows.tile == chunk.keys;
    Values up = extend(isKeys ? keyWords : others.take_front(4));
    others = isKeys ? others : others.drop_front(4);
    for (auto [value, power] : llvm::zip_equal(up, x))
      value = mul(value, power);
    storeTile(rows.tile, group, pack(b.getF16Type(), up));
    storeTile(rows.reached, group,
              pack(element, multiply(up, fromStart, rows.scale)));
    if (isSafe)
      multiplyDiagonal(MutableArrayRef(products).slice(8 * r, 8), up, down);
  }
  storeColumns(group, columns, later);
  return products;
}

/// Each group while what the next one needs is loaded.
Values DecayedBlock::decayGroups(const DecayedChunk &chunk, bool isSafe,
                                 ValueRange diagonals) {
  Values inits(diagonals);
  llvm::append_range(inits, loadGroup(chunk, i32.constant(0)));
  size_t count = diagonals.size();
  Values results = loop(groups(), inits, [&](Value group, ValueRange carried) {
    Value next = arith::MinUIOp::create(b, loc, i32.add(group, 1),
                                        i32.constant(groups() - 1));
    Values loaded = loadGroup(chunk, next);
    Values products =
        decayGroup(chunk, isSafe, group, carried.drop_front(count),
                   carried.take_front(count));
    llvm::append_range(products, loaded);
    return products;
  });
  results.truncate(count);
  return results;
}

/// What is above the diagonal of a block becomes zero; the rest makes up for
/// what tf32 has cut off.
Values DecayedBlock::clearAbove(ValueRange block) {
  Value first = arith::SubIOp::create(b, loc, i32.shiftLeft(own, 1), quad);
  Values lower;
  for (int64_t i = 0; i < 8; ++i) {
    Value above = i32.constant(rowOfElement(i) - columnOfElement(i));
    lower.push_back(select(compare(arith::CmpIPredicate::sgt, first, above),
                           number(0), mul(block[i], number(kCutOff))));
  }
  return lower;
}

SmallVector<Values> DecayedBlock::decay(const DecayedChunk &chunk) {
  Values last = sumGates(chunk);
  Value safe = isSafe(last);
  storeDecay(last);
  // Other warps may still read the columns of the chunk before, and need the
  // decay of this block.
  meet();
  preparePowers(last, safe, chunk.whole);
  NVVM::SyncWarpOp::create(b, loc, i32.constant(-1));
  Values zeros(8 * chunk.rows.size(), number(0));
  Values products = branch(
      safe, ValueRange(zeros).getTypes(),
      [&] { return decayGroups(chunk, /*isSafe=*/true, zeros); },
      [&] {
        // Of the rows as they are, which are overwritten.
        Values all;
        for (const DecayedRows &own : chunk.rows)
          all.append(sumDiagonal(own.tile, chunk));
        return decayGroups(chunk, /*isSafe=*/false, all);
      });
  fence();
  SmallVector<Values> results;
  for (size_t r = 0; r < chunk.rows.size(); ++r)
    results.push_back(clearAbove(ValueRange(products).slice(8 * r, 8)));
  return results;
}

//===----------------------------------------------------------------------===//
// The second pass
//===----------------------------------------------------------------------===//

/// The products with the blocks further up, of which there are `columns`, of
/// eight elements each, those of all rows with one block after the other.
Values DecayedBlock::multiplyColumns(ArrayRef<Value> rows, int64_t columns) {
  size_t size = 8 * rows.size();
  Value firstPair = pairOf(i32, warp, i32.constant(0));
  Values sums(columns * size, number(0));
  return loop(groups(), sums, [&](Value group, ValueRange carried) {
    SmallVector<Values> left, right;
    for (Value tile : rows)
      left.push_back(loadTile(tile, group));
    for (int64_t column = 0; column < columns; ++column)
      right.push_back(ptx::loadSharedWords(
          b, loc, operandAddress(i32.add(firstPair, column), group)));
    Values products(carried);
    for (int64_t column = 0; column < columns; ++column)
      for (auto [r, words] : llvm::enumerate(left))
        for (int64_t n = 0; n < 2; ++n) {
          auto acc =
              MutableArrayRef(products).slice(size * column + 8 * r + 4 * n, 4);
          llvm::copy(ptx::mma(b, loc, b.getF16Type(), acc, words,
                              {right[column][n], right[column][n + 2]}),
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
  SmallVector<Type> types(8 * kBlocks * rows.size(), b.getF32Type());
  auto multiply = [&] {
    Values zeros(8 * (kBlocks - 1 - number), this->number(0)), results,
        products;
    if (number > 0)
      products = multiplyColumns(rows, number);
    for (size_t r = 0; r < rows.size(); ++r) {
      for (int64_t column = 0; column < number; ++column)
        llvm::append_range(results, ValueRange(products).slice(
                                        8 * (rows.size() * column + r), 8));
      llvm::append_range(results, blocks[r]);
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
  for (size_t r = 0; r < rows.size(); ++r)
    results.emplace_back(ValueRange(all).slice(8 * kBlocks * r, 8 * kBlocks));
  return results;
}
