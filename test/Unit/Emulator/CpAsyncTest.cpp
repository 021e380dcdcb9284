//===- CpAsyncTest.cpp - Asynchronous copies of single threads ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

using namespace attn::runtime;

/// %r1 = thread, %r2 = its 16 bytes of smem, %d1 = its 16 bytes of `out`. An
/// `or`, as ptxas 13.0.88 names the wrong uniform registers where a cache
/// policy meets an address that is the sum of smem and something else.
static const char *const setup = R"(
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, smem;
    shl.b32 %r3, %r1, 4;
    or.b32 %r2, %r2, %r3;
    cvt.u64.u32 %d1, %r3;
    add.s64 %d1, %d1, %d0;
)";

/// Gives the 16 bytes of each thread.
static const char *const give = R"(
    ld.shared.v4.b32 {%r4, %r5, %r6, %r7}, [%r2];
    st.global.v4.b32 [%d1+4096], {%r4, %r5, %r6, %r7};
)";

static Emulation emulationOf(const std::string &body, uint32_t threads = 32) {
  Emulation emulation{setup + body, threads};
  for (uint32_t i = 0; i < 2048; ++i)
    emulation.data.push_back(i + 1);
  return emulation;
}

/// Expects the four words of each thread, over several orders.
static void check(const std::string &body,
                  const std::function<uint32_t(uint32_t word)> &expected) {
  Emulation emulation = emulationOf(body + give);
  for (emulation.seed = 0; emulation.seed < 4; ++emulation.seed) {
    Result<std::vector<uint32_t>> out = emulation.run();
    ASSERT_FALSE(out.failed()) << out.message();
    for (uint32_t word = 0; word < 128; ++word)
      EXPECT_EQ((*out)[1024 + word], expected(word)) << body;
  }
}

static void expectHazard(const std::string &body, const std::string &message,
                         uint32_t threads = 32) {
  expectMessage(emulationOf(body, threads), message);
}

static const std::string waitAll = "cp.async.wait_all;\n";

TEST(CpAsync, SizesAndFills) {
  auto copied = [](uint32_t word) { return word + 1; };
  check("cp.async.cg.shared.global [%r2], [%d1], 16;\n" + waitAll, copied);
  check("cp.async.ca.shared::cta.global [%r2], [%d1], 16;\n" + waitAll, copied);
  check("cp.async.cg.shared.global.L2::128B [%r2], [%d1], 16;\n" + waitAll,
        copied);
  check("createpolicy.fractional.L2::evict_first.b64 %d2, 1.0;\n"
        "cp.async.cg.shared.global.L2::cache_hint [%r2], [%d1], 16, %d2;\n" +
            waitAll,
        copied);
  check("cp.async.ca.shared.global [%r2], [%d1], 8;\n"
        "cp.async.ca.shared.global [%r2+8], [%d1+8], 4;\n"
        "cp.async.ca.shared.global [%r2+12], [%d1+12], 4;\n" +
            waitAll,
        copied);
  check("cp.async.cg.shared.global [%r2], [%d1], 16, 8;\n" + waitAll,
        [](uint32_t word) { return word % 4 < 2 ? word + 1 : 0; });
  // Nothing is read, wherever the address leads.
  check("mov.b64 %d2, 16;\nmov.b32 %r8, 0;\n"
        "cp.async.ca.shared.global [%r2], [%d2], 16, %r8;\n" +
            waitAll,
        [](uint32_t) { return 0u; });
  check("setp.lt.u32 %p1, %r1, 8;\n"
        "cp.async.ca.shared.global [%r2], [%d1], 16, %p1;\n" +
            waitAll,
        [](uint32_t word) { return word < 32 ? 0 : word + 1; });
}

TEST(CpAsync, Groups) {
  const std::string two =
      "cp.async.cg.shared.global [%r2], [%d1], 16;\ncp.async.commit_group;\n"
      "cp.async.cg.shared.global [%r2+4096], [%d1+2048], 16;\n"
      "cp.async.commit_group;\n";
  check(two + "cp.async.wait_group 1;\n" +
            "ld.shared.b32 %r4, [%r2];\ncp.async.wait_group 0;\n",
        [](uint32_t word) { return word + 1; });
  expectHazard(two + "cp.async.wait_group 1;\nld.shared.b32 %r4, [%r2+4096];\n"
                     "cp.async.wait_group 0;",
               "memory in flight: reads shared memory that a copy in flight "
               "writes (PTX line ");
  expectHazard(two + "cp.async.wait_group 2;\nld.shared.b32 %r4, [%r2];\n"
                     "cp.async.wait_group 0;",
               "memory in flight: reads shared memory");
}

