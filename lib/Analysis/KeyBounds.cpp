//===- KeyBounds.cpp - Which keys a mask lets a query see -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/KeyBounds.h"

#include "KeyForms.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::key_forms;

std::optional<int> key_forms::getDirection(AffineExpr expr) {
  if (!expr.isFunctionOfDim(QueryDim))
    return 0;
  if (isa<AffineDimExpr>(expr))
    return 1;
  auto binary = cast<AffineBinaryOpExpr>(expr);
  std::optional<int> lhs = getDirection(binary.getLHS());
  std::optional<int> rhs = getDirection(binary.getRHS());
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    if (!lhs || !rhs || *lhs * *rhs < 0)
      return std::nullopt;
    return *lhs ? lhs : rhs;
  case AffineExprKind::Mul:
    if (!lhs || !constant)
      return std::nullopt;
    return constant.getValue() < 0 ? -*lhs : *lhs;
  case AffineExprKind::FloorDiv:
  case AffineExprKind::CeilDiv:
    return lhs;
  default:
    return std::nullopt;
  }
}

/// a - b, where it is seen to be the same for all queries.
static std::optional<int64_t> getDifference(KeyBound a, KeyBound b) {
  AffineExpr difference = a.expr - b.expr;
  unsigned dims = 0, symbols = 0;
  difference.walk([&](AffineExpr expr) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      dims = std::max(dims, dim.getPosition() + 1);
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
      symbols = std::max(symbols, symbol.getPosition() + 1);
  });
  difference = simplifyAffineExpr(difference, dims, symbols);
  if (auto constant = dyn_cast<AffineConstantExpr>(difference))
    return constant.getValue();
  return std::nullopt;
}

void key_forms::addBound(SmallVectorImpl<KeyBound> &list, KeyBound bound,
                         bool isUpper) {
  for (KeyBound &other : list)
    if (std::optional<int64_t> difference = getDifference(bound, other)) {
      if (isUpper ? *difference < 0 : *difference > 0)
        other = bound;
      return;
    }
  list.push_back(bound);
}

/// Whether every bound of `outer` follows from one of `inner`.
static bool implies(ArrayRef<KeyBound> inner, ArrayRef<KeyBound> outer,
                    bool isUpper) {
  return llvm::all_of(outer, [&](KeyBound bound) {
    return llvm::any_of(inner, [&](KeyBound other) {
      std::optional<int64_t> difference = getDifference(other, bound);
      return difference && (isUpper ? *difference <= 0 : *difference >= 0);
    });
  });
}

bool key_forms::contains(const KeyInterval &outer, const KeyInterval &inner) {
  return implies(inner.upper, outer.upper, /*isUpper=*/true) &&
         implies(inner.lower, outer.lower, /*isUpper=*/false) &&
         llvm::all_of(outer.conditions, [&](const auto &condition) {
           return llvm::is_contained(inner.conditions, condition);
         });
}

SmallVector<unsigned> attn::getMatches(const KeyInterval &interval) {
  SetVector<unsigned> matches;
  for (ArrayRef<KeyBound> list :
       {ArrayRef(interval.lower), ArrayRef(interval.upper)})
    for (KeyBound bound : list)
      bound.expr.walk([&](AffineExpr expr) {
        if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
          matches.insert(symbol.getPosition() / KeyMatch::NumLimits);
      });
  return matches.takeVector();
}

bool attn::endsNoLater(const KeyInterval &a, const KeyInterval &b) {
  return implies(a.upper, b.upper, /*isUpper=*/true);
}

void KeyBounds::addUpper(Value value, int64_t offset) {
  auto known = llvm::find(operands, value);
  size_t index = known - operands.begin();
  if (known == operands.end())
    operands.push_back(value);
  AffineExpr expr =
      getAffineDimExpr(FirstOperandDim + index, value.getContext()) + offset;
  for (KeyInterval &interval : intervals)
    addBound(interval.upper, {expr, 0, {}}, /*isUpper=*/true);
}

SmallVector<KeyInterval> KeyBounds::getOuterIntervals() const {
  SmallVector<KeyInterval> outer;
  for (auto [i, interval] : llvm::enumerate(intervals)) {
    bool isInner = false;
    for (auto [j, other] : llvm::enumerate(intervals))
      // Of two equal ones the first is kept.
      isInner |= i != j && contains(other, interval) &&
                 (j < i || !contains(interval, other));
    if (!isInner)
      outer.push_back(interval);
  }
  return outer;
}

bool KeyBounds::isOneInterval(ArrayRef<KeyInterval> intervals) {
  return llvm::all_of(intervals, [&](const KeyInterval &interval) {
    const KeyInterval &first = intervals.front();
    return interval.conditions.empty() &&
           implies(interval.lower, first.lower, /*isUpper=*/false) &&
           implies(first.lower, interval.lower, /*isUpper=*/false);
  });
}

SmallVector<Value> KeyBounds::getValues() const {
  SmallVector<Value> values(operands);
  for (const KeyInterval &interval : intervals)
    for (auto [condition, expected] : interval.conditions)
      values.push_back(condition);
  return values;
}

bool KeyBounds::isUneven() const {
  auto grows = [](KeyBound bound) { return bound.direction > 0; };
  auto isConstant = [](KeyBound bound) {
    return isa<AffineConstantExpr>(bound.expr);
  };
  if (!operands.empty() || !matches.empty() || getOuterIntervals().size() > 1)
    return true;
  return llvm::any_of(intervals, [&](const KeyInterval &interval) {
    return !interval.conditions.empty() ||
           (llvm::any_of(interval.upper, grows) &&
            llvm::none_of(interval.lower, grows) &&
            llvm::none_of(interval.upper, isConstant));
  });
}

bool KeyBounds::seesOnlyPast() const {
  auto isOfPast = [](const KeyBound &bound) {
    AffineExpr query = getAffineDimExpr(0, bound.expr.getContext());
    auto distance = dyn_cast<AffineConstantExpr>(bound.expr - query);
    return distance && distance.getValue() <= 0;
  };
  return !intervals.empty() &&
         llvm::all_of(intervals, [&](const KeyInterval &interval) {
           return llvm::any_of(interval.upper, isOfPast);
         });
}
