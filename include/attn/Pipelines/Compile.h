//===- Compile.h - From a program to a kernel -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINES_COMPILE_H
#define ATTN_PIPELINES_COMPILE_H

#include "attn/Runtime/LaunchPlan.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

#include <string>

namespace mlir::attn {

/// The levels at which a compilation can stop, from the program to the binary.
enum class EmitLevel { Attn, Tile, Sm90, NVVM, LLVM, PTX, Cubin, Bundle };

struct CompileOptions {
  /// The only target so far is "sm_90a". A bundle may be for several, separated
  /// by commas.
  std::string target = "sm_90a";
  /// Path of ptxas, or empty to look for it on PATH.
  std::string ptxas;
  /// Whether a kernel is wanted as a binary too, not as PTX alone.
  bool assemble = true;
  /// The folder in which bundles are kept for the next time; empty for none.
  std::string cacheFolder;
  /// Path of a table of measured schedules (attn/Schedule/ScheduleTable.h), or
  /// empty to select schedules by rules.
  std::string scheduleTable;
  /// Where a pass that fails, or brings the compiler down, leaves the program
  /// and the passes that lead to it; empty for nowhere.
  std::string reproducer;
};

/// Writes into each attention of `module` how it is to be computed, as the
/// first step of lowering does. Emits a diagnostic and fails where there is no
/// way.
LogicalResult selectSchedules(ModuleOp module, const CompileOptions &options);

/// Lowers `module` in place to `level`, which is one of Attn, Tile, Sm90, NVVM.
/// Emits a diagnostic and fails where the program cannot be lowered.
LogicalResult lowerToLevel(ModuleOp module, EmitLevel level,
                           const CompileOptions &options);

/// Lowers `module` in place and writes the text (LLVM, PTX) or the bytes
/// (Cubin, Bundle) of its kernel into `output`.
LogicalResult emitLevel(ModuleOp module, EmitLevel level,
                        const CompileOptions &options, std::string &output);

/// What a function has been compiled to, for one target.
struct CompiledProgram {
  ::attn::runtime::Signature signature;
  /// The last kernel computes the attention, those in front of it prepare that.
  ::attn::runtime::TargetProgram program;
};

/// Compiles the only function of `module` to kernels with their launch plans.
/// The cubins are left empty when `options` names no assembler and none is
/// found on PATH. The module is consumed.
FailureOr<CompiledProgram> compileProgram(ModuleOp module,
                                          const CompileOptions &options);

/// Compiles the only function of `module`, which stays as it is, for each
/// target of `options`, or takes the bundle from the cache. A cache that does
/// not work costs a remark, no more.
FailureOr<::attn::runtime::Bundle> compileBundle(ModuleOp module,
                                                 const CompileOptions &options);

/// The name and the version of this compiler, e.g. "attn 0.1.0".
std::string compilerVersion();

} // namespace mlir::attn

#endif // ATTN_PIPELINES_COMPILE_H
