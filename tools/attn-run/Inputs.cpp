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
#include <cstdlib>
#include <numeric>
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

/// Cuts `rows` rows into sequences, every fourth of which is empty.
static void fillCuSeqlens(HostTensor &tensor, int64_t rows,
                          std::mt19937_64 &random) {
  std::vector<int64_t> ends;
  ends.reserve(static_cast<size_t>(tensor.size()));
  for (int64_t i = 0; i < tensor.size(); ++i)
    ends.push_back(i % 4 == 2
                       ? ends.back()
                       : static_cast<int64_t>(
                             random() % (static_cast<uint64_t>(rows) + 1)));
  std::sort(ends.begin(), ends.end());
  if (!ends.empty())
    ends.front() = 0;
  if (ends.size() > 1)
    ends.back() = rows;
  for (size_t i = 0; i < ends.size(); ++i)
    tensor.set(i, static_cast<double>(ends[i]));
}

static void fillDecays(HostTensor &tensor, bool isLog, uint64_t seed) {
  fillNormal(tensor, seed);
  for (size_t i = 0, e = static_cast<size_t>(tensor.size()); i < e; ++i) {
    double log = -std::abs(tensor.get(i));
    tensor.set(i, isLog ? log : std::exp(log));
  }
}

/// The logistic function of normal numbers, times `factor`.
static void fillGates(HostTensor &tensor, double factor, uint64_t seed) {
  fillNormal(tensor, seed);
  for (size_t i = 0, e = static_cast<size_t>(tensor.size()); i < e; ++i)
    tensor.set(i, factor / (1 + std::exp(-tensor.get(i))));
}

static void fillUnitRows(HostTensor &tensor, uint64_t seed) {
  fillNormal(tensor, seed);
  auto row =
      static_cast<size_t>(tensor.shape.empty() ? 1 : tensor.shape.back());
  for (size_t begin = 0, e = static_cast<size_t>(tensor.size()); begin < e;
       begin += row) {
    double squares = 0;
    for (size_t i = begin; i < begin + row; ++i)
      squares += tensor.get(i) * tensor.get(i);
    for (size_t i = begin; i < begin + row; ++i)
      tensor.set(i, tensor.get(i) / std::sqrt(squares));
  }
}

/// Heads of `other` may be shared by several of `tensor`.
static void fillOpposite(HostTensor &tensor, const HostTensor &other,
                         uint64_t seed) {
  fillGates(tensor, /*factor=*/-1, seed);
  if (other.size() == 0)
    return;
  std::vector<int64_t> strides = rowMajorStrides(tensor.shape);
  std::vector<int64_t> otherStrides = rowMajorStrides(other.shape);
  for (size_t i = 0, e = static_cast<size_t>(tensor.size()); i < e; ++i) {
    int64_t from = 0;
    for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
      int64_t index =
          static_cast<int64_t>(i) / strides[axis] % tensor.shape[axis];
      from +=
          index * other.shape[axis] / tensor.shape[axis] * otherStrides[axis];
    }
    tensor.set(i, tensor.get(i) * other.get(static_cast<size_t>(from)));
  }
}

static void fillSlots(HostTensor &tensor) {
  for (size_t i = 0, e = static_cast<size_t>(tensor.size()); i < e; ++i)
    tensor.set(i, i % 4 == 3 ? -1 : static_cast<double>(i));
}

namespace {
/// What the tensors of one program have in common.
struct Common {
  /// The length of the longest sequence.
  int64_t longest;
  uint64_t seed;
};
} // namespace

