//===- SelectSchedule.cpp - Decide how an attention is computed -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Schedule/Passes.h"

#include "SelectAttention.h"
#include "SelectRecurrence.h"

#include "attn/Analysis/Lowered.h"
#include "attn/Schedule/ScheduleTable.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::attn {
#define GEN_PASS_DEF_SELECTSCHEDULEPASS
#include "attn/Schedule/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

remark::RemarkOpts attn::describeRemark(Operation *op, StringRef name) {
  auto function = op->getParentOfType<func::FuncOp>();
  return remark::RemarkOpts::name(name)
      .category("schedule")
      .function(function ? function.getName() : StringRef());
}

remark::detail::InFlightRemark attn::refuse(Operation *op) {
  return remark::missed(op->getLoc(), describeRemark(op, "refused"));
}

/// Starts a remark that says where a schedule comes from.
static remark::detail::InFlightRemark explain(AttentionOp op) {
  return remark::analysis(op.getLoc(), describeRemark(op, "selected"));
}

/// Whether the target can hold what the schedule asks for.
static LogicalResult validate(Operation *op, tile::ScheduleAttr schedule,
                              const TargetModel &model) {
  auto hopper = dyn_cast_or_null<sm90::ScheduleAttr>(schedule.getTarget());
  if (!hopper)
    return op->emitOpError("expected a schedule with a target of "
                           "#sm90.schedule, got ")
           << schedule;
  std::string why;
  if (failed(model.validateRegisters(
          hopper.getProducerRegisters(), hopper.getConsumerWarpgroups(),
          hopper.getConsumerRegisters(), hopper.getAuxiliaryRegisters(), why)))
    return op->emitOpError(why);
  return success();
}

static void setSchedules(Operation *op, tile::ScheduleAttr schedule,
                         ArrayRef<Attribute> guarded) {
  op->setAttr(kScheduleAttrName, schedule);
  if (!guarded.empty())
    op->setAttr(kGuardedSchedulesAttrName,
                ArrayAttr::get(op->getContext(), guarded));
}

namespace {
struct SelectSchedule : attn::impl::SelectSchedulePassBase<SelectSchedule> {
  using SelectSchedulePassBase::SelectSchedulePassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (table.empty())
      return success();
    FailureOr<ScheduleTable> read =
        ScheduleTable::read(table, UnknownLoc::get(context));
    if (succeeded(read))
      measured = *read;
    return read;
  }

  void runOnOperation() override {
    const TargetModel *model = TargetModel::lookup(target);
    if (!model) {
      getOperation().emitError("expected a target of ")
          << TargetModel::known() << ", got '" << target << "'";
      return signalPassFailure();
    }
    // What is not lowered has no schedule, and is named before its sizes are.
    for (auto function : getOperation().getOps<func::FuncOp>())
      if ((!function.getOps<AttentionOp>().empty() ||
           !function.getOps<RecurrenceOp>().empty()) &&
          failed(checkLowered(function)))
        return signalPassFailure();
    WalkResult result = getOperation().walk([&](AttentionOp op) {
      bool isGiven = static_cast<bool>(
          op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName));
      if (!isGiven && !takeMeasured(op) && failed(selectByRules(op, *model)))
        return WalkResult::interrupt();
      return failed(validateAll(op, *model)) ? WalkResult::interrupt()
                                             : WalkResult::advance();
    });
    if (result.wasInterrupted() || failed(selectForRecurrences(*model)))
      signalPassFailure();
  }

  /// Writes what the table has for the problem, if it has something.
  bool takeMeasured(AttentionOp op) {
    if (!measured) {
      explain(op) << "by rules: there is no table of measured schedules";
      return false;
    }
    std::string problem = target + " " + describeProblem(op);
    ScheduleTable::Schedules found = measured->lookup(problem);
    if (!found.schedule) {
      explain(op) << remark::add("by rules: the table has no '{0}'", problem);
      return false;
    }
    explain(op) << remark::add("from the table: '{0}'", problem);
    setSchedules(op, found.schedule, found.guarded);
    return true;
  }

  LogicalResult selectByRules(AttentionOp op, const TargetModel &model) {
    FailureOr<tile::ScheduleAttr> selected = selectForHopper(op, model);
    if (failed(selected))
      return failure();
    SmallVector<Attribute> guarded;
    for (auto select : {selectForLong, selectForLargeBlocks})
      if (tile::GuardedScheduleAttr other = select(op, *selected))
        guarded.push_back(other);
    // Tensors that a copy cannot read are guarded against at the launch.
    if (!findTiledReads(op).empty()) {
      FailureOr<tile::ScheduleAttr> staged =
          selectForHopper(op, model, /*stagesReads=*/true);
      if (failed(staged))
        return failure();
      guarded.push_back(tile::GuardedScheduleAttr::get(
          op.getContext(), /*least_keys=*/0, /*least_tail=*/0,
          /*least_batch=*/0, *staged));
    }
    setSchedules(op, *selected, guarded);
    return success();
  }

  LogicalResult validateAll(Operation *op, const TargetModel &model) {
    if (auto guarded = op->getAttrOfType<ArrayAttr>(kGuardedSchedulesAttrName))
      for (auto entry : guarded.getAsRange<tile::GuardedScheduleAttr>())
        if (failed(validate(op, entry.getSchedule(), model)))
          return failure();
    return validate(
        op, op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName), model);
  }

  LogicalResult selectForRecurrences(const TargetModel &model) {
    WalkResult result = getOperation().walk([&](RecurrenceOp op) {
      if (!op->hasAttr(kScheduleAttrName)) {
        FailureOr<tile::ScheduleAttr> selected = selectForRecurrence(op);
        if (failed(selected))
          return WalkResult::interrupt();
        SmallVector<Attribute> guarded;
        if (tile::GuardedScheduleAttr forMany = selectForMany(op, *selected))
          guarded.push_back(forMany);
        setSchedules(op, *selected, guarded);
      }
      return failed(validateAll(op, model)) ? WalkResult::interrupt()
                                            : WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  std::optional<ScheduleTable> measured;
};
} // namespace
