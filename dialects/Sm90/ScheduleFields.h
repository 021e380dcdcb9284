//===- ScheduleFields.h - Fields of schedules by their names ----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SM90_SCHEDULEFIELDS_H
#define ATTN_SM90_SCHEDULEFIELDS_H

#include "Sm90/Sm90.h"

namespace mlir::sm90 {

/// What a schedule of this dialect has, to write one or to change some of
/// another one. Each field is documented there, and begins with its default.
struct ScheduleFields {
  int64_t kvStages = 2;
  int64_t consumerWarpgroups = 2;
  int64_t producerRegisters = 24;
  int64_t consumerRegisters = 240;
  bool queryInRegisters = true;
  bool outputInQueryBuffer = false;
  bool outputFromRegisters = false;
  bool persistent = true;
  bool dynamic = false;
  bool pingPong = false;
  bool narrowTanh = true;
  bool hoistMask = true;
  bool clearAccumulators = false;
  bool dependentLaunch = true;
  bool warpRoles = true;
  int64_t auxiliaryRegisters = 0;
  int64_t readStages = 1;
  int64_t stripWarps = kStripWarps;
  bool separateWarps = false;
  bool streamStrips = true;
  bool stageStrips = false;
  int64_t blocksPerMultiprocessor = 0;
  bool stackProducts = false;
  bool joinWaits = false;

  ScheduleFields() = default;
  explicit ScheduleFields(ScheduleAttr schedule);

  ScheduleAttr get(MLIRContext *context) const;
};

} // namespace mlir::sm90

#endif // ATTN_SM90_SCHEDULEFIELDS_H
