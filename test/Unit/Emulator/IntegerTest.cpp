//===- IntegerTest.cpp - Forms of integer instructions --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

using namespace attn::runtime;

static constexpr uint64_t ones16 = 0xFFFF, ones32 = 0xFFFFFFFF,
                          ones64 = ~uint64_t(0);
static constexpr uint64_t least16 = 0x8000, least32 = 0x80000000,
                          least64 = uint64_t(1) << 63;

TEST(Integer, SixteenBits) {
  checkForms(16,
             {
                 {"add.u16 hr, ha, hb;", 0xFFFF, 2, 0, 1},
                 {"add.s16 hr, ha, hb;", 7, minus16(9), 0, minus16(2)},
                 {"sub.u16 hr, ha, hb;", 1, 2, 0, ones16},
                 {"sub.s16 hr, ha, hb;", least16, 1, 0, 0x7FFF},
                 {"mul.lo.u16 hr, ha, hb;", 0x1234, 0x100, 0, 0x3400},
                 {"mul.lo.s16 hr, ha, hb;", minus16(3), 5, 0, minus16(15)},
                 {"mul.hi.u16 hr, ha, hb;", 0x8000, 6, 0, 3},
                 {"mul.hi.s16 hr, ha, hb;", minus16(1), 5, 0, ones16},
                 {"mad.lo.u16 hr, ha, hb, hc;", 3, 5, 7, 22},
                 {"mad.lo.s16 hr, ha, hb, hc;", minus16(3), 5, 7, minus16(8)},
                 {"mad.hi.u16 hr, ha, hb, hc;", 0x8000, 6, 7, 10},
                 {"mad.hi.s16 hr, ha, hb, hc;", minus16(1), 5, 7, 6},
                 {"div.u16 hr, ha, hb;", 0xFFFF, 16, 0, 0xFFF},
                 {"div.s16 hr, ha, hb;", minus16(22), 5, 0, minus16(4)},
                 {"rem.u16 hr, ha, hb;", 0xFFFF, 16, 0, 15},
                 {"rem.s16 hr, ha, hb;", minus16(22), 5, 0, minus16(2)},
                 {"min.u16 hr, ha, hb;", ones16, 5, 0, 5},
                 {"min.s16 hr, ha, hb;", ones16, 5, 0, ones16},
                 {"max.u16 hr, ha, hb;", ones16, 5, 0, ones16},
                 {"max.s16 hr, ha, hb;", ones16, 5, 0, 5},
                 {"sad.u16 hr, ha, hb, hc;", 3, 10, 100, 107},
                 {"sad.s16 hr, ha, hb, hc;", minus16(3), 10, 100, 113},
                 {"neg.s16 hr, ha;", 5, 0, 0, minus16(5)},
                 {"abs.s16 hr, ha;", minus16(5), 0, 0, 5},
             });
}

