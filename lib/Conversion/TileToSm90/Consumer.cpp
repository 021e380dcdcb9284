//===- Consumer.cpp - The role that computes
//-------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToSm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

namespace {

/// A product that has been started and not yet waited for.
struct Pending {
  Value source;
  Value inFlight;
  Value emptyBarrier, count;
};

/// A stage that several products read, and how to give it back.
struct HeldStage {
  Value stage, emptyBarrier, count;
};

/// What a step of the softmax starts from, once it has seen the scores.
struct Statistics {
  /// The new maximum, and what is subtracted from the scores for it.
  Value max, reference;
  Value correction;
  /// The sum without the new weights, and what it is still to be multiplied by
  /// if anything.
  Value sum, sumFactor;
};

/// Computes what one consumer warpgroup does: 64 rows of every tile.
class Consumer {
public:
  Consumer(Kernel &kernel, Block *role)
      : kernel(kernel), builder(OpBuilder::atBlockBegin(role)),
        mapping(kernel.scalars), loc(kernel.source.getLoc()) {}

  LogicalResult run();

private:
  LogicalResult consume(Block &block);
  LogicalResult consumeOp(Operation *op);
  LogicalResult consumeLoad(tile::LoadOp load);
  LogicalResult consumeDot(tile::DotOp dot);
  void consumeMask(tile::MaskOp op);
  void consumeScore(tile::ScoreOp op);
  void consumeRegion(Operation *op, Operation *copy);
  LogicalResult consumeSoftmax(tile::OnlineSoftmaxOp op);
  Statistics updateMax(tile::OnlineSoftmaxOp op);
  Statistics updateMaxLazily(tile::OnlineSoftmaxOp op);
  Statistics findMax(tile::OnlineSoftmaxOp op, Value max, Value sum);
  void noteFailure(tile::FinishSoftmaxOp op, Value sum, Value result);
  LogicalResult consumeRescale(tile::RescaleOp op);
  LogicalResult consumeFinish(tile::FinishSoftmaxOp op);
  Value addSink(Value sink, Value max, Value scale, Value sum);
  LogicalResult consumeStore(tile::StoreOp store);
  LogicalResult storeMatrix(tile::StoreOp store, ArrayRef<Value> indices);
  FailureOr<Value> findQueryBuffer(tile::StoreOp store);
  void storeRows(tile::StoreOp store, SmallVector<Value> indices);
  LogicalResult consumeLoop(scf::ForOp loop);
  LogicalResult consumeIf(scf::IfOp op);
  LogicalResult consumeElementwise(Operation *op);

  /// The converted value; waits for it if it is under way.
  Value use(Value source);
  SmallVector<Value> useAll(ValueRange sources) {
    return llvm::map_to_vector(sources, [&](Value v) { return use(v); });
  }
  void waitForOldest();
  void releaseHeld(size_t keep);
  void waitForAll() {
    while (!pending.empty())
      waitForOldest();
  }

  FailureOr<Type> convert(Operation *op, Type type);
  LogicalResult checkRows(Operation *op, VectorType type);

  Value constant(Type type, double value);
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(builder, loc, a, b);
  }
  Value sub(Value a, Value b) {
    return arith::SubFOp::create(builder, loc, a, b);
  }
  Value select(arith::CmpFPredicate predicate, Value a, Value b, Value ifTrue,
               Value ifFalse);
  Value getReference(tile::OnlineSoftmaxOp op, Value max);
  Value power(Type type, int64_t exponent) {
    return constant(type, std::ldexp(1.0, static_cast<int>(exponent)));
  }
  Value createCorrection(Value max, Value reference, Value scale);
  Value broadcast(Value rows, Type like) {
    return sm90::BroadcastRowsOp::create(builder, loc, like, rows);
  }
  Value combine(sm90::Combine kind, Value rows) {
    return sm90::CombineQuadOp::create(builder, loc, rows.getType(), kind,
                                       rows);
  }
  Value reduce(sm90::Combine kind, Value matrix, Type rows) {
    return sm90::ReduceColumnsOp::create(builder, loc, rows, kind, matrix);
  }

