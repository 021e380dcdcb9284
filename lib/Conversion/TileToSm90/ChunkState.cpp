//===- ChunkState.cpp - States in front of and behind chunks --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Once for each instance, so that each thread accesses its own elements.
//
//===----------------------------------------------------------------------===//

#include "ChunkRole.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

/// The rows of the fragment run along the first of `axes`, or transposed along
/// the second. Where there is one axis, all of them are in the same place.
ChunkRole::Place ChunkRole::getPlace(Value view, ValueRange indices,
                                     ArrayRef<int64_t> axes, bool transposed) {
  SmallVector<Value> strides(kernel.strides.lookup(view));
  strides.push_back(wide(index(1)));
  SmallVector<Value> place = llvm::map_to_vector(
      indices, [&](Value value) { return mapping.lookup(value); });
  bool isOneRow = axes.size() == 1;
  Value row = isOneRow ? wide(index(0)) : strides[axes[transposed ? 1 : 0]];
  Value column = strides[transposed ? axes.front() : axes.back()];
  Value offset = arith::MulIOp::create(builder, loc, wide(firstRow), row);
  for (auto [own, stride] : llvm::zip_equal(place, strides)) {
    Value part = arith::MulIOp::create(builder, loc, wide(own), stride);
    offset = arith::AddIOp::create(builder, loc, offset, part);
  }
  return {offset, row, column};
}

/// What is in memory, where it is not f32.
static TypeAttr narrowElementOf(Value view) {
  Type element = cast<tile::ViewType>(view.getType()).getElementType();
  return element.isF32() ? TypeAttr() : TypeAttr::get(element);
}

LogicalResult ChunkRole::emitStateLoad(tile::LoadOp load, Value value,
                                       bool transposed) {
  FailureOr<Type> type = convert(
      load, cast<VectorType>(value.getType()).clone(builder.getF32Type()));
  if (failed(type))
    return failure();
  Place place =
      getPlace(load.getView(), load.getIndices(), load.getAxes(), transposed);
  mapping.map(value,
              sm90::LoadStateOp::create(builder, loc, *type,
                                        kernel.reads.lookup(load.getView()),
                                        place.offset, place.row, place.column,
                                        narrowElementOf(load.getView()))
                  .getResult());
  return success();
}

LogicalResult ChunkRole::emitStateStore(tile::StoreOp store) {
  Value source = store.getTile(), fragment;
  auto transpose = source.getDefiningOp<vector::TransposeOp>();
  if (transpose)
    source = transpose.getVector();
  // Of rows that are all the same, which all write what is there.
  if (auto row = source.getDefiningOp<vector::ExtractOp>())
    source = row.getSource();
  // The store rounds.
  if (auto round = source.getDefiningOp<arith::TruncFOp>())
    source = round.getIn();
  if (failed(use(source, fragment)))
    return failure();
  Place place = getPlace(store.getView(), store.getIndices(), store.getAxes(),
                         bool(transpose));
  sm90::StoreStateOp::create(
      builder, loc, fragment, kernel.stores.lookup(store.getView()),
      place.offset, place.row, place.column, narrowElementOf(store.getView()));
  return success();
}

/// From the first row of this warpgroup on.
LogicalResult ChunkRole::emitMask(tile::MaskOp op) {
  Value scores;
  if (failed(use(op.getScores(), scores)))
    return failure();
  Value row = arith::AddIOp::create(builder, loc, mapping.lookup(op.getQuery()),
                                    firstRow);
  cloneRegion(kernel, builder, op,
              sm90::MaskOp::create(builder, loc, scores.getType(), scores, row,
                                   mapping.lookup(op.getKey()),
                                   /*whole=*/Value()),
              mapping);
  return success();
}

/// What stands outside of the loop: a transposition is that of an access.
LogicalResult ChunkRole::emitOutside(Operation *op) {
  if (auto load = dyn_cast<tile::LoadOp>(op)) {
    if (isNumbersType(load.getTile().getType()))
      return success();
    bool isTransposed =
        llvm::all_of(load->getUsers(), llvm::IsaPred<vector::TransposeOp>);
    return isTransposed ? success()
                        : emitStateLoad(load, load.getTile(), false);
  }
  if (auto transpose = dyn_cast<vector::TransposeOp>(op)) {
    auto load = transpose.getVector().getDefiningOp<tile::LoadOp>();
    return load ? emitStateLoad(load, transpose.getResult(), true) : success();
  }
  // One row that is repeated.
  if (auto broadcast = dyn_cast<vector::BroadcastOp>(op))
    if (auto load = broadcast.getSource().getDefiningOp<tile::LoadOp>())
      return emitStateLoad(load, broadcast.getResult(), false);
  if (auto store = dyn_cast<tile::StoreOp>(op))
    return emitStateStore(store);
  if (isa<vector::ExtractOp>(op))
    return success();
  if (auto mask = dyn_cast<tile::MaskOp>(op))
    return emitMask(mask);
  // The state that is loaded, or none; or a unit matrix.
  if (isa<arith::SelectOp, math::Exp2Op>(op))
    return emitElementwise(op);
  // Fragments are f32, whatever is in memory.
  if (auto extend = dyn_cast<arith::ExtFOp>(op)) {
    mapping.map(extend.getResult(), mapping.lookup(extend.getIn()));
    return success();
  }
  if (isa<arith::TruncFOp>(op))
    return success();
  return op->emitOpError("is not lowered to the sm90 level outside of the loop "
                         "over chunks");
}
