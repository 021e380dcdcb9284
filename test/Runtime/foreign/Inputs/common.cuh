//===- common.cuh - Instructions that CUDA C++ has no names for -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_RUNTIME_FOREIGN_COMMON_CUH
#define ATTN_TEST_RUNTIME_FOREIGN_COMMON_CUH

#include <cuda_bf16.h>

__device__ inline unsigned sharedAddress(const void *pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

/// Copies 16 bytes, or fills them with zeros.
__device__ inline void copyAsync(void *target, const void *source,
                                 bool isInside) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(
                   sharedAddress(target)),
               "l"(source), "r"(isInside ? 16 : 0)
               : "memory");
}
__device__ inline void commitCopies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int left> __device__ inline void waitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(left) : "memory");
}

__device__ inline void loadMatrices(unsigned (&registers)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, "
               "[%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]),
                 "=r"(registers[3])
               : "r"(sharedAddress(row)));
}
__device__ inline void loadTransposed(unsigned (&registers)[4],
                                      const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 "
               "{%0, %1, %2, %3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]),
                 "=r"(registers[3])
               : "r"(sharedAddress(row)));
}

__device__ inline void multiply(float (&sum)[4], const unsigned (&a)[4],
                                unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ inline unsigned pack(float low, float high) {
  __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<unsigned *>(&pair);
}

/// Rows of 64 elements, whose eight chunks of 16 bytes are exchanged.
using Tile = __nv_bfloat16[64][64];
__device__ inline __nv_bfloat16 *chunkOf(Tile &tile, int row, int chunk) {
  return &tile[row][(chunk ^ (row & 7)) * 8];
}

/// 64 rows from `first` on of a matrix of `rows` rows, by 128 threads.
__device__ inline void fetchTile(Tile &tile, const __nv_bfloat16 *matrix,
                                 int first, int rows, int stride) {
  for (int i = threadIdx.x; i < 512; i += 128) {
    int row = i / 8, chunk = i % 8;
    bool isInside = first + row < rows;
    const __nv_bfloat16 *source =
        matrix + (isInside ? first + row : 0) * static_cast<size_t>(stride) +
        chunk * 8;
    copyAsync(chunkOf(tile, row, chunk), source, isInside);
  }
}

#endif // ATTN_TEST_RUNTIME_FOREIGN_COMMON_CUH
