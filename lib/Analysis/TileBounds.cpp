//===- TileBounds.cpp - The keys that a tile of queries sees --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KeyForms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::key_forms;

static bool hasSymbol(AffineExpr expr) {
  return expr
      .walk([](AffineExpr inner) {
        return isa<AffineSymbolExpr>(inner) ? WalkResult::interrupt()
                                            : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The smallest upper or the largest lower bound, exclusive at the upper end:
/// of the query that sees furthest or, for clean ones, of the one that sees
/// least.
OpFoldResult TileBoundsBuilder::getExtremum(ArrayRef<KeyBound> list,
                                            bool isUpper, bool clean) {
  SmallVector<AffineExpr> exprs;
  SmallVector<OpFoldResult> operands = {query};
  SmallVector<AffineExpr> dims(FirstOperandDim + bounds.operands.size(),
                               builder.getAffineDimExpr(QueryDim));
  for (auto [i, operand] : llvm::enumerate(bounds.operands)) {
    dims[FirstOperandDim + i] = builder.getAffineDimExpr(operands.size());
    Value value = lookup ? lookup(operand) : operand;
    if (!value.getType().isIndex())
      value = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                         value);
    operands.push_back(value);
  }
  SmallVector<AffineExpr> symbols;
  for (Value limit : limits) {
    symbols.push_back(builder.getAffineDimExpr(operands.size()));
    operands.push_back(limit);
  }
  if (!isUpper)
    exprs.push_back(builder.getAffineConstantExpr(0));
  auto add = [&](KeyBound bound) {
    AffineExpr expr = clean && bound.clean ? bound.clean : bound.expr;
    if (limits.empty() && hasSymbol(expr))
      return;
    bool last = (bound.direction > 0) == (isUpper != clean);
    dims[QueryDim] = builder.getAffineDimExpr(0) + (last ? rows - 1 : 0);
    exprs.push_back(expr.replaceDimsAndSymbols(dims, symbols) +
                    (isUpper ? 1 : 0));
  };
  for (KeyBound bound : list)
    if (bound.direction == 0)
      add(bound);
  for (KeyBound bound : list)
    if (bound.direction != 0)
      add(bound);
  AffineMap map =
      AffineMap::get(operands.size(), 0, exprs, builder.getContext());
  if (!isUpper)
    return affine::makeComposedFoldedAffineMax(builder, loc, map, operands);
  if (exprs.size() == 1)
    return affine::makeComposedFoldedAffineApply(builder, loc, map, operands);
  return affine::makeComposedFoldedAffineMin(builder, loc, map, operands);
}

TileBounds TileBoundsBuilder::getBounds(const KeyInterval &interval) {
  TileBounds tile;
  tile.begin = getExtremum(interval.lower, /*isUpper=*/false, /*clean=*/false);
  tile.end = getExtremum(interval.upper, /*isUpper=*/true, /*clean=*/false);
  tile.cleanBegin =
      getExtremum(interval.lower, /*isUpper=*/false, /*clean=*/true);
  tile.cleanEnd = getExtremum(interval.upper, /*isUpper=*/true, /*clean=*/true);
  return tile;
}

Value TileBoundsBuilder::getCondition(const KeyInterval &interval) {
  Value all;
  for (auto [condition, expected] : interval.conditions) {
    Value value = lookup ? lookup(condition) : condition;
    if (!expected) {
      Value yes =
          arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
      value = arith::XOrIOp::create(builder, loc, value, yes);
    }
    all = all ? arith::AndIOp::create(builder, loc, all, value).getResult()
              : value;
  }
  return all;
}
