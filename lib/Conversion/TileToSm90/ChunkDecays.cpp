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

/// What is made of sums: what is left of each of the keys, the rows of each
/// that have decayed from the start, and the products of each of these with
/// each of the keys.
struct ChunkRole::Decays {
  SmallVector<tile::ApplyDecayOp, 2> left, reached;
  SmallVector<tile::DecayedDotOp, 4> dots;
};

/// The decays of what products read on one side.
static tile::ApplyDecayOp findApplied(ArrayRef<tile::ApplyDecayOp> applied,
                                      Value source, bool isBefore) {
  const auto *own = llvm::find_if(applied, [&](tile::ApplyDecayOp apply) {
    return apply.getSource() == source && apply.getBefore() == isBefore;
  });
  return own == applied.end() ? tile::ApplyDecayOp() : *own;
}

FailureOr<ChunkRole::Decays> ChunkRole::findDecays(Value sums) {
  Decays all;
  SmallVector<tile::ApplyDecayOp> left, rows;
  SmallVector<tile::DecayedDotOp> dots;
  auto users = llvm::to_vector(sums.getUsers());
  for (Operation *user : llvm::reverse(users)) {
    if (!split.contains(part, user))
      continue;
    if (auto apply = dyn_cast<tile::ApplyDecayOp>(user))
      (apply.getToEnd() ? left : rows).push_back(apply);
    else
      dots.push_back(cast<tile::DecayedDotOp>(user));
  }
  llvm::SetVector<Operation *> ofKeys, ofRows;
  DenseMap<std::pair<Operation *, Operation *>, tile::DecayedDotOp> pairs;
  for (tile::DecayedDotOp dot : dots) {
    tile::ApplyDecayOp keys = findApplied(left, dot.getRhs(), false);
    tile::ApplyDecayOp own = findApplied(rows, dot.getLhs(), dot.getBefore());
    if (!keys)
      return dot.emitOpError("expected a tile.apply_decay of the right operand "
                             "to the end");
    if (!own)
      return dot.emitOpError("expected a tile.apply_decay of the left operand "
                             "from the start");
    ofKeys.insert(keys);
    ofRows.insert(own);
    pairs[{own, keys}] = dot;
  }
  for (tile::ApplyDecayOp apply : llvm::concat<tile::ApplyDecayOp>(rows, left))
    if (!ofRows.contains(apply) && !ofKeys.contains(apply))
      return apply.emitOpError("expected a tile.decayed_dot of the rows that "
                               "decay");
  for (Operation *own : ofRows) {
    all.reached.push_back(cast<tile::ApplyDecayOp>(own));
    for (Operation *keys : ofKeys)
      if (tile::DecayedDotOp dot = pairs.lookup({own, keys}))
        all.dots.push_back(dot);
  }
  for (Operation *keys : ofKeys)
    all.left.push_back(cast<tile::ApplyDecayOp>(keys));
  if (all.dots.size() != ofRows.size() * ofKeys.size() ||
      all.dots.size() != dots.size())
    return dots.front().emitOpError("expected a tile.decayed_dot of each of ")
           << ofRows.size() << " rows with each of " << ofKeys.size()
           << " right operands, got " << dots.size();
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
  FailureOr<sm90::DecayTokensOp> tokens = emitDecayTokens(*all, sums);
  if (failed(tokens))
    return failure();
  SmallVector<Type> types;
  for (tile::DecayedDotOp dot : all->dots) {
    FailureOr<Type> type = convert(dot, dot.getResult().getType());
    if (failed(type))
      return failure();
    types.push_back(*type);
  }
  // Keys have made room for the rows that strengths have made of them.
  SmallVector<Value> rows(tokens->getRows());
  for (auto [row, apply] : llvm::zip_equal(rows, all->reached))
    if (isGatedInDecays(apply.getSource()))
      row = tokens->getKeys().front();
  auto dots = sm90::DecayedDotsOp::create(
      builder, loc, types, rows, tokens->getResults(), kernel.decayScratch);
  for (tile::ApplyDecayOp apply :
       llvm::concat<tile::ApplyDecayOp>(all->left, all->reached))
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

/// The first pass, and the stages that it fills.
FailureOr<sm90::DecayTokensOp>
ChunkRole::emitDecayTokens(const Decays &all, tile::DecaySumsOp sums) {
  auto ringOf = [&](tile::ApplyDecayOp apply) -> const Ring & {
    return kernel.tileRings.find(apply.getResult())->second;
  };
  Value limit;
  if (failed(use(sums.getCount(), limit)))
    return failure();
  // Sums wait for gates alone, and the rest is waited for behind them. What
  // they fill is handed over behind these waits, which arrivals would hold up.
  Value gates = await(kernel.gatesRing, iteration, /*full=*/true);
  Value whole = await(kernel.wholeRing, iteration, /*full=*/false);
  Value isSafe = sm90::SumDecaysOp::create(
      builder, loc, gates, limit, sums.getLinear(), kernel.decayScratch, whole);
  SmallVector<Value> rows, keys, left, reached;
  for (auto [applied, tiles] :
       {std::pair(&all.left, &keys), std::pair(&all.reached, &rows)})
    for (tile::ApplyDecayOp apply : *applied) {
      // Strengths are of another part. The stage is filled anew behind them.
      FailureOr<Value> own =
          isGatedInDecays(apply.getSource())
              ? await(kernel.tileRings.find(apply.getSource())->second,
                      iteration, /*full=*/true)
              : useLoaded(apply, apply.getSource());
      if (failed(own))
        return failure();
      tiles->push_back(*own);
    }
  // What the numbers are made of is overwritten.
  if (split.readsTiles())
    getNumbersStage();
  for (auto [number, apply] : llvm::enumerate(all.left)) {
    tile::ApplyDecayOp own = apply;
    auto strengths = kernel.strengthRings.find(own.getResult());
    bool areThere = strengths != kernel.strengthRings.end();
    left.push_back(split.findReplaced(own.getResult()) ? keys[number]
                   : areThere
                       ? await(strengths->second, iteration, /*full=*/true)
                       : await(ringOf(own), iteration, /*full=*/false));
  }
  SmallVector<float> scales;
  SmallVector<bool> before;
  for (auto [i, own] : llvm::enumerate(rows)) {
    tile::ApplyDecayOp apply = all.reached[i];
    // Strengths are where they go.
    reached.push_back(isGatedInDecays(apply.getSource())
                          ? own
                          : await(ringOf(apply), iteration, /*full=*/false));
    scales.push_back(apply.getScale().convertToFloat());
    before.push_back(apply.getBefore());
  }
  Value bonus, offset;
  if (tile::DecayedDotOp dot = all.dots.front(); dot.getBonus()) {
    auto load = dot.getBonus().getDefiningOp<tile::LoadOp>();
    if (!load)
      return dot.emitOpError("expected a bonus that is loaded");
    bonus = kernel.reads.lookup(load.getView());
    offset = locateRows(load).offset;
  }
  SmallVector<Type> blocks(
      all.dots.size(),
      RankedTensorType::get({sm90::kWarpgroupRows, sm90::kDiagonalBlock},
                            builder.getF32Type()));
  auto tokens = sm90::DecayTokensOp::create(
      builder, loc, blocks, rows, keys, gates, isSafe, kernel.decayScratch,
      left, reached, scales,
      llvm::is_contained(before, true) ? builder.getDenseBoolArrayAttr(before)
                                       : DenseBoolArrayAttr(),
      bonus, offset,
      /*rounds=*/kernel.source.getSchedule().getStateParts() > 1);
  bool areNarrow = llvm::any_of(all.reached, [](tile::ApplyDecayOp apply) {
    std::optional<GatedTile> gated = findGated(apply.getSource());
    return gated && gated->findReached() && gated->areNarrow();
  });
  tokens.setNarrowStrengths(areNarrow);
  auto fill = [&](Value stage, const Ring &ring) {
    sm90::FillOp::create(builder, loc, stage, ring.full, iteration);
  };
  fill(whole, kernel.wholeRing);
  for (auto [apply, stage] : llvm::zip_equal(all.reached, reached))
    fill(stage, ringOf(apply));
  for (auto [apply, stage] : llvm::zip_equal(all.left, left))
    fill(stage, ringOf(apply));
  sm90::ReleaseOp::create(builder, loc, gates, kernel.gatesRing.empty,
                          iteration);
  return tokens;
}
