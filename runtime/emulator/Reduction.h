//===- Reduction.h - Operations on elements of memory -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_REDUCTION_H
#define ATTN_RUNTIME_EMULATOR_REDUCTION_H

#include "attn/Runtime/LaunchPlan.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace attn::runtime::emulator {

/// What an asynchronous reduction does to each element of its destination.
struct Reduction {
  enum class Op : uint8_t { Add, Min, Max, Inc, Dec, And, Or, Xor };
  enum class Type : uint8_t { U32, S32, U64, S64, F16, BF16, F32, F64 };

  /// By their names in PTX; nothing where they do not go together.
  static std::optional<Reduction> parse(const std::string &op,
                                        const std::string &type);
  static std::optional<Op> parseOp(const std::string &op);
  /// On the elements of a tensor; nothing where there is no such operation.
  static std::optional<Reduction> of(Op op, ElementType type);

  uint32_t elementBytes() const;
  /// On each of the elements, which are aligned in the destination. Each is
  /// changed at once, as others may change it at the same time.
  void apply(uint8_t *destination, const uint8_t *source, size_t bytes) const;

  Op op = Op::Add;
  Type type = Type::U32;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_REDUCTION_H
