//===- CallTest.cpp - Functions, branches by index, the text of nvcc ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

using namespace attn::runtime;

/// The results of the lanes in %r0 after `body`, which knows the lane as %r1.
static std::vector<uint32_t> run(const std::string &body,
                                 const std::string &declarations = "") {
  Emulation emulation{"mov.u32 %r1, %laneid;\n" + body +
                          "\nmul.wide.u32 %d1, %r1, 4;\n"
                          "add.s64 %d1, %d1, %d0;\nst.global.b32 [%d1], %r0;\n",
                      32, 0, true, declarations};
  std::vector<uint32_t> lanes(32);
  for (emulation.seed = 0; emulation.seed < 3; ++emulation.seed) {
    Result<std::vector<uint32_t>> out = emulation.run();
    if (out.failed()) {
      ADD_FAILURE() << out.message();
      return lanes;
    }
    lanes.assign(out->begin(), out->begin() + 32);
  }
  return lanes;
}

static void expectMessage(const std::string &body, const std::string &message,
                          const std::string &declarations = "") {
  expectMessage(Emulation{body, 32, 0, true, declarations}, message);
}

/// Adds two numbers, as nvcc passes them.
static const char *const addFunction = R"(
.func (.param .b32 func_retval0) add(
  .param .b32 add_param_0,
  .param .b32 add_param_1
)
{
  .reg .b32 %r<4>;
  ld.param.u32 %r1, [add_param_0];
  ld.param.u32 %r2, [add_param_1];
  add.s32 %r3, %r1, %r2;
  st.param.b32 [func_retval0+0], %r3;
  ret;
}
)";

TEST(Call, ParametersInMemory) {
  std::vector<uint32_t> lanes = run(R"(
    {
      .param .b32 param0;
      st.param.b32 [param0+0], %r1;
      .param .b32 param1;
      st.param.b32 [param1+0], 100;
      .param .b32 retval0;
      call.uni (retval0),
      add,
      (
      param0,
      param1
      );
      ld.param.b32 %r0, [retval0+0];
    }
)",
                                    addFunction);
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(lanes[lane], lane + 100);
}

TEST(Call, NumbersAndRegistersForParametersInMemory) {
  std::vector<uint32_t> lanes = run("call (%r0), add, (%r1, 7);", addFunction);
  EXPECT_EQ(lanes[5], 12u);
}

TEST(Call, ParametersInRegisters) {
  std::vector<uint32_t> lanes =
      run("call (%r0), triple, (%r1);\ncall (%r0), triple, (%r0);",
          ".func (.reg .b32 result) triple(.reg .b32 x)\n{\n.reg .b32 y;\n"
          "add.s32 y, x, x;\nadd.s32 result, y, x;\nret;\n}\n");
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(lanes[lane], 9 * lane);
}

/// Arrays are passed by value, and functions call functions.
TEST(Call, NestedCallsAndArrays) {
  std::vector<uint32_t> lanes = run(R"(
    {
      .param .align 8 .b8 param0[16];
      st.param.v2.b32 [param0], {%r1, 2};
      st.param.b64 [param0+8], %d0;
      .param .align 4 .b8 retval0[8];
      call.uni (retval0), outer, (param0);
      ld.param.v2.b32 {%r2, %r3}, [retval0];
      add.s32 %r0, %r2, %r3;
    }
)",
                                    std::string(addFunction) + R"(
.func (.param .align 4 .b8 func_retval0[8]) outer(.param .align 8 .b8 p[16])
{
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  mov.b64 %rd1, p;
  ld.param.u32 %r1, [%rd1];
  ld.param.u32 %r2, [p+4];
  {
    .param .b32 param0;
    st.param.b32 [param0], %r1;
    .param .b32 param1;
    st.param.b32 [param1], %r2;
    .param .b32 retval0;
    call.uni (retval0), add, (param0, param1);
    ld.param.b32 %r3, [retval0];
  }
  st.param.b32 [func_retval0], %r3;
  st.param.b32 [func_retval0+4], 1000;
  ret;
}
)");
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(lanes[lane], lane + 1002);
}

/// Some threads return early, some do not call at all; then all are together.
TEST(Call, Divergence) {
  std::vector<uint32_t> lanes = run(R"(
    mov.b32 %r0, 0;
    setp.lt.u32 %p1, %r1, 24;
    @%p1 call (%r0), pick, (%r1);
    @!%p1 call none;
    shfl.sync.idx.b32 %r2, %r0, %r1, 31, -1;
)",
                                    R"(
.func (.reg .b32 result) pick(.reg .b32 x)
{
  .reg .pred p;
  mov.b32 result, 1;
  setp.lt.u32 p, x, 8;
  @p ret;
  mov.b32 result, 2;
  setp.lt.u32 p, x, 16;
  @!p bra MORE;
  ret.uni;
MORE:
  mov.b32 result, 3;
}
.func none()
{
  ret;
}
)");
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(lanes[lane], lane < 24 ? lane / 8 + 1 : 0);
}

