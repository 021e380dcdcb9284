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

/// A ticket in shared memory, and the barrier that a use of it goes through.
/// One word is the number of an instance, negated bit by bit if it is computed
/// carefully; another whether a warp has failed, which a warp that is done may
/// write while others have still to read the first one. Behind them are values
/// that go with the instance.
struct Ticket {
  Value instance, failed;
  SmallVector<Value> values;
  Value barrier, parity;
};

} // namespace

template <typename Op, typename Adaptor>
static Ticket describe(Int32 &i32, Op op, Adaptor adaptor, Value barrier) {
  sm90::TicketsType type = op.getTickets().getType();
  Use use = describeUse(i32, adaptor.getCount().front(), type.getStages());
  Value address = i32.add(adaptor.getTickets().front(),
                          i32.mul(use.stage, type.getTicketBytes()));
  auto word = [&](int64_t number) {
    return i32.add(address, i32.constant(4 * number));
  };
  Ticket ticket{address,
                word(1),
                {},
                barrierAddress(i32, barrier, use.stage),
                use.parity};
  for (int64_t i = 0; i < type.getValues(); ++i)
    ticket.values.push_back(word(2 + i));
  return ticket;
}

static Value toIndex(OpBuilder &b, Location loc, Value value) {
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
}

/// Of each line of the constants that hold the parameters of the kernel, one
/// word. A multiprocessor that has not got a line waits for it as for memory,
/// once a launch.
static SmallVector<Value> findOneOfEachLine(LLVM::LLVMFuncOp function) {
  constexpr int64_t kParameters = 0x210, kLineBytes = 64, kWordBytes = 8;
  SmallVector<Value> words;
  int64_t offset = kParameters, line = 0;
  for (auto [index, argument] : llvm::enumerate(function.getArguments())) {
    // Nobody reads a tensor map as a constant; and others follow none.
    if (function.getArgAttr(index, "llvm.byval"))
      break;
    bool isWord = !argument.getType().isInteger(32);
    int64_t bytes = isWord ? kWordBytes : kWordBytes / 2;
    offset = llvm::alignTo(offset, bytes);
    if (isWord && offset / kLineBytes != line) {
      words.push_back(argument);
      line = offset / kLineBytes;
    }
    offset += bytes;
  }
  return words;
}

namespace {

struct LowerAwaitPreviousLaunch : InstancePattern<sm90::AwaitPreviousLaunchOp> {
  using InstancePattern::InstancePattern;
  LogicalResult
  matchAndRewrite(sm90::AwaitPreviousLaunchOp op, Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    NVVM::GriddepcontrolOp::create(rewriter, op.getLoc(),
                                   NVVM::GridDepActionKind::launch_dependents);
    // With roles, others read them while who computes waits.
    SmallVector<Value> words;
    if (!getSchedule(op).getWarpRoles())
      words = findOneOfEachLine(op->getParentOfType<LLVM::LLVMFuncOp>());
    if (!words.empty())
      ptx::needNow(rewriter, op.getLoc(), words);
    rewriter.replaceOpWithNewOp<NVVM::GriddepcontrolOp>(
        op, NVVM::GridDepActionKind::wait);
    return success();
  }
};

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
    Ticket ticket = describe(i32, op, adaptor, adaptor.getFull().front());
    Value mask = arith::ExtSIOp::create(rewriter, loc, rewriter.getI32Type(),
                                        adaptor.getCareful().front());
    Value instance = i32.fromIndex(adaptor.getInstance().front());
    ptx::storeShared(rewriter, loc, ticket.instance,
                     arith::XOrIOp::create(rewriter, loc, instance, mask));
    ptx::storeShared(rewriter, loc, ticket.failed, i32.constant(0));
    for (auto [address, value] :
         llvm::zip_equal(ticket.values, adaptor.getValues()))
      ptx::storeShared(rewriter, loc, address, i32.fromIndex(value.front()));
    ptx::mbarrierArrive(rewriter, loc, ticket.barrier);
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
    Ticket ticket = describe(i32, op, adaptor, adaptor.getFull().front());
    ptx::mbarrierWaitParity(rewriter, loc, ticket.barrier, ticket.parity);
    // The exchange makes a value that of the whole warp, and what the warp does
    // next follow the read of every thread.
    auto read = [&](Value address) -> Value {
      return NVVM::ShflOp::create(
          rewriter, loc, rewriter.getI32Type(), i32.constant(-1),
          ptx::loadShared(rewriter, loc, address), i32.constant(0),
          i32.constant(31), NVVM::ShflKind::idx, UnitAttr());
    };
    Value instance = read(ticket.instance);
    SmallVector<Value> values = llvm::map_to_vector(ticket.values, read);
    Value careful = arith::CmpIOp::create(
        rewriter, loc, arith::CmpIPredicate::slt, instance, i32.constant(0));
    // Where nobody asks, nothing is computed carefully.
    if (!op.getCareful().use_empty())
      instance = arith::XOrIOp::create(
          rewriter, loc, instance,
          arith::ExtSIOp::create(rewriter, loc, rewriter.getI32Type(),
                                 careful));
    SmallVector<Value> results{toIndex(rewriter, loc, instance), careful};
    for (Value value : values)
      results.push_back(toIndex(rewriter, loc, value));
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct LowerTicketReturn : InstancePattern<sm90::TicketReturnOp> {
  using InstancePattern::InstancePattern;
  LogicalResult
  matchAndRewrite(sm90::TicketReturnOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Ticket ticket = describe(i32, op, adaptor, adaptor.getEmpty().front());
    Value first = i32.isZero(i32.lane());
    if (op.getFailed()) {
      Value any = NVVM::VoteSyncOp::create(
          rewriter, loc, rewriter.getI1Type(), i32.constant(-1),
          adaptor.getFailed().front(), NVVM::VoteSyncKind::any);
      ptx::orSharedIf(rewriter, loc, ticket.failed, i32.constant(1),
                      arith::AndIOp::create(rewriter, loc, first, any));
    }
    ptx::mbarrierArriveIf(rewriter, loc, ticket.barrier, first);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTicketAwaitReturn : InstancePattern<sm90::TicketAwaitReturnOp> {
  using InstancePattern::InstancePattern;
  LogicalResult
  matchAndRewrite(sm90::TicketAwaitReturnOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Ticket ticket = describe(i32, op, adaptor, adaptor.getEmpty().front());
    ptx::mbarrierWaitParity(rewriter, loc, ticket.barrier, ticket.parity);
    Value failed =
        op.getFailed().use_empty()
            ? arith::ConstantIntOp::create(rewriter, loc, 0, 1).getResult()
            : arith::CmpIOp::create(
                  rewriter, loc, arith::CmpIPredicate::ne,
                  ptx::loadShared(rewriter, loc, ticket.failed),
                  i32.constant(0))
                  .getResult();
    rewriter.replaceOp(op, failed);
    return success();
  }
};

} // namespace

void mlir::attn::sm90_to_nvvm::populateInstancePatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LowerAwaitPreviousLaunch, LowerCounterNext, LowerCounterReset,
               LowerTicketPut, LowerTicketTake, LowerTicketReturn,
               LowerTicketAwaitReturn>(converter, patterns.getContext());
}
