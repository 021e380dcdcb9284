//===- SelectSchedule.cpp - Decide how an attention is computed -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Schedule/Passes.h"

#include "Attention/Attention.h"
#include "Sm90/Sm90.h"
#include "Tile/Tile.h"
#include "attn/Analysis/KeyBounds.h"
#include "attn/Target/TargetModel.h"

namespace mlir::attn {
#define GEN_PASS_DEF_SELECTSCHEDULEPASS
#include "attn/Schedule/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

/// Whether later queries see more keys, so that the work of the program
/// instances is uneven.
static bool isUneven(AttentionOp op) {
  Block *mask = op.getMaskBlock();
  if (!mask)
    return false;
  return analyzeKeyBounds(*mask, mask->getArgument(2), mask->getArgument(3))
      .growsWithQuery();
}

/// The schedules of a Hopper chip. Figures: docs/performance.md.
static FailureOr<tile::ScheduleAttr> selectForHopper(AttentionOp op) {
  MLIRContext *context = op.getContext();
  RankedTensorType query = op.getQueryType();
  int64_t keyDim = query.getDimSize(3);
  int64_t valueDim =
      cast<RankedTensorType>(op.getOutput().getType()).getDimSize(3);
  if (!query.getElementType().isBF16() || keyDim != 128 || valueDim != 128)
    return op.emitOpError("has no schedule for ")
           << query.getElementType() << " with head dimensions " << keyDim
           << " and " << valueDim
           << " on sm_90a; expected bf16 with 128 and 128";

  // Blocks of one instance each are handed out by the hardware as processors
  // become free, which evens causal work out; even work gains from a
  // persistent grid.
  bool uneven = isUneven(op);
  auto hopper = sm90::ScheduleAttr::get(
      context, /*kv_stages=*/2, /*consumer_warpgroups=*/2,
      /*producer_registers=*/24, /*consumer_registers=*/240,
      /*persistent=*/!uneven);
  return tile::ScheduleAttr::get(context, /*block_q=*/128, /*block_kv=*/128,
                                 /*hoist_score_dot=*/true,
                                 /*split_masked_loop=*/true,
                                 /*rescale_threshold=*/8,
                                 /*longest_first=*/uneven, hopper);
}

/// Whether the target can hold what the schedule asks for.
static LogicalResult validate(AttentionOp op, tile::ScheduleAttr schedule,
                              const TargetModel &model) {
  auto hopper = dyn_cast_or_null<sm90::ScheduleAttr>(schedule.getTarget());
  if (!hopper)
    return op.emitOpError("expected a schedule with a target of "
                          "#sm90.schedule, got ")
           << schedule;
  std::string why;
  if (failed(model.validateRegisters(hopper.getProducerRegisters(),
                                     hopper.getConsumerWarpgroups(),
                                     hopper.getConsumerRegisters(), why)))
    return op.emitOpError(why);
  return success();
}

namespace {
struct SelectSchedule : attn::impl::SelectSchedulePassBase<SelectSchedule> {
  using SelectSchedulePassBase::SelectSchedulePassBase;

  void runOnOperation() override {
    const TargetModel *model = TargetModel::lookup(target);
    if (!model) {
      getOperation().emitError("expected a target of ")
          << TargetModel::known() << ", got '" << target << "'";
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([&](AttentionOp op) {
      auto schedule = op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
      if (!schedule) {
        FailureOr<tile::ScheduleAttr> selected = selectForHopper(op);
        if (failed(selected))
          return WalkResult::interrupt();
        schedule = *selected;
        op->setAttr(kScheduleAttrName, schedule);
      }
      return failed(validate(op, schedule, *model)) ? WalkResult::interrupt()
                                                    : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
