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

Value ChunkKernelBuilder::createPairs(const Chunk &chunk, Value rows) {
  Value sums = chunk.decay.channelSums;
  if (!sums)
    return dot(rows, chunk.key, /*transposeRhs=*/true);
  return tile::DecayedDotOp::create(builder, loc, f32Tile({tokens, tokens}),
                                    rows, chunk.key, sums);
}

Value ChunkKernelBuilder::reach(const Chunk &chunk, Value rows, double factor) {
  if (Value sums = chunk.decay.channelSums)
    return tile::ApplyDecayOp::create(builder, loc, rows.getType(), rows, sums,
                                      /*to_end=*/false,
                                      APFloat(static_cast<float>(factor)));
  return rows;
}

Value ChunkKernelBuilder::leaveKeys(const Chunk &chunk) {
  if (Value sums = chunk.decay.channelSums)
    return tile::ApplyDecayOp::create(builder, loc, chunk.key.getType(),
                                      chunk.key, sums, /*to_end=*/true,
                                      APFloat(1.0f));
  return chunk.key;
}
