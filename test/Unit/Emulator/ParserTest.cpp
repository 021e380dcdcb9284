//===- ParserTest.cpp - What is no PTX, or none that is known -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emulation.h"

#include "attn/Runtime/EmulatorDevice.h"

using namespace attn::runtime;

/// That `body` is refused with `message`.
static void refuse(const std::string &body, const std::string &message,
                   const std::string &declarations = "") {
  EXPECT_TRUE(
      contains(Emulation{body, 32, 0, true, declarations}.message(), message))
      << body;
}

TEST(Parser, UnknownInstructionsAreNamed) {
  std::string message = Emulation{"\n  vadd.u32 %r1, %r2, %r3, 0;"}.message();
  EXPECT_TRUE(contains(message, "PTX line "));
  EXPECT_TRUE(contains(
      message, "the emulator does not know 'vadd.u32' with these operands\n"
               "  vadd.u32 %r1, %r2, %r3, 0;"));
  for (const char *instruction :
       {"mov.b128 %r1, %r2;",
        "ld.global.q32 %r1, [%d1];",
        "atom.global.cas.u32 %r1, [%d0], 0, 1;",
        "ldmatrix.sync.aligned.m8n8.x3.shared.b16 {%r1}, [%r2];",
        "shfl.up.b32 %r1, %r2, 1, 0;",
        "vote.all.pred %p1, %p2;",
        "bra.call %r1;",
        "bar.red 0;",
        "fence.proxy.alias;",
        "setmaxnreg.set.u32 24;",
        "mbarrier.arrive.release.b64 %d1, [%d2];",
        "mbarrier.inval.parity.b64 [%d1];",
        "mbarrier.try_wait.parity.b64 %p1, [%r1];",
        "cp.async.bulk.wait_all 0;",
        "cp.async.bulk.tensor.2d.shared::cluster.global [%r1], [%d1, {0, 0}];",
        "prefetch.global.L3 [%d1];",
        "cvta.local.u32 %d1, %d2;",
        "mov.b32 %r1, {%h1, %h2, %h3};",
        "mov.b16 %h1, %tid.x;",
        "mov.b16 %h1, smem;",
        "wgmma.wait_all 0;"})
    refuse(instruction, "the emulator does not know '");
}

TEST(Parser, Operands) {
  refuse("add.s32 %r1, %r2;", "expected 3 operands, got 2");
  refuse("add.s32 %r1, %d2, 0;", "expected a register of 32 bits, got '%d2'");
  refuse("add.s32 %r1, {%r2}, 0;", "expected a register or a number");
  refuse("ld.global.v2.b32 {%r1, %r2, %r3}, [%d0];",
         "expected a vector of 2 operands");
  refuse("st.shared.b32 %r1, 0;", "expected an address");
  refuse("ld.global.b32 %r1, [%h1];",
         "expected a register of 32 or 64 bits, got '%h1'");
  refuse("ld.global.b32 %r1, [nowhere];",
         "expected a register or a variable, got 'nowhere'");
  refuse("cp.async.bulk.wait_group %r1;", "expected a number, got '%r1'");
  refuse("wgmma.wait_group.sync.aligned 8;",
         "expected a number from 0 to 7, got 8");
  refuse("mov.b32 %r1, 4294967296;",
         "expected a number of 32 bits, got '4294967296'");
  refuse("add.f32 %r1, %r2, 1;", "expected a number of 32 bits, got '1'");
  refuse("mov.b32 %r1, 0f3F8;", "expected a number of 32 bits, got '0f3F8'");
  refuse("bra NOWHERE;", "expected a label, got 'NOWHERE'");
  refuse("@%r1 mov.b32 %r1, 0;", "expected a predicate, got '%r1'");
  refuse("ld.global.b32 %r1, [smem];",
         "expected a variable in the memory that is accessed, got 'smem'");
  refuse("ld.param.b64 %d1, [out+4];",
         "expected an access within the 8 bytes of 'out'");
  refuse("setmaxnreg.dec.sync.aligned.u32 25;",
         "expected a multiple of 8, got 25");
  refuse("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group "
         "[%d1, {0, 0, 0}], [%r1];",
         "expected 2 coordinates, got 3");
  refuse("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group "
         "[%d1+8, {0, 0}], [%r1];",
         "expected an address without an offset");
  refuse("wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 "
         "{%r1, %r2, %r3, %r4}, %d1, %d2, 0, 0, 1, 0, 0;",
         "expected a scale of 1 or -1, got 0");
}

TEST(Parser, Declarations) {
  refuse(".reg .b8 %x;", "expected a type of registers, got '.b8'");
  refuse(".reg .b32 %x<40000>;", "expected at most 32768 registers");
  refuse(".reg .b32 %x<2000000>;", "expected a number from 0 to 2^20, got "
                                   "2000000");
  refuse("A:\nA:\nret;", "expected a label that is not defined yet, got 'A'");
  refuse("ret;", "bytes of shared memory, got more at 'big'",
         ".shared .align 16 .b8 big[300000];\n");
  refuse("ret;", "expected an alignment that is a power of two, got 24",
         ".shared .align 24 .b8 big[64];\n");
  refuse("ret;", "expected at most 232448 bytes of shared memory, got 262144",
         ".shared .align 16 .b8 big[229376];\n");
}

TEST(Parser, Parameters) {
  std::unique_ptr<Device> device = makeEmulatorDevice({});
  CompiledKernel compiled;
  compiled.plan.kernel = "k";
  compiled.ptx = ".visible .entry k(.param .b8 small, .param .b8 large[32764])"
                 "\n{\nret;\n}\n";
  Result<std::unique_ptr<Kernel>> kernel = device->load(compiled);
  ASSERT_TRUE(kernel.failed());
  EXPECT_TRUE(contains(kernel.message(),
                       "expected at most 32764 bytes of parameters, got more "
                       "at 'large'"));
}

TEST(Parser, Text) {
  refuse("ret 1", "expected ';', got '}'");
  refuse("ret;\n#", "unexpected character '#'");
  refuse(".pragma \"no", "expected the end of a string");
  refuse("ret;", "expected a directive that the emulator knows, got '.tex'",
         ".tex .u32 x;\n");
  refuse("{ ret;", "expected '}', got the end of the text");
  refuse("add.s32 %r1, -%r2, 0;", "expected a number, got '%r2'");
  refuse("add.s32 %r1, ], 0;", "expected an operand, got ']'");
  refuse("123;", "expected an instruction, got '123'");
  refuse("ret;", "expected a type, got '.b128'", ".shared .b128 x;\n");
  refuse("ld.global.b32 %r1, [%d1+x];", "expected an integer, got 'x'");
  // Comments are no text, and a scope has names of its own.
  EXPECT_EQ(Emulation{"/* a\n comment */ { .reg .b32 %r1; A: mov.b32 %r1, 0; }"
                      " // and\n{ A: ret; }"}
                .message(),
            "");
}
