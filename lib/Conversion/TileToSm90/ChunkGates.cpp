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

/// Without a source, the gates alone are rounded.
void ChunkRole::emitGated(arith::TruncFOp op) {
  GatedTile gated = *findGated(op.getResult());
  Value tile = gated.source.getTile(), source;
  if (!gated.findReached())
    source = hold(tile, kernel.rings.find(kernel.keyOf(gated.source))->second,
                  getCount(gated.source));
  Rows rows = locateRows(gated.gates);
  const Ring &ring = kernel.tileRings.find(op.getResult())->second;
  Value count = getGatedCount(op.getResult());
  Value stage = gated.isInPlace() ? source : await(ring, count, /*full=*/false);
  auto type = cast<sm90::StageType>(stage.getType());
  Type element = getElementTypeOrSelf(op.getType());
  bool isOther = element != type.getElementType();
  sm90::GateRowsOp::create(builder, loc, source,
                           kernel.reads.lookup(gated.gates.getView()),
                           rows.offset, rows.stride, rows.limit,
                           kernel.gateScratch.lookup(type.getColumns()), stage,
                           isOther ? TypeAttr::get(element) : TypeAttr());
  sm90::FillOp::create(builder, loc, stage, ring.full, count);
  if (source && !gated.isInPlace())
    finishRead(tile);
}

/// The stage of a tile that is loaded, or gated by another part; null for
/// others.
Value ChunkRole::findStage(Value tile) {
  if (auto it = held.find(tile); it != held.end())
    return it->second.stage;
  if (!split.gatedTiles.contains(tile))
    return {};
  return hold(tile, kernel.tileRings.find(tile)->second, getGatedCount(tile));
}
