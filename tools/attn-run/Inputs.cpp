//===- Inputs.cpp - The tensors that a program is run on ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "attn/Runtime/Npy.h"

#include <algorithm>

using namespace attn::run;
using namespace attn::runtime;

static const std::string *find(const Assignments &assignments,
                               const std::string &name) {
  for (const Assignment &assignment : assignments)
    if (assignment.name == name)
      return &assignment.value;
  return nullptr;
}

Result<Assignments>
attn::run::parseAssignments(const std::string &flag,
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

/// Checks `shape` against the type of the tensor and fills in what it leaves.
static Status fitShape(const TensorSpec &spec, std::vector<int64_t> &shape) {
  if (shape.size() != spec.shape.size())
    return failure("expected '", spec.name, "' to have rank ",
                   spec.shape.size(), ", got ", shapeText(shape));
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] < 0)
      shape[axis] = spec.shape[axis];
    if (shape[axis] < 0)
      return failure("missing size ", axis, " of '", spec.name,
                     "': give --shape ", spec.name, "=", shapeText(spec.shape),
                     " with numbers for '?'");
    if (spec.shape[axis] >= 0 && shape[axis] != spec.shape[axis])
      return failure("expected size ", axis, " of '", spec.name, "' to be ",
                     spec.shape[axis], ", got ", shape[axis]);
  }
  Result<size_t> size = byteSize(shape, elementSize(spec.elementType));
  if (size.failed())
    return failure("'", spec.name, "': ", size.message());
  return {};
}

static Result<HostTensor> makeInput(const TensorSpec &spec,
                                    const std::string *shapeGiven,
                                    const std::string *file, uint64_t seed) {
  std::vector<int64_t> shape = spec.shape;
  if (shapeGiven) {
    Result<std::vector<int64_t>> parsed = parseShape(*shapeGiven);
    if (parsed.failed())
      return failure("'", spec.name, "': ", parsed.message());
    shape = *parsed;
  }
  if (!file) {
    if (Status status = fitShape(spec, shape); status.failed())
      return status.error();
    HostTensor tensor(spec.elementType, shape);
    fillNormal(tensor, seed);
    return tensor;
  }
  Result<HostTensor> tensor = readNpy(*file, spec.elementType);
  if (tensor.failed())
    return tensor;
  TensorSpec expected = spec;
  if (shapeGiven) {
    if (Status status = fitShape(spec, tensor->shape); status.failed())
      return status.error();
    expected.shape = shape;
  }
  if (Status status = fitShape(expected, tensor->shape); status.failed())
    return status.error();
  return tensor;
}

Result<std::vector<HostTensor>>
attn::run::makeInputs(const std::vector<TensorSpec> &specs,
                      const Assignments &shapes, const Assignments &files,
                      uint64_t seed) {
  std::vector<HostTensor> inputs;
  for (const TensorSpec &spec : specs) {
    // Tensors of one program must not repeat one another.
    uint64_t ownSeed = seed * specs.size() + inputs.size();
    Result<HostTensor> input = makeInput(spec, find(shapes, spec.name),
                                         find(files, spec.name), ownSeed);
    if (input.failed())
      return input.error();
    inputs.push_back(std::move(*input));
  }
  return inputs;
}