TEST(Integer, ThirtyTwoBits) {
  checkForms(
      32,
      {
          {"add.u32 rr, ra, rb;", ones32, 2, 0, 1},
          {"add.s32 rr, ra, -9;", 7, 0, 0, minus32(2)},
          {"add.s32 rr, ra, 0b101;", 7, 0, 0, 12},
          {"add.s32 rr, ra, 017;", 7, 0, 0, 22},
          {"add.u32 rr, ra, 0x10U;", 7, 0, 0, 23},
          {"add.sat.s32 rr, ra, rb;", 0x7FFFFFFF, 1, 0, 0x7FFFFFFF},
          {"add.sat.s32 rr, ra, rb;", least32, ones32, 0, least32},
          {"sub.u32 rr, ra, rb;", 1, 2, 0, ones32},
          {"sub.s32 rr, ra, rb;", 7, 9, 0, minus32(2)},
          {"sub.sat.s32 rr, ra, rb;", least32, 1, 0, least32},
          {"mul.lo.u32 rr, ra, rb;", 0x10001, 0x10001, 0, 0x20001},
          {"mul.lo.s32 rr, ra, rb;", ones32, 5, 0, minus32(5)},
          {"mul.hi.u32 rr, ra, rb;", least32, 6, 0, 3},
          {"mul.hi.s32 rr, ra, rb;", ones32, 5, 0, ones32},
          {"mul.wide.u16 rr, ha, hb;", 0xFFFF, 0xFFFF, 0, 0xFFFE0001},
          {"mul.wide.s16 rr, ha, hb;", 0xFFFF, 0xFFFF, 0, 1},
          {"mad.lo.u32 rr, ra, rb, rc;", 3, 5, 7, 22},
          {"mad.lo.s32 rr, ra, rb, rc;", ones32, 5, 7, 2},
          {"mad.hi.u32 rr, ra, rb, rc;", least32, 6, 7, 10},
          {"mad.hi.s32 rr, ra, rb, rc;", ones32, 5, 7, 6},
          {"mad.hi.sat.s32 rr, ra, rb, rc;", 0x40000000, 16, 0x7FFFFFFF,
           0x7FFFFFFF},
          {"mad.wide.u16 rr, ha, hb, rc;", 0xFFFF, 0xFFFF, 1, 0xFFFE0002},
          {"mad.wide.s16 rr, ha, hb, rc;", 0xFFFF, 2, 1, ones32},
          {"mul24.lo.u32 rr, ra, rb;", 0xFF000003, 5, 0, 15},
          {"mul24.lo.s32 rr, ra, rb;", 0x00FFFFFF, 5, 0, minus32(5)},
          {"mul24.hi.u32 rr, ra, rb;", 0x800000, 0x800000, 0, 0x40000000},
          {"mul24.hi.s32 rr, ra, rb;", 0xFFFFFF, 5, 0, ones32},
          {"mad24.lo.u32 rr, ra, rb, rc;", 0xFF000003, 5, 7, 22},
          {"mad24.lo.s32 rr, ra, rb, rc;", 0x00FFFFFF, 5, 7, 2},
          {"mad24.hi.u32 rr, ra, rb, rc;", 0x800000, 0x800000, 1, 0x40000001},
          {"mad24.hi.s32 rr, ra, rb, rc;", 0xFFFFFF, 5, 7, 6},
          {"mad24.hi.sat.s32 rr, ra, rb, rc;", 0x7FFFFF, 0x7FFFFF, 0x7FFFFFFF,
           0x7FFFFFFF},
          {"sad.u32 rr, ra, rb, rc;", ones32, 1, 1, ones32},
          {"sad.s32 rr, ra, rb, rc;", ones32, 1, 1, 3},
          {"div.u32 rr, ra, rb;", 22, 5, 0, 4},
          {"div.s32 rr, ra, rb;", minus32(22), 5, 0, minus32(4)},
          {"rem.u32 rr, ra, rb;", 22, 5, 0, 2},
          {"rem.s32 rr, ra, rb;", minus32(22), 5, 0, minus32(2)},
          {"min.u32 rr, ra, rb;", ones32, 5, 0, 5},
          {"min.s32 rr, ra, rb;", ones32, 5, 0, ones32},
          {"min.relu.s32 rr, ra, rb;", ones32, 5, 0, 0},
          {"max.u32 rr, ra, rb;", ones32, 5, 0, ones32},
          {"max.s32 rr, ra, rb;", ones32, 5, 0, 5},
          {"max.relu.s32 rr, ra, rb;", ones32, minus32(7), 0, 0},
          {"neg.s32 rr, ra;", 5, 0, 0, minus32(5)},
          {"abs.s32 rr, ra;", minus32(5), 0, 0, 5},
          {"abs.s32 rr, ra;", least32, 0, 0, least32},
          {"add.u16x2 rr, ra, rb;", 0xFFFF0001, 0x00020003, 0, 0x00010004},
          {"add.s16x2 rr, ra, rb;", 0xFFFF0001, 0x00020003, 0, 0x00010004},
          {"min.u16x2 rr, ra, rb;", 0xFFFF0001, 0x00020003, 0, 0x00020001},
          {"min.s16x2 rr, ra, rb;", 0xFFFF0001, 0x00020003, 0, 0xFFFF0001},
          {"min.relu.s16x2 rr, ra, rb;", 0xFFFF0001, 0x00020003, 0, 1},
          {"max.u16x2 rr, ra, rb;", 0xFFFF0001, 0x00020003, 0, 0xFFFF0003},
          {"max.s16x2 rr, ra, rb;", 0xFFFF0001, 0x00020003, 0, 0x00020003},
          {"max.relu.s16x2 rr, ra, rb;", 0xFFFF0001, 0xFFFE0003, 0, 3},
          {"dp4a.u32.u32 rr, ra, rb, rc;", 0xFF020304, 0x02010101, 1, 520},
          {"dp4a.s32.s32 rr, ra, rb, rc;", 0xFF020304, 0x02010101, 1, 8},
          {"dp4a.u32.s32 rr, ra, rb, rc;", 0x02020304, 0xFF010101, 1, 8},
          {"dp4a.s32.u32 rr, ra, rb, rc;", 0xFF020304, 0x02010101, 1, 8},
          {"dp2a.lo.u32.u32 rr, ra, rb, rc;", 0x01000003, 0x04030201, 5, 520},
          {"dp2a.hi.u32.u32 rr, ra, rb, rc;", 0x01000003, 0x04030201, 5, 1038},
          {"dp2a.lo.s32.s32 rr, ra, rb, rc;", 0xFFFF0003, 0x04030201, 5, 6},
          {"dp2a.hi.s32.s32 rr, ra, rb, rc;", 0xFFFF0003, 0x0403FFFF, 5, 10},
          {"dp2a.lo.s32.u32 rr, ra, rb, rc;", 0xFFFF0003, 0x0403FF01, 0,
           minus32(252)},
          {"dp2a.lo.u32.s32 rr, ra, rb, rc;", 0x00010003, 0x0403FF01, 0, 2},
      });
}

