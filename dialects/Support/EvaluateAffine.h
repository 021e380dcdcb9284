//===- EvaluateAffine.h - The value of an affine expression -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_EVALUATEAFFINE_H
#define ATTN_SUPPORT_EVALUATEAFFINE_H

#include "mlir/IR/AffineExpr.h"
#include "llvm/Support/MathExtras.h"

#include <optional>

namespace mlir::attn {

/// The value of `expr`, whose dimensions and symbols have those that `lookup`
/// says; nothing where one of them is not known, or a divisor is not positive.
/// MLIR's own folding creates attributes, which costs a lock.
inline std::optional<int64_t>
evaluateAffine(AffineExpr expr,
               function_ref<std::optional<int64_t>(AffineExpr)> lookup) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (isa<AffineDimExpr, AffineSymbolExpr>(expr))
    return lookup(expr);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  std::optional<int64_t> lhs = evaluateAffine(binary.getLHS(), lookup);
  std::optional<int64_t> rhs = evaluateAffine(binary.getRHS(), lookup);
  if (!lhs || !rhs)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add)
    return *lhs + *rhs;
  if (expr.getKind() == AffineExprKind::Mul)
    return *lhs * *rhs;
  if (*rhs <= 0)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::FloorDiv)
    return llvm::divideFloorSigned(*lhs, *rhs);
  if (expr.getKind() == AffineExprKind::CeilDiv)
    return llvm::divideCeilSigned(*lhs, *rhs);
  return llvm::mod(*lhs, *rhs);
}

} // namespace mlir::attn

#endif // ATTN_SUPPORT_EVALUATEAFFINE_H
