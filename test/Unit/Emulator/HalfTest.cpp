//===- HalfTest.cpp - Forms of f16 and bf16 instructions ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

using namespace attn::runtime;

// Of f16: 1 is 3C00, 2 is 4000, 3 is 4200, 0.5 is 3800; the numbers from 1 to 2
// are 2^-10 apart. Of bf16: 1 is 3F80, 2 is 4000, 3 is 4040, 0.5 is 3F00; they
// are 2^-7 apart.
static constexpr uint64_t nan16 = 0x7FFF, minus0 = 0x8000;

TEST(Half, SingleF16) {
  checkForms(
      16,
      {
          {"add.f16 hr, ha, hb;", 0x3C00, 0x4000, 0, 0x4200},
          {"add.rn.f16 hr, ha, hb;", 0x3C00, 0x1000, 0, 0x3C00},
          {"add.f16 hr, ha, hb;", 0x3C01, 0x1000, 0, 0x3C02},
          {"add.f16 hr, ha, hb;", 0x7BFF, 0x7BFF, 0, 0x7C00},
          {"add.f16 hr, ha, hb;", 0x7C00, 0xFC00, 0, nan16},
          {"add.f16 hr, ha, hb;", 1, 1, 0, 2},
          {"add.ftz.f16 hr, ha, hb;", 1, 1, 0, 0},
          {"add.sat.f16 hr, ha, hb;", 0x3C00, 0x4000, 0, 0x3C00},
          {"add.sat.f16 hr, ha, hb;", 0x7E00, 0x4000, 0, 0},
          {"add.rn.ftz.sat.f16 hr, ha, hb;", 0xBC00, 0x3800, 0, 0},
          {"sub.f16 hr, ha, hb;", 0x3C00, 0x4000, 0, 0xBC00},
          {"sub.ftz.f16 hr, ha, hb;", 1, 0, 0, 0},
          {"sub.sat.f16 hr, ha, hb;", 0x3C00, 0x3800, 0, 0x3800},
          {"mul.f16 hr, ha, hb;", 0x4200, 0x4000, 0, 0x4600},
          {"mul.ftz.f16 hr, ha, hb;", 0x0400, 0x3800, 0, 0},
          {"mul.f16 hr, ha, hb;", 0x0400, 0x3800, 0, 0x0200},
          {"mul.sat.f16 hr, ha, hb;", 0x4200, 0x4000, 0, 0x3C00},
          // (1 + 2^-10)^2 = 1 + 2^-9 + 2^-20, a tie but for what is added.
          {"fma.rn.f16 hr, ha, hb, hc;", 0x3C01, 0x3C01, 0x1000, 0x3C03},
          {"fma.rn.f16 hr, ha, hb, hc;", 0x3C00, 0x3C00, 0x1000, 0x3C00},
          {"fma.rn.ftz.f16 hr, ha, hb, hc;", 1, 0x3C00, 0, 0},
          {"fma.rn.sat.f16 hr, ha, hb, hc;", 0x4000, 0x4000, 0, 0x3C00},
          {"fma.rn.ftz.sat.f16 hr, ha, hb, hc;", 0x4000, 0xC000, 0, 0},
          {"fma.rn.relu.f16 hr, ha, hb, hc;", 0x4000, 0xC000, 0, 0},
          {"fma.rn.relu.f16 hr, ha, hb, hc;", 0x4000, 0x7E00, 0, nan16},
          {"fma.rn.ftz.relu.f16 hr, ha, hb, hc;", 0x4000, 0x4000, 0, 0x4400},
          {"neg.f16 hr, ha;", 0x3C00, 0, 0, 0xBC00},
          {"neg.ftz.f16 hr, ha;", 1, 0, 0, minus0},
          {"abs.f16 hr, ha;", 0xBC00, 0, 0, 0x3C00},
          {"abs.ftz.f16 hr, ha;", 0x8001, 0, 0, 0},
          {"max.f16 hr, ha, hb;", 0x7E00, 0x4000, 0, 0x4000},
          {"max.f16 hr, ha, hb;", minus0, 0, 0, 0},
          {"max.ftz.f16 hr, ha, hb;", 1, 0, 0, 0},
          {"max.NaN.f16 hr, ha, hb;", 0x7E00, 0x4000, 0, nan16},
          {"max.ftz.NaN.f16 hr, ha, hb;", 0x3C00, 0x4000, 0, 0x4000},
          {"max.xorsign.abs.f16 hr, ha, hb;", 0xC200, 0x4000, 0, 0xC200},
          {"max.NaN.xorsign.abs.f16 hr, ha, hb;", 0xC200, 0xC000, 0, 0x4200},
          {"max.ftz.xorsign.abs.f16 hr, ha, hb;", 0xC200, 0xC000, 0, 0x4200},
          {"max.ftz.NaN.xorsign.abs.f16 hr, ha, hb;", 0xC200, 0xC000, 0,
           0x4200},
          {"min.f16 hr, ha, hb;", 0x3C00, 0x4000, 0, 0x3C00},
          {"min.NaN.f16 hr, ha, hb;", 0x7E00, 0x4000, 0, nan16},
          {"min.xorsign.abs.f16 hr, ha, hb;", 0xC200, 0x4000, 0, 0xC000},
          {"ex2.approx.f16 hr, ha;", 0xC200, 0, 0, 0x3000},
          {"tanh.approx.f16 hr, ha;", 0x7C00, 0, 0, 0x3C00},
      });
}

