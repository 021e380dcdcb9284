//===- HazardTest.cpp - What goes wrong is said ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include "attn/Runtime/EmulatorDevice.h"

using namespace attn::runtime;

/// What goes wrong in `body` under one of a few seeds.
static std::string hazards(const std::string &body, uint32_t threads = 32) {
  for (uint64_t seed = 0; seed < 16; ++seed)
    if (std::string message = Emulation{body, threads, seed}.message();
        !message.empty())
      return message;
  return "";
}

TEST(Hazard, TellsWhere) {
  std::string message = hazards("mov.u32 %r1, %tid.x;\nmov.b32 %r2, 40000;\n"
                                "st.shared.b32 [%r2], %r1;");
  EXPECT_TRUE(contains(message, "kernel 'test' has hazards\nhazard: out of "
                                "bounds: accesses 4 bytes outside of shared "
                                "memory, which is [0x400, 0x8400)"));
  EXPECT_TRUE(contains(message, "kernel 'test', block 0, warp 0, lane 0, "
                                "address 0x9c40"));
  EXPECT_TRUE(
      contains(message, "PTX line 17: in\n  st.shared.b32 [%r2], %r1;"));
}

/// Many of one kind do not hide those of another.
TEST(Hazard, OfEachKindTheFirst) {
  std::string body;
  for (int i = 0; i < 20; ++i)
    body += "add.s32 %r1, %r" + std::to_string(100 + i) + ", 1;\n";
  std::string message = hazards(body + "st.global.b32 [%d0+1], %r1;");
  EXPECT_TRUE(contains(message, "hazard: misaligned: "));
  size_t count = 0;
  for (size_t at = 0; (at = message.find("hazard: unwritten register", at)) !=
                      std::string::npos;
       ++at)
    ++count;
  EXPECT_EQ(count, 8u);
}

TEST(Hazard, OnlyChecksLookForWhatDoesNotStop) {
  std::string body = "add.s32 %r1, %r2, %r3;";
  EXPECT_NE((Emulation{body, 32, 0, true}.message()), "");
  EXPECT_EQ((Emulation{body, 32, 0, false}.message()), "");
}

TEST(Hazard, UnwrittenRegisters) {
  EXPECT_TRUE(contains(hazards("add.s32 %r1, %r2, 1;"),
                       "unwritten register: reads %r2, which nothing wrote"));
  EXPECT_TRUE(contains(hazards("@%p1 mov.b32 %r1, 0;"),
                       "reads %p1, which nothing wrote"));
  EXPECT_TRUE(contains(hazards("mov.u32 %r1, %tid.x;\n"
                               "setp.lt.u32 %p1, %r1, 7;\n"
                               "@%p1 mov.b32 %r2, 0;\nmov.b32 %r3, %r2;"),
                       "lane 7"));
}

TEST(Hazard, Memory) {
  EXPECT_TRUE(contains(hazards("mov.b32 %r1, smem;\nld.shared.b32 %r2, [%r1];"),
                       "unwritten memory: reads shared memory that nothing "
                       "wrote"));
  EXPECT_TRUE(
      contains(hazards("mov.b32 %r1, smem;\nst.shared.b32 [%r1+2], 0;"),
               "misaligned: expected an address that is a multiple of 4"));
  EXPECT_TRUE(
      contains(hazards("st.global.b32 [%d0+2], 0;"),
               "misaligned: expected an address that is a multiple of"));
  EXPECT_TRUE(contains(hazards("st.global.b32 [%d0+4096], 0;"),
                       "accesses 4 bytes of global memory that are not "
                       "allocated"));
}

