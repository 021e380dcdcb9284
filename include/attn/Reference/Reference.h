//===- Reference.h - What a program means -----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An interpreter of the attn dialect, written to be read. It is the norm that
// every lower level is compared with, so it depends on the dialects alone.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_REFERENCE_H
#define ATTN_REFERENCE_REFERENCE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LLVM.h"

#include <vector>

namespace mlir::attn::reference {

/// A dense row-major tensor. Every element type the dialect knows is exact in
/// double.
struct Tensor {
  SmallVector<int64_t> shape;
  std::vector<double> values;

  int64_t size() const;
};

/// A row of an attention's result: the output vector of one query.
struct Row {
  int64_t batch, head, query;
};

enum class Arithmetic {
  /// Everything in double: the norm.
  F64,
  /// Everything in float, in the order of the definition.
  F32,
  /// What a framework computes without fusion in f16, where the queries are of
  /// it, otherwise in bfloat16: products, scaled scores and modified scores
  /// each rounded, softmax in float and rounded, the output accumulated in
  /// float
  /// and rounded. Its error is the yardstick of the row rule. Recurrences,
  /// whose
  /// state is in float, are computed as in F32.
  Eager,
};

struct Options {
  Arithmetic arithmetic = Arithmetic::F64;
  /// 0 takes every core of the host.
  unsigned threads = 0;
  /// Where set, only these rows are computed and the others are NaN. Allowed
  /// for a function whose results come from a single attention.
  std::optional<std::vector<Row>> rows;
};

/// Evaluates `function` on `arguments` and returns its results in order. An
/// intermediate tensor is kept in the arithmetic's own precision. Emits a
/// diagnostic where the arguments do not fit the function or each other, or
/// where it holds an op that has no reference semantics.
FailureOr<std::vector<Tensor>> run(func::FuncOp function,
                                   ArrayRef<Tensor> arguments,
                                   const Options &options = {});

} // namespace mlir::attn::reference

#endif // ATTN_REFERENCE_REFERENCE_H
