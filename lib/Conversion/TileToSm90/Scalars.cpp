//===- Scalars.cpp - What both roles compute ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToSm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

bool mlir::attn::tile_to_sm90::isScalar(Operation *op) {
  auto isScalarType = [](Type type) { return type.isIntOrIndexOrFloat(); };
  if (isa<tile::ReadOp, tile::DimOp>(op))
    return true;
  return op->getNumRegions() == 0 && op->getNumResults() > 0 &&
         isMemoryEffectFree(op) &&
         llvm::all_of(op->getResultTypes(), isScalarType) &&
         llvm::all_of(op->getOperandTypes(), isScalarType);
}

static SmallVector<Value> lookupAll(IRMapping &mapping, ValueRange values) {
  return llvm::map_to_vector(
      values, [&](Value value) { return mapping.lookup(value); });
}

static void cloneRead(Kernel &kernel, OpBuilder &builder, tile::ReadOp read,
                      IRMapping &mapping) {
  Location loc = read.getLoc();
  SmallVector<Value> sizes;
  for (size_t axis = 0; axis < read.getIndices().size(); ++axis)
    sizes.push_back(getValueOrCreateConstantIndexOp(
        builder, loc, getSize(kernel, builder, read.getView(), axis)));
  Value element =
      sm90::ReadOp::create(builder, loc, read.getElement().getType(),
                           kernel.reads.lookup(read.getView()),
                           lookupAll(mapping, read.getIndices()), sizes);
  mapping.map(read.getElement(), element);
}

/// Each run contributes from + at * step, which is the same in all iterations.
static void cloneWalk(OpBuilder &builder, tile::WalkOp walk,
                      IRMapping &mapping) {
  Location loc = walk.getLoc();
  Value iteration = mapping.lookup(walk.getIteration());
  Value step = arith::ConstantIndexOp::create(builder, loc, walk.getStep());
  SmallVector<Value> from = lookupAll(mapping, walk.getFrom());
  Value origin = from.front();
  for (auto [at, key] : llvm::zip_equal(lookupAll(mapping, walk.getAt()),
                                        ArrayRef(from).drop_front())) {
    Value offset = arith::MulIOp::create(builder, loc, at, step);
    Value own = arith::AddIOp::create(builder, loc, key, offset);
    Value begun = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                        iteration, at);
    origin = arith::SelectOp::create(builder, loc, begun, own, origin);
  }
  Value distance = arith::MulIOp::create(builder, loc, iteration, step);
  Value key = arith::SubIOp::create(builder, loc, origin, distance);
  mapping.map(walk.getKey(), key);
}

void mlir::attn::tile_to_sm90::cloneScalar(Kernel &kernel, OpBuilder &builder,
                                           Operation *op, IRMapping &mapping) {
  if (auto dim = dyn_cast<tile::DimOp>(op)) {
    mapping.map(dim.getSize(),
                getValueOrCreateConstantIndexOp(
                    builder, dim.getLoc(),
                    getSize(kernel, builder, dim.getView(), dim.getAxis())));
    return;
  }
  if (auto read = dyn_cast<tile::ReadOp>(op))
    return cloneRead(kernel, builder, read, mapping);
  if (auto walk = dyn_cast<tile::WalkOp>(op))
    return cloneWalk(builder, walk, mapping);
  builder.clone(*op, mapping);
}
