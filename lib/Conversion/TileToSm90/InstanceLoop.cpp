//===- InstanceLoop.cpp - The loop of a block over its instances ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToSm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

namespace {

/// The loop of a block over its instances.
class InstanceLoop {
public:
  InstanceLoop(Kernel &kernel, Role role, OpBuilder &builder,
               IRMapping &mapping)
      : kernel(kernel), role(role), builder(builder), mapping(mapping),
        loc(kernel.instances().getLoc()) {}

  using Body = function_ref<LogicalResult(Block &source)>;
  LogicalResult build(Counts &counts, Body body);

private:
  LogicalResult buildStrided(Counts &counts, Body body);
  LogicalResult buildProducer(Counts &counts, Body body);
  LogicalResult buildConsumer(Counts &counts, Body body);
  void mapExtents();
  void mapInstance(Value linear);

  using Values = SmallVector<Value>;
  /// Where the producer is: the instance, whether that has been computed
  /// before, and its ticket, the instance before, the last number that it has
  /// taken from the counter, and whether that is still to be handed out.
  struct Current {
    Value instance, careful, ticket, before, taken, holds;
  };
  /// What it hands out next, and whether that has been computed before.
  struct Next {
    Value instance, careful, taken, holds;
  };
  Next createNext(const Current &current);
  /// Where it is used: kept, it would take a register all along.
  Value gridSize() {
    return sm90::GridSizeOp::create(builder, loc, builder.getIndexType());
  }
  Value takeNext() {
    return add(sm90::CounterNextOp::create(builder, loc, builder.getIndexType(),
                                           kernel.counter),
               gridSize());
  }
  void putTicket(Value instance, Value careful, ValueRange handed,
                 Value number) {
    sm90::TicketPutOp::create(builder, loc, instance, careful, handed,
                              kernel.tickets, kernel.ticketFull, number);
  }
  SmallVector<Value> computeHanded();
  Value awaitReturn(Value ticket) {
    return sm90::TicketAwaitReturnOp::create(builder, loc, builder.getI1Type(),
                                             kernel.tickets, kernel.ticketEmpty,
                                             ticket);
  }

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value truth(bool value) {
    return arith::ConstantIntOp::create(builder, loc, value, 1);
  }
  Value add(Value a, Value b) {
    return arith::AddIOp::create(builder, loc, a, b);
  }
  Value sub(Value a, Value b) {
    return arith::SubIOp::create(builder, loc, a, b);
  }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }
  Value isInstance(Value number) {
    return compare(arith::CmpIPredicate::slt, number, total);
  }
  /// What the two functions give, which create the sides of a branch.
  Values branch(Value condition, function_ref<Values()> ifTrue,
                function_ref<Values()> ifFalse);

  Kernel &kernel;
  Role role;
  OpBuilder &builder;
  IRMapping &mapping;
  Location loc;
  SmallVector<Value> extents;
  /// The number of this block, and of the instances.
  Value block, total;
};

} // namespace

InstanceLoop::Values InstanceLoop::branch(Value condition,
                                          function_ref<Values()> ifTrue,
                                          function_ref<Values()> ifFalse) {
  // The inner builder is set aside: the functions use that of the loop.
  auto yield = [&](function_ref<Values()> side) {
    return [this, side](OpBuilder &inner, Location) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(inner.getInsertionBlock(),
                                inner.getInsertionPoint());
      scf::YieldOp::create(builder, loc, side());
    };
  };
  auto op =
      scf::IfOp::create(builder, loc, condition, yield(ifTrue), yield(ifFalse));
  return llvm::to_vector_of<Value>(op.getResults());
}

void InstanceLoop::mapExtents() {
  for (OpFoldResult bound : kernel.instances().getMixedUpperBound()) {
    Value extent = dyn_cast<Value>(bound);
    extents.push_back(
        extent ? mapping.lookup(extent)
               : getValueOrCreateConstantIndexOp(builder, loc, bound));
  }
}

/// Maps the indices of the instance numbered `linear`; the last one is fastest.
void InstanceLoop::mapInstance(Value linear) {
  auto ids = kernel.instances().getInductionVars();
  for (int64_t i = extents.size() - 1; i > 0; --i) {
    mapping.map(
        ids[i],
        arith::RemUIOp::create(builder, loc, linear, extents[i]).getResult());
    linear = arith::DivUIOp::create(builder, loc, linear, extents[i]);
  }
  mapping.map(ids[0], linear);
}

