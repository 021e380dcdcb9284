//===- Golden.cpp - A right kernel, and how mutants of it fare ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Golden.h"

#include "attn/Runtime/Float.h"
#include "attn/Runtime/Launch.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn::mutation;
using namespace attn::runtime;
using namespace attn::runtime::emulator;

/// More than any of the kernels executes in a block.
static constexpr uint64_t maxInstructions = 1 << 23;
/// Of an element, as a share of the largest one of its row: the distance of
/// neighbouring bfloat16 numbers there. Integers have to be equal.
static constexpr double largestError = 1.0 / 128;

/// The kinds of hazard that a failed launch names.
static std::set<HazardKind> kindsIn(const std::string &message) {
  std::set<HazardKind> kinds;
  for (int i = 0; i <= static_cast<int>(HazardKind::Trap); ++i) {
    auto kind = static_cast<HazardKind>(i);
    std::string text = std::string("hazard: ") + hazardName(kind) + ": ";
    if (message.find(text) != std::string::npos)
      kinds.insert(kind);
  }
  return kinds;
}

Result<Golden> Golden::create(CompiledKernel compiled,
                              std::vector<HostTensor> tensors,
                              uint32_t instances) {
  Golden golden;
  golden.compiled = std::move(compiled);
  golden.tensors = std::move(tensors);
  const LaunchPlan &plan = golden.compiled.plan;

  // Any address will do to count the instances.
  constexpr uint64_t address = 1 << 16;
  std::vector<TensorArgument> arguments;
  arguments.reserve(golden.tensors.size());
  for (const HostTensor &tensor : golden.tensors)
    arguments.push_back({tensor.elementType, address, tensor.shape,
                         rowMajorStrides(tensor.shape)});
  Result<Launch> all =
      planLaunch(plan, arguments, std::numeric_limits<int32_t>::max());
  if (all.failed())
    return all.error();
  golden.options.checked = true;
  golden.options.maxInstructions = maxInstructions;
  // Blocks that fetch their instances leave those beyond one for each block to
  // the only one that is executed; others take theirs in turns.
  bool fetches =
      std::any_of(plan.parameters.begin(), plan.parameters.end(),
                  [](const KernelParameter &parameter) {
                    return parameter.kind == KernelParameter::Kind::Counter;
                  });
  golden.options.maxBlocks = plan.persistent ? 1 : instances;
  golden.options.multiprocessors =
      fetches ? std::max(all->blocks, instances) - instances + 1
              : (all->blocks + instances - 1) / instances;

  Outcome right = golden.run(golden.compiled.ptx, /*seed=*/0);
  if (!right.message.empty())
    return failure(right.message);
  golden.expected = std::move(right.outputs);
  return golden;
}

Status Golden::launch(Device &device, const std::string &ptx,
                      Outcome &outcome) const {
  CompiledKernel mutant{compiled.plan, ptx, {}};
  Result<std::unique_ptr<Kernel>> kernel = device.load(mutant);
  if (kernel.failed())
    return kernel.error();
  std::vector<Buffer> buffers;
  std::vector<TensorArgument> arguments;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const HostTensor &tensor = tensors[i];
    // An output that updates an input is where that is.
    if (int32_t updates = compiled.plan.tensors[i].updates; updates >= 0) {
      arguments.push_back(arguments[static_cast<size_t>(updates)]);
      continue;
    }
    Result<Buffer> buffer = device.allocate(tensor.data.size());
    if (buffer.failed())
      return buffer.error();
    if (Status status = device.copyToDevice(
            buffer->address(), tensor.data.data(), tensor.data.size());
        status.failed())
      return status;
    arguments.push_back({tensor.elementType, buffer->address(), tensor.shape,
                         rowMajorStrides(tensor.shape)});
    buffers.push_back(std::move(*buffer));
  }
  if (Status status = device.launch(**kernel, arguments); status.failed())
    return status;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!compiled.plan.tensors[i].isOutput)
      continue;
    HostTensor output(tensors[i].elementType, tensors[i].shape);
    if (Status status = device.copyFromDevice(
            output.data.data(), arguments[i].address, output.data.size());
        status.failed())
      return status;
    outcome.outputs.push_back(std::move(output));
  }
  return {};
}

Outcome Golden::run(const std::string &ptx,
                    const EmulatorOptions &options) const {
  std::unique_ptr<Device> device = makeEmulatorDevice(options);
  Outcome outcome;
  if (Status status = launch(*device, ptx, outcome); status.failed()) {
    outcome.message = status.message();
    outcome.hazards = kindsIn(outcome.message);
  }
  return outcome;
}

Outcome Golden::run(const std::string &ptx, uint64_t seed) const {
  EmulatorOptions seeded = options;
  seeded.seed = seed;
  return run(ptx, seeded);
}

std::set<uint32_t> Golden::reportedLines(const std::string &ptx) const {
  EmulatorOptions all = options;
  all.maxOfKind = std::numeric_limits<uint32_t>::max();
  std::string message = run(ptx, all).message;
  // Each hazard ends with the place where it is.
  static const std::string place = "\n  PTX line ";
  std::set<uint32_t> lines;
  for (size_t at = 0; (at = message.find(place, at)) != std::string::npos;) {
    at += place.size();
    lines.insert(static_cast<uint32_t>(std::stoul(message.substr(at, 10))));
  }
  return lines;
}

/// Whether two rows agree, with the same elements unwritten.
static bool agree(const HostTensor &a, const HostTensor &b, size_t begin,
                  size_t end) {
  double largest = 0, difference = 0;
  double allowed = isInteger(a.elementType) ? 0 : largestError;
  for (size_t i = begin; i < end; ++i) {
    double x = a.get(i), y = b.get(i);
    if (std::isfinite(x))
      largest = std::max(largest, std::abs(x));
    if (x == y || (std::isnan(x) && std::isnan(y)))
      continue;
    if (!std::isfinite(x) || !std::isfinite(y))
      return false;
    difference = std::max(difference, std::abs(x - y));
  }
  return difference <= allowed * largest;
}

static bool agree(const HostTensor &a, const HostTensor &b) {
  auto size = static_cast<size_t>(a.size());
  auto row = static_cast<size_t>(a.shape.empty() ? 1 : a.shape.back());
  for (size_t begin = 0; begin < size; begin += row)
    if (!agree(a, b, begin, begin + row))
      return false;
  return true;
}

bool Golden::isRight(const Outcome &outcome) const {
  if (outcome.outputs.size() != expected.size())
    return false;
  for (size_t i = 0; i < expected.size(); ++i)
    if (!agree(expected[i], outcome.outputs[i]))
      return false;
  return true;
}
