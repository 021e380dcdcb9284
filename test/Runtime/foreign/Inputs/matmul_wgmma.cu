//===- matmul_wgmma.cu - A matrix product by TMA, mbarriers and wgmma -----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common.cuh"

struct alignas(64) TensorMap {
  char bytes[128];
};

__device__ inline void fetch(void *target, const TensorMap &map, int x, int y,
                             unsigned long long *barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::"
      "bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(sharedAddress(target)),
      "l"(&map), "r"(x), "r"(y), "r"(sharedAddress(barrier))
      : "memory");
}

__device__ inline void waitFor(unsigned long long *barrier, unsigned parity) {
  unsigned isDone = 0;
  while (!isDone)
    asm volatile("{\n.reg .pred p;\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
                 "selp.u32 %0, 1, 0, p;\n}"
                 : "=r"(isDone)
                 : "r"(sharedAddress(barrier)), "r"(parity)
                 : "memory");
}

/// A tile of rows of 128 bytes with a swizzle of 128 bytes.
__device__ inline unsigned long long describe(const void *tile) {
  return (sharedAddress(tile) & 0x3FFFF) >> 4 | 1ull << 16 | 64ull << 32 |
         1ull << 62;
}

__device__ inline void multiply64(float (&d)[32], unsigned long long a,
                                  unsigned long long b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, "
      "%30, %31}, %32, %33, 1, 1, 1, 0, 0;"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]),
        "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]),
        "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),
        "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]),
        "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]),
        "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]),
        "+f"(d[31])
      : "l"(a), "l"(b));
}

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
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(
                       sharedAddress(&barrier))
                   : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  auto start = [&](int step) {
    if (threadIdx.x != 0)
      return;
    int stage = step & 1;
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                     sharedAddress(&barriers[stage])),
                 "r"(2 * 8192)
                 : "memory");
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
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    for (int depth = 0; depth < 4; ++depth)
      multiply64(sums, describe(aTiles[stage] + depth * 16),
                 describe(bTiles[stage] + depth * 16));
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
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
