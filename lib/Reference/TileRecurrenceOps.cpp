//===- TileRecurrenceOps.cpp - What chunks of recurrences need ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileInstance.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn::reference;

LogicalResult Instance::run(tile::CumulativeSumOp op) {
  TileValue result = get(op.getSource());
  float sum = 0;
  for (float &element : result.floats)
    element = sum += element;
  set(op, std::move(result));
  return success();
}

LogicalResult Instance::run(tile::DecayRatiosOp op) {
  const std::vector<float> &exponents = get(op.getExponents()).floats;
  size_t size = exponents.size();
  TileValue result;
  result.floats.assign(size * size, 0.0f);
  for (size_t i = 0; i != size; ++i)
    for (size_t j = 0; j <= i; ++j)
      result.floats[i * size + j] = std::exp2(exponents[i] - exponents[j]);
  set(op, std::move(result));
  return success();
}

/// Row by row: what a row of the inverse lacks to be that of the unit is what
/// those in front of it contribute.
LogicalResult Instance::run(tile::InvertUnitLowerOp op) {
  const std::vector<float> &matrix = get(op.getMatrix()).floats;
  const std::vector<float> &rows = get(op.getRows()).floats;
  size_t size = rows.size();
  TileValue result;
  result.floats.assign(size * size, 0.0f);
  for (size_t i = 0; i != size; ++i) {
    float *row = &result.floats[i * size];
    row[i] = 1;
    for (size_t j = 0; j != i; ++j)
      for (size_t column = 0; column <= j; ++column)
        row[column] -=
            rows[i] * matrix[i * size + j] * result.floats[j * size + column];
  }
  if (op.getColumns())
    for (size_t i = 0; i != size * size; ++i)
      result.floats[i] *= get(op.getColumns()).floats[i % size];
  set(op, std::move(result));
  return success();
}
