//===- FakeDriver.h - A CUDA driver for tests -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared libraries under the names of the driver and of cuBLASLt, which the
// tests find in place of the real ones. Memory is the host's, kernels are only
// recorded, and any entry point can be told to fail.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_RUNTIME_FAKEDRIVER_H
#define ATTN_TEST_UNIT_RUNTIME_FAKEDRIVER_H

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

/// How the driver behaves, and what it was asked for.
struct FakeDriver {
  int version = 13000;
  int deviceCount = 1;
  int major = 9, minor = 0;
  /// The entry point that fails, under its name without a version.
  std::string failing;
  /// It has no words for its errors.
  bool wordless = false;
  std::string compilerLog;

  struct Launch {
    unsigned grid = 0, cluster = 1, block = 0, shared = 0;
    void *stream = nullptr;
    /// It may overlap the end of the launch before.
    bool dependent = false;
    /// The first bytes of each parameter.
    std::vector<std::array<uint64_t, 2>> parameters;
  };
  /// How many parameters the kernel has.
  size_t parameterCount = 0;
  std::vector<Launch> launches;

  struct TensorMap {
    int type = 0, swizzle = 0, promotion = 0;
    uint64_t address = 0;
    std::vector<uint64_t> extents, strides;
    std::vector<uint32_t> box;
  };
  std::vector<TensorMap> maps;
  struct Fill {
    uint64_t address = 0;
    size_t bytes = 0;
    void *stream = nullptr;
  };
  std::vector<Fill> fills;
  /// Launches and tensor maps are only counted, for measurements.
  bool quiet = false;
  unsigned launchCount = 0, mapCount = 0;

  int sharedLimit = 0;
  bool capturing = false;
  /// The stream that it is of, for those that do not ask for one.
  void *capturedStream = nullptr;
  /// Streams whose identity is not their handle.
  std::map<void *, unsigned long long> streamIds;
  unsigned contextWaits = 0;
  unsigned contextPushes = 0;
  unsigned captured = 0, replays = 0;
  /// What a capture must not see: allocations, waiting, loading.
  unsigned uncapturable = 0;
  /// The primary one, and how often it was retained.
  void *context = nullptr;
  unsigned contextUses = 0;
  /// Allocations, contexts, modules, streams, events, graphs that are alive.
  std::set<void *> live;
  unsigned products = 0;
};

/// Exported by the fake driver.
extern "C" FakeDriver *fakeDriver();

/// How many contexts this thread has pushed and not popped. What needs a
/// context fails where there is none.
extern "C" int fakeContextDepth();

#endif // ATTN_TEST_UNIT_RUNTIME_FAKEDRIVER_H
