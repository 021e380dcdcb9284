//===- LaunchPlan.h - What a launcher needs, read off a kernel --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXPORT_LAUNCHPLAN_H
#define ATTN_EXPORT_LAUNCHPLAN_H

#include "attn/Runtime/LaunchPlan.h"

#include "llvm/ADT/ArrayRef.h"

namespace mlir::sm90 {
class KernelOp;
} // namespace mlir::sm90

namespace mlir::attn {

/// The launch plan of a kernel whose shared memory has been assigned.
::attn::runtime::LaunchPlan createLaunchPlan(sm90::KernelOp kernel);

/// Whether a kernel writes nothing but workspaces, for a kernel behind it.
bool isPreparation(sm90::KernelOp kernel);

/// What a program is called with whose last kernel is `kernel`.
::attn::runtime::Signature createSignature(sm90::KernelOp kernel);

/// Launches `kernels`, all that a program has, in order.
::attn::runtime::Variant createVariant(llvm::ArrayRef<sm90::KernelOp> kernels);

} // namespace mlir::attn

#endif // ATTN_EXPORT_LAUNCHPLAN_H
