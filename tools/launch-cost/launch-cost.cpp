//===- launch-cost.cpp - What a launch costs the host ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Launches the one kernel of a bundle on a GPU through the C and the C++
// interface of the runtime, and, for comparison, by the driver alone: the same
// kernel with the same parameters, and empty ones. Prints what a call of each
// costs the thread that makes it. Sizes that the program leaves open are 1.
//
//===----------------------------------------------------------------------===//

#include "CudaLaunch.h"

#include "attn-c/Runtime.h"
#include "attn/Runtime/Bundle.h"
#include "attn/Runtime/CudaDevice.h"
#include "attn/Runtime/Executable.h"
#include "attn/Runtime/HostTensor.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>

using namespace attn::runtime;
using namespace attn::runtime::cuda;

/// A queue of a GPU has room for a thousand launches or so. A batch does not
/// fill it, and its first call, which finds it empty, weighs little.
static constexpr int batchLaunches = 50;
static constexpr int batches = 201;

[[noreturn]] static void fail(const std::string &message) {
  std::fprintf(stderr, "launch-cost: error: %s\n", message.c_str());
  std::exit(1);
}

static void expect(const Status &status) {
  if (status.failed())
    fail(status.message());
}

template <typename T> static T expect(Result<T> result) {
  if (result.failed())
    fail(result.message());
  return std::move(*result);
}

static void expect(AttnError *error) {
  if (error)
    fail(attnErrorBorrowMessage(error));
}

namespace {
/// A kernel with what it is launched with, for the driver alone.
struct BareLaunch {
  CUlaunchConfig config = {};
  CUlaunchAttribute cluster = {};
  CUfunction function = nullptr;
  std::vector<CUtensorMap> maps;
  /// Whose values the pointers lead to.
  Launch launch;
  uint64_t counter = 0;
  std::vector<void *> pointers;
  /// The same values side by side, and the list that says so.
  std::vector<uint8_t> block;
  size_t blockBytes = 0;
  std::array<void *, 5> extra = {};
};

/// The driver, a stream, and the program by all ways that lead to it.
class Session {
public:
  explicit Session(const std::string &path);
  void run();

private:
  void allocateTensors();
  void describeTensors();
  CUfunction load(const CompiledKernel &compiled);
  void prepareBare(const CompiledKernel &compiled);
  void packParameters();
  CUfunction loadEmpty(const LaunchPlan &plan, bool withParameters);
  void measureLaunches();
  void measureParts();
  void measure(
      const std::vector<std::pair<std::string, std::function<int()>>> &cases);
  void check(CUresult result, const char *attempt) {
    expect(api.check(result, attempt));
  }

  std::string bytes;
  Bundle bundle;
  DriverApi api = {};
  std::unique_ptr<Device> device;
  std::unique_ptr<Executable> executable;
  AttnDevice *deviceC = nullptr;
  AttnExecutable *executableC = nullptr;
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  std::vector<Buffer> buffers;
  std::vector<TensorArgument> tensors;
  std::vector<AttnDLTensor> tensorsC;
  std::vector<const AttnDLTensor *> pointersC;
  BareLaunch bare;
};
} // namespace

static AttnDLDataType typeOf(ElementType type) {
  auto bits = static_cast<uint8_t>(8 * elementSize(type));
  switch (type) {
  case ElementType::BF16:
    return {ATTN_DL_BFLOAT, bits, 1};
  case ElementType::F16:
  case ElementType::F32:
    return {ATTN_DL_FLOAT, bits, 1};
  case ElementType::I1:
    return {ATTN_DL_BOOL, bits, 1};
  default:
    return {ATTN_DL_INT, bits, 1};
  }
}

Session::Session(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  bytes.assign(std::istreambuf_iterator<char>(file), {});
  bundle = expect(readBundle(bytes));
  api = expect(DriverApi::open());
  device = expect(openCudaDevice());
  executable = expect(Executable::load(*device, bundle));
  expect(attnDeviceCreateCuda(0, &deviceC));
  expect(
      attnExecutableCreate(deviceC, bytes.data(), bytes.size(), &executableC));
  check(api.cuDevicePrimaryCtxRetain(&context, 0), "use the GPU");
  check(api.cuCtxPushCurrent(context), "use the GPU");
  check(api.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), "make a stream");
  std::printf("device: %s\n", device->name().c_str());
}

void Session::allocateTensors() {
  for (const TensorSpec &spec : executable->signature().tensors) {
    TensorArgument tensor;
    tensor.elementType = spec.elementType;
    for (int64_t size : spec.shape)
      tensor.shape.push_back(size < 0 ? 1 : size);
    tensor.strides = rowMajorStrides(tensor.shape);
    size_t size = expect(byteSize(tensor.shape, elementSize(spec.elementType)));
    buffers.push_back(expect(device->allocate(size)));
    tensor.address = buffers.back().address();
    expect(device->fill(tensor.address, 0, size));
    tensors.push_back(std::move(tensor));
  }
  expect(device->synchronize());
}

