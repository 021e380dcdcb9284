//===- FloatTest.cpp - Forms of fp32 and fp64 instructions ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

#include <cmath>

using namespace attn::runtime;

static constexpr uint64_t nan32 = 0x7FFFFFFF, infinity32 = 0x7F800000,
                          minus0 = 0x80000000, one32 = 0x3F800000;

namespace {
/// What the four ways of rounding make of a value between two neighbours, of
/// which `below` is the lower one.
struct Rounded {
  const char *text;
  uint64_t a, b, c;
  uint64_t nearest, zero, below, above;
};
} // namespace

/// Fills in the four modes, and, if it may be left out, none.
static std::vector<Form> roundings(const std::vector<Rounded> &entries,
                                   bool isOptional) {
  std::vector<Form> forms;
  for (const Rounded &entry : entries) {
    const std::pair<const char *, uint64_t> modes[] = {
        {".rn", entry.nearest}, {".rz", entry.zero}, {".rm", entry.below},
        {".rp", entry.above},   {"", entry.nearest},
    };
    for (const auto &[mode, expected] : modes)
      if (*mode || isOptional)
        forms.push_back({replaced(entry.text, "?", mode), entry.a, entry.b,
                         entry.c, expected});
  }
  return forms;
}

TEST(Float, RoundingOfSingles) {
  // 1 + 2^-24 lies between 1 and 1 + 2^-23; -1 - 2^-24 likewise.
  uint64_t tiny = bits32(0x1p-24f), next = one32 + 1;
  uint64_t less = one32 | minus0, lessNext = next | minus0;
  checkForms(32, roundings(
                     {
                         {"add?.f32 rr, ra, rb;", one32, tiny, 0, one32, one32,
                          one32, next},
                         {"add?.f32 rr, ra, rb;", less, tiny | minus0, 0, less,
                          less, lessNext, less},
                         {"sub?.f32 rr, ra, rb;", one32, tiny | minus0, 0,
                          one32, one32, one32, next},
                         {"mul?.f32 rr, ra, rb;", next, next, 0, one32 + 2,
                          one32 + 2, one32 + 2, one32 + 3},
                     },
                     /*isOptional=*/true));
  checkForms(32, roundings(
                     {
                         {"fma?.f32 rr, ra, rb, rc;", one32, one32, tiny, one32,
                          one32, one32, next},
                         {"mad?.f32 rr, ra, rb, rc;", one32, less,
                          tiny | minus0, less, less, lessNext, less},
                         {"div?.f32 rr, ra, rb;", one32, bits32(3), 0,
                          0x3EAAAAAB, 0x3EAAAAAA, 0x3EAAAAAA, 0x3EAAAAAB},
                         {"rcp?.f32 rr, ra;", bits32(-3), 0, 0, 0xBEAAAAAB,
                          0xBEAAAAAA, 0xBEAAAAAB, 0xBEAAAAAA},
                         {"sqrt?.f32 rr, ra;", bits32(2), 0, 0, 0x3FB504F3,
                          0x3FB504F3, 0x3FB504F3, 0x3FB504F4},
                     },
                     /*isOptional=*/false));
  // A product of two: (1 + 2^-12)(1 - 2^-12) - 1 = -2^-24.
  checkForms(32, {{"fma.rn.f32 rr, ra, rb, rc;", bits32(1 + 0x1p-12f),
                   bits32(1 - 0x1p-12f), bits32(-1), bits32(-0x1p-24f)}});
}

TEST(Float, RoundingOfDoubles) {
  uint64_t one = bits64(1), tiny = bits64(0x1p-53);
  checkForms(64, roundings(
                     {
                         {"add?.f64 dr, da, db;", one, tiny, 0, one, one, one,
                          one + 1},
                         {"sub?.f64 dr, da, db;", one, bits64(-0x1p-53), 0, one,
                          one, one, one + 1},
                         {"mul?.f64 dr, da, db;", one + 1, one + 1, 0, one + 2,
                          one + 2, one + 2, one + 3},
                     },
                     /*isOptional=*/true));
  checkForms(
      64,
      roundings(
          {
              {"fma?.f64 dr, da, db, dc;", one, one, tiny, one, one, one,
               one + 1},
              {"mad?.f64 dr, da, db, dc;", one, one, tiny, one, one, one,
               one + 1},
              {"div?.f64 dr, da, db;", one, bits64(3), 0, 0x3FD5555555555555,
               0x3FD5555555555555, 0x3FD5555555555555, 0x3FD5555555555556},
              {"rcp?.f64 dr, da;", bits64(3), 0, 0, 0x3FD5555555555555,
               0x3FD5555555555555, 0x3FD5555555555555, 0x3FD5555555555556},
              {"sqrt?.f64 dr, da;", bits64(2), 0, 0, 0x3FF6A09E667F3BCD,
               0x3FF6A09E667F3BCC, 0x3FF6A09E667F3BCC, 0x3FF6A09E667F3BCD},
          },
          /*isOptional=*/false));
}

