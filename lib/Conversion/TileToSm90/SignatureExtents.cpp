//===- SignatureExtents.cpp - How many instances a launch has -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SignatureBuilder.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

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
