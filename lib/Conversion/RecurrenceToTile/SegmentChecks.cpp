//===- SegmentChecks.cpp - Whether segments start early enough ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where channels decay on their own and something is erased, no sums of decays
// bound what is kept of a difference of states. So what the kernel in front has
// found by the sums is a guess, which two more kernels check: one lets the
// tokens between where a segment starts and where it begins act on the unit
// matrix, which leaves the product of all of them, and another one looks at its
// norm. A segment whose guess was too late starts with the sequence.
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::attn;

/// What a segment may ignore of the state in front of where it starts, as the
/// binary logarithm of a part of its norm: far less than products with a state
/// of 16 bits have.
static constexpr int64_t kIgnored = -20;

/// What the unit matrix is multiplied by, as a binary logarithm, so that f16
/// holds what is to be ignored. What grows until it does not fit counts as
/// kept.
static constexpr int64_t kUnit = 14;

/// 2^kUnit on the diagonal of the rows of the instance, elsewhere 0.
Value ChunkKernelBuilder::createUnit() {
  Value exponents = splat(f32Tile({rows, keyDim}), kUnit);
  auto mask = tile::MaskOp::create(builder, loc, exponents.getType(), exponents,
                                   channel, constant(0), /*whole=*/Value());
  {
    OpBuilder::InsertionGuard guard(builder);
    Type index = builder.getIndexType();
    Block *block = builder.createBlock(&mask.getPredicate(), {}, {index, index},
                                       {loc, loc});
    Value isDiagonal =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                              block->getArgument(0), block->getArgument(1));
    tile::YieldOp::create(builder, loc, isDiagonal);
  }
  return exp2(mask.getResult());
}

/// What the tokens of a chunk make of a state without writing anything. A
/// direction takes the place of the keys, and of what is subtracted along them.
Value ChunkKernelBuilder::createTransition(Value number, Value state) {
  Value row = apply(d(0) * tokens, number);
  Chunk chunk;
  chunk.row = row;
  Value direction = op.getEraseDirection();
  chunk.key = loadAlongKeys(direction ? direction : op.getKey(), row);
  chunk.eraseKey =
      op.getEraseKey() ? loadAlongKeys(op.getEraseKey(), row) : chunk.key;
  if (op.getL2Normalize())
    chunk.keyNorms = createNorms(chunk.key);
  chunk.decay = createDecay(row);
  chunk.eraseKey =
      gateChannels(chunk.eraseKey, op.getErase(), row, constant(0), element);
  chunk.erase = loadStrengths(op.getErase(), row);
  // As if as much were written as is erased.
  chunk.write = chunk.erase;
  normalizeErased(chunk);
  Value keys = leave(chunk, chunk.key);
  Value pairs = createErasePairs(chunk, chunk.key);
  Value inverse =
      createInverse(chunk, scaled(pairs, direction ? -1 : 1)).rounded;
  Value rounded = round(state, element);
  Value held = dot(rounded, reachErase(chunk),
                   /*transposeRhs=*/true);
  Value erased =
      direction ? held
                : subtractScaled(splat(cast<VectorType>(held.getType()), 0),
                                 held, chunk.eraseNorms);
  Value written = dot(round(erased, fine), inverse, /*transposeRhs=*/true);
  state = mul(state, vector::BroadcastOp::create(builder, loc, state.getType(),
                                                 chunk.decay.whole));
  Value left = round(scaleColumns(written, chunk.keyNorms), element);
  return dot(left, keys, /*transposeRhs=*/false, state);
}

/// Moves the builder into the instances for each head of each sequence and
/// segment, and what else `rest` counts.
SmallVector<Value>
ChunkKernelBuilder::enterSegments(ArrayRef<OpFoldResult> rest,
                                  Value &segments) {
  Value key = view(op.getKey());
  Value sequences = createSequences(key);
  Value rows = isPacked() ? tile::DimOp::create(builder, loc, key, 0) : length;
  int64_t heads = op.getValueHeads();
  segments = tile::SegmentCountOp::create(
      builder, loc, apply(d(0).ceilDiv(tokens), rows),
      static_cast<uint64_t>(schedule.getSegmentChunks()),
      apply(d(0) * (heads * getParts()), sequences));
  SmallVector<OpFoldResult> extents{apply(d(0) * heads, sequences), segments};
  llvm::append_range(extents, rest);
  SmallVector<Value> ids = createForall(extents);
  Value sequence = apply(d(0).floorDiv(heads), ids[0]);
  enterSequence(sequence, apply(d(0) % heads, ids[0]));
  segment.number = ids[1];
  return ids;
}

