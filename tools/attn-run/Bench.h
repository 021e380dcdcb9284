//===- Bench.h - How fast is a program? -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_BENCH_H
#define ATTN_TOOLS_ATTNRUN_BENCH_H

#include "Runner.h"

#include "attn/Runtime/Measure.h"

#include <optional>
#include <string>

namespace attn::run {

struct BenchReport {
  runtime::Timing kernel;
  /// None where the mask cannot be counted.
  std::optional<double> operations;
  /// The yardstick, measured in the same run, or why there is none.
  std::optional<runtime::Timing> product;
  std::string productMissing;

  /// TFLOP/s of the kernel and of the yardstick, and their quotient.
  std::optional<double> rate(double runtime::Timing::*protocol) const;
  std::optional<double> productRate(double runtime::Timing::*protocol) const;
  std::optional<double> share(double runtime::Timing::*protocol) const;
};

/// Measures `run`, which takes so many operations, against the yardstick.
runtime::Result<BenchReport> bench(const DeviceWork &run,
                                   std::optional<double> operations);

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_BENCH_H
