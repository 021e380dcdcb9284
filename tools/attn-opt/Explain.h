//===- Explain.h - The sizes for --explain ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNOPT_EXPLAIN_H
#define ATTN_TOOLS_ATTNOPT_EXPLAIN_H

#include "attn/Pipelines/Explain.h"
#include "attn/Runtime/Status.h"

namespace attn::opt {

/// The shapes that `flags`, of the form name=shape, give for the tensors of
/// `signature`. What they leave open is assumed: one batch of long sequences.
runtime::Result<mlir::attn::ProgramShapes>
chooseShapes(const runtime::Signature &signature,
             const std::vector<std::string> &flags);

} // namespace attn::opt

#endif // ATTN_TOOLS_ATTNOPT_EXPLAIN_H
