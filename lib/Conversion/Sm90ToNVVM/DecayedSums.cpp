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

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

//===----------------------------------------------------------------------===//
// What tokens have in common
//===----------------------------------------------------------------------===//

static constexpr int64_t kHalfBytes = 2;

Value DecayedBlock::powersAddress(Value block) {
  Value first =
      i32.add(scratch, keyTiles * sm90::kBlockPairs * sm90::kDiagonalBlock *
                           channels * kHalfBytes);
  return i32.add(first, i32.mul(block, sm90::kBlockPowers * rowBytes()));
}

/// In f16. The first block has two, the second one.
Value DecayedBlock::laterAddress() {
  Value first = powersAddress(i32.constant(kBlocks));
  return i32.add(first, i32.mul(warp, 2 * channels * kHalfBytes));
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

Value DecayedBlock::toLogarithm(const DecayedChunk &chunk, Value gate,
                                Value token) {
  Value log = chunk.isLinear
                  ? approximate(b, loc, "llvm.nvvm.lg2.approx.ftz.f", gate)
                  : mul(gate, number(llvm::numbers::log2ef));
  log = larger(log, number(kLeastLogDecay));
  if (!chunk.isLinear)
    return log;
  // Rows that are not there are zeros, which are no factor of 1.
  return select(compare(arith::CmpIPredicate::slt, token, chunk.limit), log,
                number(0));
}

/// In place, so many rows at a time. What a lane has in row x is exchanged with
/// that of others by x mod 4.
DecayedBlock::BlockSums DecayedBlock::sumGates(const DecayedChunk &chunk) {
  constexpr int64_t kRows = 8, kPlaces = 4, kPlaceBytes = 32;
  size_t perLane = channels / 32;
  Value bytes = i32.mul(lane, perLane * sm90::kNumberBytes);
  Value first = i32.add(chunk.gates, i32.mul(firstToken, rowBytes()));
  Value places[kPlaces];
  for (int64_t x = 0; x < kPlaces; ++x)
    places[x] = i32.add(first, i32.bitXor(bytes, x * kPlaceBytes));
  BlockSums sums;
  Values running(perLane, number(0));
  for (int64_t begin = 0; begin < kBlock; begin += kRows) {
    Values gates[kRows];
    for (int64_t x = 0; x < kRows; ++x)
      gates[x] = ptx::loadSharedFloats(b, loc, places[x % kPlaces],
                                       (begin + x) * rowBytes(), perLane);
    for (int64_t x = 0; x < kRows; ++x) {
      Value token = i32.add(firstToken, begin + x);
      for (auto [sum, gate] : llvm::zip_equal(running, gates[x]))
        sum = add(sum, toLogarithm(chunk, gate, token));
      ptx::storeSharedFloats(b, loc, places[x % kPlaces],
                             (begin + x) * rowBytes(), running);
      if (begin + x == 0)
        sums.first = running;
      if (begin + x == kBlock / 2 - 1)
        sums.middle = running;
    }
  }
  sums.last = running;
  ptx::storeSharedFloats(b, loc, i32.add(powersAddress(warp), bytes),
                         Decay * rowBytes(), running);
  return sums;
}

/// Whether no channel decays too far between the middle of the block and its
/// first and last token, or where it begins.
Value DecayedBlock::isSafe(const BlockSums &sums, bool hasBefore) {
  Value most = number(0);
  for (auto [first, middle, last] :
       llvm::zip_equal(sums.first, sums.middle, sums.last)) {
    Value begin = hasBefore ? number(0) : first;
    most = larger(most, larger(sub(begin, middle), sub(middle, last)));
  }
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
          i32.add(laterAddress(), (distance - 2) * channels * kHalfBytes),
          b.getF16Type(), powers);
    });
  };
  store(2, [&](size_t i) {
    return select(isWarp(0), decays[1][i], decays[2][i]);
  });
  store(3, [&](size_t i) { return add(decays[1][i], decays[2][i]); });
}

void DecayedBlock::preparePowers(const BlockSums &sums, Value safe,
                                 Value whole) {
  size_t perLane = channels / 32;
  Value bytes = i32.mul(lane, perLane * sm90::kNumberBytes);
  SmallVector<Values> decays;
  for (int64_t block = 0; block < kBlocks; ++block)
    decays.push_back(ptx::loadSharedFloats(
        b, loc, i32.add(powersAddress(i32.constant(block)), bytes),
        Decay * rowBytes(), perLane));
  Values powers[sm90::kBlockPowers], all;
  for (size_t i = 0; i < perLane; ++i) {
    Value before = number(0), after = number(0);
    for (int64_t block = 0; block < kBlocks; ++block) {
      auto addIf = [&](arith::CmpIPredicate predicate, Value sum) {
        Value isOther = compare(predicate, warp, i32.constant(block));
        return add(sum, select(isOther, decays[block][i], number(0)));
      };
      before = addIf(arith::CmpIPredicate::ugt, before);
      after = addIf(arith::CmpIPredicate::ult, after);
    }
    Value start = select(safe, sums.middle[i], number(0));
    Value end = sub(sums.last[i], select(safe, sums.middle[i], sums.last[i]));
    powers[Start].push_back(exp2(start));
    powers[FromStart].push_back(exp2(add(before, start)));
    powers[End].push_back(exp2(end));
    powers[ToEnd].push_back(exp2(add(end, after)));
    all.push_back(add(sums.last[i], before));
  }
  for (Power power : {Start, FromStart, End, ToEnd})
    storePowers(i32.add(powersAddress(warp), power * rowBytes()),
                b.getF32Type(), powers[power]);
  prepareLater(decays);
  ifTrue(isWarp(kBlocks - 1), [&] {
    for (Value &sum : all)
      sum = exp2(sum);
    ptx::storeSharedFloats(b, loc, i32.add(whole, bytes), 0, all);
  });
}
