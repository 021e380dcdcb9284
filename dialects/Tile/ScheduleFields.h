//===- ScheduleFields.h - Fields of schedules by their names ----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TILE_SCHEDULEFIELDS_H
#define ATTN_TILE_SCHEDULEFIELDS_H

#include "Tile/Tile.h"

namespace mlir::tile {

/// What a schedule of this dialect has, to write one or to change some of
/// another one. Each field is documented there, and begins with its default.
struct ScheduleFields {
  int64_t blockQ = 0;
  int64_t blockKv = 0;
  bool hoistScoreDot = true;
  bool splitMaskedLoop = true;
  int64_t rescaleThreshold = 8;
  bool lazyMax = false;
  bool longestFirst = false;
  bool diagonalFirst = false;
  int64_t sectionBytes = 33554432;
  int64_t segmentChunks = 0;
  int64_t stateParts = 1;
  bool stageReads = false;
  Attribute target;

  ScheduleFields() = default;
  explicit ScheduleFields(ScheduleAttr schedule);

  ScheduleAttr get(MLIRContext *context) const;
};

} // namespace mlir::tile

#endif // ATTN_TILE_SCHEDULEFIELDS_H