void Session::describeTensors() {
  for (TensorArgument &tensor : tensors) {
    AttnDLTensor described = {};
    described.data = reinterpret_cast<void *>(tensor.address);
    described.device = {ATTN_DL_CUDA, 0};
    described.ndim = static_cast<int32_t>(tensor.shape.size());
    described.dtype = typeOf(tensor.elementType);
    described.shape = tensor.shape.data();
    described.strides = tensor.strides.data();
    tensorsC.push_back(described);
  }
  for (const AttnDLTensor &tensor : tensorsC)
    pointersC.push_back(&tensor);
}

CUfunction Session::load(const CompiledKernel &compiled) {
  const void *image = compiled.ptx.c_str();
  if (!compiled.cubin.empty())
    image = compiled.cubin.data();
  CUmodule module = nullptr;
  CUfunction function = nullptr;
  check(api.cuModuleLoadDataEx(&module, image, 0, nullptr, nullptr),
        "load a kernel");
  check(
      api.cuModuleGetFunction(&function, module, compiled.plan.kernel.c_str()),
      "find a kernel");
  if (compiled.plan.sharedMemoryBytes > 0)
    check(api.cuFuncSetAttribute(
              function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
              static_cast<int>(compiled.plan.sharedMemoryBytes)),
          "set the shared memory of a kernel");
  return function;
}

/// As the runtime launches it.
void Session::prepareBare(const CompiledKernel &compiled) {
  bare.function = load(compiled);
  bare.launch =
      expect(planLaunch(compiled.plan, tensors, device->multiprocessors()));
  buffers.push_back(expect(device->allocate(sizeof(uint32_t))));
  bare.counter = buffers.back().address();
  expect(device->fill(bare.counter, 0, sizeof(uint32_t)));
  expect(device->synchronize());
  bare.maps.resize(bare.launch.parameters.size());
  for (size_t i = 0; i < bare.launch.parameters.size(); ++i) {
    ParameterValue &value = bare.launch.parameters[i];
    if (auto *map = std::get_if<TensorMapDescription>(&value)) {
      expect(encodeTensorMap(api, *map, bare.maps[i]));
      bare.pointers.push_back(&bare.maps[i]);
    } else if (auto *address = std::get_if<uint64_t>(&value)) {
      bool counts = bare.launch.counterParameter == i;
      bare.pointers.push_back(counts ? &bare.counter : address);
    } else {
      bare.pointers.push_back(std::get_if<int32_t>(&value));
    }
  }
  CUlaunchConfig &config = bare.config;
  config.gridX = bare.launch.blocks;
  config.blockX = bare.launch.threadsPerBlock;
  config.gridY = config.gridZ = config.blockY = config.blockZ = 1;
  config.sharedBytes = bare.launch.sharedMemoryBytes;
  config.stream = stream;
  config.attributes = &bare.cluster;
  if (bare.launch.clusterBlocks > 1) {
    bare.cluster = {CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION,
                    0,
                    {bare.launch.clusterBlocks, 1, 1}};
    config.attributeCount = 1;
  }
}

/// Lays the parameters out as the kernel finds them.
void Session::packParameters() {
  for (size_t i = 0; i < bare.pointers.size(); ++i) {
    const ParameterValue &value = bare.launch.parameters[i];
    size_t size = sizeof(int32_t), alignment = size;
    if (std::holds_alternative<TensorMapDescription>(value)) {
      size = sizeof(CUtensorMap);
      alignment = 64;
    } else if (std::holds_alternative<uint64_t>(value)) {
      size = alignment = sizeof(uint64_t);
    }
    size_t begin = (bare.block.size() + alignment - 1) / alignment * alignment;
    bare.block.resize(begin + size);
    std::memcpy(bare.block.data() + begin, bare.pointers[i], size);
  }
  bare.blockBytes = bare.block.size();
  // CU_LAUNCH_PARAM_BUFFER_POINTER, _BUFFER_SIZE and _END.
  bare.extra = {reinterpret_cast<void *>(1), bare.block.data(),
                reinterpret_cast<void *>(2), &bare.blockBytes, nullptr};
}

/// A kernel that does nothing, with the parameters of `plan` or with none.
CUfunction Session::loadEmpty(const LaunchPlan &plan, bool withParameters) {
  std::string parameters;
  for (size_t i = 0; withParameters && i < plan.parameters.size(); ++i) {
    std::string name = "p" + std::to_string(i);
    parameters += i == 0 ? "" : ", ";
    switch (plan.parameters[i].kind) {
    case KernelParameter::Kind::TensorMap:
      parameters += ".param .align 64 .b8 " + name + "[128]";
      break;
    case KernelParameter::Kind::Size:
      parameters += ".param .b32 " + name;
      break;
    default:
      parameters += ".param .b64 " + name;
      break;
    }
  }
  CompiledKernel empty;
  empty.plan.kernel = "empty";
  empty.plan.sharedMemoryBytes = plan.sharedMemoryBytes;
  empty.ptx = ".version 8.0\n.target sm_90\n.address_size 64\n"
              ".visible .entry empty(" +
              parameters + ") { ret; }\n";
  return load(empty);
}

