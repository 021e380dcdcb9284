//===- AttentionRecurrenceOps.cpp - Recurrences, simplified ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;

#include "Attention/AttentionRecurrenceInterfaces.cpp.inc"

double attn::getRecurrenceScale(std::optional<APFloat> scale, int64_t keyDim) {
  if (scale)
    return scale->convertToFloat();
  return 1.0 / std::sqrt(static_cast<double>(keyDim));
}

//===----------------------------------------------------------------------===//
// Canonicalization
//===----------------------------------------------------------------------===//

/// Drops results that may be absent and that nobody reads.
template <typename Op, unsigned numRequired>
static LogicalResult dropUnusedResults(Op op, PatternRewriter &rewriter) {
  auto properties = op.getProperties();
  SmallVector<Type> types;
  SmallVector<Value> kept;
  unsigned number = 0;
  for (auto [segment, size] : llvm::enumerate(properties.resultSegmentSizes)) {
    if (size == 0)
      continue;
    Value result = op->getResult(number++);
    if (segment >= numRequired && result.use_empty()) {
      size = 0;
      continue;
    }
    types.push_back(result.getType());
    kept.push_back(result);
  }
  if (kept.size() == op->getNumResults())
    return failure();
  if constexpr (std::is_same_v<Op, RecurrenceOp>)
    if (properties.resultSegmentSizes.back() == 0)
      properties.keep_every = {};
  auto smaller =
      Op::create(rewriter, op.getLoc(), types, op->getOperands(), properties,
                 op->getDiscardableAttrDictionary().getValue());
  for (auto [before, after] : llvm::zip_equal(kept, smaller->getResults()))
    rewriter.replaceAllUsesWith(before, after);
  rewriter.eraseOp(op);
  return success();
}

void RecurrenceOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                               MLIRContext *context) {
  patterns.add(dropUnusedResults<RecurrenceOp, 1>);
}

void RecurrenceBackwardOp::getCanonicalizationPatterns(
    RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add(dropUnusedResults<RecurrenceBackwardOp, 3>);
}
