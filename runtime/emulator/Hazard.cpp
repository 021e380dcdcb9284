//===- Hazard.cpp - What a kernel does wrong ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Hazard.h"

using namespace attn::runtime::emulator;

/// A broken kernel tends to have many; the first of each kind tell what is
/// wrong.
const char *attn::runtime::emulator::hazardName(HazardKind kind) {
  switch (kind) {
  case HazardKind::UnwrittenRegister:
    return "unwritten register";
  case HazardKind::UnwrittenMemory:
    return "unwritten memory";
  case HazardKind::OutOfBounds:
    return "out of bounds";
  case HazardKind::Misaligned:
    return "misaligned";
  case HazardKind::RegisterInFlight:
    return "register in flight";
  case HazardKind::MemoryInFlight:
    return "memory in flight";
  case HazardKind::MissingWgmmaFence:
    return "missing wgmma fence";
  case HazardKind::MissingProxyFence:
    return "missing proxy fence";
  case HazardKind::Race:
    return "race";
  case HazardKind::BarrierMisuse:
    return "barrier misuse";
  case HazardKind::Divergence:
    return "divergence";
  case HazardKind::RegisterBudget:
    return "register budget";
  case HazardKind::Deadlock:
    return "deadlock";
  case HazardKind::Outstanding:
    return "outstanding work";
  case HazardKind::Trap:
    return "trap";
  case HazardKind::Unspecified:
    return "unspecified value";
  }
  return "unknown";
}

void HazardLog::add(Hazard hazard) {
  std::lock_guard<std::mutex> lock(mutex);
  std::set<uint32_t> &lines = known[hazard.kind];
  if (lines.size() < maxOfKind && lines.insert(hazard.line).second)
    found.push_back(std::move(hazard));
}

std::string HazardLog::text() const {
  std::string text;
  for (const Hazard &hazard : found)
    text += (text.empty() ? "" : "\n") + hazard.text;
  return text;
}
