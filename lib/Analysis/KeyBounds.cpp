//===- KeyBounds.cpp - Which keys a mask lets a query see -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/KeyBounds.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn;

namespace {

/// key * j + query * p + invariant + constant.
struct LinearForm {
  int64_t key = 0;
  int64_t query = 0;
  Value invariant;
  int64_t constant = 0;
};

class Reader {
public:
  Reader(Block &predicate, Value query, Value key)
      : predicate(predicate), query(query), key(key) {}

  LogicalResult readPredicate(Value value);

  KeyBounds bounds;
  Operation *culprit = nullptr;

private:
  FailureOr<LinearForm> readForm(Value value);
  LogicalResult readComparison(arith::CmpIOp compare);
  LogicalResult addAtMostZero(LinearForm form);

  LogicalResult fail(Operation *op) {
    culprit = op;
    return failure();
  }

  Block &predicate;
  Value query, key;
};

} // namespace

static std::optional<LinearForm> add(const LinearForm &a, const LinearForm &b,
                                     int64_t sign) {
  // One invariant is enough for lengths; a sum of two is not read.
  if (b.invariant && (a.invariant || sign < 0))
    return std::nullopt;
  return LinearForm{a.key + sign * b.key, a.query + sign * b.query,
                    a.invariant ? a.invariant : b.invariant,
                    a.constant + sign * b.constant};
}

FailureOr<LinearForm> Reader::readForm(Value value) {
  if (value == key)
    return LinearForm{1, 0, {}, 0};
  if (value == query)
    return LinearForm{0, 1, {}, 0};
  IntegerAttr constant;
  if (matchPattern(value, m_Constant(&constant)))
    return LinearForm{0, 0, {}, constant.getInt()};
  Operation *op = value.getDefiningOp();
  // What is defined outside does not change within a tile.
  if (value.getParentBlock() != &predicate)
    return LinearForm{0, 0, value, 0};
  if (!isa_and_nonnull<arith::AddIOp, arith::SubIOp>(op))
    return fail(op);
  FailureOr<LinearForm> lhs = readForm(op->getOperand(0));
  FailureOr<LinearForm> rhs = readForm(op->getOperand(1));
  if (failed(lhs) || failed(rhs))
    return failure();
  std::optional<LinearForm> sum =
      add(*lhs, *rhs, isa<arith::AddIOp>(op) ? 1 : -1);
  if (!sum)
    return fail(op);
  return *sum;
}

/// Adds the constraint form <= 0, where an invariant stands on the other side.
LogicalResult Reader::addAtMostZero(LinearForm form) {
  auto tighten = [](std::optional<int64_t> &bound, int64_t value, bool upper) {
    bound = !bound
                ? value
                : (upper ? std::min(*bound, value) : std::max(*bound, value));
  };
  if (form.key == 1 && form.query == -1) { // j <= p - constant
    tighten(bounds.relativeUpper, -form.constant, /*upper=*/true);
    return success();
  }
  if (form.key == -1 && form.query == 1) { // j >= p + constant
    tighten(bounds.relativeLower, form.constant, /*upper=*/false);
    return success();
  }
  if (form.key == 1 && form.query == 0) {
    bounds.upper.push_back({{}, -form.constant});
    return success();
  }
  if (form.key == -1 && form.query == 0) {
    bounds.lower.push_back({{}, form.constant});
    return success();
  }
  return failure();
}

LogicalResult Reader::readComparison(arith::CmpIOp compare) {
  FailureOr<LinearForm> lhs = readForm(compare.getLhs());
  FailureOr<LinearForm> rhs = readForm(compare.getRhs());
  if (failed(lhs) || failed(rhs))
    return failure();
  // Bring every order to lhs <= rhs.
  switch (compare.getPredicate()) {
  case arith::CmpIPredicate::sle:
    break;
  case arith::CmpIPredicate::slt:
    lhs->constant += 1;
    break;
  case arith::CmpIPredicate::sge:
    std::swap(lhs, rhs);
    break;
  case arith::CmpIPredicate::sgt:
    std::swap(lhs, rhs);
    lhs->constant += 1;
    break;
  default:
    return fail(compare);
  }
  bool keyOnLeft = lhs->key == 1 && lhs->query == 0 && !lhs->invariant;
  bool keyOnRight = rhs->key == 1 && rhs->query == 0 && !rhs->invariant;
  if (keyOnLeft && rhs->invariant && rhs->key == 0 && rhs->query == 0) {
    bounds.upper.push_back({rhs->invariant, rhs->constant - lhs->constant});
    return success();
  }
  if (keyOnRight && lhs->invariant && lhs->key == 0 && lhs->query == 0) {
    bounds.lower.push_back({lhs->invariant, lhs->constant - rhs->constant});
    return success();
  }
  std::optional<LinearForm> difference = add(*lhs, *rhs, -1);
  if (!difference || difference->invariant ||
      failed(addAtMostZero(*difference)))
    return fail(compare);
  return success();
}

