//===- ScheduleFields.cpp - Fields of schedules by their names ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sm90/ScheduleFields.h"

using namespace mlir;
using namespace mlir::sm90;

ScheduleFields::ScheduleFields(ScheduleAttr schedule)
    : kvStages(schedule.getKvStages()),
      consumerWarpgroups(schedule.getConsumerWarpgroups()),
      producerRegisters(schedule.getProducerRegisters()),
      consumerRegisters(schedule.getConsumerRegisters()),
      queryInRegisters(schedule.getQueryInRegisters()),
      outputInQueryBuffer(schedule.getOutputInQueryBuffer()),
      outputFromRegisters(schedule.getOutputFromRegisters()),
      persistent(schedule.getPersistent()), dynamic(schedule.getDynamic()),
      pingPong(schedule.getPingPong()), narrowTanh(schedule.getNarrowTanh()),
      hoistMask(schedule.getHoistMask()),
      clearAccumulators(schedule.getClearAccumulators()),
      dependentLaunch(schedule.getDependentLaunch()),
      warpRoles(schedule.getWarpRoles()),
      auxiliaryRegisters(schedule.getAuxiliaryRegisters()),
      readStages(schedule.getReadStages()),
      stripWarps(schedule.getStripWarps()),
      separateWarps(schedule.getSeparateWarps()),
      streamStrips(schedule.getStreamStrips()),
      stageStrips(schedule.getStageStrips()),
      blocksPerMultiprocessor(schedule.getBlocksPerMultiprocessor()),
      stackProducts(schedule.getStackProducts()),
      joinWaits(schedule.getJoinWaits()) {}

ScheduleAttr ScheduleFields::get(MLIRContext *context) const {
  return ScheduleAttr::get(
      context, kvStages, consumerWarpgroups, producerRegisters,
      consumerRegisters, queryInRegisters, outputInQueryBuffer,
      outputFromRegisters, persistent, dynamic, pingPong, narrowTanh, hoistMask,
      clearAccumulators, dependentLaunch, warpRoles, auxiliaryRegisters,
      readStages, stripWarps, separateWarps, streamStrips, stageStrips,
      blocksPerMultiprocessor, stackProducts, joinWaits);
}
