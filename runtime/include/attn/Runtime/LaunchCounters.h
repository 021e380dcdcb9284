//===- LaunchCounters.h - A counter for each launch -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The blocks of a launch share its instances through a counter in the memory of
// the device. A kernel leaves it as it was, zero, so that launches of which one
// ends before the next begins can share one. Others must not:
//   - launches on one stream follow one another: a stream has a counter;
//   - a launch that is recorded in a graph runs at any time later, and as often
//     as the graph is replayed: it has one that nobody else ever gets. A graph
//     does not overlap with itself.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_LAUNCHCOUNTERS_H
#define ATTN_RUNTIME_LAUNCHCOUNTERS_H

#include "attn/Runtime/Buffer.h"
#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace attn::runtime {

/// The counters of one kernel. All functions may be called by several threads.
class LaunchCounters {
public:
  /// Allocates so many on `device`, if `plan` wants counters.
  Status allocate(Device &device, const LaunchPlan &plan, uint32_t capacity);

  /// Starts a launch by `start(address)` on the stream that is known as
  /// `stream` for as long as the process lives. If there are no more counters,
  /// `wait()` waits for everything that was started, after which streams may
  /// get those of others.
  template <typename Start, typename Wait>
  Status launch(uint64_t stream, Start start, Wait wait) {
    for (;;) {
      {
        std::shared_lock<std::shared_mutex> lock(mutex);
        auto found = ofStreams.find(stream);
        if (found != ofStreams.end())
          return start(found->second);
      }
      std::unique_lock<std::shared_mutex> lock(mutex);
      if (free.empty()) {
        if (Status status = wait(); status.failed())
          return status;
        releaseStreams();
      }
      if (free.empty())
        return exhausted();
      addStream(stream);
    }
  }

  /// Starts a launch by `start(address)` that is recorded in a graph.
  template <typename Start> Status record(Start start) {
    std::optional<uint64_t> counter = take();
    return counter ? start(*counter) : exhausted();
  }

  /// Starts a launch by `start(address)` that is over when that returns.
  template <typename Start> Status run(Start start) {
    std::optional<uint64_t> counter = take();
    if (!counter)
      return exhausted();
    Status status = start(*counter);
    giveBack(*counter);
    return status;
  }

private:
  std::optional<uint64_t> take();
  void giveBack(uint64_t counter);
  /// These two under the lock of a writer.
  void addStream(uint64_t stream);
  void releaseStreams();
  Failure exhausted() const;

  std::string kernel;
  Buffer memory;
  /// Held while a launch on a stream is started, so that nobody takes its
  /// counter for free.
  std::shared_mutex mutex;
  std::unordered_map<uint64_t, uint64_t> ofStreams;
  std::vector<uint64_t> free;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_LAUNCHCOUNTERS_H