TEST(Hazard, RacesBetweenWarps) {
  std::string body = R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    shl.b32 %r3, %r1, 2;
    add.s32 %r3, %r3, %r2;
    st.shared.b32 [%r3], %r1;
    bar.sync 0;
    xor.b32 %r4, %r1, 32;
    shl.b32 %r4, %r4, 2;
    add.s32 %r4, %r4, %r2;
    ld.shared.b32 %r5, [%r4];
    bar.sync 0, 64;
    st.shared.b32 [%r3], %r5;
)";
  EXPECT_EQ(hazards(body, 64), "");
  std::string early = hazards(without(body, "bar.sync 0;"), 64);
  EXPECT_TRUE(contains(early, "race: reads shared memory that warp ") |
              contains(early, "that nothing wrote"));
  EXPECT_TRUE(contains(early, "wrote, without being ordered after it") |
              contains(early, "read, without being ordered after it"));
  EXPECT_TRUE(contains(hazards(without(body, "bar.sync 0, 64;"), 64),
                       "overwrites shared memory that warp "));
}

TEST(Hazard, RacesWithAtomics) {
  std::string body = R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    setp.eq.b32 %p1, %r1, 0;
    @%p1 st.shared.b32 [%r2], 0;
    bar.sync 0;
    red.shared::cta.or.b32 [%r2], %r1;
    bar.sync 0, 64;
    @%p1 ld.shared.b32 %r5, [%r2];
    bar.sync 1;
    red.shared::cta.or.b32 [%r2], %r1;
)";
  EXPECT_EQ(hazards(body, 64), "");
  std::string early = hazards(without(body, "bar.sync 0;"), 64);
  EXPECT_TRUE(contains(early, "overwrites shared memory that warp 0 wrote, "
                              "without being ordered after it") |
              contains(early, "reads shared memory that nothing wrote"))
      << early;
  for (const char *barrier : {"bar.sync 0, 64;", "bar.sync 1;"}) {
    std::string read = hazards(without(body, barrier), 64);
    EXPECT_TRUE(contains(read, "race: reads shared memory that warp 1 wrote") |
                contains(read, "overwrites shared memory that warp 0 read"))
        << read;
  }
}

/// PTX says of the warpgroup that it reads A, not which warp reads which rows.
TEST(Hazard, WarpsShareTheRowsOfA) {
  std::string body = R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    shl.b32 %r3, %r1, 4;
    add.s32 %r3, %r3, %r2;
    mov.b32 %r4, 0;
    st.shared.v4.b32 [%r3], {%r4, %r4, %r4, %r4};
    st.shared.v4.b32 [%r3+2048], {%r4, %r4, %r4, %r4};
    fence.proxy.async.shared::cta;
    bar.sync 0;
    shr.u32 %r5, %r2, 4;
    or.b32 %r5, %r5, 524288;
    mov.b64 %d5, {%r5, 16};
    add.s32 %r5, %r5, 128;
    mov.b64 %d6, {%r5, 16};
    wgmma.fence.sync.aligned;
    wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r20, %r21, %r22, %r23}, %d5, %d6, 0, 1, 1, 0, 0;
    wgmma.commit_group.sync.aligned;
    wgmma.wait_group.sync.aligned 0;
    bar.sync 1, 128;
    st.shared.v4.b32 [%r3], {%r4, %r4, %r4, %r4};
)";
  EXPECT_EQ(hazards(body, 128), "");
  std::string early = hazards(without(body, "bar.sync 1, 128;"), 128);
  EXPECT_TRUE(contains(early, "race: ") |
              contains(early, "overwrites shared memory that a wgmma in "
                              "flight reads"))
      << early;
}

TEST(Hazard, RacesBetweenLanes) {
  std::string body = "mov.u32 %r1, %laneid;\nmov.b32 %r2, smem;\n"
                     "and.b32 %r3, %r1, 30;\nshl.b32 %r4, %r3, 2;\n"
                     "add.s32 %r4, %r4, %r2;\n";
  // Two lanes write each word.
  EXPECT_EQ(hazards(body + "st.shared.b32 [%r4], %r3;"), "");
  std::string message = hazards(body + "st.shared.b32 [%r4], %r1;");
  EXPECT_TRUE(contains(message, "race: lane 0 writes another value to the same "
                                "shared memory"));
  EXPECT_TRUE(contains(message, "warp 0, lane 1, address 0x400"));
  // Words 1024 bytes apart are different ones.
  EXPECT_EQ(hazards("mov.u32 %r1, %laneid;\nmov.b32 %r2, smem;\n"
                    "shl.b32 %r3, %r1, 10;\nand.b32 %r3, %r3, 31744;\n"
                    "add.s32 %r3, %r3, %r2;\nst.shared.b32 [%r3], %r1;"),
            "");
}

