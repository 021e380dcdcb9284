//===- AttentionRecurrence.cpp - Rules of recurrences ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;

#include "Attention/AttentionInterfaces.cpp.inc"

double attn::getRecurrenceScale(std::optional<APFloat> scale, int64_t keyDim) {
  if (scale)
    return scale->convertToFloat();
  return 1.0 / std::sqrt(static_cast<double>(keyDim));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static constexpr int64_t kAny = ShapedType::kDynamic;

/// Whether `type` has the sizes of `shape`, as far as both are known.
static bool fits(RankedTensorType type, ArrayRef<int64_t> shape) {
  return succeeded(verifyCompatibleShape(type.getShape(), shape));
}

/// `[2, ?, 16]`
static std::string spell(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(shape, os, [&](int64_t size) {
    ShapedType::isDynamic(size) ? os << '?' : os << size;
  });
  os << ']';
  return text;
}

static bool isNarrowFloat(Type type) {
  return isa<BFloat16Type, Float16Type, Float32Type>(type);
}

namespace {

/// Checks the operands and the attributes of a recurrence, or of its backward.
class Verifier {
public:
  explicit Verifier(RecurrenceOpInterface op) : op(op) {}

  LogicalResult verify();
  LogicalResult verifyStates(StringRef name, Value state);
  LogicalResult verifyNormalizers(StringRef name, Value normalizer);
  LogicalResult verifyFinal(StringRef stateName, Value state,
                            StringRef normalizerName, Value normalizer);

private:
  LogicalResult verifyQuery();
  LogicalResult verifyRows(StringRef name, RankedTensorType type);
  LogicalResult verifyKeysAndValues();
  LogicalResult verifyDecay();
  LogicalResult verifyGate(StringRef name, Value gate, int64_t channels);
  LogicalResult verifyKeyLike(StringRef name, Value tensor);
  LogicalResult verifyPatterns();
  LogicalResult verifySequences();
  LogicalResult verifyNumbers();

  InFlightDiagnostic error() { return op->emitOpError("expected "); }

  /// The sizes in front of heads: of tokens, or of writes.
  SmallVector<int64_t> rowsOf(RankedTensorType type) {
    return SmallVector<int64_t>(type.getShape().drop_back(2));
  }
  SmallVector<int64_t> extend(ArrayRef<int64_t> rows, ArrayRef<int64_t> rest) {
    SmallVector<int64_t> shape(rows);
    shape.append(rest.begin(), rest.end());
    return shape;
  }
  /// The number of sequences, where it is known.
  int64_t getBatch();

  RecurrenceOpInterface op;
};

} // namespace

int64_t Verifier::getBatch() {
  if (!op.isPacked())
    return op.getQueryType().getDimSize(0);
  int64_t ends =
      cast<RankedTensorType>(op.getCuSeqlens().getType()).getDimSize(0);
  return ShapedType::isDynamic(ends) ? ends : ends - 1;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

LogicalResult Verifier::verifyQuery() {
  // C1
  RankedTensorType query = op.getQueryType();
  int64_t rank = op.getCuSeqlens() ? 3 : 4;
  if (query.getRank() != rank)
    return error() << (op.getCuSeqlens()
                           ? "query of rank 3 ([total, H, K]) with cu_seqlens"
                           : "query of rank 4 ([B, T, H, K])")
                   << ", got " << query;
  if (!isNarrowFloat(query.getElementType()))
    return error() << "query of bf16, f16 or f32, got " << query;
  return verifyRows("query", query);
}

/// Heads and channels are part of the program.
LogicalResult Verifier::verifyRows(StringRef name, RankedTensorType type) {
  for (int64_t size : type.getShape().take_back(2))
    if (ShapedType::isDynamic(size) || size == 0)
      return error() << "heads and channels of " << name
                     << " to be static and positive, got " << type;
  return success();
}

LogicalResult Verifier::verifyKeysAndValues() {
  RankedTensorType query = op.getQueryType(), key = op.getKeyType();
  RankedTensorType value = op.getValueType();
  Type element = query.getElementType();
  // C2
  SmallVector<int64_t> shape(query.getShape());
  int64_t &length = *std::prev(shape.end(), 3);
  if (ShapedType::isStatic(length))
    length *= op.getMicroSteps();
  if (!fits(key, shape) || key.getElementType() != element)
    return error() << "key of " << spell(shape) << " and " << element
                   << ", got " << key;
  // C3
  if (value.getRank() != key.getRank() || value.getElementType() != element ||
      !fits(value, extend(rowsOf(key), value.getShape().take_back(2))))
    return error() << "value of " << spell(extend(rowsOf(key), {kAny, kAny}))
                   << " and " << element << ", got " << value;
  if (failed(verifyRows("value", value)))
    return failure();
  if (op.getValueHeads() % op.getHeads() != 0)
    return error() << "the value heads to be a multiple of the heads, got "
                   << op.getValueHeads() << " and " << op.getHeads();
  return success();
}

LogicalResult Verifier::verifyDecay() {
  if (!op.getDecay())
    return success();
  // C5
  auto decay = cast<RankedTensorType>(op.getDecay().getType());
  SmallVector<int64_t> rows = rowsOf(op.getQueryType());
  int64_t heads = op.getValueHeads();
  if (!decay.getElementType().isF32() ||
      !(fits(decay, heads) || fits(decay, extend(rows, heads)) ||
        fits(decay, extend(rows, {heads, op.getKeyDim()}))))
    return error() << "decay of " << spell(heads) << ", "
                   << spell(extend(rows, heads)) << " or "
                   << spell(extend(rows, {heads, op.getKeyDim()}))
                   << " and f32, got " << decay;
  if (!isa_and_nonnull<GateAttr>(decay.getEncoding()))
    return error() << "decay with the encoding #attn.gate<log> or "
                      "#attn.gate<linear>, got "
                   << decay;
  return success();
}

LogicalResult Verifier::verifyGate(StringRef name, Value gate,
                                   int64_t channels) {
  if (!gate)
    return success();
  // C6
  auto type = cast<RankedTensorType>(gate.getType());
  SmallVector<int64_t> rows = rowsOf(op.getKeyType());
  int64_t heads = op.getValueHeads();
  if (type.getElementType().isF32() &&
      (fits(type, extend(rows, heads)) ||
       fits(type, extend(rows, {heads, channels}))))
    return success();
  return error() << name << " of " << spell(extend(rows, heads)) << " or "
                 << spell(extend(rows, {heads, channels})) << " and f32, got "
                 << type;
}

LogicalResult Verifier::verifyKeyLike(StringRef name, Value tensor) {
  if (!tensor)
    return success();
  // C7
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> rows = rowsOf(op.getKeyType());
  Type element = op.getKeyType().getElementType();
  auto withHeads = [&](int64_t heads) {
    return extend(rows, {heads, op.getKeyDim()});
  };
  bool isStatic = type.getRank() == op.getKeyType().getRank() &&
                  ShapedType::isStaticShape(type.getShape().take_back(2));
  if (isStatic && type.getElementType() == element &&
      (fits(type, withHeads(op.getHeads())) ||
       fits(type, withHeads(op.getValueHeads()))))
    return success();
  return error() << name << " of " << spell(withHeads(op.getHeads())) << " or "
                 << spell(withHeads(op.getValueHeads())) << " and " << element
                 << ", got " << type;
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

LogicalResult Verifier::verifyStates(StringRef name, Value state) {
  if (!state)
    return success();
  // C11
  auto type = cast<RankedTensorType>(state.getType());
  auto encoding = dyn_cast_or_null<StateAttr>(type.getEncoding());
  if (!encoding)
    return error() << name
                   << " with the encoding #attn.state<key_value> or "
                      "#attn.state<value_key>, got "
                   << type;
  int64_t count = op.getSlots() ? kAny : getBatch();
  SmallVector<int64_t> shape = {count, op.getValueHeads(), op.getKeyDim(),
                                op.getValueDim()};
  if (encoding.getLayout() == StateLayout::ValueKey)
    std::swap(shape[2], shape[3]);
  if (fits(type, shape) && isNarrowFloat(type.getElementType()))
    return success();
  return error() << name << " of " << spell(shape)
                 << " and bf16, f16 or f32, got " << type;
}

LogicalResult Verifier::verifyNormalizers(StringRef name, Value normalizer) {
  if (!normalizer)
    return success();
  // C10
  if (!op.getDenominator())
    return error() << name << " to come with a denominator";
  // C11
  auto type = cast<RankedTensorType>(normalizer.getType());
  SmallVector<int64_t> shape = {op.getSlots() ? kAny : getBatch(),
                                op.getValueHeads(), op.getKeyDim()};
  if (fits(type, shape) && type.getElementType().isF32())
    return success();
  return error() << name << " of " << spell(shape) << " and f32, got " << type;
}

LogicalResult Verifier::verifyFinal(StringRef stateName, Value state,
                                    StringRef normalizerName,
                                    Value normalizer) {
  if (failed(verifyStates(stateName, state)) ||
      failed(verifyNormalizers(normalizerName, normalizer)))
    return failure();
  if (!op.getSlots())
    return success();
  // C12
  for (auto [name, own, initial] :
       {std::tuple(stateName, state, op.getState()),
        std::tuple(normalizerName, normalizer, op.getNormalizer())})
    if (own && own.getType() != initial.getType())
      return error() << name << " to be a pool of type " << initial.getType()
                     << ", got " << own.getType();
  return success();
}

//===----------------------------------------------------------------------===//
// The rest
//===----------------------------------------------------------------------===//

/// What comes with what.
LogicalResult Verifier::verifyPatterns() {
  // C8
  if (op.getEraseDirection() && !op.erases())
    return error() << "erase_direction to come with erase or erase_key";
  if (op.getBeforeDecay() && !op.erases())
    return error() << "before_decay to come with erase or erase_key";
  // C9
  if (op.getBonus()) {
    auto type = cast<RankedTensorType>(op.getBonus().getType());
    SmallVector<int64_t> shape = {op.getHeads(), op.getKeyDim()};
    if (!type.getElementType().isF32() || type.getShape() != ArrayRef(shape))
      return error() << "bonus of " << spell(shape) << " and f32, got " << type;
    if (op.erases() || op.getMicroSteps() != 1)
      return error() << "bonus to come with a single write that erases nothing";
  }
  // C10
  if (op.getDenominator() && (op.erases() || op.getWrite() || op.getBonus()))
    return error() << "denominator to come without erase, erase_key, write and "
                      "bonus";
  return success();
}

LogicalResult Verifier::verifySequences() {
  // C14
  if (Value ends = op.getCuSeqlens()) {
    auto type = cast<RankedTensorType>(ends.getType());
    if (type.getRank() != 1 || !type.getElementType().isInteger(32) ||
        type.getDimSize(0) == 0)
      return error() << "cu_seqlens of i32 with one element more than there "
                        "are sequences, got "
                     << type;
  }
  // C13
  if (!op.getSlots())
    return success();
  auto type = cast<RankedTensorType>(op.getSlots().getType());
  if (!fits(type, getBatch()) || !type.getElementType().isInteger(32))
    return error() << "slots of " << spell(getBatch()) << " and i32, got "
                   << type;
  if (!op.getState())
    return error() << "slots to come with a state";
  if (op.getDenominator() && !op.getNormalizer())
    return error() << "slots to come with a normalizer where there is a "
                      "denominator";
  return success();
}

LogicalResult Verifier::verifyNumbers() {
  // C10
  std::optional<APFloat> denominator = op.getDenominator();
  if (denominator && (!denominator->isFinite() || denominator->isNegative()))
    return error() << "denominator to be finite and not negative, got "
                   << denominator->convertToFloat();
  // C15
  if (op.getScale() && !op.getScale()->isFinite())
    return error() << "scale to be finite, got "
                   << op.getScale()->convertToFloat();
  std::optional<APFloat> l2 = op.getL2Normalize();
  if (l2 && (!l2->isFinite() || l2->isNegative()))
    return error() << "l2_normalize to be finite and not negative, got "
                   << l2->convertToFloat();
  if (op.getMicroSteps() < 1)
    return error() << "at least one micro-step, got " << op.getMicroSteps();
  return success();
}

LogicalResult Verifier::verify() {
  if (failed(verifyNumbers()) || failed(verifyQuery()) ||
      failed(verifySequences()) || failed(verifyKeysAndValues()) ||
      failed(verifyDecay()) ||
      failed(verifyGate("erase", op.getErase(), op.getKeyDim())) ||
      failed(verifyGate("write", op.getWrite(), op.getValueDim())) ||
      failed(verifyKeyLike("erase_key", op.getEraseKey())) ||
      failed(verifyKeyLike("erase_direction", op.getEraseDirection())) ||
      failed(verifyPatterns()) || failed(verifyStates("state", op.getState())))
    return failure();
  return verifyNormalizers("normalizer", op.getNormalizer());
}

LogicalResult RecurrenceOp::verify() {
  Verifier verifier(*this);
  if (failed(verifier.verify()))
    return failure();
  // C4
  auto self = cast<RecurrenceOpInterface>(getOperation());
  if (getOutput().getType() != self.getOutputType())
    return emitOpError("expected output of type ")
           << self.getOutputType() << ", got " << getOutput().getType();
  return verifier.verifyFinal("final state", getFinalState(),
                              "final normalizer", getFinalNormalizer());
}

LogicalResult RecurrenceBackwardOp::verify() {
  // C1
  Verifier verifier(*this);
  if (failed(verifier.verify()))
    return failure();
  // C2
  auto self = cast<RecurrenceOpInterface>(getOperation());
  if (getOutputGradient().getType() != self.getOutputType())
    return emitOpError("expected output_gradient of type ")
           << self.getOutputType() << ", got " << getOutputGradient().getType();
  // C3
  if (failed(verifier.verifyFinal("state_gradient", getStateGradient(),
                                  "normalizer_gradient",
                                  getNormalizerGradient())))
    return failure();
  // C4
  std::tuple<StringRef, Value, Value> gradients[] = {
      {"query", getQuery(), getGradQuery()},
      {"key", getKey(), getGradKey()},
      {"value", getValue(), getGradValue()},
      {"decay", getDecay(), getGradDecay()},
      {"erase", getErase(), getGradErase()},
      {"erase_key", getEraseKey(), getGradEraseKey()},
      {"erase_direction", getEraseDirection(), getGradEraseDirection()},
      {"write", getWrite(), getGradWrite()},
      {"bonus", getBonus(), getGradBonus()},
      {"state", getState(), getGradState()},
      {"normalizer", getNormalizer(), getGradNormalizer()}};
  for (auto [name, operand, gradient] : gradients) {
    if (!gradient)
      continue;
    if (!operand)
      return emitOpError("expected ")
             << name << " where its gradient is asked for";
    if (gradient.getType() != operand.getType())
      return emitOpError("expected the gradient of ")
             << name << " to be of type " << operand.getType() << ", got "
             << gradient.getType();
  }
  return success();
}
