//===- Compile.cpp - From a program to a kernel ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Compile.h"

#include "attn/Conversion/Passes.h"
#include "attn/Schedule/Passes.h"
#include "attn/Transforms/Attention/Passes.h"
#include "attn/Transforms/Tile/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::attn;

static void addTilePasses(OpPassManager &manager,
                          const CompileOptions &options) {
  manager.addPass(createLowerMaskOpsPass());
  SelectSchedulePassOptions schedule;
  schedule.target = options.target;
  manager.addPass(createSelectSchedulePass(schedule));
  manager.addPass(createConvertAttentionToTilePass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  OpPassManager &kernels = manager.nest<tile::KernelOp>();
  kernels.addPass(tile::createHoistScoreDotPass());
  kernels.addPass(tile::createSplitMaskedLoopPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

LogicalResult mlir::attn::lowerToLevel(ModuleOp module, EmitLevel level,
                                 const CompileOptions &options) {
  PassManager manager(module.getContext());
  if (level >= EmitLevel::Tile)
    addTilePasses(manager, options);
  return manager.run(module);
}

LogicalResult mlir::attn::emitLevel(ModuleOp module, EmitLevel level,
                              const CompileOptions &options,
                              std::string &output) {
  return failure();
}

FailureOr<::attn::runtime::CompiledKernel>
mlir::attn::compileKernel(ModuleOp module, const CompileOptions &options) {
  return failure();
}
