//===- Lowered.cpp - What the tile level can say --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/Lowered.h"

#include "Attention/Attention.h"

using namespace mlir;
using namespace mlir::attn;

static LogicalResult checkFeatures(AttentionOp op) {
  auto refuse = [&](const Twine &what) {
    return op.emitOpError("has ")
           << what << ", which is not lowered to the tile level";
  };
  if (op.getPositions())
    return refuse("positions of its own");
  if (Normalizer normalizer = op.getNormalizerOrDefault();
      normalizer != Normalizer::Softmax)
    return refuse("the normalizer " + stringifyNormalizer(normalizer));
  Type element = cast<ShapedType>(op.getOutput().getType()).getElementType();
  if (element != op.getQueryType().getElementType())
    return refuse("an output of other elements than those of the query");
  WalkResult result = op->walk([](Operation *inner) {
    if (!isa<BitsOp, TreeOp, BiasOp>(inner))
      return WalkResult::advance();
    inner->emitOpError("is not lowered to the tile level");
    return WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return failure();
  for (auto [block, usual] :
       {std::pair(op.getMaskBlock(), 4u), std::pair(op.getScoreBlock(), 5u)})
    if (block && block->getNumArguments() > usual)
      return refuse("a region that counts the queries");
  return success();
}

LogicalResult attn::checkLowered(func::FuncOp function) {
  for (bool isOwn : {true, false})
    for (Operation &op : function.getOps())
      if (isa_and_nonnull<AttentionDialect>(op.getDialect()) == isOwn &&
          !isa<AttentionOp, KVDenseOp, KVVarlenOp, RecurrenceOp,
               func::ReturnOp>(op) &&
          !op.hasTrait<OpTrait::ConstantLike>() && !servesPreparation(&op))
        return op.emitOpError("is not lowered to the tile level");
  for (AttentionOp attention : function.getOps<AttentionOp>())
    if (failed(checkFeatures(attention)))
      return failure();
  return success();
}
