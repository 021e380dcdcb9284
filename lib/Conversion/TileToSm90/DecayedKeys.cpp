//===- DecayedKeys.cpp - The memory of what is left of keys ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is left of keys has stages of its own, so that the next ones are loaded
// while consumers still read it. Wide ones of two directions have no room for
// that.
//
//===----------------------------------------------------------------------===//

#include "SignatureBuilder.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

tile::ApplyDecayOp mlir::attn::tile_to_sm90::findLeft(Value tile) {
  auto apply = tile.getDefiningOp<tile::ApplyDecayOp>();
  return apply && apply.getToEnd() ? apply : tile::ApplyDecayOp();
}

int64_t RoleSplit::countLeft() const {
  return llvm::count_if(handedTiles,
                        [](Value tile) { return bool(findLeft(tile)); });
}

Value RoleSplit::findLeftOf(tile::LoadOp keys) const {
  const auto *left = llvm::find_if(handedTiles, [&](Value tile) {
    tile::ApplyDecayOp apply = findLeft(tile);
    return apply && apply.getSource() == keys.getTile();
  });
  return left == handedTiles.end() ? Value() : *left;
}

tile::LoadOp RoleSplit::findReplaced(Value tile) const {
  auto apply = findLeft(tile);
  if (!apply || countLeft() == 1 ||
      apply.getSource().getType().getShape().back() <= sm90::kWarpgroupRows)
    return {};
  auto isReadAlone = [&](OpOperand &use) {
    auto dot = dyn_cast<tile::DecayedDotOp>(use.getOwner());
    return use.getOwner() == apply || (dot && use == dot.getRhsMutable());
  };
  bool isReplaced = llvm::all_of(apply.getSource().getUses(), isReadAlone);
  return isReplaced ? apply.getSource().getDefiningOp<tile::LoadOp>()
                    : tile::LoadOp();
}

tile::ApplyDecayOp RoleSplit::findReplacing(Value loaded) const {
  for (Value tile : handedTiles)
    if (tile::LoadOp load = findReplaced(tile);
        load && load.getTile() == loaded)
      return findLeft(tile);
  return {};
}

/// The ring of what is loaded, but for the barrier that says that it has been
/// replaced.
Ring SignatureBuilder::createReplacing(const Ring &loaded) {
  Ring ring = loaded;
  ring.full = sm90::MBarrierInitOp::create(
      builder, source.getLoc(),
      sm90::MBarrierType::get(builder.getContext(), schedule.getKvStages()),
      sm90::kWarpgroupThreads, IntegerAttr());
  return ring;
}
