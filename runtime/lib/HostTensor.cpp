//===- HostTensor.cpp - Tensors in host memory ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/HostTensor.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

using namespace attn::runtime;

int64_t attn::runtime::elementCount(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Result<size_t> attn::runtime::byteSize(const std::vector<int64_t> &shape,
                                       size_t elementBytes) {
  constexpr int64_t maxBytes = int64_t(1) << 46;
  auto span = static_cast<int64_t>(elementBytes);
  for (int64_t size : shape)
    if (__builtin_mul_overflow(span, std::max<int64_t>(size, 1), &span) ||
        span > maxBytes)
      return failure("expected a size that fits in memory, got ",
                     shapeText(shape));
  return static_cast<size_t>(elementCount(shape)) * elementBytes;
}

std::vector<int64_t>
attn::runtime::rowMajorStrides(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides;
  setRowMajorStrides(shape, strides);
  return strides;
}

void attn::runtime::setRowMajorStrides(const std::vector<int64_t> &shape,
                                       std::vector<int64_t> &strides) {
  strides.resize(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    // An empty axis must not make the strides of the outer ones zero.
    stride *= std::max<int64_t>(shape[axis], 1);
  }
}

std::string attn::runtime::shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t size : shape) {
    if (!text.empty())
      text += 'x';
    text += size < 0 ? "?" : std::to_string(size);
  }
  return text.empty() ? "scalar" : text;
}

HostTensor::HostTensor(ElementType elementType, std::vector<int64_t> shape)
    : elementType(elementType), shape(std::move(shape)),
      data(static_cast<size_t>(size()) * elementSize(elementType)) {}

namespace {
/// The splitmix64 sequence: every seed starts an independent one.
class Sequence {
public:
  explicit Sequence(uint64_t seed) : state(seed) {}

  uint64_t next() {
    state += 0x9E3779B97F4A7C15;
    uint64_t bits = state;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
    return bits ^ (bits >> 31);
  }

  /// A number in (0, 1].
  double uniform() { return static_cast<double>((next() >> 11) + 1) * 0x1p-53; }

private:
  uint64_t state;
};
} // namespace

/// Fills elements [begin, end) by the Box-Muller transform.
static void fillChunk(HostTensor &tensor, size_t begin, size_t end,
                      uint64_t seed) {
  constexpr double twoPi = 6.283185307179586;
  Sequence sequence(Sequence(seed ^ (begin * 0xD1342543DE82EF95)).next());
  for (size_t index = begin; index < end; index += 2) {
    double radius = std::sqrt(-2 * std::log(sequence.uniform()));
    double angle = twoPi * sequence.uniform();
    tensor.set(index, radius * std::cos(angle));
    if (index + 1 < end)
      tensor.set(index + 1, radius * std::sin(angle));
  }
}

void attn::runtime::fillNormal(HostTensor &tensor, uint64_t seed) {
  constexpr size_t chunk = 1 << 16;
  auto size = static_cast<size_t>(tensor.size());
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t begin; (begin = next.fetch_add(chunk)) < size;)
      fillChunk(tensor, begin, std::min(begin + chunk, size), seed);
  };
  size_t chunks = (size + chunk - 1) / chunk;
  size_t helpers =
      std::min<size_t>(std::thread::hardware_concurrency(), chunks);
  std::vector<std::thread> threads;
  for (size_t i = 1; i < helpers; ++i)
    threads.emplace_back(work);
  work();
  for (std::thread &thread : threads)
    thread.join();
}
