//===- DecayedSums.cpp - Sums of the gates of a block of tokens -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A lane has some neighbouring channels, of all tokens of the block.
//
//===----------------------------------------------------------------------===//

#include "DecayedBlock.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

//===----------------------------------------------------------------------===//
// What tokens have in common
//===----------------------------------------------------------------------===//

static constexpr int64_t kHalfBytes = 2;

Value DecayedBlock::powersAddress(Value block) {
  Value first =
      i32.add(scratch, sm90::decayColumnRows(static_cast<int64_t>(keyTiles)) *
                           channels * kHalfBytes);
  return i32.add(first, i32.mul(block, sm90::kBlockPowers * rowBytes()));
}

/// Of the lane, in the first row of the block. What a lane has in row x is
/// exchanged with that of others by x mod 4.
Value DecayedBlock::placeOfToken(Value gates, int64_t x) {
  constexpr int64_t kPlaces = 4, kPlaceBytes = 32;
  Value bytes = i32.mul(lane, channels / 32 * sm90::kNumberBytes);
  Value first = i32.add(gates, i32.mul(firstToken, rowBytes()));
  return i32.add(first, i32.bitXor(bytes, x % kPlaces * kPlaceBytes));
}

/// In f16. The first block has two, the second one.
Value DecayedBlock::laterAddress(Value block) {
  Value first = powersAddress(i32.constant(kBlocks));
  return i32.add(first, i32.mul(block, 2 * channels * kHalfBytes));
}

Values DecayedBlock::loadPowers(Value group, Power power) {
  Value place = i32.add(i32.shiftLeft(group, 6), i32.shiftLeft(own, 4));
  return ptx::loadSharedFloats(b, loc, i32.add(powersAddress(warp), place),
                               power * rowBytes(), 4);
}

void DecayedBlock::storePowers(Value address, Type type, ValueRange values) {
  Value first = i32.mul(lane, values.size() / 2);
  int64_t bytes = type.isF32() ? 2 * sm90::kNumberBytes : 2 * kHalfBytes;
  for (size_t i = 0; i < values.size(); i += 2) {
    Value pair = i32.add(first, i / 2);
    Value group = i32.mul(i32.shiftRight(pair, 3), 8 * bytes);
    Value column = i32.mul(i32.bitAnd(pair, 3), 2 * bytes);
    Value half = i32.mul(i32.bitAnd(i32.shiftRight(pair, 2), 1), bytes);
    Value place = i32.add(i32.add(address, group), i32.add(column, half));
    if (type.isF32())
      ptx::storeSharedFloats(b, loc, place, 0, values.slice(i, 2));
    else
      ptx::storeShared(b, loc, place, pack(type, values.slice(i, 2)).front());
  }
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// The sum with the logarithm of the gate of one more token.
Value DecayedBlock::addLogarithm(const DecayGates &chunk, Value sum, Value gate,
                                 Value token) {
  constexpr float kLog2e = llvm::numbers::log2ef;
  if (!chunk.isLinear)
    return math::FmaOp::create(b, loc,
                               larger(gate, number(kLeastLogDecay / kLog2e)),
                               number(kLog2e), sum);
  Value log = approximate(b, loc, "llvm.nvvm.lg2.approx.ftz.f", gate);
  log = larger(log, number(kLeastLogDecay));
  // Rows that are not there are zeros, which are no factor of 1.
  return add(sum, select(compare(arith::CmpIPredicate::slt, token, chunk.limit),
                         log, number(0)));
}

/// In place, so many rows at a time. Returns the last sums.
Values DecayedBlock::sumGates(const DecayGates &chunk) {
  constexpr int64_t kRows = 8;
  Values zeros(channels / 32, number(0));
  return rolledLoop(kBlock / kRows, zeros, [&](Value part, ValueRange carried) {
    Value begin = i32.mul(part, kRows);
    Value rows = i32.add(chunk.gates, i32.mul(begin, rowBytes()));
    Values running(carried), gates[kRows];
    for (int64_t x = 0; x < kRows; ++x)
      gates[x] = ptx::loadSharedFloats(b, loc, placeOfToken(rows, x),
                                       x * rowBytes(), channels / 32);
    for (int64_t x = 0; x < kRows; ++x) {
      Value token = i32.add(i32.add(firstToken, begin), x);
      for (auto [sum, gate] : llvm::zip_equal(running, gates[x]))
        sum = addLogarithm(chunk, sum, gate, token);
      ptx::storeSharedFloats(b, loc, placeOfToken(rows, x), x * rowBytes(),
                             running);
    }
    return running;
  });
}

void DecayedBlock::storeDecay(ValueRange last) {
  Value bytes = i32.mul(lane, channels / 32 * sm90::kNumberBytes);
  ptx::storeSharedFloats(b, loc, i32.add(powersAddress(warp), bytes),
                         Decay * rowBytes(), last);
}

/// Whether no channel decays too far between the start of the block and its
/// last token.
Value DecayedBlock::isSafe(ValueRange last) {
  Value most = number(0);
  for (Value sum : last)
    most = larger(most, math::AbsFOp::create(b, loc, sum));
  Value fits = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, most,
                                     number(kSafeDecay));
  return NVVM::VoteSyncOp::create(b, loc, b.getI1Type(), i32.constant(-1), fits,
                                  NVVM::VoteSyncKind::all);
}

