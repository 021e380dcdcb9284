//===- VectorDecay.cpp - Decays of channels in the chunked form -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With G_i the sums of a chunk, which have a number for each channel now,
//
//     A_ij = erase_i sum over c of erase_key_ic k_jc 2^(G_ic - G_jc)
//
// and so for P; G_i scales the keys and queries that meet the state, and
// G_last - G_i the keys that update it, instead of what is written.
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"

using namespace mlir;
using namespace mlir::attn;

ChunkKernelBuilder::Decay ChunkKernelBuilder::createChannelDecay(Value row) {
  Value gates =
      loadMatrix(op.getDecay(), row, {valueHead, constant(0)}, keyDim);
  auto sums = tile::DecaySumsOp::create(
      builder, loc, gates.getType(), f32Tile({keyDim}), gates,
      apply(d(0) - d(1), {length, row}), /*linear=*/!isLogDecay());
  return {{}, {}, {}, sums.getWhole(), sums.getSums()};
}

Value ChunkKernelBuilder::createPairs(const Chunk &chunk, Value rows,
                                      Value keys, bool isBefore, Value bonus) {
  Value sums = chunk.decay.channelSums;
  if (!sums)
    return dot(rows, keys, /*transposeRhs=*/true);
  return tile::DecayedDotOp::create(builder, loc, f32Tile({tokens, tokens}),
                                    rows, keys, sums, isBefore, bonus);
}

/// What queries weigh the channels of their own token with, or null.
Value ChunkKernelBuilder::loadBonus() {
  if (!op.getBonus())
    return {};
  return tile::LoadOp::create(
      builder, loc, f32Tile({keyDim}), view(op.getBonus()),
      ValueRange{keyHead, constant(0)}, ValueRange(), ArrayRef<int64_t>{1});
}

Value ChunkKernelBuilder::createReadPairs(const Chunk &chunk, Value keys) {
  return createPairs(chunk, chunk.query, keys, bool(op.getBonus()),
                     loadBonus());
}

Value ChunkKernelBuilder::createErasePairs(const Chunk &chunk, Value keys) {
  return createPairs(chunk, chunk.eraseKey, keys, op.getBeforeDecay());
}

Value ChunkKernelBuilder::reach(const Chunk &chunk, Value rows, double factor,
                                bool isBefore) {
  if (Value sums = chunk.decay.channelSums)
    return tile::ApplyDecayOp::create(builder, loc, rows.getType(), rows, sums,
                                      isBefore, /*to_end=*/false,
                                      APFloat(static_cast<float>(factor)));
  return rows;
}

Value ChunkKernelBuilder::leave(const Chunk &chunk, Value keys) {
  if (Value sums = chunk.decay.channelSums)
    return tile::ApplyDecayOp::create(builder, loc, keys.getType(), keys, sums,
                                      /*before=*/false, /*to_end=*/true,
                                      APFloat(1.0f));
  return keys;
}
