//===- Cluster.h - Blocks that run together ---------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The blocks of a cluster, one of which is the usual case, with all that they
// share: the order in which their warps run, the work that goes on beside them,
// the names of the agents in clocks, and the addresses of each other's memory.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_CLUSTER_H
#define ATTN_RUNTIME_EMULATOR_CLUSTER_H

#include "Block.h"
#include "GlobalWrites.h"
#include "Operation.h"

#include <memory>
#include <vector>

namespace attn::runtime::emulator {

/// The barrier of all threads of a cluster that have not exited.
struct ClusterBarrier {
  bool isAwaited = false;
  Clock arrivedSeen, arrivedFenced, arrivedInits;
  /// What those of the last complete generation knew together.
  Clock seen, fenced, inits;
};

class Cluster {
public:
  Cluster(const Grid &grid, uint32_t index);

  /// Executes the blocks; false if they could not finish, which the log says.
  bool run();

  /// The block whose shared memory holds an address, which may lie beyond the
  /// end of that memory; or null.
  Block *ownerOf(uint64_t address);

  /// How late the last write of a warp to global memory is that it has fenced.
  uint32_t fencedBy(uint32_t agent) const {
    return warps[agent]->fencedGlobal.get(agent);
  }
  /// A copy writes shared memory, which warps may have loads from.
  void noteCopy(const Operation &copy, const Clock &seen, uint32_t address,
                uint32_t size);
  /// For people: who is called `agent` in clocks.
  std::string agentText(uint32_t agent, const Block &from) const;

  const Grid &grid;
  const uint32_t index;
  Random random;
  std::vector<std::unique_ptr<Block>> blocks;
  Operations operations;
  GlobalWrites globalWrites;
  /// How late each warp was when it had first waited for the kernel in front;
  /// zero for those that have not.
  Clock awaited;
  ClusterBarrier barrier;
  /// Warps are agents, then come the mbarriers.
  uint32_t nextAgent;

  uint64_t time() const { return now; }
  /// Something happened that a blocked warp may wait for.
  void wake() { ++events; }
  /// A warp has looked in vain for something to happen. Those who only look,
  /// and never wait, must not keep the rest from going on.
  void noteIdle();
  /// Whether no warp could go on, and only the reasons are looked for.
  bool isStuck() const { return stuck; }
  /// Lets all go on if no thread is missing at the barrier.
  void completeBarrier();
  /// "1 of 64 threads have arrived".
  std::string describeBarrier() const;

private:
  bool runWarp(Warp &warp, uint32_t steps);
  bool advanceOperations();
  bool isReady(const Warp &warp) const {
    return !warp.isDone() && !(warp.blocked && warp.blockedSince == events);
  }
  /// Chooses how the warps are urgent, and the work quick, for a while.
  void changeOrder();
  /// The one of the warps that can go on that goes on now.
  Warp &choose(const std::vector<Warp *> &ready);
  /// Lets something happen that no warp does; false if nothing can.
  bool unblock();
  bool reportDeadlock();
  bool reportEndless(Warp &warp);

  std::vector<Warp *> warps;
  /// How urgent each warp is until then; empty where all are alike.
  std::vector<uint64_t> priorities;
  uint64_t prioritiesUntil = 0;
  uint64_t now = 0;
  uint64_t events = 0;
  uint64_t idleLooks = 0;
  bool stuck = false;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_CLUSTER_H
