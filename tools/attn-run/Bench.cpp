//===- Bench.cpp - How fast is a program? ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

using namespace attn::run;
using namespace attn::runtime;

namespace {
/// The size of the matrices of the yardstick.
constexpr int64_t productSize = 8192;
} // namespace

static double teraflops(double operations, double milliseconds) {
  return operations / milliseconds / 1e9;
}

std::optional<double> BenchReport::rate(double Timing::*protocol) const {
  if (!operations)
    return std::nullopt;
  return teraflops(*operations, kernel.*protocol);
}

std::optional<double> BenchReport::productRate(double Timing::*protocol) const {
  if (!product)
    return std::nullopt;
  constexpr double size = productSize;
  return teraflops(2 * size * size * size, (*product).*protocol);
}

std::optional<double> BenchReport::share(double Timing::*protocol) const {
  std::optional<double> own = rate(protocol), other = productRate(protocol);
  if (!own || !other)
    return std::nullopt;
  return *own / *other;
}

Result<BenchReport> attn::run::bench(const DeviceWork &run,
                                     std::optional<double> operations) {
  BenchReport report;
  report.operations = operations;
  std::vector<Work> works = {run.work};
  Result<Work> product = run.device->matrixProduct(productSize);
  if (product.failed())
    report.productMissing = product.message();
  else
    works.push_back(*product);

  Result<std::vector<Timing>> timings = measure(*run.device, works);
  if (timings.failed())
    return timings.error();
  report.kernel = timings->front();
  if (!product.failed())
    report.product = timings->back();
  return report;
}
