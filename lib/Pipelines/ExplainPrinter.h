//===- ExplainPrinter.h - The rows of an explanation ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_PIPELINES_EXPLAINPRINTER_H
#define ATTN_LIB_PIPELINES_EXPLAINPRINTER_H

#include "Attention/Attention.h"
#include "attn/Pipelines/Explain.h"
#include "attn/Schedule/Estimate.h"

#include "llvm/Support/FormatVariadic.h"

namespace mlir::attn {

/// One row: a name and what there is to say.
class ExplainPrinter {
public:
  explicit ExplainPrinter(llvm::raw_ostream &output) : output(output) {}

  template <typename... Parts>
  void row(StringRef name, const char *format, Parts &&...parts) {
    output << llvm::formatv("  {0,-11}", name)
           << llvm::formatv(format, std::forward<Parts>(parts)...) << '\n';
  }
  void heading(const llvm::Twine &text) { output << text << '\n'; }

private:
  llvm::raw_ostream &output;
};

/// What the kernels of a recurrence look like, the last of `program`.
void printKernel(ExplainPrinter &printer, RecurrenceOp op,
                 const ::attn::runtime::TargetProgram &program);

/// The dynamic sizes of `op`, whose function has arguments of `shapes`. Packed
/// sequences are taken to be of one length.
RecurrenceSize findSize(RecurrenceOp op, const ProgramShapes &shapes);

} // namespace mlir::attn

#endif // ATTN_LIB_PIPELINES_EXPLAINPRINTER_H
