//===- TallyTest.cpp - The figures of a mutation suite --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tally.h"
#include "Survivors.h"

#include "gtest/gtest.h"

using namespace attn::mutation;
using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
const Rule rule = {"bar.sync",         nullptr, "removed",
                   {HazardKind::Race}, false,   nullptr};
const Rule dataRule = {"wgmma", nullptr, "start", {HazardKind::Race},
                       true,    nullptr};
const Mutant mutant = {&rule, 0, "bar.sync#1", {}};

Finding finding(Verdict verdict,
                const std::string &key = "f bar.sync#1 removed",
                const std::string &place = "f bar.sync#1 not reached") {
  Finding result;
  result.mutant = &mutant;
  result.key = key;
  result.place = place;
  result.verdict = verdict;
  return result;
}

/// What is said of one finding beside many good ones.
std::string problem(Verdict verdict, const std::string &list) {
  auto survivors = parseSurvivors(list);
  EXPECT_FALSE(survivors.failed());
  Tally tally(*survivors);
  for (int i = 0; i < 99; ++i)
    tally.add(finding(Verdict::Hazard, "f good " + std::to_string(i), ""));
  tally.addKeys(finding(verdict));
  tally.add(finding(verdict));
  Status status = tally.check();
  return status.failed() ? status.message() : "";
}
} // namespace

TEST(Tally, JudgesWhatIsReported) {
  Outcome race{{HazardKind::Race}, "hazard", {}};
  Outcome deadlock{{HazardKind::Deadlock}, "hazard", {}};
  Outcome both{{HazardKind::Race, HazardKind::Deadlock}, "hazard", {}};
  Outcome refused{{}, "unknown instruction", {}};
  EXPECT_EQ(verdictOf(rule, race, false), Verdict::Hazard);
  EXPECT_EQ(verdictOf(rule, both, false), Verdict::Hazard);
  EXPECT_EQ(verdictOf(rule, deadlock, false), Verdict::OtherHazard);
  EXPECT_EQ(verdictOf(rule, refused, false), Verdict::Refused);
  EXPECT_EQ(verdictOf(rule, {}, true), Verdict::Survived);
  EXPECT_EQ(verdictOf(rule, {}, false), Verdict::WrongResult);
  EXPECT_EQ(verdictOf(dataRule, {}, false), Verdict::WrongData);
}

TEST(Tally, WantsSurvivorsToBeListed) {
  std::string list = "because it is\nf bar.sync#1 removed\n";
  EXPECT_EQ(problem(Verdict::Hazard, ""), "");
  EXPECT_EQ(problem(Verdict::Survived, list), "");
  EXPECT_EQ(problem(Verdict::Survived, ""),
            "not all is as it should be:\n  survived: f bar.sync#1 removed");
  EXPECT_EQ(problem(Verdict::Hazard, list),
            "not all is as it should be:\n  listed as a survivor, but hazard: "
            "f bar.sync#1 removed");
  EXPECT_EQ(problem(Verdict::OtherHazard, ""),
            "not all is as it should be:\n  another hazard: f bar.sync#1 "
            "removed");
  EXPECT_EQ(problem(Verdict::Hazard, "because it was\nf bar.sync#9 removed\n"),
            "not all is as it should be:\n  listed as a survivor, but there is "
            "no such thing: f bar.sync#9 removed");
}

TEST(Tally, WantsUnreachedPlacesToBeListed) {
  std::string list = "because it is dead\nf bar.sync#1 not reached\n";
  EXPECT_EQ(problem(Verdict::Unreached, list), "");
  EXPECT_EQ(problem(Verdict::Unreached, ""),
            "not all is as it should be:\n  not reached: f bar.sync#1 not "
            "reached");
  EXPECT_EQ(problem(Verdict::Hazard, list),
            "not all is as it should be:\n  listed as not reached, but hazard: "
            "f bar.sync#1 removed");
}

/// However well the survivors are explained.
TEST(Tally, WantsMostToBeReported) {
  Tally tally({{"f a", "x"}, {"f b", "x"}});
  for (const char *key : {"f a", "f b"}) {
    Finding survivor = finding(Verdict::Survived, key);
    tally.addKeys(survivor);
    tally.add(survivor);
  }
  for (int i = 0; i < 20; ++i)
    tally.add(finding(Verdict::Hazard, "f good"));
  Status status = tally.check();
  ASSERT_TRUE(status.failed());
  EXPECT_EQ(status.message(), "not all is as it should be:\n  expected 95 % of "
                              "the mutants to be reported, got 20 of 22");
  for (int i = 0; i < 20; ++i)
    tally.add(finding(Verdict::Hazard, "f good"));
  EXPECT_FALSE(tally.check().failed());
  // What is left out does not count.
  for (int i = 0; i < 20; ++i)
    tally.add(finding(Verdict::Redundant, "f redundant"));
  EXPECT_FALSE(tally.check().failed());
  EXPECT_NE(tally.table().find("| `bar.sync` | 42 | 40 | 0 | 2 | 20 |"),
            std::string::npos)
      << tally.table();
}

TEST(Survivors, HaveReasons) {
  auto survivors = parseSurvivors("# comment\n\nbecause of this\nf a#1 x\n"
                                  "f b#1 x y\nbecause of that\nf c#1 x\n");
  ASSERT_FALSE(survivors.failed()) << survivors.message();
  EXPECT_EQ((*survivors)["f b#1 x y"], "of this");
  EXPECT_EQ((*survivors)["f c#1 x"], "of that");
  EXPECT_EQ(survivors->size(), 3u);
  EXPECT_EQ(parseSurvivors("f a#1 x\n").message(),
            "line 1: expected a reason in front of the first mutant");
  EXPECT_EQ(parseSurvivors("\nbecause x\nf a#1 x\nf a#1 x\n").message(),
            "line 4: expected each mutant once, got 'f a#1 x' again");
  EXPECT_EQ(mutantKey("f", "bar.sync#1", "removed"), "f bar.sync#1 removed");
}

TEST(Survivors, ManyOnALine) {
  auto survivors =
      parseSurvivors("because x\nf,g bar.sync#2,4-6 moved before\n");
  ASSERT_FALSE(survivors.failed()) << survivors.message();
  EXPECT_EQ(survivors->size(), 8u);
  EXPECT_TRUE(survivors->count("f bar.sync#2 moved before"));
  EXPECT_TRUE(survivors->count("g bar.sync#5 moved before"));
  for (const char *line : {"f bar.sync removed", "f bar.sync#1",
                           "f bar.sync#x "
                           "removed",
                           "f bar.sync#3-2 removed", "f bar.sync#1* removed"})
    EXPECT_EQ(parseSurvivors(std::string("because x\n") + line).message(),
              std::string("line 2: expected mutants such as 'mha bar.sync#2 "
                          "removed', got '") +
                  line + "'");
}
