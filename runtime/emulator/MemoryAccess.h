//===- MemoryAccess.h - One thread's access to some memory ------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_MEMORYACCESS_H
#define ATTN_RUNTIME_EMULATOR_MEMORYACCESS_H

#include "Decoder.h"
#include "Lanes.h"

#include <string>
#include <vector>

namespace attn::runtime::emulator {

enum class AccessKind { Read, Write };

/// The bytes of an access, which is aligned to its size, or null after it has
/// failed.
template <Space space>
uint8_t *accessMemory(Block &block, Warp &warp, const Instruction &instruction,
                      int lane, uint64_t address, uint32_t size,
                      AccessKind kind);

/// What stands between the opcode and the type of an instruction that accesses
/// memory. Most of it tells a cache what to expect, and changes nothing here.
struct AccessModifiers {
  Space space = Space::Generic;
  std::string operation;
  uint32_t count = 1;
  /// The policy of a cache comes as the last operand.
  bool hasPolicy = false;
  /// Other threads may access the same bytes at the same time.
  bool isStrong = false;
  bool isVolatile = false;
  bool acquires = false;
  bool releases = false;
  bool isNonCoherent = false;
};

/// Reads the parts [1, end). Nothing if one is not known, or not at this place.
std::optional<AccessModifiers>
parseAccessModifiers(const std::vector<std::string> &parts, size_t end);

/// Adds an address, which must not name a variable in another memory.
Status addMemoryAddress(Decoder &decoder, const SourceOperand &operand,
                        Space space);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_MEMORYACCESS_H