/// What blocks further down than the next one need beside what is left at the
/// end of this one: the decays of those between.
void DecayedBlock::prepareLater(ArrayRef<Values> decays) {
  auto isAbove = [&](int64_t distance) {
    return compare(arith::CmpIPredicate::ult, warp,
                   i32.constant(kBlocks - distance));
  };
  auto store = [&](int64_t distance, function_ref<Value(size_t)> decay) {
    ifTrue(isAbove(distance), [&] {
      Values powers;
      for (size_t i = 0; i < decays.front().size(); ++i)
        powers.push_back(exp2(decay(i)));
      storePowers(
          i32.add(laterAddress(warp), (distance - 2) * channels * kHalfBytes),
          b.getF16Type(), powers);
    });
  };
  store(2, [&](size_t i) {
    return select(isWarp(0), decays[1][i], decays[2][i]);
  });
  store(3, [&](size_t i) { return add(decays[1][i], decays[2][i]); });
}

void DecayedBlock::preparePowers(ValueRange last, Value safe, Value whole) {
  size_t perLane = channels / 32;
  Value bytes = i32.mul(lane, perLane * sm90::kNumberBytes);
  SmallVector<Values> decays;
  for (int64_t block = 0; block < kBlocks; ++block)
    decays.push_back(ptx::loadSharedFloats(
        b, loc, i32.add(powersAddress(i32.constant(block)), bytes),
        Decay * rowBytes(), perLane));
  // Of each other block, whether it is in front or behind, as a factor.
  Values inFront, behind;
  for (int64_t block = 0; block < kBlocks; ++block) {
    auto factorIf = [&](arith::CmpIPredicate predicate) {
      return select(compare(predicate, warp, i32.constant(block)), number(1),
                    number(0));
    };
    inFront.push_back(factorIf(arith::CmpIPredicate::ugt));
    behind.push_back(factorIf(arith::CmpIPredicate::ult));
  }
  Values powers[sm90::kBlockPowers], all;
  for (size_t i = 0; i < perLane; ++i) {
    Value before = number(0), after = number(0);
    for (int64_t block = 0; block < kBlocks; ++block) {
      Value decay = decays[block][i];
      if (block < kBlocks - 1)
        before = math::FmaOp::create(b, loc, inFront[block], decay, before);
      if (block > 0)
        after = math::FmaOp::create(b, loc, behind[block], decay, after);
    }
    Value end = select(safe, last[i], number(0));
    powers[FromStart].push_back(exp2(before));
    powers[End].push_back(exp2(end));
    powers[ToEnd].push_back(exp2(after));
    all.push_back(add(last[i], before));
  }
  for (Power power : {FromStart, End, ToEnd})
    storePowers(i32.add(powersAddress(warp), power * rowBytes()),
                b.getF32Type(), powers[power]);
  prepareLater(decays);
  ifTrue(isWarp(kBlocks - 1), [&] {
    for (Value &sum : all)
      sum = exp2(sum);
    ptx::storeSharedFloats(b, loc, i32.add(whole, bytes), 0, all);
  });
}

Value DecayedBlock::sumDecays(const DecayGates &chunk) {
  Values last = sumGates(chunk);
  Value safe = isSafe(last);
  storeDecay(last);
  // Other warps may still read the columns of the chunk before, and need the
  // decay of this block.
  meet();
  preparePowers(last, safe, chunk.whole);
  NVVM::SyncWarpOp::create(b, loc, i32.constant(-1));
  return safe;
}
