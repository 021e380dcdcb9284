//===- MBarrier.cpp - Barriers in shared memory ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MBarrier.h"

#include <sstream>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

MBarrier &MBarriers::create(uint32_t address) {
  auto [entry, isNew] = barriers.try_emplace(address);
  uint32_t agent = isNew ? nextAgent++ : entry->second.agent;
  uint32_t phase = isNew ? 0 : entry->second.phase;
  entry->second = MBarrier();
  entry->second.agent = agent;
  // The parity starts over, but time goes on.
  entry->second.phase = phase + (phase & 1);
  return entry->second;
}

MBarrier *MBarriers::find(uint64_t address) {
  auto found = address > UINT32_MAX
                   ? barriers.end()
                   : barriers.find(static_cast<uint32_t>(address));
  return found == barriers.end() || !found->second.isValid ? nullptr
                                                           : &found->second;
}

std::optional<uint32_t> MBarriers::findOverlap(uint32_t address,
                                               uint32_t size) const {
  uint32_t first = address < bytes ? 0 : address - bytes + 1;
  for (auto entry = barriers.lower_bound(first);
       entry != barriers.end() && entry->first < address + size; ++entry)
    if (entry->second.isValid)
      return entry->first;
  return std::nullopt;
}

void MBarriers::fenceInit(uint32_t warp) {
  for (auto &entry : barriers)
    entry.second.isVisible |= entry.second.owner == warp;
}

bool MBarriers::completePhase(MBarrier &barrier) {
  if (barrier.pendingArrivals || barrier.pendingBytes)
    return false;
  ++barrier.phase;
  barrier.expected -= barrier.dropped;
  barrier.dropped = 0;
  barrier.pendingArrivals = barrier.expected;
  barrier.seen.join(barrier.arrivedSeen);
  barrier.seen.set(barrier.agent, barrier.phase);
  barrier.fenced.join(barrier.arrivedFenced);
  return true;
}

std::string MBarriers::describe(uint32_t address, const MBarrier &barrier) {
  std::ostringstream text;
  text << "the mbarrier at 0x" << std::hex << address << std::dec
       << ", whose phase " << barrier.phase << " lacks "
       << barrier.pendingArrivals << " of " << barrier.expected
       << " arrivals and " << barrier.pendingBytes << " bytes";
  return text.str();
}

uint32_t MBarriers::addressOf(uint32_t agent) const {
  for (const auto &[address, barrier] : barriers)
    if (barrier.agent == agent)
      return address;
  return 0;
}
