//===- Hint.cpp - Instructions that change no result ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cluster.h"
#include "MemoryAccess.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

/// There are no caches, and no other kernel runs.
static Step executeNothing(Block &, Warp &, const Instruction &, uint32_t) {
  return Step::Next;
}

/// The kernel in front has ended, and what it wrote is there.
static Step executeWait(Block &block, Warp &warp, const Instruction &,
                        uint32_t) {
  Clock &awaited = block.cluster.awaited;
  if (!awaited.get(warp.agent))
    awaited.set(warp.agent, warp.stamp());
  return Step::Next;
}

/// A policy of a cache is a number that nothing looks at.
static Step executePolicy(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t mask) {
  writeDoubles(block, warp, instruction, instruction.operands[0], Doubles{},
               mask);
  return Step::Next;
}

/// `createpolicy.fractional.L2::evict_last.b64 d, 0f3F800000`, `.range` and
/// `.cvt`.
static Status decodePolicy(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  bool isKnown =
      parts.size() > 3 && parts.back() == "b64" &&
      (parts[1] == "fractional" || parts[1] == "range" || parts[1] == "cvt");
  if (!isKnown || decoder.statement().operands.empty())
    return decoder.unknown();
  decoder.instruction().execute = executePolicy;
  return decoder.addResult(decoder.statement().operands[0], Type::Bits64);
}

/// A hint about an address. It need not lead anywhere, and so is not checked.
static Status decodeAddressHint(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  bool isSized = parts[0] == "discard" || parts[0] == "applypriority";
  bool isKnown = parts.size() > 1;
  for (size_t i = 1; i < parts.size(); ++i)
    isKnown &= parts[i] == "global" || parts[i] == "local" ||
               parts[i] == "L1" || parts[i] == "L2" ||
               parts[i] == "tensormap" || parts[i] == "const" ||
               parts[i] == "param" || parts[i] == "L2::evict_last" ||
               parts[i] == "L2::evict_normal";
  if (!isKnown)
    return decoder.unknown();
  if (Status status = decoder.expectOperands(isSized ? 2 : 1); status.failed())
    return status;
  const SourceOperand &address = decoder.statement().operands[0];
  decoder.instruction().execute = executeNothing;
  return decoder.variable(address.text) ? Status()
                                        : decoder.addAddress(address);
}

Status attn::runtime::emulator::decodeHint(Decoder &decoder) {
  const std::string &opcode = decoder.parts()[0];
  const std::string &name = decoder.statement().name;
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeNothing;
  if (name == "griddepcontrol.wait")
    instruction.execute = executeWait;
  if (name == "griddepcontrol.wait" ||
      name == "griddepcontrol.launch_dependents")
    return decoder.expectOperands(0);
  if (name == "nanosleep.u32" || name == "pmevent" || name == "pmevent.mask") {
    if (Status status = decoder.expectOperands(1); status.failed())
      return status;
    return decoder.addSource(decoder.statement().operands[0], Type::Bits32);
  }
  if (opcode == "createpolicy")
    return decodePolicy(decoder);
  return opcode == "griddepcontrol" || opcode == "nanosleep" ||
                 opcode == "pmevent"
             ? decoder.unknown()
             : decodeAddressHint(decoder);
}