TEST(Integer, SixtyFourBits) {
  checkForms(
      64,
      {
          {"add.u64 dr, da, db;", ones64, 2, 0, 1},
          {"add.s64 dr, da, -9;", 7, 0, 0, 0 - uint64_t(2)},
          {"sub.u64 dr, da, db;", 1, 2, 0, ones64},
          {"sub.s64 dr, da, db;", least64, 1, 0, least64 - 1},
          {"mul.lo.u64 dr, da, db;", 0x100000001, 0x100000001, 0, 0x200000001},
          {"mul.lo.s64 dr, da, db;", ones64, 5, 0, 0 - uint64_t(5)},
          {"mul.hi.u64 dr, da, db;", least64, 6, 0, 3},
          {"mul.hi.s64 dr, da, db;", ones64, 5, 0, ones64},
          {"mul.wide.u32 dr, ra, rb;", ones32, ones32, 0, 0xFFFFFFFE00000001},
          {"mul.wide.s32 dr, ra, rb;", ones32, 5, 0, 0 - uint64_t(5)},
          {"mad.lo.u64 dr, da, db, dc;", 3, 5, 7, 22},
          {"mad.lo.s64 dr, da, db, dc;", ones64, 5, 7, 2},
          {"mad.hi.u64 dr, da, db, dc;", least64, 6, 7, 10},
          {"mad.hi.s64 dr, da, db, dc;", ones64, 5, 7, 6},
          {"mad.wide.u32 dr, ra, rb, dc;", ones32, 2, 2, 0x200000000},
          {"mad.wide.s32 dr, ra, rb, dc;", ones32, 5, 7, 2},
          {"sad.u64 dr, da, db, dc;", 3, 10, 100, 107},
          {"sad.s64 dr, da, db, dc;", ones64, 10, 100, 111},
          {"div.u64 dr, da, db;", least64, 4, 0, least64 / 4},
          {"div.s64 dr, da, db;", ones64 - 21, 5, 0, 0 - uint64_t(4)},
          {"rem.u64 dr, da, db;", ones64, 16, 0, 15},
          {"rem.s64 dr, da, db;", ones64 - 21, 5, 0, 0 - uint64_t(2)},
          {"min.u64 dr, da, db;", ones64, 5, 0, 5},
          {"min.s64 dr, da, db;", ones64, 5, 0, ones64},
          {"max.u64 dr, da, db;", ones64, 5, 0, ones64},
          {"max.s64 dr, da, db;", ones64, 5, 0, 5},
          {"neg.s64 dr, da;", 5, 0, 0, 0 - uint64_t(5)},
          {"abs.s64 dr, da;", ones64, 0, 0, 1},
      });
}