TEST(Half, SingleBF16) {
  checkForms(
      16,
      {
          {"add.bf16 hr, ha, hb;", 0x3F80, 0x4000, 0, 0x4040},
          {"add.rn.bf16 hr, ha, hb;", 0x3F80, 0x3B80, 0, 0x3F80},
          {"add.bf16 hr, ha, hb;", 0x3F81, 0x3B80, 0, 0x3F82},
          {"add.bf16 hr, ha, hb;", 0x7F80, 0xFF80, 0, nan16},
          {"sub.bf16 hr, ha, hb;", 0x3F80, 0x4000, 0, 0xBF80},
          {"mul.bf16 hr, ha, hb;", 0x4040, 0x4000, 0, 0x40C0},
          // The square of 1 + 2^-7 is 1 + 2^-6 + 2^-14; with 2^-8 - 2^-14 it
          // is a tie, and a little more breaks it.
          {"fma.rn.bf16 hr, ha, hb, hc;", 0x3F80, 0x3F80, 0x3B80, 0x3F80},
          {"fma.rn.bf16 hr, ha, hb, hc;", 0x3F81, 0x3F81, 0x3B80, 0x3F83},
          // 1.5 * 1.0078125 = 1.51171875 is a tie, which 2^-100 breaks.
          {"fma.rn.bf16 hr, ha, hb, hc;", 0x3FC0, 0x3F81, 0x0D80, 0x3FC2},
          {"fma.rn.bf16 hr, ha, hb, hc;", 0x3FC0, 0x3F81, 0x8D80, 0x3FC1},
          {"fma.rn.relu.bf16 hr, ha, hb, hc;", 0x4000, 0xC000, 0, 0},
          {"neg.bf16 hr, ha;", 0x3F80, 0, 0, 0xBF80},
          {"abs.bf16 hr, ha;", 0xBF80, 0, 0, 0x3F80},
          {"max.bf16 hr, ha, hb;", 0x7FC0, 0x4000, 0, 0x4000},
          {"max.NaN.bf16 hr, ha, hb;", 0x7FC0, 0x4000, 0, nan16},
          {"max.xorsign.abs.bf16 hr, ha, hb;", 0xC040, 0x4000, 0, 0xC040},
          {"max.NaN.xorsign.abs.bf16 hr, ha, hb;", 0xC040, 0xC000, 0, 0x4040},
          {"min.bf16 hr, ha, hb;", 0x3F80, 0x4000, 0, 0x3F80},
          {"min.NaN.bf16 hr, ha, hb;", 0x3F80, 0x7FC0, 0, nan16},
          {"min.xorsign.abs.bf16 hr, ha, hb;", 0xC040, 0x4000, 0, 0xC000},
          {"min.NaN.xorsign.abs.bf16 hr, ha, hb;", 0xC040, 0xC000, 0, 0x4000},
          {"ex2.approx.ftz.bf16 hr, ha;", 0xC040, 0, 0, 0x3E00},
          {"tanh.approx.bf16 hr, ha;", 0x7F80, 0, 0, 0x3F80},
      });
}

