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
  ptx::barrierSync(b, loc, i32.constant(kAuxiliaryWarpgroup),
                   sm90::kWarpgroupThreads);
}

void DecayedBlock::fence() {
  NVVM::FenceProxyOp::create(
      b, loc,
      NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
      NVVM::SharedSpaceAttr::get(b.getContext(),
                                 NVVM::SharedSpace::shared_cta));
}

/// Nobody but the hardware knows how often: no thread has such a number.
/// Unrolled, what is executed of a chunk would not fit the instruction cache.
Values DecayedBlock::rolledLoop(
    int64_t count, ValueRange inits,
    function_ref<Values(Value index, ValueRange carried)> body) {
  Value none = i32.shiftRight(thread, 7);
  return loop(i32.add(none, count), inits, body);
}

Values
DecayedBlock::loop(Value count, ValueRange inits,
                   function_ref<Values(Value index, ValueRange carried)> body) {
  auto loop = scf::ForOp::create(b, loc, i32.constant(0), count,
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

/// The place in a tile of what is at `first` in the first group of columns.
/// Swizzles and panels change different bits, which is one exclusive or of a
/// number that all places of the group share.
Value DecayedBlock::moveToGroup(Value first, Value group) {
  constexpr int64_t kPanelShift = 13;
  static_assert(1 << kPanelShift ==
                sm90::kWarpgroupRows * sm90::kPanelRowBytes);
  Value inPanel = i32.shiftLeft(i32.bitAnd(group, 3), 5);
  Value panel = i32.shiftLeft(i32.shiftRight(group, 2), kPanelShift);
  return i32.bitXor(first, i32.add(inPanel, panel));
}

/// Tiles begin where swizzles do, so that all have the same offset.
Value DecayedBlock::tileAddress(Value tile, Value group) {
  Value first = matrixAddress(i32, i32.constant(0));
  return i32.add(moveToGroup(first, group), tile);
}

/// In the order of the elements of a tile. The lane has two of the four
/// channels of a place of 16 bytes, in the first eight of the group and in the
/// others.
Values DecayedBlock::loadStrengths(const DecayedRows &rows, Value left,
                                   Value group) {
  if (rows.areNarrow)
    return extend(loadTile(rows.tile, group));
  constexpr int64_t kPlaceShift = 4;
  // Where the row of the lane among eight is.
  Value row =
      i32.add(i32.shiftLeft(i32.bitAnd(quad, 3), 1), i32.shiftRight(quad, 2));
  Value place =
      i32.shiftLeft(i32.bitXor(i32.shiftRight(own, 1), row), kPlaceShift);
  Value first = i32.mul(i32.add(firstToken, row), sm90::kPanelRowBytes);
  Value inPlace = i32.shiftLeft(i32.bitAnd(own, 1), 3);
  Value offset = moveToGroup(i32.add(i32.add(first, place), inPlace), group);
  Values strengths;
  for (Value tile : {rows.tile, left})
    for (int64_t below : {0, 8})
      llvm::append_range(
          strengths, ptx::loadSharedFloats(b, loc, i32.add(tile, offset),
                                           below * sm90::kPanelRowBytes, 2));
  return strengths;
}

Values DecayedBlock::extend(ValueRange words) {
  Values values;
  for (Value pair : words)
    llvm::append_range(values, extendPair(b, loc, element, pair));
  return values;
}

/// Of the columns of a block.
Value DecayedBlock::operandAddress(size_t key, Value block, Value group) {
  Value own = key == 0 ? block : i32.add(block, key * sm90::kColumnBlocks);
  Value operand = i32.add(i32.mul(own, groups()), group);
  return i32.add(i32.add(scratch, i32.mul(operand, kOperandBytes)),
                 i32.shiftLeft(lane, 4));
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

/// Columns as they are at the end of the block, which all but the last are read
/// of: those of a product next to each other.
void DecayedBlock::storeColumns(size_t key, Value group, ValueRange words) {
  ifTrue(compare(arith::CmpIPredicate::ult, warp, i32.constant(kBlocks - 1)),
         [&] {
           ptx::storeSharedWords(b, loc, operandAddress(key, warp, group),
                                 {words[0], words[2], words[1], words[3]});
         });
}

/// What powers of a group of columns are computed of: the sums of tokens, and
/// those before them if there are such rows.
Values DecayedBlock::loadExponents(const DecayedChunk &chunk, Value group) {
  Values all = loadOwnSums(chunk.gates, group, /*isBefore=*/false);
  if (chunk.hasBefore(true))
    llvm::append_range(all, loadOwnSums(chunk.gates, group, /*isBefore=*/true));
  return all;
}

/// What is multiplied by these, one behind the other: the words of the keys and
/// of the other rows, but strengths.
Values DecayedBlock::loadWords(const DecayedChunk &chunk, Value group) {
  Values all;
  for (const DecayedKeys &keys : chunk.keys)
    llvm::append_range(all, loadTile(keys.tile, group));
  for (const DecayedRows &rows : chunk.rows)
    if (!rows.areStrengths() && !chunk.findKeys(rows))
      llvm::append_range(all, loadTile(rows.tile, group));
  return all;
}

/// Stores what is left of keys, which have been multiplied by y, at the end of
/// the chunk; returns what is left of them at the end of the block.
Values DecayedBlock::leaveKeys(const DecayedKeys &keys, ValueRange down,
                               ValueRange toBlockEnd, ValueRange toEnd,
                               Value group) {
  Values left = multiply(down, toBlockEnd);
  storeTile(keys.left, group, pack(element, multiply(left, toEnd)));
  return pack(b.getF16Type(), left);
}

/// Stores what rows have decayed to since the start of the block and of the
/// chunk. Returns them times x, for products with their own block.
Values DecayedBlock::decayRows(const DecayedRows &rows, ValueRange values,
                               ValueRange powers, ValueRange fromStart,
                               Value group) {
  Values up(values);
  for (auto [value, power] : llvm::zip_equal(up, powers))
    value = mul(value, power);
  storeTile(rows.decayed, group, pack(b.getF16Type(), up));
  storeTile(rows.reached, group,
            pack(element, multiply(up, fromStart, rows.scale)));
  return up;
}

/// What has decayed of a group of columns, of which `exponents` have been
/// loaded before. Nothing is loaded once something has been stored, which it
/// might be of.
Values DecayedBlock::decayGroup(const DecayedChunk &chunk, bool isSafe,
                                Value group, ValueRange exponents,
                                ValueRange carried) {
  Values words = loadWords(chunk, group);
  Values toBlockEnd = loadPowers(group, End), toEnd = loadPowers(group, ToEnd),
         fromStart = loadPowers(group, FromStart), end, strengths;
  for (const DecayedRows &own : chunk.rows)
    if (own.areStrengths())
      strengths = loadStrengths(own, chunk.keys.front().left, group);
  ValueRange sum = exponents.take_front(8), before = exponents.drop_front(8);
  ValueRange left = words;
  auto takeTile = [&] {
    Values tile = extend(left.take_front(4));
    left = left.drop_front(4);
    return tile;
  };
  SmallVector<Values> keys, down, columns;
  for (size_t k = 0; k < keyTiles; ++k)
    keys.push_back(takeTile());
  down = keys;
  if (!isSafe)
    end = loadSums(sumsAddress(chunk.gates, i32.add(firstToken, kBlock - 1),
                               i32.constant((kBlock - 1) % 4)),
                   group);
  // Of rows behind their decay, and of those before it.
  Values x[2];
  for (auto [e, own] : llvm::enumerate(sum)) {
    if (chunk.hasBefore(false))
      x[0].push_back(exp2(own));
    if (chunk.hasBefore(true))
      x[1].push_back(exp2(before[e]));
    Value y = exp2(isSafe ? arith::NegFOp::create(b, loc, own).getResult()
                          : sub(end[columnOf(e)], own));
    for (Values &values : down)
      values[e] = mul(values[e], y);
  }
  for (auto [own, values] : llvm::zip_equal(chunk.keys, down))
    columns.push_back(leaveKeys(own, values, toBlockEnd, toEnd, group));
  Values products(carried);
  for (auto [r, own] : llvm::enumerate(chunk.rows)) {
    std::optional<size_t> key = chunk.findKeys(own);
    Values values = own.areStrengths() ? gate(strengths, keys.front())
                    : key              ? keys[*key]
                                       : takeTile();
    if (chunk.bonus)
      llvm::copy(
          addOwn(chunk, group, values, keys.front(), carried.take_back(2)),
          products.end() - 2);
    Values up = decayRows(own, values, x[own.isBefore], fromStart, group);
    for (size_t k = 0; isSafe && k < keyTiles; ++k)
      multiplyDiagonal(
          MutableArrayRef(products).slice(8 * (r * keyTiles + k), 8), up,
          down[k]);
  }
  for (auto [k, words] : llvm::enumerate(columns))
    storeColumns(k, group, words);
  return products;
}

/// One group after the other. Where there are registers for it, the exponents
/// of the next one are loaded meanwhile; what is multiplied by powers comes
/// while these are raised. Beside sums in f32, which take long, that would gain
/// nothing.
Values DecayedBlock::decayGroups(const DecayedChunk &chunk, bool isSafe,
                                 ValueRange inits) {
  if (keyTiles > 1 || chunk.hasBefore(true) || !isSafe)
    return loop(groups(), inits, [&](Value group, ValueRange carried) {
      return decayGroup(chunk, isSafe, group, loadExponents(chunk, group),
                        carried);
    });
  Values all(inits);
  llvm::append_range(all, loadExponents(chunk, i32.constant(0)));
  size_t count = inits.size();
  Values results = loop(groups(), all, [&](Value group, ValueRange carried) {
    Value next = arith::MinUIOp::create(b, loc, i32.add(group, 1),
                                        i32.constant(groups() - 1));
    Values loaded = loadExponents(chunk, next);
    Values products =
        decayGroup(chunk, isSafe, group, carried.drop_front(count),
                   carried.take_front(count));
    llvm::append_range(products, loaded);
    return products;
  });
  results.truncate(count);
  return results;
}

/// What is above the diagonal of a block becomes zero, and on it, where its
/// rows are before their own decay; the rest makes up for what tf32 has cut
/// off, if it has.
Values DecayedBlock::clearAbove(ValueRange block, bool isBefore) {
  Value first = arith::SubIOp::create(b, loc, i32.shiftLeft(own, 1), quad);
  auto predicate =
      isBefore ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sgt;
  Values lower;
  for (int64_t i = 0; i < 8; ++i) {
    Value above = i32.constant(rowOfElement(i) - columnOfElement(i));
    Value whole = rounds ? block[i] : mul(block[i], number(kCutOff));
    lower.push_back(select(compare(predicate, first, above), number(0), whole));
  }
  return lower;
}

SmallVector<Values> DecayedBlock::decay(const DecayedChunk &chunk) {
  size_t pairs = chunk.rows.size() * keyTiles;
  Values zeros(8 * pairs + (chunk.bonus ? 2 : 0), number(0));
  Values products = branch(
      chunk.isSafe, ValueRange(zeros).getTypes(),
      [&] { return decayGroups(chunk, /*isSafe=*/true, zeros); },
      [&] {
        // Of the rows as they are, which are overwritten.
        Values all;
        for (const DecayedRows &own : chunk.rows)
          for (const DecayedKeys &keys : chunk.keys)
            all.append(sumDiagonal(own, keys, chunk.gates));
        all.append(zeros.begin() + all.size(), zeros.end());
        return decayGroups(chunk, /*isSafe=*/false, all);
      });
  fence();
  findThread();
  SmallVector<Values> results;
  for (size_t p = 0; p < pairs; ++p)
    results.push_back(clearAbove(ValueRange(products).slice(8 * p, 8),
                                 chunk.rows[p / keyTiles].isBefore));
  if (chunk.bonus)
    results.front() =
        replaceDiagonal(results.front(), ValueRange(products).take_back(2));
  return results;
}