/// The hardware's results, which PTX leaves open.
/// The value is unspecified; this is what an H200 gives.
TEST(Integer, DivisionByZero) {
  checkForms(32,
             {
                 {"div.u32 rr, ra, rb;", 22, 0, 0, ones32},
                 {"rem.u32 rr, ra, rb;", 22, 0, 0, ones32},
             },
             /*checked=*/false);
  checkForms(32, {{"div.s32 rr, ra, rb;", least32, ones32, 0, least32}});
  Emulation emulation{"mov.u32 %r1, %tid.x;\nsub.u32 %r2, %r1, 3;\n"
                      "rem.u32 %r3, 22, %r2;\n"};
  expectMessage(emulation, "unspecified value: divides by zero\n  kernel "
                           "'test', block 0, warp 0, lane 3");
  // Those that do not take part do not count.
  emulation.body = replaced(emulation.body, "rem",
                            "setp.ne.u32 %p1, %r2, 0;\n"
                            "@%p1 rem");
  EXPECT_EQ(emulation.message(), "");
}

TEST(Integer, Carries) {
  checkForms(
      64,
      {
          {"{\n.reg .b32 l, h;\nadd.cc.u32 l, ra, rb;\naddc.u32 h, rc, 0;\n"
           "mov.b64 dr, {l, h};\n}",
           ones32, 2, 5, 0x600000001},
          {"{\n.reg .b32 l, h;\nadd.cc.s32 l, ra, rb;\n"
           "addc.cc.s32 h, rc, rc;\naddc.s32 l, l, 0;\nmov.b64 dr, {l, h};\n}",
           ones32, 2, ones32, 0xFFFFFFFF00000002},
          {"{\n.reg .b32 l, h;\nsub.cc.u32 l, ra, rb;\nsubc.u32 h, rc, 0;\n"
           "mov.b64 dr, {l, h};\n}",
           1, 2, 5, 0x4FFFFFFFF},
          {"{\n.reg .b32 l, h;\nsub.cc.s32 l, ra, rb;\nsubc.cc.s32 h, rc, 0;\n"
           "subc.s32 h, h, 0;\nmov.b64 dr, {l, h};\n}",
           1, 2, 0, 0xFFFFFFFEFFFFFFFF},
          {"{\n.reg .b32 l, h;\nmad.lo.cc.u32 l, ra, rb, rc;\n"
           "madc.hi.u32 h, ra, rb, rc;\nmov.b64 dr, {l, h};\n}",
           ones32, ones32, ones32, 0xFFFFFFFE00000000},
          {"{\n.reg .b32 l, h;\nmad.lo.cc.u32 l, ra, rb, rc;\n"
           "madc.lo.s32 h, ra, 0, 0;\nmov.b64 dr, {l, h};\n}",
           3, 5, 0 - uint64_t(1), 0x10000000E},
          {"mad.hi.cc.s32 rr, ra, rb, rc;\nmadc.hi.cc.s32 rr, ra, rb, rr;\n"
           "addc.s32 ra, rr, 0;\ncvt.u64.u32 dr, ra;",
           ones32, 5, 0, 0xFFFFFFFF},
          {"add.cc.u64 dr, da, db;\naddc.u64 dr, dr, 0;", ones64, 2, 0, 2},
          {"sub.cc.s64 dr, da, db;\nsubc.s64 dr, dc, 0;", 1, 2, 5, 4},
      });
  expectMessage(Emulation{"mov.b32 %r1, 0;\naddc.u32 %r1, %r1, 0;"},
                "reads the carry flag, which nothing wrote");
}

