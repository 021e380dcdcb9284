//===- StageReads.cpp - What is read for each score becomes a tile --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Tile/Passes.h"

#include "Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::tile {
#define GEN_PASS_DEF_STAGEREADSPASS
#include "attn/Transforms/Tile/Passes.h.inc"
} // namespace mlir::tile

using namespace mlir;
using namespace mlir::tile;

/// A position may go through integers of other widths.
static Value stripCasts(Value value) {
  while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    value = cast.getIn();
  return value;
}

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

/// The axis of the queries, if the read has one element for each score, those
/// of a query side by side.
static std::optional<int64_t> findQueryAxis(ReadOp read, Block &modifier) {
  Value query = modifier.getArgument(1), key = modifier.getArgument(2);
  OperandRange indices = read.getIndices();
  if (!isa<BFloat16Type, Float16Type>(read.getElement().getType()) ||
      indices.empty() || stripCasts(indices.back()) != key)
    return std::nullopt;
  std::optional<int64_t> found;
  for (auto [axis, index] : llvm::enumerate(indices.drop_back())) {
    if (!found && stripCasts(index) == query)
      found = axis;
    else if (!isShared(index, modifier))
      return std::nullopt;
  }
  return found;
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
    std::optional<int64_t> queryAxis = findQueryAxis(read, modifier);
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
