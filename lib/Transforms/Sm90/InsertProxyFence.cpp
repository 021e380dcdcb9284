//===- InsertProxyFence.cpp - Loads end before their stage is given back --===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "Sm90/Sm90.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_INSERTPROXYFENCEPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

/// The wait that a stage comes from, before products have borrowed it.
static AwaitFullOp findWait(Value stage) {
  while (auto wait = stage.getDefiningOp<WgmmaWaitOp>()) {
    auto product = wait.getProduct().getDefiningOp<WgmmaAsyncOp>();
    if (!product)
      return {};
    stage = product.getRhs();
  }
  return stage.getDefiningOp<AwaitFullOp>();
}

/// Whether a product in front of `end`, which stays there, is computed from the
/// result of `load`: by then it has been loaded.
static bool isUsedBefore(Operation *load, Operation *end) {
  SmallVector<Operation *> open{load};
  DenseSet<Operation *> known{load};
  while (!open.empty())
    for (Operation *user : open.pop_back_val()->getUsers()) {
      if (user->getBlock() != end->getBlock() || !user->isBeforeInBlock(end) ||
          !known.insert(user).second)
        continue;
      if (isa<WgmmaAsyncOp>(user))
        return true;
      open.push_back(user);
    }
  return false;
}

/// Whether threads may still load from the stage where it is given back.
static bool isStillLoaded(AwaitFullOp wait, ReleaseOp release) {
  return llvm::any_of(wait.getStage().getUsers(), [&](Operation *user) {
    return isa<LoadFragmentOp, LoadRowOp, LoadElementOp>(user) &&
           !isUsedBefore(user, release);
  });
}

namespace {
struct InsertProxyFence
    : sm90::impl::InsertProxyFencePassBase<InsertProxyFence> {
  void runOnOperation() override {
    DenseSet<Value> copied;
    getOperation().walk([&](TmaLoadAsyncOp copy) {
      if (auto wait = copy.getStage().getDefiningOp<AwaitEmptyOp>())
        copied.insert(wait.getBuffer());
    });
    getOperation().walk([&](ReleaseOp release) {
      AwaitFullOp wait = findWait(release.getStage());
      if (!wait || !copied.contains(wait.getBuffer()) ||
          !isStillLoaded(wait, release))
        return;
      OpBuilder builder(release);
      NVVM::FenceProxyOp::create(
          builder, release.getLoc(),
          NVVM::ProxyKindAttr::get(&getContext(),
                                   NVVM::ProxyKind::async_shared),
          NVVM::SharedSpaceAttr::get(&getContext(),
                                     NVVM::SharedSpace::shared_cta));
    });
  }
};
} // namespace
