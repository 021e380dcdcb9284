//===- ChunkHandOver.cpp - What roles compute for each other --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChunkRole.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// The token of the first index of `axes` is what the rows run along.
ChunkRole::Rows ChunkRole::locateRows(tile::LoadOp load) {
  auto lookup = [&](Value value) { return mapping.lookup(value); };
  SmallVector<Value> indices = llvm::map_to_vector(load.getIndices(), lookup);
  SmallVector<Value> slice = llvm::map_to_vector(load.getSlice(), lookup);
  int64_t axis = load.getAxes().front();
  Value end = getValueOrCreateConstantIndexOp(
      builder, loc, getSize(kernel, builder, load.getView(), axis));
  if (!slice.empty()) {
    indices[axis] =
        arith::AddIOp::create(builder, loc, slice[0], indices[axis]);
    end = slice[1];
  }
  SmallVector<Value> strides(kernel.strides[load.getView()]);
  strides.push_back(wide(index(1)));
  // The row early, which changes with the chunk: sums of what does not would
  // be kept in registers.
  Value offset = wide(index(0));
  for (auto [place, stride] : llvm::zip_equal(indices, strides)) {
    Value own = arith::MulIOp::create(builder, loc, wide(place), stride);
    offset = arith::AddIOp::create(builder, loc, offset, own);
  }
  return {offset, strides[axis],
          arith::SubIOp::create(builder, loc, end, indices[axis])};
}

void ChunkRole::emitLoadNumbers(tile::LoadOp load) {
  Rows rows = locateRows(load);
  auto type = cast<VectorType>(load.getTile().getType());
  Type element = type.getElementType();
  mapping.map(load.getTile(),
              sm90::LoadNumbersOp::create(
                  builder, loc,
                  RankedTensorType::get(type.getShape(), builder.getF32Type()),
                  kernel.reads.lookup(load.getView()), rows.offset, rows.stride,
                  rows.limit,
                  element.isF32() ? TypeAttr() : TypeAttr::get(element))
                  .getResult());
}

LogicalResult ChunkRole::emitNorms(vector::MultiDimReductionOp op) {
  tile::LoadOp load = findNormed(op);
  if (!load)
    return op.emitOpError("expected a sum of the squares of rows that are "
                          "loaded");
  auto type = cast<VectorType>(op.getType());
  Value stage =
      hold(load.getTile(), kernel.rings.find(kernel.keyOf(load))->second,
           getCount(load));
  // Given back when the numbers have been stored, as all has been read then.
  held[load.getTile()].uses = 1;
  fetched.push_back(load.getTile());
  mapping.map(op.getResult(),
              sm90::RowNormsOp::create(
                  builder, loc,
                  RankedTensorType::get(type.getShape(), type.getElementType()),
                  stage)
                  .getResult());
  return success();
}

/// Sums, and a mask of the first ones.
LogicalResult ChunkRole::emitNumbers(Operation *op) {
  FailureOr<Type> type = convert(op, op->getResult(0).getType());
  Value operand;
  if (failed(type) || failed(use(op->getOperand(0), operand)))
    return failure();
  Value result =
      isa<tile::CumulativeSumOp>(op)
          ? sm90::CumulativeSumOp::create(builder, loc, *type, operand)
                .getResult()
          : sm90::FirstNumbersOp::create(builder, loc, *type, operand)
                .getResult();
  mapping.map(op->getResult(0), result);
  return success();
}

/// Single numbers are loaded at once, so that what they scale may be scaled as
/// soon as there is a product to wait for.
Value ChunkRole::getNumbersStage() {
  if (numbersStage)
    return numbersStage;
  numbersStage = await(kernel.numbersRing, iteration, /*full=*/true);
  scf::ForOp loop = split.loop;
  for (auto extract : loop.getBody()->getOps<vector::ExtractOp>())
    if (split.contains(part, extract))
      emitExtract(extract);
  return numbersStage;
}

Value ChunkRole::loadRow(Value numbers) {
  auto type = cast<VectorType>(numbers.getType());
  Value stage = getNumbersStage();
  return sm90::LoadRowOp::create(
      builder, loc,
      RankedTensorType::get(type.getShape(), type.getElementType()), stage,
      rowOf(numbers));
}

