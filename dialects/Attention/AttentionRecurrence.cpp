//===- AttentionRecurrence.cpp - Rules of recurrences ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static constexpr int64_t kAny = ShapedType::kDynamic;

/// Whether `type` has sizes that may be `rows`, and behind them exactly `rest`.
static bool fits(RankedTensorType type, ArrayRef<int64_t> rows,
                 ArrayRef<int64_t> rest) {
  ArrayRef<int64_t> shape = type.getShape();
  return shape.size() == rows.size() + rest.size() &&
         succeeded(
             verifyCompatibleShape(shape.take_front(rows.size()), rows)) &&
         shape.take_back(rest.size()) == rest;
}

static SmallVector<int64_t> join(ArrayRef<int64_t> rows,
                                 ArrayRef<int64_t> rest) {
  SmallVector<int64_t> shape(rows);
  shape.append(rest.begin(), rest.end());
  return shape;
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
  LogicalResult verifyKept(std::optional<int64_t> every, Value kept);

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
  LogicalResult verifyEncodings();
  LogicalResult verifyStatesOf(StringRef name, Value state,
                               ArrayRef<int64_t> rows);

  InFlightDiagnostic emitError() { return op->emitOpError("expected "); }

  /// The sizes in front of heads: of tokens, or of writes.
  SmallVector<int64_t> rowsOf(RankedTensorType type) {
    return SmallVector<int64_t>(type.getShape().drop_back(2));
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
    return emitError()
           << (op.getCuSeqlens()
                   ? "query of rank 3 ([total, H, K]) with cu_seqlens"
                   : "query of rank 4 ([B, T, H, K])")
           << ", got " << query;
  if (!isNarrowFloat(query.getElementType()))
    return emitError() << "query of bf16, f16 or f32, got " << query;
  return verifyRows("query", query);
}

/// Heads and channels are part of the program.
LogicalResult Verifier::verifyRows(StringRef name, RankedTensorType type) {
  for (int64_t size : type.getShape().take_back(2))
    if (ShapedType::isDynamic(size) || size == 0)
      return emitError() << "heads and channels of " << name
                         << " to be static and positive, got " << type;
  return success();
}

LogicalResult Verifier::verifyKeysAndValues() {
  RankedTensorType query = op.getQueryType(), key = op.getKeyType();
  RankedTensorType value = op.getValueType();
  Type element = query.getElementType();
  // C2
  SmallVector<int64_t> rows = rowsOf(query);
  if (ShapedType::isStatic(rows.back()))
    rows.back() = op.getWrites(rows.back());
  SmallVector<int64_t> rest = {op.getHeads(), op.getKeyDim()};
  if (!fits(key, rows, rest) || key.getElementType() != element)
    return emitError() << "key of " << spell(join(rows, rest)) << " and "
                       << element << ", got " << key;
  // C3
  rows = rowsOf(key);
  if (value.getRank() != key.getRank() || value.getElementType() != element ||
      failed(verifyCompatibleShape(rowsOf(value), rows)))
    return emitError() << "value of " << spell(join(rows, {kAny, kAny}))
                       << " and " << element << ", got " << value;
  if (failed(verifyRows("value", value)))
    return failure();
  if (op.getValueHeads() % op.getHeads() != 0)
    return emitError() << "the value heads to be a multiple of the heads, got "
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
  SmallVector<int64_t> vector = {heads, op.getKeyDim()};
  if (!decay.getElementType().isF32() ||
      !(fits(decay, {}, heads) || fits(decay, rows, heads) ||
        fits(decay, rows, vector)))
    return emitError() << "decay of " << spell(heads) << ", "
                       << spell(join(rows, heads)) << " or "
                       << spell(join(rows, vector)) << " and f32, got "
                       << decay;
  if (!isa_and_nonnull<GateAttr>(decay.getEncoding()))
    return emitError() << "decay with the encoding #attn.gate<log> or "
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
  SmallVector<int64_t> vector = {heads, channels};
  Type element = op.getKeyType().getElementType();
  bool isWide = type.getElementType().isF32();
  if ((isWide && fits(type, rows, heads)) ||
      ((isWide || type.getElementType() == element) &&
       fits(type, rows, vector)))
    return success();
  InFlightDiagnostic error = emitError();
  error << name << " of " << spell(join(rows, heads)) << " or "
        << spell(join(rows, vector)) << " and f32, ";
  if (!element.isF32())
    error << "or of the latter and " << element << ", ";
  return error << "got " << type;
}

LogicalResult Verifier::verifyKeyLike(StringRef name, Value tensor) {
  if (!tensor)
    return success();
  // C7
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> rows = rowsOf(op.getKeyType());
  Type element = op.getKeyType().getElementType();
  SmallVector<int64_t> ofKeys = {op.getHeads(), op.getKeyDim()};
  SmallVector<int64_t> ofValues = {op.getValueHeads(), op.getKeyDim()};
  if (type.getElementType() == element &&
      (fits(type, rows, ofKeys) || fits(type, rows, ofValues)))
    return success();
  return emitError() << name << " of " << spell(join(rows, ofKeys)) << " or "
                     << spell(join(rows, ofValues)) << " and " << element
                     << ", got " << type;
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

/// States behind the sizes `rows`.
LogicalResult Verifier::verifyStatesOf(StringRef name, Value state,
                                       ArrayRef<int64_t> rows) {
  // C11
  auto type = cast<RankedTensorType>(state.getType());
  auto encoding = dyn_cast_or_null<StateAttr>(type.getEncoding());
  if (!encoding)
    return emitError() << name
                       << " with the encoding #attn.state<key_value> or "
                          "#attn.state<value_key>, got "
                       << type;
  SmallVector<int64_t> rest = {op.getValueHeads(), op.getKeyDim(),
                               op.getValueDim()};
  if (encoding.getLayout() == StateLayout::ValueKey)
    std::swap(rest[1], rest[2]);
  if (fits(type, rows, rest) && isNarrowFloat(type.getElementType()))
    return success();
  return emitError() << name << " of " << spell(join(rows, rest))
                     << " and bf16, f16 or f32, got " << type;
}

LogicalResult Verifier::verifyStates(StringRef name, Value state) {
  if (!state)
    return success();
  return verifyStatesOf(name, state, op.getSlots() ? kAny : getBatch());
}

LogicalResult Verifier::verifyKept(std::optional<int64_t> every, Value kept) {
  // C17
  if (every.has_value() != static_cast<bool>(kept))
    return emitError() << "keep_every and kept states to come together";
  if (!kept)
    return success();
  if (*every < 1)
    return emitError() << "keep_every to be positive, got " << *every;
  if (op.getDenominator())
    return emitError() << "keep_every to come without a denominator";
  SmallVector<int64_t> rows = rowsOf(op.getQueryType());
  if (ShapedType::isStatic(rows.back()))
    rows.back() /= *every;
  return verifyStatesOf("kept states", kept, rows);
}

LogicalResult Verifier::verifyNormalizers(StringRef name, Value normalizer) {
  if (!normalizer)
    return success();
  // C10
  if (!op.getDenominator())
    return emitError() << name << " to come with a denominator";
  // C11
  auto type = cast<RankedTensorType>(normalizer.getType());
  int64_t count = op.getSlots() ? kAny : getBatch();
  SmallVector<int64_t> rest = {op.getValueHeads(), op.getKeyDim()};
  if (fits(type, count, rest) && type.getElementType().isF32())
    return success();
  return emitError() << name << " of " << spell(join(count, rest))
                     << " and f32, got " << type;
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
      return emitError() << name << " to be a pool of type "
                         << initial.getType() << ", got " << own.getType();
  return success();
}

//===----------------------------------------------------------------------===//
// The rest
//===----------------------------------------------------------------------===//

/// What comes with what.
LogicalResult Verifier::verifyPatterns() {
  // C8
  if (op.getEraseDirection() && !op.erases())
    return emitError() << "erase_direction to come with erase or erase_key";
  if (op.getBeforeDecay() && !op.erases())
    return emitError() << "before_decay to come with erase or erase_key";
  // C9
  if (op.getBonus()) {
    auto type = cast<RankedTensorType>(op.getBonus().getType());
    SmallVector<int64_t> shape = {op.getHeads(), op.getKeyDim()};
    if (!type.getElementType().isF32() || !fits(type, {}, shape))
      return emitError() << "bonus of " << spell(shape) << " and f32, got "
                         << type;
    if (op.erases() || op.getMicroSteps() != 1)
      return emitError()
             << "bonus to come with a single write that erases nothing";
  }
  // C10
  if (op.getDenominator() && (op.erases() || op.getWrite() || op.getBonus()))
    return emitError()
           << "denominator to come without erase, erase_key, write and "
              "bonus";
  return success();
}

LogicalResult Verifier::verifySequences() {
  // C14
  if (Value ends = op.getCuSeqlens()) {
    auto type = cast<RankedTensorType>(ends.getType());
    if (type.getRank() != 1 || !type.getElementType().isInteger(32) ||
        type.getDimSize(0) == 0)
      return emitError()
             << "cu_seqlens of i32 with one element more than there "
                "are sequences, got "
             << type;
  }
  // C13
  if (!op.getSlots())
    return success();
  auto type = cast<RankedTensorType>(op.getSlots().getType());
  if (!fits(type, getBatch(), {}) || !type.getElementType().isInteger(32))
    return emitError() << "slots of " << spell(getBatch()) << " and i32, got "
                       << type;
  if (!op.getState())
    return emitError() << "slots to come with a state";
  if (op.getDenominator() && !op.getNormalizer())
    return emitError() << "slots to come with a normalizer where there is a "
                          "denominator";
  return success();
}

LogicalResult Verifier::verifyNumbers() {
  // C10
  std::optional<APFloat> denominator = op.getDenominator();
  if (denominator && (!denominator->isFinite() || denominator->isNegative()))
    return emitError() << "denominator to be finite and not negative, got "
                       << denominator->convertToFloat();
  // C15
  if (op.getScale() && !op.getScale()->isFinite())
    return emitError() << "scale to be finite, got "
                       << op.getScale()->convertToFloat();
  std::optional<APFloat> l2 = op.getL2Normalize();
  if (l2 && (!l2->isFinite() || l2->isNegative()))
    return emitError() << "l2_normalize to be finite and not negative, got "
                       << l2->convertToFloat();
  if (op.getMicroSteps() < 1)
    return emitError() << "at least one micro-step, got " << op.getMicroSteps();
  return success();
}

/// A decay is no gate of another kind.
LogicalResult Verifier::verifyEncodings() {
  // C16
  std::pair<StringRef, Value> operands[] = {
      {"query", op.getQuery()},
      {"key", op.getKey()},
      {"value", op.getValue()},
      {"erase", op.getErase()},
      {"erase_key", op.getEraseKey()},
      {"erase_direction", op.getEraseDirection()},
      {"write", op.getWrite()},
      {"bonus", op.getBonus()},
      {"normalizer", op.getNormalizer()}};
  for (auto [name, operand] : operands)
    if (operand && cast<RankedTensorType>(operand.getType()).getEncoding())
      return emitError() << name << " without an encoding, got "
                         << operand.getType();
  return success();
}

LogicalResult Verifier::verify() {
  if (failed(verifyEncodings()) || failed(verifyNumbers()) ||
      failed(verifyQuery()) || failed(verifySequences()) ||
      failed(verifyKeysAndValues()) || failed(verifyDecay()) ||
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
  if (failed(verifier.verifyFinal("final state", getFinalState(),
                                  "final normalizer", getFinalNormalizer())))
    return failure();
  // C18
  if (getAllowNegEigval() && (!getErase() || getEraseDirection()))
    return emitOpError("expected allow_neg_eigval to come with erase, and "
                       "without erase_direction");
  return verifier.verifyKept(getKeepEvery(), getKeptStates());
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
