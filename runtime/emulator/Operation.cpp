//===- Operation.cpp - Work between its issue and its end -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operation.h"

#include "Block.h"
#include "Cluster.h"

#include <algorithm>

using namespace attn::runtime::emulator;

Step Operation::fail(HazardKind kind, const std::string &what,
                     std::optional<uint64_t> address) const {
  return block.fail(kind, warp, instruction, lane, what, address);
}

/// Of a block: several for each thread that it can have.
static constexpr size_t mostOperations = 8192;

Step Operations::enqueue(std::unique_ptr<Operation> operation) {
  if (operations.size() >= mostOperations * operation->block.grid.clusterBlocks)
    return operation->fail(HazardKind::Outstanding,
                           "more than " + std::to_string(mostOperations) +
                               " copies and products of a block are in flight");
  if (operation->pipe)
    for (const auto &other : operations)
      if (other->pipe == operation->pipe && !other->isDone)
        operation->due = std::max(operation->due, other->due);
  nextDue = std::min(nextDue, operation->due);
  operations.push_back(std::move(operation));
  return Step::Next;
}

/// What an operation overtakes otherwise comes first.
Step Operations::advance(size_t index) {
  Operation &operation = *operations[index];
  for (size_t i = 0; operation.pipe && i < index; ++i)
    while (operations[i]->pipe == operation.pipe && !operations[i]->isDone)
      if (operations[i]->advance() == Step::Failed)
        return Step::Failed;
  return operation.advance();
}

/// Forgets those that have ended and that nobody has to wait for any more.
void Operations::removeEnded() {
  auto ended = [](const std::unique_ptr<Operation> &operation) {
    return operation->isDone &&
           (operation->isReleased || operation->tracker == Tracker::MBarrier);
  };
  operations.erase(std::remove_if(operations.begin(), operations.end(), ended),
                   operations.end());
  nextDue = Operation::never;
  for (const auto &operation : operations)
    if (!operation->isDone)
      nextDue = std::min(nextDue, operation->due);
}

uint64_t Operations::randomDue(uint64_t now, Random &random) const {
  // More than a kernel has reason to have, which are slow to look through.
  constexpr size_t many = 512;
  if (pace == Pace::Quick)
    return now;
  if (pace == Pace::Slow && operations.size() < many)
    return Operation::never;
  switch (random.below(4)) {
  case 0:
    return now;
  case 1:
    return now + random.below(64);
  case 2:
    return now + random.below(16384);
  default:
    return Operation::never;
  }
}

Step Operations::advanceDue(uint64_t now, Random &random) {
  for (size_t i = 0; i < operations.size(); ++i) {
    Operation &operation = *operations[i];
    if (operation.isDone || operation.due > now)
      continue;
    if (advance(i) == Step::Failed)
      return Step::Failed;
    if (!operation.isDone)
      operation.due = randomDue(now, random);
  }
  removeEnded();
  return Step::Next;
}

bool Operations::hasten(uint64_t now, Random &random) {
  std::vector<Operation *> candidates;
  for (const auto &operation : operations)
    if (operation->tracker == Tracker::MBarrier && !operation->isDone)
      candidates.push_back(operation.get());
  if (candidates.empty())
    return false;
  candidates[random.below(static_cast<uint32_t>(candidates.size()))]->due = now;
  nextDue = now;
  return true;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

/// The number of groups that a thread, or a warp, has committed.
static uint32_t &groupsOf(Tracker tracker, Warp &warp, int lane) {
  auto index = static_cast<unsigned>(tracker) - 1;
  return warp.groups[index][lane < 0 ? 0 : lane];
}

/// Whether the threads of `lanes` count an operation among their groups.
static bool isOf(const Operation &operation, Tracker tracker, const Warp &warp,
                 uint32_t lanes) {
  return operation.tracker == tracker && &operation.warp == &warp &&
         (operation.lane < 0 || (lanes >> operation.lane & 1));
}

void Operations::commit(Tracker tracker, Warp &warp, uint32_t lanes) {
  for (const auto &operation : operations)
    if (isOf(*operation, tracker, warp, lanes) &&
        operation->group == Operation::uncommitted)
      operation->group = groupsOf(tracker, warp, operation->lane);
  if (tracker == Tracker::WgmmaGroup)
    lanes = 1;
  for (int lane = 0; lanes; ++lane, lanes >>= 1)
    groupsOf(tracker, warp, lane) += lanes & 1;
}

Step Operations::wait(Tracker tracker, Warp &warp, uint32_t lanes,
                      uint32_t left, bool onlyReads) {
  for (size_t i = 0; i < operations.size(); ++i) {
    Operation &operation = *operations[i];
    if (!isOf(operation, tracker, warp, lanes) ||
        operation.group == Operation::uncommitted ||
        uint64_t(operation.group) + left >=
            groupsOf(tracker, warp, operation.lane))
      continue;
    while (!(onlyReads ? operation.hasRead : operation.isDone))
      if (advance(i) == Step::Failed)
        return Step::Failed;
    if (!operation.isReleased)
      operation.release();
    operation.isReleased = true;
  }
  removeEnded();
  return Step::Next;
}

const Operation *Operations::findReading(uint32_t address,
                                         uint32_t size) const {
  for (const auto &operation : operations)
    if (!operation->isReleased && operation->reads(address, size))
      return operation.get();
  return nullptr;
}

const Operation *Operations::findWriting(uint64_t address,
                                         uint32_t size) const {
  for (const auto &operation : operations)
    if (operation->writesGlobal(address, size))
      return operation.get();
  return nullptr;
}

const Operation *Operations::findFilling(uint32_t address) const {
  for (const auto &operation : operations)
    if (operation->fills(address))
      return operation.get();
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Ends
//===----------------------------------------------------------------------===//

void Operations::finish(Warp &warp) {
  for (const auto &operation : operations) {
    if (&operation->warp != &warp || operation->isReleased ||
        operation->tracker == Tracker::MBarrier)
      continue;
    std::string what = operation->lane < 0 ? "the warp" : "the thread";
    what += operation->group == Operation::uncommitted
                ? " exits without a commit of this "
                : " exits without a wait for this ";
    operation->fail(HazardKind::Outstanding, what + operation->name());
    operation->isReleased = true;
  }
  removeEnded();
}

void Operations::finish(const Block &exited) {
  for (const auto &operation : operations) {
    if (operation->isDone || !operation->writesTo(exited))
      continue;
    operation->fail(HazardKind::Outstanding,
                    std::string("the block exits before this ") +
                        operation->name() + " has completed");
    operation->isDone = true;
  }
  removeEnded();
}

Step Operations::finishAll() {
  for (size_t i = 0; i < operations.size(); ++i)
    while (!operations[i]->isDone)
      if (advance(i) == Step::Failed)
        return Step::Failed;
  return Step::Next;
}
