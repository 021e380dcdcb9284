//===- DriverApi.cpp - The part of the CUDA driver in use -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include <dlfcn.h>

using namespace attn::runtime;
using namespace attn::runtime::cuda;

std::string cuda::versionText(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

namespace {
/// Looks symbols up; after the first that is missing it only remembers it.
class Symbols {
public:
  explicit Symbols(void *library) : library(library) {}

  template <typename Function> void get(Function &function, const char *name) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (!function && missing.empty())
      missing = name;
  }

  std::string missing;

private:
  void *library;
};
} // namespace

/// The suffixes are those that the driver's header gives to the names without.
static std::string lookUp(DriverApi &api, void *library) {
  Symbols symbols(library);
  symbols.get(api.cuInit, "cuInit");
  symbols.get(api.cuDriverGetVersion, "cuDriverGetVersion");
  symbols.get(api.cuGetErrorString, "cuGetErrorString");
  symbols.get(api.cuDeviceGetCount, "cuDeviceGetCount");
  symbols.get(api.cuDeviceGet, "cuDeviceGet");
  symbols.get(api.cuDeviceGetName, "cuDeviceGetName");
  symbols.get(api.cuDeviceGetAttribute, "cuDeviceGetAttribute");
  symbols.get(api.cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain");
  symbols.get(api.cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2");
  symbols.get(api.cuCtxGetCurrent, "cuCtxGetCurrent");
  symbols.get(api.cuCtxPushCurrent, "cuCtxPushCurrent_v2");
  symbols.get(api.cuCtxPopCurrent, "cuCtxPopCurrent_v2");
  symbols.get(api.cuCtxSynchronize, "cuCtxSynchronize");
  symbols.get(api.cuMemAlloc, "cuMemAlloc_v2");
  symbols.get(api.cuMemFree, "cuMemFree_v2");
  symbols.get(api.cuMemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2");
  symbols.get(api.cuMemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2");
  symbols.get(api.cuMemsetD8Async, "cuMemsetD8Async");
  symbols.get(api.cuModuleLoadDataEx, "cuModuleLoadDataEx");
  symbols.get(api.cuModuleUnload, "cuModuleUnload");
  symbols.get(api.cuModuleGetFunction, "cuModuleGetFunction");
  symbols.get(api.cuFuncSetAttribute, "cuFuncSetAttribute");
  symbols.get(api.cuLaunchKernelEx, "cuLaunchKernelEx");
  symbols.get(api.cuTensorMapEncodeTiled, "cuTensorMapEncodeTiled");
  symbols.get(api.cuStreamCreate, "cuStreamCreate");
  symbols.get(api.cuStreamDestroy, "cuStreamDestroy_v2");
  symbols.get(api.cuStreamSynchronize, "cuStreamSynchronize");
  symbols.get(api.cuStreamGetId, "cuStreamGetId");
  symbols.get(api.cuStreamIsCapturing, "cuStreamIsCapturing");
  symbols.get(api.cuStreamBeginCapture, "cuStreamBeginCapture_v2");
  symbols.get(api.cuStreamEndCapture, "cuStreamEndCapture");
  symbols.get(api.cuGraphInstantiate, "cuGraphInstantiateWithFlags");
  symbols.get(api.cuGraphLaunch, "cuGraphLaunch");
  symbols.get(api.cuGraphExecDestroy, "cuGraphExecDestroy");
  symbols.get(api.cuGraphDestroy, "cuGraphDestroy");
  symbols.get(api.cuEventCreate, "cuEventCreate");
  symbols.get(api.cuEventDestroy, "cuEventDestroy_v2");
  symbols.get(api.cuEventRecord, "cuEventRecord");
  symbols.get(api.cuEventElapsedTime, "cuEventElapsedTime");
  return symbols.missing;
}

Result<DriverApi> DriverApi::open() {
  // Tensor maps came with this version of the driver.
  constexpr int minVersion = 12000;
  // Never closed: the driver does not survive being unloaded.
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return failure("no CUDA driver: ", dlerror());
  DriverApi api = {};
  std::string missing = lookUp(api, library);
  int version = 0;
  if (api.cuDriverGetVersion && api.cuDriverGetVersion(&version) != 0)
    return failure("cannot read the version of the CUDA driver");
  if (version < minVersion || !missing.empty())
    return failure("expected a CUDA driver of version ",
                   versionText(minVersion), " or newer, got ",
                   versionText(version),
                   missing.empty() ? "" : ", which lacks ", missing);
  return api;
}

Status DriverApi::check(CUresult result, const std::string &attempt) const {
  if (result == CUDA_SUCCESS)
    return {};
  const char *text = nullptr;
  if (cuGetErrorString(result, &text) != CUDA_SUCCESS || !text)
    text = "unknown error";
  return failure("cannot ", attempt, ": ", text, " (CUDA error ", result, ")");
}
