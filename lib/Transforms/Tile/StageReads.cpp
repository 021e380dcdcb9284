//===- StageReads.cpp - What is read for each score becomes a tile --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Tile/Passes.h"

#include "Tile/Tile.h"
#include "attn/Analysis/TiledReads.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::tile {
#define GEN_PASS_DEF_STAGEREADSPASS
#include "attn/Transforms/Tile/Passes.h.inc"
} // namespace mlir::tile

using namespace mlir;
using namespace mlir::tile;

/// Whether a value is the same for all scores: it comes from outside, or
/// follows from what does.
static bool isShared(Value value, Block &modifier) {
  if (value.getParentBlock() != &modifier)
    return true;
  Operation *op = value.getDefiningOp();
  return op && op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return isShared(operand, modifier);
         });
}

/// The value in front of the modifier; what leads to it is copied there.
static Value createShared(Value value, Block &modifier, OpBuilder &b,
                          IRMapping &mapping) {
  if (value.getParentBlock() != &modifier || mapping.contains(value))
    return mapping.lookupOrDefault(value);
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    createShared(operand, modifier, b, mapping);
  b.clone(*op, mapping);
  return mapping.lookup(value);
}

static LoadOp createLoad(ScoreOp score, ReadOp read, int64_t queryAxis) {
  OpBuilder b(score);
  Block &modifier = score.getModifier().front();
  int64_t keyAxis = static_cast<int64_t>(read.getIndices().size()) - 1;
  SmallVector<Value> indices;
  IRMapping mapping;
  for (auto [axis, index] : llvm::enumerate(read.getIndices()))
    indices.push_back(static_cast<int64_t>(axis) == queryAxis ? score.getQuery()
                      : static_cast<int64_t>(axis) == keyAxis
                          ? score.getKey()
                          : createShared(index, modifier, b, mapping));
  auto scores = cast<VectorType>(score.getScores().getType());
  return LoadOp::create(
      b, read.getLoc(),
      VectorType::get(scores.getShape(), read.getElement().getType()),
      read.getView(), indices, /*slice=*/ValueRange(),
      b.getDenseI64ArrayAttr({queryAxis, keyAxis}));
}

static void stageReads(ScoreOp score) {
  Block &modifier = score.getModifier().front();
  // A second tile of a view would have to share its stages.
  DenseSet<Value> staged;
  for (ReadOp read : llvm::make_early_inc_range(modifier.getOps<ReadOp>())) {
    std::optional<int64_t> queryAxis = attn::findQueryAxis(
        read.getIndices(), read.getElement().getType(), modifier.getArgument(1),
        modifier.getArgument(2),
        [&](Value index) { return isShared(index, modifier); });
    if (!queryAxis || !staged.insert(read.getView()).second)
      continue;
    score.getTilesMutable().append(
        createLoad(score, read, *queryAxis).getTile());
    Value element =
        modifier.addArgument(read.getElement().getType(), read.getLoc());
    read.replaceAllUsesWith(element);
    read.erase();
  }
}

namespace {
struct StageReads : tile::impl::StageReadsPassBase<StageReads> {
  void runOnOperation() override {
    if (getOperation().getSchedule().getStageReads())
      getOperation().walk(stageReads);
  }
};
} // namespace
