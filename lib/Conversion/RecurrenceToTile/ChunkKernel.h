//===- ChunkKernel.h - The chunked form of a recurrence ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_RECURRENCETOTILE_CHUNKKERNEL_H
#define ATTN_LIB_CONVERSION_RECURRENCETOTILE_CHUNKKERNEL_H

#include "Attention/Attention.h"
#include "Tile/Tile.h"
#include "attn/Analysis/Lowered.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::attn {

/// Creates the kernel of a function that computes one recurrence, in front of
/// the function. With G_i the sum of the logarithms (base 2) of the decays of
/// tokens 0 to i of a chunk, A what is erased of each token by a later one, P
/// what a later one reads of it, and S the state in front of the chunk:
///
///     A_ij = <erase_i erase_key_i, k_j> 2^(G_i - G_j)   for j < i
///     P_ij = scale <q_i, k_j> 2^(G_i - G_j)             for j <= i
///     U = (I + A)^-1 (write V - 2^G (erase erase_key S))
///     o = scale 2^G (q S) + P U
///     S = 2^G_last S + (2^(G_last - G) k)^T U
///
/// Where rows are normalised, see ChunkNorms.cpp; where what is erased is taken
/// out along a vector of its own, EraseDirection.cpp.
/// Where channels of keys have decays of their own, all powers are those of a
/// channel and stand inside of the products (VectorDecay.cpp).
///
/// What is read to be erased (erase erase_key), what is written along (k) and
/// what is written (write V) are a tile each. A strength of a token is a factor
/// of a row, of the products or of the inverse; strengths of channels are part
/// of the tile that they multiply, and nothing else changes.
///
/// What a bonus or an erasure reads in front of a token's decay has G_{i-1} in
/// place of G_i, and j < i; the bonus is on the diagonal of P.
///
/// Without an erasure A is 0. The state is kept transposed, so that its rows
/// are channels of the values, which do not depend on each other.
///
/// Sums of keys, by which the output is divided, are the state of a value that
/// is 1 for each token. They have as many rows as the states, all the same: so
/// what queries read of them is where what they read of the states is.
class ChunkKernelBuilder {
public:
  ChunkKernelBuilder(func::FuncOp function, RecurrenceOp op,
                     tile::ScheduleAttr schedule);

  void build();
  /// Creates the kernel in front that says which chunks the instances of a
  /// schedule with segments have: see Segments.cpp.
  void buildBounds();
  /// And those behind it that check what it has found, where that is a guess:
  /// see SegmentChecks.cpp.
  void buildTransitions();
  void buildChecks();

private:
  /// The kernels of a program, in order.
  enum class Stage { Bounds, Transitions, Checks, Chunks };
  /// The numbers of a segment, in chunks but for the last one.
  enum BoundOfSegment : int64_t { Start, Begin, End, IsLast };
  /// What becomes of a chunk by its decays: the sums G, 2^G for each token,
  /// 2^(G_last - G) for each token, and 2^G_last. Null without a decay. Where
  /// channels have their own there are only their sums, and 2^G_last of each.
  struct Decay {
    Value sums, reached, left, whole, channelSums;
  };
  /// The tiles of a chunk. Strengths of channels are in the tiles already;
  /// those of tokens are numbers, or null.
  struct Chunk {
    Value row, query, key, eraseKey, direction, value, erase, write;
    /// What normalised rows are multiplied by, or null: queries, keys as they
    /// are written along, and keys as they are read to be erased, where no
    /// strength has it.
    Value queryNorms, keyNorms, eraseNorms;
    Decay decay;

    /// Whether as much is erased as is written.
    bool isShared() const { return erase && erase == write; }
  };

