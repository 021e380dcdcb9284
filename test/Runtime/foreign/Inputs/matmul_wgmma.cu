//===- matmul_wgmma.cu - A matrix product by TMA, mbarriers and wgmma -----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tma.cuh"

/// c = a b^T, of m x k and n x k elements; n and k are multiples of 64. One
/// warpgroup has a tile of 64 x 64, and two stages of shared memory.
extern "C" __global__ void __launch_bounds__(128)
    matmul(const __grid_constant__ TensorMap a,
           const __grid_constant__ TensorMap b, float *c, int m, int n, int k) {
  __shared__ alignas(1024) __nv_bfloat16 aTiles[2][4096], bTiles[2][4096];
  __shared__ alignas(8) unsigned long long barriers[2];
  int columns = n / 64;
  int row = blockIdx.x / columns * 64, column = blockIdx.x % columns * 64;
  if (threadIdx.x == 0) {
    for (unsigned long long &barrier : barriers)
      initialise(&barrier, 1);
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  auto start = [&](int step) {
    if (threadIdx.x != 0)
      return;
    int stage = step & 1;
    expect(&barriers[stage], 2 * 8192);
    fetch(aTiles[stage], a, step * 64, row, &barriers[stage]);
    fetch(bTiles[stage], b, step * 64, column, &barriers[stage]);
  };
  float sums[32] = {};
  start(0);
  for (int step = 0; step < k / 64; ++step) {
    if (step + 1 < k / 64)
      start(step + 1);
    int stage = step & 1;
    waitFor(&barriers[stage], step >> 1 & 1);
    beginProducts(sums);
    for (int depth = 0; depth < 4; ++depth)
      multiply64(sums, describe(aTiles[stage] + depth * 16),
                 describe(bTiles[stage] + depth * 16));
    finishProducts(sums);
    __syncthreads();
  }
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  for (int i = 0; i < 32; ++i) {
    int outRow = row + warp * 16 + lane / 4 + i / 2 % 2 * 8;
    int outColumn = column + i / 4 * 8 + lane % 4 * 2 + i % 2;
    if (outRow < m)
      c[static_cast<size_t>(outRow) * n + outColumn] = sums[i];
  }
}
