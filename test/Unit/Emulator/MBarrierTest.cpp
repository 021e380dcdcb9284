//===- MBarrierTest.cpp - Arrivals, phases, states ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

using namespace attn::runtime;

/// %r2 = an mbarrier of one thread that expects `count` arrivals.
static std::string initialised(int count) {
  return "mov.b32 %r2, smem;\nmbarrier.init.shared::cta.b64 [%r2], " +
         std::to_string(count) + ";\n";
}

static std::string alone(const std::string &body) {
  return Emulation{body, 1}.anyMessage();
}

TEST(MBarrierValues, StatesAndPhases) {
  std::string body = initialised(3) + R"(
    mbarrier.arrive.shared::cta.b64 %d4, [%r2];
    mbarrier.arrive.noComplete.release.cta.shared::cta.b64 %d5, [%r2], 1;
    mbarrier.pending_count.b64 %r10, %d4;
    mbarrier.pending_count.b64 %r11, %d5;
    mbarrier.test_wait.shared::cta.b64 %p2, [%r2], %d4;
    selp.b32 %r12, 1, 0, %p2;
    mbarrier.arrive_drop.shared::cta.b64 %d6, [%r2];
    mbarrier.test_wait.acquire.cta.shared::cta.b64 %p2, [%r2], %d4;
    selp.b32 %r13, 1, 0, %p2;
    mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r2], 1;
    selp.b32 %r14, 1, 0, %p2;
    mbarrier.arrive.release.cluster.shared::cta.b64 %d7, [%r2], 2;
    mbarrier.pending_count.b64 %r15, %d7;
    mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p2, [%r2], 1, 100;
    selp.b32 %r16, 1, 0, %p2;
    mbarrier.try_wait.shared::cta.b64 %p2, [%r2], %d7;
    selp.b32 %r17, 1, 0, %p2;
    st.global.v4.b32 [%d0], {%r10, %r11, %r12, %r13};
    st.global.v4.b32 [%d0+16], {%r14, %r15, %r16, %r17};
)";
  Result<std::vector<uint32_t>> out = Emulation{body, 1}.run();
  ASSERT_FALSE(out.failed()) << out.message();
  out->resize(8);
  EXPECT_EQ(*out, (std::vector<uint32_t>{3, 2, 0, 1, 0, 2, 1, 1}));
}

TEST(MBarrierValues, Bytes) {
  std::string body = initialised(1) + R"(
    mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r2], 48;
    mbarrier.arrive.expect_tx.shared::cta.b64 %d4, [%r2], 16;
    mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%r2], 32;
    mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r2], 0;
    selp.b32 %r10, 1, 0, %p2;
    mbarrier.complete_tx.shared::cta.b64 [%r2], 32;
    mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r2], 0;
    selp.b32 %r11, 1, 0, %p2;
    mbarrier.arrive_drop.expect_tx.shared::cta.b64 _, [%r2], 0;
    mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r2], 1;
    selp.b32 %r12, 1, 0, %p2;
    mbarrier.inval.shared::cta.b64 [%r2];
    st.shared.b64 [%r2], 7;
    st.global.v4.b32 [%d0], {%r10, %r11, %r12, %r12};
)";
  Result<std::vector<uint32_t>> out = Emulation{body, 1}.run();
  ASSERT_FALSE(out.failed()) << out.message();
  out->resize(3);
  EXPECT_EQ(*out, (std::vector<uint32_t>{0, 1, 1}));
}

TEST(MBarrierValues, GenericAddresses) {
  std::string body = R"(
    mov.b64 %d4, smem;
    cvta.shared.u64 %d4, %d4;
    mbarrier.init.b64 [%d4+8], 1;
    mbarrier.arrive.b64 %d5, [%d4+8];
    mbarrier.test_wait.b64 %p1, [%d4+8], %d5;
    selp.b32 %r1, 1, 0, %p1;
    mbarrier.inval.b64 [%d4+8];
    st.global.b32 [%d0], %r1;
)";
  Result<std::vector<uint32_t>> out = Emulation{body, 1}.run();
  ASSERT_FALSE(out.failed()) << out.message();
  EXPECT_EQ((*out)[0], 1u);
}

TEST(MBarrier, Misuse) {
  EXPECT_TRUE(contains(alone("mbarrier.init.b64 [%d0], 1;"),
                       "expected a generic address of shared memory"));
  auto misuse = [](int count, const std::string &body) {
    return alone(initialised(count) + body);
  };
  EXPECT_TRUE(contains(
      misuse(1, "mbarrier.arrive.noComplete.shared.b64 %d1, [%r2], 1;"),
      "an arrival with .noComplete completes the phase"));
  EXPECT_TRUE(contains(misuse(1, "mbarrier.arrive.shared.b64 _, [%r2], 0;"),
                       "expected a count from 1 to 2^20 - 1, got 0"));
  EXPECT_TRUE(contains(
      misuse(1, "mbarrier.arrive.shared.b64 %d1, [%r2];\n"
                "mbarrier.arrive.shared.b64 _, [%r2];\n"
                "mbarrier.test_wait.shared.b64 %p1, [%r2], %d1;"),
      "expected the state of phase 2 or the one before, got one of phase 0"));
  EXPECT_TRUE(contains(misuse(1, "mbarrier.inval.shared.b64 [%r2];\n"
                                 "mbarrier.arrive.shared.b64 _, [%r2];"),
                       "there is no mbarrier at this address"));
  EXPECT_TRUE(contains(misuse(1, "mbarrier.expect_tx.shared.b64 [%r2], 16;\n"
                                 "mbarrier.inval.shared.b64 [%r2];"),
                       "invalidates an mbarrier that still waits for bytes"));
  EXPECT_TRUE(contains(
      misuse(1, "mbarrier.complete_tx.shared.b64 [%r2], 1048576;"),
      "more than 2^20 - 1 bytes arrive that the mbarrier does not expect"));
  EXPECT_TRUE(
      contains(misuse(1, "mbarrier.init.shared.b64 [%r2], 1;"),
               "initialises an mbarrier again, without mbarrier.inval"));
  EXPECT_TRUE(contains(misuse(1, "st.shared.b32 [%r2+4], 1;"),
                       "writes to an mbarrier that is valid still"));
  EXPECT_EQ(misuse(1, "st.shared.b32 [%r2+8], 1;"), "");
  // A thread has dropped out: one arrival too many for the second phase.
  EXPECT_TRUE(contains(
      misuse(2, "mbarrier.arrive_drop.shared.b64 _, [%r2];\n"
                "mbarrier.arrive.shared.b64 _, [%r2];\n"
                "mbarrier.arrive.shared.b64 _, [%r2], 2;"),
      "arrives more often than the 1 times that the mbarrier expects"));
}

