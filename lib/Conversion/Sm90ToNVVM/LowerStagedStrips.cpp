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

/// What a warp has of a matrix in shared memory: a box of it, row behind row,
/// and the barrier behind that.
template <typename Op> class Place {
public:
  Place(OpBuilder &b, Op op, int64_t rows, int64_t columns)
      : b(b), loc(op.getLoc()), op(op), i32(b, loc), rows(rows),
        elementBytes(bytesOf(op.getStage().getType())),
        rowBytes(columns * elementBytes) {}

  int64_t getBytes() const { return rows * rowBytes; }
  /// Where it is in shared memory. Of warps that are blocks each has one.
  Value address() {
    Value first = sharedAddress(b, loc, *op.getOffset());
    if (getSchedule(op).getSeparateWarps())
      return first;
    return i32.add(first, i32.mul(i32.warpOfWarpgroup(), op.getStripBytes()));
  }
  Value barrier(Value address) { return i32.add(address, getBytes()); }

  /// Makes the barrier.
  void init() {
    Value own = barrier(address());
    inOneLane([&] {
      ptx::mbarrierInit(b, loc, own, /*count=*/1);
      NVVM::FenceMbarrierInitOp::create(b, loc);
    });
  }
  /// One lane says what the barrier waits for, and then calls `start`.
  void announce(Value barrier, function_ref<void()> start) {
    inOneLane([&] {
      ptx::mbarrierArriveExpectTx(b, loc, barrier, getBytes());
      start();
    });
    NVVM::SyncWarpOp::create(b, loc, i32.constant(-1));
  }
  int64_t getPolicy() {
    return getSchedule(op).getStreamStrips() ? ptx::kEvictFirst
                                             : ptx::kEvictNormal;
  }

private:
  void inOneLane(function_ref<void()> body) {
    auto branch = scf::IfOp::create(b, loc, i32.isZero(i32.lane()),
                                    /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body();
  }

protected:
  OpBuilder &b;
  Location loc;
  Op op;
  Int32 i32;
  int64_t rows, elementBytes, rowBytes;
};

/// The strip of a warp, of rows.
class Strip : public Place<sm90::StageStripsOp> {
public:
  Strip(OpBuilder &b, sm90::StageStripsOp op)
      : Place(b, op, op.getStage().getType().getRows() / sm90::kStripWarps,
              op.getStage().getType().getColumns()) {}

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
};

/// The part of a warp of columns, which a tensor map has boxes of.
class Box : public Place<sm90::StageBoxesOp> {
public:
  Box(OpBuilder &b, sm90::StageBoxesOp op)
      : Place(b, op, op.getMap().getType().getRows(),
              op.getMap().getType().getColumns()) {}

  void copy(Value map, Value address);

private:
  Value index(int64_t axis) { return i32.fromIndex(op.getIndices()[axis]); }
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
                getPolicy());
}

/// Warps beside each other have columns beside each other; the others have the
/// rows behind theirs.
void Box::copy(Value map, Value address) {
  sm90::TensorMapType type = op.getMap().getType();
  int64_t across = op.getStage().getType().getColumns() / type.getColumns();
  Value warp = i32.warpOfWarpgroup();
  Value column = i32.mul(i32.bitAnd(warp, across - 1), type.getColumns());
  Value row = i32.mul(i32.shiftRight(warp, llvm::Log2_64(across)), rows);
  int64_t rowAxis = type.getAxes()[0], columnAxis = type.getAxes()[1];
  SmallVector<Value> coordinates{i32.add(index(columnAxis), column),
                                 i32.add(index(rowAxis), row)};
  for (int64_t axis = type.getRank() - 1; axis >= 0; --axis)
    if (axis != rowAxis && axis != columnAxis)
      coordinates.push_back(index(axis));
  ptx::tmaLoad(b, loc, address, map, coordinates, barrier(address),
               getPolicy());
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
    strip.announce(strip.barrier(address), [] {});
    strip.copy(adaptor.getPointer().front(), address);
    rewriter.replaceOp(op, i32.shiftRight(address, kDescriptorShift));
    return success();
  }
};

struct LowerStageBoxes : StagedPattern<sm90::StageBoxesOp> {
  using StagedPattern::StagedPattern;
  LogicalResult
  matchAndRewrite(sm90::StageBoxesOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    Box box(rewriter, op);
    Value address = box.address();
    box.announce(box.barrier(address),
                 [&] { box.copy(adaptor.getMap().front(), address); });
    rewriter.replaceOp(op, i32.shiftRight(address, kDescriptorShift));
    return success();
  }
};

struct LowerTakeStrips : StagedPattern<sm90::TakeStripsOp> {
  using StagedPattern::StagedPattern;
  LogicalResult
  matchAndRewrite(sm90::TakeStripsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    auto type = cast<RankedTensorType>(op.getFragment().getType());
    Lanes lanes(i32, type);
    sm90::StageType stage = op.getStage().getType();
    int64_t elementBytes = bytesOf(stage);
    bool byColumns = sm90::getLayout(type) == sm90::Layout::ColumnStrips;
    sm90::StripLanes shares = lanesOf(type);
    int64_t rows =
        type.getDimSize(0) / (byColumns ? shares.parts() : shares.warps);
    int64_t columns = type.getDimSize(1) / (byColumns ? shares.warps : 1);
    int64_t rowBytes = columns * elementBytes;
    Value address = i32.shiftLeft(adaptor.getStage().front(), kDescriptorShift);
    ptx::mbarrierWaitParity(rewriter, loc, i32.add(address, rows * rowBytes),
                            i32.constant(0));
    // Of what its warp has.
    Value row = i32.shiftLeft(byColumns ? lanes.along() : lanes.across(), 2);
    Value column = i32.shiftLeft(byColumns ? lanes.across() : lanes.along(), 2);
    Value own = i32.add(address, i32.add(i32.mul(row, rowBytes),
                                         i32.mul(column, elementBytes)));
    SmallVector<Value> results;
    for (Group group : findGroups(type))
      llvm::append_range(
          results,
          loadSharedAsFloats(rewriter, loc, stage.getElementType(), own,
                             group.row * rowBytes + group.column * elementBytes,
                             sm90::kStripNeighbours));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

} // namespace

void mlir::attn::sm90_to_nvvm::initStagedStrips(LLVM::LLVMFuncOp function) {
  // Behind what the arguments become.
  Operation *first = nullptr;
  for (Operation &op : function.front())
    if (!isa<UnrealizedConversionCastOp, arith::IndexCastOp>(op)) {
      first = &op;
      break;
    }
  OpBuilder b(first);
  function.walk([&](sm90::StageStripsOp op) { Strip(b, op).init(); });
  function.walk([&](sm90::StageBoxesOp op) { Box(b, op).init(); });
}

void mlir::attn::sm90_to_nvvm::populateStagedStripsPatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LowerStageStrips, LowerStageBoxes, LowerTakeStrips>(
      converter, patterns.getContext());
}
