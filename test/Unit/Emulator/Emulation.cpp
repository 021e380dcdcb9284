//===- Emulation.cpp - Runs pieces of PTX ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emulation.h"

#include "attn/Runtime/CudaDevice.h"
#include "attn/Runtime/EmulatorDevice.h"
#include "attn/Runtime/Float.h"
#include "attn/Runtime/HostTensor.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace attn::runtime;

static constexpr int64_t leastWords = 1024;

bool attn::runtime::runsOnGpu() {
  const char *name = std::getenv("ATTN_TEST_DEVICE");
  return name && std::string(name) == "cuda";
}

/// The device that runs the test, which GPUs share.
static Device &deviceOf(const Emulation &emulation,
                        std::unique_ptr<Device> &owner) {
  if (!runsOnGpu()) {
    owner = makeEmulatorDevice({emulation.seed, emulation.checked, 1 << 20});
    return *owner;
  }
  static const std::unique_ptr<Device> gpu = [] {
    Result<std::unique_ptr<Device>> opened = openCudaDevice();
    if (opened.failed()) {
      std::fprintf(stderr, "%s\n", opened.message().c_str());
      std::abort();
    }
    return std::move(*opened);
  }();
  return *gpu;
}

static std::string moduleText(const Emulation &emulation) {
  return ".version 8.6\n.target sm_90a\n.address_size 64\n"
         ".extern .shared .align 1024 .b8 smem[];\n" +
         emulation.declarations +
         ".visible .entry test(\n.param .u64 .ptr .global .align 1 out,\n"
         ".param .align 64 .b8 map[128],\n.param .align 64 .b8 outMap[128])\n" +
         emulation.directives +
         "{\n.reg .pred %p<16>;\n.reg .b16 %h<16>;\n.reg .b32 %r<256>;\n"
         ".reg .b64 %d<32>;\nld.param.b64 %d0, [out];\n" +
         emulation.body + "\n}\n";
}

static KernelParameter mapOf(const MappedTensor &mapped, int32_t tensor) {
  KernelParameter parameter;
  parameter.kind = KernelParameter::Kind::TensorMap;
  parameter.tensor = tensor;
  for (size_t axis = mapped.shape.size(); axis-- > 0;)
    parameter.mapDims.push_back(
        {static_cast<int32_t>(axis), -1, 1, mapped.box[axis]});
  parameter.swizzle = mapped.swizzle;
  return parameter;
}

static CompiledKernel compile(const Emulation &emulation) {
  CompiledKernel compiled;
  compiled.ptx = moduleText(emulation);
  LaunchPlan &plan = compiled.plan;
  plan.kernel = "test";
  auto outWords = std::max(leastWords, int64_t(emulation.data.size()));
  plan.tensors = {
      {"out", ElementType::F32, {outWords}, true},
      {"in", emulation.tensor.elementType, emulation.tensor.shape, false},
      {"stored", emulation.tensor.elementType, emulation.tensor.shape, true}};
  KernelParameter pointer;
  pointer.kind = KernelParameter::Kind::Pointer;
  plan.parameters = {pointer, mapOf(emulation.tensor, 1),
                     mapOf(emulation.tensor, 2)};
  plan.instances = {{{Term::Kind::Constant, emulation.blocks}}};
  plan.persistent = false;
  plan.awaitsPrevious = emulation.awaitsPrevious;
  plan.clusterBlocks = emulation.clusterBlocks;
  plan.threadsPerBlock = emulation.threads;
  plan.sharedMemoryBytes = emulation.sharedBytes;
  return compiled;
}

