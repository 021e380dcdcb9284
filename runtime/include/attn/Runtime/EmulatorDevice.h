//===- EmulatorDevice.h - PTX on the CPU ------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATORDEVICE_H
#define ATTN_RUNTIME_EMULATORDEVICE_H

#include "attn/Runtime/Device.h"

#include <memory>

namespace attn::runtime {

struct EmulatorOptions {
  /// Of the order in which warps run and asynchronous work completes.
  uint64_t seed = 0;
  /// Look for what goes wrong only at times. Kernels then run more slowly, and
  /// a launch that had a hazard fails.
  bool checked = false;
  /// What a block may execute: a kernel that does not end is given up.
  uint64_t maxInstructions = uint64_t(1) << 32;
  /// The blocks of a persistent kernel. Few, so that each does more than one
  /// instance.
  uint32_t multiprocessors = 4;
  /// Only so many of the blocks are executed, the first ones: for tests that
  /// want no whole result.
  uint32_t maxBlocks = ~0u;
  /// Of hazards of one kind, so many are told.
  uint32_t maxOfKind = 8;
};

/// A Hopper GPU without the GPU: executes the PTX of kernels.
std::unique_ptr<Device> makeEmulatorDevice(const EmulatorOptions &options);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_EMULATORDEVICE_H
