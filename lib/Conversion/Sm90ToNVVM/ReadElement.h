//===- ReadElement.h - Elements of tensors in global memory -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_SM90TONVVM_READELEMENT_H
#define ATTN_LIB_CONVERSION_SM90TONVVM_READELEMENT_H

#include "Sm90/Sm90.h"

#include "mlir/IR/Builders.h"

namespace mlir::attn::sm90_to_nvvm {

/// The address, as an i64, of the element of type `element` at `indices` of a
/// compact tensor. Nothing is read, so that it may lie outside.
Value getElementAddress(OpBuilder &builder, Location loc, Value pointer,
                        Type element, ValueRange indices, ValueRange strides);

/// Reads the element that is `offset` elements behind `address`, or zero unless
/// `inside`, which is null for a tensor of rank 0. A float of 16 bits is
/// widened to f32.
Value readElement(OpBuilder &builder, Location loc, sm90::ReadOp op,
                  Value address, int64_t offset, Value inside);

} // namespace mlir::attn::sm90_to_nvvm

#endif // ATTN_LIB_CONVERSION_SM90TONVVM_READELEMENT_H
