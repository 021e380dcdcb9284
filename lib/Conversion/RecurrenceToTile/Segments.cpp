//===- Segments.cpp - Sequences that are cut into segments ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A segment does not wait for those in front of it. It starts some chunks
// early, from a state of zero, and stores nothing of these: so early that what
// the true state would have added has decayed by then. How early that is, a
// kernel in front finds for each segment and head from bounds. A token takes a
// state S to
//
//     2^g (I - erase k k^T) S + ...,
//
// so what it keeps of any difference of states is in norm at most
// 2^g max(1, |1 - erase |k|^2|). Nothing is assumed of decays, strengths or
// keys: where they keep much, the segment starts with the sequence.
//
// Where channels have decays of their own and nothing is erased, a channel of a
// difference is what its own decays leave of it: of the norm remains at most
// 2^g for the channel whose g has the greatest sum. An erasure moves what there
// is from channel to channel: then that is a guess, to be checked.
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"
#include "Prepared.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;

/// What a segment may ignore of the state in front of where it starts, as the
/// binary logarithm of a part of its norm: the last bits of an f32.
static constexpr float kForgotten = -30;
/// Where that is a guess: by more than what its check allows for, since that
/// adds up all channels.
static constexpr float kGuessed = -24;
/// How many chunks a segment starts early is estimated, before it is known
/// where it begins, by those that forget such a part of the bits.
static constexpr int64_t kEstimated = 4;

/// Bounds are looked for within this part of a sequence in front of a segment.
/// What starts earlier gains too little to search on.
static constexpr int64_t kFarthest = 4;

//===----------------------------------------------------------------------===//
// The kernel in front
//===----------------------------------------------------------------------===//

bool ChunkKernelBuilder::isOfBounds(Value argument) {
  return recurrence_to_tile::dependsOn({op.getKey(), op.getEraseKey(),
                                        op.getEraseDirection(), op.getDecay(),
                                        op.getErase(), op.getCuSeqlens()},
                                       argument);
}

/// The logarithm (base 2) of what the token at `position` keeps at most; of
/// `channel` where each has a decay of its own.
Value ChunkKernelBuilder::createKept(Value position, Value channel) {
  Value row = position;
  if (isPacked())
    row = arith::AddIOp::create(builder, loc, slice[0], position);
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(
        builder, loc, builder.getF32FloatAttr(static_cast<float>(value)));
  };
  auto read = [&](Value operand) -> Value {
    bool isOfHead = cast<RankedTensorType>(operand.getType()).getRank() == 1;
    SmallVector<Value> place =
        isOfHead ? SmallVector<Value>{valueHead} : getPlace(row, valueHead);
    if (isPerChannel(op, operand))
      place.push_back(channel);
    return evaluate(operand, place, /*rowAxis=*/std::nullopt);
  };
  auto largest = [&](Value a, Value b) -> Value {
    return arith::MaximumFOp::create(builder, loc, a, b);
  };
  Value decay = read(op.getDecay());
  decay = isLogDecay() ? mul(decay, number(llvm::numbers::log2e))
                       : math::Log2Op::create(builder, loc, decay).getResult();
  decay = largest(decay, number(kLeastLogDecay));
  if (!op.getErase() || channel)
    return decay;
  Value erased = tile::SquaredNormOp::create(builder, loc, view(op.getKey()),
                                             getPlace(row, keyHead));
  if (std::optional<APFloat> epsilon = op.getL2Normalize()) {
    // What is left of the squared length of a row that is normalised.
    constexpr double kLeast = std::numeric_limits<float>::min();
    Value sum = arith::AddFOp::create(builder, loc, erased,
                                      number(epsilon->convertToDouble()));
    erased = arith::DivFOp::create(builder, loc, erased,
                                   largest(sum, number(kLeast)));
  }
  erased = mul(read(op.getErase()), erased);
  Value one = number(1);
  Value kept = largest(sub(erased, one), sub(one, erased));
  kept = math::Log2Op::create(builder, loc, largest(kept, one));
  return arith::AddFOp::create(builder, loc, decay, kept);
}

