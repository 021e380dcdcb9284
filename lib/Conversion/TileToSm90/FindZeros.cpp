//===- FindZeros.cpp - Accumulators that need not be cleared --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToSm90.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

/// The init of the loop that an iteration argument or a result belongs to.
static OpOperand *getInit(Value value) {
  if (auto result = dyn_cast<OpResult>(value))
    if (auto loop = dyn_cast<scf::ForOp>(result.getOwner()))
      return loop.getTiedLoopInit(result);
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
        loop && argument != loop.getInductionVar())
      return loop.getTiedLoopInit(argument);
  return nullptr;
}

/// Where an accumulator that loops hand on is zero, or null.
static OpOperand *findZero(Value acc) {
  while (acc) {
    OpOperand *init = getInit(acc);
    if (!init || matchPattern(init->get(), m_AnyZeroFloat()))
      return init;
    acc = init->get();
  }
  return nullptr;
}

/// Whether products alone read the value, and what loops make of it before the
/// first of them.
static bool isReadByProducts(OpOperand &init) {
  auto loop = cast<scf::ForOp>(init.getOwner());
  Value values[] = {loop.getTiedLoopRegionIterArg(&init),
                    loop.getTiedLoopResult(&init)};
  return llvm::all_of(values, [](Value value) {
    return llvm::all_of(value.getUses(), [](OpOperand &use) {
      if (auto dot = dyn_cast<tile::DotOp>(use.getOwner()))
        return dot.getAcc() == use.get() && dot.getLhs() != use.get();
      return isa<scf::ForOp>(use.getOwner()) && isReadByProducts(use);
    });
  });
}

void mlir::attn::tile_to_sm90::findZeros(Kernel &kernel) {
  if (kernel.schedule().getClearAccumulators())
    return;
  DenseMap<LoadKey, SmallVector<OpOperand *>> found;
  kernel.source.walk([&](tile::DotOp dot) {
    if (auto load = dot.getRhs().getDefiningOp<tile::LoadOp>())
      found[kernel.keyOf(load)].push_back(findZero(dot.getAcc()));
  });
  // One accumulator for tiles of several rings would have several first
  // products.
  DenseMap<OpOperand *, int64_t> rings;
  for (auto &[key, zeros] : found)
    for (OpOperand *zero : DenseSet<OpOperand *>(zeros.begin(), zeros.end()))
      ++rings[zero];
  for (auto &[key, zeros] : found) {
    OpOperand *zero = zeros.front();
    if (zero && rings[zero] == 1 && llvm::all_equal(zeros) &&
        !zero->getOwner()->getParentOfType<scf::ForOp>() &&
        isReadByProducts(*zero))
      kernel.zeros[key] = zero;
  }
}
