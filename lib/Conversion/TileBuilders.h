//===- TileBuilders.h - What kernels of tiles are built with ----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_TILEBUILDERS_H
#define ATTN_LIB_CONVERSION_TILEBUILDERS_H

#include "Tile/Tile.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::attn {

/// `expr` over dims bound to `operands` in order, folded where it can be.
inline Value applyExpr(OpBuilder &builder, Location loc, AffineExpr expr,
                       ValueRange operands) {
  AffineMap map = AffineMap::get(operands.size(), 0, expr);
  return getValueOrCreateConstantIndexOp(
      builder, loc,
      affine::makeComposedFoldedAffineApply(builder, loc, map,
                                            getAsOpFoldResult(operands)));
}

/// The loop over the instances of a kernel, into whose body the builder moves.
/// Returns the indices of an instance.
inline SmallVector<Value> createInstances(OpBuilder &builder, Location loc,
                                          ArrayRef<OpFoldResult> extents) {
  auto forall = scf::ForallOp::create(builder, loc, extents, ValueRange{},
                                      /*mapping=*/std::nullopt);
  tile::ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(forall.getBody());
  return llvm::to_vector(forall.getInductionVars());
}

} // namespace mlir::attn

#endif // ATTN_LIB_CONVERSION_TILEBUILDERS_H
