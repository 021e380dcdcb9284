//===- MeasureTest.cpp - How long work takes on a device ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeDevice.h"

#include "attn/Runtime/Measure.h"

#include "gtest/gtest.h"

using namespace attn::runtime;

/// Short, and all but without a pause.
static MeasureOptions quick() {
  MeasureOptions options;
  options.idleSeconds = 1e-6;
  options.rounds = 3;
  return options;
}

TEST(Measure, ReplaysFillTheirTime) {
  FakeDevice device;
  device.milliseconds = 0.5;
  unsigned executions = 0;
  Work work = [&]() -> Status {
    ++executions;
    return {};
  };
  auto timings = measure(device, {work, work}, quick());
  ASSERT_FALSE(timings.failed()) << timings.message();
  ASSERT_EQ(timings->size(), 2u);
  for (const Timing &timing : *timings) {
    EXPECT_DOUBLE_EQ(timing.burst, 0.5);
    EXPECT_DOUBLE_EQ(timing.sustained, 0.5);
  }
  // Each work is recorded once to learn how often it fits, then that often.
  EXPECT_EQ(device.recorded, (std::vector<unsigned>{1, 40, 1, 40}));
  // It is also executed before recording and before each of three bursts.
  EXPECT_EQ(executions, 2u * (1 + 1 + 40 + 3));
}

TEST(Measure, LongWorkIsRecordedOnce) {
  FakeDevice device;
  device.milliseconds = 1000;
  ASSERT_FALSE(measure(device, {[] { return Status(); }}, quick()).failed());
  EXPECT_EQ(device.recorded, (std::vector<unsigned>{1, 1}));
}

TEST(Measure, WorkOfNoTimeIsBounded) {
  FakeDevice device;
  device.milliseconds = 0;
  ASSERT_FALSE(measure(device, {[] { return Status(); }}, quick()).failed());
  EXPECT_EQ(device.recorded, (std::vector<unsigned>{1, 2000}));
}

TEST(Measure, PassesFailuresOn) {
  FakeDevice device;
  Work broken = []() -> Status { return failure("cannot start"); };
  EXPECT_EQ(measure(device, {broken}, quick()).message(), "cannot start");
  int executions = 0;
  Work tired = [&]() -> Status {
    return ++executions > 22 ? Status(failure("too tired")) : Status();
  };
  EXPECT_EQ(measure(device, {tired}, quick()).message(), "too tired");
  // In the rehearsal, in a burst and in the sustained part.
  for (unsigned replay : {1, 3, 6}) {
    device.replays = 0;
    device.failAtReplay = replay;
    EXPECT_EQ(measure(device, {[] { return Status(); }}, quick()).message(),
              "the device fell over");
  }
}