  Kernel &kernel;
  OpBuilder builder;
  IRMapping mapping;
  Counts counts;
  SmallVector<Pending> pending;
  /// Stages that are kept until their block is complete.
  SmallVector<HeldStage> held;
  /// Of a correction: whether it is 1 because the maximum is kept, by row or
  /// for the whole warp.
  DenseMap<Value, Value> keptMax;
  /// How to give a stage back: its barrier and the count of its use.
  DenseMap<Value, std::pair<Value, Value>> stageCounts;
  /// The first of the rows of a tile that this warpgroup computes.
  Value firstRow;
  /// Where what is created comes from.
  Location loc;
};

} // namespace

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// The rows of a tile are spread over the consumer warpgroups.
LogicalResult Consumer::checkRows(Operation *op, VectorType type) {
  int64_t rows =
      sm90::kWarpgroupRows * kernel.schedule().getConsumerWarpgroups();
  if (type.getDimSize(0) == rows)
    return success();
  return op->emitOpError("expected ")
         << rows << " rows, " << sm90::kWarpgroupRows
         << " for each consumer warpgroup, got " << type;
}

FailureOr<Type> Consumer::convert(Operation *op, Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return type;
  if (failed(checkRows(op, vector)))
    return failure();
  SmallVector<int64_t> shape(vector.getShape());
  shape[0] = sm90::kWarpgroupRows;
  return Type(RankedTensorType::get(shape, vector.getElementType()));
}

Value Consumer::constant(Type type, double value) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(tensor, static_cast<float>(value)));
  return arith::ConstantOp::create(builder, loc,
                                   builder.getFloatAttr(type, value));
}

/// Products complete in the order in which they were started.
void Consumer::waitForOldest() {
  Pending oldest = pending.front();
  pending.erase(pending.begin());
  auto type = cast<sm90::InFlightType>(oldest.inFlight.getType());
  auto wait =
      sm90::WgmmaWaitOp::create(builder, loc, type.getResult(), type.getRhs(),
                                oldest.inFlight, pending.size());
  sm90::ReleaseOp::create(builder, loc, wait.getStage(), oldest.emptyBarrier,
                          oldest.count);
  mapping.map(oldest.source, wait.getResult());
}

/// Gives back all but the first `keep` stages that are held, which nothing may
/// read any more.
void Consumer::releaseHeld(size_t keep) {
  if (held.size() == keep)
    return;
  if (kernel.schedule().getOutputInQueryBuffer())
    sm90::TmaStoreWaitOp::create(builder, loc, /*read=*/true);
  for (const HeldStage &entry : ArrayRef(held).drop_front(keep))
    sm90::ReleaseOp::create(builder, loc, entry.stage, entry.emptyBarrier,
                            entry.count);
  held.truncate(keep);
}

Value Consumer::use(Value source) {
  while (llvm::any_of(pending,
                      [&](const Pending &p) { return p.source == source; }))
    waitForOldest();
  return mapping.lookup(source);
}

//===----------------------------------------------------------------------===//
// Loads and products
//===----------------------------------------------------------------------===//

LogicalResult Consumer::consumeLoad(tile::LoadOp load) {
  auto it = kernel.rings.find(load.getView());
  Ring &ring = it->second;
  Value &count = counts[std::distance(kernel.rings.begin(), it)];
  auto buffer = cast<sm90::BufferType>(ring.buffer.getType());
  auto isOperand = [&](unsigned number) {
    return llvm::all_of(load->getUses(), [&](OpOperand &use) {
      return isa<tile::DotOp>(use.getOwner()) &&
             use.getOperandNumber() == number;
    });
  };
  Value stage = sm90::AwaitFullOp::create(builder, loc, buffer.getStageType(),
                                          ring.buffer, ring.full, count);
  if (isOperand(0)) {
    FailureOr<Type> type = convert(load, load.getTile().getType());
    if (failed(type))
      return failure();
    bool inRegisters = kernel.schedule().getQueryInRegisters();
    bool isHeld = !inRegisters || kernel.schedule().getOutputInQueryBuffer();
    if (isHeld && load->getParentOfType<scf::ForOp>())
      return load.emitOpError("expected queries that keep their buffer to be "
                              "loaded once per instance");
    mapping.map(load.getTile(),
                inRegisters ? sm90::LoadFragmentOp::create(builder, loc, *type,
                                                           stage, firstRow)
                                  .getResult()
                            : stage);
    if (isHeld)
      held.push_back({stage, ring.empty, count});
    else
      sm90::ReleaseOp::create(builder, loc, stage, ring.empty, count);
  } else if (isOperand(1) && load->hasOneUse()) {
    // The product gives the stage back, with this count.
    mapping.map(load.getTile(), stage);
    stageCounts[stage] = {ring.empty, count};
  } else {
    return load.emitOpError("expected a tile that is either the left operand "
                            "of products or the right operand of one");
  }
  count = arith::AddIOp::create(builder, loc, count, index(1));
  return success();
}

