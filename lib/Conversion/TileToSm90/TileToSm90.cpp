//===- TileToSm90.cpp - Divide a kernel among warps
//------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"

#include "TileToSm90.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/FunctionImplementation.h"

namespace mlir::attn {
#define GEN_PASS_DEF_CONVERTTILETOSM90PASS
#include "attn/Conversion/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

//===----------------------------------------------------------------------===//
// What the roles share
//===----------------------------------------------------------------------===//

ArrayRef<int64_t> mlir::attn::tile_to_sm90::getSymbols(Value view) {
  auto argument = cast<BlockArgument>(view);
  auto kernel = cast<tile::KernelOp>(argument.getOwner()->getParentOp());
  return kernel
      .getArgAttrOfType<DenseI64ArrayAttr>(argument.getArgNumber(),
                                           tile::KernelOp::getSymbolsAttrName())
      .asArrayRef();
}

OpFoldResult mlir::attn::tile_to_sm90::getSize(Kernel &kernel,
                                               OpBuilder &builder, Value view,
                                               int64_t axis) {
  int64_t size = cast<tile::ViewType>(view.getType()).getShape()[axis];
  if (!ShapedType::isDynamic(size))
    return builder.getIndexAttr(size);
  return kernel.sizes.lookup(getSymbols(view)[axis]);
}

SmallVector<unsigned> mlir::attn::tile_to_sm90::ringsUsedBy(Kernel &kernel,
                                                            Operation *op) {
  SmallVector<unsigned> used;
  for (auto [index, entry] : llvm::enumerate(kernel.rings)) {
    Value view = entry.first;
    WalkResult found = op->walk([&](tile::LoadOp load) {
      return load.getView() == view ? WalkResult::interrupt()
                                    : WalkResult::advance();
    });
    if (found.wasInterrupted())
      used.push_back(index);
  }
  return used;
}

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
  LogicalResult buildDynamic(Counts &counts, Body body);
  void mapExtents();
  void mapInstance(Value linear);

  Kernel &kernel;
  Role role;
  OpBuilder &builder;
  IRMapping &mapping;
  Location loc;
  SmallVector<Value> extents;
  /// The number of this block, of the blocks and of the instances.
  Value block, grid, total;
};

} // namespace

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
  grid = sm90::GridSizeOp::create(builder, loc, builder.getIndexType());
  return kernel.schedule().getDynamic() ? buildDynamic(counts, body)
                                        : buildStrided(counts, body);
}

