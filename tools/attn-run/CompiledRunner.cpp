//===- CompiledRunner.cpp - Runs the compiled program ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runner.h"

#include "attn/Runtime/Executable.h"

#include <algorithm>

using namespace attn::run;
using namespace attn::runtime;

namespace {
/// Every bit of memory that nobody has written: NaN in each element type.
constexpr uint8_t poison = 0xFF;
/// Poisoned bytes before and after each tensor.
constexpr size_t guardBytes = 1024;

/// A dense tensor on a device between two guard bands. Reading them gives NaN,
/// writing them is found by checkGuards().
class GuardedTensor {
public:
  static Result<GuardedTensor> create(Device &device, const TensorSpec &spec,
                                      std::vector<int64_t> shape);

  TensorArgument argument() const {
    return {spec.elementType, address(), shape, rowMajorStrides(shape)};
  }
  Status store(const HostTensor &tensor) {
    return device->copyToDevice(address(), tensor.data.data(), bytes);
  }
  Result<HostTensor> load() const;
  Status checkGuards() const;

private:
  uint64_t address() const { return buffer.address() + guardBytes; }
  Status checkGuard(uint64_t start, const char *where) const;

  Device *device = nullptr;
  TensorSpec spec;
  std::vector<int64_t> shape;
  size_t bytes = 0;
  Buffer buffer;
};

class CompiledRunner : public Runner {
public:
  explicit CompiledRunner(std::unique_ptr<Device> device)
      : owner(std::move(device)) {}

  Status load(const Bundle &bundle);

  std::string description() const override;
  Result<std::vector<HostTensor>>
  run(const std::vector<HostTensor> &inputs) override;
  std::optional<DeviceWork> lastRun() override {
    return DeviceWork{owner.get(), [this] { return launch(); }};
  }

private:
  Status launch() { return executable->launch(arguments, options); }
  Status allocate(const std::vector<HostTensor> &inputs);
  Status allocateWorkspace();
  Result<std::vector<HostTensor>> collect() const;

  // In this order: the device outlives what it owns.
  std::unique_ptr<Device> owner;
  std::unique_ptr<Executable> executable;
  std::vector<GuardedTensor> tensors;
  std::vector<TensorArgument> arguments;
  Buffer workspace;
  LaunchOptions options;
};
} // namespace

Result<GuardedTensor> GuardedTensor::create(Device &device,
                                            const TensorSpec &spec,
                                            std::vector<int64_t> shape) {
  GuardedTensor tensor;
  tensor.device = &device;
  tensor.spec = spec;
  tensor.shape = std::move(shape);
  Result<size_t> bytes = byteSize(tensor.shape, elementSize(spec.elementType));
  if (bytes.failed())
    return failure("'", spec.name, "': ", bytes.message());
  tensor.bytes = *bytes;
  Result<Buffer> buffer = device.allocate(*bytes + 2 * guardBytes);
  if (buffer.failed())
    return buffer.error();
  tensor.buffer = std::move(*buffer);
  if (Status status =
          device.fill(tensor.buffer.address(), poison, tensor.buffer.size());
      status.failed())
    return status.error();
  return tensor;
}

Result<HostTensor> GuardedTensor::load() const {
  HostTensor tensor(spec.elementType, shape);
  if (Status status =
          device->copyFromDevice(tensor.data.data(), address(), bytes);
      status.failed())
    return status.error();
  return tensor;
}

Status GuardedTensor::checkGuard(uint64_t start, const char *where) const {
  std::vector<uint8_t> guard(guardBytes);
  if (Status status = device->copyFromDevice(guard.data(), start, guardBytes);
      status.failed())
    return status;
  auto broken = std::find_if(guard.begin(), guard.end(),
                             [](uint8_t byte) { return byte != poison; });
  if (broken == guard.end())
    return {};
  return failure("the kernel wrote ", where, " '", spec.name, "', at byte ",
                 broken - guard.begin(), " of the guard band");
}

Status GuardedTensor::checkGuards() const {
  if (Status status = checkGuard(buffer.address(), "before"); status.failed())
    return status;
  return checkGuard(address() + bytes, "after");
}