LogicalResult Consumer::consumeDot(tile::DotOp dot) {
  auto load = dot.getRhs().getDefiningOp<tile::LoadOp>();
  if (!load || load->getBlock() != dot->getBlock())
    return dot.emitOpError("expected a right operand that is loaded in the "
                           "same block");
  FailureOr<Type> type = convert(dot, dot.getResult().getType());
  if (failed(type))
    return failure();
  Value acc = dot.getAcc();
  // A product without an accumulator saves clearing one.
  bool startsAtZero = acc && matchPattern(acc, m_AnyZeroFloat());
  Value lhs = use(dot.getLhs());
  Value rhs = use(dot.getRhs());
  if (acc)
    acc = startsAtZero ? Value() : use(acc);
  auto inFlight = sm90::InFlightType::get(
      dot.getContext(), cast<RankedTensorType>(*type), lhs.getType(),
      cast<sm90::StageType>(rhs.getType()));
  bool isStage = isa<sm90::StageType>(lhs.getType());
  if (!isStage)
    lhs = sm90::LayoutCastOp::create(builder, loc, lhs.getType(), lhs);
  Value product = sm90::WgmmaAsyncOp::create(builder, loc, inFlight, lhs,
                                             isStage ? firstRow : Value(), rhs,
                                             acc, dot.getTransposeRhs());
  auto [barrier, count] = stageCounts.lookup(rhs);
  pending.push_back({dot.getResult(), product, barrier, count});
  return success();
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// From the first query of this warpgroup on.
void Consumer::consumeMask(tile::MaskOp op) {
  Value scores = use(op.getScores());
  Value query =
      arith::AddIOp::create(builder, loc, use(op.getQuery()), firstRow);
  Value whole = op.getWhole() ? use(op.getWhole()) : Value();
  consumeRegion(op, sm90::MaskOp::create(builder, loc, scores.getType(), scores,
                                         query, use(op.getKey()), whole));
}

void Consumer::consumeScore(tile::ScoreOp op) {
  Value scores = use(op.getScores());
  Value query =
      arith::AddIOp::create(builder, loc, use(op.getQuery()), firstRow);
  consumeRegion(op, sm90::ScoreOp::create(builder, loc, scores.getType(),
                                          scores, query, use(op.getKey())));
}

/// Copies the region of a mask or a modifier.
void Consumer::consumeRegion(Operation *op, Operation *copy) {
  Block &source = op->getRegion(0).front();
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Location> locations(source.getNumArguments(), loc);
  Block *block = builder.createBlock(&copy->getRegion(0), {},
                                     source.getArgumentTypes(), locations);
  mapping.map(source.getArguments(), block->getArguments());
  for (Operation &inner : source.without_terminator())
    cloneScalar(kernel, builder, &inner, mapping);
  sm90::YieldOp::create(builder, loc,
                        mapping.lookup(source.getTerminator()->getOperand(0)));
  mapping.map(op->getResult(0), copy->getResult(0));
}

Value Consumer::select(arith::CmpFPredicate predicate, Value a, Value b,
                       Value ifTrue, Value ifFalse) {
  Value condition = arith::CmpFOp::create(builder, loc, predicate, a, b);
  return arith::SelectOp::create(builder, loc, condition, ifTrue, ifFalse);
}

/// What is subtracted from the scores. A row that has seen only -inf: -inf - 0
/// gives weights of 0, -inf - -inf would give NaN.
Value Consumer::getReference(tile::OnlineSoftmaxOp op, Value max) {
  if (!op.getMayBeEmpty())
    return max;
  Type rows = max.getType();
  Value infinity = constant(rows, -std::numeric_limits<double>::infinity());
  return select(arith::CmpFPredicate::OEQ, max, infinity, constant(rows, 0),
                max);
}

/// 2 ^ (scale * (max - reference)), for a scale in powers of two.
Value Consumer::createCorrection(Value max, Value reference, Value scale) {
  return math::Exp2Op::create(builder, loc, mul(sub(max, reference), scale));
}

/// Looks for the maximum of every block.
Statistics Consumer::updateMax(tile::OnlineSoftmaxOp op) {
  Value scores = use(op.getScores()), max = use(op.getMax());
  Type rows = max.getType();
  Value scale = constant(rows, op.getScale().convertToDouble() * M_LOG2E);
  Value blockMax =
      combine(sm90::Combine::Max, reduce(sm90::Combine::Max, scores, rows));
  Value newMax = arith::MaxNumFOp::create(builder, loc, max, blockMax);
  Value keeps;
  if (op.getThreshold()) {
    // NaN, from two infinities, does not keep the old maximum.
    Value threshold = constant(rows, static_cast<double>(*op.getThreshold()));
    keeps = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE,
                                  mul(sub(newMax, max), scale), threshold);
    newMax = arith::SelectOp::create(builder, loc, keeps, max, newMax);
  }
  Value reference = getReference(op, newMax);
  Value correction = createCorrection(max, reference, scale);
  if (keeps)
    keptMax[op.getCorrection()] = keeps;
  return {newMax, reference, correction, use(op.getSum()), correction};
}

