//===- EmulatorDevice.cpp - PTX on the CPU --------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/EmulatorDevice.h"

#include "Cluster.h"
#include "Decoder.h"
#include "Syntax.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

/// What a block of a Hopper GPU can have.
static constexpr uint32_t maxSharedBytes = 227 * 1024;
static constexpr uint32_t maxThreads = 1024;
/// Bounds what hostile text can make the emulator allocate.
static constexpr uint64_t maxVariableBytes = uint64_t(1) << 28;
/// What every Hopper GPU can have in a cluster.
static constexpr uint32_t maxClusterBlocks = 8;
/// Launches of a kernel at the same time, each by a thread of the host.
static constexpr uint32_t maxCounters = 1024;

namespace {
class EmulatedKernel : public Kernel {
public:
  EmulatedKernel(LaunchPlan plan, Program program,
                 std::vector<Buffer> variables)
      : Kernel(std::move(plan)), program(std::move(program)),
        variables(std::move(variables)) {}

  const Program program;

private:
  /// The variables of its module.
  const std::vector<Buffer> variables;
};

class EmulatorDevice : public SerialDevice {
public:
  explicit EmulatorDevice(const EmulatorOptions &options) : options(options) {}

  std::string name() const override {
    return std::string("emulator of PTX on the CPU") +
           (options.checked ? ", with hazard checks" : "");
  }
  uint32_t multiprocessors() const override { return options.multiprocessors; }
  bool runsBinaries() const override { return false; }
  Result<Buffer> allocate(size_t bytes) override;
  Status copyToDevice(uint64_t address, const void *source,
                      size_t bytes) override;
  Status copyFromDevice(void *destination, uint64_t address,
                        size_t bytes) override;
  Status fill(uint64_t address, uint8_t value, size_t bytes) override;
  Result<std::unique_ptr<Kernel>> load(const CompiledKernel &compiled) override;
  Status synchronize() override { return {}; }
  Result<std::unique_ptr<Recording>> record(const Work &, unsigned) override {
    return failure("the emulator measures nothing");
  }
  Result<Work> matrixProduct(int64_t) override {
    return failure("the emulator measures nothing");
  }

protected:
  void release(uint64_t address) override { memory.release(address); }
  Status run(Kernel &kernel, const Launch &launch) override;

private:
  Result<uint8_t *> find(uint64_t address, size_t bytes) const;
  Result<std::vector<Buffer>> placeVariables(const Module &module,
                                             ModuleAddresses &addresses);

  const EmulatorOptions options;
  GlobalMemory memory;
};
} // namespace

Result<Buffer> EmulatorDevice::allocate(size_t bytes) {
  uint64_t address = memory.allocate(bytes);
  if (!address)
    return failure("cannot allocate ", bytes, " bytes for the emulator");
  return Buffer(*this, address, bytes);
}

Result<uint8_t *> EmulatorDevice::find(uint64_t address, size_t bytes) const {
  uint8_t *found = memory.find(address, bytes);
  if (!found)
    return failure("expected ", bytes,
                   " bytes of memory of the emulator at address ", address);
  return found;
}

Status EmulatorDevice::copyToDevice(uint64_t address, const void *source,
                                    size_t bytes) {
  Result<uint8_t *> destination = find(address, bytes);
  if (destination.failed())
    return destination.error();
  std::copy_n(static_cast<const uint8_t *>(source), bytes, *destination);
  return {};
}

Status EmulatorDevice::copyFromDevice(void *destination, uint64_t address,
                                      size_t bytes) {
  Result<uint8_t *> source = find(address, bytes);
  if (source.failed())
    return source.error();
  std::copy_n(*source, bytes, static_cast<uint8_t *>(destination));
  return {};
}

Status EmulatorDevice::fill(uint64_t address, uint8_t value, size_t bytes) {
  Result<uint8_t *> destination = find(address, bytes);
  if (destination.failed())
    return destination.error();
  std::memset(*destination, value, bytes);
  return {};
}

Result<std::unique_ptr<Kernel>>
EmulatorDevice::load(const CompiledKernel &compiled) {
  Result<Module> module = parsePtx(compiled.ptx);
  if (module.failed())
    return module.error();
  ModuleAddresses addresses;
  Result<std::vector<Buffer>> variables = placeVariables(*module, addresses);
  if (variables.failed())
    return variables.error();
  Result<Program> program =
      decodeKernel(*module, compiled.plan.kernel, addresses);
  if (program.failed())
    return program.error();
  auto kernel = std::make_unique<EmulatedKernel>(
      compiled.plan, std::move(*program), std::move(*variables));
  if (Status status =
          kernel->counters().allocate(*this, compiled.plan, maxCounters);
      status.failed())
    return status.error();
  return std::unique_ptr<Kernel>(std::move(kernel));
}

