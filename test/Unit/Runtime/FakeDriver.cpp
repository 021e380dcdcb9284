//===- FakeDriver.cpp - A CUDA driver for tests ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include <cstdlib>
#include <cstring>
#include <mutex>

extern "C" FakeDriver *fakeDriver() {
  static FakeDriver driver;
  return &driver;
}

namespace {
constexpr int success = 0, outOfMemory = 2, noContext = 201;
thread_local std::vector<void *> contexts;
std::mutex mutex;
using Lock = std::lock_guard<std::mutex>;

int result(const char *name) {
  return fakeDriver()->failing == name ? outOfMemory : success;
}

/// The same for what needs a current context.
int resultInContext(const char *name) {
  return contexts.empty() ? noContext : result(name);
}

/// The same for what cannot be captured.
int resultOutside(const char *name) {
  fakeDriver()->uncapturable += fakeDriver()->capturing;
  return resultInContext(name);
}

/// Makes an object that must be destroyed.
template <typename Handle> int make(const char *name, Handle *handle) {
  if (int error = result(name))
    return error;
  Lock lock(mutex);
  void *object = std::malloc(1);
  fakeDriver()->live.insert(object);
  *handle = static_cast<Handle>(object);
  return success;
}

int destroy(void *handle) {
  Lock lock(mutex);
  fakeDriver()->live.erase(handle);
  std::free(handle);
  return success;
}

void *pointer(uint64_t address) { return reinterpret_cast<void *>(address); }
} // namespace

/// CUlaunchAttribute and CUlaunchConfig, spelt out once more.
struct FakeLaunchAttribute {
  int id, padding;
  unsigned value[16];
};
struct FakeLaunchConfig {
  unsigned grid[3], block[3];
  unsigned shared;
  void *stream;
  const FakeLaunchAttribute *attributes;
  unsigned attributeCount;
};

