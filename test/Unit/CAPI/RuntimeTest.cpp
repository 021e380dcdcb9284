//===- RuntimeTest.cpp - The runtime's C interface ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn-c/Runtime.h"

#include "../Bundle/Example.h"
#include "../Runtime/FakeDriver.h"
#include "attn/Export/BundleWriter.h"

#include "gtest/gtest.h"

#include <dlfcn.h>
#include <thread>

using namespace attn::runtime;

namespace {

/// Copies `count` words.
const char *const copyText = R"(.version 8.6
.target sm_90a
.address_size 64
.visible .entry copy(.param .u64 from, .param .u64 to, .param .u32 count)
{
  .reg .b32 %r<8>;
  .reg .b64 %d<8>;
  .reg .pred %p<2>;
  ld.param.u64 %d0, [from];
  ld.param.u64 %d1, [to];
  ld.param.u32 %r0, [count];
  mov.u32 %r1, %tid.x;
  griddepcontrol.wait;
NEXT:
  setp.ge.s32 %p1, %r1, %r0;
  @%p1 bra DONE;
  mul.wide.u32 %d2, %r1, 4;
  add.s64 %d3, %d0, %d2;
  add.s64 %d4, %d1, %d2;
  ld.global.b32 %r2, [%d3];
  st.global.b32 [%d4], %r2;
  add.s32 %r1, %r1, 32;
  bra NEXT;
DONE:
  ret;
}
)";

/// y[n] = x[n], through a workspace where n is more than 100.
std::string copyBundle() {
  CompiledKernel kernel;
  kernel.plan.kernel = "copy";
  kernel.plan.tensors = {{"from", ElementType::F32, {-1}, false},
                         {"to", ElementType::F32, {-1}, true}};
  KernelParameter from, to, count;
  from.kind = to.kind = KernelParameter::Kind::Pointer;
  to.tensor = 1;
  kernel.plan.parameters = {from, to, count};
  kernel.plan.threadsPerBlock = 32;
  kernel.plan.awaitsPrevious = true;
  kernel.plan.equalSizes = {{{0, 0}, {1, 0}}};
  kernel.ptx = copyText;
  Bundle bundle;
  bundle.signature = {"copy", kernel.plan.tensors, kernel.plan.equalSizes};
  bundle.signature.tensors[0].name = "x";
  bundle.signature.tensors[1].name = "y";
  Variant small, large;
  small.guard = {
      sizeTerm(0, 0), constantTerm(100), {Term::Kind::LessEqual, 0, 0, 0}};
  small.launches = {{0, {}, {0, 1}, false}};
  large.workspaces = {{"between", ElementType::F32, {{sizeTerm(0, 0)}}, 0}};
  large.launches = {{0, {}, {0, 2}, false}, {0, {}, {2, 1}, true}};
  bundle.targets = {{"sm_90a", {kernel}, {small, large}}};
  return mlir::attn::writeBundle(bundle);
}

/// A tensor with its shape, as a framework would hand it over.
struct Tensor {
  explicit Tensor(std::vector<float> values)
      : values(std::move(values)), shape{int64_t(this->values.size())} {
    tensor = {this->values.data(),
              {ATTN_DL_CPU, 0},
              1,
              {ATTN_DL_FLOAT, 32, 1},
              shape,
              nullptr,
              0};
  }
  std::vector<float> values;
  int64_t shape[1];
  int64_t strides[1] = {1};
  AttnDLTensor tensor;
};

std::vector<float> counting(size_t size) {
  std::vector<float> values(size);
  for (size_t i = 0; i < size; ++i)
    values[i] = static_cast<float>(i) + 0.5f;
  return values;
}

/// The message of an error, which is given back.
std::string take(AttnError *error) {
  std::string message = error ? attnErrorBorrowMessage(error) : "no error";
  attnErrorDestroy(error);
  return message;
}

class RuntimeTest : public testing::Test {
protected:
  void loadOnEmulator() {
    AttnDevice *device = nullptr;
    ASSERT_EQ(take(attnDeviceCreateEmulator(1, true, &device)), "no error");
    EXPECT_STREQ(attnDeviceBorrowName(device),
                 "emulator of PTX on the CPU, with hazard checks");
    load(device);
  }
  void load(AttnDevice *device) {
    std::string bundle = copyBundle();
    ASSERT_EQ(take(attnExecutableCreate(device, bundle.data(), bundle.size(),
                                        &executable)),
              "no error");
    // The executable keeps it.
    attnDeviceDestroy(device);
  }
  std::string launch(const Tensor &x, const Tensor &y, void *stream = nullptr,
                     void *workspace = nullptr, size_t bytes = 0) {
    const AttnDLTensor *tensors[] = {&x.tensor, &y.tensor};
    return take(
        attnExecutableLaunch(executable, tensors, 2, stream, workspace, bytes));
  }
  ~RuntimeTest() override { attnExecutableDestroy(executable); }

