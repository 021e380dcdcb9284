//===- RegionCloner.cpp - Masks and modifiers for tiles -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RegionCloner.h"

#include "Attention/Attention.h"
#include "Tile/Tile.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::attn;

void RegionCloner::clone(Operation &op, IRMapping &mapping) {
  auto read = dyn_cast<ReadOp>(op);
  if (!read) {
    Operation *copy = builder.clone(op, mapping);
    if (auto known = bounds.find(&op); known != bounds.end())
      mapping.map(op.getResult(0), tile::BoundedOp::create(
                                       builder, op.getLoc(), copy->getResult(0),
                                       known->second[0], known->second[1],
                                       known->second[2], known->second[3])
                                       .getResult());
    return;
  }
  SmallVector<Value> indices;
  for (Value index : read.getIndices())
    indices.push_back(mapping.lookup(index));
  Value element =
      tile::ReadOp::create(builder, op.getLoc(), read.getElement().getType(),
                           mapping.lookup(read.getTensor()), indices);
  mapping.map(read.getElement(), element);
}

void RegionCloner::cloneInvariants(Block &region, ArrayRef<Value> varying) {
  SetVector<Value> captured;
  getUsedValuesDefinedAbove(*region.getParent(), captured);
  for (Value value : captured)
    if (!mapping.contains(value))
      builder.clone(*value.getDefiningOp(), mapping);
  DenseSet<Value> dependent(varying.begin(), varying.end());
  for (Operation &op : region.without_terminator()) {
    bool depends = llvm::any_of(op.getOperands(), [&](Value operand) {
      return dependent.contains(operand);
    });
    if (depends)
      dependent.insert(op.result_begin(), op.result_end());
    else
      clone(op, mapping);
  }
}

Value RegionCloner::cloneBody(Block &region, ValueRange arguments) {
  IRMapping inner = mapping;
  inner.map(region.getArguments(), arguments);
  for (Operation &op : region.without_terminator())
    if (!llvm::all_of(op.getResults(),
                      [&](Value result) { return mapping.contains(result); }))
      clone(op, inner);
  return inner.lookup(region.getTerminator()->getOperand(0));
}

void RegionCloner::cloneNeeded(Value value, IRMapping &mapping) {
  if (mapping.contains(value))
    return;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    cloneNeeded(operand, mapping);
  clone(*op, mapping);
}

Value RegionCloner::cloneValue(Block &region, Value value,
                               ValueRange arguments) {
  IRMapping inner = mapping;
  inner.map(region.getArguments(), arguments);
  cloneNeeded(value, inner);
  return inner.lookup(value);
}