LogicalResult Reader::readPredicate(Value value) {
  if (auto conjunction = value.getDefiningOp<arith::AndIOp>())
    return success(succeeded(readPredicate(conjunction.getLhs())) &&
                   succeeded(readPredicate(conjunction.getRhs())));
  if (matchPattern(value, m_One()))
    return success();
  if (auto compare = value.getDefiningOp<arith::CmpIOp>())
    return readComparison(compare);
  return fail(value.getDefiningOp());
}

FailureOr<KeyBounds> attn::analyzeKeyBounds(Block &predicate, Value query,
                                            Value key, Operation *&culprit) {
  Reader reader(predicate, query, key);
  LogicalResult result =
      reader.readPredicate(predicate.getTerminator()->getOperand(0));
  culprit = reader.culprit;
  if (failed(result))
    return failure();
  return reader.bounds;
}

//===----------------------------------------------------------------------===//
// Bounds of a tile
//===----------------------------------------------------------------------===//

namespace {
/// Collects the expressions of one affine.min or affine.max.
class Extremum {
public:
  Extremum(OpBuilder &builder, Location loc, Value query)
      : builder(builder), loc(loc), operands({query}) {}

  void addConstant(int64_t value) {
    exprs.push_back(builder.getAffineConstantExpr(value));
  }
  void addRelative(int64_t offset) {
    exprs.push_back(builder.getAffineDimExpr(0) + offset);
  }
  void addAbsolute(KeyBounds::Absolute bound, int64_t offset) {
    if (!bound.value)
      return addConstant(bound.offset + offset);
    exprs.push_back(builder.getAffineDimExpr(operands.size()) + bound.offset +
                    offset);
    operands.push_back(bound.value);
  }

  OpFoldResult minimum() {
    if (exprs.size() == 1)
      return affine::makeComposedFoldedAffineApply(builder, loc, map(),
                                                   operands);
    return affine::makeComposedFoldedAffineMin(builder, loc, map(), operands);
  }
  OpFoldResult maximum() {
    return affine::makeComposedFoldedAffineMax(builder, loc, map(), operands);
  }

private:
  AffineMap map() {
    return AffineMap::get(operands.size(), 0, exprs, builder.getContext());
  }

  OpBuilder &builder;
  Location loc;
  SmallVector<AffineExpr> exprs;
  SmallVector<OpFoldResult> operands;
};
} // namespace

TileBounds attn::materializeTileBounds(OpBuilder &builder, Location loc,
                                       const KeyBounds &bounds, Value query,
                                       int64_t rows) {
  // The last query of the tile sees furthest to the right, the first one
  // furthest to the left.
  auto end = [&](int64_t queryOffset) {
    Extremum extremum(builder, loc, query);
    for (KeyBounds::Absolute bound : bounds.upper)
      extremum.addAbsolute(bound, /*offset=*/1);
    if (bounds.relativeUpper)
      extremum.addRelative(*bounds.relativeUpper + queryOffset + 1);
    return extremum.minimum();
  };
  auto begin = [&](int64_t queryOffset) {
    Extremum extremum(builder, loc, query);
    extremum.addConstant(0);
    for (KeyBounds::Absolute bound : bounds.lower)
      extremum.addAbsolute(bound, /*offset=*/0);
    if (bounds.relativeLower)
      extremum.addRelative(*bounds.relativeLower + queryOffset);
    return extremum.maximum();
  };
  return {begin(0), end(rows - 1), begin(rows - 1), end(0)};
}
