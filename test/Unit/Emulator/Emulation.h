//===- Emulation.h - Runs pieces of PTX -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_EMULATOR_EMULATION_H
#define ATTN_TEST_UNIT_EMULATOR_EMULATION_H

#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include "gtest/gtest.h"

#include <cstdint>
#include <string>
#include <vector>

namespace attn::runtime {

/// The tensors of the maps, innermost dimension last, and the boxes of copies.
struct MappedTensor {
  ElementType elementType = ElementType::BF16;
  std::vector<int64_t> shape = {60, 64};
  std::vector<int64_t> box = {64, 64};
  Swizzle swizzle = Swizzle::B128;
};

/// One block or more of a kernel, on the emulator or, with
/// ATTN_TEST_DEVICE=cuda, on a GPU, which sees no hazards. It has
///   - parameters `out` (an address, in %d0 at the start) and `map` (a tensor
///     map over a tensor that counts from 0, in 16 bits up to 255), and
///     `outMap` (the same over a tensor of zeros),
///   - `smem`, shared memory,
///   - registers %p0-15, %h0-15, %r0-255, %d0-31.
struct Emulation {
  std::string body;
  uint32_t threads = 32;
  uint64_t seed = 0;
  bool checked = true;
  /// Elsewhere in the module, and after the parameters.
  std::string declarations = "";
  /// What `out` holds at the start, and zeros after that.
  std::vector<uint32_t> data = {};
  uint32_t sharedBytes = 32 * 1024;
  MappedTensor tensor = {};
  uint32_t blocks = 1;
  uint32_t clusterBlocks = 1;
  /// Between the parameters and the body.
  std::string directives = "";
  /// Whether the kernel in front may still run.
  bool awaitsPrevious = false;

  /// The words of `out`, or what went wrong.
  Result<std::vector<uint32_t>> run() const;
  /// What goes wrong, or nothing.
  std::string message() const;

  /// What goes wrong under one of a few seeds, or nothing.
  std::string anyMessage() const;

  /// The tensor of `outMap` after the last run.
  mutable std::vector<uint16_t> stored = {};
};

/// Whether the tests run on a GPU, which says nothing of what is wrong.
bool runsOnGpu();

/// A piece of PTX that gives each thread its result in %r0 of %r1, %r2, %r3.
std::vector<uint32_t> evaluate(const std::string &instruction, uint32_t a,
                               uint32_t b, uint32_t c);

/// `text` without its first line that contains `part`, which there must be.
std::string without(const std::string &text, const std::string &part);

/// `text` with the first `from`, which there must be, replaced by `to`.
std::string replaced(const std::string &text, const std::string &from,
                     const std::string &to);

/// Whether `text` contains `part`.
::testing::AssertionResult contains(const std::string &text,
                                    const std::string &part);

} // namespace attn::runtime

#endif // ATTN_TEST_UNIT_EMULATOR_EMULATION_H
