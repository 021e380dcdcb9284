//===- Expected.cpp - Results that are known ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Expected.h"

#include "attn/Runtime/Npy.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn::run;
using namespace attn::runtime;

double attn::run::allowedError(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return 3e-3;
  case ElementType::F16:
    return 4e-4;
  case ElementType::F32:
    return 1e-4;
  default:
    // Integers are exact.
    return 0;
  }
}

double attn::run::allowedErrorOfChunks(ElementType rows) {
  switch (rows) {
  case ElementType::BF16:
    return 4e-3;
  case ElementType::F16:
    return 2e-3;
  default:
    return allowedError(rows);
  }
}

/// What is infinite has to be so in both; a NaN is never right.
static double relativeError(const HostTensor &output,
                            const HostTensor &expected) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < output.size(); ++i) {
    double a = output.get(i), b = expected.get(i);
    if (std::isinf(a) && a == b)
      continue;
    if (!std::isfinite(a) || !std::isfinite(b))
      return std::numeric_limits<double>::infinity();
    difference += (a - b) * (a - b);
    norm += b * b;
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

double attn::run::largestError(const HostTensor &output,
                               const std::vector<double> &expected,
                               const std::vector<size_t> &axes) {
  std::vector<int64_t> strides = rowMajorStrides(output.shape);
  size_t groups = 1;
  for (size_t axis : axes)
    groups *= static_cast<size_t>(output.shape[axis]);
  std::vector<double> differences(groups), norms(groups);
  for (size_t i = 0; i < expected.size(); ++i) {
    size_t group = 0;
    for (size_t axis : axes)
      group =
          group * output.shape[axis] + i / strides[axis] % output.shape[axis];
    double a = output.get(i), b = expected[i];
    if (std::isnan(b) && std::isnan(a))
      continue;
    if (!std::isfinite(a) || !std::isfinite(b))
      return std::numeric_limits<double>::infinity();
    differences[group] += (a - b) * (a - b);
    norms[group] += b * b;
  }
  double largest = 0;
  for (size_t group = 0; group < groups; ++group) {
    if (differences[group] == 0)
      continue;
    double error = std::sqrt(differences[group] / norms[group]);
    // Squares of numbers that are finite need not be.
    if (!std::isfinite(error))
      return std::numeric_limits<double>::infinity();
    largest = std::max(largest, error);
  }
  return largest;
}

Result<std::vector<ExpectedReport>>
attn::run::compareExpected(const std::vector<TensorSpec> &specs,
                           const Assignments &files,
                           const std::vector<HostTensor> &outputs) {
  std::vector<ExpectedReport> reports;
  for (const Assignment &file : files)
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (specs[i].name != file.name)
        continue;
      ElementType type = outputs[i].elementType;
      Result<HostTensor> expected = readNpy(file.value, type);
      if (expected.failed())
        return expected.error();
      if (expected->shape != outputs[i].shape)
        return failure("expected '", file.value, "' to hold ",
                       shapeText(outputs[i].shape), ", got ",
                       shapeText(expected->shape));
      reports.push_back({file.name, relativeError(outputs[i], *expected),
                         allowedError(type)});
    }
  return reports;
}
