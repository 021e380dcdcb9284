//===- CudaExecutableTest.cpp - Programs on a GPU behind a fake driver ----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Bundle/Example.h"
#include "FakeDriver.h"

#include "attn/Runtime/CudaDevice.h"
#include "attn/Runtime/Executable.h"

#include "gtest/gtest.h"

#include <chrono>
#include <dlfcn.h>
#include <map>
#include <set>
#include <thread>

using namespace attn::runtime;

namespace {
class CudaExecutableTest : public testing::Test {
protected:
  CudaExecutableTest() : driver(*find()) {
    driver = FakeDriver();
    device = std::move(*openCudaDevice());
    executable = std::move(*Executable::load(*device, bundle));
    driver.parameterCount = 1;
    driver.fills.clear();
  }

  static FakeDriver *find() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    return reinterpret_cast<FakeDriver *(*)()>(dlsym(library, "fakeDriver"))();
  }

  /// Of `length` rows, in the memory of the host.
  std::vector<TensorArgument> tensorsOf(int64_t length) {
    auto address =
        (reinterpret_cast<uint64_t>(memory.data()) + 255) / 256 * 256;
    return {{ElementType::BF16, address, {length, 64}, {64, 1}},
            {ElementType::BF16, address, {length, 64}, {64, 1}}};
  }

  /// Launches the kernel with a counter, its last parameter.
  Status launchOn(uint64_t stream) {
    LaunchOptions options;
    options.stream = reinterpret_cast<void *>(stream);
    return executable->launch(tensorsOf(5), options);
  }
  uint64_t counterOn(uint64_t stream) {
    driver.parameterCount = 5;
    EXPECT_FALSE(launchOn(stream).failed());
    return driver.launches.back().parameters[4][0];
  }

  FakeDriver &driver;
  Bundle bundle = exampleBundle();
  std::vector<uint8_t> memory = std::vector<uint8_t>(132 * 256 + 1024);
  std::unique_ptr<Device> device;
  std::unique_ptr<Executable> executable;
};
} // namespace

TEST_F(CudaExecutableTest, StartsEverythingOnTheStream) {
  auto tensors = tensorsOf(2000);
  LaunchOptions options;
  options.stream = &options;
  options.workspace = tensors[0].address;
  options.workspaceBytes = *executable->workspaceBytes(tensors);
  ASSERT_FALSE(executable->launch(tensors, options).failed());
  ASSERT_EQ(driver.fills.size(), 1u);
  EXPECT_EQ(driver.fills[0].stream, &options);
  EXPECT_EQ(driver.fills[0].bytes, 132u * 64 * 4);
  ASSERT_EQ(driver.launches.size(), 2u);
  for (const FakeDriver::Launch &launch : driver.launches)
    EXPECT_EQ(launch.stream, &options);
  EXPECT_FALSE(driver.launches[0].dependent);
  EXPECT_TRUE(driver.launches[1].dependent);
}

/// A launch can be captured: it neither allocates nor waits nor loads, be it
/// the first on its tensors or not.
TEST_F(CudaExecutableTest, CanBeCaptured) {
  auto tensors = tensorsOf(2000);
  LaunchOptions options;
  options.workspace = tensors[0].address;
  options.workspaceBytes = *executable->workspaceBytes(tensors);
  auto recording =
      device->record([&] { return executable->launch(tensors, options); }, 3);
  ASSERT_FALSE(recording.failed()) << recording.message();
  EXPECT_EQ(driver.captured, 6u);
  EXPECT_EQ(driver.uncapturable, 0u);
}

/// Launches on one stream follow one another, those on different ones may
/// overlap.
TEST_F(CudaExecutableTest, AStreamHasACounter) {
  std::set<uint64_t> counters;
  for (uint64_t stream = 1; stream <= 20; ++stream) {
    uint64_t counter = counterOn(stream);
    EXPECT_TRUE(counters.insert(counter).second);
    EXPECT_EQ(counterOn(stream), counter);
    EXPECT_EQ(driver.launches.back().cluster, 2u);
  }
  EXPECT_EQ(*counters.rbegin() - *counters.begin(), 19 * sizeof(uint32_t));
  EXPECT_EQ(driver.contextWaits, 0u);
}

/// Work of a stream that has been destroyed may still be under way when another
/// gets its handle; and one handle stands for a stream of each thread.
TEST_F(CudaExecutableTest, AHandleIsNotAStream) {
  uint64_t counter = counterOn(2);
  driver.streamIds[reinterpret_cast<void *>(2)] = 77;
  EXPECT_NE(counterOn(2), counter);
  driver.streamIds[reinterpret_cast<void *>(5)] = 2;
  EXPECT_EQ(counterOn(5), counter);
}

