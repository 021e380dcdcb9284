//===- Tensors.cpp - Tensors of other frameworks --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tensors.h"

#include "attn/Runtime/Float.h"
#include "attn/Runtime/HostTensor.h"

#include <algorithm>
#include <optional>

using namespace attn::runtime;

/// The layout of DLPack's interface on a 64-bit machine.
static_assert(sizeof(AttnDLTensor) == 48 &&
              offsetof(AttnDLTensor, dtype) == 20 &&
              offsetof(AttnDLTensor, byte_offset) == 40 &&
              offsetof(AttnDLManagedTensorVersioned, dl_tensor) == 32);

static constexpr int32_t maxRank = 8;

namespace {
struct TypeEntry {
  uint8_t code, bits;
  ElementType type;
};
constexpr TypeEntry types[] = {{ATTN_DL_BFLOAT, 16, ElementType::BF16},
                               {ATTN_DL_FLOAT, 16, ElementType::F16},
                               {ATTN_DL_FLOAT, 32, ElementType::F32},
                               {ATTN_DL_BOOL, 8, ElementType::I1},
                               {ATTN_DL_INT, 8, ElementType::I8},
                               {ATTN_DL_INT, 16, ElementType::I16},
                               {ATTN_DL_INT, 32, ElementType::I32},
                               {ATTN_DL_INT, 64, ElementType::I64}};
} // namespace

static std::optional<ElementType> elementTypeOf(const AttnDLDataType &type) {
  for (const TypeEntry &entry : types)
    if (type.code == entry.code && type.bits == entry.bits && type.lanes == 1)
      return entry.type;
  return std::nullopt;
}

static Status checkPlace(size_t index, const AttnDLDevice &device,
                         const capi::Place &place) {
  if (place.isCpu && device.device_type != ATTN_DL_CPU)
    return failure("expected tensor ", index,
                   " in the memory of the CPU, got DLPack's device type ",
                   device.device_type);
  if (place.isCpu || (device.device_type == ATTN_DL_CUDA_MANAGED) ||
      (device.device_type == ATTN_DL_CUDA && device.device_id == place.ordinal))
    return {};
  return failure("expected tensor ", index, " on GPU ", place.ordinal,
                 ", got DLPack's device type ", device.device_type, ", number ",
                 device.device_id);
}

static Status describeOne(size_t index, const AttnDLTensor *tensor,
                          const capi::Place &place, TensorArgument &argument) {
  if (!tensor || tensor->ndim < 0 || tensor->ndim > maxRank ||
      (tensor->ndim > 0 && !tensor->shape))
    return failure("expected tensor ", index, " of rank 0 to ", maxRank,
                   ", got ", tensor ? tensor->ndim : -1);
  if (Status status = checkPlace(index, tensor->device, place); status.failed())
    return status;
  std::optional<ElementType> type = elementTypeOf(tensor->dtype);
  if (!type)
    return failure("expected tensor ", index,
                   " of bf16, f16, f32, bool or signed integers, got DLPack's "
                   "type ",
                   int(tensor->dtype.code), " of ", int(tensor->dtype.bits),
                   " bits and ", tensor->dtype.lanes, " lanes");
  argument.elementType = *type;
  argument.address =
      reinterpret_cast<uint64_t>(tensor->data) + tensor->byte_offset;
  argument.shape.assign(tensor->shape, tensor->shape + tensor->ndim);
  for (int64_t size : argument.shape)
    if (size < 0)
      return failure("expected the sizes of tensor ", index,
                     " to be 0 or more, got ", size);
  if (Result<size_t> bytes = byteSize(argument.shape, elementSize(*type));
      bytes.failed())
    return failure("tensor ", index, ": ", bytes.message());
  if (tensor->strides)
    argument.strides.assign(tensor->strides, tensor->strides + tensor->ndim);
  else
    setRowMajorStrides(argument.shape, argument.strides);
  return {};
}

Status capi::describe(const AttnDLTensor *const *tensors, size_t count,
                      const Place &place,
                      std::vector<TensorArgument> &arguments) {
  arguments.resize(count);
  for (size_t i = 0; i < count; ++i)
    if (Status status = describeOne(i, tensors[i], place, arguments[i]);
        status.failed())
      return status;
  return {};
}

/// The bytes from the first element to the last.
static Result<size_t> spanOf(const TensorArgument &tensor) {
  constexpr int64_t most = int64_t(1) << 40;
  int64_t elements = 1;
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    if (tensor.shape[axis] == 0)
      return size_t(0);
    int64_t steps = 0;
    if (tensor.strides[axis] < 0 ||
        __builtin_mul_overflow(tensor.shape[axis] - 1, tensor.strides[axis],
                               &steps) ||
        __builtin_add_overflow(elements, steps, &elements) || elements > most)
      return failure("expected strides from 0 up to the size of the memory, "
                     "got ",
                     tensor.strides[axis]);
  }
  return static_cast<size_t>(elements) * elementSize(tensor.elementType);
}

Status capi::launchStaged(Device &device, Executable &executable,
                          const std::vector<TensorArgument> &tensors) {
  // What does not fit is not to be copied.
  Result<size_t> workspaceBytes = executable.workspaceBytes(tensors);
  if (workspaceBytes.failed())
    return workspaceBytes.error();
  std::vector<Buffer> buffers;
  std::vector<TensorArgument> staged = tensors;
  for (TensorArgument &tensor : staged) {
    Result<size_t> bytes = spanOf(tensor);
    if (bytes.failed())
      return bytes.error();
    Result<Buffer> buffer = device.allocate(*bytes);
    if (buffer.failed())
      return buffer.error();
    // A tensor without elements may have no address to copy from.
    if (*bytes > 0)
      if (Status status = device.copyToDevice(
              buffer->address(), reinterpret_cast<const void *>(tensor.address),
              *bytes);
          status.failed())
        return status;
    tensor.address = buffer->address();
    buffers.push_back(std::move(*buffer));
  }
  Result<Buffer> workspace = device.allocate(*workspaceBytes);
  if (workspace.failed())
    return workspace.error();
  LaunchOptions options;
  options.workspace = workspace->address();
  options.workspaceBytes = *workspaceBytes;
  if (Status status = executable.launch(staged, options); status.failed())
    return status;
  for (size_t i = 0; i < tensors.size(); ++i)
    if (executable.signature().tensors[i].isOutput && buffers[i].size() > 0)
      if (Status status = device.copyFromDevice(
              reinterpret_cast<void *>(tensors[i].address),
              buffers[i].address(), buffers[i].size());
          status.failed())
        return status;
  return {};
}