/// `other` is the tensor that `how` names.
static void fill(HostTensor &tensor, const Filling &how, const Common &common,
                 const HostTensor &other, uint64_t seed) {
  constexpr uint64_t small = 8;
  std::mt19937_64 random(seed);
  int64_t columns = (common.longest + how.blockKeys - 1) / how.blockKeys;
  switch (how.kind) {
  case Fill::Normal:
    return fillNormal(tensor, seed);
  case Fill::Small:
    return fillBelow(tensor, tensor.elementType == ElementType::I1 ? 2 : small,
                     random);
  case Fill::Lengths:
    return fillBelow(tensor, static_cast<uint64_t>(common.longest) + 1, random);
  case Fill::Documents:
    return fillDocuments(tensor, random);
  case Fill::Slopes:
    return fillSlopes(tensor);
  case Fill::CuSeqlens:
    return fillCuSeqlens(tensor, other.shape.front(), random);
  case Fill::BlockCounts:
    // Some reach beyond their half, where no blocks are left.
    return fillBelow(tensor, static_cast<uint64_t>(columns / 2 + 3), random);
  case Fill::PartialBlocks:
  case Fill::FullBlocks:
    return fillBlocks(tensor, columns, how.kind == Fill::FullBlocks,
                      common.seed, random);
  case Fill::LinearDecays:
  case Fill::LogDecays:
    return fillDecays(tensor, how.kind == Fill::LogDecays, seed);
  case Fill::Slots:
    return fillSlots(tensor);
  case Fill::Gates:
    return fillGates(tensor, /*factor=*/1, seed);
  case Fill::UnitRows:
    return fillUnitRows(tensor, seed);
  case Fill::Opposite:
    return fillOpposite(tensor, other, seed);
  }
}

/// A tensor without elements of the shape that `spec` gives in full.
static Result<HostTensor> makeInput(const TensorSpec &spec) {
  for (size_t axis = 0; axis < spec.shape.size(); ++axis)
    if (spec.shape[axis] < 0)
      return failure("missing size ", axis, " of '", spec.name,
                     "': give --shape ", spec.name, "=", shapeText(spec.shape),
                     " with numbers for '?'");
  Result<size_t> size = byteSize(spec.shape, elementSize(spec.elementType));
  if (size.failed())
    return failure("'", spec.name, "': ", size.message());
  return HostTensor(spec.elementType, spec.shape);
}

/// Sets the elements to those of a list such as "0,5,5,300".
static Status setElements(HostTensor &tensor, const std::string &name,
                          const std::string &text) {
  std::vector<double> elements;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    std::string element = text.substr(begin, end - begin);
    begin = end + 1;
    char *rest = nullptr;
    elements.push_back(std::strtod(element.c_str(), &rest));
    if (element.empty() || *rest)
      return failure("expected elements such as 0,5,300 of '", name, "', got '",
                     text, "'");
  }
  if (static_cast<int64_t>(elements.size()) != tensor.size())
    return failure("expected ", tensor.size(), " elements of '", name,
                   "', got ", elements.size());
  for (size_t i = 0; i < elements.size(); ++i)
    tensor.set(i, elements[i]);
  return {};
}

/// The length of the longest of the tensors of [batch, length, heads, channels]
/// or of packed [rows, heads, channels].
static int64_t longestSequence(const std::vector<TensorSpec> &specs) {
  int64_t longest = 0;
  for (const TensorSpec &spec : specs)
    if (size_t rank = spec.shape.size();
        (rank == 3 || rank == 4) && !isInteger(spec.elementType))
      longest = std::max(longest, spec.shape[rank - 3]);
  return longest;
}

Result<std::vector<HostTensor>>
attn::run::makeInputs(const std::vector<TensorSpec> &specs,
                      const std::vector<Filling> &fills,
                      const InputFlags &flags, uint64_t seed) {
  std::vector<TensorSpec> refined;
  for (const TensorSpec &spec : specs) {
    Result<TensorSpec> own = refine(spec, find(flags.shapes, spec.name));
    if (own.failed())
      return own.error();
    refined.push_back(std::move(*own));
  }
  Common common{longestSequence(refined), seed};
  std::vector<HostTensor> inputs;
  for (const TensorSpec &spec : refined) {
    const std::string *file = find(flags.files, spec.name);
    Result<HostTensor> input = file ? readInput(spec, *file) : makeInput(spec);
    if (input.failed())
      return input.error();
    inputs.push_back(std::move(*input));
  }
  // Now that the rows of all tensors are known; at last those that turn the
  // elements of another around.
  for (bool turns : {false, true})
    for (size_t i = 0; i < inputs.size(); ++i) {
      const std::string &name = refined[i].name;
      if (find(flags.files, name) || (fills[i].kind == Fill::Opposite) != turns)
        continue;
      if (const std::string *values = find(flags.values, name)) {
        if (Status status = setElements(inputs[i], name, *values);
            status.failed())
          return status.error();
        continue;
      }
      // Tensors of one program must not repeat one another.
      fill(inputs[i], fills[i], common, inputs[fills[i].other],
           seed * specs.size() + i);
    }
  return inputs;
}
