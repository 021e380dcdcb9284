//===- Shapes.cpp - What the command line says of tensors -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/Shapes.h"

#include "attn/Runtime/HostTensor.h"

#include <algorithm>

using namespace attn::tools;
using namespace attn::runtime;

const std::string *attn::tools::find(const Assignments &assignments,
                                     const std::string &name) {
  for (const Assignment &assignment : assignments)
    if (assignment.name == name)
      return &assignment.value;
  return nullptr;
}

Result<Assignments>
attn::tools::parseAssignments(const std::string &flag,
                              const std::vector<std::string> &values,
                              const std::vector<TensorSpec> &specs) {
  Assignments assignments;
  for (const std::string &text : values) {
    size_t equals = text.find('=');
    if (equals == std::string::npos)
      return failure("expected --", flag, " name=value, got '", text, "'");
    std::string name = text.substr(0, equals);
    if (find(assignments, name))
      return failure("expected one --", flag, " for '", name, "', got two");
    std::string known;
    for (const TensorSpec &spec : specs)
      known += (known.empty() ? "" : ", ") + spec.name;
    if (std::none_of(specs.begin(), specs.end(),
                     [&](const TensorSpec &spec) { return spec.name == name; }))
      return failure("unknown name '", name, "' in --", flag, ": expected ",
                     known.empty() ? "none" : known);
    assignments.push_back({name, text.substr(equals + 1)});
  }
  return assignments;
}

/// Parses "1x4096x?x128"; a question mark leaves a size to the type.
static Result<std::vector<int64_t>> parseShape(const std::string &text) {
  Failure malformed =
      failure("expected a shape such as 1x4096x64x128, got '", text, "'");
  std::vector<int64_t> shape;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find('x', begin), text.size());
    std::string size = text.substr(begin, end - begin);
    begin = end + 1;
    if (size == "?") {
      shape.push_back(-1);
      continue;
    }
    constexpr size_t mostDigits = 18;
    if (size.empty() || size.size() > mostDigits ||
        size.find_first_not_of("0123456789") != std::string::npos)
      return malformed;
    shape.push_back(std::stoll(size));
  }
  return shape;
}

Status attn::tools::checkShape(const TensorSpec &expected,
                               const std::vector<int64_t> &shape) {
  if (shape.size() != expected.shape.size())
    return failure("expected '", expected.name, "' to have rank ",
                   expected.shape.size(), ", got ", shapeText(shape));
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (shape[axis] >= 0 && expected.shape[axis] >= 0 &&
        shape[axis] != expected.shape[axis])
      return failure("expected size ", axis, " of '", expected.name, "' to be ",
                     expected.shape[axis], ", got ", shape[axis]);
  return {};
}

Result<TensorSpec> attn::tools::refine(const TensorSpec &spec,
                                       const std::string *shapeGiven) {
  if (!shapeGiven)
    return spec;
  Result<std::vector<int64_t>> shape = parseShape(*shapeGiven);
  if (shape.failed())
    return failure("'", spec.name, "': ", shape.message());
  if (Status status = checkShape(spec, *shape); status.failed())
    return status.error();
  TensorSpec refined = spec;
  for (size_t axis = 0; axis < shape->size(); ++axis)
    refined.shape[axis] = std::max(spec.shape[axis], (*shape)[axis]);
  return refined;
}
