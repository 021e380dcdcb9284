//===- Consumer.h - The role that computes ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_TILETOSM90_CONSUMER_H
#define ATTN_LIB_CONVERSION_TILETOSM90_CONSUMER_H

#include "TileToSm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

namespace mlir::attn::tile_to_sm90 {

/// A product that has been started and not yet waited for.
struct Pending {
  Value source;
  Value inFlight;
  Value emptyBarrier, count;
};

/// A stage that several products read, and how to give it back.
struct HeldStage {
  Value stage, emptyBarrier, count;
  /// What was loaded into it.
  tile::LoadOp load;
};

/// What a step of the softmax starts from, once it has seen the scores.
struct Statistics {
  /// The new maximum, and what is subtracted from the scores for it.
  Value max, reference;
  Value correction;
  /// The sum without the new weights, and what it is still to be multiplied by
  /// if anything.
  Value sum, sumFactor = {};
};

/// Computes what one consumer warpgroup does: 64 rows of every tile.
class Consumer {
public:
  Consumer(Kernel &kernel, Block *role)
      : kernel(kernel), builder(OpBuilder::atBlockBegin(role)),
        mapping(kernel.scalars), loc(kernel.source.getLoc()) {}

  LogicalResult run();

private:
  LogicalResult consume(Block &block);
  LogicalResult consumeOp(Operation *op);
  LogicalResult consumeLoad(tile::LoadOp load);
  LogicalResult consumeDot(tile::DotOp dot);
  void consumeMask(tile::MaskOp op);
  void consumeScore(tile::ScoreOp op);
  void consumeFindExtremes(tile::FindExtremesOp op);
  void consumeFindReach(tile::FindReachOp op);
  void consumeWrite(tile::WriteOp op);
  void consumeRegion(Operation *op, Operation *copy);
  LogicalResult consumeSoftmax(tile::OnlineSoftmaxOp op);
  Statistics updateMax(tile::OnlineSoftmaxOp op);
  Statistics updateMaxLazily(tile::OnlineSoftmaxOp op);
  Statistics findMax(tile::OnlineSoftmaxOp op, Value max, Value sum);
  void noteFailure(tile::FinishSoftmaxOp op, Value sum, Value result);
  LogicalResult consumeRescale(tile::RescaleOp op);
  LogicalResult consumeFinish(tile::FinishSoftmaxOp op);
  Value addSink(Value sink, Value max, Value scale, Value sum);
  LogicalResult consumeStore(tile::StoreOp store);
  LogicalResult copyMatrix(tile::StoreOp store, ArrayRef<Value> indices);
  FailureOr<Value> findQueryBuffer(tile::StoreOp store);
  void storeMatrix(tile::StoreOp store, SmallVector<Value> indices);
  void storeRows(tile::StoreOp store, SmallVector<Value> indices);
  /// Where the first row of a store is, in elements, and how many rows the
  /// tensor or the slice has from there on.
  struct Destination {
    Value offset, limit;
  };
  Destination findDestination(tile::StoreOp store, SmallVector<Value> indices);
  LogicalResult consumeLoop(scf::ForOp loop);
  void leaveUndefined(scf::ForOp loop, MutableArrayRef<Value> inits);
  LogicalResult consumeIf(scf::IfOp op);
  LogicalResult consumeElementwise(Operation *op);

  /// The converted value; waits for it if it is under way.
  Value use(Value source);
  SmallVector<Value> useAll(ValueRange sources) {
    return llvm::map_to_vector(sources, [&](Value v) { return use(v); });
  }
  void waitForOldest();
  void release(const HeldStage &entry);
  void releaseRead(Operation *done);
  void releaseHeld(size_t keep);
  void waitForAll() {
    while (!pending.empty())
      waitForOldest();
  }

  FailureOr<Type> convert(Operation *op, Type type);
  LogicalResult checkRows(Operation *op, VectorType type);

  Value constant(Type type, double value);
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(builder, loc, a, b);
  }
  Value sub(Value a, Value b) {
    return arith::SubFOp::create(builder, loc, a, b);
  }
  Value select(arith::CmpFPredicate predicate, Value a, Value b, Value ifTrue,
               Value ifFalse);
  Value getReference(tile::OnlineSoftmaxOp op, Value max);
  Value power(Type type, int64_t exponent) {
    return constant(type, std::ldexp(1.0, static_cast<int>(exponent)));
  }
  Value createCorrection(Value max, Value reference, Value scale);
  Value broadcast(Value rows, Type like) {
    return sm90::BroadcastRowsOp::create(builder, loc, like, rows);
  }
  Value combine(sm90::Combine kind, Value rows) {
    return sm90::CombineQuadOp::create(builder, loc, rows.getType(), kind,
                                       rows);
  }
  Value reduce(sm90::Combine kind, Value matrix, Type rows) {
    return sm90::ReduceColumnsOp::create(builder, loc, rows, kind, matrix);
  }

  Kernel &kernel;
  OpBuilder builder;
  IRMapping mapping;
  Counts counts;
  SmallVector<Pending> pending;
  /// Stages that are kept until their block is complete.
  SmallVector<HeldStage> held;
  /// Of a correction: whether it is 1 because the maximum is kept, by row or
  /// for the whole warp.
  DenseMap<Value, Value> keptMax;
  /// How to give a stage back: its barrier and the count of its use.
  DenseMap<Value, std::pair<Value, Value>> stageCounts;
  /// Of loads whose products start from nothing: the count of the first in the
  /// instance.
  DenseMap<LoadKey, Value> firstCounts;
  /// The first of the rows of a tile that this warpgroup computes.
  Value firstRow;
  /// Where what is created comes from.
  Location loc;
};

} // namespace mlir::attn::tile_to_sm90

#endif // ATTN_LIB_CONVERSION_TILETOSM90_CONSUMER_H