/// Sets memory aside for the variables of a module, and fills it.
Result<std::vector<Buffer>>
EmulatorDevice::placeVariables(const Module &module,
                               ModuleAddresses &addresses) {
  std::vector<Buffer> buffers;
  uint64_t total = 0;
  for (const Variable &variable : module.variables) {
    if (!isAllocated(variable))
      continue;
    total += variable.size;
    if (total > maxVariableBytes)
      return failure("expected at most ", maxVariableBytes,
                     " bytes of variables in a module, got more at '",
                     variable.name, "'");
    Result<Buffer> buffer = allocate(variable.size);
    if (buffer.failed())
      return buffer.error();
    addresses[variable.name] = buffer->address();
    buffers.push_back(std::move(*buffer));
  }
  for (const Variable &variable : module.variables) {
    if (!isAllocated(variable))
      continue;
    Result<std::vector<uint8_t>> bytes =
        initialBytes(module, variable, addresses);
    if (bytes.failed())
      return bytes.error();
    if (Status status = copyToDevice(addresses[variable.name], bytes->data(),
                                     bytes->size());
        status.failed())
      return status.error();
  }
  return buffers;
}

/// Puts the arguments where the kernel expects its parameters.
static Status bindParameters(Grid &grid, const Launch &launch) {
  const Program &program = grid.program;
  if (launch.parameters.size() != program.parameters.size())
    return failure("expected ", program.parameters.size(),
                   " parameters of kernel '", program.kernel, "', got ",
                   launch.parameters.size());
  grid.parameters.resize(program.parameterBytes);
  for (size_t i = 0; i < launch.parameters.size(); ++i) {
    const ParameterSlot &slot = program.parameters[i];
    const ParameterValue &value = launch.parameters[i];
    size_t size = 0;
    const void *bytes = nullptr;
    if (const auto *map = std::get_if<TensorMapDescription>(&value)) {
      size = 128;
      grid.tensorMaps.emplace_back(slot.offset, *map);
    } else if (const auto *address = std::get_if<uint64_t>(&value)) {
      size = sizeof(*address);
      bytes = address;
    } else {
      size = sizeof(int32_t);
      bytes = std::get_if<int32_t>(&value);
    }
    if (size != slot.size)
      return failure("expected parameter '", slot.name, "' to have ", size,
                     " bytes, got ", slot.size);
    if (bytes)
      std::memcpy(grid.parameters.data() + slot.offset, bytes, size);
  }
  return {};
}

/// Executes the clusters of the first `blocks` blocks on the host's cores. One
/// that fails ends the launch.
static bool runBlocks(const Grid &grid, uint32_t blocks) {
  std::atomic<uint32_t> next = 0;
  std::atomic<bool> failed = false;
  uint32_t clusters = std::min(grid.blocks, blocks) / grid.clusterBlocks;
  auto work = [&] {
    for (uint32_t index; !failed && (index = next++) < clusters;)
      if (!Cluster(grid, index).run())
        failed = true;
  };
  uint32_t count =
      std::min(std::max(std::thread::hardware_concurrency(), 1u), clusters);
  std::vector<std::thread> threads;
  for (uint32_t i = 1; i < count; ++i)
    threads.emplace_back(work);
  work();
  for (std::thread &thread : threads)
    thread.join();
  return !failed;
}

/// The blocks of a cluster, as the kernel or the launch has it.
static Result<uint32_t> clusterSize(const Program &program,
                                    const Launch &launch) {
  uint32_t wanted = std::max(launch.clusterBlocks, 1u);
  uint32_t required = program.clusterBlocks ? program.clusterBlocks : wanted;
  if (wanted > 1 && wanted != required)
    return failure("expected clusters of ", required, " blocks, as kernel '",
                   program.kernel, "' requires, got ", wanted);
  if (required > maxClusterBlocks)
    return failure("expected at most ", maxClusterBlocks,
                   " blocks in a cluster, got ", required);
  if (launch.blocks % required)
    return failure("expected a multiple of ", required,
                   " blocks, as a cluster has, got ", launch.blocks);
  return required;
}

Status EmulatorDevice::run(Kernel &kernel, const Launch &launch) {
  const Program &program = static_cast<EmulatedKernel &>(kernel).program;
  if (launch.threadsPerBlock == 0 || launch.threadsPerBlock > maxThreads)
    return failure("expected 1 to ", maxThreads, " threads in a block, got ",
                   launch.threadsPerBlock);
  if (launch.sharedMemoryBytes > maxSharedBytes ||
      program.staticSharedBytes > maxSharedBytes - launch.sharedMemoryBytes)
    return failure(
        "expected at most ", maxSharedBytes, " bytes of shared memory, got ",
        uint64_t(program.staticSharedBytes) + launch.sharedMemoryBytes);
  Result<uint32_t> clusterBlocks = clusterSize(program, launch);
  if (clusterBlocks.failed())
    return clusterBlocks.error();
  HazardLog log(options.maxOfKind);
  Grid grid{program,
            memory,
            launch.blocks,
            *clusterBlocks,
            std::max(options.multiprocessors, 1u),
            launch.threadsPerBlock,
            launch.sharedMemoryBytes,
            {},
            {},
            options.seed,
            options.checked,
            options.maxInstructions,
            kernel.plan().awaitsPrevious,
            log};
  if (Status status = bindParameters(grid, launch); status.failed())
    return status;
  bool finished = runBlocks(grid, options.maxBlocks);
  if (finished && log.hazards().empty())
    return {};
  return failure("kernel '", program.kernel, "' has hazards\n", log.text());
}

std::unique_ptr<Device>
attn::runtime::makeEmulatorDevice(const EmulatorOptions &options) {
  return std::make_unique<EmulatorDevice>(options);
}
