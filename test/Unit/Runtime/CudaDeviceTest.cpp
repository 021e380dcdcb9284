//===- CudaDeviceTest.cpp - A GPU behind a fake driver --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/CudaDevice.h"
#include "attn/Runtime/Float.h"

#include "FakeDriver.h"

#include "gtest/gtest.h"

#include <dlfcn.h>

using namespace attn::runtime;

namespace {
class CudaDeviceTest : public testing::Test {
protected:
  CudaDeviceTest() : driver(*find<FakeDriver *>("fakeDriver")) {
    driver = FakeDriver();
    compiled.plan.kernel = "attn";
    compiled.plan.tensors = {{"q", ElementType::BF16, {-1, 64}, false},
                             {"lse", ElementType::F32, {-1}, true}};
    KernelParameter map, pointer, size;
    map.kind = KernelParameter::Kind::TensorMap;
    map.swizzle = Swizzle::B128;
    map.mapDims = {{1, 64, 1, 64}, {0, -1, 1, 128}};
    pointer.kind = KernelParameter::Kind::Pointer;
    pointer.tensor = 1;
    compiled.plan.parameters = {map, pointer, size};
    compiled.plan.instances = {{{Term::Kind::Size},
                                {Term::Kind::Constant, 128},
                                {Term::Kind::CeilDivide}}};
    compiled.plan.threadsPerBlock = 384;
    compiled.plan.sharedMemoryBytes = 200000;
    compiled.ptx = "// ptx";
    driver.parameterCount = 3;
  }
  // Whatever a test does, everything is given back.
  ~CudaDeviceTest() override {
    EXPECT_TRUE(driver.live.empty());
    EXPECT_EQ(find<int>("fakeContextDepth"), 0);
  }

  /// The result of a function that the fake driver exports.
  template <typename T> static T find(const char *name) {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    return reinterpret_cast<T (*)()>(dlsym(library, name))();
  }

  static std::unique_ptr<Device> open() { return std::move(*openCudaDevice()); }
  std::string openRefusal(const std::string &entryPoint) {
    driver.failing = entryPoint;
    Result<std::unique_ptr<Device>> device = openCudaDevice();
    return device.failed() ? device.message() : "nothing refused";
  }
  std::string loadRefusal(const std::string &entryPoint) {
    std::unique_ptr<Device> device = open();
    driver.failing = entryPoint;
    Result<std::unique_ptr<Kernel>> kernel = device->load(compiled);
    return kernel.failed() ? kernel.message() : "nothing refused";
  }
  /// Runs `action` while `entryPoint` fails, which it must report.
  void refuses(const std::string &entryPoint, const std::string &message,
               const std::function<Status()> &action) {
    driver.failing = entryPoint;
    Status status = action();
    driver.failing.clear();
    ASSERT_TRUE(status.failed()) << entryPoint;
    EXPECT_EQ(status.message(),
              "cannot " + message + ": out of memory (CUDA error 2)");
  }

  FakeDriver &driver;
  CompiledKernel compiled;
};
} // namespace

TEST_F(CudaDeviceTest, Opens) {
  std::unique_ptr<Device> device = open();
  EXPECT_EQ(device->name(), "Fake H200");
  EXPECT_EQ(device->multiprocessors(), 132u);
}

TEST_F(CudaDeviceTest, SaysWhyItDoesNotOpen) {
  driver.version = 11080;
  EXPECT_EQ(openRefusal(""),
            "expected a CUDA driver of version 12.0 or newer, got 11.8");
  EXPECT_EQ(openRefusal("cuDriverGetVersion"),
            "cannot read the version of the CUDA driver");
  driver.version = 13000;
  EXPECT_EQ(openRefusal("cuInit"), "cannot initialise the CUDA driver: out of "
                                   "memory (CUDA error 2)");
  EXPECT_EQ(openRefusal("cuDeviceGetCount"),
            "cannot count the GPUs: out of memory (CUDA error 2)");
  for (const char *name :
       {"cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute"})
    EXPECT_EQ(openRefusal(name),
              "cannot identify the GPU: out of memory (CUDA error 2)");
  for (const char *name :
       {"cuDevicePrimaryCtxRetain", "cuCtxPushCurrent", "cuStreamCreate"})
    EXPECT_EQ(openRefusal(name),
              "cannot open Fake H200: out of memory (CUDA error 2)");
  driver.deviceCount = 0;
  EXPECT_EQ(openRefusal(""), "the CUDA driver sees no GPU");
  driver.deviceCount = 1;
  driver.major = 8;
  EXPECT_EQ(openRefusal(""), "expected a GPU of compute capability 9.0, got "
                             "8.0 (Fake H200)");
}

