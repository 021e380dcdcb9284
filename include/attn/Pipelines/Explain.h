//===- Explain.h - Why a program is compiled as it is -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINES_EXPLAIN_H
#define ATTN_PIPELINES_EXPLAIN_H

#include "attn/Pipelines/Compile.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <vector>

namespace mlir::attn {

/// The shape of each tensor of a program. `assumed` says that nobody has given
/// some of the sizes; it is empty where that is not so.
struct ProgramShapes {
  std::vector<std::vector<int64_t>> shapes;
  std::string assumed;
};

/// Gives the shapes for the tensors of a program, or fails after saying why.
using ChooseShapes = llvm::function_ref<FailureOr<ProgramShapes>(
    const ::attn::runtime::Signature &)>;

/// Prints how the only function of `module`, which stays as it is, is computed,
/// which time that takes at best with the shapes that `choose` gives, and why
/// other schedules were refused.
LogicalResult explainProgram(ModuleOp module, const CompileOptions &options,
                             ChooseShapes choose, llvm::raw_ostream &output);

} // namespace mlir::attn

#endif // ATTN_PIPELINES_EXPLAIN_H
