//===- JsonTest.cpp - The JSON of a manifest ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "bundle/Json.h"

#include "gtest/gtest.h"

using namespace attn::runtime;
using namespace attn::runtime::json;

static std::string refusal(const std::string &text) {
  Result<Value> value = parse(text);
  return value.failed() ? value.message() : "nothing refused";
}

TEST(JsonTest, ReadsValues) {
  Result<Value> value = parse(" {\"a\" : [1, -2, true,false], \"b\":{}, "
                              "\"c\":\"x\\\"\\\\\\/\\n\\u0009\xC3\xA4\"} ");
  ASSERT_FALSE(value.failed()) << value.message();
  ASSERT_EQ(value->members.size(), 3u);
  const Value &list = value->members[0].second;
  ASSERT_EQ(list.items.size(), 4u);
  EXPECT_EQ(list.items[1].integer, -2);
  EXPECT_TRUE(list.items[2].boolean);
  EXPECT_FALSE(list.items[3].boolean);
  EXPECT_TRUE(value->members[1].second.members.empty());
  EXPECT_EQ(value->members[2].second.string, "x\"\\/\n\t\xC3\xA4");
  EXPECT_EQ(parse("-9223372036854775808")->integer, INT64_MIN);
}

TEST(JsonTest, RefusesWhatIsNotJson) {
  std::pair<const char *, const char *> cases[] = {
      {"", "at byte 0: expected a value"},
      {"nul", "at byte 0: expected an integer of 64 bits"},
      {"tru", "at byte 0: expected a value"},
      {"9223372036854775808", "at byte 0: expected an integer of 64 bits"},
      {"1.5", "at byte 1: expected nothing after the value"},
      {"[1 2]", "at byte 3: expected ',' or ']'"},
      {"[1,]", "at byte 3: expected an integer of 64 bits"},
      {"{\"a\" 1}", "at byte 5: expected ':'"},
      {"{\"a\":1 1}", "at byte 7: expected ',' or '}'"},
      {"{1:1}", "at byte 1: expected a string"},
      {"{\"a\":1,\"a\":2}", "at byte 10: expected distinct keys"},
      {"\"abc", "at byte 4: expected the end of a string"},
      {"\"\\", "at byte 2: expected the end of a string"},
      {"\"\\x\"", "at byte 3: expected an escape sequence"},
      {"\"\\u00e4\"",
       "at byte 3: expected an escape sequence of an ASCII character"},
      {"\"a\nb\"", "at byte 3: expected no control character in a string"}};
  for (auto [text, message] : cases)
    EXPECT_EQ(refusal(text), std::string("malformed JSON ") + message) << text;
}

TEST(JsonTest, RefusesWhatCostsTooMuch) {
  EXPECT_EQ(refusal(std::string(100000, '[')),
            "malformed JSON at byte 33: expected less nesting");
  std::string object = "{";
  for (int i = 0; i < 65; ++i)
    object += "\"" + std::to_string(i) + "\":0,";
  EXPECT_NE(refusal(object).find("expected fewer keys"), std::string::npos);
}
