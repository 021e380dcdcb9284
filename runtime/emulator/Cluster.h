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
#include "Operation.h"

#include <memory>
#include <vector>

namespace attn::runtime::emulator {

class Cluster {
public:
  Cluster(const Grid &grid, uint32_t index);

  /// Executes the blocks; false if they could not finish, which the log says.
  bool run();

  /// The block whose shared memory holds an address, which may lie beyond the
  /// end of that memory; or null.
  Block *ownerOf(uint64_t address);

  /// For people: who is called `agent` in clocks.
  std::string agentText(uint32_t agent, const Block &from) const;

  const Grid &grid;
  const uint32_t index;
  Random random;
  std::vector<std::unique_ptr<Block>> blocks;
  Operations operations;
  /// Warps are agents, then come the mbarriers.
  uint32_t nextAgent;

  uint64_t time() const { return now; }
  /// Something happened that a blocked warp may wait for.
  void wake() { ++events; }

private:
  bool runWarp(Warp &warp, uint32_t steps);
  bool advanceOperations();
  bool isReady(const Warp &warp) const {
    return !warp.isDone() && !(warp.blocked && warp.blockedSince == events);
  }
  bool reportDeadlock();
  bool reportEndless(Warp &warp);

  std::vector<Warp *> warps;
  uint64_t now = 0;
  uint64_t events = 0;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_CLUSTER_H
