//===- ConvertTest.cpp - Forms of conversions -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

using namespace attn::runtime;

static constexpr uint64_t ones32 = 0xFFFFFFFF, ones64 = ~uint64_t(0);

TEST(Convert, Integers) {
  checkForms(16, {
                     {"cvt.u16.u32 hr, ra;", 0x12345678, 0, 0, 0x5678},
                     {"cvt.s16.s32 hr, ra;", 0x12348678, 0, 0, 0x8678},
                     {"cvt.u16.u64 hr, da;", 0x123456789ABC, 0, 0, 0x9ABC},
                     {"cvt.u8.u32 hr, ra;", 0x1FF, 0, 0, 0xFF},
                     {"cvt.s8.s32 hr, ra;", 0x1FF, 0, 0, 0xFFFF},
                     {"cvt.u16.u8 hr, ha;", 0x1FF, 0, 0, 0xFF},
                     {"cvt.s16.s8 hr, ha;", 0x180, 0, 0, 0xFF80},
                     {"cvt.sat.s16.s32 hr, ra;", 0x12345678, 0, 0, 0x7FFF},
                     {"cvt.sat.u16.s32 hr, ra;", minus32(5), 0, 0, 0},
                     {"cvt.sat.u8.u32 hr, ra;", 0x12345678, 0, 0, 0xFF},
                     {"cvt.sat.s8.s32 hr, ra;", minus32(500), 0, 0, 0xFF80},
                     {"cvt.sat.s8.u16 hr, ha;", 200, 0, 0, 127},
                 });
  checkForms(
      32, {
              {"cvt.u32.u16 rr, ha;", 0x18000, 0, 0, 0x8000},
              {"cvt.s32.s16 rr, ha;", 0x18000, 0, 0, 0xFFFF8000},
              {"cvt.u32.s16 rr, ha;", 0x18000, 0, 0, 0xFFFF8000},
              {"cvt.s32.u16 rr, ha;", 0x18000, 0, 0, 0x8000},
              {"cvt.s32.s8 rr, ra;", 0x180, 0, 0, 0xFFFFFF80},
              {"cvt.u32.u8 rr, ra;", 0x180, 0, 0, 0x80},
              {"cvt.u8.u32 rr, ra;", 0x180, 0, 0, 0x80},
              {"cvt.s8.s64 rr, da;", 0x180, 0, 0, 0xFFFFFF80},
              {"cvt.u32.u64 rr, da;", 0x123456789, 0, 0, 0x23456789},
              {"cvt.s32.s64 rr, da;", ones64, 0, 0, ones32},
              {"cvt.s32.s32 rr, ra;", ones32, 0, 0, ones32},
              {"cvt.sat.u32.u64 rr, da;", 0x123456789, 0, 0, ones32},
              {"cvt.sat.s32.s64 rr, da;", uint64_t(1) << 63, 0, 0, 0x80000000},
              {"cvt.sat.u32.s32 rr, ra;", ones32, 0, 0, 0},
              {"cvt.sat.s32.u32 rr, ra;", ones32, 0, 0, 0x7FFFFFFF},
          });
  checkForms(64, {
                     {"cvt.u64.u32 dr, ra;", ones32, 0, 0, ones32},
                     {"cvt.s64.s32 dr, ra;", ones32, 0, 0, ones64},
                     {"cvt.u64.s32 dr, ra;", ones32, 0, 0, ones64},
                     {"cvt.s64.u16 dr, ha;", 0x8000, 0, 0, 0x8000},
                     {"cvt.s64.s16 dr, ha;", 0x8000, 0, 0, ones64 << 15},
                     {"cvt.u64.u8 dr, ra;", 0x1FF, 0, 0, 0xFF},
                     {"cvt.sat.u64.s64 dr, da;", ones64, 0, 0, 0},
                 });
}

