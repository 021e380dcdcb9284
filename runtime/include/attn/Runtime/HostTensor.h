//===- HostTensor.h - Tensors in host memory --------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_HOSTTENSOR_H
#define ATTN_RUNTIME_HOSTTENSOR_H

#include "attn/Runtime/Float.h"
#include "attn/Runtime/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace attn::runtime {

/// The number of elements of a tensor of `shape`.
int64_t elementCount(const std::vector<int64_t> &shape);

/// The number of bytes of a tensor of `shape`, refused where it or one of its
/// strides does not fit in memory.
Result<size_t> byteSize(const std::vector<int64_t> &shape, size_t elementBytes);

/// The strides, in elements, of a dense row-major tensor of `shape`.
std::vector<int64_t> rowMajorStrides(const std::vector<int64_t> &shape);
/// The same, in memory that `strides` may have already.
void setRowMajorStrides(const std::vector<int64_t> &shape,
                        std::vector<int64_t> &strides);

/// A shape as the command line spells it, e.g. "1x4096x64x128".
std::string shapeText(const std::vector<int64_t> &shape);

/// A dense row-major tensor.
struct HostTensor {
  ElementType elementType = ElementType::BF16;
  std::vector<int64_t> shape;
  std::vector<uint8_t> data;

  HostTensor() = default;
  /// A tensor of zeros.
  HostTensor(ElementType elementType, std::vector<int64_t> shape);

  int64_t size() const { return elementCount(shape); }
  double get(size_t index) const {
    return loadElement(elementType, data.data(), index);
  }
  void set(size_t index, double value) {
    storeElement(elementType, data.data(), index, value);
  }
};

/// Fills `tensor` with normal random numbers. The values depend on `seed`
/// alone, not on the number of threads.
void fillNormal(HostTensor &tensor, uint64_t seed);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_HOSTTENSOR_H
