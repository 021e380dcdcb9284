//===- HoistMask.cpp - Masks are evaluated before there are scores --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "Sm90/Sm90.h"

#include "mlir/IR/Builders.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_HOISTMASKPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

/// The wait of the block of `mask` that its scores come from, or null. What
/// modifies scores in between has no registers to spare for bits.
static WgmmaWaitOp findWait(MaskOp mask) {
  auto wait = mask.getScores().getDefiningOp<WgmmaWaitOp>();
  return wait && wait->getBlock() == mask->getBlock() ? wait : nullptr;
}

/// Whether a number is loaded for each key.
static bool readsByKey(Block &predicate) {
  DenseSet<Value> ofKey = {predicate.getArgument(1)};
  for (Operation &op : predicate) {
    bool byKey = llvm::any_of(
        op.getOperands(), [&](Value value) { return ofKey.contains(value); });
    if (byKey && isa<ReadOp>(op))
      return true;
    if (byKey)
      ofKey.insert(op.result_begin(), op.result_end());
  }
  return false;
}

/// Finds what a value needs of the block of `place` from there on, in order.
/// Fails where that has effects, as what is waited for has.
static LogicalResult collect(Value value, Operation *place,
                             SetVector<Operation *> &found) {
  Operation *source = value.getDefiningOp();
  if (!source || source->getBlock() != place->getBlock() ||
      source->isBeforeInBlock(place) || found.contains(source))
    return success();
  if (source->getNumRegions() != 0 || !isMemoryEffectFree(source))
    return failure();
  for (Value operand : source->getOperands())
    if (failed(collect(operand, place, found)))
      return failure();
  found.insert(source);
  return success();
}

static void hoist(MaskOp mask) {
  WgmmaWaitOp wait = findWait(mask);
  Block &predicate = mask.getPredicate().front();
  if (!wait || mask.getWhole() || !readsByKey(predicate))
    return;
  SmallVector<Value> values{mask.getQuery(), mask.getKey()};
  for (Operation &op : predicate)
    llvm::append_range(values, op.getOperands());
  SetVector<Operation *> needed;
  for (Value value : values)
    if (failed(collect(value, wait, needed)))
      return;
  for (Operation *op : needed)
    op->moveBefore(wait);
  auto type = mask.getType();
  OpBuilder builder(wait);
  auto evaluate = EvaluateMaskOp::create(
      builder, mask.getLoc(),
      BitsType::get(mask.getContext(), type.getDimSize(0), type.getDimSize(1)),
      mask.getQuery(), mask.getKey());
  evaluate.getPredicate().takeBody(mask.getPredicate());
  builder.setInsertionPoint(mask);
  auto apply = ApplyMaskOp::create(builder, mask.getLoc(), type,
                                   mask.getScores(), evaluate.getBits());
  mask.replaceAllUsesWith(apply.getResult());
  mask.erase();
}

namespace {
struct HoistMask : sm90::impl::HoistMaskPassBase<HoistMask> {
  void runOnOperation() override {
    if (!getOperation().getSchedule().getHoistMask())
      return;
    SmallVector<MaskOp> masks;
    getOperation().walk([&](MaskOp mask) { masks.push_back(mask); });
    llvm::for_each(masks, hoist);
  }
};
} // namespace