/// Where a sum is above the limit, it stands for scores above the maximum.
Statistics Consumer::findMax(tile::OnlineSoftmaxOp op, Value max, Value sum) {
  Type rows = max.getType();
  double scale = op.getScale().convertToDouble() * M_LOG2E;
  int64_t limit = *op.getSumLimit();
  Value blockMax =
      combine(sm90::Combine::Max,
              reduce(sm90::Combine::Max, use(op.getScores()), rows));
  Value total = combine(sm90::Combine::Sum, sum);
  Value above = math::FmaOp::create(builder, loc,
                                    math::Log2Op::create(builder, loc, total),
                                    constant(rows, 1 / scale), max);
  Value atLeast =
      select(arith::CmpFPredicate::OGT, total, power(rows, limit), above, max);
  Value newMax = arith::MaxNumFOp::create(builder, loc, atLeast, blockMax);
  Value reference = getReference(op, newMax);
  Value correction = createCorrection(max, reference, constant(rows, scale));
  // Once too large, too large for good.
  Value newSum = select(
      arith::CmpFPredicate::OLE, sum, power(rows, 2 * limit + 1),
      mul(sum, sm90::LayoutCastOp::create(builder, loc, rows, correction)),
      constant(rows, std::numeric_limits<double>::infinity()));
  return {newMax, reference, correction, newSum};
}

/// Looks for the maximum of a block only where the sum of a row says that it
/// has none, or a poor one.
Statistics Consumer::updateMaxLazily(tile::OnlineSoftmaxOp op) {
  Value max = use(op.getMax()), sum = use(op.getSum());
  use(op.getScores());
  // The first step of a loop has nothing to keep.
  if (matchPattern(op.getSum(), m_AnyZeroFloat()))
    return findMax(op, max, sum);

  Type rows = max.getType();
  Value isSome = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT,
                                       sum, constant(rows, 0));
  // Nothing is at most -1.
  Value limit =
      constant(builder.getF32Type(), std::ldexp(1.0, *op.getSumLimit()));
  limit = arith::SelectOp::create(builder, loc, kernel.careful,
                                  constant(builder.getF32Type(), -1), limit);
  Value isSmall =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE, sum,
                            sm90::SplatOp::create(builder, loc, rows, limit));
  Value keeps = sm90::VoteAllOp::create(
      builder, loc, builder.getI1Type(),
      arith::AndIOp::create(builder, loc, isSome, isSmall).getResult());
  auto yield = [&](const Statistics &statistics) {
    scf::YieldOp::create(builder, loc,
                         {statistics.max, statistics.reference,
                          statistics.correction, statistics.sum});
  };
  auto branch =
      scf::IfOp::create(builder, loc, TypeRange{rows, rows, rows, rows}, keeps,
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  yield({max, max, constant(rows, 1), sum});
  builder.setInsertionPointToStart(branch.elseBlock());
  yield(findMax(op, max, sum));
  keptMax[op.getCorrection()] = keeps;
  return {branch.getResult(0), branch.getResult(1), branch.getResult(2),
          branch.getResult(3)};
}

