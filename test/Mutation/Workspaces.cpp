//===- Workspaces.cpp - What one kernel finds out for another -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Workspaces.h"

#include "attn/Runtime/EmulatorDevice.h"
#include "attn/Runtime/Executable.h"
#include "attn/Runtime/Expression.h"

using namespace attn::mutation;
using namespace attn::runtime;

namespace {
/// The whole program, on a device of its own.
class Preparation {
public:
  explicit Preparation(const Bundle &bundle)
      : bundle(bundle), device(makeEmulatorDevice({})) {}

  Status run(const std::vector<HostTensor> &inputs);
  Status read(const Workspace &workspace, std::vector<HostTensor> &tensors);

private:
  Status allocate(const std::vector<HostTensor> &inputs);

  const Bundle &bundle;
  std::unique_ptr<Device> device;
  std::vector<Buffer> buffers;
  std::vector<TensorArgument> arguments;
  /// Where the next workspace lies.
  uint64_t address = 0;
};
} // namespace

Status Preparation::allocate(const std::vector<HostTensor> &inputs) {
  std::vector<std::vector<int64_t>> inputShapes;
  inputShapes.reserve(inputs.size());
  for (const HostTensor &input : inputs)
    inputShapes.push_back(input.shape);
  const Signature &signature = bundle.signature;
  auto shapes =
      completeShapes(signature.tensors, signature.equalSizes, inputShapes);
  if (shapes.failed())
    return shapes.error();
  for (size_t i = 0; i < shapes->size(); ++i) {
    ElementType type = signature.tensors[i].elementType;
    HostTensor tensor =
        i < inputs.size() ? inputs[i] : HostTensor(type, (*shapes)[i]);
    Result<Buffer> buffer = device->allocate(tensor.data.size());
    if (buffer.failed())
      return buffer.error();
    if (Status status = device->copyToDevice(
            buffer->address(), tensor.data.data(), tensor.data.size());
        status.failed())
      return status;
    arguments.push_back(
        {type, buffer->address(), tensor.shape, rowMajorStrides(tensor.shape)});
    buffers.push_back(std::move(*buffer));
  }
  return {};
}

Status Preparation::run(const std::vector<HostTensor> &inputs) {
  if (Status status = allocate(inputs); status.failed())
    return status;
  auto executable = Executable::load(*device, bundle);
  if (executable.failed())
    return executable.error();
  Result<size_t> bytes = (*executable)->workspaceBytes(arguments);
  if (bytes.failed())
    return bytes.error();
  Result<Buffer> memory = device->allocate(*bytes);
  if (memory.failed())
    return memory.error();
  address = memory->address();
  buffers.push_back(std::move(*memory));
  LaunchOptions options;
  options.workspace = address;
  options.workspaceBytes = *bytes;
  return (*executable)->launch(arguments, options);
}

Status Preparation::read(const Workspace &workspace,
                         std::vector<HostTensor> &tensors) {
  std::vector<int64_t> shape;
  for (const Expression &expression : workspace.shape) {
    Result<int64_t> size =
        evaluate(expression, arguments, device->multiprocessors());
    if (size.failed())
      return size.error();
    shape.push_back(*size);
  }
  HostTensor tensor(workspace.elementType, shape);
  if (Status status = device->copyFromDevice(tensor.data.data(), address,
                                             tensor.data.size());
      status.failed())
    return status;
  constexpr uint64_t alignment = 256;
  address += (tensor.data.size() + alignment - 1) / alignment * alignment;
  tensors.push_back(std::move(tensor));
  return {};
}

Status attn::mutation::addWorkspaces(const Bundle &bundle,
                                     std::vector<HostTensor> &inputs) {
  const Variant &variant = bundle.targets.front().variants.back();
  if (variant.workspaces.empty())
    return {};
  Preparation preparation(bundle);
  if (Status status = preparation.run(inputs); status.failed())
    return status;
  for (const Workspace &workspace : variant.workspaces)
    if (Status status = preparation.read(workspace, inputs); status.failed())
      return status;
  return {};
}
