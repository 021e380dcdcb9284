//===- MergeBounds.cpp - One comparison for bounds on one side ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Tile/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::tile {
#define GEN_PASS_DEF_MERGEBOUNDSPASS
#include "attn/Transforms/Tile/Passes.h.inc"
} // namespace mlir::tile

using namespace mlir;
using namespace mlir::tile;
using arith::CmpIPredicate;

namespace {
/// A condition `key < limit`, or `key >= limit`, where the limit may still have
/// to be incremented.
struct Bound {
  Value limit;
  bool isUpper, isNext;
};

/// Merges the comparisons in the region of a mask.
class BoundMerger {
public:
  explicit BoundMerger(Block &mask)
      : mask(mask), key(mask.getArguments().back()) {}

  void run();

private:
  std::optional<Bound> matchBound(Value condition) const;
  template <typename Op>
  void collectLeaves(Value condition, SmallVectorImpl<Value> &leaves) const;
  template <typename Op> void merge(Op root) const;

  Block &mask;
  Value key;
  /// What depends on the key.
  DenseSet<Value> varying;
};
} // namespace

/// The predicate for exchanged operands; those for equality are their own.
static CmpIPredicate exchange(CmpIPredicate predicate) {
  switch (predicate) {
  case CmpIPredicate::slt:
    return CmpIPredicate::sgt;
  case CmpIPredicate::sle:
    return CmpIPredicate::sge;
  case CmpIPredicate::sgt:
    return CmpIPredicate::slt;
  case CmpIPredicate::sge:
    return CmpIPredicate::sle;
  default:
    return predicate;
  }
}

std::optional<Bound> BoundMerger::matchBound(Value condition) const {
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  if (!compare || !compare->hasOneUse())
    return std::nullopt;
  CmpIPredicate predicate = compare.getPredicate();
  Value limit = compare.getRhs();
  if (limit == key) {
    predicate = exchange(predicate);
    limit = compare.getLhs();
  } else if (compare.getLhs() != key) {
    return std::nullopt;
  }
  if (varying.contains(limit))
    return std::nullopt;
  switch (predicate) {
  case CmpIPredicate::slt:
    return Bound{limit, /*isUpper=*/true, /*isNext=*/false};
  case CmpIPredicate::sle:
    return Bound{limit, /*isUpper=*/true, /*isNext=*/true};
  case CmpIPredicate::sge:
    return Bound{limit, /*isUpper=*/false, /*isNext=*/false};
  case CmpIPredicate::sgt:
    return Bound{limit, /*isUpper=*/false, /*isNext=*/true};
  default:
    return std::nullopt;
  }
}

/// The conditions that a tree of `Op` joins.
template <typename Op>
void BoundMerger::collectLeaves(Value condition,
                                SmallVectorImpl<Value> &leaves) const {
  auto op = condition.getDefiningOp<Op>();
  if (!op || !op->hasOneUse())
    return leaves.push_back(condition);
  collectLeaves<Op>(op.getLhs(), leaves);
  collectLeaves<Op>(op.getRhs(), leaves);
}

/// Joins the bounds below `root` on either side, where there are several.
template <typename Op> void BoundMerger::merge(Op root) const {
  constexpr bool isAnd = std::is_same_v<Op, arith::AndIOp>;
  SmallVector<Value> leaves, others;
  collectLeaves<Op>(root.getLhs(), leaves);
  collectLeaves<Op>(root.getRhs(), leaves);
  SmallVector<Bound> uppers, lowers;
  for (Value leaf : leaves) {
    if (std::optional<Bound> bound = matchBound(leaf))
      (bound->isUpper ? uppers : lowers).push_back(*bound);
    else
      others.push_back(leaf);
  }
  if (uppers.size() < 2 && lowers.size() < 2)
    return;
  OpBuilder builder(root);
  Location loc = root.getLoc();
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  for (ArrayRef<Bound> bounds : {ArrayRef(uppers), ArrayRef(lowers)}) {
    Value joint;
    for (const Bound &bound : bounds) {
      Value limit = bound.isNext
                        ? arith::AddIOp::create(builder, loc, bound.limit, one)
                        : bound.limit;
      if (!joint)
        joint = limit;
      else if (bound.isUpper == isAnd)
        joint = arith::MinSIOp::create(builder, loc, joint, limit);
      else
        joint = arith::MaxSIOp::create(builder, loc, joint, limit);
    }
    if (joint)
      others.push_back(arith::CmpIOp::create(
          builder, loc,
          bounds.front().isUpper ? CmpIPredicate::slt : CmpIPredicate::sge, key,
          joint));
  }
  Value result = others.front();
  for (Value other : ArrayRef(others).drop_front())
    result = Op::create(builder, loc, result, other);
  root.replaceAllUsesWith(result);
}

void BoundMerger::run() {
  varying.insert(key);
  for (Operation &op : mask)
    if (llvm::any_of(op.getOperands(),
                     [&](Value operand) { return varying.contains(operand); }))
      varying.insert(op.result_begin(), op.result_end());
  // From the end, so that a tree is met at its root; the parts are left for
  // canonicalization.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(mask))) {
    if (auto both = dyn_cast<arith::AndIOp>(op))
      merge(both);
    else if (auto either = dyn_cast<arith::OrIOp>(op))
      merge(either);
  }
}

namespace {
struct MergeBounds : tile::impl::MergeBoundsPassBase<MergeBounds> {
  void runOnOperation() override {
    getOperation().walk(
        [](MaskOp mask) { BoundMerger(mask.getPredicate().front()).run(); });
  }
};
} // namespace
