//===- Interpret.h - Runs a program by its definition -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_INTERPRET_H
#define ATTN_TOOLS_ATTNRUN_INTERPRET_H

#include "Check.h"
#include "Expected.h"
#include "Program.h"

#include "attn/Reference/Reference.h"

#include <vector>

namespace attn::run {

/// The tensors of the interpreters and back, rounded to the types of `specs`.
std::vector<mlir::attn::reference::Tensor>
decode(const std::vector<runtime::HostTensor> &tensors);
std::vector<runtime::HostTensor>
encode(const std::vector<runtime::TensorSpec> &specs,
       const std::vector<mlir::attn::reference::Tensor> &tensors);

/// Evaluates `program` on `inputs` with the reference interpreter.
runtime::Result<std::vector<mlir::attn::reference::Tensor>>
interpret(const Program &program,
          const std::vector<runtime::HostTensor> &inputs,
          const mlir::attn::reference::Options &options);

/// Compares `outputs`, which a device computed from `inputs`, with the
/// reference. `sample` says which rows.
runtime::Result<CheckReport>
verify(const Program &program, const AttentionProgram &attention,
       const std::vector<runtime::HostTensor> &inputs,
       const std::vector<runtime::HostTensor> &outputs, const Sample &sample);

/// Compares the results of a program that is one recurrence with the reference,
/// head by head.
runtime::Result<std::vector<ExpectedReport>>
verifyRecurrence(const Program &program, mlir::attn::RecurrenceOp op,
                 const std::vector<runtime::HostTensor> &inputs,
                 const std::vector<runtime::HostTensor> &outputs);

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_INTERPRET_H
