//===- AttentionToTile.cpp - Compute an attention block by block ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/Lowered.h"
#include "attn/Conversion/Passes.h"

#include "KernelBuilder.h"

#include "attn/Schedule/Passes.h"

#include "mlir/Transforms/RegionUtils.h"

namespace mlir::attn {
#define GEN_PASS_DEF_CONVERTATTENTIONTOTILEPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// Legality
//===----------------------------------------------------------------------===//

/// The only attention of the function, or a diagnostic. Of what is not lowered,
/// an op of this dialect is named before those that prepare its operands.
static FailureOr<AttentionOp> findAttention(func::FuncOp function) {
  if (failed(checkLowered(function)))
    return failure();
  auto attentions = llvm::to_vector(function.getOps<AttentionOp>());
  if (attentions.size() != 1)
    return function.emitOpError("expected exactly one attn.attention to lower, "
                                "got ")
           << attentions.size();
  return attentions.front();
}

static LogicalResult checkOperands(func::FuncOp function, AttentionOp op) {
  KVTensors kv = op.getKVTensors();
  std::pair<StringRef, Value> operands[] = {
      {"query", op.getQuery()},
      {"key", kv.key},
      {"value", kv.value},
      {"cu_seqlens of the queries", op.getCuSeqlens()},
      {"cu_seqlens of the keys", kv.cuSeqlens},
      {"sink", op.getSink()},
      {"partial counts", op.getPartialCounts()},
      {"partial indices", op.getPartialIndices()},
      {"full counts", op.getFullCounts()},
      {"full indices", op.getFullIndices()}};
  for (auto [name, operand] : operands)
    if (operand && (operand.getParentBlock() != &function.front() ||
                    !isa<BlockArgument>(operand)))
      return op.emitOpError("expected the ")
             << name << " to be an argument of the function";
  ValueRange results = function.front().getTerminator()->getOperands();
  if (results.empty())
    return function.emitOpError("expected at least one result, got none");
  for (Value result : results)
    if (result.getDefiningOp() != op)
      return function.emitOpError("expected every result to be one of the "
                                  "attention");
  return success();
}

/// A tile of queries has one row of blocks, and a block is tiles of keys.
static LogicalResult checkBlocks(AttentionOp op, tile::ScheduleAttr schedule) {
  if (!op.hasBlockLists())
    return success();
  std::tuple<StringRef, int64_t, StringRef, int64_t> sizes[] = {
      {"block_q", schedule.getBlockQ(), "queries", *op.getBlockQ()},
      {"block_kv", schedule.getBlockKv(), "keys", *op.getBlockK()}};
  for (auto [name, size, what, block] : sizes)
    if (block % size != 0)
      return op.emitOpError("expected a schedule whose ")
             << name << " divides the blocks of " << block << " " << what
             << ", got " << size;
  return success();
}

/// A kernel has the arguments of its function, so each must be of use to it.
static LogicalResult checkArguments(func::FuncOp function, AttentionOp op) {
  SetVector<Value> used;
  getUsedValuesDefinedAbove(op->getRegions(), used);
  used.insert_range(op->getOperands());
  used.insert_range(op.getKv().getDefiningOp()->getOperands());
  for (BlockArgument argument : function.getArguments())
    if (!used.contains(argument))
      return function.emitOpError("expected argument ")
             << argument.getArgNumber() << " to be used by the attention";
  return success();
}

/// What the regions may hold and capture at the tile level.
static LogicalResult checkRegions(AttentionOp op) {
  WalkResult result = op->walk([&](Operation *inner) {
    if (inner == op || !isa<AttentionDialect>(inner->getDialect()) ||
        isa<YieldOp>(inner))
      return WalkResult::advance();
    auto read = dyn_cast<ReadOp>(inner);
    if (!read) {
      inner->emitOpError("is not lowered to the tile level; run "
                         "attn-lower-mask-ops first");
      return WalkResult::interrupt();
    }
    if (isa<BlockArgument>(read.getTensor()))
      return WalkResult::advance();
    inner->emitOpError("expected a tensor that is an argument of the function");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

static KeyBounds readMask(AttentionOp op) {
  if (Block *mask = op.getMaskBlock()) {
    // Lists say themselves which keys there are.
    Value head = op.hasBlockLists() ? Value() : mask->getArgument(1);
    return analyzeKeyBounds(*mask, mask->getArgument(2), mask->getArgument(3),
                            head);
  }
  // Every key is seen.
  KeyBounds bounds;
  bounds.intervals.emplace_back();
  return bounds;
}

static FailureOr<Program> matchProgram(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("expected a body of one block");
  FailureOr<AttentionOp> op = findAttention(function);
  if (failed(op))
    return failure();
  if (failed(checkOperands(function, *op)))
    return failure();
  auto schedule = (*op)->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
  if (!schedule)
    return op->emitOpError("has no tile.schedule; run attn-select-schedule "
                           "first");
  if (failed(checkBlocks(*op, schedule)) || failed(checkRegions(*op)) ||
      failed(checkArguments(function, *op)))
    return failure();
  return Program{*op, op->getKVTensors(), schedule, readMask(*op)};
}

namespace {
struct ConvertAttentionToTile
    : attn::impl::ConvertAttentionToTilePassBase<ConvertAttentionToTile> {
  void runOnOperation() override {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      FailureOr<Program> program = matchProgram(function);
      if (failed(program))
        return signalPassFailure();
      if (!program->bounds.matches.empty())
        buildLimitsKernel(function, *program);
      buildAttentionKernel(function, *program);
      function.erase();
    }
  }
};
} // namespace
