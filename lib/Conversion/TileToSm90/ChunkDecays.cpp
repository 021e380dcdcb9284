//===- ChunkDecays.cpp - Decays of channels in a chunk --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The numbers warp sums the logarithms; the auxiliary multiplies keys and
// queries by the powers, which the consumers then multiply by. Rows that have
// decayed from the start are a by-product of the products of their tokens.
//
//===----------------------------------------------------------------------===//

#include "ChunkRole.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

LogicalResult ChunkRole::emitDecaySums(tile::DecaySumsOp op) {
  auto load = op.getGates().getDefiningOp<tile::LoadOp>();
  if (!load)
    return op.emitOpError("expected gates that are loaded");
  Rows rows = locateRows(load);
  Value sums = await(kernel.sumsRing, iteration, /*full=*/false);
  Value whole = await(kernel.wholeRing, iteration, /*full=*/false);
  sm90::DecaySumsOp::create(builder, loc, kernel.reads.lookup(load.getView()),
                            rows.offset, rows.stride, rows.limit,
                            op.getLinear(), sums, whole);
  sm90::FillOp::create(builder, loc, sums, kernel.sumsRing.full, iteration);
  sm90::FillOp::create(builder, loc, whole, kernel.wholeRing.full, iteration);
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

/// The stage of the sums, which is given back behind the last use.
Value ChunkRole::useSums(Value sums) {
  auto [it, isNew] = held.try_emplace(sums);
  if (isNew) {
    it->second = {await(kernel.sumsRing, iteration, /*full=*/true),
                  kernel.sumsRing.empty, iteration};
    for (OpOperand &use : sums.getUses())
      it->second.uses += split.contains(part, use.getOwner());
  }
  return it->second.stage;
}

FailureOr<Value> ChunkRole::useLoaded(Operation *op, Value tile) {
  if (Value stage = findStage(tile))
    return stage;
  return op->emitOpError("expected tiles that are loaded to decay");
}

/// Rows decayed from the start are written by the product of `apply.source`.
LogicalResult ChunkRole::emitApplyDecay(tile::ApplyDecayOp op) {
  FailureOr<Value> source = useLoaded(op, op.getSource());
  if (failed(source))
    return failure();
  Value sums = useSums(op.getSums());
  if (op.getToEnd()) {
    const Ring &ring = kernel.tileRings.find(op.getResult())->second;
    Value stage = await(ring, iteration, /*full=*/false);
    sm90::DecayColumnsOp::create(builder, loc, *source, sums,
                                 kernel.decayScratch, stage);
    sm90::FillOp::create(builder, loc, stage, ring.full, iteration);
  } else if (llvm::none_of(op.getSource().getUsers(), [&](Operation *user) {
               auto dot = dyn_cast<tile::DecayedDotOp>(user);
               return dot && dot.getLhs() == op.getSource() &&
                      dot.getSums() == op.getSums();
             })) {
    return op.emitOpError("expected a tile.decayed_dot of the rows that decay");
  }
  finishRead(op.getSource());
  finishRead(op.getSums());
  return success();
}

/// What `user` makes of `source` and the sums, if it is that.
static tile::ApplyDecayOp findDecayed(Value source, Value sums, bool toEnd) {
  for (Operation *user : source.getUsers())
    if (auto apply = dyn_cast<tile::ApplyDecayOp>(user))
      if (apply.getSums() == sums && apply.getToEnd() == toEnd)
        return apply;
  return {};
}

LogicalResult ChunkRole::emitDecayedDot(tile::DecayedDotOp op) {
  FailureOr<Type> type = convert(op, op.getResult().getType());
  FailureOr<Value> lhs = useLoaded(op, op.getLhs());
  FailureOr<Value> rhs = useLoaded(op, op.getRhs());
  if (failed(type) || failed(lhs) || failed(rhs))
    return failure();
  auto columns = findDecayed(op.getRhs(), op.getSums(), /*toEnd=*/true);
  if (!columns || !columns->isBeforeInBlock(op))
    return op.emitOpError("expected a tile.apply_decay of the right operand to "
                          "the end in front");
  Value sums = useSums(op.getSums()), reached;
  auto rows = findDecayed(op.getLhs(), op.getSums(), /*toEnd=*/false);
  const Ring *ring = nullptr;
  if (rows) {
    ring = &kernel.tileRings.find(rows.getResult())->second;
    reached = await(*ring, iteration, /*full=*/false);
  }
  auto dot = sm90::DecayedDotOp::create(
      builder, loc, *type, *lhs, *rhs, sums, kernel.decayScratch, reached,
      rows ? rows.getScaleAttr() : builder.getF32FloatAttr(1));
  if (rows)
    sm90::FillOp::create(builder, loc, reached, ring->full, iteration);
  mapping.map(op.getResult(), dot.getResult());
  finishRead(op.getLhs());
  finishRead(op.getRhs());
  finishRead(op.getSums());
  return success();
}
