//===- LoweredRecurrence.cpp - Which recurrences the tile level can say ---===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/Lowered.h"

#include "Attention/Attention.h"

using namespace mlir;
using namespace mlir::attn;

/// Whether `gates` have a number for each channel, behind those of the heads.
static bool isPerChannel(RecurrenceOp op, Value gates) {
  return gates && cast<RankedTensorType>(gates.getType()).getRank() ==
                      op.getQueryType().getRank();
}

StringRef attn::findUnchunked(RecurrenceOp op) {
  std::pair<bool, StringRef> features[] = {
      {isPerChannel(op, op.getErase()), "an erasure of each channel"},
      {isPerChannel(op, op.getWrite()), "a write of each channel"},
      {bool(op.getEraseDirection()), "an erase_direction"},
      {op.getBeforeDecay(), "an erasure before the decay"},
      {bool(op.getBonus()), "a bonus"},
      {op.getDenominator().has_value(), "a denominator"},
      {op.getL2Normalize().has_value(), "an l2_normalize"},
      {bool(op.getSlots()), "slots"},
      {op.getMicroSteps() != 1, "several writes a token"},
      {op.isPacked() && op.getFinalState() && !op.getState(),
       "final states of packed sequences without initial ones"}};
  for (auto [isThere, what] : features)
    if (isThere)
      return what;
  return {};
}

LogicalResult attn::checkChunked(RecurrenceOp op) {
  StringRef what = findUnchunked(op);
  if (what.empty())
    return success();
  return op.emitOpError("has ")
         << what << ", which is not lowered to the tile level";
}
