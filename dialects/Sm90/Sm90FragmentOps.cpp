//===- Sm90FragmentOps.cpp - Verifiers of fragments -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sm90/Sm90.h"

using namespace mlir;
using namespace mlir::sm90;

static LogicalResult verifyPredicate(Operation *op) {
  Block &block = op->getRegion(0).front();
  auto yield = cast<YieldOp>(block.getTerminator());
  bool argumentsFit = block.getNumArguments() == 2 &&
                      llvm::all_of(block.getArgumentTypes(),
                                   [](Type type) { return type.isIndex(); });
  bool yieldFits =
      yield.getNumOperands() == 1 && yield.getOperand(0).getType().isInteger(1);
  if (!argumentsFit || !yieldFits) // C1
    return op->emitOpError("expected a region of two index arguments that "
                           "yields one i1");
  return success();
}

LogicalResult SplitColumnsOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto half = cast<RankedTensorType>(getLeft().getType());
  if (half.getDimSize(0) != source.getDimSize(0) ||
      2 * half.getDimSize(1) != source.getDimSize(1)) // C1
    return emitOpError("expected halves of the columns of ")
           << source << ", got " << half;
  return success();
}

LogicalResult MaskOp::verifyRegions() { return verifyPredicate(*this); }

LogicalResult EvaluateMaskOp::verifyRegions() { return verifyPredicate(*this); }

LogicalResult ApplyMaskOp::verify() {
  auto scores = cast<RankedTensorType>(getScores().getType());
  BitsType bits = getBits().getType();
  if (scores.getShape() !=
      ArrayRef<int64_t>({bits.getRows(), bits.getColumns()})) // C1
    return emitOpError("expected a bit for each score, got ")
           << bits << " for " << scores;
  return success();
}

LogicalResult FindReachOp::verifyRegions() {
  Block &body = getBody().front();
  auto yielded = body.getTerminator()->getOperandTypes();
  auto isIndex = [](Type type) { return type.isIndex(); };
  if (body.getNumArguments() != (getChannels() ? 2 : 1) ||
      !llvm::all_of(body.getArgumentTypes(), isIndex) || yielded.size() != 1 ||
      !yielded.front().isF32()) // C1
    return emitOpError("expected a region of one index argument, two with "
                       "channels, that yields one f32");
  auto divides = [](int64_t threads) {
    constexpr int64_t kWarpThreads = 32;
    return threads > 0 && threads % kWarpThreads == 0 &&
           kWarpgroupThreads % threads == 0;
  };
  if (auto block = static_cast<int64_t>(getBlock()); !divides(block)) // C2
    return emitOpError("expected a block of whole warps that divides a "
                       "warpgroup, got ")
           << block;
  if (auto channels =
          static_cast<int64_t>(getChannels().value_or(kWarpgroupThreads));
      !divides(channels)) // C3
    return emitOpError("expected channels of whole warps that divide a "
                       "warpgroup, got ")
           << channels;
  return success();
}

LogicalResult FindExtremesOp::verifyRegions() {
  Block &block = getBody().front();
  auto yielded = block.getTerminator()->getOperandTypes();
  bool isPairs = yielded.size() % 2 == 0;
  for (auto [i, type] : llvm::enumerate(yielded))
    isPairs &= type.isInteger(i % 2 == 0 ? 32 : 1);
  if (!isPairs || block.getNumArguments() != 1 ||
      !block.getArgument(0).getType().isIndex()) // C1
    return emitOpError("expected a region of one index argument that yields "
                       "pairs of an i32 and an i1");
  if (getNumResults() != yielded.size()) // C2
    return emitOpError("expected ")
           << yielded.size() << " results, two for each pair, got "
           << getNumResults();
  return success();
}

LogicalResult ScoreOp::verifyRegions() {
  Block &block = getModifier().front();
  auto yield = cast<YieldOp>(block.getTerminator());
  Builder builder(getContext());
  Type f32 = builder.getF32Type(), index = builder.getIndexType();
  SmallVector<Type> arguments{f32, index, index};
  auto tiles = llvm::map_to_vector(
      getTiles(), [](Value tile) { return cast<StageType>(tile.getType()); });
  for (StageType tile : tiles)
    arguments.push_back(tile.getElementType());
  if (block.getArgumentTypes() != TypeRange(arguments) ||
      yield.getOperandTypes() != TypeRange{f32}) // C1
    return emitOpError("expected a region of arguments f32, index and index, "
                       "and an element of each tile, that yields one f32");
  if (tiles.empty() == static_cast<bool>(getRow())) // C2
    return emitOpError("expected a row exactly where there are tiles");
  int64_t columns = getScores().getType().getDimSize(1);
  for (StageType tile : tiles)
    if (tile.getElementType().isF32() || tile.getRows() < kWarpgroupRows ||
        tile.getColumns() != columns || columns % kProductStep != 0) // C3
      return emitOpError("expected tiles of 16 bits, of at least ")
             << kWarpgroupRows << " rows and the columns of the scores, a "
             << "multiple of " << kProductStep << ", got " << tile;
  return success();
}

/// One value per row of `matrix`.
static LogicalResult verifyRows(Operation *op, Type matrix, Type rows) {
  int64_t expected = cast<RankedTensorType>(matrix).getDimSize(0);
  int64_t got = cast<RankedTensorType>(rows).getDimSize(0);
  if (expected == got)
    return success();
  return op->emitOpError("expected ")
         << expected << " elements, one per row, got " << got;
}

LogicalResult ReduceColumnsOp::verify() {
  return verifyRows(*this, getSource().getType(), getResult().getType()); // C1
}

LogicalResult BroadcastRowsOp::verify() {
  return verifyRows(*this, getResult().getType(), getSource().getType()); // C1
}
