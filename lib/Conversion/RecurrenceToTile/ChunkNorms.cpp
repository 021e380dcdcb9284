//===- ChunkNorms.cpp - Rows of a chunk that are normalised ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A row is multiplied by a number, which is one of its token. With n_i that of
// key i, all that becomes of the keys is
//
//     A_ij = (erase_i n_i) <k_i, k_j> 2^(G_i - G_j) n_j
//     P_ij = scale <q_i, k_j> 2^(G_i - G_j) n_j
//     U = (I + A)^-1 (write V - (erase n) 2^G (k S))
//     S = 2^G_last S + k^T (n 2^(G_last - G) U)
//
// so that the products are those of the rows as they are in memory. Nothing
// else is multiplied by n, which may be large where a key is short. The number
// of a query is a factor of its output.
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::attn;

/// 1 / |x|, or a bit less, for each row x of `tile`. Rows of zeros, which those
/// behind the last token are, have a finite number as well.
Value ChunkKernelBuilder::createNorms(Value tile) {
  Value wide = extend(tile);
  VectorType type = f32Tile({tokens});
  Value squares = vector::MultiDimReductionOp::create(
      builder, loc, mul(wide, wide), splat(type, 0),
      ArrayRef<bool>{false, true}, vector::CombiningKind::ADD);
  double epsilon = op.getL2Normalize()->convertToDouble();
  squares = arith::AddFOp::create(builder, loc, squares, splat(type, epsilon));
  constexpr double kLeast = std::numeric_limits<float>::min();
  if (epsilon < kLeast)
    squares =
        arith::MaximumFOp::create(builder, loc, squares, splat(type, kLeast));
  return math::RsqrtOp::create(builder, loc, squares);
}

/// Finds the numbers of the rows; what erases along a key is multiplied by that
/// of the key.
void ChunkKernelBuilder::normalizeRows(Chunk &chunk) {
  if (!op.getL2Normalize())
    return;
  chunk.keyNorms = createNorms(chunk.key);
  chunk.queryNorms = createNorms(chunk.query);
  if (chunk.erase && !op.getEraseKey())
    chunk.erase = mul(chunk.erase, chunk.keyNorms);
}