/// Works with powers of two: exp(scale * x) = exp2(scale * log2(e) * x).
LogicalResult Consumer::consumeSoftmax(tile::OnlineSoftmaxOp op) {
  if (op.getSumLimit() && !kernel.repeats)
    return op.emitOpError("expected a tile.finish_softmax with a sum_limit");
  Statistics statistics =
      op.getSumLimit() ? updateMaxLazily(op) : updateMax(op);
  Value scores = use(op.getScores());
  Type matrix = scores.getType(), rows = statistics.max.getType();
  double scale = op.getScale().convertToDouble() * M_LOG2E;
  Value offset = arith::NegFOp::create(
      builder, loc, mul(statistics.reference, constant(rows, scale)));
  Value weights = math::Exp2Op::create(
      builder, loc,
      math::FmaOp::create(builder, loc, scores, constant(matrix, scale),
                          broadcast(offset, matrix)));
  // Each thread keeps the sum of its own columns until the end.
  Value factor = statistics.sumFactor;
  if (factor)
    factor = sm90::LayoutCastOp::create(builder, loc, rows, factor);
  Value own = reduce(sm90::Combine::Sum, weights, rows);
  Value newSum =
      factor ? math::FmaOp::create(builder, loc, statistics.sum, factor, own)
                   .getResult()
             : arith::AddFOp::create(builder, loc, statistics.sum, own)
                   .getResult();
  mapping.map(op.getResults(), ValueRange{weights, statistics.max, newSum,
                                          statistics.correction});
  return success();
}

LogicalResult Consumer::consumeRescale(tile::RescaleOp op) {
  Value factor = use(op.getFactor());
  auto scale = [&](Value acc) -> Value {
    return arith::MulFOp::create(builder, loc, acc,
                                 broadcast(factor, acc.getType()));
  };
  if (!op.getMostlyOne()) {
    mapping.map(op.getResult(), scale(use(op.getAcc())));
    return success();
  }
  // The vote comes first: the accumulator may still be under way.
  Value all = keptMax.lookup(op.getFactor());
  if (!all)
    all = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, factor,
                                constant(factor.getType(), 1));
  if (!all.getType().isInteger(1))
    all = sm90::VoteAllOp::create(builder, loc, builder.getI1Type(), all);
  Value acc = use(op.getAcc());
  auto branch = scf::IfOp::create(builder, loc, acc.getType(), all,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(builder, loc, acc);
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, scale(acc));
  mapping.map(op.getResult(), branch.getResult(0));
  return success();
}

/// sum + exp(sink - max), in the powers of two of the softmax. Where the sink
/// is far above, the sum is infinite and its inverse zero.
Value Consumer::addSink(Value sink, Value max, Value scale, Value sum) {
  Value own = sm90::SplatOp::create(builder, loc, max.getType(), sink);
  own = arith::MulFOp::create(builder, loc, own,
                              constant(max.getType(), M_LOG2E));
  own = arith::SubFOp::create(builder, loc, own,
                              arith::MulFOp::create(builder, loc, max, scale));
  own = math::Exp2Op::create(builder, loc, own);
  return arith::AddFOp::create(builder, loc, sum, own);
}

/// Weights that have become too large show in the sums, values that made the
/// accumulator infinite with them in the result. What is computed carefully is
/// what there is.
void Consumer::noteFailure(tile::FinishSoftmaxOp op, Value sum, Value result) {
  Type rows = sum.getType();
  Value zero = constant(rows, 0);
  Value isSmall = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OLE, sum,
      power(rows, 2 * static_cast<int64_t>(*op.getSumLimit()) + 1));
  Value isFinite = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OEQ,
      mul(reduce(sm90::Combine::Sum, result, rows), zero), zero);
  Value isRight = sm90::VoteAllOp::create(
      builder, loc, builder.getI1Type(),
      arith::AndIOp::create(builder, loc, isSmall, isFinite).getResult());
  isRight = arith::OrIOp::create(builder, loc, isRight, kernel.careful);
  kernel.failed = arith::XOrIOp::create(
      builder, loc, isRight,
      arith::ConstantIntOp::create(builder, loc, /*value=*/1, /*width=*/1));
}

