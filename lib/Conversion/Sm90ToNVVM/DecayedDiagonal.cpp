//===- DecayedDiagonal.cpp - Blocks of tokens by themselves ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecayedBlock.h"
#include "InlineAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

/// To the nearest, away from zero where there are two: products cut the bits
/// that are left.
Value DecayedBlock::roundToTF32(Value value) {
  constexpr int64_t kHalf = 1 << 12;
  Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), value);
  return arith::BitcastOp::create(b, loc, b.getF32Type(), i32.add(bits, kHalf));
}

/// By products of 16 x 8 x 8; columns 2 t and 2 t + 1 of eight take the places
/// of t and t + 4, on both sides.
void DecayedBlock::multiplyDiagonal(MutableArrayRef<Value> products, Values up,
                                    Values down) {
  if (rounds)
    for (Values *values : {&up, &down})
      for (Value &value : *values)
        value = roundToTF32(value);
  for (int64_t half = 0; half < 8; half += 4)
    for (int64_t n = 0; n < 2; ++n) {
      Values left{up[half], up[half + 2], up[half + 1], up[half + 3]};
      Values right{down[half + 2 * n], down[half + 2 * n + 1]};
      MutableArrayRef<Value> sums = products.slice(4 * n, 4);
      llvm::copy(ptx::mmaTF32(b, loc, sums, left, right), sums.begin());
    }
}

/// Four elements of a row of the keys.
Values DecayedBlock::loadToken(Value keys, Value token, Value group) {
  Value inRow =
      i32.add(i32.shiftLeft(i32.bitAnd(token, 7), 4), i32.shiftLeft(own, 2));
  Value row =
      i32.add(i32.add(keys, i32.mul(token, sm90::kPanelRowBytes)), inRow);
  Value inPanel = i32.bitXor(row, i32.shiftLeft(i32.bitAnd(group, 3), 5));
  Value address =
      i32.add(inPanel, i32.mul(i32.shiftRight(group, 2),
                               sm90::kWarpgroupRows * sm90::kPanelRowBytes));
  Values values;
  for (Value half : {address, i32.bitXor(address, 16)})
    llvm::append_range(
        values, extendPair(b, loc, element, ptx::loadShared(b, loc, half)));
  return values;
}

Value DecayedBlock::sumOfQuad(Value value) {
  for (int64_t distance : {1, 2})
    value = add(value, NVVM::ShflOp::create(
                           b, loc, b.getF32Type(), i32.constant(-1), value,
                           i32.constant(distance), i32.constant(31),
                           NVVM::ShflKind::bfly, UnitAttr()));
  return value;
}

/// The elements of rows, of which there are strengths or themselves.
Values DecayedBlock::loadRows(const DecayedRows &rows, const DecayedKeys &keys,
                              Value group) {
  if (!rows.areStrengths())
    return extend(loadTile(rows.tile, group));
  return gate(loadStrengths(rows, keys.left, group),
              extend(loadTile(keys.tile, group)));
}

/// One column after the other, in f32. Where it is above the diagonal the
/// powers may be infinite.
Values DecayedBlock::sumDiagonal(const DecayedRows &rows,
                                 const DecayedKeys &keys, Value gates) {
  Values zeros(8, number(0));
  return loop(kBlock, zeros, [&](Value column, ValueRange carried) {
    Value token = i32.add(firstToken, column);
    Value address = sumsAddress(gates, token, i32.bitAnd(column, 3));
    Values pair(2, number(0));
    pair = loop(groups(), pair, [&](Value group, ValueRange partial) {
      Values key = loadToken(keys.tile, token, group);
      Values from = loadSums(address, group),
             to = loadOwnSums(gates, group, rows.isBefore);
      Values sums(partial);
      for (auto [e, value] : llvm::enumerate(loadRows(rows, keys, group))) {
        Value decayed = mul(value, exp2(sub(to[e], from[columnOf(e)])));
        sums[e / 2 % 2] = math::FmaOp::create(b, loc, decayed, key[columnOf(e)],
                                              sums[e / 2 % 2]);
      }
      return sums;
    });
    for (Value &sum : pair)
      sum = sumOfQuad(sum);
    Values results(carried);
    Value first = i32.shiftLeft(own, 1);
    for (int64_t i = 0; i < 8; ++i) {
      Value place = i32.add(first, columnOfElement(i));
      results[i] = select(compare(arith::CmpIPredicate::eq, place, column),
                          pair[rowOfElement(i) != 0], results[i]);
    }
    return results;
  });
}
