//===- CudaDevice.cpp - A GPU behind NVIDIA's driver ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/CudaDevice.h"

#include "CudaLaunch.h"
#include "DriverApi.h"
#include "MatrixProduct.h"

#include <array>

using namespace attn::runtime;
using namespace attn::runtime::cuda;

/// Streams, and launches in graphs, that a kernel has counters for: 256 kB.
static constexpr uint32_t maxCounters = 1 << 16;

namespace {
class CudaKernel : public Kernel {
public:
  CudaKernel(const DriverApi &api, const Queue &queue, LaunchPlan plan,
             CUmodule module)
      : Kernel(std::move(plan)), api(api), queue(queue), module(module) {}
  ~CudaKernel() override {
    CurrentContext current(api, queue.context);
    api.cuModuleUnload(module);
  }

  const DriverApi &api;
  const Queue queue;
  CUmodule module;
  CUfunction function = nullptr;
};

/// An executable graph between two events.
class CudaRecording : public Recording {
public:
  CudaRecording(const DriverApi &api, const Queue &queue)
      : api(api), queue(queue) {}
  ~CudaRecording() override;

  Status instantiate(CUgraph graph);
  Result<double> replay() override;

private:
  const DriverApi &api;
  const Queue queue;
  CUgraphExec executable = nullptr;
  CUevent begin = nullptr;
  CUevent end = nullptr;
};

class CudaDevice : public Device {
public:
  CudaDevice(const DriverApi &api, int ordinal) : api(api), ordinal(ordinal) {}
  ~CudaDevice() override;

  Status open();

  std::string name() const override { return deviceName; }
  uint32_t multiprocessors() const override { return multiprocessorCount; }
  bool hasStreams() const override { return true; }
  Result<Buffer> allocate(size_t bytes) override;
  Status copyToDevice(uint64_t address, const void *source,
                      size_t bytes) override;
  Status copyFromDevice(void *destination, uint64_t address,
                        size_t bytes) override;
  Status fill(uint64_t address, uint8_t value, size_t bytes) override;
  Result<std::unique_ptr<Kernel>> load(const CompiledKernel &compiled) override;
  Result<std::unique_ptr<PreparedWork>> prepare(Kernel &kernel,
                                                Launch launch) override;
  Result<std::unique_ptr<PreparedWork>>
  prepareFill(uint64_t address, uint8_t value, size_t bytes) override;
  Status synchronize() override;
  Result<std::unique_ptr<Recording>> record(const Work &work,
                                            unsigned repeats) override;
  Result<Work> matrixProduct(int64_t size) override;

protected:
  void release(uint64_t address) override {
    CurrentContext current(api, queue.context);
    api.cuMemFree(address);
  }

private:
  Status identify();
  Result<CUmodule> loadModule(const CompiledKernel &compiled) const;

  const DriverApi api;
  const int ordinal;
  CUdevice device = 0;
  Queue queue;
  std::string deviceName;
  uint32_t multiprocessorCount = 0;
};
} // namespace

CudaRecording::~CudaRecording() {
  CurrentContext current(api, queue.context);
  if (executable)
    api.cuGraphExecDestroy(executable);
  if (begin)
    api.cuEventDestroy(begin);
  if (end)
    api.cuEventDestroy(end);
}

Status CudaRecording::instantiate(CUgraph graph) {
  for (CUevent *event : {&begin, &end})
    if (Status status = api.check(api.cuEventCreate(event, CU_EVENT_DEFAULT),
                                  "create an event");
        status.failed())
      return status;
  return api.check(api.cuGraphInstantiate(&executable, graph, 0),
                   "instantiate a graph");
}

Result<double> CudaRecording::replay() {
  CurrentContext current(api, queue.context);
  CUresult result = current.result();
  if (result == CUDA_SUCCESS)
    result = api.cuEventRecord(begin, queue.stream);
  if (result == CUDA_SUCCESS)
    result = api.cuGraphLaunch(executable, queue.stream);
  if (result == CUDA_SUCCESS)
    result = api.cuEventRecord(end, queue.stream);
  if (result == CUDA_SUCCESS)
    result = api.cuStreamSynchronize(queue.stream);
  float milliseconds = 0;
  if (result == CUDA_SUCCESS)
    result = api.cuEventElapsedTime(&milliseconds, begin, end);
  if (Status status = api.check(result, "replay a graph"); status.failed())
    return status.error();
  return static_cast<double>(milliseconds);
}

