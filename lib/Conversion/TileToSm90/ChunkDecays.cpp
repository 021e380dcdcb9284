//===- ChunkDecays.cpp - Decays of channels in a chunk --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The numbers warp copies the gates. The auxiliary sums their logarithms and
// multiplies keys and queries by the powers, which the consumers then multiply
// by; rows that have decayed from the start are a by-product of the products of
// their tokens.
//
//===----------------------------------------------------------------------===//

#include "ChunkRole.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

LogicalResult ChunkRole::emitCopyGates(tile::DecaySumsOp op) {
  auto load = op.getGates().getDefiningOp<tile::LoadOp>();
  if (!load)
    return op.emitOpError("expected gates that are loaded");
  Rows rows = locateRows(load);
  Value gates = await(kernel.gatesRing, iteration, /*full=*/false);
  sm90::CopyGatesOp::create(builder, loc, kernel.reads.lookup(load.getView()),
                            rows.offset, rows.stride, rows.limit, gates);
  sm90::FillOp::create(builder, loc, gates, kernel.gatesRing.full, iteration);
  return success();
}

Value mlir::attn::tile_to_sm90::findWhole(arith::MulFOp op) {
  auto broadcast = op.getRhs().getDefiningOp<vector::BroadcastOp>();
  bool isWhole =
      broadcast && broadcast.getSource().getDefiningOp<tile::DecaySumsOp>();
  return isWhole ? broadcast.getSource() : Value();
}

/// Those of keys, of another part. The stage is filled anew behind them.
Value ChunkRole::awaitStrengths(Value tile) {
  return await(kernel.tileRings.find(tile)->second, iteration, /*full=*/true);
}

/// Products that read the state are waited for: its registers change.
LogicalResult ChunkRole::emitDecayColumns(arith::MulFOp op) {
  auto readsState = [&](const Started &product) {
    auto dot = product.source.getDefiningOp<tile::DotOp>();
    auto round = dot.getLhs().getDefiningOp<arith::TruncFOp>();
    return round && round.getIn() == op.getLhs();
  };
  while (llvm::any_of(pending, readsState))
    waitForOldest();
  Value state;
  if (failed(use(op.getLhs(), state)))
    return failure();
  Value stage = await(kernel.wholeRing, iteration, /*full=*/true);
  mapping.map(op.getResult(),
              sm90::ScaleColumnsOp::create(builder, loc, state, stage,
                                           /*row=*/0)
                  .getResult());
  sm90::ReleaseOp::create(builder, loc, stage, kernel.wholeRing.empty,
                          iteration);
  return success();
}

FailureOr<Value> ChunkRole::useLoaded(Operation *op, Value tile) {
  if (Value stage = findStage(tile))
    return stage;
  return op->emitOpError("expected tiles that are loaded to decay");
}

/// Whether the strengths of a tile are where keys go that are multiplied by
/// them.
static bool isGatedInDecays(Value tile) {
  std::optional<GatedTile> gated = findGated(tile);
  return gated && gated->findReached();
}

/// What is made of sums: what is left of the keys, the products, and the rows
/// of each that have decayed from the start.
struct ChunkRole::Decays {
  tile::ApplyDecayOp left;
  SmallVector<tile::DecayedDotOp, 2> dots;
  SmallVector<tile::ApplyDecayOp, 2> reached;
};

FailureOr<ChunkRole::Decays> ChunkRole::findDecays(Value sums) {
  Decays all;
  SmallVector<tile::ApplyDecayOp> rows;
  for (Operation *user : llvm::reverse(to_vector(sums.getUsers()))) {
    if (!split.contains(part, user))
      continue;
    auto apply = dyn_cast<tile::ApplyDecayOp>(user);
    if (apply && apply.getToEnd())
      all.left = apply;
    else if (apply)
      rows.push_back(apply);
    else
      all.dots.push_back(cast<tile::DecayedDotOp>(user));
  }
  for (tile::DecayedDotOp dot : all.dots) {
    if (!all.left || all.left.getSource() != dot.getRhs())
      return dot.emitOpError("expected a tile.apply_decay of the right operand "
                             "to the end");
    auto *own = llvm::find_if(rows, [&](tile::ApplyDecayOp apply) {
      return apply.getSource() == dot.getLhs();
    });
    if (own == rows.end())
      return dot.emitOpError("expected a tile.apply_decay of the left operand "
                             "from the start");
    all.reached.push_back(*own);
    rows.erase(own);
  }
  if (all.dots.empty() || !rows.empty())
    return (rows.empty() ? all.left : rows.front())
        .emitOpError("expected a tile.decayed_dot of the rows that decay");
  return all;
}

