//===- SharedMemory.cpp - Shared memory and who touched it ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedMemory.h"

using namespace attn::runtime::emulator;

/// What the memory holds before a kernel writes it: NaN in most formats.
static constexpr uint8_t poison = 0xFF;

SharedMemory::SharedMemory(uint32_t size, uint32_t rank, bool tracked)
    : first(base + (rank << rankShift)), bytes(size, poison), tracked(tracked) {
  if (!tracked)
    return;
  size_t words = (size + wordBytes - 1) / wordBytes;
  writes.resize(words);
}

/// The bytes of word `word` that the access [begin, end) touches, as bits.
static uint8_t touchedBytes(uint32_t word, uint32_t begin, uint32_t end) {
  uint32_t first = std::max(begin, word * 4) - word * 4;
  uint32_t last = std::min(end, word * 4 + 4) - word * 4;
  return static_cast<uint8_t>(((1u << last) - 1) & ~((1u << first) - 1));
}

inline Conflict SharedMemory::orderAfter(const WriteRecord &record,
                                         const Accessor &by) {
  if (record.agent != by.agent && record.stamp > by.seen->get(record.agent))
    return {Conflict::Kind::AfterWrite, record.agent, 0};
  if (by.fenced && record.generic &&
      record.stamp > by.fenced->get(record.agent))
    return {Conflict::Kind::Unfenced, record.agent, 0};
  return {};
}

void SharedMemory::changeFlight(uint32_t address, uint32_t size, int change) {
  if (!tracked)
    return;
  flights.resize(writes.size());
  uint32_t begin = address - first, end = begin + size;
  for (uint32_t word = begin / wordBytes; word * wordBytes < end; ++word)
    flights[word] = static_cast<uint16_t>(flights[word] + change);
}

Conflict SharedMemory::checkFlight(uint32_t address, uint32_t size) const {
  uint32_t begin = address - first, end = begin + size;
  for (uint32_t word = begin / wordBytes; word * wordBytes < end; ++word)
    if (flights[word])
      return {Conflict::Kind::InFlight, 0,
              first + std::max(begin, word * wordBytes)};
  return {};
}

Conflict SharedMemory::checkRead(const Accessor &by, uint32_t address,
                                 uint32_t size) const {
  if (!tracked)
    return {};
  if (!flights.empty())
    if (Conflict flight = checkFlight(address, size);
        flight.kind != Conflict::Kind::None)
      return flight;
  uint32_t begin = address - first, end = begin + size;
  // Mostly the words of an access were written together.
  const WriteRecord *inOrder = nullptr;
  for (uint32_t word = begin / wordBytes; word * wordBytes < end; ++word) {
    const WriteRecord &record = writes[word];
    uint8_t touched = touchedBytes(word, begin, end);
    uint32_t where = first + std::max(begin, word * wordBytes);
    if ((record.written & touched) != touched)
      return {Conflict::Kind::Unwritten, 0, where};
    if (inOrder && record.isSameWrite(*inOrder))
      continue;
    Conflict conflict = orderAfter(record, by);
    if (conflict.kind != Conflict::Kind::None) {
      conflict.address = where;
      return conflict;
    }
    inOrder = &record;
  }
  return {};
}

Conflict SharedMemory::orderAfterReads(uint32_t word,
                                       const Accessor &by) const {
  for (uint32_t agent = 0; agent < reads.size(); ++agent)
    if (agent != by.agent && !reads[agent].empty() &&
        reads[agent][word] > by.seen->get(agent))
      return {Conflict::Kind::AfterRead, agent, 0};
  return {};
}

/// What writes asynchronously does not take the way that loads do.
Conflict SharedMemory::orderAfterResults(uint32_t word,
                                         const Accessor &by) const {
  for (uint32_t agent = 0; by.fenced && agent < results.size(); ++agent) {
    if (results[agent].empty())
      continue;
    const Result &result = results[agent][word];
    if (result.stamp > by.seen->get(agent))
      return {Conflict::Kind::BeforeResult, agent, 0, result.reader};
  }
  return {};
}

/// Records a write of each word. `judge` says whether it is in conflict with
/// the writes before.
template <typename Judge>
inline Conflict SharedMemory::recordWords(const Accessor &by, uint32_t address,
                                          uint32_t size, bool atomic,
                                          Judge judge) {
  if (!tracked)
    return {};
  Conflict conflict;
  if (!flights.empty())
    conflict = checkFlight(address, size);
  uint32_t begin = address - first, end = begin + size;
  for (uint32_t word = begin / wordBytes; word * wordBytes < end; ++word) {
    WriteRecord &record = writes[word];
    uint8_t touched = touchedBytes(word, begin, end);
    if (conflict.kind == Conflict::Kind::None) {
      conflict = judge(record, touched);
      if (conflict.kind == Conflict::Kind::None)
        conflict = orderAfterReads(word, by);
      if (conflict.kind == Conflict::Kind::None)
        conflict = orderAfterResults(word, by);
      conflict.address = first + std::max(begin, word * wordBytes);
    }
    record.stamp = by.stamp;
    record.agent = by.agent;
    record.generic = by.fenced == nullptr;
    record.atomic = atomic;
    record.written |= touched;
  }
  return conflict;
}

Conflict SharedMemory::recordWrite(const Accessor &by, uint32_t address,
                                   uint32_t size) {
  return recordWords(by, address, size, /*atomic=*/false,
                     [&](const WriteRecord &record, uint8_t) {
                       return record.written ? orderAfter(record, by)
                                             : Conflict();
                     });
}

Conflict SharedMemory::recordAtomic(const Accessor &by, uint32_t address,
                                    uint32_t size) {
  return recordWords(by, address, size, /*atomic=*/true,
                     [&](const WriteRecord &record, uint8_t touched) {
                       if ((record.written & touched) != touched)
                         return Conflict{Conflict::Kind::Unwritten, 0, 0};
                       return record.atomic ? Conflict()
                                            : orderAfter(record, by);
                     });
}

void SharedMemory::recordRead(uint32_t agent, uint32_t stamp, uint32_t address,
                              uint32_t size) {
  if (!tracked)
    return;
  if (agent >= reads.size())
    reads.resize(agent + 1);
  if (reads[agent].empty())
    reads[agent].resize(writes.size());
  uint32_t begin = address - first, end = begin + size;
  for (uint32_t word = begin / wordBytes; word * wordBytes < end; ++word)
    reads[agent][word] = stamp;
}

void SharedMemory::recordResult(uint32_t agent, uint32_t stamp,
                                const Reader &reader, uint32_t address,
                                uint32_t size) {
  if (agent >= results.size())
    results.resize(agent + 1);
  if (results[agent].empty())
    results[agent].resize(writes.size());
  uint32_t begin = address - first, end = begin + size;
  for (uint32_t word = begin / wordBytes; word * wordBytes < end; ++word)
    if (results[agent][word].stamp < stamp)
      results[agent][word] = {stamp, reader};
}
