//===- PlaceQueries.cpp - Where queries in shared memory are loaded -------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToSm90.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

/// The first op of `block` that uses `tile`, or null where a use is elsewhere.
static Operation *findFirstUser(Value tile, Block &block) {
  Operation *first = nullptr;
  for (Operation *user : tile.getUsers()) {
    Operation *ancestor = block.findAncestorOpInBlock(*user);
    if (!ancestor)
      return nullptr;
    if (!first || ancestor->isBeforeInBlock(first))
      first = ancestor;
  }
  return first;
}

/// Into branches, as long as one has all the uses, but into no loop.
static void placeInFrontOfUse(tile::LoadOp load) {
  Block *block = load->getBlock();
  Operation *user = findFirstUser(load.getTile(), *block);
  while (auto branch = dyn_cast_or_null<scf::IfOp>(user)) {
    Operation *inner = findFirstUser(load.getTile(), *branch.thenBlock());
    if (!inner)
      break;
    user = inner;
  }
  if (user)
    load->moveBefore(user);
}

void mlir::attn::tile_to_sm90::placeQueries(Kernel &kernel) {
  sm90::ScheduleAttr schedule = kernel.schedule();
  if (schedule.getQueryInRegisters() || !schedule.getOutputFromRegisters())
    return;
  SmallVector<tile::LoadOp> queries;
  kernel.source.walk([&](tile::LoadOp load) {
    if (isQueries(load))
      queries.push_back(load);
  });
  llvm::for_each(queries, placeInFrontOfUse);
}
