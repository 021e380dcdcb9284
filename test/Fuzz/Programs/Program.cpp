//===- Program.cpp - Arguments of a program -------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include <algorithm>
#include <cmath>

using namespace attn::fuzz;
using mlir::attn::reference::Tensor;

uint64_t Random::next() {
  // SplitMix64.
  uint64_t z = state += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

std::string attn::fuzz::typeOf(const Shape &shape, const std::string &element,
                               const std::string &encoding) {
  std::string text = "tensor<";
  for (const Size &size : shape)
    text += (size.isDynamic ? "?" : std::to_string(size.size)) + "x";
  return text + element + (encoding.empty() ? "" : ", " + encoding) + ">";
}

static void fillReals(Tensor &tensor, const Argument &argument,
                      Random &random) {
  constexpr int64_t steps = 64;
  double step = (argument.high - argument.low) / steps;
  for (double &value : tensor.values) {
    value = argument.low + step * static_cast<double>(random.from(0, steps));
    if (argument.fill != Fill::Real && random.oneIn(8))
      value = argument.fill == Fill::RealOrInfinite && random.oneIn(2)
                  ? INFINITY
                  : -INFINITY;
  }
}

static void fillEnds(Tensor &tensor, double total, Random &random) {
  // Few sequences are empty, and rows may be left over at both ends.
  for (double &end : tensor.values)
    end = static_cast<double>(random.from(0, static_cast<int64_t>(total)));
  if (!tensor.values.empty() && !random.oneIn(4)) {
    tensor.values.front() = 0;
    tensor.values.back() = total;
  }
  std::sort(tensor.values.begin(), tensor.values.end());
}

static void fillDistinct(Tensor &tensor, int64_t low, int64_t high,
                         Random &random) {
  std::vector<int64_t> left;
  for (int64_t value = std::max<int64_t>(low, 0); value <= high; ++value)
    left.push_back(value);
  for (double &value : tensor.values) {
    if (left.empty() || (low < 0 && random.oneIn(5))) {
      value = -1;
      continue;
    }
    auto chosen = left.begin() + random.below(left.size());
    value = static_cast<double>(*chosen);
    left.erase(chosen);
  }
}

Tensor attn::fuzz::makeTensor(const Argument &argument,
                              llvm::ArrayRef<int64_t> shape, Random &random) {
  Tensor tensor;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.values.resize(tensor.size());
  double low = argument.low, high = argument.high;
  switch (argument.fill) {
  case Fill::Real:
  case Fill::RealOrNothing:
  case Fill::RealOrInfinite:
    fillReals(tensor, argument, random);
    break;
  case Fill::Integer:
    for (double &value : tensor.values)
      value = static_cast<double>(
          random.from(static_cast<int64_t>(low), static_cast<int64_t>(high)));
    break;
  case Fill::Position:
    for (double &value : tensor.values)
      value = static_cast<double>(
          random.oneIn(32) ? static_cast<int16_t>(random.next())
                           : random.from(static_cast<int64_t>(low),
                                         static_cast<int64_t>(high)));
    break;
  case Fill::Distinct:
    fillDistinct(tensor, static_cast<int64_t>(low), static_cast<int64_t>(high),
                 random);
    break;
  case Fill::Ends:
    fillEnds(tensor, high, random);
    break;
  }
  return tensor;
}
