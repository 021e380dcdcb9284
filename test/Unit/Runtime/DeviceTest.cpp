//===- DeviceTest.cpp - What runs kernels ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeDevice.h"

#include "attn/Runtime/CudaDevice.h"
#include "attn/Runtime/HostTensor.h"

#include "gtest/gtest.h"

using namespace attn::runtime;

TEST(Device, BuffersReleaseTheirMemory) {
  FakeDevice device;
  {
    Buffer a = std::move(*device.allocate(16));
    Buffer b = std::move(a);
    EXPECT_EQ(a.address(), 0u); // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(b.size(), 16u);
    EXPECT_EQ(device.live.size(), 1u);
    Buffer c = std::move(*device.allocate(0));
    EXPECT_NE(c.address(), 0u);
    EXPECT_EQ(device.live.size(), 2u);
    b = std::move(c);
    EXPECT_EQ(device.live.size(), 1u);
    b.reset();
    EXPECT_TRUE(device.live.empty());
  }
  EXPECT_TRUE(device.live.empty());
}

/// A kernel over the rows of one tensor.
static CompiledKernel makeKernel() {
  CompiledKernel compiled;
  compiled.plan.kernel = "rows";
  compiled.plan.tensors = {{"x", ElementType::F32, {-1, 8}, true}};
  compiled.plan.instances = {{{Term::Kind::Size}}};
  compiled.plan.threadsPerBlock = 32;
  compiled.ptx = "ptx";
  return compiled;
}

TEST(Device, LaunchPlansAndStarts) {
  FakeDevice device;
  auto kernel = std::move(*device.load(makeKernel()));
  TensorArgument x{ElementType::F32, 16, {3, 8}, {8, 1}};
  ASSERT_FALSE(device.launch(*kernel, {x}).failed());
  ASSERT_EQ(device.launches.size(), 1u);
  EXPECT_EQ(device.launches[0].blocks, 3u);
}

/// A launch has its counter for itself until it is over.
TEST(Device, GivesEachLaunchACounter) {
  FakeDevice device;
  CompiledKernel compiled = makeKernel();
  compiled.plan.parameters.emplace_back().kind = KernelParameter::Kind::Counter;
  Kernel kernel(compiled.plan);
  ASSERT_FALSE(kernel.counters().allocate(device, compiled.plan, 2).failed());
  TensorArgument x{ElementType::F32, 16, {3, 8}, {8, 1}};
  for (int i = 0; i < 5; ++i)
    ASSERT_FALSE(device.launch(kernel, {x}).failed());
  auto first = std::get<uint64_t>(device.launches.back().parameters.back());
  EXPECT_EQ(*reinterpret_cast<uint32_t *>(first), 0u);

  auto within = [&](uint64_t counter) {
    EXPECT_EQ(counter, first);
    return kernel.counters().run([&](uint64_t other) {
      EXPECT_EQ(other, first + sizeof(uint32_t));
      return device.launch(kernel, {x});
    });
  };
  EXPECT_EQ(kernel.counters().run(within).message(),
            "expected at most 2 launches of kernel 'rows' at once or in "
            "graphs, got more; load the program again");
  EXPECT_FALSE(device.launch(kernel, {x}).failed());
}

TEST(Device, NothingIsStartedForNoInstances) {
  FakeDevice device;
  auto kernel = std::move(*device.load(makeKernel()));
  TensorArgument x{ElementType::F32, 16, {0, 8}, {8, 1}};
  ASSERT_FALSE(device.launch(*kernel, {x}).failed());
  EXPECT_TRUE(device.launches.empty());
}

TEST(Device, LaunchRefusesWhatThePlanRefuses) {
  FakeDevice device;
  auto kernel = std::move(*device.load(makeKernel()));
  EXPECT_EQ(device.launch(*kernel, {}).message(), "expected 1 tensors, got 0");
  EXPECT_TRUE(device.launches.empty());
}

TEST(Device, ACudaDeviceOpensOrSaysWhyNot) {
  Result<std::unique_ptr<Device>> device = openCudaDevice();
  if (device.failed()) {
    EXPECT_FALSE(device.message().empty());
    return;
  }
  std::vector<float> values = {1, 2, 3}, back(3);
  size_t bytes = values.size() * sizeof(float);
  Buffer buffer = std::move(*(*device)->allocate(bytes));
  ASSERT_FALSE(
      (*device)->copyToDevice(buffer.address(), values.data(), bytes).failed());
  ASSERT_FALSE(
      (*device)->copyFromDevice(back.data(), buffer.address(), bytes).failed());
  EXPECT_EQ(values, back);
  CompiledKernel broken = makeKernel();
  EXPECT_TRUE((*device)->load(broken).failed());
}
