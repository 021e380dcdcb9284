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

#include <set>

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

/// Launches may be under way at the same time; each kernel has counters of its
/// own, zero at the start.
TEST(Device, GivesEachLaunchACounter) {
  FakeDevice device;
  CompiledKernel compiled = makeKernel();
  Kernel without(compiled.plan);
  ASSERT_FALSE(without.allocateCounters(device).failed());
  EXPECT_EQ(without.takeCounter(), 0u);
  compiled.plan.parameters.emplace_back().kind = KernelParameter::Kind::Counter;
  Kernel kernel(compiled.plan);
  ASSERT_FALSE(kernel.allocateCounters(device).failed());
  TensorArgument x{ElementType::F32, 16, {3, 8}, {8, 1}};
  std::set<uint64_t> counters;
  for (uint32_t i = 0; i < Kernel::maxLaunches; ++i) {
    ASSERT_FALSE(device.launch(kernel, {x}).failed());
    auto address = std::get<uint64_t>(device.launches.back().parameters.back());
    EXPECT_EQ(*reinterpret_cast<uint32_t *>(address), 0u);
    EXPECT_TRUE(counters.insert(address).second);
  }
  EXPECT_EQ(kernel.takeCounter(), *counters.begin());
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
