//===- Executable.cpp - A program, loaded on a device ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Executable.h"

#include "attn/Runtime/Bundle.h"
#include "attn/Runtime/Expression.h"
#include "attn/Runtime/HostTensor.h"

#include <algorithm>

using namespace attn::runtime;

/// What each workspace is aligned to: more than any copy asks for.
static constexpr size_t workspaceAlignment = 256;

/// A program and the tensors of one launch.
class Executable::Planner {
public:
  Planner(const Device &device, const Program &program,
          const std::vector<TensorArgument> &tensors)
      : multiprocessors(device.multiprocessors()), program(program),
        tensors(tensors) {}

  /// Checks the tensors, chooses the variant and lays its workspaces out from
  /// `workspace` on.
  Status plan(uint64_t workspace);

  Status prepare(Device &device, Settled &works) const;

  size_t variantNumber = 0;
  size_t workspaceBytes = 0;

private:
  Status chooseVariant();
  Result<TensorArgument> placeWorkspace(const Workspace &workspace,
                                        uint64_t base);
  Status prepareClears(Device &device, Settled &works) const;
  Status prepareLaunch(Device &device, const KernelLaunch &launch,
                       Settled &works) const;

  const Variant &variant() const { return program.variants[variantNumber]; }

  const uint32_t multiprocessors;
  const Program &program;
  const std::vector<TensorArgument> &tensors;
  std::vector<TensorArgument> workspaces;
};

Status Executable::Planner::chooseVariant() {
  for (const Variant &candidate : program.variants) {
    Result<bool> chosen = holds(candidate.guard, tensors, multiprocessors);
    if (chosen.failed())
      return chosen.error();
    if (*chosen)
      break;
    ++variantNumber;
  }
  return {};
}

Result<TensorArgument>
Executable::Planner::placeWorkspace(const Workspace &workspace, uint64_t base) {
  TensorArgument tensor;
  tensor.elementType = workspace.elementType;
  for (const Expression &expression : workspace.shape) {
    Result<int64_t> size = evaluate(expression, tensors, multiprocessors);
    if (size.failed())
      return size.error();
    if (*size < 0)
      return failure("expected the sizes of workspace '", workspace.name,
                     "' to be 0 or more, got ", *size);
    tensor.shape.push_back(*size);
  }
  Result<size_t> bytes =
      byteSize(tensor.shape, elementSize(workspace.elementType));
  if (bytes.failed())
    return failure("workspace '", workspace.name, "': ", bytes.message());
  tensor.strides = rowMajorStrides(tensor.shape);
  tensor.address = base + workspaceBytes;
  workspaceBytes +=
      (*bytes + workspaceAlignment - 1) & ~(workspaceAlignment - 1);
  return tensor;
}

Status Executable::Planner::plan(uint64_t workspace) {
  if (Status status = checkTensors(program.signature.tensors,
                                   program.signature.equalSizes, tensors);
      status.failed())
    return status;
  if (Status status = chooseVariant(); status.failed())
    return status;
  for (const Workspace &added : variant().workspaces) {
    Result<TensorArgument> placed = placeWorkspace(added, workspace);
    if (placed.failed())
      return placed.error();
    workspaces.push_back(std::move(*placed));
  }
  return {};
}

Status Executable::Planner::prepareClears(Device &device,
                                          Settled &works) const {
  for (size_t i = 0; i < workspaces.size(); ++i) {
    const TensorArgument &tensor = workspaces[i];
    size_t bytes = static_cast<size_t>(elementCount(tensor.shape)) *
                   elementSize(tensor.elementType);
    if (variant().workspaces[i].clear < 0 || bytes == 0)
      continue;
    auto value = static_cast<uint8_t>(variant().workspaces[i].clear);
    auto work = device.prepareFill(tensor.address, value, bytes);
    if (work.failed())
      return work.error();
    works.push_back(std::move(*work));
  }
  return {};
}

Status Executable::Planner::prepareLaunch(Device &device,
                                          const KernelLaunch &launch,
                                          Settled &works) const {
  Result<bool> launched = holds(launch.guard, tensors, multiprocessors);
  if (launched.failed())
    return launched.error();
  if (!*launched)
    return {};
  std::vector<TensorArgument> bound;
  for (int32_t index : launch.tensors) {
    auto number = static_cast<size_t>(index);
    bound.push_back(number < tensors.size()
                        ? tensors[number]
                        : workspaces[number - tensors.size()]);
  }
  Kernel &kernel = *program.kernels[launch.kernel];
  Result<Launch> planned = planLaunch(kernel.plan(), bound, multiprocessors);
  if (planned.failed())
    return planned.error();
  if (planned->blocks == 0)
    return {};
  planned->dependent = launch.dependent;
  auto work = device.prepare(kernel, std::move(*planned));
  if (work.failed())
    return work.error();
  works.push_back(std::move(*work));
  return {};
}

