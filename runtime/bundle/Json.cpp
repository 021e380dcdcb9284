//===- Json.cpp - The JSON of a manifest ----------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"

#include <algorithm>
#include <charconv>

using namespace attn::runtime;
using namespace attn::runtime::json;

namespace {
constexpr unsigned maxDepth = 32;
constexpr size_t maxMembers = 64;

/// A parser that stops at the first error.
class Parser {
public:
  explicit Parser(std::string_view text) : text(text) {}

  Result<Value> parse();

private:
  bool parseValue(Value &value, unsigned depth);
  bool parseObject(Value &value, unsigned depth);
  bool parseArray(Value &value, unsigned depth);
  bool parseString(std::string &string);
  bool parseEscape(std::string &string);
  bool parseInteger(Value &value);
  bool parseWord(std::string_view word);
  /// Whether `mark` comes next, after space; if so it is passed.
  bool skip(char mark);
  void skipSpace();
  bool expect(const char *what);

  std::string_view text;
  size_t position = 0;
  const char *expected = nullptr;
};
} // namespace

bool Parser::expect(const char *what) {
  if (!expected)
    expected = what;
  return false;
}

void Parser::skipSpace() {
  position = std::min(text.find_first_not_of(" \t\r\n", position), text.size());
}

bool Parser::skip(char mark) {
  skipSpace();
  if (position >= text.size() || text[position] != mark)
    return false;
  ++position;
  return true;
}

bool Parser::parseWord(std::string_view word) {
  if (text.substr(position, word.size()) != word)
    return expect("a value");
  position += word.size();
  return true;
}

bool Parser::parseInteger(Value &value) {
  value.kind = Value::Kind::Integer;
  const char *begin = text.data() + position;
  auto [end, error] =
      std::from_chars(begin, text.data() + text.size(), value.integer);
  if (error != std::errc())
    return expect("an integer of 64 bits");
  position += end - begin;
  return true;
}

bool Parser::parseEscape(std::string &string) {
  constexpr std::string_view marks = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  if (position >= text.size())
    return expect("the end of a string");
  char mark = text[position++];
  if (size_t index = marks.find(mark); index != std::string_view::npos) {
    string += meanings[index];
    return true;
  }
  unsigned code = 0;
  if (mark != 'u' || text.size() - position < 4)
    return expect("an escape sequence");
  const char *digits = text.data() + position;
  auto [end, error] = std::from_chars(digits, digits + 4, code, 16);
  if (error != std::errc() || end != digits + 4 || code >= 0x80)
    return expect("an escape sequence of an ASCII character");
  string += static_cast<char>(code);
  position += 4;
  return true;
}

bool Parser::parseString(std::string &string) {
  if (!skip('"'))
    return expect("a string");
  while (position < text.size()) {
    char next = text[position++];
    if (next == '"')
      return true;
    if (static_cast<unsigned char>(next) < 0x20)
      return expect("no control character in a string");
    if (next != '\\')
      string += next;
    else if (!parseEscape(string))
      return false;
  }
  return expect("the end of a string");
}

bool Parser::parseArray(Value &value, unsigned depth) {
  value.kind = Value::Kind::Array;
  if (skip(']'))
    return true;
  do {
    if (!parseValue(value.items.emplace_back(), depth + 1))
      return false;
  } while (skip(','));
  return skip(']') || expect("',' or ']'");
}

bool Parser::parseObject(Value &value, unsigned depth) {
  value.kind = Value::Kind::Object;
  if (skip('}'))
    return true;
  do {
    std::string key;
    if (!parseString(key))
      return false;
    for (const auto &member : value.members)
      if (member.first == key)
        return expect("distinct keys");
    if (value.members.size() == maxMembers)
      return expect("fewer keys");
    if (!skip(':'))
      return expect("':'");
    value.members.emplace_back(std::move(key), Value());
    if (!parseValue(value.members.back().second, depth + 1))
      return false;
  } while (skip(','));
  return skip('}') || expect("',' or '}'");
}

bool Parser::parseValue(Value &value, unsigned depth) {
  if (depth > maxDepth)
    return expect("less nesting");
  skipSpace();
  if (position >= text.size())
    return expect("a value");
  switch (text[position]) {
  case '{':
    ++position;
    return parseObject(value, depth);
  case '[':
    ++position;
    return parseArray(value, depth);
  case '"':
    value.kind = Value::Kind::String;
    return parseString(value.string);
  case 't':
    value.boolean = true;
    return parseWord("true");
  case 'f':
    return parseWord("false");
  default:
    return parseInteger(value);
  }
}

Result<Value> Parser::parse() {
  Value value;
  if (parseValue(value, 0)) {
    skipSpace();
    if (position < text.size())
      expect("nothing after the value");
  }
  if (expected)
    return failure("malformed JSON at byte ", position, ": expected ",
                   expected);
  return value;
}

Result<Value> json::parse(std::string_view text) {
  return Parser(text).parse();
}
