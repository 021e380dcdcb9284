//===- EraseDirection.cpp - Erasing along a vector of its own -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is read to be erased, by e, comes back along a direction d:
//
//     S_i = 2^g_i S_{i-1} + d_i r_i^T + k_i v_i^T,    r_i = S^T e_i
//
// so that there are two sources, R and V, and the state takes each along keys
// of its own. With A and P the decayed products as of a delta rule, of either:
//
//     R = (I - A_d)^-1 (2^G (e S) + A_k V)
//     o = scale 2^G (q S) + P_k V + P_d R
//     S = 2^G_last S + (2^(G_last - G) k)^T V + (2^(G_last - G) d)^T R
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::attn;

/// The state behind a chunk. What does not depend on the one in front comes
/// first: products that decay, each used before the next one.
Value ChunkKernelBuilder::createChunkOfTwo(const Chunk &chunk, Value state) {
  Value keys = leave(chunk, chunk.key);
  Value directions = leave(chunk, chunk.direction);
  Value erases = round(createErasePairs(chunk, chunk.key), element);
  Value reads = createReads(chunk, createReadPairs(chunk, chunk.key), element);
  Value own =
      createReads(chunk, createReadPairs(chunk, chunk.direction), element);
  Value products = scaled(createErasePairs(chunk, chunk.direction), -1);
  Value inverse = createInverse(chunk, products).rounded;

  Value values = transpose(chunk.value);
  Value rounded = round(state, element);
  Value held = dot(rounded, reachErase(chunk), /*transposeRhs=*/true);
  Value old = dot(rounded, reachQuery(chunk), /*transposeRhs=*/true);
  held = dot(values, erases, /*transposeRhs=*/true, held);
  Value erased = dot(round(held, fine), inverse, /*transposeRhs=*/true);
  old = dot(values, reads, /*transposeRhs=*/true, old);
  state = mul(state, vector::BroadcastOp::create(builder, loc, state.getType(),
                                                 chunk.decay.whole));
  state = dot(values, keys, /*transposeRhs=*/false, state);
  Value fresh = round(erased, element);
  Value output = dot(fresh, own, /*transposeRhs=*/true, old);
  state = dot(fresh, directions, /*transposeRhs=*/false, state);
  storeOutput(chunk, output);
  return state;
}
