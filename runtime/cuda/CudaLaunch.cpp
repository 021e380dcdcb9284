//===- CudaLaunch.cpp - Work that a GPU is ready to start -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaLaunch.h"

#include <array>

using namespace attn::runtime;
using namespace attn::runtime::cuda;

namespace {
/// A kernel with all its parameters. The driver copies what the pointers lead
/// to when the kernel is started.
class PreparedLaunch : public PreparedWork {
public:
  PreparedLaunch(const DriverApi &api, const Queue &queue, CUfunction function,
                 Kernel &kernel, Launch launch)
      : api(api), queue(queue), function(function), kernel(kernel),
        launch(std::move(launch)), maps(this->launch.parameters.size()) {}

  Status encode();
  Status start(std::optional<Stream> stream) const override;

private:
  Status launchCounting(const CUlaunchConfig &config) const;
  Status launchWith(const CUlaunchConfig &config,
                    void *const *parameters) const;

  const DriverApi &api;
  const Queue queue;
  const CUfunction function;
  Kernel &kernel;
  const Launch launch;
  std::vector<CUtensorMap> maps;
  std::vector<void *> pointers;
};

class PreparedFill : public PreparedWork {
public:
  PreparedFill(const DriverApi &api, const Queue &queue, uint64_t address,
               uint8_t value, size_t bytes)
      : api(api), queue(queue), address(address), value(value), bytes(bytes) {}

  Status start(std::optional<Stream> stream) const override;

private:
  const DriverApi &api;
  const Queue queue;
  const uint64_t address;
  const uint8_t value;
  const size_t bytes;
};
} // namespace

static CUstream chooseStream(const Queue &queue, std::optional<Stream> stream) {
  return stream ? static_cast<CUstream>(*stream) : queue.stream;
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

Status cuda::encodeTensorMap(const DriverApi &api,
                             const TensorMapDescription &description,
                             CUtensorMap &map) {
  std::vector<uint32_t> elementStrides(description.extents.size(), 1);
  // The driver wants an array of strides even where there is only one
  // dimension.
  std::vector<uint64_t> strides = description.strides;
  strides.resize(description.extents.size());
  return api.check(api.cuTensorMapEncodeTiled(
                       &map, encodeElementType(description.elementType),
                       static_cast<uint32_t>(description.extents.size()),
                       reinterpret_cast<void *>(description.address),
                       description.extents.data(), strides.data(),
                       description.box.data(), elementStrides.data(),
                       CU_TENSOR_MAP_INTERLEAVE_NONE,
                       encodeSwizzle(description.swizzle),
                       CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                       CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
                   "encode a tensor map");
}

Status PreparedLaunch::encode() {
  CurrentContext current(api, queue.context);
  if (Status status = api.check(current.result(), "use the GPU");
      status.failed())
    return status;
  for (size_t i = 0; i < launch.parameters.size(); ++i) {
    const ParameterValue &value = launch.parameters[i];
    const void *pointer = nullptr;
    if (const auto *description = std::get_if<TensorMapDescription>(&value)) {
      if (Status status = encodeTensorMap(api, *description, maps[i]);
          status.failed())
        return status;
      pointer = &maps[i];
    } else if (const auto *address = std::get_if<uint64_t>(&value)) {
      pointer = address;
    } else {
      pointer = std::get_if<int32_t>(&value);
    }
    pointers.push_back(const_cast<void *>(pointer));
  }
  return {};
}

Status PreparedLaunch::start(std::optional<Stream> stream) const {
  CurrentContext current(api, queue.context);
  if (Status status = api.check(current.result(), "use the GPU");
      status.failed())
    return status;
  std::array<CUlaunchAttribute, 2> attributes = {};
  CUlaunchConfig config = {};
  config.attributes = attributes.data();
  if (launch.clusterBlocks > 1)
    attributes[config.attributeCount++] = {
        CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, 0, {launch.clusterBlocks, 1, 1}};
  if (launch.dependent)
    attributes[config.attributeCount++] = {
        CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION, 0, {1}};
  config.gridX = launch.blocks;
  config.gridY = config.gridZ = 1;
  config.blockX = launch.threadsPerBlock;
  config.blockY = config.blockZ = 1;
  config.sharedBytes = launch.sharedMemoryBytes;
  config.stream = chooseStream(queue, stream);
  return launch.counterParameter ? launchCounting(config)
                                 : launchWith(config, pointers.data());
}

Status PreparedLaunch::launchWith(const CUlaunchConfig &config,
                                  void *const *parameters) const {
  // The driver only reads the list.
  CUresult result = api.cuLaunchKernelEx(
      &config, function, const_cast<void **>(parameters), nullptr);
  // The words for an error cost more than a launch.
  if (result == CUDA_SUCCESS)
    return {};
  return api.check(result, "launch kernel '" + kernel.plan().kernel + "'");
}

Status PreparedLaunch::launchCounting(const CUlaunchConfig &config) const {
  auto start = [&](uint64_t counter) {
    // One per thread, so that a warm launch does not allocate.
    static thread_local std::vector<void *> own;
    own = pointers;
    own[*launch.counterParameter] = &counter;
    return launchWith(config, own.data());
  };
  int capture = CU_STREAM_CAPTURE_STATUS_NONE;
  if (CUresult result = api.cuStreamIsCapturing(config.stream, &capture))
    return api.check(result, "see whether a graph is recorded");
  if (capture != CU_STREAM_CAPTURE_STATUS_NONE)
    return kernel.counters().record(start);
  // A handle may be that of a stream that has been destroyed with work under
  // way, or stand for a stream of each thread.
  unsigned long long stream = 0;
  if (CUresult result = api.cuStreamGetId(config.stream, &stream))
    return api.check(result, "identify a stream");
  auto wait = [&] {
    return api.check(api.cuCtxSynchronize(), "finish all launches");
  };
  return kernel.counters().launch(stream, start, wait);
}

Status PreparedFill::start(std::optional<Stream> stream) const {
  CurrentContext current(api, queue.context);
  CUresult result = current.result();
  if (result == CUDA_SUCCESS)
    result =
        api.cuMemsetD8Async(address, value, bytes, chooseStream(queue, stream));
  return api.check(result, "fill memory of the GPU");
}

Result<std::unique_ptr<PreparedWork>>
cuda::prepareLaunch(const DriverApi &api, const Queue &queue,
                    CUfunction function, Kernel &kernel, Launch launch) {
  auto work = std::make_unique<PreparedLaunch>(api, queue, function, kernel,
                                               std::move(launch));
  if (Status status = work->encode(); status.failed())
    return status.error();
  return std::unique_ptr<PreparedWork>(std::move(work));
}

std::unique_ptr<PreparedWork> cuda::prepareFill(const DriverApi &api,
                                                const Queue &queue,
                                                uint64_t address, uint8_t value,
                                                size_t bytes) {
  return std::make_unique<PreparedFill>(api, queue, address, value, bytes);
}