TEST(Integer, Bits) {
  checkForms(16,
             {
                 {"and.b16 hr, ha, hb;", 12, 10, 0, 8},
                 {"or.b16 hr, ha, hb;", 12, 10, 0, 14},
                 {"xor.b16 hr, ha, hb;", 12, 10, 0, 6},
                 {"not.b16 hr, ha;", 0xFF, 0, 0, 0xFF00},
                 {"cnot.b16 hr, ha;", 0, 0, 0, 1},
                 {"shl.b16 hr, ha, rb;", 0x8001, 1, 0, 2},
                 {"shr.u16 hr, ha, rb;", 0x8000, 3, 0, 0x1000},
                 {"shr.b16 hr, ha, rb;", 0x8000, 16, 0, 0},
                 {"shr.s16 hr, ha, rb;", 0x8000, 3, 0, 0xF000},
                 {"shr.s16 hr, ha, rb;", 0x8000, 99, 0, ones16},
                 {"setp.ne.u32 p, rc, 0;\nselp.b16 hr, ha, hb, p;", 1, 2, 3, 1},
                 {"setp.ne.u32 p, rc, 0;\nselp.u16 hr, ha, hb, p;", 1, 2, 0, 2},
                 {"setp.ne.u32 p, rc, 0;\nselp.s16 hr, ha, hb, p;", 1, 2, 0, 2},
                 {"slct.b16.s32 hr, ha, hb, rc;", 1, 2, ones32, 2},
                 {"slct.u16.s32 hr, ha, hb, rc;", 1, 2, 0, 1},
                 {"slct.s16.f32 hr, ha, hb, rc;", 1, 2, bits32(-0.0f), 1},
             });
  checkForms(
      32,
      {
          {"and.b32 rr, ra, rb;", 12, 10, 0, 8},
          {"or.b32 rr, ra, rb;", 12, 10, 0, 14},
          {"xor.b32 rr, ra, rb;", 12, 10, 0, 6},
          {"not.b32 rr, ra;", 0xFF, 0, 0, 0xFFFFFF00},
          {"cnot.b32 rr, ra;", 7, 0, 0, 0},
          {"cnot.b32 rr, ra;", 0, 0, 0, 1},
          {"shl.b32 rr, ra, rb;", 3, 4, 0, 48},
          {"shl.b32 rr, ra, rb;", 3, 32, 0, 0},
          {"shr.u32 rr, ra, rb;", ones32, 28, 0, 15},
          {"shr.b32 rr, ra, rb;", ones32, 28, 0, 15},
          {"shr.s32 rr, ra, rb;", least32, 40, 0, ones32},
          {"shf.l.clamp.b32 rr, ra, rb, rc;", 0xAAAAAAAA, 0x12345678, 8,
           0x345678AA},
          {"shf.l.clamp.b32 rr, ra, rb, rc;", 0xAAAAAAAA, 0x12345678, 40,
           0xAAAAAAAA},
          {"shf.l.wrap.b32 rr, ra, rb, rc;", 0xAAAAAAAA, 0x12345678, 40,
           0x345678AA},
          {"shf.r.clamp.b32 rr, ra, rb, rc;", 0xAAAAAAAA, 0x12345678, 8,
           0x78AAAAAA},
          {"shf.r.clamp.b32 rr, ra, rb, rc;", 0xAAAAAAAA, 0x12345678, 40,
           0x12345678},
          {"shf.r.wrap.b32 rr, ra, rb, rc;", 0xAAAAAAAA, 0x12345678, 40,
           0x78AAAAAA},
          {"popc.b32 rr, ra;", 0xF0F0, 0, 0, 8},
          {"popc.b64 rr, da;", ones64, 0, 0, 64},
          {"clz.b32 rr, ra;", 1, 0, 0, 31},
          {"clz.b32 rr, ra;", 0, 0, 0, 32},
          {"clz.b64 rr, da;", 1, 0, 0, 63},
          {"clz.b64 rr, da;", 0, 0, 0, 64},
          {"brev.b32 rr, ra;", 0x80000003, 0, 0, 0xC0000001},
          {"bfind.u32 rr, ra;", 0x00F0, 0, 0, 7},
          {"bfind.u32 rr, ra;", 0, 0, 0, ones32},
          {"bfind.s32 rr, ra;", minus32(17), 0, 0, 4},
          {"bfind.s32 rr, ra;", ones32, 0, 0, ones32},
          {"bfind.shiftamt.u32 rr, ra;", 0x00F0, 0, 0, 24},
          {"bfind.shiftamt.s32 rr, ra;", minus32(17), 0, 0, 27},
          {"bfind.u64 rr, da;", 0x100000000, 0, 0, 32},
          {"bfind.s64 rr, da;", 0 - uint64_t(2), 0, 0, 0},
          {"bfind.shiftamt.u64 rr, da;", 0x100000000, 0, 0, 31},
          {"bfind.shiftamt.s64 rr, da;", ones64, 0, 0, ones32},
          {"fns.b32 rr, ra, rb, rc;", 0b101100, 2, 0, 2},
          {"fns.b32 rr, ra, rb, rc;", 0b101100, 0, 2, 3},
          {"fns.b32 rr, ra, rb, rc;", 0b101100, 4, minus32(2), 2},
          {"fns.b32 rr, ra, rb, rc;", 0b101100, 4, 2, ones32},
          {"bfe.u32 rr, ra, 4, 8;", 0x12345, 0, 0, 0x34},
          {"bfe.u32 rr, ra, rb, rc;", 0x80000000, 28, 8, 8},
          {"bfe.u32 rr, ra, rb, rc;", ones32, 4, 0, 0},
          {"bfe.s32 rr, ra, rb, rc;", 0xF00, 8, 4, ones32},
          {"bfe.s32 rr, ra, rb, rc;", 0x700, 8, 4, 7},
          {"bfe.s32 rr, ra, rb, rc;", 0x80000000, 40, 4, ones32},
          {"bfe.s32 rr, ra, rb, rc;", 0x80000000, 28, 8, 0xFFFFFFF8},
          {"bfi.b32 rr, ra, rb, 8, 4;", 0xAB, ones32, 0, 0xFFFFFBFF},
          {"bfi.b32 rr, ra, rb, 28, 8;", 0xAB, 0, 0, 0xB0000000},
          {"bfi.b32 rr, ra, rb, 0, 0;", 0xAB, 7, 0, 7},
          {"bmsk.clamp.b32 rr, ra, rb;", 4, 8, 0, 0xFF0},
          {"bmsk.clamp.b32 rr, ra, rb;", 4, 40, 0, 0xFFFFFFF0},
          {"bmsk.clamp.b32 rr, ra, rb;", 40, 4, 0, 0},
          {"bmsk.wrap.b32 rr, ra, rb;", 36, 40, 0, 0xFF0},
          {"szext.clamp.s32 rr, ra, rb;", 0xF8, 8, 0, minus32(8)},
          {"szext.clamp.s32 rr, ra, rb;", 0xF8, 40, 0, 0xF8},
          {"szext.wrap.s32 rr, ra, rb;", 0xF8, 36, 0, minus32(8)},
          {"szext.clamp.u32 rr, ra, rb;", 0x1F8, 8, 0, 0xF8},
          {"szext.wrap.u32 rr, ra, rb;", 0x1F8, 32, 0, 0},
          {"lop3.b32 rr, ra, rb, rc, 0x96;", 0xF0, 0xCC, 0xAA, 0x96},
          {"lop3.b32 rr, ra, rb, rc, 0xE8;", 0xF0, 0xCC, 0xAA, 0xE8},
          {"setp.ne.u32 q, ra, 0;\nlop3.or.b32 rr|p, ra, rb, rc, 0x80, q;\n"
           "selp.b32 rr, 3, rr, p;",
           0xF0, 0x0C, 0xAA, 3},
          {"setp.ne.u32 q, ra, 0;\nlop3.and.b32 rr|p, ra, rb, rc, 0x80, q;\n"
           "selp.b32 rr, 3, 4, p;",
           0xF0, 0x0C, 0xAA, 4},
          {"prmt.b32 rr, ra, rb, rc;", 0x33221100, 0x77665544, 0x7610,
           0x77661100},
          {"prmt.b32 rr, ra, rb, rc;", 0x80000000, 0x7F, 0xB4C3, 0xFF7F0080},
          {"prmt.b32.f4e rr, ra, rb, rc;", 0x33221100, 0x77665544, 1,
           0x44332211},
          {"prmt.b32.b4e rr, ra, rb, rc;", 0x33221100, 0x77665544, 1,
           0x66770011},
          {"prmt.b32.rc8 rr, ra, rb, rc;", 0x33221100, 0x77665544, 2,
           0x22222222},
          {"prmt.b32.ecl rr, ra, rb, rc;", 0x33221100, 0x77665544, 1,
           0x33221111},
          {"prmt.b32.ecr rr, ra, rb, rc;", 0x33221100, 0x77665544, 1,
           0x11111100},
          {"prmt.b32.rc16 rr, ra, rb, rc;", 0x33221100, 0x77665544, 1,
           0x33223322},
          {"slct.b32.s32 rr, ra, rb, rc;", 1, 2, ones32, 2},
          {"slct.u32.f32 rr, ra, rb, rc;", 1, 2, 0x7FC00000, 2},
          {"slct.ftz.s32.f32 rr, ra, rb, rc;", 1, 2, 0x80000001, 1},
          {"slct.s32.f32 rr, ra, rb, rc;", 1, 2, 0x80000001, 2},
          {"slct.f32.f32 rr, ra, rb, rc;", 1, 2, bits32(1), 1},
          {"slct.s32.s32 rr, ra, rb, rc;", 1, 2, 5, 1},
      });
  checkForms(
      64,
      {
          {"and.b64 dr, da, db;", least64 | 12, least64 | 10, 0, least64 | 8},
          {"or.b64 dr, da, db;", least64 | 12, 10, 0, least64 | 14},
          {"xor.b64 dr, da, db;", least64 | 12, 10, 0, least64 | 6},
          {"not.b64 dr, da;", 0xFF, 0, 0, ~uint64_t(0xFF)},
          {"cnot.b64 dr, da;", 0, 0, 0, 1},
          {"shl.b64 dr, da, rb;", 3, 62, 0, 3 * (least64 / 2)},
          {"shr.u64 dr, da, rb;", ones64, 60, 0, 15},
          {"shr.b64 dr, da, rb;", ones64, 64, 0, 0},
          {"shr.s64 dr, da, rb;", least64, 70, 0, ones64},
          {"brev.b64 dr, da;", 3, 0, 0, 3 * (least64 / 2)},
          {"bfe.u64 dr, da, 32, 8;", 0x1234500000000, 0, 0, 0x45},
          {"bfe.s64 dr, da, 60, 8;", least64, 0, 0, 0 - uint64_t(8)},
          {"bfi.b64 dr, da, db, 32, 4;", 0xAB, 0, 0, 0xB00000000},
          {"setp.ne.u32 p, rc, 0;\nselp.b64 dr, da, db, p;", 1, 2, 0, 2},
          {"setp.ne.u32 p, rc, 0;\nselp.u64 dr, da, db, p;", 1, 2, 0, 2},
          {"setp.ne.u32 p, rc, 0;\nselp.s64 dr, da, db, p;", 1, 2, 1, 1},
          {"setp.ne.u32 p, rc, 0;\nselp.f64 dr, da, db, p;", 1, 2, 1, 1},
          {"slct.b64.s32 dr, da, db, rc;", 1, 2, 0, 1},
          {"slct.u64.f32 dr, da, db, rc;", 1, 2, bits32(-1), 2},
          {"slct.s64.s32 dr, da, db, rc;", 1, 2, 0, 1},
          {"slct.f64.s32 dr, da, db, rc;", 1, 2, 0, 1},
      });
}

