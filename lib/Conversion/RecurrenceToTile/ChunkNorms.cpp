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
//     A_ij = erase_i n_i <k_i, k_j> 2^(G_i - G_j) n_j
//     P_ij = scale m_i <q_i, k_j> 2^(G_i - G_j) n_j
//     U = (I + A)^-1 (write V - erase n 2^G (k S))
//     o = scale m 2^G (q S) + P U
//     S = 2^G_last S + k^T (n 2^(G_last - G) U)
//
// and m_i that of query i, so that the products are those of the rows as they
// are in memory. Who has products of tokens has factors of rows and of columns
// more; who has states has as many factors as without norms, as those of a
// token are multiplied before. A strength that is shared stays a factor of the
// inverse.
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
  // The product of two numbers is finite.
  constexpr double kLeast = 0x1p-120;
  if (epsilon < kLeast)
    squares =
        arith::MaximumFOp::create(builder, loc, squares, splat(type, kLeast));
  return math::RsqrtOp::create(builder, loc, squares);
}

/// What erases along a key is multiplied by the number of that key, but for a
/// strength that is also one of writing.
void ChunkKernelBuilder::normalizeErased(Chunk &chunk) {
  if (!chunk.keyNorms || !chunk.erase || op.getEraseKey())
    return;
  if (chunk.isShared())
    chunk.eraseNorms = chunk.keyNorms;
  else
    chunk.erase = mul(chunk.erase, chunk.keyNorms);
}
