//===- JoinSums.cpp - Add up at once what warps have ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_JOINSUMSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

/// Moves what `add` follows from in front of `first`, of the same block, if
/// nothing of that but computes.
static bool moveOperands(AddWarpsOp add, AddWarpsOp first) {
  SetVector<Operation *> behind;
  BackwardSliceOptions options;
  options.omitBlockArguments = true;
  options.filter = [&](Operation *op) {
    return op->getBlock() == first->getBlock() && !op->isBeforeInBlock(first);
  };
  if (failed(getBackwardSlice(add.getOperation(), &behind, options)))
    return false;
  if (!llvm::all_of(behind, [](Operation *op) { return isPure(op); }))
    return false;
  for (Operation *op : behind)
    op->moveBefore(first);
  return true;
}

/// In place of two, in the place of the first.
static AddWarpsOp join(AddWarpsOp first, AddWarpsOp add) {
  OpBuilder builder(first);
  SmallVector<Value> parts(first.getParts());
  llvm::append_range(parts, add.getParts());
  auto both = AddWarpsOp::create(builder, first.getLoc(), parts);
  ResultRange sums = both.getSums();
  first->replaceAllUsesWith(sums.take_front(first.getNumResults()));
  add->replaceAllUsesWith(sums.drop_front(first.getNumResults()));
  first.erase();
  add.erase();
  return both;
}

static void joinSums(Block &block) {
  AddWarpsOp first;
  for (AddWarpsOp add : llvm::to_vector(block.getOps<AddWarpsOp>()))
    first = first && moveOperands(add, first) ? join(first, add) : add;
}

namespace {
struct JoinSums : sm90::impl::JoinSumsPassBase<JoinSums> {
  void runOnOperation() override {
    getOperation()->walk([](Block *block) { joinSums(*block); });
  }
};
} // namespace