TEST(Integer, Moves) {
  checkForms(32, {
                     {"mov.b32 rr, {ha, hb};", 0x1234, 0x5678, 0, 0x56781234},
                     {"mov.b32 {ha, hb}, ra;\nmov.b32 rr, {hb, ha};",
                      0x12345678, 0, 0, 0x56781234},
                     {"mov.b32 {ha, _}, ra;\nmov.b32 rr, {ha, ha};", 0x12345678,
                      0, 0, 0x56785678},
                     {"mov.b64 {_, rr}, da;", 0x500000003, 0, 0, 5},
                     {"mov.u32 rr, ra;", 7, 0, 0, 7},
                     {"mov.s32 rr, -7;", 0, 0, 0, minus32(7)},
                     {"mov.f32 rr, 0f3F800000;", 0, 0, 0, bits32(1)},
                     {"mov.b32 rr, WARP_SZ;", 0, 0, 0, 32},
                     {"setp.eq.u32 p, ra, 1;\nmov.pred q, p;\n"
                      "selp.u32 rr, 5, 6, q;",
                      1, 0, 0, 5},
                 });
  checkForms(64,
             {
                 {"mov.b64 dr, {ra, rb};", 3, 4, 0, 0x400000003},
                 {"mov.b64 dr, {ha, hb, hc, ha};", 1, 2, 3, 0x0001000300020001},
                 {"mov.b64 {ha, hb, hc, _}, da;\n"
                  "mov.b64 dr, {hc, hb, ha, ha};",
                  0x0004000300020001, 0, 0, 0x0001000100020003},
                 {"mov.u64 dr, da;", 7, 0, 0, 7},
                 {"mov.s64 dr, -7;", 0, 0, 0, 0 - uint64_t(7)},
                 {"mov.f64 dr, 0d3FF0000000000000;", 0, 0, 0, bits64(1)},
                 {"mov.f64 dr, 0D3FF0000000000000;", 0, 0, 0, bits64(1)},
                 {"mov.f64 dr, 2.5e-1;", 0, 0, 0, bits64(0.25)},
                 {"mov.f64 dr, 25.0E+1;", 0, 0, 0, bits64(250)},
             });
  checkForms(16, {
                     {"mov.b16 hr, ha;", 7, 0, 0, 7},
                     {"mov.u16 hr, 65535;", 0, 0, 0, ones16},
                     {"mov.s16 hr, -1;", 0, 0, 0, ones16},
                 });
}