  AttnExecutable *executable = nullptr;
};

} // namespace

TEST_F(RuntimeTest, HasAVersion) {
  EXPECT_EQ(attnRuntimeApiVersion(), uint32_t(ATTN_RUNTIME_API_VERSION));
}

TEST_F(RuntimeTest, DescribesAProgram) {
  loadOnEmulator();
  ASSERT_EQ(attnExecutableGetTensorCount(executable), 2u);
  EXPECT_STREQ(attnExecutableBorrowTensorName(executable, 0), "x");
  EXPECT_STREQ(attnExecutableBorrowTensorName(executable, 1), "y");
  EXPECT_EQ(attnExecutableBorrowTensorName(executable, 2), nullptr);
  EXPECT_FALSE(attnExecutableIsOutput(executable, 0));
  EXPECT_TRUE(attnExecutableIsOutput(executable, 1));
  EXPECT_FALSE(attnExecutableIsOutput(executable, 2));
}

TEST_F(RuntimeTest, RunsOnTheEmulator) {
  loadOnEmulator();
  for (size_t size : {0, 1, 70, 200}) {
    Tensor x(counting(size)), y(std::vector<float>(size, -1));
    EXPECT_EQ(launch(x, y), "no error");
    EXPECT_EQ(y.values, x.values);
    const AttnDLTensor *tensors[] = {&x.tensor, &y.tensor};
    size_t bytes = 1;
    EXPECT_EQ(
        take(attnExecutableGetWorkspaceSize(executable, tensors, 2, &bytes)),
        "no error");
    EXPECT_EQ(bytes, 0u);
  }
}

TEST_F(RuntimeTest, TakesAnOffset) {
  loadOnEmulator();
  Tensor x(counting(10)), y(std::vector<float>(10, -1));
  x.shape[0] = y.shape[0] = 3;
  x.tensor.byte_offset = 8;
  y.tensor.byte_offset = 20;
  x.tensor.strides = x.strides;
  EXPECT_EQ(launch(x, y), "no error");
  EXPECT_EQ(y.values,
            (std::vector<float>{-1, -1, -1, -1, -1, 2.5, 3.5, 4.5, -1, -1}));
}

TEST_F(RuntimeTest, IsUsedByManyThreads) {
  loadOnEmulator();
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int number = 0; number < 8; ++number)
    threads.emplace_back([&, number] {
      for (int round = 0; round < 10; ++round) {
        Tensor x(counting(20 + 13 * number)), y(x.values);
        std::fill(y.values.begin(), y.values.end(), 0.f);
        wrong += launch(x, y) != "no error" || y.values != x.values;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(RuntimeTest, RefusesTensors) {
  loadOnEmulator();
  Tensor x(counting(5));
  auto refusal = [&](const std::function<void(AttnDLTensor &)> &change) {
    Tensor y(counting(5));
    change(y.tensor);
    return launch(x, y);
  };
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.device.device_type = 2; }),
            "expected tensor 1 in the memory of the CPU, got DLPack's device "
            "type 2");
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.dtype.code = 1; }),
            "expected tensor 1 of bf16, f16, f32, bool or signed integers, got "
            "DLPack's type 1 of 32 bits and 1 lanes");
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.dtype.lanes = 2; }),
            "expected tensor 1 of bf16, f16, f32, bool or signed integers, got "
            "DLPack's type 2 of 32 bits and 2 lanes");
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.dtype.bits = 16; }),
            "expected 'y' to have element type f32, got f16");
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.dtype = {ATTN_DL_BFLOAT, 16, 1}; }),
            "expected 'y' to have element type f32, got bf16");
  for (int32_t rank : {-1, 9})
    EXPECT_EQ(refusal([=](AttnDLTensor &t) { t.ndim = rank; }),
              "expected tensor 1 of rank 0 to 8, got " + std::to_string(rank));
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.shape = nullptr; }),
            "expected tensor 1 of rank 0 to 8, got 1");
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.shape[0] = -1; }),
            "expected the sizes of tensor 1 to be 0 or more, got -1");
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.shape[0] = INT64_MAX; }),
            "tensor 1: expected a size that fits in memory, got "
            "9223372036854775807");
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.shape[0] = 4; }),
            "expected size 0 of 'x' to equal size 0 of 'y', got 5 and 4");
  EXPECT_EQ(refusal([](AttnDLTensor &t) { t.data = nullptr; }),
            "expected 'y' to have an address");
  for (int64_t stride : {int64_t(-1), INT64_MAX}) {
    EXPECT_EQ(refusal([=](AttnDLTensor &t) {
                static int64_t strides[1];
                strides[0] = stride;
                t.strides = strides;
              }),
              "expected strides from 0 up to the size of the memory, got " +
                  std::to_string(stride));
  }
  const AttnDLTensor *none[] = {nullptr};
  EXPECT_EQ(
      take(attnExecutableLaunch(executable, none, 1, nullptr, nullptr, 0)),
      "expected tensor 0 of rank 0 to 8, got -1");
  EXPECT_EQ(
      take(attnExecutableLaunch(executable, none, 0, nullptr, nullptr, 0)),
      "expected 2 tensors, got 0");
  size_t bytes = 0;
  EXPECT_EQ(take(attnExecutableGetWorkspaceSize(executable, none, 1, &bytes)),
            "expected tensor 0 of rank 0 to 8, got -1");
  EXPECT_EQ(take(attnExecutableGetWorkspaceSize(executable, none, 0, &bytes)),
            "expected 2 tensors, got 0");
}

