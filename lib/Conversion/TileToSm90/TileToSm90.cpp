//===- TileToSm90.cpp - Divide a kernel among warps
//------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"

#include "ChunkRole.h"
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

bool mlir::attn::tile_to_sm90::isQueries(tile::LoadOp load) {
  return llvm::all_of(load->getUses(), [](OpOperand &use) {
    return isa<tile::DotOp>(use.getOwner()) && use.getOperandNumber() == 0;
  });
}

/// Of chunks, tiles are neither queries nor keys.
static LoadKey getKey(tile::LoadOp load, bool isChunk) {
  return {load.getView(), load.getTile().getType(),
          !isChunk && isQueries(load)};
}

LoadKey Kernel::keyOf(tile::LoadOp load) const {
  return getKey(load, split.has_value());
}

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
    const LoadKey &key = entry.first;
    WalkResult found = op->walk([&](tile::LoadOp load) {
      return kernel.keyOf(load) == key ? WalkResult::interrupt()
                                       : WalkResult::advance();
    });
    if (found.wasInterrupted())
      used.push_back(index);
  }
  return used;
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
  enum Use { Load, Store, Read, Size, Stride, Counter };

  struct Argument {
    Type type;
    Use use;
    /// Null for the counter of instances.
    Value view;
    /// The axis of a size or of a stride, or -1.
    int64_t axis = -1;
    /// What the address and the strides are multiples of, in bytes, or 0.
    int64_t alignment = 0;
    /// Of a tensor map that is loaded through.
    LoadKey load = {};
  };

  LogicalResult collectLoads();
  LogicalResult collectStores();
  LogicalResult collectElements();
  LogicalResult addMatrix(tile::StoreOp store);
  void collectAccesses();
  void addPointer(Use use, Value view, int64_t alignment = 0);
  LogicalResult checkSchedule();
  LogicalResult checkArguments();
  void createTarget(Kernel &kernel, ArrayAttr extents);
  void findConstants(Kernel &kernel);
  void collectSizes();
  template <typename Access>
  LogicalResult addTensorMap(Access access, Use use, int64_t rows,
                             int64_t columns);
  FailureOr<ArrayAttr> createExtents();
  FailureOr<sm90::ExtentAttr> createExtent(OpFoldResult bound);
  FailureOr<sm90::ExtentAttr> createSegments(tile::SegmentCountOp op);
  ArrayAttr createTensors();
  void allocate(Kernel &kernel);
  Ring createRing(sm90::BufferType buffer, int64_t fullArrivals,
                  int64_t emptyArrivals);
  void allocateHandedOver(Kernel &kernel);
  void allocateDecays(Kernel &kernel, tile::DecaySumsOp op);
  void bind(Kernel &kernel, const Argument &argument, Value value);
  Type getPointerType() {
    return LLVM::LLVMPointerType::get(builder.getContext(), 1);
  }

  tile::KernelOp source;
  OpBuilder builder;
  sm90::ScheduleAttr schedule;
  std::optional<RoleSplit> split;
  SmallVector<Argument> arguments;
  llvm::MapVector<LoadKey, tile::LoadOp> loads;
  llvm::MapVector<Value, tile::StoreOp> stores;
};

} // namespace

static int64_t numberOf(Value view) {
  return cast<BlockArgument>(view).getArgNumber();
}

template <typename Access>
LogicalResult SignatureBuilder::addTensorMap(Access access, Use use,
                                             int64_t rows, int64_t columns) {
  auto tile = cast<VectorType>(access.getTile().getType());
  auto map = sm90::TensorMapType::getChecked(
      [&] { return access.emitOpError("cannot be a copy: "); },
      builder.getContext(), rows, columns, tile.getElementType(),
      access.getAxes(), access.getView().getType().getRank(),
      !access.getSlice().empty());
  if (!map)
    return failure();
  arguments.push_back({map, use, access.getView()});
  return success();
}

static bool isOfGates(tile::LoadOp load) {
  return llvm::any_of(load->getUsers(), llvm::IsaPred<tile::DecaySumsOp>);
}

/// Of a kernel with an auxiliary: not numbers or gates, and not the state,
/// which each thread loads for itself.
static bool isCopied(tile::LoadOp load) {
  return !isNumbersType(load.getTile().getType()) && !isOfGates(load) &&
         load->getParentOfType<scf::ForOp>();
}