/// Subnormal numbers, and results in [0, 1].
TEST(Float, Modifiers) {
  uint64_t large = bits32(3), small = 1, half = bits32(0.5f);
  checkForms(
      32,
      {
          {"add.f32 rr, ra, rb;", small, small, 0, 2},
          {"add.ftz.f32 rr, ra, rb;", small, small, 0, 0},
          {"add.rz.ftz.f32 rr, ra, rb;", small | minus0, small | minus0, 0,
           minus0},
          {"add.sat.f32 rr, ra, rb;", large, large, 0, one32},
          {"add.sat.f32 rr, ra, rb;", nan32, large, 0, 0},
          {"add.rn.ftz.sat.f32 rr, ra, rb;", bits32(-3), large | minus0, 0, 0},
          {"add.rp.sat.f32 rr, ra, rb;", half, 1, 0, half + 1},
          {"sub.ftz.f32 rr, ra, rb;", small, 0, 0, 0},
          {"sub.sat.f32 rr, ra, rb;", one32, half, 0, half},
          {"mul.ftz.f32 rr, ra, rb;", 0x00800000, half, 0, 0},
          {"mul.f32 rr, ra, rb;", 0x00800000, half, 0, 0x00400000},
          {"mul.sat.f32 rr, ra, rb;", large, large, 0, one32},
          {"fma.rn.ftz.f32 rr, ra, rb, rc;", small, one32, 0, 0},
          {"fma.rn.sat.f32 rr, ra, rb, rc;", large, large, 0, one32},
          {"fma.rn.ftz.sat.f32 rr, ra, rb, rc;", half, half, small, 0x3E800000},
          {"mad.rn.ftz.f32 rr, ra, rb, rc;", small, one32, 0, 0},
          {"div.rn.ftz.f32 rr, ra, rb;", 0x00800000, bits32(2), 0, 0},
          {"rcp.rn.ftz.f32 rr, ra;", small | minus0, 0, 0, infinity32 | minus0},
          {"sqrt.rn.ftz.f32 rr, ra;", small, 0, 0, 0},
          {"neg.f32 rr, ra;", small, 0, 0, small | minus0},
          {"neg.ftz.f32 rr, ra;", small, 0, 0, minus0},
          {"abs.f32 rr, ra;", small | minus0, 0, 0, small},
          {"abs.ftz.f32 rr, ra;", small | minus0, 0, 0, 0},
          {"copysign.f32 rr, ra, rb;", minus0, one32, 0, one32 | minus0},
      });
  checkForms(64, {
                     {"neg.f64 dr, da;", bits64(1), 0, 0, bits64(-1)},
                     {"abs.f64 dr, da;", bits64(-1), 0, 0, bits64(1)},
                     {"copysign.f64 dr, da, db;", bits64(-2), bits64(1), 0,
                      bits64(-1)},
                     {"add.f64 dr, da, db;", 1, 1, 0, 2},
                 });
}

TEST(Float, SpecialValues) {
  uint64_t quiet = 0xFFC12345;
  checkForms(
      32,
      {
          {"add.f32 rr, ra, rb;", infinity32, infinity32 | minus0, 0, nan32},
          {"add.f32 rr, ra, rb;", quiet, one32, 0, nan32},
          {"mul.f32 rr, ra, rb;", infinity32, 0, 0, nan32},
          {"div.rn.f32 rr, ra, rb;", one32, 0, 0, infinity32},
          {"div.rn.f32 rr, ra, rb;", 0, 0, 0, nan32},
          {"sqrt.rn.f32 rr, ra;", bits32(-1), 0, 0, nan32},
          {"sqrt.rn.f32 rr, ra;", minus0, 0, 0, minus0},
          {"add.rm.f32 rr, ra, rb;", one32, one32 | minus0, 0, minus0},
          {"mul.rz.f32 rr, ra, rb;", 0x7F000000, 0x7F000000, 0, 0x7F7FFFFF},
      });
}

