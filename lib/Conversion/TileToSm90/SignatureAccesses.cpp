//===- SignatureAccesses.cpp - What a kernel needs of its views -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SignatureBuilder.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

template <typename Access>
LogicalResult SignatureBuilder::addTensorMap(Access access, Use use,
                                             int64_t rows, int64_t columns) {
  auto tile = cast<VectorType>(access.getTile().getType());
  // Boxes of numbers are not what products and fragments are read from.
  if (tile.getElementType().isF32())
    return access.emitOpError("cannot be a copy: expected elements of 16 bits, "
                              "got ")
           << tile;
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
  auto isGated = [&](Operation *round) {
    auto gated = round->getNumResults() == 1 ? findGated(round->getResult(0))
                                             : std::nullopt;
    return gated && gated->gates == load;
  };
  auto isFactor = [&](Operation *user) {
    return llvm::any_of(user->getUsers(), isGated);
  };
  return isBonus(load.getTile()) ||
         llvm::any_of(load->getUsers(), [&](Operation *user) {
           return isa<tile::DecaySumsOp>(user) || isFactor(user) ||
                  (isa<arith::ExtFOp>(user) &&
                   llvm::any_of(user->getUsers(), isFactor));
         });
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
    if (split && !split->isOutput(store)) {
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

/// Whether copies may bring what is loaded (sm90-stage-strips).
static bool canBeStaged(Operation *op, sm90::ScheduleAttr schedule) {
  auto load = dyn_cast<tile::LoadOp>(op);
  return load && schedule.getStageStrips() &&
         cast<VectorType>(load.getTile().getType()).getRank() == 2;
}

/// Without roles, all goes through pointers. Four neighbours are accessed at
/// once where nothing lies outside, or copies take rows.
void SignatureBuilder::collectAccesses() {
  constexpr int64_t kNeighbours = 4, kCopyBytes = 16;
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
    int64_t accessed = canBeStaged(op, schedule)
                           ? kCopyBytes
                           : kNeighbours * element.getIntOrFloatBitWidth() / 8;
    alignment = std::max(alignment, accessed);
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
