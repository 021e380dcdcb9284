//===- Lexer.cpp - Splits PTX into words ----------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"

#include "Syntax.h"

#include <algorithm>
#include <cctype>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

bool attn::runtime::emulator::isWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' ||
         c == '%' || c == '.';
}

bool attn::runtime::emulator::isNumber(const std::string &text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0]));
}

/// The end of the comment at `at`, or `at` where there is none.
static size_t skipComment(const std::string &text, size_t at, uint32_t &line) {
  if (text.compare(at, 2, "//") == 0)
    return std::min(text.find('\n', at), text.size());
  if (text.compare(at, 2, "/*") != 0)
    return at;
  size_t end = text.find("*/", at + 2);
  end = end == std::string::npos ? text.size() : end + 2;
  for (; at < end; ++at)
    line += text[at] == '\n';
  return end;
}

/// Whether the sign at `at` belongs to a number that starts at `begin`, like
/// that of `1.5e-3`.
static bool isSignOfExponent(const std::string &text, size_t begin, size_t at) {
  return (text[at] == '-' || text[at] == '+') &&
         std::isdigit(static_cast<unsigned char>(text[begin])) &&
         (text[at - 1] == 'e' || text[at - 1] == 'E') &&
         text.substr(begin, at - begin).find('.') != std::string::npos;
}

static size_t endOfWord(const std::string &text, size_t begin) {
  size_t end = begin;
  while (end < text.size()) {
    if (text.compare(end, 2, "::") == 0)
      end += 2;
    else if (isWord(text[end]) ||
             (end > begin && isSignOfExponent(text, begin, end)))
      ++end;
    else
      break;
  }
  return end;
}

Result<std::vector<Token>>
attn::runtime::emulator::tokenize(const std::string &text,
                                  const std::vector<std::string> &lines) {
  std::vector<Token> tokens;
  uint32_t line = 1;
  for (size_t at = 0; at < text.size();) {
    char c = text[at];
    size_t end = skipComment(text, at, line);
    if (end != at) {
      at = end;
      continue;
    }
    if (std::isspace(static_cast<unsigned char>(c))) {
      line += c == '\n';
      ++at;
      continue;
    }
    if (isWord(c)) {
      end = endOfWord(text, at);
    } else if (c == '"') {
      end = text.find_first_of("\"\n", at + 1);
      if (end == std::string::npos || text[end] == '\n')
        return lineFailure(lines, line, "expected the end of a string");
      ++end;
    } else if (std::string("{}[]()<>,;:@!+-|=").find(c) != std::string::npos) {
      end = at + 1;
    } else {
      return lineFailure(lines, line,
                         std::string("unexpected character '") + c + "'");
    }
    tokens.push_back({text.substr(at, end - at), line});
    at = end;
  }
  tokens.push_back({"", line});
  return tokens;
}