TEST(Convert, FloatToInteger) {
  std::string from = "cvt.rni.s32.f32 rr, ra;";
  checkForms(
      32, {
              {"cvt.rni.s32.f32 rr, ra;", bits32(2.5f), 0, 0, 2},
              {"cvt.rni.s32.f32 rr, ra;", bits32(-3.5f), 0, 0, minus32(4)},
              {"cvt.rzi.s32.f32 rr, ra;", bits32(-2.7f), 0, 0, minus32(2)},
              {"cvt.rmi.s32.f32 rr, ra;", bits32(-2.1f), 0, 0, minus32(3)},
              {"cvt.rpi.s32.f32 rr, ra;", bits32(2.1f), 0, 0, 3},
              {"cvt.rzi.s32.f32 rr, ra;", bits32(3e9f), 0, 0, 0x7FFFFFFF},
              {"cvt.rzi.s32.f32 rr, ra;", 0x7FC00000, 0, 0, 0},
              {"cvt.rzi.u32.f32 rr, ra;", bits32(3e9f), 0, 0, 3000000000},
              {"cvt.rzi.u32.f32 rr, ra;", bits32(-1), 0, 0, 0},
              {"cvt.rpi.ftz.u32.f32 rr, ra;", 1, 0, 0, 0},
              {"cvt.rpi.u32.f32 rr, ra;", 1, 0, 0, 1},
              {"cvt.rzi.sat.u32.f32 rr, ra;", bits32(1e20f), 0, 0, ones32},
              {"cvt.rni.s32.f64 rr, da;", bits64(-2.5), 0, 0, minus32(2)},
              {"cvt.rzi.u32.f64 rr, da;", bits64(4294967295.5), 0, 0, ones32},
              {"cvt.rzi.s32.f16 rr, ha;", 0xC500, 0, 0, minus32(5)},
              {"cvt.rni.u32.bf16 rr, ha;", 0x4020, 0, 0, 2},
              {"cvt.rzi.s8.f32 rr, ra;", bits32(-300), 0, 0, minus32(128)},
              {"cvt.rzi.u8.f32 rr, ra;", bits32(300), 0, 0, 255},
          });
  checkForms(16,
             {
                 {"cvt.rzi.s16.f32 hr, ra;", bits32(-7.9f), 0, 0, minus16(7)},
                 {"cvt.rni.u16.f16 hr, ha;", 0x4100, 0, 0, 2},
                 {"cvt.rzi.u16.f64 hr, da;", bits64(1e6), 0, 0, 0xFFFF},
             });
  checkForms(
      64,
      {
          {"cvt.rzi.s64.f32 dr, ra;", bits32(-0x1p40f), 0, 0, ones64 << 40},
          {"cvt.rzi.u64.f64 dr, da;", bits64(0x1p63), 0, 0, uint64_t(1) << 63},
          {"cvt.rzi.s64.f64 dr, da;", bits64(1e30), 0, 0, ones64 >> 1},
          {"cvt.rzi.s64.f64 dr, da;", 0x7FF8000000000000, 0, 0,
           uint64_t(1) << 63},
          {"cvt.rmi.s64.f64 dr, da;", bits64(-0.5), 0, 0, ones64},
      });
}

