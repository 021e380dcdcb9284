//===- RegionEvaluator.h - Masks and modifiers, element by element -*- C++ -*-//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_SM90TONVVM_REGIONEVALUATOR_H
#define ATTN_LIB_CONVERSION_SM90TONVVM_REGIONEVALUATOR_H

#include "Sm90/Sm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

#include <map>
#include <vector>

namespace mlir::attn::sm90_to_nvvm {

/// A value as base + constant; the base of a constant is null. The base may be
/// an index where the value is a wider or narrower integer.
struct Term {
  Value base;
  int64_t constant = 0;
};

/// Evaluates a region for one element after the other. Values are kept as
/// terms, so that a comparison of two positions becomes one of a difference,
/// which all elements share, with a constant. What elements have in common is
/// computed once. Floats of 16 bits are kept as f32.
class RegionEvaluator {
public:
  /// The bases of the positions that are passed later are `query` and `key`.
  RegionEvaluator(OpBuilder &builder, Location loc, Block &region, Value query,
                  Value key);

  /// What the region, which yields one value, yields for its arguments.
  Value evaluate(ArrayRef<Term> arguments) {
    return evaluateAll(arguments).front();
  }
  /// What `values` are among those that the region computes.
  SmallVector<Value> evaluateEach(ArrayRef<Term> arguments, ValueRange values);
  /// All that it yields.
  SmallVector<Value> evaluateAll(ArrayRef<Term> arguments);

private:
  using Key = std::vector<int64_t>;

  Term lookup(Value value);
  Value materialize(Term term, Type type);
  Term evaluateOp(Operation &op);
  Term compute(Operation &op, ArrayRef<Term> operands);
  std::optional<Term> addTerms(Operation &op, Term lhs, Term rhs);
  std::optional<Term> castTerm(Operation &op, Term term);
  Term convertToFloat(Operation &op, Term term);
  std::optional<Term> distribute(arith::MulFOp op, Term lhs, Term rhs);
  std::optional<Term> addParts(Operation &op, Term lhs, Term rhs);
  Value comparePositions(arith::CmpIOp op, Term lhs, Term rhs);
  Value compareQuotient(arith::CmpIPredicate predicate, Value quotient,
                        Term other);
  Value compare(arith::CmpIPredicate predicate, Term lhs, Term rhs);
  Value getDifference(Term lhs, Term rhs);
  Term multiplyTerm(Term term, int64_t factor);
  Term read(sm90::ReadOp op, ArrayRef<Term> indices);
  Value readPaired(sm90::ReadOp op, Value address, int64_t offset);
  std::pair<Value, int64_t> locate(sm90::ReadOp op, ArrayRef<Term> indices);
  Value isInside(sm90::ReadOp op, ArrayRef<Term> indices);
  Value rebuild(Operation &op, ArrayRef<Term> operands);

  /// The value under a key, which `create` makes the first time.
  Value share(Key key, function_ref<Value()> create);

  /// Whether the base is a position or a size, or computed from these: far from
  /// overflow, unlike other numbers from memory.
  bool isPosition(Value base);
  bool isIndexPosition(Term term);

  OpBuilder &b;
  Location loc;
  Block &region;
  DenseMap<Value, Term> terms;
  std::map<Key, Term> evaluated;
  std::map<Key, Value> shared;
  DenseMap<Value, bool> positions;
  /// factor * constant + shared
  struct Parts {
    Value factor, constant, shared;
  };
  /// Of a converted position, with no factor, and of its products: what only
  /// the constant tells from element to element.
  DenseMap<Value, Parts> parts;
};

} // namespace mlir::attn::sm90_to_nvvm

#endif // ATTN_LIB_CONVERSION_SM90TONVVM_REGIONEVALUATOR_H
