//===- Cluster.cpp - Blocks that run together -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cluster.h"

#include <algorithm>
#include <sstream>

using namespace attn::runtime::emulator;

Cluster::Cluster(const Grid &grid, uint32_t index)
    : grid(grid), index(index),
      random(grid.seed * 0xD1342543DE82EF95u + index + 1),
      nextAgent(grid.warps() * grid.clusterBlocks) {
  for (uint32_t rank = 0; rank < grid.clusterBlocks; ++rank)
    blocks.push_back(std::make_unique<Block>(*this, rank));
  for (const auto &block : blocks)
    for (const auto &warp : block->warps)
      warps.push_back(warp.get());
}

Block *Cluster::ownerOf(uint64_t address) {
  uint64_t rank = address >> SharedMemory::rankShift;
  return rank < blocks.size() ? blocks[rank].get() : nullptr;
}

void Cluster::noteCopy(const Operation &copy, const Clock &seen,
                       uint32_t address, uint32_t size) {
  for (Warp *warp : warps)
    warp->loads.noteCopy(copy, seen, address, size);
}

std::string Cluster::agentText(uint32_t agent, const Block &from) const {
  std::ostringstream text;
  if (agent < warps.size()) {
    const Warp &warp = *warps[agent];
    text << "warp " << warp.index;
    if (&warp.block != &from)
      text << " of block " << warp.block.index;
    return text.str();
  }
  uint32_t address = 0;
  for (const auto &block : blocks)
    address = std::max(address, block->mbarriers.addressOf(agent));
  text << "a copy that completes on the mbarrier at 0x" << std::hex << address;
  return text.str();
}

//===----------------------------------------------------------------------===//
// Scheduling
//===----------------------------------------------------------------------===//

bool Cluster::advanceOperations() {
  return !operations.isAnyDue(now) ||
         operations.advanceDue(now, random) != Step::Failed;
}

/// Executes up to `steps` instructions of `warp`; false if one failed.
bool Cluster::runWarp(Warp &warp, uint32_t steps) {
  warp.blocked = false;
  while (steps-- && !warp.isDone()) {
    ++now;
    if (!advanceOperations())
      return false;
    switch (warp.block.step(warp)) {
    case Step::Next:
    case Step::Jumped:
      break;
    case Step::Blocked:
      warp.blocked = true;
      warp.blockedSince = events;
      return true;
    case Step::Failed:
      return false;
    }
  }
  if (warp.isDone()) {
    operations.finish(warp);
    warp.block.noteExit(warp);
    if (warp.block.isDone())
      operations.finish(warp.block);
    wake();
  }
  if (barrier.isAwaited)
    completeBarrier();
  return true;
}

void Cluster::completeBarrier() {
  for (const Warp *warp : warps)
    if (warp->liveLanes() & ~warp->clusterPending)
      return;
  for (Warp *warp : warps)
    warp->clusterPending = 0;
  barrier.seen = std::move(barrier.arrivedSeen);
  barrier.fenced = std::move(barrier.arrivedFenced);
  barrier.inits = std::move(barrier.arrivedInits);
  barrier.arrivedSeen = barrier.arrivedFenced = barrier.arrivedInits = Clock();
  barrier.isAwaited = false;
  wake();
}

std::string Cluster::describeBarrier() const {
  unsigned arrived = 0, live = 0;
  for (const Warp *warp : warps) {
    arrived += __builtin_popcount(warp->clusterPending & warp->liveLanes());
    live += __builtin_popcount(warp->liveLanes());
  }
  return std::to_string(arrived) + " of " + std::to_string(live) +
         " threads have arrived";
}

void Cluster::noteIdle() {
  static constexpr uint64_t patience = 64;
  if (++idleLooks % patience == 0)
    operations.hasten(now, random);
}

/// Work comes first, then the time limits of waits, once each until something
/// else happens.
bool Cluster::unblock() {
  if (operations.hasten(now, random))
    return true;
  std::vector<Warp *> candidates;
  for (Warp *warp : warps)
    if (!warp->isDone() && warp->mayTimeOut && warp->timedOutAt != events)
      candidates.push_back(warp);
  if (candidates.empty())
    return false;
  Warp &warp =
      *candidates[random.below(static_cast<uint32_t>(candidates.size()))];
  warp.timesOut = true;
  warp.timedOutAt = events;
  warp.blocked = false;
  return true;
}

bool Cluster::reportDeadlock() {
  std::string text = "no warp can go on";
  stuck = true;
  Warp *first = nullptr;
  for (Warp *warp : warps) {
    if (warp->isDone())
      continue;
    // Once more, to hear what is missing now.
    warp->block.step(*warp);
    first = first ? first : warp;
    const Path &path = warp->paths.back();
    text += "\n  warp " + std::to_string(warp->index);
    if (blocks.size() > 1)
      text += " of block " + std::to_string(warp->block.index);
    text += " waits at PTX line " +
            std::to_string(grid.program.instructions[path.pc].line) + " for " +
            warp->waitsFor;
  }
  first->block.fail(HazardKind::Deadlock, *first,
                    grid.program.instructions[first->paths.back().pc], -1,
                    text);
  return false;
}

bool Cluster::reportEndless(Warp &warp) {
  warp.block.fail(HazardKind::Deadlock, warp,
                  grid.program.instructions[warp.paths.back().pc], -1,
                  "the block does not end within " +
                      std::to_string(grid.maxInstructions) + " instructions");
  return false;
}

/// Chance alone keeps the warps close together, which hides what is only wrong
/// when one comes late. So half of the time, for a short while or a long one,
/// some go on before others whenever they can; each by itself, or warpgroups,
/// whose warps do the same work. And as many copies are never all quick by
/// chance, at times they are.
void Cluster::changeOrder() {
  constexpr unsigned groupWarps = 4;
  bool alike = !priorities.empty(), together = random.below(2);
  priorities.clear();
  uint64_t urgency = 0;
  for (size_t i = 0; i < warps.size() && !alike; ++i) {
    if (!together || warps[i]->index % groupWarps == 0)
      urgency = random.next() << 8;
    priorities.push_back(urgency | random.below(1 << 8));
  }
  operations.pace = static_cast<Pace>(random.below(3));
  prioritiesUntil = now + (uint64_t(256) << random.below(10));
}

Warp &Cluster::choose(const std::vector<Warp *> &ready) {
  if (now >= prioritiesUntil)
    changeOrder();
  if (priorities.empty())
    return *ready[random.below(static_cast<uint32_t>(ready.size()))];
  return **std::max_element(
      ready.begin(), ready.end(), [&](const Warp *a, const Warp *b) {
        return priorities[a->agent] < priorities[b->agent];
      });
}

bool Cluster::run() {
  // Short turns find other orders than long ones do.
  static constexpr uint32_t turns[] = {1, 8, 64, 512};
  std::vector<Warp *> ready;
  while (true) {
    ready.clear();
    bool done = true;
    for (Warp *warp : warps) {
      done &= warp->isDone();
      if (isReady(*warp))
        ready.push_back(warp);
    }
    if (done)
      return operations.finishAll() != Step::Failed;
    if (ready.empty()) {
      if (!unblock())
        return reportDeadlock();
      if (!advanceOperations())
        return false;
      continue;
    }
    Warp &warp = choose(ready);
    // One that is urgent is not kept waiting.
    uint32_t steps = turns[random.below(priorities.empty() ? 4 : 2)];
    if (!runWarp(warp, steps))
      return false;
    if (now / blocks.size() > grid.maxInstructions && !warp.isDone())
      return reportEndless(warp);
  }
}
