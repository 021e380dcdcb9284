//===- matmul_mma.cu - A matrix product by mma.sync and cp.async ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common.cuh"

/// c = a b, of m x k and k x n elements; n and k are multiples of 64. A block
/// of four warps has a tile of 64 x 64, each warp 16 rows of it.
extern "C" __global__ void __launch_bounds__(128)
    matmul(const __nv_bfloat16 *a, const __nv_bfloat16 *b, float *c, int m,
           int n, int k) {
  __shared__ alignas(128) Tile aTiles[2], bTiles[2];
  int columns = n / 64;
  int row = blockIdx.x / columns * 64, column = blockIdx.x % columns * 64;
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  float sums[8][4] = {};
  auto fetch = [&](int step) {
    fetchTile(aTiles[step & 1], a + step * 64, row, m, k);
    fetchTile(bTiles[step & 1], b + column, step * 64, k, n);
    commitCopies();
  };
  fetch(0);
  for (int step = 0; step < k / 64; ++step) {
    if (step + 1 < k / 64)
      fetch(step + 1);
    else
      commitCopies();
    waitForCopies<1>();
    __syncthreads();
    Tile &aTile = aTiles[step & 1], &bTile = bTiles[step & 1];
    for (int depth = 0; depth < 4; ++depth) {
      unsigned aPart[4];
      loadMatrices(
          aPart, chunkOf(aTile, warp * 16 + lane % 16, depth * 2 + lane / 16));
      for (int pair = 0; pair < 4; ++pair) {
        unsigned bPart[4];
        loadTransposed(bPart, chunkOf(bTile, depth * 16 + lane % 16,
                                      pair * 2 + lane / 16));
        multiply(sums[2 * pair], aPart, bPart[0], bPart[1]);
        multiply(sums[2 * pair + 1], aPart, bPart[2], bPart[3]);
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 4; ++j) {
      int outRow = row + warp * 16 + lane / 4 + j / 2 * 8;
      int outColumn = column + i * 8 + lane % 4 * 2 + j % 2;
      if (outRow < m)
        c[static_cast<size_t>(outRow) * n + outColumn] = sums[i][j];
    }
}
