//===- StepBuilder.h - The body of a kernel of steps ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_RECURRENCETOTILE_STEPBUILDER_H
#define ATTN_LIB_CONVERSION_RECURRENCETOTILE_STEPBUILDER_H

#include "StepRecurrence.h"

#include "../TileBuilders.h"

#include "attn/Analysis/Lowered.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"

namespace mlir::attn::recurrence_to_tile {

/// The state of the columns of an instance; the normalizer may be null.
struct State {
  Value matrix, normalizer;
};

/// A factor of a vector: one number for all of it, or one for each element.
struct Gate {
  Value scalar, vector;
};

/// A vector times a number, which is 1 where it is null. What is linear in the
/// vector need not wait for the number.
struct Scaled {
  Value vector, factor;
};

/// The operands of a write, as they are in memory. May be null.
struct Write {
  Value key, value, eraseKey, direction;
  Gate erase, write;
};

/// The operands of a token. Those that are null are loaded where they are used,
/// or there are none.
struct Token {
  Value query;
  Gate decay;
  SmallVector<Write> writes;

  /// Those that are not null.
  SmallVector<Value *> operands();
};

/// What the vector of an operand goes along, if it has one for each token.
enum class Channels { None, Key, Value };

/// The body of the kernel. Vectors are f32: those of the channels of keys have
/// the length of the state's key axis, those of values that of the block.
class StepBuilder {
public:
  explicit StepBuilder(StepKernel &step)
      : step(step), op(step.op), builder(step.kernel.getContext()),
        loc(step.op.getLoc()) {}

  void build();

private:
  // Instances.
  void createBlock();
  void createInstance();
  void createSequence();
  void createPadding();
  State loadState();
  void storeState(const State &state);
  void storeMatrix(Value matrix, Value view, ArrayRef<Value> place);
  /// Stores the state behind a token where it is to be kept.
  void keepState(Value token, const State &state);
  /// Calls `body` for each token, threading values through.
  SmallVector<Value> forEachToken(
      ArrayRef<Value> inits,
      function_ref<SmallVector<Value>(Value token, ValueRange values)> body);
  SmallVector<Value> stepOnce(Value token, const Token &shape,
                              ValueRange values);

  // Tokens.
  State createToken(Value row, const Token &token, State state);
  State decay(Gate gate, State state);
  /// A write into the state, of which `readable` is what an erasure reads.
  State write(const Write &operands, State state, Value readable);
  Value readErased(const Write &operands, Value readable);
  /// What the writes of a token add to what its query reads of the state in
  /// front of them.
  Value addOwnWrites(Value output, const Scaled &query, const Write &operands);
  Value finishOutput(Value output, const Scaled &query, Value normalizer);
  void storeOutput(Value row, Value output);
  /// Whether the sums over the state that a token erases and reads are of one
  /// state, so that neither waits for the other.
  bool readsAtOnce() {
    return loadsEarly() && op.erases() && op.getMicroSteps() == 1 &&
           !op.getBonus();
  }
  /// Whether all operands of a token are loaded before anything is computed, so
  /// that the memory is waited for once; of many channels, each is where it is
  /// used.
  bool loadsEarly() {
    return countStepRegisters(op, values, /*tokens=*/1) <= kMostStepRegisters;
  }
  bool prefetches();

  // Operands (StepOperands.cpp).
  void createInvariants();
  Token loadToken(Value row);
  Gate loadDecay(Value row);
  Write loadWrite(Value row, int64_t number);
  Value loadQuery(Value row) { return loadKeyed(op.getQuery(), getRows(row)); }
  Value loadKeyed(Value operand, ValueRange rows);
  Value loadValued(Value operand, ValueRange rows);
  Gate loadGate(Value gate, ValueRange rows, Channels channels);
  /// An operand at these indices, behind which its channels follow; computed
  /// where it is prepared in front of the recurrence.
  Value evaluate(Value operand, ArrayRef<Value> indices, Channels channels);
  Value evaluatePrepared(OpResult tensor, ArrayRef<Value> indices,
                         Channels channels);
  /// A size, constant where the type knows it.
  Value sizeOf(Value tensor, int64_t axis);
  Value load(Value operand, ValueRange indices, Channels channels);
  bool isAlongKeys(Value tensor);
  Value read(Value operand, ValueRange indices);
  Value readConstant(DenseElementsAttr values);

