//===- MemoryTest.cpp - Loads, stores and atomic operations ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

using namespace attn::runtime;

/// The first words of `out` after `body`.
static std::vector<uint32_t> run(const std::string &body, size_t count,
                                 const std::string &declarations = "",
                                 std::vector<uint32_t> data = {}) {
  Emulation emulation{body, 32, 0, true, declarations, std::move(data)};
  Result<std::vector<uint32_t>> out = emulation.run();
  if (!out.failed())
    return std::vector<uint32_t>(out->begin(), out->begin() + count);
  ADD_FAILURE() << out.message();
  return std::vector<uint32_t>(count);
}

static void expectMessage(const std::string &body, const std::string &message,
                          const std::string &declarations = "") {
  expectMessage(Emulation{body, 32, 0, true, declarations}, message);
}

/// Each form reads the eight bytes F8F7F6F5F4F3F2F1 of its second operand.
TEST(Memory, LoadsOfEveryWidth) {
  uint64_t bytes = 0xF8F7F6F5F4F3F2F1;
  auto forms = [&](const std::string &suffix,
                   const std::vector<std::pair<std::string, uint64_t>> &list) {
    std::vector<Form> result;
    for (const auto &[text, expected] : list) {
      std::string body = text;
      if (size_t at = body.find('?'); at != std::string::npos)
        body.replace(at, 1, suffix);
      result.push_back(
          {"{\n.reg .b64 at;\nadd.u64 at, %d0, 8;\n" + body + "\n}", 0, 0,
           bytes, expected});
    }
    return result;
  };
  auto atFirst = [&](std::vector<Form> list) {
    // The operand of the first form is at the start of `out`.
    list.insert(list.begin(), {"mov.b64 dr, 0;", 0, bytes, 0, 0});
    return list;
  };
  for (const char *modifiers :
       {".global", ".global.nc", ".relaxed.gpu.global", ".acquire.sys.global",
        ".volatile.global", ".weak.global", ".global.ca", ".global.cg",
        ".global.cs", ".global.lu", ".global.cv", ".global.nc.L1::no_allocate",
        ".global.L1::evict_last", ".global.L2::128B", ".global.nc.L2::256B", "",
        ".relaxed.cta"})
    checkForms(64, atFirst(forms(modifiers,
                                 {{"ld?.b64 dr, [at];", bytes},
                                  {"ld?.s32 dr, [at];", 0xFFFFFFFFF4F3F2F1},
                                  {"ld?.u32 dr, [at+4];", 0xF8F7F6F5},
                                  {"ld?.s16 dr, [at];", 0xFFFFFFFFFFFFF2F1},
                                  {"ld?.u16 dr, [at+6];", 0xF8F7},
                                  {"ld?.s8 dr, [at+1];", 0xFFFFFFFFFFFFFFF2},
                                  {"ld?.u8 dr, [at+7];", 0xF8},
                                  {"ld?.f64 dr, [at];", bytes}})));
  checkForms(
      32,
      atFirst(forms(
          ".global",
          {{"ld?.b32 rr, [at];", 0xF4F3F2F1},
           {"ld?.f32 rr, [at];", 0xF4F3F2F1},
           {"ld?.s8 rr, [at];", 0xFFFFFFF1},
           {"ld?.u8 rr, [at];", 0xF1},
           {"ld?.v2.b32 {ra, rr}, [at];", 0xF8F7F6F5},
           {"ld?.v2.b32 {rr, _}, [at];", 0xF4F3F2F1},
           {"ld?.v2.u16 {ha, hb}, [at+4];\nmov.b32 rr, {hb, ha};", 0xF6F5F8F7},
           {"ld?.v4.u8 {ha, hb, hc, hr}, [at];\nmov.b32 rr, {ha, hr};",
            0x00F400F1},
           {"ldu?.b32 rr, [at];", 0xF4F3F2F1}})));
  checkForms(16, atFirst(forms(".global", {{"ld?.b16 hr, [at];", 0xF2F1},
                                           {"ld?.s8 hr, [at];", 0xFFF1},
                                           {"ld?.u8 hr, [at];", 0xF1}})));
}