TEST(Hazard, NamedBarriers) {
  std::string who = "mov.u32 %r1, %tid.x;\nsetp.lt.u32 %p1, %r1, 32;\n";
  EXPECT_TRUE(contains(hazards("bar.sync 16;"),
                       "barrier misuse: expected a barrier from 0 to 15 and a "
                       "multiple of 32 threads, got barrier 16 and 32"));
  EXPECT_TRUE(contains(hazards("bar.sync 1, 33;"), "and 33"));
  EXPECT_TRUE(contains(hazards(who + "@%p1 bra A;\nbar.sync 1, 64;\nret;\nA:\n"
                                     "bar.sync 1, 96;",
                               64),
                       "threads while others wait for"));
  EXPECT_TRUE(contains(hazards("mov.u32 %r1, %laneid;\nbar.sync %r1, 32;"),
                       "the threads of the warp name different barriers or "
                       "counts"));
  EXPECT_TRUE(contains(
      hazards(who + "@%p1 ret;\nbar.sync 1, 64;", 64),
      "deadlock: no warp can go on\n  warp 1 waits at PTX line 18 for barrier "
      "1, where 32 of 64 threads have arrived"));
  EXPECT_EQ(hazards(who + "@%p1 bra A;\nbar.sync 1, 64;\nret;\nA:\n"
                          "bar.arrive 1, 64;",
                    64),
            "");
}

TEST(Hazard, Divergence) {
  std::string half = "mov.u32 %r1, %laneid;\nsetp.lt.u32 %p1, %r1, 16;\n"
                     "setp.lt.u32 %p2, %r1, 40;\n";
  EXPECT_TRUE(contains(hazards(half + "@%p1 bar.sync 0;"),
                       "divergence: not all threads of the warp execute this "
                       "together"));
  EXPECT_EQ(hazards(half + "@%p2 bar.sync 0;"), "");
  EXPECT_TRUE(contains(
      hazards(half + "@%p1 shfl.sync.idx.b32 %r2, %r1, 0, 31, -1;"),
      "the threads that execute this are not those of the member mask"));
  EXPECT_TRUE(contains(
      hazards(half + "@%p1 shfl.sync.idx.b32 %r2, %r1, 20, 31, 65535;"),
      "reads a lane that does not execute this"));
  EXPECT_TRUE(contains(
      hazards(replaced(productProgram(), "mov.b64 %d5, {%r5, 16};",
                       "add.s32 %r5, %r5, %r1;\nmov.b64 %d5, {%r5, 16};"),
              128),
      "the threads of the warp have different descriptors"));
}

TEST(Hazard, RegisterBudgets) {
  EXPECT_TRUE(contains(hazards("setmaxnreg.inc.sync.aligned.u32 24;"),
                       "register budget: the warp has 248 registers for each "
                       "thread already"));
  EXPECT_TRUE(contains(hazards("setmaxnreg.inc.sync.aligned.u32 240;", 384),
                       "240 registers for each thread, of which only "));
  std::string good = productProgram();
  EXPECT_TRUE(contains(
      hazards("setmaxnreg.dec.sync.aligned.u32 24;\n" +
                  replaced(replaced(good, "m64n8k16", "m64n48k16"),
                           "{%r20, %r21, %r22, %r23}",
                           "{%r40, %r41, %r42, %r43, %r44, %r45, %r46, %r47, "
                           "%r48, %r49, %r50, %r51, %r52, %r53, %r54, %r55, "
                           "%r56, %r57, %r58, %r59, %r60, %r61, %r62, %r63}"),
              128),
      "register budget: wgmmas in flight hold 28 registers of each thread, of "
      "which the warp has 24"));
  EXPECT_EQ(hazards("setmaxnreg.dec.sync.aligned.u32 24;\n"
                    "setmaxnreg.inc.sync.aligned.u32 64;",
                    384),
            "");
}

