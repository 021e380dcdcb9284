//===- PtxLint.h - Misuse of in-flight registers in PTX ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Above NVVM, types say which registers a wgmma still owns. In PTX nothing
// does: a register copy that the backend puts between a wgmma and its wait is
// accepted by the assembler, which then serialises the whole function, or reads
// a half written value. The lint finds such copies in the text.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXPORT_PTXLINT_H
#define ATTN_EXPORT_PTXLINT_H

#include <string>
#include <string_view>
#include <vector>

namespace mlir::attn {

struct PtxLintFinding {
  unsigned line;
  std::string message;
};

/// Checks every function of `ptx` against these rules, on every path:
///   - between a wgmma and the wait that completes its group, no instruction
///     touches its accumulators or writes its A fragment, except for a wgmma of
///     the same shape that accumulates in place;
///   - a fence stands between an ordinary write of a wgmma's registers and the
///     wgmma;
///   - every wgmma is committed, and waited for, before the function returns.
/// The findings are in the order of the text. Text that is not PTX gives a
/// finding too, never a crash.
std::vector<PtxLintFinding> lintPtx(std::string_view ptx);

} // namespace mlir::attn

#endif // ATTN_EXPORT_PTXLINT_H