TEST(Call, WhatIsRefused) {
  const std::string self = ".func f()\n{\ncall f;\nret;\n}\n";
  expectMessage("call f;",
                "expected calls that are at most 16 deep, which "
                "those of a function by itself are not",
                self);
  expectMessage("call f;", "expected a function that has a body, got 'f'",
                ".extern .func f();\n");
  expectMessage("call test;",
                "expected a function that has a body, got 'test'");
  expectMessage("call (%r1), %d1, (%r2), proto;",
                "expected a call of a function by its name");
  expectMessage("call (%r1), add, (%r1);",
                "expected 1 results and 2 arguments of 'add'", addFunction);
  expectMessage("{ .param .b8 small; call (small), add, (%r1, %r2); }",
                "expected a parameter of at least 4 bytes, got 'small'",
                addFunction);
  expectMessage("call f, (%r1);", "expected a variable for the parameter 'p'",
                ".func f(.param .b8 p[16])\n{\nret;\n}\n");
  // Twice as many calls at each of sixteen levels.
  std::string levels = ".func f0()\n{\n.reg .b32 x;\nmov.b32 x, 0;\n"
                       "mov.b32 x, 1;\nmov.b32 x, 2;\nmov.b32 x, 3;\n}\n";
  for (int i = 1; i < 16; ++i) {
    std::string inner = "f" + std::to_string(i - 1);
    levels += ".func f" + std::to_string(i) + "()\n{\ncall " + inner +
              ";\ncall " + inner + ";\ncall " + inner + ";\ncall " + inner +
              ";\n}\n";
  }
  expectMessage("call f15;", "expected at most 32768 registers", levels);
  expectMessage("call f15;",
                "expected at most 262144 instructions, with those of the "
                "functions that are called",
                replaced(levels,
                         ".reg .b32 x;\nmov.b32 x, 0;\nmov.b32 x, 1;\n"
                         "mov.b32 x, 2;\nmov.b32 x, 3;",
                         "membar.cta;"));
}

TEST(Call, BranchesByIndex) {
  std::vector<uint32_t> lanes = run(R"(
    and.b32 %r2, %r1, 3;
    mov.b32 %r0, 0;
    targets: .branchtargets ZERO, ONE, TWO, ZERO;
    brx.idx %r2, targets;
ZERO:
    add.s32 %r0, %r0, 10;
    bra.uni DONE;
ONE:
    add.s32 %r0, %r0, 20;
    bra.uni DONE;
TWO:
    add.s32 %r0, %r0, 30;
DONE:
    add.s32 %r0, %r0, 1;
    shfl.sync.idx.b32 %r3, %r0, %r1, 31, -1;
)");
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(lanes[lane], lane % 4 == 1 ? 21u : lane % 4 == 2 ? 31u : 11u);
  expectMessage("mov.b32 %r2, 9;\nt: .branchtargets A;\nbrx.idx %r2, t;\nA:\n",
                "expected an index below 1, got 9");
  expectMessage("brx.idx.uni %r2, nowhere;",
                "expected a list of labels, got 'nowhere'");
}

TEST(Call, Traps) {
  expectMessage("trap;", "trap: the kernel stops here by itself");
  EXPECT_EQ(
      Emulation{"setp.eq.u32 %p1, 0, 1;\n@%p1 trap;\n@%p1 brkpt;"}.message(),
      "");
}

/// What compilers write for debuggers.
TEST(Call, DebugInformation) {
  Emulation emulation{"\t.loc\t1 3 5\n\tmov.b32 %r1, 0;\n"
                      "\t.loc\t1 4 7, function_name $L__info_string0, "
                      "inlined_at 1 3 5\n\tmov.b32 %r1, 0;\n"
                      "\t.loc 1 4 7, function_name $L__info_string0+3, "
                      "inlined_at 1 3 5\n\t.pragma \"nounroll\";\n",
                      32, 0, true,
                      ".file 1 \"a.cu\"\n.file 2 \"b.cu\", 17, 30\n"
                      ".pragma \"nounroll\";\n"
                      ".section .debug_str\n{\n$L__info_string0:\n"
                      ".b8 102,0\n}\n"};
  EXPECT_EQ(emulation.message(), "");
  expectMessage("ret;", "expected an integer, got 'x'", ".file x\n");
}
