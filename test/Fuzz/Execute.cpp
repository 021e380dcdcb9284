//===- Execute.cpp - Runs whatever PTX there is ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

#include "attn/Runtime/EmulatorDevice.h"
#include "attn/Runtime/HostTensor.h"

#include <cstdlib>

using namespace attn::fuzz;
using namespace attn::runtime;

static constexpr uint64_t maxInstructions = 4000;

/// A map over the matrix `tensor` with boxes of 64 x 64.
static KernelParameter mapOf(int32_t tensor) {
  KernelParameter parameter;
  parameter.kind = KernelParameter::Kind::TensorMap;
  parameter.tensor = tensor;
  parameter.mapDims = {{1, -1, 1, 64}, {0, -1, 1, 64}};
  parameter.swizzle = Swizzle::B128;
  return parameter;
}

static LaunchPlan planOf(const Input &input) {
  LaunchPlan plan;
  plan.kernel = "test";
  plan.tensors = {{"out", ElementType::F32, {1024}, true},
                  {"map", ElementType::BF16, {60, 64}, true},
                  {"inMap", ElementType::BF16, {80, 64}, true}};
  KernelParameter pointer;
  pointer.kind = KernelParameter::Kind::Pointer;
  plan.parameters = {pointer, mapOf(1), mapOf(2)};
  plan.instances = {{{Term::Kind::Constant, input.blocks}}};
  plan.clusterBlocks = input.isCluster ? input.blocks : 1;
  plan.threadsPerBlock = input.threads;
  plan.sharedMemoryBytes = 20 * 1024;
  return plan;
}

std::string attn::fuzz::execute(const Input &input) {
  EmulatorOptions options;
  options.seed = input.seed;
  options.checked = input.seed % 4 != 0;
  options.maxInstructions = maxInstructions;
  std::unique_ptr<Device> device = makeEmulatorDevice(options);
  CompiledKernel compiled{planOf(input), input.ptx, {}};
  Result<std::unique_ptr<Kernel>> kernel = device->load(compiled);
  if (kernel.failed())
    return kernel.message();
  std::vector<Buffer> buffers;
  std::vector<TensorArgument> arguments;
  for (const TensorSpec &spec : compiled.plan.tensors) {
    HostTensor zeros(spec.elementType, spec.shape);
    buffers.push_back(std::move(*device->allocate(zeros.data.size())));
    uint64_t address = buffers.back().address();
    if (Status status =
            device->copyToDevice(address, zeros.data.data(), zeros.data.size());
        status.failed())
      return status.message();
    arguments.push_back(
        {spec.elementType, address, spec.shape, rowMajorStrides(spec.shape)});
  }
  Status status = device->launch(**kernel, arguments);
  return status.failed() ? status.message() : "";
}

/// The number of the line that a message refuses, or zero.
static uint64_t refusedLine(const std::string &message) {
  static const std::string start = "PTX line ";
  if (message.compare(0, start.size(), start) != 0)
    return 0;
  return std::strtoull(message.c_str() + start.size(), nullptr, 10);
}

static void blankLine(std::string &text, uint64_t line) {
  size_t begin = 0;
  while (--line && begin < text.size())
    begin = text.find('\n', begin) + 1;
  text.replace(begin, text.find('\n', begin) - begin, "");
}

std::string attn::fuzz::executeRest(Input input) {
  std::string message = execute(input);
  for (unsigned tries = 0; tries < 64; ++tries) {
    uint64_t line = refusedLine(message);
    if (!line)
      break;
    blankLine(input.ptx, line);
    message = execute(input);
  }
  return message;
}