TEST(Memory, Stores) {
  std::vector<uint32_t> words = run(R"(
    mov.b32 %r1, 0xA4A3A2A1;
    mov.b64 %d1, {%r1, %r1};
    mov.b32 {%h1, _}, %r1;
    st.global.b32 [%d0], %r1;
    st.relaxed.gpu.global.u16 [%d0+4], %h1;
    st.release.sys.global.u8 [%d0+6], %h1;
    st.volatile.global.u8 [%d0+7], %r1;
    st.global.wb.u8 [%d0+8], %d1;
    st.global.cg.b64 [%d0+16], %d1;
    st.global.cs.v2.b32 [%d0+24], {%r1, 7};
    st.global.wt.v4.b16 [%d0+32], {%h1, %h1, 5, %h1};
    st.global.L1::no_allocate.f32 [%d0+40], 0f3F800000;
    st.b32 [%d0+44], 9;
    st.global.v2.b64 [%d0+48], {%d1, %d1};
)",
                                    16);
  EXPECT_EQ(words, (std::vector<uint32_t>{0xA4A3A2A1, 0xA1A1A2A1, 0x000000A1, 0,
                                          0xA4A3A2A1, 0xA4A3A2A1, 0xA4A3A2A1, 7,
                                          0xA2A1A2A1, 0xA2A10005, 0x3F800000, 9,
                                          0xA4A3A2A1, 0xA4A3A2A1, 0xA4A3A2A1,
                                          0xA4A3A2A1}));
}

TEST(Memory, LocalMemoryIsOfEachThread) {
  std::vector<uint32_t> words = run(R"(
    .local .align 8 .b8 depot[16];
    mov.u32 %r1, %laneid;
    mov.u64 %d1, depot;
    st.local.b32 [%d1+4], %r1;
    st.local.v2.b32 [depot+8], {7, 8};
    cvta.local.u64 %d2, %d1;
    ld.b32 %r2, [%d2+4];
    isspacep.local %p1, %d2;
    selp.b32 %r3, 100, 0, %p1;
    add.s32 %r2, %r2, %r3;
    cvta.to.local.u64 %d2, %d2;
    ld.local.b32 %r3, [%d2+12];
    add.s32 %r2, %r2, %r3;
    mul.wide.u32 %d3, %r1, 4;
    add.s64 %d3, %d3, %d0;
    st.global.b32 [%d3], %r2;
)",
                                    32);
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(words[lane], 108 + lane);
  const std::string depot = ".local .align 8 .b8 depot[16];\n";
  expectMessage(depot + "ld.local.b32 %r1, [depot];",
                "reads local memory that nothing wrote");
  expectMessage(depot + "mov.u64 %d1, depot;\nst.local.b32 [%d1+16], 0;",
                "accesses 4 bytes outside of local memory, of which there are "
                "16");
  expectMessage(depot + "mov.u64 %d1, depot;\nst.local.b32 [%d1+2], 0;",
                "expected an address that is a multiple of 4");
  expectMessage(".local .b8 big[100000];",
                "expected at most 65536 bytes of local memory for a thread");
  expectMessage(".global .b32 x;",
                "expected the variable at the level of the module");
  expectMessage(depot + "ld.shared.b32 %r1, [depot];",
                "expected a variable in the memory that is accessed, got "
                "'depot'");
}

TEST(Memory, VariablesOfTheModule) {
  std::vector<uint32_t> words = run(R"(
    ld.global.b32 %r1, [counter];
    ld.const.b32 %r2, [table+8];
    mov.u64 %d1, table;
    ld.const.u32 %r3, [%d1+4];
    cvta.const.u64 %d2, table;
    ld.u32 %r4, [%d2];
    ld.global.u64 %d3, [pointer];
    ld.global.b32 %r5, [%d3];
    ld.global.f32 %r6, [half];
    ld.const.u8 %r7, [text+1];
    ld.global.b32 %r8, [zeros+60];
    ld.const.b32 %r10, [rows+12];
    st.global.v4.b32 [%d0], {%r1, %r2, %r3, %r4};
    st.global.v4.b32 [%d0+16], {%r5, %r6, %r7, %r8};
    st.global.b32 [%d0+32], %r10;
    add.s32 %r1, %r1, 1;
    st.global.b32 [counter], %r1;
    ld.global.b32 %r9, [counter];
    st.global.b32 [%d0+36], %r9;
)",
                                    10, R"(
.visible .global .align 4 .u32 counter = 41;
.const .align 4 .b32 table[4] = {10, -20, 0x30};
.global .align 8 .u64 pointer = generic(counter);
.global .f32 half = 0f3F000000;
.const .align 1 .b8 text[3] = {104, 105, 0};
.weak .global .align 16 .b32 zeros[16];
.const .b32 rows[2][2] = {{1, 2}, {3, 4}};
)");
  EXPECT_EQ(words, (std::vector<uint32_t>{41, 0x30, static_cast<uint32_t>(-20),
                                          10, 41, 0x3F000000, 105, 0, 4, 42}));
  const std::string message =
      "expected a number or the address of a variable of global memory that "
      "fits the type, got '";
  expectMessage("ret;", message + "nowhere'", ".global .u64 p = nowhere;\n");
  expectMessage("ret;", message + "x'",
                ".global .b32 x;\n.global .u32 p = x;\n");
  expectMessage("ret;", message + "300'", ".global .b8 x = 300;\n");
  expectMessage("ret;",
                "expected no more values than the variable has elements",
                ".global .b8 x[2] = {1, 2, 3};\n");
  expectMessage("ret;", "expected a variable of at most 2^28 bytes",
                ".global .b8 x[1048576][1048576];\n");
  expectMessage("ret;",
                "expected at most 268435456 bytes of variables in a module, "
                "got more at 'y'",
                ".global .b8 x[1024][262144];\n.global .b8 y;\n");
  expectMessage("ret;", "expected ';', got '='", ".shared .b32 x = 1;\n");
  expectMessage("ld.global.b32 %r1, [away];",
                "expected a register or a variable, got 'away'",
                ".extern .global .b32 away;\n");
}

