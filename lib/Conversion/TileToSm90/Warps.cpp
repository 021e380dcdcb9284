//===- Warps.cpp - A kernel whose warps all do the same -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiles are read from memory into registers and written from there, 16-bit ones
// as f32. Matrices lie in strips, which sums go along.
//
//===----------------------------------------------------------------------===//

#include "TileToSm90.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

/// Whether `index + size` is at most `limit`, for all instances.
static bool isInside(Value index, int64_t size, int64_t limit) {
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return *constant >= 0 && *constant + size <= limit;
  // The block that an instance numbers.
  auto apply = index.getDefiningOp<affine::AffineApplyOp>();
  AffineExpr dim = getAffineDimExpr(0, index.getContext());
  if (!apply || apply.getMapOperands().size() != 1 ||
      apply.getAffineMap().getNumDims() != 1 ||
      apply.getAffineMap().getResult(0) != dim * size)
    return false;
  auto block = dyn_cast<BlockArgument>(apply.getMapOperands().front());
  auto forall = block ? dyn_cast<scf::ForallOp>(block.getOwner()->getParentOp())
                      : scf::ForallOp();
  if (!forall || block.getArgNumber() >= forall.getInductionVars().size())
    return false;
  std::optional<int64_t> blocks =
      getConstantIntValue(forall.getMixedUpperBound()[block.getArgNumber()]);
  return blocks && *blocks * size <= limit;
}

template <typename Access> static bool isWholeAccess(Access op) {
  auto view = cast<tile::ViewType>(op.getView().getType());
  ArrayRef<int64_t> tile = cast<VectorType>(op.getTile().getType()).getShape();
  for (auto [axis, size] : llvm::zip_equal(op.getAxes(), tile))
    if (view.isDynamicDim(axis) ||
        !isInside(op.getIndices()[axis], size, view.getDimSize(axis)))
      return false;
  return op.getSlice().empty();
}

