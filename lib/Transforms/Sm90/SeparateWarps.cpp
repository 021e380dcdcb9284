//===- SeparateWarps.cpp - Make a block of each warp ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_SEPARATEWARPSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

/// What the warps of a block do together, of which they have none.
static LogicalResult checkSeparable(KernelOp kernel) {
  WalkResult result = kernel.walk([](Operation *op) {
    if (!isa<AddWarpsOp, BarrierSyncOp>(op))
      return WalkResult::advance();
    op->emitOpError("lets warps wait for each other, which separate_warps of "
                    "the schedule makes blocks of");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// The number of a block was that of its instance; now it is that of a warp.
static void renumber(BlockIdOp block) {
  OpBuilder builder(block->getContext());
  builder.setInsertionPointAfter(block);
  Location loc = block.getLoc();
  Value warps = arith::ConstantIndexOp::create(builder, loc, kStripWarps);
  auto instance = arith::DivUIOp::create(builder, loc, block, warps);
  block.getResult().replaceAllUsesExcept(instance, instance);
}

namespace {
struct SeparateWarps : sm90::impl::SeparateWarpsPassBase<SeparateWarps> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    if (!kernel.getSchedule().getSeparateWarps())
      return;
    if (failed(checkSeparable(kernel)))
      return signalPassFailure();
    kernel.walk(renumber);
    SmallVector<Attribute> extents(kernel.getInstances().getValue());
    extents.push_back(ExtentAttr::get(
        &getContext(), AffineMap::getConstantMap(kStripWarps, &getContext()),
        /*sizes=*/{}));
    kernel.setInstancesAttr(ArrayAttr::get(&getContext(), extents));
  }
};
} // namespace
