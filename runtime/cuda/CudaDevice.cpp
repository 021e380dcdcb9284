//===- CudaDevice.cpp - A GPU behind NVIDIA's driver ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/CudaDevice.h"

#include "DriverApi.h"
#include "MatrixProduct.h"

#include <array>

using namespace attn::runtime;
using namespace attn::runtime::cuda;

namespace {
class CudaKernel : public Kernel {
public:
  CudaKernel(const DriverApi &api, LaunchPlan plan, CUmodule module,
             CUfunction function)
      : Kernel(std::move(plan)), api(api), module(module), function(function) {}
  ~CudaKernel() override { api.cuModuleUnload(module); }

  const DriverApi &api;
  CUmodule module;
  CUfunction function;
};

/// An executable graph between two events.
class CudaRecording : public Recording {
public:
  CudaRecording(const DriverApi &api, CUstream stream)
      : api(api), stream(stream) {}
  ~CudaRecording() override;

  Status instantiate(CUgraph graph);
  Result<double> replay() override;

private:
  const DriverApi &api;
  CUstream stream;
  CUgraphExec executable = nullptr;
  CUevent begin = nullptr;
  CUevent end = nullptr;
};

class CudaDevice : public Device {
public:
  explicit CudaDevice(const DriverApi &api) : api(api) {}
  ~CudaDevice() override;

  Status open();

  std::string name() const override { return deviceName; }
  uint32_t multiprocessors() const override { return multiprocessorCount; }
  Result<Buffer> allocate(size_t bytes) override;
  Status copyToDevice(uint64_t address, const void *source,
                      size_t bytes) override;
  Status copyFromDevice(void *destination, uint64_t address,
                        size_t bytes) override;
  Status fill(uint64_t address, uint8_t value, size_t bytes) override;
  Result<std::unique_ptr<Kernel>> load(const CompiledKernel &compiled) override;
  Status synchronize() override;
  Result<std::unique_ptr<Recording>> record(const Work &work,
                                            unsigned repeats) override;
  Result<Work> matrixProduct(int64_t size) override;

protected:
  void release(uint64_t address) override { api.cuMemFree(address); }
  Status start(Kernel &kernel, const Launch &launch) override;

private:
  Status identify();
  Result<CUmodule> loadModule(const CompiledKernel &compiled) const;
  Status encode(const TensorMapDescription &description,
                CUtensorMap &map) const;

  const DriverApi api;
  CUdevice device = 0;
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  std::string deviceName;
  uint32_t multiprocessorCount = 0;
};
} // namespace

CudaRecording::~CudaRecording() {
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
  CUresult result = api.cuEventRecord(begin, stream);
  if (result == CUDA_SUCCESS)
    result = api.cuGraphLaunch(executable, stream);
  if (result == CUDA_SUCCESS)
    result = api.cuEventRecord(end, stream);
  if (result == CUDA_SUCCESS)
    result = api.cuStreamSynchronize(stream);
  float milliseconds = 0;
  if (result == CUDA_SUCCESS)
    result = api.cuEventElapsedTime(&milliseconds, begin, end);
  if (Status status = api.check(result, "replay a graph"); status.failed())
    return status.error();
  return static_cast<double>(milliseconds);
}

CudaDevice::~CudaDevice() {
  if (stream)
    api.cuStreamDestroy(stream);
  if (context)
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
  if (Status status = identify(); status.failed())
    return status;
  CUresult result = api.cuDevicePrimaryCtxRetain(&context, device);
  if (result == CUDA_SUCCESS)
    result = api.cuCtxSetCurrent(context);
  if (result == CUDA_SUCCESS)
    result = api.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING);
  return api.check(result, "open " + deviceName);
}

Status CudaDevice::identify() {
  char text[256] = {};
  int major = 0, minor = 0, multiprocessors = 0;
  CUresult result = api.cuDeviceGet(&device, 0);
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
  Status status =
      api.check(api.cuMemAlloc(&address, allocated),
                "allocate " + std::to_string(bytes) + " bytes on the GPU");
  if (status.failed())
    return status.error();
  return Buffer(*this, address, bytes);
}

Status CudaDevice::copyToDevice(uint64_t address, const void *source,
                                size_t bytes) {
  if (bytes == 0)
    return {};
  CUresult result = api.cuMemcpyHtoDAsync(address, source, bytes, stream);
  if (result == CUDA_SUCCESS)
    result = api.cuStreamSynchronize(stream);
  return api.check(result, "copy to the GPU");
}

Status CudaDevice::copyFromDevice(void *destination, uint64_t address,
                                  size_t bytes) {
  if (bytes == 0)
    return {};
  CUresult result = api.cuMemcpyDtoHAsync(destination, address, bytes, stream);
  if (result == CUDA_SUCCESS)
    result = api.cuStreamSynchronize(stream);
  return api.check(result, "copy from the GPU");
}

