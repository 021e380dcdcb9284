//===- Launch.cpp - A launch plan, evaluated ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Launch.h"

#include "attn/Runtime/Expression.h"
#include "attn/Runtime/Float.h"
#include "attn/Runtime/HostTensor.h"

#include <algorithm>
#include <array>
#include <limits>

using namespace attn::runtime;

namespace {
/// Limits of the hardware's tensor maps.
constexpr uint64_t maxTensorMapRank = 5;
constexpr uint64_t maxTensorMapExtent = uint64_t(1) << 32;
constexpr uint64_t maxTensorMapStride = uint64_t(1) << 40;
constexpr int64_t maxTensorMapBox = 256;
constexpr uint64_t tensorMapAlignment = 16;
/// A kernel counts its sizes and instances in 32 bits.
constexpr int64_t maxCount = std::numeric_limits<int32_t>::max();

/// The plan and the arguments, so that each rule is a small function.
class Planner {
public:
  Planner(const LaunchPlan &plan, const std::vector<TensorArgument> &tensors)
      : plan(plan), tensors(tensors) {}

  Result<uint32_t> countBlocks(uint32_t multiprocessors) const;
  Result<ParameterValue> evaluate(const KernelParameter &parameter,
                                  uint32_t multiprocessors) const;

private:
  Status checkTensorIndex(int32_t tensor) const;
  Status checkAlignment(int32_t index, uint64_t alignment) const;
  Status checkInnermost(int32_t index) const;
  Status checkStrides(int32_t index, uint64_t alignment) const;
  Result<ParameterValue> describe(const KernelParameter &parameter) const;
  Result<uint64_t> byteStride(int32_t index, const TensorMapDim &dim) const;

  const LaunchPlan &plan;
  const std::vector<TensorArgument> &tensors;
};
} // namespace

/// Names the axis of a tensor in a message.
static std::string axisText(const TensorSpec &spec, int32_t axis) {
  return "size " + std::to_string(axis) + " of '" + spec.name + "'";
}

static bool isEmpty(const TensorArgument &tensor) {
  return std::find(tensor.shape.begin(), tensor.shape.end(), 0) !=
         tensor.shape.end();
}

/// An output in which two elements share memory has no right value.
static Status checkDistinct(const TensorSpec &spec,
                            const TensorArgument &tensor) {
  if (isEmpty(tensor))
    return {};
  std::array<std::pair<int64_t, int64_t>, 16> axes;
  size_t count = 0;
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    if (tensor.shape[axis] > 1 && count < axes.size())
      axes[count++] = {tensor.strides[axis], tensor.shape[axis]};
  }
  std::sort(axes.begin(), axes.begin() + count);
  // The distance from the first to the last element of the inner axes.
  int64_t span = 0, length = 0;
  for (size_t i = 0; i < count; ++i) {
    auto [stride, size] = axes[i];
    if (stride <= span || __builtin_mul_overflow(stride, size - 1, &length) ||
        __builtin_add_overflow(span, length, &span))
      return failure("expected the elements of output '", spec.name,
                     "' not to overlap, got stride ", stride);
  }
  return {};
}

static Status checkTensor(const TensorSpec &spec,
                          const TensorArgument &tensor) {
  if (tensor.elementType != spec.elementType)
    return failure("expected '", spec.name, "' to have element type ",
                   elementName(spec.elementType), ", got ",
                   elementName(tensor.elementType));
  if (tensor.shape.size() != spec.shape.size())
    return failure("expected '", spec.name, "' to have rank ",
                   spec.shape.size(), ", got ", tensor.shape.size());
  if (tensor.strides.size() != tensor.shape.size())
    return failure("expected '", spec.name, "' to have ", tensor.shape.size(),
                   " strides, got ", tensor.strides.size());
  for (size_t axis = 0; axis < spec.shape.size(); ++axis) {
    if (tensor.shape[axis] < 0)
      return failure("expected ", axisText(spec, axis),
                     " to be 0 or more, got ", tensor.shape[axis]);
    if (spec.shape[axis] >= 0 && tensor.shape[axis] != spec.shape[axis])
      return failure("expected ", axisText(spec, axis), " to be ",
                     spec.shape[axis], ", got ", tensor.shape[axis]);
  }
  // Frameworks give none to a tensor without elements.
  if (tensor.address == 0 && !isEmpty(tensor))
    return failure("expected '", spec.name, "' to have an address");
  return {};
}

