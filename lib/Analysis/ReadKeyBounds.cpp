//===- ReadKeyBounds.cpp - Read the bounds of keys off a predicate --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KeyForms.h"

#include "Support/SwapOperands.h"
#include "Tile/Tile.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::key_forms;

/// More intervals than anybody writes; beyond, a mask limits nothing.
static constexpr size_t kMostIntervals = 12;

namespace {

using Intervals = SmallVector<KeyInterval>;

class Reader {
public:
  Reader(Block &predicate, Value query, Value key, Value head)
      : predicate(predicate), query(query), key(key), head(head) {}

  Intervals read(Value keep, bool negated);

  SmallVector<Value> operands;
  SmallVector<KeyMatch> matches;

private:
  /// What a value depends on, as bits.
  enum Source : unsigned { FromQuery = 1, FromKey = 2, FromHead = 4 };

  unsigned getSources(Value value);
  bool depends(Value value) {
    return getSources(value) & (FromQuery | FromKey);
  }
  AffineExpr getOperand(Value value);
  std::optional<AffineExpr> readForm(Value value);
  std::optional<AffineExpr> readArithmetic(Operation *op);
  Intervals readOp(Operation *op, Value keep, bool negated);
  Intervals readComparison(arith::CmpIOp compare, bool negated);
  Intervals readMatch(arith::CmpIOp compare, bool negated);
  Intervals readBounded(tile::BoundedOp op);
  Intervals readChoice(Value condition, Value ifTrue, bool negateTrue,
                       Value ifFalse, bool negateFalse);
  void addAtMostZero(Intervals &intervals, AffineExpr form);

  AffineExpr dim(unsigned position) {
    return getAffineDimExpr(position, query.getContext());
  }

  Block &predicate;
  Value query, key, head;
  DenseMap<Value, unsigned> sources;
};

/// factor * key + rest, or factor * (inner floordiv divisor) + rest, where the
/// key is in the inner form alone.
struct KeyForm {
  int64_t factor = 0;
  AffineExpr inner;
  int64_t divisor = 0;
  AffineExpr rest;
};

} // namespace

/// Every key, some of which may be masked.
static Intervals getUnknown() {
  KeyInterval interval;
  interval.exact = false;
  return {interval};
}

static Intervals unite(Intervals a, const Intervals &b) {
  a.append(b.begin(), b.end());
  return a.size() > kMostIntervals ? getUnknown() : a;
}

/// The keys of both, unless their conditions exclude each other.
static std::optional<KeyInterval> intersect(KeyInterval a,
                                            const KeyInterval &b) {
  for (KeyBound bound : b.upper)
    addBound(a.upper, bound, /*isUpper=*/true);
  for (KeyBound bound : b.lower)
    addBound(a.lower, bound, /*isUpper=*/false);
  for (auto [condition, expected] : b.conditions) {
    if (llvm::is_contained(a.conditions, std::pair(condition, !expected)))
      return std::nullopt;
    if (!llvm::is_contained(a.conditions, std::pair(condition, expected)))
      a.conditions.push_back({condition, expected});
  }
  a.exact &= b.exact;
  return a;
}

static Intervals intersect(const Intervals &a, const Intervals &b) {
  Intervals both;
  for (const KeyInterval &left : a)
    for (const KeyInterval &right : b)
      if (std::optional<KeyInterval> interval = intersect(left, right))
        both.push_back(*interval);
  return both.size() > kMostIntervals ? getUnknown() : both;
}

unsigned Reader::getSources(Value value) {
  if (value == query)
    return FromQuery;
  if (value == key)
    return FromKey;
  if (value == head)
    return FromHead;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &predicate)
    return 0;
  if (auto known = sources.find(value); known != sources.end())
    return known->second;
  unsigned result = 0;
  for (Value operand : op->getOperands())
    result |= getSources(operand);
  return sources[value] = result;
}

/// The dim of an operand.
AffineExpr Reader::getOperand(Value value) {
  auto known = llvm::find(operands, value);
  unsigned index = known - operands.begin();
  if (known == operands.end())
    operands.push_back(value);
  return dim(FirstOperandDim + index);
}