TEST(Memory, GenericAddresses) {
  std::vector<uint32_t> words = run(R"(
    mov.u64 %d1, smem;
    cvta.shared.u64 %d2, %d1;
    st.b32 [%d2+8], 5;
    bar.sync 0;
    ld.shared.b32 %r1, [%d1+8];
    isspacep.shared %p1, %d2;
    isspacep.global %p2, %d2;
    selp.b32 %r2, 1, 0, %p1;
    selp.b32 %r3, 1, 0, %p2;
    mov.b64 %d3, out;
    cvta.param.u64 %d4, %d3;
    ld.b64 %d5, [%d4];
    ld.param.b64 %d6, [%d3];
    sub.s64 %d5, %d5, %d6;
    cvt.u32.u64 %r4, %d5;
    isspacep.param %p3, %d4;
    selp.b32 %r5, 1, 0, %p3;
    add.u32 %r4, %r4, %r5;
    st.global.v4.b32 [%d0], {%r1, %r2, %r3, %r4};
)",
                                    4);
  EXPECT_EQ(words, (std::vector<uint32_t>{5, 1, 0, 1}));
  expectMessage("mov.b64 %d1, out;\nld.param.b32 %r1, [%d1+4096];",
                "accesses 4 bytes outside of the parameters");
  expectMessage("mov.b64 %d1, out;\ncvta.param.u64 %d1, %d1;\n"
                "st.b32 [%d1], 0;",
                "writes a parameter of the kernel");
}

TEST(Memory, SharedVariablesOfFunctions) {
  std::vector<uint32_t> words = run(R"(
    .shared .align 4 .b32 first[2];
    {
      .shared .align 4 .b32 second;
      st.shared.b32 [second], 8;
    }
    st.shared.v2.b32 [first], {6, 7};
    bar.sync 0;
    ld.shared.b32 %r1, [first+4];
    st.global.b32 [%d0], %r1;
)",
                                    1);
  EXPECT_EQ(words[0], 7u);
}

//===----------------------------------------------------------------------===//
// Atomic operations
//===----------------------------------------------------------------------===//

/// What is at the second operand and what the operation returns: both become
/// part of the result.
static Form atomic(const std::string &operation, uint64_t old, uint64_t b,
                   uint64_t expectedNew) {
  // The form's own memory is the place: its operands follow each other.
  return {operation, old, b, 0, expectedNew};
}

/// Each operation works on a word of shared memory, generic and global memory;
/// the result is what the word is afterwards, plus the old value on top.
static void checkAtomics(unsigned bits, const std::vector<Form> &operations) {
  std::string r = bits == 64 ? "d" : bits == 32 ? "r" : "h";
  std::string type = ".b" + std::to_string(bits);
  struct Place {
    const char *space, *setup;
  };
  for (const Place &place :
       {Place{".global", "add.u64 at, %d0, 4080;\n"},
        Place{".shared", "mov.b64 at, smem;\n"},
        Place{"", "mov.b64 at, smem;\ncvta.shared.u64 at, at;\n"}}) {
    std::vector<Form> forms;
    for (const Form &operation : operations) {
      std::string text = "{\n.reg .b64 at;\n.reg " + type + " old;\n" +
                         place.setup + "st" + place.space + type + " [at], " +
                         r +
                         "a;\nbar.sync 0;\n.reg .pred first;\n"
                         ".reg .b32 lane;\nmov.u32 lane, %laneid;\n"
                         "setp.eq.u32 first, lane, 0;\n"
                         "mov" +
                         type + " old, " + r + "a;\n@first ";
      std::string atom = replaced(operation.instruction, "?", place.space);
      text += "atom" + atom + "\nbar.sync 0;\nld" + place.space + type + " " +
              r + "r, [at];\n";
      // The old value must be what was there.
      text += "setp.ne.b" + std::to_string(bits) + " p, old, " + r +
              "a;\n@p mov" + type + " " + r + "r, 12345;\n}";
      forms.push_back(
          {text, operation.a, operation.b, operation.c, operation.expected});
    }
    checkForms(bits, forms);
  }
}

