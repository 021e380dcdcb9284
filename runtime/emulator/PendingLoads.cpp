//===- PendingLoads.cpp - Loads whose results nothing has used ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PendingLoads.h"

#include "Cluster.h"
#include "Lanes.h"

#include <algorithm>

using namespace attn::runtime::emulator;

static bool isRegister(Operand operand) {
  return operand.kind != Operand::Kind::None &&
         operand.kind != Operand::Kind::Constant;
}

PendingLoads::Load *PendingLoads::find(uint32_t id) {
  auto found = std::lower_bound(
      loads.begin(), loads.end(), id,
      [](const Load &load, uint32_t id) { return load.id < id; });
  return found != loads.end() && found->id == id ? &*found : nullptr;
}

void PendingLoads::addRead(const Instruction &instruction, int lane,
                           uint32_t address, uint32_t size) {
  if (!isOpen) {
    loads.emplace_back();
    loads.back().id = ++lastId;
    loads.back().instruction = &instruction;
    loads.back().size = size;
    isOpen = true;
  }
  loads.back().readers |= 1u << lane;
  loads.back().addresses[lane] = address;
}

void PendingLoads::close(const Instruction &instruction, uint32_t count,
                         uint32_t mask) {
  // Of other memory, or nothing is checked.
  if (!isOpen)
    return;
  isOpen = false;
  // An aligned load gives every lane what others have read.
  loads.back().waiting = instruction.aligned ? mask : loads.back().readers;
  for (uint32_t i = 0; i < count; ++i)
    if (isRegister(instruction.operands[i]))
      hold(warp.state(instruction.operands[i]), lastId);
  if (loads.back().registers == 0)
    forget(loads.back());
}

/// Of two loads that a register has for different lanes, the first counts as
/// used.
void PendingLoads::hold(RegisterState &state, uint32_t id) {
  if (state.load == id)
    return;
  ++find(id)->registers;
  if (Load *other = find(state.load))
    use(*other, ~0u);
  state.load = id;
}

void PendingLoads::use(Load &load, uint32_t mask) {
  if (load.overwritten)
    reportUse(load, mask);
  load.waiting &= ~mask;
  noteEnd(load);
  if (load.waiting == 0)
    finish(load);
}

void PendingLoads::noteEnd(Load &load) {
  if (!load.ended && !(load.waiting & ~load.fenced))
    load.ended = warp.stamp();
}

void PendingLoads::use(RegisterState &state, uint32_t mask) {
  Load *load = find(state.load);
  if (load)
    use(*load, mask);
  else
    state.load = 0;
}

/// A load that nobody can use any more does no harm.
void PendingLoads::overwrite(RegisterState &state, uint32_t mask) {
  Load *load = find(state.load);
  if (load && (load->waiting & ~mask))
    return;
  state.load = 0;
  if (load && --load->registers == 0)
    forget(*load);
}

void PendingLoads::move(const Instruction &instruction, uint32_t results,
                        uint32_t mask) {
  if (loads.empty())
    return;
  uint32_t moved = 0;
  bool isMixed = false;
  const std::vector<Operand> &operands = instruction.operands;
  for (size_t i = results; i < operands.size(); ++i) {
    uint32_t id = isRegister(operands[i]) ? warp.state(operands[i]).load : 0;
    if (!find(id))
      continue;
    isMixed |= moved && moved != id;
    moved = id;
  }
  for (size_t i = results; isMixed && i < operands.size(); ++i)
    if (isRegister(operands[i]))
      use(warp.state(operands[i]), mask);
  for (size_t i = 0; moved && !isMixed && i < results; ++i)
    if (isRegister(operands[i]))
      hold(warp.state(operands[i]), moved);
}

/// All lanes have the result.
void PendingLoads::finish(Load &load) {
  forEachLane(load.early, [&](unsigned lane) {
    uint32_t address = load.addresses[lane];
    warp.block.cluster.ownerOf(address)->shared.recordResult(
        warp.agent, load.ended, {load.instruction->line, lane}, address,
        load.size);
    return Step::Next;
  });
  forget(load);
}

void PendingLoads::forget(Load &load) {
  loads.erase(loads.begin() + (&load - loads.data()));
}

/// Whether one that was handed over too early does harm shows only when its
/// result is used.
void PendingLoads::fence(uint32_t mask) {
  for (size_t i = loads.size(); i-- > 0;) {
    loads[i].fenced |= mask;
    noteEnd(loads[i]);
    if (loads[i].ended && !loads[i].early)
      forget(loads[i]);
  }
}

void PendingLoads::noteCopy(const Operation &copy, const Clock &seen,
                            uint32_t address, uint32_t size) {
  for (Load &load : loads) {
    if (load.ended && seen.get(warp.agent) >= load.ended)
      continue;
    forEachLane(load.early, [&](unsigned lane) {
      uint32_t read = load.addresses[lane];
      if (read < address + size && address < read + load.size) {
        load.overwritten |= 1u << lane;
        load.copyWarp = &copy.warp;
        load.copy = &copy.instruction;
        load.copyLane = copy.lane;
      }
      return Step::Next;
    });
  }
}

/// Some lanes of an overwritten load use its result.
void PendingLoads::reportUse(Load &load, uint32_t mask) {
  uint32_t wrong = load.overwritten;
  if (!load.instruction->aligned)
    wrong &= load.waiting & mask;
  if (!wrong)
    return;
  auto lane = static_cast<uint32_t>(__builtin_ctz(wrong));
  Block &block = load.copyWarp->block;
  block.reportEarly({load.instruction->line, lane},
                    block.cluster.agentText(warp.agent, block), *load.copyWarp,
                    *load.copy, load.copyLane, load.addresses[lane]);
  load.overwritten = 0;
}

void PendingLoads::handOver() {
  for (Load &load : loads)
    if (!load.early)
      load.early = load.instruction->aligned
                       ? load.readers
                       : load.readers & load.waiting & ~load.fenced;
}