  /// The row of a token as the first indices of its elements.
  SmallVector<Value> getRows(Value row) {
    if (op.isPacked())
      return {row};
    return {sequence, row};
  }
  Value getRow(Value token) {
    return begin ? apply(d(0) + d(1), {begin, token}) : token;
  }

  // Algebra.
  Scaled normalize(Value vector, double scale);
  Value applyGate(Value vector, Gate gate);
  VectorType vectorType(int64_t size) {
    return VectorType::get({size}, builder.getF32Type());
  }
  VectorType matrixType() {
    return keyAxis == 0 ? VectorType::get({keys, values}, builder.getF32Type())
                        : VectorType::get({values, keys}, builder.getF32Type());
  }
  Value spread(Value vector, int64_t axis);
  Value spreadKeys(Value vector) { return spread(vector, keyAxis); }
  Value spreadValues(Value vector) { return spread(vector, 1 - keyAxis); }
  /// matrix^T vector
  Value readMatrix(Value matrix, Value vector);
  Value addProduct(Value matrix, Value key, Value value) {
    Value keys = spreadKeys(key), values = spreadValues(value);
    return fma(keys, values, matrix);
  }
  Value fma(Value a, Value b, Value c);
  Value sum(Value vector) {
    return vector::ReductionOp::create(builder, loc, vector::CombiningKind::ADD,
                                       vector);
  }
  Value splat(Value scalar, Type type) {
    return vector::BroadcastOp::create(builder, loc, type, scalar);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(builder, loc, a, b);
  }
  Value add(Value a, Value b) {
    return arith::AddFOp::create(builder, loc, a, b);
  }
  /// A product of numbers that are 1 where they are null.
  Value mulFactors(Value a, Value b) {
    return a && b ? mul(a, b) : (a ? a : b);
  }
  /// A product that may be merged with the sum that it is part of.
  Value mulForSum(Value a, Value b) {
    return arith::MulFOp::create(builder, loc, a, b,
                                 arith::FastMathFlags::contract);
  }
  Value scaleBy(Value vector, Value factor) {
    return factor ? mul(vector, splat(factor, vector.getType())) : vector;
  }
  Value real(double value) {
    return arith::ConstantOp::create(
        builder, loc, builder.getF32FloatAttr(static_cast<float>(value)));
  }
  Value zeros(Type type) {
    return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value apply(AffineExpr expr, ValueRange operands) {
    return applyExpr(builder, loc, expr, operands);
  }
  AffineExpr d(unsigned i) { return builder.getAffineDimExpr(i); }
  Value headOf(int64_t heads) {
    int64_t group = op.getValueHeads() / heads;
    return group == 1 ? valueHead : apply(d(0).floorDiv(group), {valueHead});
  }

  StepKernel &step;
  RecurrenceOp op;
  OpBuilder builder;
  Location loc;
  /// The sizes of the state of an instance, and which axis the key's is.
  int64_t keys, values, keyAxis;

  /// Of the instance: the sequence, the number of its state, the value head,
  /// the number of the block and its first column.
  Value sequence, slot, valueHead, block, column;
  /// Of packed sequences, their first row; the number of tokens.
  Value begin, tokens;
  /// What tokens have in common: the factor of a constant decay, and the bonus.
  Value constantDecay, bonus;
  /// Of the last write: the key, the value times its gate, what was read to be
  /// erased, and what was added along the key.
  Scaled key;
  Value written, erased, added;
};

} // namespace mlir::attn::recurrence_to_tile

#endif // ATTN_LIB_CONVERSION_RECURRENCETOTILE_STEPBUILDER_H
