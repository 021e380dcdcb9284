//===- Inputs.cpp - The tensors that a program is run on ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "attn/Runtime/Npy.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace attn::run;
using namespace attn::tools;
using namespace attn::runtime;

static Result<HostTensor> readInput(const TensorSpec &spec,
                                    const std::string &file) {
  Result<HostTensor> tensor = readNpy(file, spec.elementType);
  if (tensor.failed())
    return tensor;
  if (Status status = checkShape(spec, tensor->shape); status.failed())
    return status.error();
  return tensor;
}

/// Fills with integers below `bound`, which `random` draws.
static void fillBelow(HostTensor &tensor, uint64_t bound,
                      std::mt19937_64 &random) {
  for (size_t i = 0, e = static_cast<size_t>(tensor.size()); i < e; ++i)
    tensor.set(i, static_cast<double>(random() % bound));
}

static void fillDocuments(HostTensor &tensor, std::mt19937_64 &random) {
  // A row has about this many documents.
  constexpr uint64_t documents = 6;
  int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  double id = 0;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (i % row == 0)
      id = 0;
    else if (random() % static_cast<uint64_t>(row) < documents)
      ++id;
    tensor.set(static_cast<size_t>(i), id);
  }
}

static void fillSlopes(HostTensor &tensor) {
  auto count = static_cast<double>(tensor.size());
  for (size_t i = 0; i < static_cast<size_t>(tensor.size()); ++i)
    tensor.set(i, std::exp2(-8 * static_cast<double>(i + 1) / count));
}

static void fill(HostTensor &tensor, Fill kind, int64_t longest,
                 uint64_t seed) {
  constexpr uint64_t small = 8;
  std::mt19937_64 random(seed);
  switch (kind) {
  case Fill::Normal:
    return fillNormal(tensor, seed);
  case Fill::Small:
    return fillBelow(tensor, tensor.elementType == ElementType::I1 ? 2 : small,
                     random);
  case Fill::Lengths:
    return fillBelow(tensor, static_cast<uint64_t>(longest) + 1, random);
  case Fill::Documents:
    return fillDocuments(tensor, random);
  case Fill::Slopes:
    return fillSlopes(tensor);
  }
}

static Result<HostTensor> randomInput(const TensorSpec &spec, Fill kind,
                                      int64_t longest, uint64_t seed) {
  for (size_t axis = 0; axis < spec.shape.size(); ++axis)
    if (spec.shape[axis] < 0)
      return failure("missing size ", axis, " of '", spec.name,
                     "': give --shape ", spec.name, "=", shapeText(spec.shape),
                     " with numbers for '?'");
  Result<size_t> size = byteSize(spec.shape, elementSize(spec.elementType));
  if (size.failed())
    return failure("'", spec.name, "': ", size.message());
  HostTensor tensor(spec.elementType, spec.shape);
  fill(tensor, kind, longest, seed);
  return tensor;
}

/// The length of the longest of the tensors of [batch, length, heads,
/// channels].
static int64_t longestSequence(const std::vector<TensorSpec> &specs) {
  int64_t longest = 0;
  for (const TensorSpec &spec : specs)
    if (spec.shape.size() == 4)
      longest = std::max(longest, spec.shape[1]);
  return longest;
}

Result<std::vector<HostTensor>>
attn::run::makeInputs(const std::vector<TensorSpec> &specs,
                      const std::vector<Fill> &fills, const Assignments &shapes,
                      const Assignments &files, uint64_t seed) {
  std::vector<TensorSpec> refined;
  for (const TensorSpec &spec : specs) {
    Result<TensorSpec> own = refine(spec, find(shapes, spec.name));
    if (own.failed())
      return own.error();
    refined.push_back(std::move(*own));
  }
  std::vector<HostTensor> inputs;
  for (const TensorSpec &spec : refined) {
    // Tensors of one program must not repeat one another.
    uint64_t ownSeed = seed * specs.size() + inputs.size();
    const std::string *file = find(files, spec.name);
    Result<HostTensor> input =
        file ? readInput(spec, *file)
             : randomInput(spec, fills[inputs.size()], longestSequence(refined),
                           ownSeed);
    if (input.failed())
      return input.error();
    inputs.push_back(std::move(*input));
  }
  return inputs;
}
