//===- ExecutableTest.cpp - A program, loaded on a device -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Example.h"

#include "../Runtime/FakeDevice.h"
#include "attn/Runtime/Executable.h"
#include "attn/Runtime/HostTensor.h"

#include "gtest/gtest.h"

using namespace attn::runtime;

namespace {
class ExecutableTest : public testing::Test {
protected:
  void load() {
    auto loaded = Executable::load(device, bundle);
    ASSERT_FALSE(loaded.failed()) << loaded.message();
    executable = std::move(*loaded);
  }
  static std::vector<TensorArgument> tensorsOf(int64_t length) {
    return {{ElementType::BF16, 0x1000, {length, 64}, {64, 1}},
            {ElementType::BF16, 0x2000, {length, 64}, {64, 1}}};
  }
  std::string refusal(const std::vector<TensorArgument> &tensors,
                      const LaunchOptions &options = {}) {
    Status status = executable->launch(tensors, options);
    return status.failed() ? status.message() : "nothing refused";
  }

  FakeDevice device;
  Bundle bundle = exampleBundle();
  std::unique_ptr<Executable> executable;
};
} // namespace

TEST_F(ExecutableTest, LaunchesTheVariantWhoseGuardHolds) {
  load();
  EXPECT_TRUE(executable->isAssembled());
  EXPECT_EQ(*executable->variant(tensorsOf(1000)), 0u);
  EXPECT_EQ(*executable->workspaceBytes(tensorsOf(1000)), 0u);
  ASSERT_FALSE(executable->launch(tensorsOf(1000)).failed());
  ASSERT_EQ(device.launches.size(), 1u);
  const Launch &launch = device.launches[0];
  EXPECT_EQ(launch.blocks, 16u);
  EXPECT_FALSE(launch.dependent);
  EXPECT_EQ(std::get<uint64_t>(launch.parameters[1]), 0x2000u);
  EXPECT_EQ(std::get<int32_t>(launch.parameters[2]), 1000);
  EXPECT_EQ(std::get<uint64_t>(launch.parameters[3]), 128u);
}

TEST_F(ExecutableTest, ClearsAndBindsWorkspaces) {
  load();
  auto tensors = tensorsOf(1001);
  EXPECT_EQ(*executable->variant(tensors), 1u);
  // 4 multiprocessors x 64 floats, and 5 numbers rounded up.
  EXPECT_EQ(*executable->workspaceBytes(tensors), 1024u + 256u);
  Buffer workspace = std::move(*device.allocate(1280 + 256));
  uint64_t address = (workspace.address() + 255) / 256 * 256;
  ASSERT_FALSE(device.fill(address, 0xEE, 1280).failed());
  LaunchOptions options;
  options.workspace = address;
  options.workspaceBytes = 1280;
  ASSERT_FALSE(executable->launch(tensors, options).failed());
  ASSERT_EQ(device.launches.size(), 2u);
  EXPECT_EQ(std::get<uint64_t>(device.launches[0].parameters[1]), address);
  EXPECT_FALSE(device.launches[0].dependent);
  EXPECT_EQ(std::get<uint64_t>(device.launches[1].parameters[0]), 0x2000u);
  EXPECT_TRUE(device.launches[1].dependent);
  const auto *bytes = reinterpret_cast<const uint8_t *>(address);
  EXPECT_EQ(bytes[0], 0);
  EXPECT_EQ(bytes[1023], 0);
  EXPECT_EQ(bytes[1024], 0xEE);
}

TEST_F(ExecutableTest, LeavesOutLaunchesWhoseGuardIsZero) {
  bundle.targets[1].variants[0].launches.push_back(
      {0, {constantTerm(0)}, {0, 1}, false});
  load();
  ASSERT_FALSE(executable->launch(tensorsOf(10)).failed());
  EXPECT_EQ(device.launches.size(), 1u);
  device.launches.clear();
  ASSERT_FALSE(executable->launch(tensorsOf(0)).failed());
  EXPECT_TRUE(device.launches.empty());
}

TEST_F(ExecutableTest, RemembersRecentLaunches) {
  load();
  for (int round = 0; round < 2; ++round)
    for (int64_t length = 1; length <= 40; ++length) {
      ASSERT_FALSE(executable->launch(tensorsOf(length)).failed());
      ASSERT_FALSE(executable->launch(tensorsOf(length)).failed());
      const auto &launches = device.launches;
      for (size_t i = launches.size() - 2; i < launches.size(); ++i)
        EXPECT_EQ(std::get<int32_t>(launches[i].parameters[2]), length);
    }
  EXPECT_EQ(device.launches.size(), 160u);
  // What decides is every number, not their sequence.
  auto tensors = tensorsOf(40);
  tensors[0].address = 0x4000;
  ASSERT_FALSE(executable->launch(tensors).failed());
  const auto &map =
      std::get<TensorMapDescription>(device.launches.back().parameters[0]);
  EXPECT_EQ(map.address, 0x4000u);
}

