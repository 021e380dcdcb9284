//===- LaunchCounters.cpp - A counter for each launch ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/LaunchCounters.h"

#include "attn/Runtime/Device.h"

using namespace attn::runtime;

Status LaunchCounters::allocate(Device &device, const LaunchPlan &plan,
                                uint32_t capacity) {
  if (!wantsCounter(plan))
    return {};
  kernel = plan.kernel;
  Result<Buffer> buffer = device.allocate(capacity * sizeof(uint32_t));
  if (buffer.failed())
    return buffer.error();
  memory = std::move(*buffer);
  if (Status status = device.fill(memory.address(), 0, memory.size());
      status.failed())
    return status;
  // From the back, so that the first one comes first.
  for (uint32_t i = capacity; i-- > 0;)
    free.push_back(memory.address() + i * sizeof(uint32_t));
  // A launch may be on another stream.
  return device.synchronize();
}

std::optional<uint64_t> LaunchCounters::take() {
  std::unique_lock<std::shared_mutex> lock(mutex);
  if (free.empty())
    return std::nullopt;
  uint64_t counter = free.back();
  free.pop_back();
  return counter;
}

void LaunchCounters::giveBack(uint64_t counter) {
  std::unique_lock<std::shared_mutex> lock(mutex);
  free.push_back(counter);
}

void LaunchCounters::addStream(uint64_t stream) {
  if (ofStreams.emplace(stream, free.back()).second)
    free.pop_back();
}

void LaunchCounters::releaseStreams() {
  for (auto [stream, counter] : ofStreams)
    free.push_back(counter);
  ofStreams.clear();
}

Failure LaunchCounters::exhausted() const {
  return failure("expected at most ", memory.size() / sizeof(uint32_t),
                 " launches of kernel '", kernel,
                 "' at once or in graphs, got more; load the program again");
}
