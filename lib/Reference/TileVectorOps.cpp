//===- TileVectorOps.cpp - Tiles made of other tiles ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops of the vector dialect on tiles of one or two dimensions.
//
//===----------------------------------------------------------------------===//

#include "TileInstance.h"

using namespace mlir;
using namespace mlir::attn::reference;

/// Repeats a scalar in every element, or a row in every row.
LogicalResult Instance::run(vector::BroadcastOp op) {
  auto source = dyn_cast<VectorType>(op.getSourceType());
  VectorType type = op.getResultVectorType();
  if (source &&
      source.getShape() != type.getShape().take_back(source.getRank()))
    return fail(op, "expected a scalar or whole rows to be repeated");
  const TileValue &value = get(op.getSource());
  TileValue result;
  for (int64_t i = 0, e = type.getNumElements(); i != e; ++i) {
    if (value.integers.empty())
      result.floats.push_back(value.floats[i % value.size()]);
    else
      result.integers.push_back(value.integers[i % value.size()]);
  }
  set(op, std::move(result));
  return success();
}

LogicalResult Instance::run(vector::TransposeOp op) {
  VectorType type = op.getSourceVectorType();
  if (op.getPermutation() != ArrayRef<int64_t>({1, 0}) ||
      !isa<FloatType>(type.getElementType()))
    return fail(op, "expected a tile of floats whose two dimensions are "
                    "exchanged");
  const std::vector<float> &source = get(op.getVector()).floats;
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  TileValue result;
  for (int64_t column = 0; column != columns; ++column)
    for (int64_t row = 0; row != rows; ++row)
      result.floats.push_back(source[row * columns + column]);
  set(op, std::move(result));
  return success();
}

/// A float of a row, or a row of a tile.
LogicalResult Instance::run(vector::ExtractOp op) {
  int64_t rank = op.getSourceVectorType().getRank();
  if (!isa<FloatType>(getElementTypeOrSelf(op.getType())) || rank > 2 ||
      op.getNumIndices() != 1 || op.hasDynamicPosition())
    return fail(op, "expected one float of a tile of one dimension, or a row "
                    "of one of two, at a constant position");
  int64_t count = rank == 1 ? 1 : op.getSourceVectorType().getDimSize(1);
  ArrayRef<float> all = get(op.getSource()).floats;
  ArrayRef<float> own =
      all.slice(op.getStaticPosition().front() * count, count);
  TileValue result;
  result.floats.assign(own.begin(), own.end());
  set(op, std::move(result));
  return success();
}

LogicalResult Instance::run(vector::CreateMaskOp op) {
  if (op.getType().getRank() != 1)
    return fail(op, "expected a mask of one dimension");
  int64_t count = getInteger(op.getOperand(0));
  TileValue result;
  for (int64_t i = 0; i != op.getType().getDimSize(0); ++i)
    result.integers.push_back(i < count ? -1 : 0);
  set(op, std::move(result));
  return success();
}

LogicalResult Instance::run(vector::ReductionOp op) {
  if (op.getKind() != vector::CombiningKind::ADD || op.getAcc() ||
      !isa<FloatType>(op.getType()))
    return fail(op, "expected a sum of floats without an accumulator");
  float sum = 0;
  for (float element : get(op.getVector()).floats)
    sum += element;
  set(op, {{sum}, {}});
  return success();
}

LogicalResult Instance::run(vector::MultiDimReductionOp op) {
  VectorType type = op.getSourceVectorType();
  ArrayRef<int64_t> dims = op.getReductionDims();
  if (op.getKind() != vector::CombiningKind::ADD || type.getRank() != 2 ||
      dims.size() != 1 || !isa<FloatType>(type.getElementType()))
    return fail(op, "expected sums of a tile of floats along one of two "
                    "dimensions");
  const std::vector<float> &source = get(op.getSource()).floats;
  TileValue result = get(op.getAcc());
  int64_t columns = type.getDimSize(1);
  for (auto [i, element] : llvm::enumerate(source))
    result.floats[dims.front() == 0 ? i % columns : i / columns] += element;
  set(op, std::move(result));
  return success();
}
