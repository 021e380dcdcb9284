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
  return device.fill(counters.address(), 0, counters.size());
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
