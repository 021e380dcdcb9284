//===- CudaLaunch.h - Work that a GPU is ready to start ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_CUDA_CUDALAUNCH_H
#define ATTN_RUNTIME_CUDA_CUDALAUNCH_H

#include "DriverApi.h"
#include "attn/Runtime/Device.h"

namespace attn::runtime::cuda {

/// Makes a context current in this thread for as long as it lives, whatever
/// else the thread does with the driver.
class CurrentContext {
public:
  CurrentContext(const DriverApi &api, CUcontext context) : api(api) {
    // Whoever works with the GPU has mostly made it current already, and to see
    // that costs less than to push and to pop.
    CUcontext current = nullptr;
    if (api.cuCtxGetCurrent(&current) == CUDA_SUCCESS && current == context)
      return;
    entered = api.cuCtxPushCurrent(context);
    pushed = entered == CUDA_SUCCESS;
  }
  ~CurrentContext() {
    CUcontext context = nullptr;
    if (pushed)
      api.cuCtxPopCurrent(&context);
  }
  CurrentContext(const CurrentContext &) = delete;
  CurrentContext &operator=(const CurrentContext &) = delete;

  /// Whether that has worked.
  CUresult result() const { return entered; }

private:
  const DriverApi &api;
  CUresult entered = CUDA_SUCCESS;
  bool pushed = false;
};

/// Where work is started if no stream is given, and the context of both.
struct Queue {
  CUcontext context = nullptr;
  CUstream stream = nullptr;
};

/// Has the driver encode a tensor map, for which a context has to be current.
Status encodeTensorMap(const DriverApi &api,
                       const TensorMapDescription &description,
                       CUtensorMap &map);

/// Encodes the tensor maps of a launch of `function`, which is that of
/// `kernel`. The latter and `api` have to outlive the work.
Result<std::unique_ptr<PreparedWork>>
prepareLaunch(const DriverApi &api, const Queue &queue, CUfunction function,
              Kernel &kernel, Launch launch);

std::unique_ptr<PreparedWork> prepareFill(const DriverApi &api,
                                          const Queue &queue, uint64_t address,
                                          uint8_t value, size_t bytes);

} // namespace attn::runtime::cuda

#endif // ATTN_RUNTIME_CUDA_CUDALAUNCH_H
