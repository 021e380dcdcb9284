//===- Workspaces.cpp - What a kernel is launched on ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Workspaces.h"

#include "attn/Runtime/EmulatorDevice.h"
#include "attn/Runtime/Expression.h"

#include <algorithm>

using namespace attn::mutation;
using namespace attn::runtime;

/// NaN in each element type: what is not written is known by it.
static constexpr uint8_t poison = 0xFF;

namespace {
/// The launches of a program in front of a kernel, on a device of their own.
class Preparation {
public:
  explicit Preparation(const GoldenKernel &kernel)
      : kernel(kernel), device(makeEmulatorDevice({})) {}

  Status run(const std::vector<HostTensor> &inputs);
  /// What the tensors of the kernel hold now.
  Result<std::vector<HostTensor>> read() const;

private:
  const Variant &variant() const {
    return kernel.target().variants[kernel.variant];
  }
  Status add(HostTensor tensor);
  Status addSignature(const std::vector<HostTensor> &inputs);
  Status addWorkspaces();
  Status launch(const KernelLaunch &launch);

  const GoldenKernel &kernel;
  std::unique_ptr<Device> device;
  /// The tensors of the signature, and behind them the workspaces.
  std::vector<HostTensor> tensors;
  std::vector<Buffer> buffers;
  std::vector<TensorArgument> arguments;
};
} // namespace

Status Preparation::add(HostTensor tensor) {
  Result<Buffer> buffer = device->allocate(tensor.data.size());
  if (buffer.failed())
    return buffer.error();
  if (Status status = device->copyToDevice(
          buffer->address(), tensor.data.data(), tensor.data.size());
      status.failed())
    return status;
  arguments.push_back({tensor.elementType, buffer->address(), tensor.shape,
                       rowMajorStrides(tensor.shape)});
  buffers.push_back(std::move(*buffer));
  tensors.push_back(std::move(tensor));
  return {};
}

static HostTensor unwritten(ElementType type,
                            const std::vector<int64_t> &shape) {
  HostTensor tensor(type, shape);
  std::fill(tensor.data.begin(), tensor.data.end(), poison);
  return tensor;
}

Status Preparation::addSignature(const std::vector<HostTensor> &inputs) {
  std::vector<std::vector<int64_t>> inputShapes;
  inputShapes.reserve(inputs.size());
  for (const HostTensor &input : inputs)
    inputShapes.push_back(input.shape);
  const Signature &signature = kernel.program->bundle.signature;
  auto shapes =
      completeShapes(signature.tensors, signature.equalSizes, inputShapes);
  if (shapes.failed())
    return shapes.error();
  for (size_t i = 0; i < shapes->size(); ++i) {
    if (int32_t updates = signature.tensors[i].updates; updates >= 0) {
      tensors.push_back(tensors[static_cast<size_t>(updates)]);
      arguments.push_back(arguments[static_cast<size_t>(updates)]);
      continue;
    }
    if (Status status =
            add(i < inputs.size() ? inputs[i]
                                  : unwritten(signature.tensors[i].elementType,
                                              (*shapes)[i]));
        status.failed())
      return status;
  }
  return {};
}

Status Preparation::addWorkspaces() {
  for (const Workspace &workspace : variant().workspaces) {
    std::vector<int64_t> shape;
    for (const Expression &expression : workspace.shape) {
      Result<int64_t> size =
          evaluate(expression, arguments, device->multiprocessors());
      if (size.failed())
        return size.error();
      shape.push_back(*size);
    }
    HostTensor tensor = unwritten(workspace.elementType, shape);
    if (workspace.clear >= 0)
      std::fill(tensor.data.begin(), tensor.data.end(),
                static_cast<uint8_t>(workspace.clear));
    if (Status status = add(std::move(tensor)); status.failed())
      return status;
  }
  return {};
}

Status Preparation::launch(const KernelLaunch &launch) {
  Result<std::unique_ptr<Kernel>> loaded =
      device->load(kernel.target().kernels[launch.kernel]);
  if (loaded.failed())
    return loaded.error();
  std::vector<TensorArgument> chosen;
  chosen.reserve(launch.tensors.size());
  for (int32_t number : launch.tensors)
    chosen.push_back(arguments[static_cast<size_t>(number)]);
  return device->launch(**loaded, chosen);
}

Status Preparation::run(const std::vector<HostTensor> &inputs) {
  if (Status status = addSignature(inputs); status.failed())
    return status;
  if (Status status = addWorkspaces(); status.failed())
    return status;
  for (size_t i = 0; i < kernel.launch; ++i)
    if (Status status = launch(variant().launches[i]); status.failed())
      return status;
  return {};
}

Result<std::vector<HostTensor>> Preparation::read() const {
  std::vector<HostTensor> chosen;
  for (int32_t number : kernel.plan().tensors) {
    auto i = static_cast<size_t>(number);
    HostTensor tensor = tensors[i];
    if (Status status = device->copyFromDevice(
            tensor.data.data(), arguments[i].address, tensor.data.size());
        status.failed())
      return status.error();
    chosen.push_back(std::move(tensor));
  }
  return chosen;
}

Result<std::vector<HostTensor>>
attn::mutation::tensorsOf(const GoldenKernel &kernel,
                          const std::vector<HostTensor> &inputs) {
  Preparation preparation(kernel);
  if (Status status = preparation.run(inputs); status.failed())
    return status.error();
  return preparation.read();
}
