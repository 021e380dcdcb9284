//===- WarpOpsTest.cpp - Exchanges between the lanes of a warp ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

using namespace attn::runtime;

namespace {
/// PTX that computes %r0 of the lane, %r1, and what each lane is to have.
struct WarpForm {
  std::string text;
  std::function<uint32_t(uint32_t)> expected;
};
} // namespace

/// All forms in one kernel; the results of one follow those of the other.
static void checkWarp(const std::vector<WarpForm> &forms) {
  Emulation emulation;
  emulation.data.resize(32 * forms.size());
  emulation.body = "mov.u32 %r1, %laneid;\nmul.wide.u32 %d1, %r1, 4;\n"
                   "add.s64 %d1, %d1, %d0;\n";
  for (size_t i = 0; i < forms.size(); ++i)
    emulation.body += "{\n" + forms[i].text + "\n}\nst.global.b32 [%d1+" +
                      std::to_string(128 * i) + "], %r0;\n";
  Result<std::vector<uint32_t>> out = emulation.run();
  ASSERT_FALSE(out.failed()) << out.message();
  for (size_t i = 0; i < forms.size(); ++i)
    for (uint32_t lane = 0; lane < 32; ++lane)
      EXPECT_EQ((*out)[32 * i + lane], forms[i].expected(lane))
          << forms[i].text << " in lane " << lane;
}

static const char *const inside = "\n@!%p1 add.u32 %r0, %r0, 100;";

TEST(WarpOps, Shuffles) {
  checkWarp({
      {"shfl.sync.up.b32 %r0, %r1, 6, 0, -1;",
       [](uint32_t lane) { return lane < 6 ? lane : lane - 6; }},
      {std::string("shfl.sync.up.b32 %r0|%p1, %r1, 2, 0x1800, -1;") + inside,
       [](uint32_t lane) { return lane % 8 < 2 ? lane + 100 : lane - 2; }},
      {"shfl.sync.down.b32 %r0, %r1, 6, 31, -1;",
       [](uint32_t lane) { return lane > 25 ? lane : lane + 6; }},
      {std::string("shfl.sync.down.b32 %r0|%p1, %r1, 6, 31, -1;") + inside,
       [](uint32_t lane) { return lane > 25 ? lane + 100 : lane + 6; }},
      {"shfl.sync.bfly.b32 %r0, %r1, 5, 31, -1;",
       [](uint32_t lane) { return lane ^ 5; }},
      {"shfl.sync.idx.b32 %r0, %r1, 3, 31, -1;", [](uint32_t) { return 3u; }},
      {"shfl.sync.idx.b32 %r0, %r1, 3, 0x181F, -1;",
       [](uint32_t lane) { return lane / 8 * 8 + 3; }},
      {std::string("shfl.sync.idx.b32 %r0|%p1, %r1, 9, 7, -1;") + inside,
       [](uint32_t lane) { return lane + 100; }},
  });
}

TEST(WarpOps, Votes) {
  const std::string low = "setp.lt.u32 %p2, %r1, 8;\n";
  const std::string give = "\nselp.b32 %r0, 1, 0, %p1;";
  auto always = [](uint32_t value) { return [=](uint32_t) { return value; }; };
  checkWarp({
      {low + "vote.sync.all.pred %p1, %p2, -1;" + give, always(0)},
      {low + "vote.sync.any.pred %p1, %p2, -1;" + give, always(1)},
      {low + "vote.sync.any.pred %p1, !%p2, -1;" + give, always(1)},
      {low + "vote.sync.uni.pred %p1, %p2, -1;" + give, always(0)},
      {low + "vote.sync.ballot.b32 %r0, %p2, -1;", always(0xFF)},
      {low + "vote.sync.ballot.b32 %r0, !%p2, -1;", always(0xFFFFFF00)},
      {low + "@%p2 bra L;\nmov.b32 %r0, 7;\nbra D;\nL:\n"
             "vote.sync.ballot.b32 %r0, %p2, 0xFF;\nD:",
       [](uint32_t lane) { return lane < 8 ? 0xFFu : 7u; }},
      {low + "activemask.b32 %r0;", always(0xFFFFFFFF)},
  });
}

