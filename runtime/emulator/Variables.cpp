//===- Variables.cpp - The variables of a module --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Variables.h"

#include "Immediate.h"

#include <cstring>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

bool attn::runtime::emulator::isAllocated(const Variable &variable) {
  return !variable.isExternal &&
         (variable.space == Space::Global || variable.space == Space::Constant);
}

/// The value of one element, or nothing where there is no such thing.
static std::optional<uint64_t> valueOf(const Variable &variable,
                                       const InitialValue &value,
                                       const ModuleAddresses &addresses) {
  if (!value.isNumber) {
    auto found = addresses.find(value.text);
    if (found == addresses.end() || variable.elementSize != sizeof(uint64_t))
      return std::nullopt;
    return found->second + static_cast<uint64_t>(value.offset);
  }
  return parseNumber(value.text,
                     static_cast<unsigned>(8 * variable.elementSize),
                     variable.type[1] == 'f');
}

Result<std::vector<uint8_t>>
attn::runtime::emulator::initialBytes(const Module &module,
                                      const Variable &variable,
                                      const ModuleAddresses &addresses) {
  std::vector<uint8_t> bytes(variable.size);
  size_t at = 0;
  for (const InitialValue &value : variable.values) {
    std::optional<uint64_t> bits = valueOf(variable, value, addresses);
    if (!bits)
      return lineFailure(module.lines, variable.line,
                         "expected a number or the address of a variable of "
                         "global memory that fits the type, got '" +
                             value.text + "'");
    std::memcpy(bytes.data() + at, &*bits, variable.elementSize);
    at += variable.elementSize;
  }
  return bytes;
}
