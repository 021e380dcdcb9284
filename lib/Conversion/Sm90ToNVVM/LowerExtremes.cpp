//===- LowerExtremes.cpp - Searches that all consumers share --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"
#include "RegionEvaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

namespace {

struct LowerFindExtremes : OpConversionPattern<sm90::FindExtremesOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::FindExtremesOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;
};

/// The search of one thread, and the exchange with the others.
class Search {
public:
  Search(sm90::FindExtremesOp op, OpBuilder &builder)
      : op(op), b(builder), loc(op.getLoc()), i32(builder, loc) {
    auto schedule = op->getParentOfType<LLVM::LLVMFuncOp>()
                        ->getAttrOfType<sm90::ScheduleAttr>("sm90.schedule");
    warpgroups = schedule.getConsumerWarpgroups();
  }

  /// What this thread finds among every n-th position, of n threads.
  SmallVector<Value> findOwn(Value begin, Value end);
  /// What all have found.
  SmallVector<Value> exchange(ArrayRef<Value> own);

private:
  SmallVector<Value> combine(RegionEvaluator &evaluator, Term position,
                             Value end, ValueRange found);
  Value choose(unsigned result, Value x, Value y) {
    if (isLeast(result))
      return arith::MinSIOp::create(b, loc, x, y);
    return arith::MaxSIOp::create(b, loc, x, y);
  }
  Value reduce(unsigned result, Value value) {
    return NVVM::ReduxOp::create(b, loc, b.getI32Type(), value,
                                 isLeast(result) ? NVVM::ReduxKind::MIN
                                                 : NVVM::ReduxKind::MAX,
                                 i32.constant(-1));
  }
  /// What is found where there is nothing.
  Value getNeutral(unsigned result) {
    return i32.constant(isLeast(result) ? std::numeric_limits<int32_t>::max()
                                        : std::numeric_limits<int32_t>::min());
  }
  static bool isLeast(unsigned result) { return result % 2 == 0; }
  Value toIndex(Value value) {
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
  }

  sm90::FindExtremesOp op;
  OpBuilder &b;
  Location loc;
  Int32 i32;
  int64_t warpgroups;
};

} // namespace

/// Adds what belongs to a position to what has been found.
SmallVector<Value> Search::combine(RegionEvaluator &evaluator, Term position,
                                   Value end, ValueRange found) {
  Value offset =
      arith::ConstantIndexOp::create(b, loc, position.constant).getResult();
  Value index = arith::AddIOp::create(b, loc, position.base, offset);
  Value isInside =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, end);
  SmallVector<Value> pairs = evaluator.evaluateAll({position});
  SmallVector<Value> results;
  for (auto [i, old] : llvm::enumerate(found)) {
    Value number = pairs[i / 2 * 2], keeps = pairs[i / 2 * 2 + 1];
    keeps = arith::AndIOp::create(b, loc, keeps, isInside);
    Value own = arith::SelectOp::create(b, loc, keeps, number, getNeutral(i));
    results.push_back(choose(i, old, own));
  }
  return results;
}

SmallVector<Value> Search::findOwn(Value begin, Value end) {
  // Loads of several positions are under way at a time.
  constexpr int64_t kUnrolled = 8;
  int64_t threads = warpgroups * sm90::kWarpgroupThreads;
  Value first =
      arith::AddIOp::create(b, loc, begin, toIndex(i32.threadOfConsumers()));
  Value step =
      arith::ConstantIndexOp::create(b, loc, threads * kUnrolled).getResult();
  SmallVector<Value> neutral;
  for (unsigned i = 0; i < op.getNumResults(); ++i)
    neutral.push_back(getNeutral(i));
  auto loop = scf::ForOp::create(b, loc, first, end, step, neutral);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  Value base = loop.getInductionVar();
  RegionEvaluator evaluator(b, loc, op.getBody().front(), base, base);
  SmallVector<Value> found(loop.getRegionIterArgs());
  for (int64_t i = 0; i < kUnrolled; ++i)
    found = combine(evaluator, {base, i * threads}, end, found);
  scf::YieldOp::create(b, loc, found);
  return llvm::to_vector_of<Value>(loop.getResults());
}

SmallVector<Value> Search::exchange(ArrayRef<Value> own) {
  Value base = sharedAddress(b, loc, *op.getOffset());
  int64_t warps = 4 * warpgroups;
  auto addressOf = [&](unsigned result, Value warp) {
    return i32.add(base,
                   i32.mul(i32.add(warp, result * warps), sm90::kExtremeBytes));
  };
  SmallVector<Value> ofWarp;
  for (auto [i, value] : llvm::enumerate(own))
    ofWarp.push_back(reduce(i, value));
  auto branch = scf::IfOp::create(b, loc, i32.isZero(i32.lane()),
                                  /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value warp = i32.shiftRight(i32.threadOfConsumers(), 5);
    for (auto [i, value] : llvm::enumerate(ofWarp))
      ptx::storeShared(b, loc, addressOf(i, warp), value);
  }
  // Barrier 0 is the whole block's, and each warpgroup has one.
  Value barrier = i32.constant(warpgroups + 1);
  int64_t threads = warpgroups * sm90::kWarpgroupThreads;
  ptx::barrierSync(b, loc, barrier, threads);
  // Several lanes may read what one warp has found.
  Value warp = i32.rem(i32.lane(), warps);
  SmallVector<Value> results;
  for (unsigned i = 0; i < own.size(); ++i)
    results.push_back(reduce(i, ptx::loadShared(b, loc, addressOf(i, warp))));
  // The next search writes there.
  ptx::barrierSync(b, loc, barrier, threads);
  return results;
}

LogicalResult
LowerFindExtremes::matchAndRewrite(sm90::FindExtremesOp op, OpAdaptor adaptor,
                                   ConversionPatternRewriter &rewriter) const {
  Search search(op, rewriter);
  rewriter.replaceOp(op, search.exchange(search.findOwn(adaptor.getBegin(),
                                                        adaptor.getEnd())));
  return success();
}

void sm90_to_nvvm::populateExtremesPatterns(const TypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<LowerFindExtremes>(converter, patterns.getContext());
}
