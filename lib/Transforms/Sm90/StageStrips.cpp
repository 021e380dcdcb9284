//===- StageStrips.cpp - Copy matrices to shared memory -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_STAGESTRIPSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

/// A copy takes what lies inside of the tensor, from and to where 16 bytes
/// start, as the signature asks for. The barrier serves once.
static bool canCopy(LoadStripsOp load) {
  auto type = cast<RankedTensorType>(load.getFragment().getType());
  return type.getRank() == 2 && getLayout(type) == Layout::RowStrips &&
         load.getWhole() && !load->getParentOfType<LoopLikeOpInterface>();
}

/// Where the fragment is needed for the first time, in its own block.
static Operation *findFirstUser(LoadStripsOp load) {
  Operation *first = nullptr;
  for (Operation *user : load.getFragment().getUsers()) {
    Operation *own = load->getBlock()->findAncestorOpInBlock(*user);
    if (!first || own->isBeforeInBlock(first))
      first = own;
  }
  return first;
}

static void copyInstead(LoadStripsOp load) {
  Operation *user = findFirstUser(load);
  if (!user)
    return;
  auto type = cast<RankedTensorType>(load.getFragment().getType());
  OpBuilder builder(load);
  auto stage = StageStripsOp::create(
      builder, load.getLoc(),
      StageType::get(load.getContext(), type.getDimSize(0), type.getDimSize(1),
                     load.getElement()),
      load.getPointer(), load.getIndices(), load.getSizes(), load.getStrides(),
      load.getAxes(), /*offset=*/IntegerAttr());
  // What else is loaded starts meanwhile.
  builder.setInsertionPoint(user);
  auto take = TakeStripsOp::create(builder, load.getLoc(), type, stage);
  load.getFragment().replaceAllUsesWith(take.getFragment());
  load.erase();
}

namespace {
struct StageStrips : sm90::impl::StageStripsPassBase<StageStrips> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    if (!kernel.getSchedule().getStageStrips())
      return;
    SmallVector<LoadStripsOp> loads;
    kernel.walk([&](LoadStripsOp load) {
      if (canCopy(load))
        loads.push_back(load);
    });
    llvm::for_each(loads, copyInstead);
  }
};
} // namespace
