//===- Prepared.cpp - Operands computed in front of a recurrence ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prepared.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::attn;

/// What a value of the body of a preparation has become. Constants may stand
/// outside of it.
static Value lookupElement(OpBuilder &builder, Value value,
                           IRMapping &mapping) {
  if (!mapping.contains(value))
    mapping.map(value, builder.clone(*value.getDefiningOp())->getResult(0));
  return mapping.lookup(value);
}

/// The op on numbers, or on vectors where one of its operands is.
static Value cloneForElements(OpBuilder &builder, Location loc,
                              Operation *source, IRMapping &mapping) {
  SmallVector<Value> operands;
  for (Value operand : source->getOperands())
    operands.push_back(lookupElement(builder, operand, mapping));
  // Operands are f32 already.
  if (isa<arith::ExtFOp>(source))
    return operands.front();
  Type type = source->getResult(0).getType();
  for (Value operand : operands)
    if (isa<VectorType>(operand.getType()))
      type = operand.getType();
  for (Value &operand : operands)
    if (operand.getType() != type)
      operand = vector::BroadcastOp::create(builder, loc, type, operand);
  return builder
      .create(loc, source->getName().getIdentifier(), operands, type,
              source->getAttrs())
      ->getResult(0);
}

Value recurrence_to_tile::evaluatePrepared(
    OpBuilder &builder, Location loc, OpResult tensor,
    function_ref<Value(OpOperand &input)> evaluate) {
  auto prepared = cast<linalg::GenericOp>(tensor.getOwner());
  IRMapping mapping;
  for (OpOperand *input : prepared.getDpsInputOperands())
    mapping.map(prepared.getMatchingBlockArgument(input), evaluate(*input));
  Block *body = prepared.getBody();
  for (Operation &inner : body->without_terminator())
    if (inner.hasTrait<OpTrait::ConstantLike>())
      builder.clone(inner, mapping);
    else
      mapping.map(inner.getResult(0),
                  cloneForElements(builder, loc, &inner, mapping));
  return lookupElement(
      builder, body->getTerminator()->getOperand(tensor.getResultNumber()),
      mapping);
}

bool recurrence_to_tile::dependsOn(ValueRange operands, Value argument) {
  return llvm::any_of(operands, [&](Value operand) {
    if (!operand || operand == argument)
      return operand == argument;
    auto prepared = operand.getDefiningOp<linalg::GenericOp>();
    return prepared && dependsOn(prepared.getInputs(), argument);
  });
}