std::optional<AffineExpr> Reader::readForm(Value value) {
  if (value == query)
    return dim(QueryDim);
  if (value == key)
    return dim(KeyDim);
  IntegerAttr constant;
  if (matchPattern(value, m_Constant(&constant)))
    return getAffineConstantExpr(constant.getInt(), query.getContext());
  Operation *op = value.getDefiningOp();
  if (op && value.getParentBlock() == &predicate)
    if (std::optional<AffineExpr> form = readArithmetic(op))
      return form;
  if (depends(value))
    return std::nullopt;
  return getOperand(value);
}

std::optional<AffineExpr> Reader::readArithmetic(Operation *op) {
  Type type = op->getResult(0).getType();
  // Positions fit into every width that an index is cast to.
  if (isa<arith::IndexCastOp, arith::ExtSIOp>(op) &&
      depends(op->getResult(0)) &&
      (type.isIndex() || type.getIntOrFloatBitWidth() >= 32))
    return readForm(op->getOperand(0));
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::FloorDivSIOp>(
          op))
    return std::nullopt;
  std::optional<AffineExpr> left = readForm(op->getOperand(0));
  std::optional<AffineExpr> right = readForm(op->getOperand(1));
  if (!left || !right)
    return std::nullopt;
  AffineExpr lhs = *left, rhs = *right;
  if (isa<arith::AddIOp>(op))
    return lhs + rhs;
  if (isa<arith::SubIOp>(op))
    return lhs - rhs;
  if (isa<AffineConstantExpr>(lhs) && isa<arith::MulIOp>(op))
    std::swap(lhs, rhs);
  auto factor = dyn_cast<AffineConstantExpr>(rhs);
  if (!factor)
    return std::nullopt;
  if (isa<arith::MulIOp>(op))
    return lhs * factor.getValue();
  if (factor.getValue() <= 0)
    return std::nullopt;
  return lhs.floorDiv(factor.getValue());
}

/// Adds factor * expr to the form. False where the key occurs in another way.
static bool addToForm(KeyForm &form, AffineExpr expr, int64_t factor) {
  if (!expr.isFunctionOfDim(KeyDim)) {
    form.rest = form.rest + expr * factor;
    return true;
  }
  if (isa<AffineDimExpr>(expr)) {
    form.factor += factor;
    return !form.inner;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return addToForm(form, binary.getLHS(), factor) &&
           addToForm(form, binary.getRHS(), factor);
  case AffineExprKind::Mul:
    return constant &&
           addToForm(form, binary.getLHS(), factor * constant.getValue());
  case AffineExprKind::FloorDiv:
    if (!constant || form.inner || form.factor)
      return false;
    form.inner = binary.getLHS();
    form.divisor = constant.getValue();
    form.factor = factor;
    return true;
  default:
    return false;
  }
}

/// Limits the intervals to the keys with form <= 0.
void Reader::addAtMostZero(Intervals &intervals, AffineExpr expr) {
  auto fail = [&] {
    for (KeyInterval &interval : intervals)
      interval.exact = false;
  };
  KeyForm form;
  form.rest = getAffineConstantExpr(0, query.getContext());
  if (!addToForm(form, expr, 1))
    return fail();
  if (form.factor == 0) {
    // The key has cancelled out.
    if (auto constant = dyn_cast<AffineConstantExpr>(form.rest)) {
      if (constant.getValue() > 0)
        intervals.clear();
      return;
    }
    // The last key that there may be where the rest is at most 0, else none.
    constexpr int64_t kEnd = std::numeric_limits<int32_t>::max();
    AffineExpr limit = (-form.rest).floorDiv(kEnd) * kEnd + (kEnd - 1);
    std::optional<int> direction = getDirection(limit);
    if (!direction)
      return fail();
    for (KeyInterval &interval : intervals)
      addBound(interval.upper, {limit, *direction, {}}, /*isUpper=*/true);
    return;
  }
  bool isUpper = form.factor > 0;
  AffineExpr limit = isUpper ? (-form.rest).floorDiv(form.factor)
                             : form.rest.ceilDiv(-form.factor);
  if (form.inner) {
    // inner floordiv n <= limit  is  inner <= limit * n + n - 1, and
    // inner floordiv n >= limit  is  inner >= limit * n.
    AffineExpr next =
        isUpper ? form.inner - limit * form.divisor - (form.divisor - 1)
                : limit * form.divisor - form.inner;
    return addAtMostZero(intervals, next);
  }
  std::optional<int> direction = getDirection(limit);
  if (!direction)
    return fail();
  for (KeyInterval &interval : intervals)
    addBound(isUpper ? interval.upper : interval.lower, {limit, *direction, {}},
             isUpper);
}