Status Executable::Planner::prepare(Device &device, Settled &works) const {
  if (Status status = prepareClears(device, works); status.failed())
    return status;
  for (const KernelLaunch &launch : variant().launches)
    if (Status status = prepareLaunch(device, launch, works); status.failed())
      return status;
  return {};
}

Result<std::unique_ptr<Executable>> Executable::load(Device &device,
                                                     const Bundle &bundle) {
  if (Status status = checkBundle(bundle); status.failed())
    return status.error();
  std::string known;
  const TargetProgram *found = nullptr;
  for (const TargetProgram &target : bundle.targets) {
    known += (known.empty() ? "" : ", ") + target.target;
    if (target.target == device.target())
      found = &target;
  }
  if (!found)
    return failure("expected a bundle for ", device.target(), ", got one for ",
                   known);
  Program program;
  program.signature = bundle.signature;
  program.variants = found->variants;
  for (const CompiledKernel &compiled : found->kernels) {
    Result<std::unique_ptr<Kernel>> kernel = device.load(compiled);
    if (kernel.failed())
      return kernel.error();
    program.kernels.push_back(std::move(*kernel));
    program.assembled |= !compiled.cubin.empty();
  }
  return std::unique_ptr<Executable>(
      new Executable(device, std::move(program)));
}

Result<size_t>
Executable::workspaceBytes(const std::vector<TensorArgument> &tensors) const {
  Planner planner(device, program, tensors);
  if (Status status = planner.plan(0); status.failed())
    return status.error();
  return planner.workspaceBytes;
}

Result<size_t>
Executable::variant(const std::vector<TensorArgument> &tensors) const {
  Planner planner(device, program, tensors);
  if (Status status = planner.plan(0); status.failed())
    return status.error();
  return planner.variantNumber;
}

Result<std::shared_ptr<const Executable::Settled>>
Executable::settle(const std::vector<TensorArgument> &tensors,
                   const LaunchOptions &options) const {
  Planner planner(device, program, tensors);
  if (Status status = planner.plan(options.workspace); status.failed())
    return status.error();
  if (planner.workspaceBytes > options.workspaceBytes)
    return failure("expected a workspace of ", planner.workspaceBytes,
                   " bytes, got ", options.workspaceBytes);
  if (planner.workspaceBytes > 0 && options.workspace % workspaceAlignment)
    return failure("expected the address of the workspace to be a multiple of ",
                   workspaceAlignment, ", got ", options.workspace);
  auto works = std::make_shared<Settled>();
  if (Status status = planner.prepare(device, *works); status.failed())
    return status.error();
  return std::shared_ptr<const Settled>(std::move(works));
}

size_t Executable::KeyHash::operator()(const Key &key) const {
  // Each number is spread by a product over all bits before the next comes.
  constexpr uint64_t factor = 0x9E3779B97F4A7C15;
  uint64_t hash = key.size();
  for (int64_t number : key) {
    hash = (hash ^ static_cast<uint64_t>(number)) * factor;
    hash ^= hash >> 32;
  }
  return hash;
}

std::shared_ptr<const Executable::Settled>
Executable::find(const Key &key) const {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = settled.find(key);
  return found == settled.end() ? nullptr : found->second;
}

void Executable::remember(const Key &key,
                          std::shared_ptr<const Settled> works) {
  std::lock_guard<std::mutex> lock(mutex);
  auto [added, isNew] = settled.emplace(key, std::move(works));
  // Another thread may have been faster.
  if (!isNew)
    return;
  if (order.size() < maxEntries) {
    order.push_back(&added->first);
    return;
  }
  // A work in use by another thread lives until that has started it.
  settled.erase(settled.find(*order[oldest]));
  order[oldest] = &added->first;
  oldest = (oldest + 1) % maxEntries;
}

Status Executable::launch(const std::vector<TensorArgument> &tensors,
                          const LaunchOptions &options) {
  if (options.stream && !device.hasStreams())
    return failure("expected no stream, for ", device.name(), " has none");
  // One per thread, so that a warm launch does not allocate.
  static thread_local Key key;
  key.clear();
  key.push_back(static_cast<int64_t>(options.workspace));
  key.push_back(static_cast<int64_t>(options.workspaceBytes));
  for (const TensorArgument &tensor : tensors) {
    key.push_back(static_cast<int64_t>(tensor.elementType));
    key.push_back(static_cast<int64_t>(tensor.address));
    key.push_back(static_cast<int64_t>(tensor.shape.size()));
    key.insert(key.end(), tensor.shape.begin(), tensor.shape.end());
    key.push_back(static_cast<int64_t>(tensor.strides.size()));
    key.insert(key.end(), tensor.strides.begin(), tensor.strides.end());
  }
  std::shared_ptr<const Settled> works = find(key);
  if (!works) {
    Result<std::shared_ptr<const Settled>> settled = settle(tensors, options);
    if (settled.failed())
      return settled.error();
    works = std::move(*settled);
    remember(key, works);
  }
  for (const auto &work : *works)
    if (Status status = work->start(options.stream); status.failed())
      return status;
  return {};
}
