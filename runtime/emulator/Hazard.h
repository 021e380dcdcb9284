//===- Hazard.h - What a kernel does wrong ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_HAZARD_H
#define ATTN_RUNTIME_EMULATOR_HAZARD_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace attn::runtime::emulator {

enum class HazardKind {
  UnwrittenRegister,
  UnwrittenMemory,
  OutOfBounds,
  Misaligned,
  RegisterInFlight,
  MemoryInFlight,
  MissingWgmmaFence,
  MissingProxyFence,
  Race,
  BarrierMisuse,
  Divergence,
  RegisterBudget,
  Deadlock,
  Outstanding,
  Trap,
  Unspecified,
};

/// For people, e.g. "missing proxy fence".
const char *hazardName(HazardKind kind);

struct Hazard {
  HazardKind kind = HazardKind::Race;
  uint32_t line = 0;
  std::string text;
};

/// The first hazards of each kind of all blocks of a launch, one for each line.
class HazardLog {
public:
  /// Keeps so many of each kind.
  explicit HazardLog(size_t maxOfKind) : maxOfKind(maxOfKind) {}
  void add(Hazard hazard);
  const std::vector<Hazard> &hazards() const { return found; }
  /// All of them in words, or nothing.
  std::string text() const;

private:
  const size_t maxOfKind;
  std::mutex mutex;
  /// The lines that each kind was found at.
  std::map<HazardKind, std::set<uint32_t>> known;
  std::vector<Hazard> found;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_HAZARD_H