LogicalResult Consumer::consumeFinish(tile::FinishSoftmaxOp op) {
  Value acc = use(op.getAcc()), max = use(op.getMax());
  Value sum = combine(sm90::Combine::Sum, use(op.getSum()));
  Type rows = max.getType();
  Value isEmpty = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ,
                                        sum, constant(rows, 0));
  Value scale = constant(rows, op.getScale().convertToDouble() * M_LOG2E);
  Value total = sum;
  if (op.getSink())
    total = addSink(use(op.getSink()), max, scale, sum);
  auto approximate = arith::FastMathFlagsAttr::get(builder.getContext(),
                                                   arith::FastMathFlags::arcp);
  Value inverse = arith::DivFOp::create(builder, loc, constant(rows, 1), total,
                                        approximate);
  inverse = arith::SelectOp::create(builder, loc, isEmpty, constant(rows, 0),
                                    inverse);
  Value result = arith::MulFOp::create(builder, loc, acc,
                                       broadcast(inverse, acc.getType()));
  if (op.getSumLimit())
    noteFailure(op, use(op.getSum()), result);
  // -inf for an empty row: its maximum and the logarithm of its sum are.
  Value log2 = math::Log2Op::create(builder, loc, sum);
  Value lse = math::FmaOp::create(builder, loc, max, scale, log2);
  lse = arith::MulFOp::create(builder, loc, lse, constant(rows, M_LN2));
  mapping.map(op.getResults(), ValueRange{result, lse});
  return success();
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

/// The stage of the queries, which the output takes over. A warpgroup
/// overwrites the rows that it alone has read.
FailureOr<Value> Consumer::findQueryBuffer(tile::StoreOp store) {
  auto tile = cast<VectorType>(store.getTile().getType());
  if (held.size() == 1) {
    auto stage = cast<sm90::StageType>(held.front().stage.getType());
    if (stage.getColumns() >= tile.getDimSize(1) &&
        stage.getElementType() == tile.getElementType())
      return held.front().stage;
  }
  return store.emitOpError("expected one tile of queries that holds ")
         << tile << " for output_in_query_buffer";
}

/// Through shared memory, where one thread starts the copy.
LogicalResult Consumer::storeMatrix(tile::StoreOp store,
                                    ArrayRef<Value> indices) {
  Value fragment = use(store.getTile());
  FailureOr<Value> memory = kernel.staging.lookup(store.getView());
  bool inQueryBuffer = kernel.schedule().getOutputInQueryBuffer();
  if (inQueryBuffer)
    memory = findQueryBuffer(store);
  // A store of the same rows again must come behind the first one.
  if (!inQueryBuffer || kernel.repeats)
    sm90::TmaStoreWaitOp::create(builder, loc, /*read=*/!kernel.repeats);
  if (failed(memory))
    return failure();
  sm90::BarrierSyncOp::create(builder, loc);
  sm90::StoreFragmentOp::create(builder, loc, fragment, *memory, firstRow);
  sm90::BarrierSyncOp::create(builder, loc);
  sm90::TmaStoreAsyncOp::create(
      builder, loc, *memory, firstRow, kernel.stores.lookup(store.getView()),
      getCopyIndices(kernel, builder, loc, store.getView(),
                     store.getAxes().front(), indices,
                     useAll(store.getSlice())));
  return success();
}

/// Directly; the tensor is compact.
void Consumer::storeRows(tile::StoreOp store, SmallVector<Value> indices) {
  auto wide = [&](Value value) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                      value);
  };
  auto size = [&](int64_t axis) {
    return getValueOrCreateConstantIndexOp(
        builder, loc, getSize(kernel, builder, store.getView(), axis));
  };
  Value end = size(indices.size() - 1);
  if (SmallVector<Value> slice = useAll(store.getSlice()); !slice.empty()) {
    indices.back() =
        arith::AddIOp::create(builder, loc, slice[0], indices.back());
    end = slice[1];
  }
  Value offset = wide(indices.front());
  for (size_t axis = 1; axis < indices.size(); ++axis) {
    offset = arith::MulIOp::create(builder, loc, offset, wide(size(axis)));
    offset = arith::AddIOp::create(builder, loc, offset, wide(indices[axis]));
  }
  Value limit = arith::SubIOp::create(builder, loc, end, indices.back());
  sm90::StoreRowsOp::create(builder, loc, use(store.getTile()),
                            kernel.stores.lookup(store.getView()), offset,
                            limit);
}

