//===- ChunkKernel.cpp - The chunked form of a recurrence -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"
#include "Slots.h"

#include "../TileBuilders.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::attn;

ChunkKernelBuilder::ChunkKernelBuilder(func::FuncOp function, RecurrenceOp op,
                                       tile::ScheduleAttr schedule)
    : function(function), op(op), builder(function), loc(op.getLoc()),
      schedule(schedule), tokens(schedule.getBlockKv()),
      rows(schedule.getBlockQ()), keyDim(op.getKeyDim()), scale(1),
      outputScale(op.getScaleOrDefault()),
      element(op.getQueryType().getElementType()),
      fine(element.isF32() ? element : builder.getF16Type()) {
  // What is read of a chunk may be too large for f16 without it.
  if (element.isF16())
    std::swap(scale, outputScale);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value ChunkKernelBuilder::apply(AffineExpr expr, ArrayRef<Value> operands) {
  return applyExpr(builder, loc, expr, operands);
}

Value ChunkKernelBuilder::splat(VectorType type, double value) {
  return arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, static_cast<float>(value)));
}

Value ChunkKernelBuilder::scaled(Value tile, double factor) {
  if (factor == 1)
    return tile;
  return mul(tile, splat(cast<VectorType>(tile.getType()), factor));
}

Value ChunkKernelBuilder::exp2(Value exponents) {
  return math::Exp2Op::create(builder, loc, exponents);
}

Value ChunkKernelBuilder::scaleColumns(Value tile, Value factors) {
  if (!factors)
    return tile;
  return mul(
      tile, vector::BroadcastOp::create(builder, loc, tile.getType(), factors));
}

Value ChunkKernelBuilder::scaleRows(Value tile, Value factors) {
  if (!factors)
    return tile;
  auto type = cast<VectorType>(tile.getType());
  auto columns = f32Tile({type.getDimSize(1), type.getDimSize(0)});
  return mul(tile, transpose(vector::BroadcastOp::create(builder, loc, columns,
                                                         factors)));
}

Value ChunkKernelBuilder::subtractScaled(Value from, Value tile,
                                         Value factors) {
  if (!factors)
    return sub(from, tile);
  Value columns =
      vector::BroadcastOp::create(builder, loc, tile.getType(), factors);
  return math::FmaOp::create(
      builder, loc, arith::NegFOp::create(builder, loc, columns), tile, from);
}

Value ChunkKernelBuilder::round(Value tile, Type type) {
  auto source = cast<VectorType>(tile.getType());
  if (source.getElementType() == type)
    return tile;
  return arith::TruncFOp::create(builder, loc,
                                 source.cloneWith(std::nullopt, type), tile);
}

Value ChunkKernelBuilder::extend(Value tile) {
  auto source = cast<VectorType>(tile.getType());
  if (source.getElementType().isF32())
    return tile;
  return arith::ExtFOp::create(builder, loc, f32Tile(source.getShape()), tile);
}

Value ChunkKernelBuilder::transpose(Value tile) {
  return vector::TransposeOp::create(builder, loc, tile,
                                     ArrayRef<int64_t>{1, 0});
}

Value ChunkKernelBuilder::dot(Value lhs, Value rhs, bool transposeRhs,
                              Value acc) {
  int64_t rows = cast<VectorType>(lhs.getType()).getDimSize(0);
  int64_t columns =
      cast<VectorType>(rhs.getType()).getDimSize(transposeRhs ? 0 : 1);
  return tile::DotOp::create(builder, loc, f32Tile({rows, columns}), lhs, rhs,
                             acc, transposeRhs);
}

