//===- Tensors.h - Tensors of other frameworks ------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_CAPI_TENSORS_H
#define ATTN_RUNTIME_CAPI_TENSORS_H

#include "attn-c/DLPack.h"
#include "attn/Runtime/Device.h"
#include "attn/Runtime/Executable.h"

#include <vector>

namespace attn::runtime::capi {

/// Where tensors have to be.
struct Place {
  bool isCpu = true;
  int32_t ordinal = 0;
};

/// Describes `count` tensors of another framework. Fails for those that are
/// elsewhere or hold something else than the runtime knows. Where `arguments`
/// has described as many before, nothing is allocated.
Status describe(const AttnDLTensor *const *tensors, size_t count,
                const Place &place, std::vector<TensorArgument> &arguments);

/// Runs a program of the emulator on tensors of the CPU: they are copied into
/// the memory of the device, with their gaps, and the outputs back.
Status launchStaged(Device &device, Executable &executable,
                    const std::vector<TensorArgument> &tensors);

} // namespace attn::runtime::capi

#endif // ATTN_RUNTIME_CAPI_TENSORS_H
