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
  if (isa<tile::ReadOp, tile::DimOp, tile::FindSequenceOp, tile::SquaredNormOp>(
          op))
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

static Value createSize(Kernel &kernel, OpBuilder &builder, Location loc,
                        Value view, int64_t axis) {
  return getValueOrCreateConstantIndexOp(builder, loc,
                                         getSize(kernel, builder, view, axis));
}

/// See `sliced` of sm90.tensor_map.
SmallVector<Value> mlir::attn::tile_to_sm90::getCopyIndices(
    Kernel &kernel, OpBuilder &builder, Location loc, Value view, int64_t axis,
    ArrayRef<Value> indices, ArrayRef<Value> slice) {
  SmallVector<Value> result(indices);
  if (slice.empty())
    return result;
  Value begin = slice[0], end = slice[1];
  Value size = createSize(kernel, builder, loc, view, axis);
  Value behind = arith::SubIOp::create(builder, loc, size, end);
  Value row = arith::AddIOp::create(builder, loc, begin, result[axis]);
  result[axis] = arith::AddIOp::create(builder, loc, behind, row);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  result.push_back(arith::SubIOp::create(builder, loc, end, one));
  return result;
}

static void cloneRead(Kernel &kernel, OpBuilder &builder, tile::ReadOp read,
                      IRMapping &mapping) {
  Location loc = read.getLoc();
  SmallVector<Value> sizes;
  for (size_t axis = 0; axis < read.getIndices().size(); ++axis)
    sizes.push_back(createSize(kernel, builder, loc, read.getView(), axis));
  Value element = sm90::ReadOp::create(
      builder, loc, read.getElement().getType(),
      kernel.reads.lookup(read.getView()),
      lookupAll(mapping, read.getIndices()), sizes,
      kernel.strides.lookup(read.getView()), read.getPosition());
  mapping.map(read.getElement(), element);
}

static void cloneSquaredNorm(Kernel &kernel, OpBuilder &builder,
                             tile::SquaredNormOp op, IRMapping &mapping) {
  Location loc = op.getLoc();
  tile::ViewType view = op.getView().getType();
  SmallVector<Value> sizes;
  for (size_t axis = 0; axis < op.getIndices().size(); ++axis)
    sizes.push_back(createSize(kernel, builder, loc, op.getView(), axis));
  mapping.map(op.getNorm(), sm90::SquaredNormOp::create(
                                builder, loc, kernel.reads.lookup(op.getView()),
                                lookupAll(mapping, op.getIndices()), sizes,
                                kernel.strides.lookup(op.getView()),
                                view.getShape().back(), view.getElementType())
                                .getResult());
}

/// The launch has sized what the instances of the kernel write by it.
static Value findSegmentCount(Kernel &kernel, OpBuilder &builder,
                              tile::SegmentCountOp op) {
  auto bounds = kernel.instances().getMixedUpperBound();
  int64_t axis =
      llvm::find(bounds, OpFoldResult(op.getCount())) - bounds.begin();
  for (BlockArgument view : kernel.source.getArguments())
    if (kernel.source.getArgAttr(view.getArgNumber(),
                                 tile::KernelOp::getWorkspaceAttrName()) &&
        kernel.source.getArgAttr(view.getArgNumber(),
                                 tile::KernelOp::getOutputAttrName()))
      return createSize(kernel, builder, op.getLoc(), view, axis);
  llvm_unreachable("checked with the extents");
}

