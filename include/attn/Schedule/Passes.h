//===- Passes.h - Selection of schedules ------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SCHEDULE_PASSES_H
#define ATTN_SCHEDULE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::attn {

#define GEN_PASS_DECL
#include "attn/Schedule/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "attn/Schedule/Passes.h.inc"

/// The attribute that carries the schedule of an attention.
inline constexpr llvm::StringLiteral kScheduleAttrName = "tile.schedule";

/// Where an attention carries a list of `tile::GuardedScheduleAttr`: schedules
/// for which a bundle has kernels of their own.
inline constexpr llvm::StringLiteral kGuardedSchedulesAttrName =
    "tile.guarded_schedules";

} // namespace mlir::attn

#endif // ATTN_SCHEDULE_PASSES_H
