//===- DecayedBonus.cpp - What tokens have of themselves ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of each channel a share, which all tokens have in common. Nothing of it
// decays, so that it is summed in f32 beside products of what does.
//
//===----------------------------------------------------------------------===//

#include "DecayedBlock.h"
#include "InlineAsm.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

/// Adds what tokens of the two rows of the lane have of themselves.
Values DecayedBlock::addOwn(const DecayedChunk &chunk, Value group,
                            ValueRange rows, ValueRange keys, ValueRange sums) {
  Value place = i32.add(i32.shiftLeft(group, 6), i32.shiftLeft(own, 3));
  Value address = arith::AddIOp::create(
      b, loc, chunk.bonus,
      arith::ExtSIOp::create(b, loc, b.getI64Type(), place));
  Values factors;
  for (int64_t offset : {0, 32})
    llvm::append_range(
        factors, ptx::loadGlobalWords(b, loc, address, offset, /*words=*/2,
                                      /*isFloat=*/true, /*constant=*/true));
  Values results(sums);
  for (auto [e, row] : llvm::enumerate(rows)) {
    Value &sum = results[e / 2 % 2];
    sum = math::FmaOp::create(b, loc, mul(row, factors[columnOf(e)]), keys[e],
                              sum);
  }
  return results;
}

/// What is on the diagonal becomes the sums of the two rows of the lanes.
Values DecayedBlock::replaceDiagonal(ValueRange block, ValueRange sums) {
  Value first = arith::SubIOp::create(b, loc, i32.shiftLeft(own, 1), quad);
  Values ofRows;
  for (Value sum : sums)
    ofRows.push_back(sumOfQuad(sum));
  Values results;
  for (int64_t i = 0; i < 8; ++i) {
    Value at = i32.constant(rowOfElement(i) - columnOfElement(i));
    results.push_back(select(compare(arith::CmpIPredicate::eq, first, at),
                             ofRows[rowOfElement(i) != 0], block[i]));
  }
  return results;
}