TEST(Float, Extrema) {
  uint64_t two = bits32(2), less = bits32(-3);
  checkForms(
      32,
      {
          {"max.f32 rr, ra, rb;", nan32, two, 0, two},
          {"max.f32 rr, ra, rb;", two, nan32, 0, two},
          {"max.f32 rr, ra, rb;", nan32, 0xFFC00000, 0, nan32},
          {"max.f32 rr, ra, rb;", minus0, 0, 0, 0},
          {"max.f32 rr, ra, rb;", less, two, 0, two},
          {"max.ftz.f32 rr, ra, rb;", 1, 0, 0, 0},
          {"max.NaN.f32 rr, ra, rb;", 0xFFC00000, two, 0, nan32},
          {"max.NaN.f32 rr, ra, rb;", less, two, 0, two},
          {"max.ftz.NaN.f32 rr, ra, rb;", two, nan32, 0, nan32},
          {"max.xorsign.abs.f32 rr, ra, rb;", less, two, 0, less},
          {"max.xorsign.abs.f32 rr, ra, rb;", less, two | minus0, 0, bits32(3)},
          {"max.NaN.xorsign.abs.f32 rr, ra, rb;", less, nan32, 0, nan32},
          {"max.ftz.xorsign.abs.f32 rr, ra, rb;", 1, 0, 0, 0},
          {"max.ftz.NaN.xorsign.abs.f32 rr, ra, rb;", less, two, 0, less},
          {"min.f32 rr, ra, rb;", nan32, two, 0, two},
          {"min.f32 rr, ra, rb;", 0, minus0, 0, minus0},
          {"min.f32 rr, ra, rb;", less, two, 0, less},
          {"min.ftz.f32 rr, ra, rb;", 1, one32, 0, 0},
          {"min.NaN.f32 rr, ra, rb;", two, nan32, 0, nan32},
          {"min.ftz.NaN.f32 rr, ra, rb;", less, two, 0, less},
          {"min.xorsign.abs.f32 rr, ra, rb;", less, two, 0, two | minus0},
          {"min.NaN.xorsign.abs.f32 rr, ra, rb;", less, two, 0, two | minus0},
          {"min.ftz.xorsign.abs.f32 rr, ra, rb;", less, two, 0, two | minus0},
          {"min.ftz.NaN.xorsign.abs.f32 rr, ra, rb;", less, two, 0,
           two | minus0},
      });
  checkForms(
      64,
      {
          {"max.f64 dr, da, db;", bits64(-3), bits64(2), 0, bits64(2)},
          {"min.f64 dr, da, db;", 0x7FF8000000000000, bits64(2), 0, bits64(2)},
      });
}

TEST(Float, Classes) {
  std::vector<Form> forms;
  struct Class {
    const char *name;
    /// Of 1, infinity, a NaN, a subnormal number.
    bool one, infinity, nan, subnormal;
  };
  for (const Class &entry : {Class{"finite", true, false, false, true},
                             Class{"infinite", false, true, false, false},
                             Class{"number", true, true, false, true},
                             Class{"notanumber", false, false, true, false},
                             Class{"normal", true, false, false, false},
                             Class{"subnormal", false, false, false, true}}) {
    std::string single = std::string("testp.") + entry.name +
                         ".f32 p, ra;\nselp.b32 rr, 1, 0, p;";
    std::string wide = std::string("testp.") + entry.name +
                       ".f64 p, da;\nselp.b32 rr, 1, 0, p;";
    forms.push_back({single, one32, 0, 0, entry.one});
    forms.push_back({single, infinity32, 0, 0, entry.infinity});
    forms.push_back({single, nan32, 0, 0, entry.nan});
    forms.push_back({single, 1, 0, 0, entry.subnormal});
    forms.push_back({wide, bits64(1), 0, 0, entry.one});
    forms.push_back({wide, bits64(HUGE_VAL), 0, 0, entry.infinity});
    forms.push_back({wide, 0x7FF8000000000000, 0, 0, entry.nan});
    forms.push_back({wide, 1, 0, 0, entry.subnormal});
  }
  checkForms(32, forms);
}

/// The bounds are those of the PTX manual; the values were computed by other
/// means, to ten digits.
TEST(Float, Approximations) {
  checkApproximations({
      {"ex2.approx.f32 rr, ra;", 0.3f, 0, 1.2311444161, 0x1p-22},
      {"ex2.approx.ftz.f32 rr, ra;", -3.7f, 0, 0.07694652531, 0x1p-21},
      {"lg2.approx.f32 rr, ra;", 1.3f, 0, 0.3785115762, 0x1p-22, true},
      {"lg2.approx.ftz.f32 rr, ra;", 10, 0, 3.3219280949, 0x1p-22},
      {"sin.approx.f32 rr, ra;", 1, 0, 0.8414709848, 0x1p-20, true},
      {"sin.approx.ftz.f32 rr, ra;", -2, 0, -0.9092974268, 0x1p-20, true},
      {"cos.approx.f32 rr, ra;", 1, 0, 0.5403023059, 0x1p-20, true},
      {"cos.approx.ftz.f32 rr, ra;", 3, 0, -0.9899924966, 0x1p-20, true},
      {"rcp.approx.f32 rr, ra;", 3, 0, 0.3333333333, 0x1p-23},
      {"rcp.approx.ftz.f32 rr, ra;", -7, 0, -0.1428571429, 0x1p-23},
      {"sqrt.approx.f32 rr, ra;", 2, 0, 1.4142135624, 0x1p-22},
      {"sqrt.approx.ftz.f32 rr, ra;", 10, 0, 3.1622776602, 0x1p-22},
      {"rsqrt.approx.f32 rr, ra;", 2, 0, 0.7071067812, 0x1p-22},
      {"rsqrt.approx.ftz.f32 rr, ra;", 10, 0, 0.3162277660, 0x1p-22},
      {"tanh.approx.f32 rr, ra;", 0.5f, 0, 0.4621171573, 0x1p-11},
      {"div.approx.f32 rr, ra, rb;", 2, 3, 0.6666666667, 0x1p-22},
      {"div.approx.ftz.f32 rr, ra, rb;", 2, -7, -0.2857142857, 0x1p-22},
      {"div.full.f32 rr, ra, rb;", 2, 3, 0.6666666667, 0x1p-22},
      {"div.full.ftz.f32 rr, ra, rb;", 2, 3, 0.6666666667, 0x1p-22},
  });
}