LogicalResult Consumer::consumeStore(tile::StoreOp store) {
  auto type = cast<VectorType>(store.getTile().getType());
  if (failed(checkRows(store, type)))
    return failure();
  SmallVector<Value> indices = useAll(store.getIndices());
  Value &row = indices[store.getAxes().front()];
  row = arith::AddIOp::create(builder, loc, row, firstRow);
  if (type.getRank() == 2)
    return storeMatrix(store, indices);
  storeRows(store, indices);
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow and the rest
//===----------------------------------------------------------------------===//

LogicalResult Consumer::consumeLoop(scf::ForOp loop) {
  waitForAll();
  SmallVector<unsigned> used = ringsUsedBy(kernel, loop);
  SmallVector<Value> inits = useAll(loop.getInits());
  for (unsigned i : used)
    inits.push_back(counts[i]);
  auto copy =
      scf::ForOp::create(builder, loc, use(loop.getLowerBound()),
                         use(loop.getUpperBound()), use(loop.getStep()), inits);
  size_t values = loop.getInits().size();
  Counts outer = counts;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(copy.getBody());
    mapping.map(loop.getInductionVar(), copy.getInductionVar());
    auto arguments = copy.getRegionIterArgs();
    mapping.map(loop.getRegionIterArgs(), arguments.take_front(values));
    for (auto [i, argument] : llvm::zip(used, arguments.drop_front(values)))
      counts[i] = argument;
    if (failed(consume(*loop.getBody())))
      return failure();
    SmallVector<Value> yielded = useAll(loop.getYieldedValues());
    waitForAll();
    for (unsigned i : used)
      yielded.push_back(counts[i]);
    scf::YieldOp::create(builder, loc, yielded);
  }
  mapping.map(loop.getResults(), copy.getResults().take_front(values));
  counts = outer;
  for (auto [i, result] : llvm::zip(used, copy.getResults().drop_front(values)))
    counts[i] = result;
  return success();
}

LogicalResult Consumer::consumeIf(scf::IfOp op) {
  waitForAll();
  SmallVector<unsigned> used = ringsUsedBy(kernel, op);
  SmallVector<Type> types;
  for (Type type : op.getResultTypes()) {
    FailureOr<Type> converted = convert(op, type);
    if (failed(converted))
      return failure();
    types.push_back(*converted);
  }
  types.append(used.size(), builder.getIndexType());
  // Whether a result that a branch computes has to be computed again.
  bool mayFail = op->walk([](tile::FinishSoftmaxOp finish) {
                     return finish.getSumLimit() ? WalkResult::interrupt()
                                                 : WalkResult::advance();
                   }).wasInterrupted();
  if (mayFail)
    types.push_back(builder.getI1Type());
  auto copy = scf::IfOp::create(builder, loc, types, use(op.getCondition()),
                                /*withElseRegion=*/true);
  Counts outer = counts;
  size_t outerHeld = held.size();
  for (auto [source, target] : {std::pair(op.thenBlock(), copy.thenBlock()),
                                std::pair(op.elseBlock(), copy.elseBlock())}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(target);
    counts = outer;
    SmallVector<Value> yielded;
    if (source) {
      if (failed(consume(*source)))
        return failure();
      yielded = useAll(source->getTerminator()->getOperands());
    }
    waitForAll();
    releaseHeld(outerHeld);
    for (unsigned i : used)
      yielded.push_back(counts[i]);
    if (mayFail && kernel.failed)
      yielded.push_back(kernel.failed);
    else if (mayFail)
      yielded.push_back(arith::ConstantIntOp::create(builder, loc, /*value=*/0,
                                                     /*width=*/1));
    scf::YieldOp::create(builder, loc, yielded);
    kernel.failed = {};
  }
  if (mayFail)
    kernel.failed = copy.getResults().back();
  size_t values = op.getNumResults();
  mapping.map(op.getResults(), copy.getResults().take_front(values));
  counts = outer;
  for (auto [i, result] : llvm::zip(used, copy.getResults().drop_front(values)))
    counts[i] = result;
  return success();
}