LogicalResult InstanceLoop::buildStrided(Counts &counts, Body body) {
  auto loop = scf::ForOp::create(builder, loc, block, total, grid, counts);
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

/// The first instance of a block is that of its number; the producer takes the
/// others from the counter when it has copied for the one before, and hands
/// them on. Behind the last instance each block takes one number too many. The
/// number of all that is taken is thus that of the instances, and who takes the
/// last one leaves the counter as it was found.
LogicalResult InstanceLoop::buildDynamic(Counts &counts, Body body) {
  bool isProducer = role == Role::Producer;
  auto compare = [&](arith::CmpIPredicate predicate, Value a,
                     Value b) -> Value {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  };
  auto add = [&](Value a, Value b) -> Value {
    return arith::AddIOp::create(builder, loc, a, b);
  };
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  SmallVector<Value> inits{block,
                           arith::ConstantIndexOp::create(builder, loc, 0)};
  llvm::append_range(inits, counts);
  SmallVector<Type> types(inits.size(), builder.getIndexType());
  SmallVector<Location> locations(inits.size(), loc);
  auto loop = scf::WhileOp::create(builder, loc, types, inits);
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *before =
        builder.createBlock(&loop.getBefore(), {}, types, locations);
    scf::ConditionOp::create(
        builder, loc,
        compare(arith::CmpIPredicate::slt, before->getArgument(0), total),
        before->getArguments());
    Block *after = builder.createBlock(&loop.getAfter(), {}, types, locations);
    Value ticket = after->getArgument(1);
    Value next;
    counts.assign(after->args_begin() + 2, after->args_end());
    mapInstance(after->getArgument(0));
    if (failed(body(*kernel.instances().getBody())))
      return failure();
    if (isProducer) {
      // Not earlier: the last copies are still to be consumed, and a block that
      // has much to do should not claim more.
      next = add(sm90::CounterNextOp::create(
                     builder, loc, builder.getIndexType(), kernel.counter),
                 grid);
      sm90::TicketPutOp::create(builder, loc, next, kernel.tickets,
                                kernel.ticketFull, kernel.ticketEmpty, ticket);
    } else {
      next = sm90::TicketTakeOp::create(builder, loc, builder.getIndexType(),
                                        kernel.tickets, kernel.ticketFull,
                                        kernel.ticketEmpty, ticket);
    }
    SmallVector<Value> yielded{next, add(ticket, one)};
    llvm::append_range(yielded, counts);
    scf::YieldOp::create(builder, loc, yielded);
  }
  counts.assign(loop.result_begin() + 2, loop.result_end());
  if (!isProducer)
    return success();
  Value last = arith::SubIOp::create(builder, loc, add(total, grid), one);
  auto branch = scf::IfOp::create(
      builder, loc, compare(arith::CmpIPredicate::eq, loop.getResult(0), last),
      /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  sm90::CounterResetOp::create(builder, loc, kernel.counter);
  return success();
}

LogicalResult mlir::attn::tile_to_sm90::forEachInstance(
    Kernel &kernel, Role role, OpBuilder &builder, IRMapping &mapping,
    Counts &counts, function_ref<LogicalResult(Block &source)> body) {
  return InstanceLoop(kernel, role, builder, mapping).build(counts, body);
}

//===----------------------------------------------------------------------===//
// The signature
//===----------------------------------------------------------------------===//

namespace {

/// Collects what the kernel needs of its views and creates it.
class SignatureBuilder {
public:
  explicit SignatureBuilder(tile::KernelOp source)
      : source(source), builder(source) {}

  FailureOr<Kernel> build();

private:
  enum Use { Load, Store, Read, Size, Counter };

  struct Argument {
    Type type;
    Use use;
    /// Null for the counter of instances.
    Value view;
    /// The axis of a size, or -1.
    int64_t axis = -1;
  };

  LogicalResult collectLoads();
  LogicalResult collectStores();
  LogicalResult collectReads();
  void collectSizes();
  LogicalResult addTensorMap(Operation *access, Use use, Value view,
                             VectorType tile, int64_t rows,
                             ArrayRef<int64_t> axes);
  FailureOr<ArrayAttr> createExtents();
  FailureOr<sm90::ExtentAttr> createExtent(OpFoldResult bound);
  ArrayAttr createTensors();
  void allocate(Kernel &kernel);
  void bind(Kernel &kernel, const Argument &argument, Value value);
  Type getPointerType() {
    return LLVM::LLVMPointerType::get(builder.getContext(), 1);
  }

  tile::KernelOp source;
  OpBuilder builder;
  sm90::ScheduleAttr schedule;
  SmallVector<Argument> arguments;
  llvm::MapVector<Value, tile::LoadOp> loads;
  llvm::MapVector<Value, tile::StoreOp> stores;
};

} // namespace

static int64_t numberOf(Value view) {
  return cast<BlockArgument>(view).getArgNumber();
}

LogicalResult SignatureBuilder::addTensorMap(Operation *access, Use use,
                                             Value view, VectorType tile,
                                             int64_t rows,
                                             ArrayRef<int64_t> axes) {
  auto type = cast<tile::ViewType>(view.getType());
  auto map = sm90::TensorMapType::getChecked(
      [&] { return access->emitOpError("cannot be a copy: "); },
      builder.getContext(), rows, tile.getDimSize(1), tile.getElementType(),
      axes, type.getRank());
  if (!map)
    return failure();
  arguments.push_back({map, use, view});
  return success();
}

LogicalResult SignatureBuilder::collectLoads() {
  WalkResult result = source.walk([&](tile::LoadOp load) {
    auto type = cast<VectorType>(load.getTile().getType());
    auto [it, isNew] = loads.insert({load.getView(), load});
    if (!isNew) {
      if (it->second.getTile().getType() == type &&
          it->second.getAxes() == load.getAxes())
        return WalkResult::advance();
      load.emitOpError("expected all loads from one view to have one tile "
                       "type and axes, got ")
          << type << " and " << it->second.getTile().getType();
      return WalkResult::interrupt();
    }
    if (type.getRank() != 2) {
      load.emitOpError("expected a tile of rank 2, got ") << type;
      return WalkResult::interrupt();
    }
    return failed(addTensorMap(load, Load, load.getView(), type,
                               type.getDimSize(0), load.getAxes()))
               ? WalkResult::interrupt()
               : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult SignatureBuilder::collectStores() {
  WalkResult result = source.walk([&](tile::StoreOp store) {
    auto fail = [&](const Twine &message) {
      store.emitOpError(message);
      return WalkResult::interrupt();
    };
    auto type = cast<VectorType>(store.getTile().getType());
    auto view = cast<tile::ViewType>(store.getView().getType());
    if (!stores.insert({store.getView(), store}).second ||
        loads.contains(store.getView()))
      return fail("expected one access to a view that is stored to");
    if (type.getRank() == 2)
      return failed(addTensorMap(store, Store, store.getView(), type,
                                 sm90::kWarpgroupRows, store.getAxes()))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    if (store.getAxes().front() != view.getRank() - 1)
      return fail("expected a row of values along the innermost axis");
    arguments.push_back({getPointerType(), Store, store.getView()});
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// What the memory of a tensor read element by element looks like.
static bool isReadable(Type type) {
  return type.isIndex() || isa<FloatType>(type) || type.isInteger(1) ||
         type.isInteger(8) || type.isInteger(16) || type.isInteger(32) ||
         type.isInteger(64);
}

LogicalResult SignatureBuilder::collectReads() {
  DenseSet<Value> seen;
  WalkResult result = source.walk([&](tile::ReadOp read) {
    if (!isReadable(read.getElement().getType())) {
      read.emitOpError("expected an element of 1, 8, 16, 32 or 64 bits, got ")
          << read.getElement().getType();
      return WalkResult::interrupt();
    }
    if (seen.insert(read.getView()).second)
      arguments.push_back({getPointerType(), Read, read.getView()});
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

void SignatureBuilder::collectSizes() {
  DenseSet<int64_t> seen;
  for (BlockArgument view : source.getArguments()) {
    auto type = cast<tile::ViewType>(view.getType());
    for (auto [axis, symbol] : llvm::enumerate(getSymbols(view)))
      if (type.isDynamicDim(axis) && seen.insert(symbol).second)
        arguments.push_back(
            {builder.getIndexType(), Size, view, static_cast<int64_t>(axis)});
  }
}

ArrayAttr SignatureBuilder::createTensors() {
  SmallVector<Attribute> tensors;
  for (BlockArgument view : source.getArguments()) {
    unsigned index = view.getArgNumber();
    auto type = cast<tile::ViewType>(view.getType());
    bool output = static_cast<bool>(
        source.getArgAttr(index, tile::KernelOp::getOutputAttrName()));
    auto least = source.getArgAttrOfType<DenseI64ArrayAttr>(
        index, tile::KernelOp::getLeastAttrName());
    tensors.push_back(sm90::TensorAttr::get(
        builder.getContext(),
        source.getArgAttrOfType<StringAttr>(index,
                                            tile::KernelOp::getNameAttrName()),
        RankedTensorType::get(type.getShape(), type.getElementType()),
        getSymbols(view), output,
        least ? least.asArrayRef() : ArrayRef<int64_t>()));
  }
  return builder.getArrayAttr(tensors);
}

/// A bound of the instance loop, as a launch can compute it: a constant, a
/// size, or a size divided by a constant and rounded up.
FailureOr<sm90::ExtentAttr> SignatureBuilder::createExtent(OpFoldResult bound) {
  MLIRContext *context = builder.getContext();
  if (std::optional<int64_t> constant = getConstantIntValue(bound))
    return sm90::ExtentAttr::get(context, -1, 0, 1, *constant);
  auto value = cast<Value>(bound);
  int64_t divisor = 1;
  if (auto apply = value.getDefiningOp<affine::AffineApplyOp>()) {
    auto expr = dyn_cast<AffineBinaryOpExpr>(apply.getAffineMap().getResult(0));
    if (expr && expr.getKind() == AffineExprKind::CeilDiv &&
        isa<AffineDimExpr, AffineSymbolExpr>(expr.getLHS()) &&
        isa<AffineConstantExpr>(expr.getRHS()) &&
        apply->getNumOperands() == 1) {
      divisor = cast<AffineConstantExpr>(expr.getRHS()).getValue();
      value = apply.getOperand(0);
    }
  }
  auto dim = value.getDefiningOp<tile::DimOp>();
  if (!dim)
    return source.emitOpError("expected each bound of the scf.forall to be a "
                              "constant or a size, divided by a constant and "
                              "rounded up");
  return sm90::ExtentAttr::get(context, numberOf(dim.getView()), dim.getAxis(),
                               divisor, 1);
}

FailureOr<ArrayAttr> SignatureBuilder::createExtents() {
  auto forall = *source.getBody().front().getOps<scf::ForallOp>().begin();
  if (!forall.isNormalized())
    return forall.emitOpError("expected bounds from 0 with a step of 1");
  SmallVector<Attribute> extents;
  for (OpFoldResult bound : forall.getMixedUpperBound()) {
    FailureOr<sm90::ExtentAttr> extent = createExtent(bound);
    if (failed(extent))
      return failure();
    extents.push_back(*extent);
  }
  return builder.getArrayAttr(extents);
}

/// Allocates buffers and barriers at the start of the kernel.
void SignatureBuilder::allocate(Kernel &kernel) {
  Location loc = source.getLoc();
  MLIRContext *context = builder.getContext();
  int64_t consumerWarps = 4 * schedule.getConsumerWarpgroups();
  for (auto [view, load] : loads) {
    auto type = cast<VectorType>(load.getTile().getType());
    // What is loaded once per instance needs no second stage.
    bool inLoop = false;
    source.walk([&](tile::LoadOp other) {
      inLoop |= other.getView() == view && other->getParentOfType<scf::ForOp>();
    });
    int64_t stages = inLoop ? schedule.getKvStages() : 1;
    Ring &ring = kernel.rings[view];
    ring.keep = inLoop;
    ring.buffer = sm90::AllocOp::create(
        builder, loc,
        sm90::BufferType::get(context, stages, type.getDimSize(0),
                              type.getDimSize(1), type.getElementType()),
        IntegerAttr());
    auto barrier = sm90::MBarrierType::get(context, stages);
    ring.full =
        sm90::MBarrierInitOp::create(builder, loc, barrier, 1, IntegerAttr());
    ring.empty = sm90::MBarrierInitOp::create(builder, loc, barrier,
                                              consumerWarps, IntegerAttr());
  }
  if (schedule.getDynamic()) {
    constexpr int64_t kTickets = 2;
    auto barrier = sm90::MBarrierType::get(context, kTickets);
    kernel.tickets = sm90::TicketsAllocOp::create(
        builder, loc, sm90::TicketsType::get(context, kTickets), IntegerAttr());
    kernel.ticketFull =
        sm90::MBarrierInitOp::create(builder, loc, barrier, 1, IntegerAttr());
    kernel.ticketEmpty = sm90::MBarrierInitOp::create(
        builder, loc, barrier, consumerWarps, IntegerAttr());
  }
  for (auto [view, store] : stores) {
    auto type = cast<VectorType>(store.getTile().getType());
    if (type.getRank() != 2)
      continue;
    kernel.storesMatrix = true;
    if (!schedule.getOutputInQueryBuffer())
      kernel.staging[view] = sm90::AllocOp::create(
          builder, loc,
          sm90::BufferType::get(context, /*stages=*/1, type.getDimSize(0),
                                type.getDimSize(1), type.getElementType()),
          IntegerAttr());
  }
}

/// Notes which value of the kernel an argument has become.
void SignatureBuilder::bind(Kernel &kernel, const Argument &argument,
                            Value value) {
  switch (argument.use) {
  case Load:
    kernel.rings[argument.view].map = value;
    break;
  case Store:
    kernel.stores[argument.view] = value;
    break;
  case Read:
    kernel.reads[argument.view] = value;
    break;
  case Size:
    kernel.sizes[getSymbols(argument.view)[argument.axis]] = value;
    break;
  case Counter:
    kernel.counter = value;
    break;
  }
}

FailureOr<Kernel> SignatureBuilder::build() {
  schedule =
      dyn_cast_or_null<sm90::ScheduleAttr>(source.getSchedule().getTarget());
  if (!schedule)
    return source.emitOpError("expected a schedule with a target of "
                              "#sm90.schedule");
  int64_t rows = sm90::kWarpgroupRows * schedule.getConsumerWarpgroups();
  if (source.getSchedule().getBlockQ() != rows)
    return source.emitOpError("expected block_q of ")
           << rows << ", " << sm90::kWarpgroupRows
           << " for each consumer warpgroup, got "
           << source.getSchedule().getBlockQ();
  for (BlockArgument view : source.getArguments())
    for (StringRef attr : {tile::KernelOp::getNameAttrName(),
                           tile::KernelOp::getSymbolsAttrName()})
      if (!source.getArgAttr(view.getArgNumber(), attr))
        return source.emitOpError("expected argument ")
               << view.getArgNumber() << " to have the attribute " << attr;
  if (failed(collectLoads()) || failed(collectStores()) ||
      failed(collectReads()))
    return failure();
  collectSizes();
  if (schedule.getDynamic())
    arguments.push_back(
        {LLVM::LLVMPointerType::get(builder.getContext(), 1), Counter, {}});
  FailureOr<ArrayAttr> extents = createExtents();
  if (failed(extents))
    return failure();

  Kernel kernel;
  kernel.source = source;
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  for (const Argument &argument : arguments) {
    types.push_back(argument.type);
    NamedAttrList list;
    if (argument.use == Counter) {
      list.set(sm90::KernelOp::getCounterAttrName(), builder.getUnitAttr());
      attrs.push_back(list.getDictionary(builder.getContext()));
      continue;
    }
    list.set(sm90::KernelOp::getTensorAttrName(),
             builder.getI64IntegerAttr(numberOf(argument.view)));
    if (argument.axis >= 0)
      list.set(sm90::KernelOp::getAxisAttrName(),
               builder.getI64IntegerAttr(argument.axis));
    attrs.push_back(list.getDictionary(builder.getContext()));
  }
  kernel.target = sm90::KernelOp::create(
      builder, source.getLoc(), source.getSymName(),
      builder.getFunctionType(types, {}), schedule, createTensors(), *extents,
      /*shared_memory=*/IntegerAttr(), /*arg_attrs=*/ArrayAttr(),
      /*res_attrs=*/ArrayAttr());
  function_interface_impl::setAllArgAttrDicts(kernel.target, attrs);
  Block *entry = builder.createBlock(&kernel.target.getBody());
  for (const Argument &argument : arguments)
    bind(kernel, argument, entry->addArgument(argument.type, source.getLoc()));
  allocate(kernel);
  return kernel;
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// Clones the scalars in front of the instances, for both roles. The consumer
/// has its own constants that are tiles.
static LogicalResult cloneScalars(Kernel &kernel, OpBuilder &builder) {
  for (Operation &op : kernel.source.getBody().front()) {
    if (isScalar(&op))
      cloneScalar(kernel, builder, &op, kernel.scalars);
    else if (!op.hasTrait<OpTrait::ConstantLike>() &&
             !isa<scf::ForallOp, tile::ReturnOp>(op))
      return op.emitOpError("is not lowered outside of the scf.forall");
  }
  return success();
}

static LogicalResult convertKernel(tile::KernelOp source) {
  FailureOr<Kernel> kernel = SignatureBuilder(source).build();
  if (failed(kernel))
    return failure();
  Location loc = source.getLoc();
  OpBuilder builder = OpBuilder::atBlockEnd(&kernel->target.getBody().front());
  if (failed(cloneScalars(*kernel, builder)))
    return failure();
  auto roles = sm90::WarpRolesOp::create(builder, loc);
  sm90::ReturnOp::create(builder, loc);
  for (Region &region : roles->getRegions()) {
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&region);
    sm90::YieldOp::create(builder, loc);
  }
  if (failed(buildProducer(*kernel, &roles.getProducer().front())) ||
      failed(buildConsumer(*kernel, &roles.getConsumer().front())))
    return failure();
  source.erase();
  return success();
}

namespace {
struct ConvertTileToSm90
    : attn::impl::ConvertTileToSm90PassBase<ConvertTileToSm90> {
  void runOnOperation() override {
    for (auto kernel :
         llvm::make_early_inc_range(getOperation().getOps<tile::KernelOp>()))
      if (failed(convertKernel(kernel)))
        return signalPassFailure();
  }
};
} // namespace