static Status checkReference(const std::vector<TensorSpec> &specs,
                             int32_t tensor, int32_t axis) {
  if (tensor < 0 || tensor >= static_cast<int64_t>(specs.size()))
    return failure("malformed launch plan: there is no tensor ", tensor);
  if (axis < 0 || axis >= static_cast<int64_t>(specs[tensor].shape.size()))
    return failure("malformed launch plan: '", specs[tensor].name,
                   "' has no axis ", axis);
  return {};
}

/// What an output updates is where the output is.
static Status checkUpdates(const std::vector<TensorSpec> &specs, size_t index,
                           const std::vector<TensorArgument> &tensors) {
  int32_t updates = specs[index].updates;
  if (updates < 0)
    return {};
  if (updates >= static_cast<int64_t>(specs.size()))
    return failure("malformed launch plan: there is no tensor ", updates);
  const TensorArgument &input = tensors[updates], &output = tensors[index];
  if (input.address == output.address && input.strides == output.strides &&
      input.shape == output.shape)
    return {};
  return failure("expected '", specs[index].name,
                 "' to be the same memory as '", specs[updates].name,
                 "', which it updates");
}

Status attn::runtime::checkTensors(const std::vector<TensorSpec> &specs,
                                   const EqualSizes &equalSizes,
                                   const std::vector<TensorArgument> &tensors) {
  if (tensors.size() != specs.size())
    return failure("expected ", specs.size(), " tensors, got ", tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i)
    if (Status status = checkTensor(specs[i], tensors[i]); status.failed())
      return status;
  for (size_t i = 0; i < tensors.size(); ++i)
    if (Status status = checkUpdates(specs, i, tensors); status.failed())
      return status;
  for (const auto &[a, b] : equalSizes) {
    for (LaunchPlan::SizeRef ref : {a, b})
      if (Status status = checkReference(specs, ref.tensor, ref.axis);
          status.failed())
        return status;
    int64_t left = tensors[a.tensor].shape[a.axis];
    int64_t right = tensors[b.tensor].shape[b.axis];
    if (left != right)
      return failure("expected ", axisText(specs[a.tensor], a.axis),
                     " to equal ", axisText(specs[b.tensor], b.axis), ", got ",
                     left, " and ", right);
  }
  return {};
}

Status Planner::checkTensorIndex(int32_t tensor) const {
  if (tensor < 0 || tensor >= static_cast<int64_t>(tensors.size()))
    return failure("malformed launch plan: there is no tensor ", tensor);
  return {};
}

Result<uint32_t> Planner::countBlocks(uint32_t multiprocessors) const {
  int64_t instances = 1;
  for (const Expression &extent : plan.instances) {
    if (Status status = checkExpression(extent, plan.tensors); status.failed())
      return failure("malformed launch plan: ", status.message());
    Result<int64_t> count =
        attn::runtime::evaluate(extent, tensors, multiprocessors);
    if (count.failed())
      return count.error();
    if (__builtin_mul_overflow(instances, std::max<int64_t>(*count, 0),
                               &instances) ||
        instances > maxCount)
      return failure("expected at most ", maxCount,
                     " program instances of kernel '", plan.kernel,
                     "', got more");
  }
  int64_t cluster = plan.clusterBlocks;
  if (cluster < 1)
    return failure("malformed launch plan: expected a positive number of "
                   "blocks in a cluster, got ",
                   cluster);
  if (plan.persistent) {
    // Whole clusters, of which there is one at least.
    int64_t wanted = (instances + cluster - 1) / cluster;
    int64_t room = std::max<int64_t>(multiprocessors / cluster, 1);
    return static_cast<uint32_t>(std::min(wanted, room) * cluster);
  }
  if (instances % cluster)
    return failure("expected the program instances of kernel '", plan.kernel,
                   "' to be a multiple of ", cluster,
                   ", the blocks of a cluster, got ", instances);
  return static_cast<uint32_t>(instances);
}

