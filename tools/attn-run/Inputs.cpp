//===- Inputs.cpp - The tensors that a program is run on ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "attn/Runtime/Float.h"
#include "attn/Runtime/Npy.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

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

/// Checks the sizes of `shape` that are known against those of `expected`.
static Status checkShape(const TensorSpec &expected,
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

/// The type of the tensor, with the sizes that the command line gives.
static Result<TensorSpec> refine(const TensorSpec &spec,
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

namespace {
/// What the tensors of one program have in common.
struct Common {
  /// The length of the longest sequence.
  int64_t longest;
  uint64_t seed;
};
} // namespace

/// Half of the numbers below `columns`, the same for all lists of a row.
static std::vector<int64_t> halfOf(int64_t columns, int64_t row, bool isFull,
                                   uint64_t seed) {
  std::vector<int64_t> all(static_cast<size_t>(columns));
  std::iota(all.begin(), all.end(), 0);
  std::mt19937_64 random(seed + static_cast<uint64_t>(row));
  std::shuffle(all.begin(), all.end(), random);
  auto middle = all.begin() + (columns + 1) / 2;
  return isFull ? std::vector<int64_t>(middle, all.end())
                : std::vector<int64_t>(all.begin(), middle);
}

/// Fills lists of blocks: [batch, head, row, entry].
static void fillBlocks(HostTensor &tensor, int64_t columns, bool isFull,
                       uint64_t commonSeed, std::mt19937_64 &random) {
  int64_t entries = tensor.shape.back();
  int64_t rows = tensor.shape[tensor.shape.size() - 2];
  for (int64_t list = 0; list < tensor.size() / std::max<int64_t>(entries, 1);
       ++list) {
    std::vector<int64_t> blocks =
        halfOf(columns, list % rows, isFull, commonSeed);
    std::shuffle(blocks.begin(), blocks.end(), random);
    blocks.resize(static_cast<size_t>(entries), -1);
    for (int64_t i = 0; i < entries; ++i)
      tensor.set(static_cast<size_t>(list * entries + i),
                 static_cast<double>(blocks[static_cast<size_t>(i)]));
  }
}

static void fill(HostTensor &tensor, Fill how, const Common &common,
                 uint64_t seed) {
  constexpr uint64_t small = 8;
  std::mt19937_64 random(seed);
  int64_t columns = (common.longest + how.blockKeys - 1) / how.blockKeys;
  switch (how.kind) {
  case FillKind::Normal:
    return fillNormal(tensor, seed);
  case FillKind::Small:
    return fillBelow(tensor, tensor.elementType == ElementType::I1 ? 2 : small,
                     random);
  case FillKind::Lengths:
    return fillBelow(tensor, static_cast<uint64_t>(common.longest) + 1, random);
  case FillKind::Documents:
    return fillDocuments(tensor, random);
  case FillKind::Slopes:
    return fillSlopes(tensor);
  case FillKind::BlockCounts:
    // Some reach beyond their half, where no blocks are left.
    return fillBelow(tensor, static_cast<uint64_t>(columns / 2 + 3), random);
  case FillKind::PartialBlocks:
  case FillKind::FullBlocks:
    return fillBlocks(tensor, columns, how.kind == FillKind::FullBlocks,
                      common.seed, random);
  }
}

static Result<HostTensor> randomInput(const TensorSpec &spec, Fill how,
                                      const Common &common, uint64_t seed) {
  for (size_t axis = 0; axis < spec.shape.size(); ++axis)
    if (spec.shape[axis] < 0)
      return failure("missing size ", axis, " of '", spec.name,
                     "': give --shape ", spec.name, "=", shapeText(spec.shape),
                     " with numbers for '?'");
  Result<size_t> size = byteSize(spec.shape, elementSize(spec.elementType));
  if (size.failed())
    return failure("'", spec.name, "': ", size.message());
  HostTensor tensor(spec.elementType, spec.shape);
  fill(tensor, how, common, seed);
  return tensor;
}

/// The length of the longest of the tensors of [batch, length, heads,
/// channels].
static int64_t longestSequence(const std::vector<TensorSpec> &specs) {
  int64_t longest = 0;
  for (const TensorSpec &spec : specs)
    if (spec.shape.size() == 4 && !isInteger(spec.elementType))
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
  Common common{longestSequence(refined), seed};
  std::vector<HostTensor> inputs;
  for (const TensorSpec &spec : refined) {
    // Tensors of one program must not repeat one another.
    uint64_t ownSeed = seed * specs.size() + inputs.size();
    const std::string *file = find(files, spec.name);
    Result<HostTensor> input =
        file ? readInput(spec, *file)
             : randomInput(spec, fills[inputs.size()], common, ownSeed);
    if (input.failed())
      return input.error();
    inputs.push_back(std::move(*input));
  }
  return inputs;
}