TEST(Memory, AtomicOperations) {
  uint64_t ones = 0xFFFFFFFF;
  checkAtomics(
      32, {
              atomic("?.add.u32 old, [at], rb;", ones, 2, 1),
              atomic("?.add.s32 old, [at], rb;", 5, minus32(7), minus32(2)),
              atomic("?.min.u32 old, [at], rb;", ones, 2, 2),
              atomic("?.min.s32 old, [at], rb;", ones, 2, ones),
              atomic("?.max.u32 old, [at], rb;", ones, 2, ones),
              atomic("?.max.s32 old, [at], rb;", ones, 2, 2),
              atomic("?.and.b32 old, [at], rb;", 12, 10, 8),
              atomic("?.or.b32 old, [at], rb;", 12, 10, 14),
              atomic("?.xor.b32 old, [at], rb;", 12, 10, 6),
              atomic("?.exch.b32 old, [at], rb;", 12, 10, 10),
              {"?.cas.b32 old, [at], rb, rc;", 12, 12, 9, 9},
              {"?.cas.b32 old, [at], rb, rc;", 12, 13, 9, 12},
              atomic("?.inc.u32 old, [at], rb;", 4, 5, 5),
              atomic("?.inc.u32 old, [at], rb;", 5, 5, 0),
              atomic("?.dec.u32 old, [at], rb;", 0, 5, 5),
              atomic("?.dec.u32 old, [at], rb;", 9, 5, 5),
              atomic("?.dec.u32 old, [at], rb;", 3, 5, 2),
              atomic("?.add.f32 old, [at], rb;", bits32(1.5f), bits32(2),
                     bits32(3.5f)),
              atomic("?.add.noftz.f16x2 old, [at], rb;", 0x3C004000, 0x40003C00,
                     0x42004200),
              atomic("?.add.noftz.bf16x2 old, [at], rb;", 0x3F804000,
                     0x40003F80, 0x40404040),
              {".relaxed.cta?.add.u32 old, [at], rb;", 1, 2, 0, 3},
              {".acquire.gpu?.add.u32 old, [at], rb;", 1, 2, 0, 3},
              {".release.sys?.add.u32 old, [at], rb;", 1, 2, 0, 3},
              {".acq_rel.cluster?.add.u32 old, [at], rb;", 1, 2, 0, 3},
          });
  uint64_t all = ~uint64_t(0);
  checkAtomics(64, {
                       atomic("?.add.u64 old, [at], db;", all, 2, 1),
                       atomic("?.min.u64 old, [at], db;", all, 2, 2),
                       atomic("?.min.s64 old, [at], db;", all, 2, all),
                       atomic("?.max.u64 old, [at], db;", all, 2, all),
                       atomic("?.max.s64 old, [at], db;", all, 2, 2),
                       atomic("?.and.b64 old, [at], db;", 12, 10, 8),
                       atomic("?.or.b64 old, [at], db;", 12, 10, 14),
                       atomic("?.xor.b64 old, [at], db;", 12, 10, 6),
                       atomic("?.exch.b64 old, [at], db;", 12, 10, 10),
                       {"?.cas.b64 old, [at], db, dc;", 12, 12, 9, 9},
                       atomic("?.add.f64 old, [at], db;", bits64(1.5),
                              bits64(2), bits64(3.5)),
                   });
  checkAtomics(
      16, {
              atomic("?.add.noftz.f16 old, [at], hb;", 0x3C00, 0x4000, 0x4200),
              atomic("?.add.noftz.bf16 old, [at], hb;", 0x3F80, 0x4000, 0x4040),
              {"?.cas.b16 old, [at], hb, hc;", 12, 12, 9, 9},
          });
}

TEST(Memory, SubnormalSumsInGlobalMemory) {
  EXPECT_EQ(run("mov.u32 %r2, %laneid;\nsetp.eq.u32 %p1, %r2, 0;\n"
                "@%p1 red.global.add.f32 [%d0], %r2;",
                1, "", {1})[0],
            0u);
}

