//===- ChunkNumbers.cpp - Numbers of the tokens of a chunk ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numbers are those in memory, or prepared of them, which the kernel does where
// it loads them: a gate of softplus and a strength of a sigmoid are a few
// operations for each token.
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"
#include "Prepared.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::recurrence_to_tile;

/// What `operand` has at `place`, in f32: a number, or those of the tokens of a
/// chunk, which run along the axis `rowAxis` from there on.
Value ChunkKernelBuilder::evaluate(Value operand, ArrayRef<Value> place,
                                   std::optional<unsigned> rowAxis) {
  if (auto prepared = operand.getDefiningOp<linalg::GenericOp>()) {
    auto evaluateInput = [&](OpOperand &input) {
      SmallVector<Value> own;
      std::optional<unsigned> ownAxis;
      for (AffineExpr axis :
           prepared.getMatchingIndexingMap(&input).getResults()) {
        unsigned loop = cast<AffineDimExpr>(axis).getPosition();
        if (loop == rowAxis)
          ownAxis = own.size();
        own.push_back(place[loop]);
      }
      return evaluate(input.get(), own, ownAxis);
    };
    return evaluatePrepared(builder, loc, cast<OpResult>(operand),
                            evaluateInput);
  }
  Type type = cast<RankedTensorType>(operand.getType()).getElementType();
  Value element;
  if (rowAxis)
    element = tile::LoadOp::create(
        builder, loc, VectorType::get({tokens}, type), view(operand), place,
        slice, ArrayRef<int64_t>{*rowAxis});
  else
    element = tile::ReadOp::create(builder, loc, type, view(operand), place);
  if (type.isF32())
    return element;
  Type wide = builder.getF32Type();
  if (rowAxis)
    wide = f32Tile({tokens});
  return arith::ExtFOp::create(builder, loc, wide, element);
}

/// Whether each row of a chunk is that of a token.
Value ChunkKernelBuilder::createIsToken(Value row) {
  return vector::CreateMaskOp::create(
      builder, loc, VectorType::get({tokens}, builder.getI1Type()),
      apply(d(0) - d(1), {length, row}));
}

/// Those behind the last token are 0, as they are where nothing is prepared.
Value ChunkKernelBuilder::loadNumbers(Value operand, Value row) {
  Value numbers =
      evaluate(operand, getPlace(row, valueHead), isPacked() ? 0 : 1);
  if (!operand.getDefiningOp())
    return numbers;
  VectorType type = f32Tile({tokens});
  if (numbers.getType() != type)
    numbers = vector::BroadcastOp::create(builder, loc, type, numbers);
  return arith::SelectOp::create(builder, loc, createIsToken(row), numbers,
                                 splat(type, 0));
}
