//===- TranslateToPtx.h - From the NVVM level to PTX ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXPORT_TRANSLATETOPTX_H
#define ATTN_EXPORT_TRANSLATETOPTX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace mlir::attn {
struct TargetModel;

/// Translates a module of the NVVM level to optimised LLVM IR for `target`.
/// Returns null after a diagnostic on the module.
std::unique_ptr<llvm::Module> translateToLLVM(ModuleOp module,
                                              llvm::LLVMContext &context,
                                              const TargetModel &target);

/// Compiles LLVM IR to PTX. The module is consumed.
FailureOr<std::string> compileToPtx(ModuleOp diagnostics, llvm::Module &module,
                                    const TargetModel &target);

} // namespace mlir::attn

#endif // ATTN_EXPORT_TRANSLATETOPTX_H