bool mlir::attn::tile_to_sm90::isWhole(Operation *op) {
  if (auto load = dyn_cast<tile::LoadOp>(op))
    return isWholeAccess(load);
  return isWholeAccess(cast<tile::StoreOp>(op));
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

namespace {

class Warps {
public:
  Warps(Kernel &kernel, Block *block)
      : kernel(kernel), builder(OpBuilder::atBlockBegin(block)),
        mapping(kernel.scalars), loc(kernel.source.getLoc()) {}

  LogicalResult run();

private:
  LogicalResult convert(Block &block);
  LogicalResult convertOp(Operation *op);
  LogicalResult convertLoad(tile::LoadOp op);
  LogicalResult convertStore(tile::StoreOp op);
  LogicalResult convertExtend(arith::ExtFOp op);
  LogicalResult convertRound(arith::TruncFOp op);
  LogicalResult convertBroadcast(vector::BroadcastOp op);
  LogicalResult convertTranspose(vector::TransposeOp op);
  LogicalResult convertSums(vector::MultiDimReductionOp op);
  LogicalResult convertSum(vector::ReductionOp op);
  LogicalResult convertLoop(scf::ForOp op);
  LogicalResult convertIf(scf::IfOp op);
  LogicalResult convertConstant(Operation *op);
  LogicalResult convertElementwise(Operation *op);

  /// What is summed of the whole length of strips, which several warps may
  /// share.
  Value addWarps(Value part) {
    auto schedule =
        cast<sm90::ScheduleAttr>(kernel.source.getSchedule().getTarget());
    if (schedule.getStripWarps() == sm90::kStripWarps)
      return part;
    return sm90::AddWarpsOp::create(builder, loc, part).getSums().front();
  }
  /// A tile as a fragment, whose elements are f32 or i1.
  Type convertType(Type type) {
    auto vector = dyn_cast<VectorType>(type);
    if (!vector)
      return type;
    Type element = vector.getElementType();
    if (isa<FloatType>(element))
      element = builder.getF32Type();
    return RankedTensorType::get(vector.getShape(), element);
  }
  SmallVector<Type> convertTypes(TypeRange types) {
    return llvm::map_to_vector(types,
                               [&](Type type) { return convertType(type); });
  }
  SmallVector<Value> useAll(ValueRange values) {
    return llvm::map_to_vector(
        values, [&](Value value) { return mapping.lookup(value); });
  }
  SmallVector<Value> getSizes(Value view) {
    SmallVector<Value> sizes;
    for (int64_t axis = 0;
         axis < cast<tile::ViewType>(view.getType()).getRank(); ++axis)
      sizes.push_back(getValueOrCreateConstantIndexOp(
          builder, loc, getSize(kernel, builder, view, axis)));
    return sizes;
  }

  Kernel &kernel;
  OpBuilder builder;
  IRMapping mapping;
  Location loc;
};

} // namespace

LogicalResult Warps::convertLoad(tile::LoadOp op) {
  if (!op.getSlice().empty())
    return op.emitOpError("has a slice, which warps without roles do not "
                          "load");
  auto view = cast<tile::ViewType>(op.getView().getType());
  auto load = sm90::LoadStripsOp::create(
      builder, loc, convertType(op.getTile().getType()),
      kernel.reads.lookup(op.getView()), useAll(op.getIndices()),
      getSizes(op.getView()), kernel.strides.lookup(op.getView()), op.getAxes(),
      view.getElementType(), isWhole(op),
      kernel.constants.contains(op.getView()), op.getCopy());
  mapping.map(op.getTile(), load.getFragment());
  return success();
}

LogicalResult Warps::convertStore(tile::StoreOp op) {
  if (!op.getSlice().empty())
    return op.emitOpError("has a slice, which warps without roles do not "
                          "store");
  auto view = cast<tile::ViewType>(op.getView().getType());
  // A vector is in several warps, all of which have to have read what is
  // updated before one of them writes it. Of a matrix each thread has its own
  // part.
  bool updates = static_cast<bool>(
      kernel.source.getArgAttr(cast<BlockArgument>(op.getView()).getArgNumber(),
                               tile::KernelOp::getUpdatesAttrName()));
  if (updates && op.getAxes().size() == 1)
    sm90::BarrierSyncOp::create(builder, loc);
  sm90::StoreStripsOp::create(builder, loc, mapping.lookup(op.getTile()),
                              kernel.reads.lookup(op.getView()),
                              useAll(op.getIndices()), getSizes(op.getView()),
                              kernel.strides.lookup(op.getView()), op.getAxes(),
                              view.getElementType(), isWhole(op));
  return success();
}

LogicalResult Warps::convertExtend(arith::ExtFOp op) {
  if (!op.getIn().getDefiningOp<tile::LoadOp>())
    return op.emitOpError("expected a tile that is loaded");
  mapping.map(op.getResult(), mapping.lookup(op.getIn()));
  return success();
}

/// A store rounds.
LogicalResult Warps::convertRound(arith::TruncFOp op) {
  if (!llvm::all_of(op->getUsers(),
                    [](Operation *user) { return isa<tile::StoreOp>(user); }))
    return op.emitOpError("expected a tile that is stored");
  mapping.map(op.getResult(), mapping.lookup(op.getIn()));
  return success();
}

LogicalResult Warps::convertBroadcast(vector::BroadcastOp op) {
  Type type = convertType(op.getResultVectorType());
  auto source = dyn_cast<VectorType>(op.getSourceType());
  Value operand = mapping.lookup(op.getSource());
  if (!source) {
    mapping.map(op.getResult(),
                sm90::SplatOp::create(builder, loc, type, operand).getResult());
    return success();
  }
  // What is transposed next is repeated along the other axis.
  if (llvm::all_of(op->getUsers(), [](Operation *user) {
        return isa<vector::TransposeOp>(user);
      }))
    return success();
  if (source.getRank() != 1 || op.getResultVectorType().getRank() != 2 ||
      source.getDimSize(0) != op.getResultVectorType().getDimSize(1))
    return op.emitOpError("expected a scalar, or a row that is repeated");
  mapping.map(op.getResult(),
              sm90::BroadcastStripsOp::create(builder, loc, type, operand,
                                              /*axis=*/0)
                  .getResult());
  return success();
}

LogicalResult Warps::convertTranspose(vector::TransposeOp op) {
  auto repeated = op.getVector().getDefiningOp<vector::BroadcastOp>();
  auto source =
      repeated ? dyn_cast<VectorType>(repeated.getSourceType()) : VectorType();
  if (!source || source.getRank() != 1 ||
      op.getPermutation() != ArrayRef<int64_t>({1, 0}))
    return op.emitOpError("expected a row that is repeated");
  mapping.map(op.getResult(),
              sm90::BroadcastStripsOp::create(
                  builder, loc, convertType(op.getResultVectorType()),
                  mapping.lookup(repeated.getSource()), /*axis=*/1)
                  .getResult());
  return success();
}

LogicalResult Warps::convertSums(vector::MultiDimReductionOp op) {
  if (op.getKind() != vector::CombiningKind::ADD ||
      op.getReductionDims().size() != 1 ||
      op.getSourceVectorType().getRank() != 2 ||
      !matchPattern(op.getAcc(), m_AnyZeroFloat()))
    return op.emitOpError("expected sums from zero of a matrix along an axis");
  mapping.map(op.getResult(),
              addWarps(sm90::ReduceStripsOp::create(
                           builder, loc, convertType(op.getDestType()),
                           sm90::Combine::Sum, mapping.lookup(op.getSource()),
                           op.getReductionDims().front())
                           .getResult()));
  return success();
}

LogicalResult Warps::convertSum(vector::ReductionOp op) {
  if (op.getKind() != vector::CombiningKind::ADD || op.getAcc())
    return op.emitOpError("expected a sum from zero");
  mapping.map(op.getResult(),
              addWarps(sm90::ReduceVectorOp::create(
                           builder, loc, builder.getF32Type(),
                           sm90::Combine::Sum, mapping.lookup(op.getVector()))
                           .getResult()));
  return success();
}

LogicalResult Warps::convertLoop(scf::ForOp op) {
  auto copy =
      scf::ForOp::create(builder, loc, mapping.lookup(op.getLowerBound()),
                         mapping.lookup(op.getUpperBound()),
                         mapping.lookup(op.getStep()), useAll(op.getInits()));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(copy.getBody());
  mapping.map(op.getInductionVar(), copy.getInductionVar());
  mapping.map(op.getRegionIterArgs(), copy.getRegionIterArgs());
  if (failed(convert(*op.getBody())))
    return failure();
  // Without values there is a terminator already.
  if (op.getNumResults() != 0)
    scf::YieldOp::create(builder, loc, useAll(op.getYieldedValues()));
  mapping.map(op.getResults(), copy.getResults());
  return success();
}

LogicalResult Warps::convertIf(scf::IfOp op) {
  auto copy = scf::IfOp::create(builder, loc, convertTypes(op.getResultTypes()),
                                mapping.lookup(op.getCondition()),
                                /*withElseRegion=*/op.elseBlock() != nullptr);
  for (auto [source, target] : {std::pair(op.thenBlock(), copy.thenBlock()),
                                std::pair(op.elseBlock(), copy.elseBlock())}) {
    if (!source)
      continue;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(target);
    if (failed(convert(*source)))
      return failure();
    if (op.getNumResults() != 0)
      scf::YieldOp::create(builder, loc,
                           useAll(source->getTerminator()->getOperands()));
  }
  mapping.map(op.getResults(), copy.getResults());
  return success();
}

LogicalResult Warps::convertConstant(Operation *op) {
  DenseElementsAttr value;
  if (!matchPattern(op, m_Constant(&value)) || !value.isSplat())
    return op->emitOpError("expected a constant of one value");
  auto type = cast<RankedTensorType>(convertType(op->getResult(0).getType()));
  auto splat = DenseElementsAttr::get(
      type,
      static_cast<float>(value.getSplatValue<APFloat>().convertToDouble()));
  mapping.map(op->getResult(0),
              arith::ConstantOp::create(builder, loc, splat).getResult());
  return success();
}

/// Scalars, and what arith and math do to each element of a tile.
LogicalResult Warps::convertElementwise(Operation *op) {
  if (isScalar(op)) {
    cloneScalar(kernel, builder, op, mapping);
    return success();
  }
  auto isTile = [](Type type) { return isa<VectorType>(type); };
  bool hasTile = llvm::any_of(op->getResultTypes(), isTile);
  if (hasTile && op->hasTrait<OpTrait::ConstantLike>())
    return convertConstant(op);
  bool isWide = llvm::all_of(op->getOperandTypes(), [](Type type) {
    return getElementTypeOrSelf(type).isF32();
  });
  if (!hasTile || !isWide || !OpTrait::hasElementwiseMappableTraits(op))
    return op->emitOpError("is not lowered to the sm90 level");
  Operation *copy = builder.create(
      loc, op->getName().getIdentifier(), useAll(op->getOperands()),
      convertTypes(op->getResultTypes()), op->getAttrs());
  mapping.map(op->getResults(), copy->getResults());
  return success();
}

LogicalResult Warps::convertOp(Operation *op) {
  loc = op->getLoc();
  bool isTile =
      op->getNumResults() == 1 && isa<VectorType>(op->getResult(0).getType());
  if (auto extend = dyn_cast<arith::ExtFOp>(op); extend && isTile)
    return convertExtend(extend);
  if (auto round = dyn_cast<arith::TruncFOp>(op); round && isTile)
    return convertRound(round);
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](tile::LoadOp load) { return convertLoad(load); })
      .Case([&](tile::StoreOp store) { return convertStore(store); })
      .Case([&](vector::BroadcastOp other) { return convertBroadcast(other); })
      .Case([&](vector::TransposeOp other) { return convertTranspose(other); })
      .Case(
          [&](vector::MultiDimReductionOp other) { return convertSums(other); })
      .Case([&](vector::ReductionOp other) { return convertSum(other); })
      .Case([&](scf::ForOp loop) { return convertLoop(loop); })
      .Case([&](scf::IfOp branch) { return convertIf(branch); })
      .Default([&](Operation *other) { return convertElementwise(other); });
}

LogicalResult Warps::convert(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(convertOp(&op)))
      return failure();
  return success();
}

LogicalResult Warps::run() {
  // Constants of the kernel's body that are tiles.
  for (Operation &op : kernel.source.getBody().front())
    if (op.hasTrait<OpTrait::ConstantLike>() &&
        isa<VectorType>(op.getResult(0).getType()) && failed(convertOp(&op)))
      return failure();
  Counts counts;
  return forEachInstance(kernel, Role::Consumer, builder, mapping, counts,
                         [&](Block &source) { return convert(source); });
}

LogicalResult mlir::attn::tile_to_sm90::buildWarps(Kernel &kernel,
                                                   Block *block) {
  return Warps(kernel, block).run();
}