/// The last chunk from which on to before chunk `begin` of `chunks` a part of
/// what a segment may ignore is forgotten, one of `parts`; or null of what is
/// searched.
ChunkKernelBuilder::Reach
ChunkKernelBuilder::findReach(Value begin, Value chunks, int64_t parts) {
  Value stop = arith::MaxSIOp::create(
      builder, loc,
      apply(d(0) - d(1).floorDiv(kFarthest * parts) - 1, {begin, chunks}),
      constant(0));
  float bits = guessesBounds() ? kGuessed : kForgotten;
  auto find = tile::FindReachOp::create(
      builder, loc, builder.getIndexType(), apply(d(0) * tokens, stop),
      apply(d(0) * tokens, begin), builder.getI64IntegerAttr(tokens),
      builder.getF32FloatAttr(bits / static_cast<float>(parts)),
      hasChannelDecay() ? builder.getI64IntegerAttr(keyDim) : IntegerAttr());
  {
    OpBuilder::InsertionGuard guard(builder);
    SmallVector<Type> types(hasChannelDecay() ? 2 : 1, builder.getIndexType());
    Block *block = builder.createBlock(
        &find.getBody(), {}, types, SmallVector<Location>(types.size(), loc));
    Value channel = hasChannelDecay() ? block->getArgument(1) : Value();
    tile::YieldOp::create(builder, loc,
                          createKept(block->getArgument(0), channel));
  }
  Value start = apply(d(0).floorDiv(tokens), find.getFirst());
  // What is found with the first chunk of those that are searched counts as
  // not found.
  Value isFound = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt,
                                        start, stop);
  return {start, isFound};
}

/// The chunk that the segment that begins with chunk `begin` of `chunks`
/// starts with.
Value ChunkKernelBuilder::findStart(Value begin, Value chunks) {
  Reach reach = findReach(begin, chunks, /*parts=*/1);
  return arith::SelectOp::create(builder, loc, reach.isFound, reach.start,
                                 constant(0));
}

/// Where a segment begins and ends. The first one starts nowhere early, so it
/// has as many more chunks as others start early; else they are alike, and the
/// last ones may have none.
std::pair<Value, Value>
ChunkKernelBuilder::shareChunks(Value segment, Value segments, Value chunks) {
  auto min = [&](Value a, Value b) -> Value {
    return arith::MinSIOp::create(builder, loc, a, b);
  };
  auto max = [&](Value a, Value b) -> Value {
    return arith::MaxSIOp::create(builder, loc, a, b);
  };
  auto divide = [&](Value a, Value b) -> Value {
    return arith::DivUIOp::create(builder, loc, apply(d(0) + d(1) - 1, {a, b}),
                                  b);
  };
  Value least = constant(schedule.getSegmentChunks());
  Value others = apply(d(0) - 1, segments);
  Value alike = divide(chunks, segments);
  Reach reach = findReach(alike, chunks, kEstimated);
  Value early = arith::SelectOp::create(
      builder, loc, reach.isFound,
      apply((d(0) - d(1)) * kEstimated, {alike, reach.start}), constant(0));
  Value all = arith::AddIOp::create(
      builder, loc, chunks, arith::MulIOp::create(builder, loc, early, others));
  Value first = min(max(divide(all, segments), least), chunks);
  Value rest =
      max(divide(apply(d(0) - d(1), {chunks, first}), max(others, constant(1))),
          least);
  Value before = arith::MulIOp::create(
      builder, loc, max(apply(d(0) - 1, segment), constant(0)), rest);
  Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        segment, constant(0));
  Value begin = arith::SelectOp::create(
      builder, loc, isFirst, constant(0),
      min(arith::AddIOp::create(builder, loc, first, before), chunks));
  Value upTo = arith::MulIOp::create(builder, loc, segment, rest);
  Value end = min(arith::AddIOp::create(builder, loc, first, upTo), chunks);
  return {begin, end};
}

