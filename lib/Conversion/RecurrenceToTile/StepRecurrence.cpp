//===- StepRecurrence.cpp - Compute a recurrence token by token -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Slots.h"
#include "StepBuilder.h"

#include "attn/Conversion/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::attn {
#define GEN_PASS_DEF_STEPRECURRENCEPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::recurrence_to_tile;

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

Value StepBuilder::fma(Value a, Value b, Value c) {
  return math::FmaOp::create(builder, loc, a, b, c);
}

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

Value StepBuilder::applyGate(Value vector, Gate gate) {
  if (gate.scalar)
    return scaleBy(vector, gate.scalar);
  return gate.vector ? mul(vector, gate.vector) : vector;
}

/// Times `scale` and what l2_normalize asks for.
Scaled StepBuilder::normalize(Value vector, double scale) {
  std::optional<APFloat> epsilon = op.getL2Normalize();
  Value factor = scale == 1 ? Value() : real(scale);
  if (!epsilon)
    return {vector, factor};
  Value squares =
      add(sum(mulForSum(vector, vector)), real(epsilon->convertToDouble()));
  return {vector,
          mulFactors(math::RsqrtOp::create(builder, loc, squares), factor)};
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

bool recurrence_to_tile::isLogDecay(RecurrenceOp op) {
  auto type = cast<RankedTensorType>(op.getDecay().getType());
  return cast<GateAttr>(type.getEncoding()).getScale() == GateScale::Log;
}

State StepBuilder::decay(Gate gate, State state) {
  if (constantDecay)
    gate.scalar = constantDecay;
  bool needsPower = op.getDecay() && !constantDecay && isLogDecay(op);
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

Value StepBuilder::readErased(const Write &operands, Value readable) {
  Scaled erase = operands.eraseKey ? Scaled{operands.eraseKey, {}} : key;
  if (operands.erase.vector)
    erase.vector = mul(erase.vector, operands.erase.vector);
  erase.factor = mulFactors(erase.factor, operands.erase.scalar);
  return scaleBy(readMatrix(readable, erase.vector), erase.factor);
}

State StepBuilder::write(const Write &operands, State state, Value readable) {
  key = normalize(operands.key, 1);
  written = applyGate(operands.value, operands.write);
  added = written;
  if (op.erases()) {
    erased = readErased(operands, readable);
    if (operands.direction)
      state.matrix = addProduct(state.matrix, operands.direction, erased);
    else
      added = arith::SubFOp::create(builder, loc, written, erased);
  }
  added = scaleBy(added, key.factor);
  state.matrix = addProduct(state.matrix, key.vector, added);
  if (state.normalizer)
    state.normalizer = add(state.normalizer, scaleBy(key.vector, key.factor));
  return state;
}

Value StepBuilder::addOwnWrites(Value output, const Scaled &query,
                                const Write &operands) {
  auto addTo = [&](Value direction, Value what) {
    Value weight = sum(mulForSum(query.vector, direction));
    output = fma(splat(weight, what.getType()), what, output);
  };
  if (operands.direction)
    addTo(operands.direction, erased);
  addTo(key.vector, added);
  return output;
}

/// What a token has read of the state, with its own write where there is a
/// bonus, and divided where there is a normalizer.
Value StepBuilder::finishOutput(Value output, const Scaled &query,
                                Value normalizer) {
  if (bonus) {
    Value weight = sum(mulForSum(mul(query.vector, bonus), key.vector));
    output = fma(splat(weight, added.getType()), added, output);
  }
  output = scaleBy(output, query.factor);
  if (std::optional<APFloat> epsilon = op.getDenominator()) {
    Value divisor =
        mulFactors(sum(mulForSum(query.vector, normalizer)), query.factor);
    divisor = add(divisor, real(epsilon->convertToDouble()));
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

State StepBuilder::createToken(Value row, const Token &token, State before) {
  Scaled query;
  Value output;
  auto findQuery = [&] {
    query = normalize(token.query ? token.query : loadQuery(row),
                      op.getScaleOrDefault());
  };
  if (loadsEarly() || bonus)
    findQuery();
  if (bonus)
    output = readMatrix(before.matrix, query.vector);
  State state = decay(token.decay, before);
  if (readsAtOnce())
    output = readMatrix(state.matrix, query.vector);
  for (int64_t m = 0, e = op.getMicroSteps(); m != e; ++m) {
    bool readsBefore = op.getBeforeDecay() && m == 0;
    state = write(loadsEarly() ? token.writes[m] : loadWrite(row, m), state,
                  readsBefore ? before.matrix : state.matrix);
  }
  if (readsAtOnce())
    output = addOwnWrites(output, query, token.writes.front());
  if (!query.vector)
    findQuery();
  if (!output)
    output = readMatrix(state.matrix, query.vector);
  storeOutput(row, finishOutput(output, query, state.normalizer));
  return state;
}

SmallVector<Value> StepBuilder::forEachToken(
    ArrayRef<Value> inits,
    function_ref<SmallVector<Value>(Value token, ValueRange values)> body) {
  if (getConstantIntValue(tokens) == 1)
    return body(index(0), inits);
  auto loop =
      scf::ForOp::create(builder, loc, index(0), tokens, index(1), inits);
  OpBuilder::InsertionGuard guard(builder);
  // A loop without values has its terminator already.
  if (inits.empty())
    builder.setInsertionPointToStart(loop.getBody());
  else
    builder.setInsertionPointToEnd(loop.getBody());
  SmallVector<Value> yielded =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!inits.empty())
    scf::YieldOp::create(builder, loc, yielded);
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// Whether the operands of the next token are loaded while one is computed:
/// where it is known that there is one, and registers hold both.
bool StepBuilder::prefetches() {
  std::optional<int64_t> known = getConstantIntValue(tokens);
  return known && *known > 1 && op.getMicroSteps() == 1 &&
         countStepRegisters(op, values, /*tokens=*/2) <= kMostStepRegisters;
}

/// A token, from the state and maybe its operands to the next ones. `shape` has
/// the operands that there are.
SmallVector<Value> StepBuilder::stepOnce(Value number, const Token &shape,
                                         ValueRange values) {
  Token token = shape;
  State state{values.front(), Value()};
  values = values.drop_front();
  if (op.getDenominator()) {
    state.normalizer = values.front();
    values = values.drop_front();
  }
  Token next;
  if (prefetches()) {
    for (auto [operand, value] : llvm::zip_equal(token.operands(), values))
      *operand = value;
    Value last = apply(d(0) - 1, {tokens});
    Value following =
        arith::MinUIOp::create(builder, loc, apply(d(0) + 1, {number}), last);
    next = loadToken(getRow(following));
  } else {
    token = loadToken(getRow(number));
  }
  state = createToken(getRow(number), token, state);
  keepState(number, state);
  SmallVector<Value> results{state.matrix};
  if (state.normalizer)
    results.push_back(state.normalizer);
  for (Value *operand : next.operands())
    results.push_back(*operand);
  return results;
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

/// Stores the state behind the indices `place` of a tensor of states.
void StepBuilder::storeMatrix(Value matrix, Value view, ArrayRef<Value> place) {
  auto type = cast<tile::ViewType>(view.getType());
  SmallVector<Value> indices(place);
  indices.append({valueHead, index(0), column});
  if (keyAxis == 1)
    std::swap(indices.back(), *std::prev(indices.end(), 2));
  if (!type.getElementType().isF32())
    matrix = arith::TruncFOp::create(
        builder, loc, matrixType().clone(type.getElementType()), matrix);
  tile::StoreOp::create(
      builder, loc, matrix, view, indices, /*slice=*/ValueRange(),
      ArrayRef<int64_t>{type.getRank() - 2, type.getRank() - 1});
}

void StepBuilder::storeState(const State &state) {
  for (auto [view, result] : step.outputs) {
    if (result == op.getFinalState()) {
      storeMatrix(state.matrix, view, slot);
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

void StepBuilder::keepState(Value token, const State &state) {
  for (auto [view, result] : step.outputs) {
    if (result != op.getKeptStates())
      continue;
    auto every = static_cast<int64_t>(*op.getKeepEvery());
    OpBuilder::InsertionGuard guard(builder);
    if (every != 1) {
      Value rest = apply((d(0) + 1) % every, {token});
      Value isLast = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::eq, rest, index(0));
      auto branch =
          scf::IfOp::create(builder, loc, isLast, /*withElseRegion=*/false);
      builder.setInsertionPointToStart(branch.thenBlock());
    }
    Value number = apply(d(0).floorDiv(every), {token});
    if (begin)
      storeMatrix(state.matrix, view,
                  apply(d(0).floorDiv(every) + d(1), {begin, number}));
    else
      storeMatrix(state.matrix, view, {sequence, number});
  }
}

void StepBuilder::createSequence() {
  createInvariants();
  State state = loadState();
  SmallVector<Value> values{state.matrix};
  if (state.normalizer)
    values.push_back(state.normalizer);
  Token first;
  if (prefetches()) {
    first = loadToken(getRow(index(0)));
    for (Value *operand : first.operands())
      values.push_back(*operand);
  }
  values = forEachToken(values, [&](Value token, ValueRange carried) {
    return stepOnce(token, first, carried);
  });
  storeState({values[0], state.normalizer ? values[1] : Value()});
}

void StepBuilder::createPadding() {
  forEachToken({}, [&](Value token, ValueRange) -> SmallVector<Value> {
    storeOutput(getRow(token), zeros(vectorType(values)));
    return {};
  });
}

/// Where the rows of the sequence are.
void StepBuilder::createInstance() {
  column = apply(d(0) * values, {block});
  if (!op.isPacked()) {
    tokens = sizeOf(op.getQuery(), 1);
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
    // Not a constant: a loop over one instance would be folded away.
    for (auto [view, result] : step.outputs)
      if (result == op.getOutput())
        sequences = tile::DimOp::create(builder, loc, view, 0);
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
  // Channels behind the last one are zero. A warp has so many elements of its
  // columns at a time.
  constexpr int64_t kElements = 2048;
  values = step.schedule.getBlockQ();
  keys = llvm::alignTo(op.getKeyDim(), kElements / values);
  keyAxis = 0;
  for (Value state : {op.getState(), op.getFinalState(), op.getKeptStates()})
    if (state) {
      auto type = cast<RankedTensorType>(state.getType());
      keyAxis = cast<StateAttr>(type.getEncoding()).getLayout() ==
                StateLayout::ValueKey;
    }
  createBlock();
  createInstance();
  if (!op.getSlots())
    return createSequence();

  Slot own = readSlot(builder, loc, step.view(op.getSlots()), sequence,
                      sizeOf(op.getState(), 0));
  slot = own.number;
  auto branch =
      scf::IfOp::create(builder, loc, own.isOfPool, /*withElseRegion=*/true);
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