void ChunkRole::emitExtract(vector::ExtractOp op) {
  int64_t position = op.getStaticPosition().front();
  Value element;
  if (part == Part::Numbers)
    element = sm90::ExtractOp::create(builder, loc,
                                      mapping.lookup(op.getSource()), position);
  else
    element = sm90::LoadElementOp::create(builder, loc, getNumbersStage(),
                                          rowOf(op.getSource()), position);
  mapping.map(op.getResult(), element);
}

/// Fills a stage with all that others read.
void ChunkRole::handNumbers() {
  if (split.handedNumbers.empty())
    return;
  const Ring &ring = kernel.numbersRing;
  Value stage = await(ring, iteration, /*full=*/false);
  for (auto [row, value] : llvm::enumerate(split.handedNumbers))
    sm90::StoreNumbersOp::create(builder, loc, mapping.lookup(value), stage,
                                 row);
  sm90::FillOp::create(builder, loc, stage, ring.full, iteration);
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

/// Fills a stage with what the consumers multiply by.
LogicalResult ChunkRole::handTile(Value value) {
  // These have filled their stages themselves.
  if (value.getDefiningOp<tile::ApplyDecayOp>())
    return success();
  const Ring &ring = kernel.tileRings.find(value)->second;
  if (tile::InvertUnitLowerOp inverse = findInverse(value))
    return handInverse(inverse, value);
  Value fragment;
  if (failed(use(value, fragment)))
    return failure();
  Value stage = await(ring, iteration, /*full=*/false);
  sm90::StoreFragmentOp::create(builder, loc, fragment, stage, index(0),
                                /*transposed=*/false);
  filled.emplace_back(stage, ring);
  if (!split.fillsTogether())
    fillStages();
  return success();
}

/// Says that what has been stored is there.
void ChunkRole::fillStages() {
  for (auto [stage, ring] : std::exchange(filled, {}))
    sm90::FillOp::create(builder, loc, stage, ring.full, iteration);
}

/// All of its parts with the last one, `tile`. One strength is in the inverse;
/// rows that have another are multiplied first.
LogicalResult ChunkRole::handInverse(tile::InvertUnitLowerOp op, Value tile) {
  SmallVector<Value> parts;
  for (Value other : split.handedTiles)
    if (findInverse(other) == op)
      parts.push_back(other);
  llvm::sort(parts, [](Value a, Value b) {
    return a.getDefiningOp()->isBeforeInBlock(b.getDefiningOp());
  });
  if (tile != parts.back())
    return success();
  for (Value other : parts) {
    const Ring &ring = kernel.tileRings.find(other)->second;
    filled.emplace_back(await(ring, iteration, /*full=*/false), ring);
  }
  ArrayRef<std::pair<Value, Ring>> own =
      ArrayRef(filled).take_back(parts.size());
  Value stage = own[0].first, rest = own.size() > 1 ? own[1].first : Value();
  Value matrix, strengths;
  if (failed(use(op.getMatrix(), matrix)))
    return failure();
  bool areOnes = matchPattern(op.getRows(), m_OneFloat());
  if (op.getColumns() && op.getColumns() != op.getRows())
    return op.emitOpError("expected columns that are the rows, or none");
  IntegerAttr row;
  if (op.getColumns() && !areOnes) {
    strengths = getNumbersStage();
    row = builder.getI64IntegerAttr(rowOf(op.getRows()));
  } else if (!areOnes) {
    Value factors = sm90::BroadcastRowsOp::create(
        builder, loc, matrix.getType(), loadRow(op.getRows()));
    matrix = arith::MulFOp::create(builder, loc, matrix, factors);
  }
  auto scratch = cast<sm90::BufferType>(kernel.inverseScratch.getType());
  Value count = scratch.getStages() > 1 ? iteration : Value();
  sm90::InvertUnitLowerOp::create(builder, loc, matrix, strengths, row,
                                  kernel.inverseScratch, count,
                                  kernel.inverseBlocks, stage, rest);
  fillStages();
  return success();
}
