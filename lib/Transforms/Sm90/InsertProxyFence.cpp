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

/// The first product of the block that is computed from the result of `load`:
/// it does not start before that has been loaded. Null if there is none.
static Operation *findFirstProduct(Operation *load) {
  Operation *first = nullptr;
  SmallVector<Operation *> open{load};
  DenseSet<Operation *> known{load};
  while (!open.empty())
    for (Operation *user : open.pop_back_val()->getUsers()) {
      if (user->getBlock() != load->getBlock() || !known.insert(user).second)
        continue;
      if (!isa<WgmmaAsyncOp>(user))
        open.push_back(user);
      else if (!first || user->isBeforeInBlock(first))
        first = user;
    }
  return first;
}

/// Lets the loads from the stage of `wait` end before `release`.
static void finishLoads(AwaitFullOp wait, ReleaseOp release) {
  // The IR that this pass leaves may be read and lowered again.
  if (isa_and_nonnull<NVVM::FenceProxyOp>(release->getPrevNode()))
    return;
  Operation *last = release;
  for (Operation *load : wait.getStage().getUsers()) {
    if (!isa<LoadFragmentOp, LoadRowOp, LoadElementOp, ScoreOp>(load))
      continue;
    // A product with what becomes of scores has values to wait for, which the
    // producer may copy later than what the stage is to be filled with.
    Operation *product =
        !isa<ScoreOp>(load) && load->getBlock() == release->getBlock()
            ? findFirstProduct(load)
            : nullptr;
    if (!product) {
      OpBuilder builder(release);
      MLIRContext *context = builder.getContext();
      NVVM::FenceProxyOp::create(
          builder, release.getLoc(),
          NVVM::ProxyKindAttr::get(context, NVVM::ProxyKind::async_shared),
          NVVM::SharedSpaceAttr::get(context, NVVM::SharedSpace::shared_cta));
      return;
    }
    if (last->isBeforeInBlock(product))
      last = product;
  }
  if (last != release)
    release->moveAfter(last);
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
    SmallVector<ReleaseOp> releases;
    getOperation().walk(
        [&](ReleaseOp release) { releases.push_back(release); });
    for (ReleaseOp release : releases) {
      AwaitFullOp wait = findWait(release.getStage());
      if (wait && copied.contains(wait.getBuffer()))
        finishLoads(wait, release);
    }
  }
};
} // namespace
