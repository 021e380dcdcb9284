//===- MatrixProduct.h - The yardstick of a measurement ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_CUDA_MATRIXPRODUCT_H
#define ATTN_RUNTIME_CUDA_MATRIXPRODUCT_H

#include "DriverApi.h"
#include "attn/Runtime/Device.h"

namespace attn::runtime::cuda {

/// A product of random bfloat16 matrices by cuBLASLt on `stream`. Fails where
/// that library is not installed.
Result<Work> makeMatrixProduct(Device &device, CUstream stream, int64_t size);

} // namespace attn::runtime::cuda

#endif // ATTN_RUNTIME_CUDA_MATRIXPRODUCT_H
