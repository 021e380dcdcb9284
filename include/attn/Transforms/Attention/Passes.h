//===- Passes.h - Passes within the attn dialect ----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_ATTENTION_PASSES_H
#define ATTN_TRANSFORMS_ATTENTION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::attn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/Transforms/Attention/Passes.h.inc"

} // namespace mlir::attn

#endif // ATTN_TRANSFORMS_ATTENTION_PASSES_H
