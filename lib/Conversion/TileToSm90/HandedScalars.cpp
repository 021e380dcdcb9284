//===- HandedScalars.cpp - What the producer tells the consumers ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToSm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

/// Divisions by what is no constant take some fifty instructions in a row, the
/// search for a sequence waits for memory several times.
static bool isCostly(Operation *op) {
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op))
    return !getConstantIntValue(op->getOperand(1));
  return isa<tile::FindSequenceOp>(op);
}

/// The scalars in front of the loops that depend on the instance.
static SmallVector<Operation *> findVarying(Block &body) {
  SmallVector<Operation *> varying;
  DenseSet<Value> values(body.getArguments().begin(),
                         body.getArguments().end());
  for (Operation &op : body)
    if (isScalar(&op) && llvm::any_of(op.getOperands(), [&](Value operand) {
          return values.contains(operand);
        })) {
      varying.push_back(&op);
      values.insert(op.result_begin(), op.result_end());
    }
  return varying;
}

void mlir::attn::tile_to_sm90::findHandedScalars(Kernel &kernel) {
  Block &body = *kernel.instances().getBody();
  DenseSet<Operation *> &leading = kernel.producerScalars;
  auto isLeading = [&](Operation *user) { return leading.contains(user); };
  auto isIndex = [](Type type) { return type.isIndex(); };
  // What leads to something costly, and to nothing else that cannot be handed.
  SmallVector<Operation *> varying = findVarying(body);
  for (Operation *op : llvm::reverse(varying))
    if (isCostly(op) || (llvm::any_of(op->getUsers(), isLeading) &&
                         (llvm::all_of(op->getResultTypes(), isIndex) ||
                          llvm::all_of(op->getUsers(), isLeading))))
      leading.insert(op);
  // What joins values that nothing else wants is handed in their place.
  DenseSet<Value> instance(body.getArguments().begin(),
                           body.getArguments().end());
  for (Operation *op : varying) {
    auto isJoined = [&](Value operand) {
      Operation *source = operand.getDefiningOp();
      return (source ? isLeading(source) : instance.contains(operand)) &&
             llvm::all_of(operand.getUsers(), [&](Operation *user) {
               return user == op || isLeading(user);
             });
    };
    if (!isLeading(op) && llvm::all_of(op->getResultTypes(), isIndex) &&
        llvm::count_if(op->getOperands(), isJoined) > 1)
      leading.insert(op);
  }
  auto handIfUsed = [&](Value value) {
    if (!llvm::all_of(value.getUsers(), isLeading))
      kernel.handed.push_back(value);
  };
  llvm::for_each(body.getArguments(), handIfUsed);
  for (Operation &op : body)
    if (leading.contains(&op))
      llvm::for_each(op.getResults(), handIfUsed);
}