Result<ParameterValue> Planner::evaluate(const KernelParameter &parameter,
                                         uint32_t multiprocessors) const {
  if (parameter.kind == KernelParameter::Kind::Counter)
    return ParameterValue(uint64_t(0));
  if (parameter.kind == KernelParameter::Kind::Value) {
    Result<int64_t> value =
        attn::runtime::evaluate(parameter.expression, tensors, multiprocessors);
    if (value.failed())
      return value.error();
    ParameterValue parameterValue = static_cast<uint64_t>(*value);
    return parameterValue;
  }
  int32_t index = parameter.tensor;
  if (Status status = checkTensorIndex(index); status.failed())
    return status.error();
  switch (parameter.kind) {
  case KernelParameter::Kind::TensorMap:
    return describe(parameter);
  case KernelParameter::Kind::Pointer:
    if (Status status = checkAlignment(
            index, std::max<uint64_t>(parameter.alignment,
                                      elementSize(tensors[index].elementType)));
        status.failed())
      return status.error();
    if (Status status = checkInnermost(index); status.failed())
      return status.error();
    if (Status status = checkStrides(index, parameter.alignment);
        status.failed())
      return status.error();
    return ParameterValue(tensors[index].address);
  case KernelParameter::Kind::Size:
  case KernelParameter::Kind::Value:
  case KernelParameter::Kind::Counter:
    break;
  }
  if (Status status = checkReference(plan.tensors, index, parameter.axis);
      status.failed())
    return status.error();
  int64_t size = tensors[index].shape[parameter.axis];
  if (size > maxCount)
    return failure("expected ", axisText(plan.tensors[index], parameter.axis),
                   " to be at most ", maxCount, ", got ", size);
  return ParameterValue(static_cast<int32_t>(size));
}

Status Planner::checkAlignment(int32_t index, uint64_t alignment) const {
  if (tensors[index].address % alignment)
    return failure("expected the address of '", plan.tensors[index].name,
                   "' to be a multiple of ", alignment, ", got ",
                   tensors[index].address);
  return {};
}

/// Other strides are parameters of their own.
Status Planner::checkInnermost(int32_t index) const {
  const TensorArgument &tensor = tensors[index];
  if (!tensor.shape.empty() && tensor.shape.back() > 1 &&
      tensor.strides.back() != 1)
    return failure("expected the innermost stride of '",
                   plan.tensors[index].name, "' to be 1, got ",
                   tensor.strides.back());
  return {};
}

/// Those that lead to what is accessed: frameworks give any to an axis of one
/// element.
Status Planner::checkStrides(int32_t index, uint64_t alignment) const {
  const TensorArgument &tensor = tensors[index];
  uint64_t size = elementSize(tensor.elementType);
  for (size_t axis = 0; axis + 1 < tensor.shape.size(); ++axis)
    if (tensor.shape[axis] > 1 &&
        static_cast<uint64_t>(tensor.strides[axis]) * size % alignment)
      return failure("expected stride ", axis, " of '",
                     plan.tensors[index].name, "' to be a multiple of ",
                     alignment, " bytes, got ", tensor.strides[axis],
                     " elements");
  return {};
}

/// The driver takes no other maps; and where the rows of a box are narrower
/// than its swizzle, the hardware leaves gaps between them.
static Status checkRows(const TensorSpec &spec,
                        const TensorMapDescription &map) {
  switch (map.elementType) {
  case ElementType::BF16:
  case ElementType::F16:
  case ElementType::F32:
    break;
  default:
    return failure("malformed launch plan: expected bf16, f16 or f32 in '",
                   spec.name, "', which has a tensor map, got ",
                   elementName(map.elementType));
  }
  uint64_t bytes = map.box[0] * elementSize(map.elementType);
  if (bytes % tensorMapAlignment)
    return failure("malformed launch plan: expected the rows of the box of '",
                   spec.name, "' to be a multiple of ", tensorMapAlignment,
                   " bytes, got ", bytes);
  auto swizzle = static_cast<uint64_t>(map.swizzle);
  if (swizzle && bytes != swizzle)
    return failure("malformed launch plan: expected the rows of the box of '",
                   spec.name, "' to be as wide as its swizzle, ", swizzle,
                   " bytes, got ", bytes);
  return {};
}

