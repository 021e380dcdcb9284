//===- Consumer.cpp - The role that computes ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Consumer.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

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

void Consumer::release(const HeldStage &entry) {
  sm90::ReleaseOp::create(builder, loc, entry.stage, entry.emptyBarrier,
                          entry.count);
}

/// Gives back the stages that nothing behind `done` reads. Only here does the
/// producer load the next queries, in good time if there is an epilogue.
void Consumer::releaseRead(Operation *done) {
  if (kernel.schedule().getOutputInQueryBuffer())
    return;
  llvm::erase_if(held, [&](const HeldStage &entry) {
    tile::LoadOp load = entry.load;
    Block *block = done->getBlock();
    bool isUnread =
        load->getBlock() == block &&
        llvm::none_of(load->getUsers(), [&](Operation *user) {
          return done->isBeforeInBlock(block->findAncestorOpInBlock(*user));
        });
    bool isPending = llvm::any_of(pending, [&](const Pending &product) {
      auto start = product.inFlight.getDefiningOp<sm90::WgmmaAsyncOp>();
      return start.getLhs() == entry.stage;
    });
    if (!isUnread || isPending)
      return false;
    release(entry);
    return true;
  });
}

/// Gives back all but the first `keep` stages that are held, which nothing may
/// read any more.
void Consumer::releaseHeld(size_t keep) {
  if (held.size() == keep)
    return;
  if (kernel.schedule().getOutputInQueryBuffer())
    sm90::TmaStoreWaitOp::create(builder, loc, /*read=*/true);
  for (const HeldStage &entry : ArrayRef(held).drop_front(keep))
    release(entry);
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
  auto it = kernel.rings.find(kernel.keyOf(load));
  Ring &ring = it->second;
  Value &count = counts[std::distance(kernel.rings.begin(), it)];
  auto buffer = cast<sm90::BufferType>(ring.buffer.getType());
  bool isKeys = llvm::all_of(load->getUses(), [](OpOperand &use) {
    return isa<tile::DotOp>(use.getOwner()) && use.getOperandNumber() == 1;
  });
  Value stage = sm90::AwaitFullOp::create(builder, loc, buffer.getStageType(),
                                          ring.buffer, ring.full, count);
  if (isQueries(load)) {
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
      held.push_back({stage, ring.empty, count, load});
    else
      sm90::ReleaseOp::create(builder, loc, stage, ring.empty, count);
  } else if ((isKeys || isOfScores(load)) && load->hasOneUse()) {
    // What reads it gives the stage back, with this count.
    mapping.map(load.getTile(), stage);
    stageCounts[stage] = {ring.empty, count};
  } else {
    return load.emitOpError("expected a tile that is either the left operand "
                            "of products or the right operand of one, or read "
                            "by one modifier");
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
  auto [barrier, count] = stageCounts.lookup(rhs);
  Value adds = firstCounts.lookup(kernel.keyOf(load));
  if (adds)
    adds = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, count,
                                 adds);
  Value product = sm90::WgmmaAsyncOp::create(
      builder, loc, inFlight, lhs, isStage ? firstRow : Value(), rhs,
      /*below=*/Value(), acc, adds, dot.getTransposeRhs());
  pending.push_back({dot.getResult(), product, barrier, count});
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
LogicalResult Consumer::copyMatrix(tile::StoreOp store,
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

Consumer::Destination Consumer::findDestination(tile::StoreOp store,
                                                SmallVector<Value> indices) {
  auto wide = [&](Value value) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                      value);
  };
  int64_t axis = store.getAxes().front();
  Value end = getValueOrCreateConstantIndexOp(
      builder, loc, getSize(kernel, builder, store.getView(), axis));
  Value &row = indices[axis];
  if (SmallVector<Value> slice = useAll(store.getSlice()); !slice.empty()) {
    row = arith::AddIOp::create(builder, loc, slice[0], row);
    end = slice[1];
  }
  Value offset = wide(indices.back());
  for (auto [index, stride] :
       llvm::zip(indices, kernel.strides.lookup(store.getView()))) {
    Value own = arith::MulIOp::create(builder, loc, wide(index), stride);
    offset = arith::AddIOp::create(builder, loc, offset, own);
  }
  Value limit = arith::SubIOp::create(builder, loc, end, row);
  return {offset, limit};
}

/// From registers, which leaves shared memory to the next tile.
void Consumer::storeMatrix(tile::StoreOp store, SmallVector<Value> indices) {
  auto [offset, limit] = findDestination(store, std::move(indices));
  Value view = store.getView();
  sm90::StoreMatrixOp::create(
      builder, loc, use(store.getTile()), kernel.stores.lookup(view), offset,
      kernel.strides.lookup(view)[store.getAxes().front()], limit);
}

/// Directly, for the rows of the tensor are adjacent.
void Consumer::storeRows(tile::StoreOp store, SmallVector<Value> indices) {
  auto [offset, limit] = findDestination(store, std::move(indices));
  sm90::StoreRowsOp::create(builder, loc, use(store.getTile()),
                            kernel.stores.lookup(store.getView()), offset,
                            limit);
}

void Consumer::consumeWrite(tile::WriteOp op) {
  sm90::WriteOp::create(
      builder, loc, use(op.getElement()), kernel.stores.lookup(op.getView()),
      useAll(op.getIndices()), kernel.strides.lookup(op.getView()));
}

LogicalResult Consumer::consumeStore(tile::StoreOp store) {
  auto type = cast<VectorType>(store.getTile().getType());
  if (failed(checkRows(store, type)))
    return failure();
  SmallVector<Value> indices = useAll(store.getIndices());
  Value &row = indices[store.getAxes().front()];
  row = arith::AddIOp::create(builder, loc, row, firstRow);
  bool isMatrix = type.getRank() == 2;
  if (isMatrix && !kernel.schedule().getOutputFromRegisters())
    return copyMatrix(store, indices);
  if (isMatrix)
    storeMatrix(store, indices);
  else
    storeRows(store, indices);
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow and the rest
//===----------------------------------------------------------------------===//

/// Spares clearing the accumulators of the loop that no product reads before
/// one has written it.
void Consumer::leaveUndefined(scf::ForOp loop, MutableArrayRef<Value> inits) {
  for (auto [index, entry] : llvm::enumerate(kernel.rings)) {
    OpOperand *zero = kernel.zeros.lookup(entry.first);
    if (!zero || zero->getOwner() != loop)
      continue;
    Value &init =
        inits[zero->getOperandNumber() - loop.getNumControlOperands()];
    init = sm90::UndefinedOp::create(builder, loc, init.getType());
    firstCounts[entry.first] = counts[index];
  }
}

LogicalResult Consumer::consumeLoop(scf::ForOp loop) {
  waitForAll();
  SmallVector<unsigned> used = ringsUsedBy(kernel, loop);
  SmallVector<Value> inits = useAll(loop.getInits());
  leaveUndefined(loop, inits);
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
    // A branch without results comes with its end.
    target->clear();
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
      .Case([&](tile::FindExtremesOp find) {
        consumeFindExtremes(find);
        return success();
      })
      .Case([&](tile::FindReachOp find) {
        consumeFindReach(find);
        return success();
      })
      .Case([&](tile::WriteOp write) {
        consumeWrite(write);
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
  for (Operation &op : block.without_terminator()) {
    if (kernel.producerScalars.contains(&op))
      continue;
    if (failed(consumeOp(&op)))
      return failure();
    releaseRead(&op);
  }
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
