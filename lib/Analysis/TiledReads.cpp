//===- TiledReads.cpp - Reads that a tile can stand for -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/TiledReads.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

static Value stripCasts(Value value) {
  while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    value = cast.getIn();
  return value;
}

std::optional<int64_t> attn::findQueryAxis(ValueRange indices, Type element,
                                           Value query, Value key,
                                           function_ref<bool(Value)> isShared) {
  if (!isa<BFloat16Type, Float16Type>(element) || indices.empty() ||
      stripCasts(indices.back()) != key)
    return std::nullopt;
  std::optional<int64_t> found;
  for (auto [axis, index] : llvm::enumerate(indices.drop_back())) {
    if (!found && stripCasts(index) == query)
      found = axis;
    else if (!isShared(index))
      return std::nullopt;
  }
  return found;
}
