//===- Registration.h - Dialects, passes and pipelines ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINES_REGISTRATION_H
#define ATTN_PIPELINES_REGISTRATION_H

namespace mlir {
class DialectRegistry;
namespace attn {

/// Registers the project's dialects and the upstream ones its levels use.
void registerDialects(DialectRegistry &registry);

/// Registers every pass of the project, for textual pipelines.
void registerPasses();

} // namespace attn
} // namespace mlir

#endif // ATTN_PIPELINES_REGISTRATION_H
