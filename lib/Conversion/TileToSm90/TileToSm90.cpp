//===- TileToSm90.cpp - Divide a kernel among warps -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"

#include "ChunkRole.h"
#include "SignatureBuilder.h"

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

bool mlir::attn::tile_to_sm90::isOfScores(tile::LoadOp load) {
  return llvm::all_of(load->getUsers(), llvm::IsaPred<tile::ScoreOp>);
}

LoadKey mlir::attn::tile_to_sm90::getKey(tile::LoadOp load, bool isChunk) {
  return {load.getView(), load.getTile().getType(), !isChunk && isQueries(load),
          load.getCopy()};
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
    bool isWanted = kernel->split || &region == &roles.getProducer() ||
                    &region == &roles.getConsumer();
    if (&region == &roles.getNumbers() && kernel->split)
      isWanted = !kernel->split->numbers.empty();
    if (&region == &roles.getGates() && kernel->split)
      isWanted = !kernel->split->gates.empty();
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
