//===- LowerCopies.cpp - Stages, barriers and copies
//-----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

/// Columns of 16-bit elements that four 8x8 matrices cover.
static constexpr int64_t kMatrixColumns = 16;

namespace {

template <typename Op> struct CopyPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
};

} // namespace

Use mlir::attn::sm90_to_nvvm::describeUse(Int32 &i32, Value count,
                                          int64_t stages) {
  Value number = i32.fromIndex(count);
  return {i32.rem(number, stages), i32.bitAnd(i32.div(number, stages), 1)};
}

Value mlir::attn::sm90_to_nvvm::barrierAddress(Int32 &i32, Value base,
                                               Value stage) {
  return i32.add(base, i32.mul(stage, sm90::kBarrierBytes));
}

/// Waits for the phase of use `count` and gives the address of its stage.
/// `flip` waits for the phase before it instead.
template <typename Op, typename Adaptor>
static Value lowerAwait(Op op, Adaptor adaptor,
                        ConversionPatternRewriter &rewriter, bool flip) {
  Location loc = op.getLoc();
  Int32 i32(rewriter, loc);
  sm90::BufferType buffer = op.getBuffer().getType();
  Use use = describeUse(i32, adaptor.getCount().front(), buffer.getStages());
  Value barrier = barrierAddress(i32, adaptor.getBarrier().front(), use.stage);
  ptx::mbarrierWaitParity(rewriter, loc, barrier,
                          i32.bitXor(use.parity, flip ? 1 : 0));
  // In the unit of descriptors, which the products need without delay.
  Value first = i32.shiftRight(adaptor.getBuffer().front(), kDescriptorShift);
  return i32.add(
      first, i32.mul(use.stage, buffer.getStageBytes() >> kDescriptorShift));
}

namespace {

struct LowerAwaitFull : CopyPattern<sm90::AwaitFullOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::AwaitFullOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, lowerAwait(op, adaptor, rewriter, /*flip=*/false));
    return success();
  }
};

struct LowerAwaitEmpty : CopyPattern<sm90::AwaitEmptyOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::AwaitEmptyOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // The phase before the first one counts as complete.
    rewriter.replaceOp(op, lowerAwait(op, adaptor, rewriter, /*flip=*/true));
    return success();
  }
};

struct LowerRelease : CopyPattern<sm90::ReleaseOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::ReleaseOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Use use = describeUse(i32, adaptor.getCount().front(),
                          op.getBarrier().getType().getStages());
    // Numbers are read by each lane for itself.
    if (op.getStage().getType().getElementType().isF32())
      NVVM::SyncWarpOp::create(rewriter, loc, i32.constant(-1));
    ptx::mbarrierArriveIf(
        rewriter, loc,
        barrierAddress(i32, adaptor.getBarrier().front(), use.stage),
        i32.isZero(i32.lane()));
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

/// Calls `copy` for every panel of a box, with the offset of the panel in
/// shared memory that has `rows` rows, and the coordinates of the panel in the
/// tensor, innermost first: along the columns, the rows, and the other axes;
/// then where a slice ends.
static void
forEachPanel(Int32 &i32, sm90::TensorMapType map, ArrayRef<ValueRange> indices,
             int64_t rows,
             function_ref<void(int64_t offset, ValueRange coordinates)> copy) {
  auto index = [&](int64_t axis) {
    return i32.fromIndex(indices[axis].front());
  };
  Value column = index(map.getAxes()[1]);
  SmallVector<Value> coordinates{column, index(map.getAxes()[0])};
  for (int64_t axis = map.getRank() - 1; axis >= 0; --axis)
    if (!llvm::is_contained(map.getAxes(), axis))
      coordinates.push_back(index(axis));
  if (map.getSliced())
    coordinates.push_back(index(map.getRank()));
  for (int64_t panel = 0; panel < sm90::panelsOf(map.getColumns()); ++panel) {
    coordinates.front() = i32.add(column, panel * sm90::kPanelColumns);
    copy(panel * sm90::boxBytes(rows, sm90::kPanelColumns), coordinates);
  }
}