Status CudaDevice::fill(uint64_t address, uint8_t value, size_t bytes) {
  if (bytes == 0)
    return {};
  return api.check(api.cuMemsetD8Async(address, value, bytes, stream),
                   "fill memory of the GPU");
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
  CUresult result = api.cuModuleLoadDataEx(&module, image, 2, options, values);
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
  auto kernel = std::make_unique<CudaKernel>(api, plan, *module, nullptr);
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
  if (Status status = kernel->allocateCounters(*this); status.failed())
    return status.error();
  return std::unique_ptr<Kernel>(std::move(kernel));
}

static int encodeElementType(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  case ElementType::F16:
    return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
  case ElementType::F32:
    return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  default:
    // Integers are read one by one.
    return -1;
  }
}

static int encodeSwizzle(Swizzle swizzle) {
  switch (swizzle) {
  case Swizzle::None:
    return CU_TENSOR_MAP_SWIZZLE_NONE;
  case Swizzle::B32:
    return CU_TENSOR_MAP_SWIZZLE_32B;
  case Swizzle::B64:
    return CU_TENSOR_MAP_SWIZZLE_64B;
  case Swizzle::B128:
    return CU_TENSOR_MAP_SWIZZLE_128B;
  }
  return -1;
}

Status CudaDevice::encode(const TensorMapDescription &description,
                          CUtensorMap &map) const {
  std::vector<uint32_t> elementStrides(description.extents.size(), 1);
  return api.check(api.cuTensorMapEncodeTiled(
                       &map, encodeElementType(description.elementType),
                       static_cast<uint32_t>(description.extents.size()),
                       reinterpret_cast<void *>(description.address),
                       description.extents.data(), description.strides.data(),
                       description.box.data(), elementStrides.data(),
                       CU_TENSOR_MAP_INTERLEAVE_NONE,
                       encodeSwizzle(description.swizzle),
                       CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                       CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
                   "encode a tensor map");
}

static CUresult launchOn(CUstream stream, const CudaKernel &kernel,
                         const Launch &launch, void **parameters) {
  if (launch.clusterBlocks <= 1)
    return kernel.api.cuLaunchKernel(
        kernel.function, launch.blocks, 1, 1, launch.threadsPerBlock, 1, 1,
        launch.sharedMemoryBytes, stream, parameters, nullptr);
  CUlaunchAttribute cluster = {
      CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, 0, {launch.clusterBlocks, 1, 1}};
  CUlaunchConfig config = {launch.blocks,
                           1,
                           1,
                           launch.threadsPerBlock,
                           1,
                           1,
                           launch.sharedMemoryBytes,
                           stream,
                           &cluster,
                           1};
  return kernel.api.cuLaunchKernelEx(&config, kernel.function, parameters,
                                     nullptr);
}

Status CudaDevice::start(Kernel &kernel, const Launch &launch) {
  auto &loaded = static_cast<CudaKernel &>(kernel);
  // The driver copies what the pointers lead to, which must stay in place until
  // then.
  std::vector<CUtensorMap> maps(launch.parameters.size());
  std::vector<void *> pointers;
  for (const ParameterValue &value : launch.parameters) {
    const void *pointer = nullptr;
    if (const auto *description = std::get_if<TensorMapDescription>(&value)) {
      CUtensorMap &map = maps[pointers.size()];
      if (Status status = encode(*description, map); status.failed())
        return status;
      pointer = &map;
    } else if (const auto *address = std::get_if<uint64_t>(&value)) {
      pointer = address;
    } else {
      pointer = std::get_if<int32_t>(&value);
    }
    pointers.push_back(const_cast<void *>(pointer));
  }
  return api.check(launchOn(stream, loaded, launch, pointers.data()),
                   "launch kernel '" + kernel.plan().kernel + "'");
}

Status CudaDevice::synchronize() {
  return api.check(api.cuStreamSynchronize(stream), "finish the work");
}

Result<std::unique_ptr<Recording>> CudaDevice::record(const Work &work,
                                                      unsigned repeats) {
  // Relaxed, so that a library may load a kernel while it is recorded.
  if (Status status = api.check(
          api.cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED),
          "record a graph");
      status.failed())
    return status.error();
  Status worked;
  for (unsigned i = 0; i < repeats && !worked.failed(); ++i)
    worked = work();
  CUgraph graph = nullptr;
  Status ended =
      api.check(api.cuStreamEndCapture(stream, &graph), "record a graph");
  auto recording = std::make_unique<CudaRecording>(api, stream);
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
  return makeMatrixProduct(*this, stream, size);
}

Result<std::unique_ptr<Device>> attn::runtime::openCudaDevice() {
  Result<DriverApi> api = DriverApi::open();
  if (api.failed())
    return api.error();
  auto device = std::make_unique<CudaDevice>(*api);
  if (Status status = device->open(); status.failed())
    return status.error();
  return std::unique_ptr<Device>(std::move(device));
}
