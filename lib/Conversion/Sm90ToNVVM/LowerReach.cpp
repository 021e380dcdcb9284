//===- LowerReach.cpp - How far back numbers have to be added up ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"
#include "ReadElement.h"
#include "RegionEvaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

static constexpr int64_t kWarpThreads = 32;

namespace {

struct LowerFindReach : OpConversionPattern<sm90::FindReachOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::FindReachOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;
};

/// The walk of all threads from the end, at a time a position each, or a block
/// of positions of a channel each.
class Walk {
public:
  Walk(sm90::FindReachOp op, OpBuilder &builder)
      : op(op), b(builder), loc(op.getLoc()), i32(builder, loc),
        warpgroups(getSchedule(op).getConsumerWarpgroups()),
        threads(warpgroups * sm90::kWarpgroupThreads) {}

  Value build(Value stop, Value end);

private:
  int64_t channels() {
    return static_cast<int64_t>(op.getChannels().value_or(1));
  }
  SmallVector<Value> stepBlocks(ValueRange values, Value stop);
  SmallVector<Value> stepChannels(ValueRange values);
  Value evaluate(Value at);
  SmallVector<Value> evaluateChannel(Value at);
  Value findGreatest(Value number);
  SmallVector<Value> exchange(Value number);
  SmallVector<Value> shareOfWarps(Value number);

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  /// Whether the sum may be small enough further in front.
  Value isOpen(Value at, Value stop, Value sum) {
    Value above =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UGT, sum, limit());
    Value behind =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, at, stop);
    return arith::AndIOp::create(b, loc, above, behind);
  }
  Value limit() {
    return arith::ConstantOp::create(
        b, loc, b.getF32FloatAttr(op.getLimit().convertToFloat()));
  }

  sm90::FindReachOp op;
  OpBuilder &b;
  Location loc;
  Int32 i32;
  int64_t warpgroups, threads;
};

} // namespace

/// The number of this thread, of those in front of `at`.
Value Walk::evaluate(Value at) {
  Value thread = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                            i32.threadOfConsumers());
  Value first = arith::SubIOp::create(b, loc, at, index(threads));
  Value position = arith::AddIOp::create(b, loc, first, thread);
  RegionEvaluator evaluator(b, loc, op.getBody().front(), position, position);
  return evaluator.evaluate({{position}});
}

/// Of the channel of this thread the numbers of the block in front of `at`.
/// Threads may have the same channel.
SmallVector<Value> Walk::evaluateChannel(Value at) {
  Value thread = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                            i32.threadOfConsumers());
  Value channel =
      arith::RemUIOp::create(b, loc, thread, index(channels())).getResult();
  auto block = static_cast<int64_t>(op.getBlock());
  Value first = arith::SubIOp::create(b, loc, at, index(block));
  RegionEvaluator evaluator(b, loc, op.getBody().front(), first, channel);
  SmallVector<Value> numbers;
  for (int64_t i = 0; i < block; ++i)
    numbers.push_back(evaluator.evaluate({{first, i}, {channel}}));
  return numbers;
}

/// `number` of each warp, whose lanes have the same, for all threads.
SmallVector<Value> Walk::shareOfWarps(Value number) {
  Value base = sharedAddress(b, loc, *op.getOffset());
  auto branch = scf::IfOp::create(b, loc, i32.isZero(i32.lane()),
                                  /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value warp = i32.shiftRight(i32.threadOfConsumers(), 5);
    ptx::storeSharedFloats(b, loc,
                           i32.add(base, i32.mul(warp, sm90::kSumBytes)),
                           /*offset=*/0, number);
  }
  // As of sm90.find_extremes.
  Value barrier = i32.constant(warpgroups + 1);
  ptx::barrierSync(b, loc, barrier, threads);
  constexpr int64_t kWarps = 4;
  SmallVector<Value> ofWarps;
  for (int64_t group = 0; group < warpgroups; ++group)
    llvm::append_range(
        ofWarps, ptx::loadSharedFloats(
                     b, loc, base, group * kWarps * sm90::kSumBytes, kWarps));
  ptx::barrierSync(b, loc, barrier, threads);
  return ofWarps;
}

/// `number` and those of the other lanes of the warp as one, for all of them.
static Value
combineLanes(OpBuilder &b, Location loc, Value number,
             function_ref<Value(Value number, Value other)> combine) {
  Int32 i32(b, loc);
  for (int64_t distance = 1; distance < kWarpThreads; distance *= 2) {
    Value other = NVVM::ShflOp::create(b, loc, b.getF32Type(), i32.constant(-1),
                                       number, i32.constant(distance),
                                       i32.constant(kWarpThreads - 1),
                                       NVVM::ShflKind::bfly, UnitAttr());
    number = combine(number, other);
  }
  return number;
}

/// Of all threads. One that is not a number is the greatest.
Value Walk::findGreatest(Value number) {
  auto larger = [&](Value x, Value y) -> Value {
    return arith::MaximumFOp::create(b, loc, x, y);
  };
  SmallVector<Value> ofWarps =
      shareOfWarps(combineLanes(b, loc, number, larger));
  Value greatest = ofWarps.front();
  for (Value own : ArrayRef<Value>(ofWarps).drop_front())
    greatest = larger(greatest, own);
  return greatest;
}

