//===- Block.h - One block of threads, executed -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_BLOCK_H
#define ATTN_RUNTIME_EMULATOR_BLOCK_H

#include "GlobalMemory.h"
#include "Hazard.h"
#include "LaneWrites.h"
#include "MBarrier.h"
#include "Program.h"
#include "SharedMemory.h"
#include "Warp.h"

#include "attn/Runtime/Launch.h"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace attn::runtime::emulator {

/// What all blocks of a launch have in common.
struct Grid {
  const Program &program;
  const GlobalMemory &memory;
  uint32_t blocks = 1;
  /// The blocks of a cluster, which divide `blocks`.
  uint32_t clusterBlocks = 1;
  uint32_t multiprocessors = 1;
  uint32_t threads = warpSize;
  /// Beyond what the program declares.
  uint32_t sharedBytes = 0;
  std::vector<uint8_t> parameters;
  /// The tensor maps among the parameters, by their offset.
  std::vector<std::pair<uint32_t, TensorMapDescription>> tensorMaps;
  uint64_t seed = 0;
  /// Look for hazards that do not stop the execution by themselves.
  bool checked = false;
  /// What a block may execute.
  uint64_t maxInstructions = 0;
  /// The kernel in front may still run until griddepcontrol.wait.
  bool awaitsPrevious = false;
  HazardLog &log;

  /// The warps of a block.
  uint32_t warps() const { return (threads + warpSize - 1) / warpSize; }
};

/// A small generator, so that a seed means the same everywhere.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next();
  uint32_t below(uint32_t bound) {
    return static_cast<uint32_t>(next() % bound);
  }

private:
  uint64_t state;
};

/// A barrier that bar.sync names.
struct NamedBarrier {
  uint32_t count = 0;
  uint32_t arrived = 0;
  int64_t generation = 0;
  Clock arrivedSeen, arrivedFenced;
  /// What those of the last complete generation knew together.
  Clock seen, fenced;
};

class Cluster;

class Block {
public:
  /// The block `rank` of a cluster.
  Block(Cluster &cluster, uint32_t rank);

  Cluster &cluster;
  const Grid &grid;
  const uint32_t rank;
  /// Within the grid.
  const uint32_t index;
  Random &random;
  SharedMemory shared;
  MBarriers mbarriers;
  std::vector<std::unique_ptr<Warp>> warps;
  std::array<NamedBarrier, 16> namedBarriers;
  uint32_t freeRegisters = 0;

  /// Those of the program, with the addresses of this block's memory.
  const std::vector<Constant> &constants() const {
    return ownConstants.empty() ? grid.program.constants : ownConstants;
  }
  /// Executes the next instruction of `warp`.
  Step step(Warp &warp);
  /// Something happened that a blocked warp may wait for.
  void wake();
  uint64_t randomDue();
  bool isDone() const;
  /// A warp is done. Reports accesses of other blocks to the memory of this one
  /// that its end is not ordered after.
  void noteExit(const Warp &warp);

  /// Adds a hazard of `lane` of `warp`, -1 standing for all of them.
  void report(HazardKind kind, const Warp &warp, const Instruction &instruction,
              int lane, const std::string &what,
              std::optional<uint64_t> address = std::nullopt);
  /// The same for one that ends the execution.
  Step fail(HazardKind kind, const Warp &warp, const Instruction &instruction,
            int lane, const std::string &what,
            std::optional<uint64_t> address = std::nullopt);
  /// `mayTimeOut` says that the wait has a time limit.
  Step block(Warp &warp, std::string waitsFor, bool mayTimeOut = false);

  /// Reports the use of registers that nothing wrote or that are in flight.
  void checkWritten(Warp &warp, const Instruction &instruction, Operand operand,
                    uint32_t mask);
  /// The same for ordinary instructions, whose uses wgmma.fence orders.
  void checkRead(Warp &warp, const Instruction &instruction, Operand operand,
                 uint32_t mask);
  /// The same for moves, which the hardware has nothing to do for.
  void checkMoved(Warp &warp, const Instruction &instruction, Operand operand,
                  uint32_t mask);
  void noteWrite(Warp &warp, const Instruction &instruction, Operand operand,
                 uint32_t mask);

  /// The bytes of an access to shared memory by the generic proxy, or null
  /// after it has failed.
  uint8_t *readShared(Warp &warp, const Instruction &instruction, int lane,
                      uint64_t address, uint32_t size);
  uint8_t *writeShared(Warp &warp, const Instruction &instruction, int lane,
                       uint64_t address, uint32_t size);
  /// The same without a record of the access.
  uint8_t *accessShared(Warp &warp, const Instruction &instruction, int lane,
                        uint64_t address, uint32_t size, uint32_t alignment);
  /// The block of the cluster whose shared memory holds the bytes, or null
  /// after a failure.
  Block *accessCluster(Warp &warp, const Instruction &instruction, int lane,
                       uint64_t address, uint32_t size, uint32_t alignment);
  /// An element of the memory of any block of the cluster.
  uint8_t *accessOther(Warp &warp, const Instruction &instruction, int lane,
                       uint64_t address, uint32_t size, bool isWrite);
  uint8_t *accessGlobal(Warp &warp, const Instruction &instruction, int lane,
                        uint64_t address, uint32_t size, bool isWrite = false);
  /// Reports global memory that is touched while the kernel in front may still
  /// run.
  void checkAwaited(const Warp &warp, const Instruction &instruction, int lane,
                    uint64_t address);
  void reportConflict(const Conflict &conflict, const Warp &warp,
                      const Instruction &instruction, int lane, bool isWrite);
  /// Reports a copy that overwrites what `agent` may not have loaded yet.
  void reportEarly(const Reader &reader, const std::string &agent,
                   const Warp &warp, const Instruction &instruction, int lane,
                   uint32_t address);
  /// Reports what is in flight and still reads bytes that are written, and
  /// mbarriers among them.
  void checkNotUsed(Warp &warp, const Instruction &instruction, int lane,
                    uint32_t address, uint32_t size);

private:
  /// The last access of a warp of another block.
  struct RemoteAccess {
    Warp *warp = nullptr;
    const Instruction *instruction = nullptr;
    uint32_t stamp = 0;
  };

  void checkLanes(Warp &warp, const Instruction &instruction);
  void checkWarpgroups();

  LaneWrites laneWrites;
  std::vector<Constant> ownConstants;
  std::map<uint32_t, RemoteAccess> remoteAccesses;
  /// What the warps that are done knew.
  Clock exitSeen;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_BLOCK_H
