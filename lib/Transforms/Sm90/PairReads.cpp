//===- PairReads.cpp - Numbers of 16 bits are read two at a time ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "Intervals.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_PAIRREADSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

/// Whether `value` is even.
static Value isEven(OpBuilder &b, Location loc, Value value) {
  auto constant = [&](int64_t number) {
    return arith::ConstantOp::create(b, loc,
                                     b.getIntegerAttr(value.getType(), number));
  };
  Value bit = arith::AndIOp::create(b, loc, value, constant(1));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, bit,
                               constant(0));
}

/// Whether the elements that `read` asks for in the block lie inside of its
/// tensor and start words at even keys, or nothing where that is not known.
static LogicalResult findTests(ScoreOp score, ReadOp read, Intervals &intervals,
                               OpBuilder &b, SmallVectorImpl<Value> &tests) {
  Location loc = read.getLoc();
  Block &modifier = score.getModifier().front();
  if (!isa<BFloat16Type, Float16Type>(read.getElement().getType()) ||
      read.getIndices().empty() ||
      read.getIndices().back() != modifier.getArgument(2))
    return failure();
  using arith::CmpIPredicate;
  auto zero = arith::ConstantIndexOp::create(b, loc, 0);
  for (auto [index, size] :
       llvm::zip_equal(read.getIndices(), read.getSizes())) {
    std::optional<Interval> interval = intervals.find(index);
    if (!interval)
      return failure();
    tests.push_back(
        arith::CmpIOp::create(b, loc, CmpIPredicate::sge, interval->low, zero));
    tests.push_back(arith::CmpIOp::create(b, loc, CmpIPredicate::slt,
                                          interval->high, size));
  }
  tests.push_back(isEven(b, loc, score.getKey()));
  for (Value stride : read.getStrides())
    tests.push_back(isEven(b, loc, stride));
  // Elements are aligned to their size.
  Value address =
      LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), read.getPointer());
  Value one = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(1));
  tests.push_back(isEven(b, loc, arith::ShRUIOp::create(b, loc, address, one)));
  return success();
}

namespace {
/// A bias that is read for each score and added to it.
struct AddedBias {
  ReadOp read;
  /// The read as a float of 32 bits, and what it is added to.
  arith::ExtFOp wide;
  Value rest;
  /// The wait for the scores, in front of which it may be read.
  WgmmaWaitOp wait;
};
} // namespace

static bool isKnownAt(Value value, Operation *place) {
  Operation *source = value.getDefiningOp();
  return !source || source->getBlock() != place->getBlock() ||
         source->isBeforeInBlock(place);
}

/// The only thing that the modifier does last is to add what `read` reads.
static std::optional<AddedBias> findAdded(ScoreOp score, ReadOp read) {
  auto wait = score.getScores().getDefiningOp<WgmmaWaitOp>();
  Block &modifier = score.getModifier().front();
  auto sum =
      modifier.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!wait || wait->getBlock() != score->getBlock() || !sum)
    return std::nullopt;
  Value lhs = sum.getLhs(), rhs = sum.getRhs();
  if (auto left = lhs.getDefiningOp<arith::ExtFOp>();
      left && left.getIn() == read.getElement())
    std::swap(lhs, rhs);
  auto wide = rhs.getDefiningOp<arith::ExtFOp>();
  bool isKnown =
      isKnownAt(score.getQuery(), wait) && isKnownAt(score.getKey(), wait);
  for (Operation &op : modifier)
    isKnown &= llvm::all_of(op.getOperands(), [&](Value value) {
      return value.getParentBlock() == &modifier || isKnownAt(value, wait);
    });
  if (!isKnown || !wide || wide.getIn() != read.getElement() ||
      !wide->hasOneUse() || !read->hasOneUse())
    return std::nullopt;
  return AddedBias{read, wide, lhs, wait};
}

/// Reads the bias in front of the wait for the scores, and adds it behind.
static void readEarly(ScoreOp score, AddedBias bias, Value inside,
                      OpBuilder &b) {
  Location loc = score.getLoc();
  Block &modifier = score.getModifier().front();
  ArrayRef<int64_t> shape = score.getType().getShape();
  Type element = bias.read.getElement().getType();
  auto words =
      ReadWordsOp::create(b, loc, RankedTensorType::get(shape, element),
                          score.getQuery(), score.getKey(), inside);
  {
    OpBuilder::InsertionGuard guard(b);
    auto positions = modifier.getArguments().take_back(2);
    Block *body = b.createBlock(&words.getBody(), {},
                                ValueRange(positions).getTypes(), {loc, loc});
    IRMapping mapping;
    mapping.map(positions, body->getArguments());
    for (Operation &op : modifier.without_terminator())
      if (llvm::all_of(op.getOperands(), [&](Value value) {
            return value.getParentBlock() != &modifier ||
                   mapping.contains(value);
          }))
        b.clone(op, mapping);
    auto read = mapping.lookup(bias.read.getElement()).getDefiningOp<ReadOp>();
    read.setPaired(true);
    YieldOp::create(b, loc, read.getElement());
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*body)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
  branchWhere(score, inside, b, [&]() -> Value {
    // What is yielded is all that uses the sum.
    Operation *yield = modifier.getTerminator();
    Value sum = yield->getOperand(0);
    yield->setOperand(0, bias.rest);
    ScoreOp rest = cloneWith(score, {}, b);
    yield->setOperand(0, sum);
    Value added =
        arith::ExtFOp::create(b, loc, score.getType(), words.getElements());
    return arith::AddFOp::create(
        b, loc, rest, added,
        arith::FastMathFlagsAttr::get(b.getContext(),
                                      arith::FastMathFlags::contract));
  });
}

static void pairReads(ScoreOp score) {
  auto reads = llvm::to_vector(score.getModifier().front().getOps<ReadOp>());
  // Others would be read as they are, side by side.
  if (reads.size() != 1)
    return;
  ReadOp read = reads.front();
  std::optional<AddedBias> added = findAdded(score, read);
  Operation *place = added ? added->wait.getOperation() : score.getOperation();
  OpBuilder b(place);
  Intervals intervals(score, place);
  SmallVector<Value> tests;
  if (failed(findTests(score, read, intervals, b, tests)))
    return;
  Value inside = allOf(b, score.getLoc(), tests);
  if (added)
    return readEarly(score, *added, inside, b);
  branchWhere(score, inside, b, [&] {
    ScoreOp paired = cloneWith(score, {}, b);
    (*paired.getModifier().front().getOps<ReadOp>().begin()).setPaired(true);
    return paired.getResult();
  });
}

namespace {
struct PairReads : sm90::impl::PairReadsPassBase<PairReads> {
  void runOnOperation() override {
    SmallVector<ScoreOp> scores;
    getOperation().walk([&](ScoreOp score) { scores.push_back(score); });
    for (ScoreOp score : scores)
      pairReads(score);
  }
};
} // namespace