TEST(Memory, Reductions) {
  std::vector<uint32_t> words = run(R"(
    mov.u32 %r1, %laneid;
    cvt.rn.f32.u32 %r2, %r1;
    red.global.add.u32 [%d0], %r1;
    red.relaxed.gpu.global.max.s32 [%d0+4], %r1;
    red.global.add.f32 [%d0+8], %r2;
    red.add.u32 [%d0+12], 1;
    red.global.add.v2.f32 [%d0+16], {%r2, 0f3F800000};
    red.global.or.b32 [%d0+24], %r1;
    mov.u32 %r3, smem;
    st.shared.b32 [%r3], 0;
    bar.sync 0;
    red.shared.add.u32 [%r3], 2;
    bar.sync 0;
    ld.shared.b32 %r4, [%r3];
    st.global.b32 [%d0+28], %r4;
)",
                                    8);
  EXPECT_EQ(words,
            (std::vector<uint32_t>{496, 31, static_cast<uint32_t>(bits32(496)),
                                   32, static_cast<uint32_t>(bits32(496)),
                                   static_cast<uint32_t>(bits32(32)), 31, 64}));
}

TEST(Memory, AtomicOperationsOfWarpsDoNotRace) {
  Emulation emulation{R"(
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, smem;
    setp.eq.u32 %p1, %r1, 0;
    @%p1 st.shared.b32 [%r2], 0;
    bar.sync 0;
    atom.shared.add.u32 %r3, [%r2], 1;
    bar.sync 0;
    ld.shared.b32 %r4, [%r2];
    st.global.b32 [%d0], %r4;
)",
                      128};
  Result<std::vector<uint32_t>> out = emulation.run();
  ASSERT_FALSE(out.failed()) << out.message();
  EXPECT_EQ((*out)[0], 128u);
  expectMessage("mov.u32 %r2, smem;\natom.shared.add.u32 %r3, [%r2], 1;",
                "reads shared memory that nothing wrote");
}

TEST(Memory, UnknownForms) {
  expectUnknown({"ld.global.q32 %r1, [%d1];",
                 "ld.global.v3.b32 {%r1, %r2, %r3}, [%d1];",
                 "ld.shared.nc.b32 %r1, [%r2];",
                 "ld.release.gpu.global.b32 %r1, [%d1];",
                 "st.acquire.gpu.global.b32 [%d1], %r1;",
                 "st.const.b32 [%d1], %r1;",
                 "ld.v2.global.b32 {%r1, %r2}, [%d1];",
                 "ld.global.add.b32 %r1, [%d1];",
                 "ld.surface.b32 %r1, [%d1];",
                 "ld.global.v8.b64 {%d1}, [%d1];",
                 "atom.global.add.b32 %r1, [%d1], %r2;",
                 "atom.global.sub.u32 %r1, [%d1], %r2;",
                 "atom.const.add.u32 %r1, [%d1], %r2;",
                 "atom.local.add.u32 %r1, [%d1], %r2;",
                 "atom.shared.add.v2.f32 {%r1, %r2}, [%d1], {%r1, %r2};",
                 "atom.global.add.v2.u32 {%r1, %r2}, [%d1], {%r1, %r2};",
                 "red.global.exch.b32 [%d1], %r2;",
                 "red.global.cas.b32 [%d1], %r2, %r3;",
                 "isspacep.texture %p1, %d1;",
                 "cvta.texture.u64 %d1, %d2;",
                 "prefetch.global.L9 [%d1];",
                 "createpolicy.b64 %d1, 0;",
                 "griddepcontrol.signal;",
                 "nanosleep.u64 %d1;"});
}

TEST(Memory, Hints) {
  EXPECT_EQ(Emulation{R"(
    createpolicy.fractional.L2::evict_last.b64 %d1, 0f3F800000;
    createpolicy.fractional.L2::evict_first.L2::evict_unchanged.b64 %d2, 0f3F000000;
    ld.global.L2::cache_hint.b32 %r1, [%d0], %d1;
    ld.global.nc.L1::no_allocate.L2::cache_hint.L2::128B.b32 %r1, [%d0], %d1;
    st.global.L2::cache_hint.b32 [%d0], %r1, %d2;
    red.global.add.L2::cache_hint.u32 [%d0], 0, %d1;
    prefetch.global.L2 [%d0];
    prefetch.global.L1 [%d0];
    prefetch.L1 [%d0];
    prefetch.global.L2::evict_last [%d0];
    prefetchu.L1 [%d0];
    griddepcontrol.wait;
    griddepcontrol.launch_dependents;
    nanosleep.u32 20;
    pmevent 1;
    discard.global.L2 [%d0], 128;
    applypriority.global.L2::evict_normal [%d0], 128;
    membar.sys;
    fence.acq_rel.sys;
)"}
                .message(),
            "");
}
