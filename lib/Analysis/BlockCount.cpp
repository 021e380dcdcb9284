//===- BlockCount.cpp - How many keys the tiles visit ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/BlockCount.h"

#include "Support/EvaluateAffine.h"
#include "attn/Analysis/KeyBounds.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::attn;

namespace {

/// Values of a mask that do not depend on query and key, for one head.
class Folder {
public:
  Folder(Value headArgument, int64_t head) {
    known[headArgument] =
        IntegerAttr::get(IndexType::get(headArgument.getContext()), head);
  }

  /// The number that `value` is, where no tensor decides it.
  std::optional<int64_t> fold(Value value) {
    auto number = dyn_cast_or_null<IntegerAttr>(foldAttribute(value));
    if (!number)
      return std::nullopt;
    return number.getType().isInteger(1) ? number.getValue().getZExtValue()
                                         : number.getValue().getSExtValue();
  }

private:
  Attribute foldAttribute(Value value) {
    auto [it, isNew] = known.try_emplace(value);
    Operation *op = value.getDefiningOp();
    if (!isNew || !op)
      return it->second;
    Attribute result;
    if (!matchPattern(value, m_Constant(&result)))
      result = foldOperation(op);
    return known[value] = result;
  }

  Attribute foldOperation(Operation *op) {
    SmallVector<Attribute> operands;
    for (Value operand : op->getOperands())
      operands.push_back(foldAttribute(operand));
    SmallVector<OpFoldResult> results;
    if (op->getNumResults() != 1 || llvm::is_contained(operands, nullptr) ||
        failed(op->fold(operands, results)) || results.empty())
      return {};
    if (auto same = dyn_cast<Value>(results.front()))
      return foldAttribute(same);
    return cast<Attribute>(results.front());
  }

  DenseMap<Value, Attribute> known;
};

/// The bounds of a mask for one head. They outlive it.
class HeadBounds {
public:
  HeadBounds(const KeyBounds &bounds, Folder folder) {
    for (Value operand : bounds.operands)
      operands.push_back(folder.fold(operand));
    for (const KeyInterval &interval : bounds.intervals) {
      isExact &= interval.exact;
      bool holds = true;
      for (auto [condition, expected] : interval.conditions) {
        std::optional<int64_t> value = folder.fold(condition);
        isExact &= value.has_value();
        holds &= value.value_or(expected) == expected;
      }
      if (holds)
        intervals.push_back(&interval);
    }
  }

  /// The number of blocks that the tile of the queries at positions `first` to
  /// `last` visits.
  int64_t count(int64_t first, int64_t last, const BlockGrid &grid);

  bool isExact = true;

private:
  /// The least lower, or the greatest upper bound of all queries of a tile.
  int64_t getLimit(ArrayRef<KeyBound> list, bool isUpper, int64_t first,
                   int64_t last, int64_t unbounded);
  std::optional<int64_t> evaluate(AffineExpr expr, int64_t query) const;

  SmallVector<std::optional<int64_t>> operands;
  SmallVector<const KeyInterval *> intervals;
};

} // namespace

std::optional<int64_t> HeadBounds::evaluate(AffineExpr expr,
                                            int64_t query) const {
  return evaluateAffine(expr, [&](AffineExpr leaf) -> std::optional<int64_t> {
    // The limits of a match are in the memory of the device.
    if (isa<AffineSymbolExpr>(leaf))
      return std::nullopt;
    // The query, the key, then the operands.
    unsigned position = cast<AffineDimExpr>(leaf).getPosition();
    return position == 0 ? query : operands[position - 2];
  });
}

int64_t HeadBounds::getLimit(ArrayRef<KeyBound> list, bool isUpper,
                             int64_t first, int64_t last, int64_t unbounded) {
  int64_t limit = unbounded;
  for (KeyBound bound : list) {
    bool atLast = isUpper ? bound.direction > 0 : bound.direction < 0;
    std::optional<int64_t> value = evaluate(bound.expr, atLast ? last : first);
    isExact &= value.has_value();
    if (value)
      limit = isUpper ? std::min(limit, *value) : std::max(limit, *value);
  }
  return limit;
}

int64_t HeadBounds::count(int64_t first, int64_t last, const BlockGrid &grid) {
  SmallVector<std::pair<int64_t, int64_t>> runs;
  for (const KeyInterval *interval : intervals) {
    int64_t lower =
        getLimit(interval->lower, /*isUpper=*/false, first, last, 0);
    int64_t upper =
        getLimit(interval->upper, /*isUpper=*/true, first, last, grid.keys - 1);
    if (lower <= upper)
      runs.push_back({lower / grid.block, upper / grid.block + 1});
  }
  llvm::sort(runs);
  int64_t count = 0, end = 0;
  for (auto [runBegin, runEnd] : runs) {
    count += std::max<int64_t>(runEnd - std::max(runBegin, end), 0);
    end = std::max(end, runEnd);
  }
  return count;
}

BlockCount mlir::attn::countVisitedBlocks(Block *mask, const BlockGrid &grid) {
  BlockCount result;
  int64_t tiles = llvm::divideCeil(grid.queries, grid.rows);
  if (tiles * grid.heads == 0)
    return result;
  if (!mask) {
    int64_t blocks = llvm::divideCeil(grid.keys, grid.block);
    return {tiles * grid.heads * blocks, blocks, blocks};
  }
  KeyBounds bounds = analyzeKeyBounds(
      *mask, mask->getArgument(2), mask->getArgument(3), mask->getArgument(1));
  result.smallest = grid.keys;
  Value head = mask->getArgument(1);
  // Where no head differs, one stands for all.
  int64_t counted = head.use_empty() ? 1 : grid.heads;
  int64_t shift = grid.keys - grid.queries;
  for (int64_t h = 0; h < counted; ++h) {
    HeadBounds ofHead(bounds, Folder(head, h));
    for (int64_t row = 0; row < grid.queries; row += grid.rows) {
      int64_t last = std::min(row + grid.rows, grid.queries) - 1;
      int64_t count = ofHead.count(row + shift, last + shift, grid);
      result.total += count;
      result.smallest = std::min(result.smallest, count);
      result.largest = std::max(result.largest, count);
    }
    result.isExact &= ofHead.isExact;
  }
  result.total *= grid.heads / counted;
  return result;
}