TEST_F(CudaDeviceTest, MovesMemory) {
  std::unique_ptr<Device> device = open();
  std::vector<uint8_t> values = {1, 2, 3}, back(3);
  Buffer buffer = std::move(*device->allocate(3));
  ASSERT_FALSE(
      device->copyToDevice(buffer.address(), values.data(), 3).failed());
  ASSERT_FALSE(
      device->copyFromDevice(back.data(), buffer.address(), 3).failed());
  EXPECT_EQ(back, values);
  ASSERT_FALSE(device->fill(buffer.address(), 0xFF, 2).failed());
  ASSERT_FALSE(
      device->copyFromDevice(back.data(), buffer.address(), 3).failed());
  EXPECT_EQ(back, (std::vector<uint8_t>{0xFF, 0xFF, 3}));

  Buffer empty = std::move(*device->allocate(0));
  EXPECT_NE(empty.address(), 0u);
  EXPECT_FALSE(device->fill(empty.address(), 1, 0).failed());
  EXPECT_FALSE(device->copyToDevice(empty.address(), nullptr, 0).failed());
  EXPECT_FALSE(device->copyFromDevice(nullptr, empty.address(), 0).failed());
}

TEST_F(CudaDeviceTest, ReportsWhatMemoryCannot) {
  std::unique_ptr<Device> device = open();
  Buffer buffer = std::move(*device->allocate(4));
  uint32_t value = 0;
  refuses("cuMemAlloc", "allocate 7 bytes on the GPU", [&]() -> Status {
    Result<Buffer> more = device->allocate(7);
    return more.failed() ? Status(more.error()) : Status();
  });
  refuses("cuMemcpyHtoDAsync", "copy to the GPU",
          [&] { return device->copyToDevice(buffer.address(), &value, 4); });
  refuses("cuStreamSynchronize", "copy from the GPU",
          [&] { return device->copyFromDevice(&value, buffer.address(), 4); });
  refuses("cuMemsetD8Async", "fill memory of the GPU",
          [&] { return device->fill(buffer.address(), 0, 4); });
}

TEST_F(CudaDeviceTest, Launches) {
  std::unique_ptr<Device> device = open();
  auto kernel = std::move(*device->load(compiled));
  EXPECT_EQ(driver.sharedLimit, 200000);
  TensorArgument q{ElementType::BF16, 0x1000, {1000, 64}, {64, 1}};
  TensorArgument lse{ElementType::F32, 0x2000, {1000}, {1}};
  ASSERT_FALSE(device->launch(*kernel, {q, lse}).failed());
  ASSERT_FALSE(device->synchronize().failed());

  ASSERT_EQ(driver.launches.size(), 1u);
  const FakeDriver::Launch &launch = driver.launches[0];
  EXPECT_EQ(launch.grid, 8u);
  EXPECT_EQ(launch.block, 384u);
  EXPECT_EQ(launch.shared, 200000u);
  // The tensor map itself, at an address that a parameter may have.
  EXPECT_EQ(launch.parameters[0][0], 0x5A5A5A5Au);
  EXPECT_EQ(launch.parameters[0][1] % 64, 0u);
  EXPECT_EQ(launch.parameters[1][0], 0x2000u);
  EXPECT_EQ(launch.parameters[2][0], 1000u);

  ASSERT_EQ(driver.maps.size(), 1u);
  const FakeDriver::TensorMap &map = driver.maps[0];
  EXPECT_EQ(map.type, 9);
  EXPECT_EQ(map.swizzle, 3);
  EXPECT_EQ(map.promotion, 2);
  EXPECT_EQ(map.address, 0x1000u);
  EXPECT_EQ(map.extents, (std::vector<uint64_t>{64, 1000}));
  EXPECT_EQ(map.strides, std::vector<uint64_t>{128});
  EXPECT_EQ(map.box, (std::vector<uint32_t>{64, 128}));
}

TEST_F(CudaDeviceTest, EncodesMapsOfOneDimension) {
  KernelParameter &map = compiled.plan.parameters[0];
  map.tensor = 1;
  map.swizzle = Swizzle::None;
  map.mapDims = {{0, -1, 1, 64}};
  std::unique_ptr<Device> device = open();
  auto kernel = std::move(*device->load(compiled));
  ASSERT_FALSE(
      device
          ->launch(*kernel, {{ElementType::BF16, 0x1000, {1000, 64}, {64, 1}},
                             {ElementType::F32, 0x2000, {1000}, {1}}})
          .failed());
  ASSERT_EQ(driver.maps.size(), 1u);
  EXPECT_EQ(driver.maps[0].extents, std::vector<uint64_t>{1000});
  EXPECT_EQ(driver.maps[0].box, std::vector<uint32_t>{64});
}

