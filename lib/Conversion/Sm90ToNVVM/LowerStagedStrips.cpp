//===- LowerStagedStrips.cpp - Strips that copies bring -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"
#include "Strips.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

namespace {

template <typename Op> struct StagedPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
};

static int64_t bytesOf(sm90::StageType type) {
  return type.getElementType().getIntOrFloatBitWidth() / 8;
}

/// The strip of a warp: its rows, one behind the other, and its barrier.
class Strip {
public:
  Strip(OpBuilder &b, sm90::StageStripsOp op)
      : b(b), loc(op.getLoc()), op(op), i32(b, loc),
        rows(op.getStage().getType().getRows() / sm90::kStripWarps),
        elementBytes(bytesOf(op.getStage().getType())),
        rowBytes(op.getStage().getType().getColumns() * elementBytes) {}

  int64_t getBytes() const { return rows * rowBytes; }
  /// Where it is in shared memory. Of warps that are blocks each has one.
  Value address() {
    Value first = sharedAddress(b, loc, *op.getOffset());
    if (getSchedule(op).getSeparateWarps())
      return first;
    return i32.add(first, i32.mul(i32.warpOfWarpgroup(), op.getStripBytes()));
  }
  Value barrier(Value address) { return i32.add(address, getBytes()); }

  void copy(Value pointer, Value address);

private:
  Value constant(int64_t value) {
    return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value wide(Value value) {
    return arith::ExtSIOp::create(b, loc, b.getI64Type(), value);
  }
  Value getRowBytes() {
    Value stride = op.getStrides()[op.getAxes().front()];
    return arith::MulIOp::create(b, loc, stride, constant(elementBytes));
  }
  Value findSource(Value pointer, Value row);

  OpBuilder &b;
  Location loc;
  sm90::StageStripsOp op;
  Int32 i32;
  int64_t rows, elementBytes, rowBytes;
};

} // namespace

/// The address in global memory of a row of the strip.
Value Strip::findSource(Value pointer, Value row) {
  Value first = i32.mul(i32.warpOfWarpgroup(), rows);
  Value offset = wide(i32.fromIndex(op.getIndices().back()));
  for (auto [axis, stride] : llvm::enumerate(op.getStrides())) {
    Value index = i32.fromIndex(op.getIndices()[axis]);
    if (static_cast<int64_t>(axis) == op.getAxes().front())
      index = i32.add(index, i32.add(first, row));
    offset = arith::AddIOp::create(
        b, loc, offset, arith::MulIOp::create(b, loc, wide(index), stride));
  }
  Value start = LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), pointer);
  return arith::AddIOp::create(
      b, loc, start,
      arith::MulIOp::create(b, loc, offset, constant(elementBytes)));
}

/// One lane starts all of it where rows are adjacent, otherwise a lane each.
void Strip::copy(Value pointer, Value address) {
  Value isDense = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                        getRowBytes(), constant(rowBytes));
  Value pieces = select(isDense, i32.constant(1), i32.constant(rows));
  Value bytes =
      select(isDense, i32.constant(getBytes()), i32.constant(rowBytes));
  Value lane = i32.lane();
  Value copies =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, lane, pieces);
  auto branch = scf::IfOp::create(b, loc, copies, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  ptx::bulkLoad(b, loc, i32.add(address, i32.mul(lane, rowBytes)),
                findSource(pointer, lane), bytes, barrier(address),
                getSchedule(op).getStreamStrips() ? ptx::kEvictFirst
                                                  : ptx::kEvictNormal);
}

namespace {

struct LowerStageStrips : StagedPattern<sm90::StageStripsOp> {
  using StagedPattern::StagedPattern;
  LogicalResult
  matchAndRewrite(sm90::StageStripsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Strip strip(rewriter, op);
    Value address = strip.address();
    Value barrier = strip.barrier(address);
    auto branch = scf::IfOp::create(rewriter, loc, i32.isZero(i32.lane()),
                                    /*withElseRegion=*/false);
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      ptx::mbarrierInit(rewriter, loc, barrier, /*count=*/1);
      NVVM::FenceMbarrierInitOp::create(rewriter, loc);
      ptx::mbarrierArriveExpectTx(rewriter, loc, barrier, strip.getBytes());
    }
    NVVM::SyncWarpOp::create(rewriter, loc, i32.constant(-1));
    strip.copy(adaptor.getPointer().front(), address);
    rewriter.replaceOp(op, i32.shiftRight(address, kDescriptorShift));
    return success();
  }
};

/// What a lane has side by side, as f32.
static SmallVector<Value> loadNeighbours(OpBuilder &b, Location loc,
                                         Type element, Value address,
                                         int64_t offset) {
  if (element.isF32())
    return ptx::loadSharedFloats(b, loc, address, offset,
                                 sm90::kStripNeighbours);
  SmallVector<Value> elements;
  for (Value pair : ptx::loadSharedFloats(b, loc, address, offset,
                                          sm90::kStripNeighbours / 2)) {
    Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), pair);
    llvm::append_range(elements, extendPair(b, loc, element, bits));
  }
  return elements;
}

struct LowerTakeStrips : StagedPattern<sm90::TakeStripsOp> {
  using StagedPattern::StagedPattern;
  LogicalResult
  matchAndRewrite(sm90::TakeStripsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    auto type = cast<RankedTensorType>(op.getFragment().getType());
    Lanes lanes(i32, type);
    Type element = op.getStage().getType().getElementType();
    int64_t elementBytes = bytesOf(op.getStage().getType());
    int64_t rowBytes = type.getDimSize(1) * elementBytes;
    int64_t rows = type.getDimSize(0) / sm90::kStripWarps;
    Value address = i32.shiftLeft(adaptor.getStage().front(), kDescriptorShift);
    ptx::mbarrierWaitParity(rewriter, loc, i32.add(address, rows * rowBytes),
                            i32.constant(0));
    // The rows of a warp are those of its strip.
    Value row = i32.shiftLeft(lanes.across(), 2);
    Value own =
        i32.add(address, i32.add(i32.mul(row, rowBytes),
                                 i32.mul(lanes.firstAlong(), elementBytes)));
    SmallVector<Value> results;
    for (Group group : findGroups(type))
      llvm::append_range(
          results,
          loadNeighbours(rewriter, loc, element, own,
                         group.row * rowBytes + group.column * elementBytes));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

} // namespace

void mlir::attn::sm90_to_nvvm::populateStagedStripsPatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LowerStageStrips, LowerTakeStrips>(converter,
                                                  patterns.getContext());
}