TEST(Integer, UnknownForms) {
  expectUnknown({"add.u8 %r1, %r2, %r3;", "add.sat.u32 %r1, %r2, %r3;",
                 "mul.u32 %r1, %r2, %r3;", "mad.lo.sat.s32 %r1, %r2, %r3, %r3;",
                 "mul24.u32 %r1, %r2, %r3;", "neg.u32 %r1, %r2;",
                 "addc.cc.sat.u32 %r1, %r2, %r3;", "mad.cc.u32 %r1, %r2, %r3;",
                 "shf.l.b32 %r1, %r2, %r3, %r3;",
                 "bfi.u32 %r1, %r2, %r3, 0, 0;",
                 "lop3.xor.b32 %r1, %r2, %r3, %r3, 1;", "dp4a.u32 %r1, %r2;",
                 "prmt.b32.x4 %r1, %r2, %r3, %r3;", "and.u32 %r1, %r2, %r3;",
                 "vadd.s32.s32.s32 %r1, %r2, %r3;"});
  expectMessage(Emulation{"lop3.b32 %r1, %r1, %r1, %r1, %r1;"},
                "expected a number, got '%r1'");
  expectMessage(Emulation{"lop3.or.b32 %r1, %r1, %r1, %r1, 1, %p1;"},
                "expected two results, got '%r1'");
  expectMessage(Emulation{"selp.b32 %r1, 1, 2, !%p1;"},
                "expected an operand that is not negated");
}
