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

/// Whether no channel decays too far between the middle of the block and its
/// first and last token.
Value DecayedBlock::isSafe() {
  int64_t perLane = channels / 32;
  Value bytes = i32.mul(lane, perLane * sm90::kNumberBytes);
  Value row = i32.add(sums, i32.mul(firstToken, rowBytes()));
  Value place = i32.add(row, bytes);
  Value boundary = i32.add(row, i32.bitXor(bytes, 3 * 32));
  Values first = ptx::loadSharedFloats(b, loc, place, 0, perLane);
  Values middle = ptx::loadSharedFloats(b, loc, boundary,
                                        (kBlock / 2 - 1) * rowBytes(), perLane);
  Values last = ptx::loadSharedFloats(b, loc, boundary,
                                      (kBlock - 1) * rowBytes(), perLane);
  auto larger = [&](Value x, Value y) -> Value {
    return arith::MaxNumFOp::create(b, loc, x, y);
  };
  Value most = number(0);
  for (int64_t i = 0; i < perLane; ++i)
    most =
        larger(most, larger(sub(first[i], middle[i]), sub(middle[i], last[i])));
  Value fits = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, most,
                                     number(kSafeDecay));
  return NVVM::VoteSyncOp::create(b, loc, b.getI1Type(), i32.constant(-1), fits,
                                  NVVM::VoteSyncKind::all);
}

/// Rows and keys of a group relative to the middle, in tf32.
std::pair<Values, Values> DecayedBlock::centre(ValueRange rows, ValueRange keys,
                                               ValueRange own,
                                               ValueRange middle) {
  Values up, down;
  for (size_t e = 0; e < own.size(); ++e) {
    Value distance = sub(own[e], middle[columnOf(e)]);
    Value opposite = arith::NegFOp::create(b, loc, distance);
    up.push_back(toTF32(mul(rows[e], exp2(distance))));
    down.push_back(toTF32(mul(keys[e], exp2(opposite))));
  }
  return {up, down};
}

/// By products of 16 x 8 x 8; columns 2 t and 2 t + 1 of eight take the places
/// of t and t + 4, on both sides.
Values DecayedBlock::multiplyDiagonal(Value rows, Value keys) {
  Value firstRow = matrixAddress(i32, rows);
  Value firstKey = matrixAddress(i32, keys);
  Value centreRow = boundaryAddress(i32.add(firstToken, kBlock / 2 - 1));
  Values zeros(8, number(0));
  return forEachGroup(zeros, [&](ArrayRef<Value> groups, ValueRange carried) {
    Values row[kTogether], key[kTogether], own[kTogether], middle[kTogether];
    for (auto [u, group] : llvm::enumerate(groups)) {
      row[u] = loadTile(firstRow, group);
      key[u] = rows == keys ? row[u] : loadTile(firstKey, group);
      own[u] = loadOwnSums(group);
      middle[u] = loadSums(centreRow, group);
    }
    Values products(carried);
    for (int64_t u = 0; u < kTogether; ++u) {
      auto [up, down] =
          centre(extend(row[u]), extend(key[u]), own[u], middle[u]);
      for (int64_t half = 0; half < 8; half += 4)
        for (int64_t n = 0; n < 2; ++n) {
          Values left{up[half], up[half + 2], up[half + 1], up[half + 3]};
          Values right{down[half + 2 * n], down[half + 2 * n + 1]};
          llvm::copy(ptx::mmaTF32(b, loc, ValueRange(products).slice(4 * n, 4),
                                  left, right),
                     products.begin() + 4 * n);
        }
    }
    return products;
  });
}

/// Four elements of a row of the keys.
Values DecayedBlock::loadToken(Value keys, Value token, Value group) {
  Value inRow =
      i32.add(i32.shiftLeft(i32.bitAnd(token, 7), 4), i32.shiftLeft(own, 2));
  Value row =
      i32.add(i32.add(keys, i32.mul(token, sm90::kPanelRowBytes)), inRow);
  Value address = groupAddress(row, group);
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

/// One column after the other, in f32. Where it is above the diagonal the
/// powers may be infinite.
Values DecayedBlock::sumDiagonal(Value rows, Value keys) {
  Value firstRow = matrixAddress(i32, rows);
  Values zeros(8, number(0));
  return loop(kBlock, zeros, [&](Value column, ValueRange carried) {
    Value token = i32.add(firstToken, column);
    Value address = sumsAddress(token, i32.bitAnd(column, 3));
    Values pair(2, number(0));
    pair = loop(groups(), pair, [&](Value group, ValueRange partial) {
      Values key = loadToken(keys, token, group);
      Values decayed = scale(extend(loadTile(firstRow, group)),
                             loadSums(address, group), loadOwnSums(group));
      Values sums(partial);
      for (auto [e, value] : llvm::enumerate(decayed))
        sums[e / 2 % 2] = math::FmaOp::create(b, loc, value, key[columnOf(e)],
                                              sums[e / 2 % 2]);
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