TEST(Float, SpecialValuesOfApproximations) {
  uint64_t less = bits32(-1);
  checkForms(
      32, {
              {"ex2.approx.ftz.f32 rr, ra;", infinity32 | minus0, 0, 0, 0},
              {"ex2.approx.ftz.f32 rr, ra;", bits32(-140), 0, 0, 0},
              {"ex2.approx.f32 rr, ra;", bits32(-140), 0, 0, 1 << 9},
              {"ex2.approx.f32 rr, ra;", minus0, 0, 0, one32},
              {"ex2.approx.f32 rr, ra;", infinity32, 0, 0, infinity32},
              {"lg2.approx.f32 rr, ra;", 0, 0, 0, infinity32 | minus0},
              {"lg2.approx.f32 rr, ra;", less, 0, 0, nan32},
              {"lg2.approx.ftz.f32 rr, ra;", 1, 0, 0, infinity32 | minus0},
              {"sin.approx.f32 rr, ra;", infinity32, 0, 0, nan32},
              {"sin.approx.f32 rr, ra;", minus0, 0, 0, minus0},
              {"cos.approx.f32 rr, ra;", 0, 0, 0, one32},
              {"rcp.approx.ftz.f32 rr, ra;", minus0, 0, 0, infinity32 | minus0},
              {"rcp.approx.ftz.f32 rr, ra;", infinity32, 0, 0, 0},
              {"sqrt.approx.f32 rr, ra;", less, 0, 0, nan32},
              {"rsqrt.approx.f32 rr, ra;", 0, 0, 0, infinity32},
              {"rsqrt.approx.f32 rr, ra;", infinity32, 0, 0, 0},
              {"tanh.approx.f32 rr, ra;", infinity32 | minus0, 0, 0, less},
              {"div.approx.f32 rr, ra, rb;", one32, 0x7F000000, 0, 0},
              {"div.approx.f32 rr, ra, rb;", infinity32, 0x7F000000, 0, nan32},
              {"div.approx.f32 rr, ra, rb;", one32, infinity32, 0, 0},
          });
  // Of fp64, the lower half of the result is zero.
  checkForms(
      64, {
              {"rcp.approx.ftz.f64 dr, da;", bits64(4), 0, 0, bits64(0.25)},
              {"rsqrt.approx.f64 dr, da;", bits64(16), 0, 0, bits64(0.25)},
              {"rsqrt.approx.ftz.f64 dr, da;", bits64(16), 0, 0, bits64(0.25)},
              {"rcp.approx.ftz.f64 dr, da;", 1, 0, 0, bits64(HUGE_VAL)},
          });
}

TEST(Float, Literals) {
  checkForms(32, {
                     {"add.f32 rr, ra, 1.5;", 0, 0, 0, bits32(1.5f)},
                     {"add.f32 rr, ra, 0F3F800000;", 0, 0, 0, one32},
                 });
}

TEST(Float, UnknownForms) {
  expectUnknown({"add.rna.f32 %r1, %r2, %r3;", "add.ftz.f64 %d1, %d2, %d3;",
                 "add.sat.f64 %d1, %d2, %d3;", "fma.f32 %r1, %r2, %r3, %r3;",
                 "div.f32 %r1, %r2, %r3;", "sqrt.f32 %r1, %r2;",
                 "max.NaN.f64 %d1, %d2, %d3;", "max.NaN.ftz.f32 %r1, %r2, %r3;",
                 "neg.sat.f32 %r1, %r2;", "tanh.approx.ftz.f32 %r1, %r2;",
                 "ex2.f32 %r1, %r2;", "testp.zero.f32 %p1, %r2;",
                 "add.rn.f32x2 %d1, %d2, %d3;"});
}