/// All that is made of the same sums is computed where the first of it stands,
/// so that what it reads is given back early.
LogicalResult ChunkRole::emitDecays(Operation *op, tile::DecaySumsOp sums) {
  if (!sums)
    return op->emitOpError("expected sums of a tile.decay_sums");
  FailureOr<Decays> all = findDecays(sums.getSums());
  if (failed(all))
    return failure();
  // With the first of it.
  if (mapping.contains(all->dots.front().getResult()))
    return success();
  auto awaitEmpty = [&](Value tile) {
    return await(kernel.tileRings.find(tile)->second, iteration,
                 /*full=*/false);
  };
  Value limit;
  FailureOr<Value> keys = useLoaded(op, all->left.getSource());
  if (failed(keys) || failed(use(sums.getCount(), limit)))
    return failure();
  Value gates = await(kernel.gatesRing, iteration, /*full=*/true);
  Value left = awaitEmpty(all->left.getResult());
  Value whole = await(kernel.wholeRing, iteration, /*full=*/false);
  SmallVector<Value> rows, reached, decayed;
  SmallVector<Type> types, blocks;
  SmallVector<float> scales;
  for (auto [dot, apply] : llvm::zip_equal(all->dots, all->reached)) {
    FailureOr<Type> type = convert(dot, dot.getResult().getType());
    bool isGated = isGatedInDecays(dot.getLhs());
    FailureOr<Value> own =
        isGated ? awaitStrengths(dot.getLhs()) : useLoaded(dot, dot.getLhs());
    if (failed(type) || failed(own))
      return failure();
    types.push_back(*type);
    blocks.push_back(RankedTensorType::get(
        {sm90::kWarpgroupRows, sm90::kDiagonalBlock}, builder.getF32Type()));
    rows.push_back(*own);
    decayed.push_back(isGated ? *keys : *own);
    reached.push_back(isGated ? *own : awaitEmpty(apply.getResult()));
    scales.push_back(apply.getScale().convertToFloat());
  }
  auto tokens = sm90::DecayTokensOp::create(
      builder, loc, blocks, rows, *keys, gates, limit, sums.getLinear(),
      kernel.decayScratch, left, whole, reached, scales);
  handDecayed(*all, left, whole, reached);
  sm90::ReleaseOp::create(builder, loc, gates, kernel.gatesRing.empty,
                          iteration);
  auto dots = sm90::DecayedDotsOp::create(
      builder, loc, types, decayed, tokens.getResults(), kernel.decayScratch);
  finishRead(all->left.getSource());
  for (tile::ApplyDecayOp apply : all->reached)
    if (!isGatedInDecays(apply.getSource()))
      finishRead(apply.getSource());
  for (auto [dot, result] : llvm::zip_equal(all->dots, dots.getResults())) {
    mapping.map(dot.getResult(), result);
    if (!isGatedInDecays(dot.getLhs()))
      finishRead(dot.getLhs());
    finishRead(dot.getRhs());
  }
  return success();
}

/// Fills the stages of what decays have left.
void ChunkRole::handDecayed(const Decays &all, Value left, Value whole,
                            ValueRange reached) {
  auto fill = [&](Value stage, const Ring &ring) {
    sm90::FillOp::create(builder, loc, stage, ring.full, iteration);
  };
  fill(whole, kernel.wholeRing);
  for (auto [apply, stage] : llvm::zip_equal(all.reached, reached))
    fill(stage, kernel.tileRings.find(apply->getResult(0))->second);
  fill(left, kernel.tileRings.find(all.left->getResult(0))->second);
}
