//===- CompilerIdentity.h - Which compiler is this? -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_PIPELINES_COMPILERIDENTITY_H
#define ATTN_LIB_PIPELINES_COMPILERIDENTITY_H

#include <optional>
#include <string>

namespace mlir::attn {

/// The build IDs of the code that compiles: the project's, and those of LLVM's
/// and MLIR's libraries where they are linked dynamically. Two compilers that
/// differ in one instruction differ in it. Nothing where the linker has given
/// the project's code no ID.
std::optional<std::string> compilerIdentity();

} // namespace mlir::attn

#endif // ATTN_LIB_PIPELINES_COMPILERIDENTITY_H
