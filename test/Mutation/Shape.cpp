//===- Shape.cpp - What mutants are executed on ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shape.h"

#include <algorithm>
#include <sstream>

using namespace attn::mutation;
using namespace attn::run;
using namespace attn::runtime;

static bool parseSizes(const std::string &text, Shape &shape) {
  char first = 0, second = 0;
  std::istringstream stream(text);
  stream >> shape.queries >> first >> shape.keys >> second >> shape.instances;
  return stream && stream.eof() && first == 'x' && second == 'x' &&
         shape.queries && shape.keys && shape.instances;
}

/// What follows the sizes: "jump=128".
static bool parseNote(const std::string &text, Shape &shape) {
  size_t equals = std::min(text.find('='), text.size());
  const std::pair<const char *, unsigned *> notes[] = {
      {"jump", &shape.jump}, {"last", &shape.last}, {"blocks", &shape.blocks}};
  for (auto [name, number] : notes) {
    if (text.substr(0, equals) != name)
      continue;
    std::istringstream stream(text.substr(std::min(equals + 1, text.size())));
    stream >> *number;
    return stream && stream.eof() && *number;
  }
  return false;
}

static Result<Shape> parseShape(const std::string &text) {
  Shape shape;
  std::istringstream stream(text);
  std::string part;
  std::getline(stream, part, '+');
  bool isRight = parseSizes(part, shape);
  while (std::getline(stream, part, '+'))
    isRight = isRight && parseNote(part, shape);
  if (isRight)
    return shape;
  return failure("expected a shape such as 130x450x3+jump=128, got '", text,
                 "'");
}

Result<std::vector<Shape>>
attn::mutation::shapesFor(const std::vector<std::string> &texts,
                          const std::string &program) {
  std::vector<Shape> shapes;
  for (const std::string &text : texts) {
    size_t colon = text.find(':');
    if (colon != std::string::npos && text.substr(0, colon) != program)
      continue;
    Result<Shape> shape =
        parseShape(colon == std::string::npos ? text : text.substr(colon + 1));
    if (shape.failed())
      return shape.error();
    shapes.push_back(*shape);
  }
  return shapes;
}

/// Multiplies elements from `begin` on.
static void enlarge(HostTensor &tensor, size_t begin, size_t count,
                    unsigned factor) {
  size_t end = std::min(begin + count, static_cast<size_t>(tensor.size()));
  for (size_t i = begin; i < end; ++i)
    tensor.set(i, factor * tensor.get(i));
}

static void enlargeKeys(HostTensor &keys, unsigned factor) {
  size_t rank = keys.shape.size();
  auto row = static_cast<size_t>(keys.shape[rank - 1] * keys.shape[rank - 2]);
  for (size_t key : {24, 64, 120})
    enlarge(keys, key * row, row, factor);
}

static void enlargeLastHead(HostTensor &queries, unsigned factor) {
  constexpr size_t rows = 64;
  size_t rank = queries.shape.size();
  auto channels = static_cast<size_t>(queries.shape[rank - 1]);
  size_t row = channels * static_cast<size_t>(queries.shape[rank - 2]);
  for (size_t i = 1; i <= rows; ++i)
    enlarge(queries, i * row - channels, channels, factor);
}

/// Names `count` blocks in each list: `first` and those that `step` leads to.
static void nameBlocks(HostTensor &lists, unsigned count, int first, int step) {
  auto entries = static_cast<size_t>(lists.shape.back());
  for (size_t i = 0; i < static_cast<size_t>(lists.size()); ++i) {
    auto entry = static_cast<int>(i % entries);
    lists.set(i, entry < static_cast<int>(count) ? first + step * entry : -1);
  }
}

/// Makes an input what the shape wants it to be.
static void alter(HostTensor &tensor, const std::string &name, Fill fill,
                  const Shape &shape, bool isOnlyList) {
  if (name == "k" && shape.jump != 1)
    enlargeKeys(tensor, shape.jump);
  if (name == "q" && shape.last != 1)
    enlargeLastHead(tensor, shape.last);
  if (!shape.blocks)
    return;
  if (fill == Fill::BlockCounts)
    for (size_t i = 0; i < static_cast<size_t>(tensor.size()); ++i)
      tensor.set(i, shape.blocks);
  auto blocks = static_cast<int>(shape.blocks);
  if (fill == Fill::PartialBlocks)
    nameBlocks(tensor, shape.blocks, 0, 1);
  if (fill == Fill::FullBlocks)
    nameBlocks(tensor, shape.blocks, blocks, isOnlyList ? -1 : 1);
}

static int64_t &sizeOf(std::vector<TensorSpec> &specs, SizeRef size) {
  return specs[static_cast<size_t>(size.tensor)]
      .shape[static_cast<size_t>(size.axis)];
}

/// Whether a size is one of the inputs', to be chosen for a launch.
static bool isOpen(const std::vector<TensorSpec> &inputs, SizeRef size) {
  auto tensor = static_cast<size_t>(size.tensor);
  return tensor < inputs.size() &&
         inputs[tensor].shape[static_cast<size_t>(size.axis)] < 0;
}

Result<std::vector<HostTensor>>
attn::mutation::makeInputs(const GoldenProgram &program, const Shape &shape) {
  std::vector<TensorSpec> specs = program.inputs;
  for (size_t i = 0; i < specs.size(); ++i) {
    TensorSpec &spec = specs[i];
    if (program.fills[i].kind == Fill::CuSeqlens)
      spec.shape = {2};
    Fill fill = program.fills[i].kind;
    bool isList = fill >= Fill::BlockCounts && fill <= Fill::FullBlocks;
    bool isBatch = isList ? spec.shape.front() < 0 : spec.shape.size() != 3;
    for (int64_t &size : spec.shape)
      if (size < 0) {
        size = isBatch ? 1 : spec.name == "q" ? shape.queries : shape.keys;
        isBatch = false;
      }
  }
  // What a recurrence reads is all of one length.
  for (auto [first, second] : program.bundle.signature.equalSizes)
    if (isOpen(program.inputs, first) && isOpen(program.inputs, second))
      sizeOf(specs, second) = sizeOf(specs, first);
  auto inputs = run::makeInputs(specs, program.fills, {}, /*seed=*/0);
  bool isOnlyList = std::none_of(
      program.fills.begin(), program.fills.end(),
      [](Filling fill) { return fill.kind == Fill::PartialBlocks; });
  for (size_t i = 0; !inputs.failed() && i < specs.size(); ++i)
    alter((*inputs)[i], specs[i].name, program.fills[i].kind, shape,
          isOnlyList);
  return inputs;
}