namespace {

struct LowerTmaLoad : CopyPattern<sm90::TmaLoadAsyncOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::TmaLoadAsyncOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    sm90::TensorMapType map = op.getMap().getType();
    Use use = describeUse(i32, adaptor.getCount().front(),
                          op.getBarrier().getType().getStages());
    Value barrier =
        barrierAddress(i32, adaptor.getBarrier().front(), use.stage);
    ptx::mbarrierArriveExpectTx(
        rewriter, loc, barrier,
        sm90::boxBytes(map.getRows(), map.getColumns()));
    Value stage = byteAddress(i32, op.getStage().getType(), adaptor.getStage());
    forEachPanel(i32, map, adaptor.getIndices(),
                 op.getStage().getType().countPanelRows(),
                 [&](int64_t offset, ValueRange coordinates) {
                   ptx::tmaLoad(rewriter, loc, i32.add(stage, offset),
                                adaptor.getMap().front(), coordinates, barrier,
                                op.getKeep() ? ptx::kEvictLast
                                             : ptx::kEvictFirst);
                 });
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

Value mlir::attn::sm90_to_nvvm::matrixAddress(Int32 &i32, Value base) {
  Value lane = i32.lane();
  Value rowOfEight = i32.bitAnd(lane, 7);
  Value upperRows = i32.bitAnd(i32.shiftRight(lane, 3), 1);
  Value rightHalf = i32.shiftRight(lane, 4);
  Value row =
      i32.add(i32.add(i32.shiftLeft(i32.warpOfWarpgroup(), 4), rowOfEight),
              i32.shiftLeft(upperRows, 3));
  Value chunk = i32.bitXor(rightHalf, rowOfEight);
  return i32.add(base, i32.add(i32.mul(row, sm90::kPanelRowBytes),
                               i32.shiftLeft(chunk, 4)));
}

Value mlir::attn::sm90_to_nvvm::blockAddress(Int32 &i32, Value first,
                                             int64_t column, int64_t rows) {
  Value inPanel = i32.bitXor(first, column % sm90::kPanelColumns * 2);
  return i32.add(inPanel,
                 column / sm90::kPanelColumns * rows * sm90::kPanelRowBytes);
}

Value mlir::attn::sm90_to_nvvm::transposedAddress(Int32 &i32, Value base) {
  Value lane = i32.lane();
  Value rowOfEight = i32.bitAnd(lane, 7);
  Value row = i32.add(rowOfEight, i32.shiftLeft(i32.shiftRight(lane, 4), 3));
  Value chunk = i32.add(i32.shiftLeft(i32.warpOfWarpgroup(), 1),
                        i32.bitAnd(i32.shiftRight(lane, 3), 1));
  return i32.add(base,
                 i32.add(i32.mul(row, sm90::kPanelRowBytes),
                         i32.shiftLeft(i32.bitXor(chunk, rowOfEight), 4)));
}

Value mlir::attn::sm90_to_nvvm::byteAddress(Int32 &i32, Type type,
                                            ValueRange memory) {
  Value address = memory.front();
  return isa<sm90::StageType>(type) ? i32.shiftLeft(address, kDescriptorShift)
                                    : address;
}

Value mlir::attn::sm90_to_nvvm::rowAddress(Int32 &i32, Type type,
                                           ValueRange memory, ValueRange row) {
  return i32.add(byteAddress(i32, type, memory),
                 i32.mul(i32.fromIndex(row.front()), sm90::kPanelRowBytes));
}

namespace {

struct LowerLoadFragment : CopyPattern<sm90::LoadFragmentOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::LoadFragmentOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    auto stage = cast<sm90::StageType>(op.getStage().getType());
    SmallVector<Value> registers;
    if (op.getTransposed()) {
      // The row is the first of 64 columns, which are a panel.
      Value panel =
          i32.add(byteAddress(i32, stage, adaptor.getStage()),
                  i32.mul(i32.fromIndex(adaptor.getRow().front()),
                          stage.countPanelRows() * sm90::kPanelRowBytes /
                              sm90::kPanelColumns));
      Value first = transposedAddress(i32, panel);
      for (int64_t row = 0; row < stage.getRows(); row += kMatrixColumns)
        llvm::append_range(
            registers,
            ptx::ldmatrixX4(rewriter, loc,
                            i32.add(first, row * sm90::kPanelRowBytes),
                            /*transposed=*/true));
      rewriter.replaceOpWithMultiple(op, {registers});
      return success();
    }
    Value first = matrixAddress(
        i32, rowAddress(i32, stage, adaptor.getStage(), adaptor.getRow()));
    for (int64_t column = 0; column < stage.getColumns();
         column += kMatrixColumns)
      llvm::append_range(registers,
                         ptx::ldmatrixX4(rewriter, loc,
                                         blockAddress(i32, first, column,
                                                      stage.countPanelRows()),
                                         /*transposed=*/false));
    rewriter.replaceOpWithMultiple(op, {registers});
    return success();
  }
};