LogicalResult InstanceLoop::build(Counts &counts, Body body) {
  mapExtents();
  block = sm90::BlockIdOp::create(builder, loc, builder.getIndexType());
  if (!kernel.schedule().getPersistent()) {
    mapInstance(block);
    return body(*kernel.instances().getBody());
  }
  total = extents.front();
  for (Value extent : ArrayRef(extents).drop_front())
    total = arith::MulIOp::create(builder, loc, total, extent);
  if (!kernel.schedule().getDynamic())
    return buildStrided(counts, body);
  return role == Role::Producer ? buildProducer(counts, body)
                                : buildConsumer(counts, body);
}

LogicalResult InstanceLoop::buildStrided(Counts &counts, Body body) {
  auto loop =
      scf::ForOp::create(builder, loc, block, total, gridSize(), counts);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(loop.getBody());
  counts.assign(loop.getRegionIterArgs().begin(),
                loop.getRegionIterArgs().end());
  mapInstance(loop.getInductionVar());
  if (failed(body(*kernel.instances().getBody())))
    return failure();
  scf::YieldOp::create(builder, loc, counts);
  counts.assign(loop.result_begin(), loop.result_end());
  return success();
}

/// Maps what is handed to the consumers, and what leads there, to what the
/// producer computes for the instance at hand.
SmallVector<Value> InstanceLoop::computeHanded() {
  std::function<void(Value)> compute = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != kernel.instances().getBody() ||
        mapping.contains(value))
      return;
    llvm::for_each(op->getOperands(), compute);
    cloneScalar(kernel, builder, op, mapping);
  };
  llvm::for_each(kernel.handed, compute);
  return llvm::map_to_vector(
      kernel.handed, [&](Value value) { return mapping.lookup(value); });
}

/// The producer hands out the instances in tickets, numbered from 0: first that
/// of the number of the block, then from the counter, not before it has copied
/// for the one before: the last copies are still to be consumed, and a block
/// that has much to do should not claim more. Behind the last instance each
/// block takes one number too many. The number of all that is taken is thus
/// that of the instances, and who takes the last one leaves the counter as it
/// was found.
LogicalResult InstanceLoop::buildProducer(Counts &counts, Body body) {
  Value zero = index(0), one = index(1);
  // The members of Current and the counts.
  Values inits{block, truth(false), zero, zero, block, truth(false)};
  unsigned firstCount = inits.size();
  llvm::append_range(inits, counts);
  auto types = llvm::to_vector_of<Type>(ValueRange(inits).getTypes());
  SmallVector<Location> locations(inits.size(), loc);
  auto loop = scf::WhileOp::create(builder, loc, types, inits);
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *before =
        builder.createBlock(&loop.getBefore(), {}, types, locations);
    scf::ConditionOp::create(builder, loc, isInstance(before->getArgument(0)),
                             before->getArguments());
    Block *after = builder.createBlock(&loop.getAfter(), {}, types, locations);
    auto state = after->getArguments();
    Current current{state[0], state[1], state[2], state[3], state[4], state[5]};
    counts.assign(state.begin() + firstCount, state.end());
    mapInstance(current.instance);
    putTicket(current.instance, current.careful, computeHanded(),
              current.ticket);
    if (failed(body(*kernel.instances().getBody())))
      return failure();
    Next next = createNext(current);
    Values yielded{next.instance,    next.careful, add(current.ticket, one),
                   current.instance, next.taken,   next.holds};
    llvm::append_range(yielded, counts);
    scf::YieldOp::create(builder, loc, yielded);
  }
  counts.assign(loop.result_begin() + firstCount, loop.result_end());
  // A number that is no instance ends the consumers' loop.
  putTicket(loop.getResult(0), truth(false), Values(kernel.handed.size(), zero),
            loop.getResult(2));
  Value last = sub(add(total, gridSize()), one);
  auto reset = scf::IfOp::create(
      builder, loc, compare(arith::CmpIPredicate::eq, loop.getResult(4), last),
      /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(reset.thenBlock());
  sm90::CounterResetOp::create(builder, loc, kernel.counter);
  return success();
}