/// Scalars, and what arith and math do to each element of a tile.
LogicalResult Consumer::consumeElementwise(Operation *op) {
  bool isConstant = op->hasTrait<OpTrait::ConstantLike>();
  if (isConstant && isa<VectorType>(op->getResult(0).getType())) {
    FailureOr<Type> type = convert(op, op->getResult(0).getType());
    DenseElementsAttr value;
    if (failed(type))
      return failure();
    if (!matchPattern(op, m_Constant(&value)) || !value.isSplat())
      return op->emitOpError("expected a constant of one value");
    mapping.map(
        op->getResult(0),
        arith::ConstantOp::create(
            builder, loc, value.resizeSplat(cast<RankedTensorType>(*type)))
            .getResult());
    return success();
  }
  if (!isScalar(op) && !OpTrait::hasElementwiseMappableTraits(op))
    return op->emitOpError("is not lowered to the sm90 level");
  // What is rounded takes the registers of the last left operand, which a
  // product under way reads.
  if (isa<arith::TruncFOp>(op) && isa<VectorType>(op->getResult(0).getType()))
    waitForAll();
  SmallVector<Type> types;
  for (Type type : op->getResultTypes()) {
    FailureOr<Type> converted = convert(op, type);
    if (failed(converted))
      return failure();
    types.push_back(*converted);
  }
  Operation *copy =
      builder.create(loc, op->getName().getIdentifier(),
                     useAll(op->getOperands()), types, op->getAttrs());
  mapping.map(op->getResults(), copy->getResults());
  return success();
}

LogicalResult Consumer::consumeOp(Operation *op) {
  loc = op->getLoc();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](tile::LoadOp load) { return consumeLoad(load); })
      .Case([&](tile::DotOp dot) { return consumeDot(dot); })
      .Case([&](tile::MaskOp mask) {
        consumeMask(mask);
        return success();
      })
      .Case([&](tile::ScoreOp score) {
        consumeScore(score);
        return success();
      })
      .Case<tile::DimOp, tile::ReadOp, tile::FindSequenceOp, tile::WalkOp>(
          [&](auto scalar) {
            cloneScalar(kernel, builder, scalar, mapping);
            return success();
          })
      .Case([&](tile::OnlineSoftmaxOp step) { return consumeSoftmax(step); })
      .Case([&](tile::RescaleOp rescale) { return consumeRescale(rescale); })
      .Case([&](tile::FinishSoftmaxOp end) { return consumeFinish(end); })
      .Case([&](tile::StoreOp store) { return consumeStore(store); })
      .Case([&](scf::ForOp loop) { return consumeLoop(loop); })
      .Case([&](scf::IfOp branch) { return consumeIf(branch); })
      .Default([&](Operation *other) { return consumeElementwise(other); });
}

LogicalResult Consumer::consume(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(consumeOp(&op)))
      return failure();
  return success();
}

LogicalResult Consumer::run() {
  // Constants of the kernel's body that are tiles.
  for (Operation &op : kernel.source.getBody().front())
    if (op.hasTrait<OpTrait::ConstantLike>() &&
        isa<VectorType>(op.getResult(0).getType()) && failed(consumeOp(&op)))
      return failure();
  Value warpgroup =
      sm90::WarpgroupIdOp::create(builder, loc, builder.getIndexType());
  firstRow = arith::MulIOp::create(builder, loc, warpgroup,
                                   index(sm90::kWarpgroupRows));
  counts.assign(kernel.rings.size(), index(0));
  LogicalResult result = forEachInstance(kernel, Role::Consumer, builder,
                                         mapping, counts, [&](Block &source) {
                                           if (failed(consume(source)))
                                             return failure();
                                           waitForAll();
                                           releaseHeld(/*keep=*/0);
                                           return success();
                                         });
  // Shared memory must outlive the copies that read it.
  if (kernel.storesMatrix)
    sm90::TmaStoreWaitOp::create(builder, loc, /*read=*/false);
  return result;
}

LogicalResult mlir::attn::tile_to_sm90::buildConsumer(Kernel &kernel,
                                                      Block *role) {
  return Consumer(kernel, role).run();
}
