//===- Npy.h - Tensors in files ---------------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files of NumPy's .npy format, C order and little endian.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_NPY_H
#define ATTN_RUNTIME_NPY_H

#include "attn/Runtime/HostTensor.h"
#include "attn/Runtime/Status.h"

#include <string>

namespace attn::runtime {

/// Reads a tensor of `type` from the file at `path`. Its elements are <f4, <f2
/// or <f8, rounded to `type`, or the bits of bfloat16 as <u2.
Result<HostTensor> readNpy(const std::string &path, ElementType type);

/// The elements of a file in double precision, which holds them all.
struct NpyArray {
  /// How the file spells their type, e.g. "<f8".
  std::string encoding;
  std::vector<int64_t> shape;
  std::vector<double> values;
};

/// Reads the tensor in the file at `path`, whatever its elements are.
Result<NpyArray> readNpyArray(const std::string &path);

/// Writes `tensor`: bfloat16 as <f4, which holds it exactly, the rest as is.
Status writeNpy(const std::string &path, const HostTensor &tensor);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_NPY_H
