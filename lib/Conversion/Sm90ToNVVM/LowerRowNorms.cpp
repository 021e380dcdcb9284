//===- LowerRowNorms.cpp - Squared lengths of the rows of a stage ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each lane of a warp adds up two rows, which are those whose numbers it holds.
// Lanes begin with different chunks of 16 bytes, so that eight of them read all
// banks. Two chunks are on their way at a time: the warp has few registers.
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

static constexpr int64_t kRowsOfLane = 2;

/// `sum` with the squares of the 16 bytes at `address`.
static Value addSquares(OpBuilder &b, Location loc, Type element, Value address,
                        Value sum) {
  for (Value word : ptx::loadSharedWords(b, loc, address))
    for (Value x : extendPair(b, loc, element, word))
      sum = addSquare(b, loc, sum, x);
  return sum;
}

/// Numbers 2 l and 2 l + 1 for lane l, of the stage at `base`.
static SmallVector<Value> sumRows(OpBuilder &b, Location loc,
                                  sm90::StageType stage, Value base) {
  constexpr int64_t kChunkBytes = 16;
  constexpr int64_t kChunks = sm90::kPanelRowBytes / kChunkBytes;
  Int32 i32(b, loc);
  Value thread = i32.threadOfWarpgroupAnew();
  Value lane = i32.bitAnd(thread, 31);
  Value first =
      i32.add(i32.add(base, i32.mul(lane, kRowsOfLane * sm90::kPanelRowBytes)),
              i32.mul(i32.bitAnd(lane, kChunks - 1), kChunkBytes));
  // Not unrolled, as its end is not known to be constant.
  int64_t panels = stage.getColumns() / sm90::kPanelColumns;
  Value steps = i32.add(i32.shiftRight(thread, 7), panels * kChunks);
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  auto loop = scf::ForOp::create(b, loc, i32.constant(0), steps,
                                 i32.constant(1), ValueRange{zero, zero});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value step = loop.getInductionVar();
  Value panel =
      i32.mul(i32.div(step, kChunks), stage.getRows() * sm90::kPanelRowBytes);
  Value chunk = i32.mul(i32.bitAnd(step, kChunks - 1), kChunkBytes);
  Value address = i32.add(i32.bitXor(first, chunk), panel);
  SmallVector<Value> sums;
  for (auto [row, sum] : llvm::enumerate(loop.getRegionIterArgs()))
    sums.push_back(addSquares(
        b, loc, stage.getElementType(),
        i32.add(address, static_cast<int64_t>(row) * sm90::kPanelRowBytes),
        sum));
  scf::YieldOp::create(b, loc, sums);
  return loop.getResults();
}

namespace {

struct LowerRowNorms : OpConversionPattern<sm90::RowNormsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::RowNormsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    sm90::StageType stage = op.getStage().getType();
    Value base = byteAddress(i32, stage, adaptor.getStage());
    rewriter.replaceOpWithMultiple(
        op, {sumRows(rewriter, op.getLoc(), stage, base)});
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateRowNormsPatterns(const TypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<LowerRowNorms>(converter, patterns.getContext());
}
