//===- HoistReads.cpp - What all scores of a block read is read once ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "Intervals.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_HOISTREADSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

namespace {
/// A read of a modifier that may be the same for all scores of a block, with
/// an index for it then.
struct SharedRead {
  ReadOp read;
  SmallVector<Value> indices;
};
} // namespace

/// Finds the reads that may be shared, and adds to `tests` what has to be true
/// for them to be.
static SmallVector<SharedRead> findShared(ScoreOp score, OpBuilder &b,
                                          SmallVectorImpl<Value> &tests) {
  Intervals intervals(score);
  SmallVector<SharedRead> found;
  for (ReadOp read : score.getModifier().front().getOps<ReadOp>()) {
    SharedRead shared{read, {}};
    SmallVector<Value> own;
    for (Value index : read.getIndices()) {
      std::optional<Interval> interval = intervals.find(index);
      if (!interval || !(interval->isPoint() || interval->mayMeet))
        break;
      shared.indices.push_back(interval->low);
      if (!interval->isPoint())
        own.push_back(arith::CmpIOp::create(b, read.getLoc(),
                                            arith::CmpIPredicate::eq,
                                            interval->low, interval->high));
    }
    // What no position takes part in is read once as it is.
    if (shared.indices.size() != read.getIndices().size() || own.empty())
      continue;
    llvm::append_range(tests, own);
    found.push_back(std::move(shared));
  }
  return found;
}

static void hoist(ScoreOp score) {
  OpBuilder b(score);
  SmallVector<Value> tests;
  SmallVector<SharedRead> reads = findShared(score, b, tests);
  if (reads.empty())
    return;
  branchWhere(score, allOf(b, score.getLoc(), tests), b, [&] {
    IRMapping replaced;
    for (SharedRead shared : reads) {
      auto read = cast<ReadOp>(b.clone(*shared.read));
      read.getIndicesMutable().assign(shared.indices);
      replaced.map(shared.read.getElement(), read.getElement());
    }
    return cloneWith(score, replaced, b).getResult();
  });
}

namespace {
struct HoistReads : sm90::impl::HoistReadsPassBase<HoistReads> {
  void runOnOperation() override {
    SmallVector<ScoreOp> scores;
    getOperation().walk([&](ScoreOp score) { scores.push_back(score); });
    for (ScoreOp score : scores)
      hoist(score);
  }
};
} // namespace
