//===- StepRecurrence.cpp - Compute a recurrence token by token -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StepRecurrence.h"

#include "attn/Conversion/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::attn {
#define GEN_PASS_DEF_STEPRECURRENCEPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::recurrence_to_tile;

namespace {

/// The state of the columns of an instance; the normalizer may be null.
struct State {
  Value matrix, normalizer;
};

/// A factor of a vector: one number for all of it, or one for each element.
struct Gate {
  Value scalar, vector;
};

/// The operands of a write, as they are in memory. May be null.
struct Write {
  Value key, value, eraseKey, direction;
  Gate erase, write;
};

/// The body of the kernel. Vectors are f32: those of the channels of keys have
/// the length of the state's key axis, those of values that of the block.
class StepBuilder {
public:
  explicit StepBuilder(StepKernel &step)
      : step(step), op(step.op), builder(step.kernel.getContext()),
        loc(step.op.getLoc()) {}

  void build();

private:
  void createBlock();
  void createSequence();
  void createPadding();
  void createInstance();
  void createInvariants();
  State loadState();
  void storeState(const State &state);
  /// Calls `body` for each token with its row, threading the state through.
  State forEachToken(State state,
                     function_ref<State(Value row, State state)> body);
  Gate loadDecay(Value row);
  Write loadWrite(Value row, int64_t number);
  State createToken(Value row, State state);
  State decay(Gate gate, State state);
  /// A write into the state, of which `readable` is what an erasure reads.
  /// Leaves the key and what is written in `key` and `written`.
  State write(const Write &operands, State state, Value readable);
  Value finishOutput(Value output, Value query, Value normalizer);
  void storeOutput(Value row, Value output);

  // Operands.
  Value loadKeyed(Value operand, ValueRange rows);
  Value loadValued(Value operand, ValueRange rows);
  Value load(Value view, ValueRange indices, int64_t size);
  Value read(Value operand, ValueRange indices) {
    return tile::ReadOp::create(
        builder, loc,
        cast<tile::ViewType>(step.view(operand).getType()).getElementType(),
        step.view(operand), indices, /*position=*/false);
  }
  Value readConstant(DenseElementsAttr values);
  Gate loadGate(Value gate, ValueRange rows, bool isOfKeys);
  Value applyGate(Value vector, Gate gate);
  Value normalize(Value vector, double scale);
  /// The row of a token as the first indices of its elements.
  SmallVector<Value> getRows(Value row) {
    if (op.isPacked())
      return {row};
    return {sequence, row};
  }