/// Where an element of a part of the product of the segment is; the product of
/// narrow keys has one part, which is no axis.
SmallVector<Value> ChunkKernelBuilder::getTransition(Value line, Value part,
                                                     Value row, Value column) {
  SmallVector<Value> place{line, segment.number};
  if (getKeyParts() > 1)
    place.push_back(part);
  place.append({row, column});
  return place;
}

/// The products of what the tokens of each segment do to a state between where
/// it starts and where it begins; of those that start with the sequence none.
void ChunkKernelBuilder::buildTransitions() {
  createKernel(Stage::Transitions);
  Value segments, zero = constant(0);
  SmallVector<OpFoldResult> parts;
  if (getKeyParts() > 1)
    parts.push_back(builder.getIndexAttr(getKeyParts()));
  SmallVector<Value> ids = enterSegments(parts, segments);
  Value part = parts.empty() ? zero : ids.back();
  channel = apply(d(0) * rows, part);
  auto read = [&](BoundOfSegment bound) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      readBound(bound));
  };
  Value start = read(Start);
  Value isStart = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        start, zero);
  Value count = arith::SelectOp::create(
      builder, loc, isStart, zero, apply(d(1) - d(0), {start, read(Begin)}));
  auto loop =
      scf::ForOp::create(builder, loc, zero, count, constant(1), createUnit());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(loop.getBody());
    Value number = apply(d(0) + d(1), {start, loop.getInductionVar()});
    Value next = createTransition(number, loop.getRegionIterArg(0));
    scf::YieldOp::create(builder, loc, next);
  }
  SmallVector<Value> place = getTransition(ids[0], part, zero, zero);
  int64_t axis = static_cast<int64_t>(place.size()) - 2;
  tile::StoreOp::create(builder, loc, loop.getResult(0), transitions, place,
                        ValueRange(), ArrayRef<int64_t>{axis, axis + 1});
}

/// Whether the norm of a part of the product of a segment is small, by the
/// squares of its columns, of which each part may have as much. Twice that is
/// taken away from them first: sums are looked at that have to fall below a
/// limit that no sum is below.
Value ChunkKernelBuilder::createIsForgotten(Value line, Value part) {
  auto parts = static_cast<double>(getKeyParts());
  double limit = std::exp2(2 * (kUnit + kIgnored)) / keyDim / parts;
  // From the end of the rows of a part, which are one block, to a block in
  // front.
  auto find = tile::FindReachOp::create(
      builder, loc, builder.getIndexType(), constant(-rows), constant(rows),
      builder.getI64IntegerAttr(rows),
      builder.getF32FloatAttr(static_cast<float>(-limit)),
      builder.getI64IntegerAttr(keyDim));
  {
    OpBuilder::InsertionGuard guard(builder);
    Type index = builder.getIndexType();
    Block *block =
        builder.createBlock(&find.getBody(), {}, {index, index}, {loc, loc});
    Value twice = arith::ConstantOp::create(
        builder, loc,
        builder.getF32FloatAttr(static_cast<float>(-2 * limit / rows)));
    Value element =
        tile::ReadOp::create(builder, loc, builder.getF32Type(), transitions,
                             getTransition(line, part, block->getArgument(0),
                                           block->getArgument(1)));
    Value sum = math::FmaOp::create(builder, loc, element, element, twice);
    tile::YieldOp::create(builder, loc, sum);
  }
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                               find.getFirst(), constant(0));
}

/// The bounds of segments, of which those that start too late start with the
/// sequence.
void ChunkKernelBuilder::buildChecks() {
  createKernel(Stage::Checks);
  Value segments;
  SmallVector<Value> ids = enterSegments({}, segments);
  Value isForgotten = createIsForgotten(ids[0], constant(0));
  for (int64_t part = 1; part < getKeyParts(); ++part)
    isForgotten = arith::AndIOp::create(
        builder, loc, isForgotten, createIsForgotten(ids[0], constant(part)));
  Value start = readBound(Start);
  // Where there is nothing to start, there is nothing to be kept either.
  Value isEmpty = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        readBound(Begin), readBound(End));
  Value isKnown = arith::OrIOp::create(builder, loc, isForgotten, isEmpty);
  Value none = arith::ConstantIntOp::create(builder, loc, 0, 32);
  start = arith::SelectOp::create(builder, loc, isKnown, start, none);
  Value numbers[] = {start, readBound(Begin), readBound(End),
                     readBound(IsLast)};
  for (auto [number, value] : llvm::enumerate(numbers))
    tile::WriteOp::create(
        builder, loc, value, checked,
        ValueRange{ids[0], ids[1], constant(static_cast<int64_t>(number))});
}