/// What is in a graph may run at the same time as anything else.
TEST_F(CudaExecutableTest, ALaunchInAGraphHasACounterOfItsOwn) {
  std::set<uint64_t> direct, recorded;
  for (uint64_t stream = 1; stream <= 300; ++stream)
    direct.insert(counterOn(stream));
  for (uint64_t graph = 0; graph < 3; ++graph) {
    size_t first = driver.launches.size();
    auto recording = device->record(
        [&] { return executable->launch(tensorsOf(5), {}); }, 100);
    ASSERT_FALSE(recording.failed()) << recording.message();
    EXPECT_EQ(driver.uncapturable, 0u);
    for (size_t i = first; i < driver.launches.size(); ++i)
      EXPECT_TRUE(recorded.insert(driver.launches[i].parameters[4][0]).second);
    // The same stream, when nothing is recorded, and another one.
    ASSERT_FALSE(executable->launch(tensorsOf(5), {}).failed());
    direct.insert(driver.launches.back().parameters[4][0]);
    direct.insert(counterOn(1000 + graph));
  }
  for (uint64_t stream = 1; stream <= 300; ++stream)
    EXPECT_TRUE(direct.count(counterOn(stream)));
  EXPECT_EQ(direct.size(), 304u);
  EXPECT_EQ(recorded.size(), 300u);
  for (uint64_t counter : recorded)
    EXPECT_FALSE(direct.count(counter));
}

/// More streams than there are counters: all launches are waited for.
TEST_F(CudaExecutableTest, StreamsGetTheCountersOfOthers) {
  constexpr uint64_t counters = 1 << 16;
  driver.capturing = true;
  driver.capturedStream = reinterpret_cast<void *>(1);
  uint64_t recorded = counterOn(1);
  driver.capturing = false;
  for (uint64_t stream = 1; stream < counters; ++stream) {
    EXPECT_NE(counterOn(stream), recorded);
    driver.launches.clear();
  }
  EXPECT_EQ(driver.contextWaits, 0u);
  driver.failing = "cuCtxSynchronize";
  EXPECT_EQ(launchOn(counters).message(),
            "cannot finish all launches: out of memory (CUDA error 2)");
  driver.failing.clear();
  EXPECT_NE(counterOn(counters), recorded);
  EXPECT_EQ(driver.contextWaits, 2u);
  // There are enough for a while, for those that come back as well.
  for (uint64_t stream = 1; stream < 1000; ++stream)
    EXPECT_NE(counterOn(stream), recorded);
  EXPECT_EQ(driver.contextWaits, 2u);
}

TEST_F(CudaExecutableTest, RefusesMoreLaunchesInGraphsThanCounters) {
  driver.quiet = true;
  driver.capturing = true;
  driver.capturedStream = reinterpret_cast<void *>(1);
  for (int i = 0; i < 1 << 16; ++i)
    ASSERT_FALSE(launchOn(1).failed());
  const char *refusal = "expected at most 65536 launches of kernel 'whole' at "
                        "once or in graphs, got more; load the program again";
  EXPECT_EQ(launchOn(1).message(), refusal);
  driver.capturing = false;
  EXPECT_EQ(launchOn(1).message(), refusal);
}

TEST_F(CudaExecutableTest, StreamsOfManyThreadsDoNotShareCounters) {
  constexpr uint64_t threads = 8, rounds = 200;
  driver.parameterCount = 5;
  std::vector<std::thread> workers;
  for (uint64_t worker = 1; worker <= threads; ++worker)
    workers.emplace_back([&, worker] {
      for (uint64_t round = 0; round < rounds; ++round)
        EXPECT_FALSE(launchOn(worker * 1000 + round % 20).failed());
    });
  for (std::thread &worker : workers)
    worker.join();
  std::map<uint64_t, std::set<void *>> streams;
  for (const FakeDriver::Launch &launch : driver.launches)
    streams[launch.parameters[4][0]].insert(launch.stream);
  EXPECT_EQ(streams.size(), threads * 20);
  for (const auto &[counter, sharing] : streams)
    EXPECT_EQ(sharing.size(), 1u);
}

/// A context is made current only where it is not.
TEST_F(CudaExecutableTest, UsesTheContextOfTheThread) {
  ASSERT_FALSE(launchOn(1).failed());
  unsigned pushes = driver.contextPushes;
  ASSERT_FALSE(launchOn(1).failed());
  EXPECT_EQ(driver.contextPushes, pushes + 1);
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  auto push =
      reinterpret_cast<int (*)(void *)>(dlsym(library, "cuCtxPushCurrent_v2"));
  auto pop =
      reinterpret_cast<int (*)(void **)>(dlsym(library, "cuCtxPopCurrent_v2"));
  // Of another device.
  int foreign = 0;
  void *popped = nullptr;
  push(&foreign);
  pushes = driver.contextPushes;
  ASSERT_FALSE(launchOn(1).failed());
  EXPECT_EQ(driver.contextPushes, pushes + 1);
  push(driver.context);
  pushes = driver.contextPushes;
  ASSERT_FALSE(launchOn(1).failed());
  EXPECT_EQ(driver.contextPushes, pushes);
  pop(&popped);
  EXPECT_EQ(popped, driver.context);
  pop(&popped);
  EXPECT_EQ(popped, &foreign);
}