TEST_F(ExecutableTest, RefusesTensors) {
  load();
  EXPECT_EQ(refusal({}), "expected 2 tensors, got 0");
  auto tensors = tensorsOf(5);
  tensors[0].elementType = ElementType::F16;
  EXPECT_EQ(refusal(tensors),
            "expected 'q' to have element type bf16, got f16");
  tensors = tensorsOf(5);
  tensors[1].shape[0] = 4;
  EXPECT_EQ(refusal(tensors),
            "expected size 0 of 'q' to equal size 0 of 'o', got 5 and 4");
  tensors = tensorsOf(5);
  tensors[0].address += 8;
  EXPECT_EQ(refusal(tensors),
            "expected the address of 'q' to be a multiple of 16, got 4104");
  tensors = tensorsOf(5);
  tensors[1].address += 1;
  EXPECT_EQ(refusal(tensors),
            "expected the address of 'o' to be a multiple of 16, got 8193");
  EXPECT_TRUE(device.launches.empty());
}

TEST_F(ExecutableTest, RefusesAnOutputThatOverlapsItself) {
  // A kernel that takes strides: both tensors through tensor maps.
  LaunchPlan &plan = bundle.targets[1].kernels[0].plan;
  plan.parameters.resize(1);
  plan.parameters.push_back(plan.parameters[0]);
  plan.parameters[1].tensor = 1;
  load();
  auto tensors = tensorsOf(5);
  for (int64_t stride : {0, 8, 56}) {
    tensors[1].strides[0] = stride;
    EXPECT_EQ(refusal(tensors).find(
                  "expected the elements of output 'o' not to overlap, got "
                  "stride "),
              0u);
  }
  // An input may, and so may an output of one row.
  tensors[1].strides[0] = 72;
  tensors[0].strides[0] = 0;
  EXPECT_EQ(refusal(tensors), "nothing refused");
  tensors = tensorsOf(1);
  tensors[1].strides[0] = 0;
  EXPECT_EQ(refusal(tensors), "nothing refused");
}

TEST_F(ExecutableTest, RefusesAWorkspace) {
  load();
  LaunchOptions options;
  options.workspaceBytes = 1279;
  EXPECT_EQ(refusal(tensorsOf(1001), options),
            "expected a workspace of 1280 bytes, got 1279");
  options.workspaceBytes = 1280;
  options.workspace = 128;
  EXPECT_EQ(refusal(tensorsOf(1001), options),
            "expected the address of the workspace to be a multiple of 256, "
            "got 128");
  bundle.targets[1].variants[1].workspaces[1].shape[0] = {constantTerm(-1)};
  load();
  EXPECT_EQ(executable->workspaceBytes(tensorsOf(1001)).message(),
            "expected the sizes of workspace 'scratch' to be 0 or more, got "
            "-1");
  bundle.targets[1].variants[1].workspaces[1].shape[0] = {
      constantTerm(int64_t(1) << 60)};
  load();
  EXPECT_EQ(executable->workspaceBytes(tensorsOf(1001)).message(),
            "workspace 'scratch': expected a size that fits in memory, got "
            "1152921504606846976");
}

TEST_F(ExecutableTest, RefusesAStreamOfADeviceWithoutStreams) {
  load();
  LaunchOptions options;
  options.stream = nullptr;
  EXPECT_EQ(refusal(tensorsOf(5), options),
            "expected no stream, for fake has none");
}

TEST_F(ExecutableTest, RefusesABundleForAnotherTarget) {
  bundle.targets.pop_back();
  EXPECT_EQ(Executable::load(device, bundle).message(),
            "expected a bundle for sm_90a, got one for sm_100a");
}

TEST_F(ExecutableTest, RefusesABundleThatDoesNotFit) {
  bundle.targets[1].kernels[0].ptx.clear();
  EXPECT_EQ(Executable::load(device, bundle).message(),
            "malformed bundle: expected the PTX of 'whole' to be text");
}

TEST_F(ExecutableTest, SaysWhatAnExpressionCannotCompute) {
  bundle.targets[1].variants[0].guard = {
      constantTerm(1), sizeTerm(0, 0), {Term::Kind::FloorDivide, 0, 0, 0}};
  load();
  EXPECT_EQ(refusal(tensorsOf(0)),
            "expected a positive divisor in an expression, got 0");
}