/// The numbers of a segment.
void ChunkKernelBuilder::createBounds(Value line, Value segment,
                                      Value segments) {
  auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b).getResult();
  };
  Value chunks = apply(d(0).ceilDiv(tokens), length);
  auto [begin, end] = shareChunks(segment, segments, chunks);
  // The first one is the last where there is no token.
  Value isLast = arith::AndIOp::create(
      builder, loc, compare(arith::CmpIPredicate::eq, end, chunks),
      arith::OrIOp::create(
          builder, loc, compare(arith::CmpIPredicate::slt, begin, end),
          compare(arith::CmpIPredicate::eq, segment, constant(0))));
  // One without chunks starts nowhere.
  Value start = findStart(begin, chunks);
  Type i32 = builder.getI32Type();
  auto write = [&](BoundOfSegment number, Value value) {
    tile::WriteOp::create(builder, loc, value, bounds,
                          ValueRange{line, segment, constant(number)});
  };
  auto narrow = [&](Value value) -> Value {
    return arith::IndexCastOp::create(builder, loc, i32, value);
  };
  Value isEmpty = compare(arith::CmpIPredicate::eq, begin, end);
  write(Start,
        narrow(arith::SelectOp::create(builder, loc, isEmpty, begin, start)));
  write(Begin, narrow(begin));
  write(End, narrow(end));
  write(IsLast, arith::ExtUIOp::create(builder, loc, i32, isLast));
}

/// An instance for each head of each sequence, together a line, and segment.
void ChunkKernelBuilder::buildBounds() {
  createKernel(Stage::Bounds);
  Value segments;
  SmallVector<Value> ids = enterSegments({}, segments);
  createBounds(ids[0], ids[1], segments);
}

//===----------------------------------------------------------------------===//
// What an instance does of a sequence
//===----------------------------------------------------------------------===//

Value ChunkKernelBuilder::readBound(BoundOfSegment bound) {
  Value line = apply(d(0) * op.getValueHeads() + d(1), {sequence, valueHead});
  return tile::ReadOp::create(builder, loc, builder.getI32Type(), bounds,
                              ValueRange{line, segment.number, constant(bound)},
                              /*position=*/true);
}

/// The chunks of the instance, by what the kernel in front has found; all of
/// them where it has not been launched, since there is one segment.
void ChunkKernelBuilder::readSegment(Value number, Value segments) {
  segment.number = number;
  segment.isWhole = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::eq, segments, constant(1));
  auto read = [&](BoundOfSegment bound, Value ofWhole) -> Value {
    Value found = arith::IndexCastOp::create(
        builder, loc, builder.getIndexType(), readBound(bound));
    return arith::SelectOp::create(builder, loc, segment.isWhole, ofWhole,
                                   found);
  };
  Value zero = constant(0), chunks = apply(d(0).ceilDiv(tokens), length);
  segment.start = read(Start, zero);
  segment.firstRow = apply(d(0) * tokens, read(Begin, zero));
  segment.count = apply(d(1) - d(0), {segment.start, read(End, chunks)});
}

/// Moves the builder to where the instance comes to the end of the sequence.
/// That is read there: kept, it would take a register all along.
void ChunkKernelBuilder::enterLastSegment() {
  if (!isCut())
    return;
  Value isLast = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::ne, readBound(IsLast),
      arith::ConstantIntOp::create(builder, loc, 0, 32));
  isLast = arith::OrIOp::create(builder, loc, segment.isWhole, isLast);
  auto branch =
      scf::IfOp::create(builder, loc, isLast, /*withElseRegion=*/false);
  builder.setInsertionPointToStart(branch.thenBlock());
}

/// Only where the sequence begins.
Value ChunkKernelBuilder::keepInitialState(Value state) {
  if (!segment.start)
    return state;
  Value isStart = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        segment.start, constant(0));
  return arith::SelectOp::create(builder, loc, isStart, state,
                                 splat(cast<VectorType>(state.getType()), 0));
}

/// The row that the output of a chunk goes to: that of a chunk in front of the
/// segment behind the sequence, where nothing is stored.
Value ChunkKernelBuilder::getRowOfOutput(Value row) {
  if (!segment.start)
    return row;
  Value isOwn = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                      row, segment.firstRow);
  return arith::SelectOp::create(builder, loc, isOwn, row, length);
}