Status CompiledRunner::load(const Bundle &bundle) {
  auto loaded = Executable::load(*owner, bundle);
  if (loaded.failed())
    return loaded.error();
  executable = std::move(*loaded);
  return {};
}

std::string CompiledRunner::description() const {
  if (!owner->runsBinaries())
    return owner->name();
  return owner->name() + ", kernel " +
         (executable->isAssembled() ? "assembled by ptxas"
                                    : "compiled from PTX by the driver");
}

Status CompiledRunner::allocate(const std::vector<HostTensor> &inputs) {
  std::vector<std::vector<int64_t>> inputShapes;
  inputShapes.reserve(inputs.size());
  for (const HostTensor &input : inputs)
    inputShapes.push_back(input.shape);
  const Signature &signature = executable->signature();
  Result<std::vector<std::vector<int64_t>>> shapes =
      completeShapes(signature.tensors, signature.equalSizes, inputShapes);
  if (shapes.failed())
    return shapes.error();

  tensors.clear();
  arguments.clear();
  for (size_t i = 0; i < shapes->size(); ++i) {
    // What is updated is there already.
    if (int32_t updates = signature.tensors[i].updates; updates >= 0) {
      arguments.push_back(arguments[updates]);
      continue;
    }
    Result<GuardedTensor> tensor = GuardedTensor::create(
        *owner, signature.tensors[i], std::move((*shapes)[i]));
    if (tensor.failed())
      return tensor.error();
    if (i < inputs.size())
      if (Status status = tensor->store(inputs[i]); status.failed())
        return status;
    arguments.push_back(tensor->argument());
    tensors.push_back(std::move(*tensor));
  }
  return allocateWorkspace();
}

Status CompiledRunner::allocateWorkspace() {
  Result<size_t> bytes = executable->workspaceBytes(arguments);
  if (bytes.failed())
    return bytes.error();
  Result<Buffer> buffer = owner->allocate(*bytes);
  if (buffer.failed())
    return buffer.error();
  workspace = std::move(*buffer);
  options.workspace = workspace.address();
  options.workspaceBytes = workspace.size();
  return owner->fill(workspace.address(), poison, workspace.size());
}

Result<std::vector<HostTensor>> CompiledRunner::collect() const {
  std::vector<HostTensor> outputs;
  for (const GuardedTensor &tensor : tensors)
    if (Status status = tensor.checkGuards(); status.failed())
      return status.error();
  // Those that update an input have no memory of their own.
  size_t own = 0;
  for (const TensorSpec &spec : executable->signature().tensors) {
    size_t number = spec.updates >= 0 ? spec.updates : own++;
    if (!spec.isOutput)
      continue;
    Result<HostTensor> output = tensors[number].load();
    if (output.failed())
      return output.error();
    outputs.push_back(std::move(*output));
  }
  return outputs;
}

Result<std::vector<HostTensor>>
CompiledRunner::run(const std::vector<HostTensor> &inputs) {
  if (Status status = allocate(inputs); status.failed())
    return status.error();
  if (Status status = launch(); status.failed())
    return status.error();
  if (Status status = owner->synchronize(); status.failed())
    return status.error();
  return collect();
}

Result<std::unique_ptr<Runner>>
attn::run::makeCompiledRunner(const Program &program,
                              std::unique_ptr<Device> device,
                              mlir::attn::CompileOptions options) {
  options.assemble = device->runsBinaries();
  mlir::FailureOr<Bundle> bundle =
      mlir::attn::compileBundle(program.module(), options);
  if (mlir::failed(bundle))
    return failure("cannot compile the program");
  return makeBundleRunner(*bundle, std::move(device));
}

Result<std::unique_ptr<Runner>>
attn::run::makeBundleRunner(const Bundle &bundle,
                            std::unique_ptr<Device> device) {
  auto runner = std::make_unique<CompiledRunner>(std::move(device));
  if (Status status = runner->load(bundle); status.failed())
    return status.error();
  return std::unique_ptr<Runner>(std::move(runner));
}
