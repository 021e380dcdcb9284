//===- LowerInstances.cpp - Counters and tickets
//---------------------------===//
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

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

namespace {

template <typename Op> struct InstancePattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
};

/// A ticket and its barriers.
struct Ticket {
  Value address, full, empty, parity;
};

} // namespace

template <typename Op, typename Adaptor>
static Ticket describe(Int32 &i32, Op op, Adaptor adaptor) {
  Use use = describeUse(i32, adaptor.getCount().front(),
                        op.getTickets().getType().getStages());
  return {i32.add(adaptor.getTickets().front(),
                  i32.mul(use.stage, sm90::kTicketBytes)),
          barrierAddress(i32, adaptor.getFull().front(), use.stage),
          barrierAddress(i32, adaptor.getEmpty().front(), use.stage),
          use.parity};
}

static Value toIndex(OpBuilder &b, Location loc, Value value) {
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
}

namespace {

struct LowerCounterNext : InstancePattern<sm90::CounterNextOp> {
  using InstancePattern::InstancePattern;
  LogicalResult
  matchAndRewrite(sm90::CounterNextOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value old = ptx::atomicIncrement(rewriter, op.getLoc(),
                                     adaptor.getCounter().front());
    rewriter.replaceOp(op, toIndex(rewriter, op.getLoc(), old));
    return success();
  }
};

struct LowerCounterReset : InstancePattern<sm90::CounterResetOp> {
  using InstancePattern::InstancePattern;
  LogicalResult
  matchAndRewrite(sm90::CounterResetOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, i32.constant(0),
                                               adaptor.getCounter().front());
    return success();
  }
};

struct LowerTicketPut : InstancePattern<sm90::TicketPutOp> {
  using InstancePattern::InstancePattern;
  LogicalResult
  matchAndRewrite(sm90::TicketPutOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Ticket ticket = describe(i32, op, adaptor);
    // The phase before the first one counts as complete.
    ptx::mbarrierWaitParity(rewriter, loc, ticket.empty,
                            i32.bitXor(ticket.parity, 1));
    ptx::storeShared(rewriter, loc, ticket.address,
                     i32.fromIndex(adaptor.getInstance().front()));
    ptx::mbarrierArrive(rewriter, loc, ticket.full);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTicketTake : InstancePattern<sm90::TicketTakeOp> {
  using InstancePattern::InstancePattern;
  LogicalResult
  matchAndRewrite(sm90::TicketTakeOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Ticket ticket = describe(i32, op, adaptor);
    ptx::mbarrierWaitParity(rewriter, loc, ticket.full, ticket.parity);
    // The exchange makes the value that of the whole warp, and the arrival
    // follow the read of every thread.
    Value instance = NVVM::ShflOp::create(
        rewriter, loc, rewriter.getI32Type(), i32.constant(-1),
        ptx::loadShared(rewriter, loc, ticket.address), i32.constant(0),
        i32.constant(31), NVVM::ShflKind::idx, UnitAttr());
    ptx::mbarrierArriveIf(rewriter, loc, ticket.empty, i32.isZero(i32.lane()));
    rewriter.replaceOp(op, toIndex(rewriter, loc, instance));
    return success();
  }
};

} // namespace

void mlir::attn::sm90_to_nvvm::populateInstancePatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LowerCounterNext, LowerCounterReset, LowerTicketPut,
               LowerTicketTake>(converter, patterns.getContext());
}