  // Algebra.
  VectorType vectorType(int64_t size) {
    return VectorType::get({size}, builder.getF32Type());
  }
  VectorType matrixType() {
    return keyAxis == 0 ? VectorType::get({keys, values}, builder.getF32Type())
                        : VectorType::get({values, keys}, builder.getF32Type());
  }
  Value spread(Value vector, int64_t axis);
  Value spreadKeys(Value vector) { return spread(vector, keyAxis); }
  Value spreadValues(Value vector) { return spread(vector, 1 - keyAxis); }
  /// matrix^T vector
  Value readMatrix(Value matrix, Value vector);
  Value addProduct(Value matrix, Value key, Value value) {
    Value keys = spreadKeys(key), values = spreadValues(value);
    return math::FmaOp::create(builder, loc, keys, values, matrix);
  }
  Value sum(Value vector) {
    return vector::ReductionOp::create(builder, loc, vector::CombiningKind::ADD,
                                       vector);
  }
  Value splat(Value scalar, Type type) {
    return vector::BroadcastOp::create(builder, loc, type, scalar);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(builder, loc, a, b);
  }
  /// A product that may be merged with the sum that it is part of.
  Value mulForSum(Value a, Value b) {
    return arith::MulFOp::create(builder, loc, a, b,
                                 arith::FastMathFlags::contract);
  }
  Value scaleBy(Value vector, Value scalar) {
    return mul(vector, splat(scalar, vector.getType()));
  }
  Value real(double value) {
    return arith::ConstantOp::create(
        builder, loc, builder.getF32FloatAttr(static_cast<float>(value)));
  }
  Value zeros(Type type) {
    return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value apply(AffineExpr expr, ValueRange operands) {
    AffineMap map = AffineMap::get(operands.size(), 0, expr);
    return getValueOrCreateConstantIndexOp(
        builder, loc,
        affine::makeComposedFoldedAffineApply(builder, loc, map,
                                              getAsOpFoldResult(operands)));
  }
  AffineExpr d(unsigned i) { return builder.getAffineDimExpr(i); }
  /// A size, constant where the type knows it.
  Value size(Value operand, int64_t axis) {
    int64_t known = cast<RankedTensorType>(operand.getType()).getDimSize(axis);
    if (!ShapedType::isDynamic(known))
      return index(known);
    return tile::DimOp::create(builder, loc, step.view(operand), axis);
  }
  Value headOf(int64_t heads) {
    int64_t group = op.getValueHeads() / heads;
    return group == 1 ? valueHead : apply(d(0).floorDiv(group), {valueHead});
  }
  int64_t headsOf(Value operand) {
    return cast<RankedTensorType>(operand.getType())
        .getShape()
        .take_back(2)
        .front();
  }

  StepKernel &step;
  RecurrenceOp op;
  OpBuilder builder;
  Location loc;
  /// The sizes of the state of an instance, and which axis the key's is.
  int64_t keys, values, keyAxis;

  /// Of the instance: the sequence, the number of its state, the value head,
  /// the number of the block and its first column.
  Value sequence, slot, valueHead, block, column;
  /// Of packed sequences, their first row; the number of tokens.
  Value begin, tokens;
  /// What tokens have in common: the factor of a constant decay, and the bonus.
  Value constantDecay, bonus;
  /// Of the last write.
  Value key, written;
};

} // namespace

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

/// Repeats a vector that goes along `axis` of the state.
Value StepBuilder::spread(Value vector, int64_t axis) {
  VectorType type = matrixType();
  if (axis == 1)
    return vector::BroadcastOp::create(builder, loc, type, vector);
  SmallVector<int64_t> turned{type.getDimSize(1), type.getDimSize(0)};
  Value rows = vector::BroadcastOp::create(
      builder, loc, VectorType::get(turned, type.getElementType()), vector);
  return vector::TransposeOp::create(builder, loc, rows,
                                     ArrayRef<int64_t>{1, 0});
}

Value StepBuilder::readMatrix(Value matrix, Value vector) {
  Value products = mulForSum(matrix, spreadKeys(vector));
  return vector::MultiDimReductionOp::create(
      builder, loc, products, zeros(vectorType(values)),
      keyAxis == 0 ? ArrayRef<bool>{true, false} : ArrayRef<bool>{false, true},
      vector::CombiningKind::ADD);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Value StepBuilder::load(Value view, ValueRange indices, int64_t size) {
  auto type = cast<tile::ViewType>(view.getType());
  Value tile = tile::LoadOp::create(
      builder, loc, VectorType::get({size}, type.getElementType()), view,
      indices, /*slice=*/ValueRange(), ArrayRef<int64_t>{type.getRank() - 1});
  if (type.getElementType().isF32())
    return tile;
  return arith::ExtFOp::create(builder, loc, vectorType(size), tile);
}

Value StepBuilder::loadKeyed(Value operand, ValueRange rows) {
  SmallVector<Value> indices(rows);
  indices.append({headOf(headsOf(operand)), index(0)});
  return load(step.view(operand), indices, keys);
}

Value StepBuilder::loadValued(Value operand, ValueRange rows) {
  SmallVector<Value> indices(rows);
  indices.append({valueHead, column});
  return load(step.view(operand), indices, values);
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

Gate StepBuilder::loadGate(Value gate, ValueRange rows, bool isOfKeys) {
  if (!gate)
    return {};
  if (cast<RankedTensorType>(gate.getType()).getRank() ==
      op.getKeyType().getRank())
    return {Value(), isOfKeys ? loadKeyed(gate, rows) : loadValued(gate, rows)};
  SmallVector<Value> indices(rows);
  indices.push_back(valueHead);
  return {read(gate, indices), Value()};
}

Value StepBuilder::applyGate(Value vector, Gate gate) {
  if (gate.scalar)
    return scaleBy(vector, gate.scalar);
  return gate.vector ? mul(vector, gate.vector) : vector;
}

/// Multiplies by `scale` and what l2_normalize asks for.
Value StepBuilder::normalize(Value vector, double scale) {
  std::optional<APFloat> epsilon = op.getL2Normalize();
  if (!epsilon)
    return scale == 1 ? vector : scaleBy(vector, real(scale));
  Value squares = sum(mulForSum(vector, vector));
  squares = arith::AddFOp::create(builder, loc, squares,
                                  real(epsilon->convertToDouble()));
  Value factor = math::RsqrtOp::create(builder, loc, squares);
  if (scale != 1)
    factor = mul(factor, real(scale));
  return scaleBy(vector, factor);
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

static bool isLog(Value decay) {
  auto type = cast<RankedTensorType>(decay.getType());
  return cast<GateAttr>(type.getEncoding()).getScale() == GateScale::Log;
}

void StepBuilder::createInvariants() {
  Value decay = op.getDecay();
  DenseElementsAttr constants;
  if (decay && matchPattern(decay, m_Constant(&constants)))
    constantDecay = readConstant(constants);
  else if (decay && cast<RankedTensorType>(decay.getType()).getRank() == 1)
    constantDecay = read(decay, valueHead);
  if (constantDecay && isLog(decay))
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
  write.erase = loadGate(op.getErase(), rows, /*isOfKeys=*/true);
  write.write = loadGate(op.getWrite(), rows, /*isOfKeys=*/false);
  return write;
}

Gate StepBuilder::loadDecay(Value row) {
  if (constantDecay)
    return {constantDecay, Value()};
  return loadGate(op.getDecay(), getRows(row), /*isOfKeys=*/true);
}

State StepBuilder::decay(Gate gate, State state) {
  bool needsPower = op.getDecay() && !constantDecay && isLog(op.getDecay());
  for (Value *factor : {&gate.scalar, &gate.vector})
    if (*factor && needsPower)
      *factor = math::ExpOp::create(builder, loc, *factor);
  if (gate.scalar)
    state.matrix = scaleBy(state.matrix, gate.scalar);
  if (gate.vector)
    state.matrix = mul(state.matrix, spreadKeys(gate.vector));
  if (state.normalizer)
    state.normalizer = applyGate(state.normalizer, gate);
  return state;
}

State StepBuilder::write(const Write &operands, State state, Value readable) {
  key = normalize(operands.key, 1);
  written = applyGate(operands.value, operands.write);
  Value added = written;
  if (op.erases()) {
    Value erase =
        applyGate(operands.eraseKey ? operands.eraseKey : key, operands.erase);
    Value erased = readMatrix(readable, erase);
    if (operands.direction)
      state.matrix = addProduct(state.matrix, operands.direction, erased);
    else
      added = arith::SubFOp::create(builder, loc, written, erased);
  }
  state.matrix = addProduct(state.matrix, key, added);
  if (state.normalizer)
    state.normalizer =
        arith::AddFOp::create(builder, loc, state.normalizer, key);
  return state;
}

/// What a token has read of the state, with its own write where there is a
/// bonus, and divided where there is a normalizer.
Value StepBuilder::finishOutput(Value output, Value query, Value normalizer) {
  if (bonus) {
    Value weight = sum(mulForSum(mul(query, bonus), key));
    output = math::FmaOp::create(builder, loc, splat(weight, written.getType()),
                                 written, output);
  }
  if (std::optional<APFloat> epsilon = op.getDenominator()) {
    Value divisor = sum(mulForSum(query, normalizer));
    divisor = arith::AddFOp::create(builder, loc, divisor,
                                    real(epsilon->convertToDouble()));
    output = arith::DivFOp::create(builder, loc, output,
                                   splat(divisor, output.getType()));
  }
  return output;
}

void StepBuilder::storeOutput(Value row, Value output) {
  for (auto [view, result] : step.outputs) {
    if (result != op.getOutput())
      continue;
    auto type = cast<tile::ViewType>(view.getType());
    Value rounded = output;
    if (!type.getElementType().isF32())
      rounded = arith::TruncFOp::create(
          builder, loc, VectorType::get({values}, type.getElementType()),
          output);
    SmallVector<Value> indices = getRows(row);
    indices.append({valueHead, column});
    tile::StoreOp::create(builder, loc, rounded, view, indices,
                          /*slice=*/ValueRange(),
                          ArrayRef<int64_t>{type.getRank() - 1});
  }
}

State StepBuilder::createToken(Value row, State before) {
  // All operands are loaded before anything is computed, so that the memory is
  // waited for once; of many channels, each where it is used.
  constexpr int64_t kFewChannels = 128;
  bool loadsEarly = keys <= kFewChannels;
  Gate decayGate = loadDecay(row);
  SmallVector<Write> writes;
  for (int64_t m = 0, e = op.getMicroSteps(); m != e && loadsEarly; ++m)
    writes.push_back(loadWrite(row, m));
  Value query, output;
  auto readOut = [&](Value matrix) { output = readMatrix(matrix, query); };
  auto loadQuery = [&] {
    query = normalize(loadKeyed(op.getQuery(), getRows(row)),
                      op.getScaleOrDefault());
  };
  if (loadsEarly || bonus)
    loadQuery();
  if (bonus)
    readOut(before.matrix);
  State state = decay(decayGate, before);
  for (int64_t m = 0, e = op.getMicroSteps(); m != e; ++m) {
    bool readsBefore = op.getBeforeDecay() && m == 0;
    state = write(loadsEarly ? writes[m] : loadWrite(row, m), state,
                  readsBefore ? before.matrix : state.matrix);
  }
  if (!query)
    loadQuery();
  if (!output)
    readOut(state.matrix);
  storeOutput(row, finishOutput(output, query, state.normalizer));
  return state;
}

State StepBuilder::forEachToken(
    State state, function_ref<State(Value row, State state)> body) {
  auto getRow = [&](Value token) {
    return begin ? apply(d(0) + d(1), {begin, token}) : token;
  };
  if (getConstantIntValue(tokens) == 1)
    return body(getRow(index(0)), state);
  SmallVector<Value> inits;
  for (Value value : {state.matrix, state.normalizer})
    if (value)
      inits.push_back(value);
  auto loop =
      scf::ForOp::create(builder, loc, index(0), tokens, index(1), inits);
  auto unpack = [&](ValueRange range) {
    return State{state.matrix ? range.front() : Value(),
                 state.normalizer ? range.back() : Value()};
  };
  {
    OpBuilder::InsertionGuard guard(builder);
    // A loop without values has its terminator already.
    if (inits.empty())
      builder.setInsertionPointToStart(loop.getBody());
    else
      builder.setInsertionPointToEnd(loop.getBody());
    State next =
        body(getRow(loop.getInductionVar()), unpack(loop.getRegionIterArgs()));
    SmallVector<Value> yielded;
    for (Value value : {next.matrix, next.normalizer})
      if (value)
        yielded.push_back(value);
    if (!inits.empty())
      scf::YieldOp::create(builder, loc, yielded);
  }
  return unpack(loop.getResults());
}

//===----------------------------------------------------------------------===//
// Instances
//===----------------------------------------------------------------------===//

State StepBuilder::loadState() {
  State state{zeros(matrixType()), Value()};
  if (op.getState()) {
    Value view = step.view(op.getState());
    Type element = cast<tile::ViewType>(view.getType()).getElementType();
    SmallVector<Value> indices{slot, valueHead, index(0), column};
    if (keyAxis == 1)
      std::swap(indices[2], indices[3]);
    state.matrix = tile::LoadOp::create(
        builder, loc, matrixType().clone(element), view, indices,
        /*slice=*/ValueRange(), ArrayRef<int64_t>{2, 3});
    if (!element.isF32())
      state.matrix =
          arith::ExtFOp::create(builder, loc, matrixType(), state.matrix);
  }
  if (op.getDenominator()) {
    state.normalizer = zeros(vectorType(keys));
    if (op.getNormalizer())
      state.normalizer = loadKeyed(op.getNormalizer(), slot);
  }
  return state;
}

void StepBuilder::storeState(const State &state) {
  for (auto [view, result] : step.outputs) {
    auto type = cast<tile::ViewType>(view.getType());
    if (result == op.getFinalState()) {
      SmallVector<Value> indices{slot, valueHead, index(0), column};
      if (keyAxis == 1)
        std::swap(indices[2], indices[3]);
      Value rounded = state.matrix;
      if (!type.getElementType().isF32())
        rounded = arith::TruncFOp::create(
            builder, loc, matrixType().clone(type.getElementType()), rounded);
      tile::StoreOp::create(builder, loc, rounded, view, indices,
                            /*slice=*/ValueRange(), ArrayRef<int64_t>{2, 3});
    } else if (result == op.getFinalNormalizer()) {
      // All blocks have the same.
      Value isFirst = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::eq, block, index(0));
      auto branch =
          scf::IfOp::create(builder, loc, isFirst, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      tile::StoreOp::create(builder, loc, state.normalizer, view,
                            ValueRange{slot, valueHead, index(0)},
                            /*slice=*/ValueRange(), ArrayRef<int64_t>{2});
    }
  }
}

void StepBuilder::createSequence() {
  createInvariants();
  State state = forEachToken(loadState(), [&](Value row, State before) {
    return createToken(row, before);
  });
  storeState(state);
}

void StepBuilder::createPadding() {
  forEachToken({}, [&](Value row, State none) {
    storeOutput(row, zeros(vectorType(values)));
    return none;
  });
}

/// Where the rows of the sequence are.
void StepBuilder::createInstance() {
  column = apply(d(0) * values, {block});
  if (!op.isPacked()) {
    tokens = size(op.getQuery(), 1);
    return;
  }
  auto readEnd = [&](Value number) -> Value {
    Value end = tile::ReadOp::create(builder, loc, builder.getI32Type(),
                                     step.view(op.getCuSeqlens()), number,
                                     /*position=*/true);
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      end);
  };
  Value next = apply(d(0) + 1, {sequence});
  begin = readEnd(sequence);
  tokens = apply(d(1) - d(0), {begin, readEnd(next)});
}

/// The loop over the instances.
void StepBuilder::createBlock() {
  builder.setInsertionPointToEnd(&step.kernel.getBody().front());
  Value sequences;
  if (op.isPacked())
    sequences = apply(
        d(0) - 1,
        {tile::DimOp::create(builder, loc, step.view(op.getCuSeqlens()), 0)});
  else
    sequences = tile::DimOp::create(builder, loc, step.view(op.getQuery()), 0);
  int64_t blocks = llvm::divideCeil(op.getValueDim(), values);
  SmallVector<OpFoldResult> extents{sequences,
                                    builder.getIndexAttr(op.getValueHeads()),
                                    builder.getIndexAttr(blocks)};
  auto forall = scf::ForallOp::create(builder, loc, extents, ValueRange{},
                                      /*mapping=*/std::nullopt);
  tile::ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(forall.getBody());
  auto ids = forall.getInductionVars();
  sequence = slot = ids[0];
  valueHead = ids[1];
  block = ids[2];
}

void StepBuilder::build() {
  // Channels behind the last one are zero.
  constexpr int64_t kChannelStep = 32;
  keys = llvm::alignTo(op.getKeyDim(), kChannelStep);
  values = step.schedule.getBlockQ();
  Value state = op.getState() ? op.getState() : op.getFinalState();
  keyAxis = 0;
  if (state) {
    auto type = cast<RankedTensorType>(state.getType());
    keyAxis = cast<StateAttr>(type.getEncoding()).getLayout() ==
              StateLayout::ValueKey;
  }
  createBlock();
  createInstance();
  if (!op.getSlots())
    return createSequence();

  slot = read(op.getSlots(), sequence);
  slot = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), slot);
  Value pool = size(op.getState(), 0);
  Value isOfPool = arith::CmpIOp::create(builder, loc,
                                         arith::CmpIPredicate::ult, slot, pool);
  auto branch =
      scf::IfOp::create(builder, loc, isOfPool, /*withElseRegion=*/true);
  builder.setInsertionPointToStart(branch.thenBlock());
  createSequence();
  builder.setInsertionPointToStart(branch.elseBlock());
  createPadding();
}

namespace {
struct StepRecurrence : attn::impl::StepRecurrencePassBase<StepRecurrence> {
  void runOnOperation() override {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (!isStepped(function))
        continue;
      FailureOr<StepKernel> step = createStepKernel(function);
      if (failed(step))
        return signalPassFailure();
      StepBuilder(*step).build();
      function.erase();
    }
  }
};
} // namespace