extern "C" {
int cuInit(unsigned) { return result("cuInit"); }
int cuDriverGetVersion(int *version) {
  *version = fakeDriver()->version;
  return result("cuDriverGetVersion");
}
int cuGetErrorString(int, const char **text) {
  *text = "out of memory";
  return fakeDriver()->wordless;
}
int cuDeviceGetCount(int *count) {
  // For the tests of tools.
  const char *given = std::getenv("ATTN_FAKE_DEVICES");
  *count = given ? std::atoi(given) : fakeDriver()->deviceCount;
  return result("cuDeviceGetCount");
}
int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return result("cuDeviceGet");
}
int cuDeviceGetName(char *name, int length, int) {
  std::strncpy(name, "Fake H200", length);
  return result("cuDeviceGetName");
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == 75   ? fakeDriver()->major
           : attribute == 76 ? fakeDriver()->minor
                             : 132;
  return result("cuDeviceGetAttribute");
}
int cuDevicePrimaryCtxRetain(void **context, int) {
  FakeDriver &driver = *fakeDriver();
  if (driver.contextUses == 0)
    if (int error = make("cuDevicePrimaryCtxRetain", &driver.context))
      return error;
  ++driver.contextUses;
  *context = driver.context;
  return success;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  FakeDriver &driver = *fakeDriver();
  return --driver.contextUses > 0 ? success : destroy(driver.context);
}
int cuCtxGetCurrent(void **context) {
  *context = contexts.empty() ? nullptr : contexts.back();
  return result("cuCtxGetCurrent");
}
int cuCtxPushCurrent_v2(void *context) {
  int error = result("cuCtxPushCurrent");
  if (error == success) {
    contexts.push_back(context);
    Lock lock(mutex);
    ++fakeDriver()->contextPushes;
  }
  return error;
}
int cuCtxPopCurrent_v2(void **context) {
  *context = contexts.back();
  contexts.pop_back();
  return success;
}
int fakeContextDepth() { return static_cast<int>(contexts.size()); }
int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  if (int error = resultOutside("cuMemAlloc"))
    return error;
  if (bytes == 0)
    return 1;
  Lock lock(mutex);
  void *memory = std::malloc(bytes);
  fakeDriver()->live.insert(memory);
  *address = reinterpret_cast<uint64_t>(memory);
  return success;
}
int cuMemFree_v2(uint64_t address) { return destroy(pointer(address)); }
int cuMemcpyHtoDAsync_v2(uint64_t destination, const void *source, size_t bytes,
                         void *) {
  std::memcpy(pointer(destination), source, bytes);
  return resultInContext("cuMemcpyHtoDAsync");
}
int cuMemcpyDtoHAsync_v2(void *destination, uint64_t source, size_t bytes,
                         void *) {
  std::memcpy(destination, pointer(source), bytes);
  return resultInContext("cuMemcpyDtoHAsync");
}
int cuMemsetD8Async(uint64_t address, unsigned char value, size_t bytes,
                    void *stream) {
  Lock lock(mutex);
  std::memset(pointer(address), value, bytes);
  fakeDriver()->fills.push_back({address, bytes, stream});
  return resultInContext("cuMemsetD8Async");
}
int cuModuleLoadDataEx(void **module, const void *, unsigned count,
                       int *options, void **values) {
  for (unsigned i = 0; i < count; ++i)
    if (options[i] == 5)
      std::strcpy(static_cast<char *>(values[i]),
                  fakeDriver()->compilerLog.c_str());
  if (int error = resultOutside("cuModuleLoadDataEx"))
    return error;
  return make("cuModuleLoadDataEx", module);
}
int cuModuleUnload(void *module) { return destroy(module); }
int cuModuleGetFunction(void **function, void *module, const char *) {
  *function = module;
  return result("cuModuleGetFunction");
}
int cuFuncSetAttribute(void *, int, int value) {
  fakeDriver()->sharedLimit = value;
  return result("cuFuncSetAttribute");
}
int cuLaunchKernelEx(const FakeLaunchConfig *config, void *, void **parameters,
                     void **) {
  if (int error = resultInContext("cuLaunchKernel"))
    return error;
  Lock lock(mutex);
  ++fakeDriver()->launchCount;
  fakeDriver()->captured += fakeDriver()->capturing;
  if (fakeDriver()->quiet)
    return success;
  FakeDriver::Launch launch;
  launch.grid = config->grid[0];
  launch.block = config->block[0];
  launch.shared = config->shared;
  launch.stream = config->stream;
  for (unsigned i = 0; i < config->attributeCount; ++i) {
    const FakeLaunchAttribute &attribute = config->attributes[i];
    if (attribute.id == 4)
      launch.cluster =
          attribute.value[0] * attribute.value[1] * attribute.value[2];
    // Programmatic stream serialisation, allowed.
    launch.dependent |= attribute.id == 6 && attribute.value[0] == 1;
  }
  for (size_t i = 0; i < fakeDriver()->parameterCount; ++i) {
    uint32_t low = 0;
    std::memcpy(&low, parameters[i], sizeof(low));
    launch.parameters.push_back(
        {low, reinterpret_cast<uint64_t>(parameters[i])});
  }
  fakeDriver()->launches.push_back(launch);
  // For the tests of tools: a kernel that writes before its last tensor map's
  // tensor.
  if (std::getenv("ATTN_FAKE_OVERRUN") && !fakeDriver()->maps.empty())
    std::memset(pointer(fakeDriver()->maps.back().address - 4), 0, 4);
  return success;
}
int cuTensorMapEncodeTiled(void *map, int type, uint32_t rank, void *address,
                           const uint64_t *extents, const uint64_t *strides,
                           const uint32_t *box, const uint32_t *elementStrides,
                           int interleave, int swizzle, int promotion,
                           int fill) {
  // As the driver does: without a context it knows no device.
  constexpr int invalidContext = 201;
  if (contexts.empty())
    return invalidContext;
  for (uint32_t i = 0; i < rank; ++i)
    if (elementStrides[i] != 1)
      return 1;
  if (!strides || interleave != 0 || fill != 0 ||
      reinterpret_cast<uint64_t>(map) % 64)
    return 1;
  std::memset(map, 0x5A, 128);
  Lock lock(mutex);
  ++fakeDriver()->mapCount;
  if (fakeDriver()->quiet)
    return result("cuTensorMapEncodeTiled");
  fakeDriver()->maps.push_back({type,
                                swizzle,
                                promotion,
                                reinterpret_cast<uint64_t>(address),
                                {extents, extents + rank},
                                {strides, strides + rank - 1},
                                {box, box + rank}});
  return result("cuTensorMapEncodeTiled");
}
int cuStreamCreate(void **stream, unsigned) {
  return make("cuStreamCreate", stream);
}
int cuStreamDestroy_v2(void *stream) { return destroy(stream); }
int cuStreamSynchronize(void *) { return resultOutside("cuStreamSynchronize"); }
int cuCtxSynchronize() {
  ++fakeDriver()->contextWaits;
  return resultOutside("cuCtxSynchronize");
}
int cuStreamIsCapturing(void *stream, int *status) {
  *status =
      fakeDriver()->capturing && fakeDriver()->capturedStream == stream ? 1 : 0;
  return resultInContext("cuStreamIsCapturing");
}
int cuStreamGetId(void *stream, unsigned long long *id) {
  constexpr int unsupportedInCapture = 900;
  if (fakeDriver()->capturing && fakeDriver()->capturedStream == stream)
    return unsupportedInCapture;
  Lock lock(mutex);
  auto found = fakeDriver()->streamIds.find(stream);
  *id = found == fakeDriver()->streamIds.end()
            ? reinterpret_cast<unsigned long long>(stream)
            : found->second;
  return resultInContext("cuStreamGetId");
}
int cuStreamBeginCapture_v2(void *stream, int) {
  fakeDriver()->capturing = true;
  fakeDriver()->capturedStream = stream;
  fakeDriver()->captured = 0;
  return result("cuStreamBeginCapture");
}
int cuStreamEndCapture(void *, void **graph) {
  fakeDriver()->capturing = false;
  return make("cuStreamEndCapture", graph);
}
int cuGraphInstantiateWithFlags(void **executable, void *, unsigned long long) {
  return make("cuGraphInstantiate", executable);
}
int cuGraphLaunch(void *, void *) {
  ++fakeDriver()->replays;
  return result("cuGraphLaunch");
}
int cuGraphExecDestroy(void *executable) { return destroy(executable); }
int cuGraphDestroy(void *graph) { return destroy(graph); }
int cuEventCreate(void **event, unsigned) {
  return make("cuEventCreate", event);
}
int cuEventDestroy_v2(void *event) { return destroy(event); }
int cuEventRecord(void *, void *) { return result("cuEventRecord"); }
int cuEventElapsedTime(float *milliseconds, void *, void *) {
  *milliseconds = 2.5f;
  return result("cuEventElapsedTime");
}
}
