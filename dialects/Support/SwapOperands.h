//===- SwapOperands.h - Comparisons the other way around --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_SWAPOPERANDS_H
#define ATTN_SUPPORT_SWAPOPERANDS_H

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::attn {

/// The predicate for the operands in the other order; not of unsigned ones.
inline arith::CmpIPredicate swapOperands(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::slt:
    return arith::CmpIPredicate::sgt;
  case arith::CmpIPredicate::sle:
    return arith::CmpIPredicate::sge;
  case arith::CmpIPredicate::sgt:
    return arith::CmpIPredicate::slt;
  case arith::CmpIPredicate::sge:
    return arith::CmpIPredicate::sle;
  default:
    return predicate;
  }
}

} // namespace mlir::attn

#endif // ATTN_SUPPORT_SWAPOPERANDS_H