TEST(Convert, IntegerToFloat) {
  // 2^24 + 1 lies between two neighbours.
  uint64_t between = (1 << 24) + 1, below = bits32(0x1p24f);
  checkForms(32,
             {
                 {"cvt.rn.f32.s32 rr, ra;", minus32(3), 0, 0, bits32(-3)},
                 {"cvt.rn.f32.u32 rr, ra;", ones32, 0, 0, bits32(0x1p32f)},
                 {"cvt.rz.f32.u32 rr, ra;", ones32, 0, 0, bits32(0x1p32f) - 1},
                 {"cvt.rn.f32.s32 rr, ra;", between, 0, 0, below},
                 {"cvt.rz.f32.s32 rr, ra;", between, 0, 0, below},
                 {"cvt.rm.f32.s32 rr, ra;", between, 0, 0, below},
                 {"cvt.rp.f32.s32 rr, ra;", between, 0, 0, below + 1},
                 {"cvt.rn.f32.u64 rr, da;", ones64, 0, 0, bits32(0x1p64f)},
                 {"cvt.rn.f32.s64 rr, da;", ones64, 0, 0, bits32(-1)},
                 {"cvt.rn.f32.u16 rr, ha;", 0xFFFF, 0, 0, bits32(65535)},
                 {"cvt.rn.f32.s16 rr, ha;", 0xFFFF, 0, 0, bits32(-1)},
                 {"cvt.rn.f32.u8 rr, ha;", 0xFF, 0, 0, bits32(255)},
                 {"cvt.rn.f32.s8 rr, ha;", 0xFF, 0, 0, bits32(-1)},
                 {"cvt.rn.sat.f32.s32 rr, ra;", 5, 0, 0, bits32(1)},
             });
  checkForms(16, {
                     {"cvt.rn.f16.s32 hr, ra;", 2049, 0, 0, 0x6800},
                     {"cvt.rp.f16.s32 hr, ra;", 2049, 0, 0, 0x6801},
                     {"cvt.rn.f16.u16 hr, ha;", 0xFFFF, 0, 0, 0x7C00},
                     {"cvt.rz.f16.u32 hr, ra;", 70000, 0, 0, 0x7BFF},
                     {"cvt.rn.bf16.s32 hr, ra;", 257, 0, 0, 0x4380},
                     {"cvt.rn.bf16.u16 hr, ha;", 255, 0, 0, 0x437F},
                 });
  checkForms(64,
             {
                 {"cvt.rn.f64.s32 dr, ra;", minus32(3), 0, 0, bits64(-3)},
                 {"cvt.rn.f64.u64 dr, da;", ones64, 0, 0, bits64(0x1p64)},
                 {"cvt.rz.f64.u64 dr, da;", ones64, 0, 0, bits64(0x1p64) - 1},
                 {"cvt.rn.f64.s64 dr, da;", ones64, 0, 0, bits64(-1)},
             });
}

