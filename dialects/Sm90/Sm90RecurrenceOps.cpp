//===- Sm90RecurrenceOps.cpp - Verifiers of chunks of recurrences ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sm90/Sm90.h"

using namespace mlir;
using namespace mlir::sm90;

LogicalResult ExtractOp::verify() {
  int64_t count = cast<RankedTensorType>(getNumbers().getType()).getDimSize(0);
  if (getPosition() >= static_cast<uint64_t>(count)) // C1
    return emitOpError("expected a position below ")
           << count << ", got " << static_cast<int64_t>(getPosition());
  return success();
}

/// Row `row` of a stage of numbers, of which there are `count` where it is
/// given.
static LogicalResult verifyNumbersRow(Operation *op, StageType stage,
                                      uint64_t row,
                                      std::optional<int64_t> count) {
  if (stage.getElementType().isF32() &&
      row < static_cast<uint64_t>(stage.getRows()) &&
      (!count || *count == stage.getColumns()))
    return success();
  InFlightDiagnostic diagnostic = op->emitOpError("expected row ")
                                  << static_cast<int64_t>(row);
  if (count)
    diagnostic << ", of " << *count << " numbers,";
  return diagnostic << " of a stage of f32, got " << stage;
}

LogicalResult StoreNumbersOp::verify() {
  return verifyNumbersRow(
      *this, getStage().getType(), getRow(),
      cast<RankedTensorType>(getNumbers().getType()).getDimSize(0)); // C1
}

LogicalResult LoadRowOp::verify() {
  return verifyNumbersRow(
      *this, getStage().getType(), getRow(),
      cast<RankedTensorType>(getNumbers().getType()).getDimSize(0)); // C1
}

LogicalResult ScaleColumnsOp::verify() {
  return verifyNumbersRow(
      *this, getStage().getType(), getRow(),
      cast<RankedTensorType>(getSource().getType()).getDimSize(1)); // C1
}

LogicalResult LoadElementOp::verify() {
  StageType stage = getStage().getType();
  if (failed(verifyNumbersRow(*this, stage, getRow(), std::nullopt))) // C1
    return failure();
  if (getColumn() >= static_cast<uint64_t>(stage.getColumns()))
    return emitOpError("expected a column below ")
           << stage.getColumns() << ", got "
           << static_cast<int64_t>(getColumn());
  return success();
}

LogicalResult BroadcastColumnsOp::verify() {
  int64_t columns = cast<RankedTensorType>(getResult().getType()).getDimSize(1);
  int64_t got = cast<RankedTensorType>(getSource().getType()).getDimSize(0);
  if (columns != got) // C1
    return emitOpError("expected ")
           << columns << " elements, one per column, got " << got;
  return success();
}

LogicalResult DecayRatiosOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  bool fits = bool(getRows()) == bool(getColumns()) &&
              result.getDimSize(0) == result.getDimSize(1);
  for (Value exponents : {Value(getRows()), Value(getColumns())})
    fits &= !exponents ||
            cast<RankedTensorType>(exponents.getType()).getDimSize(0) ==
                result.getDimSize(0);
  if (!fits) // C1
    return emitOpError("expected rows and columns of the size of the sides of "
                       "a square result, or neither, got ")
           << result;
  return success();
}

LogicalResult InvertUnitLowerOp::verify() {
  auto matrix = cast<RankedTensorType>(getMatrix().getType());
  auto isSquare = [](StageType box) {
    return box.getRows() == kWarpgroupRows &&
           box.getColumns() == kWarpgroupRows && box.getElementType().isF16();
  };
  StageType scratch = getScratch().getType().getStageType();
  if (matrix.getShape() !=
          ArrayRef<int64_t>({kWarpgroupRows, kWarpgroupRows}) ||
      !isSquare(scratch) || !isSquare(getResult().getType())) // C1
    return emitOpError(
               "expected a matrix, a scratch and a result of 64x64, the "
               "latter two of f16, got ")
           << matrix << ", " << scratch << " and " << getResult().getType();
  BufferType blocks = getBlocks().getType();
  if (blocks != BufferType::get(getContext(), 1, kWarpgroupRows, kDiagonalBlock,
                                Float32Type::get(getContext()))) // C2
    return emitOpError("expected blocks of 1 x 64x16xf32, got ") << blocks;
  if (bool(getStrengths()) != getRow().has_value()) // C3
    return emitOpError("expected a row of strengths exactly where there are "
                       "strengths");
  if (!getStrengths())
    return success();
  return verifyNumbersRow(*this, getStrengths().getType(), *getRow(),
                          kWarpgroupRows);
}

/// Sums of the decays of 64 tokens in so many channels.
static LogicalResult verifySums(Operation *op, StageType sums,
                                int64_t channels) {
  bool isKnown = channels == kPanelColumns || channels == 2 * kPanelColumns;
  if (isKnown &&
      sums == StageType::get(op->getContext(), kWarpgroupRows, channels,
                             Float32Type::get(op->getContext())))
    return success();
  return op->emitOpError("expected sums of f32 for 64 tokens of 64 or 128 "
                         "channels, got ")
         << sums;
}

LogicalResult DecaySumsOp::verify() {
  StageType sums = getSums().getType();
  if (failed(verifySums(*this, sums, sums.getColumns()))) // C1
    return failure();
  StageType whole = getWhole().getType();
  if (whole != StageType::get(getContext(), 1, sums.getColumns(), // C2
                              sums.getElementType()))
    return emitOpError("expected a row of ")
           << sums.getColumns() << " numbers, got " << whole;
  return success();
}

/// Tiles of tokens, with their sums and the scratch.
static LogicalResult verifyDecayed(Operation *op, ArrayRef<StageType> tiles,
                                   StageType sums, BufferType scratch) {
  StageType first = tiles.front();
  if (!llvm::all_equal(tiles) || first.getRows() != kWarpgroupRows ||
      first.getElementType().getIntOrFloatBitWidth() != 16) // C1
    return op->emitOpError("expected tiles of one type of 16 bits with 64 "
                           "rows, got ")
           << first << " and " << tiles.back();
  if (failed(verifySums(op, sums, first.getColumns()))) // C2
    return failure();
  auto expected =
      BufferType::get(op->getContext(), 1, kBlockPairs * kDiagonalBlock,
                      first.getColumns(), Float16Type::get(op->getContext()));
  if (scratch != expected) // C3
    return op->emitOpError("expected a scratch of ")
           << expected << ", got " << scratch;
  return success();
}

LogicalResult DecayColumnsOp::verify() {
  return verifyDecayed(*this, {getKeys().getType(), getResult().getType()},
                       getSums().getType(), getScratch().getType());
}

LogicalResult DecayedDotOp::verify() {
  SmallVector<StageType> tiles{getRows().getType(), getKeys().getType()};
  if (getReached())
    tiles.push_back(getReached().getType());
  if (failed(verifyDecayed(*this, tiles, getSums().getType(),
                           getScratch().getType())))
    return failure();
  auto result = cast<RankedTensorType>(getResult().getType());
  if (result.getShape() != ArrayRef<int64_t>({kWarpgroupRows, kWarpgroupRows}))
    return emitOpError("expected a result of 64x64, got ") << result; // C4
  return success();
}
