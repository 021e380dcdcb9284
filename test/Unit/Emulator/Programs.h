//===- Programs.h - Small programs without hazards --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_EMULATOR_PROGRAMS_H
#define ATTN_TEST_UNIT_EMULATOR_PROGRAMS_H

#include "Emulation.h"

namespace attn::runtime {

/// %r2 = smem and %r3 = an mbarrier for bytes, both of one thread.
inline constexpr char copyPrologue[] = R"(
    mov.b32 %r2, smem;
    add.s32 %r3, %r2, 30000;
    mbarrier.init.shared::cta.b64 [%r3], 1;
    fence.mbarrier_init.release.cluster;
)";

/// Waits for what has been announced at %r3.
inline constexpr char awaitBytes[] = R"(
WAIT:
    mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r3], 0;
    @!%p2 bra WAIT;
)";

/// %r1 = thread, %r2 = smem, %r3 = the mbarrier, which expects one arrival; a
/// tile of 64 x 64 at %r2 from row %r9 on, for which all threads wait.
inline std::string loadTile(int row = 0) {
  return R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    add.s32 %r3, %r2, 16384;
    setp.ne.b32 %p1, %r1, 0;
    @%p1 bra WAIT_INIT;
    mbarrier.init.shared::cta.b64 [%r3], 1;
    fence.mbarrier_init.release.cluster;
WAIT_INIT:
    bar.sync 0;
    mov.b64 %d8, map;
    cvta.param.u64 %d8, %d8;
    @%p1 bra WAIT;
    prefetch.tensormap [%d8];
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], 8192;
    cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint [%r2], [%d8, {0, )" +
         std::to_string(row) + R"(}], [%r3], 0;
WAIT:
    mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r3], 0;
    @!%p2 bra WAIT;
)";
}

/// Loads it once more into the same memory.
inline std::string loadTileAgain() {
  return R"(    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], 8192;
    cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r2], [%d8, {0, 0}], [%r3];
WAIT2:
    mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r3], 1;
    @!%p2 bra WAIT2;
)";
}

/// The same, but threads for which the predicate `others` holds only wait.
inline std::string loadTileAgain(const std::string &others) {
  return "    @" + others + " bra WAIT2;\n" + loadTileAgain();
}

/// Each thread of 64 gives the second word of its row.
inline std::string copyProgram() {
  return loadTile(1) + R"(
    shl.b32 %r4, %r1, 7;
    and.b32 %r5, %r1, 7;
    shl.b32 %r5, %r5, 4;
    add.s32 %r4, %r4, %r5;
    add.s32 %r4, %r4, %r2;
    ld.shared.b32 %r6, [%r4+4];
    mul.wide.u32 %d1, %r1, 4;
    add.s64 %d1, %d1, %d0;
    st.global.b32 [%d1], %r6;
)";
}

/// Each thread of 64 fills its row of a tile, which one of them stores.
inline std::string storeProgram() {
  return R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    shl.b32 %r3, %r1, 7;
    add.s32 %r3, %r3, %r2;
    mul.lo.s32 %r4, %r1, 65537;
    mov.b32 %r5, 0;
FILL:
    st.shared.v4.b32 [%r3], {%r4, %r4, %r4, %r4};
    add.s32 %r3, %r3, 16;
    add.s32 %r5, %r5, 1;
    setp.lt.s32 %p1, %r5, 8;
    @%p1 bra FILL;
    fence.proxy.async.shared::cta;
    bar.sync 1, 64;
    setp.ne.b32 %p1, %r1, 0;
    @%p1 bra DONE;
    mov.b64 %d8, outMap;
    cvta.param.u64 %d8, %d8;
    cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%d8, {0, 8}], [%r2];
    cp.async.bulk.commit_group;
    cp.async.bulk.wait_group.read 0;
DONE:
    ret;
)";
}

/// 128 threads multiply a matrix of ones by one of 8 x 16 without a swizzle,
/// twice, and give two of their accumulators.
inline std::string productProgram() {
  return R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    setp.lt.u32 %p1, %r1, 64;
    shl.b32 %r3, %r1, 2;
    add.s32 %r3, %r3, %r2;
    shr.u32 %r4, %r1, 2;
    and.b32 %r4, %r4, 7;
    cvt.rn.f32.s32 %r4, %r4;
    cvt.rn.bf16x2.f32 %r4, 0f3F800000, %r4;
    @%p1 st.shared.b32 [%r3], %r4;
    fence.proxy.async.shared::cta;
    bar.sync 0;
    shr.u32 %r5, %r2, 4;
    or.b32 %r5, %r5, 524288;
    mov.b64 %d5, {%r5, 16};
    mov.b32 %r10, 1065369472;
    mov.b32 %r11, 1065369472;
    mov.b32 %r12, 1065369472;
    mov.b32 %r13, 1065369472;
    wgmma.fence.sync.aligned;
    wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r20, %r21, %r22, %r23}, {%r10, %r11, %r12, %r13}, %d5, 0, 1, 1, 0;
    wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r20, %r21, %r22, %r23}, {%r10, %r11, %r12, %r13}, %d5, 1, 1, 1, 0;
    wgmma.commit_group.sync.aligned;
    wgmma.wait_group.sync.aligned 0;
    mul.wide.u32 %d1, %r1, 8;
    add.s64 %d1, %d1, %d0;
    st.global.v2.b32 [%d1], {%r20, %r21};
)";
}

} // namespace attn::runtime

#endif // ATTN_TEST_UNIT_EMULATOR_PROGRAMS_H
