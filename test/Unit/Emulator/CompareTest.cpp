//===- CompareTest.cpp - Forms of comparisons -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

using namespace attn::runtime;

namespace {
/// For which of less, equal, greater and unordered a comparison holds.
struct Comparison {
  const char *name;
  bool less, equal, greater, unordered;
};
constexpr Comparison ordered[] = {
    {"eq", false, true, false, false}, {"ne", true, false, true, false},
    {"lt", true, false, false, false}, {"le", true, true, false, false},
    {"gt", false, false, true, false}, {"ge", false, true, true, false},
};
constexpr Comparison unsignedOnly[] = {
    {"lo", true, false, false, false},
    {"ls", true, true, false, false},
    {"hi", false, false, true, false},
    {"hs", false, true, true, false},
};
constexpr Comparison unordered[] = {
    {"equ", false, true, false, true}, {"neu", true, false, true, true},
    {"ltu", true, false, false, true}, {"leu", true, true, false, true},
    {"gtu", false, false, true, true}, {"geu", false, true, true, true},
    {"num", true, true, true, false},  {"nan", false, false, false, true},
};

/// Two values of a type, the first of which is less, and what is unordered.
struct Values {
  const char *type;
  char registers;
  uint64_t low, high, nan;
};
} // namespace

/// Adds the forms of a comparison of a type: three, or four with a NaN.
static void addForms(std::vector<Form> &forms, const Comparison &comparison,
                     const Values &values) {
  std::string a = std::string(1, values.registers) + "a";
  std::string b = std::string(1, values.registers) + "b";
  std::string text = std::string("setp.") + comparison.name + "." +
                     values.type + " p, " + a + ", " + b +
                     ";\nselp.b32 rr, 1, 0, p;";
  forms.push_back({text, values.low, values.high, 0, comparison.less});
  forms.push_back({text, values.low, values.low, 0, comparison.equal});
  forms.push_back({text, values.high, values.low, 0, comparison.greater});
  if (values.nan)
    forms.push_back({text, values.nan, values.low, 0, comparison.unordered});
}

TEST(Compare, EveryComparisonOfEveryType) {
  const Values signedTypes[] = {{"s16", 'h', 0xFFFF, 1, 0},
                                {"s32", 'r', 0xFFFFFFFF, 1, 0},
                                {"s64", 'd', ~uint64_t(0), 1, 0}};
  const Values unsignedTypes[] = {{"u16", 'h', 1, 0xFFFF, 0},
                                  {"u32", 'r', 1, 0xFFFFFFFF, 0},
                                  {"u64", 'd', 1, ~uint64_t(0), 0}};
  const Values floats[] = {
      {"f32", 'r', bits32(-1), bits32(2), 0x7FC00000},
      {"ftz.f32", 'r', bits32(-1), bits32(2), 0x7FC00000},
      {"f64", 'd', bits64(-1), bits64(2), 0x7FF8000000000000},
      {"f16", 'h', 0xBC00, 0x4000, 0x7E00},
      {"ftz.f16", 'h', 0xBC00, 0x4000, 0x7E00},
      {"bf16", 'h', 0xBF80, 0x4000, 0x7FC0},
  };
  std::vector<Form> forms;
  for (const Comparison &comparison : ordered) {
    for (const Values &values : signedTypes)
      addForms(forms, comparison, values);
    for (const Values &values : unsignedTypes)
      addForms(forms, comparison, values);
    for (const Values &values : floats)
      addForms(forms, comparison, values);
  }
  for (const Comparison &comparison : unsignedOnly)
    for (const Values &values : unsignedTypes)
      addForms(forms, comparison, values);
  for (const Comparison &comparison : unordered)
    for (const Values &values : floats)
      addForms(forms, comparison, values);
  for (size_t i = 0; i < 2; ++i)
    for (const Values &values :
         {Values{"b16", 'h', 1, 2, 0}, Values{"b32", 'r', 1, 2, 0},
          Values{"b64", 'd', 1, 2, 0}})
      addForms(forms, ordered[i], values);
  checkForms(32, forms);
}

TEST(Compare, SubnormalNumbers) {
  checkForms(
      32, {
              {"setp.gt.f32 p, ra, rb;\nselp.b32 rr, 1, 0, p;", 1, 0, 0, 1},
              {"setp.gt.ftz.f32 p, ra, rb;\nselp.b32 rr, 1, 0, p;", 1, 0, 0, 0},
              {"setp.gt.f16 p, ha, hb;\nselp.b32 rr, 1, 0, p;", 1, 0, 0, 1},
              {"setp.gt.ftz.f16 p, ha, hb;\nselp.b32 rr, 1, 0, p;", 1, 0, 0, 0},
              {"setp.eq.f32 p, ra, rb;\nselp.b32 rr, 1, 0, p;", 0x80000000, 0,
               0, 1},
          });
}

