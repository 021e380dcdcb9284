//===- attn-lsp-server.cpp - Programs in an editor ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A server of the Language Server Protocol, on the standard streams: errors
// while typing, definitions and uses, what an operation means.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

using namespace mlir;

int main(int argc, char **argv) {
  DialectRegistry registry;
  attn::registerDialects(registry);
  return failed(MlirLspServerMain(argc, argv, registry));
}