Result<std::vector<uint32_t>> Emulation::run() const {
  std::unique_ptr<Device> owner;
  Device &device = deviceOf(*this, owner);
  CompiledKernel compiled = compile(*this);
  Result<std::unique_ptr<Kernel>> kernel = device.load(compiled);
  if (kernel.failed())
    return kernel.error();

  HostTensor in(tensor.elementType, tensor.shape);
  bool isWide = tensor.elementType == ElementType::F32;
  for (int64_t i = 0; i < in.size(); ++i)
    in.set(i, static_cast<double>(isWide ? i : i % 256));
  std::vector<Buffer> buffers;
  std::vector<TensorArgument> arguments;
  for (const TensorSpec &spec : compiled.plan.tensors) {
    size_t bytes = elementCount(spec.shape) * elementSize(spec.elementType);
    buffers.push_back(std::move(*device.allocate(bytes)));
    uint64_t address = buffers.back().address();
    EXPECT_FALSE(device.fill(address, 0, bytes).failed());
    arguments.push_back(
        {spec.elementType, address, spec.shape, rowMajorStrides(spec.shape)});
  }
  EXPECT_FALSE(
      device.copyToDevice(buffers[1].address(), in.data.data(), in.data.size())
          .failed());
  EXPECT_FALSE(device
                   .copyToDevice(buffers[0].address(), data.data(),
                                 data.size() * sizeof(uint32_t))
                   .failed());
  if (Status status = device.launch(**kernel, arguments); status.failed())
    return status.error();
  if (Status status = device.synchronize(); status.failed())
    return status.error();

  std::vector<uint32_t> out(compiled.plan.tensors[0].shape[0]);
  EXPECT_FALSE(device
                   .copyFromDevice(out.data(), buffers[0].address(),
                                   out.size() * sizeof(uint32_t))
                   .failed());
  stored.resize(in.data.size() / sizeof(uint16_t));
  EXPECT_FALSE(device
                   .copyFromDevice(stored.data(), buffers[2].address(),
                                   stored.size() * sizeof(uint16_t))
                   .failed());
  return out;
}

std::string Emulation::anyMessage() const {
  Emulation seeded = *this;
  for (seeded.seed = 0; seeded.seed < 16; ++seeded.seed)
    if (std::string text = seeded.message(); !text.empty())
      return text;
  return "";
}

std::string Emulation::message() const {
  Result<std::vector<uint32_t>> result = run();
  return result.failed() ? result.message() : "";
}

std::vector<uint32_t> attn::runtime::evaluate(const std::string &instruction,
                                              uint32_t a, uint32_t b,
                                              uint32_t c) {
  auto set = [](const char *name, uint32_t value) {
    return std::string("mov.b32 ") + name + ", " + std::to_string(value) +
           ";\n";
  };
  std::string body = set("%r1", a) + set("%r2", b) + set("%r3", c) +
                     instruction +
                     "\nmov.u32 %r9, %tid.x;\nmul.wide.u32 %d1, %r9, 4;\n"
                     "add.s64 %d1, %d1, %d0;\nst.global.b32 [%d1], %r0;\n";
  Result<std::vector<uint32_t>> result = Emulation{body}.run();
  if (!result.failed())
    return std::vector<uint32_t>(result->begin(), result->begin() + 32);
  ADD_FAILURE() << instruction << ": " << result.message();
  return std::vector<uint32_t>(32);
}

std::string attn::runtime::without(const std::string &text,
                                   const std::string &part) {
  size_t at = text.find(part);
  if (at == std::string::npos) {
    ADD_FAILURE() << "there is no '" << part << "'";
    return text;
  }
  size_t begin = text.rfind('\n', at) + 1;
  return text.substr(0, begin) + text.substr(text.find('\n', at) + 1);
}

std::string attn::runtime::replaced(const std::string &text,
                                    const std::string &from,
                                    const std::string &to) {
  size_t at = text.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "there is no '" << from << "'";
    return text;
  }
  return text.substr(0, at) + to + text.substr(at + from.size());
}

::testing::AssertionResult attn::runtime::contains(const std::string &text,
                                                   const std::string &part) {
  if (text.find(part) != std::string::npos)
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "expected '" << part << "' in '" << text << "'";
}
