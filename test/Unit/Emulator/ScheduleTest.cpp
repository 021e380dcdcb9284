//===- ScheduleTest.cpp - In which orders warps and copies come -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

using namespace attn::runtime;

/// The first thread of a warpgroup copies a tile four times and, some
/// instructions later, asks whether two warpgroups have made use of it.
static std::string producerAndConsumers() {
  static constexpr char work[] = R"(:
    add.s32 %r5, %r5, 1;
    setp.lt.s32 %p4, %r5, 16;
    @%p4 bra )";
  static constexpr char copy[] = R"(
    cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r2], [%d8, {0, 0}], [%r3];)";
  std::string copies;
  for (unsigned i = 0; i < 4; ++i)
    copies += copy;
  return R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    add.s32 %r3, %r2, 16384;
    add.s32 %r4, %r2, 16392;
    mov.b32 %r5, 0;
    setp.ne.b32 %p1, %r1, 0;
    @%p1 bra INITIALISED;
    mbarrier.init.shared::cta.b64 [%r3], 1;
    mbarrier.init.shared::cta.b64 [%r4], 256;
    fence.mbarrier_init.release.cluster;
INITIALISED:
    bar.sync 0;
    setp.ge.u32 %p3, %r1, 128;
    @%p3 bra WAIT;
    @%p1 bra DONE;
    mov.b64 %d8, map;
    cvta.param.u64 %d8, %d8;
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], 32768;)" +
         copies + "\nPRODUCE" + work + R"(PRODUCE;
    mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r4], 0;
    selp.b32 %r6, 1, 0, %p2;
    st.global.b32 [%d0], %r6;
    bra DONE;
WAIT:
    mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r3], 0;
    @!%p2 bra WAIT;
CONSUME)" +
         work +
         R"(CONSUME;
    mbarrier.arrive.shared::cta.b64 _, [%r4];
DONE:
)";
}

/// Copies may be quick, and who has issued them slow: then all of eight warps
/// are ahead of one.
TEST(Schedule, OneWarpComesLate) {
  unsigned late = 0, early = 0;
  for (uint64_t seed = 0; seed < 256; ++seed) {
    Result<std::vector<uint32_t>> out =
        Emulation{producerAndConsumers(), 384, seed, /*checked=*/false}.run();
    ASSERT_FALSE(out.failed()) << out.message();
    late += (*out)[0] == 1;
    early += (*out)[0] == 0;
  }
  EXPECT_GE(late, 10u);
  EXPECT_GE(early, 16u);
}
