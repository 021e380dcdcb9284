//===- PendingLoadTest.cpp - Memory handed over while it is loaded --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

using namespace attn::runtime;

static constexpr char use[] = "add.s32 %r20, %r10, 1;\n";

/// All threads load from the tile, `between` comes next, then one of them loads
/// the tile again into the same memory, and `after` is last.
static std::string reload(const std::string &load, const std::string &between,
                          const std::string &after = use) {
  return loadTile() + R"(
    and.b32 %r4, %r1, 31;
    shl.b32 %r4, %r4, 4;
    add.s32 %r4, %r4, %r2;
    setp.lt.u32 %p5, %r1, 16;
    mov.b32 %r10, 0;
)" + load +
         between + loadTileAgain("%p1") + after;
}

static constexpr char matrices[] =
    "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, "
    "[%r4];\n";
static constexpr char word[] = "ld.shared.b32 %r10, [%r4];\n";
static constexpr char words[] =
    "ld.shared.v4.b32 {%r10, %r11, %r12, %r13}, [%r4];\n";
static constexpr char barrier[] = "bar.sync 0;\n";
static constexpr char fence[] = "fence.proxy.async.shared::cta;\n";

static std::string hazards(const std::string &body) {
  return Emulation{body, 64}.anyMessage();
}

static void expectHazard(const std::string &body) {
  EXPECT_TRUE(contains(hazards(body),
                       "missing proxy fence: overwrites shared memory "
                       "asynchronously that warp "))
      << body;
}

TEST(PendingLoad, HandedOverTooEarly) {
  for (const char *load : {matrices, word, words}) {
    expectHazard(reload(load, barrier));
    expectHazard(reload(load, std::string(barrier) + use, ""));
    expectHazard(reload(load, std::string(barrier) + fence));
    // A load whose result is never used does no harm.
    EXPECT_EQ(hazards(reload(load, barrier, "")), "");
  }
}

TEST(PendingLoad, HasTheResult) {
  for (const char *load : {matrices, word, words})
    EXPECT_EQ(hazards(reload(load, std::string(use) + barrier)), "");
  // One result of an instruction stands for all of them.
  EXPECT_EQ(
      hazards(reload(words, std::string("add.s32 %r20, %r12, 1;\n") + barrier)),
      "");
  // It does for others as well if they are told later.
  EXPECT_EQ(hazards(reload(word, std::string(barrier) + use + barrier)), "");
}

TEST(PendingLoad, IsFenced) {
  for (const char *load : {matrices, word, words}) {
    EXPECT_EQ(hazards(reload(load, std::string(fence) + barrier)), "");
    EXPECT_EQ(hazards(reload(load, std::string(barrier) + fence + barrier)),
              "");
  }
  expectHazard(
      reload(word, std::string("fence.proxy.async.global;\n") + barrier));
  expectHazard(reload(word, std::string("fence.acq_rel.cta;\n") + barrier));
}

TEST(PendingLoad, OfEachLane) {
  for (const char *wait : {use, fence}) {
    expectHazard(reload(word, std::string("@%p5 ") + wait + barrier));
    EXPECT_EQ(hazards(reload(word, std::string("@%p5 ") + wait + "@!%p5 " +
                                       wait + barrier)),
              "");
    EXPECT_EQ(hazards(reload(std::string("@%p5 ") + word,
                             std::string("@%p5 ") + wait + barrier)),
              "");
  }
  expectHazard(reload(matrices, std::string("@%p5 ") + use + barrier));
}