TEST(Hazard, RegistersOfAllWgmmasInFlight) {
  std::string first = "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 "
                      "{%r20, %r21, %r22, %r23}, ";
  std::string list;
  for (int i = 40; i < 60; ++i)
    list += (list.empty() ? "" : ", ") + ("%r" + std::to_string(i));
  std::string second =
      "wgmma.mma_async.sync.aligned.m64n40k16.f32.bf16.bf16 {" + list +
      "}, %d5, %d5, 0, 1, 1, 0, 0;\n";
  std::string body = "setmaxnreg.dec.sync.aligned.u32 24;\n" +
                     replaced(productProgram(), first, second + first);
  EXPECT_TRUE(contains(hazards(body, 128), "wgmmas in flight hold 28 registers "
                                           "of each thread, of which the warp "
                                           "has 24"));
  EXPECT_FALSE(contains(hazards(replaced(body, "u32 24;", "u32 32;"), 128),
                        "register budget"));
  // Landed ones hold nothing.
  std::string wait = "wgmma.commit_group.sync.aligned;\n"
                     "wgmma.wait_group.sync.aligned 0;\n"
                     "wgmma.fence.sync.aligned;\n";
  EXPECT_FALSE(contains(
      hazards(replaced(body, second + first, second + wait + first), 128),
      "register budget"));
}

TEST(Hazard, MBarriers) {
  std::string init = "mov.b32 %r2, smem;\nmov.u32 %r1, %tid.x;\n"
                     "setp.eq.b32 %p1, %r1, 0;\n"
                     "@%p1 mbarrier.init.shared.b64 [%r2], 2;\nbar.sync 0;\n";
  std::string arrive = "@%p1 mbarrier.arrive.shared.b64 _, [%r2];\n";
  std::string wait = "W:\nmbarrier.try_wait.parity.shared.b64 %p2, [%r2], 0;\n"
                     "@!%p2 bra W;\n";
  EXPECT_EQ(hazards(init + arrive + arrive + wait), "");
  EXPECT_EQ(hazards(init + "@%p1 mbarrier.arrive.shared.b64 _, [%r2], 2;\n" +
                    replaced(wait, "try_wait", "test_wait")),
            "");
  EXPECT_TRUE(contains(hazards(init + arrive + wait),
                       "for the mbarrier at 0x400, whose phase 0 lacks 1 of 2 "
                       "arrivals and 0 bytes"));
  EXPECT_TRUE(contains(
      hazards(init + "@%p1 mbarrier.arrive.shared.b64 _, [%r2], 3;\n"),
      "arrives more often than the 2 times that the mbarrier expects"));
  EXPECT_TRUE(contains(
      hazards(init + "@%p1 mbarrier.expect_tx.shared.b64 [%r2], 1048576;\n"),
      "expects more than 2^20 - 1 bytes"));
  EXPECT_TRUE(contains(hazards("mov.b32 %r2, smem;\n"
                               "mbarrier.arrive.shared.b64 _, [%r2];"),
                       "there is no mbarrier at this address"));
  EXPECT_TRUE(contains(hazards("mov.b32 %r2, smem;\n"
                               "mbarrier.init.shared.b64 [%r2], 0;"),
                       "expected a count from 1 to 2^20 - 1, got 0"));
  std::string unordered =
      hazards(without(init, "bar.sync") + arrive + wait, 64);
  EXPECT_TRUE(contains(unordered, "initialised, without being ordered after "
                                  "it") |
              contains(unordered, "there is no mbarrier"));
}

TEST(Hazard, EndlessLoops) {
  EXPECT_TRUE(contains(hazards("A:\nbra.uni A;"),
                       "deadlock: the block does not end within 1048576 "
                       "instructions"));
}

