//===- SignatureGates.cpp - The memory of tiles that are gated ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SignatureBuilder.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

static constexpr int64_t kWarps = 4, kWarpThreads = 32;

/// The warps that give back a stage of a copy of a kernel with an auxiliary.
int64_t SignatureBuilder::countReaders(tile::LoadOp load) {
  // Those of what has taken its place.
  for (Value value : split->gatedTiles) {
    GatedTile gated = *findGated(value);
    if (gated.source == load && gated.isInPlace())
      return countReaders(value);
  }
  int64_t consumerWarps = kWarps * schedule.getConsumerWarpgroups();
  int64_t others = split->loads(Part::Numbers, load) ? 1 : 0;
  if (split->findReplacing(load.getTile()))
    return consumerWarps + others;
  return others + (split->loads(Part::Consumer, load) ? consumerWarps : 0) +
         (split->loads(Part::Auxiliary, load) ? kWarps : 0) +
         (split->loads(Part::Gates, load) ? sm90::kGateWarps : 0);
}

/// Those that read what has been gated.
int64_t SignatureBuilder::countReaders(Value gated) {
  auto isReadBy = [&](Part part) {
    return llvm::any_of(gated.getUsers(), [&](Operation *user) {
      return split->contains(part, user);
    });
  };
  int64_t consumerWarps = kWarps * schedule.getConsumerWarpgroups();
  return (isReadBy(Part::Consumer) ? consumerWarps : 0) +
         (isReadBy(Part::Auxiliary) ? kWarps : 0);
}

/// Strengths of keys are where the keys that have been multiplied by them go,
/// and what is left of the keys. What takes the place of what has been loaded
/// has that ring, but for the barrier that says so.
void SignatureBuilder::allocateGated(Kernel &kernel, Value tile) {
  constexpr int64_t kThreads = sm90::kGateWarps * kWarpThreads;
  GatedTile gated = *findGated(tile);
  int64_t stages = schedule.getKvStages();
  Value reached = gated.findReached();
  if (!reached && !gated.isInPlace()) {
    auto type = cast<VectorType>(tile.getType());
    kernel.tileRings[tile] = createRing(
        sm90::BufferType::get(builder.getContext(), stages, type.getDimSize(0),
                              type.getDimSize(1), type.getElementType()),
        kThreads, countReaders(tile));
    return;
  }
  auto createFilled = [&](Ring ring) {
    auto buffer = cast<sm90::BufferType>(ring.buffer.getType());
    ring.full = sm90::MBarrierInitOp::create(
        builder, source.getLoc(),
        sm90::MBarrierType::get(builder.getContext(), buffer.getStages()),
        kThreads, IntegerAttr());
    return ring;
  };
  if (!reached) {
    kernel.tileRings[tile] =
        createFilled(kernel.rings.find(kernel.keyOf(gated.source))->second);
    return;
  }
  kernel.tileRings[tile] = createFilled(kernel.tileRings.find(reached)->second);
  // As many bits as keys have fit into one of the two places.
  if (gated.areNarrow())
    return;
  Value left = split->findLeftOf(gated.source);
  kernel.strengthRings[left] =
      createFilled(kernel.tileRings.find(left)->second);
}

/// Tiles are gated one after the other, so that those of as many channels share
/// a scratch.
void SignatureBuilder::allocateGates(Kernel &kernel) {
  for (Value tile : split->gatedTiles) {
    allocateGated(kernel, tile);
    GatedTile gated = *findGated(tile);
    if (gated.findReached())
      continue;
    auto own = cast<VectorType>(gated.gates.getTile().getType());
    Value &scratch = kernel.gateScratch[own];
    if (!scratch)
      scratch = sm90::AllocOp::create(
          builder, source.getLoc(),
          sm90::BufferType::get(builder.getContext(), /*stages=*/1,
                                sm90::kGateWarps * sm90::kGatesAhead,
                                own.getDimSize(1), own.getElementType()));
  }
}
