//===- TargetModel.h - Numbers of a chip ------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_TARGETMODEL_H
#define ATTN_TARGET_TARGETMODEL_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace mlir::attn {

/// What the compiler knows of a chip. The only home of hardware numbers.
struct TargetModel {
  /// The name of the target, as LLVM and ptxas know it.
  StringRef name;
  /// The features that LLVM's back end needs, e.g. the PTX version.
  StringRef features;
  /// Bytes of shared memory that one block may use.
  int64_t sharedMemoryPerBlock;
  /// Bytes that the L2 cache keeps while all processors read them.
  int64_t l2WorkingSet;
  /// 32-bit registers of a multiprocessor.
  int64_t registersPerMultiprocessor;
  int64_t maxRegistersPerThread;

  /// What bounds the time of a kernel: the clock, and what one multiprocessor
  /// does in a cycle of it. A product of 16-bit elements counts two operations
  /// for each multiplication; exponentials stand for all special functions.
  int64_t multiprocessors;
  double clockHertz;
  double tensorOperationsPerCycle;
  double exponentialsPerCycle;
  /// Of f32, each with an addition.
  double multipliesPerCycle;
  /// Bytes per second between the chip and its memory.
  double memoryBandwidth;

  /// The model of `name`, or null. `known()` lists the names for a message.
  static const TargetModel *lookup(StringRef name);
  static std::string known();

  /// Whether a block with one producer warpgroup, an auxiliary one unless its
  /// registers are 0, and `consumers` consumer warpgroups may give its threads
  /// these registers. Says why not in `why`.
  LogicalResult validateRegisters(int64_t producerRegisters, int64_t consumers,
                                  int64_t consumerRegisters,
                                  int64_t auxiliaryRegisters,
                                  std::string &why) const;
};

} // namespace mlir::attn

#endif // ATTN_TARGET_TARGETMODEL_H
