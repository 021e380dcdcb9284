//===- ChunkRecurrence.cpp - Compute a recurrence chunk by chunk ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/Lowered.h"
#include "attn/Conversion/Passes.h"

#include "ChunkKernel.h"

#include "attn/Schedule/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Remarks.h"

namespace mlir::attn {
#define GEN_PASS_DEF_CHUNKRECURRENCEPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

/// Each argument is an operand, and the results are returned, the output among
/// them and each once.
static LogicalResult checkInterface(func::FuncOp function, RecurrenceOp op) {
  auto isRead = [&](OpOperand &use) {
    auto prepared = dyn_cast<linalg::GenericOp>(use.getOwner());
    return use.getOwner() == op || (prepared && prepared.isDpsInput(&use));
  };
  for (BlockArgument argument : function.getArguments())
    if (llvm::none_of(argument.getUses(), isRead))
      return function.emitError("expected argument ")
             << argument.getArgNumber()
             << " to be an operand of the recurrence";
  DenseSet<Value> returned;
  for (Value result : function.front().getTerminator()->getOperands())
    if (result.getDefiningOp() != op || !returned.insert(result).second)
      return function.emitError("expected results of the recurrence to be "
                                "returned, each once");
  if (!returned.contains(op.getOutput()))
    return function.emitError("expected the output of the recurrence to be "
                              "returned");
  return success();
}

/// The schedule, whose blocks divide the channels of the value.
static FailureOr<tile::ScheduleAttr> findSchedule(RecurrenceOp op) {
  auto schedule = op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
  if (!schedule)
    return op.emitOpError("has no tile.schedule; run attn-select-schedule "
                          "first");
  if (op.getValueDim() % schedule.getBlockQ() != 0)
    return op.emitOpError("expected a block_q that divides the ")
           << op.getValueDim() << " channels of the values, got "
           << schedule.getBlockQ();
  if (op.getKeptStates() && *op.getKeepEvery() % schedule.getBlockKv() != 0)
    return op.emitOpError("expected a block_kv that divides the ")
           << *op.getKeepEvery() << " tokens between kept states, got "
           << schedule.getBlockKv();
  if (schedule.getSegmentChunks() > 0 && !canCutSequences(op))
    return op.emitOpError("expected a decay, of channels where tokens erase "
                          "but along the keys, and no slots for "
                          "segment_chunks; expected 0, got ")
           << schedule.getSegmentChunks();
  if (schedule.getSegmentChunks() > 0 && guessesSegments(op) &&
      op.getKeyDim() % schedule.getBlockQ() != 0)
    return op.emitOpError("expected a block_q that divides the ")
           << op.getKeyDim() << " channels of the keys for segment_chunks, got "
           << schedule.getBlockQ();
  return schedule;
}

/// Says what must fit in f16, which has more bits than bf16 for what tokens
/// write.
static void noteRange(func::FuncOp function, RecurrenceOp op) {
  if (op.erases() && !op.getQueryType().getElementType().isF32())
    remark::analysis(op.getLoc(), remark::RemarkOpts::name("range")
                                      .category("numerics")
                                      .function(function.getName()))
        << remark::add("values less what the state holds for keys, what is "
                       "written, and products of queries and keys are rounded "
                       "to f16: expected magnitudes of at most 65504");
}

namespace {
struct ChunkRecurrence : attn::impl::ChunkRecurrencePassBase<ChunkRecurrence> {
  void runOnOperation() override {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (!function.getOps<RecurrenceOp>().empty() && failed(convert(function)))
        return signalPassFailure();
  }

  LogicalResult convert(func::FuncOp function) {
    if (failed(checkLowered(function)))
      return failure();
    RecurrenceOp op = *function.getOps<RecurrenceOp>().begin();
    if (failed(checkChunked(op)))
      return failure();
    auto isKnown = [&](Operation &other) {
      return &other == op || isa<func::ReturnOp>(other) ||
             servesPreparation(&other) ||
             (other.hasTrait<OpTrait::ConstantLike>() &&
              !isa<RankedTensorType>(other.getResult(0).getType()));
    };
    if (!llvm::all_of(function.front(), isKnown))
      return function.emitError("expected a recurrence alone in its function, "
                                "and what prepares its gates");
    FailureOr<tile::ScheduleAttr> schedule = findSchedule(op);
    if (failed(checkInterface(function, op)) || failed(schedule))
      return failure();
    noteRange(function, op);
    if (schedule->getSegmentChunks() > 0) {
      ChunkKernelBuilder(function, op, *schedule).buildBounds();
      if (guessesSegments(op)) {
        ChunkKernelBuilder(function, op, *schedule).buildTransitions();
        ChunkKernelBuilder(function, op, *schedule).buildChecks();
      }
    }
    ChunkKernelBuilder(function, op, *schedule).build();
    function.erase();
    return success();
  }
};
} // namespace
