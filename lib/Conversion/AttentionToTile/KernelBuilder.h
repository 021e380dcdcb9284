//===- KernelBuilder.h - What the kernels of an attention share -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_ATTENTIONTOTILE_KERNELBUILDER_H
#define ATTN_LIB_CONVERSION_ATTENTIONTOTILE_KERNELBUILDER_H

#include "RegionCloner.h"

#include "../TileBuilders.h"

#include "Attention/Attention.h"
#include "attn/Analysis/KeyBounds.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::attn {

/// What a function computes, once it is known to be a single attention.
struct Program {
  AttentionOp attention;
  KVTensors kv;
  tile::ScheduleAttr schedule;
  KeyBounds bounds;
};

/// The sequence that an instance works on.
struct Sequence {
  Value batch, queryLength, keyLength;
  /// Of packed ones: begin and end of its rows.
  SmallVector<Value> queries, keys;
};

/// Creates a kernel whose instances are tiles of queries.
class KernelBuilder {
protected:
  KernelBuilder(func::FuncOp function, Program given)
      : function(function), program(std::move(given)), builder(function),
        loc(program.attention.getLoc()), schedule(program.schedule),
        blockQ(schedule.getBlockQ()), blockKv(schedule.getBlockKv()),
        regions(builder) {}

  using IsNeeded = function_ref<bool(BlockArgument)>;

  /// Creates the kernel, whose views are the arguments that it needs, then the
  /// limits of the keys that matches keep, if there are matches, then the
  /// results, if it writes them, and moves the builder into it.
  void createKernel(const Twine &name, bool writesResults, IsNeeded isNeeded);

  /// The sizes of a batch of sequences, and the number of tiles in each.
  Value createSizes();
  /// The number of slots for tiles of packed sequences.
  Value createSlots();
  /// Finds the sequence of a slot and the first query of its tile, and moves
  /// the builder to where there is one.
  Value enterSlot(Value slot);

  /// The position of the query of row `row`.
  Value getPosition(Value row) {
    return apply(d(0) + d(1) - d(2),
                 {row, sequence.keyLength, sequence.queryLength});
  }

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value size(Value view, int64_t axis) {
    return tile::DimOp::create(builder, loc, view, axis);
  }
  SmallVector<Value> createForall(ArrayRef<OpFoldResult> extents) {
    return createInstances(builder, loc, extents);
  }
  Value apply(AffineExpr expr, ValueRange operands) {
    return applyExpr(builder, loc, expr, operands);
  }
  AffineExpr d(unsigned i) { return builder.getAffineDimExpr(i); }
  bool isPacked() { return program.attention.isPacked(); }
  Block &maskBlock() { return *program.attention.getMaskBlock(); }

  func::FuncOp function;
  Program program;
  OpBuilder builder;
  Location loc;
  tile::ScheduleAttr schedule;
  int64_t blockQ, blockKv;
  RegionCloner regions;

  tile::KernelOp kernel;
  Value query, key;
  /// The limits that matches have: those of a tile are at its indices.
  Value limits;
  Value batchSize;
  Sequence sequence;
  /// The indices of the tile in `limits`.
  SmallVector<Value> limitsPlace;

private:
  SmallVector<Value> readEnds(Value cuSeqlens);
  void boundKeys();
};

/// Creates the kernel that computes an attention.
void buildAttentionKernel(func::FuncOp function, Program program);

/// Creates the kernel that finds which keys the matches of a mask keep.
void buildLimitsKernel(func::FuncOp function, Program program);

} // namespace mlir::attn

#endif // ATTN_LIB_CONVERSION_ATTENTIONTOTILE_KERNELBUILDER_H
