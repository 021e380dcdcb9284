//===- MutationTest.cpp - What is broken, and how -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutations.h"

#include "gtest/gtest.h"

#include <set>

using namespace attn::mutation;
using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
/// Each instruction that is broken, in a kernel that need not make sense.
const std::string everything = R"(.entry f()
.maxntid 384
{
mbarrier.init.shared::cta.b64 [%r1], 8;
griddepcontrol.wait;
fence.mbarrier_init.release.cluster;
bar.sync 0;
{
.reg .pred done;
WAIT:
mbarrier.try_wait.parity.shared::cta.b64 done, [%r1], %r2;
@!done bra WAIT;
}
mbarrier.arrive.shared::cta.b64 _, [%r1];
mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r1], 4096;
cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r3], [%d1, {%r4, %r5}], [%r1];
setmaxnreg.inc.sync.aligned.u32 240;
setmaxnreg.inc.sync.aligned.u32 248;
{
wgmma.fence.sync.aligned;
wgmma.mma_async.sync.aligned.m64n72k16.f32.bf16.bf16 {%r6, %r7, %r8, %r9}, %d2, %d3, 0, 1, 1, 0, 1;
wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r6, %r7, %r8, %r9}, %d2, %d3, 0, 1, 1, 0, 1;
wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r6, %r7, %r8, %r9}, %d2, %d3, 0, 1, 1, 0, 0;
wgmma.commit_group.sync.aligned;
}
wgmma.wait_group.sync.aligned 0;
fence.proxy.async.shared::cta;
bar.sync %r10, 128;
cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%d1, {%r4, %r5}], [%r3];
cp.async.bulk.commit_group;
cp.async.bulk.wait_group.read 0;
cp.async.bulk.wait_group 0;
}
)";

std::map<std::string, std::string> linesOfMutants() {
  Result<Source> source = Source::parse(everything);
  EXPECT_FALSE(source.failed());
  std::map<std::string, std::string> lines;
  for (const Mutant &mutant : mutate(*source)) {
    uint32_t line = source->statements()[mutant.at].line;
    auto edit = mutant.edit.find(line);
    EXPECT_NE(edit, mutant.edit.end());
    std::string key =
        mutant.instruction.substr(0, mutant.instruction.find(".shared")) + ' ' +
        mutant.rule->name;
    lines[key] = edit->second;
  }
  return lines;
}
} // namespace

/// A rule that breaks nothing here would not be seen to be wrong.
TEST(Mutation, EveryRuleBreaksSomething) {
  Result<Source> source = Source::parse(everything);
  ASSERT_FALSE(source.failed()) << source.message();
  std::set<const Rule *> used;
  for (const Mutant &mutant : mutate(*source)) {
    used.insert(mutant.rule);
    EXPECT_NE(source->apply(mutant.edit), source->apply({}))
        << mutant.instruction << ' ' << mutant.rule->name;
  }
  // Only a tensor of five dimensions has as many coordinates.
  for (const Rule &rule : mutationRules())
    if (std::string(rule.name).compare(0, 10, "coordinate") != 0) {
      EXPECT_TRUE(used.count(&rule)) << rule.opcode << ' ' << rule.name;
    }
}

TEST(Mutation, EveryRuleSaysHowItIsToBeReported) {
  std::set<std::pair<std::string, std::string>> names;
  for (const Rule &rule : mutationRules()) {
    EXPECT_FALSE(rule.expected.empty()) << rule.opcode << ' ' << rule.name;
    EXPECT_TRUE(names.emplace(rule.opcode, rule.name).second)
        << rule.opcode << ' ' << rule.name;
  }
}

TEST(Mutation, Waits) {
  auto lines = linesOfMutants();
  std::string wait = "mbarrier.try_wait.parity ";
  EXPECT_EQ(lines[wait + "removed"], "setp.eq.b32 done, %r2, %r2;");
  EXPECT_EQ(lines[wait + "asks only once"],
            "mbarrier.test_wait.parity.shared::cta.b64 done, [%r1], %r2;");
  EXPECT_EQ(lines[wait + "parity always 1"],
            "mbarrier.try_wait.parity.shared::cta.b64 done, [%r1], 1;");
  EXPECT_EQ(lines[wait + "parity flipped"],
            "{ .reg .b32 mutant; xor.b32 mutant, %r2, 1; "
            "mbarrier.try_wait.parity.shared::cta.b64 done, [%r1], mutant; }");
}

TEST(Mutation, Arrivals) {
  auto lines = linesOfMutants();
  std::string expect = "mbarrier.arrive.expect_tx ";
  EXPECT_EQ(lines[expect + "without bytes"],
            "mbarrier.arrive.shared::cta.b64 _, [%r1];");
  EXPECT_EQ(lines[expect + "without arrival"],
            "mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r1], 4096;");
  EXPECT_EQ(lines["mbarrier.init of the next barrier"],
            "{ .reg .b32 mutant; add.s32 mutant, %r1, 8; "
            "mbarrier.init.shared::cta.b64 [mutant], 8; }");
}

TEST(Mutation, Barriers) {
  auto lines = linesOfMutants();
  EXPECT_EQ(lines["bar.sync#1 of 32 threads less"], "bar.sync 0, 352;");
  EXPECT_EQ(lines["bar.sync#1 arrives only"], "bar.arrive 0, 384;");
  EXPECT_EQ(lines["bar.sync#2 of 32 threads more"], "bar.sync %r10, 160;");
  EXPECT_EQ(lines["cp.async.bulk.wait_group#1 for reads only"],
            "cp.async.bulk.wait_group.read 0;");
  EXPECT_EQ(lines["setmaxnreg.inc.sync.aligned.u32#1 inverted"],
            "setmaxnreg.dec.sync.aligned.u32 240;");
  EXPECT_EQ(lines["setmaxnreg.inc.sync.aligned.u32#1 16 more"],
            "setmaxnreg.inc.sync.aligned.u32 256;");
  // There is no such instruction.
  EXPECT_FALSE(lines.count("setmaxnreg.inc.sync.aligned.u32#2 16 more"));
}

TEST(Mutation, Products) {
  auto lines = linesOfMutants();
  std::string fence = "wgmma.fence.sync.aligned#1 moved behind";
  EXPECT_EQ(lines[fence], "");
  std::string product =
      "wgmma.mma_async.sync.aligned.m64n72k16.f32.bf16.bf16#1 ";
  EXPECT_NE(
      lines[product + "from the next stage"].find("add.s64 mutant, %d3, 256; "),
      std::string::npos);
  // Only a wide transposed matrix has a leading dimension.
  EXPECT_TRUE(lines.count(product + "leading dimension"));
  for (const char *number : {"#1 ", "#2 "})
    EXPECT_FALSE(lines.count(
        std::string("wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16") +
        number + "leading dimension"));
}
