//===- attention_wgmma.cu - Attention by TMA, mbarriers and wgmma ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tma.cuh"

static constexpr float log2e = 1.44269504f, scale = 0.125f;
static constexpr unsigned tileBytes = 8192;

/// What the copies fill and the products read.
struct alignas(1024) Tiles {
  __nv_bfloat16 q[4096], k[2][4096], v[2][4096];
};
/// A stage is empty once each of the four warps of the products says so.
struct Barriers {
  unsigned long long q, k[2], v[2], empty[2];
};

/// One thread copies the tiles of queries, keys and values.
__device__ void copyTiles(Tiles &tiles, Barriers &barriers, const TensorMap &q,
                          const TensorMap &k, const TensorMap &v) {
  expect(&barriers.q, tileBytes);
  fetch(tiles.q, q, 0, blockIdx.x * 64, &barriers.q);
  for (int block = 0; block <= blockIdx.x; ++block) {
    int stage = block & 1;
    if (block > 1)
      waitFor(&barriers.empty[stage], (block >> 1 & 1) ^ 1);
    expect(&barriers.k[stage], tileBytes);
    fetch(tiles.k[stage], k, 0, block * 64, &barriers.k[stage]);
    expect(&barriers.v[stage], tileBytes);
    fetch(tiles.v[stage], v, 0, block * 64, &barriers.v[stage]);
  }
}

/// The largest, or the sum, of what the four threads of a row have.
__device__ inline float largestOfRow(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFF, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xFFFFFFFF, value, 2));
}
__device__ inline float sumOfRow(float value) {
  value += __shfl_xor_sync(0xFFFFFFFF, value, 1);
  return value + __shfl_xor_sync(0xFFFFFFFF, value, 2);
}

/// Scores become weights, relative to the largest score of their row so far;
/// what was summed for an earlier one is scaled down.
__device__ inline void updateRows(float (&scores)[32], float (&out)[32],
                                  float (&most)[2], float (&total)[2],
                                  int firstKey, int firstQuery) {
  float largest[2] = {most[0], most[1]};
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    int half = i / 2 % 2;
    bool isSeen = firstKey + i / 4 * 8 + i % 2 <= firstQuery + half * 8;
    scores[i] = isSeen ? scores[i] * scale * log2e : -INFINITY;
    largest[half] = fmaxf(largest[half], scores[i]);
  }
  float factor[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    largest[half] = largestOfRow(largest[half]);
    factor[half] = exp2f(most[half] - largest[half]);
    most[half] = largest[half];
    total[half] *= factor[half];
  }
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    int half = i / 2 % 2;
    out[i] *= factor[half];
    scores[i] = exp2f(scores[i] - most[half]);
    total[half] += scores[i];
  }
}

/// Causal attention of one head of 64 columns: o = softmax(q k^T / 8) v. A
/// warpgroup has 64 queries, and a fifth warp copies.
extern "C" __global__ void __launch_bounds__(160)
    attention(const __grid_constant__ TensorMap q,
              const __grid_constant__ TensorMap k,
              const __grid_constant__ TensorMap v, __nv_bfloat16 *o,
              int length) {
  __shared__ Tiles tiles;
  __shared__ Barriers barriers;
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (threadIdx.x == 0) {
    initialise(&barriers.q, 1);
    for (int stage = 0; stage < 2; ++stage) {
      initialise(&barriers.k[stage], 1);
      initialise(&barriers.v[stage], 1);
      initialise(&barriers.empty[stage], 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  if (warp == 4) {
    if (lane == 0)
      copyTiles(tiles, barriers, q, k, v);
    return;
  }
  int query = blockIdx.x * 64 + warp * 16 + lane / 4;
  float out[32] = {}, most[2] = {-INFINITY, -INFINITY}, total[2] = {};
  waitFor(&barriers.q, 0);
  for (int block = 0; block <= blockIdx.x; ++block) {
    int stage = block & 1, parity = block >> 1 & 1;
    float scores[32] = {};
    waitFor(&barriers.k[stage], parity);
    beginProducts(scores);
    for (int depth = 0; depth < 4; ++depth)
      multiply64(scores, describe(tiles.q + depth * 16),
                 describe(tiles.k[stage] + depth * 16));
    finishProducts(scores);
    updateRows(scores, out, most, total, block * 64 + lane % 4 * 2, query);
    unsigned weights[4][4];
#pragma unroll
    for (int i = 0; i < 16; ++i)
      weights[i / 4][i % 4] = pack(scores[2 * i], scores[2 * i + 1]);
    waitFor(&barriers.v[stage], parity);
    beginProducts(out);
#pragma unroll
    for (int depth = 0; depth < 4; ++depth)
      multiply64(out, weights[depth], describe(tiles.v[stage] + depth * 1024));
    finishProducts(out);
    __syncwarp();
    if (lane == 0)
      asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(
                       sharedAddress(&barriers.empty[stage]))
                   : "memory");
  }
  for (int half = 0; half < 2; ++half) {
    float sum = sumOfRow(total[half]);
    int row = query + half * 8;
    if (row >= length)
      continue;
    for (int i = 0; i < 8; ++i)
      *reinterpret_cast<unsigned *>(o + row * 64 + i * 8 + lane % 4 * 2) =
          pack(out[4 * i + 2 * half] / sum, out[4 * i + 2 * half + 1] / sum);
  }
}
