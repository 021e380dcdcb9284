//===- SourceTest.cpp - PTX can be edited ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Source.h"

#include "gtest/gtest.h"

using namespace attn::mutation;
using namespace attn::runtime;

namespace {
/// A kernel whose first instruction is on line 4.
std::string kernel(const std::string &body) {
  return ".entry f()\n.maxntid 384\n{\n" + body + "}\n";
}

class SourceTest : public testing::Test {
protected:
  /// The lines of the body after an edit.
  std::string apply(const std::optional<Edit> &edit) {
    if (!edit)
      return "nothing";
    std::string text = source->apply(*edit);
    size_t begin = text.find("{\n") + 2;
    return text.substr(begin, text.rfind('}') - begin);
  }
  void read(const std::string &body) {
    Result<Source> result = Source::parse(kernel(body));
    ASSERT_FALSE(result.failed()) << result.message();
    source = std::move(*result);
  }

  std::optional<Source> source;
};
} // namespace

TEST_F(SourceTest, WritesStatements) {
  for (const char *text :
       {"ret;", "@%p1 bra A;", "@!%p1 mov.b64 %d1, {%r1, -7};",
        "ld.shared.v2.b32 {%r1, %r2}, [%r3+16];",
        "cp.async [%r1], [%d1, {%r2, 0}], [%r3];",
        "setp.lt.and.s32 %p1|%p2, %r1, %r2, !%p3;"}) {
    read(std::string(text) + "\n");
    EXPECT_EQ(textOf(source->statements()[0]), text);
  }
}

TEST_F(SourceTest, RefusesWhatItCannotEdit) {
  Result<Source> two = Source::parse(kernel("ret; ret;\n"));
  ASSERT_TRUE(two.failed());
  EXPECT_EQ(two.message(),
            "PTX line 4: expected one whole instruction\n  ret; ret;");
  Result<Source> shared =
      Source::parse(kernel("{ add.s32 %r1, %r1, 1; bar.sync 0; }\n"));
  ASSERT_TRUE(shared.failed());
  EXPECT_EQ(shared.message(), "PTX line 4: expected one whole instruction\n  { "
                              "add.s32 %r1, %r1, 1; bar.sync 0; }");
  EXPECT_FALSE(
      Source::parse(kernel("{ mov.b32 %r1, 0; @%p1 mov.b32 %r1, 1; }\n"))
          .failed());
  Result<Source> none = Source::parse("");
  ASSERT_TRUE(none.failed());
  EXPECT_EQ(none.message(), "expected one kernel, got 0");
}

TEST_F(SourceTest, KeepsTheNumbersOfLines) {
  read("mov.b32 %r1, 0;\nbar.sync 0;\nret;\n");
  EXPECT_EQ(apply(source->remove(1)), "mov.b32 %r1, 0;\n\nret;\n");
  EXPECT_EQ(apply(source->repeat(1)),
            "mov.b32 %r1, 0;\nbar.sync 0; bar.sync 0;\nret;\n");
}

TEST_F(SourceTest, AltersOperands) {
  read("@%p1 mbarrier.arrive.b64 _, [%r1+8], 4;\n");
  auto second = [](Statement &statement) -> SourceOperand & {
    return statement.operands[1];
  };
  auto third = [](Statement &statement) -> SourceOperand & {
    return statement.operands[2];
  };
  EXPECT_EQ(apply(source->alter(0, second, ".b32", "add.s32", 8)),
            "{ .reg .b32 mutant; add.s32 mutant, %r1, 8; @%p1 "
            "mbarrier.arrive.b64 _, [mutant+8], 4; }\n");
  EXPECT_EQ(apply(source->alter(0, third, ".b32", "xor.b32", 1)),
            "{ .reg .b32 mutant; xor.b32 mutant, 4, 1; @%p1 "
            "mbarrier.arrive.b64 _, [%r1+8], mutant; }\n");
}

TEST_F(SourceTest, FindsConstants) {
  read("mov.b32 %r1, 3;\nmov.b32 %r2, 1;\nmov.b32 %r2, 2;\n"
       "add.s32 %r3, %r1, 9;\n");
  auto constant = [&](const char *name) {
    SourceOperand operand;
    operand.text = name;
    return source->findConstant(operand);
  };
  EXPECT_EQ(constant("%r1"), 3);
  EXPECT_EQ(constant("%r2"), std::nullopt);
  EXPECT_EQ(constant("%r3"), std::nullopt);
  EXPECT_EQ(source->findConstant(source->statements()[3].operands[2]), 9);
}

TEST_F(SourceTest, KnowsSizes) {
  read("mbarrier.arrive.expect_tx.b64 _, [%r1], 512;\n"
       "mbarrier.arrive.expect_tx.b64 _, [%r1], 4096;\n");
  EXPECT_EQ(source->stageBytes(), 4096);
  EXPECT_EQ(source->maxThreads(), 384);
}

/// What computes the operands moves along, and a scope is one thing.
TEST_F(SourceTest, MovesAcrossTheSynchronisationInFront) {
  read("{\n// comment\nA:\nmbarrier.try_wait.b64 p, [%r9], 0;\n@!p bra A;\n}\n"
       "ld.shared.b32 %r1, [%r2];\nadd.s32 %r4, %r5, 8;\n"
       "mbarrier.arrive.b64 _, [%r4];\n");
  EXPECT_EQ(apply(source->moveBefore(7)),
            "add.s32 %r4, %r5, 8; mbarrier.arrive.b64 _, [%r4]; { A: "
            "mbarrier.try_wait.b64 p, [%r9], 0; @!p bra A; } \n\n\n\n\n\n"
            "ld.shared.b32 %r1, [%r2];\n\n\n");
  EXPECT_EQ(apply(source->moveBehind(2)), // the scope, by what it holds
            "\n\n\n\n\n\nld.shared.b32 %r1, [%r2];\nadd.s32 %r4, %r5, 8;\n"
            "mbarrier.arrive.b64 _, [%r4]; { A: mbarrier.try_wait.b64 p, "
            "[%r9], 0; @!p bra A; } \n");
}

/// A vector is no name that the fence could need.
TEST_F(SourceTest, MovesAcrossLoadsOfVectors) {
  read("bar.sync 0;\nld.shared.v2.b32 {%r1, %r2}, [%r3];\n"
       "fence.proxy.async;\n");
  EXPECT_EQ(apply(source->moveBefore(2)),
            "fence.proxy.async; bar.sync 0; \n"
            "ld.shared.v2.b32 {%r1, %r2}, [%r3];\n\n");
}

TEST_F(SourceTest, DoesNotMoveAcrossBranches) {
  read("bar.sync 0;\nA:\nbar.sync 1;\nbra A;\nbar.sync 2;\n");
  EXPECT_EQ(apply(source->moveBefore(0)), "nothing");
  EXPECT_EQ(apply(source->moveBefore(2)), "nothing");
  EXPECT_EQ(apply(source->moveBehind(2)), "nothing");
  EXPECT_EQ(apply(source->moveBehind(4)), "nothing");
}

TEST_F(SourceTest, Probes) {
  read("@!%p1 bra A;\n");
  EXPECT_EQ(apply(source->probe(0)), "{ .reg .b32 mutant, nothing; @!%p1 "
                                     "mov.b32 mutant, nothing; @!%p1 bra A; "
                                     "}\n");
}
