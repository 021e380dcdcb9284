//===- DecayedBlock.h - Tokens whose channels decay -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each warp has a block of 16 tokens, as rows and as columns of products, in
// the registers of an operand of 16 x 16: those of a left one are those of two
// right ones of 16 x 8. With G the sums, and S and E the sums in front of the
// block of rows and of a block of columns further up,
//
//     2^(G_i - G_j) = 2^(G_i - S) 2^(S - G_j)
//
// where no exponent is above 0. As a block of columns, a warp leaves one
// operand for each block of rows further down, and one for the end of the
// chunk; as rows it has a single one. So all have about as much to do.
//
// On the diagonal there is no such S. With M the sums of the token in the
// middle of the block,
//
//     2^(G_i - G_j) = 2^(G_i - M) 2^(M - G_j)
//
// fits tf32, which has the exponents of f32, if no channel decays by more than
// kSafeDecay on either side. The warp votes on it; where one does, the block is
// summed element by element.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_SM90TONVVM_DECAYEDBLOCK_H
#define ATTN_LIB_CONVERSION_SM90TONVVM_DECAYEDBLOCK_H

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::attn::sm90_to_nvvm {

using Values = SmallVector<Value>;

/// Emits what a warp does with its block of tokens.
class DecayedBlock {
public:
  DecayedBlock(OpBuilder &b, Location loc, sm90::StageType tile, Value sums,
               Value scratch)
      : b(b), loc(loc), i32(b, loc), element(tile.getElementType()),
        channels(tile.getColumns()), sums(sums), scratch(scratch) {
    lane = i32.lane();
    quad = i32.shiftRight(lane, 2);
    own = i32.bitAnd(lane, 3);
    warp = i32.warpOfWarpgroup();
    firstToken = i32.shiftLeft(warp, 4);
  }

  void emitColumns(Value keys, Value result);
  /// `reached` may be null.
  Values emitRows(Value rows, Value keys, Value reached, float scale);

private:
  static constexpr int64_t kBlock = sm90::kDiagonalBlock;
  static constexpr int64_t kBlocks = sm90::kWarpgroupRows / kBlock;
  /// Bytes of an operand of a warp, 16 for each lane.
  static constexpr int64_t kOperandBytes = 32 * 16;
  /// By how much (as a logarithm, base 2) channels may decay within each half
  /// of a block: keys and queries have the rest of the exponents of f32. Gates
  /// bounded by -5, as those of KDA are, stay below it.
  static constexpr float kSafeDecay = 60;
  /// Groups of columns at a time.
  static constexpr int64_t kTogether = 2;

  /// Element e of a lane is in register e / 2, which are rows g and g + 8 of
  /// the left columns, then of the right ones. This numbers its column among
  /// four.
  static constexpr int64_t columnOf(int64_t e) { return e / 4 * 2 + e % 2; }

  int64_t rowBytes() const { return channels * sm90::kNumberBytes; }
  int64_t groups() const { return channels / kBlock; }

  //===--- Scalars --------------------------------------------------------===//

  Value number(float value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  /// Half a unit of what a product reads, which is cut off.
  Value toTF32(Value x) {
    Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), x);
    return i32.add(bits, 1 << 12);
  }
  Value exp2(Value x) {
    return approximate(b, loc, "llvm.nvvm.ex2.approx.ftz.f", x);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value isWarp(int64_t number) {
    return compare(arith::CmpIPredicate::eq, warp, i32.constant(number));
  }

  //===--- Control flow ---------------------------------------------------===//

  void meet();
  /// Makes what has been stored visible to products.
  void fence();

  Values loop(int64_t count, ValueRange inits,
              function_ref<Values(Value index, ValueRange carried)> body);
  Values branch(Value condition, TypeRange types, function_ref<Values()> then,
                function_ref<Values()> otherwise);
  /// A loop over groups of 16 columns, some at a time, so that they hide each
  /// other's latency.
  Values forEachGroup(
      ValueRange inits,
      function_ref<Values(ArrayRef<Value> groups, ValueRange carried)> body);
  void ifTrue(Value condition, function_ref<void()> body) {
    branch(
        condition, {}, [&] { return body(), Values(); },
        [] { return Values(); });
  }

  //===--- Shared memory --------------------------------------------------===//

  /// The places of a lane in the row of the sums of `token`, whose number mod 4
  /// is `swizzle`.
  Value sumsAddress(Value token, Value swizzle);
  /// Those of a token that is the last of four.
  Value boundaryAddress(Value token) {
    return sumsAddress(token, i32.constant(3));
  }
  /// The numbers of the four columns of a group.
  Values loadSums(Value address, Value group, int64_t offset = 0);
  Values loadOwnSums(Value group);
  Value groupAddress(Value first, Value group);
  /// Four registers of a tile, which are eight elements.
  Values loadTile(Value first, Value group);
  Values extend(ValueRange words);
  void storeTile(Value first, Value group, ValueRange words);
  Value operandAddress(Value pair, Value group);

  //===--- Blocks ---------------------------------------------------------===//

  Values pack(Type type, ValueRange values);
  Values scale(ValueRange values, ValueRange from, ValueRange to);
  Value isSafe();
  Values reachStart(ValueRange start, float factor);
  Values addBelow(ArrayRef<Value> groups, ArrayRef<Values> left,
                  Value firstPair, ValueRange carried);
  Values multiplyBelow(Value rows, Value reached, float factor);
  std::pair<Values, Values> centre(ValueRange rows, ValueRange keys,
                                   ValueRange own, ValueRange middle);
  Values multiplyDiagonal(Value rows, Value keys);
  Values sumDiagonal(Value rows, Value keys);
  Values loadToken(Value keys, Value token, Value group);
  Value sumOfQuad(Value value);

  OpBuilder &b;
  Location loc;
  Int32 i32;
  Type element;
  int64_t channels;
  Value sums, scratch;
  /// Of the thread: the row among eight and the pair of columns.
  Value lane, quad, own, warp, firstToken;
};

} // namespace mlir::attn::sm90_to_nvvm

#endif // ATTN_LIB_CONVERSION_SM90TONVVM_DECAYEDBLOCK_H
