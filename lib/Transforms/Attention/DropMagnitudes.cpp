//===- DropMagnitudes.cpp - Distances to the past have one sign -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Attention/Passes.h"

#include "Attention/Attention.h"
#include "attn/Analysis/KeyBounds.h"

#include "mlir/Dialect/Math/IR/Math.h"

namespace mlir::attn {
#define GEN_PASS_DEF_DROPMAGNITUDESPASS
#include "attn/Transforms/Attention/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

/// Whether a query sees no key behind it. Blocks in a list may be seen whole,
/// whatever the mask is.
static bool seesOnlyPast(AttentionOp op) {
  Block *mask = op.getMaskBlock();
  if (!mask || op.hasBlockLists())
    return false;
  auto positions = mask->getArguments().take_back(2);
  return analyzeKeyBounds(*mask, positions[0], positions[1]).seesOnlyPast();
}

/// Whether `value` is the position of the query less that of the key.
static bool isDistance(Value value, Block &score) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto difference = dyn_cast<arith::SubIOp>(op)) {
      auto positions = score.getArguments().take_back(2);
      return difference.getLhs() == positions[0] &&
             difference.getRhs() == positions[1];
    }
    if (!isa<arith::IndexCastOp, arith::ExtSIOp, arith::SIToFPOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

namespace {
struct DropMagnitudes : attn::impl::DropMagnitudesPassBase<DropMagnitudes> {
  void runOnOperation() override {
    getOperation()->walk([](AttentionOp op) {
      Block *score = op.getScoreBlock();
      if (!score || !seesOnlyPast(op))
        return;
      for (auto magnitude :
           llvm::make_early_inc_range(score->getOps<math::AbsFOp>()))
        if (isDistance(magnitude.getOperand(), *score)) {
          magnitude.replaceAllUsesWith(magnitude.getOperand());
          magnitude.erase();
        }
    });
  }
};
} // namespace