/// What rounding leaves of `tile`, if the schedule asks for it, to be computed
/// behind the products of what is rounded.
Value ChunkKernelBuilder::createRest(Value tile, Value rounded) {
  if (schedule.getStateParts() == 1)
    return {};
  return round(sub(tile, extend(rounded)), getElementTypeOrSelf(rounded));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

SmallVector<Value> ChunkKernelBuilder::getPlace(Value row,
                                                ArrayRef<Value> rest) {
  SmallVector<Value> place;
  if (!isPacked())
    place.push_back(sequence);
  place.push_back(row);
  llvm::append_range(place, rest);
  return place;
}

Value ChunkKernelBuilder::loadMatrix(Value operand, Value row,
                                     ArrayRef<Value> rest, int64_t columns,
                                     int64_t copy) {
  SmallVector<Value> place = getPlace(row, rest);
  auto axis = static_cast<int64_t>(isPacked() ? 0 : 1);
  Type type = cast<RankedTensorType>(operand.getType()).getElementType();
  return tile::LoadOp::create(
      builder, loc, VectorType::get({tokens, columns}, type), view(operand),
      place, slice, ArrayRef<int64_t>{axis, axis + 2}, copy);
}

Value ChunkKernelBuilder::gateChannels(Value tile, Value gates, Value row,
                                       Value first, Type type) {
  if (!isPerChannel(op, gates))
    return tile;
  int64_t channels = cast<VectorType>(tile.getType()).getDimSize(1);
  Value factors = loadMatrix(gates, row, {valueHead, first}, channels);
  return round(mul(extend(tile), extend(factors)), type);
}

Value ChunkKernelBuilder::loadStrengths(Value strengths, Value row) {
  if (!strengths || isPerChannel(op, strengths))
    return {};
  return loadNumbers(strengths, row);
}

SmallVector<Value> ChunkKernelBuilder::readEnds() {
  auto read = [&](Value index) -> Value {
    Value end = tile::ReadOp::create(builder, loc, builder.getI32Type(),
                                     view(op.getCuSeqlens()), index,
                                     /*position=*/true);
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      end);
  };
  Value begin = read(sequence);
  return {begin, read(apply(d(0) + 1, sequence))};
}

//===----------------------------------------------------------------------===//
// A chunk
//===----------------------------------------------------------------------===//

bool ChunkKernelBuilder::isLogDecay() {
  auto type = cast<RankedTensorType>(op.getDecay().getType());
  return cast<GateAttr>(type.getEncoding()).getScale() == GateScale::Log;
}

/// The logarithms (base 2) of the decays of the tokens, 0 behind the last one.
Value ChunkKernelBuilder::loadLogDecays(Value row) {
  auto type = cast<RankedTensorType>(op.getDecay().getType());
  bool isLog = isLogDecay();
  VectorType tile = f32Tile({tokens});
  bool isConstant = type.getRank() == 1;
  Value decay;
  if (isConstant)
    decay = vector::BroadcastOp::create(
        builder, loc, tile,
        evaluate(op.getDecay(), valueHead, /*rowAxis=*/std::nullopt));
  else
    decay = loadNumbers(op.getDecay(), row);
  decay = isLog ? scaled(decay, llvm::numbers::log2e)
                : math::Log2Op::create(builder, loc, decay).getResult();
  decay = arith::MaximumFOp::create(
      builder, loc, decay, splat(tile, tile::DecaySumsOp::kLeastLogDecay));
  // Rows that are not there are loaded as zeros, which are no logarithms of 1
  // on a linear scale.
  if (isLog && !isConstant)
    return decay;
  return arith::SelectOp::create(builder, loc, createIsToken(row), decay,
                                 splat(tile, 0));
}

ChunkKernelBuilder::Decay ChunkKernelBuilder::createDecay(Value row) {
  if (!op.getDecay())
    return {splat(f32Tile({tokens}), 0), {}, {}, {}, {}};
  if (hasChannelDecay())
    return createChannelDecay(row);
  Value sums = tile::CumulativeSumOp::create(builder, loc, loadLogDecays(row));
  Value last =
      vector::ExtractOp::create(builder, loc, sums, /*position=*/tokens - 1);
  Value lasts = vector::BroadcastOp::create(builder, loc, sums.getType(), last);
  Value reached = exp2(sums);
  // A number that is handed over with the others.
  Value whole =
      vector::ExtractOp::create(builder, loc, reached, /*position=*/tokens - 1);
  return {sums, reached, exp2(sub(lasts, sums)), whole, {}};
}

/// What is of a key for each token, of the heads of keys or of values.
Value ChunkKernelBuilder::loadAlongKeys(Value operand, Value row) {
  int64_t heads =
      cast<RankedTensorType>(operand.getType()).getShape().take_back(2).front();
  Value head = heads == op.getHeads() ? keyHead : valueHead;
  return loadMatrix(operand, row, {head, constant(0)}, keyDim);
}