/// Halves the sequences among which the one of the slot is until one is left.
static void cloneFindSequence(Kernel &kernel, OpBuilder &builder,
                              tile::FindSequenceOp find, IRMapping &mapping) {
  Location loc = find.getLoc();
  Type index = builder.getIndexType();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto add = [&](Value a, Value b) -> Value {
    return arith::AddIOp::create(builder, loc, a, b);
  };
  auto sub = [&](Value a, Value b) -> Value {
    return arith::SubIOp::create(builder, loc, a, b);
  };
  Value ends = createSize(kernel, builder, loc, find.getCuSeqlens(), 0);
  Value pointer = kernel.reads.lookup(find.getCuSeqlens());
  Value slot = mapping.lookup(find.getSlot());
  // It is `low` or a later one before `high`.
  auto loop =
      scf::WhileOp::create(builder, loc, TypeRange{index, index},
                           ValueRange{constant(0), sub(ends, constant(1))});
  OpBuilder::InsertionGuard guard(builder);
  Block *before =
      builder.createBlock(&loop.getBefore(), {}, {index, index}, {loc, loc});
  Value rest = sub(before->getArgument(1), before->getArgument(0));
  Value several = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt,
                                        rest, constant(1));
  scf::ConditionOp::create(builder, loc, several, before->getArguments());
  Block *after =
      builder.createBlock(&loop.getAfter(), {}, {index, index}, {loc, loc});
  Value low = after->getArgument(0), high = after->getArgument(1);
  Value middle =
      arith::DivUIOp::create(builder, loc, add(low, high), constant(2));
  Value row = sm90::ReadOp::create(builder, loc, builder.getI32Type(), pointer,
                                   middle, ends, /*strides=*/ValueRange(),
                                   /*position=*/true);
  row = arith::IndexCastOp::create(builder, loc, index, row);
  Value first =
      add(arith::DivUIOp::create(builder, loc, row, constant(find.getBlock())),
          middle);
  Value begun = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle,
                                      first, slot);
  auto select = [&](Value a, Value b) -> Value {
    return arith::SelectOp::create(builder, loc, begun, a, b);
  };
  Value newLow = select(middle, low), newHigh = select(high, middle);
  scf::YieldOp::create(builder, loc, ValueRange{newLow, newHigh});
  mapping.map(find.getSequence(), loop.getResult(0));
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
    mapping.map(dim.getSize(), createSize(kernel, builder, dim.getLoc(),
                                          dim.getView(), dim.getAxis()));
    return;
  }
  if (auto read = dyn_cast<tile::ReadOp>(op))
    return cloneRead(kernel, builder, read, mapping);
  if (auto find = dyn_cast<tile::FindSequenceOp>(op))
    return cloneFindSequence(kernel, builder, find, mapping);
  if (auto walk = dyn_cast<tile::WalkOp>(op))
    return cloneWalk(builder, walk, mapping);
  if (auto norm = dyn_cast<tile::SquaredNormOp>(op))
    return cloneSquaredNorm(kernel, builder, norm, mapping);
  if (auto segments = dyn_cast<tile::SegmentCountOp>(op)) {
    mapping.map(segments.getCount(),
                findSegmentCount(kernel, builder, segments));
    return;
  }
  builder.clone(*op, mapping);
}

void mlir::attn::tile_to_sm90::cloneRegion(Kernel &kernel, OpBuilder &builder,
                                           Operation *op, Operation *copy,
                                           IRMapping &mapping) {
  Location loc = op->getLoc();
  Block &source = op->getRegion(0).front();
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Location> locations(source.getNumArguments(), loc);
  Block *block = builder.createBlock(&copy->getRegion(0), {},
                                     source.getArgumentTypes(), locations);
  mapping.map(source.getArguments(), block->getArguments());
  for (Operation &inner : source.without_terminator()) {
    // What is known of a condition has been made use of.
    if (auto bounded = dyn_cast<tile::BoundedOp>(inner))
      mapping.map(bounded.getResult(), mapping.lookup(bounded.getCondition()));
    else
      cloneScalar(kernel, builder, &inner, mapping);
  }
  SmallVector<Value> yielded;
  for (Value value : source.getTerminator()->getOperands())
    yielded.push_back(mapping.lookup(value));
  sm90::YieldOp::create(builder, loc, yielded);
  mapping.map(op->getResults(), copy->getResults());
}