Result<ParameterValue>
Planner::describe(const KernelParameter &parameter) const {
  const TensorArgument &tensor = tensors[parameter.tensor];
  const TensorSpec &spec = plan.tensors[parameter.tensor];
  if (parameter.mapDims.empty() || parameter.mapDims.size() > maxTensorMapRank)
    return failure("malformed launch plan: expected a tensor map of rank 1 to ",
                   maxTensorMapRank, ", got ", parameter.mapDims.size());
  if (Status status = checkAlignment(parameter.tensor, tensorMapAlignment);
      status.failed())
    return status.error();
  if (tensor.strides.empty() || tensor.strides.back() != 1)
    return failure("expected the innermost stride of '", spec.name,
                   "' to be 1");

  TensorMapDescription map;
  map.elementType = tensor.elementType;
  // The driver wants an address that is not null, be it never read.
  map.address = tensor.address ? tensor.address : tensorMapAlignment;
  map.swizzle = parameter.swizzle;
  for (const TensorMapDim &dim : parameter.mapDims) {
    if (Status status =
            checkReference(plan.tensors, parameter.tensor, dim.axis);
        status.failed())
      return status.error();
    if (dim.box < 1 || dim.box > maxTensorMapBox)
      return failure("malformed launch plan: expected a box of 1 to ",
                     maxTensorMapBox, ", got ", dim.box);
    map.box.push_back(static_cast<uint32_t>(dim.box));

    int64_t extent = dim.extent < 0 ? tensor.shape[dim.axis] : dim.extent;
    map.extents.push_back(std::max<uint64_t>(extent, 1));
    if (map.extents.back() > maxTensorMapExtent)
      return failure("expected ", axisText(spec, dim.axis), " to be at most ",
                     maxTensorMapExtent, ", got ", extent);

    if (map.extents.size() == 1)
      continue;
    // Frameworks give any to an axis along which nothing steps.
    Result<uint64_t> stride = tensorMapAlignment;
    if (map.extents.back() > 1)
      stride = byteStride(parameter.tensor, dim);
    if (stride.failed())
      return stride.error();
    map.strides.push_back(*stride);
    // Where this is before address 0, the coordinates lead around it.
    if (dim.lastAtAddress)
      map.address -= (map.extents.back() - 1) * *stride;
  }
  if (Status status = checkRows(spec, map); status.failed())
    return status.error();
  return ParameterValue(std::move(map));
}

Result<uint64_t> Planner::byteStride(int32_t index,
                                     const TensorMapDim &dim) const {
  const TensorArgument &tensor = tensors[index];
  int64_t size = static_cast<int64_t>(elementSize(tensor.elementType));
  int64_t stride;
  if (__builtin_mul_overflow(tensor.strides[dim.axis], dim.step * size,
                             &stride) ||
      stride < 0 || static_cast<uint64_t>(stride) >= maxTensorMapStride ||
      stride % tensorMapAlignment)
    return failure("expected stride ", dim.axis, " of '",
                   plan.tensors[index].name, "' to be a multiple of ",
                   tensorMapAlignment, " bytes and below 2^40 bytes, got ",
                   tensor.strides[dim.axis], " elements");
  return static_cast<uint64_t>(stride);
}

