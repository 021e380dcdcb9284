//===- attn-reduce.cpp - Reduces a program that fails ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-reduce for the dialects of this project, with a pass that knows their
// programs. docs/debugging.md shows how it is used.
//
//===----------------------------------------------------------------------===//

#include "SimplifyProgram.h"

#include "attn/Pipelines/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

using namespace mlir;

int main(int argc, char **argv) {
  DialectRegistry registry;
  attn::registerDialects(registry);
  attn::registerPasses();
  attn::registerSimplifyProgramPass();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  return failed(mlirReduceMain(argc, argv, context));
}
