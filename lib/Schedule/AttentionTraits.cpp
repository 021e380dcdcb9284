//===- AttentionTraits.cpp - What decides how an attention is computed ----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectAttention.h"

#include "attn/Analysis/TiledReads.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::attn;

KeyBounds attn::findKeyBounds(AttentionOp op) {
  Block *mask = op.getMaskBlock();
  if (!mask)
    return {};
  return analyzeKeyBounds(*mask, mask->getArgument(2), mask->getArgument(3),
                          mask->getArgument(1));
}

Reads attn::findReads(Block *region) {
  Reads reads;
  if (!region)
    return reads;
  auto positions = region->getArguments().take_back(2);
  DenseSet<Value> ofQuery = {positions[0]}, ofKey = {positions[1]};
  auto contains = [](const DenseSet<Value> &set) {
    return [&](Value value) { return set.contains(value); };
  };
  for (Operation &op : region->without_terminator()) {
    bool byQuery = llvm::any_of(op.getOperands(), contains(ofQuery));
    bool byKey = llvm::any_of(op.getOperands(), contains(ofKey));
    bool byBoth = llvm::any_of(op.getOperands(), [&](Value index) {
      return ofQuery.contains(index) && ofKey.contains(index);
    });
    if (isa<ReadOp>(op)) {
      bool isPair = byQuery && byKey && !byBoth;
      reads.pairs |= isPair;
      reads.widePairs |=
          isPair && !isa<BFloat16Type, Float16Type>(op.getResult(0).getType());
      reads.keys |= byKey && !byQuery;
      reads.computed |= byBoth;
    }
    if (byQuery)
      ofQuery.insert(op.result_begin(), op.result_end());
    if (byKey)
      ofKey.insert(op.result_begin(), op.result_end());
  }
  return reads;
}

/// Whether a value depends on the arguments of the region from the one of
/// number `first` on, or on a score.
static bool dependsOn(Value value, Block &region, unsigned first) {
  if (value.getParentBlock() != &region)
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return !argument.getType().isIndex() || argument.getArgNumber() >= first;
  return llvm::any_of(value.getDefiningOp()->getOperands(), [&](Value operand) {
    return dependsOn(operand, region, first);
  });
}

/// Whether tiles can stand for a read of a modifier, each the same for what the
/// arguments in front of number `first` do not tell apart.
static bool isTiled(ReadOp read, Block &region, unsigned first) {
  auto positions = region.getArguments().take_back(2);
  return findQueryAxis(
             read.getIndices(), read.getElement().getType(), positions[0],
             positions[1],
             [&](Value index) { return !dependsOn(index, region, first); })
      .has_value();
}

/// Arguments of a modifier: the score and the batch come first, the positions
/// last.
static constexpr unsigned kHead = 2, kQuery = 3;

/// Of several reads of a tensor one counts: two tiles would share its stages.
SmallVector<Value> attn::findTiledReads(AttentionOp op) {
  SetVector<Value> tensors;
  // A producer that reads lists has no registers for more copies.
  if (op.hasBlockLists())
    return {};
  if (Block *score = op.getScoreBlock())
    for (ReadOp read : score->getOps<ReadOp>())
      if (isTiled(read, *score, kQuery))
        tensors.insert(read.getTensor());
  return tensors.takeVector();
}

bool attn::sharesTiles(AttentionOp op) {
  Block *score = op.getScoreBlock();
  return score && llvm::any_of(score->getOps<ReadOp>(), [&](ReadOp read) {
           return isTiled(read, *score, kHead);
         });
}

/// Whether sums of positions are compared.
static bool comparesSums(arith::CmpIOp compare) {
  auto isSum = [](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    // The batch and the head come first.
    return argument ? argument.getArgNumber() >= 2
                    : isa<arith::AddIOp, arith::SubIOp>(value.getDefiningOp());
  };
  return compare.getLhs().getType().isIndex() &&
         llvm::all_of(compare->getOperands(), isSum);
}

bool attn::isHeavy(Block *mask) {
  constexpr size_t manyComparisons = 6;
  if (!mask)
    return false;
  auto compares = llvm::to_vector(mask->getOps<arith::CmpIOp>());
  return compares.size() > manyComparisons ||
         llvm::any_of(compares, [](arith::CmpIOp compare) {
           return comparesSums(compare) &&
                  (compare.getPredicate() == arith::CmpIPredicate::eq ||
                   compare.getPredicate() == arith::CmpIPredicate::ne);
         });
}

bool attn::boundsAndReads(AttentionOp op) {
  Block *score = op.getScoreBlock();
  return score && !score->getOps<ReadOp>().empty() &&
         llvm::any_of(findKeyBounds(op).intervals,
                      [](const KeyInterval &interval) {
                        return !interval.lower.empty();
                      });
}

/// Whether a number that is computed from positions is added to scores.
static bool addsPositions(AttentionOp op) {
  Block *score = op.getScoreBlock();
  if (!score)
    return false;
  auto positions = score->getArguments().take_back(2);
  DenseSet<Value> computed(positions.begin(), positions.end());
  for (Operation &inner : score->without_terminator())
    if (!isa<ReadOp>(inner) &&
        llvm::any_of(inner.getOperands(),
                     [&](Value value) { return computed.contains(value); }))
      computed.insert(inner.result_begin(), inner.result_end());
  return computed.contains(score->getTerminator()->getOperand(0));
}

Trend attn::findTrend(AttentionOp op) {
  if (!addsPositions(op))
    return Trend::None;
  KeyBounds bounds = findKeyBounds(op);
  if (bounds.seesOnlyPast())
    return Trend::Past;
  bool hasMagnitude = llvm::any_of(*op.getScoreBlock(), [](Operation &inner) {
    return isa<math::AbsFOp, math::AbsIOp>(inner);
  });
  return hasMagnitude && !op.hasBlockLists() && bounds.intervals.size() <= 1 &&
                 bounds.matches.empty()
             ? Trend::FallsFromQuery
             : Trend::MayGrow;
}

bool attn::hasFunctions(AttentionOp op) {
  Block *score = op.getScoreBlock();
  return score && llvm::any_of(*score, [](Operation &inner) {
           return isa<math::MathDialect>(inner.getDialect()) &&
                  !isa<math::AbsFOp, math::FmaOp>(inner);
         });
}

bool attn::isUneven(AttentionOp op) {
  // Packed sequences differ in length, lists of blocks anyway.
  return op.hasBlockLists() || op.isPacked() || findKeyBounds(op).isUneven();
}

bool attn::isPlain(AttentionOp op) {
  Block *mask = op.getMaskBlock();
  return !op.hasBlockLists() && !op.isPacked() && !op.getScoreBlock() &&
         (!mask || mask->getOps<ReadOp>().empty());
}

bool attn::isPlainLarge(AttentionOp op) {
  return op.getKVType().getKeyDim() == kLargeHead && isPlain(op);
}

bool attn::takesTurns(AttentionOp op) {
  int64_t valueDim = op.getKVType().getValueDim();
  if (valueDim > kLargeHead)
    return !isUneven(op);
  KeyBounds bounds = findKeyBounds(op);
  if (valueDim <= kUsualHead &&
      (op.getScoreBlock() || op.hasBlockLists() ||
       bounds.intervals.size() > 1 || !bounds.matches.empty()))
    return findTrend(op) != Trend::MayGrow;
  return valueDim < kLargeHead && isPlain(op) && isUneven(op) &&
         (valueDim == kUsualHead || op.getKVType().getKeyDim() == kLargeHead);
}
