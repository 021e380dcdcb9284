//===- SimplifyProgram.h - Smaller programs that still fail -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNREDUCE_SIMPLIFYPROGRAM_H
#define ATTN_TOOLS_ATTNREDUCE_SIMPLIFYPROGRAM_H

namespace mlir::attn {

/// Registers `simplify-program`, which makes a program smaller, step by step,
/// as long as a script says that it is still interesting.
void registerSimplifyProgramPass();

} // namespace mlir::attn

#endif // ATTN_TOOLS_ATTNREDUCE_SIMPLIFYPROGRAM_H