TEST(Convert, FloatToFloat) {
  uint64_t third = 0x3FD5555555555555;
  checkForms(
      32, {
              {"cvt.rn.f32.f64 rr, da;", third, 0, 0, 0x3EAAAAAB},
              {"cvt.rz.f32.f64 rr, da;", third, 0, 0, 0x3EAAAAAA},
              {"cvt.rm.f32.f64 rr, da;", third, 0, 0, 0x3EAAAAAA},
              {"cvt.rp.f32.f64 rr, da;", third, 0, 0, 0x3EAAAAAB},
              {"cvt.rn.f32.f64 rr, da;", bits64(1e-40), 0, 0, 71362},
              {"cvt.rn.ftz.f32.f64 rr, da;", bits64(1e-40), 0, 0, 0},
              {"cvt.rn.f32.f64 rr, da;", bits64(1e300), 0, 0, 0x7F800000},
              {"cvt.f32.f16 rr, ha;", 0x3C00, 0, 0, bits32(1)},
              {"cvt.f32.f16 rr, ha;", 0x0001, 0, 0, bits32(0x1p-24f)},
              {"cvt.f32.bf16 rr, ha;", 0x3F80, 0, 0, bits32(1)},
              {"cvt.ftz.f32.f16 rr, ha;", 0x0001, 0, 0, bits32(0x1p-24f)},
              {"cvt.sat.f32.f16 rr, ha;", 0x4000, 0, 0, bits32(1)},
              {"cvt.sat.f32.f32 rr, ra;", bits32(-2), 0, 0, 0},
              {"cvt.sat.f32.f32 rr, ra;", 0x7FC00000, 0, 0, 0},
              {"cvt.ftz.f32.f32 rr, ra;", 0x80000001, 0, 0, 0x80000000},
              {"cvt.rni.f32.f32 rr, ra;", bits32(2.5f), 0, 0, bits32(2)},
              {"cvt.rzi.f32.f32 rr, ra;", bits32(-0.5f), 0, 0, bits32(-0.0f)},
              {"cvt.rmi.f32.f32 rr, ra;", bits32(-0.5f), 0, 0, bits32(-1)},
              {"cvt.rpi.f32.f32 rr, ra;", bits32(1e30f), 0, 0, bits32(1e30f)},
              {"cvt.rna.tf32.f32 rr, ra;", 0x3F801000, 0, 0, 0x3F802000},
              {"cvt.rn.tf32.f32 rr, ra;", 0x3F801000, 0, 0, 0x3F800000},
              {"cvt.rz.tf32.f32 rr, ra;", 0x3F801FFF, 0, 0, 0x3F800000},
              {"cvt.rn.relu.tf32.f32 rr, ra;", bits32(-1), 0, 0, 0},
          });
  checkForms(
      16, {
              {"cvt.rn.f16.f32 hr, ra;", bits32(1 + 0x1p-11f), 0, 0, 0x3C00},
              {"cvt.rz.f16.f32 hr, ra;", bits32(1e6f), 0, 0, 0x7BFF},
              {"cvt.rn.f16.f32 hr, ra;", bits32(1e6f), 0, 0, 0x7C00},
              {"cvt.rn.f16.f32 hr, ra;", 0xFFC00000, 0, 0, 0x7FFF},
              {"cvt.rn.relu.f16.f32 hr, ra;", bits32(-1), 0, 0, 0},
              {"cvt.rn.satfinite.f16.f32 hr, ra;", bits32(1e6f), 0, 0, 0x7BFF},
              {"cvt.rn.f16.f64 hr, da;", bits64(1 + 0x1p-11 + 0x1p-40), 0, 0,
               0x3C01},
              {"cvt.rn.bf16.f32 hr, ra;", 0x3F808000, 0, 0, 0x3F80},
              {"cvt.rn.bf16.f32 hr, ra;", 0x3F818000, 0, 0, 0x3F82},
              {"cvt.rz.bf16.f32 hr, ra;", 0x3F81FFFF, 0, 0, 0x3F81},
              {"cvt.rn.relu.bf16.f32 hr, ra;", 0xFFC00000, 0, 0, 0x7FFF},
              {"cvt.rn.bf16.f16 hr, ha;", 0x3C01, 0, 0, 0x3F80},
              {"cvt.rni.f16.f16 hr, ha;", 0x4100, 0, 0, 0x4000},
          });
  checkForms(64, {
                     {"cvt.f64.f32 dr, ra;", bits32(-1.5f), 0, 0, bits64(-1.5)},
                     {"cvt.f64.f32 dr, ra;", 1, 0, 0, bits64(0x1p-149)},
                     {"cvt.ftz.f64.f32 dr, ra;", 1, 0, 0, 0},
                     {"cvt.f64.f16 dr, ha;", 0xC000, 0, 0, bits64(-2)},
                     {"cvt.rni.f64.f64 dr, da;", bits64(2.5), 0, 0, bits64(2)},
                     {"cvt.rpi.f64.f64 dr, da;", bits64(2.5), 0, 0, bits64(3)},
                 });
}