ChunkKernelBuilder::Chunk ChunkKernelBuilder::loadChunk(Value row) {
  Chunk chunk;
  chunk.row = row;
  Value zero = constant(0);
  // Rows that decay by channels take the place of what they are made of: what
  // is needed beside them, or in their place by other factors, is another copy.
  int64_t queryCopy = 0, valueCopy = 0;
  if (hasChannelDecay()) {
    Value keys[] = {op.getKey(), op.getEraseKey(), op.getEraseDirection()};
    queryCopy = llvm::is_contained(keys, op.getQuery()) ? 1 : 0;
    bool isOther = op.getValue() == op.getQuery() ||
                   llvm::is_contained(keys, op.getValue());
    valueCopy = isOther ? 2 : 0;
  }
  chunk.query =
      loadMatrix(op.getQuery(), row, {keyHead, zero}, keyDim, queryCopy);
  chunk.key = loadMatrix(op.getKey(), row, {keyHead, zero}, keyDim);
  chunk.eraseKey = chunk.key;
  if (Value own = op.getEraseKey())
    chunk.eraseKey = loadAlongKeys(own, row);
  if (Value own = op.getEraseDirection())
    chunk.direction = loadAlongKeys(own, row);
  chunk.value =
      loadMatrix(op.getValue(), row, {valueHead, channel}, rows, valueCopy);
  // First, so that the warp that finds them has nothing else at hand.
  if (op.getL2Normalize()) {
    chunk.keyNorms = createNorms(chunk.key);
    chunk.queryNorms = createNorms(chunk.query);
  }
  // Their sums take long and many registers: nothing else is at hand then.
  if (hasChannelDecay())
    chunk.decay = createDecay(row);
  chunk.eraseKey =
      gateChannels(chunk.eraseKey, op.getErase(), row, zero, element);
  chunk.value = gateChannels(chunk.value, op.getWrite(), row, channel, fine);
  chunk.erase = loadStrengths(op.getErase(), row);
  chunk.write = op.getWrite() == op.getErase()
                    ? chunk.erase
                    : loadStrengths(op.getWrite(), row);
  if (!hasChannelDecay())
    chunk.decay = createDecay(row);
  normalizeErased(chunk);
  return chunk;
}

/// Products of tokens, decayed, times factors of their rows (or null) and those
/// of keys that are normalised. Where tokens decay all of them are one power.
Value ChunkKernelBuilder::scalePairs(const Chunk &chunk, Value products,
                                     Value rows) {
  if (!chunk.decay.reached)
    return scaleColumns(scaleRows(products, rows), chunk.keyNorms);
  auto log2 = [&](Value factors) -> Value {
    return math::Log2Op::create(builder, loc, factors);
  };
  Value sums = chunk.decay.sums, columns;
  if (chunk.keyNorms)
    columns = sub(sums, log2(chunk.keyNorms));
  if (rows)
    sums = add(sums, log2(rows));
  return mul(products, tile::DecayRatiosOp::create(
                           builder, loc, products.getType(), sums, columns));
}

/// P, from the products of queries and keys.
Value ChunkKernelBuilder::createReads(const Chunk &chunk, Value products,
                                      Type type) {
  Value factors = chunk.queryNorms ? scaled(chunk.queryNorms, scale) : Value();
  Value reads = factors ? products : scaled(products, scale);
  reads = scalePairs(chunk, reads, factors);
  // Those of later tokens are 0.
  if (!chunk.decay.reached && !chunk.decay.channelSums)
    reads = mul(reads, tile::DecayRatiosOp::create(
                           builder, loc, reads.getType(), chunk.decay.sums,
                           /*columns=*/Value()));
  return round(reads, type);
}

/// (I + A)^-1, times the writing strengths where these are those of erasing,
/// from the products of keys.
ChunkKernelBuilder::Parts ChunkKernelBuilder::createInverse(const Chunk &chunk,
                                                            Value products) {
  Value erased = scalePairs(chunk, products, chunk.eraseNorms);
  Value rows = chunk.erase ? chunk.erase : splat(f32Tile({tokens}), 1);
  Value inverse = tile::InvertUnitLowerOp::create(
      builder, loc, erased.getType(), erased, rows,
      chunk.isShared() ? chunk.write : Value());
  return {inverse, round(inverse, fine), {}};
}

/// V^T, times the writing strengths where these are not in the inverse.
Value ChunkKernelBuilder::createValues(const Chunk &chunk) {
  Value values = extend(chunk.value);
  return chunk.isShared() ? values : scaleColumns(values, chunk.write);
}