Intervals Reader::readComparison(arith::CmpIOp compare, bool negated) {
  arith::CmpIPredicate predicate = compare.getPredicate();
  Value left = compare.getLhs(), right = compare.getRhs();
  bool isEquality = predicate == arith::CmpIPredicate::eq ||
                    predicate == arith::CmpIPredicate::ne;
  bool unequal = (predicate == arith::CmpIPredicate::ne) != negated;
  if (left.getType().isInteger(1))
    return isEquality ? readChoice(left, right, unequal, right, !unequal)
                      : getUnknown();
  std::optional<AffineExpr> lhs = readForm(left), rhs = readForm(right);
  if (!lhs || !rhs)
    return readMatch(compare, negated);
  if (negated)
    predicate = arith::invertPredicate(predicate);
  AffineExpr difference = *lhs - *rhs;
  auto limit = [&](ArrayRef<AffineExpr> forms) {
    Intervals intervals(1);
    for (AffineExpr form : forms)
      addAtMostZero(intervals, form);
    return intervals;
  };
  switch (predicate) {
  case arith::CmpIPredicate::sle:
    return limit(difference);
  case arith::CmpIPredicate::slt:
    return limit(difference + 1);
  case arith::CmpIPredicate::sge:
    return limit(-difference);
  case arith::CmpIPredicate::sgt:
    return limit(-difference + 1);
  case arith::CmpIPredicate::eq:
    return limit({difference, -difference});
  case arith::CmpIPredicate::ne:
    return unite(limit(difference + 1), limit(-difference + 1));
  default:
    return getUnknown();
  }
}

/// What the limits of a match, or those that `tile.bounded` has, say.
static Intervals getBetween(AffineExpr begin, AffineExpr end,
                            AffineExpr cleanBegin, AffineExpr cleanEnd) {
  KeyInterval interval;
  interval.lower.push_back({begin, 0, cleanBegin});
  interval.upper.push_back({end - 1, 0, cleanEnd - 1});
  return {interval};
}

Intervals Reader::readMatch(arith::CmpIOp compare, bool negated) {
  arith::CmpIPredicate predicate = compare.getPredicate();
  Value own = compare.getLhs(), other = compare.getRhs();
  if (getSources(own) == FromQuery) {
    std::swap(own, other);
    predicate = swapOperands(predicate);
  }
  // They are compared as numbers of 32 bits.
  bool fits = own.getType().isIndex() || own.getType().isInteger(8) ||
              own.getType().isInteger(16) || own.getType().isInteger(32);
  bool isSigned = predicate <= arith::CmpIPredicate::sge;
  if (!head || negated || !fits || !isSigned || getSources(own) != FromKey ||
      getSources(other) != FromQuery)
    return getUnknown();
  auto known = llvm::find_if(
      matches, [&](const KeyMatch &match) { return match.compare == compare; });
  unsigned first = (known - matches.begin()) * KeyMatch::NumLimits;
  if (known == matches.end())
    matches.push_back({compare, predicate, own, other});
  auto limit = [&](KeyMatch::Limit which) {
    return getAffineSymbolExpr(first + which, query.getContext());
  };
  return getBetween(limit(KeyMatch::Begin), limit(KeyMatch::End),
                    limit(KeyMatch::CleanBegin), limit(KeyMatch::CleanEnd));
}

