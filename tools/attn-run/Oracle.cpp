//===- Oracle.cpp - Numbers that others found -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include "common/Shapes.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

using namespace attn::run;
using namespace attn::runtime;
namespace fs = std::filesystem;
namespace reference = mlir::attn::reference;

/// Whether the file says anything.
static bool hasText(const fs::path &path) {
  std::ifstream file(path);
  std::string word;
  return static_cast<bool>(file >> word);
}

static fs::path fileOf(const fs::path &folder, const char *prefix,
                       size_t number) {
  return folder / (prefix + std::to_string(number) + ".npy");
}

/// The shape of the tensor whose file holds one of `stored`.
static std::vector<int64_t> repeatedShape(const TensorSpec &spec,
                                          const std::vector<int64_t> &stored) {
  std::vector<int64_t> shape = stored;
  for (size_t axis = 0; axis < std::min(shape.size(), spec.shape.size());
       ++axis)
    if (shape[axis] == 1 && spec.shape[axis] >= 0)
      shape[axis] = spec.shape[axis];
  return shape;
}

/// The element of a file's tensor that stands at `index` of one of `shape`.
static size_t storedIndex(size_t index, const std::vector<int64_t> &shape,
                          const std::vector<int64_t> &stored) {
  size_t result = 0, stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    auto size = static_cast<size_t>(shape[axis]);
    if (stored[axis] != 1)
      result += index % size * stride;
    index /= size;
    stride *= static_cast<size_t>(stored[axis]);
  }
  return result;
}

/// Reads what the file holds and repeats it.
static Result<NpyArray> readRepeated(const TensorSpec &spec,
                                     const fs::path &path) {
  Result<NpyArray> stored = readNpyArray(path);
  if (stored.failed())
    return stored;
  NpyArray array{stored->encoding, repeatedShape(spec, stored->shape), {}};
  if (Status status = attn::tools::checkShape(spec, array.shape);
      status.failed())
    return failure("'", path.string(), "': ", status.message());
  array.values.resize(static_cast<size_t>(elementCount(array.shape)));
  for (size_t i = 0; i < array.values.size(); ++i)
    array.values[i] =
        stored->values[storedIndex(i, array.shape, stored->shape)];
  return array;
}

/// Numbers that do not fit the type would make the oracle one of other
/// arguments than those of the program.
static Result<HostTensor> readArgument(const TensorSpec &spec,
                                       const fs::path &path) {
  Result<NpyArray> array = readRepeated(spec, path);
  if (array.failed())
    return array.error();
  HostTensor tensor(spec.elementType, array->shape);
  for (size_t i = 0; i < array->values.size(); ++i) {
    double value = array->values[i];
    tensor.set(i, value);
    // A NaN shows that nobody reads it.
    if (tensor.get(i) != value && !std::isnan(value))
      return failure("expected '", path.string(), "' to hold numbers of type ",
                     elementName(spec.elementType), ", got ", array->values[i]);
  }
  return tensor;
}

Result<Oracle> attn::run::readOracle(const std::string &program,
                                     const std::vector<TensorSpec> &inputs,
                                     const std::vector<TensorSpec> &outputs) {
  fs::path path(program);
  fs::path folder = path.parent_path() / "oracles" / path.stem();
  if (!fs::is_directory(folder))
    return failure("cannot check without an oracle: expected arguments and "
                   "results in the folder '",
                   folder.string(), "', got no such folder");
  if (!hasText(folder / "SOURCE"))
    return failure("expected '", (folder / "SOURCE").string(),
                   "' to say where the numbers come from");
  Oracle oracle;
  oracle.folder = folder.string();
  for (const TensorSpec &spec : inputs) {
    Result<HostTensor> argument =
        readArgument(spec, fileOf(folder, "", oracle.arguments.size()));
    if (argument.failed())
      return argument.error();
    oracle.arguments.push_back(std::move(*argument));
  }
  for (const TensorSpec &spec : outputs) {
    Result<NpyArray> result =
        readRepeated(spec, fileOf(folder, "result", oracle.results.size()));
    if (result.failed())
      return result.error();
    oracle.results.push_back(std::move(*result));
  }
  for (const fs::path &more : {fileOf(folder, "", inputs.size()),
                               fileOf(folder, "result", outputs.size())})
    if (fs::exists(more))
      return failure("expected an oracle of ", inputs.size(), " arguments and ",
                     outputs.size(), " results, got '", more.string(), "'");
  return oracle;
}

/// By the precision in which the numbers were found, see docs/testing.md.
static Tolerance toleranceOf(const NpyArray &expected) {
  if (expected.encoding == "<f8")
    return {1e-9, 1e-11};
  if (expected.encoding == "<f4")
    return {1e-5, 1e-6};
  // Integers are exact.
  return {0, 0};
}

/// The share of the tolerance that a difference takes. Equal infinities have
/// none, and what nobody computes is NaN in both.
static double shareOf(double actual, double expected, Tolerance tolerance) {
  if (actual == expected || (std::isnan(actual) && std::isnan(expected)))
    return 0;
  double error = std::abs(actual - expected);
  double limit = tolerance.absolute + tolerance.relative * std::abs(expected);
  if (!std::isfinite(error) || limit == 0)
    return std::numeric_limits<double>::infinity();
  return error / limit;
}

static OracleVerdict compare(const std::string &name,
                             const std::vector<double> &actual,
                             const NpyArray &expected) {
  OracleVerdict verdict{name, toleranceOf(expected), actual.size()};
  for (size_t i = 0; i < actual.size(); ++i) {
    double share = shareOf(actual[i], expected.values[i], verdict.tolerance);
    verdict.violations += share > 1;
    if (share <= verdict.share)
      continue;
    verdict.share = share;
    verdict.where = i;
    verdict.actual = actual[i];
    verdict.expected = expected.values[i];
  }
  return verdict;
}

Result<OracleReport>
attn::run::compareWithOracle(const std::vector<TensorSpec> &outputs,
                             const Oracle &oracle,
                             const std::vector<reference::Tensor> &results) {
  OracleReport report{oracle.folder, {}};
  for (size_t i = 0; i < results.size(); ++i) {
    std::vector<int64_t> shape(results[i].shape.begin(),
                               results[i].shape.end());
    if (oracle.results[i].shape != shape)
      return failure("expected '", fileOf(oracle.folder, "result", i).string(),
                     "' to hold ", shapeText(shape), ", got ",
                     shapeText(oracle.results[i].shape));
    report.results.push_back(
        compare(outputs[i].name, results[i].values, oracle.results[i]));
  }
  return report;
}

bool OracleReport::passed() const {
  return std::all_of(
      results.begin(), results.end(),
      [](const OracleVerdict &verdict) { return verdict.violations == 0; });
}

std::string OracleReport::failures() const {
  std::ostringstream text;
  for (const OracleVerdict &verdict : results)
    if (verdict.violations)
      text << "'" << verdict.name << "': " << verdict.violations << " of "
           << verdict.elements << " elements, worst " << verdict.actual
           << " for " << verdict.expected << " at element " << verdict.where
           << '\n';
  return text.str();
}
