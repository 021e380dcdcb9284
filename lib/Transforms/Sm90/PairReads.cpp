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

static void pairReads(ScoreOp score) {
  OpBuilder b(score);
  Intervals intervals(score);
  SmallVector<Value> tests;
  SmallVector<ReadOp> reads;
  for (ReadOp read : score.getModifier().front().getOps<ReadOp>()) {
    SmallVector<Value> own;
    if (failed(findTests(score, read, intervals, b, own)))
      continue;
    llvm::append_range(tests, own);
    reads.push_back(read);
  }
  if (reads.empty())
    return;
  branchWhere(score, allOf(b, score.getLoc(), tests), b, [&] {
    for (ReadOp read : reads)
      read.setPaired(true);
    ScoreOp paired = cloneWith(score, {}, b);
    for (ReadOp read : reads)
      read.setPaired(false);
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
