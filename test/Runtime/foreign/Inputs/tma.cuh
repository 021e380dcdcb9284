//===- tma.cuh - What kernels of TMA and wgmma have in common -------------===//
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

/// One arrival, and that `bytes` will come.
__device__ inline void expect(unsigned long long *barrier, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                   sharedAddress(barrier)),
               "r"(bytes)
               : "memory");
}

__device__ inline void initialise(unsigned long long *barrier, unsigned count) {
  asm volatile(
      "mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(barrier)),
      "r"(count)
      : "memory");
}

#define ACCUMULATORS                                                           \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "    \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, "     \
  "%30, %31}"
#define IN_PLACE(d)                                                            \
  "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]),      \
      "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]),             \
      "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),         \
      "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]),         \
      "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]),         \
      "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]),         \
      "+f"(d[31])

/// d += a b^T of 64 x 64 x 16, both in shared memory along k.
__device__ inline void multiply64(float (&d)[32], unsigned long long a,
                                  unsigned long long b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " ACCUMULATORS
      ", %32, %33, 1, 1, 1, 0, 0;"
      : IN_PLACE(d)
      : "l"(a), "l"(b));
}

/// d += a b, with a in registers, and the rows of b along n.
__device__ inline void multiply64(float (&d)[32], const unsigned (&a)[4],
                                  unsigned long long b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " ACCUMULATORS
      ", {%32, %33, %34, %35}, %36, 1, 1, 1, 1;"
      : IN_PLACE(d)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

__device__ inline void beginProducts(float (&d)[32]) {
  asm volatile("wgmma.fence.sync.aligned;" : IN_PLACE(d)::"memory");
}

/// The accumulators pass through, so that no use of them moves in front.
__device__ inline void finishProducts(float (&d)[32]) {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  asm volatile("wgmma.wait_group.sync.aligned 0;" : IN_PLACE(d)::"memory");
}