  /// With the arguments of the recurrence, or those that bounds follow from.
  void createKernel(Stage stage);
  Value createSequences(Value rows);
  SmallVector<Value> createForall(ArrayRef<OpFoldResult> extents);
  void enterSequence(Value number, Value head);
  void findSlot();
  Value clearPadding(Value output);
  void createInstance(Value split);
  Value createInitialState();
  Value createInitialSums();
  void storeState(Value state, Value target, Value result,
                  SmallVector<Value> place);
  void enterPool();
  void storeFinalStates(ValueRange states);
  void keepState(Value number, Value state);
  SmallVector<Value> createChunk(Value number, ValueRange states);
  Value createChunkOfTwo(const Chunk &chunk, Value state);
  Chunk loadChunk(Value row);
  Value loadAlongKeys(Value operand, Value row);
  Value createNorms(Value tile);
  void normalizeErased(Chunk &chunk);
  Decay createDecay(Value row);
  Value loadLogDecays(Value row);
  Decay createChannelDecay(Value row);
  bool hasChannelDecay() { return isPerChannel(op, op.getDecay()); }
  /// The products of queries, and of what is read to be erased, with `keys`,
  /// decayed where channels decay.
  Value createReadPairs(const Chunk &chunk, Value keys);
  Value createErasePairs(const Chunk &chunk, Value keys);
  Value createPairs(const Chunk &chunk, Value rows, Value keys, bool isBefore,
                    Value bonus = {});
  Value loadBonus();
  /// Both as they read what the state holds, and `keys` as the state takes what
  /// is written along them.
  Value reachQuery(const Chunk &chunk) {
    return reach(chunk, chunk.query, scale, bool(op.getBonus()));
  }
  Value reachErase(const Chunk &chunk) {
    return reach(chunk, chunk.eraseKey, 1, op.getBeforeDecay());
  }
  Value reach(const Chunk &chunk, Value rows, double factor, bool isBefore);
  Value leave(const Chunk &chunk, Value keys);
  Value scalePairs(const Chunk &chunk, Value products, Value rows);
  /// A tile, the same in 16 bits, and what rounding leaves of it, or null.
  struct Parts {
    Value exact, rounded, rest;
  };
  Parts createInverse(const Chunk &chunk, Value products);
  Value createReads(const Chunk &chunk, Value products, Type type);
  Value createValues(const Chunk &chunk);
  Value createWritten(const Chunk &chunk, const Parts &inverse, Value held);
  void storeOutput(const Chunk &chunk, Value output, Value divisor = {});

  //===--- Segments -------------------------------------------------------===//

  bool isCut() { return schedule.getSegmentChunks() > 0; }
  bool isOfBounds(Value argument);
  Value createKept(Value position, Value channel);
  struct Reach {
    Value start, isFound;
  };
  Reach findReach(Value begin, Value chunks, int64_t parts);
  Value findStart(Value begin, Value chunks);
  std::pair<Value, Value> shareChunks(Value segment, Value segments,
                                      Value chunks);
  void createBounds(Value line, Value segment, Value segments);
  SmallVector<Value> enterSegments(ArrayRef<OpFoldResult> rest,
                                   Value &segments);
  Value readBound(BoundOfSegment bound);
  bool guessesBounds() { return guessesSegments(op); }
  Value createUnit();
  Value createTransition(Value number, Value state);
  Value createIsForgotten(Value line, Value part);
  SmallVector<Value> getTransition(Value line, Value part, Value row,
                                   Value column);
  void readSegment(Value number, Value segments);
  void enterLastSegment();
  Value keepInitialState(Value state);
  Value getRowOfOutput(Value row);

  //===--- Memory ---------------------------------------------------------===//

