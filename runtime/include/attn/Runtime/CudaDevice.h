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

/// Opens a GPU by its number. Fails, saying what is missing, where there is no
/// driver or the GPU is not of compute capability 9.0. The device uses the
/// primary context, which it shares with CUDA's runtime and with frameworks,
/// and leaves what is current in a thread as it is. It may be used by several
/// threads at a time.
Result<std::unique_ptr<Device>> openCudaDevice(int ordinal = 0);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_CUDADEVICE_H
