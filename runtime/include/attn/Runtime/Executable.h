//===- Executable.h - A program, loaded on a device -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EXECUTABLE_H
#define ATTN_RUNTIME_EXECUTABLE_H

#include "attn/Runtime/Device.h"

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace attn::runtime {

struct LaunchOptions {
  /// Where the work is started; the device's own stream if none is given.
  std::optional<Stream> stream;
  /// Memory for intermediates, see Executable::workspaceBytes. Two launches
  /// that may run at the same time must not share it.
  uint64_t workspace = 0;
  size_t workspaceBytes = 0;
};

/// A program, loaded on a device, which must outlive it. Every function may be
/// called by several threads at a time.
///
/// A launch waits for nothing and allocates nothing on the device, so that it
/// can be captured in a graph. One on tensors of which a recent launch has
/// settled everything costs little more than the driver takes.
class Executable {
public:
  /// Loads the part of `bundle` that is for `device`.
  static Result<std::unique_ptr<Executable>> load(Device &device,
                                                  const Bundle &bundle);

  const Signature &signature() const { return program.signature; }
  /// Whether an assembler has made the kernels' binaries, which the device
  /// runs.
  bool isAssembled() const { return program.assembled; }

  /// How much memory a launch on `tensors` needs for intermediates.
  Result<size_t>
  workspaceBytes(const std::vector<TensorArgument> &tensors) const;

  /// The number of the variant that a launch on `tensors` chooses.
  Result<size_t> variant(const std::vector<TensorArgument> &tensors) const;

  /// Starts the program, or says why it does not fit.
  Status launch(const std::vector<TensorArgument> &tensors,
                const LaunchOptions &options = {});

private:
  /// The parts of a program that a launch needs.
  struct Program {
    Signature signature;
    std::vector<Variant> variants;
    std::vector<std::unique_ptr<Kernel>> kernels;
    bool assembled = false;
  };
  /// What a launch is settled by, as one list of numbers.
  using Key = std::vector<int64_t>;
  using Settled = std::vector<std::unique_ptr<PreparedWork>>;
  struct KeyHash {
    size_t operator()(const Key &key) const;
  };
  class Planner;

  Executable(Device &device, Program program)
      : device(device), program(std::move(program)) {}
  Result<std::shared_ptr<const Settled>>
  settle(const std::vector<TensorArgument> &tensors,
         const LaunchOptions &options) const;
  std::shared_ptr<const Settled> find(const Key &key) const;
  void remember(const Key &key, std::shared_ptr<const Settled> works);

  /// How many different launches are remembered: those of all layers of a
  /// model, with several sets of buffers.
  static constexpr size_t maxEntries = 512;

  Device &device;
  const Program program;
  mutable std::mutex mutex;
  std::unordered_map<Key, std::shared_ptr<const Settled>, KeyHash> settled;
  /// The keys in the order in which they came, from `oldest` on.
  std::vector<const Key *> order;
  size_t oldest = 0;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_EXECUTABLE_H
