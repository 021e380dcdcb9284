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
  int64_t stages = getScratch().getType().getStages();
  if (stages != (getCount() ? 2 : 1)) // C4
    return emitOpError("expected a scratch of one stage, or of two with a "
                       "count, got ")
           << stages;
  if (getRest() && getRest().getType() != getResult().getType()) // C5
    return emitOpError("expected a rest of the type of the result, ")
           << getResult().getType() << ", got " << getRest().getType();
  if (bool(getStrengths()) != getRow().has_value()) // C3
    return emitOpError("expected a row of strengths exactly where there are "
                       "strengths");
  if (!getStrengths())
    return success();
  return verifyNumbersRow(*this, getStrengths().getType(), *getRow(),
                          kWarpgroupRows);
}

/// Sums of the decays of 64 tokens in so many channels.
static LogicalResult verifyGates(Operation *op, StageType gates,
                                 int64_t channels) {
  bool isKnown = channels == kPanelColumns || channels == 2 * kPanelColumns;
  if (isKnown &&
      gates == StageType::get(op->getContext(), kWarpgroupRows, channels,
                              Float32Type::get(op->getContext())))
    return success();
  return op->emitOpError("expected gates of f32 for 64 tokens of 64 or 128 "
                         "channels, got ")
         << gates;
}

LogicalResult CopyGatesOp::verify() {
  StageType gates = getGates().getType();
  return verifyGates(*this, gates, gates.getColumns()); // C1
}

static LogicalResult verifyDecayScratch(Operation *op, BufferType scratch,
                                        int64_t channels, size_t keys) {
  auto expected = BufferType::get(op->getContext(), 1,
                                  decayScratchRows(static_cast<int64_t>(keys)),
                                  channels, Float16Type::get(op->getContext()));
  if (scratch == expected)
    return success();
  return op->emitOpError("expected a scratch of ")
         << expected << ", got " << scratch;
}

static LogicalResult verifyDecayedTiles(Operation *op, StageType first,
                                        ValueRange tiles) {
  bool isWide = first.getRows() != kWarpgroupRows ||
                first.getElementType().getIntOrFloatBitWidth() != 16;
  for (Value tile : tiles)
    if (isWide || tile.getType() != first)
      return op->emitOpError("expected tiles of one type of 16 bits with 64 "
                             "rows, got ")
             << first << " and " << tile.getType();
  return success();
}

static LogicalResult verifyFragments(Operation *op, TypeRange types,
                                     int64_t columns) {
  for (Type type : types)
    if (cast<RankedTensorType>(type).getShape() !=
        ArrayRef<int64_t>({kWarpgroupRows, columns}))
      return op->emitOpError("expected fragments of ")
             << kWarpgroupRows << "x" << columns << ", got " << type;
  return success();
}

LogicalResult SumDecaysOp::verify() {
  StageType gates = getGates().getType(), whole = getWhole().getType();
  if (failed(verifyGates(*this, gates, gates.getColumns()))) // C1
    return failure();
  if (whole != StageType::get(getContext(), 1, gates.getColumns(),
                              gates.getElementType())) // C1
    return emitOpError("expected a row of ")
           << gates.getColumns() << " numbers, got " << whole;
  BufferType scratch = getScratch().getType();
  size_t keys = scratch.getRows() == decayScratchRows(2) ? 2 : 1;
  return verifyDecayScratch(*this, scratch, gates.getColumns(), keys); // C2
}

/// Whether rows are before their own decay, and what they have of themselves.
static LogicalResult verifyBefore(DecayTokensOp op) {
  if (op.getBefore() && op.getBefore()->size() != op.getRows().size()) // C6
    return op.emitOpError("expected before for each of ")
           << op.getRows().size() << " rows, got " << op.getBefore()->size();
  if (!op.getBonus())
    return success();
  bool isOne = op.getRows().size() == 1 && op.getKeys().size() == 1;
  if (!isOne || !op.isBefore(0) || !op.getOffset()) // C6
    return op.emitOpError("expected a bonus for one of rows, which is before "
                          "its own decay, and one of keys");
  return success();
}

LogicalResult DecayTokensOp::verify() {
  size_t count = getRows().size(), keys = getKeys().size();
  if (count == 0 || count > 2 || getReached().size() != count ||
      getScales().size() != count) // C4
    return emitOpError("expected one or two of rows, and as many that they "
                       "reach, and scales, got ")
           << count << ", " << getReached().size() << " and "
           << getScales().size();
  if (keys == 0 || keys > 2 || getLeft().size() != keys ||
      getNumResults() != count * keys) // C4
    return emitOpError("expected one or two of keys, as many that are left of "
                       "them, and a result for each with each of rows, got ")
           << keys << ", " << getLeft().size() << " and " << getNumResults();
  auto first = cast<StageType>(getKeys().front().getType());
  for (ValueRange tiles : {ValueRange(getKeys()), ValueRange(getLeft()),
                           ValueRange(getRows()), ValueRange(getReached())})
    if (failed(verifyDecayedTiles(*this, first, tiles))) // C1
      return failure();
  StageType gates = getGates().getType();
  if (failed(verifyGates(*this, gates, first.getColumns()))) // C2
    return failure();
  if (failed(verifyDecayScratch(*this, getScratch().getType(), // C3
                                first.getColumns(), keys)) ||
      failed(verifyBefore(*this)))
    return failure();
  for (auto [i, rows] : llvm::enumerate(getRows())) { // C7
    auto reached = llvm::find(getReached(), rows);
    if (reached == getReached().end())
      continue;
    bool isOwn = reached - getReached().begin() == static_cast<int64_t>(i);
    if (!isOwn || keys != 1 || llvm::is_contained(getRows(), getKeys().front()))
      return emitOpError("expected strengths where their own rows go, and no "
                         "rows that are the keys beside them");
  }
  return verifyFragments(*this, getResultTypes(), kDiagonalBlock); // C5
}

LogicalResult DecayedDotsOp::verify() {
  size_t count = getRows().size(), pairs = getBlocks().size();
  bool isKnown = count == 1 || count == 2;
  if (!isKnown || getNumResults() != pairs ||
      (pairs != count && pairs != 2 * count)) // C3
    return emitOpError("expected one or two of rows, and a block and a result "
                       "for each and one or two of keys, got ")
           << count << ", " << pairs << " and " << getNumResults();
  auto first = cast<StageType>(getRows().front().getType());
  if (failed(verifyDecayedTiles(*this, first, getRows())) ||   // C1
      failed(verifyDecayScratch(*this, getScratch().getType(), // C2
                                first.getColumns(), pairs / count)) ||
      failed(verifyFragments(*this, getBlocks().getTypes(), kDiagonalBlock)))
    return failure();
  return verifyFragments(*this, getResultTypes(), kWarpgroupRows); // C4
}
