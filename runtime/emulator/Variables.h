//===- Variables.h - The variables of a module ------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_VARIABLES_H
#define ATTN_RUNTIME_EMULATOR_VARIABLES_H

#include "Syntax.h"

#include "attn/Runtime/Status.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace attn::runtime::emulator {

/// The addresses of the variables that all threads of a launch share, global
/// and constant ones.
using ModuleAddresses = std::map<std::string, uint64_t>;

/// Whether a module sets memory aside for the variable.
bool isAllocated(const Variable &variable);

/// The bytes that a variable starts with.
Result<std::vector<uint8_t>> initialBytes(const Module &module,
                                          const Variable &variable,
                                          const ModuleAddresses &addresses);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_VARIABLES_H
