//===- Runtime.cpp - The runtime's C interface ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn-c/Runtime.h"

#include "Tensors.h"

#include "attn/Runtime/Bundle.h"
#include "attn/Runtime/CudaDevice.h"
#include "attn/Runtime/EmulatorDevice.h"

#include <mutex>

using namespace attn::runtime;

struct AttnError {
  std::string message;
};

namespace {
/// A device, which lives as long as any handle that needs it.
struct SharedDevice {
  std::unique_ptr<Device> device;
  std::string name;
  capi::Place place;
  /// The emulator serves one thread at a time.
  std::mutex mutex;
};
} // namespace

struct AttnDevice {
  std::shared_ptr<SharedDevice> shared;
};

struct AttnExecutable {
  // In this order: the device outlives what is loaded on it.
  std::shared_ptr<SharedDevice> shared;
  std::unique_ptr<Executable> executable;
};

static AttnError *makeError(const Failure &failure) {
  return new AttnError{failure.message};
}

static AttnDevice *makeDevice(std::unique_ptr<Device> device,
                              const capi::Place &place) {
  auto shared = std::make_shared<SharedDevice>();
  shared->name = device->name();
  shared->device = std::move(device);
  shared->place = place;
  return new AttnDevice{std::move(shared)};
}

uint32_t attnRuntimeApiVersion(void) { return ATTN_RUNTIME_API_VERSION; }

const char *attnErrorBorrowMessage(const AttnError *error) {
  return error->message.c_str();
}

void attnErrorDestroy(AttnError *error) { delete error; }

AttnError *attnDeviceCreateCuda(int ordinal, AttnDevice **device) {
  Result<std::unique_ptr<Device>> opened = openCudaDevice(ordinal);
  if (opened.failed())
    return makeError(opened.error());
  *device = makeDevice(std::move(*opened), {/*isCpu=*/false, ordinal});
  return nullptr;
}

AttnError *attnDeviceCreateEmulator(uint64_t seed, bool findHazards,
                                    AttnDevice **device) {
  EmulatorOptions options;
  options.seed = seed;
  options.checked = findHazards;
  *device = makeDevice(makeEmulatorDevice(options), {/*isCpu=*/true, 0});
  return nullptr;
}

const char *attnDeviceBorrowName(const AttnDevice *device) {
  return device->shared->name.c_str();
}

void attnDeviceDestroy(AttnDevice *device) { delete device; }

AttnError *attnExecutableCreate(AttnDevice *device, const void *bundle,
                                size_t size, AttnExecutable **executable) {
  Result<Bundle> read = readBundle({static_cast<const char *>(bundle), size});
  if (read.failed())
    return makeError(read.error());
  auto loaded = Executable::load(*device->shared->device, *read);
  if (loaded.failed())
    return makeError(loaded.error());
  *executable = new AttnExecutable{device->shared, std::move(*loaded)};
  return nullptr;
}

void attnExecutableDestroy(AttnExecutable *executable) { delete executable; }

size_t attnExecutableGetTensorCount(const AttnExecutable *executable) {
  return executable->executable->signature().tensors.size();
}

/// The tensor `index`, or null if there are fewer.
static const TensorSpec *findTensor(const AttnExecutable *executable,
                                    size_t index) {
  const auto &tensors = executable->executable->signature().tensors;
  return index < tensors.size() ? &tensors[index] : nullptr;
}

const char *attnExecutableBorrowTensorName(const AttnExecutable *executable,
                                           size_t index) {
  const TensorSpec *tensor = findTensor(executable, index);
  return tensor ? tensor->name.c_str() : nullptr;
}

bool attnExecutableIsOutput(const AttnExecutable *executable, size_t index) {
  const TensorSpec *tensor = findTensor(executable, index);
  return tensor && tensor->isOutput;
}

AttnError *attnExecutableGetWorkspaceSize(const AttnExecutable *executable,
                                          const AttnDLTensor *const *tensors,
                                          size_t count, size_t *bytes) {
  const SharedDevice &shared = *executable->shared;
  std::vector<TensorArgument> arguments;
  if (Status status = capi::describe(tensors, count, shared.place, arguments);
      status.failed())
    return makeError(status.error());
  Result<size_t> size = executable->executable->workspaceBytes(arguments);
  if (size.failed())
    return makeError(size.error());
  // The emulator's memory is its own business.
  *bytes = shared.place.isCpu ? 0 : *size;
  return nullptr;
}

AttnError *attnExecutableLaunch(AttnExecutable *executable,
                                const AttnDLTensor *const *tensors,
                                size_t count, void *stream, void *workspace,
                                size_t workspaceBytes) {
  SharedDevice &shared = *executable->shared;
  // One per thread, so that a warm launch does not allocate.
  static thread_local std::vector<TensorArgument> arguments;
  Status status = capi::describe(tensors, count, shared.place, arguments);
  if (status.failed())
    return makeError(status.error());
  if (!shared.place.isCpu) {
    LaunchOptions options;
    options.stream = stream;
    options.workspace = reinterpret_cast<uint64_t>(workspace);
    options.workspaceBytes = workspaceBytes;
    status = executable->executable->launch(arguments, options);
  } else if (stream || workspace) {
    status =
        failure("expected neither a stream nor a workspace for ", shared.name);
  } else {
    std::lock_guard<std::mutex> lock(shared.mutex);
    status =
        capi::launchStaged(*shared.device, *executable->executable, arguments);
  }
  return status.failed() ? makeError(status.error()) : nullptr;
}