TEST_F(CudaDeviceTest, LaunchesClusters) {
  compiled.plan.clusterBlocks = 2;
  std::unique_ptr<Device> device = open();
  auto kernel = std::move(*device->load(compiled));
  auto launch = [&] {
    return device->launch(*kernel,
                          {{ElementType::BF16, 0x1000, {1000, 64}, {64, 1}},
                           {ElementType::F32, 0x2000, {1000}, {1}}});
  };
  ASSERT_FALSE(launch().failed());
  ASSERT_EQ(driver.launches.size(), 1u);
  EXPECT_EQ(driver.launches[0].cluster, 2u);
  EXPECT_EQ(driver.launches[0].grid % 2, 0u);
  EXPECT_EQ(driver.launches[0].block, compiled.plan.threadsPerBlock);
  EXPECT_EQ(driver.launches[0].shared, compiled.plan.sharedMemoryBytes);
  refuses("cuLaunchKernel", "launch kernel 'attn'", launch);
}

TEST_F(CudaDeviceTest, EncodesEveryTypeAndSwizzle) {
  std::unique_ptr<Device> device = open();
  std::tuple<ElementType, Swizzle, int, int> cases[] = {
      {ElementType::F16, Swizzle::None, 6, 0},
      {ElementType::F32, Swizzle::B32, 7, 1},
      {ElementType::BF16, Swizzle::B64, 9, 2}};
  for (auto [type, swizzle, expectedType, expectedSwizzle] : cases) {
    compiled.plan.tensors[0].elementType = type;
    compiled.plan.parameters[0].swizzle = swizzle;
    // The rows of the box are as wide as the swizzle.
    if (swizzle != Swizzle::None)
      compiled.plan.parameters[0].mapDims[0].box =
          static_cast<int64_t>(swizzle) / elementSize(type);
    auto kernel = std::move(*device->load(compiled));
    TensorArgument q{type, 0x1000, {1000, 64}, {64, 1}};
    TensorArgument lse{ElementType::F32, 0x2000, {1000}, {1}};
    ASSERT_FALSE(device->launch(*kernel, {q, lse}).failed());
    EXPECT_EQ(driver.maps.back().type, expectedType);
    EXPECT_EQ(driver.maps.back().swizzle, expectedSwizzle);
  }
}

TEST_F(CudaDeviceTest, ReportsWhatCannotBeLaunched) {
  std::unique_ptr<Device> device = open();
  auto kernel = std::move(*device->load(compiled));
  auto launch = [&] {
    return device->launch(*kernel,
                          {{ElementType::BF16, 0x1000, {1, 64}, {64, 1}},
                           {ElementType::F32, 0x2000, {1}, {1}}});
  };
  refuses("cuTensorMapEncodeTiled", "encode a tensor map", launch);
  refuses("cuLaunchKernel", "launch kernel 'attn'", launch);
  refuses("cuStreamSynchronize", "finish the work",
          [&] { return device->synchronize(); });
}

TEST_F(CudaDeviceTest, ReportsWhatCannotBeLoaded) {
  driver.compilerLog = "ptxas fatal: unsupported version";
  EXPECT_EQ(loadRefusal("cuModuleLoadDataEx"),
            "cannot compile the PTX of kernel 'attn' with CUDA driver 13.0: "
            "out of memory (CUDA error 2)\nptxas fatal: unsupported version");
  driver.failing.clear();
  driver.compilerLog.clear();
  compiled.cubin = {1, 2, 3};
  EXPECT_EQ(loadRefusal("cuModuleLoadDataEx"),
            "cannot load the binary of kernel 'attn' with CUDA driver 13.0: "
            "out of memory (CUDA error 2)");
  driver.failing.clear();
  EXPECT_EQ(loadRefusal("cuModuleGetFunction"),
            "cannot find kernel 'attn' in its module: out of memory (CUDA "
            "error 2)");
  driver.failing.clear();
  EXPECT_EQ(loadRefusal("cuFuncSetAttribute"),
            "cannot give kernel 'attn' 200000 bytes of shared memory: out of "
            "memory (CUDA error 2)");
}

TEST_F(CudaDeviceTest, ReportsAnUnknownError) {
  std::unique_ptr<Device> device = open();
  driver.wordless = true;
  driver.failing = "cuStreamSynchronize";
  EXPECT_EQ(device->synchronize().message(),
            "cannot finish the work: unknown error (CUDA error 2)");
}

