//===- Buffer.h - Memory of a device ----------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_BUFFER_H
#define ATTN_RUNTIME_BUFFER_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace attn::runtime {

class Device;

/// Memory of a device, released with the buffer. Even an empty buffer has an
/// address of its own.
class Buffer {
public:
  Buffer() = default;
  Buffer(Device &device, uint64_t address, size_t size)
      : owner(&device), start(address), bytes(size) {}
  Buffer(Buffer &&other) noexcept { *this = std::move(other); }
  Buffer &operator=(Buffer &&other) noexcept;
  ~Buffer() { reset(); }

  uint64_t address() const { return start; }
  size_t size() const { return bytes; }
  void reset();

private:
  Device *owner = nullptr;
  uint64_t start = 0;
  size_t bytes = 0;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_BUFFER_H