TEST(CpAsync, Hazards) {
  const std::string copy = "cp.async.cg.shared.global [%r2], [%d1], 16;\n";
  expectHazard(copy + "st.shared.b32 [%r2], 0;\n" + waitAll,
               "memory in flight: writes shared memory that a copy in flight");
  expectHazard(copy, "outstanding work: the warp exits without a commit of "
                     "this copy");
  expectHazard(copy + "cp.async.commit_group;\ncp.async.wait_group 1;",
               "the warp exits without a wait for this copy");
  // One thread of many is enough.
  expectHazard(copy + "setp.ne.u32 %p1, %r1, 5;\n@%p1 cp.async.wait_all;",
               "the warp exits without a commit of this copy");
  expectHazard("cp.async.cg.shared.global [%r2+4], [%d1], 16;",
               "expected an address that is a multiple of 16");
  expectHazard("mov.b64 %d1, 64;\n" + copy,
               "bytes of global memory that are not allocated");
  expectHazard("cp.async.cg.shared.global [%r2], [%d1], 16, 17;",
               "expected a source of at most 16 bytes, got 17");
  // Another warp reads what was waited for by its owner alone.
  const std::string other = "xor.b32 %r8, %r2, 512;\n"
                            "ld.shared.b32 %r4, [%r8];\n";
  expectHazard(copy + waitAll + other, "race: ", 64);
  expectHazard(copy + "bar.sync 0;\n" + other + waitAll, "memory in flight",
               64);
  EXPECT_EQ(emulationOf(copy + waitAll + "bar.sync 0;\n" + other, 64).message(),
            "");
  // And overwrites what another still reads.
  expectHazard("st.shared.b32 [%r2], 0;\nbar.sync 0;\n" + other +
                   "mov.u32 %r9, %tid.x;\n" + copy + waitAll,
               "overwrites shared memory that warp", 64);
}

TEST(CpAsync, LandsAtAnyMoment) {
  if (runsOnGpu())
    GTEST_SKIP();
  // Unchecked, as nobody waits before the load; most of the bytes come early
  // or late, and some of a warp come before the others.
  Emulation emulation =
      emulationOf("st.shared.b32 [%r2], 0;\n"
                  "cp.async.ca.shared.global [%r2], [%d1], 4;\n"
                  "ld.shared.b32 %r4, [%r2];\n" +
                  waitAll + "st.global.b32 [%d1+4096], %r4;\n");
  emulation.checked = false;
  unsigned none = 0, some = 0;
  for (emulation.seed = 0; emulation.seed < 64; ++emulation.seed) {
    Result<std::vector<uint32_t>> out = emulation.run();
    ASSERT_FALSE(out.failed()) << out.message();
    unsigned landed = 0;
    for (uint32_t lane = 0; lane < 32; ++lane)
      landed += (*out)[1024 + 4 * lane] != 0;
    none += landed == 0;
    some += landed > 0 && landed < 32;
  }
  EXPECT_GT(none, 0u);
  EXPECT_GT(some, 0u);
}

/// A stage that all threads fill and that the mbarrier tells of.
static std::string arrivals(const std::string &modifier, int count) {
  return R"(
    mov.u32 %r9, smem;
    add.u32 %r9, %r9, 16384;
    setp.ne.u32 %p1, %r1, 0;
    @!%p1 mbarrier.init.shared.b64 [%r9], )" +
         std::to_string(count) + R"(;
    bar.sync 0;
    cp.async.ca.shared.global [%r2], [%d1], 16;
    cp.async.mbarrier.arrive)" +
         modifier + R"(.shared.b64 [%r9];
)";
}

TEST(CpAsync, Arrivals) {
  const std::string finish = R"(
WAIT:
    mbarrier.try_wait.parity.shared.b64 %p2, [%r9], 0;
    @!%p2 bra WAIT;
    xor.b32 %r2, %r2, 512;
)";
  for (bool isExpected : {true, false}) {
    Emulation emulation = emulationOf(
        arrivals(isExpected ? ".noinc" : "", 64) +
            (isExpected ? "" : "mbarrier.arrive.shared.b64 _, [%r9];\n") +
            finish + give,
        64);
    for (emulation.seed = 0; emulation.seed < 4; ++emulation.seed) {
      Result<std::vector<uint32_t>> out = emulation.run();
      ASSERT_FALSE(out.failed()) << out.message();
      for (uint32_t word = 0; word < 256; ++word)
        EXPECT_EQ((*out)[1024 + word], (word ^ 128) + 1);
    }
  }
  expectHazard(arrivals(".noinc", 65) + finish, "deadlock", 64);
  expectHazard(arrivals(".noinc", 64) + "ld.shared.b32 %r4, [%r2];\n" + finish,
               "memory in flight: reads shared memory", 64);
  expectHazard("setp.eq.u32 %p1, %r1, 0;\n"
               "@%p1 mbarrier.init.shared.b64 [%r2], 1;\n"
               "@%p1 mbarrier.arrive.expect_tx.shared.b64 _, [%r2], 16;\n"
               "@%p1 cp.async.mbarrier.arrive.noinc.shared.b64 [%r2];",
               "arrives at an mbarrier that expects no more arrivals");
  expectHazard("cp.async.mbarrier.arrive.noinc.shared.b64 [%r2];",
               "there is no mbarrier at this address");
}

TEST(CpAsync, UnknownForms) {
  expectUnknown({"cp.async.cg.shared.global [%r1], [%d1], 8;",
                 "cp.async.ca.shared.global [%r1], [%d1], 12;",
                 "cp.async.cv.shared.global [%r1], [%d1], 16;",
                 "cp.async.ca.global.shared [%r1], [%d1], 16;",
                 "cp.async.ca.shared.global.L1::128B [%r1], [%d1], 16;",
                 "cp.async.wait 0;", "cp.async.mbarrier.wait.b64 [%r1];"});
}
