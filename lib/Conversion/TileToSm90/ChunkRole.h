//===- ChunkRole.h - The roles that compute chunks --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_TILETOSM90_CHUNKROLE_H
#define ATTN_LIB_CONVERSION_TILETOSM90_CHUNKROLE_H

#include "TileToSm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::attn::tile_to_sm90 {

/// Emits what one of the parts of a kernel with an auxiliary does. Use n of a
/// ring, in every part, is that of iteration n of the loop.
class ChunkRole {
public:
  ChunkRole(Kernel &kernel, Part part, Block *role)
      : kernel(kernel), split(*kernel.split), part(part),
        builder(OpBuilder::atBlockBegin(role)), mapping(kernel.scalars),
        loc(kernel.source.getLoc()) {}

  LogicalResult run();

private:
  /// A stage of the iteration at hand, and how often it is still to be read.
  struct Held {
    Value stage, empty, count;
    unsigned uses = 0;
  };
  /// A product that has been started and not yet waited for, and the load whose
  /// stage it reads if others do as well.
  struct Started {
    Value source, inFlight;
    SmallVector<Value, 2> reads;
    /// What it gives back itself.
    Value empty, count;
  };

  LogicalResult emitInstance(Block &source);
  LogicalResult emitBranch(scf::IfOp branch);
  LogicalResult emitLoop();
  LogicalResult emitOp(Operation *op);
  LogicalResult emitLoad(tile::LoadOp load);
  LogicalResult emitDot(tile::DotOp dot);
  LogicalResult emitTranspose(vector::TransposeOp op);
  LogicalResult emitBroadcast(vector::BroadcastOp op);
  LogicalResult emitFactorsOfRows(vector::TransposeOp op, Value numbers);
  Value findFactorsOfColumns(arith::MulFOp op);
  LogicalResult emitScaleColumns(arith::MulFOp op, Value numbers);
  LogicalResult emitRatios(tile::DecayRatiosOp op);
  LogicalResult emitStore(tile::StoreOp store);
  void awaitStaging();
  LogicalResult emitOutside(Operation *op);
  LogicalResult emitMask(tile::MaskOp op);
  LogicalResult emitStateLoad(tile::LoadOp load, Value value, bool transposed);
  LogicalResult emitStateStore(tile::StoreOp store);
  LogicalResult emitElementwise(Operation *op);
  LogicalResult emitConstant(Operation *op);
  void emitExtract(vector::ExtractOp op);
  void emitLoadNumbers(tile::LoadOp load);
  LogicalResult emitNorms(vector::MultiDimReductionOp op);
  LogicalResult emitNumbers(Operation *op);

  LogicalResult emitCopyGates(tile::DecaySumsOp op);
  struct Decays;
  FailureOr<Decays> findDecays(Value sums);
  LogicalResult emitDecays(Operation *op, tile::DecaySumsOp sums);
  FailureOr<sm90::DecayTokensOp> emitDecayTokens(const Decays &all,
                                                 tile::DecaySumsOp sums);
  void emitGated(arith::TruncFOp op);
  void emitStrengths(GatedTile gated);
  void fetchGates(Value tile);
  Value hold(Value tile, const Ring &ring, Value count);
  Value getGatedCount(Value tile);
  Value findStage(Value tile);
  Value useHanded(Value tile);
  FailureOr<Value> useLoaded(Operation *op, Value tile);
  LogicalResult emitDecayColumns(arith::MulFOp op);

  LogicalResult handTile(Value value);
  void fillStages();
  LogicalResult handInverse(tile::InvertUnitLowerOp op, Value tile);
  void handNumbers();

  LogicalResult prepareFactors(Value source);
  LogicalResult use(Value source, Value &target);
  FailureOr<Value> useRight(Value source);
  void waitForOldest();
  void waitForAll() {
    while (!pending.empty())
      waitForOldest();
  }
  void finishRead(Value load);
  void finishFetched();
  Value getNumbersStage();
  Value loadRow(Value numbers);
  int64_t rowOf(Value numbers) {
    return llvm::find(split.handedNumbers, numbers) -
           split.handedNumbers.begin();
  }
  /// Where a state is, for this warpgroup: an offset, and the strides of its
  /// rows and columns.
  struct Place {
    Value offset, row, column;
  };
  /// Where the rows of a load are that threads read themselves: the offset of
  /// the first, the stride between them, and how many there are.
  struct Rows {
    Value offset, stride, limit;
  };
  Rows locateRows(tile::LoadOp load);
  Place getPlace(Value view, ValueRange indices, ArrayRef<int64_t> axes,
                 bool transposed);
  Value wide(Value value) {
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                      value);
  }
  /// The use of the ring of a view that `load` is in the iteration at hand.
  Value getCount(tile::LoadOp load);
  Value await(const Ring &ring, Value count, bool full);

  FailureOr<Type> convert(Operation *op, Type type);
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }

  Kernel &kernel;
  const RoleSplit &split;
  Part part;
  OpBuilder builder;
  IRMapping mapping;
  /// Where what is created comes from.
  Location loc;
  SmallVector<Started> pending;
  /// Loads that have been read into registers since the last wait.
  SmallVector<Value> fetched;
  /// Of the iteration at hand: its number, the stages of loads that are read
  /// more than once, and that of the numbers.
  Value iteration, numbersStage;
  DenseMap<Value, Held> held;
  /// Stages that another role has filled, and those that this one has to say
  /// that they are.
  DenseMap<Value, Value> handed;
  SmallVector<std::pair<Value, Ring>> filled;
  /// Whether the memory that the output is stored through has been waited for.
  bool isStagingFree = false;
  /// The first of the rows of a tile that this warpgroup computes.
  Value firstRow;
};

/// What the decays of channels leave of a chunk, if `op` multiplies columns by
/// it.
Value findWhole(arith::MulFOp op);

/// Fills the numbers, the auxiliary and the consumer.
LogicalResult buildChunkRoles(Kernel &kernel, sm90::WarpRolesOp roles);

} // namespace mlir::attn::tile_to_sm90

#endif // ATTN_LIB_CONVERSION_TILETOSM90_CHUNKROLE_H