TEST(Hazard, Loads) {
  EXPECT_EQ(hazards(copyProgram(), 64), "");
  EXPECT_TRUE(contains(hazards(without(copyProgram(), "mbarrier.try_wait") +
                                   "setp.eq.b32 %p2, %r1, %r1;",
                               64),
                       "reads %p2, which nothing wrote"));
  std::string noWait = replaced(copyProgram(),
                                "mbarrier.try_wait.parity.shared::cta.b64 %p2, "
                                "[%r3], 0;",
                                "setp.eq.b32 %p2, %r1, %r1;");
  std::string early = hazards(noWait, 64);
  EXPECT_TRUE(
      contains(early, "a copy that completes on the mbarrier at 0x") |
      contains(early, "reads shared memory that nothing wrote") |
      contains(early, "the block exits before this copy has completed"));
  EXPECT_TRUE(contains(
      hazards(replaced(copyProgram(), "[%r3], 8192", "[%r3], 8191"), 64),
      "lacks 0 of 1 arrivals and -1 bytes"));
  EXPECT_TRUE(contains(
      hazards(replaced(copyProgram(), "[%r3], 8192", "[%r3], 8193"), 64),
      "lacks 0 of 1 arrivals and 1 bytes"));
  EXPECT_TRUE(contains(
      hazards(replaced(copyProgram(), "[%r2], [%d8", "[%r2+64], [%d8"), 64),
      "expected an address that is a multiple of 128"));
  EXPECT_TRUE(
      contains(hazards(replaced(copyProgram(), "cvta.param.u64 %d8, %d8;",
                                "mov.b64 "
                                "%d8, 0;"),
                       64),
               "there is no tensor map at this address"));
  std::string flat = replaced(copyProgram(), "tensor.2d", "tensor.1d");
  EXPECT_TRUE(contains(hazards(replaced(flat, "{0, 1}", "{0}"), 64),
                       "expected a tensor map of 1 dimensions, got one of 2"));
}

TEST(Hazard, UnfencedMBarriers) {
  EXPECT_TRUE(contains(
      hazards(without(copyProgram(), "fence.mbarrier_init"), 64),
      "missing proxy fence: the initialisation of the mbarrier is not fenced"));
}

TEST(Hazard, LoadsWithoutAWait) {
  std::string body =
      without(without(loadTile(), "mbarrier.try_wait"), "@!%p2 bra");
  EXPECT_TRUE(contains(hazards(body, 64),
                       "the block exits before this copy has completed"));
}

TEST(Hazard, OverwrittenStages) {
  // The tile is loaded again although half of the readers have not arrived.
  std::string again = R"(
    add.s32 %r7, %r3, 8;
    ld.shared.b32 %r6, [%r2];
    add.s32 %r6, %r6, 1;
    setp.ne.b32 %p4, %r1, 0;
)" + loadTileAgain("%p4");
  EXPECT_TRUE(contains(hazards(loadTile() + again, 64),
                       "read, without being ordered after it"));
  EXPECT_EQ(hazards(loadTile() + replaced(again, "setp.ne",
                                          "bar.sync 0;\n"
                                          "setp.ne"),
                    64),
            "");
}

TEST(Hazard, Stores) {
  EXPECT_EQ(hazards(storeProgram(), 64), "");
  EXPECT_TRUE(contains(hazards(without(storeProgram(), "fence.proxy"), 64),
                       "missing proxy fence: reads shared memory "
                       "asynchronously that warp "));
  EXPECT_TRUE(
      contains(hazards(without(storeProgram(), "bar.sync"), 64), "hazard: "));
  EXPECT_TRUE(contains(hazards(without(storeProgram(), "commit_group"), 64),
                       "the thread exits without a commit of this copy") |
              contains(hazards(without(storeProgram(), "commit_group"), 64),
                       "hazard: "));
  EXPECT_TRUE(contains(hazards(without(storeProgram(), "wait_group"), 64),
                       "the thread exits without a wait for this copy"));
  EXPECT_TRUE(contains(
      hazards(replaced(storeProgram(), "cp.async.bulk.wait_group.read 0;",
                       "st.shared.b32 [%r2], 0;\n"
                       "cp.async.bulk.wait_group.read 0;"),
              64),
      "memory in flight: overwrites shared memory that a copy in flight reads "
      "(PTX line "));
}

