//===- Assemble.h - PTX to machine code through ptxas -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXPORT_ASSEMBLE_H
#define ATTN_EXPORT_ASSEMBLE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mlir::attn {

/// What ptxas says of the functions that it assembled. The counts are the
/// largest of any function.
struct AssemblyReport {
  unsigned registers = 0;
  unsigned spillStores = 0;
  unsigned spillLoads = 0;
  unsigned stackBytes = 0;
  /// The C75xx advisories: wgmma serialised, setmaxnreg ignored and the like.
  std::vector<std::string> advisories;
  std::vector<uint8_t> cubin;
};

/// A ptxas that is recent enough.
struct Assembler {
  std::string path;
  /// E.g. "13.0".
  std::string version;
};

/// The ptxas at `path` if that is not empty, otherwise the one on PATH.
llvm::Expected<Assembler> findAssembler(llvm::StringRef path = "");

/// Assembles `ptx` for `target`, e.g. "sm_90a". Fails where ptxas does.
llvm::Expected<AssemblyReport> assemblePtx(llvm::StringRef ptx,
                                           llvm::StringRef target,
                                           const Assembler &assembler);

/// Fails for code that runs but not as it was meant to: with an advisory, a
/// spill or a stack frame.
llvm::Error checkAssembly(const AssemblyReport &report);

} // namespace mlir::attn

#endif // ATTN_EXPORT_ASSEMBLE_H
