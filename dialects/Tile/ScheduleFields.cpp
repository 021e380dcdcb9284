//===- ScheduleFields.cpp - Fields of schedules by their names ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tile/ScheduleFields.h"

using namespace mlir;
using namespace mlir::tile;

ScheduleFields::ScheduleFields(ScheduleAttr schedule)
    : blockQ(schedule.getBlockQ()), blockKv(schedule.getBlockKv()),
      hoistScoreDot(schedule.getHoistScoreDot()),
      splitMaskedLoop(schedule.getSplitMaskedLoop()),
      rescaleThreshold(schedule.getRescaleThreshold()),
      lazyMax(schedule.getLazyMax()), longestFirst(schedule.getLongestFirst()),
      diagonalFirst(schedule.getDiagonalFirst()),
      sectionBytes(schedule.getSectionBytes()),
      segmentChunks(schedule.getSegmentChunks()),
      stateParts(schedule.getStateParts()),
      stageReads(schedule.getStageReads()), target(schedule.getTarget()) {}

ScheduleAttr ScheduleFields::get(MLIRContext *context) const {
  return ScheduleAttr::get(context, blockQ, blockKv, hoistScoreDot,
                           splitMaskedLoop, rescaleThreshold, lazyMax,
                           longestFirst, diagonalFirst, sectionBytes,
                           segmentChunks, stateParts, stageReads, target);
}
