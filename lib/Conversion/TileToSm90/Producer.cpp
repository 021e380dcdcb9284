//===- Producer.cpp - The role that copies
//---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToSm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

namespace {

/// Keeps the loops, the index arithmetic and the loads of a program.
class Producer {
public:
  Producer(Kernel &kernel, Block *role)
      : kernel(kernel), builder(OpBuilder::atBlockBegin(role)),
        mapping(kernel.scalars) {}

  LogicalResult run();

private:
  LogicalResult produce(Block &block);
  LogicalResult requireScalars(Operation *op, ValueRange values);
  LogicalResult produceLoad(tile::LoadOp load);
  LogicalResult produceLoop(scf::ForOp loop);
  LogicalResult produceIf(scf::IfOp op);

  Kernel &kernel;
  OpBuilder builder;
  IRMapping mapping;
  Counts counts;
};

} // namespace

/// The producer has the sizes and the indices, and what follows from them.
LogicalResult Producer::requireScalars(Operation *op, ValueRange values) {
  if (llvm::all_of(values, [&](Value v) { return mapping.contains(v); }))
    return success();
  return op->emitOpError("expected loads that depend on sizes and loop "
                         "indices alone");
}

LogicalResult Producer::produceLoad(tile::LoadOp load) {
  // What is not copied is loaded by who needs it.
  if (!kernel.rings.contains(kernel.keyOf(load)))
    return success();
  if (failed(requireScalars(load, load.getIndices())) ||
      failed(requireScalars(load, load.getSlice())))
    return failure();
  Location loc = load.getLoc();
  auto it = kernel.rings.find(kernel.keyOf(load));
  Ring &ring = it->second;
  Value &count = counts[std::distance(kernel.rings.begin(), it)];
  auto buffer = cast<sm90::BufferType>(ring.buffer.getType());
  Value stage = sm90::AwaitEmptyOp::create(builder, loc, buffer.getStageType(),
                                           ring.buffer, ring.empty, count);
  auto lookup = [&](Value value) { return mapping.lookup(value); };
  SmallVector<Value> indices = getCopyIndices(
      kernel, builder, loc, load.getView(), load.getAxes().front(),
      llvm::map_to_vector(load.getIndices(), lookup),
      llvm::map_to_vector(load.getSlice(), lookup));
  sm90::TmaLoadAsyncOp::create(builder, loc, ring.map, indices, stage,
                               ring.full, count, ring.keep);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  count = arith::AddIOp::create(builder, loc, count, one);
  return success();
}

/// The counts that `used` selects.
static SmallVector<Value> select(ArrayRef<Value> counts,
                                 ArrayRef<unsigned> used) {
  return llvm::map_to_vector(used, [&](unsigned i) { return counts[i]; });
}

LogicalResult Producer::produceLoop(scf::ForOp loop) {
  SmallVector<unsigned> used = ringsUsedBy(kernel, loop);
  if (used.empty())
    return success();
  if (failed(requireScalars(
          loop, {loop.getLowerBound(), loop.getUpperBound(), loop.getStep()})))
    return failure();
  auto copy = scf::ForOp::create(
      builder, loop.getLoc(), mapping.lookup(loop.getLowerBound()),
      mapping.lookup(loop.getUpperBound()), mapping.lookup(loop.getStep()),
      select(counts, used));
  Counts outer = counts;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(copy.getBody());
    mapping.map(loop.getInductionVar(), copy.getInductionVar());
    for (auto [i, argument] : llvm::zip(used, copy.getRegionIterArgs()))
      counts[i] = argument;
    if (failed(produce(*loop.getBody())))
      return failure();
    scf::YieldOp::create(builder, loop.getLoc(), select(counts, used));
  }
  counts = outer;
  for (auto [i, result] : llvm::zip(used, copy.getResults()))
    counts[i] = result;
  return success();
}

LogicalResult Producer::produceIf(scf::IfOp op) {
  SmallVector<unsigned> used = ringsUsedBy(kernel, op);
  if (used.empty())
    return success();
  if (failed(requireScalars(op, op.getCondition())))
    return failure();
  SmallVector<Type> types(used.size(), builder.getIndexType());
  auto copy = scf::IfOp::create(builder, op.getLoc(), types,
                                mapping.lookup(op.getCondition()),
                                /*withElseRegion=*/true);
  Counts outer = counts;
  for (auto [source, target] : {std::pair(op.thenBlock(), copy.thenBlock()),
                                std::pair(op.elseBlock(), copy.elseBlock())}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(target);
    counts = outer;
    if (source && failed(produce(*source)))
      return failure();
    scf::YieldOp::create(builder, op.getLoc(), select(counts, used));
  }
  counts = outer;
  for (auto [i, result] : llvm::zip(used, copy.getResults()))
    counts[i] = result;
  return success();
}

LogicalResult Producer::produce(Block &block) {
  for (Operation &op : block.without_terminator()) {
    LogicalResult result = success();
    if (auto load = dyn_cast<tile::LoadOp>(op)) {
      result = produceLoad(load);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      result = produceLoop(loop);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      result = produceIf(branch);
    } else if (isScalar(&op) && !mapping.contains(op.getResult(0))) {
      // What depends on the data is the consumer's.
      if (llvm::all_of(op.getOperands(), [&](Value v) {
            return isa<tile::ViewType>(v.getType()) || mapping.contains(v);
          }))
        cloneScalar(kernel, builder, &op, mapping);
    }
    if (failed(result))
      return failure();
  }
  return success();
}

LogicalResult Producer::run() {
  Value zero =
      arith::ConstantIndexOp::create(builder, kernel.source.getLoc(), 0);
  counts.assign(kernel.rings.size(), zero);
  return forEachInstance(kernel, Role::Producer, builder, mapping, counts,
                         [&](Block &source) { return produce(source); });
}

LogicalResult mlir::attn::tile_to_sm90::buildProducer(Kernel &kernel,
                                                      Block *role) {
  return Producer(kernel, role).run();
}
