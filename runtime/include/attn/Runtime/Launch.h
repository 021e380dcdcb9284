//===- Launch.h - A launch plan, evaluated ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_LAUNCH_H
#define ATTN_RUNTIME_LAUNCH_H

#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace attn::runtime {

/// A tensor in the memory of a device.
struct TensorArgument {
  ElementType elementType = ElementType::BF16;
  uint64_t address = 0;
  std::vector<int64_t> shape;
  /// In elements.
  std::vector<int64_t> strides;
};

/// A tensor map to be encoded by the device. Dimensions are innermost first.
struct TensorMapDescription {
  ElementType elementType = ElementType::BF16;
  uint64_t address = 0;
  std::vector<uint64_t> extents;
  /// In bytes; the first dimension has none, its elements being adjacent.
  std::vector<uint64_t> strides;
  std::vector<uint32_t> box;
  Swizzle swizzle = Swizzle::None;
};

/// A tensor map, the address of a tensor or another 64-bit value, or a size.
using ParameterValue = std::variant<TensorMapDescription, uint64_t, int32_t>;

/// Everything a device needs to start a kernel. Nothing is to be started when
/// `blocks` is zero.
struct Launch {
  uint32_t blocks = 0;
  /// The blocks that run together as a cluster, which divide `blocks`.
  uint32_t clusterBlocks = 1;
  uint32_t threadsPerBlock = 0;
  uint32_t sharedMemoryBytes = 0;
  /// It may start before the launch in front of it has ended, for which the
  /// kernel itself waits.
  bool dependent = false;
  std::vector<ParameterValue> parameters;
  /// Which of them is to be the address of a counter.
  std::optional<size_t> counterParameter = std::nullopt;
};

/// Sizes that must agree.
using EqualSizes =
    std::vector<std::pair<LaunchPlan::SizeRef, LaunchPlan::SizeRef>>;

/// Gives sizes that are -1 in `shapes`, which are those of all tensors, the
/// value that an equal one has.
void propagateSizes(const EqualSizes &equalSizes,
                    std::vector<std::vector<int64_t>> &shapes);

/// The shapes of all tensors of `specs`: those of the inputs as given, and
/// those of the outputs, whose dynamic sizes `equalSizes` equates with sizes of
/// the inputs.
Result<std::vector<std::vector<int64_t>>>
completeShapes(const std::vector<TensorSpec> &specs,
               const EqualSizes &equalSizes,
               const std::vector<std::vector<int64_t>> &inputs);

/// Checks element types, ranks, sizes and addresses.
Status checkTensors(const std::vector<TensorSpec> &specs,
                    const EqualSizes &equalSizes,
                    const std::vector<TensorArgument> &tensors);

/// Evaluates `plan` for `tensors` on a device of `multiprocessors`, refusing
/// tensors that the kernel was not compiled for. A counter that the plan wants
/// is given when the kernel is started.
Result<Launch> planLaunch(const LaunchPlan &plan,
                          const std::vector<TensorArgument> &tensors,
                          uint32_t multiprocessors);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_LAUNCH_H