/// Until griddepcontrol.wait the kernel in front may write what this one reads,
/// and read what it writes.
TEST(Hazard, KernelInFront) {
  auto hazards = [](const std::string &body, bool awaitsPrevious = true) {
    Emulation emulation{body, 64};
    emulation.awaitsPrevious = awaitsPrevious;
    return emulation.anyMessage();
  };
  static const std::string early =
      "race: touches global memory while the kernel in front may still run, as "
      "no griddepcontrol.wait comes before";
  static const std::string copy = R"(
    mov.u32 %r1, %tid.x;
    setp.ne.b32 %p1, %r1, 32;
    @%p1 bra DONE;
    mov.b32 %r2, 4096;
    st.shared.v4.b32 [%r2], {0, 0, 0, 0};
    fence.proxy.async.shared::cta;
    cp.async.bulk.global.shared::cta.bulk_group [%d0+16], [%r2], 16;
    cp.async.bulk.commit_group;
    cp.async.bulk.wait_group 0;
DONE:
)";
  for (const std::string &access :
       {std::string("ld.global.b32 %r1, [%d0];"),
        std::string("red.global.add.u32 [%d0], 1;"), copy}) {
    EXPECT_TRUE(contains(hazards(access), early)) << access;
    EXPECT_EQ(hazards(access, /*awaitsPrevious=*/false), "") << access;
    EXPECT_EQ(hazards("griddepcontrol.wait;\n" + access), "") << access;
    EXPECT_TRUE(contains(hazards(access + "\ngriddepcontrol.wait;"), early))
        << access;
    // One warp waits for both, if a barrier hands it on.
    std::string one = R"(
    mov.u32 %r9, %tid.x;
    setp.lt.u32 %p9, %r9, 32;
    @!%p9 bra BEHIND;
    griddepcontrol.wait;
BEHIND:
)";
    std::string both = one;
    both.append("bar.sync 0;\n").append(access);
    EXPECT_EQ(hazards(both), "") << access;
    EXPECT_TRUE(contains(hazards(one + access), early)) << access;
  }
}

TEST(Hazard, Products) {
  std::string good = productProgram();
  EXPECT_EQ(hazards(good, 128), "");
  EXPECT_TRUE(contains(hazards(without(good, "fence.proxy"), 128),
                       "wrote, without fence.proxy.async"));
  EXPECT_TRUE(contains(hazards(without(good, "wgmma.fence"), 128),
                       "missing wgmma fence: no wgmma.fence comes before the "
                       "first wgmma"));
  EXPECT_TRUE(contains(hazards(without(good, "wgmma.wait_group"), 128),
                       "register in flight: reads %r20, an accumulator of a "
                       "wgmma in flight"));
  EXPECT_TRUE(contains(hazards(without(good, "wgmma.wait_group"), 128),
                       "the warp exits without a wait for this wgmma"));
  EXPECT_TRUE(contains(hazards(without(good, "wgmma.commit_group"), 128),
                       "the warp exits without a commit of this wgmma"));
  const std::string apart =
      "the four warps of a warpgroup do not execute the same wgmmas";
  EXPECT_TRUE(contains(hazards(good, 96), apart));
  EXPECT_TRUE(contains(hazards(replaced(good, "shr.u32 %r5, %r2, 4",
                                        "setp.ge.u32 %p2, %r1, 96;\n@%p2 ret;\n"
                                        "shr.u32 %r5, %r2, 4"),
                               128),
                       apart));
  auto before = [&](const char *line, const std::string &inserted) {
    return hazards(replaced(good, line, inserted + "\n    " + line), 128);
  };
  EXPECT_TRUE(contains(before("wgmma.wait_group", "mov.b32 %r10, 0;"),
                       "writes %r10, which a wgmma in flight uses"));
  EXPECT_TRUE(contains(before("wgmma.wait_group", "mov.b32 %r20, 0;"),
                       "writes %r20, which a wgmma in flight uses"));
  EXPECT_TRUE(
      contains(before("wgmma.wait_group", "st.shared.b32 [%r2], 0;"),
               "overwrites shared memory that a wgmma in flight reads (PTX "
               "line "));
  EXPECT_TRUE(contains(before("wgmma.mma_async", "mov.b32 %r11, 0;"),
                       "uses %r11, which other code used after the last "
                       "wgmma.fence"));
  EXPECT_TRUE(contains(
      hazards(replaced(good,
                       "{%r20, %r21, %r22, %r23}, {%r10, %r11, %r12, "
                       "%r13}, %d5, 1",
                       "{%r24, %r25, %r26, %r27}, {%r20, %r11, %r12, %r13}, "
                       "%d5, 0"),
              128),
      "uses %r20, which another wgmma in flight uses"));
  EXPECT_TRUE(contains(
      hazards(replaced(good, "%d5, 0, 1, 1, 0", "%d5, 1, 1, 1, 0"), 128),
      "reads %r20, which nothing wrote"));
  EXPECT_TRUE(
      contains(hazards(replaced(good, "%r5, 524288", "%r5, 1073676288"), 128),
               "out of bounds: accesses 16 bytes outside of shared memory"));
}