TEST(Compare, TwoPredicatesAndAThird) {
  const std::string give = "\nselp.b32 rr, 1, 0, p;\n@q add.u32 rr, rr, 2;";
  const std::string third = "setp.ne.u32 s, rc, 0;\n";
  checkForms(
      32,
      {
          {"setp.lt.s32 p|q, ra, rb;" + give, 1, 2, 0, 1},
          {"setp.lt.s32 p|q, ra, rb;" + give, 2, 1, 0, 2},
          {"setp.lt.s32 _|q, ra, rb;\nsetp.lt.s32 p|_, ra, rb;" + give, 2, 1, 0,
           2},
          {third + "setp.lt.and.s32 p|q, ra, rb, s;" + give, 1, 2, 0, 0},
          {third + "setp.lt.and.s32 p|q, ra, rb, s;" + give, 2, 1, 1, 2},
          {third + "setp.lt.or.s32 p|q, ra, rb, s;" + give, 2, 1, 1, 3},
          {third + "setp.lt.or.s32 p|q, ra, rb, !s;" + give, 1, 2, 1, 1},
          {third + "setp.lt.xor.s32 p|q, ra, rb, s;" + give, 1, 2, 1, 2},
          {third + "setp.lt.xor.s32 p, ra, rb, !s;\nmov.pred q, p;" + give, 1,
           2, 1, 3},
          {third + "setp.lt.and.ftz.f32 p, ra, rb, s;\nmov.pred q, p;" + give,
           0, 1, 1, 0},
          {"setp.lt.f16x2 p|q, ra, rb;" + give, 0x40003C00, 0x3C004000, 0, 1},
          {"setp.gt.bf16x2 p|q, ra, rb;" + give, 0x40003F80, 0x3F804000, 0, 2},
          {third + "setp.lt.or.f16x2 p|q, ra, rb, s;" + give, 0x40003C00,
           0x3C004000, 1, 3},
          {"setp.gt.ftz.f16x2 p|q, ra, rb;" + give, 0x00014000, 0, 0, 1},
      });
}

TEST(Compare, Set) {
  const std::string third = "setp.ne.u32 s, rc, 0;\n";
  checkForms(
      32,
      {
          {"set.lt.u32.s32 rr, ra, rb;", 1, 2, 0, 0xFFFFFFFF},
          {"set.lt.s32.u32 rr, ra, rb;", 2, 1, 0, 0},
          {"set.lt.f32.s32 rr, ra, rb;", 1, 2, 0, bits32(1)},
          {"set.gt.u32.f32 rr, ra, rb;", bits32(2), bits32(1), 0, 0xFFFFFFFF},
          {"set.gt.ftz.f32.f32 rr, ra, rb;", 1, 0, 0, 0},
          {"set.nan.u32.f64 rr, da, db;", 0x7FF8000000000000, 0, 0, 0xFFFFFFFF},
          {"set.eq.u32.b64 rr, da, db;", 5, 5, 0, 0xFFFFFFFF},
          {"set.ne.u32.b16 rr, ha, hb;", 5, 5, 0, 0},
          {third + "set.lt.and.u32.s32 rr, ra, rb, s;", 1, 2, 0, 0},
          {third + "set.lt.xor.u32.s32 rr, ra, rb, !s;", 1, 2, 0, 0},
          {"set.lt.u32.f16 rr, ha, hb;", 0x3C00, 0x4000, 0, 0xFFFFFFFF},
          {"set.lt.f16x2.f16x2 rr, ra, rb;", 0x40003C00, 0x3C004000, 0,
           0x00003C00},
          {"set.gt.f16x2.f16x2 rr, ra, rb;", 0x40003C00, 0x3C004000, 0,
           0x3C000000},
          {"set.lt.bf16x2.bf16x2 rr, ra, rb;", 0x40003F80, 0x3F804000, 0,
           0x00003F80},
      });
  checkForms(16,
             {
                 {"set.lt.f16.f16 hr, ha, hb;", 0x3C00, 0x4000, 0, 0x3C00},
                 {"set.lt.bf16.bf16 hr, ha, hb;", 0x3F80, 0x4000, 0, 0x3F80},
             });
}

TEST(Compare, UnknownForms) {
  expectUnknown({"setp.lt.b32 %p1, %r1, %r2;", "setp.equ.s32 %p1, %r1, %r2;",
                 "setp.lo.s32 %p1, %r1, %r2;",
                 "setp.lt.nand.s32 %p1, %r1, %r2, %p2;",
                 "setp.lt.ftz.f64 %p1, %d1, %d2;", "setp.lt %p1, %r1, %r2;",
                 "set.lt.s32 %r1, %r1, %r2;", "set.lt.f64.f32 %d1, %r1, %r2;",
                 "set.lt.f16.s32 %h1, %r1, %r2;"});
}