LogicalResult SignatureBuilder::collectLoads() {
  WalkResult result = source.walk([&](tile::LoadOp load) {
    auto type = cast<VectorType>(load.getTile().getType());
    if (split && !isCopied(load))
      return WalkResult::advance();
    LoadKey key = getKey(load, split.has_value());
    auto [it, isNew] = loads.insert({key, load});
    if (!isNew) {
      if (it->second.getAxes() == load.getAxes() &&
          it->second.getSlice().empty() == load.getSlice().empty())
        return WalkResult::advance();
      load.emitOpError("expected all loads of one tile type from one view to "
                       "have the same axes, all of a slice or none, got [")
          << load.getAxes() << "] and [" << it->second.getAxes() << "]";
      return WalkResult::interrupt();
    }
    if (type.getRank() != 2) {
      load.emitOpError("expected a tile of rank 2, got ") << type;
      return WalkResult::interrupt();
    }
    if (failed(
            addTensorMap(load, Load, type.getDimSize(0), type.getDimSize(1))))
      return WalkResult::interrupt();
    arguments.back().load = key;
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// A warpgroup stores 64 rows of what it computes. In a loop over chunks that
/// is transposed, so they are columns of the tile. The copy engine knows where
/// a tensor ends along each axis; threads compare rows alone.
LogicalResult SignatureBuilder::addMatrix(tile::StoreOp store) {
  auto type = cast<VectorType>(store.getTile().getType());
  if (split)
    return addTensorMap(store, Store, type.getDimSize(0), sm90::kWarpgroupRows);
  if (!schedule.getOutputFromRegisters())
    return addTensorMap(store, Store, sm90::kWarpgroupRows, type.getDimSize(1));
  tile::ViewType view = store.getView().getType();
  int64_t innermost = view.getRank() - 1;
  if (store.getAxes()[1] != innermost ||
      view.getShape()[innermost] != type.getDimSize(1) ||
      !isConstantIntValue(store.getIndices()[innermost], 0) ||
      type.getElementTypeBitWidth() != 16)
    return store.emitOpError("expected a tile of whole rows of 16-bit elements "
                             "for output_from_registers, got ")
           << type << " of " << view;
  addPointer(Store, store.getView(), sm90::kStoreBytes);
  return success();
}

LogicalResult SignatureBuilder::collectStores() {
  WalkResult result = source.walk([&](tile::StoreOp store) {
    auto fail = [&](const Twine &message) {
      store.emitOpError(message);
      return WalkResult::interrupt();
    };
    auto type = cast<VectorType>(store.getTile().getType());
    TypedValue<tile::ViewType> view = store.getView();
    bool isLoaded = llvm::any_of(
        loads, [&](auto &entry) { return entry.second.getView() == view; });
    if (!stores.insert({store.getView(), store}).second || isLoaded)
      return fail("expected one access to a view that is stored to");
    if (split && !store->getParentOfType<scf::ForOp>()) {
      addPointer(Store, store.getView());
      return WalkResult::advance();
    }
    if (type.getRank() == 2)
      return failed(addMatrix(store)) ? WalkResult::interrupt()
                                      : WalkResult::advance();
    if (store.getAxes().front() != view.getType().getRank() - 1)
      return fail("expected a row of values along the innermost axis");
    addPointer(Store, store.getView());
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

/// Whether a count of segments is one of instances, which a launch knows.
static bool isBound(tile::SegmentCountOp op) {
  return llvm::any_of(op->getUsers(), llvm::IsaPred<scf::ForallOp>);
}

/// Of single elements, which are written as well.
LogicalResult SignatureBuilder::collectElements() {
  DenseSet<Value> seen;
  auto add = [&](Value view, Use use, int64_t alignment = 0) {
    if (seen.insert(view).second)
      addPointer(use, view, alignment);
  };
  WalkResult result = source.walk([&](Operation *op) {
    if (auto find = dyn_cast<tile::FindSequenceOp>(op))
      add(find.getCuSeqlens(), Read);
    if (auto write = dyn_cast<tile::WriteOp>(op))
      add(write.getView(), Store);
    auto segments = dyn_cast<tile::SegmentCountOp>(op);
    if (segments && !isBound(segments)) {
      segments.emitOpError("expected to be a bound of the scf.forall");
      return WalkResult::interrupt();
    }
    if (auto norm = dyn_cast<tile::SquaredNormOp>(op))
      if (seen.insert(norm.getView()).second)
        addPointer(Read, norm.getView(), sm90::kReadBytes);
    auto load = dyn_cast<tile::LoadOp>(op);
    if (load && split && !isCopied(load))
      add(load.getView(), Read, isOfGates(load) ? sm90::kStoreBytes : 0);
    auto read = dyn_cast<tile::ReadOp>(op);
    if (!read)
      return WalkResult::advance();
    if (!isReadable(read.getElement().getType())) {
      read.emitOpError("expected an element of 1, 8, 16, 32 or 64 bits, got ")
          << read.getElement().getType();
      return WalkResult::interrupt();
    }
    add(read.getView(), Read);
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Without roles, all goes through pointers. Four neighbours are accessed at
/// once where nothing lies outside.
void SignatureBuilder::collectAccesses() {
  constexpr int64_t kNeighbours = 4;
  llvm::MapVector<Value, int64_t> alignments;
  source.walk([&](Operation *op) {
    Value view;
    if (auto load = dyn_cast<tile::LoadOp>(op))
      view = load.getView();
    else if (auto store = dyn_cast<tile::StoreOp>(op))
      view = store.getView();
    else if (auto read = dyn_cast<tile::ReadOp>(op))
      view = read.getView();
    else
      return;
    int64_t &alignment = alignments[view];
    if (isa<tile::ReadOp>(op) || !isWhole(op))
      return;
    Type element = cast<tile::ViewType>(view.getType()).getElementType();
    alignment = kNeighbours * element.getIntOrFloatBitWidth() / 8;
  });
  for (auto [view, alignment] : alignments)
    addPointer(Read, view, alignment);
}

void SignatureBuilder::addPointer(Use use, Value view, int64_t alignment) {
  arguments.push_back({getPointerType(), use, view, /*axis=*/-1, alignment});
  for (int64_t axis = 0;
       axis + 1 < cast<tile::ViewType>(view.getType()).getRank(); ++axis)
    arguments.push_back({builder.getI64Type(), Stride, view, axis});
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
    auto updates = source.getArgAttrOfType<IntegerAttr>(
        index, tile::KernelOp::getUpdatesAttrName());
    tensors.push_back(sm90::TensorAttr::get(
        builder.getContext(),
        source.getArgAttrOfType<StringAttr>(index,
                                            tile::KernelOp::getNameAttrName()),
        RankedTensorType::get(type.getShape(), type.getElementType()),
        getSymbols(view), output,
        least ? least.asArrayRef() : ArrayRef<int64_t>(),
        updates ? updates.getInt() : -1,
        static_cast<bool>(
            source.getArgAttr(index, tile::KernelOp::getWorkspaceAttrName()))));
  }
  return builder.getArrayAttr(tensors);
}

/// A bound of the instance loop, as a launch can compute it: a constant, a
/// size, or an affine expression of sizes.
FailureOr<sm90::ExtentAttr> SignatureBuilder::createExtent(OpFoldResult bound) {
  auto map = AffineMap::get(0, 1, builder.getAffineSymbolExpr(0));
  SmallVector<Value> operands;
  if (auto value = dyn_cast<Value>(bound))
    if (auto segments = value.getDefiningOp<tile::SegmentCountOp>())
      return createSegments(segments);
  if (std::optional<int64_t> constant = getConstantIntValue(bound)) {
    map = AffineMap::getConstantMap(*constant, builder.getContext());
  } else if (auto apply =
                 cast<Value>(bound).getDefiningOp<affine::AffineApplyOp>()) {
    // All operands as symbols.
    AffineMap own = apply.getAffineMap();
    SmallVector<AffineExpr> dims, symbols;
    for (unsigned i = 0; i < own.getNumInputs(); ++i)
      (i < own.getNumDims() ? dims : symbols)
          .push_back(builder.getAffineSymbolExpr(i));
    map = own.replaceDimsAndSymbols(dims, symbols, 0, own.getNumInputs());
    llvm::append_range(operands, apply.getMapOperands());
  } else {
    operands.push_back(cast<Value>(bound));
  }
  SmallVector<int64_t> sizes;
  for (Value operand : operands) {
    auto dim = operand.getDefiningOp<tile::DimOp>();
    if (!dim)
      return source.emitOpError("expected each bound of the scf.forall to be a "
                                "constant or an affine expression of sizes");
    sizes.push_back(numberOf(dim.getView()));
    sizes.push_back(static_cast<int64_t>(dim.getAxis()));
  }
  return sm90::ExtentAttr::get(builder.getContext(), map, sizes);
}

/// A number of parts, which the kernel takes from the size of what it writes
/// for later ones.
FailureOr<sm90::ExtentAttr>
SignatureBuilder::createSegments(tile::SegmentCountOp op) {
  auto isWritten = [&](BlockArgument view) {
    auto has = [&](StringRef name) {
      return bool(source.getArgAttr(view.getArgNumber(), name));
    };
    return has(tile::KernelOp::getWorkspaceAttrName()) &&
           has(tile::KernelOp::getOutputAttrName());
  };
  if (!llvm::any_of(source.getArguments(), isWritten))
    return op.emitOpError("expected a kernel that writes a workspace");
  FailureOr<sm90::ExtentAttr> chunks = createExtent(op.getChunks());
  FailureOr<sm90::ExtentAttr> others = createExtent(op.getOthers());
  if (failed(chunks) || failed(others))
    return failure();
  unsigned own = chunks->getMap().getNumSymbols();
  unsigned all = own + others->getMap().getNumSymbols();
  AffineExpr results[] = {chunks->getMap().getResult(0).floorDiv(op.getLeast()),
                          others->getMap().getResult(0).shiftSymbols(
                              others->getMap().getNumSymbols(), own)};
  SmallVector<int64_t> sizes(chunks->getSizes());
  llvm::append_range(sizes, others->getSizes());
  return sm90::ExtentAttr::get(
      builder.getContext(),
      AffineMap::get(0, all, results, builder.getContext()), sizes);
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

/// A buffer with a barrier for each stage that has been filled, and for each
/// that is free.
Ring SignatureBuilder::createRing(sm90::BufferType buffer, int64_t fullArrivals,
                                  int64_t emptyArrivals) {
  Location loc = source.getLoc();
  auto barrier =
      sm90::MBarrierType::get(builder.getContext(), buffer.getStages());
  Ring ring;
  ring.buffer = sm90::AllocOp::create(builder, loc, buffer, IntegerAttr());
  ring.full = sm90::MBarrierInitOp::create(builder, loc, barrier, fullArrivals,
                                           IntegerAttr());
  ring.empty = sm90::MBarrierInitOp::create(builder, loc, barrier,
                                            emptyArrivals, IntegerAttr());
  return ring;
}

/// What goes from the numbers and from the auxiliary to others.
void SignatureBuilder::allocateHandedOver(Kernel &kernel) {
  MLIRContext *context = builder.getContext();
  Location loc = source.getLoc();
  constexpr int64_t kWarps = 4, kWarpThreads = 32;
  int64_t consumerWarps = kWarps * schedule.getConsumerWarpgroups();
  int64_t stages = schedule.getKvStages();
  constexpr int64_t kSide = sm90::kWarpgroupRows;
  Type f32 = builder.getF32Type();
  for (Value value : split->handedTiles) {
    auto type = cast<VectorType>(value.getType());
    // What the last product of a chunk reads is the first of the next one.
    auto apply = value.getDefiningOp<tile::ApplyDecayOp>();
    auto buffer = sm90::BufferType::get(
        context, stages + (apply && apply.getToEnd() ? 1 : 0),
        type.getDimSize(0), type.getDimSize(1), type.getElementType());
    kernel.tileRings[value] =
        createRing(buffer, sm90::kWarpgroupThreads, consumerWarps);
  }
  if (!split->handedNumbers.empty()) {
    auto type = cast<VectorType>(split->handedNumbers.front().getType());
    int64_t rows = split->handedNumbers.size();
    // Where there are gates of channels, the next ones are loaded while the
    // warp waits for a place for those.
    kernel.numbersRing = createRing(
        sm90::BufferType::get(context, stages + (split->decaySums ? 1 : 0),
                              rows, type.getDimSize(0), f32),
        kWarpThreads,
        (split->auxiliaryReads ? kWarps : 0) +
            (split->consumerReads ? consumerWarps : 0));
  }
  if (tile::DecaySumsOp sums = split->decaySums)
    allocateDecays(kernel, sums);
  if (!llvm::any_of(split->auxiliary, llvm::IsaPred<tile::InvertUnitLowerOp>))
    return;
  kernel.inverseScratch = sm90::AllocOp::create(
      builder, loc,
      sm90::BufferType::get(context, 1, kSide, kSide, builder.getF16Type()),
      IntegerAttr());
  kernel.inverseBlocks = sm90::AllocOp::create(
      builder, loc,
      sm90::BufferType::get(context, 1, kSide, sm90::kDiagonalBlock, f32),
      IntegerAttr());
}

/// Consumers read what is left of a chunk late: it has a stage more. So do
/// gates where there is no inverse, which leaves memory, but not the time for
/// their copies.
void SignatureBuilder::allocateDecays(Kernel &kernel, tile::DecaySumsOp op) {
  MLIRContext *context = builder.getContext();
  constexpr int64_t kWarps = 4, kWarpThreads = 32;
  auto type = cast<VectorType>(op.getSums().getType());
  int64_t channels = type.getDimSize(1), stages = schedule.getKvStages();
  bool inverts =
      llvm::any_of(split->auxiliary, llvm::IsaPred<tile::InvertUnitLowerOp>);
  Type f32 = builder.getF32Type();
  kernel.gatesRing =
      createRing(sm90::BufferType::get(context, stages + (inverts ? 0 : 1),
                                       type.getDimSize(0), channels, f32),
                 kWarpThreads, kWarps);
  kernel.wholeRing = createRing(
      sm90::BufferType::get(context, stages + 1, 1, channels, f32),
      sm90::kWarpgroupThreads, kWarps * schedule.getConsumerWarpgroups());
  kernel.decayScratch = sm90::AllocOp::create(
      builder, source.getLoc(),
      sm90::BufferType::get(context, 1, sm90::kDecayScratchRows, channels,
                            builder.getF16Type()),
      IntegerAttr());
}

/// Allocates buffers and barriers at the start of the kernel.
void SignatureBuilder::allocate(Kernel &kernel) {
  Location loc = source.getLoc();
  MLIRContext *context = builder.getContext();
  int64_t consumerWarps = 4 * schedule.getConsumerWarpgroups();
  for (auto &entry : loads) {
    const LoadKey &key = entry.first;
    tile::LoadOp load = entry.second;
    auto type = cast<VectorType>(load.getTile().getType());
    // What is loaded once per instance needs no second stage.
    bool inLoop = false;
    source.walk([&](tile::LoadOp other) {
      inLoop |=
          kernel.keyOf(other) == key && other->getParentOfType<scf::ForOp>();
    });
    int64_t stages = inLoop ? schedule.getKvStages() : 1;
    int64_t readers = consumerWarps;
    if (split)
      readers = (split->loads(Part::Consumer, load) ? consumerWarps : 0) +
                (split->loads(Part::Auxiliary, load) ? 4 : 0);
    Ring &ring = kernel.rings[key];
    Value map = ring.map;
    ring = createRing(sm90::BufferType::get(context, stages, type.getDimSize(0),
                                            type.getDimSize(1),
                                            type.getElementType()),
                      /*fullArrivals=*/1, readers);
    ring.map = map;
    ring.keep = inLoop;
  }
  if (split)
    allocateHandedOver(kernel);
  if (schedule.getDynamic()) {
    findHandedScalars(kernel);
    constexpr int64_t kTickets = 2;
    auto barrier = sm90::MBarrierType::get(context, kTickets);
    kernel.tickets = sm90::TicketsAllocOp::create(
        builder, loc,
        sm90::TicketsType::get(context, kTickets, kernel.handed.size()),
        IntegerAttr());
    kernel.ticketFull =
        sm90::MBarrierInitOp::create(builder, loc, barrier, 1, IntegerAttr());
    kernel.ticketEmpty = sm90::MBarrierInitOp::create(
        builder, loc, barrier, consumerWarps, IntegerAttr());
  }
  for (auto [view, store] : stores) {
    auto type = cast<VectorType>(store.getTile().getType());
    if (type.getRank() != 2 || schedule.getOutputFromRegisters() ||
        (split && !store->getParentOfType<scf::ForOp>()))
      continue;
    kernel.storesMatrix = true;
    if (split) {
      // The columns of each warpgroup behind each other.
      int64_t rows = type.getDimSize(0) * schedule.getConsumerWarpgroups();
      kernel.staging[view] = sm90::AllocOp::create(
          builder, loc,
          sm90::BufferType::get(context, /*stages=*/1, rows,
                                sm90::kWarpgroupRows, type.getElementType()),
          IntegerAttr());
      continue;
    }
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
    kernel.rings[argument.load].map = value;
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
  case Stride:
    kernel.strides[argument.view].push_back(value);
    break;
  case Counter:
    kernel.counter = value;
    break;
  }
}

/// Without copies there is no producer to hand instances out: a block for each
/// instance. What is divided among more roles is not there either; its
/// registers are those of the consumers, of which there are two, as many as
/// search for attention.
static sm90::ScheduleAttr withoutCopies(sm90::ScheduleAttr schedule) {
  constexpr int64_t kConsumers = 2, kProducerRegisters = 40,
                    kConsumerRegisters = 232;
  bool hasAuxiliary = schedule.getAuxiliaryRegisters() != 0;
  return sm90::ScheduleAttr::get(
      schedule.getContext(), schedule.getKvStages(),
      hasAuxiliary ? kConsumers : schedule.getConsumerWarpgroups(),
      hasAuxiliary ? kProducerRegisters : schedule.getProducerRegisters(),
      hasAuxiliary ? kConsumerRegisters : schedule.getConsumerRegisters(),
      schedule.getQueryInRegisters(), schedule.getOutputInQueryBuffer(),
      schedule.getOutputFromRegisters(), /*persistent=*/false,
      /*dynamic=*/false, schedule.getPingPong(), schedule.getNarrowTanh(),
      schedule.getHoistMask(), schedule.getClearAccumulators(),
      schedule.getDependentLaunch(), schedule.getWarpRoles(),
      /*auxiliary_registers=*/0);
}

static bool hasCopies(tile::KernelOp kernel) {
  return kernel.walk([](tile::LoadOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

LogicalResult SignatureBuilder::checkSchedule() {
  schedule =
      dyn_cast_or_null<sm90::ScheduleAttr>(source.getSchedule().getTarget());
  if (!schedule)
    return source.emitOpError("expected a schedule with a target of "
                              "#sm90.schedule");
  if (!schedule.getWarpRoles()) {
    if (sm90::findStripLanes(source.getSchedule().getBlockQ()))
      return success();
    return source.emitOpError("expected block_q of 16, 32, 64 or 128 without "
                              "warp_roles, got ")
           << source.getSchedule().getBlockQ();
  }
  int64_t rows = sm90::kWarpgroupRows * schedule.getConsumerWarpgroups();
  if (source.getSchedule().getBlockQ() != rows)
    return source.emitOpError("expected block_q of ")
           << rows << ", " << sm90::kWarpgroupRows
           << " for each consumer warpgroup, got "
           << source.getSchedule().getBlockQ();
  return success();
}

LogicalResult SignatureBuilder::checkArguments() {
  for (BlockArgument view : source.getArguments())
    for (StringRef attr : {tile::KernelOp::getNameAttrName(),
                           tile::KernelOp::getSymbolsAttrName()})
      if (!source.getArgAttr(view.getArgNumber(), attr))
        return source.emitOpError("expected argument ")
               << view.getArgNumber() << " to have the attribute " << attr;
  return success();
}

void SignatureBuilder::createTarget(Kernel &kernel, ArrayAttr extents) {
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
    if (argument.alignment > 0)
      list.set(sm90::KernelOp::getAlignmentAttrName(),
               builder.getI64IntegerAttr(argument.alignment));
    attrs.push_back(list.getDictionary(builder.getContext()));
  }
  kernel.target = sm90::KernelOp::create(
      builder, source.getLoc(), source.getSymName(),
      builder.getFunctionType(types, {}), schedule, createTensors(), extents,
      /*shared_memory=*/IntegerAttr(), /*arg_attrs=*/ArrayAttr(),
      /*res_attrs=*/ArrayAttr());
  function_interface_impl::setAllArgAttrDicts(kernel.target, attrs);
  Block *entry = builder.createBlock(&kernel.target.getBody());
  for (const Argument &argument : arguments)
    bind(kernel, argument, entry->addArgument(argument.type, source.getLoc()));
}

/// Inputs that no output updates. A matrix is one that an instance may find its
/// own output in place of: it is read before that is written.
void SignatureBuilder::findConstants(Kernel &kernel) {
  for (BlockArgument view : source.getArguments())
    if (!source.getArgAttr(view.getArgNumber(),
                           tile::KernelOp::getOutputAttrName()))
      kernel.constants.insert(view);
  for (unsigned i = 0, e = source.getArgumentTypes().size(); i != e; ++i)
    if (auto updates = source.getArgAttrOfType<IntegerAttr>(
            i, tile::KernelOp::getUpdatesAttrName()))
      kernel.constants.erase(source.getArgument(updates.getInt()));
  source.walk([&](tile::LoadOp load) {
    if (cast<VectorType>(load.getTile().getType()).getRank() == 2)
      kernel.constants.erase(load.getView());
  });
}

FailureOr<Kernel> SignatureBuilder::build() {
  if (failed(checkSchedule()) || failed(checkArguments()))
    return failure();
  if (!hasCopies(source))
    schedule = withoutCopies(schedule);
  if (schedule.getAuxiliaryRegisters()) {
    if (schedule.getPersistent())
      return source.emitOpError("expected a schedule with an auxiliary that is "
                                "not persistent");
    FailureOr<RoleSplit> found = splitRoles(source);
    if (failed(found))
      return failure();
    split = std::move(*found);
  }
  if (!schedule.getWarpRoles())
    collectAccesses();
  else if (failed(collectLoads()) || failed(collectStores()) ||
           failed(collectElements()))
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
  kernel.split = split;
  source.walk([&](tile::FinishSoftmaxOp op) {
    kernel.repeats |= op.getSumLimit().has_value();
  });
  if (kernel.repeats && !schedule.getDynamic())
    return source.emitOpError("expected a dynamic schedule, since instances "
                              "that fail are computed again");
  createTarget(kernel, *extents);
  findConstants(kernel);
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

/// All warps do the same.
static LogicalResult convertWarps(Kernel &kernel, OpBuilder &builder) {
  Location loc = kernel.source.getLoc();
  auto warps = sm90::WarpsOp::create(builder, loc);
  sm90::ReturnOp::create(builder, loc);
  Block *block = builder.createBlock(&warps.getBody());
  sm90::YieldOp::create(builder, loc);
  if (failed(buildWarps(kernel, block)))
    return failure();
  kernel.source.erase();
  return success();
}

static LogicalResult convertKernel(tile::KernelOp source) {
  FailureOr<Kernel> kernel = SignatureBuilder(source).build();
  if (failed(kernel))
    return failure();
  placeQueries(*kernel);
  findZeros(*kernel);
  Location loc = source.getLoc();
  OpBuilder builder = OpBuilder::atBlockEnd(&kernel->target.getBody().front());
  if (failed(cloneScalars(*kernel, builder)))
    return failure();
  if (kernel->schedule().getDependentLaunch())
    sm90::AwaitPreviousLaunchOp::create(builder, loc);
  if (!kernel->schedule().getWarpRoles())
    return convertWarps(*kernel, builder);
  auto roles = sm90::WarpRolesOp::create(builder, loc);
  sm90::ReturnOp::create(builder, loc);
  for (Region &region : roles->getRegions()) {
    bool isWanted = kernel->split || (&region != &roles.getNumbers() &&
                                      &region != &roles.getAuxiliary());
    if (&region == &roles.getNumbers() && kernel->split)
      isWanted =
          !kernel->split->handedNumbers.empty() || kernel->split->decaySums;
    if (!isWanted)
      continue;
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&region);
    sm90::YieldOp::create(builder, loc);
  }
  if (failed(buildProducer(*kernel, &roles.getProducer().front())))
    return failure();
  if (failed(kernel->split
                 ? buildChunkRoles(*kernel, roles)
                 : buildConsumer(*kernel, &roles.getConsumer().front())))
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