TEST(Half, Pairs) {
  checkForms(
      32,
      {
          {"add.f16x2 rr, ra, rb;", 0x3C004000, 0x40003C00, 0, 0x42004200},
          {"add.rn.f16x2 rr, ra, rb;", 0x3C000000, 0x4000BC00, 0, 0x4200BC00},
          {"add.ftz.f16x2 rr, ra, rb;", 0x00013C00, 0x00013C00, 0, 0x00004000},
          {"add.sat.f16x2 rr, ra, rb;", 0x3C00BC00, 0x3C003800, 0, 0x3C000000},
          {"sub.f16x2 rr, ra, rb;", 0x3C004000, 0x40003C00, 0, 0xBC003C00},
          {"mul.f16x2 rr, ra, rb;", 0x42004000, 0x40003C00, 0, 0x46004000},
          {"fma.rn.f16x2 rr, ra, rb, rc;", 0x40003C00, 0x40003C00, 0x3C00BC00,
           0x45000000},
          {"fma.rn.relu.f16x2 rr, ra, rb, rc;", 0x4000BC00, 0x40003C00, 0,
           0x44000000},
          {"neg.f16x2 rr, ra;", 0x3C00C000, 0, 0, 0xBC004000},
          {"abs.f16x2 rr, ra;", 0xBC00C000, 0, 0, 0x3C004000},
          {"max.f16x2 rr, ra, rb;", 0x3C00C000, 0x40007E00, 0, 0x4000C000},
          {"max.NaN.f16x2 rr, ra, rb;", 0x3C00C000, 0x40007E00, 0, 0x40007FFF},
          {"min.f16x2 rr, ra, rb;", 0x3C00C000, 0x40004000, 0, 0x3C00C000},
          {"min.xorsign.abs.f16x2 rr, ra, rb;", 0xC200C000, 0x40003C00, 0,
           0xC000BC00},
          {"ex2.approx.f16x2 rr, ra;", 0xC2003C00, 0, 0, 0x30004000},
          {"tanh.approx.f16x2 rr, ra;", 0x7C00FC00, 0, 0, 0x3C00BC00},
          {"add.bf16x2 rr, ra, rb;", 0x3F804000, 0x40003F80, 0, 0x40404040},
          {"add.rn.bf16x2 rr, ra, rb;", 0x3F800000, 0x4000BF80, 0, 0x4040BF80},
          {"sub.bf16x2 rr, ra, rb;", 0x3F804000, 0x40003F80, 0, 0xBF803F80},
          {"mul.bf16x2 rr, ra, rb;", 0x40404000, 0x40003F80, 0, 0x40C04000},
          {"fma.rn.bf16x2 rr, ra, rb, rc;", 0x40003F80, 0x40003F80, 0x3F80BF80,
           0x40A00000},
          {"fma.rn.relu.bf16x2 rr, ra, rb, rc;", 0x4000BF80, 0x40003F80, 0,
           0x40800000},
          {"neg.bf16x2 rr, ra;", 0x3F80C000, 0, 0, 0xBF804000},
          {"abs.bf16x2 rr, ra;", 0xBF80C000, 0, 0, 0x3F804000},
          {"max.bf16x2 rr, ra, rb;", 0x3F80C000, 0x40007FC0, 0, 0x4000C000},
          {"min.NaN.bf16x2 rr, ra, rb;", 0x3F80C000, 0x40007FC0, 0, 0x3F807FFF},
          {"ex2.approx.ftz.bf16x2 rr, ra;", 0xC0403F80, 0, 0, 0x3E004000},
          {"tanh.approx.bf16x2 rr, ra;", 0x7F80FF80, 0, 0, 0x3F80BF80},
      });
}

TEST(Half, UnknownForms) {
  expectUnknown({"add.rz.f16 %h1, %h2, %h3;", "add.ftz.bf16 %h1, %h2, %h3;",
                 "add.sat.bf16 %h1, %h2, %h3;", "fma.f16 %h1, %h2, %h3, %h3;",
                 "fma.rn.sat.relu.f16 %h1, %h2, %h3, %h3;",
                 "ex2.approx.bf16 %h1, %h2;", "ex2.approx.ftz.f16 %h1, %h2;",
                 "sqrt.approx.f16 %h1, %h2;", "div.rn.f16 %h1, %h2, %h3;"});
}