/// U^T, from what the state holds for the keys.
Value ChunkKernelBuilder::createWritten(const Chunk &chunk,
                                        const Parts &inverse, Value held) {
  Value factors = mulNumbers(chunk.decay.reached, chunk.eraseNorms);
  if (!chunk.isShared())
    factors = mulNumbers(factors, chunk.erase);
  Value values = subtractScaled(createValues(chunk), held, factors);
  Value rounded = round(values, fine);
  Value written = dot(rounded, inverse.rounded, /*transposeRhs=*/true);
  if (Value rest = createRest(values, rounded)) {
    written = dot(rounded, inverse.rest, /*transposeRhs=*/true, written);
    written = dot(rest, inverse.rounded, /*transposeRhs=*/true, written);
  }
  return written;
}

/// Zeros where the sequence is padding, whatever it holds.
Value ChunkKernelBuilder::clearPadding(Value output) {
  if (!isOfPool)
    return output;
  return arith::SelectOp::create(builder, loc, isOfPool, output,
                                 splat(cast<VectorType>(output.getType()), 0));
}

void ChunkKernelBuilder::storeOutput(const Chunk &chunk, Value transposed,
                                     Value divisor) {
  Value output = scaled(transposed, outputScale);
  if (divisor) {
    Value epsilon = splat(cast<VectorType>(divisor.getType()),
                          op.getDenominator()->convertToDouble());
    output = arith::DivFOp::create(builder, loc, output,
                                   add(scaled(divisor, outputScale), epsilon));
  }
  Value tile = transpose(round(clearPadding(output), element));
  auto axis = static_cast<int64_t>(isPacked() ? 0 : 1);
  tile::StoreOp::create(
      builder, loc, tile, this->output,
      getPlace(getRowOfOutput(chunk.row), {valueHead, channel}), slice,
      ArrayRef<int64_t>{axis, axis + 2});
}

