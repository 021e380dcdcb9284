//===- DecayedBlock.cpp - A block of tokens whose channels decay ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecayedBlock.h"
#include "InlineAsm.h"

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

Values DecayedBlock::forEachGroup(
    ValueRange inits,
    function_ref<Values(ArrayRef<Value> groups, ValueRange carried)> body) {
  return loop(groups() / kTogether, inits, [&](Value index, ValueRange own) {
    Values groups;
    for (int64_t u = 0; u < kTogether; ++u)
      groups.push_back(i32.add(i32.mul(index, kTogether), u));
    return body(groups, own);
  });
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
Value DecayedBlock::sumsAddress(Value token, Value swizzle) {
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
Values DecayedBlock::loadOwnSums(Value group) {
  Value token = i32.add(firstToken, quad);
  Value address = sumsAddress(token, i32.bitAnd(quad, 3));
  Values upper = loadSums(address, group);
  Values lower = loadSums(address, group, 8 * rowBytes());
  Values numbers;
  for (int64_t half = 0; half < 4; half += 2)
    for (const Values &row : {upper, lower})
      numbers.append({row[half], row[half + 1]});
  return numbers;
}

/// Of a block of 16 columns, from the address of the first.
Value DecayedBlock::groupAddress(Value first, Value group) {
  Value inPanel = i32.bitXor(first, i32.shiftLeft(i32.bitAnd(group, 3), 5));
  Value panel = i32.mul(i32.shiftRight(group, 2),
                        sm90::kWarpgroupRows * sm90::kPanelRowBytes);
  return i32.add(inPanel, panel);
}

Values DecayedBlock::loadTile(Value first, Value group) {
  return ptx::ldmatrixX4(b, loc, groupAddress(first, group),
                         /*transposed=*/false);
}

Values DecayedBlock::extend(ValueRange words) {
  Values values;
  for (Value pair : words)
    llvm::append_range(values, extendPair(b, loc, element, pair));
  return values;
}

void DecayedBlock::storeTile(Value first, Value group, ValueRange words) {
  ptx::stmatrixX4(b, loc, groupAddress(first, group), words,
                  /*transposed=*/false);
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
// Columns
//===----------------------------------------------------------------------===//

Values DecayedBlock::pack(Type type, ValueRange values) {
  Values words;
  for (size_t i = 0; i < values.size(); i += 2)
    words.push_back(ptx::roundPair(b, loc, type, values[i], values[i + 1]));
  return words;
}

/// Each of `values` times 2^(to - from), of which one has a number for each
/// element and the other one for each column.
Values DecayedBlock::scale(ValueRange values, ValueRange from, ValueRange to) {
  Values results;
  for (auto [e, value] : llvm::enumerate(values)) {
    Value end = to.size() == values.size() ? to[e] : to[columnOf(e)];
    Value start = from.size() == values.size() ? from[e] : from[columnOf(e)];
    results.push_back(mul(value, exp2(sub(end, start))));
  }
  return results;
}

void DecayedBlock::emitColumns(Value keys, Value result) {
  Value firstKey = matrixAddress(i32, keys);
  Value firstResult = matrixAddress(i32, result);
  Value last = boundaryAddress(i32.constant(kBlocks * kBlock - 1));
  // Other warps may still read what is left of the chunk before.
  meet();
  forEachGroup({}, [&](ArrayRef<Value> groups, ValueRange) {
    Values values[kTogether], own[kTogether], end[kTogether];
    for (auto [u, group] : llvm::enumerate(groups)) {
      values[u] = extend(loadTile(firstKey, group));
      own[u] = loadOwnSums(group);
      end[u] = loadSums(last, group);
    }
    for (int64_t row = 1; row < kBlocks; ++row)
      ifTrue(compare(arith::CmpIPredicate::ult, warp, i32.constant(row)), [&] {
        Value boundary = boundaryAddress(i32.constant(row * kBlock - 1));
        Value pair = i32.add(warp, row * (row - 1) / 2);
        Values start[kTogether];
        for (auto [u, group] : llvm::enumerate(groups))
          start[u] = loadSums(boundary, group);
        for (auto [u, group] : llvm::enumerate(groups))
          ptx::storeSharedWords(
              b, loc, operandAddress(pair, group),
              pack(b.getF16Type(), scale(values[u], own[u], start[u])));
      });
    for (auto [u, group] : llvm::enumerate(groups))
      storeTile(firstResult, group,
                pack(element, scale(values[u], own[u], end[u])));
    return Values();
  });
  fence();
  meet();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// What rows have decayed by at the start of their block, column by column.
Values DecayedBlock::reachStart(ValueRange start, float factor) {
  Values all;
  for (Value sum : start)
    all.push_back(factor == 1 ? exp2(sum) : mul(exp2(sum), number(factor)));
  return all;
}

/// Adds the products of a group with the blocks further up.
Values DecayedBlock::addBelow(ArrayRef<Value> groups, ArrayRef<Values> left,
                              Value firstPair, ValueRange carried) {
  Values products;
  for (int64_t column = 0; column < kBlocks - 1; ++column) {
    ValueRange acc = carried.slice(8 * column, 8);
    auto multiply = [&] {
      Values sums(acc), right[kTogether];
      Value pair = i32.add(firstPair, column);
      for (auto [u, group] : llvm::enumerate(groups))
        right[u] = ptx::loadSharedWords(b, loc, operandAddress(pair, group));
      for (auto [u, own] : llvm::enumerate(left))
        for (int64_t n = 0; n < 2; ++n)
          llvm::copy(ptx::mma(b, loc, b.getF16Type(),
                              ValueRange(sums).slice(4 * n, 4), own,
                              {right[u][n], right[u][n + 2]}),
                     sums.begin() + 4 * n);
      return sums;
    };
    Value isBelow =
        compare(arith::CmpIPredicate::ugt, warp, i32.constant(column));
    llvm::append_range(products, branch(isBelow, acc.getTypes(), multiply,
                                        [&] { return Values(acc); }));
  }
  return products;
}

/// The products with blocks further up, of eight elements each.
Values DecayedBlock::multiplyBelow(Value rows, Value reached, float factor) {
  Value first = matrixAddress(i32, rows), target;
  if (reached)
    target = matrixAddress(i32, reached);
  Value isFirst = isWarp(0);
  Value before = boundaryAddress(
      select(isFirst, i32.constant(kBlock - 1), i32.add(firstToken, -1)));
  Value firstPair = pairOf(i32, warp, i32.constant(0));
  Values zeros((kBlocks - 1) * 8, number(0));
  return forEachGroup(zeros, [&](ArrayRef<Value> groups, ValueRange carried) {
    Values start[kTogether], tile[kTogether], own[kTogether];
    for (auto [u, group] : llvm::enumerate(groups)) {
      tile[u] = loadTile(first, group);
      own[u] = loadOwnSums(group);
      for (Value sum : loadSums(before, group))
        start[u].push_back(select(isFirst, number(0), sum));
    }
    // Rounded as soon as can be, which halves the registers.
    Values left[kTogether], reachedWords[kTogether];
    for (int64_t u = 0; u < kTogether; ++u) {
      Values values = scale(extend(tile[u]), start[u], own[u]);
      left[u] = pack(b.getF16Type(), values);
      if (!reached)
        continue;
      Values all = reachStart(start[u], factor);
      for (auto [e, value] : llvm::enumerate(values))
        value = mul(value, all[columnOf(e)]);
      reachedWords[u] = pack(element, values);
    }
    Values products = addBelow(groups, left, firstPair, carried);
    for (int64_t u = 0; reached && u < kTogether; ++u)
      storeTile(target, groups[u], reachedWords[u]);
    return products;
  });
}

Values DecayedBlock::emitRows(Value rows, Value keys, Value reached,
                              float factor) {
  // Which has the fewest sums goes first, with the most operands.
  SmallVector<Type> types(8, b.getF32Type());
  Values diagonal = branch(
      isSafe(), types, [&] { return multiplyDiagonal(rows, keys); },
      [&] { return sumDiagonal(rows, keys); });
  Values below = multiplyBelow(rows, reached, factor);
  if (reached)
    fence();
  Value first = arith::SubIOp::create(b, loc, i32.shiftLeft(own, 1), quad);
  for (int64_t i = 0; i < 8; ++i) {
    Value above = i32.constant(rowOfElement(i) - columnOfElement(i));
    diagonal[i] = select(compare(arith::CmpIPredicate::sgt, first, above),
                         number(0), diagonal[i]);
  }
  Values results;
  for (int64_t block = 0; block < kBlocks; ++block)
    for (int64_t i = 0; i < 8; ++i) {
      Value other = block == kBlocks - 1 ? number(0) : below[8 * block + i];
      results.push_back(select(isWarp(block), diagonal[i], other));
    }
  return results;
}