/// A loop over the layers of a model finds each launch again, and what has been
/// forgotten is settled anew.
TEST_F(CudaExecutableTest, RemembersManyLaunches) {
  driver.quiet = true;
  auto mapsOf = [&](int64_t first, int64_t last) {
    unsigned before = driver.mapCount;
    for (int64_t length = first; length <= last; ++length)
      EXPECT_FALSE(executable->launch(tensorsOf(length)).failed());
    return driver.mapCount - before;
  };
  unsigned each = mapsOf(1, 1);
  ASSERT_GT(each, 0u);
  EXPECT_EQ(mapsOf(1, 512), 511 * each);
  EXPECT_EQ(mapsOf(1, 512), 0u);
  // The oldest makes room.
  EXPECT_EQ(mapsOf(513, 513), each);
  EXPECT_EQ(mapsOf(2, 513), 0u);
  EXPECT_EQ(mapsOf(1, 1), each);
  EXPECT_EQ(mapsOf(3, 513), 0u);
  EXPECT_EQ(mapsOf(2, 2), each);
}

TEST_F(CudaExecutableTest, SaysWhyTheDriverRefuses) {
  driver.failing = "cuLaunchKernel";
  EXPECT_EQ(executable->launch(tensorsOf(5)).message(),
            "cannot launch kernel 'whole': out of memory (CUDA error 2)");
  driver.failing = "cuTensorMapEncodeTiled";
  EXPECT_EQ(executable->launch(tensorsOf(6)).message(),
            "cannot encode a tensor map: out of memory (CUDA error 2)");
  driver.failing = "cuStreamIsCapturing";
  EXPECT_EQ(executable->launch(tensorsOf(5)).message(),
            "cannot see whether a graph is recorded: out of memory (CUDA error "
            "2)");
  driver.failing = "cuStreamGetId";
  EXPECT_EQ(executable->launch(tensorsOf(5)).message(),
            "cannot identify a stream: out of memory (CUDA error 2)");
  driver.failing = "cuCtxPushCurrent";
  EXPECT_EQ(executable->launch(tensorsOf(5)).message(),
            "cannot use the GPU: out of memory (CUDA error 2)");
  // What has failed is not remembered.
  driver.failing.clear();
  EXPECT_FALSE(executable->launch(tensorsOf(6)).failed());
}

TEST_F(CudaExecutableTest, IsLaunchedByManyThreads) {
  constexpr int threads = 8, rounds = 500;
  driver.quiet = true;
  std::vector<std::thread> workers;
  std::atomic<int> failures = 0;
  for (int worker = 0; worker < threads; ++worker)
    workers.emplace_back([&, worker] {
      // More different launches than are remembered.
      for (int round = 0; round < rounds; ++round)
        failures += executable->launch(tensorsOf(1 + (worker * 7 + round) % 40))
                        .failed();
    });
  for (std::thread &worker : workers)
    worker.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(driver.launchCount, unsigned(threads * rounds));
}

/// The host's part of a launch, with a driver that costs next to nothing. The
/// bound is for an optimised build without sanitizers; any build prints it.
TEST_F(CudaExecutableTest, AWarmLaunchCostsLittle) {
  constexpr int launches = 20000;
  driver.quiet = true;
  auto tensors = tensorsOf(5);
  auto microseconds = [&](bool cold) {
    double best = 1e9;
    for (int attempt = 0; attempt < 5; ++attempt) {
      auto begin = std::chrono::steady_clock::now();
      for (int i = 0; i < launches; ++i) {
        if (cold)
          tensors[0].address ^= uint64_t(1 + i) << 8;
        EXPECT_FALSE(executable->launch(tensors).failed());
      }
      std::chrono::duration<double, std::micro> time =
          std::chrono::steady_clock::now() - begin;
      best = std::min(best, time.count() / launches);
    }
    return best;
  };
  double cold = microseconds(true), warm = microseconds(false);
  unsigned maps = driver.mapCount;
  EXPECT_FALSE(executable->launch(tensors).failed());
  EXPECT_EQ(driver.mapCount, maps);
  std::printf("warm launch: %.3f us, on other tensors: %.3f us\n", warm, cold);
  RecordProperty("warm_microseconds", std::to_string(warm));
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(warm, 5);
  EXPECT_LT(cold, 20);
#endif
}
