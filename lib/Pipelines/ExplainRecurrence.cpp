//===- ExplainRecurrence.cpp - What the kernel of a recurrence is like ----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExplainPrinter.h"

#include "Sm90/Sm90.h"
#include "Tile/Tile.h"
#include "attn/Analysis/Lowered.h"
#include "attn/Schedule/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::attn;

/// In chunks: who does what.
static void printChunks(ExplainPrinter &printer, RecurrenceOp op,
                        tile::ScheduleAttr schedule) {
  auto hopper = cast<sm90::ScheduleAttr>(schedule.getTarget());
  printer.row("tile",
              "{0} channels of values x {1} tokens, head dimensions {2} and "
              "{3}",
              schedule.getBlockQ(), schedule.getBlockKv(), op.getKeyDim(),
              op.getValueDim());
  printer.row("stages", "{0} of queries, keys and values",
              hopper.getKvStages());
  bool hasGates =
      isPerChannel(op, op.getErase()) || isPerChannel(op, op.getWrite());
  printer.row("producer",
              "4 warps, {0} registers a thread; one thread copies, a warp "
              "computes numbers of tokens{1}",
              hopper.getProducerRegisters(),
              hasGates ? ", two warps take strengths of channels" : "");
  printer.row("auxiliary",
              "4 warps, {0} registers a thread; what does not depend on the "
              "state",
              hopper.getAuxiliaryRegisters());
  printer.row("consumers",
              "{0} x 4 warps, {1} registers a thread; {2} rows of the state "
              "each, in registers",
              hopper.getConsumerWarpgroups(), hopper.getConsumerRegisters(),
              sm90::kWarpgroupRows);
  if (int64_t least = schedule.getSegmentChunks())
    printer.row("segments", "of at least {0} chunks, where {1}{2}", least,
                "multiprocessors are left",
                guessesSegments(op) ? "; where they start is checked" : "");
  else
    printer.row("segments", "none: a sequence is one instance for each tile");
}

/// From token to token.
static void printSteps(ExplainPrinter &printer, RecurrenceOp op,
                       tile::ScheduleAttr schedule) {
  auto hopper = cast<sm90::ScheduleAttr>(schedule.getTarget());
  printer.row("tile",
              "{0} channels of values x 1 token, head dimensions {1} and {2}",
              schedule.getBlockQ(), op.getKeyDim(), op.getValueDim());
  printer.row("warps",
              "4, at most {0} registers a thread, {1} of them for the state",
              hopper.getConsumerRegisters(),
              countStepRegisters(op, schedule.getBlockQ(), /*tokens=*/0));
  auto guarded = op->getAttrOfType<ArrayAttr>(kGuardedSchedulesAttrName);
  if (!guarded)
    return;
  for (auto other : guarded.getAsRange<tile::GuardedScheduleAttr>()) {
    auto target = cast<sm90::ScheduleAttr>(other.getSchedule().getTarget());
    printer.row("for many", "{0} channels of values from {1} sequences on{2}",
                other.getSchedule().getBlockQ(), other.getLeastBatch(),
                target.getStageStrips() ? ", to which copies bring states"
                                        : "");
  }
}

void mlir::attn::printKernel(ExplainPrinter &printer, RecurrenceOp op,
                             const ::attn::runtime::TargetProgram &program) {
  auto schedule = op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
  if (schedule.getBlockKv() == 1)
    printSteps(printer, op, schedule);
  else
    printChunks(printer, op, schedule);
  auto inFront =
      llvm::map_range(llvm::drop_end(program.kernels), [](const auto &kernel) {
        return "'" + kernel.plan.kernel + "'";
      });
  if (!inFront.empty())
    printer.row("in front", "{0}", llvm::join(inFront, ", "));
}

/// The size of an axis of `tensor`, which the function has as an argument, or
/// which is prepared from arguments.
static int64_t findSizeOf(Value tensor, unsigned axis,
                          const ProgramShapes &shapes) {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return shapes.shapes[argument.getArgNumber()][axis];
  if (auto prepared = tensor.getDefiningOp<linalg::GenericOp>()) {
    AffineExpr loop = getAffineDimExpr(axis, tensor.getContext());
    for (OpOperand *input : prepared.getDpsInputOperands())
      if (std::optional<unsigned> own =
              prepared.getMatchingIndexingMap(input).getResultPosition(loop))
        return findSizeOf(input->get(), *own, shapes);
  }
  return cast<RankedTensorType>(tensor.getType()).getDimSize(axis);
}

RecurrenceSize mlir::attn::findSize(RecurrenceOp op,
                                    const ProgramShapes &shapes) {
  int64_t first = findSizeOf(op.getQuery(), /*axis=*/0, shapes);
  if (!op.isPacked())
    return {first, findSizeOf(op.getQuery(), /*axis=*/1, shapes)};
  int64_t sequences = std::max<int64_t>(
      findSizeOf(op.getCuSeqlens(), /*axis=*/0, shapes) - 1, 1);
  return {sequences, llvm::divideCeilSigned(first, sequences)};
}
