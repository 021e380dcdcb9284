//===- StepOperands.cpp - The operands of a token -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prepared.h"
#include "StepBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::recurrence_to_tile;

static RankedTensorType typeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// What is along the values, and along the keys as well, has another layout
/// there.
Value StepBuilder::load(Value operand, ValueRange indices, Channels channels) {
  Value view = step.view(operand);
  auto type = cast<tile::ViewType>(view.getType());
  int64_t size = channels == Channels::Key ? keys : values;
  Value tile = tile::LoadOp::create(
      builder, loc, VectorType::get({size}, type.getElementType()), view,
      indices, /*slice=*/ValueRange(), ArrayRef<int64_t>{type.getRank() - 1},
      /*copy=*/channels == Channels::Value && isAlongKeys(operand) ? 1 : 0);
  if (type.getElementType().isF32())
    return tile;
  return arith::ExtFOp::create(builder, loc, vectorType(size), tile);
}

bool StepBuilder::isAlongKeys(Value tensor) {
  return dependsOn({op.getQuery(), op.getKey(), op.getEraseKey(),
                    op.getEraseDirection(), op.getDecay(), op.getErase()},
                   tensor);
}

Value StepBuilder::read(Value operand, ValueRange indices) {
  Value view = step.view(operand);
  Type type = cast<tile::ViewType>(view.getType()).getElementType();
  return tile::ReadOp::create(builder, loc, type, view, indices,
                              /*position=*/false);
}

/// One of the constants, by the head.
Value StepBuilder::readConstant(DenseElementsAttr values) {
  Value chosen;
  for (auto [head, value] : llvm::enumerate(values.getValues<APFloat>())) {
    Value own = real(value.convertToDouble());
    Value isOwn = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        valueHead, index(head));
    chosen = chosen ? arith::SelectOp::create(builder, loc, isOwn, own, chosen)
                          .getResult()
                    : own;
  }
  return chosen;
}

//===----------------------------------------------------------------------===//
// What is prepared in front of the recurrence
//===----------------------------------------------------------------------===//

Value StepBuilder::evaluate(Value operand, ArrayRef<Value> indices,
                            Channels channels) {
  if (operand.getDefiningOp<linalg::GenericOp>())
    return evaluatePrepared(cast<OpResult>(operand), indices, channels);
  if (channels == Channels::None) {
    Value element = read(operand, indices);
    if (element.getType().isF32())
      return element;
    return arith::ExtFOp::create(builder, loc, builder.getF32Type(), element);
  }
  SmallVector<Value> place(indices);
  place.push_back(channels == Channels::Key ? index(0) : column);
  return load(operand, place, channels);
}

Value StepBuilder::evaluatePrepared(OpResult tensor, ArrayRef<Value> indices,
                                    Channels channels) {
  auto prepared = cast<linalg::GenericOp>(tensor.getOwner());
  auto evaluateInput = [&](OpOperand &input) {
    SmallVector<Value> own;
    Channels ownChannels = Channels::None;
    for (AffineExpr axis :
         prepared.getMatchingIndexingMap(&input).getResults()) {
      unsigned loop = cast<AffineDimExpr>(axis).getPosition();
      if (loop < indices.size())
        own.push_back(indices[loop]);
      else
        ownChannels = channels;
    }
    return evaluate(input.get(), own, ownChannels);
  };
  Value result =
      recurrence_to_tile::evaluatePrepared(builder, loc, tensor, evaluateInput);
  // What is the same for all channels.
  if (channels != Channels::None && !isa<VectorType>(result.getType()))
    result =
        splat(result, vectorType(channels == Channels::Key ? keys : values));
  return result;
}

Value StepBuilder::sizeOf(Value tensor, int64_t axis) {
  int64_t known = typeOf(tensor).getDimSize(axis);
  if (!ShapedType::isDynamic(known))
    return index(known);
  if (Value view = step.view(tensor))
    return tile::DimOp::create(builder, loc, view, axis);
  auto prepared = tensor.getDefiningOp<linalg::GenericOp>();
  AffineExpr loop = d(axis);
  for (OpOperand *input : prepared.getDpsInputOperands())
    if (std::optional<unsigned> own =
            prepared.getMatchingIndexingMap(input).getResultPosition(loop))
      return sizeOf(input->get(), *own);
  llvm_unreachable("a size that no input has is static");
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Value StepBuilder::loadKeyed(Value operand, ValueRange rows) {
  int64_t heads = typeOf(operand).getShape().take_back(2).front();
  SmallVector<Value> indices(rows);
  indices.push_back(headOf(heads));
  return evaluate(operand, indices, Channels::Key);
}

Value StepBuilder::loadValued(Value operand, ValueRange rows) {
  SmallVector<Value> indices(rows);
  indices.push_back(valueHead);
  return evaluate(operand, indices, Channels::Value);
}

Gate StepBuilder::loadGate(Value gate, ValueRange rows, Channels channels) {
  if (!gate)
    return {};
  SmallVector<Value> indices(rows);
  indices.push_back(valueHead);
  if (typeOf(gate).getRank() == op.getKeyType().getRank())
    return {Value(), evaluate(gate, indices, channels)};
  return {evaluate(gate, indices, Channels::None), Value()};
}

void StepBuilder::createInvariants() {
  Value decay = op.getDecay();
  DenseElementsAttr constants;
  if (decay && matchPattern(decay, m_Constant(&constants)))
    constantDecay = readConstant(constants);
  else if (decay && typeOf(decay).getRank() == 1)
    constantDecay = evaluate(decay, valueHead, Channels::None);
  if (constantDecay && isLogDecay(op))
    constantDecay = math::ExpOp::create(builder, loc, constantDecay);
  if (op.getBonus())
    bonus = loadKeyed(op.getBonus(), {});
}

Write StepBuilder::loadWrite(Value row, int64_t number) {
  auto steps = static_cast<int64_t>(op.getMicroSteps());
  SmallVector<Value> rows = getRows(apply(d(0) * steps + number, {row}));
  Write write;
  write.key = loadKeyed(op.getKey(), rows);
  write.value = loadValued(op.getValue(), rows);
  if (op.getEraseKey())
    write.eraseKey = loadKeyed(op.getEraseKey(), rows);
  if (op.getEraseDirection())
    write.direction = loadKeyed(op.getEraseDirection(), rows);
  write.erase = loadGate(op.getErase(), rows, Channels::Key);
  bool isShared = op.getWrite() == op.getErase() && write.erase.scalar;
  write.write =
      isShared ? write.erase : loadGate(op.getWrite(), rows, Channels::Value);
  return write;
}

Gate StepBuilder::loadDecay(Value row) {
  if (constantDecay)
    return {};
  return loadGate(op.getDecay(), getRows(row), Channels::Key);
}

Token StepBuilder::loadToken(Value row) {
  Token token;
  token.decay = loadDecay(row);
  if (!loadsEarly())
    return token;
  for (int64_t m = 0, e = op.getMicroSteps(); m != e; ++m)
    token.writes.push_back(loadWrite(row, m));
  token.query = loadQuery(row);
  return token;
}

SmallVector<Value *> Token::operands() {
  SmallVector<Value *> all{&query, &decay.scalar, &decay.vector};
  for (Write &write : writes)
    all.append({&write.key, &write.value, &write.eraseKey, &write.direction,
                &write.erase.scalar, &write.erase.vector, &write.write.scalar,
                &write.write.vector});
  llvm::erase_if(all, [](Value *operand) { return !*operand; });
  return all;
}