CudaDevice::~CudaDevice() {
  if (queue.stream) {
    CurrentContext current(api, queue.context);
    api.cuStreamDestroy(queue.stream);
  }
  if (queue.context)
    api.cuDevicePrimaryCtxRelease(device);
}

Status CudaDevice::open() {
  if (Status status = api.check(api.cuInit(0), "initialise the CUDA driver");
      status.failed())
    return status;
  int count = 0;
  if (Status status = api.check(api.cuDeviceGetCount(&count), "count the GPUs");
      status.failed())
    return status;
  if (count == 0)
    return failure("the CUDA driver sees no GPU");
  if (ordinal < 0 || ordinal >= count)
    return failure("expected a GPU from 0 to ", count - 1, ", got ", ordinal);
  if (Status status = identify(); status.failed())
    return status;
  CUresult result = api.cuDevicePrimaryCtxRetain(&queue.context, device);
  if (result == CUDA_SUCCESS) {
    CurrentContext current(api, queue.context);
    result = current.result();
    if (result == CUDA_SUCCESS)
      result = api.cuStreamCreate(&queue.stream, CU_STREAM_NON_BLOCKING);
  }
  return api.check(result, "open " + deviceName);
}

Status CudaDevice::identify() {
  char text[256] = {};
  int major = 0, minor = 0, multiprocessors = 0;
  CUresult result = api.cuDeviceGet(&device, ordinal);
  if (result == CUDA_SUCCESS)
    result = api.cuDeviceGetName(text, sizeof(text) - 1, device);
  for (auto [value, attribute] :
       {std::pair(&major, int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)),
        std::pair(&minor, int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)),
        std::pair(&multiprocessors,
                  int(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT))})
    if (result == CUDA_SUCCESS)
      result = api.cuDeviceGetAttribute(value, attribute, device);
  if (Status status = api.check(result, "identify the GPU"); status.failed())
    return status;
  deviceName = text;
  multiprocessorCount = static_cast<uint32_t>(multiprocessors);
  if (major != 9 || minor != 0)
    return failure("expected a GPU of compute capability 9.0, got ", major, ".",
                   minor, " (", deviceName, ")");
  return {};
}

Result<Buffer> CudaDevice::allocate(size_t bytes) {
  CUdeviceptr address = 0;
  // The driver refuses an empty allocation.
  size_t allocated = bytes ? bytes : 1;
  CurrentContext current(api, queue.context);
  CUresult result = current.result();
  if (result == CUDA_SUCCESS)
    result = api.cuMemAlloc(&address, allocated);
  Status status = api.check(result, "allocate " + std::to_string(bytes) +
                                        " bytes on the GPU");
  if (status.failed())
    return status.error();
  return Buffer(*this, address, bytes);
}

Status CudaDevice::copyToDevice(uint64_t address, const void *source,
                                size_t bytes) {
  if (bytes == 0)
    return {};
  CurrentContext current(api, queue.context);
  CUresult result = current.result();
  if (result == CUDA_SUCCESS)
    result = api.cuMemcpyHtoDAsync(address, source, bytes, queue.stream);
  if (result == CUDA_SUCCESS)
    result = api.cuStreamSynchronize(queue.stream);
  return api.check(result, "copy to the GPU");
}

Status CudaDevice::copyFromDevice(void *destination, uint64_t address,
                                  size_t bytes) {
  if (bytes == 0)
    return {};
  CurrentContext current(api, queue.context);
  CUresult result = current.result();
  if (result == CUDA_SUCCESS)
    result = api.cuMemcpyDtoHAsync(destination, address, bytes, queue.stream);
  if (result == CUDA_SUCCESS)
    result = api.cuStreamSynchronize(queue.stream);
  return api.check(result, "copy from the GPU");
}

Status CudaDevice::fill(uint64_t address, uint8_t value, size_t bytes) {
  if (bytes == 0)
    return {};
  return cuda::prepareFill(api, queue, address, value, bytes)
      ->start(std::nullopt);
}

