//===- Immediate.cpp - Numbers in PTX -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Immediate.h"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>

using namespace attn::runtime::emulator;

/// Whether `digits` start with a zero and the letter, in either case.
static bool hasPrefix(const std::string &digits, char letter) {
  return digits.size() > 1 && digits[0] == '0' &&
         std::tolower(static_cast<unsigned char>(digits[1])) == letter;
}

static bool isLiteral(const std::string &digits) {
  return hasPrefix(digits, 'f') || hasPrefix(digits, 'd');
}

/// `0f` and eight digits, or `0d` and sixteen: the bits.
static std::optional<uint64_t> parseLiteral(const std::string &digits) {
  if (digits.size() != (hasPrefix(digits, 'f') ? 10 : 18))
    return std::nullopt;
  uint64_t bits = 0;
  const char *end = digits.data() + digits.size();
  if (std::from_chars(digits.data() + 2, end, bits, 16).ptr != end)
    return std::nullopt;
  return bits;
}

static double valueOf(uint64_t bits, bool isSingle) {
  if (isSingle) {
    auto word = static_cast<uint32_t>(bits);
    float single;
    std::memcpy(&single, &word, sizeof(single));
    return single;
  }
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

static uint64_t bitsOf(double value, bool isSingle) {
  uint64_t bits = 0;
  auto single = static_cast<float>(value);
  if (isSingle)
    std::memcpy(&bits, &single, sizeof(single));
  else
    std::memcpy(&bits, &value, sizeof(value));
  return bits;
}

/// The bits of a floating-point number of 32 or 64 bits.
static std::optional<uint64_t> parseFloat(const std::string &digits,
                                          bool negative, bool isSingle) {
  double value;
  if (isLiteral(digits)) {
    bool isSingleLiteral = hasPrefix(digits, 'f');
    std::optional<uint64_t> bits = parseLiteral(digits);
    if (!bits || (!negative && isSingleLiteral == isSingle))
      return bits;
    value = valueOf(*bits, isSingleLiteral);
  } else {
    char *end = nullptr;
    value = std::strtod(digits.c_str(), &end);
    if (*end)
      return std::nullopt;
  }
  return bitsOf(negative ? -value : value, isSingle);
}

static std::optional<uint64_t> parseInteger(const std::string &digits,
                                            bool negative, unsigned bits) {
  bool isHexadecimal = hasPrefix(digits, 'x'),
       isBinary = hasPrefix(digits, 'b');
  bool isOctal = digits.size() > 1 && digits[0] == '0' &&
                 std::isdigit(static_cast<unsigned char>(digits[1]));
  int base = isHexadecimal ? 16 : isBinary ? 2 : isOctal ? 8 : 10;
  uint64_t value = 0;
  const char *end = digits.data() + digits.size();
  const char *begin = digits.data() + (isHexadecimal || isBinary ? 2 : 0);
  auto [stop, code] = std::from_chars(begin, end, value, base);
  if (code != std::errc() || (stop != end && std::string(stop) != "U"))
    return std::nullopt;
  uint64_t limit =
      negative ? uint64_t(1) << (bits - 1) : ~uint64_t(0) >> (64 - bits);
  if (bits > 1 && bits < 64 && value > limit)
    return std::nullopt;
  return negative ? 0 - value : value;
}

std::optional<uint64_t>
attn::runtime::emulator::parseNumber(const std::string &text, unsigned bits,
                                     bool wantsFloat) {
  bool negative = text[0] == '-';
  std::string digits = text.substr(negative);
  bool isFloat = isLiteral(digits) || (!hasPrefix(digits, 'x') &&
                                       digits.find('.') != std::string::npos);
  if (!isFloat)
    return wantsFloat ? std::nullopt : parseInteger(digits, negative, bits);
  // The bits of a float may stand for any value of their width.
  bool fits = wantsFloat || (isLiteral(digits) &&
                             bits == (hasPrefix(digits, 'f') ? 32u : 64u));
  if (!fits)
    return std::nullopt;
  return parseFloat(digits, negative, bits == 32);
}
