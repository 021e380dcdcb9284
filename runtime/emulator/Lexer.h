//===- Lexer.h - Splits PTX into words --------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_LEXER_H
#define ATTN_RUNTIME_EMULATOR_LEXER_H

#include "attn/Runtime/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace attn::runtime::emulator {

/// A word, a string or a punctuation character; empty at the end of the text.
struct Token {
  std::string text;
  uint32_t line = 0;
};

/// Whether a word may contain `c`.
bool isWord(char c);
/// Whether a word is a number.
bool isNumber(const std::string &text);

/// The tokens of `text`, whose lines are `lines`.
Result<std::vector<Token>> tokenize(const std::string &text,
                                    const std::vector<std::string> &lines);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_LEXER_H