/// Whether the sizes that must be large enough are.
static Status checkLeastSizes(const LaunchPlan &plan,
                              const std::vector<TensorArgument> &tensors,
                              uint32_t multiprocessors) {
  for (const LeastSize &least : plan.leastSizes) {
    if (Status status =
            checkReference(plan.tensors, least.size.tensor, least.size.axis);
        status.failed())
      return status;
    if (Status status = checkExpression(least.least, plan.tensors);
        status.failed())
      return failure("malformed launch plan: ", status.message());
    int64_t size = tensors[least.size.tensor].shape[least.size.axis];
    Result<int64_t> expected = evaluate(least.least, tensors, multiprocessors);
    if (expected.failed())
      return expected.error();
    if (size < *expected)
      return failure("expected ",
                     axisText(plan.tensors[least.size.tensor], least.size.axis),
                     " to be at least ", *expected, ", got ", size);
  }
  return {};
}

Result<Launch>
attn::runtime::planLaunch(const LaunchPlan &plan,
                          const std::vector<TensorArgument> &tensors,
                          uint32_t multiprocessors) {
  if (Status status = checkTensors(plan.tensors, plan.equalSizes, tensors);
      status.failed())
    return status.error();
  if (Status status = checkLeastSizes(plan, tensors, multiprocessors);
      status.failed())
    return status.error();
  Planner planner(plan, tensors);
  Launch launch;
  launch.threadsPerBlock = plan.threadsPerBlock;
  launch.sharedMemoryBytes = plan.sharedMemoryBytes;
  for (const KernelParameter &parameter : plan.parameters) {
    Result<ParameterValue> value = planner.evaluate(parameter, multiprocessors);
    if (value.failed())
      return value.error();
    if (parameter.kind == KernelParameter::Kind::Counter)
      launch.counterParameter = launch.parameters.size();
    launch.parameters.push_back(std::move(*value));
  }
  for (size_t i = 0; i < tensors.size(); ++i)
    if (plan.tensors[i].isOutput)
      if (Status status = checkDistinct(plan.tensors[i], tensors[i]);
          status.failed())
        return status.error();
  Result<uint32_t> blocks = planner.countBlocks(multiprocessors);
  if (blocks.failed())
    return blocks.error();
  launch.blocks = *blocks;
  launch.clusterBlocks = plan.clusterBlocks;
  return launch;
}

/// Gives an unknown one of two equal sizes the value of the other.
static bool propagate(int64_t &a, int64_t &b) {
  if ((a < 0) == (b < 0))
    return false;
  (a < 0 ? a : b) = std::max(a, b);
  return true;
}

void attn::runtime::propagateSizes(const EqualSizes &equalSizes,
                                   std::vector<std::vector<int64_t>> &shapes) {
  auto size = [&](LaunchPlan::SizeRef ref) -> int64_t * {
    bool exists = ref.tensor >= 0 && ref.axis >= 0 &&
                  ref.tensor < static_cast<int64_t>(shapes.size()) &&
                  ref.axis < static_cast<int64_t>(shapes[ref.tensor].size());
    return exists ? &shapes[ref.tensor][ref.axis] : nullptr;
  };
  bool changed = true;
  while (changed) {
    changed = false;
    for (const auto &[a, b] : equalSizes)
      if (int64_t *left = size(a), *right = size(b); left && right)
        changed |= propagate(*left, *right);
  }
}

Result<std::vector<std::vector<int64_t>>>
attn::runtime::completeShapes(const std::vector<TensorSpec> &specs,
                              const EqualSizes &equalSizes,
                              const std::vector<std::vector<int64_t>> &inputs) {
  std::vector<std::vector<int64_t>> shapes = inputs;
  for (const TensorSpec &spec : specs)
    if (spec.isOutput)
      shapes.push_back(spec.shape);
  if (shapes.size() != specs.size())
    return failure("expected ", specs.size() - (shapes.size() - inputs.size()),
                   " inputs, got ", inputs.size());
  propagateSizes(equalSizes, shapes);
  for (size_t i = 0; i < shapes.size(); ++i)
    for (size_t axis = 0; axis < shapes[i].size(); ++axis)
      if (shapes[i][axis] < 0)
        return failure("malformed launch plan: nothing gives size ", axis,
                       " of '", specs[i].name, "'");
  return shapes;
}
