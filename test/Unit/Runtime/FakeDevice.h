//===- FakeDevice.h - A device for tests ------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_RUNTIME_FAKEDEVICE_H
#define ATTN_TEST_UNIT_RUNTIME_FAKEDEVICE_H

#include "attn/Runtime/Device.h"

#include <cstring>
#include <set>

namespace attn::runtime {

/// Memory is the host's, a kernel does nothing, and time is what a test says.
class FakeDevice : public SerialDevice {
public:
  ~FakeDevice() override {
    for (uint64_t address : live)
      delete[] reinterpret_cast<uint8_t *>(address);
  }

  std::string name() const override { return "fake"; }
  uint32_t multiprocessors() const override { return 4; }

  Result<Buffer> allocate(size_t bytes) override {
    auto address = reinterpret_cast<uint64_t>(new uint8_t[bytes + 1]);
    live.insert(address);
    return Buffer(*this, address, bytes);
  }
  Status copyToDevice(uint64_t address, const void *source,
                      size_t bytes) override {
    std::memcpy(reinterpret_cast<void *>(address), source, bytes);
    return {};
  }
  Status copyFromDevice(void *destination, uint64_t address,
                        size_t bytes) override {
    std::memcpy(destination, reinterpret_cast<void *>(address), bytes);
    return {};
  }
  Status fill(uint64_t address, uint8_t value, size_t bytes) override {
    std::memset(reinterpret_cast<void *>(address), value, bytes);
    return {};
  }
  Result<std::unique_ptr<Kernel>>
  load(const CompiledKernel &compiled) override {
    if (compiled.ptx.empty())
      return failure("no kernel");
    constexpr uint32_t counters = 4;
    auto kernel = std::make_unique<Kernel>(compiled.plan);
    if (Status status =
            kernel->counters().allocate(*this, compiled.plan, counters);
        status.failed())
      return status.error();
    return kernel;
  }
  Status synchronize() override { return {}; }

  class FakeRecording : public Recording {
  public:
    FakeRecording(FakeDevice &device, unsigned repeats)
        : device(device), repeats(repeats) {}
    Result<double> replay() override {
      if (++device.replays == device.failAtReplay)
        return failure("the device fell over");
      return device.milliseconds * repeats;
    }

  private:
    FakeDevice &device;
    unsigned repeats;
  };

  Result<std::unique_ptr<Recording>> record(const Work &work,
                                            unsigned repeats) override {
    for (unsigned i = 0; i < repeats; ++i)
      if (Status status = work(); status.failed())
        return status.error();
    recorded.push_back(repeats);
    return std::unique_ptr<Recording>(
        std::make_unique<FakeRecording>(*this, repeats));
  }
  Result<Work> matrixProduct(int64_t) override { return failure("no library"); }

  std::set<uint64_t> live;
  std::vector<Launch> launches;
  std::vector<unsigned> recorded;
  double milliseconds = 1;
  unsigned replays = 0;
  unsigned failAtReplay = 0;

protected:
  void release(uint64_t address) override {
    live.erase(address);
    delete[] reinterpret_cast<uint8_t *>(address);
  }
  Status run(Kernel &, const Launch &launch) override {
    launches.push_back(launch);
    return {};
  }
};

} // namespace attn::runtime

#endif // ATTN_TEST_UNIT_RUNTIME_FAKEDEVICE_H