Result<CUmodule> CudaDevice::loadModule(const CompiledKernel &compiled) const {
  bool assembled = !compiled.cubin.empty();
  const void *image = compiled.ptx.c_str();
  if (assembled)
    image = compiled.cubin.data();
  std::array<char, 8192> log = {};
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  // An integer option is passed in place of a pointer.
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  CUmodule module = nullptr;
  CurrentContext current(api, queue.context);
  CUresult result = current.result();
  if (result == CUDA_SUCCESS)
    result = api.cuModuleLoadDataEx(&module, image, 2, options, values);
  if (result == CUDA_SUCCESS)
    return module;
  int version = 0;
  api.cuDriverGetVersion(&version);
  std::string what = assembled ? "load the binary" : "compile the PTX";
  what += " of kernel '" + compiled.plan.kernel + "' with CUDA driver " +
          versionText(version);
  Failure failed = api.check(result, what).error();
  log.back() = '\0';
  if (log.front())
    failed.message += std::string("\n") + log.data();
  return failed;
}

Result<std::unique_ptr<Kernel>>
CudaDevice::load(const CompiledKernel &compiled) {
  Result<CUmodule> module = loadModule(compiled);
  if (module.failed())
    return module.error();
  const LaunchPlan &plan = compiled.plan;
  auto kernel = std::make_unique<CudaKernel>(api, queue, plan, *module);
  CurrentContext current(api, queue.context);
  if (Status status =
          api.check(api.cuModuleGetFunction(&kernel->function, *module,
                                            plan.kernel.c_str()),
                    "find kernel '" + plan.kernel + "' in its module");
      status.failed())
    return status.error();
  if (Status status = api.check(
          api.cuFuncSetAttribute(
              kernel->function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
              static_cast<int>(plan.sharedMemoryBytes)),
          "give kernel '" + plan.kernel + "' " +
              std::to_string(plan.sharedMemoryBytes) +
              " bytes of shared memory");
      status.failed())
    return status.error();
  if (Status status = kernel->counters().allocate(*this, plan, maxCounters);
      status.failed())
    return status.error();
  return std::unique_ptr<Kernel>(std::move(kernel));
}

Result<std::unique_ptr<PreparedWork>> CudaDevice::prepare(Kernel &kernel,
                                                          Launch launch) {
  auto &loaded = static_cast<CudaKernel &>(kernel);
  return cuda::prepareLaunch(api, queue, loaded.function, kernel,
                             std::move(launch));
}

Result<std::unique_ptr<PreparedWork>>
CudaDevice::prepareFill(uint64_t address, uint8_t value, size_t bytes) {
  return cuda::prepareFill(api, queue, address, value, bytes);
}

Status CudaDevice::synchronize() {
  CurrentContext current(api, queue.context);
  return api.check(api.cuStreamSynchronize(queue.stream), "finish the work");
}

Result<std::unique_ptr<Recording>> CudaDevice::record(const Work &work,
                                                      unsigned repeats) {
  CurrentContext current(api, queue.context);
  // Relaxed, so that a library may load a kernel while it is recorded.
  if (Status status =
          api.check(api.cuStreamBeginCapture(queue.stream,
                                             CU_STREAM_CAPTURE_MODE_RELAXED),
                    "record a graph");
      status.failed())
    return status.error();
  Status worked;
  for (unsigned i = 0; i < repeats && !worked.failed(); ++i)
    worked = work();
  CUgraph graph = nullptr;
  Status ended =
      api.check(api.cuStreamEndCapture(queue.stream, &graph), "record a graph");
  auto recording = std::make_unique<CudaRecording>(api, queue);
  Status instantiated;
  if (graph && !worked.failed())
    instantiated = recording->instantiate(graph);
  if (graph)
    api.cuGraphDestroy(graph);
  for (const Status &status : {worked, ended, instantiated})
    if (status.failed())
      return status.error();
  return std::unique_ptr<Recording>(std::move(recording));
}

Result<Work> CudaDevice::matrixProduct(int64_t size) {
  CurrentContext current(api, queue.context);
  Result<Work> product = makeMatrixProduct(*this, queue.stream, size);
  if (product.failed())
    return product;
  return Work([this, work = std::move(*product)] {
    CurrentContext current(api, queue.context);
    return work();
  });
}

Result<std::unique_ptr<Device>> attn::runtime::openCudaDevice(int ordinal) {
  Result<DriverApi> api = DriverApi::open();
  if (api.failed())
    return api.error();
  auto device = std::make_unique<CudaDevice>(*api, ordinal);
  if (Status status = device->open(); status.failed())
    return status.error();
  return std::unique_ptr<Device>(std::move(device));
}
