//===- Immediate.h - Numbers in PTX -----------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_IMMEDIATE_H
#define ATTN_RUNTIME_EMULATOR_IMMEDIATE_H

#include <cstdint>
#include <optional>
#include <string>

namespace attn::runtime::emulator {

/// The bits of a number as it is written, if it fits into `bits` bits; of a
/// float if `wantsFloat`.
std::optional<uint64_t> parseNumber(const std::string &text, unsigned bits,
                                    bool wantsFloat);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_IMMEDIATE_H
