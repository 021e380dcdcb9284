//===- Passes.h - Passes within the sm90 dialect ----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_SM90_PASSES_H
#define ATTN_TRANSFORMS_SM90_PASSES_H

#include "Sm90/Sm90.h"
#include "mlir/Pass/Pass.h"

namespace mlir::sm90 {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/Transforms/Sm90/Passes.h.inc"

} // namespace mlir::sm90

#endif // ATTN_TRANSFORMS_SM90_PASSES_H