TEST(Convert, Packs) {
  uint64_t one = bits32(1), less = bits32(-2), large = bits32(1e6f);
  checkForms(
      32,
      {
          {"cvt.rn.f16x2.f32 rr, ra, rb;", one, less, 0, 0x3C00C000},
          {"cvt.rz.f16x2.f32 rr, ra, rb;", large, less, 0, 0x7BFFC000},
          {"cvt.rn.relu.f16x2.f32 rr, ra, rb;", one, less, 0, 0x3C000000},
          {"cvt.rn.satfinite.f16x2.f32 rr, ra, rb;", large, less, 0,
           0x7BFFC000},
          {"cvt.rn.bf16x2.f32 rr, ra, rb;", one, less, 0, 0x3F80C000},
          {"cvt.rn.bf16x2.f32 rr, ra, rb;", 0x3F808000, 0x3F818000, 0,
           0x3F803F82},
          {"cvt.rz.bf16x2.f32 rr, ra, rb;", 0x3F80FFFF, less, 0, 0x3F80C000},
          {"cvt.rn.relu.bf16x2.f32 rr, ra, rb;", one, less, 0, 0x3F800000},
          {"cvt.rn.f16x2.e4m3x2 rr, ha;", 0x38C0, 0, 0, 0x3C00C000},
          {"cvt.rn.f16x2.e4m3x2 rr, ha;", 0x7F01, 0, 0, 0x7FFF1800},
          {"cvt.rn.relu.f16x2.e4m3x2 rr, ha;", 0x38C0, 0, 0, 0x3C000000},
          {"cvt.rn.f16x2.e5m2x2 rr, ha;", 0x3CC0, 0, 0, 0x3C00C000},
          {"cvt.rn.f16x2.e5m2x2 rr, ha;", 0x7CFC, 0, 0, 0x7C00FC00},
          {"cvt.pack.sat.s16.s32 rr, ra, rb;", 100000, minus32(5), 0,
           0x7FFFFFFB},
          {"cvt.pack.sat.u16.s32 rr, ra, rb;", 100000, minus32(5), 0,
           0xFFFF0000},
          {"cvt.pack.sat.s8.s32.b32 rr, ra, rb, rc;", 300, minus32(300),
           0x12345678, 0x56787F80},
          {"cvt.pack.sat.u8.s32.b32 rr, ra, rb, rc;", 300, 5, 0x12345678,
           0x5678FF05},
      });
  checkForms(
      16,
      {
          {"cvt.rn.satfinite.e4m3x2.f32 hr, ra, rb;", one, less, 0, 0x38C0},
          {"cvt.rn.satfinite.e4m3x2.f32 hr, ra, rb;", large, 0x7FC00000, 0,
           0x7E7F},
          {"cvt.rn.satfinite.relu.e4m3x2.f32 hr, ra, rb;", one, less, 0,
           0x3800},
          // Half of the least subnormal number is a tie.
          {"cvt.rn.satfinite.e4m3x2.f32 hr, ra, rb;", bits32(0x1p-10f),
           bits32(0x1.8p-9f), 0, 0x0002},
          {"cvt.rn.satfinite.e5m2x2.f32 hr, ra, rb;", one, less, 0, 0x3CC0},
          {"cvt.rn.satfinite.e5m2x2.f32 hr, ra, rb;", large, less, 0, 0x7BC0},
          {"cvt.rn.satfinite.relu.e5m2x2.f32 hr, ra, rb;", one, less, 0,
           0x3C00},
          {"cvt.rn.satfinite.e4m3x2.f16x2 hr, ra;", 0x3C00C000, 0, 0, 0x38C0},
          {"cvt.rn.satfinite.e5m2x2.f16x2 hr, ra;", 0x7BFFC000, 0, 0, 0x7BC0},
      });
}

TEST(Convert, UnknownForms) {
  expectUnknown({"cvt.s32.f32 %r1, %r2;", "cvt.rn.s32.f32 %r1, %r2;",
                 "cvt.f32.s32 %r1, %r2;", "cvt.rni.f32.s32 %r1, %r2;",
                 "cvt.f32.f64 %r1, %d2;", "cvt.rn.f64.f32 %d1, %r2;",
                 "cvt.rn.f32.tf32 %r1, %r2;", "cvt.rm.tf32.f32 %r1, %r2;",
                 "cvt.rn.rz.f32.f64 %r1, %d2;", "cvt.relu.s32.s32 %r1, %r2;",
                 "cvt.ftz.s32.s64 %r1, %d2;",
                 "cvt.rn.e4m3x2.f32 %h1, %r2, %r3;",
                 "cvt.rn.f16x2.f64 %r1, %d2, %d3;", "cvt.u4.u32 %r1, %r2;",
                 "cvt.rna.f16.f32 %h1, %r2;", "cvt.rn.f32 %r1, %r2;",
                 "cvt.pack.s16.s32 %r1, %r2, %r3;",
                 "cvt.pack.sat.s32.s32 %r1, %r2, %r3;"});
}
