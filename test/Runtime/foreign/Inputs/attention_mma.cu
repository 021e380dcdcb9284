//===- attention_mma.cu - Attention by mma.sync and cp.async --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common.cuh"

static constexpr float log2e = 1.44269504f, scale = 0.125f;

/// The largest, or the sum, of what the four threads of a row have.
__device__ __noinline__ float largestOfRow(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFF, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xFFFFFFFF, value, 2));
}
__device__ float sumOfRow(float value) {
  value += __shfl_xor_sync(0xFFFFFFFF, value, 1);
  return value + __shfl_xor_sync(0xFFFFFFFF, value, 2);
}

/// Causal attention of one head of 64 columns: o = softmax(q k^T / 8) v. A
/// block of four warps has 64 queries, each warp 16.
extern "C" __global__ void __launch_bounds__(128)
    attention(const __nv_bfloat16 *q, const __nv_bfloat16 *k,
              const __nv_bfloat16 *v, __nv_bfloat16 *o, int length) {
  __shared__ alignas(128) Tile qTile, kTile, vTile;
  int first = blockIdx.x * 64;
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  fetchTile(qTile, q, first, length, 64);
  commitCopies();
  unsigned queries[4][4];
  float out[8][4] = {}, most[2] = {-INFINITY, -INFINITY}, total[2] = {};
  for (int block = 0; block <= blockIdx.x; ++block) {
    fetchTile(kTile, k, block * 64, length, 64);
    commitCopies();
    fetchTile(vTile, v, block * 64, length, 64);
    commitCopies();
    waitForCopies<1>();
    __syncthreads();
    if (block == 0)
      for (int depth = 0; depth < 4; ++depth)
        loadMatrices(queries[depth], chunkOf(qTile, warp * 16 + lane % 16,
                                             depth * 2 + lane / 16));
    float scores[8][4] = {};
    for (int depth = 0; depth < 4; ++depth)
      for (int pair = 0; pair < 4; ++pair) {
        unsigned keys[4];
        loadMatrices(keys, chunkOf(kTile, pair * 16 + lane % 8 + lane / 16 * 8,
                                   depth * 2 + lane / 8 % 2));
        multiply(scores[2 * pair], queries[depth], keys[0], keys[1]);
        multiply(scores[2 * pair + 1], queries[depth], keys[2], keys[3]);
      }
    float largest[2] = {most[0], most[1]};
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < 4; ++j) {
        int query = first + warp * 16 + lane / 4 + j / 2 * 8;
        int key = block * 64 + i * 8 + lane % 4 * 2 + j % 2;
        scores[i][j] = key <= query && key < length
                           ? scores[i][j] * scale * log2e
                           : -INFINITY;
        largest[j / 2] = fmaxf(largest[j / 2], scores[i][j]);
      }
    for (int half = 0; half < 2; ++half) {
      largest[half] = largestOfRow(largest[half]);
      float factor = exp2f(most[half] - largest[half]);
      most[half] = largest[half];
      total[half] *= factor;
      for (int i = 0; i < 8; ++i) {
        out[i][2 * half] *= factor;
        out[i][2 * half + 1] *= factor;
      }
    }
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < 4; ++j) {
        scores[i][j] = exp2f(scores[i][j] - most[j / 2]);
        total[j / 2] += scores[i][j];
      }
    waitForCopies<0>();
    __syncthreads();
    for (int depth = 0; depth < 4; ++depth) {
      float *low = scores[2 * depth], *high = scores[2 * depth + 1];
      unsigned weights[4] = {pack(low[0], low[1]), pack(low[2], low[3]),
                             pack(high[0], high[1]), pack(high[2], high[3])};
      for (int pair = 0; pair < 4; ++pair) {
        unsigned values[4];
        loadTransposed(values, chunkOf(vTile, depth * 16 + lane % 16,
                                       pair * 2 + lane / 16));
        multiply(out[2 * pair], weights, values[0], values[1]);
        multiply(out[2 * pair + 1], weights, values[2], values[3]);
      }
    }
    __syncthreads();
  }
  for (int half = 0; half < 2; ++half) {
    int query = first + warp * 16 + lane / 4 + half * 8;
    float sum = sumOfRow(total[half]);
    if (query >= length)
      continue;
    for (int i = 0; i < 8; ++i)
      *reinterpret_cast<unsigned *>(o + query * 64 + i * 8 + lane % 4 * 2) =
          pack(out[i][2 * half] / sum, out[i][2 * half + 1] / sum);
  }
}