//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

TEST(EmulatorDevice, Memory) {
  std::unique_ptr<Device> device = makeEmulatorDevice({});
  Buffer buffer = std::move(*device->allocate(16));
  uint8_t byte = 7;
  EXPECT_FALSE(device->copyToDevice(buffer.address() + 15, &byte, 1).failed());
  EXPECT_FALSE(
      device->copyFromDevice(&byte, buffer.address() + 15, 1).failed());
  EXPECT_EQ(byte, 7);
  for (const Status &status :
       {device->copyToDevice(buffer.address() + 16, &byte, 1),
        device->copyFromDevice(&byte, buffer.address() - 1, 1),
        device->fill(buffer.address(), 0, 17)})
    EXPECT_TRUE(contains(status.message(),
                         "bytes of memory of the emulator at address "));
  Result<Buffer> huge = device->allocate(size_t(1) << 62);
  ASSERT_TRUE(huge.failed());
  EXPECT_TRUE(contains(huge.message(), "bytes for the emulator"));
}

TEST(EmulatorDevice, MeasuresNothing) {
  std::unique_ptr<Device> device = makeEmulatorDevice({});
  EXPECT_EQ(device->matrixProduct(64).message(),
            "the emulator measures nothing");
  EXPECT_EQ(device->record([] { return Status(); }, 1).message(),
            "the emulator measures nothing");
}

/// Loads and launches a kernel without tensors.
static std::string launch(const std::string &parameters, uint32_t threads,
                          std::vector<KernelParameter> values) {
  std::unique_ptr<Device> device = makeEmulatorDevice({});
  CompiledKernel compiled;
  compiled.ptx = ".visible .entry k(" + parameters + ")\n{ ret; }\n";
  compiled.plan.kernel = "k";
  compiled.plan.tensors = {{"x", ElementType::F32, {8}, false}};
  compiled.plan.threadsPerBlock = threads;
  compiled.plan.parameters = std::move(values);
  Result<std::unique_ptr<Kernel>> kernel = device->load(compiled);
  if (kernel.failed())
    return kernel.message();
  Buffer buffer = std::move(*device->allocate(32));
  Status status = device->launch(
      **kernel, {{ElementType::F32, buffer.address(), {8}, {1}}});
  return status.failed() ? status.message() : "";
}

TEST(EmulatorDevice, Launches) {
  EXPECT_EQ(launch("", 32, {}), "");
  EXPECT_EQ(launch("", 33, {}), "");
  EXPECT_EQ(launch(".param .u32 n", 32, {KernelParameter()}), "");
  EXPECT_TRUE(contains(launch(".param .u32 n", 32, {}),
                       "expected 1 parameters of kernel 'k', got 0"));
  EXPECT_TRUE(contains(launch(".param .u64 n", 32, {KernelParameter()}),
                       "expected parameter 'n' to have 4 bytes, got 8"));
  EXPECT_TRUE(contains(launch("", 0, {}),
                       "expected 1 to 1024 threads in a block, got 0"));
  std::unique_ptr<Device> device = makeEmulatorDevice({});
  CompiledKernel compiled;
  compiled.plan.kernel = "k";
  EXPECT_EQ(device->load(compiled).message(), "the PTX has no kernel 'k'");
}
