//===- LoweredRecurrence.cpp - Which recurrences the tile level can say ---===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/Lowered.h"

#include "Attention/Attention.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace mlir::attn;

bool attn::isPerChannel(RecurrenceOp op, Value gates) {
  return gates && cast<RankedTensorType>(gates.getType()).getRank() ==
                      op.getQueryType().getRank();
}

//===----------------------------------------------------------------------===//
// What is prepared in front
//===----------------------------------------------------------------------===//

/// Whether each element of the results is computed of those that have its
/// indices, or some of them. Sizes that are not static are those of an input.
static bool isElementwise(linalg::GenericOp op) {
  llvm::SmallBitVector known(op.getNumLoops());
  auto isOrdered = [&](OpOperand *input) {
    unsigned next = 0;
    for (AffineExpr axis : op.getMatchingIndexingMap(input).getResults()) {
      auto loop = dyn_cast<AffineDimExpr>(axis);
      if (!loop || loop.getPosition() < next)
        return false;
      known.set(loop.getPosition());
      next = loop.getPosition() + 1;
    }
    return isa<FloatType>(getElementTypeOrSelf(input->get()));
  };
  auto isResult = [&](OpOperand &init) {
    return op.getMatchingIndexingMap(&init).isIdentity() &&
           !op.payloadUsesValueFromOperand(&init) &&
           getElementTypeOrSelf(init.get()).isF32();
  };
  if (op.getNumParallelLoops() != op.getNumLoops() ||
      !llvm::all_of(op.getDpsInputOperands(), isOrdered) ||
      !llvm::all_of(op.getDpsInitsMutable(), isResult))
    return false;
  auto type = cast<RankedTensorType>(op.getResultTypes().front());
  for (auto [loop, size] : llvm::enumerate(type.getShape()))
    if (ShapedType::isDynamic(size) && !known.test(loop))
      return false;
  return true;
}

/// Whether an op on f32 does the same to each element of a vector, and reads
/// nothing but what stands beside it and constants.
static bool isOfElements(Operation &op) {
  auto isKnownValue = [&](Value value) {
    return value.getParentBlock() == op.getBlock() ||
           matchPattern(value, m_Constant());
  };
  if (!llvm::all_of(op.getOperands(), isKnownValue))
    return false;
  if (isa<linalg::YieldOp>(op) || op.hasTrait<OpTrait::ConstantLike>())
    return true;
  bool isKnown = isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
                     arith::NegFOp, arith::MaximumFOp, arith::MinimumFOp,
                     arith::MaxNumFOp, arith::MinNumFOp, arith::ExtFOp>(op) ||
                 isa<math::MathDialect>(op.getDialect());
  auto isF32 = [](Type type) { return type.isF32(); };
  return isKnown && op.getNumResults() == 1 &&
         op.getResult(0).getType().isF32() &&
         (isa<arith::ExtFOp>(op) || llvm::all_of(op.getOperandTypes(), isF32));
}

/// Whether a recurrence may have what is prepared as this operand.
static bool isOfTokens(RecurrenceOp op, Value operand) {
  return llvm::none_of(ArrayRef<Value>{op.getState(), op.getNormalizer(),
                                       op.getSlots(), op.getCuSeqlens(),
                                       op.getBonus()},
                       [&](Value other) { return other == operand; });
}

bool attn::isPreparation(Operation *op) {
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!generic || generic->getNumResults() == 0 || !isElementwise(generic) ||
      !llvm::all_of(*generic.getBody(), isOfElements))
    return false;
  return llvm::all_of(generic->getUses(), [](OpOperand &use) {
    if (auto recurrence = dyn_cast<RecurrenceOp>(use.getOwner()))
      return isOfTokens(recurrence, use.get());
    auto next = dyn_cast<linalg::GenericOp>(use.getOwner());
    return next && next.isDpsInput(&use) && isPreparation(next);
  });
}

