//===- CudaDevice.h - A GPU behind NVIDIA's driver --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_CUDADEVICE_H
#define ATTN_RUNTIME_CUDADEVICE_H

#include "attn/Runtime/Device.h"

#include <memory>

namespace attn::runtime {

/// Opens the first GPU. Fails, saying what is missing, where there is no driver
/// or no GPU of compute capability 9.0.
Result<std::unique_ptr<Device>> openCudaDevice();

} // namespace attn::runtime

#endif // ATTN_RUNTIME_CUDADEVICE_H