Intervals Reader::readBounded(tile::BoundedOp op) {
  return getBetween(getOperand(op.getBegin()), getOperand(op.getEnd()),
                    getOperand(op.getCleanBegin()),
                    getOperand(op.getCleanEnd()));
}

/// Where the condition holds the first, elsewhere the second.
Intervals Reader::readChoice(Value condition, Value ifTrue, bool negateTrue,
                             Value ifFalse, bool negateFalse) {
  return unite(intersect(read(condition, false), read(ifTrue, negateTrue)),
               intersect(read(condition, true), read(ifFalse, negateFalse)));
}

Intervals Reader::readOp(Operation *op, Value keep, bool negated) {
  if (isa<arith::AndIOp, arith::OrIOp>(op)) {
    Intervals lhs = read(op->getOperand(0), negated);
    Intervals rhs = read(op->getOperand(1), negated);
    return isa<arith::AndIOp>(op) != negated ? intersect(lhs, rhs)
                                             : unite(lhs, rhs);
  }
  if (auto exclusive = dyn_cast<arith::XOrIOp>(op))
    return readChoice(exclusive.getLhs(), exclusive.getRhs(), !negated,
                      exclusive.getRhs(), negated);
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return readChoice(select.getCondition(), select.getTrueValue(), negated,
                      select.getFalseValue(), negated);
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return readComparison(compare, negated);
  if (auto bounded = dyn_cast<tile::BoundedOp>(op); bounded && !negated)
    return readBounded(bounded);
  return getUnknown();
}

Intervals Reader::read(Value keep, bool negated) {
  IntegerAttr constant;
  if (matchPattern(keep, m_Constant(&constant)))
    return constant.getValue().isZero() == negated ? Intervals(1) : Intervals();
  if (!depends(keep)) {
    KeyInterval interval;
    interval.conditions.push_back({keep, !negated});
    return {interval};
  }
  return readOp(keep.getDefiningOp(), keep, negated);
}

/// Removes the intervals that say nothing beside another.
static void removeRedundant(Intervals &intervals) {
  for (size_t i = 0; i < intervals.size();) {
    bool redundant = false;
    for (size_t j = 0; j < intervals.size(); ++j)
      redundant |= i != j && contains(intervals[j], intervals[i]) &&
                   (intervals[j].exact || !intervals[i].exact);
    if (redundant)
      intervals.erase(intervals.begin() + i);
    else
      ++i;
  }
}

/// Forgets the matches that bound no interval, and numbers the others anew.
static void removeUnused(KeyBounds &bounds) {
  SetVector<unsigned> used;
  for (const KeyInterval &interval : bounds.intervals)
    used.insert_range(getMatches(interval));
  SmallVector<KeyMatch> matches;
  SmallVector<AffineExpr> symbols(bounds.matches.size() * KeyMatch::NumLimits);
  for (unsigned old : used) {
    MLIRContext *context = bounds.matches[old].compare->getContext();
    for (unsigned l = 0; l < KeyMatch::NumLimits; ++l)
      symbols[old * KeyMatch::NumLimits + l] = getAffineSymbolExpr(
          matches.size() * KeyMatch::NumLimits + l, context);
    matches.push_back(bounds.matches[old]);
  }
  bounds.matches = std::move(matches);
  for (KeyInterval &interval : bounds.intervals)
    for (auto *list : {&interval.lower, &interval.upper})
      for (KeyBound &bound : *list)
        for (AffineExpr *expr : {&bound.expr, &bound.clean})
          if (*expr)
            *expr = expr->replaceSymbols(symbols);
}

KeyBounds attn::analyzeKeyBounds(Block &predicate, Value query, Value key,
                                 Value head) {
  Reader reader(predicate, query, key, head);
  KeyBounds bounds;
  bounds.intervals = reader.read(predicate.getTerminator()->getOperand(0),
                                 /*negated=*/false);
  bounds.operands = std::move(reader.operands);
  bounds.matches = std::move(reader.matches);
  removeRedundant(bounds.intervals);
  removeUnused(bounds);
  return bounds;
}