TEST_F(CudaDeviceTest, RecordsAndReplays) {
  std::unique_ptr<Device> device = open();
  auto kernel = std::move(*device->load(compiled));
  auto launch = [&] {
    return device->launch(*kernel,
                          {{ElementType::BF16, 0x1000, {1, 64}, {64, 1}},
                           {ElementType::F32, 0x2000, {1}, {1}}});
  };
  auto recording = std::move(*device->record(launch, 5));
  EXPECT_EQ(driver.captured, 5u);
  EXPECT_EQ(driver.replays, 0u);
  EXPECT_EQ(*recording->replay(), 2.5);
  EXPECT_EQ(driver.replays, 1u);
  for (const char *name : {"cuEventRecord", "cuGraphLaunch",
                           "cuStreamSynchronize", "cuEventElapsedTime"})
    refuses(name, "replay a graph", [&]() -> Status {
      Result<double> time = recording->replay();
      return time.failed() ? Status(time.error()) : Status();
    });

  auto record = [&]() -> Status {
    auto failed = device->record(launch, 1);
    return failed.failed() ? Status(failed.error()) : Status();
  };
  refuses("cuStreamBeginCapture", "record a graph", record);
  refuses("cuStreamEndCapture", "record a graph", record);
  refuses("cuLaunchKernel", "launch kernel 'attn'", record);
  refuses("cuEventCreate", "create an event", record);
  refuses("cuGraphInstantiate", "instantiate a graph", record);
}

TEST_F(CudaDeviceTest, OpensAGpuByItsNumber) {
  driver.deviceCount = 2;
  EXPECT_FALSE(openCudaDevice(1).failed());
  EXPECT_EQ(openCudaDevice(2).message(), "expected a GPU from 0 to 1, got 2");
  EXPECT_EQ(openCudaDevice(-1).message(), "expected a GPU from 0 to 1, got -1");
}

TEST_F(CudaDeviceTest, StartsPreparedWorkOnAnyStream) {
  std::unique_ptr<Device> device = open();
  EXPECT_TRUE(device->hasStreams());
  auto kernel = std::move(*device->load(compiled));
  Launch launch = *planLaunch(compiled.plan,
                              {{ElementType::BF16, 0x1000, {1, 64}, {64, 1}},
                               {ElementType::F32, 0x2000, {1}, {1}}},
                              132);
  launch.dependent = true;
  auto work = std::move(*device->prepare(*kernel, launch));
  Stream stream = &launch;
  ASSERT_FALSE(work->start(stream).failed());
  // The legacy stream is not the device's own.
  ASSERT_FALSE(work->start(Stream(nullptr)).failed());
  ASSERT_FALSE(work->start(std::nullopt).failed());
  ASSERT_EQ(driver.launches.size(), 3u);
  EXPECT_EQ(driver.launches[0].stream, stream);
  EXPECT_TRUE(driver.launches[0].dependent);
  EXPECT_EQ(driver.launches[1].stream, nullptr);
  EXPECT_NE(driver.launches[2].stream, nullptr);
  // Encoded once.
  EXPECT_EQ(driver.maps.size(), 1u);

  uint32_t memory = 0;
  auto fill = std::move(*device->prepareFill(
      reinterpret_cast<uint64_t>(&memory), 0xAB, sizeof(memory)));
  ASSERT_FALSE(fill->start(stream).failed());
  EXPECT_EQ(memory, 0xABABABABu);
  EXPECT_EQ(driver.fills.back().stream, stream);
}

TEST_F(CudaDeviceTest, MultipliesMatrices) {
  std::unique_ptr<Device> device = open();
  {
    Result<Work> product = device->matrixProduct(64);
    ASSERT_FALSE(product.failed()) << product.message();
    EXPECT_FALSE((*product)().failed());
    EXPECT_EQ(driver.products, 1u);
    driver.failing = "cublasLtMatmul";
    EXPECT_EQ((*product)().message(),
              "cannot start a product with cuBLASLt: fake status");
  }
  for (const char *name :
       {"cublasLtCreate", "cublasLtMatmulDescCreate",
        "cublasLtMatrixLayoutCreate", "cublasLtMatmulPreferenceCreate"}) {
    driver.failing = name;
    EXPECT_EQ(device->matrixProduct(64).message(),
              "cannot set up a product with cuBLASLt: fake status");
  }
  driver.failing = "heuristic";
  EXPECT_EQ(device->matrixProduct(64).message(),
            "cannot set up a product: cuBLASLt knows no algorithm");
  driver.failing = "cuMemAlloc";
  EXPECT_EQ(device->matrixProduct(64).message(),
            "cannot allocate 8192 bytes on the GPU: out of memory (CUDA error "
            "2)");
  driver.failing.clear();
}
