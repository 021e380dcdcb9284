//===- TargetModel.cpp - Numbers of the chips -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/TargetModel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::attn;

// CUDA C++ Programming Guide, table "Technical Specifications per Compute
// Capability": 227 KB of shared memory per block, 64 K registers. The L2 cache
// has 50 (H100) or 60 MB (H200), in two parts. Data sheet of the H200 SXM: 132
// multiprocessors, 989 TFLOP/s of 16-bit products, 4.8 TB/s; a warpgroup's
// product of 64 x N x 16 takes N / 2 cycles, so that the clock is 989e12 / (132
// * 4096). Programming guide, "Arithmetic Instructions": 16 special functions
// and 128 products of f32 per cycle.
static constexpr TargetModel kModels[] = {
    {/*name=*/"sm_90a", /*features=*/"+ptx86",
     /*sharedMemoryPerBlock=*/227 * 1024,
     /*l2WorkingSet=*/32 * 1024 * 1024,
     /*registersPerMultiprocessor=*/64 * 1024,
     /*maxRegistersPerThread=*/255,
     /*multiprocessors=*/132,
     /*clockHertz=*/1.83e9,
     /*tensorOperationsPerCycle=*/4096,
     /*exponentialsPerCycle=*/16,
     /*multipliesPerCycle=*/128,
     /*memoryBandwidth=*/4.8e12},
};

const TargetModel *TargetModel::lookup(StringRef name) {
  const TargetModel *model = llvm::find_if(
      kModels, [&](const TargetModel &known) { return known.name == name; });
  return model == std::end(kModels) ? nullptr : model;
}

std::string TargetModel::known() {
  return llvm::join(
      llvm::map_range(kModels, [](const TargetModel &m) { return m.name; }),
      ", ");
}

LogicalResult TargetModel::validateRegisters(int64_t producerRegisters,
                                             int64_t consumers,
                                             int64_t consumerRegisters,
                                             int64_t auxiliaryRegisters,
                                             std::string &why) const {
  // Warps exchange what the block gets at its launch: the same number for each
  // thread, a multiple of 8.
  constexpr int64_t warpgroup = 128, step = 8;
  int64_t threads = warpgroup * (1 + (auxiliaryRegisters ? 1 : 0) + consumers);
  int64_t pool = registersPerMultiprocessor / threads / step * step * threads;
  int64_t total = warpgroup * (producerRegisters + auxiliaryRegisters +
                               consumers * consumerRegisters);
  if (total <= pool)
    return success();
  std::string auxiliary;
  if (auxiliaryRegisters)
    auxiliary = llvm::formatv("{0} + ", auxiliaryRegisters);
  why = llvm::formatv("expected at most {0} registers per block of {1} threads "
                      "on {2}, got {3} (128 * ({4} + {5}{6} * {7}))",
                      pool, threads, name, total, producerRegisters, auxiliary,
                      consumers, consumerRegisters);
  return failure();
}
