//===- DecayedBlock.h - Tokens whose channels decay -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each warp has a block of 16 tokens, as rows and as columns of products, in
// the registers of an operand of 16 x 16: those of a left one are those of two
// right ones of 16 x 8. With g the sums within a block, E those of its last
// token, and D the decay of the blocks between,
//
//     2^(g_i - g_j) = 2^g_i 2^-g_j                        in a block
//     2^g_i 2^D 2^(E - g_j)                               with one further up
//
// The first line fits tf32, which has the exponents of f32, if no channel
// decays by more than kSafeDecay in the block; the warp votes on it. Then both
// lines need x = 2^g and y = 2^-g for each element, and beside them powers
// that the tokens of a block have in common, such as 2^E: these are computed
// once for each channel, and read from shared memory. Where the vote fails, y
// is 2^(E - g), so that no exponent is above 0, and the block is multiplied
// with itself element by element.
//
// In a first pass, what has decayed is left in place of the rows, and as
// columns in the scratch; in the second one, blocks are multiplied with those
// further up, times what the blocks between leave of these.
//
// Rows that are before their own decay have the sums of the token in front: 0
// for the first one of a block. Nothing else changes but what is above the
// diagonal, which they have to be as well.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_SM90TONVVM_DECAYEDBLOCK_H
#define ATTN_LIB_CONVERSION_SM90TONVVM_DECAYEDBLOCK_H

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::attn::sm90_to_nvvm {

using Values = SmallVector<Value>;

/// Rows that tokens are multiplied as, and where those times 2^G and a scale
/// go, with G the sums from the start of the chunk. All of these are byte
/// addresses. Strengths are what keys are multiplied by to have the rows; of 16
/// of their channels, half lie where what is left of the keys goes.
struct DecayedRows {
  Value tile, reached;
  float scale;
  bool isBefore;
  /// Where what they have decayed since the start of their block goes: their
  /// own place, or that of the keys which they are strengths of.
  Value decayed;
  /// Strengths that have as many bits as keys lie in the place of the rows
  /// alone, as the rows do.
  bool areNarrow = false;

  bool areStrengths() const { return decayed != tile; }
};

/// Keys that tokens are multiplied with, and where what is left of them goes.
struct DecayedKeys {
  Value tile, left;
};

/// Gates that become sums, and where the power of all of them goes. Rows from
/// `limit` on do not decay.
struct DecayGates {
  Value gates, limit;
  bool isLinear;
  Value whole;
};

/// What there is of a chunk, and where what is left of it goes.
struct DecayedChunk {
  SmallVector<DecayedRows> rows;
  SmallVector<DecayedKeys> keys;
  /// The sums, and whether powers that are relative to the start of the block
  /// do not overflow.
  Value gates, isSafe;
  /// The address (an i64) of the factors of what tokens have of themselves, or
  /// null.
  Value bonus;

  bool hasBefore(bool isBefore) const {
    return llvm::any_of(
        rows, [&](const DecayedRows &own) { return own.isBefore == isBefore; });
  }
  bool hasStrengths() const {
    return llvm::any_of(
        rows, [](const DecayedRows &own) { return own.areStrengths(); });
  }
  /// Which keys rows are, if any.
  std::optional<size_t> findKeys(const DecayedRows &own) const {
    for (auto [k, candidate] : llvm::enumerate(keys))
      if (candidate.tile == own.tile)
        return k;
    return std::nullopt;
  }
};

/// Emits what a warp does with its block of tokens.
class DecayedBlock {
public:
  DecayedBlock(OpBuilder &b, Location loc, sm90::StageType tile, Value scratch,
               size_t keys, bool rounds = false)
      : b(b), loc(loc), i32(b, loc), element(tile.getElementType()),
        channels(tile.getColumns()), keyTiles(keys), rounds(rounds),
        scratch(scratch) {
    findThread();
  }

  /// What needs nothing but the gates. Returns whether the block is safe.
  Value sumDecays(const DecayGates &chunk);
  /// The first pass. Returns the products of each of the rows of the block with
  /// each of its keys, of 16 x 16.
  SmallVector<Values> decay(const DecayedChunk &chunk);
  /// The second one, with what the first has returned.
  SmallVector<Values> multiply(ArrayRef<Value> rows,
                               ArrayRef<ValueRange> blocks);

private:
  static constexpr int64_t kBlock = sm90::kDiagonalBlock;
  static constexpr int64_t kBlocks = sm90::kWarpgroupRows / kBlock;
  /// Bytes of an operand of a warp, 16 for each lane.
  static constexpr int64_t kOperandBytes = 32 * 16;
  /// By how much (as a logarithm, base 2) channels may decay within a block.
  /// Gates bounded by -5, as those of KDA are, stay below it; keys and queries
  /// have the rest of the exponents of f32: 2^11, and for what has decayed so
  /// much 2^-10.
  static constexpr float kSafeDecay = 116;
  /// By what two factors that have lost all but the ten first bits behind the
  /// point are too small, on average: 1 + 2^-10 (1 - 1/2) / ln 2.
  static constexpr float kCutOff = 1.000704f;
  /// What leaves nothing of an f32, as a logarithm.
  static constexpr float kLeastLogDecay = -160;
  /// What the tokens of a block have in common: its decay, as a logarithm; what
  /// x lacks to 2^G; what y does to the end of the block; and from there to
  /// that of the chunk.
  enum Power { Decay, FromStart, End, ToEnd };

  /// Element e of a lane is in register e / 2, which are rows g and g + 8 of
  /// the left columns, then of the right ones. This numbers its column among
  /// four.
  static constexpr int64_t columnOf(int64_t e) { return e / 4 * 2 + e % 2; }

  int64_t rowBytes() const { return channels * sm90::kNumberBytes; }
  int64_t groups() const { return channels / kBlock; }

  //===--- Scalars --------------------------------------------------------===//

  /// Anew: what follows from it does not take registers before.
  void findThread() {
    thread = i32.threadOfWarpgroupAnew();
    lane = i32.bitAnd(thread, 31);
    quad = i32.shiftRight(lane, 2);
    own = i32.bitAnd(lane, 3);
    warp = i32.shiftRight(thread, 5);
    firstToken = i32.shiftLeft(warp, 4);
  }
  Value number(float value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value exp2(Value x) {
    return approximate(b, loc, "llvm.nvvm.ex2.approx.ftz.f", x);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value larger(Value x, Value y) {
    return arith::MaxNumFOp::create(b, loc, x, y);
  }
  Value isWarp(int64_t number) {
    return compare(arith::CmpIPredicate::eq, warp, i32.constant(number));
  }

  //===--- Control flow ---------------------------------------------------===//

  void meet();
  /// Makes what has been stored visible to products.
  void fence();

  Values loop(Value count, ValueRange inits,
              function_ref<Values(Value index, ValueRange carried)> body);
  Values loop(int64_t count, ValueRange inits,
              function_ref<Values(Value index, ValueRange carried)> body) {
    return loop(i32.constant(count), inits, body);
  }
  /// One that is not unrolled.
  Values rolledLoop(int64_t count, ValueRange inits,
                    function_ref<Values(Value index, ValueRange carried)> body);
  Values branch(Value condition, TypeRange types, function_ref<Values()> then,
                function_ref<Values()> otherwise);
  void ifTrue(Value condition, function_ref<void()> body) {
    branch(condition, {}, [&] { return body(), Values(); }, {});
  }

  //===--- Shared memory --------------------------------------------------===//

  /// The places of a lane in the row of the sums of `token`, whose number mod 4
  /// is `swizzle`.
  Value sumsAddress(Value sums, Value token, Value swizzle);
  /// The numbers of the four columns of a group.
  Values loadSums(Value address, Value group, int64_t offset = 0);
  Values loadOwnSums(Value sums, Value group, bool isBefore);
  Value moveToGroup(Value first, Value group);
  /// Of the block of 16 x 16 of a tile in a group of columns, for the lane.
  Value tileAddress(Value tile, Value group);
  Values extend(ValueRange words);
  /// Four registers of a tile, which are eight elements.
  Values loadTile(Value tile, Value group) {
    return ptx::ldmatrixX4(b, loc, tileAddress(tile, group),
                           /*transposed=*/false);
  }
  void storeTile(Value tile, Value group, ValueRange words) {
    ptx::stmatrixX4(b, loc, tileAddress(tile, group), words,
                    /*transposed=*/false);
  }
  Values loadStrengths(const DecayedRows &rows, Value left, Value group);
  Value operandAddress(size_t key, Value block, Value group);
  /// The address of what tokens of the block have in common; of what is for
  /// blocks further down.
  Value powersAddress(Value block);
  Value laterAddress(Value block);
  Values loadPowers(Value group, Power power);
  /// Stores a number for each channel of the lane, in the order in which lanes
  /// read them: columns 2 t, 2 t + 1, 2 t + 8 and 2 t + 9 of a group together.
  void storePowers(Value address, Type type, ValueRange values);

  //===--- Sums -----------------------------------------------------------===//

  Value placeOfToken(Value gates, int64_t x);
  Value addLogarithm(const DecayGates &chunk, Value sum, Value gate,
                     Value token);
  Values sumGates(const DecayGates &chunk);
  Value isSafe(ValueRange last);
  void storeDecay(ValueRange last);
  void preparePowers(ValueRange last, Value safe, Value whole);
  void prepareLater(ArrayRef<Values> decays);

  //===--- Blocks ---------------------------------------------------------===//

  Values pack(Type type, ValueRange values);
  Values multiply(ValueRange values, ValueRange columns, float factor = 1);
  Values decayGroups(const DecayedChunk &chunk, bool isSafe, ValueRange inits);
  Values decayGroup(const DecayedChunk &chunk, bool isSafe, Value group,
                    ValueRange exponents, ValueRange carried);
  Values loadExponents(const DecayedChunk &chunk, Value group);
  Values loadWords(const DecayedChunk &chunk, Value group);
  Values leaveKeys(const DecayedKeys &keys, ValueRange down,
                   ValueRange toBlockEnd, ValueRange toEnd, Value group);
  Values decayRows(const DecayedRows &rows, ValueRange values,
                   ValueRange powers, ValueRange fromStart, Value group);
  void storeColumns(size_t key, Value group, ValueRange words);
  Values addOwn(const DecayedChunk &chunk, Value group, ValueRange rows,
                ValueRange keys, ValueRange sums);
  Values clearAbove(ValueRange block, bool isBefore);
  Values replaceDiagonal(ValueRange block, ValueRange sums);
  Value roundToTF32(Value value);
  void multiplyDiagonal(MutableArrayRef<Value> products, Values up,
                        Values down);
  Values loadColumns(size_t key, int64_t block, int64_t number, Value group);
  Values multiplyColumns(ArrayRef<Value> rows, int64_t begin, int64_t end,
                         int64_t number);
  Value sharedAddress();
  void shareProducts(ArrayRef<Value> rows);
  Values takeProducts(size_t count);
  Values multiplyFurtherUp(int64_t number, ArrayRef<Value> rows);
  Values multiplyAsWarp(int64_t number, ArrayRef<Value> rows,
                        ArrayRef<ValueRange> blocks);
  Values gate(ValueRange strengths, ValueRange keys);
  Values loadRows(const DecayedRows &rows, const DecayedKeys &keys,
                  Value group);
  Values sumDiagonal(const DecayedRows &rows, const DecayedKeys &keys,
                     Value gates);
  Values loadToken(Value keys, Value token, Value group);
  Value sumOfQuad(Value value);

  OpBuilder &b;
  Location loc;
  Int32 i32;
  Type element;
  int64_t channels;
  /// Tiles of keys, whose columns follow each other in the scratch.
  size_t keyTiles;
  /// Whether factors of tf32 are rounded, not cut.
  bool rounds;
  Value scratch;
  /// Of the thread: the row among eight and the pair of columns.
  Value thread, lane, quad, own, warp, firstToken;
};

} // namespace mlir::attn::sm90_to_nvvm

#endif // ATTN_LIB_CONVERSION_SM90TONVVM_DECAYEDBLOCK_H
