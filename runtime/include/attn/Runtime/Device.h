//===- Device.h - What runs kernels -----------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The interface that a GPU and an interpreter of PTX have in common. Whatever
// does not depend on the device (evaluating a launch plan, the protocol of a
// measurement) is outside of it, in Launch.h and Measure.h.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_DEVICE_H
#define ATTN_RUNTIME_DEVICE_H

#include "attn/Runtime/Buffer.h"
#include "attn/Runtime/Launch.h"
#include "attn/Runtime/LaunchCounters.h"
#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attn::runtime {

/// A kernel that is loaded on a device.
class Kernel {
public:
  explicit Kernel(LaunchPlan plan) : launchPlan(std::move(plan)) {}
  virtual ~Kernel() = default;
  Kernel(const Kernel &) = delete;
  Kernel &operator=(const Kernel &) = delete;

  const LaunchPlan &plan() const { return launchPlan; }

  /// What launches of it count on, where the plan wants a counter.
  LaunchCounters &counters() { return launchCounters; }

private:
  LaunchPlan launchPlan;
  LaunchCounters launchCounters;
};

/// An order of work on a device, as its driver knows it: a CUstream.
using Stream = void *;

/// Work whose every detail is settled. It may be started often, and by several
/// threads at a time.
class PreparedWork {
public:
  virtual ~PreparedWork() = default;
  /// Starts the work on `stream`, or on the device's own.
  virtual Status start(std::optional<Stream> stream) const = 0;
};

/// Starts some work on a device without waiting for it.
using Work = std::function<Status()>;

/// Work that is recorded once and replayed without the host's overhead.
class Recording {
public:
  virtual ~Recording() = default;
  /// Runs the work and returns how long it took, in milliseconds.
  virtual Result<double> replay() = 0;
};

class Device {
public:
  virtual ~Device() = default;

  /// For people, e.g. "NVIDIA H200".
  virtual std::string name() const = 0;
  virtual uint32_t multiprocessors() const = 0;
  /// Whether it runs binaries where there are any; otherwise it reads PTX.
  virtual bool runsBinaries() const { return true; }
  /// The target whose kernels it runs.
  virtual std::string target() const { return "sm_90a"; }
  /// Whether it has streams other than its own.
  virtual bool hasStreams() const { return false; }

  /// The memory is not initialised.
  virtual Result<Buffer> allocate(size_t bytes) = 0;
  virtual Status copyToDevice(uint64_t address, const void *source,
                              size_t bytes) = 0;
  virtual Status copyFromDevice(void *destination, uint64_t address,
                                size_t bytes) = 0;
  virtual Status fill(uint64_t address, uint8_t value, size_t bytes) = 0;

  virtual Result<std::unique_ptr<Kernel>>
  load(const CompiledKernel &compiled) = 0;

  /// Starts `kernel`, which this device loaded, on `tensors`.
  Status launch(Kernel &kernel, const std::vector<TensorArgument> &tensors);

  /// Settles how `kernel`, which this device loaded and which must outlive the
  /// result, is started; `launch` is not empty.
  virtual Result<std::unique_ptr<PreparedWork>> prepare(Kernel &kernel,
                                                        Launch launch) = 0;
  /// Settles that memory is filled.
  virtual Result<std::unique_ptr<PreparedWork>>
  prepareFill(uint64_t address, uint8_t value, size_t bytes) = 0;

  /// Waits for everything that was started on the device's own stream.
  virtual Status synchronize() = 0;

  /// Records `repeats` executions of `work`.
  virtual Result<std::unique_ptr<Recording>> record(const Work &work,
                                                    unsigned repeats) = 0;

  /// The product of two random bfloat16 matrices of `size` x `size` by the best
  /// library at hand: the yardstick of a measurement.
  virtual Result<Work> matrixProduct(int64_t size) = 0;

protected:
  friend class Buffer;
  virtual void release(uint64_t address) = 0;
};

/// A device without streams, which runs each launch to its end in the thread
/// that starts it.
class SerialDevice : public Device {
public:
  Result<std::unique_ptr<PreparedWork>> prepare(Kernel &kernel,
                                                Launch launch) override;
  Result<std::unique_ptr<PreparedWork>>
  prepareFill(uint64_t address, uint8_t value, size_t bytes) override;

protected:
  /// `launch` is not empty.
  virtual Status run(Kernel &kernel, const Launch &launch) = 0;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_DEVICE_H