/// The sums of the blocks, from the last to the first.
SmallVector<Value> Walk::exchange(Value number) {
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(b, loc, x, y);
  };
  SmallVector<Value> ofWarps = shareOfWarps(combineLanes(b, loc, number, add));
  SmallVector<Value> sums;
  auto warps = static_cast<size_t>(op.getBlock()) / kWarpThreads;
  for (ArrayRef<Value> rest = ofWarps; !rest.empty();
       rest = rest.drop_back(warps)) {
    Value sum;
    for (Value own : rest.take_back(warps))
      sum = sum ? add(sum, own) : own;
    sums.push_back(sum);
  }
  return sums;
}

/// From where the walk is and the sum up to there on: behind as many blocks as
/// all threads have positions of.
SmallVector<Value> Walk::stepBlocks(ValueRange values, Value stop) {
  Value at = values[0], sum = values[1];
  auto block = static_cast<int64_t>(op.getBlock());
  for (Value own : exchange(evaluate(at))) {
    Value open = isOpen(at, stop, sum);
    Value added = arith::AddFOp::create(b, loc, sum, own);
    Value further = arith::SubIOp::create(b, loc, at, index(block));
    sum = arith::SelectOp::create(b, loc, open, added, sum);
    at = arith::SelectOp::create(b, loc, open, further, at);
  }
  return {at, sum};
}

/// From where the walk is, the greatest of the sums, that of the channel of the
/// thread, and its numbers of the block in front on: behind that block. Those
/// of the next one are under way meanwhile.
SmallVector<Value> Walk::stepChannels(ValueRange values) {
  Value further = arith::SubIOp::create(
      b, loc, values[0], index(static_cast<int64_t>(op.getBlock())));
  SmallVector<Value> next = evaluateChannel(further);
  Value sum = values[2];
  for (Value number : values.drop_front(3))
    sum = arith::AddFOp::create(b, loc, sum, number);
  SmallVector<Value> results{further, findGreatest(sum), sum};
  llvm::append_range(results, next);
  return results;
}

Value Walk::build(Value stop, Value end) {
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  SmallVector<Value> inits{end, zero};
  if (op.getChannels()) {
    inits.push_back(zero);
    llvm::append_range(inits, evaluateChannel(end));
  }
  auto types = llvm::to_vector(TypeRange(inits));
  SmallVector<Location> locations(types.size(), loc);
  auto loop = scf::WhileOp::create(b, loc, types, inits);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, locations);
  scf::ConditionOp::create(
      b, loc, isOpen(before->getArgument(0), stop, before->getArgument(1)),
      before->getArguments());
  Block *after = b.createBlock(&loop.getAfter(), {}, types, locations);
  ValueRange values = after->getArguments();
  scf::YieldOp::create(b, loc,
                       op.getChannels() ? stepChannels(values)
                                        : stepBlocks(values, stop));
  b.setInsertionPointAfter(loop);
  Value isSmall = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE,
                                        loop.getResult(1), limit());
  return arith::SelectOp::create(b, loc, isSmall, loop.getResult(0), stop);
}

LogicalResult
LowerFindReach::matchAndRewrite(sm90::FindReachOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const {
  rewriter.replaceOp(
      op, Walk(op, rewriter).build(adaptor.getStop(), adaptor.getEnd()));
  return success();
}

/// The sum of the squares of the `length` elements of 16 bits from `address`
/// on, which nobody writes and which begin at a multiple of 16 bytes. In two
/// chains, of either half of the words.
static Value sumSquares(OpBuilder &b, Location loc, Value address, Type element,
                        int64_t length) {
  constexpr int64_t kElementBytes = 2, kWords = sm90::kReadBytes / 4;
  Value sums[2];
  for (int64_t offset = 0; offset < length * kElementBytes;
       offset += sm90::kReadBytes)
    for (Value word :
         ptx::loadGlobalWords(b, loc, address, offset, kWords,
                              /*isFloat=*/false, /*constant=*/true))
      for (auto [sum, x] :
           llvm::zip_equal(sums, extendPair(b, loc, element, word)))
        sum = addSquare(b, loc, sum, x);
  return arith::AddFOp::create(b, loc, sums[0], sums[1]);
}

namespace {

/// Each thread reads a row of its own.
struct LowerSquaredNorm : OpConversionPattern<sm90::SquaredNormOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::SquaredNormOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value inside =
        arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true));
    for (auto [index, size] :
         llvm::zip_equal(adaptor.getIndices(), adaptor.getSizes())) {
      Value own = arith::CmpIOp::create(rewriter, loc,
                                        arith::CmpIPredicate::ult, index, size);
      inside = arith::AndIOp::create(rewriter, loc, inside, own);
    }
    auto branch = scf::IfOp::create(rewriter, loc, rewriter.getF32Type(),
                                    inside, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      scf::YieldOp::create(rewriter, loc, sumUp(op, adaptor, rewriter));
      rewriter.setInsertionPointToStart(branch.elseBlock());
      Value zero =
          arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0));
      scf::YieldOp::create(rewriter, loc, zero);
    }
    rewriter.replaceOp(op, branch.getResult(0));
    return success();
  }

private:
  static Value sumUp(sm90::SquaredNormOp op, OpAdaptor adaptor,
                     OpBuilder &builder) {
    Location loc = op.getLoc();
    SmallVector<Value> indices(adaptor.getIndices());
    indices.push_back(arith::ConstantIndexOp::create(builder, loc, 0));
    Value address =
        getElementAddress(builder, loc, adaptor.getPointer(), op.getElement(),
                          indices, adaptor.getStrides());
    return sumSquares(builder, loc, address, op.getElement(),
                      static_cast<int64_t>(op.getLength()));
  }
};

} // namespace

void sm90_to_nvvm::populateReachPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerFindReach, LowerSquaredNorm>(converter,
                                                 patterns.getContext());
}
