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

Result<std::unique_ptr<PreparedWork>> SerialDevice::prepare(Kernel &kernel,
                                                            Launch launch) {
  return std::unique_ptr<PreparedWork>(std::make_unique<OwnStreamWork>(
      [this, &kernel, launch = std::move(launch)] {
        if (!launch.counterParameter)
          return run(kernel, launch);
        return kernel.counters().run([&](uint64_t counter) {
          Launch own = launch;
          own.parameters[*own.counterParameter] = counter;
          return run(kernel, own);
        });
      }));
}

Result<std::unique_ptr<PreparedWork>>
SerialDevice::prepareFill(uint64_t address, uint8_t value, size_t bytes) {
  return std::unique_ptr<PreparedWork>(std::make_unique<OwnStreamWork>(
      [=] { return fill(address, value, bytes); }));
}

Status Device::launch(Kernel &kernel,
                      const std::vector<TensorArgument> &tensors) {
  Result<Launch> launch = planLaunch(kernel.plan(), tensors, multiprocessors());
  if (launch.failed())
    return launch.error();
  if (launch->blocks == 0)
    return {};
  Result<std::unique_ptr<PreparedWork>> work =
      prepare(kernel, std::move(*launch));
  return work.failed() ? Status(work.error()) : (*work)->start(std::nullopt);
}