/// The hardware need not wait for a move that it does not make.
TEST(PendingLoad, MovesAreNoUse) {
  for (const char *move :
       {"mov.b32 %r30, %r10;\n", "mov.b32 {%h0, %h1}, %r10;\n",
        "mov.b64 %d4, {%r10, %r11};\n", "mov.b64 %d4, {%r10, 0};\n"})
    expectHazard(reload(words, std::string(move) + barrier));
  for (const char *move :
       {"mov.b32 %r30, %r10;\nadd.s32 %r31, %r30, 1;\n",
        "mov.b32 {%h0, %h1}, %r10;\nadd.s16 %h2, %h1, 1;\n",
        "mov.b32 {%h0, %h1}, %r10;\nmov.b32 %r30, {%h1, %h0};\n"
        "add.s32 %r31, %r30, 1;\n",
        "mov.b64 %d4, {%r10, %r11};\nmov.b64 %d5, %d4;\n"
        "mov.b64 {%r30, %r31}, %d5;\nadd.s32 %r32, %r31, 1;\n"})
    EXPECT_EQ(hazards(reload(words, std::string(move) + barrier)), "");
  // Two words of different loads have to be put side by side.
  EXPECT_EQ(
      hazards(reload(std::string(word) + "ld.shared.b32 %r11, [%r4+4];\n",
                     std::string("mov.b64 %d4, {%r10, %r11};\n") + barrier)),
      "");
}

/// What nobody can use any more, the assembler does not load.
TEST(PendingLoad, OverwrittenResults) {
  EXPECT_EQ(hazards(reload(word, std::string("mov.b32 %r10, 0;\n") + barrier)),
            "");
  EXPECT_EQ(hazards(reload(word, std::string(barrier) + "mov.b32 %r10, 0;\n")),
            "");
  expectHazard(reload(word, std::string("@%p5 mov.b32 %r10, 0;\n") + barrier));
  EXPECT_EQ(hazards(reload("ld.shared.b32 _, [%r4];\n", barrier)), "");
  // Each side of a branch has its own load.
  EXPECT_EQ(hazards(reload(std::string("@%p5 ") + word + "@!%p5 " + word,
                           std::string(use) + barrier)),
            "");
}

/// Ordinary writes come after loads by themselves.
TEST(PendingLoad, OrdinaryWrites) {
  std::string body = loadTile() + R"(
    shl.b32 %r4, %r1, 2;
    add.s32 %r4, %r4, %r2;
    xor.b32 %r5, %r4, 128;
    ld.shared.b32 %r10, [%r5];
    bar.sync 0;
    st.shared.b32 [%r4], 1;
)";
  EXPECT_EQ(hazards(body), "");
}

/// A thread that copies itself hands nothing over, but its copy does not wait.
TEST(PendingLoad, InTheSameThread) {
  auto body = [](const char *wait) {
    return Emulation{reload(std::string("@!%p1 ") + word, wait), 32};
  };
  EXPECT_TRUE(contains(body("").anyMessage(), "missing proxy fence"));
  EXPECT_EQ(body("@!%p1 add.s32 %r20, %r10, 1;\n").anyMessage(), "");
  EXPECT_EQ(body("@!%p1 fence.proxy.async.shared::cta;\n").anyMessage(), "");
}

/// Through an mbarrier, as stages of a pipeline are given back.
TEST(PendingLoad, TellsWhere) {
  std::string body = loadTile() + R"(
    add.s32 %r7, %r3, 8;
    setp.ne.b32 %p3, %r1, 0;
    @%p3 bra FREE;
    mbarrier.init.shared::cta.b64 [%r7], 64;
FREE:
    bar.sync 0;
    ld.shared.b32 %r10, [%r2+256]; // the load
    mbarrier.arrive.shared::cta.b64 _, [%r7];
    add.s32 %r11, %r10, 1;
    @%p3 bra WAIT2;
WAIT1:
    mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r7], 0;
    @!%p2 bra WAIT1;
)" + loadTileAgain();
  std::string message = hazards(body);
  EXPECT_TRUE(contains(message, "block 0, warp 0, lane 0, address 0x500\n"));
  EXPECT_TRUE(contains(message, "handed over without the result of its load, "
                                "or fence.proxy.async (lane "));
  EXPECT_TRUE(contains(message, "cp.async.bulk.tensor"));
  EXPECT_EQ(hazards(replaced(body, "mbarrier.arrive.shared::cta.b64 _, [%r7];",
                             std::string(fence) +
                                 "mbarrier.arrive.shared::cta.b64 _, [%r7];")),
            "");
}