bool attn::servesPreparation(Operation *op) {
  if (isPreparation(op))
    return true;
  return isa<tensor::DimOp, tensor::EmptyOp>(op) &&
         llvm::all_of(op->getUsers(), servesPreparation);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// The vectors of channels of the key that a token has.
static int64_t countKeyVectors(RecurrenceOp op) {
  int64_t rank = op.getKeyType().getRank();
  int64_t count = 0;
  Value operands[] = {op.getQuery(),          op.getKey(),   op.getEraseKey(),
                      op.getEraseDirection(), op.getDecay(), op.getErase()};
  for (Value operand : operands)
    count +=
        operand && cast<RankedTensorType>(operand.getType()).getRank() == rank;
  return count;
}

int64_t attn::countStepRegisters(RecurrenceOp op, int64_t columns,
                                 int64_t tokens) {
  // A thread has four columns of the state, and all of its threads along the
  // key have the same channels of a vector.
  constexpr int64_t kThreads = 128, kColumns = 4;
  int64_t state = op.getKeyDim() * columns / kThreads;
  return state + tokens * countKeyVectors(op) * state / kColumns;
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

/// Whether an operand has a number for each token, or for each head.
static bool isOfNumbers(RecurrenceOp op, Value operand) {
  return llvm::is_contained({op.getDecay(), op.getErase(), op.getWrite()},
                            operand) &&
         !isPerChannel(op, operand);
}

/// Tokens between which there are states.
static constexpr uint64_t kChunkTokens = 64;

StringRef attn::findUnchunked(RecurrenceOp op) {
  bool ofChannels = isPerChannel(op, op.getDecay());
  // Of vectors alone: strengths would be factors of rows, of both sources.
  bool hasOthers = op.getErase() || op.getWrite() || op.getL2Normalize();
  std::pair<bool, StringRef> features[] = {
      {op.getEraseDirection() && !ofChannels,
       "an erase_direction without decays of channels"},
      {op.getEraseDirection() && hasOthers,
       "an erase_direction beside strengths or rows that are normalised"},
      {op.getEraseDirection() && !op.getBeforeDecay(),
       "an erase_direction that reads behind the decay"},
      {op.getBeforeDecay() && !ofChannels,
       "an erasure before a decay that is not one of channels"},
      {op.getBonus() && !ofChannels, "a bonus without decays of channels"},
      {op.getDenominator() && ofChannels,
       "a denominator beside decays of channels"},
      {op.getSlots() && op.getFinalNormalizer(), "final normalizers of a pool"},
      {op.getMicroSteps() != 1, "several writes a token"},
      {op.getKeptStates() && *op.getKeepEvery() % kChunkTokens != 0,
       "kept states within chunks of 64 tokens"},
      {llvm::any_of(op->getOperands(),
                    [&](Value operand) {
                      return isPreparation(operand.getDefiningOp()) &&
                             !isOfNumbers(op, operand);
                    }),
       "channels that are prepared in front"},
      {op.getL2Normalize() &&
           (isPerChannel(op, op.getErase()) || isPerChannel(op, op.getWrite())),
       "gates of channels beside rows that are normalised"},
      {op.isPacked() && op.getFinalState() && !op.getState(),
       "final states of packed sequences without initial ones"}};
  for (auto [isThere, what] : features)
    if (isThere)
      return what;
  return {};
}

bool attn::canCutSequences(RecurrenceOp op) {
  // What is left of others has no bound, but a product that tells.
  bool erasesAlongKeys = !op.getEraseKey() && !op.getEraseDirection() &&
                         !op.getBeforeDecay() &&
                         !isPerChannel(op, op.getErase());
  // The last segment of a sequence may replace a state of a pool before the
  // first one has read it.
  return op.getDecay() && !op.getSlots() && op.getMicroSteps() == 1 &&
         (erasesAlongKeys || guessesSegments(op));
}

bool attn::guessesSegments(RecurrenceOp op) {
  return isPerChannel(op, op.getDecay()) && op.erases();
}

LogicalResult attn::checkChunked(RecurrenceOp op) {
  StringRef what = findUnchunked(op);
  if (what.empty())
    return success();
  return op.emitOpError("has ")
         << what << ", which is not lowered to the tile level";
}
