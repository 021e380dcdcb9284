//===- Device.cpp - What runs kernels -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Device.h"

using namespace attn::runtime;

Buffer &Buffer::operator=(Buffer &&other) noexcept {
  if (this == &other)
    return *this;
  reset();
  std::swap(owner, other.owner);
  std::swap(start, other.start);
  std::swap(bytes, other.bytes);
  return *this;
}

void Buffer::reset() {
  if (owner)
    owner->release(start);
  owner = nullptr;
  start = 0;
  bytes = 0;
}

namespace {
/// The work of a device that has only its own stream.
class OwnStreamWork : public PreparedWork {
public:
  explicit OwnStreamWork(Work work) : work(std::move(work)) {}
  Status start(std::optional<Stream>) const override { return work(); }

private:
  Work work;
};
} // namespace

/// A launch that takes a counter takes one of its own each time.
static Launch withCounter(Launch launch, Kernel &kernel) {
  if (launch.counterParameter)
    launch.parameters[*launch.counterParameter] = kernel.takeCounter();
  return launch;
}

Result<std::unique_ptr<PreparedWork>> Device::prepare(Kernel &kernel,
                                                      Launch launch) {
  return std::unique_ptr<PreparedWork>(std::make_unique<OwnStreamWork>(
      [this, &kernel, launch = std::move(launch)] {
        return start(kernel, withCounter(launch, kernel));
      }));
}

Result<std::unique_ptr<PreparedWork>>
Device::prepareFill(uint64_t address, uint8_t value, size_t bytes) {
  return std::unique_ptr<PreparedWork>(std::make_unique<OwnStreamWork>(
      [=] { return fill(address, value, bytes); }));
}

Status Kernel::allocateCounters(Device &device) {
  bool wanted = false;
  for (const KernelParameter &parameter : launchPlan.parameters)
    wanted |= parameter.kind == KernelParameter::Kind::Counter;
  if (!wanted)
    return {};
  Result<Buffer> buffer = device.allocate(maxLaunches * sizeof(uint32_t));
  if (buffer.failed())
    return buffer.error();
  counters = std::move(*buffer);
  if (Status status = device.fill(counters.address(), 0, counters.size());
      status.failed())
    return status;
  // A launch may be on another stream.
  return device.synchronize();
}

uint64_t Kernel::takeCounter() {
  if (!counters.address())
    return 0;
  return counters.address() + launches++ % maxLaunches * sizeof(uint32_t);
}

Status Device::launch(Kernel &kernel,
                      const std::vector<TensorArgument> &tensors) {
  Result<Launch> launch = planLaunch(kernel.plan(), tensors, multiprocessors(),
                                     kernel.takeCounter());
  if (launch.failed())
    return launch.error();
  if (launch->blocks == 0)
    return {};
  return start(kernel, *launch);
}
