//===- Examiner.h - What has to hold for a program --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_FUZZ_PROGRAMS_EXAMINER_H
#define ATTN_TEST_FUZZ_PROGRAMS_EXAMINER_H

#include "Program.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>

namespace attn::fuzz {

/// What was seen so far.
struct Tally {
  int64_t programs = 0, valid = 0, refused = 0, evaluated = 0, notEvaluated = 0;
  int64_t lowered = 0, permuted = 0, others = 0, tiles = 0, untiled = 0;
};

class Examiner {
public:
  Examiner(mlir::MLIRContext &context, Tally &tally);
  ~Examiner();

  /// Each returns what is wrong, or nothing.
  using Complaint = std::optional<std::string>;
  Complaint examineValid(const Program &program, Random &random);
  /// The program as it is printed, each name for one value.
  std::string rewrite(const std::string &text, bool isGeneric);
  Complaint examineBroken(const std::string &text);
  Complaint examineGarbled(const Program &program, const std::string &text,
                           Random &random);

private:
  using Module = mlir::OwningOpRef<mlir::ModuleOp>;
  using Tensors = std::vector<mlir::attn::reference::Tensor>;

  Module parse(const std::string &text);
  Complaint examineText(mlir::ModuleOp module);
  Complaint examineNumbers(const Program &program, const Tensors &results);
  Complaint examineLowered(const Program &program, mlir::ModuleOp module,
                           const Tensors &arguments, const Tensors &results);
  Complaint examinePermuted(const Program &program, mlir::ModuleOp module,
                            const Tensors &arguments, const Tensors &results);
  Complaint examineOther(const Program &program, mlir::ModuleOp module,
                         const Tensors &arguments, const Tensors &results);
  Complaint examineTile(const Program &program, mlir::ModuleOp module,
                        const Tensors &arguments, Random &random);
  Complaint compareTile(const Program &program, mlir::ModuleOp module,
                        mlir::ModuleOp tile, const Tensors &arguments);
  Complaint examineLevels(mlir::ModuleOp tile, Random &random);
  /// Nothing where it was refused with a diagnostic; a complaint in `wrong`
  /// where there was none.
  std::optional<Tensors> run(mlir::ModuleOp module, const char *function,
                             const Tensors &arguments, Complaint &wrong);

  mlir::MLIRContext &context;
  Tally &tally;
  uint64_t handler;
  int64_t errors = 0;
  std::string firstError;
};

} // namespace attn::fuzz

#endif // ATTN_TEST_FUZZ_PROGRAMS_EXAMINER_H
