//===- Expected.h - Results that are known ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_EXPECTED_H
#define ATTN_TOOLS_ATTNRUN_EXPECTED_H

#include "Inputs.h"

#include <cmath>

namespace attn::run {

/// How far a result is from what was expected, as the norm of the difference
/// over that of what was expected.
struct ExpectedReport {
  std::string name;
  /// Not finite where what it is compared with is not.
  double error = 0, limit = 0;

  bool passed() const { return error <= limit && isComparable(); }
  bool isComparable() const { return std::isfinite(limit); }
};

/// The error that a kernel is allowed in elements of `type`, see
/// docs/testing.md.
double allowedError(runtime::ElementType type);

/// The error that results of a recurrence in chunks are allowed where its rows
/// are of `rows`: what is multiplied has that type, whatever type they have.
double allowedErrorOfChunks(runtime::ElementType rows);

/// The largest error of what elements have the same indices along `axes`, in
/// relation to its norm. What is expected to be NaN has to be one.
double largestError(const runtime::HostTensor &output,
                    const std::vector<double> &expected,
                    const std::vector<size_t> &axes);

/// Compares those of `outputs` that `files` names with the files. Fails where a
/// file cannot be read or has another shape.
runtime::Result<std::vector<ExpectedReport>>
compareExpected(const std::vector<runtime::TensorSpec> &specs,
                const Assignments &files,
                const std::vector<runtime::HostTensor> &outputs);

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_EXPECTED_H