/// Times batches of each case in turn, so that whatever else goes on touches
/// all alike. A case returns something other than 0 when it has failed.
void Session::measure(
    const std::vector<std::pair<std::string, std::function<int()>>> &cases) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::vector<double>> times(cases.size());
  for (int batch = 0; batch < batches; ++batch)
    for (size_t i = 0; i < cases.size(); ++i) {
      const auto &[name, call] = cases[i];
      auto begin = Clock::now();
      int failures = 0;
      for (int launch = 0; launch < batchLaunches; ++launch)
        failures += call() != 0;
      std::chrono::duration<double, std::micro> time = Clock::now() - begin;
      times[i].push_back(time.count() / batchLaunches);
      if (failures > 0)
        fail(name + " has failed");
      check(api.cuStreamSynchronize(stream), "finish");
    }
  for (size_t i = 0; i < cases.size(); ++i) {
    std::sort(times[i].begin(), times[i].end());
    std::printf("%-44s %6.2f us, at best %.2f us\n",
                (cases[i].first + ":").c_str(), times[i][batches / 2],
                times[i].front());
  }
}

void Session::measureLaunches() {
  const CompiledKernel &compiled = bundle.targets.front().kernels.front();
  CUfunction empty = loadEmpty(compiled.plan, /*withParameters=*/false);
  CUfunction same = loadEmpty(compiled.plan, /*withParameters=*/true);
  CUlaunchConfig single = bare.config;
  single.attributeCount = 0;
  single.gridX = 1;
  LaunchOptions options;
  options.stream = stream;
  auto launch = [this](const CUlaunchConfig &config, CUfunction function) {
    return api.cuLaunchKernelEx(&config, function, bare.pointers.data(),
                                nullptr);
  };
  measure({
      {"driver, an empty kernel", [&] { return launch(single, empty); }},
      {"driver, an empty kernel with our parameters",
       [&] { return launch(single, same); }},
      {"driver, our kernel",
       [&] { return launch(bare.config, bare.function); }},
      {"driver, our kernel, parameters in one block",
       [&] {
         return api.cuLaunchKernelEx(&bare.config, bare.function, nullptr,
                                     bare.extra.data());
       }},
      {"C++ interface",
       [&] { return int(executable->launch(tensors, options).failed()); }},
      {"C interface",
       [&] {
         return int(attnExecutableLaunch(executableC, pointersC.data(),
                                         pointersC.size(), stream, nullptr,
                                         0) != nullptr);
       }},
  });
}

/// What else a launch may ask of the driver.
void Session::measureParts() {
  measure({
      {"cuCtxGetCurrent",
       [&] {
         CUcontext current = nullptr;
         return api.cuCtxGetCurrent(&current);
       }},
      {"cuCtxPushCurrent and cuCtxPopCurrent",
       [&] {
         CUcontext popped = nullptr;
         return api.cuCtxPushCurrent(context) + api.cuCtxPopCurrent(&popped);
       }},
      {"cuStreamIsCapturing",
       [&] {
         int status = 0;
         return api.cuStreamIsCapturing(stream, &status);
       }},
      {"cuStreamGetId",
       [&] {
         unsigned long long id = 0;
         return api.cuStreamGetId(stream, &id);
       }},
      {"cuTensorMapEncodeTiled",
       [&] {
         const auto *map =
             std::get_if<TensorMapDescription>(&bare.launch.parameters[0]);
         CUtensorMap encoded;
         return map ? int(encodeTensorMap(api, *map, encoded).failed()) : 0;
       }},
  });
}

void Session::run() {
  const TargetProgram &target = bundle.targets.front();
  const Variant &variant = target.variants.front();
  if (target.variants.size() != 1 || variant.launches.size() != 1 ||
      !variant.workspaces.empty() || target.target != device->target())
    fail("expected a bundle of one kernel for " + device->target());
  allocateTensors();
  describeTensors();
  prepareBare(target.kernels.front());
  packParameters();
  std::printf("a kernel of %zu parameters, %s a counter\n",
              bare.pointers.size(),
              bare.launch.counterParameter ? "with" : "without");
  measureLaunches();
  measureParts();
  attnExecutableDestroy(executableC);
  attnDeviceDestroy(deviceC);
}

int main(int argc, char **argv) {
  if (argc != 2)
    fail("expected a bundle");
  Session(argv[1]).run();
}