  Value view(Value operand) { return views.lookup(operand); }
  /// The place of the token of row `row`, with what follows the token.
  SmallVector<Value> getPlace(Value row, ArrayRef<Value> rest);
  Value loadMatrix(Value operand, Value row, ArrayRef<Value> rest,
                   int64_t columns, int64_t copy = 0);
  /// `tile`, whose first channel is `first`, times `gates`, if these are of
  /// channels, in elements of `type`.
  Value gateChannels(Value tile, Value gates, Value row, Value first,
                     Type type);
  /// The numbers of tokens, if `strengths` are such.
  Value loadStrengths(Value strengths, Value row);
  /// A number of the value head for each token.
  Value loadNumbers(Value operand, Value row);
  Value evaluate(Value operand, ArrayRef<Value> place,
                 std::optional<unsigned> rowAxis);
  Value createIsToken(Value row);
  SmallVector<Value> readEnds();
  bool isPacked() { return op.isPacked(); }
  bool isLogDecay();
  int64_t getParts() { return llvm::divideCeil(op.getValueDim(), rows); }
  /// Of a matrix that has a row for each channel of the keys.
  int64_t getKeyParts() { return keyDim / rows; }

  /// The logarithm (base 2) of a decay that leaves nothing in f32. Larger
  /// differences of sums would lose bits, and infinite ones their meaning.
  static constexpr double kLeastLogDecay = -160;

  //===--- Values ---------------------------------------------------------===//

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  /// expr over dims bound to `operands`.
  Value apply(AffineExpr expr, ArrayRef<Value> operands);
  AffineExpr d(unsigned i) { return builder.getAffineDimExpr(i); }
  VectorType f32Tile(ArrayRef<int64_t> shape) {
    return VectorType::get(shape, builder.getF32Type());
  }
  Value splat(VectorType type, double value);
  Value add(Value a, Value b) {
    return arith::AddFOp::create(builder, loc, a, b);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(builder, loc, a, b);
  }
  Value sub(Value a, Value b) {
    return arith::SubFOp::create(builder, loc, a, b);
  }
  Value scaled(Value tile, double factor);
  Value exp2(Value exponents);
  /// `tile` with each column, or each row, multiplied by its factor.
  Value scaleColumns(Value tile, Value factors);
  Value scaleRows(Value tile, Value factors);
  /// The product of numbers of which either may be null.
  Value mulNumbers(Value a, Value b) { return a && b ? mul(a, b) : a ? a : b; }
  /// `from` less that.
  Value subtractScaled(Value from, Value tile, Value factors);
  /// `tile` with elements of `type`.
  Value round(Value tile, Type type);
  Value extend(Value tile);
  Value transpose(Value tile);
  Value createRest(Value tile, Value rounded);
  Value dot(Value lhs, Value rhs, bool transposeRhs, Value acc = {});

  func::FuncOp function;
  RecurrenceOp op;
  OpBuilder builder;
  Location loc;
  tile::ScheduleAttr schedule;
  /// Tokens of a chunk, channels of the value of an instance, and of a key.
  int64_t tokens, rows, keyDim;
  /// Factors of what is read, and of the output: either is the scale.
  double scale, outputScale;
  /// Of the operands of products, and of those that tell tokens from tokens:
  /// f16 has three more bits than bf16.
  Type element, fine;

  IRMapping views;
  Value output, finalState, finalNormalizer, keptStates;
  /// What kernels find for later ones: the bounds of segments, the products
  /// that check them, and the bounds that have been checked.
  Value bounds, transitions, checked;
  /// Of the instance: the sequence, the heads, the first channel of the value,
  /// the tokens, and begin and end of the rows of a packed sequence.
  Value sequence, keyHead, valueHead, channel, length;
  /// Which of the states is that of the sequence, and, of a pool, whether one
  /// is; null otherwise.
  Value slot, isOfPool;
  SmallVector<Value> slice;
  /// What an instance does where sequences are cut: the number of its segment,
  /// whether that is all of the sequence, the chunk that it starts with, how
  /// many there are, and the first row that it stores. Null otherwise.
  struct Segment {
    Value number, isWhole, start, count, firstRow;
  } segment;
};

} // namespace mlir::attn

#endif // ATTN_LIB_CONVERSION_RECURRENCETOTILE_CHUNKKERNEL_H