TEST(WarpOps, MatchesAndReductions) {
  auto always = [](uint32_t value) { return [=](uint32_t) { return value; }; };
  const std::string third = "shr.u32 %r2, %r1, 3;\n";
  checkWarp({
      {third + "match.any.sync.b32 %r0, %r2, -1;",
       [](uint32_t lane) { return 0xFFu << lane / 8 * 8; }},
      {third + "cvt.u64.u32 %d2, %r2;\nmatch.any.sync.b64 %r0, %d2, -1;",
       [](uint32_t lane) { return 0xFFu << lane / 8 * 8; }},
      {third + "match.all.sync.b32 %r0|%p1, %r2, -1;" + inside, always(100)},
      {"mov.b32 %r2, 5;\nmatch.all.sync.b32 %r0|%p1, %r2, -1;" +
           std::string(inside),
       always(0xFFFFFFFF)},
      {"mov.b64 %d2, 5;\nmatch.all.sync.b64 %r0, %d2, -1;", always(0xFFFFFFFF)},
      {"redux.sync.add.u32 %r0, %r1, -1;", always(496)},
      {"redux.sync.add.s32 %r0, %r1, -1;", always(496)},
      {"sub.s32 %r2, %r1, 9;\nredux.sync.min.s32 %r0, %r2, -1;",
       always(static_cast<uint32_t>(minus32(9)))},
      {"sub.s32 %r2, %r1, 9;\nredux.sync.min.u32 %r0, %r2, -1;", always(0)},
      {"sub.s32 %r2, %r1, 9;\nredux.sync.max.s32 %r0, %r2, -1;", always(22)},
      {"sub.s32 %r2, %r1, 9;\nredux.sync.max.u32 %r0, %r2, -1;",
       always(0xFFFFFFFF)},
      {"redux.sync.and.b32 %r0, %r1, -1;", always(0)},
      {"redux.sync.or.b32 %r0, %r1, -1;", always(31)},
      {"redux.sync.xor.b32 %r0, %r1, -1;", always(0)},
      {"elect.sync %r0|%p1, -1;\n@%p1 mov.b32 %r0, 50;",
       [](uint32_t lane) { return lane == 0 ? 50u : 0u; }},
      {"elect.sync _|%p1, -1;\nselp.b32 %r0, 1, 0, %p1;",
       [](uint32_t lane) { return lane == 0 ? 1u : 0u; }},
  });
}

TEST(WarpOps, SpecialRegisters) {
  auto always = [](uint32_t value) { return [=](uint32_t) { return value; }; };
  checkWarp({
      {"mov.u32 %r0, %lanemask_eq;", [](uint32_t lane) { return 1u << lane; }},
      {"mov.u32 %r0, %lanemask_lt;",
       [](uint32_t lane) { return (1u << lane) - 1; }},
      {"mov.u32 %r0, %lanemask_ge;",
       [](uint32_t lane) { return 0xFFFFFFFFu << lane; }},
      {"mov.u32 %r0, %lanemask_le;",
       [](uint32_t lane) { return 0xFFFFFFFFu >> (31 - lane); }},
      {"mov.u32 %r0, %lanemask_gt;",
       [](uint32_t lane) { return 0xFFFFFFFEu << lane; }},
      // It may be any slot of the multiprocessor.
      {"mov.u32 %r2, %nwarpid;\nmov.u32 %r3, %warpid;\n"
       "setp.gt.u32 %p1, %r2, %r3;\nselp.b32 %r0, 1, 0, %p1;",
       always(1)},
      {"mov.u32 %r2, %smid;\nmov.u32 %r3, %nsmid;\n"
       "setp.lt.u32 %p1, %r2, %r3;\nselp.b32 %r0, 1, 0, %p1;",
       always(1)},
      {"mov.u32 %r0, %dynamic_smem_size;", always(32 * 1024)},
      {"mov.u32 %r2, %total_smem_size;\nsetp.ge.u32 %p1, %r2, 32768;\n"
       "selp.b32 %r0, 1, 0, %p1;",
       always(1)},
      {"mov.u32 %r2, %clock;\nmov.u64 %d2, %clock64;\nmov.u64 %d3, %clock64;\n"
       "setp.ge.u64 %p1, %d3, %d2;\nselp.b32 %r0, 1, 0, %p1;",
       always(1)},
      {"mov.u32 %r2, %clock_hi;\nmov.u64 %d2, %globaltimer;\n"
       "mov.u64 %d3, %globaltimer;\nmov.u32 %r3, %globaltimer_lo;\n"
       "mov.u32 %r4, %globaltimer_hi;\nmov.u64 %d4, %gridid;\n"
       "setp.ge.u64 %p1, %d3, %d2;\nselp.b32 %r0, 1, 0, %p1;",
       always(1)},
  });
}

TEST(WarpOps, Barriers) {
  auto half = [](const std::string &members) {
    return Emulation{"mov.u32 %r1, %laneid;\nsetp.lt.u32 %p1, %r1, 16;\n"
                     "@%p1 bra L;\nbra D;\nL:\nbar.warp.sync " +
                     members +
                     ";\nst.global.b32 [%d0], 7;\nD:\n"
                     "bar.warp.sync -1;\n"};
  };
  Result<std::vector<uint32_t>> out = half("0xFFFF").run();
  ASSERT_FALSE(out.failed()) << out.message();
  EXPECT_EQ((*out)[0], 7u);
  expectMessage(half("-1"), "divergence: the threads that execute this are not "
                            "those of the member mask");
}

TEST(WarpOps, UnknownForms) {
  expectUnknown(
      {"shfl.sync.up.b64 %d1, %d2, 1, 0, -1;",
       "vote.sync.none.pred %p1, %p2, -1;", "match.any.sync.b16 %r1, %h1, -1;",
       "match.any.sync.b32 %r1|%p1, %r2, -1;",
       "redux.sync.add.f32 %r1, %r2, -1;", "redux.sync.mul.u32 %r1, %r2, -1;",
       "elect.any %r1|%p1, -1;", "bar.warp.arrive -1;", "activemask.b64 %d1;"});
}
