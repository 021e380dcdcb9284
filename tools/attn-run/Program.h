//===- Program.h - The program to run ---------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_PROGRAM_H
#define ATTN_TOOLS_ATTNRUN_PROGRAM_H

#include "Geometry.h"
#include "Inputs.h"

#include "Attention/Attention.h"
#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/SourceMgr.h"

#include <memory>
#include <optional>
#include <vector>

namespace attn::run {

/// The type of the elements of a tensor in memory, if they can be there.
std::optional<runtime::ElementType> elementTypeOf(mlir::Type type);

/// A program whose results come from one attention over its arguments.
struct AttentionProgram {
  mlir::attn::AttentionOp op;
  /// Which arguments of the function are the queries, keys and values.
  unsigned query = 0, key = 0, value = 0;
  /// And where packed sequences of queries and of keys begin.
  std::optional<unsigned> queryEnds, keyEnds;
  /// Which results of the function are the output and the LSE.
  unsigned output = 0;
  std::optional<unsigned> lse;

  Geometry geometry(const std::vector<runtime::HostTensor> &inputs) const;

  /// The floating-point operations by the convention of FlashAttention: those
  /// of the two products, half of them for a causal mask, those of the visible
  /// pairs for a window. None where the mask cannot be counted.
  std::optional<double> operations(const Geometry &geometry) const;
};

/// The only function of a module. An argument or result is named by its
/// attribute `attn.name`, else arg0, ... and result0, ...
class Program {
public:
  /// Reports what is wrong with the text at `path` as diagnostics.
  static runtime::Result<std::unique_ptr<Program>>
  parse(mlir::MLIRContext &context, const std::string &path);

  mlir::ModuleOp module() const { return *owner; }
  mlir::func::FuncOp function() const { return entry; }
  const std::vector<runtime::TensorSpec> &inputs() const { return inputSpecs; }
  /// What random data for each input looks like.
  const std::vector<Filling> &fills() const { return inputFills; }
  const std::vector<runtime::TensorSpec> &outputs() const {
    return outputSpecs;
  }

  runtime::Result<AttentionProgram> findAttention() const;

  /// The recurrence that every result comes from, or null.
  mlir::attn::RecurrenceOp findRecurrence() const;

private:
  Program() = default;
  runtime::Status findFunction();
  runtime::Status readSignature();

  llvm::SourceMgr sources;
  std::unique_ptr<mlir::SourceMgrDiagnosticHandler> diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> owner;
  mlir::func::FuncOp entry;
  std::vector<runtime::TensorSpec> inputSpecs, outputSpecs;
  std::vector<Filling> inputFills;
};

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_PROGRAM_H
