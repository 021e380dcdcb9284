//===- Measure.cpp - How long work takes on a device ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Measure.h"

#include <algorithm>
#include <chrono>
#include <thread>

using namespace attn::runtime;

namespace {
struct Replay {
  Work work;
  std::unique_ptr<Recording> recording;
  unsigned repeats;
};
} // namespace

/// Records as many executions of `work` as fill the time of a replay.
static Result<Replay> prepare(Device &device, const Work &work,
                              double milliseconds) {
  constexpr double shortest = 1e-3;
  constexpr unsigned maxRepeats = 2000;
  // What a first execution loads or compiles must not be recorded.
  if (Status status = work(); status.failed())
    return status.error();
  if (Status status = device.synchronize(); status.failed())
    return status.error();
  Result<std::unique_ptr<Recording>> once = device.record(work, 1);
  if (once.failed())
    return once.error();
  double duration = milliseconds;
  for (int attempt = 0; attempt < 2; ++attempt) {
    Result<double> measured = (*once)->replay();
    if (measured.failed())
      return measured.error();
    duration = std::max(*measured, shortest);
  }
  auto repeats = static_cast<unsigned>(
      std::clamp<double>(milliseconds / duration, 1, maxRepeats));
  Result<std::unique_ptr<Recording>> recording = device.record(work, repeats);
  if (recording.failed())
    return recording.error();
  return Replay{work, std::move(*recording), repeats};
}

/// The median time of one execution in each replay, `idle` before each.
static Result<std::vector<double>> medians(std::vector<Replay> &replays,
                                           unsigned rounds, double idle) {
  std::vector<std::vector<double>> samples(replays.size());
  for (unsigned round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < replays.size(); ++i) {
      if (idle > 0) {
        std::this_thread::sleep_for(std::chrono::duration<double>(idle));
        // Wakes the card.
        if (Status status = replays[i].work(); status.failed())
          return status.error();
      }
      Result<double> total = replays[i].recording->replay();
      if (total.failed())
        return total.error();
      samples[i].push_back(*total / replays[i].repeats);
    }
  }
  std::vector<double> middle;
  for (std::vector<double> &sample : samples) {
    auto half = sample.begin() + sample.size() / 2;
    std::nth_element(sample.begin(), half, sample.end());
    middle.push_back(*half);
  }
  return middle;
}

Result<std::vector<Timing>>
attn::runtime::measure(Device &device, const std::vector<Work> &works,
                       const MeasureOptions &options) {
  std::vector<Replay> replays;
  for (const Work &work : works) {
    Result<Replay> replay = prepare(device, work, options.replayMilliseconds);
    if (replay.failed())
      return replay.error();
    replays.push_back(std::move(*replay));
  }
  Result<std::vector<double>> bursts =
      medians(replays, options.rounds, options.idleSeconds);
  if (bursts.failed())
    return bursts.error();
  Result<std::vector<double>> sustained = medians(replays, options.rounds, 0);
  if (sustained.failed())
    return sustained.error();
  std::vector<Timing> timings;
  timings.reserve(works.size());
  for (size_t i = 0; i < works.size(); ++i)
    timings.push_back({(*bursts)[i], (*sustained)[i]});
  return timings;
}