/// The states behind chunk `number`, from those in front of it: the state, and
/// the sums of keys where there is a denominator. Products that do not depend
/// on the state come first, and each one as early as it can.
SmallVector<Value> ChunkKernelBuilder::createChunk(Value number,
                                                   ValueRange states) {
  Chunk chunk = loadChunk(apply(d(0) * tokens, number));
  Value state = states.front();
  if (chunk.direction)
    return {createChunkOfTwo(chunk, state)};
  Value products, held, written;
  Parts inverse;
  Value keys = leave(chunk, chunk.key);
  // Products that decay by channels are no asynchronous ones, which would be
  // started together: each is used before the next one.
  bool isStarted = op.erases() && !chunk.decay.channelSums;
  if (isStarted)
    products = createErasePairs(chunk, chunk.key);
  // What tokens of a chunk read of each other is a product of numbers that are
  // computed both, and have more bits as those of the inverse do: what is
  // written along keys that are alike largely cancels out.
  Type own = op.erases() ? fine : element;
  Value reads = createReads(chunk, createReadPairs(chunk, chunk.key), own);
  if (op.erases() && !isStarted)
    products = createErasePairs(chunk, chunk.key);
  if (products) {
    inverse = createInverse(chunk, products);
    inverse.rest = createRest(inverse.exact, inverse.rounded);
  }

  Value rounded = round(state, element), erasing;
  if (products) {
    erasing = reachErase(chunk);
    held = dot(rounded, erasing, /*transposeRhs=*/true);
  }
  Value asking = reachQuery(chunk);
  Value old = dot(rounded, asking, /*transposeRhs=*/true);
  if (Value rest = createRest(state, rounded)) {
    if (products)
      held = dot(rest, erasing, /*transposeRhs=*/true, held);
    old = dot(rest, asking, /*transposeRhs=*/true, old);
  }
  // Loaded while the products are under way.
  chunk.value = transpose(chunk.value);
  const Decay &decay = chunk.decay;
  auto decayRead = [&](Value read) {
    Value factors = mulNumbers(decay.reached, chunk.queryNorms);
    // Decays of channels have the scale already.
    double own = decay.channelSums ? 1 : scale;
    return factors ? scaleColumns(read, scaled(factors, own))
                   : scaled(read, own);
  };
  auto decayState = [&](Value before) {
    return decay.whole
               ? mul(before, vector::BroadcastOp::create(
                                 builder, loc, before.getType(), decay.whole))
               : before;
  };
  old = decayRead(old);
  written =
      products ? createWritten(chunk, inverse, held) : createValues(chunk);
  state = decayState(state);
  Value fresh = round(written, own);
  Value factors = mulNumbers(decay.left, chunk.keyNorms);
  Value exact = scaleColumns(written, factors), left = round(exact, element);
  Value output = dot(fresh, reads, /*transposeRhs=*/true, old);
  state = dot(left, keys, /*transposeRhs=*/false, state);
  if (Value rest = createRest(exact, left))
    state = dot(rest, keys, /*transposeRhs=*/false, state);
  SmallVector<Value> next{state};
  Value divisor;
  for (Value sums : states.drop_front()) {
    Value ones = splat(cast<VectorType>(written.getType()), 1);
    divisor = decayRead(dot(round(sums, element), reachQuery(chunk),
                            /*transposeRhs=*/true));
    divisor = dot(round(ones, element), reads, /*transposeRhs=*/true, divisor);
    next.push_back(dot(round(scaleColumns(ones, factors), element), keys,
                       /*transposeRhs=*/false, decayState(sums)));
  }
  storeOutput(chunk, output, divisor);
  return next;
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// The number of sequences, whose length the shape of `rows` gives where they
/// are not packed.
Value ChunkKernelBuilder::createSequences(Value rows) {
  if (isPacked()) {
    Value ends = tile::DimOp::create(builder, loc, view(op.getCuSeqlens()), 0);
    return apply(d(0) - 1, ends);
  }
  Value sequences = tile::DimOp::create(builder, loc, rows, 0);
  length = tile::DimOp::create(builder, loc, rows, 1);
  return sequences;
}

/// Moves the builder into the loop over the instances.
SmallVector<Value>
ChunkKernelBuilder::createForall(ArrayRef<OpFoldResult> extents) {
  return createInstances(builder, loc, extents);
}

/// Padding has the first state to read, which nothing is made of.
void ChunkKernelBuilder::findSlot() {
  Value pool = tile::DimOp::create(builder, loc, view(op.getState()), 0);
  recurrence_to_tile::Slot own = recurrence_to_tile::readSlot(
      builder, loc, view(op.getSlots()), sequence, pool);
  isOfPool = own.isOfPool;
  slot =
      arith::SelectOp::create(builder, loc, isOfPool, own.number, constant(0));
}

void ChunkKernelBuilder::enterSequence(Value number, Value head) {
  sequence = slot = number;
  valueHead = keyHead = head;
  if (int64_t group = op.getValueHeads() / op.getHeads(); group != 1)
    keyHead = apply(d(0).floorDiv(group), valueHead);
  if (op.getSlots())
    findSlot();
  if (!isPacked())
    return;
  slice = readEnds();
  length = apply(d(1) - d(0), {slice[0], slice[1]});
}

void ChunkKernelBuilder::createInstance(Value split) {
  channel = apply(d(0) * rows, split);
  SmallVector<Value> states{createInitialState()};
  if (op.getDenominator())
    states.push_back(createInitialSums());
  Value count =
      segment.count ? segment.count : apply(d(0).ceilDiv(tokens), length);
  auto loop =
      scf::ForOp::create(builder, loc, constant(0), count, constant(1), states);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(loop.getBody());
    Value number = loop.getInductionVar();
    if (segment.start)
      number = apply(d(0) + d(1), {segment.start, number});
    SmallVector<Value> next = createChunk(number, loop.getRegionIterArgs());
    keepState(number, next.front());
    scf::YieldOp::create(builder, loc, next);
  }
  storeFinalStates(loop.getResults());
}

/// An instance for each sequence, value head, segment, and part of the channels
/// of the value.
void ChunkKernelBuilder::build() {
  createKernel(Stage::Chunks);
  SmallVector<OpFoldResult> extents{createSequences(view(op.getQuery())),
                                    builder.getIndexAttr(op.getValueHeads())};
  Value segments;
  if (isCut()) {
    segments = tile::DimOp::create(builder, loc, bounds, 1);
    extents.push_back(segments);
  }
  extents.push_back(builder.getIndexAttr(getParts()));
  SmallVector<Value> ids = createForall(extents);
  enterSequence(ids[0], ids[1]);
  if (isCut())
    readSegment(ids[2], segments);
  createInstance(ids.back());
}
