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
  const std::vector<float> &columns =
      op.getColumns() ? get(op.getColumns()).floats : exponents;
  size_t size = exponents.size();
  TileValue result;
  result.floats.assign(size * size, 0.0f);
  for (size_t i = 0; i != size; ++i)
    for (size_t j = 0; j <= i; ++j)
      result.floats[i * size + j] = std::exp2(exponents[i] - columns[j]);
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

LogicalResult Instance::run(tile::DecaySumsOp op) {
  TileValue sums = get(op.getGates()), whole;
  auto columns = static_cast<size_t>(
      cast<VectorType>(op.getWhole().getType()).getDimSize(0));
  int64_t rows = getInteger(op.getCount());
  whole.floats.assign(columns, 0.0f);
  for (size_t i = 0; i != sums.floats.size(); ++i) {
    float gate = sums.floats[i];
    float log = op.getLinear()
                    ? std::log2(gate)
                    : gate * static_cast<float>(llvm::numbers::log2e);
    constexpr auto kLeast =
        static_cast<float>(tile::DecaySumsOp::kLeastLogDecay);
    if (static_cast<int64_t>(i / columns) < rows)
      whole.floats[i % columns] += std::max(log, kLeast);
    sums.floats[i] = whole.floats[i % columns];
  }
  for (float &sum : whole.floats)
    sum = std::exp2(sum);
  set(op.getSums(), std::move(sums));
  set(op.getWhole(), std::move(whole));
  return success();
}

LogicalResult Instance::run(tile::ApplyDecayOp op) {
  TileValue result = get(op.getSource());
  const std::vector<float> &sums = get(op.getSums()).floats;
  auto type = cast<VectorType>(op.getSource().getType());
  auto columns = static_cast<size_t>(type.getDimSize(1));
  size_t last = sums.size() - columns;
  float scale = op.getScale().convertToFloat();
  auto exponentOf = [&](size_t i) {
    if (op.getToEnd())
      return sums[last + i % columns] - sums[i];
    if (op.getBefore())
      return i < columns ? 0.0f : sums[i - columns];
    return sums[i];
  };
  for (size_t i = 0; i != sums.size(); ++i) {
    float exponent = exponentOf(i);
    result.floats[i] = roundTo(result.floats[i] * scale * std::exp2(exponent),
                               cast<FloatType>(type.getElementType()));
  }
  set(op, std::move(result));
  return success();
}

LogicalResult Instance::run(tile::DecayedDotOp op) {
  const std::vector<float> &lhs = get(op.getLhs()).floats;
  const std::vector<float> &rhs = get(op.getRhs()).floats;
  const std::vector<float> &sums = get(op.getSums()).floats;
  auto type = cast<VectorType>(op.getLhs().getType());
  auto tokens = static_cast<size_t>(type.getDimSize(0));
  auto columns = static_cast<size_t>(type.getDimSize(1));
  const std::vector<float> *bonus =
      op.getBonus() ? &get(op.getBonus()).floats : nullptr;
  size_t distance = op.getBefore() ? 1 : 0;
  // What is left of channel c of token j when token i reads it.
  auto factorOf = [&](size_t i, size_t j, size_t c) -> double {
    if (j + distance <= i)
      return std::exp2(sums[(i - distance) * columns + c] -
                       sums[j * columns + c]);
    return bonus ? (*bonus)[c] : 0;
  };
  TileValue result;
  result.floats.assign(tokens * tokens, 0.0f);
  for (size_t i = 0; i != tokens; ++i)
    for (size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (size_t c = 0; c != columns; ++c) {
        size_t row = i * columns + c, column = j * columns + c;
        sum += static_cast<double>(lhs[row]) * rhs[column] * factorOf(i, j, c);
      }
      result.floats[i * tokens + j] = static_cast<float>(sum);
    }
  set(op, std::move(result));
  return success();
}
