//===- OrderProducts.cpp - Consumers start their products in turn ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "Sm90/Sm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_ORDERPRODUCTSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

/// Gives the products that the body starts before it waits for one a turn.
static bool orderProducts(Block &body) {
  Operation *first = nullptr, *last = nullptr;
  for (Operation &op : body) {
    if (isa<WgmmaAsyncOp>(op)) {
      first = first ? first : &op;
      last = &op;
    } else if (first && isa<WgmmaWaitOp>(op)) {
      break;
    }
  }
  if (!first)
    return false;
  OpBuilder builder(first);
  TurnAwaitOp::create(builder, first->getLoc());
  builder.setInsertionPointAfter(last);
  TurnPassOp::create(builder, last->getLoc());
  return true;
}

/// Lets `Op` be executed by one of the consumers alone.
template <typename Op>
static void createFor(OpBuilder &builder, Location loc, int64_t consumer) {
  Value own = WarpgroupIdOp::create(builder, loc, builder.getIndexType());
  Value number = arith::ConstantIndexOp::create(builder, loc, consumer);
  Value isOwn = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                      own, number);
  auto branch =
      scf::IfOp::create(builder, loc, isOwn, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  Op::create(builder, loc);
}

namespace {
struct OrderProducts : sm90::impl::OrderProductsPassBase<OrderProducts> {
  void runOnOperation() override {
    ScheduleAttr schedule = getOperation().getSchedule();
    if (!schedule.getPingPong() || schedule.getConsumerWarpgroups() < 2)
      return;
    // The IR that this pass leaves may be read and lowered again.
    WalkResult ordered =
        getOperation().walk([](TurnPassOp) { return WalkResult::interrupt(); });
    if (ordered.wasInterrupted())
      return;
    getOperation().walk([&](WarpRolesOp roles) {
      Block &consumer = roles.getConsumer().front();
      bool hasTurns = false;
      consumer.walk(
          [&](scf::ForOp loop) { hasTurns |= orderProducts(*loop.getBody()); });
      if (!hasTurns)
        return;
      auto builder = OpBuilder::atBlockBegin(&consumer);
      createFor<TurnPassOp>(builder, roles.getLoc(),
                            schedule.getConsumerWarpgroups() - 1);
      builder.setInsertionPoint(consumer.getTerminator());
      createFor<TurnAwaitOp>(builder, roles.getLoc(), 0);
    });
  }
};
} // namespace