struct LowerStoreFragment : CopyPattern<sm90::StoreFragmentOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::StoreFragmentOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    sm90::StageType box = sm90::asStage(op.getMemory().getType());
    Value base = rowAddress(i32, op.getMemory().getType(), adaptor.getMemory(),
                            adaptor.getRow());
    bool transposed = op.getTransposed();
    Value first =
        transposed ? transposedAddress(i32, base) : matrixAddress(i32, base);
    ValueRange registers = adaptor.getFragment();
    int64_t columns =
        cast<RankedTensorType>(op.getFragment().getType()).getDimSize(1);
    for (int64_t column = 0; column < columns; column += kMatrixColumns)
      ptx::stmatrixX4(rewriter, loc,
                      transposed
                          ? i32.add(first, column * sm90::kPanelRowBytes)
                          : blockAddress(i32, first, column, box.getRows()),
                      registers.slice(column / 4, 4), transposed);
    // The copy engine reads through another proxy.
    if (!isFencedLater(op))
      NVVM::FenceProxyOp::create(
          rewriter, loc,
          NVVM::ProxyKindAttr::get(getContext(), NVVM::ProxyKind::async_shared),
          NVVM::SharedSpaceAttr::get(getContext(),
                                     NVVM::SharedSpace::shared_cta));
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Whether an inverse, which ends with a fence, stands before the stage is
  /// said to be filled.
  static bool isFencedLater(sm90::StoreFragmentOp op) {
    if (!op.getMemory().getDefiningOp<sm90::AwaitEmptyOp>())
      return false;
    for (Operation *next = op->getNextNode(); next;
         next = next->getNextNode()) {
      if (isa<sm90::InvertUnitLowerOp>(next))
        return true;
      if (auto fill = dyn_cast<sm90::FillOp>(next);
          fill && fill.getStage() == op.getMemory())
        return false;
    }
    return false;
  }
};

} // namespace

/// Runs `body` in the first thread of the warpgroup.
static void inFirstThread(OpBuilder &b, Location loc,
                          function_ref<void()> body) {
  Int32 i32(b, loc);
  Value isFirst = i32.isZero(i32.threadOfWarpgroup());
  auto branch = scf::IfOp::create(b, loc, isFirst, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

namespace {

struct LowerTmaStore : CopyPattern<sm90::TmaStoreAsyncOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::TmaStoreAsyncOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    inFirstThread(rewriter, loc, [&] {
      Int32 i32(rewriter, loc);
      Value first = rowAddress(i32, op.getMemory().getType(),
                               adaptor.getMemory(), adaptor.getRow());
      forEachPanel(i32, op.getMap().getType(), adaptor.getIndices(),
                   sm90::asStage(op.getMemory().getType()).getRows(),
                   [&](int64_t offset, ValueRange coordinates) {
                     ptx::tmaStore(rewriter, loc, i32.add(first, offset),
                                   adaptor.getMap().front(), coordinates);
                   });
      NVVM::CpAsyncBulkCommitGroupOp::create(rewriter, loc);
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTmaStoreWait : CopyPattern<sm90::TmaStoreWaitOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::TmaStoreWaitOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    inFirstThread(rewriter, loc, [&] {
      NVVM::CpAsyncBulkWaitGroupOp::create(
          rewriter, loc, rewriter.getI32IntegerAttr(0), op.getReadAttr());
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerBarrierSync : CopyPattern<sm90::BarrierSyncOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::BarrierSyncOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // Barrier 0 is the whole block's; each warpgroup has the one of its number.
    Int32 i32(rewriter, op.getLoc());
    ptx::barrierSync(rewriter, op.getLoc(), i32.warpgroup(),
                     sm90::kWarpgroupThreads);
    rewriter.eraseOp(op);
    return success();
  }
};

/// The barrier of the turns of a consumer, from 1 on, behind those of the
/// warpgroups. There meet the warpgroup whose turn it is and the one that
/// passes it on.
static Value turnBarrier(Int32 &i32, Operation *op, Value consumer) {
  return i32.add(consumer, getSchedule(op).getConsumerWarpgroups());
}

/// The number of the consumer, in a form that leaves loops, unlike
/// `Int32::warpgroup`.
static Value consumerNumber(Int32 &i32) {
  return i32.shiftRight(i32.thread(), 7);
}

struct LowerTurnAwait : CopyPattern<sm90::TurnAwaitOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::TurnAwaitOp op, Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    ptx::barrierSync(rewriter, op.getLoc(),
                     turnBarrier(i32, op, consumerNumber(i32)),
                     2 * sm90::kWarpgroupThreads);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTurnPass : CopyPattern<sm90::TurnPassOp> {
  using CopyPattern::CopyPattern;
  LogicalResult
  matchAndRewrite(sm90::TurnPassOp op, Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Value own = consumerNumber(i32);
    Value isLast = arith::CmpIOp::create(
        rewriter, loc, arith::CmpIPredicate::eq, own,
        i32.constant(getSchedule(op).getConsumerWarpgroups()));
    Value next = arith::SelectOp::create(rewriter, loc, isLast, i32.constant(1),
                                         i32.add(own, 1));
    ptx::barrierArrive(rewriter, loc, turnBarrier(i32, op, next),
                       2 * sm90::kWarpgroupThreads);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void mlir::attn::sm90_to_nvvm::populateCopyPatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns
      .add<LowerAwaitFull, LowerAwaitEmpty, LowerRelease, LowerTmaLoad,
           LowerLoadFragment, LowerStoreFragment, LowerTmaStore,
           LowerTmaStoreWait, LowerBarrierSync, LowerTurnAwait, LowerTurnPass>(
          converter, patterns.getContext());
}