TEST(MBarrier, IllegalForms) {
  const std::string unknown = "the emulator does not know 'mbarrier.";
  for (const char *instruction :
       {"mbarrier.arrive.noComplete.shared.b64 %d1, [%r2];",
        "mbarrier.arrive.expect_tx.shared.b64 %d1, [%r2];",
        "mbarrier.arrive.expect_tx.noComplete.shared.b64 %d1, [%r2], 1;",
        "mbarrier.arrive.parity.shared.b64 %d1, [%r2];",
        "mbarrier.arrive.release.relaxed.cta.shared.b64 %d1, [%r2];",
        "mbarrier.arrive.shared.b32 %d1, [%r2];",
        "mbarrier.expect_tx.release.cta.shared.b64 [%r2], 1;",
        "mbarrier.test_wait.shared::cluster.b64 %p1, [%r2], %d1;",
        "mbarrier.test_wait.shared.b64 %p1, [%r2], %d1, 5;",
        "mbarrier.try_wait.release.cta.shared.b64 %p1, [%r2], %d1;",
        "mbarrier.try_wait.parity.shared.b64 _, [%r2], 0;",
        "mbarrier.init.shared::cluster.b64 [%r2], 1;",
        "mbarrier.what.shared.b64 [%r2], 1;", "mbarrier.b64 [%r2];"})
    EXPECT_TRUE(contains(alone(instruction), unknown)) << instruction;
  EXPECT_TRUE(contains(
      alone("mbarrier.arrive.release.cluster.shared::cluster.b64 %d1, [%r2];"),
      "expected '_' as the state of an mbarrier of another block, got '%d1'"));
  EXPECT_TRUE(contains(alone("mbarrier.init.shared.b64 [%r2];"),
                       "expected 2 operands, got 1"));
}

TEST(MBarrier, WaitsHaveATimeLimit) {
  // Nothing ever arrives, and nobody loops.
  std::string body = initialised(1) + R"(
    mbarrier.try_wait.parity.shared.b64 %p2, [%r2], 0, 100;
    selp.b32 %r10, 5, 6, %p2;
    st.global.b32 [%d0], %r10;
)";
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Result<std::vector<uint32_t>> out = Emulation{body, 1, seed}.run();
    ASSERT_FALSE(out.failed()) << out.message();
    EXPECT_EQ((*out)[0], 6u);
  }
  // A wait whose result nobody looks at may be over too early.
  std::string unlooped = without(copyProgram(), "@!%p2 bra WAIT;");
  EXPECT_NE((Emulation{unlooped, 64}.anyMessage()), "");
}

TEST(MBarrier, LookingIsNoWaiting) {
  std::string body =
      replaced(copyProgram(), "mbarrier.try_wait", "mbarrier.test_wait");
  EXPECT_EQ((Emulation{body, 64}.anyMessage()), "");
}

/// The first warp passes a value to the second by way of an mbarrier.
static std::string passing(const std::string &arrive, const std::string &wait) {
  return R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    setp.eq.b32 %p1, %r1, 0;
    setp.ge.u32 %p3, %r1, 32;
    @%p1 mbarrier.init.shared.b64 [%r2], 1;
    bar.sync 0;
    @%p3 bra SECOND;
    @%p1 st.shared.b32 [%r2+64], %r1;
    @%p1 )" +
         arrive +
         R"(
    ret;
SECOND:
)" + wait +
         R"(
    @!%p2 bra SECOND;
    fence.acq_rel.cta;
    ld.shared.b32 %r5, [%r2+64];
)";
}

TEST(MBarrier, OrderIsPassedOn) {
  const std::string release =
                        "mbarrier.arrive.release.cta.shared.b64 _, [%r2];",
                    relaxed =
                        "mbarrier.arrive.relaxed.cta.shared.b64 _, [%r2];",
                    acquire = "mbarrier.try_wait.parity.shared.b64 %p2, [%r2], "
                              "0;",
                    weak = "mbarrier.try_wait.parity.relaxed.cta.shared.b64 "
                           "%p2, [%r2], 0;";
  auto message = [](const std::string &body) {
    return Emulation{body, 64}.anyMessage();
  };
  const std::string race = "race: reads shared memory that warp 0 wrote";
  EXPECT_EQ(message(passing(release, acquire)), "");
  EXPECT_EQ(message(passing(release, weak)), "");
  EXPECT_EQ(message(passing("fence.acq_rel.cta;\n@%p1 " + relaxed, weak)), "");
  EXPECT_TRUE(contains(message(passing(relaxed, acquire)), race));
  EXPECT_TRUE(contains(
      message(without(passing(release, weak), "fence.acq_rel")), race));
}