/// What follows the instance of `ticket`. The place of the next ticket is that
/// of the one before, which has to be returned first; the counter is asked
/// before that, as it takes its time.
InstanceLoop::Next InstanceLoop::createNext(const Current &current) {
  auto awaitBefore = [&]() -> Value {
    Value isFirst = compare(arith::CmpIPredicate::eq, current.ticket, index(0));
    return branch(
               isFirst, [&] { return Values{truth(false)}; },
               [&] {
                 return Values{awaitReturn(sub(current.ticket, index(1)))};
               })
        .front();
  };
  if (!kernel.repeats) {
    Value next = takeNext();
    awaitBefore();
    return {next, truth(false), next, truth(false)};
  }
  // Behind the end nothing more is taken.
  Value isNew = arith::AndIOp::create(
      builder, loc, isInstance(current.taken),
      arith::XOrIOp::create(builder, loc, current.holds, truth(true)));
  Value taken = branch(
                    isNew, [&] { return Values{takeNext()}; },
                    [&] { return Values{current.taken}; })
                    .front();
  Value hasFailed = awaitBefore();
  auto next = branch(
      hasFailed, [&] { return Values{current.before, truth(true)}; },
      [&] {
        return branch(
            isInstance(taken), [&] { return Values{taken, truth(false)}; },
            [&] {
              // The last one may still fail.
              Value again = awaitReturn(current.ticket);
              return Values{arith::SelectOp::create(builder, loc, again,
                                                    current.instance, taken),
                            again};
            });
      });
  return {next[0], next[1], taken, /*holds=*/hasFailed};
}

/// The consumers take a ticket for each instance and return it when the
/// instance is computed.
LogicalResult InstanceLoop::buildConsumer(Counts &counts, Body body) {
  SmallVector<Value> inits{index(0)};
  llvm::append_range(inits, counts);
  Type i1 = builder.getI1Type(), indexType = builder.getIndexType();
  // The number of the ticket and the counts, and in the loop what it says.
  SmallVector<Type> types(inits.size(), indexType);
  SmallVector<Type> innerTypes(types);
  innerTypes.append({indexType, i1});
  innerTypes.append(kernel.handed.size(), indexType);
  auto loop = scf::WhileOp::create(builder, loc, innerTypes, inits);
  OpBuilder::InsertionGuard guard(builder);
  Block *before = builder.createBlock(&loop.getBefore(), {}, types,
                                      SmallVector<Location>(types.size(), loc));
  auto take = sm90::TicketTakeOp::create(
      builder, loc, kernel.tickets, kernel.ticketFull, before->getArgument(0));
  SmallVector<Value> passed(before->getArguments());
  llvm::append_range(passed, take.getResults());
  scf::ConditionOp::create(builder, loc, isInstance(take.getInstance()),
                           passed);
  Block *after =
      builder.createBlock(&loop.getAfter(), {}, innerTypes,
                          SmallVector<Location>(innerTypes.size(), loc));
  auto state = after->getArguments();
  size_t behind = types.size();
  counts.assign(state.begin() + 1, state.begin() + behind);
  kernel.careful = state[behind + 1];
  for (auto [value, handed] :
       llvm::zip_equal(kernel.handed, state.drop_front(behind + 2)))
    mapping.map(value, handed);
  if (failed(body(*kernel.instances().getBody())))
    return failure();
  sm90::TicketReturnOp::create(builder, loc, kernel.tickets, kernel.ticketEmpty,
                               state.front(), kernel.failed);
  SmallVector<Value> yielded{add(state.front(), index(1))};
  llvm::append_range(yielded, counts);
  scf::YieldOp::create(builder, loc, yielded);
  auto results = loop.getResults().slice(1, counts.size());
  counts.assign(results.begin(), results.end());
  return success();
}

LogicalResult mlir::attn::tile_to_sm90::forEachInstance(
    Kernel &kernel, Role role, OpBuilder &builder, IRMapping &mapping,
    Counts &counts, function_ref<LogicalResult(Block &source)> body) {
  return InstanceLoop(kernel, role, builder, mapping).build(counts, body);
}
