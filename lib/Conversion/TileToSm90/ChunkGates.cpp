//===- ChunkGates.cpp - Gates of channels in a chunk ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two warps multiply what has been loaded by gates that they read themselves,
// and fill stages with it. Others read these as they read those of copies.
//
//===----------------------------------------------------------------------===//

#include "ChunkRole.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

/// The use of its ring that a gated tile is.
Value ChunkRole::getGatedCount(Value tile) {
  GatedTile gated = *findGated(tile);
  return gated.isInPlace() ? getCount(gated.source) : iteration;
}

/// The gates of the first rows, where they have a scratch.
void ChunkRole::fetchGates(Value tile) {
  GatedTile gated = *findGated(tile);
  Rows rows = locateRows(gated.gates);
  sm90::FetchGatesOp::create(
      builder, loc, kernel.reads.lookup(gated.gates.getView()), rows.offset,
      rows.stride, rows.limit,
      kernel.gateScratch.lookup(gated.gates.getTile().getType()));
}

/// The strengths of keys, to where what is made of them and of the keys goes.
/// Those that are as narrow as keys have one place.
void ChunkRole::emitStrengths(GatedTile gated) {
  Rows rows = locateRows(gated.gates);
  SmallVector<const Ring *, 2> rings{
      &kernel.tileRings.find(gated.result.getResult())->second};
  if (!gated.areNarrow())
    rings.push_back(
        &kernel.strengthRings.find(split.findLeftOf(gated.source))->second);
  SmallVector<Value, 2> stages;
  for (const Ring *ring : rings)
    stages.push_back(await(*ring, iteration, /*full=*/false));
  sm90::CopyStrengthsOp::create(
      builder, loc, kernel.reads.lookup(gated.gates.getView()), rows.offset,
      rows.stride, rows.limit, stages.front(), stages.back());
  for (auto [stage, ring] : llvm::zip_equal(stages, rings))
    sm90::FillOp::create(builder, loc, stage, ring->full, iteration);
}

/// The first gates are on their way while stages are waited for.
void ChunkRole::emitGated(arith::TruncFOp op) {
  GatedTile gated = *findGated(op.getResult());
  if (gated.findReached())
    return emitStrengths(gated);
  fetchGates(op.getResult());
  Value pointer = kernel.reads.lookup(gated.gates.getView());
  Value scratch = kernel.gateScratch.lookup(gated.gates.getTile().getType());
  Rows rows = locateRows(gated.gates);
  Value source = hold(gated.source.getTile(),
                      kernel.rings.find(kernel.keyOf(gated.source))->second,
                      getCount(gated.source));
  const Ring &ring = kernel.tileRings.find(op.getResult())->second;
  Value count = getGatedCount(op.getResult());
  Value stage = gated.isInPlace() ? source : await(ring, count, /*full=*/false);
  Type element = getElementTypeOrSelf(op.getType());
  bool isOther =
      element != cast<sm90::StageType>(stage.getType()).getElementType();
  sm90::GateRowsOp::create(builder, loc, source, pointer, rows.offset,
                           rows.stride, rows.limit, scratch, stage,
                           isOther ? TypeAttr::get(element) : TypeAttr());
  sm90::FillOp::create(builder, loc, stage, ring.full, count);
  if (!gated.isInPlace())
    finishRead(gated.source.getTile());
}

/// The stage of a tile that is loaded, or gated by another part; null for
/// others.
Value ChunkRole::findStage(Value tile) {
  if (auto it = held.find(tile); it != held.end())
    return it->second.stage;
  if (auto load = tile.getDefiningOp<tile::LoadOp>()) {
    auto ring = kernel.rings.find(kernel.keyOf(load));
    bool isOwn = split.contains(part, load) && ring != kernel.rings.end();
    return isOwn ? hold(tile, ring->second, getCount(load)) : Value();
  }
  if (!split.gatedTiles.contains(tile))
    return {};
  return hold(tile, kernel.tileRings.find(tile)->second, getGatedCount(tile));
}