TEST_F(RuntimeTest, RefusesAStreamOfTheEmulator) {
  loadOnEmulator();
  Tensor x(counting(5)), y(counting(5));
  EXPECT_EQ(launch(x, y, &x),
            "expected neither a stream nor a workspace for emulator of PTX on "
            "the CPU, with hazard checks");
  EXPECT_EQ(launch(x, y, nullptr, &x, 4),
            "expected neither a stream nor a workspace for emulator of PTX on "
            "the CPU, with hazard checks");
}

TEST_F(RuntimeTest, RefusesABundle) {
  AttnDevice *device = nullptr;
  ASSERT_EQ(take(attnDeviceCreateEmulator(0, false, &device)), "no error");
  std::string bundle = copyBundle();
  EXPECT_EQ(take(attnExecutableCreate(device, bundle.data(), 10, &executable)),
            "truncated bundle: expected a header of 64 bytes, got 10");
  bundle = mlir::attn::writeBundle(exampleBundle());
  EXPECT_NE(take(attnExecutableCreate(device, bundle.data(), bundle.size(),
                                      &executable)),
            "no error");
  attnDeviceDestroy(device);
}

TEST_F(RuntimeTest, RunsOnAGpu) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  FakeDriver &driver =
      *reinterpret_cast<FakeDriver *(*)()>(dlsym(library, "fakeDriver"))();
  driver = FakeDriver();
  driver.deviceCount = 2;
  AttnDevice *device = nullptr;
  EXPECT_EQ(take(attnDeviceCreateCuda(2, &device)),
            "expected a GPU from 0 to 1, got 2");
  ASSERT_EQ(take(attnDeviceCreateCuda(1, &device)), "no error");
  EXPECT_STREQ(attnDeviceBorrowName(device), "Fake H200");
  load(device);
  Tensor x(counting(5)), y(counting(5));
  EXPECT_EQ(launch(x, y), "expected tensor 0 on GPU 1, got DLPack's device "
                          "type 1, number 0");
  x.tensor.device = y.tensor.device = {ATTN_DL_CUDA, 0};
  EXPECT_EQ(launch(x, y), "expected tensor 0 on GPU 1, got DLPack's device "
                          "type 2, number 0");
  x.tensor.device = {ATTN_DL_CUDA_MANAGED, 0};
  y.tensor.device = {ATTN_DL_CUDA, 1};
  EXPECT_EQ(launch(x, y), "no error");
  EXPECT_EQ(launch(x, y, &x), "no error");
  ASSERT_EQ(driver.launches.size(), 2u);
  EXPECT_EQ(driver.launches[0].stream, nullptr);
  EXPECT_EQ(driver.launches[1].stream, &x);

  Tensor large(counting(200)), out(counting(200));
  large.tensor.device = out.tensor.device = y.tensor.device;
  const AttnDLTensor *tensors[] = {&large.tensor, &out.tensor};
  size_t bytes = 0;
  EXPECT_EQ(
      take(attnExecutableGetWorkspaceSize(executable, tensors, 2, &bytes)),
      "no error");
  EXPECT_EQ(bytes, 1024u);
  EXPECT_EQ(launch(large, out), "expected a workspace of 1024 bytes, got 0");
  alignas(256) static char workspace[1024];
  EXPECT_EQ(launch(large, out, nullptr, workspace, 1024), "no error");
  EXPECT_EQ(driver.launches.size(), 4u);
}
